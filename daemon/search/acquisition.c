#include "search/acquisition.h"

#include "num/linalg.h"
#include "num/normal.h"
#include "num/rng.h"
#include "num/sobol.h"
#include "num/weighted.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FANTASIES   16
#define GUESS_WIDTH 0.25 /* of an axis */
#define GUESS_ODDS  3.0  /* of a guessed choice against each other */

/* --- fantasies -------------------------------------------------------------
 */

/*
 * L of all rows times beta is y; a fantasy of the running trials is y = (what
 * the results tell) + L22 z, z standard normal, so z is simply the end of its
 * beta, and alpha = L^-T beta.
 */
static void draw(struct acquisition *a, size_t running, uint64_t seed)
{
	struct gp *g = a->value;
	size_t known = g->n - running;

	for (size_t j = 0; j < running; j++) {
		struct sobol_axis axis;

		sobol_init_scrambled(&axis, (uint32_t)(j % SOBOL_AXES), seed);
		for (size_t f = 0; f < a->fantasies; f++)
			a->alpha[f * g->n + known + j] =
			    normal_quantile(sobol_unit(&axis, (uint32_t)f));
	}
}

static bool row_is_in(const struct gp *g, size_t row, const struct branch *b)
{
	return b == NULL || g->x[b->axis * g->cap + row] == b->choice;
}

/*
 * The least posterior mean at the rows that are in @branch; those from @known
 * on have the results that @beta means. INFINITY: there is none.
 */
static double least(const struct gp *g, const struct branch *branch,
		    size_t known, const double *beta, const double *alpha)
{
	double noise = exp(g->hyper[g->d + 1]) + g->noise_floor;
	double best = (double)INFINITY;

	for (size_t a = 0; a < g->n; a++) {
		double y = a < known ? g->y[a] : 0;

		if (!row_is_in(g, a, branch))
			continue;
		for (size_t b = 0; a >= known && b <= a; b++)
			y += g->l[b * g->cap + a] * beta[b];
		best = fmin(best, y - noise / g->repeats[a] * alpha[a]);
	}
	return best;
}

static void imagine(struct acquisition *a, size_t running, uint64_t seed)
{
	struct gp *g = a->value;
	size_t known = g->n - running;
	auto_free double *beta = xcalloc(g->n, sizeof(*beta));

	draw(a, running, seed);
	/* beta = L' alpha of what is known */
	for (size_t b = 0; b < known; b++)
		beta[b] = dot(known - b, g->l + b * g->cap + b, g->alpha + b);
	for (size_t f = 0; f < a->fantasies; f++) {
		double *alpha = a->alpha + f * g->n;

		memcpy(beta + known, alpha + known, running * sizeof(*beta));
		memcpy(alpha, beta, known * sizeof(*beta));
		chol_solve_upper(g->n, g->l, g->cap, 1, alpha, g->n);
		a->best[f] = least(g, a->branch, known, beta, alpha);
		if (isinf(a->best[f]))
			a->best[f] = least(g, NULL, known, beta, alpha);
	}
}

int acquisition_init(struct acquisition *a, size_t running, uint64_t seed)
{
	struct gp *value = a->value;
	size_t n = value->n;

	if (a->feasible != NULL && a->feasible->n > n)
		n = a->feasible->n;
	if (a->duration != NULL && a->duration->n > n)
		n = a->duration->n;
	a->fantasies = running > 0 ? FANTASIES : 1;
	if (gp_extend(value) != 0)
		return 1;
	a->alpha = xcalloc(a->fantasies * value->n, sizeof(*a->alpha));
	a->best = xcalloc(a->fantasies, sizeof(*a->best));
	a->work = xcalloc(4 * n, sizeof(*a->work));
	imagine(a, running, seed);
	return 0;
}

void acquisition_fini(struct acquisition *a)
{
	free(a->alpha);
	free(a->best);
	free(a->work);
}

/* --- the terms -------------------------------------------------------------
 */

/*
 * ln of the mean improvement over the fantasies, at a point with the means
 * @mean [fantasies] and @sd; the derivatives by each mean (in place) and by sd.
 */
