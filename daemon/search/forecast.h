#pragma once

/*
 * What a running trial's result will be at its last step, with an uncertainty:
 * from its own curve and from those of trials that ran to the end.
 *
 * 1. The curve of the result so far (metric.value: last, best, mean) is fitted
 *    by a + b (f(x) - f(1)) for each f of a few: powers x^-c (pow3: T. Domhan
 *    et al., IJCAI 2015) and exponentials e^-kx, where x is the share of the
 *    full length. All have the same conjugate prior (normal, inverse gamma),
 *    so that the weight of each, its marginal likelihood, and its prediction
 *    are closed formulas (C. Bishop, Pattern Recognition, 3.3 and exercise
 *    3.12). Later points weigh more. Mean and variance are of the mixture.
 * 2. The same is foretold of the others from what they had at that step. How
 *    what they then lost or gained depended on what was foretold, and how much
 *    it differed, corrects the mean and makes the standard deviation: a
 *    regression with a prior that trusts step 1.
 *
 * Of a curve at most 64 points are looked at, of the others the 20 whose
 * result so far is nearest at that step.
 */
#include "search/pruner.h"

#define FORECAST_POINTS 64

/* The result so far, as a cost (low is good), at finite points; thinned out. */
struct progress {
	int64_t first;  /* step of the first point */
	double spacing; /* between reported steps, on average */
	size_t n;
	struct progress_point {
		int64_t step;
		double cost;
	} points[FORECAST_POINTS]; /* [n], by step */
};

void progress_of(const struct curve *c, enum result_rule rule, enum goal goal,
		 struct progress *ret);

struct forecast {
	double mean, sd; /* of the cost at the last step */
	size_t others;   /* that it was corrected by */
};

/*
 * Foretells the cost at step @last > 0 of a trial that has come as far as
 * @own, from it and the ended @others [n]. False: @own has no finite value or
 * is at @last already, or it has never changed and no other went further.
 */
bool forecast_make(const struct progress *own,
		   const struct progress *const *others, size_t n, int64_t last,
		   struct forecast *ret);

/*
 * The probability that the cost will be below @cost: Student's distribution
 * with 3 degrees of freedom, since curves surprise more often than a normal
 * one says. Replayed with 20 others at an eighth to three quarters of the
 * length, of 1, 5 and 10 % that were foretold .9, 3.7 and 7.1 % happened (a
 * normal distribution: 3.7, 7.0 and 9.9), and .9, 4.0 and 7.5 % on tasks that
 * nothing was chosen on: tests/bench/stopping/calibrate.py.
 */
double forecast_below(const struct forecast *f, double cost);
