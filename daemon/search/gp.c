#include "search/gp.h"

#include "num/linalg.h"
#include "num/matern.h"
#include "num/optimize.h"
#include "num/weighted.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* rows that join the factor together */

#define LN_2PI         1.8378770664093454836
#define LN_LENGTHSCALE (-0.5)

/* ln l, ln s, ln noise stay inside of these. */
#define LENGTHSCALE_MIN  1e-2
#define LENGTHSCALE_MAX  1e2
#define SCALE_MIN        1e-3
#define SCALE_MAX        1e3
#define NOISE_MIN        1e-9
#define VARIATION_POINTS 32
#define NOISE_MAX        1e1

struct gp *gp_new(size_t d, const bool *is_choice)
{
	struct gp *g = xcalloc(1, sizeof(*g));

	g->d = d;
	g->is_choice = xcalloc(d, sizeof(*g->is_choice));
	if (d > 0)
		memcpy(g->is_choice, is_choice, d * sizeof(*is_choice));
	g->hyper = xcalloc(d + 2, sizeof(*g->hyper));
	g->noise_floor = 1e-6;
	gp_hyper_default(g, g->hyper);
	return g;
}

void gp_free(struct gp *g)
{
	if (g == NULL)
		return;
	free(g->is_choice);
	free(g->hyper);
	free(g->x);
	free(g->y);
	free(g->repeats);
	free(g->l);
	free(g->alpha);
	free(g->work);
	free(g);
}

/* --- rows ------------------------------------------------------------------
 */

/* @p [columns][from] to [columns][to]. */
static double *widen(double *p, size_t columns, size_t rows, size_t from,
		     size_t to)
{
	double *wide = xcalloc(columns * to, sizeof(*wide));

	for (size_t i = 0; i < columns && rows > 0; i++)
		memcpy(wide + i * to, p + i * from, rows * sizeof(*wide));
	free(p);
	return wide;
}

void gp_reserve(struct gp *g, size_t n)
{
	if (n <= g->cap)
		return;
	g->x = widen(g->x, g->d, g->n, g->cap, n);
	g->y = widen(g->y, 1, g->n, g->cap, n);
	g->repeats = widen(g->repeats, 1, g->n, g->cap, n);
	g->alpha = widen(g->alpha, 1, g->n, g->cap, n);
	free(g->l);
	g->l = xcalloc(n * n, sizeof(*g->l));
	g->factored = g->solid = 0;
	g->cap = n;
}

void gp_clear(struct gp *g)
{
	gp_truncate(g, 0);
}

void gp_truncate(struct gp *g, size_t n)
{
	assert(n <= g->n);
	g->n = n;
	if (g->factored > n)
		g->factored = n;
	if (g->solid > n)
		g->solid = n / BLOCK * BLOCK;
}

void gp_add(struct gp *g, const double *x, double y, double repeats)
{
	if (g->n == g->cap)
		gp_reserve(g, g->cap + g->cap / 2 + 16);
	for (size_t i = 0; i < g->d; i++)
		g->x[i * g->cap + g->n] = x[i];
	g->y[g->n] = y;
	g->repeats[g->n] = repeats;
	g->n++;
}

/* --- kernel ----------------------------------------------------------------
 */

static double scale_of(const struct gp *g, const double *hyper)
{
	return exp(hyper[g->d]);
}

static double noise_of(const struct gp *g, const double *hyper)
{
	return exp(hyper[g->d + 1]) + g->noise_floor;
}

/*
 * k / s between rows [from, to) and the point whose coordinate i is at
 * x[i * stride], to @k; the factor of its derivatives to @grad unless NULL.
 */
static void correlate(const struct gp *g, const double *hyper, size_t from,
		      size_t to, const double *x, size_t stride, double *k,
		      double *grad)
{
	size_t m = to - from;

	memset(k, 0, m * sizeof(*k));
	for (size_t i = 0; i < g->d; i++) {
		const double *rows = g->x + i * g->cap + from;
		double w = exp(-2 * hyper[i]), at = x[i * stride];

		if (!g->is_choice[i]) {
			sqdist_add(m, rows, at, w, k);
			continue;
		}
		for (size_t a = 0; a < m; a++)
			k[a] += rows[a] != at ? w : 0;
	}
	matern52(m, k, k, grad);
}

