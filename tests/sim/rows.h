#pragma once

/*
 * The store: what is committed, and beside it what the oracles have seen of a
 * row that may not be committed yet.
 */
#include "core/effect.h"
#include "program.h"

struct sim;

struct attempt_row {
	struct attempt_record rec;
	int64_t offset_before;         /* before the latest commit */
	bool was_stopped;              /* before the latest commit */
	size_t n_before;               /* metrics of its curve at its launch */
	uint64_t commit;               /* the latest that wrote it */
	int epoch;                     /* the daemon that made it */
	struct metric_record *metrics; /* of this rec.curve, as saved */
	size_t n_metrics, cap_metrics;
};

struct trial_row {
	struct trial_record rec;
	uint64_t commit; /* the latest that wrote it; 0: none yet */
	struct attempt_row *attempts; /* attempts[i].rec.number == i + 1 */
	size_t n_attempts;
	struct output output;
	enum trial_state state_before; /* before the latest commit */
	bool was_paused;               /* likewise */
	/* As of the latest step, committed or not; -1: nothing seen. */
	int seen;
	int64_t seen_attempt;
	int seen_attempt_state;
	int64_t search, number; /* known since its first step */
	struct cell *config;
	uint64_t history;       /* of all configurations up to its own */
	unsigned symptoms;      /* saved: bits of enum symptom_kind */
	uint64_t found;         /* hash of what ailed it at the latest commit */
	uint64_t retried_after; /* bit k: attempt k + 1 was the user's wish */
};

struct search_row {
	struct search_record rec;
	struct search_spec *spec; /* the oracles' own copy */
	uint64_t commit;
	uint64_t behaviour; /* seed of its programs */
	uint64_t file;      /* hash of its text */
	bool learns;        /* its sampler */
	int seen;           /* state as of the latest step; -1: none */
};

struct event_row {
	struct event_record rec; /* kind, text and data are copies */
	uint64_t commit;
};

struct rows {
	struct search_row **searches; /* id - 1 */
	struct trial_row **trials;    /* id - 1 */
	struct event_row *events;
	size_t n_searches, n_trials, n_events;
	size_t cap_searches, cap_trials, cap_events;
	uint64_t commits;
};

/* New rows come into being when a step first shows them (commit is 0 then). */
struct search_row *rows_search(struct rows *r, int64_t id);
struct trial_row *rows_trial(struct rows *r, int64_t id);
/* NULL unless it is committed. */
struct attempt_row *rows_attempt(const struct rows *r, int64_t trial,
				 int64_t number);
/*
 * The attempt that tells of a run: the latest one of a run that is over, the
 * very latest one of that which is not. NULL: none.
 */
const struct attempt_row *rows_latest(const struct trial_row *t, int64_t run);
void rows_save(struct sim *sim, const struct effect *e);
/* A crash: what was seen but not committed never was. */
void rows_roll_back(struct rows *r);
void rows_free(struct rows *r);
bool search_row_is_open(const struct rows *r, const struct search_row *s);
/* The trial @number of @search that a step has shown, or NULL. */
struct trial_row *rows_known(const struct rows *r, int64_t search,
			     int64_t number);
/* How many trials of @search are committed. */
int64_t rows_count(const struct rows *r, int64_t search);

/* Where the metrics of the attempt are stored. */
const struct attempt_row *rows_curve(const struct attempt_row *a);

/* The objective's points of an attempt, by step, the last value of a step. */
struct points {
	struct metric_record *list;
	size_t n;
};

void rows_points(const struct attempt_row *a, const char *name,
		 struct points *ret);
