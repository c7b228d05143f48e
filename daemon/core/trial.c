/*
 * The life of a trial and of its attempts.
 *
 *   queued --trial_launch--> running ------------------> done
 *     ^                      |  |  \-- trial_stop -----> pruned, cancelled,
 *     |   retries are left,  |  |                        failed (timeout)
 *     |   or runs (runs.c)   |  |\-- a race is lost ---> pruned
 *     \----------------------/  \----------------------> failed, lost
 *
 *   attempt:  launching --spawned: gate opens--> running --> ended, lost
 *                 ^                              |    \--trial_stop--> stopping
 *                 \--the gate never opened-------/                     -->
 * ended
 */
#include "core/model.h"
#include "search/halving.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELAUNCH_DELAY_MS 1000 /* after a failure that may pass */
#define RELAUNCHES_MAX    5    /* gates that never opened, in a row */

static void set_reason(char reason[REASON_BYTES], const char *text)
{
	assert(strlen(text) < REASON_BYTES);
	strcpy(reason, text);
}

struct trial *trial_new(struct search *s, const struct cell *config,
			enum origin origin, uint64_t cursor)
{
	struct trial *t = xcalloc(1, sizeof(*t));
	size_t bytes = s->spec->space->n * sizeof(*config);

	t->search = s;
	t->config = xmalloc(bytes);
	memcpy(t->config, config, bytes);
	t->rec.search = s->rec.id;
	t->rec.number = (int64_t)s->n;
	t->first = halving_first(s->spec, t->rec.number);
	t->rec.runs = t->first;
	t->rec.state = TRIAL_QUEUED;
	t->rec.origin = origin;
	t->rec.cursor = cursor;
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 64;
		s->trials =
		    xreallocarray(s->trials, s->cap, sizeof(*s->trials));
	}
	s->trials[s->n++] = t;
	s->counts[TRIAL_QUEUED]++;
	seen_add(&s->seen, space_hash(s->spec->space, config));
	suggest_changed(t);
	return t;
}

void attempt_free(struct attempt *a)
{
	if (a == NULL)
		return;
	free(a->rec.reader);
	free(a);
}

struct trial *trial_create(struct step *st, struct search *s,
			   const struct cell *config, enum origin origin,
			   uint64_t cursor)
{
	auto_json cJSON *params = space_print(s->spec->space, config);
	struct trial *t = trial_new(s, config, origin, cursor);

	t->rec.id = ++st->core->options.last_trial;
	t->rec.created_ms = st->at.now_ms;
	t->rec.params = json_print(params);
	return t;
}

void trial_forget_curve(struct trial *t)
{
	checkup_free(t->checkup);
	t->checkup = NULL;
	curve_free(&t->curve);
}

void trial_free(struct trial *t)
{
	attempt_free(t->attempt);
	runs_free(t);
	trial_forget_curve(t);
	free(t->rec.params);
	free(t->config);
	free(t);
}

void trial_move(struct step *st, struct trial *t, enum trial_state to,
		const char *reason)
{
	struct search *s = t->search;

	assert(trial_state_may_follow(t->rec.state, to));
	s->counts[t->rec.state]--;
	s->counts[to]++;
	t->rec.state = to;
	set_reason(t->rec.reason, reason);
	fx_save_trial(st->fx, &t->rec, &t->queued_save);
	suggest_changed(t);
	pause_changed(s);
	if (!trial_state_is_final(to)) {
		t->rec.ended_ms = 0;
		return;
	}
	/* 0 unless the end was told with its time. */
	if (t->rec.ended_ms == 0)
		t->rec.ended_ms = st->at.now_ms;
	/* The clock may have been set back meanwhile. */
	if (t->rec.ended_ms < t->rec.started_ms)
		t->rec.ended_ms = t->rec.started_ms;
	if (!pause_was_given_up(t))
		trial_forget_curve(t);
	search_count_end(s, t);
	if (search_has_result(t))
		sorted_add(&s->results, t->rec.value);
	fx_trial_ended(st->fx, &t->rec);
}

