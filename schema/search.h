#pragma once

/*
 * A search file (hpsd-search(5)): parsed, checked, with every default filled
 * in. The client parses it before it sends the text, the daemon again.
 */
#include "schema/diag.h"
#include "schema/names.h"
#include "schema/space.h"
#include "schema/until.h"

#include <stdbool.h>
#include <stdint.h>

struct env_entry {
	char *name;
	char *value; /* with placeholders */
};

struct early_stopping {
	enum pruner_type type;
	/* Its steps are seconds since the run began, not those reported. */
	bool in_seconds;
	/*
	 * Reports of a trial before it may be stopped; forecast: the first
	 * step; funnel, asha, hyperband: the first rung, 0: from the length of
	 * trials.
	 */
	int64_t min_steps;
	/* median: trials that reached the step; percentile: completed ones */
	int64_t min_trials;
	double percentile; /* percentile: of the others' values, 0 to 100 */
	int64_t eta;       /* asha, hyperband: one in so many goes on; > 1 */
	double keep; /* funnel: share that goes on at the first rung; (0, 1] */
	double probability; /* forecast: below which it is stopped; (0, 1] */
	/* forecast, funnel, asha, hyperband: of a whole trial; 0: unknown */
	int64_t max_steps;
	int64_t patience; /* patience: reports without improvement */
	double min_delta; /* patience: what counts as one; >= 0 */
	bool has_min, has_max;
	double min, max; /* threshold: the objective must stay inside */
	double p;        /* wilcoxon: of a race that is lost, at most */
	/* any: its rules, none of which is "any"; 1 to LIMIT_RULES */
	struct early_stopping *rules;
	size_t n_rules;
};

/* What ends a search before its trials are used up; 0: nothing. */
struct stop_rules {
	int64_t plateau; /* trials in a row without an improvement */
	double regret;   /* gp: bound on what is left to gain, in noises */
	int64_t cost_ms; /* slots x time of all attempts */
};

/*
 * The runs of a trial are the same with more and more of what it takes, such as
 * epochs: min eta^k as long as that is below max, then max. With pbt these are
 * generations, trials of their own: min k as long as that is below max, then
 * max.
 */
struct budget {
	char *name;        /* NULL: the search has none */
	int64_t min, max;  /* 1 or more; min is below max */
	int64_t eta;       /* one trial in so many gets the next one; > 1 */
	bool has_brackets; /* hyperband: some begin with more than min */
};

struct search_spec {
	char *name;
	char **command; /* argv with placeholders, NULL-ended */
	char *workdir;  /* as written; "." if left out */
	struct env_entry *env;
	size_t n_env;

	char *metric; /* name of the objective */
	enum goal goal;
	enum result_rule result;
	char *step_metric;  /* metric.step: further step name, or NULL */
	char *train_metric; /* metric.train: the training curve, or NULL */
	bool has_target;
	double target;
	char **patterns; /* NULL-ended, or NULL: name=value pairs */

	struct space *space;
	struct cell *start; /* [n_start][space->n] what is tried first */
	size_t n_start;
	enum sampler_type sampler;
	bool
	    is_auto; /* the sampler was chosen by the file's space and trials */
	uint64_t seed;
	bool shuffle;          /* grid: order shuffled by the seed */
	bool allow_duplicates; /* run equal configurations again */
	/* pbt: members; each trial is a generation of one. Else 0 */
	int64_t population;
	bool per_second; /* gp: objective_per: improvement for the time spent */
	struct early_stopping early_stopping;

	int64_t trials;   /* 0: until the grid is exhausted */
	int64_t runs;     /* of a trial: folds, repeats, budgets; else 1 */
	int64_t runs_min; /* further ones only where nothing better is known */
	bool has_folds;   /* the runs are folds */
	bool resumes;     /* the command goes on from its {checkpoint} */
	struct budget budget;
	int64_t parallel;    /* 0: as many as fit */
	int64_t timeout_ms;  /* of an attempt, so of a run; 0: none */
	int64_t max_time_ms; /* of the search; 0: none */
	struct until until;
	struct stop_rules stop;
	int64_t grace_ms; /* between SIGTERM and SIGKILL */
	int64_t retries;
	int64_t stop_on_failures; /* 0: never */
	int64_t cpus;
	int64_t memory_bytes; /* per process; 0: no limit */
};

/*
 * Parses and checks a search file. Returns 0 and a new spec (search_free()),
 * or 1 with every fault of the file, in the order of the text, in @reterr.
 */
int search_parse(const char *text, size_t len, struct search_spec **ret_spec,
		 struct diag *reterr) __attribute__((warn_unused_result));
/*
 * The same of a search that is asked and told by hand (hpsd-search(3)): "name",
 * "command", "metric", its "name", and "trials" may be missing; then the goal
 * is to minimize, and there are as many trials as a search may have.
 */
int search_parse_bare(const char *text, size_t len,
		      struct search_spec **ret_spec, struct diag *reterr)
    __attribute__((warn_unused_result));
void search_free(struct search_spec *spec);

/*
 * The rule of the search if it is of this @type, else the first such one of
 * its "any"; NULL: there is none.
 */
const struct early_stopping *search_rule(const struct search_spec *spec,
					 enum pruner_type type);

/*
 * True where the rule lets trials wait at a rung in place of stopping them:
 * asha or hyperband, within the one run of a command that resumes.
 */
bool search_rungs_pause(const struct search_spec *spec);

/*
 * What run @run of a trial, or with pbt what generation @run + 1, is given of
 * the budget, which the search has.
 */
int64_t search_level(const struct search_spec *spec, int64_t run);

/* pbt: how many there are of a member, the last with all of the budget. */
int64_t search_generations(const struct search_spec *spec);

/* True when @name may name a search: [A-Za-z0-9_.-]{1,64}, no - or . first. */
bool search_name_is_valid(const char *name);

/*
 * "90", "10m", "1h30m", "1.5d", "250ms": in ms, or -1 if it is no duration or
 * beyond LIMIT_DURATION_MS. The same for a number of seconds. Above 0 at least
 * 1.
 */
int64_t duration_parse(const char *text);
int64_t duration_ms(double seconds);

/* "512M", "2G", "1.5G" (1K is 1024) or bytes; -1 if it is no size. */
int64_t size_parse(const char *text);
