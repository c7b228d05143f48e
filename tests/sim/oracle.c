/*
 * What must hold between turns, and of every act. The oracles know the states'
 * moves and the promises, not the core's insides.
 */
#include "sim.h"

#include <math.h>
#include <string.h>

/* --- settles
 * ---------------------------------------------------------------------- */

static void settle_deadline(struct sim *sim, int64_t due, const char *what,
			    int64_t id)
{
	int64_t next = core_next_deadline(sim->core);

	sim_check(
	    sim, next <= due,
	    "the %s of %lld is due at %lld, and the core waits until %lld",
	    what, (long long)id, (long long)due, (long long)next);
}

/* When its timeout began; NEVER: it did not yet, as far as the core knows. */
static int64_t begin_of(struct sim *sim, const struct attempt_record *a,
			const struct run *r)
{
	const struct trial_row *t = rows_trial(&sim->rows, a->trial);

	if (!lineage_has_parent(&t->rec.lineage))
		return a->started_boot_ms;
	return r == NULL || r->copies ? NEVER : r->proc->start_t - sim->boot_t;
}

static void settle_attempt(struct sim *sim, const struct search_row *s,
			   const struct attempt_record *a)
{
	const struct run *r = executor_find(sim, a->trial, a->number);

	if (strcmp(a->boot_id, sim->boot_id) != 0)
		return;
	/* It may be over, or is: what is due is decided by its own end. */
	if (r != NULL && (r->phase == RUN_PROBING || r->phase == RUN_DRAINING))
		return;
	if (a->state == ATTEMPT_RUNNING && s->spec->timeout_ms > 0 &&
	    begin_of(sim, a, r) != NEVER)
		settle_deadline(sim, begin_of(sim, a, r) + s->spec->timeout_ms,
				"timeout", a->trial);
	if (a->state != ATTEMPT_STOPPING)
		return;
	if (a->kill_boot_ms != 0 && (r == NULL || !r->has_killed))
		settle_deadline(sim, a->kill_boot_ms, "kill", a->trial);
	if (r == NULL || r->phase != RUN_LIVE ||
	    r->proc->state != PROC_RUNNING || r->has_killed)
		return;
	sim_check(sim, r->proc->term_t != NEVER,
		  "trial %lld is stopping, and nobody told it",
		  (long long)a->trial);
	sim_check(sim,
		  r->tells_term ||
		      (a->kill_boot_ms >=
			   r->proc->term_t - sim->boot_t + s->spec->grace_ms &&
		       a->kill_boot_ms <= r->proc->term_t - sim->boot_t +
					      s->spec->grace_ms + 10),
		  "trial %lld was told to stop, and has not its grace",
		  (long long)a->trial);
}

/* The best value of the rows; NaN if there is none. */
static double best_of(const struct rows *r, const struct search_row *s)
{
	double best = (double)NAN;
	double sign = s->spec->goal == GOAL_MINIMIZE ? 1 : -1;

	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_record *t = &r->trials[i]->rec;

		if (t->search == s->rec.id && t->state == TRIAL_DONE &&
		    (isnan(best) || sign * t->value < sign * best))
			best = t->value;
	}
	return best;
}

static void settle_search(struct sim *sim, const struct search_row *s)
{
	struct moment now = sim_now(sim);
	struct core_progress p;
	int64_t counts[NAMES_TRIAL_STATES_N] = { 0 };
	double best = best_of(&sim->rows, s);

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];

		if (t->rec.search != s->rec.id)
			continue;
		counts[t->rec.state]++;
		if (t->n_attempts > 0)
			settle_attempt(sim, s,
				       &t->attempts[t->n_attempts - 1].rec);
	}
	core_progress(sim->core, s->rec.id, &now, &p);
	sim_check(sim, memcmp(counts, p.counts, sizeof(counts)) == 0,
		  "the core has miscounted the trials of search %lld",
		  (long long)s->rec.id);
	sim_check(sim, p.created == rows_count(&sim->rows, s->rec.id),
		  "search %lld has another number of trials",
		  (long long)s->rec.id);
	sim_check(sim,
		  p.best == NULL ? isnan(best)
				 : p.best->state == TRIAL_DONE &&
				       fabs(p.best->value - best) < 1e-9,
		  "search %lld has another best trial", (long long)s->rec.id);
	if (s->spec->max_time_ms > 0 && !search_state_is_final(s->rec.state)) {
		sim_check(sim, strcmp(s->rec.boot_id, sim->boot_id) == 0,
			  "search %lld counts its time from another boot",
			  (long long)s->rec.id);
		settle_deadline(sim,
				s->rec.created_boot_ms + s->spec->max_time_ms,
				"max_time", s->rec.id);
	}
}

