#include "search/wilcoxon.h"

#include "num/signed_rank.h"
#include "search/rule.h"

#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
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

void wilcoxon_judge(const struct search_spec *spec, const struct curve *trial,
		    const struct curve *best, int64_t number,
		    struct verdict *ret)
{
	char mean[JSON_NUMBER_BYTES], best_mean[JSON_NUMBER_BYTES], reason[64];
	const struct early_stopping *race = search_rule(spec, PRUNER_WILCOXON);
	struct curve same = *best;
	struct wilcoxon w;
	cJSON *data;

	if (race == NULL)
		return;
	/* Else a trial would look good for the folds that are easy. */
	same.n = curve_until(best, trial->points[trial->n - 1].step);
	if (!wilcoxon_loses(trial, &same, spec->goal, race->p, &w))
		return;
	data = cJSON_CreateObject();
	cJSON_AddStringToObject(data, "rule", "wilcoxon");
	cJSON_AddStringToObject(data, "metric", spec->metric);
	json_add_integer(data, "runs", (int64_t)trial->n);
	json_add_number(data, "value", w.mean);
	json_add_number(data, "limit", w.best_mean);
	json_add_integer(data, "best", number);
	json_add_integer(data, "pairs", (int64_t)w.pairs);
	json_add_number(data, "p", w.p);
	json_add_number(data, "p_max", race->p);
	snprintf(reason, sizeof(reason), "wilcoxon@%zu", trial->n);
	rule_stop(ret, reason, data,
		  "stopped after %zu of %" PRId64 " runs by the wilcoxon rule: "
		  "their mean %s %s is worse than %s, that of trial %" PRId64
		  " in the same runs, and in %zu pairs of them chance alone "
		  "would do that with p = %.3g (below %g)",
		  trial->n, spec->runs, spec->metric,
		  json_number_text(w.mean, mean),
		  json_number_text(w.best_mean, best_mean), number, w.pairs,
		  w.p, race->p);
}

/* Only what has diverged is stopped by its curve. */
const struct rule wilcoxon_rule = {
	.size = sizeof(struct pruner),
	.trial_size = sizeof(struct pruner_trial),
};
