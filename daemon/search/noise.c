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
