#pragma once

/*
 * The results over one parameter: those of the trials in each part of its
 * range, or with each of its values. Nothing is fitted, so a sampler that
 * looked where it was good shows there, too.
 */
#include "why/results.h"

#define MARGINAL_PARTS 10 /* of a range; as many values are told one by one */

struct marginal {
	/*
	 * Of a number, the values from low to high, both included; equal: one
	 * value. Of a choice, both its index.
	 */
	struct cell low, high;
	size_t n;
	/* Scores; infinite where trials without one would come. */
	double best, quarter, median, three_quarters;
};

/*
 * Parts of @param that hold trials, in ascending order: a new array, free().
 * Without trials 0 and NULL.
 */
size_t marginal_find(const struct results *r, size_t param,
		     struct marginal **ret_list);
