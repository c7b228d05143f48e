#pragma once

/*
 * The Matern covariance with smoothness 5/2, in loops that the compiler can
 * turn into vector instructions. The results are the same on every processor.
 */
#include <stddef.h>

/* @r2[a] += w * (x[a] - c)^2 for a < n: the share of one axis in a distance. */
void sqdist_add(size_t n, const double *x, double c, double w, double *r2);

/*
 * Covariances of unit variance at the squared distances @r2 [n] >= 0, scaled by
 * the lengthscales. With rho = sqrt(5 r2):
 *
 *     k[a] = (1 + rho + rho^2 / 3) exp(-rho)
 *     g[a] = (5/3) (1 + rho) exp(-rho)
 *
 * so that dk = -g/2 d(r2): for r2 = sum_i (x_i - y_i)^2 / l_i^2, dk/dx_i is
 * -g (x_i - y_i) / l_i^2 and dk/d(ln l_i) is g (x_i - y_i)^2 / l_i^2.
 * Both are exactly 0 where rho > 708, and right to 4 ulp for the rounded rho; a
 * NaN gives NaN. @g may be NULL; @k or @g may be @r2.
 */
void matern52(size_t n, const double *r2, double *k, double *g);
