#pragma once

/*
 * What the sampler "tpe" knows: the trials in two sets, the good and the bad,
 * and the density of each over every group of parameters.
 */
#include "search/groups.h"
#include "search/parzen.h"
#include "search/sampler.h"

#define TPE_GOOD_MAX 25

struct tpe_split {
	size_t observations, pending;
	size_t n_good;
	size_t n_bad;              /* that count */
	size_t good[TPE_GOOD_MAX]; /* numbers of trials, the best first */
};

/* The densities of the good and the bad trials over a group. */
struct tpe_pair {
	struct parzen good, bad;
};

struct tpe_model {
	const struct history *history;
	const struct groups *groups;
	struct tpe_split split;
	bool is_fit;
	struct tpe_pair *pairs; /* [groups->n] */
};

/* Borrows both. Then tpe_model_fit(), if it is to have densities. */
void tpe_model_init(struct tpe_model *m, const struct history *h,
		    const struct groups *groups);
void tpe_model_fit(struct tpe_model *m);
void tpe_model_fini(struct tpe_model *m);

/*
 * The acquisition: log(l / g) of the densities of good and bad trials, which
 * grows with the expected improvement. Of one group, whose members are active,
 * and of all active ones of a configuration.
 */
double tpe_model_group_gain(struct tpe_model *m, size_t g,
			    const struct cell *config);
double tpe_model_gain(struct tpe_model *m, const struct cell *config);

/* The numbers behind the proposal @config. Distances are shares of ranges. */
struct rationale tpe_model_explain(struct tpe_model *m, enum goal goal,
				   const struct cell *config);
