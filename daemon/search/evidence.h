#pragma once

/*
 * What a history says to a model, as points of an encoding:
 *
 *   results   trials with a finite result. Equal configurations are one point,
 *             with the mean of their scores, in which a mean of runs counts
 *             as often as it has runs. A pruned trial counts with what it
 *             had reached, but never as better than the median: it was stopped
 *             because it was not.
 *   early     trials that were stopped early (history_early()), or with less of
 *             a budget than the results have, the latest EARLY of them: what
 *             they had reached says too little, and as results they would keep
 *             the model away from more than was seen. They are as good as
 *             running, so that nobody tries the same again beside them.
 *   failed    trials that have no result: crashed, out of memory, timed out, a
 *             loss that is not a number or infinite, or so large (1e15, where
 *             others stay far below) that it is but another word for it. They
 *             have no value; a second model learns where trials fail.
 *   running   trials whose result is still to come.
 *   timed     trials that ran to their end, and whose duration is known.
 *
 * Cancelled and lost trials say nothing. All are ordered by trial number, so
 * the order in which they ended makes no difference.
 */
#include "search/branch.h"
#include "search/encoding.h"
#include "search/history.h"

#define EARLY 200

struct points {
	size_t n;
	double *x;      /* [n][d] */
	size_t *number; /* [n] of a trial there */
};

struct evidence {
	size_t d;
	struct points results, failed, running, early, timed;
	double *score;   /* [results.n] lower is better */
	double *repeats; /* [results.n] runs behind the score */
	double *seconds; /* [timed.n] above 0 */
	size_t best;     /* index of the least score */
};

/* @x [h->n][d]: the encoded configurations. evidence_fini(). */
void evidence_init(struct evidence *v, const struct history *h, const double *x,
		   size_t d);
void evidence_fini(struct evidence *v);

/*
 * The indices of the best of the first @n results that are in @branch, best
 * first, of equal ones the earlier, at most @max, to @ret. Returns how many.
 */
size_t evidence_best(const struct evidence *v, size_t n,
		     const struct branch *branch, size_t max, size_t *ret);
