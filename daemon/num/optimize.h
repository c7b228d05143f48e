#pragma once

/*
 * Finds a local minimum of a smooth function in a box: L-BFGS of NLopt, which
 * is L. Luksan's PLIS.
 *
 * It is deterministic, and never gives a worse point than it was given.
 */
#include <stddef.h>

#define MINIMIZE_MAX 1024 /* dimensions */

/*
 * The value at @x, which lies in the box, and, in @ret_gradient, its gradient.
 * If one of them is NaN or infinite, @x is not allowed, and the search steps
 * back.
 */
typedef double minimize_fn(void *ctx, const double *x, double *ret_gradient);

struct minimize_problem {
	size_t n; /* <= MINIMIZE_MAX */
	/* [n]; equal ones fix a coordinate, infinite ones are none */
	const double *lower, *upper;
	minimize_fn *fn;
	void *ctx; /* for @fn */
};

/* The search ends with whichever comes first. */
struct minimize_options {
	size_t max_evaluations; /* at least 1 */
	/*
	 * The largest component of the gradient that does not point out of the
	 * box is at most this, or at most 1e-8.
	 */
	double gradient_tolerance;
	/* a step improved the value by less than this share of it */
	double value_tolerance;
};

/*
 * Searches from @x [n], moved into the box first; @x gets the best point seen
 * and @ret_value its value. Returns 0, or 1: no finite value was seen; @x is
 * then the start.
 */
int minimize_box(const struct minimize_problem *p,
		 const struct minimize_options *o, double *x,
		 double *ret_value);
