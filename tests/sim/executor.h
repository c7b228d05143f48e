#pragma once

/*
 * The executor: shims and the news of them. A process lives on its own; a run
 * is what a daemon knows of it and is gone with the daemon.
 */
#include "core/effect.h"
#include "program.h"

struct sim;

enum proc_state { PROC_WAITING, PROC_RUNNING, PROC_OVER };

/* A shim and its command. */
struct proc {
	char token[TOKEN_BYTES];
	int64_t search, trial, attempt, cpus;
	int boot;
	enum proc_state state;
	bool started;
	bool recorded;       /* its end is on the disk */
	int64_t gate_shut_t; /* ends never started then */
	int64_t launch_t, start_t, end_t;
	struct plan plan;
	size_t emitted;
	struct outcome outcome;
	int64_t term_t; /* NEVER: no SIGTERM so far */
};

enum run_phase {
	RUN_SPAWNING,
	RUN_WAITING,
	RUN_LIVE,
	RUN_PROBING,
	RUN_DRAINING,
};

/* The executor's side of an attempt; gone with the daemon. */
struct run {
	int64_t trial, attempt;
	char token[TOKEN_BYTES];
	char boot_id[BOOT_ID_BYTES];
	struct proc *proc; /* NULL: none (yet) */
	enum run_phase phase;
	int64_t wake_t;
	int error; /* of a spawn that fails */
	int64_t offset;
	bool wants_term, wants_kill; /* while probing */
	bool tells_term;
	bool copies; /* that it has is to be told */
	bool has_killed;
	struct outcome outcome;
};

struct executor {
	struct proc **procs;
	size_t n_procs, cap_procs;
	struct run *runs;
	size_t n_runs, cap_runs;
};

void executor_act(struct sim *sim, const struct effect *e);
/* When the next run has something to do. */
int64_t executor_next(const struct sim *sim);
/* Lets the run whose time has come make one move. */
void executor_move(struct sim *sim);
void executor_crash(struct sim *sim);
void executor_reboot(struct sim *sim);
/* Brings a process up to the present. */
void proc_update(struct sim *sim, struct proc *p);
struct run *executor_find(const struct sim *sim, int64_t trial,
			  int64_t attempt);
/* The latest process of a token, or NULL. */
struct proc *executor_proc(const struct sim *sim, const char *token);
/* The process of a token that got through its gate, or NULL. */
struct proc *executor_started(const struct sim *sim, const char *token);
void executor_free(struct executor *x);
