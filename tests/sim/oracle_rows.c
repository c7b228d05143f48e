/*
 * With every commit: the rows against what the programs did.
 */
#include "search/halving.h"
#include "search/sampler.h"
#include "search/wilcoxon.h"
#include "sim.h"

#include "schema/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_pause(const char *reason)
{
	return strncmp(reason, "paused@", 7) == 0;
}

/* The first run of the trial. */
static int64_t first_of(const struct search_spec *spec,
			const struct trial_row *t)
{
	return halving_first(spec, t->rec.number);
}

/* --- commits: an attempt against what its program did
 * ------------------------- */

static void check_metrics(struct sim *sim, const struct trial_row *t,
			  const struct attempt_row *a)
{
	const struct output *o = &t->output;
	const struct attempt_row *curve = rows_curve(a);
	size_t n = a->n_before, end = curve->n_metrics;

	if (a->rec.number < (int64_t)t->n_attempts &&
	    a[1].rec.curve == a->rec.curve)
		end = a[1].n_before;
	sim_check(sim,
		  a->rec.start_offset <= a->rec.offset &&
		      a->rec.offset <= (int64_t)o->n,
		  "attempt %lld of trial %lld has read to %lld of %zu",
		  (long long)a->rec.number, (long long)t->rec.id,
		  (long long)a->rec.offset, o->n);
	for (int64_t i = a->rec.start_offset; i < a->rec.offset; i++) {
		const struct byte *b = &o->bytes[i];
		const struct metric_record *m;

		sim_check(sim, b->attempt == a->rec.number,
			  "attempt %lld of trial %lld reads the output of "
			  "attempt %lld",
			  (long long)a->rec.number, (long long)t->rec.id,
			  (long long)b->attempt);
		if (!b->has_metric)
			continue;
		sim_check(sim, n < end, "a metric of trial %lld is not saved",
			  (long long)t->rec.id);
		m = &curve->metrics[n++];
		sim_check(sim,
			  strcmp(m->name, b->metric.name) == 0 &&
			      m->step == b->metric.step &&
			      m->kind == b->metric.kind &&
			      memcmp(&m->value, &b->metric.value,
				     sizeof(m->value)) == 0,
			  "byte %lld of trial %lld is saved as another metric",
			  (long long)i, (long long)t->rec.id);
	}
	sim_check(sim, n == end,
		  "trial %lld has %zu metrics, and its output %zu",
		  (long long)t->rec.id, end, n);
}

static void check_reader(struct sim *sim, const struct attempt_record *a)
{
	auto_free char *reader =
	    xasprintf("{\"at\":%lld}", (long long)a->offset);

	sim_check(sim,
		  a->offset == a->start_offset ||
		      (a->reader != NULL && strcmp(a->reader, reader) == 0),
		  "the reader of trial %lld is at another place than its "
		  "offset",
		  (long long)a->trial);
}

/* The reason comes with a sentence in the same transaction, or an older one. */
static void check_stop_event(struct sim *sim, const struct trial_row *t,
			     const struct attempt_record *a)
{
	const char *kind = is_pause(a->stop_reason) ? "pause" : "stop";
	bool by_rule = strchr(a->stop_reason, '@') != NULL ||
		       strcmp(a->stop_reason, "diverged") == 0 ||
		       strcmp(a->stop_reason, "timeout") == 0;

	cover_reason(a->stop_reason);
	if (strcmp(a->stop_reason, "user") == 0 ||
	    strcmp(a->stop_reason, "shutdown") == 0)
		return;
	for (size_t i = sim->rows.n_events; i-- > 0;) {
		const struct event_row *e = &sim->rows.events[i];

		if (e->commit != sim->rows.commits)
			break;
		if (strcmp(e->rec.kind, by_rule ? kind : "end") == 0 &&
		    e->rec.search == t->rec.search &&
		    e->rec.trial == (by_rule ? t->rec.id : 0) &&
		    e->rec.text != NULL && strlen(e->rec.text) > 10)
			return;
	}
	sim_fail(sim, "trial %lld is stopped (%s), and no event says why",
		 (long long)t->rec.id, a->stop_reason);
}

