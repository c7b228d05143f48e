#include "search/pruner.h"

#include "search/rule.h"

#include "schema/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIVERGED 1e6 /* times the typical first value */

static const struct rule *const rules[NAMES_PRUNERS_N] = {
	[PRUNER_NONE] = NULL,
	[PRUNER_PATIENCE] = &patience_rule,
	[PRUNER_THRESHOLD] = &threshold_rule,
	[PRUNER_MEDIAN] = &median_rule,
	[PRUNER_PERCENTILE] = &percentile_rule,
	[PRUNER_ASHA] = &asha_rule,
	[PRUNER_HYPERBAND] = &asha_rule,
	[PRUNER_WILCOXON] = &wilcoxon_rule,
	[PRUNER_FORECAST] = &forecast_rule,
	[PRUNER_FUNNEL] = &funnel_rule,
	[PRUNER_ANY] = &any_rule,
};

void verdict_free(struct verdict *v)
{
	free(v->text);
	free(v->data);
	*v = (struct verdict){ 0 };
}

static cJSON *data_of(const char *metric, const char *rule, const char *word,
		      int64_t step)
{
	cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "rule", rule);
	cJSON_AddStringToObject(data, "metric", metric);
	json_add_integer(data, word, step);
	return data;
}

const char *rule_step(const struct pruner *p)
{
	return p->options->in_seconds ? "second" : "step";
}

bool rule_is_warm(const struct pruner *p, const struct curve *c)
{
	int64_t come =
	    p->options->in_seconds ? c->points[c->n - 1].step : (int64_t)c->n;

	return come >= p->options->min_steps;
}

cJSON *rule_data(const struct pruner *p, const char *rule, int64_t step)
{
	return data_of(p->spec->metric, rule, rule_step(p), step);
}

void rule_reason(const struct pruner *p, const char *rule, int64_t step,
		 char ret[64])
{
	snprintf(ret, 64, "%s@%" PRId64 "%s", rule, step,
		 p->options->in_seconds ? "s" : "");
}

void rule_stop(struct verdict *ret, const char *reason, cJSON *data,
	       const char *fmt, ...)
{
	va_list ap;

	ret->stop = true;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
	va_start(ap, fmt);
	ret->text = xvasprintf(fmt, ap);
	va_end(ap);
	ret->data = json_print(data);
	cJSON_Delete(data);
}

/* Keeps the trial's first finite value in p->firsts. */
static void learn_first(struct pruner *p, struct pruner_trial *t,
			const struct curve *c, size_t i, bool added)
{
	size_t first = i;

	if (t->has_first) {
		t->first_at += added && i <= t->first_at;
		if (i > t->first_at)
			return;
		while (first < c->n && !isfinite(c->points[first].value))
			first++;
		sorted_remove(&p->firsts, t->first);
	}
	/* Without a first one, all others are known not to be finite. */
	t->has_first = first < c->n && isfinite(c->points[first].value);
	if (!t->has_first)
		return;
	t->first_at = first;
	t->first = c->points[first].value;
	sorted_add(&p->firsts, t->first);
}

static void stop_not_finite(const char *metric,
			    const struct curve_point *before,
			    const struct curve_point *after,
			    struct verdict *ret)
{
	cJSON *data = data_of(metric, "diverged", "step", after->step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES];

	json_add_number(data, "value", after->value);
	json_add_integer(data, "previous_step", before->step);
	json_add_number(data, "previous", before->value);
	rule_stop(ret, "diverged", data,
		  "stopped at step %" PRId64 ": it has diverged, its %s is %s "
		  "there and was %s at step %" PRId64,
		  after->step, metric, json_number_text(after->value, a),
		  json_number_text(before->value, b), before->step);
}

