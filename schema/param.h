#pragma once

/*
 * What a parameter can take: the arithmetic of ranges, steps and levels that
 * the modules of space.h share.
 */
#include "schema/object.h"
#include "schema/space.h"

/* Integers of a search lie in [-PARAM_INT_MAX, PARAM_INT_MAX]: every program
 * that reads JSON has them exactly. */
#define PARAM_INT_MAX ((int64_t)1 << 53)

/* A step has at most so many multiples between 0 and an end of the range. */
#define PARAM_STEPS_MAX 1e12

/* The number of a SCALAR_INT or SCALAR_FLOAT. */
double scalar_number(const struct scalar *v);

/* @v on the scale: itself, log v or log v/(1-v); and back. */
double scale_apply(enum param_scale scale, double v);
double scale_invert(enum param_scale scale, double x);

/* The ends of the range of a float or int, and the number in its cell. */
double param_min(const struct param *p);
double param_max(const struct param *p);
double param_number(const struct param *p, const struct cell *c);

/* @k times @step as a person would write it: 3 x 0.1 is 0.3. */
double param_multiple(double step, double k);

/* Fills `values` with the distinct ones of @points even points; @points >= 2.
 */
void param_spread(struct param *p, size_t points);

/*
 * True when a float or int can take @v; @ret_cell holds it. A multiple of the
 * step may be off by rounding.
 */
bool param_takes(const struct param *p, double v, struct cell *ret_cell);

/* The same of any parameter and a JSON value: of a choice, one of its values.
 */
bool param_takes_json(const struct param *p, const cJSON *v,
		      struct cell *ret_cell);

/* What it takes, for messages ("a whole number from 1 to 3"); new. */
char *param_describe(const struct param *p);

/*
 * Reads one parameter of a search file, but for its name and its "when", into
 * the zeroed @p. It is whole if no fault was added.
 */
void param_parse(const struct object *o, struct param *p);

/*
 * Reads one value of a search file; false, with a fault at @path, if it is
 * none. A whole number beyond 2^53 is a float if a double holds it. Text is
 * copied.
 */
bool param_parse_scalar(const struct object *o, const cJSON *node,
			const char *path, struct scalar *ret);