static void check_outcome(struct sim *sim, const struct trial_row *t,
			  const struct attempt_row *a)
{
	const struct outcome *o = &a->rec.outcome;
	struct proc *p = executor_started(sim, a->rec.token);
	enum outcome_kind kind = p != NULL ? p->outcome.kind : OUTCOME_NONE;

	if (p == NULL) {
		sim_check(
		    sim,
		    o->kind == OUTCOME_NEVER_STARTED ||
			o->kind == OUTCOME_NOT_EXECUTED ||
			o->kind == OUTCOME_REBOOTED,
		    "attempt %lld of trial %lld ended as %s and never ran",
		    (long long)a->rec.number, (long long)t->rec.id,
		    outcome_kind_name(o->kind));
		return;
	}
	/* Whose shim had died before a reboot cannot be told from the rest. */
	if (o->kind == OUTCOME_REBOOTED && kind == OUTCOME_SHIM_DIED &&
	    p->boot != sim->boot)
		kind = OUTCOME_REBOOTED;
	sim_check(sim,
		  p->state == PROC_OVER && o->kind == kind &&
		      o->code == p->outcome.code &&
		      o->signal == p->outcome.signal &&
		      o->core == p->outcome.core,
		  "attempt %lld of trial %lld ended as %s %d %d, and in truth "
		  "as %s %d %d",
		  (long long)a->rec.number, (long long)t->rec.id,
		  outcome_kind_name(o->kind), o->code, o->signal,
		  outcome_kind_name(p->outcome.kind), p->outcome.code,
		  p->outcome.signal);
	sim_check(sim, a->rec.offset == (int64_t)t->output.n,
		  "the rest of the output of trial %lld is lost",
		  (long long)t->rec.id);
}

/* --- commits: trials
 * ----------------------------------------------------------- */

/* metric.value of the stored points; NaN if there is none. */
static double result_of(const struct search_spec *spec,
			const struct attempt_row *a)
{
	double sign = spec->goal == GOAL_MINIMIZE ? 1 : -1;
	double best = (double)NAN, sum = 0, last = (double)NAN;
	struct points points;

	rows_points(a, spec->metric, &points);
	for (size_t i = 0; i < points.n; i++) {
		const struct metric_record *m = &points.list[i];

		last = m->kind == VALUE_FINITE ? m->value : (double)NAN;
		sum += last;
		if (m->kind == VALUE_FINITE &&
		    (isnan(best) || sign * m->value < sign * best))
			best = m->value;
	}
	free(points.list);
	if (spec->result == RESULT_BEST)
		return best;
	return spec->result == RESULT_MEAN ? sum / (double)points.n : last;
}

/* It ended its run. */
static bool has_succeeded(const struct search_spec *spec,
			  const struct attempt_row *a)
{
	const struct outcome *o = &a->rec.outcome;

	return attempt_state_is_final(a->rec.state) &&
	       a->rec.stop_reason[0] == '\0' && o->kind == OUTCOME_EXITED &&
	       o->code == 0 && isfinite(result_of(spec, a));
}

/* The results of the first @n runs, by number. */
static void results_of(const struct search_spec *spec,
		       const struct trial_row *t, int64_t n, struct curve *ret)
{
	*ret = (struct curve){ 0 };
	for (int64_t run = 0; run < n; run++)
		curve_set(ret, run, result_of(spec, rows_latest(t, run)));
}

/* With a budget the value is that of the latest run that is over. */
static void check_latest(struct sim *sim, const struct search_spec *spec,
			 const struct trial_row *t)
{
	const struct trial_record *r = &t->rec;
	double latest = result_of(spec, rows_latest(t, r->runs - 1));

	sim_check(sim,
		  r->has_value && r->kind == VALUE_FINITE && !r->has_error &&
		      fabs(r->value - latest) < 1e-9,
		  "trial %lld has %g, and its latest run %g", (long long)r->id,
		  r->value, latest);
}

/* Else the mean of the runs that are over. */
static void check_value(struct sim *sim, const struct search_spec *spec,
			const struct trial_row *t)
{
	const struct trial_record *r = &t->rec;
	double mean = 0, sum = 0, n = (double)r->runs;
	struct curve results;

	if (spec->budget.name != NULL) {
		if (r->runs > first_of(spec, t))
			check_latest(sim, spec, t);
		return;
	}
	results_of(spec, t, r->runs, &results);
	for (size_t i = 0; i < results.n; i++)
		mean += results.points[i].value / n;
	for (size_t i = 0; i < results.n; i++)
		sum += pow(results.points[i].value - mean, 2);
	curve_free(&results);
	if (r->runs == 0)
		return;
	sim_check(sim,
		  r->has_value && r->kind == VALUE_FINITE &&
		      fabs(r->value - mean) < 1e-9,
		  "trial %lld has %g instead of %g", (long long)r->id, r->value,
		  mean);
	sim_check(sim,
		  r->has_error == (r->runs > 1) &&
		      (!r->has_error ||
		       fabs(r->error - sqrt(sum / (n - 1) / n)) < 1e-9),
		  "trial %lld has the error %g instead of %g", (long long)r->id,
		  r->error, sqrt(sum / (n - 1) / n));
}

