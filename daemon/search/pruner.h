#pragma once

/*
 * An early-stopping rule looks at every reported value of the objective and
 * may stop the trial. It keeps what it needs of other trials itself; told the
 * same reports again, trial after trial and in any order of the steps, it is
 * in an equal state. Lower or higher is better as the search's goal has it.
 *
 *   none      - never stops a trial.
 *   patience  - stops when the best value has not improved by more than
 *               min_delta in `patience` reported steps.
 *   threshold - stops when the value lies outside [min, max].
 *   median    - stops when the best value up to the last step is strictly
 *               worse than the median, over all other trials that reached this
 *               step (stopped ones too), of the mean of their values up to it:
 *               D. Golovin et al., "Google Vizier", KDD 2017, section 3.2. At
 *               least min_trials of them are needed. Beyond 1024 different
 *               steps in a search only so many of them are compared at, evenly
 *               drawn, and a trial at the latest of these that it reached.
 *
 *   percentile - stops when the best value up to the last step is worse than
 *               the percentile of the values of the completed trials that
 *               went as far, at this step or the last one before it that they
 *               reported (Optuna's PercentilePruner, which sees only trials
 *               that reported this very step). At least min_trials must have
 *               completed.
 *   asha      - stops at a rung, a step r eta^k below T, unless the best value
 *               up to it is among the best max(1, floor(n / eta)) of the n
 *               trials that reached the rung: see rungs.h. T is max_steps, or
 *               the last step of completed trials once there are three; r is
 *               min_steps or T / 16, rounded. Of a command that resumes a trial
 *               waits at a rung until it is among the best floor(n / eta).
 *   hyperband - the same within brackets whose first rungs are r eta^s. Which
 *               is a trial's follows from its number and the seed.
 *   wilcoxon  - looks at no curve: it compares whole runs (wilcoxon.h).
 *   funnel    - stops at a rung t = r 1.1^k below T, unless what its best
 *               value b would be, if it gained as much again as since a step u,
 *               b(t) - (b(u) - b(t)) as a cost, is at most the q-th best
 *               b(t) of the trials that came so far; q = keep N r/t, rounded,
 *               at least 1, of N trials that came to r, and
 *               u = t (1 - sqrt(keep / 0.9)). Of the trials seen a share that
 *               narrows as they get longer goes on, whatever the distance of
 *               the rungs; the hope is for those that start slowly.
 *               T is max_steps, or the last step of the longest completed
 *               trial; r is min_steps or T / 26, rounded. Never at a trial's
 *               first report.
 *   forecast  - stops at a step T/9 1.1^k (or min_steps for T/9) when the
 *               result at T that is foretold of its curve and of completed
 *               trials (forecast.h) is better than their best one with less
 *               than `probability`. T is max_steps, or the last step of the
 *               longest completed trial; three must have completed.
 *   any       - stops when one of its rules does. All learn from every report;
 *               the first one, in their order, that says stop is named.
 *
 * The others stop a trial only after min_steps reported steps. Every rule but
 * "none" also stops at once a trial that has diverged: two steps in a row
 * without a finite value, or |value| > 1e6 max(1, |m|), where m is the median
 * of the first finite values of all trials; and if the search file names the
 * training curve ("metric.train"), two steps in a row without a finite value of
 * that, too. NaN and infinities are never an
 * improvement, and no part of a mean.
 */
#include "schema/search.h"

/*
 * Of a trial that is several runs (folds, repeats) each run has a pruner of its
 * own: it is compared with the same run of the others, and what is called a
 * trial here is that run of it.
 *
 * The objective's values of one trial, by step ascending. One of a search's
 * trials while it runs, and for whoever computes its result.
 */
struct curve_point {
	int64_t step;
	double value; /* as reported; NaN and infinities are kept */
	int64_t ms;   /* from the begin of the run to the first such report */
};

struct curve {
	struct curve_point *points; /* [n] */
	size_t n, cap;
	bool full; /* LIMIT_STEPS are there: further steps are left out */
};

/*
 * Sets the value at @step: the last value of a step wins. Returns the index of
 * its point, or -1 when the curve is full. Free with curve_free().
 */
long curve_set(struct curve *c, int64_t step, double value);
/* How many of its points are at or before @step. */
size_t curve_until(const struct curve *c, int64_t step);
void curve_free(struct curve *c);

/*
 * The trial's result by metric.value: last point, best finite or mean of all.
 * NaN if there is no point (or no finite one for "best").
 */
double curve_result(const struct curve *c, enum result_rule rule,
		    enum goal goal);

