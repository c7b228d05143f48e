#include "search/target.h"

#include "num/normal.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(const double *sorted, size_t n)
{
	/* Halves of denormal numbers are not exact. */
	return n % 2 == 1 ? sorted[n / 2]
			  : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

/* The standard deviation of the good half of @v [n], ascending, about its
 * @median. */
static double good_sd(const double *v, size_t n, double median)
{
	double sum = 0;
	size_t used = 0;

	for (; used < n && v[used] <= median; used++)
		sum += pow((v[used] - median) / (median - v[0]), 2);
	return (median - v[0]) * sqrt(sum / (double)used);
}

/* @z [n], ascending and distinct, in place. */
static void half_rank(double *z, size_t n)
{
	double median = median_of(z, n);
	size_t bad = 0;
	double sd, places;

	if (!(median > z[0]))
		return;
	sd = good_sd(z, n, median);
	while (bad < n && z[n - 1 - bad] > median)
		bad++;
	/* A score that is the median itself takes half a place. */
	places = (double)bad + (z[n - 1 - bad] == median ? 0.5 : 0);
	for (size_t i = 0; i < bad; i++) {
		double p = ((double)i + 0.5) / places / 2;

		z[n - 1 - i] = median - sd * normal_quantile(p);
	}
}

static void log_warp(double *z, size_t n)
{
	double low = z[0], range = z[n - 1] - low;

	for (size_t i = 0; i < n; i++)
		z[i] = log1p(0.5 * (z[i] - low) / range);
}

/* To [-1, 1], so that no difference overflows. */
static void scale(double *z, const double *score, size_t n)
{
	double largest = fmax(fabs(score[0]), fabs(score[n - 1]));

	for (size_t i = 0; i < n; i++)
		z[i] = score[i] / largest;
}

/* Over all @n scores, repeated ones included. */
static void standardise(struct target *t, size_t n, const double *scores)
{
	double sum = 0, square = 0, mean, sd;

	for (size_t i = 0; i < n; i++)
		sum += target_of(t, scores[i]);
	mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		square += pow(target_of(t, scores[i]) - mean, 2);
	sd = sqrt(square / (double)n);
	for (size_t i = 0; i < t->n; i++)
		t->z[i] = (t->z[i] - mean) / sd;
}

void target_init(struct target *t, size_t n, const double *scores)
{
	*t = (struct target){ 0 };
	if (n == 0)
		return;
	t->score = xcalloc(n, sizeof(*t->score));
	t->z = xcalloc(n, sizeof(*t->z));
	memcpy(t->score, scores, n * sizeof(*scores));
	qsort(t->score, n, sizeof(*t->score), by_value);
	for (size_t i = 0; i < n; i++) {
		if (t->n == 0 || t->score[i] > t->score[t->n - 1])
			t->score[t->n++] = t->score[i];
	}
	if (t->n == 1)
		return;
	scale(t->z, t->score, t->n);
	half_rank(t->z, t->n);
	log_warp(t->z, t->n);
	standardise(t, n, scores);
}

void target_fini(struct target *t)
{
	free(t->score);
	free(t->z);
}

void target_raise(struct target *t, double by)
{
	for (size_t i = 0; i < t->n && t->n > 1; i++)
		t->z[i] += by;
}

/* (b - a) / (d - c), where the differences may overflow. */
static double ratio(double a, double b, double c, double d)
{
	if (isfinite(b - a) && isfinite(d - c))
		return (b - a) / (d - c);
	return (b / 2 - a / 2) / (d / 2 - c / 2);
}

/* y at @at on the line through knots of @x [n], ascending, and @y. */
static double interpolate(const double *x, const double *y, size_t n, double at)
{
	size_t low = 0, high = n - 1;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (x[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	if (x[low] == x[high])
		return y[low];
	/* Halves, so that the difference does not overflow. */
	return y[low] + (y[high] / 2 - y[low] / 2) *
			    ratio(x[low], at, x[low], x[high]) * 2;
}

double target_of(const struct target *t, double score)
{
	if (t->n < 2)
		return 0;
	return interpolate(t->score, t->z, t->n, score);
}

double target_back(const struct target *t, double z)
{
	if (t->n == 0)
		return (double)NAN;
	if (t->n == 1 || z >= t->z[t->n - 1])
		return t->score[t->n - 1];
	return interpolate(t->z, t->score, t->n, z);
}
