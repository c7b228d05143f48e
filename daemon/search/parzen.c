#include "search/parzen.h"

#include "num/normal.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/*
 * The weight of the prior's kernel, of which an observation has 1: how many
 * candidates come from anywhere.
 */
#define PRIOR 0.3

/* The standard deviation that kernels of a fixed width assume. */
#define DEVIATION 0.2

/* An axis of no more different centres looks each up once. */
#define LEVELS_MAX 64

/* An axis as the kernels see it. */
struct parzen_axis {
	const struct param *param;
	bool is_choice;   /* unordered */
	size_t observed;  /* kernels that have a value */
	double width;     /* of these */
	double log_same;  /* choice: of the observed value, */
	double log_other; /* and of each other one */
	double *centre;   /* [n] choice: its index; -1: none */
	uint8_t *level;   /* [n] which of these it is, if they are few: */
	double levels[LEVELS_MAX];
	size_t n_levels;  /* LEVELS_MAX + 1: more */
	double *constant; /* [n] -log of the normal's mass in [0, 1] */
};

void parzen_init(struct parzen *p, const struct space *space,
		 const size_t *members, size_t n_members, size_t n_max)
{
	size_t cap = n_max + 1;

	*p = (struct parzen){
		.space = space,
		.members = members,
		.n_members = n_members,
		.n = 1,
		.cap = cap,
	};
	p->log_weight = xcalloc(cap, sizeof(*p->log_weight));
	p->sum = xcalloc(cap, sizeof(*p->sum));
	p->axes = xcalloc(n_members, sizeof(*p->axes));
	for (size_t i = 0; i < n_members; i++) {
		struct parzen_axis *a = &p->axes[i];

		a->param = &space->params[members[i]];
		a->is_choice =
		    a->param->type == PARAM_CHOICE && !a->param->ordered;
		a->centre = xcalloc(2 * cap, sizeof(*a->centre));
		a->constant = a->centre + cap;
		a->level = xcalloc(cap, sizeof(*a->level));
		a->centre[0] = -1;
	}
}

void parzen_fini(struct parzen *p)
{
	for (size_t i = 0; i < p->n_members; i++) {
		free(p->axes[i].centre);
		free(p->axes[i].level);
	}
	free(p->axes);
	free(p->sum);
	free(p->log_weight);
}

/* Numbers the centre of kernel @j. */
static void add_level(struct parzen_axis *a, size_t j)
{
	size_t k = 0;

	if (a->n_levels > LEVELS_MAX)
		return;
	while (k < a->n_levels && a->levels[k] != a->centre[j])
		k++;
	if (k == a->n_levels && a->n_levels++ < LEVELS_MAX)
		a->levels[k] = a->centre[j];
	a->level[j] = (uint8_t)k;
}

void parzen_add(struct parzen *p, const struct cell *config)
{
	size_t j = p->n++;

	assert(j < p->cap);
	for (size_t i = 0; i < p->n_members; i++) {
		struct parzen_axis *a = &p->axes[i];
		const struct cell *c = &config[p->members[i]];

		a->centre[j] = -1;
		if (!c->active)
			continue;
		a->observed++;
		a->centre[j] =
		    a->is_choice ? (double)c->i : unit_of(a->param, c);
		add_level(a, j);
	}
}

/* log(Phi(b) - Phi(a)), a < b; by symmetry where both are near 1. */
static double log_mass(double a, double b)
{
	double low = normal_log_cdf(a > 0 ? -b : a);
	double high = normal_log_cdf(a > 0 ? -a : b);

	return high + log(-expm1(low - high));
}

/* The standard deviation of an axis, the prior being one observation. */
static double spread(const struct parzen *p, const struct parzen_axis *a)
{
	double n = (double)a->observed;
	double mean = 0, squares = 1.0 / 12;

	for (size_t j = 1; j < p->n; j++)
		mean += a->centre[j] < 0 ? 0 : a->centre[j] / n;
	for (size_t j = 1; j < p->n; j++) {
		if (a->centre[j] >= 0)
			squares += pow(a->centre[j] - mean, 2);
	}
	return sqrt(squares / (n + 1));
}

