#include "search/start.h"

#include "search/sampler.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <stdlib.h>

#define MISSES_MAX 1000 /* in a row, before new points are looked up */

void start_init(struct start *s, const struct search_spec *spec)
{
	size_t n = spec->space->n;
	uint32_t axis = 0;

	*s = (struct start){ .spec = spec };
	s->axes = xcalloc(n, sizeof(*s->axes));
	for (size_t i = 0; i < n; i++) {
		if (param_cardinality(&spec->space->params[i]) != 1)
			sobol_init_scrambled(&s->axes[i], axis++, spec->seed);
	}
}

void start_fini(struct start *s)
{
	free(s->axes);
}

static struct cell guess(const struct param *p)
{
	if (p->has_guess)
		return p->guess;
	/* Of choices the first, which is the usual one in most files. */
	return unit_cell(p, p->type == PARAM_CHOICE && !p->ordered ? 0 : 0.5);
}

/* Point @k, activated. */
static void point(const struct start *s, uint32_t k, struct cell *ret_config)
{
	const struct space *space = s->spec->space;

	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];

		ret_config[i] =
		    k == 0 ? guess(p)
			   : unit_cell(p, sobol_unit(&s->axes[i], k - 1));
	}
	space_activate(space, ret_config);
}

bool start_next(const struct start *s, const struct seen *tried,
		uint64_t *cursor, struct cell *ret_config)
{
	uint64_t k = *cursor, end = k + MISSES_MAX, listed = 0;
	bool found = false;

	for (; k < end && k <= UINT32_MAX; k++) {
		point(s, (uint32_t)k, ret_config);
		found = sampler_is_new(s->spec, tried, ret_config);
		if (found)
			break;
	}
	if (!found && !sampler_find_new(s->spec, tried, &listed, ret_config))
		return false;
	*cursor = k;
	return true;
}
