#pragma once

/* A set of 64-bit hashes, to know which configurations have been tried. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
	uint64_t *slots; /* [cap], 0: free */
	size_t n, cap;
};

/* True if @hash was not in the set before. */
bool seen_add(struct seen *s, uint64_t hash);
bool seen_has(const struct seen *s, uint64_t hash);
void seen_free(struct seen *s);
