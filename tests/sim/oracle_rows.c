/*
 * With every commit: the rows against what the programs did.
 */
#include "search/sampler.h"
#include "sim.h"

#include "schema/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- commits: an attempt against what its program did
 * ------------------------- */

static void check_metrics(struct sim *sim, const struct trial_row *t,
			  const struct attempt_row *a)
{
	const struct output *o = &t->output;
	size_t n = 0;

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
		sim_check(sim, n < a->n_metrics,
			  "a metric of trial %lld is not saved",
			  (long long)t->rec.id);
		m = &a->metrics[n++];
		sim_check(sim,
			  strcmp(m->name, b->metric.name) == 0 &&
			      m->step == b->metric.step &&
			      m->kind == b->metric.kind &&
			      memcmp(&m->value, &b->metric.value,
				     sizeof(m->value)) == 0,
			  "byte %lld of trial %lld is saved as another metric",
			  (long long)i, (long long)t->rec.id);
	}
	sim_check(sim, n == a->n_metrics,
		  "trial %lld has %zu metrics, and its output %zu",
		  (long long)t->rec.id, a->n_metrics, n);
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
		if (strcmp(e->rec.kind, by_rule ? "stop" : "end") == 0 &&
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

static void commit_attempt(struct sim *sim, const struct trial_row *t,
			   const struct attempt_row *a)
{
	check_metrics(sim, t, a);
	check_reader(sim, &a->rec);
	if (a->rec.stop_reason[0] != '\0' && !a->was_stopped)
		check_stop_event(sim, t, &a->rec);
	if (attempt_state_is_final(a->rec.state))
		check_outcome(sim, t, a);
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

static void check_done(struct sim *sim, const struct search_spec *spec,
		       const struct trial_row *t, const struct attempt_row *a)
{
	double v = result_of(spec, a);

	sim_check(sim,
		  a->rec.outcome.kind == OUTCOME_EXITED &&
		      a->rec.outcome.code == 0,
		  "trial %lld is done, and its program was not",
		  (long long)t->rec.id);
	sim_check(sim,
		  t->rec.has_value && t->rec.kind == VALUE_FINITE &&
		      fabs(t->rec.value - v) < 1e-9,
		  "trial %lld is done with %g instead of %g",
		  (long long)t->rec.id, t->rec.value, v);
}

struct expected {
	enum trial_state state;
	char reason[REASON_BYTES];
	bool is_retried;
};

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

static struct expected expected_of_stopped(const char *reason)
{
	struct expected e = { .state = TRIAL_CANCELLED };

	strcpy(e.reason, reason);
	if (strcmp(reason, "timeout") == 0)
		e.state = TRIAL_FAILED;
	else if (strchr(reason, '@') != NULL || strcmp(reason, "diverged") == 0)
		e.state = TRIAL_PRUNED;
	return e;
}

static void check_end(struct sim *sim, const struct search_row *s,
		      const struct trial_row *t, const struct attempt_row *a)
{
	bool is_stopped = a->rec.stop_reason[0] != '\0';
	struct expected e = is_stopped ? expected_of_stopped(a->rec.stop_reason)
				       : expected_of(s->spec, a);

	/* It waited for another attempt when its search ended. */
	if (e.is_retried && t->rec.state == TRIAL_CANCELLED &&
	    search_state_is_final(s->rec.state))
		return;
	sim_check(sim,
		  t->rec.state == e.state &&
		      strcmp(t->rec.reason, e.reason) == 0,
		  "trial %lld is %s (%s), and should be %s (%s)",
		  (long long)t->rec.id, trial_state_name(t->rec.state),
		  t->rec.reason, trial_state_name(e.state), e.reason);
	sim_check(sim,
		  !e.is_retried || a->rec.number > s->spec->retries ||
		      search_state_is_final(s->rec.state),
		  "trial %lld has retries left", (long long)t->rec.id);
}

static void check_retries(struct sim *sim, const struct search_row *s,
			  const struct trial_row *t)
{
	for (size_t i = 0; i + 1 < t->n_attempts; i++) {
		const struct attempt_record *a = &t->attempts[i].rec;
		bool by_user =
		    i + 1 >= 64 || (t->retried_after >> (i + 1) & 1) != 0;

		sim_check(sim,
			  by_user || a->outcome.kind == OUTCOME_REBOOTED ||
			      a->number <= s->spec->retries,
			  "attempt %lld of trial %lld is one too many",
			  (long long)a->number + 1, (long long)t->rec.id);
	}
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
	check_retries(sim, s, t);
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

static void check_search_end(struct sim *sim, const struct search_row *s)
{
	const char *reason = s->rec.reason;
	const char *words = NULL;
	int64_t n = rows_count(&sim->rows, s->rec.id);

	if (strcmp(reason, "target") == 0 && !has_reached(&sim->rows, s))
		words = "no trial has reached it";
	else if (strcmp(reason, "trials") == 0 && n != s->rec.trials_max)
		words = "it has not as many";
	else if (strcmp(reason, "exhausted") == 0 && !has_all(&sim->rows, s))
		words = "configurations are left";
	else if (strcmp(reason, "max_time") == 0 && s->spec->max_time_ms == 0)
		words = "it has none";
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
