#include "num/permute.h"

#include "num/rng.h"

#include <assert.h>
#include <math.h>

/* Four make a good cipher of a large domain; small domains need more. */
#define ROUNDS 8

uint64_t permute(uint64_t seed, uint64_t n, uint64_t i)
{
	uint64_t side;

	assert(i < n && n <= PERMUTE_MAX);
	side = (uint64_t)ceil(sqrt((double)n));
	/*
	 * The network permutes [0, side^2). Walking from a number below n until
	 * it is below n again follows a cycle, so it ends, and no two numbers
	 * end at the same one. The square has less than 2 sqrt(n) too many
	 * numbers: a second step is rare.
	 */
	do {
		uint64_t left = i / side, right = i % side;

		for (uint32_t round = 0; round < ROUNDS; round++) {
			uint32_t stream = rng_stream(RNG_PERMUTE, round);
			uint64_t sum =
			    left + rng_bits(seed, stream, right) % side;

			left = right;
			right = sum % side;
		}
		i = left * side + right;
	} while (i >= n);
	return i;
}
