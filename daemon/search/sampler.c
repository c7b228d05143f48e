#include "search/sampler.h"

#include "search/listing.h"

static const struct sampler_ops *const samplers[] = {
	[SAMPLER_GRID] = &sampler_grid,
	[SAMPLER_RANDOM] = &sampler_random,
	[SAMPLER_SOBOL] = &sampler_sobol,
};

_Static_assert(sizeof(samplers) / sizeof(samplers[0]) == NAMES_SAMPLERS_N,
	       "every sampler of names.def has its operations");

struct sampler *sampler_new(const struct search_spec *spec)
{
	const struct sampler_ops *ops = samplers[spec->sampler];
	struct sampler *s = ops->create(spec);

	s->ops = ops;
	s->spec = spec;
	return s;
}

void sampler_free(struct sampler *s)
{
	if (s != NULL)
		s->ops->destroy(s);
}

enum sampler_answer sampler_enumerate(const struct search_spec *spec,
				      uint64_t *k, struct cell *ret_config)
{
	struct listing l = spec->sampler == SAMPLER_GRID
			       ? listing_of_levels(spec->space)
			       : listing_of_values(spec->space);

	return listing_next(&l, k, ret_config);
}
