#include "search/rule.h"
#include "search/rungs.h"

#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Nothing is kept but how each trial's best value fell. Rungs and brackets may
 * change with the length of the longest completed trial, and a trial is
 * compared but once a rung: so what stands at a rung is found when it is asked
 * for, from all trials.
 */
#define KNOWN_TRIALS 3 /* completed ones, from which T is taken */

struct history {
	/*
	 * At its first step and wherever it fell: the best value so far, a
	 * cost; infinite without a finite one.
	 */
	struct curve bests;
	int64_t last;
	int64_t number;
	bool is_done;
};

struct asha {
	struct pruner base;
	struct history **histories;
	size_t n, cap;
	size_t n_done;
	int64_t longest; /* the last step of completed trials */
};

struct asha_trial {
	struct pruner_trial base;
	struct history *history; /* owned by the pruner */
};

/* False as long as nothing is known from which to tell the rungs. */
static bool find_rungs(const struct asha *a, struct rungs *ret)
{
	const struct early_stopping *e = a->base.options;
	int64_t longest = a->n_done >= KNOWN_TRIALS ? a->longest : 0;
	bool needs_last = e->min_steps == 0 || e->type == PRUNER_HYPERBAND;

	(void)rungs_init(e, longest, ret);
	return ret->last > 0 || !needs_last;
}

/* Its best value at the rung; false if it has none, or is not so far. */
static bool find_best(const struct history *h, int64_t rung, double *ret)
{
	size_t n = curve_until(&h->bests, rung);

	if (h->last < rung || n == 0)
		return false;
	*ret = h->bests.points[n - 1].value;
	return true;
}

/* Makes what is kept from point @i on anew. */
static void learn(const struct pruner *p, struct history *h,
		  const struct curve *c, size_t i)
{
	struct curve *bests = &h->bests;
	double best = (double)INFINITY;

	bests->n = curve_until(bests, c->points[i].step - 1);
	if (bests->n == 0)
		i = 0;
	else
		best = bests->points[bests->n - 1].value;
	for (; i < c->n; i++) {
		double cost = rule_cost(p, c->points[i].value);

		if (isfinite(cost) && cost < best)
			best = cost;
		else if (bests->n > 0)
			continue;
		(void)curve_set(bests, c->points[i].step, best);
	}
	h->last = c->points[c->n - 1].step;
}

struct standing {
	int64_t bracket, rung;
	size_t trials, kept; /* at the rung, itself too */
	double best, limit;  /* costs */
};

/* What came to the rung in the bracket; true: the trial is not among the best.
 */
static bool is_beaten(const struct asha *a, const struct rungs *r,
		      const struct history *h, struct standing *st)
{
	uint64_t seed = a->base.spec->seed;
	struct sorted at = { 0 };
	double cost;
	bool beaten;

	for (size_t i = 0; i < a->n; i++) {
		const struct history *other = a->histories[i];

		if (find_best(other, st->rung, &cost) &&
		    rungs_bracket(r, seed, other->number) == st->bracket)
			sorted_append(&at, cost);
	}
	sorted_finish(&at);
	beaten = find_best(h, st->rung, &st->best);
	if (beaten) {
		st->trials = at.n;
		st->kept = at.n / (size_t)r->eta;
		if (st->kept == 0)
			st->kept = 1;
		st->limit = at.v[st->kept - 1];
		/* Without a finite value it is not among the best. */
		if (isinf(st->limit))
			st->limit = at.v[0];
		beaten = st->best > st->limit;
	}
	sorted_free(&at);
	return beaten;
}

