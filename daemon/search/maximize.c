#include "search/maximize.h"

#include "num/normal.h"
#include "num/optimize.h"
#include "num/rng.h"
#include "num/sobol.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS        4    /* of turns between reals and the others */
#define GAIN_MIN      1e-4 /* of a further round */
#define EVALUATIONS   30   /* of the acquisition in one ascent */
#define ALL_LEVELS    24   /* up to so many values are all tried */
#define SPREAD_LEVELS 12   /* of more, so many, and some steps around */
#define APART         0.25 /* between starts, in lengthscales */

/* --- sets of points --------------------------------------------------------
 */

void maxima_init(struct maxima *p, size_t d)
{
	*p = (struct maxima){ .d = d };
}

void maxima_fini(struct maxima *p)
{
	free(p->x);
	free(p->value);
}

double *maxima_add(struct maxima *p)
{
	if (p->n == p->cap) {
		p->cap = p->cap > 0 ? p->cap * 2 : 64;
		p->x = xreallocarray(p->x, p->cap * p->d, sizeof(*p->x));
		p->value = xreallocarray(p->value, p->cap, sizeof(*p->value));
	}
	return p->x + p->n++ * p->d;
}

/* A copy of @x, which may be of the same set. */
static double *add(struct maxima *p, const double *x, size_t d)
{
	auto_free double *copy = xcalloc(d, sizeof(*copy));
	double *at;

	memcpy(copy, x, d * sizeof(*x));
	at = maxima_add(p);
	memcpy(at, copy, d * sizeof(*x));
	return at;
}

/* The values of all points from @from on. */
static void evaluate(const struct maximize *m, struct maxima *p, size_t from)
{
	size_t count = p->n - from;
	auto_free double *columns = xcalloc(count * p->d, sizeof(*columns));

	for (size_t j = 0; j < count; j++) {
		for (size_t i = 0; i < p->d; i++)
			columns[i * count + j] = p->x[(from + j) * p->d + i];
	}
	if (count > 0)
		acquisition_many(m->acquisition, count, columns, count,
				 p->value + from);
}

struct ranked {
	double value;
	size_t i;
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return (x->i > y->i) - (x->i < y->i);
}

/* Largest first; what is not a number comes last. */
static void sort(struct maxima *p)
{
	auto_free struct ranked *order = xcalloc(p->n, sizeof(*order));
	struct maxima sorted;

	for (size_t i = 0; i < p->n; i++)
		order[i] = (struct ranked){ isnan(p->value[i]) ? -HUGE_VAL
							       : p->value[i],
					    i };
	if (p->n > 0)
		qsort(order, p->n, sizeof(*order), by_value);
	maxima_init(&sorted, p->d);
	for (size_t i = 0; i < p->n; i++) {
		(void)add(&sorted, p->x + order[i].i * p->d, p->d);
		sorted.value[i] = order[i].value;
	}
	maxima_fini(p);
	*p = sorted;
}

/* --- scattered points ------------------------------------------------------
 */

/* From u in [0, 1) to the index of a choice. */
static double any_choice(const struct maximize *m, size_t i, double u)
{
	return m->lower[i] + floor(u * (m->upper[i] - m->lower[i] + 1));
}

/* From u in [0, 1) to a coordinate of the axis. */
static double spread(const struct maximize *m, size_t i, double u)
{
	const struct axis *a = &m->encoding->axes[i];

	if (a->type == AXIS_CHOICE)
		return any_choice(m, i, u);
	u = m->lower[i] + u * (m->upper[i] - m->lower[i]);
	/* Every place has the same chance, however far apart they are. */
	if (a->type == AXIS_GRID && m->lower[i] <= 0 && m->upper[i] >= 1)
		return axis_place(m->encoding, a,
				  (uint64_t)fmin(u * (double)a->levels,
						 (double)a->levels - 1));
	return u;
}

static void scatter(const struct maximize *m, struct maxima *p,
		    struct cell *scratch)
{
	size_t from = p->n;

