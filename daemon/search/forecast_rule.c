#include "search/forecast.h"
#include "search/rule.h"
#include "search/rungs.h"

#include "schema/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STEP   9     /* it is T over this, unless min_steps says so */
#define KNOWN_TRIALS 3     /* completed ones, before anything is foretold */
#define NINETY       2.353 /* so many sd: Student's t, 3 degrees of freedom */

/*
 * Of the completed trials so many curves are kept, 1 KiB each: those with the
 * highest numbers, which in a search that learns are most like those to come.
 * A forecast looks at 20 of them. Replayed with 500 trials, a cap of 64 changed
 * nothing that can be told from chance, and 20 little.
 */
#define KEPT 256

struct forecaster {
	struct pruner base;
	struct progress *done[KEPT]; /* [n], by number of the trial */
	int64_t numbers[KEPT];
	size_t n;
	/* Of all completed trials, kept or not: their results and last steps */
	struct sorted results, lasts;
};

struct forecast_trial {
	struct pruner_trial base;
	bool is_done; /* has completed, with this result and last step */
	double result, last;
};

/* The last step of a whole trial; one has completed. */
static int64_t last_step(const struct forecaster *f)
{
	return f->base.options->max_steps > 0
		   ? f->base.options->max_steps
		   : (int64_t)f->lasts.v[f->lasts.n - 1];
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

	if (f->results.n < KNOWN_TRIALS)
		return false;
	best = f->results.v[0];
	ret->in_seconds = base->options->in_seconds;
	ret->last = last_step(f);
	progress_of(c, base->spec->result, base->spec->goal, &own);
	if (!forecast_make(&own, (const struct progress *const *)f->done, f->n,
			   ret->last, &at_last))
		return false;
	ret->mean = rule_cost(base, at_last.mean);
	ret->sd = at_last.sd;
	ret->low = ret->mean - NINETY * ret->sd;
	ret->high = ret->mean + NINETY * ret->sd;
	ret->trials = f->results.n;
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

	if (ret->stop || i + 1 < c->n || f->results.n < KNOWN_TRIALS)
		return;
	last = last_step(f);
	before = i > 0 ? c->points[i - 1].step : INT64_MIN;
	if (is_due(f, last, before, step) && forecast_foretell(t, c, &by) &&
	    by.probability < base->options->probability)
		stop(base, step, &by, ret);
}

/* The place of @number among those that are kept. */
static size_t find(const struct forecaster *f, int64_t number)
{
	size_t i = f->n;

	while (i > 0 && f->numbers[i - 1] >= number)
		i--;
	return i;
}

static void move(struct forecaster *f, size_t to, size_t from, size_t n)
{
	memmove(f->done + to, f->done + from, n * sizeof(f->done[0]));
	memmove(f->numbers + to, f->numbers + from, n * sizeof(f->numbers[0]));
}

static void take_out(struct forecaster *f, size_t i)
{
	free(f->done[i]);
	f->n--;
	move(f, i, i + 1, f->n - i);
}

/* Takes @done; that of the lowest number goes when there is no room. */
static void keep(struct forecaster *f, struct progress *done, int64_t number)
{
	size_t i = find(f, number);

	if (f->n == KEPT && i == 0) {
		free(done);
		return;
	}
	if (f->n == KEPT) {
		take_out(f, 0);
		i--;
	}
	move(f, i + 1, i, f->n - i);
	f->n++;
	f->done[i] = done;
	f->numbers[i] = number;
}

static void forecast_ended(struct pruner *base, struct pruner_trial *base_trial,
			   const struct curve *c, enum trial_state state)
{
	struct forecast_trial *t = (struct forecast_trial *)base_trial;
	struct forecaster *f = (struct forecaster *)base;
	struct progress *p;

	if (t->is_done || state != TRIAL_DONE)
		return;
	p = xcalloc(1, sizeof(*p));
	progress_of(c, base->spec->result, base->spec->goal, p);
	if (p->n == 0) { /* without a finite value */
		free(p);
		return;
	}
	t->is_done = true;
	t->result = p->points[p->n - 1].cost;
	t->last = (double)p->points[p->n - 1].step;
	sorted_add(&f->results, t->result);
	sorted_add(&f->lasts, t->last);
	keep(f, p, base_trial->number);
}

static void forecast_forget(struct pruner *base,
			    struct pruner_trial *base_trial)
{
	struct forecast_trial *t = (struct forecast_trial *)base_trial;
	struct forecaster *f = (struct forecaster *)base;
	size_t i = find(f, base_trial->number);

	if (!t->is_done)
		return;
	sorted_remove(&f->results, t->result);
	sorted_remove(&f->lasts, t->last);
	if (i < f->n && f->numbers[i] == base_trial->number)
		take_out(f, i);
}

static void forecast_fini(struct pruner *base)
{
	struct forecaster *f = (struct forecaster *)base;

	for (size_t i = 0; i < f->n; i++)
		free(f->done[i]);
	sorted_free(&f->results);
	sorted_free(&f->lasts);
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
