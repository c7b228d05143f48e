#pragma once

/*
 * An attempt under examination: its two curves, and what they tell. Told the
 * same metrics again, in any order, it is in an equal state.
 *
 * The objective is the validation curve, unless its name says training. Beside
 * it the training curve is the metric that "metric.train" of the search file
 * names, or else the one whose name says so best (why/series.h); others are
 * passed over. At most LIMIT_STEPS points a curve are kept.
 */
#include "why/symptoms.h"

#include "schema/record.h"
#include "schema/search.h"

#include <stdbool.h>

struct checkup;

/* @spec is borrowed; checkup_free(), NULL is fine. */
struct checkup *checkup_new(const struct search_spec *spec);
void checkup_free(struct checkup *c);

struct checkup_news {
	/*
	 * Time to look: the curves have become twice as long (8, 16, 32, ...
	 * points together).
	 */
	bool is_due;
	bool is_lost; /* it is one of two in a row that are not finite: */
	struct series_point before, after;
	bool is_declared; /* of the curve that "metric.train" names */
};

/* A metric of the attempt, the objective or another one. */
void checkup_report(struct checkup *c, const struct metric_record *m,
		    struct checkup_news *ret);

/* Whether it has reported either curve. */
bool checkup_has_points(const struct checkup *c);

/*
 * What ails it: running as a trial of @state, or ended as that for @reason.
 * @siblings has a line of the objective's curve, or is NULL. Of a trial that
 * runs only what shows before its end. A trial that was stopped as diverged
 * has diverged, whatever else it has. symptoms_fini().
 */
void checkup_find(const struct checkup *c, enum trial_state state,
		  const char *reason, const struct siblings_line *objective,
		  struct symptoms *ret);