	for (size_t j = 0; j < m->scattered; j++)
		(void)maxima_add(p);
	for (size_t i = 0; i < p->d; i++) {
		struct sobol_axis axis;

		sobol_init_scrambled(
		    &axis, (uint32_t)i,
		    rng_bits(m->seed, rng_stream(RNG_CANDIDATE, 0), m->index));
		for (size_t j = 0; j < m->scattered; j++)
			p->x[(from + j) * p->d + i] =
			    spread(m, i, sobol_unit(&axis, (uint32_t)j));
	}
	for (size_t j = from; j < p->n; j++)
		encoding_snap(m->encoding, p->x + j * p->d, scratch);
}

/* A stream of numbers in [0, 1). */
struct draws {
	uint64_t seed, index;
	uint32_t stream, next;
};

static double draw(struct draws *d)
{
	if (++d->next >= 1u << 20)
		d->next = 0;
	return rng_unit(d->seed, d->stream, d->index << 20 | d->next);
}

/* To choices that are allowed; what is inactive stays so. */
static void restrict_choices(const struct maximize *m, double *x)
{
	for (size_t i = 0; i < m->encoding->n; i++) {
		if (m->encoding->axes[i].type == AXIS_CHOICE && x[i] >= 0)
			x[i] = fmin(fmax(x[i], m->lower[i]), m->upper[i]);
	}
}

/* Moves @x a little on some axes, at least one. */
static void perturb(const struct maximize *m, double *x, size_t d,
		    struct draws *draws)
{
	double chance = fmax(0.2, fmin(1, 3.0 / (double)d));
	double width = pow(10, -2.5 + 2 * draw(draws));
	size_t always = (size_t)(draw(draws) * (double)d);

	for (size_t i = 0; i < d; i++) {
		const struct axis *a = &m->encoding->axes[i];
		double u = draw(draws), z;

		if (i != always && draw(draws) >= chance)
			continue;
		if (a->type == AXIS_CHOICE) {
			x[i] = any_choice(m, i, u);
			continue;
		}
		z = normal_quantile(fmax(u, 1e-12));
		/* A step of a coarse grid is a little, too. */
		if (a->type == AXIS_GRID)
			width = fmax(width, 0.5 / (double)a->levels);
		x[i] = fmin(fmax(x[i] + width * z, m->lower[i]), m->upper[i]);
	}
}

static void look_around(const struct maximize *m, struct maxima *p,
			struct cell *scratch)
{
	struct draws draws = { .seed = m->seed,
			       .index = m->index,
			       .stream = rng_stream(RNG_CANDIDATE, 1) };

	for (size_t j = 0; j < m->around && m->n_anchors > 0; j++) {
		double *x =
		    add(p, m->anchors + (j % m->n_anchors) * p->d, p->d);

		restrict_choices(m, x);
		perturb(m, x, p->d, &draws);
		encoding_snap(m->encoding, x, scratch);
	}
}

/* --- reals: by gradient ----------------------------------------------------
 */

struct ascent {
	const struct maximize *m;
	double *x;      /* [d] */
	size_t *moving; /* [n] axes */
	size_t n;
	double *gradient; /* [d] */
};

/* In units of lengthscales, so that all axes are equally steep. */
static double lengthscale(const struct maximize *m, size_t i)
{
	return exp(m->acquisition->value->hyper[i]);
}

static double descend(void *ctx, const double *z, double *ret_gradient)
{
	struct ascent *a = ctx;
	double value;

	for (size_t i = 0; i < a->n; i++)
		a->x[a->moving[i]] = z[i] * lengthscale(a->m, a->moving[i]);
	value = acquisition_at(a->m->acquisition, a->x, a->gradient);
	for (size_t i = 0; i < a->n; i++)
		ret_gradient[i] = -a->gradient[a->moving[i]] *
				  lengthscale(a->m, a->moving[i]);
	return -value;
}

/* The real axes that may move: active, and switching no others. */
static size_t moving_axes(const struct maximize *m, const double *x,
			  struct cell *scratch, size_t *ret)
{
	const struct encoding *e = m->encoding;
	size_t n = 0;

	if (e->is_conditional)
		decode(e, x, scratch);
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];

		if (a->type == AXIS_REAL && !a->is_parent &&
		    (!a->is_child || scratch[a->param].active))
			ret[n++] = i;
	}
	return n;
}

