/*
 * What a user is promised, checked over what happened in the world: commands
 * that were accepted, commits, programs that were started. None of it models
 * the core; where the oracles share a mistake with it, these do not.
 *
 *   what was killed, or whose search has ended, never runs again
 *   a paused search starts nothing, also not after a restart
 *   what was asked for (add, retry, extend) comes, unless it is taken back
 *   a trial runs retries + 1 times at most, or a run of it does; reboots apart
 *   what a trial came to stays what it is
 *   "until", "cost" and "plateau" end a search when they should, and only then
 */
#include "sim.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LATE_MS 30000 /* more than any turn takes */

/* An accepted command, in its turn: not promised before the commit. */
struct asked {
	enum event_type type;
	int64_t search, trial; /* ids; 0: none */
	int64_t value;         /* attempts so far, trials, until_ms */
	bool reopens;
};

struct trial_promise {
	bool is_stopped;         /* by the user, or with its search */
	int64_t stopped_attempt; /* the last one that there may be */
	uint64_t stopped_commit;
	bool is_wanted; /* by the user, more than wanted_after attempts */
	int64_t wanted_after;
	int64_t retried_after; /* attempts when the user last ran it again */
	int64_t attempts;
	bool is_over;
	enum trial_state state;
	char reason[REASON_BYTES];
	double value;
};

struct search_promise {
	bool is_paused, is_reopened;
	int64_t until_ms;
	int64_t trials; /* extended to; 0: not */
	int64_t over_t; /* since when it has used up its cost, or NEVER */
	enum search_state state;
};

struct promises {
	struct asked *asked;
	size_t n_asked, cap_asked;
	struct trial_promise *trials; /* id - 1 */
	size_t n_trials;
	struct search_promise *searches; /* id - 1 */
	size_t n_searches;
};

static struct promises *promises_of(struct sim *sim)
{
	if (sim->promises == NULL)
		sim->promises = xcalloc(1, sizeof(*sim->promises));
	return sim->promises;
}

void promises_free(struct sim *sim)
{
	struct promises *p = sim->promises;

	if (p == NULL)
		return;
	free(p->asked);
	free(p->trials);
	free(p->searches);
	free(p);
	sim->promises = NULL;
}

void promises_crash(struct sim *sim)
{
	struct promises *p = promises_of(sim);

	p->n_asked = 0;
	for (size_t i = 0; i < p->n_searches; i++)
		p->searches[i].over_t = NEVER;
}

/* --- commands ---------------------------------------------------------------
 */

static void ask(struct promises *p, struct asked a)
{
	if (p->n_asked == p->cap_asked) {
		p->cap_asked = p->cap_asked > 0 ? 2 * p->cap_asked : 16;
		p->asked =
		    xreallocarray(p->asked, p->cap_asked, sizeof(*p->asked));
	}
	p->asked[p->n_asked++] = a;
}

/* Before the oracles have seen what it did, but for an added trial. */
void promises_asked(struct sim *sim, const struct event *ev)
{
	struct promises *p = promises_of(sim);
	struct asked a = { .type = ev->type, .search = ev->search };
	struct rows *r = &sim->rows;
	const struct trial_row *t;

	if (ev->type == EV_SUBMIT) {
		a.search = (int64_t)r->n_searches + 1;
		a.value = ev->submit.until_ms;
	} else if (ev->type == EV_ADD || ev->type == EV_RETRY ||
		   ev->type == EV_EXTEND) {
		a.reopens = search_state_is_final(
		    (enum search_state)rows_search(r, ev->search)->seen);
	}
	if (ev->type == EV_EXTEND)
		a.value = ev->extend.trials;
	if (ev->type == EV_ADD)
		a.trial = (int64_t)r->n_trials + 1;
	if (ev->type == EV_KILL || ev->type == EV_RETRY) {
		t = rows_known(r, ev->search, ev->number);
		for (a.trial = 1; r->trials[a.trial - 1] != t; a.trial++)
			;
		a.value = t->seen_attempt;
	}
	ask(p, a);
	if (ev->type != EV_CANCEL && ev->type != EV_EXTEND)
		return;
	for (size_t i = 0; i < r->n_trials; i++)
		if (r->trials[i]->search == ev->search &&
		    (ev->type == EV_CANCEL || oracle_waited(sim, r->trials[i])))
			ask(p, (struct asked){
				   .type = ev->type == EV_CANCEL ? EV_KILL
								 : EV_EXTEND,
				   .search = ev->search,
				   .trial = (int64_t)i + 1,
				   .value = r->trials[i]->seen_attempt,
			       });
}

