#pragma once

/*
 * The state machines of searches, trials and attempts. Pure: one event in,
 * effects out; no clock, no I/O, no log.
 *
 * The core holds the searches that have something left to do. An ended search
 * leaves it with core_settle(); a command that wakes it has it loaded again.
 *
 * Owner: the server. Not thread-safe.
 */
#include "core/effect.h"
#include "core/event.h"
#include "search/pruner.h"
#include "why/symptoms.h"

struct core;

struct core_options {
	int64_t slots;
	char boot_id[BOOT_ID_BYTES];
	uint64_t token_seed; /* random: makes the tokens of this daemon */
	int64_t last_search, last_trial; /* highest ids in the database */
};

enum core_answer {
	CORE_NOT_FOUND = 1,
	CORE_CONFLICT,  /* not in this state; the fault says what to do */
	CORE_BAD_INPUT, /* a value is wrong */
};

struct core *core_new(const struct core_options *options);
void core_free(struct core *c);

/*
 * Consumes one event and appends effects. Returns 0, or an answer to a command
 * with its words in @reterr (nothing has changed then). The executor's news
 * and ticks always return 0.
 */
int core_step(struct core *c, const struct event *ev, struct effects *fx,
	      struct diag *reterr) __attribute__((warn_unused_result));

/* When EV_TICK is due, in ms of CLOCK_MONOTONIC; INT64_MAX: never. */
int64_t core_next_deadline(const struct core *c);

/*
 * All effects so far have been carried out and cleared: frees what has ended.
 */
void core_settle(struct core *c);

/*
 * Loading, from the database: a search, its trials by number, the open
 * attempts, the objective's values by trial number, run and step, the other
 * metrics of trials that run, in any order, what ails the trials,
 * core_load_end().
 * Rows that make no sense are answered with -EBADMSG, their fault in @reterr;
 * core_unload() drops what was loaded of the search until then.
 */
int core_load_search(struct core *c, const struct search_record *r,
		     struct diag *reterr) __attribute__((warn_unused_result));
int core_load_trial(struct core *c, const struct trial_record *r,
		    struct diag *reterr) __attribute__((warn_unused_result));
int core_load_attempt(struct core *c, int64_t search,
		      const struct attempt_record *r, struct diag *reterr)
    __attribute__((warn_unused_result));
int core_load_value(struct core *c, int64_t search, int64_t trial, int64_t run,
		    const struct metric_record *m)
    __attribute__((warn_unused_result));
int core_load_symptom(struct core *c, int64_t search, int64_t trial,
		      enum symptom_kind kind)
    __attribute__((warn_unused_result));
void core_load_end(struct core *c, int64_t search);
/* Drops a search that could not be loaded whole. */
void core_unload(struct core *c, int64_t search);

/*
 * After the loads at start: has open attempts adopted and launches what there
 * is room for.
 */
void core_start(struct core *c, const struct moment *at, struct effects *fx);
/* The same of one search that was loaded later; the next event launches. */
void core_start_one(struct core *c, int64_t search, const struct moment *at,
		    struct effects *fx);

/* --- reading ---------------------------------------------------------------
 */

struct core_progress {
	const struct search_record *search;
	const struct search_spec *spec;
	int64_t counts[NAMES_TRIAL_STATES_N];
	int64_t paused;  /* of the queued ones: until they are among the best */
	int64_t created; /* trials so far */
	int64_t left;    /* trials still to come; -1: not known */
	int64_t choosing; /* of these, those that the sampler is asked for */
	const struct trial_record *best; /* done, finite; or NULL */
	double seconds;                  /* since the submit */
	double left_seconds;             /* an estimate; NaN: none yet */
	int64_t used_ms; /* slots times ms; 0 if it has no cost */
	/* Trials with each symptom; of one that is healthy only that. */
	int64_t symptoms[NAMES_SYMPTOMS_N];
};

bool core_has_search(const struct core *c, int64_t search);
/* The search must be held (core_has_search). */
void core_progress(const struct core *c, int64_t search,
		   const struct moment *at, struct core_progress *ret);

/* The search must be held and have that trial. */
enum trial_state core_trial_state(const struct core *c, int64_t search,
				  int64_t number);
/* What ails a trial now that runs: symptoms_fini(). False: it does not run. */
bool core_symptoms(const struct core *c, int64_t search, int64_t number,
		   struct symptoms *ret);

/* The search that was submitted last. */
void core_newest(const struct core *c, const struct moment *at,
		 struct core_progress *ret);

struct core_load {
	int64_t slots, slots_used;
	int64_t searches; /* running or paused */
	int64_t running;  /* attempts that are not over */
};

void core_load_now(const struct core *c, struct core_load *ret);

struct core_running {
	int64_t number; /* of the trial */
	int64_t run;    /* that is on */
};

/*
 * The trials of a search that is held whose attempts are not over, by number,
 * at most @max of them; returns how many.
 */
size_t core_running(const struct core *c, int64_t search, size_t max,
		    struct core_running *ret,
		    const struct search_spec **ret_spec);

/*
 * What is foretold of a running trial of a search that is held; false: there
 * is no such trial, or nothing is foretold of it.
 */
bool core_foretell(const struct core *c, int64_t search, int64_t number,
		   struct foretold *ret);

/*
 * Why the search is not doing more than it does, in a sentence appended to
 * @ret_text ("waits for a free slot: ...").
 */
void core_explain(const struct core *c, int64_t search, struct buf *ret_text);
