/* Where in its range a parameter is good, and choices that never are. */
#include "num/rank_sum.h"
#include "why/finder.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OUTER  0.1 /* share of a range that is its end */
#define BESIDE 0.4 /* up to which its neighbourhood goes */
#define NARROW 0.7 /* of a range: worth to be narrowed to */

/* Where the best trials lie that have the parameter. */
struct region {
	size_t n;               /* of the best */
	double low, high;       /* 0 to 1 on the scale */
	size_t at_low, at_high; /* of the best, at the ends */
	double best;            /* where the very best is */
};

static bool find_region(const struct finder *r, size_t param,
			struct region *ret)
{
	const struct param *p = &r->space->params[param];

	*ret = (struct region){ .low = 1 };
	for (size_t i = 0; i < r->n_best; i++) {
		const struct cell *c = finder_cell(r, r->order[i], param);
		double at;

		if (!c->active)
			continue;
		at = finder_place(p, c);
		if (ret->n++ == 0)
			ret->best = at;
		ret->low = fmin(ret->low, at);
		ret->high = fmax(ret->high, at);
		ret->at_low += at <= OUTER;
		ret->at_high += at >= 1 - OUTER;
	}
	return ret->n >= FINDINGS_GROUP &&
	       finder_cell(r, r->order[0], param)->active;
}

static size_t count_numbers(const struct finder *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->space->n; i++)
		n += finder_is_number(&r->space->params[i]) &&
		     finder_varies(&r->space->params[i]);
	return n;
}

/* --- at an end
 * ----------------------------------------------------------------
 */

/* The share of the range, on its scale, whose values lie at that end. */
static double end_share(const struct param *p, bool is_high)
{
	double half =
	    (p->type == PARAM_INT ? (double)p->int_step : p->step) / 2;
	double low, high, last;

	if (half == 0 || p->scale == SCALE_LOGIT)
		return fmax(OUTER, finder_grain(p));
	low = param_min(p) - half;
	if (p->scale == SCALE_LOG)
		low = fmax(low, param_min(p) / 2);
	low = scale_apply(p->scale, low);
	high = scale_apply(p->scale, param_max(p) + half);
	last = finder_number(p, is_high ? 1 - OUTER : OUTER) / (2 * half);
	last = is_high ? ceil(last) - 0.5 : floor(last) + 0.5;
	last = scale_apply(p->scale, last * 2 * half);
	return (is_high ? high - last : last - low) / (high - low);
}

/* Nothing lies beyond a 0 that values count from, or the 1 of a fraction. */
static bool is_natural(const struct param *p, bool is_high)
{
	if (p->scale == SCALE_LOGIT)
		return true;
	if (is_high)
		return p->type == PARAM_FLOAT && param_min(p) >= 0 &&
		       param_max(p) <= 1 && param_max(p) >= 0.8;
	return p->scale == SCALE_LINEAR && param_min(p) == 0;
}

/* A decade of a log scale (a factor of 4 for an int), half of another range. */
static double beyond(const struct param *p, bool is_high)
{
	double low = param_min(p), high = param_max(p);
	double factor = p->type == PARAM_INT ? 4 : 10;
	double v;

	if (p->scale == SCALE_LOG) {
		v = is_high ? high * factor : low / factor;
		return p->type == PARAM_INT ? fmax(floor(v), 1) : v;
	}
	v = is_high ? high + (high - low) / 2 : low - (high - low) / 2;
	if (low >= 0)
		v = fmax(v, p->type == PARAM_INT && low >= 1 ? 1 : 0);
	return finder_rounded(p, v, is_high);
}

static void tell_edge(struct finder *r, size_t param, const struct region *g,
		      bool is_high, double chance)
{
	const struct param *p = &r->space->params[param];
	double end = is_high ? param_max(p) : param_min(p);
	double further = beyond(p, is_high);
	size_t n = is_high ? g->at_high : g->at_low;
	auto_free char *best =
	    finder_cell_text(p, finder_cell(r, r->order[0], param));
	struct finding *f;

	if (further == end)
		return;
	f = finder_add(r, "edge",
		       xasprintf("the best trial has %s = %s, and %zu of the "
				 "%zu best trials lie at that end of its range "
				 "(%.4g to %.4g)",
				 p->name, best, n, g->n, param_min(p),
				 param_max(p)));
	f->advice = xasprintf(
	    "%s to %.4g", is_high ? "raise its max" : "lower its min", further);
	cJSON_AddStringToObject(f->data, "parameter", p->name);
	cJSON_AddStringToObject(f->data, "end", is_high ? "max" : "min");
	json_add_integer(f->data, "best", (int64_t)g->n);
	json_add_integer(f->data, "best_there", (int64_t)n);
	json_add_number(f->data, "p", chance);
	finder_put_number(finder_change(f, p), is_high ? "max" : "min", p,
			  further);
}

