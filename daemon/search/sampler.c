#include "search/sampler.h"

#include "search/listing.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>

#define MISSES_MAX 1000 /* in a row, before new points are looked up */

static const struct sampler_ops *const samplers[] = {
	[SAMPLER_GRID] = &sampler_grid,   [SAMPLER_RANDOM] = &sampler_random,
	[SAMPLER_SOBOL] = &sampler_sobol, [SAMPLER_TPE] = &sampler_tpe,
	[SAMPLER_CMAES] = &sampler_cmaes, [SAMPLER_GP] = &sampler_gp,
	[SAMPLER_PBT] = &sampler_pbt,
};

_Static_assert(sizeof(samplers) / sizeof(samplers[0]) == NAMES_SAMPLERS_N,
	       "every sampler of names.def has its operations");

const struct sampler_ops *sampler_of(const struct search_spec *spec)
{
	return samplers[spec->sampler];
}

struct sampler *sampler_new(const struct search_spec *spec)
{
	const struct sampler_ops *ops = sampler_of(spec);
	struct sampler *s = ops->create(spec);

	s->ops = ops;
	s->spec = spec;
	history_init(&s->history, spec->space);
	return s;
}

void sampler_free(struct sampler *s)
{
	if (s == NULL)
		return;
	history_fini(&s->history);
	s->ops->destroy(s);
}

void sampler_tell(struct sampler *s, size_t number, const struct cell *config,
		  struct observation seen)
{
	if (sampler_learns(s))
		history_tell(&s->history, number, config, seen);
}

size_t sampler_propose(struct sampler *s, uint64_t *cursor, size_t n,
		       struct proposal *ret)
{
	struct observation running = { .fate = FATE_RUNNING };
	enum sampler_answer answer;
	size_t done;

	assert(sampler_learns(s));
	s->waits = false;
	for (done = 0; done < n; done++) {
		struct proposal *p = &ret[done];

		*p = (struct proposal){ .config = xcalloc(s->spec->space->n,
							  sizeof(*p->config)) };
		answer = s->ops->ask(s, cursor, p->config, &p->rationale);
		if (answer != SAMPLER_OK) {
			s->waits = answer == SAMPLER_WAIT;
			proposal_fini(p);
			break;
		}
		p->cursor = (*cursor)++;
		running.lineage = p->rationale.lineage;
		history_tell(&s->history, s->history.n, p->config, running);
	}
	return done;
}

void proposal_fini(struct proposal *p)
{
	free(p->config);
	p->config = NULL;
}

enum sampler_answer sampler_enumerate(const struct search_spec *spec,
				      uint64_t *k, struct cell *ret_config)
{
	struct listing l = spec->sampler == SAMPLER_GRID
			       ? listing_of_levels(spec->space)
			       : listing_of_values(spec->space);

	return listing_next(&l, k, ret_config);
}

bool sampler_is_new(const struct search_spec *spec, const struct seen *seen,
		    const struct cell *config)
{
	return spec->allow_duplicates ||
	       !seen_has(seen, space_hash(spec->space, config));
}

bool sampler_find_new(const struct search_spec *spec, const struct seen *seen,
		      uint64_t *listed, struct cell *ret_config)
{
	while (sampler_enumerate(spec, listed, ret_config) == SAMPLER_OK) {
		(*listed)++;
		if (sampler_is_new(spec, seen, ret_config))
			return true;
	}
	return false;
}

bool sampler_next(struct sampler *s, const struct seen *seen, uint64_t *cursor,
		  uint64_t *listed, struct cell *ret_config)
{
	assert(!sampler_learns(s));
	for (int i = 0; i < MISSES_MAX; i++) {
		enum sampler_answer answer = sampler_ask(s, cursor, ret_config);

		if (answer == SAMPLER_EXHAUSTED)
			return false;
		(*cursor)++;
		if (answer == SAMPLER_OK &&
		    sampler_is_new(s->spec, seen, ret_config))
			return true;
	}
	return sampler_find_new(s->spec, seen, listed, ret_config);
}
