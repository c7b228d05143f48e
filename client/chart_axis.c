#include "chart.h"

#include "schema/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST (DBL_MAX / 4) /* the distance of two is a number, too */
#define FEW     8             /* whole numbers that have room between them */
#define STREW   0.3
#define PAD     0.05 /* so that the best is no part of the frame */
#define DECADES 1.0  /* that an objective spreads over for a log scale */

/* The coordinate in which the axis is even. */
static double stretch(enum param_scale scale, double v)
{
	switch (scale) {
	case SCALE_LOG:
		return log10(v);
	case SCALE_LOGIT:
		return log10(v / (1 - v));
	case SCALE_LINEAR:
		break;
	}
	return v;
}

/* And back. */
static double shrink(enum param_scale scale, double v)
{
	switch (scale) {
	case SCALE_LOG:
		return pow(10, v);
	case SCALE_LOGIT:
		return 1 / (1 + pow(10, -v));
	case SCALE_LINEAR:
		break;
	}
	return v;
}

void axis_fit(struct chart_axis *a, double min, double max)
{
	min = fmin(fmax(min, -LARGEST), LARGEST);
	max = fmin(fmax(max, -LARGEST), LARGEST);
	if (max - min <= 1e-9 * fmax(fabs(min), fabs(max))) {
		double more = min == 0 ? 1 : fabs(min) / 10;
		bool is_linear = a->scale == SCALE_LINEAR;

		min = is_linear ? min - more : min / 2;
		max = is_linear               ? max + more
		      : a->scale == SCALE_LOG ? max * 2
					      : (1 + max) / 2;
	}
	a->min = min;
	a->max = max;
}

void axis_pad(struct chart_axis *a, double fraction)
{
	double min = stretch(a->scale, a->min), max = stretch(a->scale, a->max);
	double more = fraction * (max - min);

	a->min = fmax(shrink(a->scale, min - more),
		      a->scale == SCALE_LINEAR ? -LARGEST : DBL_MIN);
	a->max = fmin(shrink(a->scale, max + more), LARGEST);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What a log scale needs: positive values, over more than a decade. */
static bool wants_log(const double *sorted, size_t n, bool low_is_bad)
{
	return !low_is_bad && sorted[0] > 0 &&
	       log10(sorted[n - 1]) - log10(sorted[0]) > DECADES;
}

/* Where those end that lie at most @times the distance of two from @from. */
static size_t within(const double *v, size_t n, enum param_scale scale,
		     double from, double distance, double times)
{
	size_t k = n;

	while (k > 1 && stretch(scale, v[k - 1]) > from + times * distance)
		k--;
	return k;
}

/*
 * How many of the @n ascending @v may stay when the far-out high ones go;
 * @scale says in what coordinate. The quartiles are those of what is left when
 * what is quite absurd is gone: more than a quarter may have diverged.
 */
static size_t inside_fence(const double *v, size_t n, enum param_scale scale)
{
	/* A log scale has drawn the far ones near already. */
	bool is_log = scale == SCALE_LOG;
	double low = stretch(scale, v[0]);
	double high = stretch(scale, v[n - 1]);
	double q1 = stretch(scale, v[n / 4]);
	double q2 = stretch(scale, v[n / 2]);
	size_t k = n;
	double q3;

	if (q2 > low)
		k = within(v, n, scale, q2, q2 > q1 ? q2 - q1 : q2 - low,
			   is_log ? 12 : 100);
	q1 = stretch(scale, v[k / 4]);
	q3 = stretch(scale, v[3 * k / 4]);
	/* Half of them are equal: how far they are from the best counts. */
	if (q3 > low)
		k = within(v, k, scale, q3, q3 > q1 ? q3 - q1 : q3 - low,
			   is_log ? 1.5 : 3);
	if (k == n || !(stretch(scale, v[k - 1]) > low))
		return n;
	return high - low >
		       (is_log ? 1.5 : 5) * (stretch(scale, v[k - 1]) - low)
		   ? k
		   : n;
}

size_t axis_fit_objective(struct chart_axis *a, const double *values, size_t n,
			  bool low_is_bad)
{
	auto_free double *v = xcalloc(n + 1, sizeof(*v));
	double sign = low_is_bad ? -1 : 1;
	size_t finite = 0, k;

	/* Ascending from the best to the worst. */
	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i]))
			v[finite++] = sign * values[i];
	a->scale = SCALE_LINEAR;
	if (finite == 0) {
		axis_fit(a, 0, 1);
		return 0;
	}
	qsort(v, finite, sizeof(*v), compare);
	k = inside_fence(v, finite, SCALE_LINEAR);
	if (wants_log(v, finite, low_is_bad)) {
		k = inside_fence(v, finite, SCALE_LOG);
		a->scale = wants_log(v, k, false) ? SCALE_LOG : SCALE_LINEAR;
	}
	if (low_is_bad)
		axis_fit(a, -v[k - 1], -v[0]);
	else
		axis_fit(a, v[0], v[k - 1]);
	axis_pad(a, PAD);
	return finite - k;
}

void axis_fit_whole(struct chart_axis *a, int64_t min, int64_t max)
{
	a->is_whole = true;
	axis_fit(a, (double)min, (double)max);
	if (a->scale != SCALE_LINEAR || max - min >= FEW) {
		axis_pad(a, 0.03);
		return;
	}
	a->min = (double)min - 0.5;
	a->max = (double)max + 0.5;
	a->strew = STREW;
}

void axis_fit_names(struct chart_axis *a, char **names, size_t n)
{
	a->names = names;
	a->n_names = n;
	a->min = -0.5;
	a->max = (double)n - 0.5;
	a->strew = STREW;
}

