#include "search/rule.h"

#include <inttypes.h>
#include <stdio.h>

static void threshold_report(struct pruner *p, struct pruner_trial *t,
			     const struct curve *c, size_t i,
			     struct verdict *ret)
{
	const struct early_stopping *e = p->options;
	const struct curve_point *at = &c->points[i];
	char value[JSON_NUMBER_BYTES], bound[JSON_NUMBER_BYTES], reason[64];
	bool above = e->has_max && at->value > e->max;
	bool below = e->has_min && at->value < e->min;
	double limit = above ? e->max : e->min;
	cJSON *data;

	if (ret->stop || (int64_t)c->n < e->min_steps || (!above && !below))
		return;
	data = rule_data(p, "threshold", at->step);
	json_add_number(data, "value", at->value);
	json_add_number(data, "limit", limit);
	cJSON_AddStringToObject(data, "side", above ? "max" : "min");
	snprintf(reason, sizeof(reason), "threshold@%" PRId64, at->step);
	rule_stop(ret, reason, data,
		  "stopped at step %" PRId64 " by the threshold rule: its %s "
		  "%s is %s %s, the %s allowed",
		  at->step, p->spec->metric, json_number_text(at->value, value),
		  above ? "above" : "below", json_number_text(limit, bound),
		  above ? "highest" : "lowest");
}

const struct rule threshold_rule = {
	.size = sizeof(struct pruner),
	.trial_size = sizeof(struct pruner_trial),
	.report = threshold_report,
};