struct trial *trial_find_open(const struct core *c, int64_t id, int64_t attempt)
{
	for (size_t i = 0; i < c->n_open; i++) {
		struct trial *t = c->open[i];

		if (t->rec.id == id && t->attempt->rec.number == attempt)
			return t;
	}
	return NULL;
}

void trial_open(struct trial *t, struct attempt *a)
{
	struct core *c = t->search->core;

	assert(t->attempt == NULL);
	t->attempt = a;
	if (t->checkup == NULL)
		t->checkup = checkup_new(t->search->spec);
	if (c->n_open == c->cap_open) {
		c->cap_open = c->cap_open > 0 ? 2 * c->cap_open : 16;
		c->open = xreallocarray(c->open, c->cap_open, sizeof(*c->open));
	}
	c->open[c->n_open++] = t;
	t->search->open++;
}

/* The attempt is over; its record is freed when it has been saved. */
static void trial_close(struct trial *t)
{
	struct core *c = t->search->core;
	size_t i = 0;

	while (c->open[i] != t)
		i++;
	c->open[i] = c->open[--c->n_open];
	t->search->open--;
	if (c->n_ended == c->cap_ended) {
		c->cap_ended = c->cap_ended > 0 ? 2 * c->cap_ended : 16;
		c->ended =
		    xreallocarray(c->ended, c->cap_ended, sizeof(*c->ended));
	}
	c->ended[c->n_ended++] = t->attempt;
	t->attempt = NULL;
}

static void attempt_move(struct step *st, struct attempt *a,
			 enum attempt_state to)
{
	assert(attempt_state_may_follow(a->rec.state, to));
	a->rec.state = to;
	fx_save_attempt(st->fx, &a->rec, &a->queued_save);
}

/* SplitMix64's output function (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void make_token(struct core *c, char ret[TOKEN_BYTES])
{
	uint64_t n = c->tokens++;
	auto_free char *text = xasprintf(
	    "%016llx%016llx",
	    (unsigned long long)mix(c->options.token_seed + 2 * n),
	    (unsigned long long)mix(~c->options.token_seed + 2 * n + 1));

	strcpy(ret, text);
}

struct fx_run trial_run(const struct trial *t)
{
	return (struct fx_run){
		.search = &t->search->rec,
		.spec = t->search->spec,
		.environ = t->search->environ,
		.trial = &t->rec,
		.config = t->config,
		.attempt = &t->attempt->rec,
	};
}

void trial_launch(struct step *st, struct trial *t)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	bool goes_on = t->checkup != NULL;

	a->rec.trial = t->rec.id;
	a->rec.number = ++t->rec.attempts;
	a->rec.run = t->rec.runs;
	t->rec.tries++;
	a->rec.state = ATTEMPT_LAUNCHING;
	memcpy(a->rec.boot_id, st->core->options.boot_id, BOOT_ID_BYTES);
	make_token(st->core, a->rec.token);
	trial_open(t, a);
	if (t->rec.started_ms == 0)
		t->rec.started_ms = st->at.now_ms > t->rec.created_ms
					? st->at.now_ms
					: t->rec.created_ms;
	if (!goes_on) {
		/* Not that of an attempt that failed. */
		t->rec.has_value &= t->rec.runs > t->first;
		t->rec.steps = 0;
		t->curve_of = a->rec.number;
	}
	a->rec.curve = t->curve_of;
	trial_move(st, t, TRIAL_RUNNING, "");
	fx_save_attempt(st->fx, &a->rec, &a->queued_save);
	t->search->launched = ++st->core->launches;
	fx_run(st->fx, FX_LAUNCH, trial_run(t));
}

static void relaunch(struct step *st, struct trial *t)
{
	t->attempt->relaunch_boot_ms = 0;
	fx_run(st->fx, FX_LAUNCH, trial_run(t));
}

