#include "num/signed_rank.h"

#include "num/normal.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define EXACT_MAX      50
#define EXACT_TIED_MAX 13

static int by_size(const void *a, const void *b)
{
	double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x > y) - (x < y);
}

/* Of ranks, doubled, so that the mean rank of equal ones is whole. */
struct ranks {
	size_t twice[EXACT_MAX]; /* of the first ones */
	double plus;             /* twice the sum of those above 0 */
	double zeros;            /* twice the sum of those of zeros */
	double ties; /* sum of t^3 - t over groups of t equal ones */
};

static struct ranks rank(const double *d, size_t n)
{
	struct ranks r = { 0 };

	for (size_t i = 0, end; i < n; i = end) {
		double t;

		for (end = i + 1; end < n && fabs(d[end]) == fabs(d[i]);)
			end++;
		t = (double)(end - i);
		r.ties += t * t * t - t;
		for (size_t k = i; k < end; k++) {
			size_t twice = i + 1 + end;

			if (k < EXACT_MAX)
				r.twice[k] = twice;
			if (d[k] > 0)
				r.plus += (double)twice;
			else if (d[k] == 0)
				r.zeros += (double)twice;
		}
	}
	return r;
}

/* Each rank of a difference that is not 0 counts or not, as a coin falls. */
static double exact(const struct ranks *r, const double *d, size_t n)
{
	double p[EXACT_MAX * (EXACT_MAX + 1) + 1] = { 1 };
	size_t top = n * (n + 1);
	double tail = 0;

	for (size_t i = 0; i < n; i++) {
		if (d[i] == 0)
			continue;
		for (size_t s = top + 1; s-- > 0;) {
			double with = s >= r->twice[i] ? p[s - r->twice[i]] : 0;

			p[s] = (p[s] + with) / 2;
		}
	}
	for (size_t s = top + 1; s-- > 0 && (double)s >= r->plus;)
		tail += p[s];
	return fmin(tail, 1);
}

static double normal(const struct ranks *r, size_t n)
{
	double count = (double)n;
	double mean = count * (count + 1) / 4;
	double var = (count * (count + 1) * (2 * count + 1) - r->ties / 2) / 24;
	double z = (r->plus / 2 + r->zeros / 4 - mean) / sqrt(var);

	return normal_cdf(-z);
}

double signed_rank(double *d, size_t n)
{
	struct ranks r;
	bool is_tied;

	assert(n > 0);
	qsort(d, n, sizeof(*d), by_size);
	r = rank(d, n);
	is_tied = r.ties > 0 || d[0] == 0;
	return n <= (is_tied ? EXACT_TIED_MAX : EXACT_MAX) ? exact(&r, d, n)
							   : normal(&r, n);
}
