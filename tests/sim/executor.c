/*
 * Shims and the news of them. A process lives on its own; a run is what a
 * daemon knows of it and is gone with the daemon. What adoption finds follows
 * the executor's rules: the lock, the recorded end, the boot.
 */
#include "sim.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* --- processes --------------------------------------------------------------
 */

static void write_byte(struct sim *sim, const struct proc *p, size_t i)
{
	struct output *o = &rows_trial(&sim->rows, p->trial)->output;

	if (o->n == o->cap) {
		o->cap = o->cap > 0 ? 2 * o->cap : 64;
		o->bytes = xreallocarray(o->bytes, o->cap, sizeof(*o->bytes));
	}
	o->bytes[o->n++] = p->plan.bytes[i];
}

/* What it has printed up to @t. */
static void emit(struct sim *sim, struct proc *p, int64_t t)
{
	for (; p->emitted < p->plan.n &&
	       p->start_t + p->plan.at_ms[p->emitted] <= t;
	     p->emitted++)
		write_byte(sim, p, p->emitted);
}

static void end_proc(struct sim *sim, struct proc *p, struct outcome outcome)
{
	if (p->state == PROC_RUNNING)
		emit(sim, p, p->end_t);
	p->state = PROC_OVER;
	p->outcome = outcome;
	if (p->started)
		p->outcome.elapsed_ms = p->end_t - p->start_t;
	p->recorded = outcome.kind != OUTCOME_SHIM_DIED;
	/* A shim that waits may be killed before it can write anything. */
	if (outcome.kind == OUTCOME_NEVER_STARTED)
		p->recorded = hash_text(p->token) % 2 == 0;
}

void proc_update(struct sim *sim, struct proc *p)
{
	if (p->state == PROC_WAITING && sim->t >= p->gate_shut_t)
		end_proc(sim, p,
			 (struct outcome){ .kind = OUTCOME_NEVER_STARTED });
	else if (p->state == PROC_RUNNING && sim->t >= p->end_t)
		end_proc(sim, p, p->plan.outcome);
	else if (p->state == PROC_RUNNING)
		emit(sim, p, sim->t);
}

static void end_at(struct sim *sim, struct proc *p, int64_t t,
		   struct outcome outcome)
{
	if (t >= p->end_t)
		return;
	p->end_t = t;
	p->plan.outcome = outcome;
	proc_update(sim, p);
}

static void term_proc(struct sim *sim, struct proc *p)
{
	struct outcome o = { .kind = OUTCOME_EXITED };

	proc_update(sim, p);
	if (p->state != PROC_RUNNING)
		return;
	cover_thing("SIGTERM");
	sim_check(sim, p->term_t == NEVER, "trial %lld gets SIGTERM twice",
		  (long long)p->trial);
	p->term_t = sim->t;
	switch (p->plan.on_term) {
	case TERM_IGNORES:
		cover_thing("SIGTERM ignored");
		return;
	case TERM_EXITS_0:
		break;
	case TERM_EXITS_3:
		o.code = 3;
		break;
	case TERM_DIES:
		o = (struct outcome){ .kind = OUTCOME_SIGNALED,
				      .signal = SIGTERM };
		break;
	}
	end_at(sim, p, p->term_t + p->plan.term_ms, o);
}

static void kill_proc(struct sim *sim, struct proc *p)
{
	proc_update(sim, p);
	if (p->state != PROC_RUNNING)
		return;
	cover_thing("SIGKILL");
	end_at(sim, p, sim->t,
	       (struct outcome){ .kind = OUTCOME_SIGNALED, .signal = SIGKILL });
}

struct proc *executor_proc(const struct sim *sim, const char *token)
{
	const struct executor *x = &sim->executor;

	for (size_t i = x->n_procs; i-- > 0;) {
		if (strcmp(x->procs[i]->token, token) == 0)
			return x->procs[i];
	}
	return NULL;
}

struct proc *executor_started(const struct sim *sim, const char *token)
{
	const struct executor *x = &sim->executor;

	for (size_t i = 0; i < x->n_procs; i++) {
		if (x->procs[i]->started &&
		    strcmp(x->procs[i]->token, token) == 0)
			return x->procs[i];
	}
	return NULL;
}

static struct proc *start_proc(struct sim *sim, const struct fx_run *run)
{
	struct executor *x = &sim->executor;
	struct proc *p = xcalloc(1, sizeof(*p));