void trial_spawned(struct step *st, struct trial *t, int64_t pid,
		   int64_t offset)
{
	struct attempt *a = t->attempt;

	assert(a->rec.state == ATTEMPT_LAUNCHING);
	a->rec.pid = pid;
	a->rec.start_offset = offset;
	a->rec.offset = offset;
	if (a->rec.stop_reason[0] != '\0') {
		fx_signal(st->fx, FX_KILL, &a->rec);
		return;
	}
	a->rec.started_ms = st->at.now_ms;
	a->rec.started_boot_ms = st->at.boot_ms;
	attempt_move(st, a, ATTEMPT_RUNNING);
	fx_signal(st->fx, FX_GO, &a->rec);
}

void trial_stop(struct step *st, struct trial *t, const char *reason)
{
	struct attempt *a = t->attempt;

	if (a->rec.stop_reason[0] != '\0') {
		if (!pause_is_meant(a->rec.stop_reason))
			return;
		set_reason(a->rec.stop_reason, reason);
		fx_save_attempt(st->fx, &a->rec, &a->queued_save);
		return;
	}
	set_reason(a->rec.stop_reason, reason);
	if (a->rec.state == ATTEMPT_LAUNCHING) {
		fx_save_attempt(st->fx, &a->rec, &a->queued_save);
		if (a->relaunch_boot_ms != 0) /* not in the executor's hands */
			trial_ended(
			    st, t,
			    &(struct outcome){ .kind = OUTCOME_NEVER_STARTED });
		return;
	}
	attempt_move(st, a, ATTEMPT_STOPPING);
	if (a->may_be_over)
		a->stopped_late = true;
	else
		fx_signal(st->fx, FX_TERMINATE, &a->rec);
}

/* --- how a trial ended -----------------------------------------------------
 */

struct end {
	enum trial_state state;
	char reason[REASON_BYTES];
	bool retry; /* if retries are left */
	bool again; /* in any case */
	bool pause; /* it may go on later */
};

static struct end make_end(enum trial_state state, const char *reason)
{
	struct end end = { .state = state };

	set_reason(end.reason, reason);
	return end;
}

/* A stopped trial keeps the reason that stopped it. */
static struct end end_of_stopped(const struct trial *t)
{
	const char *reason = t->attempt->rec.stop_reason;
	struct end end;

	if (pause_is_meant(reason)) {
		end = make_end(TRIAL_QUEUED, reason);
		end.pause = true;
		return end;
	}
	if (strcmp(reason, "timeout") == 0)
		return make_end(TRIAL_FAILED, reason);
	if (strchr(reason, '@') != NULL || strcmp(reason, "diverged") == 0)
		return make_end(TRIAL_PRUNED, reason);
	return make_end(TRIAL_CANCELLED, reason);
}

/* Of the run that is on. */
static double result_of(const struct trial *t)
{
	const struct search_spec *spec = t->search->spec;

	return curve_result(&t->curve, spec->result, spec->goal);
}

static struct end end_of_success(const struct trial *t)
{
	if (t->curve.n == 0)
		return make_end(TRIAL_FAILED, "no-metric");
	if (!isfinite(result_of(t)))
		return make_end(TRIAL_FAILED, "diverged");
	return make_end(TRIAL_DONE, "");
}

/* The parent's checkpoint could not be copied. */
static bool is_of_copy(const struct outcome *o)
{
	return o->kind == OUTCOME_NOT_EXECUTED &&
	       strcmp(o->what, "checkpoint") == 0;
}

static struct end end_by_itself(const struct trial *t, const struct outcome *o)
{
	struct end end = { .state = TRIAL_FAILED };
	const char *name;

