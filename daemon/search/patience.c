#include "search/rule.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* How it stands after the first points of a curve. */
struct wait {
	bool has_best;
	double best; /* cost */
	int64_t best_step;
	int64_t reports; /* since then */
};

struct patience_trial {
	struct pruner_trial base;
	struct wait before; /* after the points [0, n_before) */
	size_t n_before;
};

static void add(const struct pruner *p, struct wait *w,
		const struct curve_point *at)
{
	double delta = p->options->min_delta;
	double cost = rule_cost(p, at->value);

	if (isfinite(cost) && (!w->has_best || cost < w->best - delta))
		*w = (struct wait){ .has_best = true,
				    .best = cost,
				    .best_step = at->step };
	else
		w->reports += w->has_best;
}

static void stop(const struct pruner *p, const struct wait *w, int64_t step,
		 struct verdict *ret)
{
	double best = rule_cost(p, w->best);
	double delta = p->options->min_delta;
	cJSON *data = rule_data(p, "patience", step);
	char value[JSON_NUMBER_BYTES], by[JSON_NUMBER_BYTES], reason[64];

	json_add_number(data, "value", best);
	json_add_number(data, "limit", delta);
	json_add_integer(data, "best_step", w->best_step);
	json_add_integer(data, "reports", w->reports);
	snprintf(reason, sizeof(reason), "patience@%" PRId64, step);
	rule_stop(ret, reason, data,
		  "stopped at step %" PRId64 " by the patience rule: its %s "
		  "has not improved by more than %s on %s, reached at step "
		  "%" PRId64 ", in %" PRId64 " reported step%s",
		  step, p->spec->metric, json_number_text(delta, by),
		  json_number_text(best, value), w->best_step, w->reports,
		  w->reports == 1 ? "" : "s");
}

static void patience_report(struct pruner *p, struct pruner_trial *base,
			    const struct curve *c, size_t i,
			    struct verdict *ret)
{
	struct patience_trial *t = (struct patience_trial *)base;
	const struct early_stopping *e = p->options;
	struct wait w;

	/* The last point may be told again, so it is never counted for good. */
	if (i < t->n_before) {
		t->n_before = 0;
		t->before = (struct wait){ 0 };
	}
	for (; t->n_before < c->n - 1; t->n_before++)
		add(p, &t->before, &c->points[t->n_before]);
	w = t->before;
	add(p, &w, &c->points[c->n - 1]);
	if (!ret->stop && (int64_t)c->n >= e->min_steps &&
	    w.reports >= e->patience && w.has_best)
		stop(p, &w, c->points[c->n - 1].step, ret);
}

const struct rule patience_rule = {
	.size = sizeof(struct pruner),
	.trial_size = sizeof(struct patience_trial),
	.report = patience_report,
};
