#include "search/fit.h"

#include "search/optimism.h"
#include "search/rows.h"
#include "search/target.h"

#include "schema/mem.h"

#include <math.h>
#include <string.h>

#define ROWS        400  /* that are fitted to */
#define ALWAYS      30   /* results up to which each has a fit of its own */
#define GROWTH      0.05 /* of the results until the next fit, afterwards */
#define WARM        8    /* results from which a fit starts at another's end */
#define TWICE       100  /* results up to which it also starts afresh */
#define EVALUATIONS 60

void fit_init(struct fit *f, const struct encoding *e, const bool *is_choice)
{
	*f = (struct fit){ .encoding = e, .gp = gp_new(e->n, is_choice) };
}

void fit_fini(struct fit *f)
{
	gp_free(f->gp);
}

/* --- the cache -------------------------------------------------------------
 */

static uint64_t mix(uint64_t key, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &v[i], sizeof(bits));
		key = (key ^ bits) * 0x9e3779b97f4a7c15u;
		key ^= key >> 29;
	}
	return key;
}

static uint64_t key_of(const struct gp *g)
{
	uint64_t key = 0x6a09e667f3bcc908u ^ g->n;

	for (size_t i = 0; i < g->d; i++)
		key = mix(key, g->x + i * g->cap, g->n);
	key = mix(key, g->y, g->n);
	return mix(key, g->repeats, g->n) | 1;
}

static const struct fit_kept *find(const struct fit *f, uint64_t key)
{
	for (size_t k = 0; k < FIT_KEPT; k++) {
		if (f->kept[k].key == key)
			return &f->kept[k];
	}
	return NULL;
}

static void keep(struct fit *f, uint64_t key, const double *hyper)
{
	struct fit_kept *kept = &f->kept[f->next++ % FIT_KEPT];

	kept->key = key;
	memcpy(kept->hyper, hyper, (f->gp->d + 2) * sizeof(*hyper));
}

/* --- the chain of fits ----------------------------------------------------
 */

static void set_rows(struct gp *g, const struct evidence *v,
		     const struct target *t, const size_t *rows, size_t n)
{
	gp_clear(g);
	gp_reserve(g, n);
	for (size_t k = 0; k < n; k++)
		gp_add(g, v->results.x + rows[k] * v->d,
		       target_of(t, v->score[rows[k]]), v->repeats[rows[k]]);
}

/*
 * The number of results that the hyper-parameters for @n of them come from, so
 * that not every one costs a fit.
 */
static size_t fit_size(size_t n)
{
	double at = ALWAYS;

	if (n <= ALWAYS)
		return n;
	while (floor(at * (1 + GROWTH)) <= (double)n)
		at = floor(at * (1 + GROWTH));
	return (size_t)at;
}

/* The first @n results, thinned out, with the scale that they alone have. */
static void load_first(struct fit *f, const struct evidence *v, size_t n)
{
	auto_free size_t *rows = xcalloc(n + 1, sizeof(*rows));
	size_t n_rows = rows_spread(v, n, ROWS, rows);
	struct target t;

	target_init(&t, n, v->score);
	target_raise(&t, optimism(f->encoding, v, n));
	set_rows(f->gp, v, &t, rows, n_rows);
	target_fini(&t);
}

static size_t power_below(size_t n)
{
	size_t p = 1;

	while (2 * p < n)
		p *= 2;
	return p;
}

/*
 * Hyper-parameters for the first @n results. The fit starts where that of the
 * first 2^k of them ended, and while it costs little from the default too: what
 * comes out depends on the results alone, not on who asked for it before.
 */
static void fit_first(struct fit *f, const struct evidence *v, size_t n,
		      double *ret)
{
	size_t size = (v->d + 2) * sizeof(*ret);
	double other[LIMIT_PARAMS + 2], value;
	const struct fit_kept *known;
	uint64_t key;

	load_first(f, v, n);
	key = key_of(f->gp);
	known = find(f, key);
	if (known != NULL) {
		memcpy(ret, known->hyper, size);
		return;
	}
	gp_hyper_default(f->gp, ret);
	if (n <= WARM) {
		(void)gp_fit(f->gp, ret, EVALUATIONS);
		keep(f, key, ret);
		return;
	}
	fit_first(f, v, power_below(n < ROWS ? n : ROWS), other);
	load_first(f, v, n);
	value = gp_fit(f->gp, other, EVALUATIONS);
	if (n > TWICE || !(gp_fit(f->gp, ret, EVALUATIONS) > value))
		memcpy(ret, other, size);
	keep(f, key, ret);
}

void fit_hyper(struct fit *f, const struct evidence *v, double *ret_hyper)
{
	fit_first(f, v, fit_size(v->results.n), ret_hyper);
}