	switch (o->kind) {
	case OUTCOME_EXITED:
		if (o->code == 0)
			return end_of_success(t);
		end.retry = true;
		snprintf(end.reason, REASON_BYTES, "exit:%d", o->code);
		return end;
	case OUTCOME_SIGNALED:
		end.retry = true;
		snprintf(end.reason, REASON_BYTES, "signal:%d", o->signal);
		return end;
	case OUTCOME_NOT_EXECUTED:
		name = strerrorname_np(o->error);
		snprintf(end.reason, REASON_BYTES, "%s:%s",
			 is_of_copy(o) ? "checkpoint" : "spawn",
			 name != NULL ? name : "unknown");
		return end;
	case OUTCOME_REBOOTED:
		end = make_end(TRIAL_LOST, "reboot");
		end.again = true;
		return end;
	case OUTCOME_NEVER_STARTED:
		end = make_end(TRIAL_FAILED, "never-started");
		end.retry = true;
		return end;
	case OUTCOME_NONE:
	case OUTCOME_SHIM_DIED:
	case NAMES_OUTCOMES_N:
		break;
	}
	end = make_end(TRIAL_LOST, "shim-died");
	end.retry = true;
	return end;
}

static bool runs_again(const struct trial *t, const struct end *end)
{
	if (search_state_is_final(t->search->rec.state))
		return false;
	return end->again ||
	       (end->retry && t->rec.tries <= t->search->spec->retries);
}

/*
 * The stop was decided when the attempt had ended by itself. Not too late was
 * it where the trial would run on or again: then nothing runs after it.
 */
static bool came_too_late(const struct trial *t, const struct outcome *o)
{
	struct end end;

	if (!t->attempt->stopped_late ||
	    (o->kind != OUTCOME_EXITED && o->kind != OUTCOME_SIGNALED))
		return false;
	end = end_by_itself(t, o);
	if (end.state == TRIAL_DONE)
		return t->rec.runs + 1 == t->search->spec->runs;
	return !runs_again(t, &end);
}

/* Until a run is over: what the first one has reached. */
static void set_value(struct trial *t)
{
	double v;

	if (t->curve.n == 0)
		return;
	t->rec.steps = (int64_t)t->curve.n;
	if (t->rec.runs > t->first)
		return;
	v = result_of(t);
	t->rec.has_value = true;
	t->rec.kind = value_kind_of(v);
	t->rec.value = t->rec.kind == VALUE_FINITE ? v : 0;
}

static void queue_again(struct step *st, struct trial *t, const struct end *end,
			int64_t attempt)
{
	search_event(st, t->search, t, "retry",
		     xasprintf("attempt %lld ended with %s; it is run again "
			       "with the same parameters",
			       (long long)attempt, end->reason),
		     NULL);
	if (!t->search->spec->resumes) {
		runs_forget(t, t->rec.runs);
		diagnose_forget(st, t);
		trial_forget_curve(t);
	}
	trial_move(st, t, TRIAL_QUEUED, end->reason);
	TAILQ_INSERT_HEAD(&t->search->queue, t, queue);
}

/* It waits; it ran until @ended_ms, if that is known. */
static void pause_trial(struct step *st, struct trial *t, const char *reason,
			int64_t ended_ms)
{
	trial_move(st, t, TRIAL_QUEUED, reason);
	t->rec.ended_ms = ended_ms != 0 ? ended_ms : st->at.now_ms;
	t->rec.tries = 0;
	pause_begin(t);
}

/* A run has ended well. True: the trial is to go on with the next one. */
static bool goes_on(struct step *st, struct trial *t, struct end *end,
		    int64_t ended_ms)
{
	struct verdict verdict = { 0 };
	bool pauses;

	if (end->state != TRIAL_DONE || !runs_are_left(t))
		return false;
	runs_judge(t, &verdict);
	pauses = verdict.stop && pause_is_meant(verdict.reason);
	if (verdict.stop)
		search_event(st, t->search, t, pauses ? "pause" : "stop",
			     verdict.text, verdict.data);
	if (verdict.stop && !pauses) {
		*end = make_end(TRIAL_PRUNED, verdict.reason);
		return false;
	}
	/* A search that has ended has stopped it. */
	assert(!search_state_is_final(t->search->rec.state));
	trial_forget_curve(t);
	if (pauses) {
		pause_trial(st, t, verdict.reason, ended_ms);
		return true;
	}
	trial_move(st, t, TRIAL_QUEUED, "");
	TAILQ_INSERT_HEAD(&t->search->queue, t, queue);
	return true;
}

