#include "search/parzen.h"

#include "num/normal.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The widths of kernels; scaled by n^(-1/(d+4)) as Scott's rule has it. */
#define WIDTH_ONE 0.2
#define WIDTH_MIN 0.01

/*
 * An axis as the kernels see it. A kernel without a value (the prior's, or of
 * an inactive parameter) has precision 0 and the constant 0.
 */
struct parzen_axis {
	bool fixed;        /* a single value */
	bool is_choice;    /* unordered */
	size_t observed;   /* kernels that have a value */
	double width;      /* of the kernels */
	double log_same;   /* choice: of the observed value, */
	double log_other;  /* and of each other one */
	double *centre;    /* [n]; choice: index, -1 without a value */
	double *precision; /* [n] 1 / width */
	double *constant;  /* [n] -log(mass of the normal in [0, 1]) */
};

void parzen_init(struct parzen *p, const struct space *space, size_t n_max)
{
	size_t cap = n_max + 1;

	*p = (struct parzen){ .space = space, .n = 1, .cap = cap };
	p->log_weight = xcalloc(cap, sizeof(*p->log_weight));
	p->sum = xcalloc(cap, sizeof(*p->sum));
	p->axes = xcalloc(space->n, sizeof(*p->axes));
	for (size_t i = 0; i < space->n; i++) {
		const struct param *param = &space->params[i];
		struct parzen_axis *a = &p->axes[i];

		a->fixed = param_cardinality(param) == 1;
		a->is_choice = param->type == PARAM_CHOICE && !param->ordered;
		a->centre = xcalloc(3 * cap, sizeof(*a->centre));
		a->precision = a->centre + cap;
		a->constant = a->precision + cap;
		a->centre[0] = -1;
	}
}

void parzen_fini(struct parzen *p)
{
	for (size_t i = 0; i < p->space->n; i++)
		free(p->axes[i].centre);
	free(p->axes);
	free(p->sum);
	free(p->log_weight);
}

void parzen_add(struct parzen *p, const struct cell *config, double weight)
{
	size_t j = p->n++;

	assert(j < p->cap && weight > 0);
	p->log_weight[j] = log(weight);
	for (size_t i = 0; i < p->space->n; i++) {
		struct parzen_axis *a = &p->axes[i];

		a->centre[j] = -1;
		if (a->fixed || !config[i].active)
			continue;
		a->observed++;
		a->centre[j] = a->is_choice
				   ? (double)config[i].i
				   : unit_of(&p->space->params[i], &config[i]);
	}
}

/* log(Phi(b) - Phi(a)), a < b; by symmetry where both are near 0. */
static double log_mass(double a, double b)
{
	double low = normal_log_cdf(a > 0 ? -b : a);
	double high = normal_log_cdf(a > 0 ? -a : b);

	return high + log(-expm1(low - high));
}

static void fit_number(const struct parzen *p, struct parzen_axis *a, double d)
{
	double n = (double)a->observed;
	double width = WIDTH_ONE * pow(fmax(n, 1), -1 / (d + 4));

	a->width = fmin(fmax(width, 1 / fmin(1 / WIDTH_MIN, n + 2)), 1);
	for (size_t j = 1; j < p->n; j++) {
		double c = a->centre[j];

		if (c < 0)
			continue;
		a->precision[j] = 1 / a->width;
		a->constant[j] = -log_mass(-c / a->width, (1 - c) / a->width);
	}
}

/* Each kernel has the share of one of all kernels, evenly on all values. */
static void fit_choice(struct parzen_axis *a, double n_values)
{
	double share = 1 / ((double)a->observed + 1);
	double total = 1 + share * n_values;

	a->log_same = log((1 + share) / total * n_values);
	a->log_other = log(share / total * n_values);
}