/* Climbs from @x; returns the value there. */
static double ascend(const struct maximize *m, double *x, double value,
		     struct cell *scratch)
{
	const struct minimize_options options = {
		.max_evaluations = EVALUATIONS,
		.gradient_tolerance = 1e-3,
		.value_tolerance = 1e-5,
	};
	size_t d = m->encoding->n;
	auto_free double *work = xcalloc(5 * d, sizeof(*work));
	auto_free size_t *moving = xcalloc(d, sizeof(*moving));
	double *z = work, *lower = z + d, *upper = lower + d, *best = upper + d;
	struct ascent a = { .m = m,
			    .x = best,
			    .moving = moving,
			    .n = moving_axes(m, x, scratch, moving),
			    .gradient = best + d };
	struct minimize_problem problem = { .n = a.n,
					    .lower = lower,
					    .upper = upper,
					    .fn = descend,
					    .ctx = &a };
	double found;

	if (a.n == 0)
		return value;
	memcpy(best, x, d * sizeof(*x));
	for (size_t i = 0; i < a.n; i++) {
		double l = lengthscale(m, moving[i]);

		lower[i] = m->lower[moving[i]] / l;
		upper[i] = m->upper[moving[i]] / l;
		z[i] = fmin(fmax(x[moving[i]] / l, lower[i]), upper[i]);
	}
	if (minimize_box(&problem, &options, z, &found) != 0 || -found <= value)
		return value;
	for (size_t i = 0; i < a.n; i++)
		x[moving[i]] = fmin(
		    fmax(z[i] * lengthscale(m, moving[i]), m->lower[moving[i]]),
		    m->upper[moving[i]]);
	return -found;
}

/* --- grids and choices: by trying ------------------------------------------
 */

static void try_value(const struct maximize *m, struct maxima *p,
		      const double *x, size_t i, double v, struct cell *scratch)
{
	double *y;

	if (v == x[i] || (m->encoding->axes[i].type != AXIS_REAL &&
			  (v < m->lower[i] || v > m->upper[i])))
		return;
	y = add(p, x, p->d);
	y[i] = v;
	encoding_snap(m->encoding, y, scratch);
}

/* The other values of axis @i that are worth a try. */
static void try_axis(const struct maximize *m, struct maxima *p,
		     const double *x, size_t i, struct cell *scratch)
{
	static const int64_t steps[] = { 1, 2, 4, 16, 64 };
	const struct encoding *e = m->encoding;
	const struct axis *a = &e->axes[i];
	int64_t at, last = (int64_t)a->levels - 1;

	if (a->levels <= ALL_LEVELS || a->type == AXIS_CHOICE) {
		for (uint64_t k = 0; k < a->levels; k++)
			try_value(m, p, x, i,
				  a->type == AXIS_CHOICE ? (double)k
							 : axis_place(e, a, k),
				  scratch);
		return;
	}
	at = (int64_t)axis_nearest(e, a, x[i]);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		if (at + steps[s] <= last)
			try_value(m, p, x, i,
				  axis_place(e, a, (uint64_t)(at + steps[s])),
				  scratch);
		if (at >= steps[s])
			try_value(m, p, x, i,
				  axis_place(e, a, (uint64_t)(at - steps[s])),
				  scratch);
	}
	for (int k = 0; k < SPREAD_LEVELS; k++)
		try_value(
		    m, p, x, i,
		    axis_place(e, a,
			       axis_nearest(e, a, (k + 0.5) / SPREAD_LEVELS)),
		    scratch);
}

/*
 * Places on the real axis @i, which switches others, so that it has a slope
 * only between the values where it does: from all of the box, and near.
 */
static void try_real(const struct maximize *m, struct maxima *p,
		     const double *x, size_t i, struct cell *scratch)
{
	static const double steps[] = { 0.03, 0.01, 0.003, 0.001 };
	double low = m->lower[i], size = m->upper[i] - low;

	for (int k = 0; k < SPREAD_LEVELS; k++)
		try_value(m, p, x, i, low + size * (k + 0.5) / SPREAD_LEVELS,
			  scratch);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		try_value(m, p, x, i, fmin(x[i] + steps[s], m->upper[i]),
			  scratch);
		try_value(m, p, x, i, fmax(x[i] - steps[s], low), scratch);
	}
}