/* Another trial of its search that is done is better. */
static bool is_beaten(const struct sim *sim, const struct trial_row *t,
		      const struct search_spec *spec)
{
	double sign = spec->goal == GOAL_MINIMIZE ? 1 : -1;

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_record *other = &sim->rows.trials[i]->rec;

		if (other->search == t->rec.search &&
		    other->state == TRIAL_DONE &&
		    sign * other->value < sign * t->rec.value)
			return true;
	}
	return false;
}

static void check_done(struct sim *sim, const struct search_spec *spec,
		       const struct trial_row *t, const struct attempt_row *a)
{
	bool is_fresh =
	    t->commit == sim->rows.commits && t->state_before == TRIAL_RUNNING;

	sim_check(sim, has_succeeded(spec, a) && t->rec.runs >= spec->runs_min,
		  "trial %lld is done, and its program was not",
		  (long long)t->rec.id);
	if (t->rec.runs < spec->runs && is_fresh &&
	    sim->commands_in_turn == 0) {
		sim_check(sim, is_beaten(sim, t, spec),
			  "trial %lld may be the best, and is run no more",
			  (long long)t->rec.id);
		cover_thing("repeats that are enough");
	}
	if (spec->budget.name != NULL)
		cover_thing("all of a budget");
	else if (spec->runs > 1)
		cover_thing("a mean of several runs");
}

struct expected {
	enum trial_state state;
	char reason[REASON_BYTES];
	bool is_retried;
};

static bool runs_are_left(const struct search_row *s, const struct trial_row *t)
{
	return t->rec.runs < s->spec->runs;
}

static struct expected expected_of(const struct search_spec *spec,
				   const struct attempt_row *a)
{
	const struct outcome *o = &a->rec.outcome;
	struct expected e = { .state = TRIAL_FAILED };
	struct points points;

	switch (o->kind) {
	case OUTCOME_EXITED:
		if (o->code != 0) {
			snprintf(e.reason, REASON_BYTES, "exit:%d", o->code);
			e.is_retried = true;
			break;
		}
		rows_points(a, spec->metric, &points);
		free(points.list);
		if (points.n == 0)
			strcpy(e.reason, "no-metric");
		else if (!isfinite(result_of(spec, a)))
			strcpy(e.reason, "diverged");
		else
			e.state = TRIAL_DONE;
		break;
	case OUTCOME_SIGNALED:
		snprintf(e.reason, REASON_BYTES, "signal:%d", o->signal);
		e.is_retried = true;
		break;
	case OUTCOME_NOT_EXECUTED:
		strcpy(e.reason, "spawn:E2BIG");
		break;
	case OUTCOME_SHIM_DIED:
		e.state = TRIAL_LOST;
		strcpy(e.reason, "shim-died");
		e.is_retried = true;
		break;
	case OUTCOME_NEVER_STARTED:
		strcpy(e.reason, "never-started");
		e.is_retried = true;
		break;
	case OUTCOME_REBOOTED:
		strcpy(e.reason, "none: it runs again");
		e.is_retried = true;
		break;
	case OUTCOME_NONE:
	case NAMES_OUTCOMES_N:
		strcpy(e.reason, "none: it has not ended");
		break;
	}
	return e;
}

/* By the results of @n runs: would it lose against @best? */
static bool loses(const struct search_spec *spec, const struct trial_row *t,
		  int64_t n, const struct trial_row *best)
{
	struct curve own, others;
	struct wilcoxon ignored;
	bool does;

	results_of(spec, t, n, &own);
	results_of(spec, best, n < best->rec.runs ? n : best->rec.runs,
		   &others);
	does = wilcoxon_loses(&own, &others, spec->goal, spec->early_stopping.p,
			      &ignored);
	curve_free(&own);
	curve_free(&others);
	return does;
}

/* A trial that ran here. */
static bool is_any_done(const struct sim *sim, const struct search_row *s)
{
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_record *t = &sim->rows.trials[i]->rec;

		if (t->search == s->rec.id && t->state == TRIAL_DONE &&
		    t->attempts > 0)
			return true;
	}
	return false;
}

/*
 * How many have had as much of the budget as @t in run @run, in its bracket,
 * and how many are better. False: others came at the same time.
 */
static bool find_standing(const struct sim *sim, const struct search_row *s,
			  const struct trial_row *t, int64_t run,
			  int64_t *ret_n, int64_t *ret_better)
{
	double sign = s->spec->goal == GOAL_MINIMIZE ? 1 : -1;
	double own = sign * result_of(s->spec, rows_latest(t, run));
	bool is_alone = true;

	*ret_n = *ret_better = 0;
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *other = sim->rows.trials[i];
		const struct attempt_row *a;

		if (other->rec.search != s->rec.id || other->rec.runs <= run ||
		    first_of(s->spec, other) != first_of(s->spec, t))
			continue;
		a = rows_latest(other, run);
		is_alone &= other == t || a->commit != sim->rows.commits;
		++*ret_n;
		*ret_better += sign * result_of(s->spec, a) < own;
	}
	return is_alone;
}

