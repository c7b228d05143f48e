#include "search/bests.h"
#include "search/rungs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define KNOWN_TRIALS 3 /* completed ones, from which T is taken */

struct asha {
	struct pruner base;
	struct bests bests;
};

struct asha_trial {
	struct pruner_trial base;
	struct history *history; /* owned by the pruner */
};

/* False as long as nothing is known from which to tell the rungs. */
static bool find_rungs(const struct asha *a, struct rungs *ret)
{
	const struct early_stopping *e = a->base.options;
	const struct bests *b = &a->bests;
	int64_t longest = b->n_done >= KNOWN_TRIALS ? b->longest : 0;
	bool needs_last = e->min_steps == 0 || e->type == PRUNER_HYPERBAND;

	(void)rungs_init(e, longest, ret);
	return ret->last > 0 || !needs_last;
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

	for (size_t i = 0; i < a->bests.n; i++) {
		const struct history *other = a->bests.histories[i];

		if (bests_at(other, st->rung, &cost) &&
		    rungs_bracket(r, seed, other->number) == st->bracket)
			sorted_append(&at, cost);
	}
	sorted_finish(&at);
	beaten = bests_at(h, st->rung, &st->best);
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

static void asha_report(struct pruner *base, struct pruner_trial *base_trial,
			const struct curve *c, size_t i, struct verdict *ret)
{
	struct asha *a = (struct asha *)base;
	struct asha_trial *t = (struct asha_trial *)base_trial;
	struct standing st = { 0 };
	struct rungs r;
	int64_t step = c->points[i].step;

	if (t->history == NULL)
		t->history = bests_add(&a->bests, base_trial->number);
	bests_learn(base, t->history, c, i);
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
	bests_forget(&((struct asha *)base)->bests,
		     ((struct asha_trial *)base_trial)->history);
}

static void asha_fini(struct pruner *base)
{
	bests_fini(&((struct asha *)base)->bests);
}

const struct rule asha_rule = {
	.size = sizeof(struct asha),
	.trial_size = sizeof(struct asha_trial),
	.report = asha_report,
	.ended = asha_ended,
	.forget = asha_forget,
	.fini = asha_fini,
};
