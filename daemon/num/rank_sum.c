#include "num/rank_sum.h"

#include "num/normal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = ((const struct ranked *)a)->value;
	double y = ((const struct ranked *)b)->value;

	return (x > y) - (x < y);
}

double rank_sum(struct ranked *values, size_t n, bool *ret_is_higher)
{
	double n_first = 0, sum = 0, ties = 0, all = (double)n;
	double pairs, u, mean, sd;

	*ret_is_higher = false;
	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 0, end; i < n; i = end) {
		double t, rank;

		for (end = i + 1;
		     end < n && values[end].value == values[i].value;)
			end++;
		t = (double)(end - i);
		rank = ((double)i + 1 + (double)end) / 2;
		ties += t * t * t - t;
		for (size_t k = i; k < end; k++) {
			n_first += values[k].is_first;
			sum += values[k].is_first ? rank : 0;
		}
	}
	pairs = n_first * (all - n_first);
	u = sum - n_first * (n_first + 1) / 2;
	mean = pairs / 2;
	*ret_is_higher = u > mean;
	if (pairs == 0 || ties == all * all * all - all)
		return 1;
	sd = sqrt(pairs / 12 * (all + 1 - ties / (all * (all - 1))));
	return fmin(2 * normal_cdf(-(fabs(u - mean) - 0.5) / sd), 1);
}

static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double log_choose(size_t n, size_t k)
{
	return log_gamma((double)n + 1) - log_gamma((double)k + 1) -
	       log_gamma((double)(n - k) + 1);
}

double fisher_exact(size_t hits, size_t drawn, size_t marked, size_t n)
{
	size_t most = drawn < marked ? drawn : marked;
	double all = log_choose(n, drawn), tail = 0;

	assert(drawn <= n && marked <= n);
	if (hits + n < drawn + marked)
		hits = drawn + marked - n;
	for (size_t k = most + 1; k-- > hits;)
		tail += exp(log_choose(marked, k) +
			    log_choose(n - marked, drawn - k) - all);
	return fmin(tail, 1);
}

double binomial_tail(size_t hits, size_t n, double p)
{
	double tail = 0;

	for (size_t k = n + 1; k-- > hits;)
		tail += exp(log_choose(n, k) + (double)k * log(p) +
			    (double)(n - k) * log1p(-p));
	return fmin(tail, 1);
}
