/* What a generation of results makes of the distribution. */
#include "num/linalg.h"
#include "num/normal.h"
#include "search/cma.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Ends of a run: steps below this part of a range, the condition of C. */
#define STEP_MIN      1e-11
#define CONDITION_MAX 1e14
/* Below this relative difference results are equal. */
#define EQUAL         1e-12

/* --- the numbers: mean, step size, covariance -------------------------------
 */

/*
 * The weights of these points, to @ret [lambda]: positive ones are the good
 * points' alone, for nothing is to be found near others. Returns the effective
 * number of points that are recombined.
 */
static double recombination(const struct cma_strategy *s,
			    const struct cma_point *points, double *ret)
{
	double total = 0, squares = 0;

	for (size_t i = 0; i < s->lambda; i++) {
		ret[i] = points[i].good || i >= s->mu ? s->weights[i] : 0;
		total += i < s->mu ? ret[i] : 0;
	}
	for (size_t i = 0; i < s->mu; i++) {
		ret[i] /= total;
		squares += ret[i] * ret[i];
	}
	return 1 / squares;
}

static bool is_flat(const struct cma_strategy *s,
		    const struct cma_point *points)
{
	const struct cma_point *p = &points[(7 * s->lambda + 9) / 10 - 1];

	return p->good && p->pruned == points[0].pruned &&
	       p->score == points[0].score;
}

/* Returns the tutorial's h_sigma: false while the path is too long. */
static bool update_sigma(struct cma *c, const struct cma_strategy *s,
			 const double *step, double mu_eff, bool flat)
{
	size_t n = c->axes->n;
	double v[LIMIT_PARAMS], w[LIMIT_PARAMS], length, change, expected;
	double rate = sqrt(s->c_sigma * (2 - s->c_sigma) * mu_eff);

	/* C^-1/2 step = B D^-1 B^T step */
	mat_t_vec(n, n, c->basis, n, step, v);
	for (size_t j = 0; j < n; j++)
		v[j] /= c->root[j];
	mat_vec(n, n, c->basis, n, v, w);
	for (size_t j = 0; j < n; j++)
		c->path_sigma[j] =
		    (1 - s->c_sigma) * c->path_sigma[j] + rate * w[j];
	length = sqrt(dot(n, c->path_sigma, c->path_sigma));
	change = s->c_sigma / s->d_sigma * (length / s->chi - 1);
	if (flat)
		change = 0.2 + s->c_sigma / s->d_sigma;
	/* At most 1, for foreign points: Hansen, arXiv 1110.4181. */
	c->sigma *= exp(fmin(change, 1));
	expected = 1 - pow(1 - s->c_sigma, 2 * (double)(c->generation + 1));
	return length / sqrt(expected) < (1.4 + 2 / ((double)n + 1)) * s->chi;
}

/* C := decay C + c_1 p p^T + c_mu sum of w y y^T */
static void update_covariance(struct cma *c, const struct cma_strategy *s,
			      const struct cma_point *points,
			      const double *weights, bool moving)
{
	size_t n = c->axes->n;
	double *cov = c->covariance;
	double stall = moving ? 0 : s->c_c * (2 - s->c_c);
	double decay = 1 + s->c_1 * stall - s->c_1;

	for (size_t i = 0; i < s->lambda; i++)
		decay -= s->c_mu * weights[i];
	for (size_t i = 0; i < n * n; i++)
		cov[i] *= decay;
	sym_add_outer(n, s->c_1, c->path_c, cov, n);
	for (size_t i = 0; i < s->lambda; i++) {
		double length = points[i].length, w = weights[i];

		/* Equation (46) keeps C positive. */
		if (w < 0)
			w *= (double)n / (length * length + 1e-8);
		sym_add_outer(n, s->c_mu * w, points[i].y, cov, n);
	}
}

static void decompose(struct cma *c)
{
	size_t n = c->axes->n;
	auto_free double *work = xcalloc(EIG_SYM_WORK(n), sizeof(*work));
	double least;

	memcpy(c->basis, c->covariance, n * n * sizeof(*c->basis));
	if (eig_sym(n, c->basis, n, c->root, work) != 0) {
		c->root[0] = 0; /* the run is over */
		return;
	}
	/* Rounding may leave no more than this of the smallest. */
	least = c->root[n - 1] / CONDITION_MAX / 10;
	for (size_t j = 0; j < n; j++)
		c->root[j] = sqrt(fmax(c->root[j], least));
	c->decomposed = c->generation;
}

/*
 * The mean stays within one standard deviation of the range. Beyond the ends
 * of its range a value is the last one: where that is the best, most draws have
 * it, and nothing but the part of a step that was made is learnt.
 */
