#pragma once

/*
 * What came out of a search, for the questions that are asked of all of its
 * trials at once. Borrowed arrays; no trial comes without a result.
 */
#include "schema/space.h"

struct results {
	const struct space *space;
	const struct cell *configs; /* [n][space->n] */
	/*
	 * [n] Lower is better. +infinity: it is only known to be worse than the
	 * others, since it diverged or was stopped early.
	 */
	const double *scores;
	size_t n;
};

static inline const struct cell *results_cell(const struct results *r,
					      size_t trial, size_t param)
{
	return &r->configs[trial * r->space->n + param];
}