	strcpy(p->token, run->attempt->token);
	p->search = run->search->id;
	p->trial = run->trial->id;
	p->attempt = run->attempt->number;
	p->cpus = run->spec->cpus;
	p->boot = sim->boot;
	p->launch_t = sim->t;
	p->gate_shut_t = p->end_t = p->term_t = NEVER;
	plan_make(&p->plan, rows_search(&sim->rows, p->search)->behaviour,
		  run->attempt);
	if (x->n_procs == x->cap_procs) {
		x->cap_procs = x->cap_procs > 0 ? 2 * x->cap_procs : 64;
		x->procs =
		    xreallocarray(x->procs, x->cap_procs, sizeof(*x->procs));
	}
	x->procs[x->n_procs++] = p;
	return p;
}

/* --- runs -------------------------------------------------------------------
 */

struct run *executor_find(const struct sim *sim, int64_t trial, int64_t attempt)
{
	const struct executor *x = &sim->executor;

	for (size_t i = 0; i < x->n_runs; i++) {
		if (x->runs[i].trial == trial && x->runs[i].attempt == attempt)
			return &x->runs[i];
	}
	return NULL;
}

static struct run *new_run(struct sim *sim, const struct attempt_record *a,
			   enum run_phase phase)
{
	struct executor *x = &sim->executor;
	struct run *r;

	sim_check(sim, executor_find(sim, a->trial, a->number) == NULL,
		  "attempt %lld of trial %lld is launched or adopted twice",
		  (long long)a->number, (long long)a->trial);
	if (x->n_runs == x->cap_runs) {
		x->cap_runs = x->cap_runs > 0 ? 2 * x->cap_runs : 16;
		x->runs = xreallocarray(x->runs, x->cap_runs, sizeof(*x->runs));
	}
	r = &x->runs[x->n_runs++];
	*r = (struct run){
		.trial = a->trial,
		.attempt = a->number,
		.phase = phase,
		.wake_t = sim->t + draw_below(sim, 200),
	};
	strcpy(r->token, a->token);
	strcpy(r->boot_id, a->boot_id);
	return r;
}

static void forget(struct sim *sim, struct run *r)
{
	struct executor *x = &sim->executor;

	*r = x->runs[--x->n_runs];
}

static void launch(struct sim *sim, const struct fx_run *run)
{
	static const int passing[] = { EAGAIN, ENOENT, EMFILE, ENOSPC };
	struct run *r;

	oracle_launch(sim, run);
	r = new_run(sim, run->attempt, RUN_SPAWNING);
	r->copies = lineage_has_parent(&run->trial->lineage);
	r->error = plan_spawn_error(
	    rows_search(&sim->rows, run->search->id)->behaviour,
	    run->trial->id);
	if (!sim->calm && draw_chance(sim, 10))
		r->error = passing[draw_below(sim, 4)];
	if (r->error == 0)
		r->proc = start_proc(sim, run);
	/* A shim may be killed at its gate, and some always are. */
	if (r->error == 0 && (plan_shim_dies(r->proc->token) ||
			      (!sim->calm && draw_chance(sim, 4))))
		r->proc->gate_shut_t = sim->t + draw_below(sim, 300);
}

static void go(struct sim *sim, const struct attempt_record *a)
{
	struct run *r = executor_find(sim, a->trial, a->number);

	if (r == NULL || r->phase != RUN_WAITING)
		return;
	proc_update(sim, r->proc);
	r->phase = RUN_LIVE;
	r->wake_t = sim->t + draw_below(sim, 1000);
	if (r->proc->state != PROC_WAITING ||
	    r->proc->gate_shut_t != NEVER) /* too late */
		return;
	oracle_go(sim, r->proc);
	promises_start(sim, r->proc);
	r->proc->state = PROC_RUNNING;
	r->proc->started = true;
	r->proc->start_t = sim->t;
	r->proc->end_t = sim->t + r->proc->plan.duration_ms;
}

static void term_run(struct sim *sim, struct run *r)
{
	term_proc(sim, r->proc);
	r->tells_term = true;
	r->wake_t = sim->t + draw_below(sim, 10);
}

static void terminate(struct sim *sim, const struct attempt_record *a,
		      bool kill)
{
	struct run *r = executor_find(sim, a->trial, a->number);

	if (r == NULL)
		return;
	r->has_killed |= kill;
	switch (r->phase) {
	case RUN_SPAWNING:
	case RUN_WAITING:
		if (r->proc != NULL && r->proc->gate_shut_t == NEVER)
			r->proc->gate_shut_t = sim->t + draw_below(sim, 50);
		break;
	case RUN_LIVE:
		if (kill) {
			oracle_kill(sim, r->proc);
			kill_proc(sim, r->proc);
		} else {
			term_run(sim, r);
		}
		break;
	case RUN_PROBING:
		r->wants_kill |= kill;
		r->wants_term |= !kill;
		break;
	case RUN_DRAINING:
		break;
	}
}

