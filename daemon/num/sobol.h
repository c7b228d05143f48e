#pragma once

/*
 * Sobol's low-discrepancy sequence: the first 2^k points put exactly one point
 * in each of 2^k equal intervals of every axis, and fill pairs of axes evenly.
 *
 * Direction numbers: S. Joe, F. Y. Kuo, "Constructing Sobol sequences with
 * better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), the set
 * new-joe-kuo-6. Scrambling: a random linear matrix and a digital shift, J.
 * Matousek, "On the L2-discrepancy for anchored boxes", J. Complexity 14
 * (1998). It keeps the property above and makes each point alone uniform.
 *
 * Coordinates have 32 digits: two points closer than 2^-32 are one.
 */
#include <stdint.h>

#define SOBOL_AXES 1024
#define SOBOL_BITS 32

/* The generating matrix of one axis, by columns, first digit on top. */
struct sobol_axis {
	uint32_t column[SOBOL_BITS];
	uint32_t shift;
};

/* The plain sequence of @axis < SOBOL_AXES; its first point is 0. */
void sobol_init(struct sobol_axis *a, uint32_t axis);

/* The same sequence scrambled by @seed. */
void sobol_init_scrambled(struct sobol_axis *a, uint32_t axis, uint64_t seed);

/* The coordinate of point @i on this axis, times 2^32. */
uint32_t sobol_digits(const struct sobol_axis *a, uint32_t i);

/* The coordinate in (0, 1): the middle of its 2^32nd. */
double sobol_unit(const struct sobol_axis *a, uint32_t i);