/* Its attempt is over: what came of it, and what the rules learn. */
static void end_run(struct trial *t, const struct end *end)
{
	struct attempt *a = t->attempt;
	int64_t run = a->rec.run;

	set_value(t);
	if (!runs_again(t, end) && !end->pause)
		pruner_ended(runs_pruner(t, run), runs_pruning(t, run),
			     &t->curve, end->state);
	if (end->state != TRIAL_DONE)
		return;
	a->rec.has_result = true;
	a->rec.result = result_of(t);
	runs_end(t, a->rec.result);
}

/* By the shim, so that it is known when. */
static bool was_seen(const struct outcome *o)
{
	return o->kind == OUTCOME_EXITED || o->kind == OUTCOME_SIGNALED ||
	       o->kind == OUTCOME_NOT_EXECUTED;
}

/* 0: it has not run, or nobody knows for how long: it ended with a boot. */
static int64_t elapsed_of(const struct step *st, const struct attempt *a,
			  const struct outcome *o)
{
	if (a->rec.started_ms == 0)
		return 0;
	if (was_seen(o))
		return o->elapsed_ms;
	return strcmp(a->rec.boot_id, st->core->options.boot_id) == 0
		   ? st->at.boot_ms - a->rec.started_boot_ms
		   : 0;
}

/* Nothing ran: the attempt is as good as new. */
static void launch_anew(struct step *st, struct attempt *a)
{
	a->may_be_over = false;
	a->copied_boot_ms = 0;
	if (a->rec.state == ATTEMPT_RUNNING)
		attempt_move(st, a, ATTEMPT_LAUNCHING);
	memcpy(a->rec.boot_id, st->core->options.boot_id, BOOT_ID_BYTES);
	fx_save_attempt(st->fx, &a->rec, &a->queued_save);
	a->relaunch_boot_ms = st->at.boot_ms;
}

/* What is no fault of the trial may pass: it is tried again, for as long. */
static void delay(struct step *st, struct trial *t, int error, const char *what)
{
	struct attempt *a = t->attempt;

	if (!a->is_delayed)
		search_event(st, t->search, t, "launch",
			     xasprintf("cannot be started now: %s: %s; it is "
				       "tried again",
				       what, strerror(error)),
			     NULL);
	a->is_delayed = true;
	a->relaunch_boot_ms = st->at.boot_ms + RELAUNCH_DELAY_MS;
}

/* A shim could not do its own part, or the machine has no room for more. */
static bool is_delayed_by(const struct outcome *o)
{
	if (o->kind == OUTCOME_NEVER_STARTED)
		return o->error != 0;
	if (is_of_copy(o) && (o->error == ENOSPC || o->error == EDQUOT))
		return true;
	return o->kind == OUTCOME_NOT_EXECUTED &&
	       (o->error == EAGAIN || o->error == ENOMEM ||
		o->error == EMFILE || o->error == ENFILE);
}

/* Its command has, for whatever time. */
static bool has_run(const struct attempt *a)
{
	enum outcome_kind kind = a->rec.outcome.kind;

	return a->rec.started_ms != 0 && kind != OUTCOME_NOT_EXECUTED &&
	       kind != OUTCOME_NEVER_STARTED;
}