static void adopt(struct sim *sim, const struct fx_run *run)
{
	struct run *r;

	oracle_adopt(sim, run);
	r = new_run(sim, run->attempt, RUN_PROBING);
	r->copies = lineage_has_parent(&run->trial->lineage);
	r->wake_t = sim->t + draw_below(sim, 2000);
	r->offset = run->attempt->offset;
	r->proc = executor_proc(sim, run->attempt->token);
}

void executor_act(struct sim *sim, const struct effect *e)
{
	switch (e->type) {
	case FX_LAUNCH:
		launch(sim, &e->run);
		break;
	case FX_ADOPT:
		adopt(sim, &e->run);
		break;
	case FX_GO:
		go(sim, e->attempt);
		break;
	case FX_TERMINATE:
		terminate(sim, e->attempt, false);
		break;
	case FX_KILL:
		terminate(sim, e->attempt, true);
		break;
	case FX_SAVE_SEARCH:
	case FX_SAVE_TRIAL:
	case FX_SAVE_ATTEMPT:
	case FX_SAVE_METRICS:
	case FX_SAVE_SYMPTOMS:
	case FX_SAVE_EVENT:
	case FX_SUGGEST:
	case FX_TRIAL_ENDED:
	case FX_SEARCH_CHANGED:
		break;
	}
}

/* --- news -------------------------------------------------------------------
 */

static struct event news(const struct sim *sim, enum event_type type,
			 const struct run *r)
{
	return (struct event){
		.type = type,
		.at = sim_now(sim),
		.trial = r->trial,
		.attempt = r->attempt,
	};
}

static void tell(struct sim *sim, struct event *ev)
{
	auto_diag struct diag none = DIAG_INIT;
	int r = sim_step(sim, ev, &none);

	sim_check(sim, r == 0, "the core answers %d to news", r);
}

static void tell_failed(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_SPAWN_FAILED, r);

	ev.spawn_failed.error = r->error;
	ev.spawn_failed.what = "posix_spawn";
	forget(sim, r);
	tell(sim, &ev);
}

static void tell_spawned(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_SPAWNED, r);

	r->phase = RUN_WAITING;
	r->offset = (int64_t)rows_trial(&sim->rows, r->trial)->output.n;
	r->wake_t = sim->t + 1 + draw_below(sim, 200);
	ev.spawned.pid = 1000 + (int64_t)(hash_text(r->token) % 30000);
	ev.spawned.offset = r->offset;
	tell(sim, &ev);
}

/* A random piece of what there is. */
static void tell_output(struct sim *sim, struct run *r, int64_t available)
{
	const struct output *o = &rows_trial(&sim->rows, r->trial)->output;
	struct event ev = news(sim, EV_OUTPUT, r);
	int64_t n = draw_between(sim, 1, available);
	auto_free struct metric_record *metrics =
	    xcalloc((size_t)n, sizeof(*metrics));
	auto_free char *reader = NULL;

	for (int64_t i = 0; i < n; i++) {
		const struct byte *b = &o->bytes[r->offset + i];

		if (b->has_metric)
			metrics[ev.output.n++] = b->metric;
	}
	r->offset += n;
	reader = xasprintf("{\"at\":%lld}", (long long)r->offset);
	ev.output.metrics = metrics;
	ev.output.offset = r->offset;
	ev.output.reader = reader;
	ev.output.is_rest = r->phase == RUN_DRAINING;
	tell(sim, &ev);
}

static void tell_ended(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_ENDED, r);
	struct outcome outcome = r->outcome;

	ev.outcome = &outcome;
	cover_outcome(outcome.kind);
	forget(sim, r);
	tell(sim, &ev);
}

static void drain(struct sim *sim, struct run *r, enum outcome_kind kind)
{
	r->phase = RUN_DRAINING;
	r->outcome = (struct outcome){ .kind = kind };
	if (r->proc != NULL && kind == r->proc->outcome.kind)
		r->outcome = r->proc->outcome;
	r->wake_t = sim->t + draw_below(sim, 100);
}

/* True if there was output to tell. */
static bool move_output(struct sim *sim, struct run *r)
{
	int64_t size = (int64_t)rows_trial(&sim->rows, r->trial)->output.n;

	if (r->offset >= size)
		return false;
	tell_output(sim, r, size - r->offset);
	return true;
}

