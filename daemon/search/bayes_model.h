#pragma once

/*
 * What the sampler "gp" knows at one moment: a process of the results, a second
 * one of where trials fail, a third one of how long they take if the objective
 * is per second, and what a point is worth by all.
 */
#include "search/acquisition.h"
#include "search/encoding.h"
#include "search/evidence.h"
#include "search/fit.h"
#include "search/sampler.h"
#include "search/target.h"

/* What is kept from one proposal to the next; it saves time and no more. */
struct bayes_cache {
	const struct encoding *encoding; /* borrowed */
	struct fit fit;
	struct gp *value, *feasible;
	struct gp *duration; /* NULL: the objective is not per second */
};

void bayes_cache_init(struct bayes_cache *c, const struct encoding *e,
		      bool per_second);
void bayes_cache_fini(struct bayes_cache *c);

struct bayes_model {
	struct bayes_cache *cache;
	const struct evidence *evidence;
	struct target target;
	double hyper[LIMIT_PARAMS + 2]; /* fitted */
	struct gp *feasible; /* the cache's; NULL: every trial has a result */
	struct gp *duration; /* the cache's; NULL: it does not count, yet */
	double ln_seconds, ln_spread; /* mean and deviation of those known */
	/* After bayes_model_aim(): */
	struct acquisition acquisition;
};

/*
 * Learns from @v, which has a result at least; borrows both. Returns 0, or 1:
 * the numbers do not make a model. bayes_model_fini() in any case.
 */
int bayes_model_init(struct bayes_model *m, struct bayes_cache *c,
		     const struct evidence *v)
    __attribute__((warn_unused_result));
void bayes_model_fini(struct bayes_model *m);

/* What bayes_model_aim() aims at; all 0: the largest improvement anywhere. */
struct aim {
	/* The process's scale (gp.h: s), at least; a large one is less sure of
	 * what is far from all results. */
	double scale;
	const struct branch *branch; /* NULL: the whole space; borrowed */
};

/*
 * Makes the acquisition. @seed is that of acquisition_init(). Returns 0, or 1:
 * the numbers do not make a model.
 */
int bayes_model_aim(struct bayes_model *m, const struct aim *at, uint64_t seed)
    __attribute__((warn_unused_result));

/*
 * How much better than the best result any can be, in scores, where @x [n][d]
 * are the points where most is expected: see regret.h. Running trials tell
 * nothing yet; bayes_model_aim() is to come before anything else is asked. NaN:
 * the numbers do not make a model.
 */
double bayes_model_regret(struct bayes_model *m, size_t n, const double *x);

/*
 * What it expects at @x [d], after bayes_model_aim(), to all of @why but
 * observations and pending.
 */
void bayes_model_explain(struct bayes_model *m, enum goal goal, const double *x,
			 struct rationale *why);
