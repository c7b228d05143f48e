#pragma once

/*
 * Curves of one metric, thinned until they fit a message: the first and the
 * last point of each stay, and in between the lowest and the highest of each
 * stretch, so that a spike is still one. What is no number is the highest.
 */
#include "schema/json.h"

#include <stdint.h>

struct curves;

/* At most @points (>= 4) of each curve are kept. */
struct curves *curves_new(size_t points);
void curves_free(struct curves *c);

/* The points of a trial come together, by ascending steps. */
void curves_add(struct curves *c, int64_t trial, int64_t step, double value);
/* [{"trial": 3, "steps": [...], "values": [...]}, ...]; new. No more comes. */
cJSON *curves_take(struct curves *c);
