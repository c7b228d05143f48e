#pragma once

/*
 * How much a result varies when the same configuration is run again, from the
 * searches that did: the pooled standard deviation of equal configurations,
 *
 *   sqrt(sum over configurations and their results (y - mean)^2 / freedom)
 *   freedom = sum over configurations (results - 1)
 *
 * of the better half of them alone: a bad configuration, as a learning rate at
 * the edge of divergence, often varies far more, and is not what is compared.
 */
#include <stddef.h>
#include <stdint.h>

struct repeat {
	uint64_t hash; /* space_hash() of the configuration */
	double score;  /* finite, lower is better */
};

/* NaN: there are fewer than 3 degrees of freedom. Sorts @list [n]. */
double noise_of_repeats(struct repeat *list, size_t n);

/* A result that is a mean of several runs. */
struct mean {
	double score;   /* lower is better */
	double error;   /* its standard error */
	double freedom; /* runs - 1 */
};

/* The pooled standard error of the better half; NaN as above. Sorts @list. */
double noise_of_means(struct mean *list, size_t n);

/*
 * The standard error of the mean of each of @n > 1 trials over their @folds > 1
 * results @y [n][folds], without what makes a fold harder than another one for
 * all of them: of the residuals of trial + fold, a two-way layout.
 */
void noise_of_folds(size_t n, size_t folds, const double *y,
		    double *ret_errors);
