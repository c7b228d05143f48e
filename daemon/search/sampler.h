#pragma once

/*
 * A sampler proposes configurations. It never sees a clock, a file or another
 * search: what it proposes is a function of the search file (seed included),
 * the cursor, and what it was told. So a restarted daemon, which tells it the
 * same trials in the order of their numbers, gets the same proposals.
 */
#include "schema/search.h"

enum sampler_answer {
	SAMPLER_OK,
	SAMPLER_EXHAUSTED, /* no point at this cursor or any later one */
	SAMPLER_SKIP, /* this cursor has no point of its own: try the next */
};

struct sampler_ops;

struct sampler {
	const struct sampler_ops *ops;
	const struct search_spec *spec; /* borrowed, outlives the sampler */
};

struct sampler_ops {
	enum sampler_type type;
	/* new; the spec has been checked by search_parse() */
	struct sampler *(*create)(const struct search_spec *spec);
	/*
	 * Writes the point at @cursor, activated, to @ret_config [space->n].
	 * Moves @cursor on to the next point where it knows that those between
	 * have none: a grid steps over the levels of inactive parameters.
	 * SAMPLER_SKIP: a shuffled grid, which cannot; after many of them in a
	 * row sampler_enumerate() finds what is left sooner.
	 */
	enum sampler_answer (*ask)(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config);
	void (*destroy)(struct sampler *s);
};

extern const struct sampler_ops sampler_grid, sampler_random, sampler_sobol;

/* The sampler of spec->sampler; sampler_free(). */
struct sampler *sampler_new(const struct search_spec *spec);
void sampler_free(struct sampler *s);

static inline enum sampler_answer
sampler_ask(struct sampler *s, uint64_t *cursor, struct cell *ret_config)
{
	return s->ops->ask(s, cursor, ret_config);
}

/*
 * Lists what the sampler of @spec can propose, each configuration once: the
 * points of a grid in order, all values of a discrete space. Moves @k to the
 * number of the next one, at or after @k, and writes it to @ret_config; never
 * SAMPLER_SKIP. For who looks for the last unseen ones. A continuous space has
 * no list: SAMPLER_EXHAUSTED.
 */
enum sampler_answer sampler_enumerate(const struct search_spec *spec,
				      uint64_t *k, struct cell *ret_config);