/* All points that differ from @x on one axis that has no gradient. */
static void neighbours(const struct maximize *m, const double *x,
		       struct cell *scratch, struct maxima *ret)
{
	const struct encoding *e = m->encoding;

	maxima_init(ret, e->n);
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];

		if (e->is_conditional) {
			decode(e, x, scratch);
			if (!scratch[a->param].active)
				continue;
		}
		if (a->type != AXIS_REAL)
			try_axis(m, ret, x, i, scratch);
		else if (a->is_parent)
			try_real(m, ret, x, i, scratch);
	}
	evaluate(m, ret, 0);
}

/* Moves to the best neighbour as long as one is better. */
static double step_discrete(const struct maximize *m, double *x, double value,
			    struct cell *scratch)
{
	size_t d = m->encoding->n;

	for (size_t k = 0; k < 2 * d; k++) {
		struct maxima p;
		size_t best = SIZE_MAX;
		double before = value;

		neighbours(m, x, scratch, &p);
		for (size_t j = 0; j < p.n; j++) {
			if (p.value[j] > value) {
				value = p.value[j];
				best = j;
			}
		}
		if (best < SIZE_MAX)
			memcpy(x, p.x + best * d, d * sizeof(*x));
		maxima_fini(&p);
		if (value - before < GAIN_MIN)
			break;
	}
	return value;
}

/* Some axis moves by trying. */
static bool has_discrete(const struct encoding *e)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->axes[i].type != AXIS_REAL || e->axes[i].is_parent)
			return true;
	}
	return false;
}

/* --- all of it -------------------------------------------------------------
 */

static double improve(const struct maximize *m, double *x, double value,
		      struct cell *scratch)
{
	bool discrete = has_discrete(m->encoding);

	for (int round = 0; round < (discrete ? ROUNDS : 1); round++) {
		double before = value;

		value = ascend(m, x, value, scratch);
		if (discrete)
			value = step_discrete(m, x, value, scratch);
		if (value - before < GAIN_MIN)
			break;
	}
	return value;
}

/* The best points of @p, apart from one another: their indices, sorted. */
static size_t choose_starts(const struct maximize *m, const struct maxima *p,
			    size_t *ret)
{
	size_t n = 0;

	for (size_t j = 0; j < p->n && n < m->starts; j++) {
		bool apart = true;

		for (size_t k = 0; k < n && apart; k++)
			apart =
			    gp_distance(m->acquisition->value, p->x + j * p->d,
					p->x + ret[k] * p->d) >= APART;
		if (apart)
			ret[n++] = j;
	}
	return n;
}

void maximize_list(const struct maximize *m, struct maxima *p)
{
	evaluate(m, p, 0);
	sort(p);
}

void maximize(const struct maximize *m, struct maxima *ret)
{
	size_t d = m->encoding->n, n, first;
	auto_free size_t *starts = xcalloc(m->starts, sizeof(*starts));
	auto_free struct cell *scratch =
	    xcalloc(m->encoding->space->n, sizeof(*scratch));
	struct maxima around;

	maxima_init(ret, d);
	scatter(m, ret, scratch);
	look_around(m, ret, scratch);
	maximize_list(m, ret);
	n = choose_starts(m, ret, starts);
	for (size_t k = 0; k < n; k++) {
		double value = ret->value[starts[k]];
		double *x = add(ret, ret->x + starts[k] * d, d);

		ret->value[ret->n - 1] = improve(m, x, value, scratch);
	}
	sort(ret);
	/* The best may be known already: its neighbours come into question. */
	neighbours(m, ret->x, scratch, &around);
	first = ret->n;
	for (size_t k = 0; k < around.n; k++) {
		(void)add(ret, around.x + k * d, d);
		ret->value[first + k] = around.value[k];
	}
	maxima_fini(&around);
	sort(ret);
}
