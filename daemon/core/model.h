#pragma once

/*
 * What the core's own files share: the structs behind core.h and the moves on
 * them. Nobody else includes this.
 *
 *   core_step --> search_* (commands)        trial_* (news of attempts)
 *                     \                        /
 *                      schedule(): launches while there is room,
 *                                  ends searches that have nothing left
 *                          |                       ^
 *                      suggest_ask()          suggest_take()
 *                          \--> a worker thread --/
 */
#include "core/checkup.h"
#include "core/core.h"
#include "search/pruner.h"
#include "search/sampler.h"
#include "search/sorted.h"
#include "search/waits.h"

#include <sys/queue.h>

struct attempt {
	struct attempt_record rec;
	bool queued_save;
	bool kill_sent;
	int64_t relaunch_boot_ms; /* launching: try again then; 0: in hand */
	int64_t copied_boot_ms;   /* with a parent: its command began; 0: not */
	/*
	 * Nobody knows yet whether it lives (it is being adopted), or it is
	 * over and the rest of its output is read: no deadline is due, and a
	 * stop that is decided now (stopped_late) came too late if it has
	 * ended by itself.
	 */
	bool may_be_over, stopped_late;
	int64_t run_ms;  /* of the latest report, from its start */
	bool is_delayed; /* by failures that may pass; an event tells it */
	int relaunches;  /* since its gate never opened, in a row */
};

struct trial {
	struct trial_record rec;
	struct search *search;
	struct cell *config;     /* [space->n] */
	struct attempt *attempt; /* the open one, or NULL */
	/* While an attempt is open, or one may go on with it; or empty. */
	struct curve curve;
	struct checkup *checkup; /* likewise, or NULL */
	int64_t curve_of;        /* of the latest attempt: its rec.curve */
	unsigned symptoms;       /* bits of enum symptom_kind, as saved */
	struct pruner_trial **pruning; /* [spec->runs] if begun; or NULL */
	struct curve results;          /* of several runs those that are over */
	int64_t first; /* its first run: those before are left out */
	bool queued_save;
	bool is_paused;           /* queued, in search->paused */
	TAILQ_ENTRY(trial) queue; /* else in search->queue when queued */
	struct wait wait; /* with a budget, in search->between if paused */
	bool is_untold;
	STAILQ_ENTRY(trial) untold; /* in search->untold if so */
};

TAILQ_HEAD(trial_queue, trial);
STAILQ_HEAD(trial_news, trial);

struct search {
	struct search_record rec;
	struct search_spec *spec;
	struct core *core;
	bool queued_save;
	char **environ;
	struct sampler *sampler;  /* NULL: a worker thread has it */
	bool learns;              /* the sampler */
	struct trial_news untold; /* changes that it has not been told of */
	int64_t asked;            /* trials that a worker asks it for */
	int64_t wanted;   /* and those that come next; their slots are kept */
	int64_t told_run; /* with a budget: whose results it has been told */
	struct pruner **pruners; /* [spec->runs] */
	/* [bracket][spec->runs] with a budget: scores of each run */
	struct sorted *levels;
	struct trial **trials; /* [n], by number */
	size_t n, cap;
	struct trial_queue queue;  /* to be run before the sampler is asked */
	struct trial_queue paused; /* [n_paused] */
	int64_t n_paused;
	struct waits between;   /* with a budget: they, as they go on */
	struct trial *promoted; /* of these, if is_promoted_known; or NULL */
	bool is_promoted_known;
	struct seen seen;     /* hashes of all configurations */
	uint64_t listed;      /* all points of the list before it are seen */
	int64_t members_over; /* of its population: at the last generation */
	bool exhausted;       /* the sampler has no further point, */
	bool waits;           /* or none before the state of a trial changes */
	int64_t counts[NAMES_TRIAL_STATES_N];
	int64_t open;          /* attempts that are not over */
	uint64_t launched;     /* core->launches at the latest launch */
	struct trial *best;    /* done, finite; NULL: none */
	struct sorted results; /* of trials that ran and are done, finite */
	int64_t symptoms[NAMES_SYMPTOMS_N]; /* trials that have each */
	int64_t ended_trials;
	double ended_seconds; /* sum over them, for the time left */
	/* stop_on_failures: the same end again and again before any success */
	bool succeeded;
	int64_t failures;
	char failure[REASON_BYTES];
	size_t params_saved;  /* trials before it have no rec.params any more */
	struct trial *replay; /* while loading: whose values are replayed */
	int64_t replay_run;
	struct replayed {
		struct metric_record *list; /* [n] its values, by step */
		size_t n, cap;
	} replayed;
};

struct core {
	struct core_options options;
	struct search **searches; /* [n] */
	size_t n, cap;
	struct trial **open; /* [n_open] trials with an open attempt */
	size_t n_open, cap_open;
	struct attempt **ended; /* freed by core_settle() */
	size_t n_ended, cap_ended;
	uint64_t launches;
	int64_t clock_ms; /* now_ms - boot_ms, at the latest event */
	uint64_t tokens;
	bool shutting_down;
};

