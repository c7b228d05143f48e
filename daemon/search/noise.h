#pragma once

/*
 * How much a result varies when the same configuration is run again, from the
 * searches that did: the pooled standard deviation of equal configurations,
 *
 *   sqrt(sum over configurations and their results (y - mean)^2 / freedom)
 *   freedom = sum over configurations (results - 1)
 *
 * of the better half of them alone: a bad configuration, as a learning rate at
 * the edge of divergence, often varies far more, and is not what is compared.
 */
#include <stddef.h>
#include <stdint.h>

struct repeat {
	uint64_t hash; /* space_hash() of the configuration */
	double score;  /* finite, lower is better */
};

/* NaN: there are fewer than 3 degrees of freedom. Sorts @list [n]. */
double noise_of_repeats(struct repeat *list, size_t n);
