#include "search/trust.h"

#include <math.h>

#define START     0.8
#define LEAST     (1.0 / 128)
#define MOST      1.6
#define SUCCESSES 3

/*
 * The side of the region, in units of an axis: twice as long after successes in
 * a row, half after failures; when it has become tiny it begins anew. Replayed
 * from the results, so that it needs no state; @ret_best: the best, if any.
 */
static double side(const struct evidence *v, const struct branch *branch,
		   size_t *ret_best)
{
	double length = START, best = (double)INFINITY;
	size_t successes = 0, failures = 0;

	for (size_t i = 0; i < v->results.n; i++) {
		bool better = !(v->score[i] >= best - 1e-3 * fabs(best));

		if (!branch_has(branch, v->results.x + i * v->d))
			continue;
		if (v->score[i] < best)
			*ret_best = i;
		best = fmin(best, v->score[i]);
		successes = better ? successes + 1 : 0;
		failures = better ? 0 : failures + 1;
		if (successes == SUCCESSES) {
			length = fmin(MOST, 2 * length);
			successes = 0;
		} else if (failures == v->d) {
			length /= 2;
			failures = 0;
		}
		if (length < LEAST)
			length = START;
	}
	return length;
}

void trust_box(const struct gp *g, const struct evidence *v,
	       const struct branch *branch, double *ret_lower,
	       double *ret_upper)
{
	const double *centre;
	double length, mean = 0;
	size_t best = v->best;

	for (size_t i = 0; i < v->d; i++) {
		ret_lower[i] = 0;
		ret_upper[i] = 1;
	}
	if (branch == NULL && v->d <= TRUST_AXES)
		return;
	length = side(v, branch, &best);
	centre = v->results.x + best * v->d;
	for (size_t i = 0; i < v->d; i++)
		mean += g->hyper[i] / (double)v->d;
	for (size_t i = 0; i < v->d; i++) {
		/* Longer along axes on which the result varies less. */
		double weight = exp(g->hyper[i] - mean);
		double half = length / 2 * fmin(2, fmax(0.5, weight));

		if (g->is_choice[i])
			continue;
		ret_lower[i] = fmax(0, centre[i] - half);
		ret_upper[i] = fmin(1, centre[i] + half);
	}
}
