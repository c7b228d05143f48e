#pragma once

/*
 * The C image of the tables: what the core has saved and the store writes.
 *
 * Points in time are ms since the epoch (`_ms`); what decides (deadlines) are
 * ms of CLOCK_MONOTONIC of the boot `boot_id` (`_boot_ms`), so that a changed
 * clock changes no decision.
 */
#include "schema/names.h"

#include <stdbool.h>
#include <stdint.h>

#define REASON_BYTES  64
#define TOKEN_BYTES   33 /* 128 bits in hex and a NUL */
#define BOOT_ID_BYTES 37

struct search_record {
	int64_t id;
	char *name;
	char *key;     /* the client's, so that a retry never submits twice */
	char *spec;    /* the text of the search file */
	char *workdir; /* absolute */
	char *environ; /* JSON array of "NAME=value" */
	char *metric;  /* of the spec, for the views */
	enum goal goal;
	enum search_state state;
	char reason[REASON_BYTES];
	int64_t trials_max; /* 0: until the sampler is exhausted */
	uint64_t cursor;    /* index of the sampler's next point */
	int64_t created_ms;
	int64_t created_boot_ms;
	char boot_id[BOOT_ID_BYTES];
	int64_t ended_ms; /* 0: not yet */
	int64_t until_ms; /* "until" of its file; 0: none */
	int64_t used_ms;  /* ended attempts: time each, times its slots */
	/* Had ended, and was set going again then: "until" and "stop" hold no
	 * more, and max_time began anew; 0: not. */
	int64_t reopened_ms;
};

/*
 * Population based training: a trial is one generation of a member. It goes on
 * from the checkpoint of its parent, which is of the generation before.
 */
struct lineage {
	int64_t generation; /* 1, 2, ...; 0: the trial is of no member */
	int64_t member;     /* 0, 1, ... */
	int64_t parent;     /* number of a trial; of the first: meaningless */
};

static inline bool lineage_has_parent(const struct lineage *l)
{
	return l->generation > 1;
}

struct trial_record {
	int64_t id; /* over all searches */
	int64_t search;
	int64_t number; /* 0, 1, ... within the search */
	enum trial_state state;
	char reason[REASON_BYTES];
	enum origin origin;
	uint64_t cursor; /* index of the sampler's point, if from the sampler */
	struct lineage lineage;
	char *params; /* JSON; NULL in an update: unchanged */
	bool has_value;
	enum value_kind kind;
	double value; /* meaningful if finite */
	bool has_error;
	double error;     /* standard error of the value, a mean of runs */
	int64_t runs;     /* that are over; the next one's number */
	int64_t tries;    /* attempts at the run that is not */
	int64_t steps;    /* of the objective reported by the latest run */
	int64_t attempts; /* number of the latest attempt; 0: none yet */
	int64_t created_ms, started_ms, ended_ms; /* 0: not yet */
};

/* How an attempt ended; what the kind does not name is 0. */
struct outcome {
	enum outcome_kind kind;
	int code;
	int signal;
	bool core;
	int error;                  /* errno */
	char what[16];              /* "execve", "chdir", ... */
	int64_t user_ms, system_ms; /* CPU time of the process tree */
	int64_t memory_bytes;       /* largest resident set */
	int64_t elapsed_ms;         /* as the shim saw it; not stored */
	int64_t ended_ms;           /* 0: not known */
};

struct attempt_record {
	int64_t trial;  /* trial_record.id */
	int64_t number; /* 1, 2, ... */
	int64_t run;    /* of the trial: 0, 1, ... */
	int64_t curve;  /* attempt that its metrics are stored under */
	enum attempt_state state;
	bool has_result; /* it has ended its run */
	double result;   /* of the run; finite */
	char token[TOKEN_BYTES];
	char boot_id[BOOT_ID_BYTES];
	int64_t pid;                         /* of the shim; 0: none yet */
	int64_t started_ms, started_boot_ms; /* 0: not yet */
	char stop_reason[REASON_BYTES]; /* "" unless stopping was decided */
	int64_t kill_boot_ms; /* SIGKILL is due; 0: no SIGTERM so far */
	struct outcome outcome;
	int64_t start_offset; /* of output.log when the attempt was launched */
	int64_t offset;       /* up to here output.log has been read */
	char *reader;         /* state of the reader at `offset`; JSON */
};

struct metric_record {
	const char *name; /* borrowed */
	int64_t step;
	enum value_kind kind;
	double value;   /* meaningful if finite */
	int64_t run_ms; /* from the start of its attempt; 0: not known */
};

/* One of what ails a trial; see why/symptoms.h. */
struct symptom_record {
	enum symptom_kind kind;
	double strength; /* (0, 1] */
	int64_t step;
	char *text;         /* one sentence with the numbers */
	const char *advice; /* what to try */
	char *data;         /* the numbers, JSON */
};

/* Why something happened: one sentence, and the numbers as a JSON object. */
struct event_record {
	int64_t search;
	int64_t trial; /* trial_record.id, or 0 */
	int64_t time_ms;
	const char *kind; /* "stop", "retry", "lost", "adopted", ... */
	char *text;
	char *data; /* JSON, or NULL */
};
