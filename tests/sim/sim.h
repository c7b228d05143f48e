#pragma once

/*
 * The simulation: the real core and the real search folder in a world that is
 * made up. Time, the store, the executor, the trials' programs and the client
 * are simulated in one process from one seed, so that a seed is a test case.
 *
 *   shell.c     turns as the server makes them: step, save, commit, act;
 *               crashes, reboots, loads
 *   rows.c      what is committed
 *   executor.c  shims and news of them
 *   program.c   what a trial's program does, drawn by hash
 *   worker.c    threads that samplers think on
 *   client.c    commands and search files, drawn at random
 *   oracle*.c   what must hold: of every step, commit, act and settle
 *   promises.c  what a user is promised, whatever the core's rules are
 *   cover.c     how often each thing has happened
 */
#include "core/core.h"
#include "cover.h"
#include "executor.h"
#include "rows.h"
#include "search/sampler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEVER INT64_MAX

/* --- client (client.c) ------------------------------------------------------
 */

void client_act(struct sim *sim);
/* What it imports of @config, which the row borrows. */
struct import_row client_row(const struct space *space, struct cell *config);
/* Has what the client paused go on, so that all can end. */
void client_resume_all(struct sim *sim);

/* --- worker threads (worker.c) ----------------------------------------------
 */

/* A sampler that learns is being asked. */
struct thought {
	struct fx_suggest asked;
	int64_t wake_t;
};

/* Takes the sampler of an FX_SUGGEST. */
void worker_act(struct sim *sim, struct effect *e);
/* When the next answer comes. */
int64_t worker_next(const struct sim *sim);
void worker_move(struct sim *sim);
void worker_crash(struct sim *sim);
void worker_free(struct sim *sim);

/* --- the shell (shell.c) ----------------------------------------------------
 */

struct sim {
	uint64_t number; /* as it was asked for */
	uint64_t seed;   /* made of it */
	uint64_t chance; /* numbers drawn so far */
	int64_t t; /* the world's time in ms; never stands still or jumps */
	int64_t boot_t;  /* when this boot began */
	int64_t wall_ms; /* now_ms - t */
	int boot;
	char boot_id[BOOT_ID_BYTES];
	int64_t slots, slots_now; /* usually, and of this daemon */
	bool calm;                /* no faults and no commands any more */

	struct core *core; /* NULL: the daemon is down */
	struct effects fx;
	int64_t turn_end_t; /* NEVER: no turn is open */
	int64_t timer_t;    /* of the core's deadline */
	int64_t client_t, crash_t, start_t, calm_t;
	enum crash_place crash;
	bool shutting_down, shutdown_waits;
	struct rows rows;
	struct executor executor;
	struct thought *thoughts;
	size_t n_thoughts, cap_thoughts;
	size_t n_seen; /* effects that the oracles have seen */
	int commands_in_turn;
	int epoch;       /* daemons started so far */
	bool has_shrunk; /* a daemon has had fewer slots than one before */

	struct promises *promises;
	struct memo *memos; /* proposals, by history */
	size_t n_memos, cap_memos;
	char trace[40][160];
	uint64_t n_traced;
	bool verbose;
};

/* The next number of the seed's sequence; below @n; between, both included. */
uint64_t draw(struct sim *sim);
int64_t draw_below(struct sim *sim, int64_t n);
int64_t draw_between(struct sim *sim, int64_t low, int64_t high);
bool draw_chance(struct sim *sim, int percent);

struct moment sim_now(const struct sim *sim);
/* One event to the core, between the oracles. */
int sim_step(struct sim *sim, struct event *ev, struct diag *reterr);
/* Has the core hold a committed search. */
void sim_load(struct sim *sim, int64_t search);
void sim_trace(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* An oracle is broken: tells the seed and the latest events, exits. */
void sim_fail(const struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void sim_print_trace(const struct sim *sim);

#define sim_check(sim, condition, ...)                                         \
	do {                                                                   \
		if (!(condition))                                              \
			sim_fail(sim, __VA_ARGS__);                            \
	} while (0)

/* Runs one seed to its end; exits if an oracle is broken. */
void sim_run(uint64_t seed, bool verbose);
/* The program is aborted: tells what of, if a seed runs. */
void sim_abort(void);

/* --- promises (promises.c) --------------------------------------------------
 */

/* A command that was accepted, before the oracles see what it did. */
void promises_asked(struct sim *sim, const struct event *ev);
void promises_commit(struct sim *sim);
void promises_settle(struct sim *sim);
void promises_start(struct sim *sim, const struct proc *started);
void promises_crash(struct sim *sim);
void promises_end(struct sim *sim);
void promises_free(struct sim *sim);

/* --- oracles (oracle*.c) ----------------------------------------------------
 */

void oracle_step(struct sim *sim, const struct event *ev, int answer);
void oracle_commit(struct sim *sim);
void oracle_settle(struct sim *sim);
void oracle_launch(struct sim *sim, const struct fx_run *run);
void oracle_go(struct sim *sim, const struct proc *p);
void oracle_kill(struct sim *sim, const struct proc *p);
void oracle_adopt(struct sim *sim, const struct fx_run *run);
/* An FX_SUGGEST that has just come up. */
void oracle_asked(struct sim *sim, const struct fx_suggest *asked);
/* What is committed, and what the core finds, of the trials' symptoms. */
void oracle_symptoms(struct sim *sim);
/*
 * A trial that waits between runs is among the best now, by the rows;
 * @for_sure: whatever came first in this turn.
 */
bool oracle_is_promoted(const struct sim *sim, const struct search_row *s,
			bool for_sure);
/* The core has loaded a search. */
void oracle_loaded(struct sim *sim, int64_t search);
/* The trial waits, or is stopped only since its search ended meanwhile. */
bool oracle_waited(const struct sim *sim, const struct trial_row *t);
/* What a sampler answers that was made now and told the same. */
size_t oracle_suggest_again(const struct sim *sim,
			    const struct fx_suggest *asked,
			    struct proposal *ret);
void oracle_proposals(struct sim *sim, const struct fx_suggest *asked,
		      const struct proposal *list, const struct proposal *again,
		      size_t n);
/* The core has had the answer; before, the search had @known trials. */
void oracle_answered(struct sim *sim, int64_t search, size_t known,
		     const struct proposal *list, size_t n);
/* What a worker is asking the sampler of @search, or NULL. */
const struct fx_suggest *oracle_out(const struct sim *sim, int64_t search);
/* A sampler with @choosing trials to choose has more; not all have always. */
bool oracle_can_choose(const struct sim *sim, const struct search_row *s,
		       int64_t choosing);
/* Trials of @search that the steps have shown so far. */
size_t oracle_known(const struct sim *sim, int64_t search);
void oracle_end(struct sim *sim);
void oracle_free(struct sim *sim);
