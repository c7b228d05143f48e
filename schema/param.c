#include "schema/param.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *param_variable(const char *name)
{
	char *variable = xasprintf("HPS_PARAM_%s", name);

	for (char *c = variable; *c != '\0'; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (*c == '.' || *c == '-')
			*c = '_';
	}
	return variable;
}

struct scalar param_scalar(const struct param *p, const struct cell *c)
{
	switch (p->type) {
	case PARAM_FLOAT:
		return (struct scalar){ .kind = SCALAR_FLOAT, .f = c->f };
	case PARAM_INT:
		return (struct scalar){ .kind = SCALAR_INT, .i = c->i };
	case PARAM_CHOICE:
	case PARAM_CONSTANT:
		break;
	}
	assert((size_t)c->i < p->n_values);
	return p->values[c->i];
}

/* @v with 15 digits, which every double of so many digits survives. */
static double round15(double v)
{
	char text[JSON_NUMBER_BYTES];

	snprintf(text, sizeof(text), "%.15g", v);
	return strtod(text, NULL);
}

double param_multiple(double step, double k)
{
	double v = k * step;

	/* 3 x 0.1 is 0.3; a step of more digits than that keeps them. */
	return round15(step) == step ? round15(v) : v;
}

static double clamp(double v, double min, double max)
{
	return v < min ? min : v > max ? max : v;
}

static int64_t snap_int(const struct param *p, double v)
{
	double step = (double)p->int_step;
	double k =
	    nearbyint(clamp(v, (double)p->int_min, (double)p->int_max) / step);

	/* Both ends are multiples, so that rounding stays between them. */
	return (int64_t)k * p->int_step;
}

struct cell param_snap(const struct param *p, double v)
{
	struct cell c = { .active = true };

	assert(p->type == PARAM_FLOAT || p->type == PARAM_INT);
	assert(!isnan(v));
	if (p->type == PARAM_INT) {
		c.i = snap_int(p, v);
		return c;
	}
	c.f = clamp(v, p->min, p->max);
	if (p->step > 0)
		c.f = clamp(param_multiple(p->step, nearbyint(c.f / p->step)),
			    p->min, p->max);
	c.f += 0.0; /* no -0 */
	return c;
}

bool param_takes(const struct param *p, double v, struct cell *ret_cell)
{
	struct cell c = param_snap(p, v);
	double snapped = p->type == PARAM_INT ? (double)c.i : c.f;

	/* A multiple that was computed otherwise, as 3 * 0.1, is meant. */
	if (snapped != v &&
	    (p->type == PARAM_INT || p->step == 0 ||
	     fabs(snapped - v) > 1e-9 * p->step + 1e-15 * fabs(v)))
		return false;
	*ret_cell = c;
	return true;
}

/* False if @v is no scalar. Text is borrowed. */
static bool scalar_of(const cJSON *v, struct scalar *ret)
{
	if (cJSON_IsString(v))
		*ret = (struct scalar){ SCALAR_TEXT, .text = v->valuestring };
	else if (cJSON_IsNumber(v))
		*ret = (struct scalar){ SCALAR_FLOAT, .f = v->valuedouble };
	else if (cJSON_IsBool(v))
		*ret = (struct scalar){ SCALAR_BOOL, .b = cJSON_IsTrue(v) };
	else if (cJSON_IsNull(v))
		*ret = (struct scalar){ .kind = SCALAR_NULL };
	else
		return false;
	return true;
}

bool param_takes_json(const struct param *p, const cJSON *v,
		      struct cell *ret_cell)
{
	struct scalar value;

	if (p->type == PARAM_FLOAT || p->type == PARAM_INT)
		return cJSON_IsNumber(v) &&
		       param_takes(p, v->valuedouble, ret_cell);
	if (!scalar_of(v, &value))
		return false;
	for (size_t i = 0; i < p->n_values; i++) {
		if (!scalar_equal(&value, &p->values[i]))
			continue;
		*ret_cell = (struct cell){ .active = true, .i = (int64_t)i };
		return true;
	}
	return false;
}

/* "a number from 0.1 to 1", "a multiple of 8 from 8 to 256" */
static char *describe_range(const struct param *p)
{
	bool is_int = p->type == PARAM_INT;
	double step = is_int ? (double)p->int_step : p->step;
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], c[JSON_NUMBER_BYTES];

	json_number_text(param_min(p), a);
	json_number_text(param_max(p), b);
	json_number_text(step, c);
	if (step != 0 && !(is_int && step == 1))
		return xasprintf("a multiple of %s from %s to %s", c, a, b);
	return xasprintf("a %s from %s to %s",
			 is_int ? "whole number" : "number", a, b);
}

