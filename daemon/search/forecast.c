#include "search/forecast.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST 20
#define FLOOR   4.0 /* of a curve's range, in distances to the nearest others */

/*
 * The priors, in units of the curve's own range; chosen on learning curves
 * of recurrent nets and of tabular data.
 */
#define PRIOR_LAST   1.0  /* sd of the last value around the present one */
#define PRIOR_DROP   2.0  /* sd of the drop since the first point */
#define PRIOR_NOISE  0.05 /* sd of a point */
#define PRIOR_SHAPE  1.0  /* of the inverse gamma: half a sample of noise */
/* Those of the correction by others, in standard deviations of step 1. */
#define PRIOR_SHIFT  0.5
#define PRIOR_SLOPE  0.5 /* of what happens to what was foretold, around 1 */
#define PRIOR_TRIALS 3.0 /* so many trials' worth of trust in that sd */

enum kind { POWER, EXPONENTIAL };

static const struct shape {
	enum kind kind;
	double c;
} shapes[] = {
	{POWER,        0.1},
        { POWER,       0.3},
        { POWER,       0.6},
	{ POWER,       1  },
        { POWER,       2  },
        { EXPONENTIAL, 1  },
	{ EXPONENTIAL, 3  },
        { EXPONENTIAL, 8  },
        { EXPONENTIAL, 20 },
	{ EXPONENTIAL, 50 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* --- the curve of the result so far -----------------------------------------
 */

/*
 * Half of the points that are kept lie evenly, half at equal ratios: an early
 * part of the curve has some too.
 */
static bool is_kept(size_t i, size_t n)
{
	const double half = FORECAST_POINTS / 2 - 1;
	double even, ratio;

	if (n <= FORECAST_POINTS)
		return true;
	even = half / (double)(n - 1);
	ratio = half / log((double)n);
	return floor((double)i * even) > floor(((double)i - 1) * even) ||
	       floor(log((double)(i + 1)) * ratio) >
		   floor(log((double)i) * ratio);
}

void progress_of(const struct curve *c, enum result_rule rule, enum goal goal,
		 struct progress *ret)
{
	double sign = goal == GOAL_MAXIMIZE ? -1 : 1;
	double so_far = 0;
	size_t finite = 0, n = 0;

	*ret = (struct progress){ 0 };
	for (size_t i = 0; i < c->n; i++)
		n += isfinite(c->points[i].value);
	for (size_t i = 0; i < c->n; i++) {
		double cost = sign * c->points[i].value;

		if (!isfinite(cost))
			continue;
		if (rule == RESULT_MEAN)
			/* No difference that overflows. */
			so_far += cost / (double)(finite + 1) -
				  so_far / (double)(finite + 1);
		else if (rule == RESULT_LAST || finite == 0 || cost < so_far)
			so_far = cost;
		if ((is_kept(finite, n) || finite + 1 == n) &&
		    ret->n < FORECAST_POINTS)
			ret->points[ret->n++] =
			    (struct progress_point){ .step = c->points[i].step,
						     .cost = so_far };
		finite++;
	}
	if (c->n > 0)
		ret->first = c->points[0].step;
	ret->spacing = 1;
	if (c->n > 1)
		ret->spacing = ((double)c->points[c->n - 1].step -
				(double)c->points[0].step) /
			       (double)(c->n - 1);
}

/* How many of the points are not after @step. */
static size_t count_until(const struct progress *p, int64_t step)
{
	size_t n = p->n;

	while (n > 0 && p->points[n - 1].step > step)
		n--;
	return n;
}

/* --- step 1: from the curve alone -------------------------------------------
 */

struct sums {
	double w, z, zz, y, zy, yy; /* weighted, of z = f(x) - f(1) and of y */
};

struct fit {
	double log_weight, mean, variance; /* of y at the end */
};

static double value_of(const struct shape *s, double x)
{
	return s->kind == POWER ? pow(x, -s->c) : exp(-s->c * x);
}

/* The share of the full length at @step: above 0, 1 at @last. */
static double share(const struct progress *p, int64_t step, int64_t last)
{
	double origin = (double)p->first - p->spacing;

	return ((double)step - origin) / ((double)last - origin);
}

static struct sums sum_up(const struct progress *p, size_t n, int64_t last,
			  const struct shape *shape, double unit)
{
	double present = p->points[n - 1].cost;
	double x_first = share(p, p->points[0].step, last);
	double x_now = share(p, p->points[n - 1].step, last);
	double end = value_of(shape, 1);
	double range = value_of(shape, x_first) - end;
	struct sums s = { 0 };

	for (size_t i = 0; i < n; i++) {
		double x = share(p, p->points[i].step, last);
		double z = (value_of(shape, x) - end) / range;
		double y = (p->points[i].cost - present) / unit;
		double w = x / x_now;

		s.w += w;
		s.z += w * z;
		s.zz += w * z * z;
		s.y += w * y;
		s.zy += w * z * y;
		s.yy += w * y * y;
	}
	return s;
}

static struct fit fit_shape(const struct progress *p, size_t n, int64_t last,
			    const struct shape *shape, double unit)
{
	/* The noise's variance divides all; the priors are relative to it. */
	const double noise = PRIOR_NOISE * PRIOR_NOISE;
	const double pa = noise / (PRIOR_LAST * PRIOR_LAST);
	const double pb = noise / (PRIOR_DROP * PRIOR_DROP);
	struct sums s = sum_up(p, n, last, shape, unit);
	double aa = pa + s.w, bb = pb + s.zz;
	double det = aa * bb - s.z * s.z;
	double a = (bb * s.y - s.z * s.zy) / det;
	double b = (aa * s.zy - s.z * s.y) / det;
	double misfit = fmax(s.yy - a * s.y - b * s.zy, 0);
	double alpha = PRIOR_SHAPE + s.w / 2;
	double beta = PRIOR_SHAPE * noise + misfit / 2;
	struct fit f;

	f.log_weight = -0.5 * log(det) - alpha * log(beta);
	f.mean = a;
	f.variance = beta / alpha * (1 + bb / det);
	return f;
}

struct guess {
	double present; /* the cost now */
	double change;  /* that is foretold until the end */
	double sd;
};

static double range_of(const struct progress *p, size_t n)
{
	double low = p->points[0].cost, high = low;

	for (size_t i = 1; i < n; i++) {
		low = fmin(low, p->points[i].cost);
		high = fmax(high, p->points[i].cost);
	}
	return high - low;
}

/* The mixture over all shapes, of the first @n > 0 points. */
static void guess_from_curve(const struct progress *p, size_t n, int64_t last,
			     double floor_unit, struct guess *ret)
{
	struct fit fits[SHAPES];
	double top = -(double)INFINITY, weight = 0, mean = 0, square = 0;
	double unit = fmax(range_of(p, n), floor_unit);

	ret->present = p->points[n - 1].cost;
	for (size_t k = 0; k < SHAPES; k++) {
		fits[k] = fit_shape(p, n, last, &shapes[k], unit);
		top = fmax(top, fits[k].log_weight);
	}
	for (size_t k = 0; k < SHAPES; k++) {
		double w = exp(fits[k].log_weight - top);

		weight += w;
		mean += w * fits[k].mean;
		square += w * (fits[k].variance + fits[k].mean * fits[k].mean);
	}
	mean /= weight;
	ret->change = unit * mean;
	ret->sd = unit * sqrt(fmax(square / weight - mean * mean, 1e-12));
}

/* --- step 2: what became of others ------------------------------------------
 */

struct other {
	const struct progress *p;
	size_t n; /* its points until the step */
	double present, distance;
};

static int by_distance(const void *a, const void *b)
{
	const struct other *x = a, *y = b;
	double ex, ey;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	ex = x->p->points[x->p->n - 1].cost;
	ey = y->p->points[y->p->n - 1].cost;
	return (ex > ey) - (ex < ey);
}

/* New: those that reached @step, the nearest to @present first. */
static struct other *find_others(const struct progress *const *others, size_t n,
				 int64_t step, double present, size_t *ret_n)
{
	struct other *found = xcalloc(n + 1, sizeof(*found));
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = count_until(others[i], step);

		if (k == 0 || k == others[i]->n)
			continue;
		found[m].p = others[i];
		found[m].n = k;
		found[m].present = others[i]->points[k - 1].cost;
		found[m].distance = fabs(found[m].present - present);
		m++;
	}
	qsort(found, m, sizeof(*found), by_distance);
	*ret_n = m < NEAREST ? m : NEAREST;
	return found;
}

/*
 * Regression of what happened on what was foretold, each in units of the
 * latter's standard deviation: happened = shift + slope * foretold.
 */
static void correct(const struct other *others, size_t n, int64_t last,
		    double floor_unit, const struct guess *own,
		    struct forecast *ret)
{
	double aa = 1 / (PRIOR_SHIFT * PRIOR_SHIFT), ab = 0;
	double bb = 1 / (PRIOR_SLOPE * PRIOR_SLOPE);
	double ay = 0, by = bb, yy = bb; /* the prior's slope is 1 */
	double u = own->change / own->sd, det, shift, slope, misfit, variance;

	for (size_t i = 0; i < n; i++) {
		const struct progress *p = others[i].p;
		struct guess g;
		double f, y, w;

		guess_from_curve(p, others[i].n, last, floor_unit, &g);
		f = g.change / g.sd;
		y = (p->points[p->n - 1].cost - g.present) / g.sd;
		/* One that is far from all that was foretold counts less. */
		w = fmin(1, 4 / fmax(fabs(y - f), 1e-12));
		aa += w;
		ab += w * f;
		bb += w * f * f;
		ay += w * y;
		by += w * f * y;
		yy += w * y * y;
	}
	det = aa * bb - ab * ab;
	shift = (bb * ay - ab * by) / det;
	slope = (aa * by - ab * ay) / det;
	misfit = fmax(yy - shift * ay - slope * by, 0);
	variance = (PRIOR_TRIALS + misfit) / (PRIOR_TRIALS + (double)n);
	variance *= 1 + (bb - 2 * u * ab + u * u * aa) / det;
	ret->mean = own->present + own->sd * (shift + slope * u);
	ret->sd = own->sd * sqrt(variance);
	ret->others = n;
}

bool forecast_make(const struct progress *own,
		   const struct progress *const *others, size_t n, int64_t last,
		   struct forecast *ret)
{
	struct other *found;
	struct guess guess;
	double present, unit;
	int64_t step;
	size_t m;

	if (own->n == 0 || own->points[own->n - 1].step >= last)
		return false;
	step = own->points[own->n - 1].step;
	present = own->points[own->n - 1].cost;
	found = find_others(others, n, step, present, &m);
	if (m == 0 && !(range_of(own, own->n) > 0)) {
		free(found);
		return false;
	}
	/* A curve that has not moved yet is measured by its distance to others.
	 */
	unit = 1e-6 * fmax(fabs(present), 1e-12);
	if (m > 0)
		unit = fmax(unit, FLOOR * found[m / 2].distance);
	guess_from_curve(own, own->n, last, unit, &guess);
	correct(found, m, last, unit, &guess, ret);
	free(found);
	return true;
}

double forecast_below(const struct forecast *f, double cost)
{
	double t = (cost - f->mean) / f->sd, s = t / sqrt(3);

	return 0.5 + (s / (1 + s * s) + atan(s)) / M_PI;
}