/* The probability that the end is no better than what lies beside it. */
static double slope_chance(const struct finder *r, size_t param, bool is_high)
{
	const struct results *all = &r->f->results;
	const struct param *p = &r->space->params[param];
	auto_free struct ranked *v = xcalloc(all->n, sizeof(*v));
	size_t n = 0, beside = 0;
	bool is_worse;
	double chance;

	for (size_t i = 0; i < all->n; i++) {
		const struct cell *c = finder_cell(r, i, param);
		double at;

		if (!c->active)
			continue;
		at = is_high ? 1 - finder_place(p, c) : finder_place(p, c);
		if (at > BESIDE)
			continue;
		v[n++] = (struct ranked){ all->scores[i], at <= OUTER };
		beside += at > OUTER;
	}
	if (beside < FINDINGS_GROUP)
		return 1;
	chance = rank_sum(v, n, &is_worse);
	return is_worse ? 1 : chance;
}

static void look_at_ends(struct finder *r, size_t param, const struct region *g,
			 size_t tests)
{
	const struct param *p = &r->space->params[param];

	for (int is_high = 0; is_high < 2; is_high++) {
		size_t n = is_high ? g->at_high : g->at_low;
		double chance = binomial_tail(n, g->n, end_share(p, is_high)) *
				2 * (double)tests;

		if (is_high ? g->best < 1 - OUTER : g->best > OUTER)
			continue;
		if (chance <= FINDER_ALPHA && !is_natural(p, is_high) &&
		    slope_chance(r, param, is_high) <= FINDER_ALPHA)
			tell_edge(r, param, g, is_high, chance);
	}
}

/* --- a small part
 * ---------------------------------------------------------------
 */

/* Are the trials in it better than those outside? */
static double compare(const struct finder *r, size_t param,
		      const struct region *g, size_t *ret_outside)
{
	const struct results *all = &r->f->results;
	const struct param *p = &r->space->params[param];
	auto_free struct ranked *v = xcalloc(all->n, sizeof(*v));
	bool is_worse;
	size_t n = 0;
	double chance;

	*ret_outside = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct cell *c = finder_cell(r, i, param);
		double at;

		if (!c->active)
			continue;
		at = finder_place(p, c);
		v[n].value = all->scores[i];
		v[n].is_first = at < g->low || at > g->high;
		*ret_outside += v[n++].is_first;
	}
	chance = rank_sum(v, n, &is_worse);
	return is_worse ? chance : 1;
}

/* How many times narrower, for people. */
static char *factor_text(const struct param *p, double low, double high)
{
	if (p->scale == SCALE_LOG && p->type == PARAM_FLOAT)
		return xasprintf("%.1f of %.1f decades", log10(high / low),
				 log10(param_max(p) / param_min(p)));
	return xasprintf("%.0f %% of it",
			 100 * (high - low) / (param_max(p) - param_min(p)));
}

/*
 * Twice what the range of so many uniform draws lacks at either end of theirs,
 * on average.
 */
static double margin_of(const struct region *g)
{
	return 2 * (g->high - g->low) / ((double)g->n - 1);
}

static void tell_wide(struct finder *r, size_t param, const struct region *g,
		      size_t outside, double chance)
{
	const struct param *p = &r->space->params[param];
	double margin = margin_of(g);
	double from = finder_number(p, g->low), to = finder_number(p, g->high);
	double low = finder_rounded(
	    p, finder_number(p, fmax(g->low - margin, 0)), false);
	double high = finder_rounded(
	    p, finder_number(p, fmin(g->high + margin, 1)), true);
	auto_free char *part = factor_text(p, from, to);
	struct finding *f;

	low = fmax(low, param_min(p));
	high = fmin(high, param_max(p));
	f = finder_add(r, "wide",
		       xasprintf("the %zu best trials have %s from %.3g to "
				 "%.3g, %s; the %zu trials outside are worse",
				 g->n, p->name, from, to, part, outside));
	f->advice = xasprintf("narrow it to %.4g to %.4g", low, high);
	cJSON_AddStringToObject(f->data, "parameter", p->name);
	json_add_number(f->data, "from", from);
	json_add_number(f->data, "to", to);
	json_add_integer(f->data, "best", (int64_t)g->n);
	json_add_integer(f->data, "outside", (int64_t)outside);
	json_add_number(f->data, "p", chance);
	if (low > param_min(p))
		finder_put_number(finder_change(f, p), "min", p, low);
	if (high < param_max(p))
		finder_put_number(finder_change(f, p), "max", p, high);
}

/* The probability that so many uniform draws lie within @span of each other. */
static double span_chance(double span, size_t n)
{
	double k = (double)n;

	span = fmin(span, 1);
	return k * pow(span, k - 1) - (k - 1) * pow(span, k);
}

