/*
 * Every combination of levels, the first parameter slowest (but parents before
 * their children), or in an order shuffled by the seed. In constant memory: the
 * cursor is the number of the combination, or of its place in the order.
 */
#include "num/permute.h"
#include "num/rng.h"
#include "search/listing.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>

struct grid {
	struct sampler base;
	struct listing levels;
	uint64_t size; /* gaps counted in */
};

static struct sampler *grid_create(const struct search_spec *spec)
{
	struct grid *g = xcalloc(1, sizeof(*g));

	g->levels = listing_of_levels(spec->space);
	g->size = space_levels(spec->space);
	assert(g->size > 0);
	return &g->base;
}

/*
 * Too many combinations to number: levels drawn at random. No search will see
 * the end of them, and two of a million draws are equal with a chance of 1 in
 * 18,000.
 */
static enum sampler_answer draw(const struct search_spec *spec, uint64_t cursor,
				struct cell *ret_config)
{
	for (size_t i = 0; i < spec->space->n; i++) {
		const struct param *p = &spec->space->params[i];
		uint32_t stream = rng_stream(RNG_POINT, (uint32_t)i);

		ret_config[i] = param_level(
		    p, rng_below(spec->seed, stream, cursor, param_levels(p)));
	}
	space_activate(spec->space, ret_config);
	return SAMPLER_OK;
}

static enum sampler_answer grid_ask(struct sampler *s, uint64_t *cursor,
				    struct cell *ret_config,
				    struct rationale *ret_why)
{
	struct grid *g = (struct grid *)s;
	uint64_t k, end;

	if (!s->spec->shuffle)
		return listing_next(&g->levels, cursor, ret_config);
	if (g->size > PERMUTE_MAX)
		return draw(s->spec, *cursor, ret_config);
	if (*cursor >= g->size)
		return SAMPLER_EXHAUSTED;
	k = permute(s->spec->seed, g->size, *cursor);
	return listing_at(&g->levels, k, ret_config, &end);
}

static void grid_destroy(struct sampler *s)
{
	free(s);
}

const struct sampler_ops sampler_grid = {
	.type = SAMPLER_GRID,
	.create = grid_create,
	.ask = grid_ask,
	.destroy = grid_destroy,
};