static double bounded(const struct cma *c, size_t j, double mean)
{
	double sd = cma_sd(c, j);

	return fmin(fmax(mean, -sd), 1 + sd);
}

/* Moves the mean; @step [n], in sigma A, becomes what it has moved. */
static void move_mean(struct cma *c, double *step)
{
	for (size_t j = 0; j < c->axes->n; j++) {
		double unit = c->sigma * c->scale[j];
		double to = bounded(c, j, c->mean[j] + unit * step[j]);

		step[j] = (to - c->mean[j]) / unit;
		c->mean[j] = to;
	}
}

/* No coordinate needs steps that are longer than its range. */
static void keep_in_range(struct cma *c)
{
	double widest = 1;

	for (size_t j = 0; j < c->axes->n; j++)
		widest = fmax(widest, cma_sd(c, j));
	c->sigma /= widest;
	for (size_t j = 0; j < c->axes->n; j++)
		c->mean[j] = bounded(c, j, c->mean[j]);
}

/* @weights: positive ones of the recombination, negative ones of the others. */
static void update_numbers(struct cma *c, const struct cma_strategy *s,
			   const struct cma_point *points,
			   const double *weights, double mu_eff)
{
	size_t n = c->axes->n;
	double step[LIMIT_PARAMS] = { 0 };
	double rate = sqrt(s->c_c * (2 - s->c_c) * mu_eff);
	bool moving;

	for (size_t i = 0; i < s->mu; i++) {
		for (size_t j = 0; j < n; j++)
			step[j] += weights[i] * points[i].y[j];
	}
	move_mean(c, step);
	moving = update_sigma(c, s, step, mu_eff, is_flat(s, points));
	for (size_t j = 0; j < n; j++)
		c->path_c[j] =
		    (1 - s->c_c) * c->path_c[j] + (moving ? rate * step[j] : 0);
	update_covariance(c, s, points, weights, moving);
	if (c->generation + 1 - c->decomposed >= s->lag)
		decompose(c);
	keep_in_range(c);
}

/* --- the margin of discrete numbers -----------------------------------------
 */

/* Below this a tail cannot be told from none. */
#define TAIL_MIN 1e-10

/*
 * Has axis @j fall below @low with probability @below, and over @high with
 * probability @above, by its mean and its scale.
 */
static void set_tails(struct cma *c, size_t j, const double ends[2],
		      double below, double above)
{
	double to_low = -normal_quantile(below);
	double to_high = -normal_quantile(above);
	double reach = to_low + to_high;

	c->scale[j] *= (ends[1] - ends[0]) / (reach * cma_sd(c, j));
	c->mean[j] = (ends[0] * to_high + ends[1] * to_low) / reach;
}

static double tail(double p)
{
	return fmin(fmax(p, TAIL_MIN), 0.5 - TAIL_MIN);
}

/* The values beside the one at the mean keep a probability of @alpha. */
static void keep_margin(struct cma *c, size_t j, double alpha)
{
	const struct cma_axes *a = c->axes;
	const struct param *p = &a->space->params[a->number[j]];
	struct cell cell = unit_cell(p, fmin(fmax(c->mean[j], 0), 1));
	double sd = cma_sd(c, j), reach = -normal_quantile(alpha) * sd;
	double ends[2], below, above, total, excess;

	unit_interval(p, &cell, &ends[0], &ends[1]);
	if (ends[0] <= 0) {
		c->mean[j] = fmax(c->mean[j], ends[1] - reach);
		return;
	}
	if (ends[1] >= 1) {
		c->mean[j] = fmin(c->mean[j], ends[0] + reach);
		return;
	}
	below = normal_cdf((ends[0] - c->mean[j]) / sd);
	above = normal_cdf((c->mean[j] - ends[1]) / sd);
	if (below >= alpha / 2 && above >= alpha / 2)
		return;
	total = 1 - below - above;
	below = fmax(below, alpha / 2);
	above = fmax(above, alpha / 2);
	total += below + above;
	excess = (1 - total) / (total - 1.5 * alpha);
	set_tails(c, j, ends, tail(below + excess * (below - alpha / 2)),
		  tail(above + excess * (above - alpha / 2)));
}

/* --- choices ----------------------------------------------------------------
 */

/*
 * The natural gradient of choice @k, to @ret, and times the root of the Fisher
 * matrix, to @ret_scaled; where a point lacks the choice it says nothing.
 */
