#pragma once

/*
 * A run in a few numbers, which the symptoms are told from. Costs are low when
 * good (trend.h); shares are of the scale, the cost of a run that has learned
 * nothing, above the floor, the cost that is within reach.
 *
 * The scale is the larger first cost of the two curves. Of a cross-entropy it
 * is at least that of a uniform guess over 2 classes and, unless it ends above,
 * at most that of one over 12: runs that are worse than a guess when it begins,
 * and those that have learned most before they first report, look alike then.
 */
#include "why/symptoms.h"
#include "why/trend.h"

struct measure {
	const char *name;   /* of the metric, for sentences */
	struct trend trend; /* n is 0: there is no such curve */
	double first, end;  /* costs; the end is the median of the last ones */
	double best;        /* the lowest level */
	double lowest;      /* the lowest cost, and where it was */
	int64_t lowest_step;
	double scale;  /* cost of having learned nothing */
	double left;   /* share that is left at the end */
	double fall;   /* part of first by which best is lower */
	double rise;   /* share by which the end is above the best */
	double late;   /* part of the fall that came in the last third */
	double late_t; /* its t statistic: below -3 it is no accident */
	double half;   /* part of the run after which half was reached */
	double noise;  /* share, after the first third */
};

struct measures {
	struct measure curves[SERIES_CURVES];
	/* These, or NULL; the main one is training if there is such a curve. */
	const struct measure *train, *valid, *main;
	double gap; /* share: validation above training at the end; or 0 */
};

void measures_of(const struct series *s, const struct siblings *siblings,
		 struct measures *ret);

/*
 * k > 1 if the validation curve (training, if there is none of the same kind)
 * rests at ln k, the cross-entropy of a uniform guess over k classes, within
 * 1 % and a quarter of the way to the next k, and the training curve is not
 * below. 0: it does not. @ret_who: the curve that was judged.
 */
int measures_guess(const struct measures *m, const struct measure **ret_who);
