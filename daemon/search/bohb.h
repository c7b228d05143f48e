#pragma once

/*
 * How a search with a budget uses results of different budgets: as S. Falkner,
 * A. Klein, F. Hutter, "BOHB", ICML 2018, section 3.2 and algorithm 2. Results
 * of one budget alone make the model, the largest one with |D_b| >= d + 3
 * results (N_min + 2, N_min = d + 1), of all trials that came so far, and of
 * what they reached there; else the least one. A third of the points is drawn
 * at random.
 */
#include "schema/search.h"

/*
 * The run whose results make the model: @n [spec->runs] has how many trials
 * have a result of each.
 */
int64_t bohb_run(const struct search_spec *spec, const int64_t *n);

/* Whether the point at @cursor is drawn at random. */
bool bohb_is_random(const struct search_spec *spec, uint64_t cursor);
