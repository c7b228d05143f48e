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
	SAMPLER_SKIP, /* this cursor has no point of its own, try the next */
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
	 * SAMPLER_SKIP: a duplicate by construction (grid: an inactive
	 * parameter's other levels).
	 */
	enum sampler_answer (*ask)(struct sampler *s, uint64_t cursor,
				   struct cell *ret_config);
	void (*destroy)(struct sampler *s);
};

/* The sampler of spec->sampler; sampler_free(). */
struct sampler *sampler_new(const struct search_spec *spec);
void sampler_free(struct sampler *s);

static inline enum sampler_answer
sampler_ask(struct sampler *s, uint64_t cursor, struct cell *ret_config)
{
	return s->ops->ask(s, cursor, ret_config);
}
