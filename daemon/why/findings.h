#pragma once

/*
 * What a whole search shows: where the values of its parameters meet what ails
 * its trials, and what to change in its file. Pure.
 *
 * A finding is a sentence that a test supports, but for the last two kinds.
 * Each kind tries many things in one search, so its test is corrected for their
 * number (Bonferroni): where there is nothing to find, a kind finds something
 * in at most one of 20 searches.
 *
 *   symptom      trials with a symptom, or that failed, have certain values:
 *                the rank-sum test, or Fisher's exact test of a choice
 *   edge         the best trial, and too many of the best (the binomial
 *                distribution), lie at an end of a range, and it is better
 *                there than beside it (the rank-sum test)
 *   wide         the best lie in a small part of a range (the range of uniform
 *                draws), and are better than the others (the rank-sum test)
 *   choice       no trial with it came near the best (the best rank of so many
 *                drawn trials)
 *   interaction  what one parameter does depends on another (the contrast of
 *                four groups' normal scores)
 *   longer       the best trials were still improving when they ended
 *   noise        nearly equal configurations differ by more than the best do
 */
#include "why/results.h"

#include "schema/names.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define FINDINGS_TRIALS 20 /* with a finite result; else only symptoms */
#define FINDINGS_GROUP  5  /* trials that a statement is about, at least */

struct trial_facts {
	int64_t number;    /* of the trial in its search */
	uint32_t symptoms; /* bits 1 << enum symptom_kind */
	bool has_failed;
};

struct search_facts {
	/* Of results.n trials; configs and facts go on with trials without. */
	struct results results;
	const struct trial_facts *facts; /* [n] */
	size_t n;
	const char *metric;
	enum goal goal;
	/*
	 * The sampler learns: its trials lie where it expected good results,
	 * and got better with time whatever each parameter did. So nothing is
	 * said of what needs trials that were drawn: wide, choice and
	 * interaction.
	 */
	bool learns;
};

struct finding {
	const char *kind;
	char *text;   /* one sentence, or two, with the numbers */
	char *advice; /* what to try, a sentence */
	cJSON *data;  /* the numbers, an object */
	/*
	 * NULL, or what to change in the search file: "parameter", and of it
	 * the new "min", "max" or "value", or the choice to go "without".
	 */
	cJSON *change;
};

struct findings {
	struct finding *list; /* the most useful first */
	size_t n;
};

/* Free with findings_fini(). */
void findings_find(const struct search_facts *f, struct findings *ret);
void findings_fini(struct findings *f);

/* An array of {finding, text, try, data, change}; new. */
cJSON *findings_json(const struct findings *f);
