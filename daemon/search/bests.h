#pragma once

/*
 * What rules with rungs keep of a search's trials: how the best value of each
 * fell, and where they are compared, at a level, the values of all that came
 * there, in order. A level is filled when it is asked for first, and a report
 * that reaches it adds one number. Rungs may change with the length of the
 * longest completed trial: then all levels are dropped.
 */
#include "search/rule.h"
#include "search/rungs.h"
#include "search/waits.h"

struct history {
	/*
	 * At its first step and wherever it fell: the best value so far, a
	 * cost; infinite without a finite one.
	 */
	struct curve bests;
	int64_t last;
	int64_t number;
	bool is_done;
	bool is_waiting; /* of asha: with @wait in its list */
	struct wait wait;
};

/* A rung of a bracket. */
struct level {
	int64_t step, bracket;
	struct sorted costs; /* of the trials that came to it */
};

/* Zeroed at first; bests_fini(). */
struct bests {
	struct history **histories; /* [n] */
	size_t n, cap;
	size_t n_done;
	int64_t longest; /* the last step of completed trials; 0: none */
	struct rungs rungs;
	struct level *levels; /* [n_levels], by step, then bracket */
	size_t n_levels, cap_levels;
};

/* A new trial's, which @b owns. */
struct history *bests_add(struct bests *b, int64_t number);

/* Learns the curve from point @i on anew. */
void bests_learn(const struct pruner *p, struct bests *b, struct history *h,
		 const struct curve *c, size_t i);

/*
 * The trial's best value at @step, a cost; false if it has none, or is not so
 * far.
 */
bool bests_at(const struct history *h, int64_t step, double *ret);

/* Trials are compared at the rungs @r from here on. */
void bests_set_rungs(struct bests *b, const struct rungs *r);

/*
 * The best values at @step of the trials of the bracket that came to it, costs;
 * until the next call.
 */
const struct sorted *bests_level(const struct pruner *p, struct bests *b,
				 int64_t step, int64_t bracket);

/* The trial has completed; once more does nothing. */
void bests_done(struct bests *b, struct history *h);
/* Takes all of it back; NULL is fine. */
void bests_forget(const struct pruner *p, struct bests *b, struct history *h);
void bests_fini(struct bests *b);
