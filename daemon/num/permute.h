#pragma once

/*
 * A pseudo-random permutation of [0, n) in constant memory: a generalized
 * Feistel network on the square just above n, with cycle walking (J. Black,
 * P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
 */
#include <stdint.h>

#define PERMUTE_MAX (UINT64_C(1) << 53)

/* Where @seed's permutation of [0, n) sends @i; i < n <= PERMUTE_MAX. */
uint64_t permute(uint64_t seed, uint64_t n, uint64_t i);
