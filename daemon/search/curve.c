#include "search/pruner.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The index of the first point that is not before @step. */
static size_t find(const struct curve *c, int64_t step)
{
	size_t low = 0, high = c->n;

	/* Steps mostly ascend, and the last one is often told again. */
	if (c->n > 0 && c->points[c->n - 1].step <= step)
		low = c->n - 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->points[mid].step < step)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

long curve_set(struct curve *c, int64_t step, double value)
{
	size_t i = find(c, step);

	if (i == c->n || c->points[i].step != step) {
		if (c->n == LIMIT_STEPS) {
			c->full = true;
			return -1;
		}
		if (c->n == c->cap) {
			c->cap = c->cap > 0 ? 2 * c->cap : 16;
			c->points = xreallocarray(c->points, c->cap,
						  sizeof(*c->points));
		}
		memmove(c->points + i + 1, c->points + i,
			(c->n - i) * sizeof(*c->points));
		c->n++;
		c->points[i] = (struct curve_point){ .step = step };
	}
	c->points[i].value = value;
	return (long)i;
}

size_t curve_until(const struct curve *c, int64_t step)
{
	size_t i = find(c, step);

	return i + (i < c->n && c->points[i].step == step);
}

void curve_free(struct curve *c)
{
	free(c->points);
	*c = (struct curve){ 0 };
}

static double best(const struct curve *c, enum goal goal)
{
	double found = (double)NAN;

	for (size_t i = 0; i < c->n; i++) {
		double v = c->points[i].value;

		if (!isfinite(v))
			continue;
		if (isnan(found) ||
		    (goal == GOAL_MAXIMIZE ? v > found : v < found))
			found = v;
	}
	return found;
}

static bool is_finite(const struct curve *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!isfinite(c->points[i].value))
			return false;
	}
	return true;
}

/* No sum of values that overflows where their mean does not. */
static double mean_of(const struct curve *c)
{
	double mean = 0;

	for (size_t i = 0; i < c->n; i++)
		mean += c->points[i].value / (double)c->n;
	/* Rounded up, n parts of the largest number are more than it. */
	return isinf(mean) && is_finite(c) ? copysign(DBL_MAX, mean) : mean;
}

double curve_result(const struct curve *c, enum result_rule rule,
		    enum goal goal)
{
	if (c->n == 0)
		return (double)NAN;
	if (rule == RESULT_LAST)
		return c->points[c->n - 1].value;
	if (rule == RESULT_BEST)
		return best(c, goal);
	return mean_of(c);
}
