/*
 * With every step: the states' moves, and the proposals of the samplers.
 */
#include "search/sampler.h"
#include "sim.h"

#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

/* The first proposal after a history of configurations. */
struct memo {
	uint64_t history, config;
	uint64_t cursor;
};

void oracle_free(struct sim *sim)
{
	free(sim->memos);
	sim->memos = NULL;
}

/* --- moves of states ---------------------------------------------------------
 */

static bool search_next(int from, int to)
{
	return search_state_may_follow((enum search_state)from,
				       (enum search_state)to);
}

static bool trial_next(int from, int to)
{
	return trial_state_may_follow((enum trial_state)from,
				      (enum trial_state)to);
}

static bool attempt_next(int from, int to)
{
	return attempt_state_may_follow((enum attempt_state)from,
					(enum attempt_state)to);
}

static bool attempt_is_final(int state)
{
	return state >= 0 && attempt_state_is_final((enum attempt_state)state);
}

/* One step may make two moves, as retry does: done, queued, running. */
static bool may_move(int from, int to, int n, bool (*next)(int, int))
{
	if (from == to || next(from, to))
		return true;
	for (int via = 0; via < n; via++) {
		if (next(from, via) && next(via, to))
			return true;
	}
	return false;
}

static bool learns(const struct search_spec *spec)
{
	struct sampler *sampler = sampler_new(spec);
	bool does = sampler_learns(sampler);

	sampler_free(sampler);
	return does;
}

static struct search_row *see_search(struct sim *sim,
				     const struct search_record *r)
{
	struct search_row *s = rows_search(&sim->rows, r->id);
	auto_diag struct diag d = DIAG_INIT;

	if (s->spec != NULL)
		return s;
	if (search_parse(r->spec, strlen(r->spec), &s->spec, &d) != 0)
		sim_fail(sim, "search %lld has a broken file: %s",
			 (long long)r->id, d.faults[0].text);
	s->behaviour = hash2(sim->seed, (uint64_t)r->id);
	s->file = hash_text(r->spec);
	s->learns = learns(s->spec);
	return s;
}

static void step_search(struct sim *sim, const struct event *ev,
			const struct search_record *r)
{
	struct search_row *s = see_search(sim, r);
	int from = s->seen, to = (int)r->state;
	bool wakes = ev->search == r->id &&
		     (ev->type == EV_ADD || ev->type == EV_RETRY ||
		      ev->type == EV_EXTEND);

	s->seen = to;
	if (from < 0 || from == to)
		return;
	sim_check(sim, may_move(from, to, NAMES_SEARCH_STATES_N, search_next),
		  "search %lld moves from %s to %s", (long long)r->id,
		  search_state_name((enum search_state)from),
		  search_state_name(r->state));
	sim_check(sim, wakes || !search_state_is_final((enum search_state)from),
		  "search %lld leaves %s without a command", (long long)r->id,
		  search_state_name((enum search_state)from));
	if (search_next(from, to))
		cover_search(from, to);
}

static void step_attempt(struct sim *sim, const struct event *ev,
			 const struct attempt_record *r)
{
	struct trial_row *t = rows_trial(&sim->rows, r->trial);
	int from = t->seen_attempt_state, to = (int)r->state;

	if (r->number < t->seen_attempt) {
		sim_check(sim, attempt_is_final(to),
			  "attempt %lld of trial %lld is open beside a later "
			  "one",
			  (long long)r->number, (long long)r->trial);
		return;
	}
	if (r->number > t->seen_attempt) {
		sim_check(sim,
			  r->number == t->seen_attempt + 1 &&
			      (from < 0 || attempt_is_final(from)) &&
			      r->state == ATTEMPT_LAUNCHING,
			  "attempt %lld of trial %lld begins out of turn",
			  (long long)r->number, (long long)r->trial);
		from = to;
	}
	t->seen_attempt = r->number;
	t->seen_attempt_state = to;
	if (from == to)
		return;
	sim_check(sim, may_move(from, to, NAMES_ATTEMPT_STATES_N, attempt_next),
		  "attempt %lld of trial %lld moves from %s to %s",
		  (long long)r->number, (long long)r->trial,
		  attempt_state_name((enum attempt_state)from),
		  attempt_state_name(r->state));
	sim_check(sim,
		  to != ATTEMPT_STOPPING || ev->type != EV_OUTPUT ||
		      !ev->output.is_rest,
		  "trial %lld is stopped by what it printed before its end",
		  (long long)r->trial);
	sim_check(sim,
		  to != ATTEMPT_STOPPING ||
		      (r->stop_reason[0] != '\0' && r->kill_boot_ms == 0),
		  "trial %lld is stopped without a reason, or its grace runs",
		  (long long)r->trial);
	sim_check(
	    sim,
	    to != ATTEMPT_STOPPING || strcmp(r->stop_reason, "timeout") != 0 ||
		ev->at.boot_ms >=
		    r->started_boot_ms +
			rows_search(&sim->rows, t->search)->spec->timeout_ms,
	    "trial %lld was stopped before its timeout", (long long)r->trial);
	if (attempt_next(from, to))
		cover_attempt(from, to);
}

