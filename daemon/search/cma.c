#include "search/cma.h"

#include "num/linalg.h"
#include "num/normal.h"
#include "num/rng.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- axes and constants -----------------------------------------------------
 */

void cma_axes_init(struct cma_axes *a, const struct space *space)
{
	assert(space->n <= LIMIT_PARAMS);
	*a = (struct cma_axes){ .space = space };
	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];

		if (param_cardinality(p) == 1)
			continue;
		if (p->type == PARAM_CHOICE && !p->ordered) {
			a->first[a->n_choices] = a->n_probabilities;
			a->choice[a->n_choices++] = i;
			a->n_probabilities += p->n_values;
		} else {
			a->discrete[a->n] = param_cardinality(p) > 0;
			a->number[a->n++] = i;
		}
	}
}

size_t cma_lambda(size_t axes)
{
	return 4 + (size_t)(3 * log(fmax((double)axes, 1)));
}

static double sum(const double *v, size_t n)
{
	double s = 0;

	for (size_t i = 0; i < n; i++)
		s += v[i];
	return s;
}

/* The weights of equations (49) to (53); the constants must be known. */
static void scale_weights(struct cma_strategy *s)
{
	double n = (double)s->n, *negative = s->weights + s->mu;
	size_t n_negative = s->lambda - s->mu;
	double positive_sum = sum(s->weights, s->mu);
	double negative_sum = -sum(negative, n_negative);
	double mu_eff_minus =
	    negative_sum * negative_sum / dot(n_negative, negative, negative);
	double alpha =
	    fmin(1 + s->c_1 / s->c_mu, 1 + 2 * mu_eff_minus / (s->mu_eff + 2));

	alpha = fmin(alpha, (1 - s->c_1 - s->c_mu) / (n * s->c_mu));
	for (size_t i = 0; i < s->lambda; i++)
		s->weights[i] *=
		    i < s->mu ? 1 / positive_sum : alpha / negative_sum;
}

void cma_strategy_init(struct cma_strategy *s, size_t n, size_t lambda)
{
	double d = (double)(n > 0 ? n : 1), m;

	assert(lambda >= 4);
	*s = (struct cma_strategy){ .n = n > 0 ? n : 1, .lambda = lambda };
	s->weights = xcalloc(lambda, sizeof(*s->weights));
	s->mu = lambda / 2;
	for (size_t i = 0; i < lambda; i++)
		s->weights[i] =
		    log((double)(lambda + 1) / 2) - log((double)(i + 1));
	m = sum(s->weights, s->mu);
	m = m * m / dot(s->mu, s->weights, s->weights);
	s->mu_eff = m;
	s->c_1 = 2 / ((d + 1.3) * (d + 1.3) + m);
	s->c_mu = fmin(1 - s->c_1 - 1e-8,
		       2 * (m - 2 + 1 / m) / ((d + 2) * (d + 2) + m));
	scale_weights(s);
	s->c_sigma = (m + 2) / (d + m + 5);
	s->d_sigma = 1 + 2 * fmax(0, sqrt((m - 1) / (d + 1)) - 1) + s->c_sigma;
	s->c_c = (4 + m / d) / (d + 4 + 2 * m / d);
	s->chi = sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d));
	s->lag = (size_t)fmax(1, 0.5 / (d * (s->c_1 + s->c_mu)));
	s->horizon = 10 + (size_t)ceil(30 * d / (double)lambda);
}

void cma_strategy_fini(struct cma_strategy *s)
{
	free(s->weights);
}

/* --- the distribution -------------------------------------------------------
 */

void cma_init(struct cma *c, const struct cma_axes *axes, size_t horizon)
{
	size_t n = axes->n, p = axes->n_probabilities;
	double *next;

	*c = (struct cma){ .axes = axes };
	c->block_n = 5 * n + 2 * n * n + 2 * p + horizon;
	next = c->block = xcalloc(c->block_n, sizeof(*c->block));
	c->mean = next;
	c->scale = next += n;
	c->path_sigma = next += n;
	c->path_c = next += n;
	c->root = next += n;
	c->covariance = next += n;
	c->basis = next += n * n;
	c->probability = next += n * n;
	c->snr_path = next += p;
	c->recent = next + p;
}

void cma_fini(struct cma *c)
{
	free(c->block);
}

void cma_copy(struct cma *to, const struct cma *from)
{
	assert(to->axes == from->axes && to->block_n == from->block_n);
	to->generation = from->generation;
	to->decomposed = from->decomposed;
	to->sigma = from->sigma;
	to->snr_mean = from->snr_mean;
	to->snr_step = from->snr_step;
	memcpy(to->block, from->block, from->block_n * sizeof(*to->block));
}

static void start_choice(struct cma *c, size_t k, bool use_guess)
{
	const struct cma_axes *a = c->axes;
	const struct param *p = &a->space->params[a->choice[k]];
	double *q = c->probability + a->first[k];
	bool guessed = use_guess && p->has_guess;

	for (size_t i = 0; i < p->n_values; i++)
		q[i] = (guessed ? 0.5 : 1) / (double)p->n_values;
	if (guessed)
		q[p->guess.i] += 0.5;
}