static void stop(const struct sim *sim, struct trial_promise *t,
		 int64_t attempt)
{
	t->is_wanted = false;
	if (t->is_stopped)
		return;
	t->is_stopped = true;
	t->stopped_attempt = attempt;
	t->stopped_commit = sim->rows.commits;
}

static void want(struct trial_promise *t, int64_t attempts)
{
	t->is_stopped = t->is_over = false;
	t->is_wanted = true;
	t->wanted_after = t->retried_after = attempts;
}

/* It waited when its search ended, and more trials are to come. */
static void take_back(struct sim *sim, struct trial_promise *t,
		      const struct asked *a)
{
	t->is_stopped = t->is_over = false;
	/* It may have ended again at once, exhausted. */
	sim_check(sim,
		  sim->commands_in_turn > 1 ||
		      search_state_is_final(
			  sim->rows.searches[a->search - 1]->rec.state) ||
		      sim->rows.trials[a->trial - 1]->rec.state != TRIAL_PRUNED,
		  "search %lld is extended, and trial %lld waits no more",
		  (long long)a->search, (long long)a->trial);
}

static void promise(struct sim *sim, const struct asked *a)
{
	struct promises *p = sim->promises;
	struct search_promise *s = &p->searches[a->search - 1];
	struct trial_promise *t =
	    a->trial != 0 ? &p->trials[a->trial - 1] : NULL;

	if (a->reopens) {
		s->is_reopened = true;
		s->is_paused = false;
		s->trials = 0;
	}
	if (a->type == EV_SUBMIT)
		s->until_ms = a->value;
	else if (a->type == EV_PAUSE || a->type == EV_RESUME)
		s->is_paused = a->type == EV_PAUSE;
	else if (a->type == EV_EXTEND && t != NULL)
		take_back(sim, t, a);
	else if (a->type == EV_EXTEND)
		s->trials = a->value;
	else if (a->type == EV_KILL)
		stop(sim, t, a->value);
	else if (a->type == EV_ADD || a->type == EV_RETRY)
		want(t, a->value);
}

/* --- trials -----------------------------------------------------------------
 */

static void check_attempts(struct sim *sim, const struct trial_row *row,
			   struct trial_promise *t, bool is_paused)
{
	int64_t n = (int64_t)row->n_attempts;

	sim_check(sim, !t->is_stopped || n <= t->stopped_attempt,
		  "trial %lld gets attempt %lld after it was stopped for good",
		  (long long)row->rec.id, (long long)n);
	sim_check(sim, !is_paused || n == t->attempts,
		  "trial %lld gets attempt %lld, and its search is paused",
		  (long long)row->rec.id, (long long)n);
	t->is_wanted &= n <= t->wanted_after;
	t->attempts = n;
}

static void check_over(struct sim *sim, const struct trial_row *row,
		       struct trial_promise *t)
{
	const struct trial_record *r = &row->rec;

	if (t->is_over)
		sim_check(
		    sim,
		    r->state == t->state && strcmp(r->reason, t->reason) == 0 &&
			memcmp(&r->value, &t->value, sizeof(t->value)) == 0,
		    "trial %lld was %s (%s, %g) and becomes %s (%s, %g)",
		    (long long)r->id, trial_state_name(t->state), t->reason,
		    t->value, trial_state_name(r->state), r->reason, r->value);
	t->is_over = trial_state_is_final(r->state);
	t->state = r->state;
	strcpy(t->reason, r->reason);
	t->value = r->value;
}

/* It ended with a boot, or nobody can tell that it did not. */
static bool is_of_reboot(const struct sim *sim, const struct proc *p)
{
	return p->state == PROC_OVER && p->boot != sim->boot && !p->recorded;
}

