/* Independent draws, uniform on each parameter's scale. */
#include "num/rng.h"
#include "search/sampler.h"
#include "search/unit.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>

static struct sampler *random_create(const struct search_spec *spec)
{
	assert(spec->space->n <= LIMIT_PARAMS);
	return xcalloc(1, sizeof(struct sampler));
}

static enum sampler_answer random_ask(struct sampler *s, uint64_t *cursor,
				      struct cell *ret_config,
				      struct rationale *ret_why)
{
	const struct space *space = s->spec->space;
	double u[LIMIT_PARAMS];

	for (size_t i = 0; i < space->n; i++) {
		uint32_t stream = rng_stream(RNG_POINT, (uint32_t)i);

		u[i] = rng_unit(s->spec->seed, stream, *cursor);
	}
	unit_config(space, u, ret_config);
	return SAMPLER_OK;
}

static void random_destroy(struct sampler *s)
{
	free(s);
}

const struct sampler_ops sampler_random = {
	.type = SAMPLER_RANDOM,
	.create = random_create,
	.ask = random_ask,
	.destroy = random_destroy,
};