/*
 * Why a trial is stopped. Free with verdict_free().
 *
 * `data` has "rule" (its name or diverged), "metric",
 * "step" (where it was stopped; of a rule in seconds "second" in its place),
 * "value" and "limit" (what was compared; NaN and infinities are strings), all
 * as the program reported them, and
 *   patience:  "best_step" (where value was), "reports" (since then); limit is
 *              min_delta
 *   threshold: "side" ("min" or "max": which of them limit is)
 *   median:    "at" (the step compared at), "trials" (how many others); value
 *              is the trial's best, limit their median
 *   percentile: "percentile", "trials" (how many others); value and limit as
 *              of median
 *   asha, hyperband: "rung", "trials" (that reached it, this one too), "kept"
 *              (how many of them go on), "bracket" (hyperband); value is the
 *              trial's best at the rung, limit the worst of those kept
 *   asha, hyperband between runs of a budget: no step and no rung, but
 *              "budget" (of the latest one); value is its result; no limit if
 *              none of so few go on
 *   wilcoxon:  no step, but "runs" (of the trial), "best" (the number of the
 *              trial that it lost to), "pairs" (of runs), "p" and "p_max";
 *              value and limit are the means of the two
 *   funnel:    "rung", "hoped" (the best if it gained so much again), "since"
 *              (the step from which), "trials" (that came to the first rung),
 *              "kept" (how many of them may go on here); value is the trial's
 *              best at the rung, limit the worst of those kept
 *   forecast:  "last" (the step foretold), "sd", "probability" (of a better
 *              result), "below" (which it must not be), "trials" (that have
 *              completed); value is what is foretold, limit their best result
 *   diverged:  "previous_step" and "previous" (the value there), without
 *              limit; or "trials" (whose first values gave limit)
 */
struct verdict {
	bool stop;
	char reason[64]; /* "median@7", "asha@27s", "diverged", "paused@9" */
	char *text;      /* a sentence with the numbers that decided */
	char *data;      /* the same numbers as a JSON object */
};

/* What stands before the @ if the trial may go on later. */
#define VERDICT_PAUSED "paused"

void verdict_free(struct verdict *v);

/* What the rule "forecast" expects of a running trial; values as reported. */
struct foretold {
	bool in_seconds; /* of the run, not steps */
	int64_t last;    /* the step of the result */
	double mean, sd;
	double low, high;   /* within which it will be with 90 % */
	size_t trials;      /* that have completed */
	double best;        /* result of theirs */
	double probability; /* of a better one */
};

struct pruner;
struct pruner_trial; /* what a rule keeps of one trial */

/* The rule of @spec (borrowed); pruner_free(). */
struct pruner *pruner_new(const struct search_spec *spec);
void pruner_free(struct pruner *p);

/*
 * What the pruner keeps of one running trial, the @number-th of its search;
 * pruner_trial_free(). What it has learned of the trial stays.
 */
struct pruner_trial *pruner_trial_new(struct pruner *p, int64_t number);
void pruner_trial_free(struct pruner_trial *t);
/*
 * Frees @t, which does not wait, and takes back what was learned of the trial:
 * it runs anew.
 */
void pruner_trial_forget(struct pruner_trial *t);

/*
 * The trial reported @at: sets it in @c, its curve of nothing but such reports,
 * lets the rule learn it and decide. Zero @ret before; it stays so unless the
 * trial is to be stopped. With @ret->stop set the rule learns, and decides
 * nothing. No report is earlier (`ms`) than one before; that of
 * a step which was reported before only has another value.
 *
 * A rule in seconds sees a curve whose steps are whole seconds: in each the
 * last value of it counts. A step that comes after a later one has no second of
 * its own. So what the rule sees follows from the time of each step alone: the
 * least of its first report and those of all later steps.
 */
void pruner_report(struct pruner *p, struct pruner_trial *t, struct curve *c,
		   struct curve_point at, struct verdict *ret);

/*
 * The training curve @name, which the search file names, is not finite at these
 * two steps in a row: the trial has diverged, as with the objective.
 */
void pruner_report_train(const struct pruner *p, const char *name,
			 struct curve_point before, struct curve_point after,
			 struct verdict *ret);

/* The trial waits, since the rule said "paused@..."; or it does no longer. */
void pruner_wait(struct pruner_trial *t, bool waits);

/*
 * Which of the trials that wait is to go on now: the one that came farthest of
 * those that are among the best at their rung; the best of these; the one with
 * the lowest number. @in_any_case: wherever it stands. Returns its number, or
 * -1: none.
 */
int64_t pruner_promote(struct pruner *p, bool in_any_case);

/*
 * Foretells the result of a trial from its curve @c. False: no rule of the
 * search does that, or not yet.
 */
bool pruner_foretell(const struct pruner_trial *t, const struct curve *c,
		     struct foretold *ret);

/*
 * The trial, whose curve is @c, has ended as @state and is not run again by
 * itself. It reports nothing more; pruner_trial_forget() takes this back too.
 */
void pruner_ended(struct pruner *p, struct pruner_trial *t,
		  const struct curve *c, enum trial_state state);