/* How often it has waited within a run. */
static int64_t count_pauses(const struct sim *sim, const struct proc *started,
			    const struct trial_promise *promise)
{
	const struct trial_row *t = sim->rows.trials[started->trial - 1];
	int64_t n = 0;

	for (size_t i = (size_t)promise->retried_after; i < t->n_attempts; i++)
		n += strncmp(t->attempts[i].rec.stop_reason, "paused@", 7) == 0;
	return n;
}

void promises_start(struct sim *sim, const struct proc *started)
{
	const struct trial_promise *t =
	    &promises_of(sim)->trials[started->trial - 1];
	const struct search_row *s = rows_search(&sim->rows, started->search);
	int64_t n = 1;

	/* It may have been on its way when it was killed. */
	sim_check(sim,
		  !t->is_stopped || (started->attempt <= t->stopped_attempt &&
				     t->stopped_commit == sim->rows.commits),
		  "trial %lld runs after it was stopped for good",
		  (long long)started->trial);
	for (size_t i = 0; i < sim->executor.n_procs; i++) {
		const struct proc *p = sim->executor.procs[i];

		n += p->trial == started->trial && p->started &&
		     p->attempt > t->retried_after && !is_of_reboot(sim, p);
	}
	/* One that waits has its retries again when it goes on. */
	n -= (s->spec->retries + 1) * count_pauses(sim, started, t);
	sim_check(sim, n <= (s->spec->retries + 1) * s->spec->runs,
		  "trial %lld is started %lld times, and has %lld retries and "
		  "%lld runs",
		  (long long)started->trial, (long long)n,
		  (long long)s->spec->retries, (long long)s->spec->runs);
}

/* --- what ends a search -----------------------------------------------------
 */

/*
 * Slots times time. With @known what no daemon can have missed: the ends that
 * it has committed, and what it sees running; else all that there was before
 * the ends of this turn.
 */
static int64_t used_by(struct sim *sim, const struct search_row *s, bool known,
		       int64_t *ret_rate)
{
	int64_t used = 0;

	*ret_rate = 0;
	for (size_t i = 0; i < sim->executor.n_procs; i++) {
		struct proc *p = sim->executor.procs[i];
		const struct attempt_row *a;
		const struct run *r;
		bool is_told;

		if (p->search != s->rec.id)
			continue;
		proc_update(sim, p);
		a = rows_attempt(&sim->rows, p->trial, p->attempt);
		r = executor_find(sim, p->trial, p->attempt);
		is_told = p->started && p->recorded &&
			  attempt_state_is_final(a->rec.state);
		if (!known) {
			is_told &= a->commit != sim->rows.commits;
			used += (is_told ? p->end_t : sim->t) - p->launch_t;
		} else if (is_told) {
			used += p->end_t - p->start_t;
		} else if (p->state == PROC_RUNNING && r != NULL &&
			   r->phase == RUN_LIVE) {
			used += sim->t - p->start_t;
			*ret_rate += s->spec->cpus;
		}
	}
	return used * s->spec->cpus;
}

static void check_due(struct sim *sim, const struct search_row *s, int64_t due,
		      const char *what)
{
	sim_check(sim, core_next_deadline(sim->core) <= due,
		  "search %lld ends by its %s at %lld, and the core sleeps "
		  "until %lld",
		  (long long)s->rec.id, what, (long long)due,
		  (long long)core_next_deadline(sim->core));
}

/* Between turns: a search that goes on has a reason to. */
static void settle_search(struct sim *sim, const struct search_row *s,
			  struct search_promise *promise)
{
	struct moment now = sim_now(sim);
	int64_t cost = s->spec->stop.cost_ms, used, rate;

