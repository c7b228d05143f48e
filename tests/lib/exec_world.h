#pragma once

/*
 * A loop, an executor with the real shim, a directory of its own and a note of
 * all news: what the executor's tests run in. Trials are programs of trial.c;
 * each is attempt 1 of a trial that is named by a small number.
 */
#include "exec/executor.h"

#include "schema/buf.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define TRIALS 64
#define NAMES  8

/* What has been told of one attempt. */
struct told {
	int spawned, failed, adopted, terminated, copied, ended;
	int64_t term_ms, started_ms;
	int64_t pid;
	int64_t begin; /* of its output */
	int error;
	char what[32];
	struct outcome outcome;
	int64_t offset;
	char reader[256];
	int n_metrics;
	char names[NAMES][16]; /* the first metrics, and the latest */
	double values[NAMES];
	double latest;
	int n_loss; /* metrics named loss, which count up from 0 */
	bool loss_is_in_order;
	int pidfd; /* of metric "pid": the leader */
	int pidfd_of_grandchild;
};

struct world {
	uv_loop_t loop;
	struct executor *x;
	bool closed;
	bool close_at_end; /* call executor_close() from inside `ended` */
	char dir[32];
	const char *from; /* launch.from of all launches */
	struct told told[TRIALS];
};

/* Runs the loop until @condition is true: by news, never by time alone. */
#define WAIT(w, condition)                                                     \
	while (!(condition))                                                   \
	ck_assert_msg(uv_run(&(w)->loop, UV_RUN_ONCE) != 0 || (condition),     \
		      "nothing is left that could make true: %s", #condition)

/* The environment of a trial: HPS_TOKEN of world_token(), and this. */
#define PATH      "PATH=/nowhere:/bin:/usr/bin"
#define ARGV(...) ((const char *const[]){ TRIAL, __VA_ARGS__, NULL })

void world_init(struct world *w);
/* Closes all; nothing may be left open, unfreed or unreaped. */
void world_fini(struct world *w);
/* Another daemon's life: the executor alone goes and comes. */
void world_open(struct world *w);
void world_close(struct world *w);
void world_on_closed(void *ctx); /* for executor_close() */

struct attempt_id world_id(int trial);
/* New. */
char *world_token(int trial);
char *world_dir(const struct world *w, int trial);
char *world_path(const struct world *w, int trial, const char *name);
void world_make_dir(const struct world *w, int trial);
/* Another process, to be reaped, that holds the lock on the attempt's file. */
pid_t world_hold_lock(const struct world *w, int trial);

/* Starts no waiting. */
void world_launch_in(struct world *w, int trial, const char *const *argv,
		     const char *workdir, int64_t memory_bytes);
/* Until the shim waits at its gate. */
void world_launch(struct world *w, int trial, const char *const *argv);
/* And opens the gate. */
void world_start(struct world *w, int trial, const char *const *argv);
/* And until the end. */
const struct outcome *world_run(struct world *w, int trial,
				const char *const *argv);

/* Of this boot, from the beginning of the log. */
void world_adopt(struct world *w, int trial);
void world_adopt_as(struct world *w, int trial, const char *token,
		    const char *boot_id, int64_t offset, const char *reader);

void told_reset(struct told *t);
void world_read_file(const char *path, struct buf *ret);
void world_read_log(const struct world *w, int trial, struct buf *ret);
void world_write_file(const char *path, const char *text);
bool pidfd_is_dead(int pidfd);
/* How many are open here. */
int world_descriptors(void);
