#pragma once

/*
 * The parameters of a space in groups: those that can vary and have the same
 * conditions, so that they are active together or not at all. The groups of
 * parents come before those of their children.
 */
#include "schema/limits.h"
#include "schema/space.h"

struct groups {
	size_t n;
	size_t first[LIMIT_PARAMS + 1]; /* group g: members first[g] .. */
	size_t members[LIMIT_PARAMS];   /* .. first[g + 1] - 1, parameters */
};

void groups_init(struct groups *g, const struct space *space);
