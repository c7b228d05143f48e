#pragma once

/*
 * Where the acquisition is largest, in a space of reals, grids and choices: the
 * best of many scattered points are improved by turns, reals by their gradient
 * within the box, grids and choices by trying their other values. Values that
 * are no configuration are never evaluated.
 */
#include "search/acquisition.h"
#include "search/encoding.h"

struct maximize {
	const struct encoding *encoding;
	struct acquisition *acquisition;
	/*
	 * [d] numeric axes stay inside; places of a grid are never cut off.
	 * Of choices the first and the last index.
	 */
	const double *lower, *upper;
	/* [n_anchors][d] known good points, best first, to look around */
	const double *anchors;
	size_t n_anchors;
	uint64_t seed, index;     /* of the scattered points */
	size_t scattered, around; /* how many: anywhere; near the anchors */
	size_t starts;            /* how many are improved */
};

/* Points and their acquisition, largest first. */
struct maxima {
	size_t n, cap, d;
	double *x;     /* [n][d] */
	double *value; /* [n] */
};

/* All points that were looked at; maxima_fini(). */
void maximize(const struct maximize *m, struct maxima *ret);
/* Values and sorts the points of @p. */
void maximize_list(const struct maximize *m, struct maxima *p);

/* No points of @d axes; room for one more, [d]. */
void maxima_init(struct maxima *p, size_t d);
double *maxima_add(struct maxima *p);
void maxima_fini(struct maxima *p);
