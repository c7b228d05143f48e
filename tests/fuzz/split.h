#pragma once

/*
 * The metric reader on a log in one go, and on the same log in parts: rows,
 * counts and state must be equal. Aborts where they are not.
 */
#include "schema/search.h"

#include <stdbool.h>
#include <stddef.h>

struct split {
	struct search_spec spec;
	const char *state; /* to begin with; NULL: a new reader */
	const char *log;
	size_t len;
	size_t cuts[2]; /* ascending, at most @len */
	bool reload;    /* at each cut: the rest with a reader of its state */
};

void split_check(const struct split *s);

/* One of a few specs: with and without patterns, an objective, a step name. */
struct search_spec split_spec(unsigned choice);