bool oracle_is_promoted(const struct sim *sim, const struct search_row *s,
			bool for_sure)
{
	int64_t n, better;
	bool is_alone;

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];

		if (t->rec.search != s->rec.id ||
		    s->spec->budget.name == NULL ||
		    t->rec.state != TRIAL_QUEUED || !is_pause(t->rec.reason))
			continue;
		is_alone =
		    find_standing(sim, s, t, t->rec.runs - 1, &n, &better);
		if ((is_alone || !for_sure) && better < n / s->spec->budget.eta)
			return true;
	}
	return false;
}

/*
 * Run @run of @t is over: its result must be among the best 1 / eta of those of
 * its bracket with as much. @goes_on is what the core made of it. Where trials
 * wait it may be none, but the best one goes on before a search ends in vain.
 */
static void check_budget(struct sim *sim, const struct search_row *s,
			 const struct trial_row *t, int64_t run, bool goes_on)
{
	int64_t n, better, kept;

	if (!find_standing(sim, s, t, run, &n, &better))
		return; /* before or after the others? */
	kept = n / s->spec->budget.eta;
	if (kept == 0 && !s->spec->resumes)
		kept = 1;
	if (s->spec->resumes && goes_on && better >= kept &&
	    !is_any_done(sim, s)) {
		cover_thing("the best that waits goes on");
		return;
	}
	sim_check(sim, goes_on == (better < kept),
		  "trial %lld %s after run %lld, and %lld of %lld are better",
		  (long long)t->rec.id, goes_on ? "goes on" : "is stopped",
		  (long long)run, (long long)better, (long long)n);
	cover_thing(goes_on ? "more of a budget" : "no more of a budget");
}

static bool is_told(const struct sim *sim, const struct trial_row *t,
		    const char *kind)
{
	for (size_t i = 0; i < sim->rows.n_events; i++) {
		const struct event_row *e = &sim->rows.events[i];

		if (e->commit == sim->rows.commits &&
		    strcmp(e->rec.kind, kind) == 0 &&
		    e->rec.trial == t->rec.id && e->rec.data != NULL)
			return true;
	}
	return false;
}

/* There is a trial that it loses against, and an event tells it. */
static void check_race(struct sim *sim, const struct search_row *s,
		       const struct trial_row *t)
{
	bool has_lost = false;

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *best = sim->rows.trials[i];

		has_lost |= best->rec.search == s->rec.id &&
			    best->rec.state == TRIAL_DONE &&
			    loses(s->spec, t, t->rec.runs, best);
	}
	sim_check(sim,
		  has_lost && is_told(sim, t, "stop") && runs_are_left(s, t),
		  "trial %lld has lost no race", (long long)t->rec.id);
	cover_reason(t->rec.reason);
}

/* Of a run that has just ended: the next one comes only if it may. */
static void check_no_race(struct sim *sim, const struct search_row *s,
			  const struct trial_row *t,
			  const struct attempt_row *a)
{
	const struct trial_row *best = NULL;
	double sign = s->spec->goal == GOAL_MINIMIZE ? 1 : -1;

	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *other = sim->rows.trials[i];

		if (other->rec.search != s->rec.id ||
		    other->rec.state != TRIAL_DONE)
			continue;
		if (other->commit == sim->rows.commits) /* before or after? */
			return;
		if (best == NULL ||
		    sign * other->rec.value < sign * best->rec.value)
			best = other;
	}
	cover_thing("a further run");
	sim_check(sim,
		  a->rec.run + 1 < s->spec->runs_min || best == NULL ||
		      sign * t->rec.value <= sign * best->rec.value,
		  "trial %lld is repeated, and %lld is better",
		  (long long)t->rec.id, (long long)best->rec.id);
	sim_check(sim,
		  s->spec->early_stopping.type != PRUNER_WILCOXON ||
		      best == NULL || !loses(s->spec, t, a->rec.run + 1, best),
		  "trial %lld goes on, and has lost against %lld",
		  (long long)t->rec.id, (long long)best->rec.id);
}