static void multiply(double *v, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		v[i] *= by;
}

void gp_kernel(const struct gp *g, const double *x, double *ret_k,
	       double *ret_g)
{
	double s = scale_of(g, g->hyper);

	correlate(g, g->hyper, 0, g->n, x, 1, ret_k, ret_g);
	multiply(ret_k, g->n, s);
	if (ret_g != NULL)
		multiply(ret_g, g->n, s);
}

double gp_distance(const struct gp *g, const double *x, const double *y)
{
	double r2 = 0;

	for (size_t i = 0; i < g->d; i++) {
		double w = exp(-2 * g->hyper[i]);

		r2 += g->is_choice[i] ? (x[i] != y[i] ? w : 0)
				      : w * (x[i] - y[i]) * (x[i] - y[i]);
	}
	return sqrt(r2);
}

static double *work_of(struct gp *g, size_t size)
{
	if (size > g->work_size) {
		free(g->work);
		g->work = xcalloc(size, sizeof(*g->work));
		g->work_size = size;
	}
	return g->work;
}

/* --- likelihood ------------------------------------------------------------
 */

/* What one evaluation works with; matrices [n][n] by columns. */
struct evaluation {
	const struct gp *g;
	const double *hyper;
	size_t n;
	double *a;     /* the kernel matrix, its factor, its inverse */
	double *slope; /* the derivatives' factor; lower triangle */
	double *alpha;
};

static void fill(struct evaluation *ev)
{
	const struct gp *g = ev->g;
	double s = scale_of(g, ev->hyper), noise = noise_of(g, ev->hyper);

	for (size_t b = 0; b < ev->n; b++) {
		double *k = ev->a + b * ev->n + b;
		double *slope = ev->slope + b * ev->n + b;

		correlate(g, ev->hyper, b, ev->n, g->x + b, g->cap, k, slope);
		multiply(k, ev->n - b, s);
		multiply(slope, ev->n - b, s);
		k[0] += noise / g->repeats[b];
	}
}

/* sum over pairs of rows of W o slope o D_i, W = alpha alpha' - inverse. */
static void slopes(struct evaluation *ev, double *ret)
{
	const struct gp *g = ev->g;

	memset(ret, 0, g->d * sizeof(*ret));
	for (size_t b = 0; b + 1 < ev->n; b++) {
		size_t m = ev->n - b - 1;
		const double *inverse = ev->a + b * ev->n + b + 1;
		double *w = ev->slope + b * ev->n + b + 1;

		for (size_t a = 0; a < m; a++)
			w[a] *=
			    ev->alpha[b] * ev->alpha[b + 1 + a] - inverse[a];
		for (size_t i = 0; i < g->d; i++) {
			const double *x = g->x + i * g->cap + b;

			ret[i] += g->is_choice[i]
				      ? weighted_unequal(m, w, x + 1, x[0])
				      : weighted_sqdist(m, w, x + 1, x[0]);
		}
	}
	for (size_t i = 0; i < g->d; i++)
		ret[i] *= exp(-2 * ev->hyper[i]);
}

static void differentiate(struct evaluation *ev, double *ret)
{
	const struct gp *g = ev->g;
	double noise = noise_of(g, ev->hyper);
	double fit = 0, trace = 0, diagonal = 0;

	chol_inverse(ev->n, ev->a, ev->n);
	slopes(ev, ret);
	for (size_t a = 0; a < ev->n; a++) {
		double inverse = ev->a[a * ev->n + a],
		       v = noise / g->repeats[a];

		fit += ev->alpha[a] * (g->y[a] - v * ev->alpha[a]);
		trace += 1 - v * inverse;
		diagonal +=
		    (ev->alpha[a] * ev->alpha[a] - inverse) / g->repeats[a];
	}
	/* alpha' K alpha and tr (K + noise)^-1 K, K without noise */
	ret[g->d] = (fit - trace) / 2;
	ret[g->d + 1] = exp(ev->hyper[g->d + 1]) * diagonal / 2;
}