/* --- proposals ---------------------------------------------------------------
 */

/* The same history gets the same proposal, also after a crash. */
static void check_memo(struct sim *sim, const struct trial_record *r,
		       uint64_t history, uint64_t config)
{
	struct memo m = { history, config, r->cursor };

	for (size_t i = 0; i < sim->n_memos; i++) {
		const struct memo *old = &sim->memos[i];

		if (old->history != history)
			continue;
		sim_check(
		    sim, old->config == config && old->cursor == r->cursor,
		    "trial %lld of search %lld is another one after a "
		    "restart: %llu at %llu instead of %llu at %llu",
		    (long long)r->number, (long long)r->search,
		    (unsigned long long)config, (unsigned long long)r->cursor,
		    (unsigned long long)old->config,
		    (unsigned long long)old->cursor);
		cover_thing("the same proposal after a crash");
		return;
	}
	if (sim->n_memos == sim->cap_memos) {
		sim->cap_memos = sim->cap_memos > 0 ? 2 * sim->cap_memos : 64;
		sim->memos = xreallocarray(sim->memos, sim->cap_memos,
					   sizeof(*sim->memos));
	}
	sim->memos[sim->n_memos++] = m;
}

/* The point of its cursor, or, where all those are used up, of the list. */
static void check_point(struct sim *sim, const struct search_spec *spec,
			const struct trial_record *r, const struct cell *config)
{
	auto_free struct cell *cells = xcalloc(spec->space->n, sizeof(*cells));
	struct sampler *sampler = sampler_new(spec);
	uint64_t k = r->cursor;
	bool found = sampler_ask(sampler, &k, cells) == SAMPLER_OK &&
		     k == r->cursor && space_equal(spec->space, cells, config);

	sampler_free(sampler);
	if (found)
		return;
	for (k = 0; !found && sampler_enumerate(spec, &k, cells) == SAMPLER_OK;
	     k++)
		found = space_equal(spec->space, cells, config);
	sim_check(sim, found,
		  "trial %lld of search %lld is not the sampler's point %llu",
		  (long long)r->number, (long long)r->search,
		  (unsigned long long)r->cursor);
	cover_thing("a point from the list of all");
}

static void check_proposal(struct sim *sim, const struct search_row *s,
			   const struct trial_record *r,
			   const struct cell *config)
{
	const struct search_spec *spec = s->spec;

	/* One that learns: oracle_suggest.c. */
	if (!s->learns)
		check_point(sim, spec, r, config);
	for (int64_t i = 0; i < r->number; i++) {
		const struct trial_row *t =
		    rows_known(&sim->rows, r->search, i);

		sim_check(sim,
			  spec->allow_duplicates ||
			      !space_equal(spec->space, t->config, config),
			  "trials %lld and %lld of search %lld are equal",
			  (long long)i, (long long)r->number,
			  (long long)r->search);
		sim_check(sim,
			  t->rec.origin != ORIGIN_SAMPLER || t->commit == 0 ||
			      t->rec.cursor < r->cursor,
			  "trial %lld of search %lld has an old cursor",
			  (long long)r->number, (long long)r->search);
	}
}