/* What one core_step() works with. */
struct step {
	struct core *core;
	struct moment at;
	struct effects *fx;
};

/* search.c: commands and moves of a search */
struct search *search_find(const struct core *c, int64_t id);
void search_move(struct step *st, struct search *s, enum search_state to,
		 const char *reason);
int search_submit(struct step *st, const struct event *ev, struct diag *reterr);
int search_pause(struct step *st, struct search *s, struct diag *reterr);
int search_resume(struct step *st, struct search *s, struct diag *reterr);
int search_cancel(struct step *st, struct search *s, struct diag *reterr);
int search_extend(struct step *st, struct search *s, int64_t trials,
		  struct diag *reterr);
int search_add(struct step *st, struct search *s, const struct cell *config,
	       struct diag *reterr);
/* import.c */
int search_import(struct step *st, struct search *s, const struct event *ev,
		  struct diag *reterr);
int search_retry(struct step *st, struct search *s, int64_t number,
		 struct diag *reterr);
int search_kill(struct step *st, struct search *s, int64_t number,
		struct diag *reterr);
/*
 * Ends a search for @reason: queued trials are cancelled, running ones stopped
 * with @reason. Takes @text and @data, JSON or NULL, for the event.
 */
void search_end(struct step *st, struct search *s, enum search_state to,
		const char *reason, char *text, char *data);
/*
 * A configuration of "start" whose turn is yet to come: behind all that goes
 * on, runs again or was asked for by the user since.
 */
bool search_is_start(const struct trial *t);
/* Looks at the end of @t: target, repeated failures. */
void search_trial_ended(struct step *st, struct search *s, struct trial *t);
/* ms of CLOCK_MONOTONIC at which max_time is over; INT64_MAX: no such time. */
int64_t search_deadline(const struct search *s);
/* Trials that may still be created; INT64_MAX: until exhausted. */
int64_t search_budget(const struct search *s);
/* The sampler has no further point, as far as is known without asking it. */
bool search_is_exhausted(const struct search *s);
const char *search_exhausted_words(const struct search *s);
/* The lineage of @t, a new one of @s or a loaded one, is known. */
void search_count_member(struct search *s, const struct trial *t);
struct search *search_new(struct core *c, struct search_spec *spec);
void search_destroy(struct search *s);
void search_event(struct step *st, const struct search *s,
		  const struct trial *t, const char *kind, char *text,
		  char *data);
/* A JSON array of "NAME=value" as a vector. */
char **search_read_environ(const char *json);
/*
 * The end of @t, which is loaded. Failures from before the search was set going
 * again count no more.
 */
void search_load_end(struct search *s, struct trial *t);
/* Adds to the counts that are kept of ended trials. */
void search_count_end(struct search *s, struct trial *t);
/* Whether its value is one of s->results. */
bool search_has_result(const struct trial *t);

/* trial.c: the life of a trial and its attempts */
struct trial *trial_new(struct search *s, const struct cell *config,
			enum origin origin, uint64_t cursor);
/* As trial_new(), of a trial that has not been before: with id and params. */
struct trial *trial_create(struct step *st, struct search *s,
			   const struct cell *config, enum origin origin,
			   uint64_t cursor);
void trial_free(struct trial *t);
void trial_forget_curve(struct trial *t);
/* NULL is fine. */
void attempt_free(struct attempt *a);
/* What is needed to launch or adopt the open attempt. */
struct fx_run trial_run(const struct trial *t);
void trial_move(struct step *st, struct trial *t, enum trial_state to,
		const char *reason);
struct trial *trial_find_open(const struct core *c, int64_t id,
			      int64_t attempt);
void trial_launch(struct step *st, struct trial *t);
/* Asks an open attempt to end for @reason; twice is once. */
void trial_stop(struct step *st, struct trial *t, const char *reason);
void trial_spawned(struct step *st, struct trial *t, int64_t pid,
		   int64_t offset);
void trial_spawn_failed(struct step *st, struct trial *t, int error,
			const char *what);
void trial_output(struct step *st, struct trial *t, const struct event *ev);
/*
 * A value of the objective that run @run reported: into the curve and to the
 * early-stopping rule.
 */
void trial_learn(struct trial *t, int64_t run, const struct metric_record *m,
		 struct verdict *ret);
void trial_ended(struct step *st, struct trial *t, const struct outcome *o);
void trial_adopted(struct step *st, struct trial *t, int64_t pid,
		   int64_t term_ms);
/* Its checkpoint has been copied, and its command began: its timeout does. */
void trial_copied(struct step *st, struct trial *t, int64_t started_ms);
/* It has been passed SIGTERM: its grace begins. */
void trial_terminated(struct step *st, struct trial *t);
void trial_tick(struct step *st, struct trial *t);
int64_t trial_deadline(const struct trial *t);
/* Begins to keep what is kept of a trial with an open attempt. */
void trial_open(struct trial *t, struct attempt *a);

