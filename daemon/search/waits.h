#pragma once

/*
 * Trials that wait until they are among the best of those that came as far, in
 * the order in which they go on. Those of one level and bracket are compared,
 * and if any of them is among the best, the first one is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wait {
	int64_t level;   /* who came farther goes first, */
	int64_t bracket; /* then, of the same one, */
	double cost;     /* the better one, not NaN, */
	int64_t number;  /* then who has the lower number */
};

/* Zeroed at first; waits_free(). */
struct waits {
	struct wait **list; /* [n], each owned by its trial */
	size_t n, cap;
};

void waits_add(struct waits *w, struct wait *wait);
/* Removes @wait, which is there, and as it was. */
void waits_remove(struct waits *w, const struct wait *wait);
/* After some were changed. */
void waits_sort(struct waits *w);

/*
 * Who goes on now: the first of those that @may; of several brackets as if they
 * were one. NULL: none. Without @may all may.
 */
const struct wait *waits_first(const struct waits *w,
			       bool (*may)(void *arg, const struct wait *wait),
			       void *arg);

void waits_free(struct waits *w);
