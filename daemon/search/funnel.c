#include "search/bests.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/*
 * Chosen by replaying the tuning curves of tests/bench/stopping, where a table
 * has what it costs. Every step for rungs a tenth apart gave nearly the same.
 */
#define FIRST_RUNG 26  /* it is T over this, unless min_steps says so */
#define WHOLE      0.9 /* share of which what was gained in all steps counts */

struct funnel {
	struct pruner base;
	struct bests bests;
};

struct funnel_trial {
	struct pruner_trial base;
	struct history *history; /* owned by the pruner */
};

struct standing {
	int64_t first, rung;
	int64_t since;       /* step of the value that hope is made of */
	size_t trials, kept; /* that reached the first rung; that may go on */
	double best, hoped, limit; /* costs */
};

/*
 * The last rung that the trial came to by the step from @before to @step;
 * false if there is none.
 */
static bool find_rung(struct funnel *f, int64_t before, int64_t step,
		      struct standing *st)
{
	const struct early_stopping *e = f->base.options;
	int64_t length = e->max_steps > 0 ? e->max_steps : f->bests.longest;
	struct rungs r = { .brackets = 1 };

	st->first = e->min_steps;
	if (st->first == 0)
		st->first = (length + FIRST_RUNG / 2) / FIRST_RUNG;
	if (st->first < 1)
		st->first = 1;
	if (length <= st->first || step < st->first)
		return false;
	r.first = st->first;
	bests_set_rungs(&f->bests, &r);
	st->rung = rungs_dense(st->first, step < length ? step : length - 1);
	return st->rung > before;
}

/*
 * What it has gained in the last part of the way is to be gained again: the
 * part is longer where more may go on, two thirds at a share of 0.4. False at
 * its first report, when nothing is known of that.
 */
static bool hope(const struct funnel *f, const struct history *h,
		 struct standing *st)
{
	double part = fmin(1, sqrt(f->base.options->keep / WHOLE)), before;

	if (!bests_at(h, st->rung, &st->best))
		return false;
	st->hoped = st->best;
	/* The rest is for rounding: a whole step remains one. */
	st->since = (int64_t)floor((double)st->rung * (1 - part) + 1e-6);
	if (st->since < h->bests.points[0].step)
		st->since = h->bests.points[0].step;
	if (bests_at(h, st->since, &before) && isfinite(before))
		st->hoped -= before - st->best;
	return st->since < h->last;
}

/* True: the trial has no place among those that may go on. */
static bool is_beaten(struct funnel *f, struct standing *st)
{
	double share =
	    f->base.options->keep * (double)st->first / (double)st->rung;
	const struct sorted *at;

	st->trials = bests_level(&f->base, &f->bests, st->first, 0)->n;
	at = bests_level(&f->base, &f->bests, st->rung, 0);
	st->kept = (size_t)fmax(1, round(share * (double)st->trials));
	if (st->kept >= at->n)
		return false;
	st->limit = sorted_limit(at, st->kept, st->hoped);
	return st->hoped > st->limit;
}

static void stop(const struct pruner *p, int64_t step,
		 const struct standing *st, struct verdict *ret)
{
	double best = rule_cost(p, st->best), limit = rule_cost(p, st->limit);
	double hoped = rule_cost(p, st->hoped);
	cJSON *data = rule_data(p, "funnel", step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES];
	char reason[64];

	json_add_number(data, "value", best);
	json_add_number(data, "limit", limit);
	json_add_number(data, "hoped", hoped);
	json_add_integer(data, "since", st->since);
	json_add_integer(data, "rung", st->rung);
	json_add_integer(data, "trials", (int64_t)st->trials);
	json_add_integer(data, "kept", (int64_t)st->kept);
	rule_reason(p, "funnel", step, reason);
	rule_stop(ret, reason, data,
		  "stopped at %s %" PRId64 " by the funnel rule: its best %s "
		  "%s at %s %" PRId64 " would be %.6g if it gained as much "
		  "again as since %s %" PRId64
		  ", which is worse than %s, the worst of the best %zu there; "
		  "of %zu trial%s no more go on",
		  rule_step(p), step, p->spec->metric,
		  json_number_text(best, a), rule_step(p), st->rung, hoped,
		  rule_step(p), st->since, json_number_text(limit, b), st->kept,
		  st->trials, st->trials == 1 ? "" : "s");
}

static void funnel_report(struct pruner *base, struct pruner_trial *base_trial,
			  const struct curve *c, size_t i, struct verdict *ret)
{
	struct funnel *f = (struct funnel *)base;
	struct funnel_trial *t = (struct funnel_trial *)base_trial;
	int64_t before = i > 0 ? c->points[i - 1].step : INT64_MIN;
	struct standing st = { 0 };

	if (t->history == NULL)
		t->history = bests_add(&f->bests, base_trial->number);
	bests_learn(base, &f->bests, t->history, c, i);
	/* Only at a report that reaches a rung. */
	if (!ret->stop && i + 1 == c->n &&
	    find_rung(f, before, c->points[i].step, &st) &&
	    hope(f, t->history, &st) && is_beaten(f, &st))
		stop(base, c->points[i].step, &st, ret);
}

static void funnel_ended(struct pruner *base, struct pruner_trial *base_trial,
			 const struct curve *c, enum trial_state state)
{
	(void)c;
	if (state == TRIAL_DONE)
		bests_done(&((struct funnel *)base)->bests,
			   ((struct funnel_trial *)base_trial)->history);
}

static void funnel_forget(struct pruner *base, struct pruner_trial *base_trial)
{
	bests_forget(base, &((struct funnel *)base)->bests,
		     ((struct funnel_trial *)base_trial)->history);
}

static void funnel_fini(struct pruner *base)
{
	bests_fini(&((struct funnel *)base)->bests);
}

const struct rule funnel_rule = {
	.size = sizeof(struct funnel),
	.trial_size = sizeof(struct funnel_trial),
	.report = funnel_report,
	.ended = funnel_ended,
	.forget = funnel_forget,
	.fini = funnel_fini,
};