static void stop(const struct pruner *p, int64_t step,
		 const struct standing *st, struct verdict *ret)
{
	bool brackets = p->options->type == PRUNER_HYPERBAND;
	const char *rule = brackets ? "hyperband" : "asha";
	double best = rule_cost(p, st->best), limit = rule_cost(p, st->limit);
	cJSON *data = rule_data(p, rule, step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64], in[64];

	json_add_number(data, "value", best);
	json_add_number(data, "limit", limit);
	json_add_integer(data, "rung", st->rung);
	json_add_integer(data, "trials", (int64_t)st->trials);
	json_add_integer(data, "kept", (int64_t)st->kept);
	if (brackets)
		json_add_integer(data, "bracket", st->bracket);
	snprintf(reason, sizeof(reason), "%s@%" PRId64, rule, step);
	snprintf(in, sizeof(in), " of bracket %" PRId64, st->bracket);
	rule_stop(ret, reason, data,
		  "stopped at step %" PRId64 " by the %s rule: its best %s %s "
		  "at rung %" PRId64
		  "%s is worse than %s, the worst of the %zu "
		  "kept of %zu trial%s",
		  step, rule, p->spec->metric, json_number_text(best, a),
		  st->rung, brackets ? in : "", json_number_text(limit, b),
		  st->kept, st->trials, st->trials == 1 ? "" : "s");
}

static struct history *new_history(struct asha *a, int64_t number)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->number = number;
	if (a->n == a->cap) {
		a->cap = a->cap > 0 ? 2 * a->cap : 16;
		a->histories = xreallocarray(a->histories, a->cap,
					     sizeof(struct history *));
	}
	a->histories[a->n++] = h;
	return h;
}

static void asha_report(struct pruner *base, struct pruner_trial *base_trial,
			const struct curve *c, size_t i, struct verdict *ret)
{
	struct asha *a = (struct asha *)base;
	struct asha_trial *t = (struct asha_trial *)base_trial;
	struct standing st = { 0 };
	struct rungs r;
	int64_t step = c->points[i].step;

	if (t->history == NULL)
		t->history = new_history(a, base_trial->number);
	learn(base, t->history, c, i);
	/* Only at a report that reaches a rung. */
	if (ret->stop || i + 1 < c->n || !find_rungs(a, &r))
		return;
	st.bracket = rungs_bracket(&r, base->spec->seed, base_trial->number);
	st.rung = i > 0 ? c->points[i - 1].step : 0;
	while (!ret->stop) {
		st.rung = rungs_next(&r, st.bracket, st.rung);
		if (st.rung > step)
			return;
		if (is_beaten(a, &r, t->history, &st))
			stop(base, step, &st, ret);
	}
}

static void count_done(struct asha *a)
{
	a->n_done = 0;
	a->longest = 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct history *h = a->histories[i];

		a->n_done += h->is_done;
		if (h->is_done && h->last > a->longest)
			a->longest = h->last;
	}
}

static void asha_ended(struct pruner *base, struct pruner_trial *base_trial,
		       const struct curve *c, enum trial_state state)
{
	struct history *h = ((struct asha_trial *)base_trial)->history;
	struct asha *a = (struct asha *)base;

	(void)c;
	if (h == NULL || h->is_done || state != TRIAL_DONE)
		return;
	h->is_done = true;
	a->n_done++;
	if (h->last > a->longest)
		a->longest = h->last;
}

static void asha_forget(struct pruner *base, struct pruner_trial *base_trial)
{
	struct history *h = ((struct asha_trial *)base_trial)->history;
	bool was_done;

	if (h == NULL)
		return;
	was_done = h->is_done;
	h->bests.n = 0; /* nobody's from here on */
	h->is_done = false;
	if (was_done)
		count_done((struct asha *)base);
}

static void asha_fini(struct pruner *base)
{
	struct asha *a = (struct asha *)base;

	for (size_t i = 0; i < a->n; i++) {
		curve_free(&a->histories[i]->bests);
		free(a->histories[i]);
	}
	free(a->histories);
}

const struct rule asha_rule = {
	.size = sizeof(struct asha),
	.trial_size = sizeof(struct asha_trial),
	.report = asha_report,
	.ended = asha_ended,
	.forget = asha_forget,
	.fini = asha_fini,
};
