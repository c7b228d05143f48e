#include "search/rule.h"

#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct percentile {
	struct pruner base;
	struct curve **done; /* [n], of completed trials */
	size_t n, cap;
};

struct percentile_trial {
	struct pruner_trial base;
	struct curve *done; /* owned by the pruner; NULL: has not completed */
	double best;        /* cost, of the points [0, n_before) */
	size_t n_before;
};

/* The cost at @step, or at the last step before that it reported. */
static bool find_cost(const struct pruner *p, const struct curve *done,
		      int64_t step, double *ret)
{
	size_t n = curve_until(done, step);

	if (n == 0 || done->points[done->n - 1].step < step)
		return false;
	*ret = rule_cost(p, done->points[n - 1].value);
	return !isnan(*ret);
}

/* numpy's "linear", to the bit; n > 0 */
static double percentile_of(const struct sorted *s, double q)
{
	double at = (double)(s->n - 1) * (q / 100), low = floor(at);
	double part = at - low, a, b;
	size_t i = (size_t)low;

	a = s->v[i];
	b = s->v[i + 1 < s->n ? i + 1 : i];
	if (a == b) /* infinite ones too */
		return a;
	return part >= 0.5 ? b - (b - a) * (1 - part) : a + (b - a) * part;
}

static double add(const struct pruner *p, double best,
		  const struct curve_point *at)
{
	double cost = rule_cost(p, at->value);

	return isfinite(cost) ? fmin(best, cost) : best;
}

/* The best cost of all, after point @i was added or changed. */
static double learn_best(const struct pruner *p, struct percentile_trial *t,
			 const struct curve *c, size_t i)
{
	if (i < t->n_before)
		t->n_before = 0;
	if (t->n_before == 0)
		t->best = (double)INFINITY;
	/* The last point may be told again, so it is never counted for good. */
	for (; t->n_before < c->n - 1; t->n_before++)
		t->best = add(p, t->best, &c->points[t->n_before]);
	return add(p, t->best, &c->points[c->n - 1]);
}

static void stop(const struct pruner *p, int64_t step, double best,
		 double limit, size_t trials, struct verdict *ret)
{
	double q = p->options->percentile;
	cJSON *data = rule_data(p, "percentile", step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64];

	best = rule_cost(p, best);
	limit = rule_cost(p, limit);
	json_add_number(data, "value", best);
	json_add_number(data, "limit", limit);
	json_add_number(data, "percentile", q);
	json_add_integer(data, "trials", (int64_t)trials);
	rule_reason(p, "percentile", step, reason);
	rule_stop(ret, reason, data,
		  "stopped at %s %" PRId64 " by the percentile rule: its "
		  "best %s %s is worse than %s, the bound of the best %g %% "
		  "of the values of %zu completed trial%s at this %s",
		  rule_step(p), step, p->spec->metric,
		  json_number_text(best, a), json_number_text(limit, b), q,
		  trials, trials == 1 ? "" : "s", rule_step(p));
}

static void percentile_report(struct pruner *base,
			      struct pruner_trial *base_trial,
			      const struct curve *c, size_t i,
			      struct verdict *ret)
{
	struct percentile *p = (struct percentile *)base;
	const struct early_stopping *e = base->options;
	double best =
	    learn_best(base, (struct percentile_trial *)base_trial, c, i);
	int64_t step = c->points[c->n - 1].step;
	struct sorted at = { 0 };
	double cost, limit;

	if (ret->stop || !rule_is_warm(base, c) ||
	    (int64_t)p->n < e->min_trials)
		return;
	for (size_t k = 0; k < p->n; k++) {
		if (find_cost(base, p->done[k], step, &cost))
			sorted_append(&at, cost);
	}
	sorted_finish(&at);
	if (at.n > 0) {
		limit = percentile_of(&at, e->percentile);
		if (best > limit)
			stop(base, step, best, limit, at.n, ret);
	}
	sorted_free(&at);
}

static void percentile_ended(struct pruner *base,
			     struct pruner_trial *base_trial,
			     const struct curve *c, enum trial_state state)
{
	struct percentile_trial *t = (struct percentile_trial *)base_trial;
	struct percentile *p = (struct percentile *)base;

	if (t->done != NULL || state != TRIAL_DONE)
		return;
	t->done = xcalloc(1, sizeof(*t->done));
	t->done->n = t->done->cap = c->n;
	t->done->points = xcalloc(c->n, sizeof(*c->points));
	memcpy(t->done->points, c->points, c->n * sizeof(*c->points));
	if (p->n == p->cap) {
		p->cap = p->cap > 0 ? 2 * p->cap : 16;
		p->done =
		    xreallocarray(p->done, p->cap, sizeof(struct curve *));
	}
	p->done[p->n++] = t->done;
}

static void done_free(struct curve *done)
{
	curve_free(done);
	free(done);
}

static void percentile_forget(struct pruner *base,
			      struct pruner_trial *base_trial)
{
	struct percentile_trial *t = (struct percentile_trial *)base_trial;
	struct percentile *p = (struct percentile *)base;
	size_t i = 0;

	if (t->done == NULL)
		return;
	while (p->done[i] != t->done)
		i++;
	p->done[i] = p->done[--p->n];
	done_free(t->done);
}

static void percentile_fini(struct pruner *base)
{
	struct percentile *p = (struct percentile *)base;

	for (size_t i = 0; i < p->n; i++)
		done_free(p->done[i]);
	free(p->done);
}

const struct rule percentile_rule = {
	.size = sizeof(struct percentile),
	.trial_size = sizeof(struct percentile_trial),
	.report = percentile_report,
	.ended = percentile_ended,
	.forget = percentile_forget,
	.fini = percentile_fini,
};
