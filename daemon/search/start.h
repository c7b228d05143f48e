#pragma once

/*
 * The first points of a sampler that learns, before it knows enough to choose:
 * the user's guesses, or the middle where there is none, then a scrambled Sobol
 * sequence.
 */
#include "num/sobol.h"
#include "search/seen.h"

#include "schema/search.h"

struct start {
	const struct search_spec *spec;
	struct sobol_axis *axes; /* [space->n] */
};

void start_init(struct start *s, const struct search_spec *spec);
void start_fini(struct start *s);

/*
 * The first point at or after @cursor, which moves to it, that is new beside
 * @tried (sampler_is_new()), activated. Where they are hard to find, the space
 * is nearly used up: then the first new one of sampler_find_new()'s list.
 * False: there is none left, or there is no list.
 */
bool start_next(const struct start *s, const struct seen *tried,
		uint64_t *cursor, struct cell *ret_config);
