#pragma once

/*
 * The configurations of a finite space as numbers of a mixed radix: a digit a
 * parameter, in the order of space->order, the last one fastest. A parameter
 * that is inactive has the digit 0 alone, so each configuration has one number;
 * the others are gaps.
 */
#include "search/sampler.h"

/* What a digit counts. */
struct listing {
	const struct space *space;
	uint64_t (*count)(const struct param *p); /* 0: the list is empty */
	struct cell (*value)(const struct param *p, uint64_t k);
};

/* The grid's levels; every value of a discrete space. */
struct listing listing_of_levels(const struct space *space);
struct listing listing_of_values(const struct space *space);

/*
 * Writes configuration @k, activated. SAMPLER_SKIP: @k is a gap and @ret_end
 * is the first number, > @k, that may be none. SAMPLER_EXHAUSTED: the list ends
 * before @k.
 */
enum sampler_answer listing_at(const struct listing *l, uint64_t k,
			       struct cell *ret_config, uint64_t *ret_end);

/* The first configuration at or after @k, which moves to it. */
enum sampler_answer listing_next(const struct listing *l, uint64_t *k,
				 struct cell *ret_config);