static void gradient(const struct cma *c, size_t k,
		     const struct cma_strategy *s,
		     const struct cma_point *points, const double *weights,
		     double *ret, double *ret_scaled)
{
	const struct cma_axes *a = c->axes;
	size_t param = a->choice[k], n = a->space->params[param].n_values;
	const double *q = c->probability + a->first[k];
	double last = q[n - 1], all = 0;

	for (size_t v = 0; v < n; v++)
		ret[v] = 0;
	for (size_t i = 0; i < s->mu; i++) {
		const struct cell *cell = &points[i].config[param];

		if (!cell->active)
			continue;
		for (size_t v = 0; v < n; v++)
			ret[v] -= weights[i] * q[v];
		ret[cell->i] += weights[i];
	}
	for (size_t v = 0; v + 1 < n; v++)
		all += ret[v];
	for (size_t v = 0; v + 1 < n; v++)
		ret_scaled[v] = ret[v] / sqrt(q[v]) +
				sqrt(q[v]) * all / (last + sqrt(last));
	ret_scaled[n - 1] = 0;
}

/* No value becomes less likely than @least. */
static void keep_probable(double *q, size_t n, double least)
{
	double all = 0, excess;

	for (size_t v = 0; v < n; v++) {
		q[v] = fmax(q[v], least);
		all += q[v];
	}
	excess = (all - 1) / (all - least * (double)n);
	for (size_t v = 0; v < n; v++)
		q[v] -= excess * (q[v] - least);
}

/* The learning rate adapts to the signal: Akimoto et al., ICML 2019. */
static void update_choices(struct cma *c, const struct cma_strategy *s,
			   const struct cma_point *points,
			   const double *weights)
{
	const struct cma_axes *a = c->axes;
	size_t n = a->n_probabilities;
	auto_free double *work = xcalloc(2 * n, sizeof(*work));
	double *step = work, *scaled = work + n, length, beta;

	for (size_t k = 0; k < a->n_choices; k++)
		gradient(c, k, s, points, weights, step + a->first[k],
			 scaled + a->first[k]);
	length = sqrt(dot(n, scaled, scaled));
	if (length < 1e-30)
		return;
	for (size_t v = 0; v < n; v++)
		c->probability[v] += step[v] / (c->snr_step * length);
	beta = 1 / (c->snr_step * sqrt((double)(n - a->n_choices)));
	for (size_t v = 0; v < n; v++)
		c->snr_path[v] = (1 - beta) * c->snr_path[v] +
				 sqrt(beta * (2 - beta)) * scaled[v] / length;
	c->snr_mean = (1 - beta) * (1 - beta) * c->snr_mean + beta * (2 - beta);
	c->snr_step *=
	    exp(beta * (c->snr_mean - dot(n, c->snr_path, c->snr_path) / 1.5));
	for (size_t k = 0; k < a->n_choices; k++) {
		size_t values = a->space->params[a->choice[k]].n_values;
		double share = 1 - pow(0.73, 1 / (double)a->n_choices);

		keep_probable(c->probability + a->first[k], values,
			      share / (double)(values - 1));
	}
}

/* --- a generation -----------------------------------------------------------
 */

void cma_update(struct cma *c, const struct cma_strategy *s,
		const struct cma_point *points)
{
	const struct cma_axes *a = c->axes;
	auto_free double *weights = xcalloc(s->lambda, sizeof(*weights));
	double mu_eff;

	assert(points[0].good);
	mu_eff = recombination(s, points, weights);
	if (a->n > 0)
		update_numbers(c, s, points, weights, mu_eff);
	if (a->n_choices > 0)
		update_choices(c, s, points, weights);
	for (size_t j = 0; j < a->n; j++) {
		if (a->discrete[j])
			keep_margin(c, j, 1 / (double)(a->n * s->lambda));
	}
	c->recent[c->generation % s->horizon] = points[0].score;
	c->generation++;
}

static bool gets_no_better(const struct cma *c, const struct cma_strategy *s)
{
	double least = (double)INFINITY, most = -least;

	if (c->generation < s->horizon)
		return false;
	for (size_t i = 0; i < s->horizon; i++) {
		least = fmin(least, c->recent[i]);
		most = fmax(most, c->recent[i]);
	}
	return most - least <= EQUAL * fmax(fabs(least), fabs(most));
}

/* It has continuous axes, and nothing moves on them. */
static bool stands_still(const struct cma *c)
{
	bool found = false;

	for (size_t j = 0; j < c->axes->n; j++) {
		if (c->axes->discrete[j])
			continue;
		if (cma_sd(c, j) > STEP_MIN ||
		    c->sigma * c->scale[j] * fabs(c->path_c[j]) > STEP_MIN)
			return false;
		found = true;
	}
	return found;
}

static bool is_thin(const struct cma *c)
{
	size_t n = c->axes->n;
	double ratio = n > 0 ? c->root[n - 1] / c->root[0] : 1;

	return !(ratio * ratio <= CONDITION_MAX);
}

bool cma_is_over(const struct cma *c, const struct cma_strategy *s)
{
	return gets_no_better(c, s) || stands_still(c) || is_thin(c);
}