static void settle_explain(struct sim *sim, int64_t search)
{
	auto_buf struct buf b = BUF_INIT;

	core_explain(sim->core, search, &b);
	sim_check(sim, b.len > 10, "search %lld explains nothing",
		  (long long)search);
}

/*
 * Trials to run, room by its own "parallel", and slots that could do. Those
 * that wait to be among the best are to run only if @with_paused, as are those
 * of a population of which nobody can go on: its sampler has yet to say so.
 */
static bool waits(const struct sim *sim, const struct search_row *s,
		  bool with_paused)
{
	struct moment now = sim_now(sim);
	int64_t queued, running;
	struct core_progress p;

	core_progress(sim->core, s->rec.id, &now, &p);
	queued = p.counts[TRIAL_QUEUED] - (with_paused ? 0 : p.paused);
	running = p.counts[TRIAL_RUNNING] + p.choosing;
	return s->rec.state == SEARCH_RUNNING &&
	       (queued > 0 || oracle_is_promoted(sim, s, false) ||
		((p.left < 0 || p.left > p.choosing) &&
		 (with_paused || oracle_can_choose(sim, s, p.choosing)))) &&
	       (s->spec->parallel == 0 || running < s->spec->parallel) &&
	       s->spec->cpus <= sim->slots_now;
}

/* The widest trial that waits; -1: none. */
static int64_t find_widest(const struct sim *sim, bool with_paused)
{
	int64_t widest = -1;

	for (size_t i = 0; i < sim->rows.n_searches; i++) {
		const struct search_row *s = sim->rows.searches[i];

		if (search_row_is_open(&sim->rows, s) &&
		    waits(sim, s, with_paused) && s->spec->cpus > widest)
			widest = s->spec->cpus;
	}
	return widest;
}

/* When whoever waits would fit, nobody waits. */
static void settle_idle(struct sim *sim, int64_t free_slots)
{
	int64_t widest = find_widest(sim, false);

	sim_check(sim,
		  widest < 0 || find_widest(sim, true) > free_slots ||
		      sim->shutting_down,
		  "%lld slots are free, and a trial that takes %lld waits",
		  (long long)free_slots, (long long)widest);
}

/* How many trials keep slots of the search until its sampler answers. */
static int64_t settle_thought(struct sim *sim, const struct search_row *s)
{
	const struct fx_suggest *asked = oracle_out(sim, s->rec.id);
	struct moment now = sim_now(sim);
	struct core_progress p;

	if (!core_has_search(sim->core, s->rec.id))
		return 0;
	core_progress(sim->core, s->rec.id, &now, &p);
	sim_check(sim,
		  asked != NULL ? p.choosing >= (int64_t)asked->n
				: p.choosing == 0,
		  "search %lld keeps the slots of %lld trials, and its sampler "
		  "is asked for %zu",
		  (long long)s->rec.id, (long long)p.choosing,
		  asked != NULL ? asked->n : 0);
	return p.choosing;
}

void oracle_settle(struct sim *sim)
{
	struct core_load load;
	int64_t open = 0, used = 0;

	for (size_t i = 0; i < sim->rows.n_searches; i++) {
		const struct search_row *s = sim->rows.searches[i];
		bool is_open = search_row_is_open(&sim->rows, s);
		bool is_held = is_open || oracle_out(sim, s->rec.id) != NULL;

		used += settle_thought(sim, s) * s->spec->cpus;
		sim_check(sim, core_has_search(sim->core, s->rec.id) == is_held,
			  "search %lld is %s, and the core %s",
			  (long long)s->rec.id, is_open ? "open" : "over",
			  is_held ? "has forgotten it" : "keeps it");
		if (!is_open)
			continue;
		settle_search(sim, s);
		settle_explain(sim, s->rec.id);
	}
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];

		if (t->rec.state != TRIAL_RUNNING)
			continue;
		open++;
		used += rows_search(&sim->rows, t->rec.search)->spec->cpus;
	}
	core_load_now(sim->core, &load);
	sim_check(sim, load.running == open && load.slots_used == used,
		  "%lld attempts are open with %lld slots, and the core has "
		  "%lld with %lld",
		  (long long)open, (long long)used, (long long)load.running,
		  (long long)load.slots_used);
	settle_idle(sim, sim->slots_now - used);
}

/* --- acts
 * ------------------------------------------------------------------------ */

