#include "search/unit.h"

#include <math.h>

static double to_scale(enum param_scale scale, double v)
{
	switch (scale) {
	case SCALE_LINEAR:
		break;
	case SCALE_LOG:
		return log(v);
	case SCALE_LOGIT:
		return log(v / (1 - v));
	}
	return v;
}

static double from_scale(enum param_scale scale, double x)
{
	switch (scale) {
	case SCALE_LINEAR:
		break;
	case SCALE_LOG:
		return exp(x);
	case SCALE_LOGIT:
		return 1 / (1 + exp(-x));
	}
	return x;
}

static struct cell number(const struct param *p, double u)
{
	bool is_int = p->type == PARAM_INT;
	double min = is_int ? (double)p->int_min : p->min;
	double max = is_int ? (double)p->int_max : p->max;
	double half = (is_int ? (double)p->int_step : p->step) / 2;

	/* Half a step at each end, but not out of what the scale takes. */
	min -= p->scale == SCALE_LINEAR ? half : fmin(half, min / 2);
	max += p->scale == SCALE_LOGIT ? fmin(half, (1 - max) / 2) : half;
	min = to_scale(p->scale, min);
	max = to_scale(p->scale, max);
	/* Not min + u * (max - min), which may overflow. */
	return param_snap(p, from_scale(p->scale, (1 - u) * min + u * max));
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

void unit_config(const struct space *s, const double *u,
		 struct cell *ret_config)
{
	for (size_t i = 0; i < s->n; i++)
		ret_config[i] = unit_cell(&s->params[i], u[i]);
	space_activate(s, ret_config);
}
