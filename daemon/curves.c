#include "curves.h"

#include "schema/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct point {
	int64_t step;
	double value;
};

struct curves {
	size_t max; /* points of a curve */
	cJSON *list;
	int64_t trial; /* whose points these are, if there are any */
	struct point *points;
	size_t n, room;
};

struct curves *curves_new(size_t points)
{
	struct curves *c = xcalloc(1, sizeof(*c));

	c->max = points;
	c->list = cJSON_CreateArray();
	return c;
}

void curves_free(struct curves *c)
{
	cJSON_Delete(c->list);
	free(c->points);
	free(c);
}

static bool is_higher(double a, double b)
{
	return a > b || (isnan(a) && !isnan(b));
}

static void keep(const struct curves *c, size_t i, cJSON *steps, cJSON *values)
{
	cJSON_AddItemToArray(steps, json_integer(c->points[i].step));
	cJSON_AddItemToArray(values, json_number(c->points[i].value));
}

/* The lowest and the highest of points @from to @to - 1, as they came. */
static void keep_extremes(const struct curves *c, size_t from, size_t to,
			  cJSON *steps, cJSON *values)
{
	size_t low = from, high = from;

	for (size_t i = from + 1; i < to; i++) {
		if (is_higher(c->points[low].value, c->points[i].value))
			low = i;
		if (is_higher(c->points[i].value, c->points[high].value))
			high = i;
	}
	keep(c, low < high ? low : high, steps, values);
	if (low != high)
		keep(c, low < high ? high : low, steps, values);
}

static void end_curve(struct curves *c)
{
	cJSON *curve = cJSON_CreateObject();
	cJSON *steps, *values;
	size_t parts = c->max / 2 - 1;

	json_add_integer(curve, "trial", c->trial);
	steps = cJSON_AddArrayToObject(curve, "steps");
	values = cJSON_AddArrayToObject(curve, "values");
	if (c->n <= c->max) {
		for (size_t i = 0; i < c->n; i++)
			keep(c, i, steps, values);
	} else {
		keep(c, 0, steps, values);
		for (size_t k = 0; k < parts; k++)
			keep_extremes(c, 1 + (c->n - 2) * k / parts,
				      1 + (c->n - 2) * (k + 1) / parts, steps,
				      values);
		keep(c, c->n - 1, steps, values);
	}
	cJSON_AddItemToArray(c->list, curve);
	c->n = 0;
}

void curves_add(struct curves *c, int64_t trial, int64_t step, double value)
{
	if (c->n > 0 && trial != c->trial)
		end_curve(c);
	if (c->n == c->room) {
		c->room = c->room == 0 ? 256 : 2 * c->room;
		c->points =
		    xreallocarray(c->points, c->room, sizeof(*c->points));
	}
	c->trial = trial;
	c->points[c->n++] = (struct point){ step, value };
}

cJSON *curves_take(struct curves *c)
{
	cJSON *list;

	if (c->n > 0)
		end_curve(c);
	list = c->list;
	c->list = NULL;
	return list;
}
