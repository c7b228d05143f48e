#include "search/bohb.h"

#include "num/rng.h"

#define RANDOM_SHARE 3 /* one in so many */

int64_t bohb_run(const struct search_spec *spec, const int64_t *n)
{
	int64_t run = spec->runs - 1, needed = 3;

	for (size_t i = 0; i < spec->space->n; i++)
		needed += spec->space->params[i].type != PARAM_CONSTANT;
	while (run > 0 && n[run] < needed)
		run--;
	return run;
}

bool bohb_is_random(const struct search_spec *spec, uint64_t cursor)
{
	return spec->budget.name != NULL &&
	       rng_below(spec->seed, rng_stream(RNG_CHANCE, 0), cursor,
			 RANDOM_SHARE) == 0;
}