/* What it is to be, as a run has ended well and no other is to come. */
static struct expected expected_between(struct sim *sim,
					const struct search_row *s,
					const struct trial_row *t)
{
	const struct budget *b = &s->spec->budget;
	struct expected e = { .state = TRIAL_PRUNED };
	double level = (double)b->min;

	if (b->name == NULL) {
		snprintf(e.reason, REASON_BYTES, "wilcoxon@%lld",
			 (long long)t->rec.runs);
		check_race(sim, s, t);
		return e;
	}
	for (int64_t run = 1; run < t->rec.runs; run++)
		level *= (double)b->eta;
	snprintf(e.reason, REASON_BYTES, "%s@%.0f", halving_rule(s->spec),
		 level);
	sim_check(sim, is_told(sim, t, s->spec->resumes ? "pause" : "stop"),
		  "nothing tells why trial %lld goes on no more",
		  (long long)t->rec.id);
	check_budget(sim, s, t, t->rec.runs - 1, false);
	return e;
}

/* Who waits for nothing more, as the search has ended, is stopped. */
static struct expected expected_of_stopped(const struct search_spec *spec,
					   const char *reason)
{
	struct expected e = { .state = TRIAL_CANCELLED };

	strcpy(e.reason, reason);
	if (is_pause(reason))
		snprintf(e.reason, REASON_BYTES, "%s%s",
			 pruner_type_name(spec->early_stopping.type),
			 strchr(reason, '@'));
	if (strcmp(reason, "timeout") == 0)
		e.state = TRIAL_FAILED;
	else if (strchr(reason, '@') != NULL || strcmp(reason, "diverged") == 0)
		e.state = TRIAL_PRUNED;
	return e;
}

/* Attempt @i + 1 was the user's wish, which begins the trial anew. */
static bool is_anew(const struct trial_row *t, size_t i)
{
	return i < 64 && (t->retried_after >> i & 1) != 0;
}

/* The attempts at its latest run. */
static int64_t tries_of(const struct trial_row *t)
{
	size_t n = t->n_attempts, i = n - 1;

	while (i > 0 && !is_anew(t, i) &&
	       !is_pause(t->attempts[i - 1].rec.stop_reason) &&
	       t->attempts[i - 1].rec.run == t->attempts[n - 1].rec.run)
		i--;
	return (int64_t)(n - i);
}

static void check_end(struct sim *sim, const struct search_row *s,
		      const struct trial_row *t, const struct attempt_row *a)
{
	bool is_stopped = a->rec.stop_reason[0] != '\0';
	struct expected e =
	    is_stopped ? expected_of_stopped(s->spec, a->rec.stop_reason)
		       : expected_of(s->spec, a);

	/* It waited for another attempt when its search ended. */
	if ((e.is_retried || (e.state == TRIAL_DONE && runs_are_left(s, t))) &&
	    t->rec.state == TRIAL_CANCELLED &&
	    search_state_is_final(s->rec.state))
		return;
	if (e.state == TRIAL_DONE && runs_are_left(s, t) &&
	    t->rec.state != TRIAL_DONE)
		e = expected_between(sim, s, t);
	sim_check(sim,
		  t->rec.state == e.state &&
		      strcmp(t->rec.reason, e.reason) == 0,
		  "trial %lld is %s (%s), and should be %s (%s)",
		  (long long)t->rec.id, trial_state_name(t->rec.state),
		  t->rec.reason, trial_state_name(e.state), e.reason);
	sim_check(sim,
		  !e.is_retried || tries_of(t) > s->spec->retries ||
		      search_state_is_final(s->rec.state),
		  "trial %lld has retries left", (long long)t->rec.id);
}

/* Each run is over once, and has its attempts one after the other. */
static void check_runs(struct sim *sim, const struct search_row *s,
		       const struct trial_row *t)
{
	int64_t first = first_of(s->spec, t), run = first, tries = 0;

	for (size_t i = 0; i < t->n_attempts && t->n_attempts < 64; i++) {
		const struct attempt_row *a = &t->attempts[i];
		bool succeeds = has_succeeded(s->spec, a);

		if (is_anew(t, i)) {
			/* What is left of a budget goes on. */
			if (s->spec->budget.name == NULL ||
			    run == s->spec->runs)
				run = first;
			tries = 0;
			sim_check(sim, a->rec.curve == a->rec.number,
				  "trial %lld is run again with the curve that "
				  "it had",
				  (long long)t->rec.id);
		}
		tries++;
		if (is_pause(a->rec.stop_reason))
			tries = 0;
		sim_check(sim, a->rec.run == run,
			  "attempt %zu of trial %lld is of run %lld, not %lld",
			  i + 1, (long long)t->rec.id, (long long)a->rec.run,
			  (long long)run);
		sim_check(sim,
			  a->rec.has_result == succeeds &&
			      (!succeeds || fabs(a->rec.result -
						 result_of(s->spec, a)) < 1e-9),
			  "attempt %zu of trial %lld has the result %g", i + 1,
			  (long long)t->rec.id, a->rec.result);
		sim_check(sim,
			  i + 1 == t->n_attempts || is_anew(t, i + 1) ||
			      succeeds || tries <= s->spec->retries ||
			      a->rec.outcome.kind == OUTCOME_REBOOTED,
			  "attempt %zu of trial %lld is one too many", i + 2,
			  (long long)t->rec.id);
		run += succeeds;
		tries = succeeds ? 0 : tries;
	}
	sim_check(sim,
		  t->n_attempts >= 64 || t->rec.runs == run ||
		      (t->rec.runs == first && is_anew(t, t->n_attempts)),
		  "trial %lld has %lld runs, not %lld", (long long)t->rec.id,
		  (long long)t->rec.runs, (long long)run);
	check_value(sim, s->spec, t);
}

