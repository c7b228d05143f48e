#include "search/optimism.h"

#include "search/trust.h"

#include "schema/mem.h"

#include <stdlib.h>

#define BESTS 5    /* results that are looked at */
#define EDGE  0.02 /* of an axis: so near its end is at the end */
#define MOST  1.0  /* if all are, without any result */
#define FADED 10.0 /* results an axis after which there is none */

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

/* The share of those axes of the best results where they lie at an end. */
static double share_of_ends(const struct encoding *e, const struct evidence *v,
			    size_t n)
{
	auto_free struct cell *scratch = xcalloc(e->space->n, sizeof(*scratch));
	size_t best[BESTS], n_best = evidence_best(v, n, NULL, BESTS, best);
	struct count c = { 0 };

	for (size_t k = 0; k < n_best; k++)
		count_ends(e, v->results.x + best[k] * v->d, scratch, &c);
	return c.axes > 0 ? (double)c.ends / (double)c.axes : 0;
}

double optimism(const struct encoding *e, const struct evidence *v, size_t n)
{
	double left = 1 - (double)n / (FADED * (double)e->n);

	if (e->n > TRUST_AXES || left <= 0)
		return 0;
	return MOST * share_of_ends(e, v, n) * left;
}
