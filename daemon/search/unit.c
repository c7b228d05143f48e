#include "search/unit.h"

#include "schema/param.h"

#include <assert.h>
#include <math.h>

static double half_step(const struct param *p)
{
	return (p->type == PARAM_INT ? (double)p->int_step : p->step) / 2;
}

/* The values at the ends of the coordinate, which @p need not take. */
static void ends(const struct param *p, double *ret_min, double *ret_max)
{
	double min = param_min(p), max = param_max(p);
	double half = half_step(p);

	/* Half a step at each end, but not out of what the scale takes. */
	*ret_min =
	    min - (p->scale == SCALE_LINEAR ? half : fmin(half, min / 2));
	*ret_max =
	    max + (p->scale == SCALE_LOGIT ? fmin(half, (1 - max) / 2) : half);
}

static struct cell number(const struct param *p, double u)
{
	double min, max;

	ends(p, &min, &max);
	min = scale_apply(p->scale, min);
	max = scale_apply(p->scale, max);
	/* Not min + u * (max - min), which may overflow. */
	return param_snap(p, scale_invert(p->scale, (1 - u) * min + u * max));
}

/* Where @v lies between the ends; @p need not take it. */
static double coordinate(const struct param *p, double v)
{
	double min, max, u;

	ends(p, &min, &max);
	if (v <= min || v >= max)
		return min == max ? 0.5 : v <= min ? 0 : 1;
	min = scale_apply(p->scale, min);
	max = scale_apply(p->scale, max);
	v = scale_apply(p->scale, v);
	/* Halves of what may be near the largest double. */
	u = isinf(max - min) ? (v / 2 - min / 2) / (max / 2 - min / 2)
			     : (v - min) / (max - min);
	return fmin(fmax(u, 0), 1);
}

struct cell unit_cell(const struct param *p, double u)
{
	struct cell c = { .active = true };

	switch (p->type) {
	case PARAM_FLOAT:
	case PARAM_INT:
		return number(p, u);
	case PARAM_CHOICE:
		c.i = (int64_t)fmin(u * (double)p->n_values,
				    (double)p->n_values - 1);
		break;
	case PARAM_CONSTANT:
		break;
	}
	return c;
}

double unit_of(const struct param *p, const struct cell *c)
{
	assert(c->active);
	switch (p->type) {
	case PARAM_FLOAT:
	case PARAM_INT:
		return coordinate(p, param_number(p, c));
	case PARAM_CHOICE:
		return ((double)c->i + 0.5) / (double)p->n_values;
	case PARAM_CONSTANT:
		break;
	}
	return 0.5;
}

void unit_interval(const struct param *p, const struct cell *c, double *ret_low,
		   double *ret_high)
{
	double n = (double)p->n_values, half = half_step(p), v;

	assert(c->active);
	*ret_low = 0;
	*ret_high = 1;
	if (param_cardinality(p) == 1)
		return;
	if (p->type == PARAM_CHOICE) {
		*ret_low = (double)c->i / n;
		*ret_high = ((double)c->i + 1) / n;
	} else {
		v = param_number(p, c);
		*ret_low = coordinate(p, v - half);
		*ret_high = coordinate(p, v + half);
	}
}

void unit_config(const struct space *s, const double *u,
		 struct cell *ret_config)
{
	for (size_t i = 0; i < s->n; i++)
		ret_config[i] = unit_cell(&s->params[i], u[i]);
	space_activate(s, ret_config);
}
