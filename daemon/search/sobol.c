/* A scrambled Sobol sequence: an axis for each parameter that can vary. */
#include "num/sobol.h"

#include "search/sampler.h"
#include "search/unit.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(LIMIT_PARAMS <= SOBOL_AXES, "every parameter has an axis");

struct sobol {
	struct sampler base;
	struct sobol_axis *axes; /* [space->n], unused of constants */
};

static struct sampler *sobol_create(const struct search_spec *spec)
{
	const struct space *space = spec->space;
	struct sobol *s = xcalloc(1, sizeof(*s));
	uint32_t axis = 0;

	assert(space->n <= LIMIT_PARAMS);
	s->axes = xcalloc(space->n, sizeof(*s->axes));
	for (size_t i = 0; i < space->n; i++) {
		if (space->params[i].type != PARAM_CONSTANT)
			sobol_init_scrambled(&s->axes[i], axis++, spec->seed);
	}
	return &s->base;
}

static enum sampler_answer sobol_ask(struct sampler *s, uint64_t *cursor,
				     struct cell *ret_config,
				     struct rationale *ret_why)
{
	struct sobol *sobol = (struct sobol *)s;
	double u[LIMIT_PARAMS];

	if (*cursor > UINT32_MAX)
		return SAMPLER_EXHAUSTED;
	for (size_t i = 0; i < s->spec->space->n; i++)
		u[i] = sobol_unit(&sobol->axes[i], (uint32_t)*cursor);
	unit_config(s->spec->space, u, ret_config);
	return SAMPLER_OK;
}

static void sobol_destroy(struct sampler *s)
{
	free(((struct sobol *)s)->axes);
	free(s);
}

const struct sampler_ops sampler_sobol = {
	.type = SAMPLER_SOBOL,
	.create = sobol_create,
	.ask = sobol_ask,
	.destroy = sobol_destroy,
};
