#pragma once

/*
 * What a sampler has been told: one row a trial, by number. A row is what is
 * known of a configuration, not how it came about.
 *
 * Scores are results turned so that lower is better (-value where the goal is
 * to maximize); score_of() and back.
 */
#include "search/seen.h"

#include "schema/record.h"
#include "schema/search.h"

enum fate {
	FATE_NONE,    /* cancelled, lost: nothing is known of the point */
	FATE_RUNNING, /* or about to be: its result is still to come */
	FATE_DONE,    /* the score is its result, which need not be finite */
	FATE_PRUNED,  /* stopped early; the score is what it had reached */
	FATE_FAILED,  /* crashed, out of memory, timed out, without a result */
	FATE_SHORT,   /* stopped with less of a budget than the results have */
};

struct observation {
	enum fate fate;
	double score;   /* done, pruned; NaN and infinities are allowed */
	int64_t runs;   /* whose mean the score is; 0 is 1 */
	int64_t steps;  /* that it reported, or its budget; 0: not known */
	double seconds; /* that it took; 0: not known */
	struct lineage lineage; /* pbt; it does not change */
};

struct history_row {
	struct cell *config; /* [space->n], activated */
	uint64_t hash;       /* space_hash() of it */
	struct observation seen;
};

struct history {
	const struct space *space; /* borrowed */
	struct history_row *rows;  /* [n] by trial number */
	size_t n, cap;
	struct seen tried; /* the rows' hashes */
};

void history_init(struct history *h, const struct space *space);
void history_fini(struct history *h);

/*
 * Trial @number <= h->n is, or has become, @seen; the configuration of a known
 * one does not change and may be NULL.
 */
void history_tell(struct history *h, size_t number, const struct cell *config,
		  struct observation seen);

/*
 * A pruned trial that reported fewer steps was stopped too early to say what
 * its result would have been: a third of those of the trial that came farthest.
 */
int64_t history_early(const struct history *h);

static inline bool observation_is_early(const struct observation *o,
					int64_t early)
{
	return o->fate == FATE_SHORT ||
	       (o->fate == FATE_PRUNED && o->steps > 0 && o->steps < early);
}

/* The score of a result, and the result of a score. */
double score_of(enum goal goal, double value);