/* The first trials are those of the file, and no others are. */
static void check_start(struct sim *sim, const struct search_spec *spec,
			const struct trial_record *r, const struct cell *config)
{
	bool is_start = r->number < (int64_t)spec->n_start;
	size_t n = spec->space->n;

	sim_check(sim, is_start == (r->origin == ORIGIN_START),
		  "trial %lld of search %lld is from %s", (long long)r->number,
		  (long long)r->search, origin_name(r->origin));
	if (!is_start)
		return;
	sim_check(sim,
		  space_equal(spec->space, config,
			      &spec->start[(size_t)r->number * n]),
		  "trial %lld of search %lld is not the file's",
		  (long long)r->number, (long long)r->search);
	cover_thing("a trial of the file's start");
}

static void see_trial(struct sim *sim, const struct trial_record *r)
{
	struct search_row *s = rows_search(&sim->rows, r->search);
	struct trial_row *t = rows_trial(&sim->rows, r->id);
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	const struct trial_row *before =
	    rows_known(&sim->rows, r->search, r->number - 1);
	uint64_t history, hash;

	if (t->config != NULL)
		return;
	sim_check(sim, r->number == 0 || before != NULL,
		  "trial %lld of search %lld comes before the one before it",
		  (long long)r->number, (long long)r->search);
	sim_check(sim, rows_known(&sim->rows, r->search, r->number) == NULL,
		  "search %lld has two trials %lld", (long long)r->search,
		  (long long)r->number);
	sim_trace(sim, "trial %lld is %lld of search %lld: %s, cursor %llu",
		  (long long)r->id, (long long)r->number, (long long)r->search,
		  origin_name(r->origin), (unsigned long long)r->cursor);
	t->search = r->search;
	t->number = r->number;
	t->config = xcalloc(s->spec->space->n, sizeof(*t->config));
	if (json_doc_parse(r->params, strlen(r->params), &doc, &d) != 0 ||
	    space_read(s->spec->space, doc.root, t->config, &d) != 0)
		sim_fail(sim, "the parameters of trial %lld cannot be read: %s",
			 (long long)r->id, d.faults[0].text);
	history = before != NULL ? before->history
				 : hash2((uint64_t)r->search, s->file);
	hash = space_hash(s->spec->space, t->config);
	t->history = hash2(history, hash2(hash, (uint64_t)r->origin));
	check_start(sim, s->spec, r, t->config);
	if (r->origin != ORIGIN_SAMPLER)
		return;
	check_proposal(sim, s, r, t->config);
	if (!s->learns)
		check_memo(sim, r, history, hash);
}

static void step_trial(struct sim *sim, const struct event *ev,
		       const struct trial_record *r)
{
	struct trial_row *t = rows_trial(&sim->rows, r->id);
	int from = t->seen, to = (int)r->state;
	bool is_retried = ev->type == EV_RETRY && ev->search == r->search &&
			  ev->number == r->number;
	bool is_taken_back = ev->type == EV_EXTEND && ev->search == r->search &&
			     from == TRIAL_PRUNED && oracle_waited(sim, t);

	see_trial(sim, r);
	t->seen = to;
	if (is_retried && r->attempts < 64 && from != to)
		t->retried_after |= UINT64_C(1) << t->n_attempts;
	if (from < 0 || from == to)
		return;
	sim_check(sim, may_move(from, to, NAMES_TRIAL_STATES_N, trial_next),
		  "trial %lld moves from %s to %s", (long long)r->id,
		  trial_state_name((enum trial_state)from),
		  trial_state_name(r->state));
	sim_check(sim,
		  is_retried || is_taken_back ||
		      !trial_state_is_final((enum trial_state)from),
		  "trial %lld leaves %s without a command", (long long)r->id,
		  trial_state_name((enum trial_state)from));
	if (trial_next(from, to))
		cover_trial(from, to);
}

void oracle_step(struct sim *sim, const struct event *ev, int answer)
{
	static const struct event none = { .type = EV_TICK };

	if (answer != 0)
		ev = &none;
	/* What a save stands for was queued in this order. */
	for (size_t i = 0; i < sim->fx.n; i++) {
		const struct effect *e = &sim->fx.list[i];

		if (e->type == FX_SAVE_SEARCH)
			step_search(sim, ev, e->search);
		else if (e->type == FX_SAVE_TRIAL)
			step_trial(sim, ev, e->trial);
		else if (e->type == FX_SAVE_ATTEMPT)
			step_attempt(sim, ev, e->attempt);
		else if (e->type == FX_SUGGEST && i >= sim->n_seen)
			oracle_asked(sim, &e->suggest);
	}
	sim->n_seen = sim->fx.n;
}
