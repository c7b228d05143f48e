#include "why/trend.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define FIRST_POINTS 5
#define HUGE_COST    1e100

/* Beyond HUGE_COST sums of squares overflow: as good as infinite. */
static bool is_usable(double v)
{
	return fabs(v) < HUGE_COST;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 == 1 ? values[n / 2]
			  : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double trend_median(const struct trend *t, size_t from, size_t to)
{
	double costs[TREND_POINTS];

	assert(from < to && to <= t->n);
	for (size_t i = from; i < to; i++)
		costs[i - from] = t->points[i].cost;
	return median(costs, to - from);
}

double trend_at(const struct trend *t, int64_t step)
{
	size_t i = 0;

	while (i + 1 < t->n && t->points[i + 1].step <= step)
		i++;
	return t->points[i].level;
}

double trend_value(const struct trend *t, double cost)
{
	return t->sign * cost + t->offset;
}

double trend_cost(const struct trend *t, double value)
{
	return t->sign * (value - t->offset);
}

/* A goal to maximize: 1 or 100 is perfect if no value is beyond. */
static void choose_sign(const struct series_line *line, struct trend *t)
{
	double low = (double)INFINITY, high = -(double)INFINITY;

	t->sign = 1;
	if (line->goal == GOAL_MINIMIZE)
		return;
	for (size_t i = 0; i < line->n; i++) {
		double v = line->points[i].value;

		if (is_usable(v)) {
			low = fmin(low, v);
			high = fmax(high, v);
		}
	}
	t->sign = -1;
	if (low >= 0 && high <= 1)
		t->offset = 1;
	else if (low >= 0 && high <= 100)
		t->offset = 100;
}

static void count_bad(const struct series_line *line, struct trend *t)
{
	size_t in_row = 0;

	for (size_t i = 0; i < line->n; i++) {
		if (is_usable(line->points[i].value)) {
			in_row = 0;
			continue;
		}
		t->bad++;
		in_row++;
		if (in_row == 1 && !t->ends_bad)
			t->bad_step = line->points[i].step;
		t->ends_bad |= in_row == 2 || i + 1 == line->n;
	}
}

static void look_before(const struct series_line *line, struct trend *t)
{
	struct trend_before *b = &t->before;

	for (size_t i = 0; i < line->n; i++) {
		const struct series_point *p = &line->points[i];
		double cost = trend_cost(t, p->value);

		if (p->step >= t->bad_step || !is_usable(p->value))
			continue;
		if (b->n++ == 0)
			b->first = b->best = cost;
		b->best = fmin(b->best, cost);
	}
}

static void average(const struct series_line *line, struct trend *t)
{
	size_t finite = line->n - t->bad, seen = 0, in = 0;
	double sum = 0;

	for (size_t i = 0; i < line->n; i++) {
		const struct series_point *p = &line->points[i];
		size_t cell;

		if (!is_usable(p->value))
			continue;
		t->last = trend_cost(t, p->value);
		t->low = seen > 0 ? fmin(t->low, t->last) : t->last;
		t->high = seen > 0 ? fmax(t->high, t->last) : t->last;
		sum += t->last;
		in++;
		seen++;
		cell = finite <= TREND_POINTS ? seen
					      : seen * TREND_POINTS / finite;
		if (cell == t->n)
			continue;
		t->points[t->n++] =
		    (struct trend_point){ .step = p->step,
					  .cost = sum / (double)in };
		sum = 0;
		in = 0;
	}
}

static double first_of(const struct series_line *line, const struct trend *t)
{
	size_t most = line->n - t->bad > TREND_POINTS ? FIRST_POINTS : 1, n = 0;
	double costs[FIRST_POINTS];

	for (size_t i = 0; i < line->n && n < most; i++)
		if (is_usable(line->points[i].value))
			costs[n++] = trend_cost(t, line->points[i].value);
	return median(costs, n);
}

static double median_of_3(double a, double b, double c)
{
	return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

static void smooth(struct trend *t)
{
	size_t last = t->n - 1;

	for (size_t i = 0; i < t->n; i++) {
		struct trend_point *p = &t->points[i];
		/* The last one and the two before it. */
		size_t mid = i < last ? i : i - 1;

		p->level = p->cost;
		if (t->n >= 7 && i > 0)
			p->level = median_of_3(t->points[mid - 1].cost,
					       t->points[mid].cost,
					       t->points[mid + 1].cost);
		if (p->level < t->points[t->best].level)
			t->best = i;
		if (p->cost < t->points[t->lowest].cost)
			t->lowest = i;
	}
}

/*
 * From second differences, which a trend that bends slowly hardly moves:
 * 1.4826 median |d| / sqrt(6).
 */
static double noise_of(const struct trend *t)
{
	double d[TREND_POINTS];
	size_t n = 0;

	for (size_t i = t->n / 3 + 1; i + 1 < t->n; i++)
		d[n++] = fabs(t->points[i - 1].cost - 2 * t->points[i].cost +
			      t->points[i + 1].cost);
	return n < 3 ? 0 : 1.4826 * median(d, n) / sqrt(6);
}

void trend_of(const struct series_line *line, struct trend *ret)
{
	*ret = (struct trend){ .reported = line->n };
	choose_sign(line, ret);
	if (line->n == 0)
		return;
	ret->first_step = line->points[0].step;
	ret->last_step = line->points[line->n - 1].step;
	count_bad(line, ret);
	if (ret->bad > 0)
		look_before(line, ret);
	average(line, ret);
	if (ret->n == 0)
		return;
	ret->first = first_of(line, ret);
	smooth(ret);
	ret->noise = noise_of(ret);
}

struct trend_slope trend_slope(const struct trend *t, size_t from, size_t to)
{
	double n = (double)(to - from), x_mean = (n - 1) / 2, y_mean = 0;
	double sxx = 0, sxy = 0;
	struct trend_slope s = { 0 };

	assert(from + 1 < to && to <= t->n);
	for (size_t i = from; i < to; i++)
		y_mean += t->points[i].cost / n;
	for (size_t i = from; i < to; i++) {
		double x = (double)(i - from) - x_mean;

		sxx += x * x;
		sxy += x * (t->points[i].cost - y_mean);
	}
	s.slope = sxy / sxx;
	if (t->noise > 0)
		s.t = s.slope / (t->noise / sqrt(sxx));
	else if (s.slope < 0 || s.slope > 0)
		s.t = (double)INFINITY * (s.slope > 0 ? 1 : -1);
	return s;
}