	if (search_state_is_final(s->rec.state) || promise->is_reopened)
		return;
	if (promise->until_ms != 0) {
		sim_check(sim, now.now_ms < promise->until_ms + LATE_MS,
			  "search %lld goes on after its time",
			  (long long)s->rec.id);
		check_due(sim, s,
			  promise->until_ms - sim->wall_ms - sim->boot_t,
			  "until");
	}
	if (cost == 0)
		return;
	used = used_by(sim, s, true, &rate);
	if (used < cost)
		promise->over_t = NEVER;
	else if (promise->over_t == NEVER)
		promise->over_t = sim->t;
	sim_check(
	    sim, promise->over_t == NEVER || sim->t < promise->over_t + LATE_MS,
	    "search %lld has used %lld of %lld ms and goes on",
	    (long long)s->rec.id, (long long)used, (long long)cost);
	if (used >= cost)
		check_due(sim, s, now.boot_ms, "cost");
	else if (rate > 0)
		check_due(sim, s, now.boot_ms + (cost - used) / rate + 2,
			  "cost");
}

void promises_settle(struct sim *sim)
{
	const struct promises *p = promises_of(sim);

	for (size_t i = 0; i < p->n_searches; i++)
		settle_search(sim, sim->rows.searches[i], &p->searches[i]);
}

/* The best score of the latest trials that ran, and of all others. */
static bool has_plateau(const struct sim *sim, const struct search_row *s,
			double noise)
{
	double sign = s->spec->goal == GOAL_MINIMIZE ? 1 : -1;
	double before = (double)INFINITY, since = (double)INFINITY;
	int64_t n = 0;

	for (int64_t k = rows_count(&sim->rows, s->rec.id); k-- > 0;) {
		const struct trial_record *t =
		    &rows_known(&sim->rows, s->rec.id, k)->rec;
		bool is_done = t->state == TRIAL_DONE;
		double score = is_done ? sign * t->value : (double)INFINITY;

		if (n < s->spec->stop.plateau && t->attempts > 0 &&
		    (is_done || t->state == TRIAL_PRUNED ||
		     t->state == TRIAL_FAILED)) {
			n++;
			since = fmin(since, score);
		} else {
			before = fmin(before, score);
		}
	}
	return n == s->spec->stop.plateau && isfinite(before) &&
	       since >= before - noise;
}

/* As its event says; NaN: there is none. */
static double noise_told(const struct sim *sim, int64_t search)
{
	double noise = (double)NAN;

	for (size_t i = sim->rows.n_events; i-- > 0;) {
		const struct event_row *e = &sim->rows.events[i];
		cJSON *data;

		if (e->commit != sim->rows.commits)
			break;
		if (e->rec.search != search || e->rec.data == NULL ||
		    strcmp(e->rec.kind, "end") != 0)
			continue;
		data = cJSON_Parse(e->rec.data);
		noise = cJSON_GetNumberValue(
		    cJSON_GetObjectItemCaseSensitive(data, "noise"));
		cJSON_Delete(data);
	}
	return noise;
}

/* How many trials of the search have run to their end in this commit. */
static int count_ends(const struct sim *sim, int64_t search)
{
	int n = 0;

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];

		n += t->commit == sim->rows.commits &&
		     t->rec.search == search &&
		     t->state_before == TRIAL_RUNNING &&
		     trial_state_is_final(t->rec.state);
	}
	return n;
}

static void check_end(struct sim *sim, const struct search_row *s,
		      const struct search_promise *promise)
{
	const char *reason = s->rec.reason;
	int64_t rate;

	sim_check(sim,
		  !promise->is_reopened || (strcmp(reason, "until") != 0 &&
					    strcmp(reason, "cost") != 0 &&
					    strcmp(reason, "plateau") != 0),
		  "search %lld was set going again and ends by %s",
		  (long long)s->rec.id, reason);
	if (strcmp(reason, "until") == 0)
		sim_check(sim,
			  promise->until_ms != 0 &&
			      s->rec.ended_ms >= promise->until_ms,
			  "search %lld ends before its time",
			  (long long)s->rec.id);
	if (strcmp(reason, "cost") == 0)
		sim_check(
		    sim, used_by(sim, s, false, &rate) >= s->spec->stop.cost_ms,
		    "search %lld ends before its cost is used",
		    (long long)s->rec.id);
	if (strcmp(reason, "plateau") == 0 && count_ends(sim, s->rec.id) <= 1)
		sim_check(sim, has_plateau(sim, s, noise_told(sim, s->rec.id)),
			  "search %lld ends by a plateau and has none",
			  (long long)s->rec.id);
	if (strcmp(reason, "trials") == 0)
		sim_check(
		    sim, rows_count(&sim->rows, s->rec.id) >= promise->trials,
		    "search %lld was extended to %lld trials and has %lld",
		    (long long)s->rec.id, (long long)promise->trials,
		    (long long)rows_count(&sim->rows, s->rec.id));
}

