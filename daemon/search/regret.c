#include "search/regret.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define DELTA 0.1

static double width(const struct gp *g)
{
	double d = g->d > 0 ? (double)g->d : 1, t = (double)g->n;

	return sqrt(2 * log(d * t * t * M_PI * M_PI / (6 * DELTA)) / 5);
}

/* Means and deviations at @m points, axis after axis. */
static void bounds(struct gp *g, size_t m, const double *x, size_t stride,
		   double *ret_low, double *ret_high)
{
	auto_free double *mean = xcalloc(2 * m + 1, sizeof(*mean));
	double *sd = mean + m, by = width(g);

	*ret_low = *ret_high = (double)INFINITY;
	if (m == 0)
		return;
	gp_predict(g, m, x, stride, 1, g->alpha, mean, sd);
	for (size_t k = 0; k < m; k++) {
		*ret_low = fmin(*ret_low, mean[k] - by * sd[k]);
		*ret_high = fmin(*ret_high, mean[k] + by * sd[k]);
	}
}

struct regret regret_bound(struct gp *g, size_t m, const double *x)
{
	auto_free double *columns = xcalloc(m * g->d + 1, sizeof(*columns));
	struct regret known;
	double low, high;

	for (size_t k = 0; k < m; k++) {
		for (size_t i = 0; i < g->d; i++)
			columns[i * m + k] = x[k * g->d + i];
	}
	bounds(g, g->n, g->x, g->cap, &known.low, &known.high);
	bounds(g, m, columns, m, &low, &high);
	known.low = fmin(known.low, low);
	return known;
}
