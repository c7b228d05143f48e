#include "search/listing.h"

struct listing listing_of_levels(const struct space *space)
{
	return (struct listing){ space, param_levels, param_level };
}

struct listing listing_of_values(const struct space *space)
{
	return (struct listing){ space, param_cardinality, param_value };
}

/* False if @k has more digits than there are parameters. */
static bool decode(const struct listing *l, uint64_t k, struct cell *ret_config)
{
	const struct space *s = l->space;

	for (size_t j = s->n; j-- > 0;) {
		const struct param *p = &s->params[s->order[j]];
		uint64_t radix = l->count(p);

		if (radix == 0)
			return false;
		ret_config[s->order[j]] = l->value(p, k % radix);
		k /= radix;
	}
	return k == 0;
}

/*
 * Where the gap that @k lies in ends: with the digits in which the slowest
 * inactive parameter is not 0, whatever the faster ones are. Its own parents
 * are slower still, so nothing in between makes it active. @k if it lies in
 * none; UINT64_MAX, which nothing has, if it ends beyond 2^64.
 */
static uint64_t gap_end(const struct listing *l, uint64_t k,
			const struct cell *config)
{
	const struct space *s = l->space;
	uint64_t end = k, block = 1;

	for (size_t j = s->n; j-- > 0;) {
		size_t i = s->order[j];
		uint64_t digit = k / block % l->count(&s->params[i]);

		if (__builtin_mul_overflow(block, l->count(&s->params[i]),
					   &block)) {
			/* All slower digits are 0. */
			return !config[i].active && digit > 0 ? UINT64_MAX
							      : end;
		}
		if (!config[i].active && digit > 0 &&
		    __builtin_mul_overflow(k / block + 1, block, &end))
			return UINT64_MAX;
	}
	return end;
}

enum sampler_answer listing_at(const struct listing *l, uint64_t k,
			       struct cell *ret_config, uint64_t *ret_end)
{
	if (k == UINT64_MAX || !decode(l, k, ret_config))
		return SAMPLER_EXHAUSTED;
	space_activate(l->space, ret_config);
	*ret_end = gap_end(l, k, ret_config);
	return *ret_end == k ? SAMPLER_OK : SAMPLER_SKIP;
}

enum sampler_answer listing_next(const struct listing *l, uint64_t *k,
				 struct cell *ret_config)
{
	enum sampler_answer answer;
	uint64_t end;

	/* Each step carries into a slower digit: at most one a parameter. */
	while ((answer = listing_at(l, *k, ret_config, &end)) == SAMPLER_SKIP)
		*k = end;
	return answer;
}