static void stop_too_large(const struct pruner *p, const struct curve_point *at,
			   double median, struct verdict *ret)
{
	cJSON *data = data_of(p->spec->metric, "diverged", "step", at->step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], m[JSON_NUMBER_BYTES];
	double limit = DIVERGED * fmax(1, fabs(median));

	json_add_number(data, "value", at->value);
	json_add_number(data, "limit", limit);
	json_add_integer(data, "trials", (int64_t)p->firsts.n);
	rule_stop(ret, "diverged", data,
		  "stopped at step %" PRId64 ": it has diverged, its %s %s is "
		  "larger than %s, a million times %s, the median of the first "
		  "values of %zu trial%s (at least 1)",
		  at->step, p->spec->metric, json_number_text(at->value, a),
		  json_number_text(limit, b), json_number_text(median, m),
		  p->firsts.n, p->firsts.n == 1 ? "" : "s");
}

/* Has the trial diverged, as point @i shows? */
static void check_diverged(const struct pruner *p, const struct curve *c,
			   size_t i, struct verdict *ret)
{
	const struct curve_point *at = &c->points[i];
	double median;

	if (!isfinite(at->value)) {
		if (i > 0 && !isfinite(at[-1].value))
			stop_not_finite(p->spec->metric, at - 1, at, ret);
		else if (i + 1 < c->n && !isfinite(at[1].value))
			stop_not_finite(p->spec->metric, at, at + 1, ret);
		return;
	}
	median = sorted_median(&p->firsts);
	if (fabs(at->value) > DIVERGED * fmax(1, fabs(median)))
		stop_too_large(p, at, median, ret);
}

struct pruner *pruner_new_of(const struct search_spec *spec,
			     const struct early_stopping *options)
{
	const struct rule *rule = rules[options->type];
	struct pruner *p = xcalloc(1, rule != NULL ? rule->size : sizeof(*p));

	p->rule = rule;
	p->spec = spec;
	p->options = options;
	if (rule != NULL && rule->init != NULL)
		rule->init(p);
	return p;
}

struct pruner *pruner_new(const struct search_spec *spec)
{
	return pruner_new_of(spec, &spec->early_stopping);
}

void pruner_free(struct pruner *p)
{
	if (p == NULL)
		return;
	if (p->rule != NULL && p->rule->fini != NULL)
		p->rule->fini(p);
	sorted_free(&p->firsts);
	free(p);
}

struct pruner_trial *pruner_trial_new(struct pruner *p, int64_t number)
{
	struct pruner_trial *t;

	t = xcalloc(1, p->rule != NULL ? p->rule->trial_size : sizeof(*t));
	t->pruner = p;
	t->number = number;
	return t;
}

void pruner_trial_free(struct pruner_trial *t)
{
	const struct rule *rule = t != NULL ? t->pruner->rule : NULL;

	if (rule != NULL && rule->trial_fini != NULL)
		rule->trial_fini(t);
	if (t != NULL)
		curve_free(&t->seconds);
	free(t);
}

void pruner_trial_forget(struct pruner_trial *t)
{
	struct pruner *p;

	if (t == NULL)
		return;
	p = t->pruner;
	if (t->has_first)
		sorted_remove(&p->firsts, t->first);
	if (p->rule != NULL && p->rule->forget != NULL)
		p->rule->forget(p, t);
	pruner_trial_free(t);
}

static int64_t second_of(const struct curve_point *at)
{
	return at->ms / 1000;
}

/*
 * The second of the last point is shown before it is over: nothing came in the
 * second before it, so that little else will come in it.
 */
static bool is_shown_early(const struct curve *c)
{
	const struct curve_point *first = &c->points[c->n - 1];

	while (first > c->points && second_of(first - 1) == second_of(first))
		first--;
	return first == c->points || first->ms - first[-1].ms >= 1000;
}

/* It is the last of @seconds, with its value. */
static bool is_shown(const struct curve *seconds, const struct curve_point *at)
{
	const struct curve_point *last;

	if (seconds->n == 0)
		return false;
	last = &seconds->points[seconds->n - 1];
	return last->step == second_of(at) &&
	       memcmp(&last->value, &at->value, sizeof(at->value)) == 0;
}