static bool reaches_target(const struct search_row *s,
			   const struct trial_record *t)
{
	if (!s->spec->has_target || t->state != TRIAL_DONE)
		return false;
	return s->spec->goal == GOAL_MINIMIZE ? t->value <= s->spec->target
					      : t->value >= s->spec->target;
}

/* It has not run here, and is what it was elsewhere. */
static void check_imported(struct sim *sim, const struct search_row *s,
			   const struct trial_row *t)
{
	struct import_row row = client_row(s->spec->space, t->config);

	sim_check(sim, t->rec.origin == ORIGIN_IMPORTED,
		  "trial %lld is %s and never ran", (long long)t->rec.id,
		  trial_state_name(t->rec.state));
	sim_check(sim,
		  t->rec.state == row.state &&
		      t->rec.has_value == row.has_value &&
		      t->rec.value == row.value &&
		      strcmp(t->rec.reason, row.reason) == 0,
		  "trial %lld is not what was imported", (long long)t->rec.id);
	/* Another command in the turn may have set it going again. */
	sim_check(sim,
		  sim->commands_in_turn > 1 || !reaches_target(s, &t->rec) ||
		      search_state_is_final(s->rec.state),
		  "trial %lld reaches the target, and its search goes on",
		  (long long)t->rec.id);
	cover_thing("a trial that was imported");
}

static void commit_attempt(struct sim *sim, const struct trial_row *t,
			   const struct attempt_row *a)
{
	const struct search_row *s = rows_search(&sim->rows, t->rec.search);

	check_metrics(sim, t, a);
	check_reader(sim, &a->rec);
	if (a->rec.stop_reason[0] != '\0' && !a->was_stopped)
		check_stop_event(sim, t, &a->rec);
	if (attempt_state_is_final(a->rec.state))
		check_outcome(sim, t, a);
	if (has_succeeded(s->spec, a) && a->rec.run + 1 < s->spec->runs &&
	    !trial_state_is_final(t->rec.state) && sim->commands_in_turn == 0) {
		if (s->spec->budget.name != NULL)
			check_budget(sim, s, t, a->rec.run,
				     !is_pause(t->rec.reason));
		else
			check_no_race(sim, s, t, a);
	}
}

bool oracle_waited(const struct sim *sim, const struct trial_row *t)
{
	const struct search_spec *spec =
	    sim->rows.searches[t->search - 1]->spec;
	const struct attempt_row *a;

	if (t->n_attempts == 0 || !spec->resumes)
		return false;
	if (t->rec.state == TRIAL_QUEUED)
		return is_pause(t->rec.reason);
	a = &t->attempts[t->n_attempts - 1];
	return t->rec.state == TRIAL_PRUNED &&
	       (is_pause(a->rec.stop_reason) ||
		(spec->budget.name != NULL && a->rec.has_result));
}

/* What waits and what goes on, or does not, when it has waited. */
static void check_pause(struct sim *sim, const struct search_row *s,
			const struct trial_row *t)
{
	bool is_between = s->spec->budget.name != NULL;
	const struct attempt_row *latest;

	if (t->commit != sim->rows.commits)
		return;
	if (t->rec.state == TRIAL_QUEUED && is_pause(t->rec.reason)) {
		sim_check(sim, s->spec->resumes,
			  "trial %lld waits, and cannot resume",
			  (long long)t->rec.id);
		cover_thing("a trial that waits");
		if (t->state_before == TRIAL_PRUNED)
			cover_thing("a trial that was given up waits again");
	} else if (t->was_paused && t->rec.state == TRIAL_RUNNING) {
		latest = &t->attempts[t->n_attempts - 1];
		cover_thing("a trial that waited goes on");
		if (is_between && sim->commands_in_turn == 0)
			check_budget(sim, s, t, t->rec.runs - 1, true);
		sim_check(sim,
			  is_between || latest->rec.curve < latest->rec.number,
			  "trial %lld goes on without its curve",
			  (long long)t->rec.id);
	} else if (t->was_paused && t->rec.state == TRIAL_PRUNED) {
		sim_check(sim,
			  search_state_is_final(s->rec.state) ||
			      sim->commands_in_turn > 0,
			  "trial %lld waits no more, and its search goes on",
			  (long long)t->rec.id);
		cover_thing("a trial that waited to the end");
	}
}