double gp_log_likelihood(struct gp *g, const double *hyper,
			 double *ret_gradient)
{
	size_t n = g->n;
	double *work = work_of(g, 2 * n * n + n);
	struct evaluation ev = { .g = g,
				 .hyper = hyper,
				 .n = n,
				 .a = work,
				 .slope = work + n * n,
				 .alpha = work + 2 * n * n };
	double value;

	if (n == 0) {
		if (ret_gradient != NULL)
			memset(ret_gradient, 0,
			       (g->d + 2) * sizeof(*ret_gradient));
		return 0;
	}
	fill(&ev);
	if (chol_factor(n, ev.a, n) != 0)
		return -(double)INFINITY;
	memcpy(ev.alpha, g->y, n * sizeof(*g->y));
	chol_solve_lower(n, ev.a, n, 1, ev.alpha, n);
	value = -(dot(n, ev.alpha, ev.alpha) + chol_log_det(n, ev.a, n) +
		  (double)n * LN_2PI) /
		2;
	if (!isfinite(value))
		return -(double)INFINITY;
	if (ret_gradient == NULL)
		return value;
	chol_solve_upper(n, ev.a, n, 1, ev.alpha, n);
	differentiate(&ev, ret_gradient);
	return value;
}

/* --- priors ----------------------------------------------------------------
 */

/*
 * ln l ~ N(LN_LENGTHSCALE, 1), in the unit of a whole axis; s and noise as in
 * Optuna's sampler (optuna/_gp/prior.py): s ~ Gamma(2, 1), noise ~ Gamma(1.1,
 * 30). Chosen by experiment: tests/bench/README.md.
 */
static double log_prior(const struct gp *g, const double *hyper, double *grad)
{
	double s = scale_of(g, hyper), noise = exp(hyper[g->d + 1]);
	double value = hyper[g->d] - s + 0.1 * hyper[g->d + 1] - 30 * noise;

	for (size_t i = 0; i < g->d; i++) {
		double z = hyper[i] - LN_LENGTHSCALE;

		value -= z * z / 2;
		if (grad != NULL)
			grad[i] -= z;
	}
	if (grad != NULL) {
		grad[g->d] += 1 - s;
		grad[g->d + 1] += 0.1 - 30 * noise;
	}
	return value;
}

void gp_hyper_default(const struct gp *g, double *ret_hyper)
{
	for (size_t i = 0; i < g->d; i++)
		ret_hyper[i] = LN_LENGTHSCALE;
	ret_hyper[g->d] = 0;
	ret_hyper[g->d + 1] = log(1e-3);
}

void gp_set_hyper(struct gp *g, const double *hyper)
{
	memcpy(g->hyper, hyper, (g->d + 2) * sizeof(*hyper));
	g->factored = g->solid = 0;
}

double gp_log_posterior(struct gp *g, const double *hyper, double *ret_gradient)
{
	double value = gp_log_likelihood(g, hyper, ret_gradient);

	if (isinf(value))
		return value;
	return value + log_prior(g, hyper, ret_gradient);
}

/* --- fit -------------------------------------------------------------------
 */

static double cost(void *ctx, const double *hyper, double *ret_gradient)
{
	struct gp *g = ctx;
	double value = -gp_log_posterior(g, hyper, ret_gradient);

	if (ret_gradient != NULL)
		multiply(ret_gradient, g->d + 2, -1);
	return value;
}

double gp_fit(struct gp *g, double *hyper, size_t max_evaluations)
{
	const struct minimize_options options = {
		.max_evaluations = max_evaluations,
		.gradient_tolerance = 1e-2,
		.value_tolerance = 1e-6,
	};
	size_t n = g->d + 2;
	auto_free double *box = xcalloc(2 * n, sizeof(*box));
	const struct minimize_problem problem = {
		.n = n, .lower = box, .upper = box + n, .fn = cost, .ctx = g
	};
	double value;

	for (size_t i = 0; i < g->d; i++) {
		box[i] = log(LENGTHSCALE_MIN);
		box[n + i] = log(LENGTHSCALE_MAX);
	}
	box[g->d] = log(SCALE_MIN);
	box[n + g->d] = log(SCALE_MAX);
	box[g->d + 1] = log(NOISE_MIN);
	box[n + g->d + 1] = log(NOISE_MAX);
	if (minimize_box(&problem, &options, hyper, &value) != 0)
		return -(double)INFINITY;
	return -value;
}

