#pragma once

/*
 * Sums over the rows of one axis, weighted: what derivatives of a kernel come
 * to. Eight partial sums each, so that they vectorise; the order of summation
 * is the same on every machine.
 */
#include <stddef.h>

/* sum over a < n of w[a] (x[a] - c)^2 */
double weighted_sqdist(size_t n, const double *w, const double *x, double c);
/* sum over a < n of w[a] (c - x[a]) */
double weighted_diff(size_t n, const double *w, const double *x, double c);
/* sum over a < n of w[a] where x[a] is not c */
double weighted_unequal(size_t n, const double *w, const double *x, double c);
