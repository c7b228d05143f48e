#pragma once

/*
 * One curve made ready to be judged: finite, low is good, and of bounded
 * length. Of a longer curve neighbours are averaged.
 */
#include "why/series.h"

#include <stdbool.h>

#define TREND_POINTS 256

struct trend {
	size_t reported; /* points of the curve, whatever their value */
	int64_t first_step, last_step;
	/* values that are not finite */
	size_t bad;
	int64_t bad_step; /* the first of those at the end, or the first */
	bool ends_bad;    /* the last value, or two in a row */
	/* What the curve was like before bad_step. */
	struct trend_before {
		size_t n;           /* finite values */
		double first, best; /* costs, if there are any */
	} before;

	double first; /* cost of the first finite value; of the median of the
		       * first five if neighbours are averaged */
	double last;  /* cost of the last finite value */
	double low, high; /* least and greatest cost of a finite value */
	size_t n;         /* averaged points of finite values */
	struct trend_point {
		int64_t step; /* the last of those averaged */
		double cost;  /* raw: average of the costs */
		double level; /* median of it and its neighbours */
	} points[TREND_POINTS];
	size_t best;   /* index of the lowest level, the first of them */
	size_t lowest; /* the same of the costs */
	/* Standard deviation of a point about its trend, after a third. */
	double noise;
	/*
	 * value = sign * cost + offset: of a share (accuracy) the cost is what
	 * is missing from 1 or 100.
	 */
	double sign, offset;
};

void trend_of(const struct series_line *line, struct trend *ret);

/* The value that a cost stands for, and back. */
double trend_value(const struct trend *t, double cost);
double trend_cost(const struct trend *t, double value);

/*
 * The slope of the levels of [from, to), by least squares over the index, and
 * its t statistic given the noise of the trend (0 when it has none to tell).
 */
struct trend_slope {
	double slope; /* cost by point */
	double t;
};

struct trend_slope trend_slope(const struct trend *t, size_t from, size_t to);
/* The level at @step, or at the last point before it; n > 0. */
double trend_at(const struct trend *t, int64_t step);
/* The median of the costs of [from, to), which is not empty. */
double trend_median(const struct trend *t, size_t from, size_t to);