void cma_start(struct cma *c, const double *mean, bool use_guesses)
{
	size_t n = c->axes->n;

	memset(c->block, 0, c->block_n * sizeof(*c->block));
	c->generation = c->decomposed = 0;
	c->sigma = CMA_SIGMA;
	c->snr_mean = 0;
	c->snr_step = 1;
	for (size_t j = 0; j < n; j++) {
		c->mean[j] = mean[j];
		c->scale[j] = c->root[j] = 1;
		c->covariance[j + j * n] = c->basis[j + j * n] = 1;
	}
	for (size_t k = 0; k < c->axes->n_choices; k++)
		start_choice(c, k, use_guesses);
}

double cma_sd(const struct cma *c, size_t j)
{
	size_t n = c->axes->n;

	return c->sigma * c->scale[j] * sqrt(c->covariance[j + j * n]);
}

double cma_length(const struct cma *c, const double *y)
{
	size_t n = c->axes->n;
	double v[LIMIT_PARAMS];

	mat_t_vec(n, n, c->basis, n, y, v);
	for (size_t j = 0; j < n; j++)
		v[j] /= c->root[j];
	return sqrt(dot(n, v, v));
}

/* --- draws ------------------------------------------------------------------
 */

struct source {
	uint64_t seed, number;
	uint32_t attempt;
};

/* Uniform in (0, 1), for parameter @param. */
static double uniform(const struct source *s, size_t param)
{
	uint32_t i = s->attempt * LIMIT_PARAMS + (uint32_t)param;

	return rng_unit(s->seed, rng_stream(RNG_CMAES, i), s->number) + 0x1p-54;
}

static size_t draw_choice(const double *q, size_t n, double wider, double u)
{
	double even = 1 / (double)n, below = 0;

	for (size_t i = 0; i < n; i++) {
		below += even + (q[i] - even) / wider;
		if (u < below)
			return i;
	}
	return n - 1;
}

void cma_draw(const struct cma *c, uint64_t seed, uint64_t number,
	      uint32_t attempt, double wider, struct cma_draw *ret)
{
	const struct cma_axes *a = c->axes;
	struct source s = { seed, number, attempt };
	double v[LIMIT_PARAMS];

	for (size_t j = 0; j < a->n; j++) {
		double u = uniform(&s, a->number[j]);

		v[j] = c->root[j] * normal_quantile(u);
		ret->x[j] = u;
	}
	mat_vec(a->n, a->n, c->basis, a->n, v, ret->y);
	for (size_t j = 0; j < a->n && !isinf(wider); j++)
		ret->x[j] =
		    c->mean[j] + wider * c->sigma * c->scale[j] * ret->y[j];
	for (size_t k = 0; k < a->n_choices; k++) {
		size_t i = a->choice[k];

		ret->choice[k] = draw_choice(c->probability + a->first[k],
					     a->space->params[i].n_values,
					     wider, uniform(&s, i));
	}
}

void cma_middle(const struct cma *c, struct cma_draw *ret)
{
	const struct cma_axes *a = c->axes;

	for (size_t j = 0; j < a->n; j++) {
		ret->y[j] = 0;
		ret->x[j] = c->mean[j];
	}
	for (size_t k = 0; k < a->n_choices; k++) {
		const double *q = c->probability + a->first[k];
		size_t n = a->space->params[a->choice[k]].n_values, best = 0;

		for (size_t i = 1; i < n; i++)
			best = q[i] > q[best] ? i : best;
		ret->choice[k] = best;
	}
}

void cma_config(const struct cma_axes *a, const struct cma_draw *d,
		struct cell *ret_config)
{
	const struct space *s = a->space;

	for (size_t i = 0; i < s->n; i++)
		ret_config[i] = unit_cell(&s->params[i], 0.5);
	for (size_t j = 0; j < a->n; j++)
		ret_config[a->number[j]] = unit_cell(&s->params[a->number[j]],
						     fmin(fmax(d->x[j], 0), 1));
	for (size_t k = 0; k < a->n_choices; k++)
		ret_config[a->choice[k]] =
		    (struct cell){ .active = true, .i = (int64_t)d->choice[k] };
	space_activate(s, ret_config);
}

void cma_move(const struct cma_axes *a, const struct cell *config,
	      struct cma_draw *d)
{
	for (size_t j = 0; j < a->n; j++) {
		const struct cell *cell = &config[a->number[j]];
		double low, high;

		/* Under no selection: the draw is as good as any. */
		if (!cell->active)
			continue;
		unit_interval(&a->space->params[a->number[j]], cell, &low,
			      &high);
		/* Whatever lies beyond the ends becomes the value there. */
		if (low == 0)
			low = (double)-INFINITY;
		if (high == 1)
			high = (double)INFINITY;
		d->x[j] = fmin(fmax(d->x[j], low), high);
	}
}
