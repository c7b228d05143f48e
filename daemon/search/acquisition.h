#pragma once

/*
 * What a trial at a point is worth: the logarithm of the expected improvement
 * on the best known result, over what is not known yet:
 *
 *   ln mean over fantasies f of E max(best_f - y(x), 0)
 *     + ln P(the trial has a result)
 *     + what the user has guessed, fading as results come in
 *     - ln of how long it takes, if the objective is per second
 *
 * Log-EI: S. Ament et al., "Unexpected improvements to expected improvement for
 * Bayesian optimization", arXiv 2310.20708. Running trials are integrated out
 * by fantasies, joint samples of their results (J. Snoek et al., arXiv
 * 1206.2944, section 3.2), against which the improvement is analytic. The best
 * is that of the posterior mean at the known points, so that noise is not
 * taken for success; if a branch is named, of the points there, so that it is
 * searched for its own sake. P: the probability that a second process, fitted
 * to +1 and -1, is above 0. The guess: C. Hvarfner et al., "piBO", arXiv
 * 2204.11051. Improvement per second: J. Snoek et al., section 3.2 there; the
 * duration is the median that a third process of its logarithm expects.
 */
#include "search/branch.h"
#include "search/gp.h"

#include <stdint.h>

struct acquisition {
	struct gp *value;            /* its last rows are the running trials */
	struct gp *feasible;         /* NULL: every trial has had a result */
	struct gp *duration;         /* NULL: it does not count */
	const struct branch *branch; /* NULL: the whole space */
	double per_unit;             /* of ln seconds in a unit of @duration */
	size_t fantasies;
	double *alpha;       /* [fantasies][value->n] */
	double *best;        /* [fantasies] */
	const double *guess; /* [d] NaN: none on this axis */
	double guess_weight;
	double *work; /* [4 n] of value and feasible */
};

/*
 * @a names its processes: value has been solved, and then had the running
 * trials added (any y); the others have been solved. @seed draws the fantasies.
 * Returns 0, or 1 if the factor could not be extended. acquisition_fini().
 */
int acquisition_init(struct acquisition *a, size_t running, uint64_t seed)
    __attribute__((warn_unused_result));
void acquisition_fini(struct acquisition *a);

/* At @x [d]; its derivatives to @ret_gradient [d] (0 on choices) unless NULL.
 */
double acquisition_at(struct acquisition *a, const double *x,
		      double *ret_gradient);

/* At @m points, axis after axis: @x [d][stride]. */
void acquisition_many(struct acquisition *a, size_t m, const double *x,
		      size_t stride, double *ret);

/* What the acquisition at one point is made of, over all fantasies. */
struct acquisition_view {
	double mean, sd;    /* of the latent function */
	double noise;       /* variance of a measurement about it */
	double feasible;    /* probability that there is a result */
	double duration;    /* in units of its process; NaN: not known */
	double exploration; /* share of the improvement that sd alone brings */
};

void acquisition_look(struct acquisition *a, const double *x,
		      struct acquisition_view *ret);