/* runs.c: folds, repeats and budgets */
/* What judges the curve of a run of @t, and what it keeps of the run. */
struct pruner *runs_pruner(const struct trial *t, int64_t run);
struct pruner_trial *runs_pruning(struct trial *t, int64_t run);
/* The scores of those that are compared with @t after run @run. */
struct sorted *runs_level(const struct trial *t, int64_t run);
/* The run runs anew. */
void runs_forget(struct trial *t, int64_t run);
/*
 * The trial is run again, with its first run. But where it has had a part of
 * its budget it goes on, for its checkpoint has had that part, too.
 */
void runs_retry(struct trial *t);
void runs_free(struct trial *t);
bool runs_are_left(const struct trial *t);
/* The run that is on has ended well. */
void runs_end(struct trial *t, double result);
/* How many levels a search has: of each bracket one a run. */
size_t runs_levels(const struct search_spec *spec);
/* One that has ended is loaded; when all are, runs_load_end(). */
void runs_load(struct trial *t, int64_t run, double result);
void runs_load_end(struct search *s);
/* Fills @ret if the runs that are left shall not be run, or not yet. */
void runs_judge(const struct trial *t, struct verdict *ret);

/* pause.c: trials that wait until they are among the best */
/* That a stop for this @reason is a pause. */
bool pause_is_meant(const char *reason);
/* A queued trial, whose reason says so, begins to wait; or ends to. */
void pause_begin(struct trial *t);
void pause_end(struct trial *t);
/* What they are compared with has changed. */
void pause_changed(struct search *s);
/* With its next run. */
void pause_go_on(struct step *st, struct trial *t);
/* The trial that is to go on now, or NULL. */
struct trial *pause_next(struct search *s);
/* Nothing is to come any more: they are stopped where they are. */
void pause_give_up(struct step *st, struct search *s);
/* They wait again: further trials are to come. */
void pause_take_back(struct step *st, struct search *s);
/* It was one of them: it keeps its curve, to go on with. */
bool pause_was_given_up(const struct trial *t);

/* diagnose.c: what ails the trials */
/* Looks for it, if it is time to; @news are of a metric just reported. */
void diagnose_metric(struct step *st, struct trial *t,
		     const struct checkup_news *news);
/* The attempt is over, the trial ends as @state; not yet closed. */
void diagnose_end(struct step *st, struct trial *t, enum trial_state state,
		  const char *reason);
/* It runs anew. */
void diagnose_forget(struct step *st, struct trial *t);
/* A saved symptom of @t. */
void diagnose_load(struct trial *t, enum symptom_kind kind);
/* What there is to find now, of a trial with an open attempt. */
void diagnose_find(const struct trial *t, enum trial_state state,
		   const char *reason, struct symptoms *ret);

/* ends.c: "until" and "stop" of the file */
/* As search_deadline(), of "until" and "stop". */
int64_t ends_deadline(const struct search *s);
void ends_tick(struct step *st, struct search *s);
/* A trial of @s has ended; the sampler of @s has proposed, for @why. */
void ends_trial_ended(struct step *st, struct search *s);
void ends_suggested(struct step *st, struct search *s,
		    const struct rationale *why);
/* The open attempt of @t is over, after @elapsed_ms. */
void ends_count_attempt(struct step *st, const struct trial *t,
			int64_t elapsed_ms);
/* Slots times ms that its attempts have used so far; 0 if it has no cost. */
int64_t ends_used(const struct search *s, int64_t boot_ms);

/* schedule.c */
void schedule(struct step *st);
/* Nothing runs, is queued or to come, but for what waits (pause.c). */
bool schedule_is_over(const struct search *s);
/* Slots taken by open attempts, and kept for those that a worker thinks of. */
int64_t slots_used(const struct core *c);

/* levels.c: samplers that learn, and trials that have had different budgets */
/* There are such trials: each generation of a pbt has as much. */
static inline bool levels_differ(const struct search *s)
{
	return s->spec->budget.name != NULL && s->spec->runs > 1;
}

/* The run whose results they are told, as far as these have come. */
int64_t levels_find_run(const struct search *s);
/* What they are told of @t, of whom else @seen would be told. */
void levels_observe(const struct trial *t, int64_t run,
		    struct observation *seen);

/* suggest.c: samplers that learn */
/* What is known of a trial, whatever it was given of a budget. */
struct observation suggest_observe(const struct trial *t);
/* @t is new, or its state has changed. */
void suggest_changed(struct trial *t);
/* Has a worker ask the sampler for s->wanted configurations. */
void suggest_ask(struct step *st, struct search *s);
/* The answer: trials, if they can be launched now. */
void suggest_take(struct step *st, struct search *s, const struct event *ev);