/* No new trial begins while one that waits may go on. */
static void check_begin(struct sim *sim, const struct search_row *s,
			const struct trial_row *t)
{
	if (t->commit != sim->rows.commits || sim->commands_in_turn > 0 ||
	    t->rec.state != TRIAL_RUNNING || t->n_attempts != 1 ||
	    t->state_before != TRIAL_QUEUED ||
	    t->rec.origin != ORIGIN_SAMPLER || s->learns)
		return;
	sim_check(sim, !oracle_is_promoted(sim, s, true),
		  "trial %lld begins, and another one is to go on",
		  (long long)t->rec.id);
}

/*
 * A trial goes on from one of the generation before, whose checkpoint nobody
 * writes to as long as it is not over; a member has one trial at a time.
 */
static void check_lineage(struct sim *sim, const struct search_row *s,
			  const struct trial_row *t)
{
	const struct lineage *l = &t->rec.lineage;
	const struct trial_row *parent;

	sim_check(sim,
		  s->spec->sampler != SAMPLER_PBT ||
		      (l->generation > 0) == (t->rec.origin == ORIGIN_SAMPLER ||
					      t->rec.origin == ORIGIN_START),
		  "trial %lld is of generation %lld, and %s",
		  (long long)t->rec.id, (long long)l->generation,
		  origin_name(t->rec.origin));
	if (l->generation == 0)
		return;
	sim_check(sim, l->member < s->spec->population,
		  "trial %lld is of member %lld", (long long)t->rec.id,
		  (long long)l->member);
	sim_check(sim,
		  (l->generation - 1) * s->spec->budget.min <
		      s->spec->budget.max,
		  "trial %lld is of generation %lld", (long long)t->rec.id,
		  (long long)l->generation);
	if (!lineage_has_parent(l))
		return;
	parent = rows_known(&sim->rows, s->rec.id, l->parent);
	sim_check(sim,
		  parent != NULL && parent->number < t->number &&
		      parent->rec.lineage.generation + 1 == l->generation,
		  "trial %lld has the parent %lld", (long long)t->rec.id,
		  (long long)l->parent);
	sim_check(sim, parent->rec.state == TRIAL_DONE,
		  "trial %lld may be copied from trial %lld, which is %s",
		  (long long)t->rec.id, (long long)parent->rec.id,
		  trial_state_name(parent->rec.state));
	cover_thing(parent->rec.lineage.member == l->member
			? "a member that goes on"
			: "a member that is replaced");
}

static void commit_trial(struct sim *sim, const struct trial_row *t)
{
	const struct search_row *s = rows_search(&sim->rows, t->rec.search);
	const struct attempt_row *a =
	    t->n_attempts > 0 ? &t->attempts[t->n_attempts - 1] : NULL;
	bool is_open = a != NULL && !attempt_state_is_final(a->rec.state);

	sim_check(sim, t->rec.attempts == (int64_t)t->n_attempts,
		  "trial %lld has %zu attempts and says %lld",
		  (long long)t->rec.id, t->n_attempts,
		  (long long)t->rec.attempts);
	sim_check(sim, (t->rec.state == TRIAL_RUNNING) == is_open,
		  "trial %lld is %s, and its attempt %s", (long long)t->rec.id,
		  trial_state_name(t->rec.state), is_open ? "open" : "over");
	sim_check(sim,
		  t->rec.origin != ORIGIN_SAMPLER ||
		      s->rec.cursor > t->rec.cursor,
		  "the cursor of search %lld is behind its trial",
		  (long long)t->rec.search);
	check_runs(sim, s, t);
	check_pause(sim, s, t);
	check_begin(sim, s, t);
	check_lineage(sim, s, t);
	if (a == NULL &&
	    (t->rec.state == TRIAL_DONE || t->rec.state == TRIAL_FAILED))
		check_imported(sim, s, t);
	else if (t->rec.state == TRIAL_DONE)
		check_done(sim, s->spec, t, a);
	if (trial_state_is_final(t->rec.state) &&
	    t->state_before == TRIAL_RUNNING && sim->commands_in_turn == 0)
		check_end(sim, s, t, a);
}

/* --- commits: searches
 * ---------------------------------------------------------- */

