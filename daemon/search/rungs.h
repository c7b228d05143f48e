#pragma once

/*
 * The rungs of ASHA (L. Li et al., "A System for Massively Parallel
 * Hyperparameter Tuning", MLSys 2020) and the brackets of Hyperband (L. Li et
 * al., JMLR 18, 2018), each of which is ASHA with a later first rung.
 */
#include "schema/search.h"

struct rungs {
	int64_t first, eta; /* rungs of bracket s: first eta^s, times eta ... */
	int64_t last;       /* none is there or beyond; 0: unknown */
	int64_t brackets;
};

/* @longest: the last step of a whole trial; 0: unknown. Returns the first. */
int64_t rungs_init(const struct early_stopping *e, int64_t longest,
		   struct rungs *ret);

/*
 * The last of the steps @first x 1.1^k, rounded, that is not beyond @step >=
 * @first > 0: where a rule that could judge at every step does so.
 */
int64_t rungs_dense(int64_t first, int64_t step);

/* The share of the trials that the bracket gets. */
int64_t rungs_weight(const struct rungs *r, int64_t bracket);

/* The bracket of a trial. */
int64_t rungs_bracket(const struct rungs *r, uint64_t seed, int64_t number);

/* The first rung of the bracket beyond step @after; INT64_MAX: there is none.
 */
int64_t rungs_next(const struct rungs *r, int64_t bracket, int64_t after);