static void show_second(struct pruner_trial *t, const struct curve_point *at,
			struct verdict *ret)
{
	long i = curve_set(&t->seconds, second_of(at), at->value);

	t->pruner->rule->report(t->pruner, t, &t->seconds, (size_t)i, ret);
}

/*
 * Point @i of @c was added or changed. The rule sees of each second that is
 * over the last value, so that all are compared with as much of it.
 */
static void report_seconds(struct pruner_trial *t, const struct curve *c,
			   size_t i, struct verdict *ret)
{
	const struct curve_point *at = &c->points[i];
	bool is_last = i + 1 == c->n;

	if (is_last && i > 0 && second_of(at - 1) < second_of(at) &&
	    !is_shown(&t->seconds, at - 1))
		show_second(t, at - 1, ret);
	if (is_last ? is_shown_early(c) : second_of(at) < second_of(at + 1))
		show_second(t, at, ret);
}

/* What the rule of @t looks at in place of its curve @c. */
static const struct curve *shown(const struct pruner_trial *t,
				 const struct curve *c)
{
	return t->pruner->options->in_seconds ? &t->seconds : c;
}

void rule_report(struct pruner_trial *t, const struct curve *c, size_t i,
		 struct verdict *ret)
{
	struct pruner *p = t->pruner;

	if (p->rule->report == NULL)
		return;
	if (p->options->in_seconds)
		report_seconds(t, c, i, ret);
	else
		p->rule->report(p, t, c, i, ret);
}

void pruner_report(struct pruner *p, struct pruner_trial *t, struct curve *c,
		   struct curve_point at, struct verdict *ret)
{
	size_t n = c->n;
	long set = curve_set(c, at.step, at.value);
	size_t i = (size_t)set;

	assert(t->pruner == p);
	if (set < 0 || p->rule == NULL)
		return;
	if (c->n > n)
		c->points[i].ms = i + 1 < c->n ? c->points[i + 1].ms : at.ms;
	learn_first(p, t, c, i, c->n > n);
	if (!ret->stop)
		check_diverged(p, c, i, ret);
	rule_report(t, c, i, ret);
}

void pruner_report_train(const struct pruner *p, const char *name,
			 struct curve_point before, struct curve_point after,
			 struct verdict *ret)
{
	if (p->rule != NULL)
		stop_not_finite(name, &before, &after, ret);
}

bool pruner_foretell(const struct pruner_trial *t, const struct curve *c,
		     struct foretold *ret)
{
	const struct rule *rule = t->pruner->rule;

	return rule != NULL && rule->foretell != NULL &&
	       rule->foretell(t, shown(t, c), ret);
}

void pruner_wait(struct pruner_trial *t, bool waits)
{
	const struct rule *rule = t->pruner->rule;

	assert(rule != NULL && rule->wait != NULL);
	rule->wait(t, waits);
}

int64_t pruner_promote(struct pruner *p, bool in_any_case)
{
	assert(p->rule != NULL && p->rule->promote != NULL);
	return p->rule->promote(p, in_any_case);
}

/* The last second is over, too. */
static void show_last(struct pruner_trial *t, const struct curve *c)
{
	struct verdict ignored = { 0 };

	if (!is_shown(&t->seconds, &c->points[c->n - 1]))
		show_second(t, &c->points[c->n - 1], &ignored);
	verdict_free(&ignored);
}

void pruner_ended(struct pruner *p, struct pruner_trial *t,
		  const struct curve *c, enum trial_state state)
{
	assert(t->pruner == p && trial_state_is_final(state));
	if (c->n > 0 && p->rule != NULL && p->options->in_seconds)
		show_last(t, c);
	if (c->n > 0 && p->rule != NULL && p->rule->ended != NULL)
		p->rule->ended(p, t, shown(t, c), state);
	curve_free(&t->seconds);
}
