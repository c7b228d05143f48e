#include "search/seen.h"

#include "schema/mem.h"

#include <stdlib.h>

/* 0 marks a free slot. */
static uint64_t key_of(uint64_t hash)
{
	return hash != 0 ? hash : 1;
}

/* The slot that holds @key, or the free one where it belongs. */
static size_t probe(const struct seen *s, uint64_t key)
{
	size_t i = key & (s->cap - 1);

	while (s->slots[i] != 0 && s->slots[i] != key)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct seen *s)
{
	struct seen bigger = { .cap = s->cap > 0 ? 2 * s->cap : 64 };

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < s->cap; i++) {
		if (s->slots[i] != 0)
			bigger.slots[probe(&bigger, s->slots[i])] = s->slots[i];
	}
	bigger.n = s->n;
	free(s->slots);
	*s = bigger;
}

bool seen_add(struct seen *s, uint64_t hash)
{
	uint64_t key = key_of(hash);
	size_t i;

	if (2 * (s->n + 1) > s->cap)
		grow(s);
	i = probe(s, key);
	if (s->slots[i] == key)
		return false;
	s->slots[i] = key;
	s->n++;
	return true;
}

bool seen_has(const struct seen *s, uint64_t hash)
{
	uint64_t key = key_of(hash);

	return s->cap > 0 && s->slots[probe(s, key)] == key;
}

void seen_free(struct seen *s)
{
	free(s->slots);
	*s = (struct seen){ 0 };
}
