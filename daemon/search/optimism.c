#include "search/optimism.h"

#include "search/trust.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define BESTS 5    /* results that are looked at */
#define EDGE  0.02 /* of an axis: so near its end is at the end */
#define MOST  1.0  /* if all are, without any result */
#define FADED 10.0 /* results an axis after which there is none */

/* The best of the first @n results beside the @n_taken that are @taken. */
static size_t next_best(const struct evidence *v, size_t n, const size_t *taken,
			size_t n_taken)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		bool used = false;

		for (size_t k = 0; k < n_taken; k++)
			used |= taken[k] == i;
		if (!used && (best == SIZE_MAX || v->score[i] < v->score[best]))
			best = i;
	}
	return best;
}

struct count {
	size_t axes, ends;
};

/* The active numeric axes at @x, and those of them where it is at an end. */
static void count_ends(const struct encoding *e, const double *x,
		       struct cell *scratch, struct count *c)
{
	decode(e, x, scratch);
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];

		if (a->type == AXIS_CHOICE || !scratch[a->param].active)
			continue;
		c->axes++;
		c->ends += x[i] < EDGE || x[i] > 1 - EDGE;
	}
}

double optimism(const struct encoding *e, const struct evidence *v, size_t n)
{
	auto_free struct cell *scratch = xcalloc(e->space->n, sizeof(*scratch));
	double left = 1 - (double)n / (FADED * (double)e->n);
	size_t taken[BESTS];
	struct count c = { 0 };

	if (e->n > TRUST_AXES || left <= 0)
		return 0;
	for (size_t k = 0; k < BESTS && k < n; k++) {
		taken[k] = next_best(v, n, taken, k);
		count_ends(e, v->results.x + taken[k] * v->d, scratch, &c);
	}
	if (c.axes == 0)
		return 0;
	return MOST * (double)c.ends / (double)c.axes * left;
}
