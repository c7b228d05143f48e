#include "num/optimize.h"

#include <assert.h>
#include <math.h>
#include <nlopt.h>
#include <stdbool.h>
#include <string.h>

struct search {
	const struct minimize_problem *problem;
	const struct minimize_options *options;
	nlopt_opt nlopt;
	double *best;      /* [n] */
	double best_value; /* infinite: none yet */
	double scale;      /* NLopt sees the value times this; 0: not known */
	size_t evaluations;
	bool stopped;
};

/* The largest component of the gradient that leads somewhere in the box. */
static double projected(const struct minimize_problem *p, const double *x,
			const double *gradient)
{
	double largest = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool out =
		    gradient[i] > 0 ? x[i] <= p->lower[i] : x[i] >= p->upper[i];

		if (!out)
			largest = fmax(largest, fabs(gradient[i]));
	}
	return largest;
}

static bool all_finite(size_t n, const double *v)
{
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(v[i]))
			return false;
	}
	return true;
}

/*
 * NLopt looks whether it shall stop only after a line search; a value below
 * all others ends that at once.
 */
static double stop(struct search *s)
{
	s->stopped = true;
	nlopt_force_stop(s->nlopt);
	return -(double)INFINITY;
}

static double on_point(unsigned n, const double *x, double *gradient, void *ctx)
{
	struct search *s = ctx;
	double value, slope, none;

	if (n == 0) /* NLopt gives no room then */
		gradient = &none;
	if (s->stopped || s->evaluations == s->options->max_evaluations)
		return stop(s);
	s->evaluations++;
	value = s->problem->fn(s->problem->ctx, x, gradient);
	if (!isfinite(value) || !all_finite(n, gradient)) {
		/* NLopt halves the step at values of 1e20 and more. */
		memset(gradient, 0, n * sizeof(*gradient));
		return s->best_value < (double)INFINITY ? (double)INFINITY
							: stop(s);
	}
	slope = projected(s->problem, x, gradient);
	if (value < s->best_value) {
		s->best_value = value;
		memcpy(s->best, x, n * sizeof(*x));
	}
	if (slope <= s->options->gradient_tolerance)
		return stop(s);
	/* Its first step is the negative gradient, however long that is. */
	if (s->scale == 0)
		s->scale = fmin(1, 1 / slope);
	for (unsigned i = 0; i < n; i++)
		gradient[i] *= s->scale;
	return value * s->scale;
}

int minimize_box(const struct minimize_problem *p,
		 const struct minimize_options *o, double *x, double *ret_value)
{
	double point[MINIMIZE_MAX], before, ignored;
	nlopt_result r;
	struct search s = { .problem = p,
			    .options = o,
			    .best = x,
			    .best_value = (double)INFINITY };

	assert(p->n <= MINIMIZE_MAX && o->max_evaluations > 0);
	for (size_t i = 0; i < p->n; i++)
		x[i] = fmin(fmax(x[i], p->lower[i]), p->upper[i]);
	s.nlopt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)p->n);
	assert(s.nlopt != NULL);
	nlopt_set_lower_bounds(s.nlopt, p->lower);
	nlopt_set_upper_bounds(s.nlopt, p->upper);
	nlopt_set_min_objective(s.nlopt, on_point, &s);
	nlopt_set_ftol_rel(s.nlopt, o->value_tolerance);
	nlopt_set_vector_storage(s.nlopt, 10);
	/*
	 * It also ends when its line search is stuck, by rounding above all,
	 * or when the gradient has fallen to 1e-8 of the first, which nobody
	 * asked for: then it begins anew where it has come to.
	 */
	do {
		before = s.best_value;
		s.scale = 0;
		memcpy(point, x, p->n * sizeof(*x));
		r = nlopt_optimize(s.nlopt, point, &ignored);
	} while (!s.stopped && r != NLOPT_FTOL_REACHED &&
		 s.best_value < before);
	nlopt_destroy(s.nlopt);
	*ret_value = s.best_value;
	return !(s.best_value < (double)INFINITY);
}
