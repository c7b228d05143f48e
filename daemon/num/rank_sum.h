#pragma once

/*
 * Tests of whether two groups differ, by ranks and by counts.
 */
#include <stdbool.h>
#include <stddef.h>

/* A value, and the group it is of. */
struct ranked {
	double value;
	bool is_first;
};

/*
 * The rank-sum test of Mann and Whitney, and Wilcoxon: the probability, if both
 * groups came from one distribution, that the values of the first rank as high
 * or as low as they do, or more so (two-sided). By the normal distribution,
 * corrected for ties and continuity, as scipy.stats.mannwhitneyu() 1.17 with
 * method "asymptotic". Sorts @values; infinite ones are fine, NaN is not. 1
 * when a group is empty or all values are equal. *ret_is_higher: whether the
 * first tend to be higher.
 */
double rank_sum(struct ranked *values, size_t n, bool *ret_is_higher);

/*
 * Fisher's exact test: of @n things @marked are marked; the probability that
 * of @drawn of them, drawn at random, @hits or more are (one-sided, "greater",
 * as scipy.stats.fisher_exact() of {{hits, marked - hits}, {drawn - hits,
 * n - marked - drawn + hits}}).
 */
double fisher_exact(size_t hits, size_t drawn, size_t marked, size_t n);

/* The probability of @hits or more among @n, each with probability @p. */
double binomial_tail(size_t hits, size_t n, double p);