static char *describe_values(const struct param *p)
{
	auto_json cJSON *list = cJSON_CreateArray();
	auto_free char *brief = NULL;

	for (size_t i = 0; i < p->n_values; i++)
		cJSON_AddItemToArray(list, scalar_json(&p->values[i]));
	if (p->type == PARAM_CONSTANT)
		return json_brief(list->child);
	brief = json_brief(list);
	return xasprintf("one of %s", brief);
}

char *param_describe(const struct param *p)
{
	if (p->type == PARAM_FLOAT || p->type == PARAM_INT)
		return describe_range(p);
	return describe_values(p);
}

uint64_t param_cardinality(const struct param *p)
{
	switch (p->type) {
	case PARAM_FLOAT:
		if (p->min == p->max)
			return 1;
		if (p->step == 0)
			return 0;
		return (uint64_t)nearbyint((p->max - p->min) / p->step) + 1;
	case PARAM_INT:
		return (uint64_t)(p->int_max - p->int_min) /
			   (uint64_t)p->int_step +
		       1;
	case PARAM_CHOICE:
	case PARAM_CONSTANT:
		break;
	}
	return p->n_values;
}

struct cell param_value(const struct param *p, uint64_t k)
{
	struct cell c = { .active = true };

	assert(k < param_cardinality(p));
	switch (p->type) {
	case PARAM_FLOAT:
		return param_snap(p, p->min + (double)k * p->step);
	case PARAM_INT:
		c.i = p->int_min + (int64_t)k * p->int_step;
		break;
	case PARAM_CHOICE:
	case PARAM_CONSTANT:
		c.i = (int64_t)k;
		break;
	}
	return c;
}

static bool has_list(const struct param *p)
{
	return p->n_values > 0 &&
	       (p->type == PARAM_FLOAT || p->type == PARAM_INT);
}

uint64_t param_levels(const struct param *p)
{
	return has_list(p) ? p->n_values : param_cardinality(p);
}

struct cell param_level(const struct param *p, uint64_t k)
{
	struct cell c = { .active = true };

	assert(k < param_levels(p));
	if (!has_list(p))
		return param_value(p, k);
	if (p->type == PARAM_FLOAT)
		c.f = p->values[k].f;
	else
		c.i = p->values[k].i;
	return c;
}

double scale_apply(enum param_scale scale, double v)
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

double scale_invert(enum param_scale scale, double x)
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

double param_min(const struct param *p)
{
	return p->type == PARAM_INT ? (double)p->int_min : p->min;
}

double param_max(const struct param *p)
{
	return p->type == PARAM_INT ? (double)p->int_max : p->max;
}

double param_number(const struct param *p, const struct cell *c)
{
	return p->type == PARAM_INT ? (double)c->i : c->f;
}

/* The point at @t in [0, 1] of a range, evenly on the scale. */
static double interpolate(enum param_scale scale, double min, double max,
			  double t)
{
	double a, b;

	if (t == 0 || t == 1)
		return t == 0 ? min : max;
	switch (scale) {
	case SCALE_LINEAR:
		break;
	case SCALE_LOG:
		/* Base 10, so that decades come out as such. */
		a = log10(min);
		b = log10(max);
		return round15(pow(10, a + t * (b - a)));
	case SCALE_LOGIT:
		a = scale_apply(scale, min);
		b = scale_apply(scale, max);
		return round15(scale_invert(scale, a + t * (b - a)));
	}
	/* Not min + t * (max - min), which may overflow. */
	return round15((1 - t) * min + t * max);
}

void param_spread(struct param *p, size_t points)
{
	double min = param_min(p), max = param_max(p);

	assert(points >= 2);
	p->values = xcalloc(points, sizeof(*p->values));
	p->n_values = 0;
	for (size_t i = 0; i < points; i++) {
		double t = (double)i / (double)(points - 1);
		struct cell c =
		    param_snap(p, interpolate(p->scale, min, max, t));
		struct scalar v = param_scalar(p, &c);

		if (p->n_values == 0 ||
		    !scalar_equal(&v, &p->values[p->n_values - 1]))
			p->values[p->n_values++] = v;
	}
}
