#pragma once

/*
 * Why a configuration was chosen, as it is kept with its trial: one sentence
 * for people, and the numbers for whoever reads the view events.
 */
#include "search/sampler.h"

/*
 * Trial @number, @distance away, joins the nearest ones if it is among them; of
 * equally distant ones the first stays.
 */
void rationale_add_nearest(struct rationale *r, size_t number, double distance,
			   double value);

/* New. */
char *rationale_text(const struct search_spec *spec, const struct rationale *r);
/*
 * New: a JSON object. Numbers have six digits, and what is not known is left
 * out: why, observations, pending, best, mean, low, high, noise, feasible,
 * seconds, regret, exploration, nearest [{trial, distance, value}], relevance
 * {parameter: share}; with pbt generation, member, parent, its value, rank of
 * ranked, own_value, own_rank, changes {parameter: words}.
 */
char *rationale_data(const struct search_spec *spec, const struct rationale *r);
