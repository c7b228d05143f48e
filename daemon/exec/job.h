#pragma once

/*
 * One attempt in the executor's hands, from its launch or its adoption to its
 * end. local.c keeps the jobs and gives them their turns; job.c is what a job
 * does in its turn. Nobody else looks inside.
 *
 *   launch -> FAILED                                  -> spawn_failed
 *          -> SPAWNED -> WAITING -go-> LIVE --+
 *   adopt  -> PROBING ---------------> LIVE --+- shim gone -> SWEEPING
 *                     \- shim gone ----------+            -> DRAINING
 *                                                         -> ENDED -> ended
 *
 * A step does one thing and tells at most one piece of news, last, since
 * whoever hears it may call anything, executor_close() too.
 */
#include "base/container.h"
#include "exec/executor.h"
#include "exec/follow.h"

#include <sys/queue.h>
#include <sys/resource.h>

enum job_state {
	JOB_FAILED,
	JOB_SPAWNED, /* a shim is started; that is to be told */
	JOB_WAITING, /* for the core to open the gate */
	JOB_LIVE,    /* the output is followed */
	JOB_PROBING, /* is there a shim? */
	JOB_SWEEPING,
	JOB_DRAINING,
	JOB_ENDED,
};

struct job {
	struct executor *x;
	TAILQ_ENTRY(job) all;
	TAILQ_ENTRY(job) ready;
	bool is_ready; /* in x->ready */
	enum job_state state;
	struct attempt_id id;
	char token[TOKEN_BYTES];
	char *dir;
	char *file; /* path of the attempt's file */
	struct follow output;

	pid_t pid; /* of the shim, to be told */
	int pidfd; /* -1: no shim is known */
	int gate;  /* -1: closed */
	uv_poll_t poll;
	bool has_poll;
	bool gone;            /* the shim has ended */
	bool started;         /* the gate was open */
	bool terminate, kill; /* once the shim is known */
	bool terminated;      /* and nobody was told */
	bool copies;          /* a checkpoint; that it has is to be told */

	int error; /* failed: errno; gone: exit status of our shim, or -1 */
	const char *what;
	uint64_t since; /* probing, draining: uv_now() */
	char *boot_id;  /* probing: of its start */
	struct outcome outcome;
};

TAILQ_HEAD(jobs, job);

struct executor {
	uv_loop_t *loop;
	char *shim;
	struct executor_callbacks news;
	uv_timer_t tick;
	uv_idle_t turn;
	struct jobs jobs;
	struct jobs ready;
	size_t n_ready;
	struct follow_batch batch;
	struct buf reader; /* its state, of the latest step */
	char boot_id[BOOT_ID_BYTES];
	struct rlimit descriptors; /* that trials are given */
	unsigned live;             /* open handles */
	bool paused;
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* --- job.c ---------------------------------------------------------------- */

/* Each leaves the first step to be made. */
void job_launch(struct executor *x, const struct launch *launch);
void job_adopt(struct executor *x, const struct adopt *adopt);

void job_go(struct job *j);
/* SIGTERM or SIGKILL, to what has been or will be started. */
void job_stop(struct job *j, int signal);
void job_step(struct job *j);
/* Closes what @j holds; it is freed at once or when its handle is closed. */
void job_free(struct job *j);
/* True while a job has to look around by itself. */
bool job_needs_tick(const struct job *j);

/* --- local.c -------------------------------------------------------------- */

/* @j has its step in the next turn of the loop. */
void executor_wake(struct job *j);
/* Someone needs ticks. */
void executor_tick(struct executor *x);
/* A handle is open, or closed: executor_close() waits for the last. */
void executor_hold(struct executor *x);
void executor_put(struct executor *x);
/* @j is over: job_free(). */
void executor_forget(struct job *j);
