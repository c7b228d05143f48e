#pragma once

/*
 * Is a trial hopeless, as far as its runs (folds, repeats) tell? Decides as
 * WilcoxonPruner of Optuna 5.0: the runs that the trial and the best one both
 * have are paired by number; it loses when the signed-rank test says that it
 * is worse (@p_max, one-sided), with at least two pairs, unless the mean of
 * its own runs is as good as the best one's. Values that are not finite tell
 * nothing: then it never loses.
 */
#include "search/pruner.h"

struct wilcoxon {
	size_t pairs;
	double p;         /* NaN: too few pairs, or not finite */
	double mean;      /* of all runs of the trial */
	double best_mean; /* of all runs of the best that were handed in */
};

/* Curves of one point a run, its result at its number. True: it loses. */
bool wilcoxon_loses(const struct curve *trial, const struct curve *best,
		    enum goal goal, double p_max, struct wilcoxon *ret);

/*
 * The trial has ended a run, and others are to come: fills @ret, zeroed before,
 * if they are not worth it by the rule of @spec, against the runs of the best
 * one up to this. @number is the best one's.
 */
void wilcoxon_judge(const struct search_spec *spec, const struct curve *trial,
		    const struct curve *best, int64_t number,
		    struct verdict *ret);
