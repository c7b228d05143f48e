#pragma once

/* What is known of the parameters of a search, as JSON: method "why". */
#include "why/results.h"

#include "schema/names.h"

#include <cjson/cJSON.h>

/*
 * Puts into @object "importance", an array of {parameter, share, low, high,
 * chance, trials, scale, curve}, the most important first, and "unknown": why
 * there is no more to say, or null. Parameters of which nothing is known have
 * no share, and follow in the order of the file. curve: {low, high, or value of
 * one value, trials, best, quarter, median, three_quarters}, in values of the
 * objective, null where trials without a result come.
 */
void report_importance(const struct results *r, enum goal goal, uint64_t seed,
		       cJSON *object);
