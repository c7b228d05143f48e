#pragma once

/*
 * Runs attempts: starts their shims, opens their gates, follows their output,
 * passes signals on, tells their ends, and finds them again after a restart
 * (the protocols are told in ARCHITECTURE.md, "The life of one trial").
 *
 * Everything comes back through the callbacks, from the loop, never from
 * inside a call. The executor decides nothing: which attempts there are, and
 * what becomes of them, is the core's.
 *
 * Owner: the server. Loop thread only.
 */
#include "schema/reader.h"
#include "schema/record.h"
#include "schema/search.h"

#include <stddef.h>
#include <uv.h>

struct executor;

struct attempt_id {
	int64_t trial; /* trial_record.id */
	int64_t number;
};

struct launch {
	struct attempt_id id;
	const struct search_spec *spec; /* borrowed until the end is told */
	const char *dir; /* the trial's directory, made if missing */
	/*
	 * What its checkpoint is to be a copy of, unless it has one: a path
	 * from that directory on; NULL: it begins with an empty one.
	 */
	const char *from;
	const char *token;
	const char *params;  /* content of params.json */
	const char *workdir; /* absolute */
	char *const *argv;
	char *const *environ;
	int64_t memory_bytes;
};

/* What to do about an attempt of an earlier daemon. */
struct adopt {
	struct attempt_id id;
	const struct search_spec *spec; /* borrowed until the end is told */
	const char *dir;
	const char *token;
	const char *boot_id; /* of its start */
	int64_t offset;
	const char *reader; /* state, or NULL */
	bool copies;        /* it was launched with a launch.from */
};

struct executor_output {
	const struct metric_record *metrics;
	size_t n;                       /* may be 0 */
	const struct reader_note *note; /* or NULL */
	int64_t offset;     /* of output.log: the end of what was read */
	const char *reader; /* its state there */
	bool is_rest;       /* read after the end: nothing is left to stop */
};

struct executor_callbacks {
	void *ctx;
	/*
	 * A shim waits at its gate. The attempt's output begins at @offset, the
	 * end of output.log as it is (an earlier attempt's output stays in it).
	 */
	void (*spawned)(void *ctx, struct attempt_id id, int64_t pid,
			int64_t offset);
	/*
	 * No shim came to be. @error: errno; EAGAIN, ENOMEM, EMFILE, ENFILE and
	 * ENOSPC may pass.
	 */
	void (*spawn_failed)(void *ctx, struct attempt_id id, int error,
			     const char *what);
	/*
	 * Metrics, in the order of the output, to be saved in one transaction
	 * with the offset.
	 */
	void (*output)(void *ctx, struct attempt_id id,
		       const struct executor_output *output);
	/*
	 * The attempt is over: all its output has been told, no process of it
	 * is left, the executor has forgotten it. OUTCOME_NEVER_STARTED: it may
	 * be launched again.
	 */
	void (*ended)(void *ctx, struct attempt_id id,
		      const struct outcome *outcome);
	/*
	 * An adopted attempt lives; its output and its end will be told.
	 * @term_ms: of CLOCK_MONOTONIC, when an earlier daemon terminated it;
	 * 0: none has. It is what somebody has written into a file.
	 */
	void (*adopted)(void *ctx, struct attempt_id id, int64_t pid,
			int64_t term_ms);
	/* executor_terminate() has reached it. */
	void (*terminated)(void *ctx, struct attempt_id id);
	/*
	 * Of a launch with a `from`, also after its adoption: the command has
	 * been started, at @started_ms of CLOCK_MONOTONIC by what is written in
	 * a file. Before that, nothing of it has run.
	 */
	void (*copied)(void *ctx, struct attempt_id id, int64_t started_ms);
};

/*
 * @shim: path of hpsd-shim. Returns 0 with a new executor, or -errno.
 */
int executor_new(uv_loop_t *loop, const char *shim,
		 const struct executor_callbacks *callbacks,
		 struct executor **ret_executor);

/*
 * Lets go of all attempts, which live on, and closes every handle; @closed is
 * called once when the last is closed and the executor freed.
 */
void executor_close(struct executor *x, void (*closed)(void *ctx), void *ctx);

/* -> spawned or spawn_failed */
void executor_launch(struct executor *x, const struct launch *launch);
/* Opens the gate of a spawned attempt. -> output ..., ended */
void executor_go(struct executor *x, struct attempt_id id);
/*
 * SIGTERM and SIGCONT to the process group. An attempt that is gone is fine.
 * -> terminated, unless it is
 */
void executor_terminate(struct executor *x, struct attempt_id id);
/* SIGKILL to every process of the attempt. An attempt that is gone is fine. */
void executor_kill(struct executor *x, struct attempt_id id);
/* -> adopted or ended */
void executor_adopt(struct executor *x, const struct adopt *adopt);

/*
 * No news until executor_resume(): output stays in its files, ends in those of
 * the shims. What it is told to do it does.
 */
void executor_pause(struct executor *x);
void executor_resume(struct executor *x);

/* This boot's id (/proc/sys/kernel/random/boot_id). Returns 0 or -errno. */
int executor_boot_id(char ret_id[BOOT_ID_BYTES]);
