#pragma once

/*
 * A small random generator: splitmix64 (Steele, Lea, Flood: Fast Splittable
 * Pseudorandom Number Generators, OOPSLA 2014). Each use of randomness has a
 * stream of its own, so that, say, dropout does not change the split.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum rng_stream {
	RNG_SPLIT = 1,
	RNG_NOISE,
	RNG_WEIGHTS,
	RNG_BATCHES,
	RNG_DROPOUT,
};

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline struct rng rng_init(uint64_t seed, enum rng_stream stream)
{
	struct rng r = { seed };

	r.state = rng_next(&r) + (uint64_t)stream;
	r.state = rng_next(&r);
	return r;
}

/* Uniform in [0, 1). */
static inline double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Uniform in 0..n-1, but for a bias below n / 2^64. */
static inline size_t rng_below(struct rng *r, size_t n)
{
	return (size_t)(rng_next(r) % n);
}

/* Standard normal (Box and Muller 1958). */
static inline double rng_normal(struct rng *r)
{
	double radius = sqrt(-2 * log(1 - rng_unit(r)));

	return radius * cos(2 * 3.14159265358979323846 * rng_unit(r));
}

/* Fisher and Yates. */
static inline void rng_shuffle(struct rng *r, size_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(r, i);
		size_t swap = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swap;
	}
}