static bool is_live(struct sim *sim, struct proc *p)
{
	proc_update(sim, p);
	return p->state != PROC_OVER;
}

void oracle_launch(struct sim *sim, const struct fx_run *run)
{
	const struct executor *x = &sim->executor;
	const struct attempt_row *a =
	    rows_attempt(&sim->rows, run->attempt->trial, run->attempt->number);
	int64_t slots = run->spec->cpus, parallel = 1;

	sim_check(sim,
		  a != NULL && a->rec.state == ATTEMPT_LAUNCHING &&
		      strcmp(a->rec.token, run->attempt->token) == 0,
		  "trial %lld is launched and its intent not committed",
		  (long long)run->trial->id);
	for (size_t i = 0; i < x->n_procs; i++) {
		struct proc *p = x->procs[i];

		if (strcmp(p->token, run->attempt->token) == 0)
			sim_check(sim, !p->started,
				  "trial %lld is launched and has run",
				  (long long)p->trial);
		if (!is_live(sim, p))
			continue;
		sim_check(sim, p->trial != run->trial->id,
			  "trial %lld is launched and lives",
			  (long long)p->trial);
		slots += p->cpus;
		parallel += p->search == run->search->id;
	}
	/* What was open when the slots became fewer may go on. */
	sim_check(sim,
		  run->spec->cpus == 0 || slots <= sim->slots_now ||
		      (sim->has_shrunk && a->epoch != sim->epoch),
		  "%lld of %lld slots are in use", (long long)slots,
		  (long long)sim->slots_now);
	sim_check(sim,
		  run->spec->parallel == 0 || parallel <= run->spec->parallel,
		  "search %lld runs %lld trials at one time",
		  (long long)run->search->id, (long long)parallel);
}

void oracle_go(struct sim *sim, const struct proc *p)
{
	const struct attempt_row *a =
	    rows_attempt(&sim->rows, p->trial, p->attempt);

	sim_check(sim,
		  a != NULL && strcmp(a->rec.token, p->token) == 0 &&
		      (a->rec.state == ATTEMPT_RUNNING ||
		       a->rec.state == ATTEMPT_STOPPING),
		  "the gate of trial %lld opens before that is committed",
		  (long long)p->trial);
	sim_check(sim, executor_started(sim, p->token) == NULL,
		  "attempt %lld of trial %lld runs twice",
		  (long long)p->attempt, (long long)p->trial);
}

void oracle_kill(struct sim *sim, const struct proc *p)
{
	const struct attempt_row *a =
	    rows_attempt(&sim->rows, p->trial, p->attempt);

	sim_check(
	    sim,
	    a->rec.state == ATTEMPT_STOPPING &&
		sim_now(sim).boot_ms >= a->rec.kill_boot_ms &&
		(!p->started || sim->t >= p->end_t ||
		 (p->term_t != NEVER &&
		  sim->t - p->term_t >=
		      rows_search(&sim->rows, p->search)->spec->grace_ms)),
	    "trial %lld is killed before its grace is over",
	    (long long)p->trial);
}

void oracle_adopt(struct sim *sim, const struct fx_run *run)
{
	const struct attempt_row *a =
	    rows_attempt(&sim->rows, run->attempt->trial, run->attempt->number);

	sim_check(
	    sim,
	    a != NULL && !attempt_state_is_final(a->rec.state) &&
		(a->rec.reader == NULL
		     ? run->attempt->reader == NULL
		     : run->attempt->reader != NULL &&
			   strcmp(a->rec.reader, run->attempt->reader) == 0) &&
		strcmp(a->rec.token, run->attempt->token) == 0 &&
		a->rec.offset == run->attempt->offset,
	    "trial %lld is adopted as another attempt",
	    (long long)run->trial->id);
}

void oracle_end(struct sim *sim)
{
	const struct rows *r = &sim->rows;

	for (size_t i = 0; i < r->n_searches; i++)
		sim_check(sim, !search_row_is_open(r, r->searches[i]),
			  "search %zu never ends (%s)", i + 1,
			  search_state_name(r->searches[i]->rec.state));
	for (size_t i = 0; i < r->n_trials; i++)
		sim_check(sim, trial_state_is_final(r->trials[i]->rec.state),
			  "trial %zu stays %s", i + 1,
			  trial_state_name(r->trials[i]->rec.state));
	for (size_t i = 0; i < sim->executor.n_procs; i++)
		sim_check(sim, !is_live(sim, sim->executor.procs[i]),
			  "a process of trial %lld lives on",
			  (long long)sim->executor.procs[i]->trial);
}
