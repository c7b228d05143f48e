#pragma once

/*
 * What happens to the core. Time comes inside the event, so that the core
 * never asks a clock.
 */
#include "schema/reader.h"
#include "schema/record.h"
#include "schema/search.h"

#include <stddef.h>
#include <stdint.h>

struct moment {
	int64_t now_ms;  /* since the epoch: for people */
	int64_t boot_ms; /* CLOCK_MONOTONIC: for deadlines */
};

enum event_type {
	/* Commands of a client: `search`, and `number` where it is a trial's.
	 */
	EV_SUBMIT,
	EV_PAUSE,
	EV_RESUME,
	EV_CANCEL,
	EV_EXTEND,
	EV_ADD,
	EV_IMPORT,
	EV_KILL,
	EV_RETRY,
	/* The executor's news: `trial` (trial_record.id), `attempt`. */
	EV_SPAWNED,
	EV_SPAWN_FAILED,
	EV_OUTPUT,
	EV_ENDED,
	EV_ADOPTED,
	EV_TERMINATED,
	EV_COPIED,
	/* The answer to FX_SUGGEST, of `search`. */
	EV_SUGGESTED,
	/* Time has passed: a deadline may be due. */
	EV_TICK,
	/* No further launches; with `kill` running trials are stopped. */
	EV_SHUTDOWN,
};

/* A trial that ran elsewhere: done, pruned or failed. */
struct import_row {
	struct cell *config; /* [space->n], activated */
	enum trial_state state;
	char reason[REASON_BYTES];
	bool has_value;
	enum value_kind kind;
	double value; /* meaningful if finite */
	/* Of a mean of as many runs as those of the search: how many; or 0. */
	int64_t runs;
	bool has_error;
	double error;
};

struct event {
	enum event_type type;
	struct moment at;
	int64_t search;
	int64_t number;
	int64_t trial;
	int64_t attempt;
	union {
		struct {
			struct search_spec *spec; /* taken, also on refusal */
			const char *name, *key, *text, *workdir, *environ;
			int64_t until_ms; /* of spec->until; 0: none */
		} submit;
		struct {
			int64_t trials;
		} extend;
		struct {
			const struct cell *config;
		} add;
		struct {
			const struct import_row *rows; /* [n], n > 0 */
			size_t n;
			const char *source; /* in words: "old.csv" */
			const char *data;   /* JSON, for the event's row */
		} import;
		struct {
			int64_t pid;
			int64_t offset;
		} spawned;
		struct {
			int error;
			const char *what;
		} spawn_failed;
		struct {
			int64_t pid;
			int64_t term_ms; /* as moment.boot_ms; 0: not */
		} adopted;
		struct {
			int64_t started_ms; /* as moment.boot_ms */
		} copied;
		struct {
			const struct metric_record *metrics;
			size_t n;
			const struct reader_note *note; /* or NULL */
			int64_t offset;
			const char *reader;
			bool is_rest; /* of an attempt that is over */
		} output;
		struct {
			struct sampler *sampler; /* taken */
			struct proposal *list;   /* their insides are taken */
			size_t n;
		} suggested;
		const struct outcome *outcome;
		bool kill;
	};
};