void trial_ended(struct step *st, struct trial *t, const struct outcome *o)
{
	struct attempt *a = t->attempt;
	bool is_lost =
	    o->kind == OUTCOME_SHIM_DIED || o->kind == OUTCOME_REBOOTED;
	struct end end;
	bool again;

	if (a->rec.stop_reason[0] == '\0' && is_delayed_by(o)) {
		launch_anew(st, a);
		delay(st, t, o->error, o->what);
		return;
	}
	if (o->kind == OUTCOME_NEVER_STARTED && a->rec.stop_reason[0] == '\0' &&
	    a->relaunches < RELAUNCHES_MAX) {
		a->relaunches++;
		launch_anew(st, a);
		if (!st->core->shutting_down)
			relaunch(st, t);
		return;
	}
	if (came_too_late(t, o))
		a->rec.stop_reason[0] = '\0';
	end = a->rec.stop_reason[0] != '\0' ? end_of_stopped(t)
					    : end_by_itself(t, o);
	a->rec.outcome = *o;
	if (was_seen(o) && a->rec.started_ms != 0)
		a->rec.outcome.ended_ms = a->rec.started_ms + o->elapsed_ms;
	ends_count_attempt(st, t, elapsed_of(st, a, o));
	attempt_move(st, a, is_lost ? ATTEMPT_LOST : ATTEMPT_ENDED);
	end_run(t, &end);
	again = runs_again(t, &end);
	if (!again && !end.pause && has_run(a))
		diagnose_end(st, t, end.state, end.reason);
	trial_close(t);
	if (again)
		queue_again(st, t, &end, a->rec.number);
	else if (end.pause)
		pause_trial(st, t, end.reason, a->rec.outcome.ended_ms);
	if (again || end.pause || goes_on(st, t, &end, a->rec.outcome.ended_ms))
		return;
	if (is_lost)
		search_event(st, t->search, t, "lost",
			     xasprintf("how attempt %lld ended cannot be known "
				       "(%s)",
				       (long long)a->rec.number, end.reason),
			     NULL);
	if (is_of_copy(o) && end.state == TRIAL_FAILED)
		search_event(st, t->search, t, "copy",
			     xasprintf("the checkpoint of trial %lld could not "
				       "be copied: %s; its output says of what",
				       (long long)t->rec.lineage.parent,
				       strerror(o->error)),
			     NULL);
	t->rec.ended_ms = a->rec.outcome.ended_ms;
	trial_move(st, t, end.state, end.reason);
	search_trial_ended(st, t->search, t);
}

void trial_spawn_failed(struct step *st, struct trial *t, int error,
			const char *what)
{
	struct outcome o = { .kind = OUTCOME_NOT_EXECUTED, .error = error };

	/* Too long a command is the search's own fault; all else is ours. */
	if (t->attempt->rec.stop_reason[0] == '\0' && error != E2BIG) {
		delay(st, t, error, what);
		return;
	}
	snprintf(o.what, sizeof(o.what), "%s", what);
	trial_ended(st, t, &o);
}

/* --- its output ------------------------------------------------------------
 */

/* Of several runs it says which; new. */
static char *words_of(const struct trial *t, const char *text)
{
	if (t->search->spec->runs == 1)
		return xstrdup(text);
	return xasprintf("run %lld: %s", (long long)t->attempt->rec.run, text);
}

/* Frees and zeroes @verdict. */
static void stop_by_verdict(struct step *st, struct trial *t,
			    struct verdict *verdict)
{
	if (verdict->stop && t->attempt->rec.state == ATTEMPT_RUNNING) {
		search_event(st, t->search, t,
			     pause_is_meant(verdict->reason) ? "pause" : "stop",
			     words_of(t, verdict->text), verdict->data);
		verdict->data = NULL;
		trial_stop(st, t, verdict->reason);
	}
	verdict_free(verdict);
	*verdict = (struct verdict){ 0 };
}

void trial_learn(struct trial *t, int64_t run, const struct metric_record *m,
		 struct verdict *ret)
{
	double v = value_of_kind(m->kind, m->value);

	pruner_report(runs_pruner(t, run), runs_pruning(t, run), &t->curve,
		      (struct curve_point){ m->step, v, m->run_ms }, ret);
	/* The rule learns no further steps, but the last one is the last. */
	if (t->curve.full && m->step > t->curve.points[t->curve.n - 1].step)
		t->curve.points[t->curve.n - 1] =
		    (struct curve_point){ m->step, v, m->run_ms };
}