static double improvement(const struct acquisition *a, double *mean, double sd,
			  double *ret_dsd)
{
	double value[FANTASIES], dmean[FANTASIES], dsd[FANTASIES];
	double largest = -(double)INFINITY, sum = 0;

	for (size_t f = 0; f < a->fantasies; f++) {
		value[f] = log_ei(mean[f], sd, a->best[f], &dmean[f], &dsd[f]);
		largest = fmax(largest, value[f]);
	}
	for (size_t f = 0; f < a->fantasies; f++) {
		value[f] = exp(value[f] - largest);
		sum += value[f];
	}
	*ret_dsd = 0;
	for (size_t f = 0; f < a->fantasies; f++) {
		mean[f] = dmean[f] * value[f] / sum;
		*ret_dsd += dsd[f] * value[f] / sum;
	}
	return largest + log(sum / (double)a->fantasies);
}

static double guessed(const struct acquisition *a, const double *x,
		      double *gradient)
{
	const struct gp *g = a->value;
	double value = 0;

	if (a->guess == NULL)
		return 0;
	for (size_t i = 0; i < g->d; i++) {
		double off = (x[i] - a->guess[i]) / GUESS_WIDTH;

		if (isnan(a->guess[i]))
			continue;
		if (g->is_choice[i]) {
			value -=
			    off != 0 ? log(GUESS_ODDS) * a->guess_weight : 0;
			continue;
		}
		value -= a->guess_weight * off * off / 2;
		if (gradient != NULL)
			gradient[i] -= a->guess_weight * off / GUESS_WIDTH;
	}
	return value;
}

/* ln P(result) and its derivatives by mean and sd of the second process. */
static double feasibility(const struct gp *g, double mean, double sd,
			  double *ret_dmean, double *ret_dsd)
{
	double noise = exp(g->hyper[g->d + 1]) + g->noise_floor;
	double all = sqrt(sd * sd + noise), z = mean / all;
	double value = normal_log_cdf(z);
	double slope = exp(normal_log_pdf(z) - value);

	*ret_dmean = slope / all;
	*ret_dsd = -slope * z / (all * all) * sd;
	return value;
}

/* --- at one point ----------------------------------------------------------
 */

/* @w [n] = -(K + noise)^-1 k, and the sd. */
static double deviation(const struct gp *g, const double *k, double *w)
{
	double s = exp(g->hyper[g->d]), variance;

	memcpy(w, k, g->n * sizeof(*k));
	chol_solve_lower(g->n, g->l, g->cap, 1, w, g->n);
	variance = fmax(s - dot(g->n, w, w), 1e-12 * s);
	chol_solve_upper(g->n, g->l, g->cap, 1, w, g->n);
	return sqrt(variance);
}

static void add_scaled(size_t n, double by, const double *v, double *sum)
{
	for (size_t r = 0; r < n; r++)
		sum[r] += by * v[r];
}

/*
 * Adds the derivatives of sum_a weight_a k_a: @slope [n] of gp_kernel(), which
 * is used up.
 */
static void add_slope(const struct gp *g, const double *x, double *slope,
		      const double *weight, double *gradient)
{
	for (size_t r = 0; r < g->n; r++)
		slope[r] *= weight[r];
	for (size_t i = 0; i < g->d; i++) {
		if (!g->is_choice[i])
			gradient[i] -=
			    exp(-2 * g->hyper[i]) *
			    weighted_diff(g->n, slope, g->x + i * g->cap, x[i]);
	}
}

static double value_at(struct acquisition *a, const double *x, double *gradient)
{
	struct gp *g = a->value;
	double *k = a->work, *slope = k + g->n, *w = slope + g->n;
	double mean[FANTASIES], sd, dsd, value;

	gp_kernel(g, x, k, gradient != NULL ? slope : NULL);
	for (size_t f = 0; f < a->fantasies; f++)
		mean[f] = dot(g->n, k, a->alpha + f * g->n);
	sd = deviation(g, k, w);
	value = improvement(a, mean, sd, &dsd);
	if (gradient == NULL)
		return value;
	for (size_t r = 0; r < g->n; r++)
		w[r] *= -dsd / sd;
	for (size_t f = 0; f < a->fantasies; f++)
		add_scaled(g->n, mean[f], a->alpha + f * g->n, w);
	add_slope(g, x, slope, w, gradient);
	return value;
}

static double feasible_at(struct acquisition *a, const double *x,
			  double *gradient)
{
	struct gp *g = a->feasible;
	double *k = a->work, *slope = k + g->n, *w = slope + g->n;
	double mean, sd, dmean, dsd, value;

	gp_kernel(g, x, k, gradient != NULL ? slope : NULL);
	mean = dot(g->n, k, g->alpha);
	sd = deviation(g, k, w);
	value = feasibility(g, mean, sd, &dmean, &dsd);
	if (gradient == NULL)
		return value;
	for (size_t r = 0; r < g->n; r++)
		w[r] = dmean * g->alpha[r] - dsd / sd * w[r];
	add_slope(g, x, slope, w, gradient);
	return value;
}