/* Whatever the noise is, no improvement at all is none. */
static void check_no_plateau(struct sim *sim, const struct search_row *s,
			     const struct search_promise *promise)
{
	if (s->spec->stop.plateau == 0 || s->spec->sampler == SAMPLER_GP ||
	    promise->is_reopened || sim->commands_in_turn > 0 ||
	    count_ends(sim, s->rec.id) == 0)
		return;
	sim_check(sim, !has_plateau(sim, s, 0),
		  "search %lld goes on with a plateau", (long long)s->rec.id);
}

static void check_search(struct sim *sim, const struct search_row *s,
			 struct search_promise *promise)
{
	struct promises *p = sim->promises;
	bool is_new = promise->state != s->rec.state;

	promise->state = s->rec.state;
	if (!search_state_is_final(s->rec.state)) {
		check_no_plateau(sim, s, promise);
		return;
	}
	if (is_new)
		check_end(sim, s, promise);
	promise->is_paused = false;
	promise->trials = 0;
	for (size_t i = 0; i < p->n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];
		const struct attempt_record *a;

		if (t->rec.search != s->rec.id)
			continue;
		stop(sim, &p->trials[i], (int64_t)t->n_attempts);
		if (t->rec.state != TRIAL_RUNNING)
			continue;
		a = &t->attempts[t->n_attempts - 1].rec;
		sim_check(sim, a->stop_reason[0] != '\0',
			  "search %lld has ended, and trial %lld goes on",
			  (long long)s->rec.id, (long long)t->rec.id);
	}
}

/* --- commits and the end ----------------------------------------------------
 */

/* Room for all that is committed. */
static void grow(struct sim *sim)
{
	struct promises *p = promises_of(sim);
	const struct rows *r = &sim->rows;

	p->trials =
	    xreallocarray(p->trials, r->n_trials + 1, sizeof(*p->trials));
	for (; p->n_trials < r->n_trials; p->n_trials++)
		p->trials[p->n_trials] = (struct trial_promise){ 0 };
	p->searches =
	    xreallocarray(p->searches, r->n_searches + 1, sizeof(*p->searches));
	for (; p->n_searches < r->n_searches; p->n_searches++)
		p->searches[p->n_searches] = (struct search_promise){
			.over_t = NEVER,
		};
}

void promises_commit(struct sim *sim)
{
	const struct rows *r = &sim->rows;
	struct promises *p = promises_of(sim);
	auto_free bool *was_paused = NULL;

	grow(sim);
	was_paused = xcalloc(p->n_searches + 1, sizeof(*was_paused));
	for (size_t i = 0; i < p->n_searches; i++)
		was_paused[i] = p->searches[i].is_paused;
	for (size_t i = 0; i < p->n_asked; i++) {
		promise(sim, &p->asked[i]);
		if (p->asked[i].type == EV_RESUME || p->asked[i].reopens)
			was_paused[p->asked[i].search - 1] = false;
	}
	p->n_asked = 0;
	for (size_t i = 0; i < p->n_trials; i++) {
		check_attempts(sim, r->trials[i], &p->trials[i],
			       was_paused[r->trials[i]->rec.search - 1]);
		check_over(sim, r->trials[i], &p->trials[i]);
	}
	for (size_t i = 0; i < p->n_searches; i++)
		check_search(sim, r->searches[i], &p->searches[i]);
}

void promises_end(struct sim *sim)
{
	const struct promises *p = promises_of(sim);

	for (size_t i = 0; i < p->n_trials; i++)
		sim_check(sim, !p->trials[i].is_wanted,
			  "trial %zu was asked for and never ran", i + 1);
}
