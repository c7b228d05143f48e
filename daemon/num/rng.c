#include "num/rng.h"

#include <assert.h>

#define ROUNDS 10

uint32_t rng_stream(enum rng_use use, uint32_t i)
{
	assert(i < UINT32_C(1) << 24);
	return (uint32_t)use << 24 | i;
}

/* The constants are those of the paper, section 3.3 and table 2. */
void rng_philox(uint32_t counter[4], const uint32_t key[2])
{
	uint32_t k0 = key[0], k1 = key[1];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = UINT64_C(0xD2511F53) * counter[0];
		uint64_t b = UINT64_C(0xCD9E8D57) * counter[2];

		counter[0] = (uint32_t)(b >> 32) ^ counter[1] ^ k0;
		counter[1] = (uint32_t)b;
		counter[2] = (uint32_t)(a >> 32) ^ counter[3] ^ k1;
		counter[3] = (uint32_t)a;
		k0 += UINT32_C(0x9E3779B9);
		k1 += UINT32_C(0xBB67AE85);
	}
}

static uint64_t bits(uint64_t seed, uint32_t stream, uint64_t index,
		     uint32_t attempt)
{
	const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
	uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32),
				stream, attempt };

	rng_philox(counter, key);
	return (uint64_t)counter[1] << 32 | counter[0];
}

uint64_t rng_bits(uint64_t seed, uint32_t stream, uint64_t index)
{
	return bits(seed, stream, index, 0);
}

double rng_unit(uint64_t seed, uint32_t stream, uint64_t index)
{
	return (double)(bits(seed, stream, index, 0) >> 11) * 0x1p-53;
}

uint64_t rng_below(uint64_t seed, uint32_t stream, uint64_t index, uint64_t n)
{
	uint64_t mask, v;

	assert(n > 0);
	mask = n - 1;
	for (unsigned shift = 1; shift < 64; shift *= 2)
		mask |= mask >> shift;
	/* More than half of the masked numbers are below n: few tries. */
	for (uint32_t attempt = 0;; attempt++) {
		v = bits(seed, stream, index, attempt) & mask;
		if (v < n)
			return v;
	}
}
