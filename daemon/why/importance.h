#pragma once

/*
 * Which parameters decide whether a trial is among the best: PED-ANOVA.
 *
 * S. Watanabe, A. Bansal, F. Hutter, "PED-ANOVA: efficiently quantifying
 * hyperparameter importance in arbitrary subspaces", IJCAI 2023; for
 * conditional parameters "Conditional PED-ANOVA", arXiv 2601.20800. As
 * Optuna 5.0 computes it by default: the density of a parameter's values among
 * the best tenth of the trials, beside that among all, each a Parzen estimate
 * on at most 50 points of the parameter's scale with the bandwidth of Scott's
 * rule; the importance is the Pearson divergence of the two, alpha^2 / beta
 * times that for a parameter that is active in alpha of the best and beta of
 * all.
 *
 * Different from Optuna: the best are at least IMPORTANCE_BEST trials;
 * trials that diverged or were stopped early count as not among the best, not
 * as none at all; an ordered choice is a number; and it is told how sure it is.
 */
#include "why/results.h"

#include <stdint.h>

#define IMPORTANCE_BEST   5  /* trials that the best are, at least */
#define IMPORTANCE_TRIALS 20 /* with fewer nothing is said */

struct importance {
	size_t param; /* of the space */
	double share; /* of the sum of all; 0 to 1 */
	/*
	 * From 5 to 95 % of the shares in resampled trials (the bootstrap);
	 * wider if the share lies outside, as one that is large by chance does.
	 */
	double low, high;
	/*
	 * The probability of as large a divergence if it did nothing, nor any
	 * that divides less: where the best are drawn at random. So it is
	 * corrected for the number of parameters: where none does anything one
	 * is below 0.05 in one of 20 searches (the step-down method of P. H.
	 * Westfall, S. S. Young, "Resampling-based multiple testing", 1993, on
	 * the largest standard score). From above 0 to 1.
	 */
	double chance;
	size_t n; /* trials in which it was active */
};

enum importance_answer {
	IMPORTANCE_FEW = 1, /* too few trials, or too few with a result */
	IMPORTANCE_EQUAL,   /* the best are not better than the others */
};

/*
 * Returns 0 and a new array, the largest share first: free(). Constants and
 * what has only one value are left out. Draws depend on @seed alone.
 */
int importance_find(const struct results *r, uint64_t seed,
		    struct importance **ret_list, size_t *ret_n)
    __attribute__((warn_unused_result));
