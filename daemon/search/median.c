#include "search/rule.h"

#include "schema/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * For each step at which trials are compared, a level, the averages of all
 * trials that reached it are kept in order. In a search whose trials report at
 * the same steps a report adds one number to one level, and the median is read
 * off. A level that comes late is filled from the averages that are kept of
 * each trial, running or not.
 *
 * Only so many levels are kept: when there are more, the steps are thinned out
 * (is_kept()), for the levels and the trials' averages alike.
 */
#define LEVELS 1024

/* What remains of a trial. */
struct history {
	/*
	 * At its steps that are kept: the mean of its finite values so far, a
	 * cost; infinite without one.
	 */
	struct curve averages;
	int64_t last; /* the last step that it reported */
};

struct level {
	int64_t step;
	struct sorted averages; /* of the trials that reached it */
};

struct median {
	struct pruner base;
	struct history **histories;
	size_t n_histories, cap_histories;
	struct level *levels; /* [n_levels], by step */
	size_t n_levels, cap_levels;
	unsigned thin; /* of the steps, one in 2^thin is kept */
};

/* Of the first points of a curve. */
struct sum {
	size_t finite;
	double average, best; /* costs */
};

struct median_trial {
	struct pruner_trial base;
	struct history *history; /* owned by the pruner */
	struct sum before;       /* of the points [0, n_before) */
	size_t n_before;
};

/*
 * Multiples of an odd number that is far from every simple fraction of 2^64
 * are spread evenly (Fibonacci hashing: D. Knuth, TAOCP 3, 6.4), so whatever
 * the distance of the steps, one in 2^thin of them has `thin` leading zeros.
 */
static bool is_kept(const struct median *m, int64_t step)
{
	uint64_t h = (uint64_t)step * 0x9e3779b97f4a7c15u;

	return m->thin == 0 || h >> (64 - m->thin) == 0;
}

/* The trial's average at @step, if it reached it: the last one until there. */
static bool find_average(const struct history *h, int64_t step, double *ret)
{
	size_t n = curve_until(&h->averages, step);

	if (h->last < step || n == 0)
		return false;
	*ret = h->averages.points[n - 1].value;
	return true;
}

/* The index of the first level that is not before @step. */
static size_t find_level(const struct median *m, int64_t step)
{
	size_t low = 0, high = m->n_levels;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->levels[mid].step < step)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void fill_level(const struct median *m, struct level *level)
{
	double average;

	level->averages.n = 0;
	for (size_t i = 0; i < m->n_histories; i++) {
		if (find_average(m->histories[i], level->step, &average))
			sorted_append(&level->averages, average);
	}
	sorted_finish(&level->averages);
}

/* Adds a level at @step unless there is one. */
static void add_level(struct median *m, int64_t step)
{
	size_t i = find_level(m, step);

	if (i < m->n_levels && m->levels[i].step == step)
		return;
	if (m->n_levels == m->cap_levels) {
		m->cap_levels = m->cap_levels > 0 ? 2 * m->cap_levels : 16;
		m->levels =
		    xreallocarray(m->levels, m->cap_levels, sizeof(*m->levels));
	}
	memmove(m->levels + i + 1, m->levels + i,
		(m->n_levels - i) * sizeof(*m->levels));
	m->n_levels++;
	m->levels[i] = (struct level){ .step = step };
	fill_level(m, &m->levels[i]);
}

/* Adds the trial to the levels from @from on, or takes it out of them. */
static void move(struct median *m, const struct history *h, int64_t from,
		 void (*how)(struct sorted *, double))
{
	double average;

	for (size_t i = find_level(m, from);
	     i < m->n_levels && m->levels[i].step <= h->last; i++) {
		if (find_average(h, m->levels[i].step, &average))
			how(&m->levels[i].averages, average);
	}
}

static void thin_history(const struct median *m, struct history *h)
{
	struct curve *c = &h->averages;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (is_kept(m, c->points[i].step))
			c->points[n++] = c->points[i];
	}
	c->n = n;
	c->cap = n;
	c->points = xreallocarray(c->points, c->cap, sizeof(*c->points));
}

static void thin_levels(struct median *m)
{
	size_t n = 0;

	m->thin++;
	for (size_t i = 0; i < m->n_histories; i++)
		thin_history(m, m->histories[i]);
	for (size_t i = 0; i < m->n_levels; i++) {
		if (is_kept(m, m->levels[i].step))
			m->levels[n++] = m->levels[i];
		else
			sorted_free(&m->levels[i].averages);
	}
	m->n_levels = n;
	for (size_t i = 0; i < n; i++)
		fill_level(m, &m->levels[i]);
}

/*
 * Divides first, so that nothing overflows, and the average of equal values is
 * exactly that value: else equal curves would differ from their own average.
 */
static void add_point(const struct pruner *p, struct sum *s,
		      const struct curve_point *at)
{
	double cost = rule_cost(p, at->value);
	double n;

	if (!isfinite(cost))
		return;
	if (s->finite == 0 || cost < s->best)
		s->best = cost;
	n = (double)++s->finite;
	s->average += cost / n - s->average / n;
}

static void add_mark(struct history *h, int64_t step, const struct sum *s)
{
	(void)curve_set(&h->averages, step,
			s->finite > 0 ? s->average : (double)INFINITY);
}

