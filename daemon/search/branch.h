#pragma once

/*
 * A part of a space with choices: all points with one value of one of them,
 * the branch of an optimizer, say, with the parameters that it alone has.
 */
#include "search/encoding.h"

struct branch {
	size_t axis;
	double choice;
};

/*
 * At every @turn the next one of all other values of the choices that @x [e->n]
 * makes; false: it makes none.
 */
bool branch_beside(const struct encoding *e, const double *x, uint64_t turn,
		   struct branch *ret);

/* NULL: the whole space. */
static inline bool branch_has(const struct branch *b, const double *x)
{
	return b == NULL || x[b->axis] == b->choice;
}