static void look_at_width(struct finder *r, size_t param,
			  const struct region *g, size_t tests)
{
	const struct param *p = &r->space->params[param];
	double span = g->high - g->low + finder_grain(p);
	double chance = span_chance(span, g->n) * (double)tests, worse;
	size_t outside;

	if (chance > FINDER_ALPHA || span + 2 * margin_of(g) > NARROW)
		return;
	worse = compare(r, param, g, &outside) * (double)tests;
	if (worse <= FINDER_ALPHA && outside >= FINDINGS_GROUP)
		tell_wide(r, param, g, outside, fmax(chance, worse));
}

typedef void look_fn(struct finder *r, size_t param, const struct region *g,
		     size_t tests);

static void look_at_numbers(struct finder *r, look_fn *look)
{
	size_t tests = count_numbers(r);
	struct region g;

	for (size_t i = 0; i < r->space->n; i++) {
		const struct param *p = &r->space->params[i];

		if (finder_is_number(p) && finder_varies(p) &&
		    find_region(r, i, &g))
			look(r, i, &g, tests);
	}
}

void findings_of_ends(struct finder *r)
{
	look_at_numbers(r, look_at_ends);
}

void findings_of_widths(struct finder *r)
{
	look_at_numbers(r, look_at_width);
}

/* --- choices
 * ----------------------------------------------------------------------
 */

/* The trials with one choice among those with any. */
struct choice {
	size_t n, all;
	size_t rank; /* of its best, from 1; equal ones share the best */
	double best; /* its score */
};

static struct choice look_at_choice(const struct finder *r, size_t param,
				    size_t value)
{
	const struct results *all = &r->f->results;
	struct choice c = { .rank = 0, .best = (double)INFINITY };
	size_t better = 0;
	double last = -(double)INFINITY;

	for (size_t i = 0; i < all->n; i++) {
		const struct cell *cell = finder_cell(r, r->order[i], param);
		double score = all->scores[r->order[i]];

		if (!cell->active)
			continue;
		if (score > last)
			better = c.all;
		last = score;
		c.all++;
		if ((size_t)cell->i != value)
			continue;
		if (c.n++ == 0) {
			c.rank = better + 1;
			c.best = score;
		}
	}
	return c;
}

/* All of them among the worst, if they were drawn from all. */
static double choice_chance(const struct choice *c)
{
	return fisher_exact(c->n, c->n, c->all - c->rank + 1, c->all);
}

static char *choice_text(const struct finder *r, const struct param *p,
			 const char *value, const struct choice *c)
{
	if (isinf(c->best))
		return xasprintf("none of the %zu trials with %s = %s came to "
				 "a result",
				 c->n, p->name, value);
	return xasprintf("none of the %zu trials with %s = %s is among the "
			 "best: the best of them, %s %.4g, is number %zu of "
			 "%zu",
			 c->n, p->name, value, r->f->metric,
			 finder_value(r, c->best), c->rank, c->all);
}

static void tell_choice(struct finder *r, const struct param *p, size_t value,
			const struct choice *c, double chance)
{
	struct cell cell = { .active = true, .i = (int64_t)value };
	auto_free char *text = finder_cell_text(p, &cell);
	struct finding *f = finder_add(r, "choice", choice_text(r, p, text, c));

	f->advice = xasprintf("leave %s out", text);
	cJSON_AddStringToObject(f->data, "parameter", p->name);
	cJSON_AddItemToObject(f->data, "value", scalar_json(&p->values[value]));
	json_add_integer(f->data, "trials", (int64_t)c->n);
	json_add_integer(f->data, "of", (int64_t)c->all);
	json_add_integer(f->data, "rank", (int64_t)c->rank);
	json_add_number(f->data, "p", chance);
	cJSON_AddItemToObject(finder_change(f, p), "without",
			      scalar_json(&p->values[value]));
}

static void look_at_choices(struct finder *r, size_t param, size_t tests)
{
	const struct param *p = &r->space->params[param];

	for (size_t k = 0; k < p->n_values; k++) {
		struct choice c = look_at_choice(r, param, k);
		double chance;

		if (c.n < FINDINGS_GROUP || c.rank <= r->n_best)
			continue;
		chance = choice_chance(&c) * (double)tests;
		if (chance <= FINDER_ALPHA)
			tell_choice(r, p, k, &c, chance);
	}
}

void findings_of_choices(struct finder *r)
{
	size_t tests = 0;

	for (size_t i = 0; i < r->space->n; i++)
		if (r->space->params[i].type == PARAM_CHOICE)
			tests += r->space->params[i].n_values;
	for (size_t i = 0; i < r->space->n; i++)
		if (r->space->params[i].type == PARAM_CHOICE)
			look_at_choices(r, i, tests);
}
