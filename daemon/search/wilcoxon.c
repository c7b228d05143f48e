#include "search/wilcoxon.h"

#include "num/signed_rank.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define MIN_PAIRS 2

/* NaN or infinite if a value is. */
static double mean_of(const struct curve *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->n; i++)
		sum += c->points[i].value;
	return sum / (double)c->n;
}

/* How much worse the trial is in each run that both have: [pairs], new. */
static double *differences(const struct curve *trial, const struct curve *best,
			   double sign, size_t *ret_pairs)
{
	double *d = xcalloc(trial->n + 1, sizeof(*d));
	size_t n = 0, k = 0;

	for (size_t i = 0; i < trial->n; i++) {
		const struct curve_point *at = &trial->points[i];

		while (k < best->n && best->points[k].step < at->step)
			k++;
		if (k < best->n && best->points[k].step == at->step)
			d[n++] = sign * (at->value - best->points[k].value);
	}
	*ret_pairs = n;
	return d;
}

bool wilcoxon_loses(const struct curve *trial, const struct curve *best,
		    enum goal goal, double p_max, struct wilcoxon *ret)
{
	double sign = goal == GOAL_MAXIMIZE ? -1 : 1;
	auto_free double *d = differences(trial, best, sign, &ret->pairs);

	ret->p = (double)NAN;
	ret->mean = mean_of(trial);
	ret->best_mean = mean_of(best);
	if (ret->pairs < MIN_PAIRS || !isfinite(ret->mean) ||
	    !isfinite(ret->best_mean))
		return false;
	ret->p = signed_rank(d, ret->pairs);
	return ret->p < p_max && sign * ret->mean > sign * ret->best_mean;
}
