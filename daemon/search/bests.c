#include "search/bests.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct history *bests_add(struct bests *b, int64_t number)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->number = number;
	if (b->n == b->cap) {
		b->cap = b->cap > 0 ? 2 * b->cap : 16;
		b->histories = xreallocarray(b->histories, b->cap,
					     sizeof(struct history *));
	}
	b->histories[b->n++] = h;
	return h;
}

bool bests_at(const struct history *h, int64_t step, double *ret)
{
	size_t n = curve_until(&h->bests, step);

	if (h->last < step || n == 0)
		return false;
	*ret = h->bests.points[n - 1].value;
	return true;
}

/* The index of the first level that is not before @step and @bracket. */
static size_t find_level(const struct bests *b, int64_t step, int64_t bracket)
{
	size_t low = 0, high = b->n_levels;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct level *l = &b->levels[mid];

		if (l->step < step || (l->step == step && l->bracket < bracket))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The trial's value at the level, if it is one of those that came to it. */
static bool is_at(const struct pruner *p, const struct bests *b,
		  const struct history *h, const struct level *l, double *ret)
{
	return bests_at(h, l->step, ret) &&
	       rungs_bracket(&b->rungs, p->spec->seed, h->number) == l->bracket;
}

/* Takes the trial into the levels from step @from on, or out of them. */
static void move(const struct pruner *p, struct bests *b,
		 const struct history *h, int64_t from,
		 void (*how)(struct sorted *, double))
{
	double cost;

	for (size_t i = find_level(b, from, 0);
	     i < b->n_levels && b->levels[i].step <= h->last; i++) {
		if (is_at(p, b, h, &b->levels[i], &cost))
			how(&b->levels[i].costs, cost);
	}
}

const struct sorted *bests_level(const struct pruner *p, struct bests *b,
				 int64_t step, int64_t bracket)
{
	size_t i = find_level(b, step, bracket);
	struct level *l;
	double cost;

	if (i < b->n_levels && b->levels[i].step == step &&
	    b->levels[i].bracket == bracket)
		return &b->levels[i].costs;
	if (b->n_levels == b->cap_levels) {
		b->cap_levels = b->cap_levels > 0 ? 2 * b->cap_levels : 16;
		b->levels =
		    xreallocarray(b->levels, b->cap_levels, sizeof(*b->levels));
	}
	l = &b->levels[i];
	memmove(l + 1, l, (b->n_levels - i) * sizeof(*l));
	b->n_levels++;
	*l = (struct level){ .step = step, .bracket = bracket };
	for (size_t k = 0; k < b->n; k++) {
		if (is_at(p, b, b->histories[k], l, &cost))
			sorted_append(&l->costs, cost);
	}
	sorted_finish(&l->costs);
	return &l->costs;
}

static void drop_levels(struct bests *b)
{
	for (size_t i = 0; i < b->n_levels; i++)
		sorted_free(&b->levels[i].costs);
	b->n_levels = 0;
}

void bests_set_rungs(struct bests *b, const struct rungs *r)
{
	if (r->first != b->rungs.first || r->brackets != b->rungs.brackets)
		drop_levels(b);
	b->rungs = *r;
}

/* Makes the curve of its best values from point @i on anew. */
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

void bests_learn(const struct pruner *p, struct bests *b, struct history *h,
		 const struct curve *c, size_t i)
{
	int64_t from = c->points[i].step;

	if (h->bests.n == 0)
		from = INT64_MIN;
	else if (h->last < from)
		from = h->last + 1; /* also those that it has stepped over */
	else
		move(p, b, h, from, sorted_remove);
	learn(p, h, c, i);
	move(p, b, h, from, sorted_add);
}

void bests_done(struct bests *b, struct history *h)
{
	if (h->is_done)
		return;
	h->is_done = true;
	b->n_done++;
	if (h->last > b->longest)
		b->longest = h->last;
}

static void count_done(struct bests *b)
{
	b->n_done = 0;
	b->longest = 0;
	for (size_t i = 0; i < b->n; i++) {
		const struct history *h = b->histories[i];

		b->n_done += h->is_done;
		if (h->is_done && h->last > b->longest)
			b->longest = h->last;
	}
}

void bests_forget(const struct pruner *p, struct bests *b, struct history *h)
{
	bool was_done;

	if (h == NULL)
		return;
	move(p, b, h, INT64_MIN, sorted_remove);
	was_done = h->is_done;
	h->bests.n = 0; /* nobody's from here on */
	h->is_done = false;
	if (was_done)
		count_done(b);
}

void bests_fini(struct bests *b)
{
	for (size_t i = 0; i < b->n; i++) {
		curve_free(&b->histories[i]->bests);
		free(b->histories[i]);
	}
	free(b->histories);
	drop_levels(b);
	free(b->levels);
}
