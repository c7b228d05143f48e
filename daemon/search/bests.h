#pragma once

/*
 * What rules with rungs keep of a search's trials: how the best value of each
 * fell. Rungs may change with the length of the longest completed trial, and a
 * trial is compared but once a rung: so what stands at a rung is found when it
 * is asked for, from all trials.
 */
#include "search/rule.h"

struct history {
	/*
	 * At its first step and wherever it fell: the best value so far, a
	 * cost; infinite without a finite one.
	 */
	struct curve bests;
	int64_t last;
	int64_t number;
	bool is_done;
};

/* Zeroed at first; bests_fini(). */
struct bests {
	struct history **histories; /* [n] */
	size_t n, cap;
	size_t n_done;
	int64_t longest; /* the last step of completed trials; 0: none */
};

/* A new trial's, which @b owns. */
struct history *bests_add(struct bests *b, int64_t number);

/* Learns the curve from point @i on anew. */
void bests_learn(const struct pruner *p, struct history *h,
		 const struct curve *c, size_t i);

/*
 * The trial's best value at @step, a cost; false if it has none, or is not so
 * far.
 */
bool bests_at(const struct history *h, int64_t step, double *ret);

/* The trial has completed; once more does nothing. */
void bests_done(struct bests *b, struct history *h);
/* Takes all of it back; NULL is fine. */
void bests_forget(struct bests *b, struct history *h);
void bests_fini(struct bests *b);
