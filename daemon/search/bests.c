#include "search/bests.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

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

void bests_learn(const struct pruner *p, struct history *h,
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

bool bests_at(const struct history *h, int64_t step, double *ret)
{
	size_t n = curve_until(&h->bests, step);

	if (h->last < step || n == 0)
		return false;
	*ret = h->bests.points[n - 1].value;
	return true;
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

void bests_forget(struct bests *b, struct history *h)
{
	bool was_done;

	if (h == NULL)
		return;
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
}
