#include "search/noise.h"

#include <math.h>
#include <stdlib.h>

#define FREEDOM_MIN 3

static int by_score(const void *a, const void *b)
{
	const struct repeat *x = a, *y = b;

	return (x->score > y->score) - (x->score < y->score);
}

/* Then by score, so that the sums do not depend on the order before. */
static int by_hash(const void *a, const void *b)
{
	const struct repeat *x = a, *y = b;
	int r = (x->hash > y->hash) - (x->hash < y->hash);

	return r != 0 ? r : by_score(a, b);
}

static double mean_of(const struct repeat *list, size_t n)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += list[i].score / (double)n;
	return mean;
}

double noise_of_repeats(struct repeat *list, size_t n)
{
	double squares = 0, median;
	size_t freedom = 0, same;

	if (n == 0)
		return (double)NAN;
	qsort(list, n, sizeof(*list), by_score);
	median = list[n / 2].score;
	qsort(list, n, sizeof(*list), by_hash);
	for (size_t i = 0; i < n; i += same) {
		double mean;

		for (same = 1;
		     i + same < n && list[i + same].hash == list[i].hash;)
			same++;
		mean = mean_of(list + i, same);
		if (same == 1 || mean > median)
			continue;
		for (size_t k = i; k < i + same; k++)
			squares += pow(list[k].score - mean, 2);
		freedom += same - 1;
	}
	return freedom < FREEDOM_MIN || !isfinite(squares)
		   ? (double)NAN
		   : sqrt(squares / (double)freedom);
}

static int by_mean(const void *a, const void *b)
{
	const struct mean *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->error > y->error) - (x->error < y->error);
}

double noise_of_means(struct mean *list, size_t n)
{
	double squares = 0, freedom = 0;

	if (n == 0)
		return (double)NAN;
	qsort(list, n, sizeof(*list), by_mean);
	for (size_t i = 0; i <= n / 2 && i < n; i++) {
		squares += list[i].freedom * list[i].error * list[i].error;
		freedom += list[i].freedom;
	}
	return freedom < FREEDOM_MIN || !isfinite(squares)
		   ? (double)NAN
		   : sqrt(squares / freedom);
}

void noise_of_folds(size_t n, size_t folds, const double *y, double *ret_errors)
{
	double trials = (double)n, runs = (double)folds, grand = 0;

	for (size_t i = 0; i < n * folds; i++)
		grand += y[i] / (trials * runs);
	for (size_t i = 0; i < n; i++)
		ret_errors[i] = 0;
	for (size_t k = 0; k < folds; k++) {
		double fold = 0;

		for (size_t i = 0; i < n; i++)
			fold += y[i * folds + k] / trials;
		for (size_t i = 0; i < n; i++) {
			double mean = 0;

			for (size_t j = 0; j < folds; j++)
				mean += y[i * folds + j] / runs;
			ret_errors[i] +=
			    pow(y[i * folds + k] - mean - fold + grand, 2);
		}
	}
	for (size_t i = 0; i < n; i++)
		ret_errors[i] = sqrt(ret_errors[i] / (runs - 1) / runs *
				     trials / (trials - 1));
}
