#include "search/bests.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define KNOWN_TRIALS 3    /* completed ones, from which T is taken */
#define UNBOUND      (-1) /* bracket of those that wait for nothing */

struct asha {
	struct pruner base;
	struct bests bests;
	struct waits waits;
	bool is_placed; /* as curves, rungs and the end are now */
	int64_t end;    /* find_end() */
};

struct asha_trial {
	struct pruner_trial base;
	struct history *history; /* owned by the pruner */
};

/*
 * Trials wait instead of being stopped. Not as one of several rules, and not in
 * a population, whose member would wait and never be replaced.
 */
static bool pauses(const struct asha *a)
{
	const struct search_spec *spec = a->base.spec;

	return search_rungs_pause(spec) &&
	       a->base.options == &spec->early_stopping;
}

/* The last step that there is, as far as is known, or 0. */
static int64_t find_end(const struct asha *a)
{
	int64_t most = a->base.options->max_steps;

	return most > 0 || a->bests.n_done == 0 ? most : a->bests.longest;
}

/* False as long as nothing is known from which to tell the rungs. */
static bool find_rungs(struct asha *a)
{
	const struct early_stopping *e = a->base.options;
	struct bests *b = &a->bests;
	int64_t longest = b->n_done >= KNOWN_TRIALS ? b->longest : 0;
	int64_t end = find_end(a);
	bool needs_last = e->min_steps == 0 || e->type == PRUNER_HYPERBAND;
	struct rungs r;

	(void)rungs_init(e, longest, &r);
	if (memcmp(&r, &b->rungs, sizeof(r)) != 0 || a->end != end)
		a->is_placed = false;
	a->end = end;
	bests_set_rungs(b, &r);
	return r.last > 0 || !needs_last;
}

struct standing {
	int64_t bracket, rung;
	size_t trials, kept; /* at the rung, itself too */
	double best, limit;  /* costs; limit NaN: none is kept */
};

/* What came to the rung in the bracket. */
static void find_limit(struct asha *a, struct standing *st)
{
	const struct sorted *at =
	    bests_level(&a->base, &a->bests, st->rung, st->bracket);

	st->trials = at->n;
	st->kept = at->n / (size_t)a->bests.rungs.eta;
	if (st->kept == 0 && at->n > 0 && !pauses(a))
		st->kept = 1;
	st->limit =
	    st->kept > 0 ? sorted_limit(at, st->kept, st->best) : (double)NAN;
}

/* True: the trial has come to the rung, and is not among the best there. */
static bool is_beaten(struct asha *a, const struct history *h,
		      struct standing *st)
{
	if (!bests_at(h, st->rung, &st->best))
		return false;
	find_limit(a, st);
	return !(st->best <= st->limit);
}

static cJSON *make_data(const struct asha *a, const char *rule, int64_t step,
			const struct standing *st)
{
	const struct pruner *p = &a->base;
	cJSON *data = rule_data(p, rule, step);

	json_add_number(data, "value", rule_cost(p, st->best));
	if (st->kept > 0)
		json_add_number(data, "limit", rule_cost(p, st->limit));
	json_add_integer(data, "rung", st->rung);
	json_add_integer(data, "trials", (int64_t)st->trials);
	json_add_integer(data, "kept", (int64_t)st->kept);
	if (p->options->type == PRUNER_HYPERBAND)
		json_add_integer(data, "bracket", st->bracket);
	return data;
}

static void stop(const struct asha *a, int64_t step, const struct standing *st,
		 struct verdict *ret)
{
	const struct pruner *p = &a->base;
	const char *rule = pruner_type_name(p->options->type);
	cJSON *data = make_data(a, rule, step, st);
	char best[JSON_NUMBER_BYTES], limit[JSON_NUMBER_BYTES], in[64] = "";
	char reason[64];

	json_number_text(rule_cost(p, st->best), best);
	if (p->options->type == PRUNER_HYPERBAND)
		snprintf(in, sizeof(in), " of bracket %" PRId64, st->bracket);
	rule_reason(p, pauses(a) ? VERDICT_PAUSED : rule, step, reason);
	if (st->kept == 0)
		rule_stop(ret, reason, data,
			  "waits at step %" PRId64 ": one in %" PRId64
			  " goes on from rung %" PRId64 "%s, and so far %zu "
			  "came to it",
			  step, p->options->eta, st->rung, in, st->trials);
	else
		rule_stop(ret, reason, data,
			  "%s at %s %" PRId64 " by the %s rule: its best %s "
			  "%s at rung %" PRId64
			  "%s is worse than %s, the worst of the %zu kept of "
			  "%zu trial%s",
			  pauses(a) ? "waits" : "stopped", rule_step(p), step,
			  rule, p->spec->metric, best, st->rung, in,
			  json_number_text(rule_cost(p, st->limit), limit),
			  st->kept, st->trials, st->trials == 1 ? "" : "s");
}

