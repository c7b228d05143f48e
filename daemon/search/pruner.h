#pragma once

/*
 * An early-stopping rule looks at every reported value of the objective and
 * may stop the trial. Values come with the sign turned so that lower is
 * better. A pruner keeps what it needs of other trials itself; told the same
 * reports again, in the order of trial numbers, it is in an equal state.
 *
 * Divergence is watched for with every rule but "none".
 */
#include "schema/buf.h"
#include "schema/search.h"

/*
 * The objective's values of one trial, by step ascending. One of a search's
 * trials while it runs, and for whoever computes its result.
 */
struct curve_point {
	int64_t step;
	double
	    value; /* as reported: the sign is not turned; NaN, inf are kept */
};

struct curve {
	struct curve_point *points; /* [n] */
	size_t n, cap;
	bool
	    full; /* LIMIT_STEPS points are there: further steps are left out */
};

/*
 * Sets the value at @step: the last value of a step wins. Returns the index of
 * its point, or -1 when the curve is full. Free with curve_free().
 */
long curve_set(struct curve *c, int64_t step, double value);
void curve_free(struct curve *c);

/*
 * The trial's result by metric.value: last point, best finite or mean of all.
 * NaN if there is no point (or no finite one for "best").
 */
double curve_result(const struct curve *c, enum result_rule rule,
		    enum goal goal);

/* Why a trial is stopped. Free with verdict_free(). */
struct verdict {
	bool stop;
	char reason[64]; /* "median@7", "diverged", "patience@30", ... */
	char *text;      /* a sentence with the numbers that decided */
	char *data;      /* the same numbers as a JSON object */
};

void verdict_free(struct verdict *v);

struct pruner;
struct pruner_trial; /* what a rule keeps of one trial */

struct pruner_ops {
	enum pruner_type type;
	/* size of what the rule keeps of the search and of a running trial */
	size_t size, trial_size;
	void (*fini)(struct pruner *p);
	/*
	 * Point @i of @c was appended or changed. @is_new: it was appended.
	 * Fills @ret when the trial is to be stopped.
	 */
	void (*report)(struct pruner *p, struct pruner_trial *t,
		       const struct curve *c, size_t i, double old_value,
		       bool is_new, struct verdict *ret);
	void (*fini_trial)(struct pruner_trial *t);
};

/* The rule of @spec (borrowed); pruner_free(). */
struct pruner *pruner_new(const struct search_spec *spec);
void pruner_free(struct pruner *p);

/* What the pruner keeps of one running trial; pruner_trial_free(). */
struct pruner_trial *pruner_trial_new(struct pruner *p);
void pruner_trial_free(struct pruner_trial *t);

/*
 * The trial reported @value at @step: sets it in @c, lets the rule learn it
 * and decide. Zero @ret before; it stays so unless the trial is to be stopped.
 */
void pruner_report(struct pruner *p, struct pruner_trial *t, struct curve *c,
		   int64_t step, double value, struct verdict *ret);
