#include "search/evidence.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond what any loss means, if another is a thousandth of it or less. */
#define EXPLODED 1e15

static void points_init(struct points *p, size_t cap, size_t d)
{
	p->n = 0;
	p->x = xcalloc(cap * d + 1, sizeof(*p->x));
	p->number = xcalloc(cap + 1, sizeof(*p->number));
}

static void points_fini(struct points *p)
{
	free(p->x);
	free(p->number);
}

static void add(struct points *p, size_t d, const double *x, size_t number)
{
	memcpy(p->x + p->n * d, x + number * d, d * sizeof(*x));
	p->number[p->n++] = number;
}

void evidence_fini(struct evidence *v)
{
	points_fini(&v->results);
	points_fini(&v->failed);
	points_fini(&v->running);
	points_fini(&v->early);
	points_fini(&v->timed);
	free(v->score);
	free(v->repeats);
	free(v->seconds);
}

/* --- what counts as a result -----------------------------------------------
 */

struct scale {
	double least;  /* done score */
	double median; /* of the done scores that are results; NaN: none */
};

static bool is_result(const struct observation *o, const struct scale *s)
{
	return (o->fate == FATE_DONE || o->fate == FATE_PRUNED) &&
	       isfinite(o->score) &&
	       (o->score < EXPLODED || s->least > 1e-3 * EXPLODED);
}

static bool is_failure(const struct observation *o, const struct scale *s)
{
	return o->fate == FATE_FAILED ||
	       (o->fate == FATE_DONE && !is_result(o, s));
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct scale scale_of(const struct history *h)
{
	auto_free double *done = xcalloc(h->n + 1, sizeof(*done));
	struct scale s = { .least = (double)INFINITY, .median = (double)NAN };
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct observation *o = &h->rows[i].seen;

		if (o->fate == FATE_DONE && isfinite(o->score))
			s.least = fmin(s.least, o->score);
	}
	for (size_t i = 0; i < h->n; i++) {
		const struct observation *o = &h->rows[i].seen;

		if (o->fate == FATE_DONE && is_result(o, &s))
			done[n++] = o->score;
	}
	if (n == 0)
		return s;
	qsort(done, n, sizeof(*done), by_value);
	s.median = done[n / 2];
	return s;
}

static double score_in(const struct observation *o, const struct scale *s)
{
	return o->fate == FATE_PRUNED ? fmax(o->score, s->median) : o->score;
}

/* --- equal configurations --------------------------------------------------
 */

struct entry {
	uint64_t hash;
	size_t number;
};

static int by_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The first of the trials with equal configurations, of each: [h->n]. */
static size_t *firsts(const struct history *h)
{
	struct entry *order = xcalloc(h->n + 1, sizeof(*order));
	size_t *first = xcalloc(h->n + 1, sizeof(*first));

	for (size_t i = 0; i < h->n; i++)
		order[i] = (struct entry){ h->rows[i].hash, i };
	if (h->n > 0)
		qsort(order, h->n, sizeof(*order), by_hash);
	for (size_t i = 0; i < h->n; i++) {
		bool same = i > 0 && order[i].hash == order[i - 1].hash;

		first[order[i].number] =
		    same ? first[order[i - 1].number] : order[i].number;
	}
	free(order);
	return first;
}

static void add_result(struct evidence *v, const double *x, size_t number,
		       size_t *row, double score, int64_t runs)
{
	double weight = runs > 0 ? (double)runs : 1;

	if (*row == SIZE_MAX) {
		*row = v->results.n;
		add(&v->results, v->d, x, number);
	}
	v->repeats[*row] += weight;
	/* A running mean that does not overflow. */
	v->score[*row] = v->score[*row] * (1 - weight / v->repeats[*row]) +
			 score / (v->repeats[*row] / weight);
}

/* The latest of all @n. */
static void add_early(struct evidence *v, const struct history *h,
		      const double *x, int64_t early, size_t n)
{
	size_t left_out = n > EARLY ? n - EARLY : 0;

	for (size_t i = 0; i < h->n; i++) {
		if (!observation_is_early(&h->rows[i].seen, early))
			continue;
		if (left_out > 0)
			left_out--;
		else
			add(&v->early, v->d, x, i);
	}
}

void evidence_init(struct evidence *v, const struct history *h, const double *x,
		   size_t d)
{
	struct scale scale = scale_of(h);
	int64_t early = history_early(h);
	size_t n_early = 0;
	auto_free size_t *first = firsts(h);
	auto_free size_t *row = xcalloc(h->n + 1, sizeof(*row));

	*v = (struct evidence){ .d = d };
	points_init(&v->results, h->n, d);
	points_init(&v->failed, h->n, d);
	points_init(&v->running, h->n, d);
	points_init(&v->early, EARLY, d);
	points_init(&v->timed, h->n, d);
	v->score = xcalloc(h->n + 1, sizeof(*v->score));
	v->repeats = xcalloc(h->n + 1, sizeof(*v->repeats));
	v->seconds = xcalloc(h->n + 1, sizeof(*v->seconds));
	for (size_t i = 0; i < h->n; i++)
		row[i] = SIZE_MAX;
	for (size_t i = 0; i < h->n; i++) {
		const struct observation *o = &h->rows[i].seen;

		if (o->fate == FATE_DONE && o->seconds > 0) {
			v->seconds[v->timed.n] = o->seconds;
			add(&v->timed, d, x, i);
		}
		if (o->fate == FATE_RUNNING)
			add(&v->running, d, x, i);
		else if (is_failure(o, &scale))
			add(&v->failed, d, x, i);
		else if (observation_is_early(o, early))
			n_early++;
		else if (is_result(o, &scale))
			add_result(v, x, i, &row[first[i]], score_in(o, &scale),
				   o->runs);
	}
	add_early(v, h, x, early, n_early);
	for (size_t i = 1; i < v->results.n; i++) {
		if (v->score[i] < v->score[v->best])
			v->best = i;
	}
}

static bool is_among(const size_t *list, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		if (list[k] == i)
			return true;
	}
	return false;
}

size_t evidence_best(const struct evidence *v, size_t n,
		     const struct branch *branch, size_t max, size_t *ret)
{
	size_t found = 0;

	for (; found < max; found++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < n; i++) {
			if ((best == SIZE_MAX ||
			     v->score[i] < v->score[best]) &&
			    branch_has(branch, v->results.x + i * v->d) &&
			    !is_among(ret, found, i))
				best = i;
		}
		if (best == SIZE_MAX)
			break;
		ret[found] = best;
	}
	return found;
}
