#pragma once

/*
 * Which of many results a Gaussian process is made of, since what it costs
 * grows with their cube. All are indices of results, in ascending order.
 */
#include "search/evidence.h"
#include "search/gp.h"

/*
 * At most @max of the first @n results of @v, to @ret: the best half, and of
 * the others as many at equal intervals of rank. Returns how many.
 */
size_t rows_spread(const struct evidence *v, size_t n, size_t max, size_t *ret);

/*
 * All results, to @ret [results.n]; or of very many a third the best, a third
 * nearest to the best one in the lengthscales of @g, and the rest from
 * everywhere. Returns how many.
 */
size_t rows_local(const struct evidence *v, const struct gp *g, size_t *ret);