static void fit_number(const struct parzen *p, struct parzen_axis *a,
		       double deviation)
{
	double n = (double)a->observed;

	a->width = deviation * pow(n, -1 / ((double)p->n_members + 4));
	for (size_t j = 1; j < p->n; j++) {
		double c = a->centre[j];

		if (c >= 0)
			a->constant[j] = -log(normal_cdf((1 - c) / a->width) -
					      normal_cdf(-c / a->width));
	}
}

/* Beside the observed value all values have evenly what one kernel weighs. */
static void fit_choice(struct parzen_axis *a)
{
	double n_values = (double)a->param->n_values;
	double share = 1 / ((double)a->observed + 1);
	double total = 1 + share * n_values;

	a->log_same = log((1 + share) / total * n_values);
	a->log_other = log(share / total * n_values);
}

void parzen_fit(struct parzen *p, enum parzen_widths widths)
{
	double log_total = log(PRIOR + (double)(p->n - 1));

	for (size_t i = 0; i < p->n_members; i++) {
		struct parzen_axis *a = &p->axes[i];

		if (a->observed == 0)
			continue;
		if (a->is_choice)
			fit_choice(a);
		else
			fit_number(p, a,
				   widths == PARZEN_SPREAD ? spread(p, a)
							   : DEVIATION);
	}
	for (size_t j = 0; j < p->n; j++)
		p->log_weight[j] = (j == 0 ? log(PRIOR) : 0) - log_total;
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
	double height = normal_log_pdf(0) - log(a->width);

	for (size_t j = 1; j < p->n; j++) {
		double z = (u - a->centre[j]) / a->width;

		if (a->centre[j] >= 0)
			p->sum[j] += a->constant[j] + height - z * z / 2;
	}
}

/* The logarithm of a normal's mean density in an interval, before the cut. */
static double log_mean(const struct parzen_axis *a, double centre, double low,
		       double high)
{
	return log_mass((low - centre) / a->width, (high - centre) / a->width) -
	       log(high - low);
}

static void add_interval(const struct parzen *p, const struct parzen_axis *a,
			 double low, double high)
{
	bool few = a->n_levels <= LEVELS_MAX;
	double of_level[LEVELS_MAX];

	for (size_t k = 0; few && k < a->n_levels; k++)
		of_level[k] = log_mean(a, a->levels[k], low, high);
	for (size_t j = 1; j < p->n; j++) {
		if (a->centre[j] < 0)
			continue;
		p->sum[j] += a->constant[j] +
			     (few ? of_level[a->level[j]]
				  : log_mean(a, a->centre[j], low, high));
	}
}

static void add_axis(const struct parzen *p, const struct parzen_axis *a,
		     const struct cell *cell)
{
	double low, high;

	if (a->observed == 0)
		return;
	if (a->is_choice) {
		add_choice(p, a, (double)cell->i);
		return;
	}
	unit_interval(a->param, cell, &low, &high);
	/* Across a short interval the density is as in its middle. */
	if (high - low < a->width / 4)
		add_point(p, a, low + (high - low) / 2);
	else
		add_interval(p, a, low, high);
}

double parzen_log_density(struct parzen *p, const struct cell *config,
			  double *ret_prior)
{
	double max = -(double)INFINITY;
	double total = 0;

	for (size_t j = 0; j < p->n; j++)
		p->sum[j] = p->log_weight[j];
	for (size_t i = 0; i < p->n_members; i++)
		add_axis(p, &p->axes[i], &config[p->members[i]]);
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

static struct cell cell_at(const struct parzen_axis *a, size_t j, double u)
{
	double even;

	if (a->centre[j] < 0)
		return unit_cell(a->param, u);
	if (!a->is_choice)
		return unit_cell(a->param,
				 coordinate(a->centre[j], a->width, u));
	/* The even shares, and what the observed value has more. */
	even = exp(a->log_other);
	if (u < even)
		return unit_cell(a->param, u / even);
	return unit_cell(a->param,
			 (a->centre[j] + 0.5) / (double)a->param->n_values);
}

void parzen_point(const struct parzen *p, const double *u, struct cell *config)
{
	double rest = u[p->n_members];
	size_t j = 0;

	while (j + 1 < p->n && rest >= exp(p->log_weight[j]))
		rest -= exp(p->log_weight[j++]);
	for (size_t i = 0; i < p->n_members; i++)
		config[p->members[i]] = cell_at(&p->axes[i], j, u[i]);
}