static void tell_copied(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_COPIED, r);

	r->copies = false;
	ev.copied.started_ms = r->proc->start_t - sim->boot_t;
	tell(sim, &ev);
}

static void move_live(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_TERMINATED, r);

	proc_update(sim, r->proc);
	r->wake_t = sim->t + 1 + draw_below(sim, 1500);
	if (r->tells_term) {
		r->tells_term = false;
		tell(sim, &ev);
	} else if (r->copies && r->proc->state == PROC_RUNNING)
		tell_copied(sim, r);
	else if (r->proc->state == PROC_OVER)
		drain(sim, r, r->proc->outcome.kind);
	else
		(void)move_output(sim, r);
}

static void adopt_live(struct sim *sim, struct run *r)
{
	struct event ev = news(sim, EV_ADOPTED, r);

	ev.adopted.pid = 1000 + (int64_t)(hash_text(r->token) % 30000);
	if (r->proc->term_t != NEVER)
		ev.adopted.term_ms = r->proc->term_t - sim->boot_t;
	r->phase = RUN_LIVE;
	r->wake_t = sim->t + draw_below(sim, 1000);
	if (r->wants_term)
		term_run(sim, r);
	if (r->wants_kill) {
		oracle_kill(sim, r->proc);
		kill_proc(sim, r->proc);
	}
	tell(sim, &ev);
}

static void move_probing(struct sim *sim, struct run *r)
{
	struct proc *p = r->proc;
	bool rebooted = strcmp(r->boot_id, sim->boot_id) != 0;

	r->wake_t = sim->t + 100;
	if (p != NULL)
		proc_update(sim, p);
	if (p != NULL && p->state == PROC_RUNNING)
		adopt_live(sim, r);
	else if (p != NULL && p->state == PROC_WAITING)
		return; /* its gate is shut: it ends soon */
	else if (p != NULL && p->recorded)
		drain(sim, r, p->outcome.kind);
	else if (rebooted)
		drain(sim, r, OUTCOME_REBOOTED);
	else
		drain(sim, r,
		      p != NULL && p->started ? OUTCOME_SHIM_DIED
					      : OUTCOME_NEVER_STARTED);
}

int64_t executor_next(const struct sim *sim)
{
	int64_t next = NEVER;

	for (size_t i = 0; i < sim->executor.n_runs; i++) {
		int64_t t = sim->executor.runs[i].wake_t;

		next = t < next ? t : next;
	}
	return next;
}

void executor_move(struct sim *sim)
{
	struct executor *x = &sim->executor;
	struct run *r = &x->runs[0];

	for (size_t i = 1; i < x->n_runs; i++) {
		if (x->runs[i].wake_t < r->wake_t)
			r = &x->runs[i];
	}
	switch (r->phase) {
	case RUN_SPAWNING:
		if (r->error != 0)
			tell_failed(sim, r);
		else
			tell_spawned(sim, r);
		break;
	case RUN_WAITING:
		proc_update(sim, r->proc);
		r->wake_t = sim->t + 100;
		if (r->proc->state == PROC_OVER)
			drain(sim, r, OUTCOME_NEVER_STARTED);
		break;
	case RUN_LIVE:
		move_live(sim, r);
		break;
	case RUN_PROBING:
		move_probing(sim, r);
		break;
	case RUN_DRAINING:
		r->wake_t = sim->t + draw_below(sim, 100);
		if (!move_output(sim, r))
			tell_ended(sim, r);
		break;
	}
}

void executor_crash(struct sim *sim)
{
	struct executor *x = &sim->executor;

	x->n_runs = 0;
	for (size_t i = 0; i < x->n_procs; i++) {
		struct proc *p = x->procs[i];

		proc_update(sim, p);
		if (p->state == PROC_WAITING && p->gate_shut_t == NEVER)
			p->gate_shut_t = sim->t + draw_below(sim, 500);
	}
}

void executor_reboot(struct sim *sim)
{
	struct executor *x = &sim->executor;

	for (size_t i = 0; i < x->n_procs; i++) {
		struct proc *p = x->procs[i];

		proc_update(sim, p);
		if (p->state == PROC_OVER)
			continue;
		p->end_t = sim->t;
		end_proc(sim, p, (struct outcome){ .kind = OUTCOME_REBOOTED });
		p->recorded = false;
	}
}

void executor_free(struct executor *x)
{
	for (size_t i = 0; i < x->n_procs; i++)
		free(x->procs[i]);
	free(x->procs);
	free(x->runs);
	*x = (struct executor){ 0 };
}