/* -ln of the seconds, but for what is the same everywhere. */
static double duration_at(struct acquisition *a, const double *x,
			  double *gradient)
{
	struct gp *g = a->duration;
	double *k = a->work, *slope = k + g->n, *w = slope + g->n;

	gp_kernel(g, x, k, gradient != NULL ? slope : NULL);
	if (gradient != NULL) {
		for (size_t r = 0; r < g->n; r++)
			w[r] = -a->per_unit * g->alpha[r];
		add_slope(g, x, slope, w, gradient);
	}
	return -a->per_unit * dot(g->n, k, g->alpha);
}

double acquisition_at(struct acquisition *a, const double *x,
		      double *ret_gradient)
{
	double value;

	if (ret_gradient != NULL)
		memset(ret_gradient, 0, a->value->d * sizeof(*ret_gradient));
	value = value_at(a, x, ret_gradient) + guessed(a, x, ret_gradient);
	if (a->feasible != NULL)
		value += feasible_at(a, x, ret_gradient);
	if (a->duration != NULL)
		value += duration_at(a, x, ret_gradient);
	return value;
}

/*
 * E max(best - y, 0) = (best - mean) Phi(z) + sd phi(z): the second term is
 * what the deviation brings (D. Jones et al., J. Global Optimization 13, 1998,
 * section 4.1).
 */
static double exploration(double mean, double sd, double best)
{
	double z = (best - mean) / sd;
	double h = normal_log_h(z);

	return fmin(1, exp(normal_log_pdf(z) - h));
}

void acquisition_look(struct acquisition *a, const double *x,
		      struct acquisition_view *ret)
{
	struct gp *g = a->value;
	double *k = a->work, *w = k + g->n;

	*ret = (struct acquisition_view){
		.noise = exp(g->hyper[g->d + 1]) + g->noise_floor,
		.feasible = 1,
		.duration = (double)NAN,
	};
	if (a->feasible != NULL)
		ret->feasible = exp(feasible_at(a, x, NULL));
	if (a->duration != NULL)
		ret->duration = -duration_at(a, x, NULL) / a->per_unit;
	gp_kernel(g, x, k, NULL);
	ret->sd = deviation(g, k, w);
	for (size_t f = 0; f < a->fantasies; f++) {
		double mean = dot(g->n, k, a->alpha + f * g->n);

		ret->mean += mean / (double)a->fantasies;
		ret->exploration += exploration(mean, ret->sd, a->best[f]) /
				    (double)a->fantasies;
	}
}

/* --- at many points --------------------------------------------------------
 */

/* The means of every fantasy to @mean [fantasies][m]. */
static void predict(struct acquisition *a, size_t m, const double *x,
		    size_t stride, double *mean, double *sd)
{
	gp_predict(a->value, m, x, stride, a->fantasies, a->alpha, mean, sd);
}

void acquisition_many(struct acquisition *a, size_t m, const double *x,
		      size_t stride, double *ret)
{
	size_t d = a->value->d, n = a->fantasies;
	auto_free double *work = xcalloc(m * (n + 1) + d, sizeof(*work));
	double *mean = work, *sd = mean + m * n, *point = sd + m;
	double each[FANTASIES], ignored, slope;

	predict(a, m, x, stride, mean, sd);
	for (size_t j = 0; j < m; j++) {
		for (size_t f = 0; f < n; f++)
			each[f] = mean[f * m + j];
		ret[j] = improvement(a, each, sd[j], &ignored);
	}
	if (a->feasible != NULL) {
		gp_predict(a->feasible, m, x, stride, 1, a->feasible->alpha,
			   mean, sd);
		for (size_t j = 0; j < m; j++)
			ret[j] += feasibility(a->feasible, mean[j], sd[j],
					      &slope, &ignored);
	}
	if (a->duration != NULL) {
		gp_predict(a->duration, m, x, stride, 1, a->duration->alpha,
			   mean, sd);
		for (size_t j = 0; j < m; j++)
			ret[j] -= a->per_unit * mean[j];
	}
	for (size_t j = 0; j < m && a->guess != NULL; j++) {
		for (size_t i = 0; i < d; i++)
			point[i] = x[i * stride + j];
		ret[j] += guessed(a, point, NULL);
	}
}
