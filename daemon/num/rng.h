#pragma once

/*
 * Random numbers without a state: each is a function of (seed, stream, index).
 * So the point at a cursor never depends on which points were asked for
 * before, and a restarted daemon draws what the old one would have drawn.
 *
 * The mixer is Philox4x32-10 of J. Salmon, M. Moraes, R. Dror, D. Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011: the seed is its key;
 * index, stream and a number of tries are its counter.
 */
#include <stdint.h>

/*
 * Who draws. Two users with one seed must not see the same numbers, so each
 * has its own streams. Add at the end: an order is a promise to old searches.
 */
enum rng_use {
	RNG_POINT,    /* sampler: stream = axis, index = cursor */
	RNG_SCRAMBLE, /* sobol: stream = axis, index = row of the matrix */
	RNG_PERMUTE,  /* permute: stream = round, index = half of the number */
	RNG_TPE,      /* tpe: stream = coordinate of a draw, index = cursor */
	RNG_CMAES,    /* cmaes: stream = coordinate of a draw, index = trial */
	RNG_CMAES_START, /* cmaes: stream = axis, index = run */
	RNG_CANDIDATE,   /* maximize: 0 seeds a sequence, 1 moves; by cursor */
	RNG_BRACKET,     /* hyperband: stream = 0, index = trial */
	RNG_RESAMPLE,    /* importance: stream = round, index = draw */
	RNG_SHUFFLE,     /* importance: stream = round, index = draw */
	RNG_PBT,         /* pbt: stream = draw of a trial, index = trial */
	RNG_CHANCE,      /* tpe with a budget: stream = 0, index = cursor */
};

/* The stream number @i < 2^24 of @use. */
uint32_t rng_stream(enum rng_use use, uint32_t i);

/* 64 random bits. */
uint64_t rng_bits(uint64_t seed, uint32_t stream, uint64_t index);

/* Uniform in [0, 1): a multiple of 2^-53. */
double rng_unit(uint64_t seed, uint32_t stream, uint64_t index);

/* Uniform in [0, n), n > 0, without bias. */
uint64_t rng_below(uint64_t seed, uint32_t stream, uint64_t index, uint64_t n);

/* One block of Philox4x32-10: encrypts @counter in place under @key. */
void rng_philox(uint32_t counter[4], const uint32_t key[2]);