double axis_place(const struct chart_axis *a, double v)
{
	double min = stretch(a->scale, a->min);
	double max = stretch(a->scale, a->max);

	if (a->scale != SCALE_LINEAR && v <= 0)
		return -(double)INFINITY;
	if (a->scale == SCALE_LOGIT && v >= 1)
		return (double)INFINITY;
	return (stretch(a->scale, v) - min) / (max - min);
}

/* --- ticks ------------------------------------------------------------------
 */

/* Adds @v if it lies on the axis, a rounding error apart. */
static void add_tick(const struct chart_axis *a, double v, double *ret,
		     size_t *n)
{
	double place = axis_place(a, v);

	if (place > -1e-9 && place < 1 + 1e-9 && *n < CHART_TICKS)
		ret[(*n)++] = v + 0.0; /* no -0 */
}

/* @k times 10^@e, as a person would write it. */
static double decimal(double k, int e)
{
	char text[64];

	snprintf(text, sizeof(text), "%.15ge%d", k, e);
	return strtod(text, NULL);
}

/* Multiples of 1, 2 or 5 times a power of ten. */
static size_t linear_ticks(const struct chart_axis *a, size_t max, double *ret)
{
	static const int steps[] = { 1, 2, 5 };
	int e = (int)floor(log10((a->max - a->min) / (double)max));

	for (size_t i = 0;; i++) {
		int power = e + (int)(i / 3);
		double step = decimal(steps[i % 3], power);
		double first = ceil(a->min / step - 1e-9);
		double last = floor(a->max / step + 1e-9);
		size_t n = 0;

		if (last - first >= (double)max || (a->is_whole && step < 1))
			continue;
		for (double k = first; k <= last; k++)
			add_tick(a, decimal(k * steps[i % 3], power), ret, &n);
		return n;
	}
}

/* So many of @digits in each decade, or one decade in so many. */
static size_t decade_ticks(const struct chart_axis *a, const char *digits,
			   int every, size_t max, double *ret)
{
	int first = (int)floor(log10(a->min) - 1e-9);
	int last = (int)ceil(log10(a->max) + 1e-9);
	size_t n = 0;

	for (int e = first; e <= last; e++) {
		if (e % every != 0)
			continue;
		for (const char *d = digits; *d != '\0' && n <= max; d++)
			add_tick(a, decimal(*d - '0', e), ret, &n);
	}
	return n;
}

static size_t log_ticks(const struct chart_axis *a, size_t max, double *ret)
{
	size_t n = decade_ticks(a, "125", 1, max, ret);

	if (n > max)
		n = decade_ticks(a, "13", 1, max, ret);
	for (int every = 1; n > max; every++)
		n = decade_ticks(a, "1", every, max, ret);
	return n >= 2 ? n : linear_ticks(a, max, ret);
}

static size_t logit_ticks(const struct chart_axis *a, size_t max, double *ret)
{
	static const double some[] = { 1e-4, 0.001, 0.01,  0.1,   0.5,
				       0.9,  0.99,  0.999, 0.9999 };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		add_tick(a, some[i], ret, &n);
	return n >= 2 && n <= max ? n : linear_ticks(a, max, ret);
}

size_t axis_ticks(const struct chart_axis *a, size_t max,
		  double ret[CHART_TICKS])
{
	size_t n = 0;

	if (max > CHART_TICKS - 1)
		max = CHART_TICKS - 1;
	if (max < 2)
		max = 2;
	if (a->names != NULL) {
		for (size_t i = 0; i < a->n_names; i++)
			add_tick(a, (double)i, ret, &n);
		return n;
	}
	if (a->scale == SCALE_LOG)
		return log_ticks(a, max, ret);
	if (a->scale == SCALE_LOGIT)
		return logit_ticks(a, max, ret);
	return linear_ticks(a, max, ret);
}

/* "5.000e-04" as people write it: "5e-4". */
static void print_short(const char *text, struct buf *b)
{
	size_t n = strcspn(text, "e"), mantissa = n;

	if (memchr(text, '.', n) != NULL)
		while (text[mantissa - 1] == '0')
			mantissa--;
	if (text[mantissa - 1] == '.')
		mantissa--;
	buf_add(b, text, mantissa);
	if (text[n] == '\0')
		return;
	buf_adds(b, text[n + 1] == '-' ? "e-" : "e");
	n += 1 + strspn(text + n + 1, "+-0");
	buf_adds(b, text + n);
}

void axis_print(const struct chart_axis *a, double v, struct buf *b)
{
	/* What tells two neighbours apart, however far they are from 0. */
	double size = fmax(fabs(a->min), fabs(a->max));
	int digits = a->scale == SCALE_LINEAR && a->names == NULL
			 ? (int)ceil(log10(size / (a->max - a->min))) + 3
			 : 4;
	char text[64];

	if (a->names != NULL) {
		if (v >= 0 && v < (double)a->n_names)
			buf_adds(b, a->names[(size_t)v]);
		return;
	}
	if (digits < 4)
		digits = 4;
	if (digits > 15)
		digits = 15;
	if (fabs(v) < 1e6 && floor(v) == v)
		snprintf(text, sizeof(text), "%.0f", v);
	else if (fabs(v) < 1e-3)
		snprintf(text, sizeof(text), "%.*e", digits - 1, v);
	else
		snprintf(text, sizeof(text), "%.*g", digits, v);
	print_short(text, b);
}

void axis_free(struct chart_axis *a)
{
	free(a->label);
	for (size_t i = 0; i < a->n_names; i++)
		free(a->names[i]);
	free(a->names);
}