void parzen_fit(struct parzen *p)
{
	double total = 0;
	double d = 0;

	for (size_t i = 0; i < p->space->n; i++)
		d += p->axes[i].observed > 0;
	for (size_t i = 0; i < p->space->n; i++) {
		struct parzen_axis *a = &p->axes[i];

		if (a->fixed)
			continue;
		if (a->is_choice)
			fit_choice(a, (double)p->space->params[i].n_values);
		else
			fit_number(p, a, d);
	}
	for (size_t j = 0; j < p->n; j++)
		total += exp(p->log_weight[j]);
	for (size_t j = 0; j < p->n; j++)
		p->log_weight[j] -= log(total);
}

static void add_choice(const struct parzen *p, const struct parzen_axis *a,
		       double index)
{
	for (size_t j = 1; j < p->n; j++) {
		if (a->centre[j] >= 0)
			p->sum[j] +=
			    a->centre[j] == index ? a->log_same : a->log_other;
	}
}

static void add_point(const struct parzen *p, const struct parzen_axis *a,
		      double u)
{
	double log_height = normal_log_pdf(0) - log(a->width);

	for (size_t j = 1; j < p->n; j++) {
		double z = (u - a->centre[j]) * a->precision[j];

		if (a->centre[j] >= 0)
			p->sum[j] += a->constant[j] + log_height - z * z / 2;
	}
}

static void add_interval(const struct parzen *p, const struct parzen_axis *a,
			 double low, double high)
{
	double log_length = log(high - low);

	for (size_t j = 1; j < p->n; j++) {
		double c = a->centre[j];

		if (c >= 0)
			p->sum[j] += a->constant[j] - log_length +
				     log_mass((low - c) * a->precision[j],
					      (high - c) * a->precision[j]);
	}
}

static void add_axis(const struct parzen *p, size_t i, const struct cell *cell)
{
	const struct param *param = &p->space->params[i];
	const struct parzen_axis *a = &p->axes[i];
	double low, high;

	if (a->fixed || a->observed == 0 || !cell->active)
		return;
	if (a->is_choice) {
		add_choice(p, a, (double)cell->i);
		return;
	}
	unit_interval(param, cell, &low, &high);
	/* Across a short interval the density is as in its middle. */
	if (high - low < a->width / 4)
		add_point(p, a, low + (high - low) / 2);
	else
		add_interval(p, a, low, high);
}

double parzen_log_density(struct parzen *p, const struct cell *config,
			  double *ret_prior)
{
	double max = -INFINITY;
	double total = 0;

	for (size_t j = 0; j < p->n; j++)
		p->sum[j] = p->log_weight[j];
	for (size_t i = 0; i < p->space->n; i++)
		add_axis(p, i, &config[i]);
	for (size_t j = 0; j < p->n; j++)
		max = fmax(max, p->sum[j]);
	for (size_t j = 0; j < p->n; j++)
		total += exp(p->sum[j] - max);
	if (ret_prior != NULL)
		*ret_prior = exp(p->sum[0] - max) / total;
	return max + log(total);
}

/* Where a share @u of the truncated normal lies below. */
static double coordinate(double centre, double width, double u)
{
	double low = normal_cdf(-centre / width);
	double high = normal_cdf((1 - centre) / width);
	double z = normal_quantile(low + u * (high - low));

	return fmin(fmax(centre + width * z, 0), 1);
}

static struct cell cell_at(const struct param *param,
			   const struct parzen_axis *a, size_t j, double u)
{
	double even;

	if (a->fixed || a->centre[j] < 0)
		return unit_cell(param, u);
	if (!a->is_choice)
		return unit_cell(param, coordinate(a->centre[j], a->width, u));
	/* The even shares, and what the observed value has more. */
	even = exp(a->log_other);
	if (u < even)
		return unit_cell(param, u / even);
	return unit_cell(param, (a->centre[j] + 0.5) / (double)param->n_values);
}

void parzen_config(const struct parzen *p, const double *u,
		   struct cell *ret_config)
{
	double rest = u[p->space->n];
	size_t j = 0;

	while (j + 1 < p->n && rest >= exp(p->log_weight[j]))
		rest -= exp(p->log_weight[j++]);
	for (size_t i = 0; i < p->space->n; i++)
		ret_config[i] =
		    cell_at(&p->space->params[i], &p->axes[i], j, u[i]);
	space_activate(p->space, ret_config);
}
