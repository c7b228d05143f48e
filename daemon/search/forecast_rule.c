#include "search/forecast.h"
#include "search/rule.h"
#include "search/rungs.h"

#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_STEP   9 /* it is T over this, unless min_steps says so */
#define KNOWN_TRIALS 3 /* completed ones, before anything is foretold */

struct forecaster {
	struct pruner base;
	struct progress **done; /* [n], of completed trials */
	size_t n, cap;
};

struct forecast_trial {
	struct pruner_trial base;
	struct progress *done; /* owned by the pruner; NULL: not completed */
};

static double result_of(const struct progress *done)
{
	return done->points[done->n - 1].cost;
}

/* The last step of a whole trial, and the best result of those. */
static int64_t find_best(const struct forecaster *f, double *ret_best)
{
	int64_t longest = 0;

	*ret_best = (double)INFINITY;
	for (size_t i = 0; i < f->n; i++) {
		const struct progress *done = f->done[i];
		int64_t last = done->points[done->n - 1].step;

		*ret_best = fmin(*ret_best, result_of(done));
		if (last > longest)
			longest = last;
	}
	return f->base.options->max_steps > 0 ? f->base.options->max_steps
					      : longest;
}

/* Is it time to judge, at the report of @step after @before? */
static bool is_due(const struct forecaster *f, int64_t last, int64_t before,
		   int64_t step)
{
	int64_t first = f->base.options->min_steps;

	if (first == 0)
		first = (last + FIRST_STEP / 2) / FIRST_STEP;
	if (first < 1)
		first = 1;
	return step >= first && step < last &&
	       rungs_dense(first, step) > before;
}

static bool forecast_foretell(const struct pruner_trial *t,
			      const struct curve *c, struct foretold *ret)
{
	const struct pruner *base = t->pruner;
	const struct forecaster *f = (const struct forecaster *)base;
	struct progress own;
	struct forecast at_last;
	double best;

	if (f->n < KNOWN_TRIALS)
		return false;
	ret->in_seconds = base->options->in_seconds;
	ret->last = find_best(f, &best);
	progress_of(c, base->spec->result, base->spec->goal, &own);
	if (!forecast_make(&own, (const struct progress *const *)f->done, f->n,
			   ret->last, &at_last))
		return false;
	ret->mean = rule_cost(base, at_last.mean);
	ret->sd = at_last.sd;
	ret->trials = f->n;
	ret->best = rule_cost(base, best);
	ret->probability = forecast_below(&at_last, best);
	return true;
}

static void stop(const struct pruner *p, int64_t step,
		 const struct foretold *by, struct verdict *ret)
{
	cJSON *data = rule_data(p, "forecast", step);
	char a[JSON_NUMBER_BYTES], reason[64];

	json_add_number(data, "value", by->mean);
	json_add_number(data, "limit", by->best);
	json_add_number(data, "sd", by->sd);
	json_add_integer(data, "last", by->last);
	json_add_number(data, "probability", by->probability);
	json_add_number(data, "below", p->options->probability);
	json_add_integer(data, "trials", (int64_t)by->trials);
	rule_reason(p, "forecast", step, reason);
	rule_stop(ret, reason, data,
		  "stopped at %s %" PRId64 " by the forecast rule: the %s "
		  "foretold for %s %" PRId64 " is %.4g (+- %.2g), better "
		  "than %s, the best of %zu trials, with probability %.2g, "
		  "below %g",
		  rule_step(p), step, p->spec->metric, rule_step(p), by->last,
		  by->mean, by->sd, json_number_text(by->best, a), by->trials,
		  by->probability, p->options->probability);
}

static void forecast_report(struct pruner *base, struct pruner_trial *t,
			    const struct curve *c, size_t i,
			    struct verdict *ret)
{
	const struct forecaster *f = (const struct forecaster *)base;
	int64_t step = c->points[i].step, before, last;
	struct foretold by;
	double best;

	if (ret->stop || i + 1 < c->n || f->n < KNOWN_TRIALS)
		return;
	last = find_best(f, &best);
	before = i > 0 ? c->points[i - 1].step : INT64_MIN;
	if (is_due(f, last, before, step) && forecast_foretell(t, c, &by) &&
	    by.probability < base->options->probability)
		stop(base, step, &by, ret);
}

static void forecast_ended(struct pruner *base, struct pruner_trial *base_trial,
			   const struct curve *c, enum trial_state state)
{
	struct forecast_trial *t = (struct forecast_trial *)base_trial;
	struct forecaster *f = (struct forecaster *)base;
	struct progress *done;

	if (t->done != NULL || state != TRIAL_DONE)
		return;
	done = xcalloc(1, sizeof(*done));
	progress_of(c, base->spec->result, base->spec->goal, done);
	if (done->n == 0) { /* without a finite value */
		free(done);
		return;
	}
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? 2 * f->cap : 16;
		f->done =
		    xreallocarray(f->done, f->cap, sizeof(struct progress *));
	}
	t->done = f->done[f->n++] = done;
}

static void forecast_forget(struct pruner *base,
			    struct pruner_trial *base_trial)
{
	struct forecast_trial *t = (struct forecast_trial *)base_trial;
	struct forecaster *f = (struct forecaster *)base;
	size_t i = 0;

	if (t->done == NULL)
		return;
	while (f->done[i] != t->done)
		i++;
	f->done[i] = f->done[--f->n];
	free(t->done);
}

static void forecast_fini(struct pruner *base)
{
	struct forecaster *f = (struct forecaster *)base;

	for (size_t i = 0; i < f->n; i++)
		free(f->done[i]);
	free(f->done);
}

const struct rule forecast_rule = {
	.size = sizeof(struct forecaster),
	.trial_size = sizeof(struct forecast_trial),
	.report = forecast_report,
	.ended = forecast_ended,
	.foretell = forecast_foretell,
	.forget = forecast_forget,
	.fini = forecast_fini,
};
