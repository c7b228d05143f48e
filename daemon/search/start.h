#pragma once

/*
 * The first points of a sampler that learns, before it knows enough to choose:
 * the user's guesses, or the middle where there is none, then a scrambled Sobol
 * sequence.
 */
#include "num/sobol.h"

#include "schema/search.h"

struct start {
	const struct search_spec *spec;
	struct sobol_axis *axes; /* [space->n] */
};

void start_init(struct start *s, const struct search_spec *spec);
void start_fini(struct start *s);

/* Point @k, activated; false if there are no more. */
bool start_at(const struct start *s, uint64_t k, struct cell *ret_config);
