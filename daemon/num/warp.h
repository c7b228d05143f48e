#pragma once

/*
 * A monotone map of the unit interval onto itself that bends an axis:
 * w(x) = 1 - (1 - x^a)^b, the distribution function of P. Kumaraswamy (1980);
 * as a warp of inputs: J. Snoek et al., "Input warping for Bayesian
 * optimization of non-stationary functions", ICML 2014. a = b = 1: w(x) = x.
 */

/* The value and its derivatives by x, a and b. */
struct warp {
	double w, dx, da, db;
};

/*
 * The warp of @x with exponents @a and @b > 0. Outside [1e-7, 1 - 1e-7], where
 * derivatives can be infinite, @x counts as the nearer end; dx too is the one
 * there, so that it still points somewhere.
 */
struct warp warp_at(double x, double a, double b);