/* The metric @m, to the rule or to what examines it; true: to the rule. */
static bool learn_metric(struct step *st, struct trial *t,
			 const struct metric_record *m, bool is_rest)
{
	const struct search_spec *spec = t->search->spec;
	bool is_objective = strcmp(m->name, spec->metric) == 0;
	struct verdict verdict = { 0 };
	int64_t run = t->attempt->rec.run;
	struct checkup_news news;

	checkup_report(t->checkup, m, &news);
	if (is_objective)
		trial_learn(t, run, m, &verdict);
	else if (news.is_declared && news.is_lost)
		pruner_report_train(
		    runs_pruner(t, run), m->name,
		    (struct curve_point){ .step = news.before.step,
					  .value = news.before.value },
		    (struct curve_point){ .step = news.after.step,
					  .value = news.after.value },
		    &verdict);
	verdict.stop &= !is_rest;
	stop_by_verdict(st, t, &verdict);
	diagnose_metric(st, t, &news);
	return is_objective;
}

/* The rows outlive the event, whose names they borrow. */
static void copy_metrics(struct fx_metrics *m, const struct metric_record *rows,
			 size_t n, int64_t run_ms)
{
	size_t bytes = 0;
	char *name;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(rows[i].name) + 1;
	m->n = n;
	m->rows = xcalloc(n, sizeof(*rows));
	m->names = name = xmalloc(bytes);
	memcpy(m->rows, rows, n * sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		m->rows[i].name = name;
		m->rows[i].run_ms = run_ms;
		name = stpcpy(name, rows[i].name) + 1;
	}
}

void trial_output(struct step *st, struct trial *t, const struct event *ev)
{
	struct attempt *a = t->attempt;
	struct search *s = t->search;
	struct fx_metrics m = {
		.trial = t->rec.id,
		.curve = a->rec.curve,
		.time_ms = st->at.now_ms,
	};
	bool learned = false;

	/* It has not run: what is in the file is an earlier attempt's. */
	if (a->rec.state == ATTEMPT_LAUNCHING)
		return;
	a->may_be_over |= ev->output.is_rest;
	a->rec.offset = ev->output.offset;
	free(a->rec.reader);
	a->rec.reader =
	    ev->output.reader != NULL ? xstrdup(ev->output.reader) : NULL;
	fx_save_attempt(st->fx, &a->rec, &a->queued_save);
	if (ev->output.note != NULL)
		search_event(st, s, t, "step",
			     words_of(t, ev->output.note->words), NULL);
	if (ev->output.n == 0)
		return;
	/* Rules in seconds take the times of reports for their order. */
	if (m.time_ms < a->rec.started_ms + a->run_ms)
		m.time_ms = a->rec.started_ms + a->run_ms;
	copy_metrics(&m, ev->output.metrics, ev->output.n,
		     m.time_ms - a->rec.started_ms);
	for (size_t i = 0; i < m.n; i++)
		learned |= learn_metric(st, t, &m.rows[i], ev->output.is_rest);
	fx_save_metrics(st->fx, m);
	if (learned) {
		pause_changed(s);
		a->run_ms = m.time_ms - a->rec.started_ms;
		set_value(t);
		fx_save_trial(st->fx, &t->rec, &t->queued_save);
		fx_search_changed(st->fx, &s->rec);
	}
}

/* --- after a restart, and deadlines ----------------------------------------
 */

/*
 * The grace counts from SIGTERM, not from the decision: the commit between may
 * have to wait for the disk, or the daemon die there.
 */
static void begin_grace(struct step *st, struct trial *t, int64_t term_ms)
{
	struct attempt *a = t->attempt;

	a->rec.kill_boot_ms = term_ms + t->search->spec->grace_ms;
	fx_save_attempt(st->fx, &a->rec, &a->queued_save);
}

