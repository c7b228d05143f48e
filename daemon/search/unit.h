#pragma once

/*
 * From the unit cube to configurations. A uniform coordinate becomes a value
 * that is uniform on the parameter's scale; every integer, multiple of a step
 * and choice owns an interval of the coordinate:
 *
 *   choice, linear number   equal intervals
 *   log, logit number       of v, the interval [v - step/2, v + step/2] of the
 *                           scale, as if the number were rounded to v
 */
#include "schema/space.h"

/* The value at @u in [0, 1]: in the parameter's range, a multiple of its step.
 */
struct cell unit_cell(const struct param *p, double u);

/* The configuration at @u [s->n], activated. */
void unit_config(const struct space *s, const double *u,
		 struct cell *ret_config);
