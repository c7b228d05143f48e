#pragma once

/*
 * The curves of one run: training and validation. Pure.
 *
 * A curve has a metric, whose name goes into sentences, and the goal of it: a
 * run may minimize its training loss and maximize its validation accuracy.
 */
#include "schema/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum series_curve { SERIES_TRAIN, SERIES_VALID };
#define SERIES_CURVES 2

struct series_point {
	int64_t step;
	double value; /* as reported; NaN and infinities are kept */
};

/* Zeroed memory is one without points; free with series_fini(). */
struct series {
	struct series_line {
		char *name; /* of its metric; NULL: not told */
		enum goal goal;
		struct series_point *points; /* [n], steps ascending */
		size_t n, cap;
	} lines[SERIES_CURVES];
};

/* Names the metric of a curve; a NULL @name is left as it is. */
void series_set_metric(struct series *s, enum series_curve which,
		       const char *name, enum goal goal);
/*
 * A point in any order of the steps; the last value of a step wins. Beyond
 * LIMIT_STEPS points further steps are left out.
 */
void series_add(struct series *s, enum series_curve which, int64_t step,
		double value);
void series_fini(struct series *s);

/* --- which metric is which curve ------------------------------------------ */

/*
 * What the name of a metric says, by its words ("val/top1-acc" has val, top1
 * and acc; capitals do not matter).
 */
struct series_role {
	enum series_curve curve; /* training, unless a word says validation */
	enum goal goal;
	/*
	 * How good a curve it makes: 0 is none (its words say no quantity that
	 * is learned: "lr", "seconds"), then accuracies and the like, errors,
	 * losses.
	 */
	int rank;
};

struct series_role series_role(const char *name);

/* Whether a word of a name is one for a curve: "train", "val", "test", ... */
bool series_is_curve(const char *word, size_t len);
/* Whether a name ends with a quantity that is seldom a word of prose. */
bool series_is_plain(const char *name, size_t len);

/*
 * The metrics to look at among @names [n]: indices, or -1 for none. Of the
 * curves that the names allow those with the highest rank, and if possible
 * with the same words but for "train" and "val". A name that is given in
 * @metric or @train (NULL: not) is taken for the validation, or training,
 * curve whatever its words; @metric alone is the training curve if its words
 * say so. A
 * @metric that is not there has no curves.
 */
struct series_choice {
	int curves[SERIES_CURVES]; /* enum series_curve */
};

struct series_choice series_choose(const char *const *names, size_t n,
				   const char *metric, const char *train);
