#include "core/core.h"

#include "core/model.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct core *core_new(const struct core_options *options)
{
	struct core *c = xcalloc(1, sizeof(*c));

	assert(options->slots > 0);
	c->options = *options;
	return c;
}

void core_free(struct core *c)
{
	if (c == NULL)
		return;
	core_settle(c);
	for (size_t i = 0; i < c->n; i++)
		search_destroy(c->searches[i]);
	free(c->searches);
	free(c->open);
	free(c->ended);
	free(c);
}

/* --- events ------------------------------------------------------------------
 */

static int step_search(struct step *st, const struct event *ev,
		       struct diag *reterr)
{
	struct search *s = search_find(st->core, ev->search);

	if (s == NULL) {
		diag_add(reterr, "search", "there is no search %lld",
			 (long long)ev->search);
		return CORE_NOT_FOUND;
	}
	switch (ev->type) {
	case EV_PAUSE:
		return search_pause(st, s, reterr);
	case EV_RESUME:
		return search_resume(st, s, reterr);
	case EV_CANCEL:
		return search_cancel(st, s, reterr);
	case EV_EXTEND:
		return search_extend(st, s, ev->extend.trials, reterr);
	case EV_ADD:
		return search_add(st, s, ev->add.config, reterr);
	case EV_IMPORT:
		return search_import(st, s, ev, reterr);
	case EV_KILL:
		return search_kill(st, s, ev->number, reterr);
	case EV_RETRY:
		return search_retry(st, s, ev->number, reterr);
	case EV_SUBMIT:
	case EV_SPAWNED:
	case EV_SPAWN_FAILED:
	case EV_OUTPUT:
	case EV_ENDED:
	case EV_ADOPTED:
	case EV_TERMINATED:
	case EV_COPIED:
	case EV_SUGGESTED:
	case EV_TICK:
	case EV_SHUTDOWN:
		break;
	}
	assert(!"a command");
	return 0;
}

/* News of an attempt that is over are late, and nobody's concern. */
static void step_attempt(struct step *st, const struct event *ev)
{
	struct trial *t = trial_find_open(st->core, ev->trial, ev->attempt);

	if (t == NULL)
		return;
	if (ev->type == EV_SPAWNED)
		trial_spawned(st, t, ev->spawned.pid, ev->spawned.offset);
	else if (ev->type == EV_SPAWN_FAILED)
		trial_spawn_failed(st, t, ev->spawn_failed.error,
				   ev->spawn_failed.what);
	else if (ev->type == EV_OUTPUT)
		trial_output(st, t, ev);
	else if (ev->type == EV_ENDED)
		trial_ended(st, t, ev->outcome);
	else if (ev->type == EV_TERMINATED)
		trial_terminated(st, t);
	else if (ev->type == EV_COPIED)
		trial_copied(st, t, ev->copied.started_ms);
	else
		trial_adopted(st, t, ev->adopted.pid, ev->adopted.term_ms);
}

static void step_tick(struct step *st)
{
	struct core *c = st->core;

	/* Backwards: a trial that is closed gives its place to the last one. */
	for (size_t i = c->n_open; i-- > 0;) {
		if (i < c->n_open)
			trial_tick(st, c->open[i]);
	}
	for (size_t i = 0; i < c->n; i++) {
		struct search *s = c->searches[i];

		if (st->at.boot_ms >= search_deadline(s))
			search_end(
			    st, s, SEARCH_FINISHED, "max_time",
			    xasprintf("its max_time of %g s is over",
				      (double)s->spec->max_time_ms / 1000),
			    NULL);
		ends_tick(st, s);
	}
}

static void step_shutdown(struct step *st, bool kill)
{
	struct core *c = st->core;

	c->shutting_down = true;
	for (size_t i = c->n_open; kill && i-- > 0;) {
		if (i < c->n_open)
			trial_stop(st, c->open[i], "shutdown");
	}
}

int core_step(struct core *c, const struct event *ev, struct effects *fx,
	      struct diag *reterr)
{
	struct step st = { .core = c, .at = ev->at, .fx = fx };
	int r = 0;