/* --- posterior -------------------------------------------------------------
 */

/* The lower part of the rows that l does not cover yet. */
static void fill_rows(struct gp *g)
{
	double s = scale_of(g, g->hyper), noise = noise_of(g, g->hyper);

	for (size_t b = 0; b < g->n; b++) {
		size_t from = b < g->factored ? g->factored : b;
		double *k = g->l + b * g->cap + from;

		correlate(g, g->hyper, from, g->n, g->x + b, g->cap, k, NULL);
		multiply(k, g->n - from, s);
		if (from == b)
			k[0] += noise / g->repeats[b];
	}
}

/*
 * Extends the factor, a block at a time. Returns 0, or 1: not positive
 * definite.
 */
static int extend(struct gp *g)
{
	if (g->factored < g->n)
		fill_rows(g);
	while (g->factored < g->n) {
		size_t end = (g->factored / BLOCK + 1) * BLOCK;

		if (end > g->n)
			end = g->n;
		if (chol_append(g->factored, end - g->factored, g->l, g->cap) !=
		    0)
			return 1;
		g->factored = end;
	}
	return 0;
}

/* With a little more noise, as rounding has made the matrix indefinite. */
static int factor_anew(struct gp *g)
{
	double jitter;

	g->factored = g->solid = 0;
	fill_rows(g);
	if (chol_factor_jitter(g->n, g->l, g->cap, work_of(g, g->n), &jitter) !=
	    0)
		return 1;
	g->factored = g->n;
	return 0;
}

int gp_solve(struct gp *g)
{
	g->factored = g->solid;
	if (extend(g) == 0)
		g->solid = g->n / BLOCK * BLOCK;
	else if (factor_anew(g) != 0)
		return 1;
	memcpy(g->alpha, g->y, g->n * sizeof(*g->y));
	chol_solve_lower(g->n, g->l, g->cap, 1, g->alpha, g->n);
	chol_solve_upper(g->n, g->l, g->cap, 1, g->alpha, g->n);
	return 0;
}

int gp_extend(struct gp *g)
{
	return extend(g) == 0 ? 0 : factor_anew(g);
}

void gp_predict(struct gp *g, size_t m, const double *x, size_t stride,
		size_t vectors, const double *alpha, double *ret_mean,
		double *ret_sd)
{
	size_t n = g->n;
	double *k = work_of(g, n * m);
	double s = scale_of(g, g->hyper);

	for (size_t j = 0; j < m; j++) {
		double *column = k + j * n;

		correlate(g, g->hyper, 0, n, x + j, stride, column, NULL);
		multiply(column, n, s);
		for (size_t f = 0; f < vectors; f++)
			ret_mean[f * m + j] = dot(n, column, alpha + f * n);
	}
	chol_solve_lower(n, g->l, g->cap, m, k, n);
	for (size_t j = 0; j < m; j++) {
		double explained = dot(n, k + j * n, k + j * n);

		ret_sd[j] = sqrt(fmax(s - explained, 1e-12 * s));
	}
}

double gp_variation(const struct gp *g, size_t i)
{
	double w = exp(-2 * g->hyper[i]), sum = 0;
	double r2[VARIATION_POINTS], k[VARIATION_POINTS];

	if (g->is_choice[i]) {
		matern52(1, &w, k, NULL);
		return 1 - k[0];
	}
	/* The difference t of two uniform places has the density 2 (1 - t). */
	for (size_t a = 0; a < VARIATION_POINTS; a++) {
		double t = ((double)a + 0.5) / VARIATION_POINTS;

		r2[a] = w * t * t;
	}
	matern52(VARIATION_POINTS, r2, k, NULL);
	for (size_t a = 0; a < VARIATION_POINTS; a++) {
		double t = ((double)a + 0.5) / VARIATION_POINTS;

		sum += 2 * (1 - t) * (1 - k[a]) / VARIATION_POINTS;
	}
	return sum;
}
