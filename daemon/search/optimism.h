#pragma once

/*
 * How much better than the average result the process of results takes what it
 * knows nothing of to be, in standard deviations of its targets: the more, the
 * more of the best results' numeric parameters lie at an end of their range.
 * Then the best result of all may lie in a corner of the space, and most of its
 * many corners are far from all results. It fades with the number of results;
 * on so many axes that only the surroundings of the best result are searched
 * there is none.
 * Found by experiment: tests/bench/README.md.
 */
#include "search/encoding.h"
#include "search/evidence.h"

/* By the first @n results of @v. */
double optimism(const struct encoding *e, const struct evidence *v, size_t n);