static void asha_report(struct pruner *base, struct pruner_trial *base_trial,
			const struct curve *c, size_t i, struct verdict *ret)
{
	struct asha *a = (struct asha *)base;
	struct asha_trial *t = (struct asha_trial *)base_trial;
	struct standing st = { 0 };
	int64_t step = c->points[i].step;
	bool is_again;

	if (t->history == NULL)
		t->history = bests_add(&a->bests, base_trial->number);
	/* It goes on with the step where it waited, or before. */
	is_again = pauses(a) && step <= t->history->last;
	bests_learn(base, &a->bests, t->history, c, i);
	if (t->history->is_waiting)
		a->is_placed = false;
	/* Only at a report that reaches a rung. */
	if (ret->stop || is_again || i + 1 < c->n || !find_rungs(a))
		return;
	st.bracket = rungs_bracket(&a->bests.rungs, base->spec->seed,
				   base_trial->number);
	st.rung = i > 0 ? c->points[i - 1].step : 0;
	while (!ret->stop) {
		st.rung = rungs_next(&a->bests.rungs, st.bracket, st.rung);
		if (st.rung > step)
			return;
		if (is_beaten(a, t->history, &st))
			stop(a, step, &st, ret);
	}
}

/* The last rung that the trial came to; false: none. */
static bool find_rung(const struct asha *a, const struct history *h,
		      struct standing *ret)
{
	const struct rungs *r = &a->bests.rungs;
	int64_t next;

	*ret = (struct standing){ 0 };
	ret->bracket = rungs_bracket(r, a->base.spec->seed, h->number);
	while ((next = rungs_next(r, ret->bracket, ret->rung)) <= h->last)
		ret->rung = next;
	return ret->rung > 0 && bests_at(h, ret->rung, &ret->best);
}

/*
 * Where it waits. Without a rung there is nothing that it waits for, nor at its
 * end, which is told apart from a rung only when a trial has completed.
 */
static void place(struct asha *a, struct history *h)
{
	struct standing st = { 0 };
	bool is_bound = find_rungs(a) && find_rung(a, h, &st);

	if (a->end > 0 && h->last >= a->end) {
		is_bound = false;
		st = (struct standing){ .rung = h->last };
	}
	h->wait = (struct wait){ .level = st.rung,
				 .bracket = is_bound ? st.bracket : UNBOUND,
				 .cost = st.best,
				 .number = h->number };
}

static void place_all(struct asha *a)
{
	for (size_t i = 0; i < a->bests.n; i++) {
		if (a->bests.histories[i]->is_waiting)
			place(a, a->bests.histories[i]);
	}
	waits_sort(&a->waits);
	a->is_placed = true;
}

static void asha_wait(struct pruner_trial *base_trial, bool waits)
{
	struct asha *a = (struct asha *)base_trial->pruner;
	struct asha_trial *t = (struct asha_trial *)base_trial;

	if (t->history == NULL)
		t->history = bests_add(&a->bests, base_trial->number);
	assert(t->history->is_waiting != waits);
	t->history->is_waiting = waits;
	if (!waits) {
		waits_remove(&a->waits, &t->history->wait);
		return;
	}
	place(a, t->history);
	waits_add(&a->waits, &t->history->wait);
}

static bool may_go_on(void *arg, const struct wait *w)
{
	struct standing st = { .bracket = w->bracket,
			       .rung = w->level,
			       .best = w->cost };

	if (w->bracket == UNBOUND)
		return true;
	find_limit(arg, &st);
	return st.best <= st.limit;
}

static int64_t asha_promote(struct pruner *base, bool in_any_case)
{
	struct asha *a = (struct asha *)base;
	const struct wait *first;

	(void)find_rungs(a);
	if (!a->is_placed)
		place_all(a);
	first = waits_first(&a->waits, in_any_case ? NULL : may_go_on, a);
	return first != NULL ? first->number : -1;
}

static void asha_ended(struct pruner *base, struct pruner_trial *base_trial,
		       const struct curve *c, enum trial_state state)
{
	(void)c;
	if (state == TRIAL_DONE)
		bests_done(&((struct asha *)base)->bests,
			   ((struct asha_trial *)base_trial)->history);
}

static void asha_forget(struct pruner *base, struct pruner_trial *base_trial)
{
	bests_forget(base, &((struct asha *)base)->bests,
		     ((struct asha_trial *)base_trial)->history);
}

static void asha_fini(struct pruner *base)
{
	bests_fini(&((struct asha *)base)->bests);
	waits_free(&((struct asha *)base)->waits);
}

const struct rule asha_rule = {
	.size = sizeof(struct asha),
	.trial_size = sizeof(struct asha_trial),
	.report = asha_report,
	.ended = asha_ended,
	.wait = asha_wait,
	.promote = asha_promote,
	.forget = asha_forget,
	.fini = asha_fini,
};