static bool has_reached(const struct rows *r, const struct search_row *s)
{
	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_record *t = &r->trials[i]->rec;

		if (r->trials[i]->commit != 0 && t->search == s->rec.id &&
		    reaches_target(s, t))
			return true;
	}
	return false;
}

/* All points of a list are among the trials. */
static bool has_all(const struct rows *r, const struct search_row *s)
{
	auto_free struct cell *config =
	    xcalloc(s->spec->space->n, sizeof(*config));
	int64_t n = rows_count(r, s->rec.id);
	bool found = true;

	for (uint64_t k = 0;
	     found && sampler_enumerate(s->spec, &k, config) == SAMPLER_OK;
	     k++) {
		found = false;
		for (int64_t i = 0; !found && i < n; i++) {
			const struct trial_row *t = rows_known(r, s->rec.id, i);

			found = space_equal(s->spec->space, t->config, config);
		}
	}
	return found;
}

/* A trial waited to the end, which is now. */
static bool has_given_up(const struct sim *sim, const struct search_row *s)
{
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];

		if (t->rec.search == s->rec.id && t->was_paused &&
		    t->commit == sim->rows.commits &&
		    t->rec.state == TRIAL_PRUNED)
			return true;
	}
	return false;
}

/* All members have come to the last generation. */
static bool is_trained(const struct rows *r, const struct search_row *s)
{
	const struct budget *b = &s->spec->budget;
	int64_t n = rows_count(r, s->rec.id), trained = 0;

	for (int64_t i = 0; i < n; i++) {
		const struct trial_row *t = rows_known(r, s->rec.id, i);

		trained += t->rec.lineage.generation * b->min >= b->max;
	}
	return trained == s->spec->population;
}

static void check_search_end(struct sim *sim, const struct search_row *s)
{
	const char *reason = s->rec.reason;
	const char *words = NULL;
	int64_t n = rows_count(&sim->rows, s->rec.id);

	if (strcmp(reason, "target") == 0 && !has_reached(&sim->rows, s))
		words = "no trial has reached it";
	else if (strcmp(reason, "trials") == 0 && n != s->rec.trials_max)
		words = "it has not as many";
	else if (strcmp(reason, "exhausted") == 0 &&
		 s->spec->sampler == SAMPLER_PBT)
		words = is_trained(&sim->rows, s) ? NULL : "members can go on";
	else if (strcmp(reason, "exhausted") == 0 && !has_all(&sim->rows, s))
		words = "configurations are left";
	else if (strcmp(reason, "max_time") == 0 && s->spec->max_time_ms == 0)
		words = "it has none";
	else if ((strcmp(reason, "trials") == 0 ||
		  strcmp(reason, "exhausted") == 0) &&
		 s->spec->resumes && !is_any_done(sim, s) &&
		 has_given_up(sim, s))
		words = "a trial waits, and none is done";
	sim_check(sim, words == NULL, "search %lld ends by %s, but %s",
		  (long long)s->rec.id, reason, words);
	cover_reason(s->rec.state == SEARCH_FAILED ? "a failed search"
						   : reason);
}

static void commit_search(struct sim *sim, const struct search_row *s)
{
	int64_t n = rows_count(&sim->rows, s->rec.id);

	sim_check(sim, s->rec.trials_max == 0 || n <= s->rec.trials_max,
		  "search %lld has %lld of %lld trials", (long long)s->rec.id,
		  (long long)n, (long long)s->rec.trials_max);
	sim_check(sim, s->rec.trials_max != 0 || s->spec->trials == 0,
		  "search %lld has lost its limit of trials",
		  (long long)s->rec.id);
	if (search_state_is_final(s->rec.state) && sim->commands_in_turn == 0)
		check_search_end(sim, s);
}

void oracle_commit(struct sim *sim)
{
	const struct rows *r = &sim->rows;

	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_row *t = r->trials[i];
		const struct attempt_row *a = NULL;

		sim_check(sim, t->commit != 0, "trial %zu is not saved", i + 1);
		/* Of the earlier ones only the one that has just ended. */
		for (size_t k = t->n_attempts; k-- > 0;) {
			a = &t->attempts[k];
			if (a->commit != r->commits)
				break;
			commit_attempt(sim, t, a);
		}
		if (t->commit == r->commits ||
		    (t->n_attempts > 0 &&
		     t->attempts[t->n_attempts - 1].commit == r->commits))
			commit_trial(sim, t);
	}
	for (size_t i = 0; i < r->n_searches; i++) {
		sim_check(sim, r->searches[i]->commit != 0,
			  "search %zu is not saved", i + 1);
		if (r->searches[i]->commit == r->commits)
			commit_search(sim, r->searches[i]);
	}
}