/* Makes the marks from point @i on anew; returns the sum of the whole curve. */
static struct sum learn(const struct median *m, struct median_trial *t,
			const struct curve *c, size_t i)
{
	struct history *h = t->history;
	int64_t from = c->points[i].step;
	struct sum s;

	h->averages.n = curve_until(&h->averages, from - 1);
	if (i < t->n_before) {
		t->n_before = 0;
		t->before = (struct sum){ 0 };
	}
	s = t->before;
	for (size_t k = t->n_before; k < c->n; k++) {
		if (k == c->n - 1) {
			/* The last point may be told again. */
			t->before = s;
			t->n_before = k;
		}
		add_point(&m->base, &s, &c->points[k]);
		if (k >= i && is_kept(m, c->points[k].step))
			add_mark(h, c->points[k].step, &s);
	}
	h->last = c->points[c->n - 1].step;
	return s;
}

static struct history *new_history(struct median *m)
{
	if (m->n_histories == m->cap_histories) {
		m->cap_histories =
		    m->cap_histories > 0 ? 2 * m->cap_histories : 16;
		m->histories = xreallocarray(m->histories, m->cap_histories,
					     sizeof(struct history *));
	}
	m->histories[m->n_histories] = xcalloc(1, sizeof(struct history));
	return m->histories[m->n_histories++];
}

struct comparison {
	int64_t at;         /* step of the level */
	double best, limit; /* costs */
	size_t others;
};

/*
 * Compares the trial at the last level that it reached. True when there is
 * something to compare it with.
 */
static bool compare(const struct median *m, const struct history *h,
		    const struct sum *s, struct comparison *ret)
{
	size_t i = find_level(m, h->last);
	const struct level *level;
	bool has_own;
	double own;

	if (i == m->n_levels || m->levels[i].step != h->last)
		i--; /* wraps when there is none */
	if (i >= m->n_levels)
		return false;
	level = &m->levels[i];
	has_own = find_average(h, level->step, &own);
	ret->at = level->step;
	ret->others = level->averages.n - has_own;
	if (ret->others == 0)
		return false;
	ret->best = s->finite > 0 ? s->best : (double)INFINITY;
	ret->limit = has_own ? sorted_median_without(&level->averages, own)
			     : sorted_median(&level->averages);
	return true;
}

static void stop(const struct pruner *p, int64_t step,
		 const struct comparison *by, struct verdict *ret)
{
	double best = rule_cost(p, by->best), limit = rule_cost(p, by->limit);
	cJSON *data = rule_data(p, "median", step);
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64];

	json_add_number(data, "value", best);
	json_add_number(data, "limit", limit);
	json_add_integer(data, "at", by->at);
	json_add_integer(data, "trials", (int64_t)by->others);
	rule_reason(p, "median", step, reason);
	rule_stop(ret, reason, data,
		  "stopped at %s %" PRId64 " by the median rule: its best %s "
		  "%s is worse than %s, the median of the running averages of "
		  "%zu trial%s at %s %" PRId64,
		  rule_step(p), step, p->spec->metric,
		  json_number_text(best, a), json_number_text(limit, b),
		  by->others, by->others == 1 ? "" : "s", rule_step(p), by->at);
}

static void median_report(struct pruner *base, struct pruner_trial *base_trial,
			  const struct curve *c, size_t i, struct verdict *ret)
{
	struct median *m = (struct median *)base;
	struct median_trial *t = (struct median_trial *)base_trial;
	int64_t step = c->points[i].step;
	int64_t from = step;
	const struct early_stopping *e = base->options;
	struct comparison by;
	struct sum s;

	if (is_kept(m, step))
		add_level(m, step);
	if (t->history == NULL) {
		t->history = new_history(m);
		from = INT64_MIN;
	} else if (t->history->last < step) {
		/* It also reaches the levels that it has stepped over. */
		from = t->history->last + 1;
	} else {
		move(m, t->history, from, sorted_remove);
	}
	s = learn(m, t, c, i);
	move(m, t->history, from, sorted_add);
	while (m->n_levels > LEVELS && m->thin < 63)
		thin_levels(m);
	if (!ret->stop && rule_is_warm(base, c) &&
	    compare(m, t->history, &s, &by) &&
	    (int64_t)by.others >= e->min_trials && by.best > by.limit)
		stop(base, t->history->last, &by, ret);
}

static void median_forget(struct pruner *base, struct pruner_trial *base_trial)
{
	struct history *h = ((struct median_trial *)base_trial)->history;

	if (h == NULL)
		return;
	move((struct median *)base, h, INT64_MIN, sorted_remove);
	h->averages.n = 0; /* nobody's from here on */
}

static void median_fini(struct pruner *base)
{
	struct median *m = (struct median *)base;

	for (size_t i = 0; i < m->n_histories; i++) {
		curve_free(&m->histories[i]->averages);
		free(m->histories[i]);
	}
	free(m->histories);
	for (size_t i = 0; i < m->n_levels; i++)
		sorted_free(&m->levels[i].averages);
	free(m->levels);
}

const struct rule median_rule = {
	.size = sizeof(struct median),
	.trial_size = sizeof(struct median_trial),
	.report = median_report,
	.forget = median_forget,
	.fini = median_fini,
};
