/*
 * Samplers that learn: what they are told, when they are asked, and what
 * becomes of their proposals.
 *
 *   schedule:     s->wanted++ for each trial that there is room for
 *   suggest_ask:  tells what has changed; FX_SUGGEST --> a worker thread
 *   suggest_take: EV_SUGGESTED, the sampler is back --> trials, launched
 *
 * Meanwhile s->sampler is NULL, and the search keeps the slots of what it has
 * asked for: the answer takes milliseconds, and is launched at once. A proposal
 * that cannot be launched then is dropped, and so is the sampler, which
 * believes in it: the next one is told of all trials again, as in a restarted
 * daemon.
 */
#include "core/model.h"
#include "search/rationale.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what is told -----------------------------------------------------------
 */

/* The machine's fault says nothing about the configuration. */
static bool is_of_machine(const char *reason)
{
	return strncmp(reason, "spawn:", 6) == 0 ||
	       strncmp(reason, "checkpoint:", 11) == 0 ||
	       strcmp(reason, "never-started") == 0;
}

struct observation suggest_observe(const struct trial *t)
{
	const struct trial_record *r = &t->rec;
	struct observation seen = {
		.fate = FATE_NONE,
		.score = (double)NAN,
		.lineage = r->lineage,
	};

	switch (r->state) {
	case TRIAL_QUEUED:
	case TRIAL_RUNNING:
		seen.fate = t->is_paused ? FATE_PRUNED : FATE_RUNNING;
		break;
	case TRIAL_DONE:
		seen.fate = FATE_DONE;
		break;
	case TRIAL_PRUNED:
		seen.fate = strcmp(r->reason, "diverged") == 0 ? FATE_FAILED
							       : FATE_PRUNED;
		break;
	case TRIAL_FAILED:
		if (!is_of_machine(r->reason))
			seen.fate = FATE_FAILED;
		break;
	case TRIAL_CANCELLED:
	case TRIAL_LOST:
	case NAMES_TRIAL_STATES_N:
		break;
	}
	if (seen.fate != FATE_DONE && seen.fate != FATE_PRUNED)
		return seen;
	seen.steps = r->steps;
	/* Not of one that may have waited between its attempts. */
	if (r->started_ms > 0 && r->ended_ms > r->started_ms &&
	    (r->attempts == 1 || !t->search->spec->resumes))
		seen.seconds = (double)(r->ended_ms - r->started_ms) / 1e3;
	if (r->has_value && r->kind == VALUE_FINITE) {
		seen.score = score_of(t->search->spec->goal, r->value);
		seen.runs = r->runs;
	}
	return seen;
}

void suggest_changed(struct trial *t)
{
	t->search->waits = false;
	if (!t->search->learns || t->is_untold)
		return;
	t->is_untold = true;
	STAILQ_INSERT_TAIL(&t->search->untold, t, untold);
}

static void tell(struct trial *t)
{
	struct search *s = t->search;
	struct observation seen = suggest_observe(t);

	if (levels_differ(s))
		levels_observe(t, s->told_run, &seen);
	sampler_tell(s->sampler, (size_t)t->rec.number, t->config, seen);
}

/* Results of another run count from now on. */
static void tell_anew(struct search *s, int64_t run)
{
	s->told_run = run;
	for (size_t i = 0; i < s->n; i++)
		suggest_changed(s->trials[i]);
}

static void tell_all(struct search *s)
{
	struct trial *t;
	int64_t run;

	if (levels_differ(s)) {
		run = levels_find_run(s);
		if (run != s->told_run)
			tell_anew(s, run);
	}
	/* In the order of their numbers where they are new. */
	while ((t = STAILQ_FIRST(&s->untold)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->untold, untold);
		t->is_untold = false;
		tell(t);
	}
}

static void begin_anew(struct search *s)
{
	sampler_free(s->sampler);
	s->sampler = sampler_new(s->spec);
	STAILQ_INIT(&s->untold);
	for (size_t i = 0; i < s->n; i++) {
		s->trials[i]->is_untold = false;
		suggest_changed(s->trials[i]);
	}
}

/* --- questions and answers --------------------------------------------------
 */

void suggest_ask(struct step *st, struct search *s)
{
	assert(s->learns && s->sampler != NULL && s->asked == 0);
	tell_all(s);
	fx_suggest(st->fx, (struct fx_suggest){
			       .search = s->rec.id,
			       .sampler = s->sampler,
			       .cursor = s->rec.cursor,
			       .n = (size_t)s->wanted,
			   });
	s->sampler = NULL;
	s->asked = s->wanted;
}

/* With a budget it says of how much of it the results are; new. */
static char *words_of(const struct search *s, const struct rationale *why)
{
	char *text = rationale_text(s->spec, why), *of;

	if (!levels_differ(s) || why->observations == 0)
		return text;
	of = xasprintf("%s with %s = %lld", text, s->spec->budget.name,
		       (long long)search_level(s->spec, s->told_run));
	free(text);
	return of;
}

static void launch(struct step *st, struct search *s, const struct proposal *p)
{
	struct trial *t =
	    trial_create(st, s, p->config, ORIGIN_SAMPLER, p->cursor);

	t->rec.lineage = p->rationale.lineage;
	search_count_member(s, t);
	trial_launch(st, t);
	search_event(st, s, t, "suggested", words_of(s, &p->rationale),
		     rationale_data(s->spec, &p->rationale));
}

/* How many have become trials: those before the first that cannot. */
static size_t launch_all(struct step *st, struct search *s,
			 const struct event *ev)
{
	size_t i;

	if (s->rec.state != SEARCH_RUNNING || st->core->shutting_down)
		return 0;
	for (i = 0; i < ev->suggested.n && search_budget(s) > 0; i++) {
		struct proposal *p = &ev->suggested.list[i];

		s->rec.cursor = p->cursor + 1;
		fx_save_search(st->fx, &s->rec, &s->queued_save);
		/* The user has added the same meanwhile. */
		if (!sampler_is_new(s->spec, &s->seen, p->config) &&
		    !sampler_find_new(s->spec, &s->seen, &s->listed, p->config))
			break;
		launch(st, s, p);
		fx_search_changed(st->fx, &s->rec);
	}
	return i;
}

void suggest_take(struct step *st, struct search *s, const struct event *ev)
{
	size_t n = ev->suggested.n;
	bool found_all = n == (size_t)s->asked;
	bool is_next;

	assert(s->sampler == NULL && n <= (size_t)s->asked);
	s->sampler = ev->suggested.sampler;
	s->asked = 0;
	if (n > 0)
		ends_suggested(st, s, &ev->suggested.list[0].rationale);
	/* A trial that was added meanwhile has the number of the first one. */
	is_next = s->sampler->history.n == s->n + n;
	if (launch_all(st, s, ev) < n || !is_next) {
		begin_anew(s);
	} else {
		s->exhausted = !found_all && !s->sampler->waits;
		/* It has not been told yet of what has changed meanwhile. */
		s->waits =
		    !found_all && s->sampler->waits && STAILQ_EMPTY(&s->untold);
	}
	for (size_t i = 0; i < n; i++)
		proposal_fini(&ev->suggested.list[i]);
}