void trial_terminated(struct step *st, struct trial *t)
{
	struct attempt *a = t->attempt;

	if (a->rec.state == ATTEMPT_STOPPING && a->rec.kill_boot_ms == 0)
		begin_grace(st, t, st->at.boot_ms);
}

void trial_copied(struct step *st, struct trial *t, int64_t started_ms)
{
	struct attempt *a = t->attempt;
	int64_t begin = a->rec.started_boot_ms;

	/* What stands in a file may be anything. */
	if (started_ms > begin && started_ms <= st->at.boot_ms)
		begin = started_ms;
	a->copied_boot_ms = begin;
}

/* A stop goes on where the earlier daemon was. */
static void stop_again(struct step *st, struct trial *t, int64_t term_ms)
{
	struct attempt *a = t->attempt;

	if (a->rec.state != ATTEMPT_STOPPING)
		fx_signal(st->fx, FX_KILL, &a->rec);
	else if (a->rec.kill_boot_ms != 0)
		return; /* its grace runs */
	else if (term_ms >= a->rec.started_boot_ms && term_ms <= st->at.boot_ms)
		begin_grace(st, t, term_ms);
	else
		fx_signal(st->fx, FX_TERMINATE, &a->rec);
}

void trial_adopted(struct step *st, struct trial *t, int64_t pid,
		   int64_t term_ms)
{
	struct attempt *a = t->attempt;

	search_event(st, t->search, t, "adopted",
		     xasprintf("attempt %lld lives on; a restarted daemon has "
			       "adopted it",
			       (long long)a->rec.number),
		     NULL);
	a->rec.pid = pid;
	a->may_be_over = false;
	a->stopped_late = false;
	if (a->rec.stop_reason[0] != '\0')
		stop_again(st, t, term_ms);
}

/* It is of the command: a copy takes as long as it takes. */
static int64_t timeout_of(const struct trial *t)
{
	int64_t timeout = t->search->spec->timeout_ms;
	int64_t begin = lineage_has_parent(&t->rec.lineage)
			    ? t->attempt->copied_boot_ms
			    : t->attempt->rec.started_boot_ms;

	return timeout > 0 && begin > 0 ? begin + timeout : INT64_MAX;
}

int64_t trial_deadline(const struct trial *t)
{
	const struct attempt *a = t->attempt;
	const struct core *c = t->search->core;

	if (a->may_be_over)
		return INT64_MAX;
	/* Another boot's times mean nothing now, and its processes are gone. */
	if (strcmp(a->rec.boot_id, c->options.boot_id) != 0)
		return INT64_MAX;
	switch (a->rec.state) {
	case ATTEMPT_LAUNCHING:
		return a->relaunch_boot_ms != 0 && !c->shutting_down
			   ? a->relaunch_boot_ms
			   : INT64_MAX;
	case ATTEMPT_RUNNING:
		return timeout_of(t);
	case ATTEMPT_STOPPING:
		return a->kill_sent || a->rec.kill_boot_ms == 0
			   ? INT64_MAX
			   : a->rec.kill_boot_ms;
	case ATTEMPT_ENDED:
	case ATTEMPT_LOST:
	case NAMES_ATTEMPT_STATES_N:
		break;
	}
	return INT64_MAX;
}

void trial_tick(struct step *st, struct trial *t)
{
	struct attempt *a = t->attempt;

	if (trial_deadline(t) > st->at.boot_ms)
		return;
	if (a->rec.state == ATTEMPT_LAUNCHING) {
		relaunch(st, t);
	} else if (a->rec.state == ATTEMPT_RUNNING) {
		search_event(
		    st, t->search, t, "stop",
		    xasprintf("stopped after %g s, its timeout",
			      (double)t->search->spec->timeout_ms / 1000),
		    NULL);
		trial_stop(st, t, "timeout");
	} else {
		a->kill_sent = true;
		fx_signal(st->fx, FX_KILL, &a->rec);
	}
}
