#pragma once

/*
 * From the unit cube to configurations, and back. A uniform coordinate becomes
 * a value that is uniform on the parameter's scale; every integer, multiple of
 * a step and choice owns an interval of the coordinate:
 *
 *   choice, linear number   equal intervals
 *   log, logit number       of v, the interval [v - step/2, v + step/2] of the
 *                           scale, as if the number were rounded to v
 */
#include "schema/space.h"

/* The value at @u in [0, 1]: in the parameter's range, a multiple of its step.
 */
struct cell unit_cell(const struct param *p, double u);

/*
 * Where the active cell @c lies in [0, 1]: the value of a number on its scale,
 * the middle of a choice's interval, 0.5 of what has only one value.
 * unit_cell() turns it back, a continuous number but for rounding.
 */
double unit_of(const struct param *p, const struct cell *c);

/*
 * The interval [*ret_low, *ret_high] of coordinates that become @c. That of a
 * value which is not of a finite set is the point unit_of().
 */
void unit_interval(const struct param *p, const struct cell *c, double *ret_low,
		   double *ret_high);

/* The configuration at @u [s->n], activated. */
void unit_config(const struct space *s, const double *u,
		 struct cell *ret_config);