	c->clock_ms = ev->at.now_ms - ev->at.boot_ms;
	switch (ev->type) {
	case EV_SUBMIT:
		r = search_submit(&st, ev, reterr);
		break;
	case EV_PAUSE:
	case EV_RESUME:
	case EV_CANCEL:
	case EV_EXTEND:
	case EV_ADD:
	case EV_IMPORT:
	case EV_KILL:
	case EV_RETRY:
		r = step_search(&st, ev, reterr);
		break;
	case EV_SPAWNED:
	case EV_SPAWN_FAILED:
	case EV_OUTPUT:
	case EV_ENDED:
	case EV_ADOPTED:
	case EV_TERMINATED:
	case EV_COPIED:
		step_attempt(&st, ev);
		break;
	case EV_SUGGESTED:
		suggest_take(&st, search_find(c, ev->search), ev);
		break;
	case EV_TICK:
		step_tick(&st);
		break;
	case EV_SHUTDOWN:
		step_shutdown(&st, ev->kill);
		break;
	}
	if (r == 0 && ev->type != EV_OUTPUT && ev->type != EV_SPAWNED)
		schedule(&st);
	return r;
}

/*
 * Boots' times cannot be compared: over a reboot max_time goes on by the clock,
 * once, so that a clock that is set later changes nothing.
 */
static void rebase(struct step *st, struct search *s)
{
	const struct core_options *options = &st->core->options;
	int64_t since_ms =
	    s->rec.reopened_ms != 0 ? s->rec.reopened_ms : s->rec.created_ms;
	int64_t age_ms = st->at.now_ms - since_ms;

	if (strcmp(s->rec.boot_id, options->boot_id) == 0)
		return;
	s->rec.created_boot_ms = st->at.boot_ms - (age_ms > 0 ? age_ms : 0);
	memcpy(s->rec.boot_id, options->boot_id, BOOT_ID_BYTES);
	fx_save_search(st->fx, &s->rec, &s->queued_save);
}

static void adopt(struct step *st, struct search *s)
{
	struct core *c = st->core;

	rebase(st, s);
	for (size_t i = 0; i < c->n_open; i++) {
		struct trial *t = c->open[i];

		if (t->search != s)
			continue;
		t->attempt->may_be_over = true;
		fx_run(st->fx, FX_ADOPT, trial_run(t));
	}
}

void core_start(struct core *c, const struct moment *at, struct effects *fx)
{
	struct step st = { .core = c, .at = *at, .fx = fx };

	c->clock_ms = at->now_ms - at->boot_ms;
	for (size_t i = 0; i < c->n; i++)
		adopt(&st, c->searches[i]);
	step_tick(&st);
	schedule(&st);
}

void core_start_one(struct core *c, int64_t search, const struct moment *at,
		    struct effects *fx)
{
	struct step st = { .core = c, .at = *at, .fx = fx };
	struct search *s = search_find(c, search);

	/* One that has ended and is woken has all of its max_time again. */
	if (s->open > 0 || !search_state_is_final(s->rec.state))
		adopt(&st, s);
}

int64_t core_next_deadline(const struct core *c)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < c->n_open; i++) {
		int64_t d = trial_deadline(c->open[i]);

		next = d < next ? d : next;
	}
	for (size_t i = 0; i < c->n; i++) {
		int64_t d = search_deadline(c->searches[i]);
		int64_t e = ends_deadline(c->searches[i]);

		next = d < next ? d : next;
		next = e < next ? e : next;
	}
	return next;
}

void core_settle(struct core *c)
{
	for (size_t i = 0; i < c->n_ended; i++) {
		attempt_free(c->ended[i]);
	}
	c->n_ended = 0;
	for (size_t i = 0; i < c->n;) {
		struct search *s = c->searches[i];

		/* A worker may have its sampler, which borrows the spec. */
		if (s->open > 0 || s->sampler == NULL ||
		    !search_state_is_final(s->rec.state)) {
			i++;
			continue;
		}
		search_destroy(s);
		c->searches[i] = c->searches[--c->n];
	}
	for (size_t i = 0; i < c->n; i++) {
		struct search *s = c->searches[i];

		for (; s->params_saved < s->n; s->params_saved++) {
			struct trial *t = s->trials[s->params_saved];

			free(t->rec.params);
			t->rec.params = NULL;
		}
	}
}

/* --- reading
 * ------------------------------------------------------------------ */

bool core_has_search(const struct core *c, int64_t search)
{
	return search_find(c, search) != NULL;
}

