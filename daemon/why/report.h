#pragma once

/* What all trials of a search say together, as JSON: the method "why". */
#include "why/findings.h"

#include <cjson/cJSON.h>

/*
 * Puts into @object
 *   trials      how many there are, and with_result of them
 *   symptoms    an object: how many trials have each, the most first; as
 *               symptoms_counted() says
 *   findings    as findings_json() tells them
 *   note        what is not judged, and why; or null
 *   importance  an array of {parameter, share, low, high, chance, trials,
 *               scale, curve}, the most important first. Parameters of which
 *               nothing is known have no share, and follow in the order of the
 *               file. curve: {low and high, or value where it is one, trials,
 *               best, quarter, median, three_quarters} in values of the
 *               objective, null where trials without a result come
 *   unknown     why there are no shares, or null
 */
void report(const struct search_facts *f, uint64_t seed, cJSON *object);
