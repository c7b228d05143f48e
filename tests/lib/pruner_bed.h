#pragma once

/* A search with trials whose reports go to its early-stopping rule. */
#include "check_main.h"
#include "search/pruner.h"

#define MOST_TRIALS 16

/* A search with its trials, as the core keeps them. */
struct bed {
	struct search_spec spec;
	struct pruner *pruner;
	struct curve curves[MOST_TRIALS];
	struct pruner_trial *trials[MOST_TRIALS];
	int64_t ms;             /* when the next report is made */
	struct verdict verdict; /* of the last report */
};

/* Of a search whose metric is val_loss, with a patience of 3. */
struct search_spec bed_spec(enum pruner_type type, int64_t min_steps,
			    int64_t min_trials);

void bed_init(struct bed *b, struct search_spec spec);
void bed_fini(struct bed *b);

/* Returns the reason to stop, "" if there is none. */
const char *bed_report(struct bed *b, size_t trial, int64_t step, double value);

#define goes_on(b, trial, step, value)                                         \
	ck_assert_str_eq(bed_report(b, trial, step, value), "")
#define stops(b, trial, step, value, reason)                                   \
	ck_assert_str_eq(bed_report(b, trial, step, value), reason)

/* A number of the last verdict's data. */
double bed_datum(const struct bed *b, const char *name);

void bed_end(struct bed *b, size_t trial, enum trial_state state);

/* 0 to @n - 1, the same in each run. */
uint64_t bed_random(uint64_t n);

/* Steps of different kinds: common ones, own strides, anything, repeats. */
int64_t bed_random_step(size_t trial, int kind, const struct curve *c);