/* Keeps those with the lowest numbers, sorted by insertion. */
static void insert_running(struct core_running r, size_t max,
			   struct core_running *list, size_t *n)
{
	size_t i = *n;

	if (i == max && r.number > list[i - 1].number)
		return;
	if (i == max)
		i--;
	else
		*n += 1;
	for (; i > 0 && list[i - 1].number > r.number; i--)
		list[i] = list[i - 1];
	list[i] = r;
}

size_t core_running(const struct core *c, int64_t search, size_t max,
		    struct core_running *ret,
		    const struct search_spec **ret_spec)
{
	const struct search *s = search_find(c, search);
	size_t n = 0;

	*ret_spec = s->spec;
	for (size_t i = 0; i < c->n_open; i++) {
		const struct trial *t = c->open[i];
		struct core_running r = { t->rec.number, t->attempt->rec.run };

		if (t->search == s)
			insert_running(r, max, ret, &n);
	}
	return n;
}

bool core_foretell(const struct core *c, int64_t search, int64_t number,
		   struct foretold *ret)
{
	const struct search *s = search_find(c, search);
	const struct trial *t;

	if (s == NULL || number < 0 || (size_t)number >= s->n)
		return false;
	t = s->trials[number];
	if (t->attempt == NULL || t->pruning == NULL ||
	    t->pruning[t->attempt->rec.run] == NULL)
		return false;
	return pruner_foretell(t->pruning[t->attempt->rec.run], &t->curve, ret);
}

/*
 * The mean time of the ended trials, for those still to come, spread over as
 * many as run at one time.
 */
static double estimate(const struct search *s, int64_t left)
{
	double mean;

	if (left < 0 || s->ended_trials == 0)
		return (double)NAN;
	mean = s->ended_seconds / (double)s->ended_trials;
	left += s->open + s->counts[TRIAL_QUEUED] - s->n_paused;
	return mean * (double)left / (double)(s->open > 0 ? s->open : 1);
}

void core_progress(const struct core *c, int64_t search,
		   const struct moment *at, struct core_progress *ret)
{
	const struct search *s = search_find(c, search);
	int64_t budget;
	int64_t end_ms;

	assert(s != NULL);
	budget = search_is_exhausted(s) ? 0 : search_budget(s);
	end_ms = s->rec.ended_ms != 0 ? s->rec.ended_ms : at->now_ms;
	*ret = (struct core_progress){
		.search = &s->rec,
		.spec = s->spec,
		.created = (int64_t)s->n,
		.left = budget == INT64_MAX ? -1 : budget,
		.choosing = s->wanted,
		.paused = s->n_paused,
		.best = s->best != NULL ? &s->best->rec : NULL,
		.seconds = (double)(end_ms > s->rec.created_ms
					? end_ms - s->rec.created_ms
					: 0) /
			   1000,
	};
	memcpy(ret->counts, s->counts, sizeof(ret->counts));
	memcpy(ret->symptoms, s->symptoms, sizeof(ret->symptoms));
	ret->left_seconds = estimate(s, ret->left);
	ret->used_ms = ends_used(s, at->boot_ms);
}

enum trial_state core_trial_state(const struct core *c, int64_t search,
				  int64_t number)
{
	const struct search *s = search_find(c, search);

	assert(s != NULL && number >= 0 && number < (int64_t)s->n);
	return s->trials[number]->rec.state;
}

bool core_symptoms(const struct core *c, int64_t search, int64_t number,
		   struct symptoms *ret)
{
	const struct search *s = search_find(c, search);
	const struct trial *t;

	if (s == NULL || number < 0 || number >= (int64_t)s->n)
		return false;
	t = s->trials[number];
	if (t->attempt == NULL)
		return false;
	diagnose_find(t, TRIAL_RUNNING, t->attempt->rec.stop_reason, ret);
	return true;
}

void core_newest(const struct core *c, const struct moment *at,
		 struct core_progress *ret)
{
	core_progress(c, c->options.last_search, at, ret);
}

void core_load_now(const struct core *c, struct core_load *ret)
{
	*ret = (struct core_load){
		.slots = c->options.slots,
		.slots_used = slots_used(c),
		.running = (int64_t)c->n_open,
	};
	for (size_t i = 0; i < c->n; i++) {
		if (!search_state_is_final(c->searches[i]->rec.state))
			ret->searches++;
	}
}
