#include "search/rungs.h"

#include "num/rng.h"

#include <math.h>

#define FIRST_RUNG 16 /* it is T over this, unless min_steps says so */
#define SPACING    1.1

int64_t rungs_init(const struct early_stopping *e, int64_t longest,
		   struct rungs *ret)
{
	int64_t step;

	*ret = (struct rungs){ .eta = e->eta };
	ret->last = e->max_steps > 0 ? e->max_steps : longest;
	ret->first = e->min_steps;
	if (ret->first == 0)
		ret->first = (ret->last + FIRST_RUNG / 2) / FIRST_RUNG;
	if (ret->first < 1)
		ret->first = 1;
	ret->brackets = 1;
	step = ret->first;
	while (e->type == PRUNER_HYPERBAND && step <= ret->last / e->eta) {
		step *= e->eta;
		ret->brackets++;
	}
	return ret->first;
}

int64_t rungs_dense(int64_t first, int64_t step)
{
	double rung = (double)first;

	while (round(rung * SPACING) <= (double)step)
		rung *= SPACING;
	return (int64_t)round(rung);
}

/* ceil(B eta^(B-1-s) / (B-s)) of B brackets. */
int64_t rungs_weight(const struct rungs *r, int64_t bracket)
{
	int64_t left = r->brackets - bracket, n = r->brackets;

	for (int64_t i = 1; i < left; i++)
		n *= r->eta;
	return (n + left - 1) / left;
}

int64_t rungs_bracket(const struct rungs *r, uint64_t seed, int64_t number)
{
	int64_t total = 0, bracket = 0, at;

	if (r->brackets == 1)
		return 0;
	for (int64_t s = 0; s < r->brackets; s++)
		total += rungs_weight(r, s);
	at = (int64_t)rng_below(seed, rng_stream(RNG_BRACKET, 0),
				(uint64_t)number, (uint64_t)total);
	while (at >= rungs_weight(r, bracket))
		at -= rungs_weight(r, bracket++);
	return bracket;
}

int64_t rungs_next(const struct rungs *r, int64_t bracket, int64_t after)
{
	int64_t rung = r->first;

	for (int64_t s = 0; s < bracket; s++)
		rung *= r->eta;
	while (rung <= after) {
		if (__builtin_mul_overflow(rung, r->eta, &rung))
			return INT64_MAX;
	}
	return r->last > 0 && rung >= r->last ? INT64_MAX : rung;
}
