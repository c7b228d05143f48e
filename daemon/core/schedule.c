/*
 * Who runs next. The search with the fewest slots in use goes first; when its
 * trial does not fit, the others wait too, so that a wide one is not starved by
 * narrow ones. A search whose sampler learns takes its slots in the same order,
 * before it is known what will run in them: the sampler is asked for all of
 * them at once, and for those that come meanwhile when it is back.
 */
#include "core/model.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>

static int64_t slots_of(const struct search *s)
{
	return (s->open + s->wanted) * s->spec->cpus;
}

int64_t slots_used(const struct core *c)
{
	int64_t used = 0;

	for (size_t i = 0; i < c->n; i++)
		used += slots_of(c->searches[i]);
	return used;
}

/* Something could be launched, if there was room. */
static bool has_work(struct search *s)
{
	if (s->rec.state != SEARCH_RUNNING)
		return false;
	if (!TAILQ_EMPTY(&s->queue) || pause_next(s) != NULL)
		return true;
	return !search_is_exhausted(s) && !s->waits &&
	       search_budget(s) > s->wanted;
}

static bool wants(struct search *s)
{
	int64_t parallel =
	    s->spec->parallel > 0 ? s->spec->parallel : LIMIT_PARALLEL;

	/* A daemon with fewer slots may have started since the submit. */
	return has_work(s) && s->open + s->wanted < parallel &&
	       s->spec->cpus <= s->core->options.slots;
}

static bool goes_before(const struct search *a, const struct search *b)
{
	int64_t used_a = slots_of(a), used_b = slots_of(b);

	return used_a != used_b ? used_a < used_b : a->launched < b->launched;
}

static struct search *pick(const struct core *c)
{
	int64_t free_slots = c->options.slots - slots_used(c);
	struct search *first = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct search *s = c->searches[i];

		if (!wants(s))
			continue;
		if (s->spec->cpus == 0)
			return s;
		if (first == NULL || goes_before(s, first))
			first = s;
	}
	return first != NULL && first->spec->cpus <= free_slots ? first : NULL;
}

/* --- the next configuration -------------------------------------------------
 */

static struct trial *create_trial(struct step *st, struct search *s)
{
	size_t n = s->spec->space->n;
	auto_free struct cell *config = xcalloc(n, sizeof(*config));

	s->exhausted = !sampler_next(s->sampler, &s->seen, &s->rec.cursor,
				     &s->listed, config);
	fx_save_search(st->fx, &s->rec, &s->queued_save);
	if (s->exhausted)
		return NULL;
	return trial_create(st, s, config, ORIGIN_SAMPLER, s->rec.cursor - 1);
}

static void launch_next(struct step *st, struct search *s)
{
	struct trial *t = TAILQ_FIRST(&s->queue), *promoted = NULL;

	if (t == NULL || search_is_start(t))
		promoted = pause_next(s);
	if (promoted != NULL) {
		t = promoted;
		pause_go_on(st, t);
	} else if (t != NULL) {
		TAILQ_REMOVE(&s->queue, t, queue);
	} else if (s->learns) {
		s->wanted++;
	} else {
		t = create_trial(st, s);
	}
	if (t != NULL)
		trial_launch(st, t);
}

/* --- ends -------------------------------------------------------------------
 */

bool schedule_is_over(const struct search *s)
{
	return s->open == 0 && TAILQ_EMPTY(&s->queue) &&
	       (search_is_exhausted(s) || search_budget(s) == 0);
}

/* Nothing runs, waits or is to come. */
static bool is_complete(struct search *s)
{
	return !search_state_is_final(s->rec.state) && schedule_is_over(s) &&
	       pause_next(s) == NULL;
}

static void finish(struct step *st, struct search *s)
{
	bool budget_used = search_budget(s) == 0;
	char *text;

	if (!budget_used)
		text = xasprintf("%s (%zu trial%s)", search_exhausted_words(s),
				 s->n, s->n == 1 ? "" : "s");
	else if (s->n == 1)
		text = xstrdup("its only trial has ended");
	else
		text = xasprintf("all %zu trials have ended", s->n);

	search_end(st, s, SEARCH_FINISHED, budget_used ? "trials" : "exhausted",
		   text, NULL);
}

void schedule(struct step *st)
{
	struct core *c = st->core;
	struct search *s;

	for (size_t i = 0; i < c->n; i++)
		c->searches[i]->wanted = c->searches[i]->asked;
	while (!c->shutting_down && (s = pick(c)) != NULL)
		launch_next(st, s);
	for (size_t i = 0; i < c->n; i++) {
		s = c->searches[i];
		if (s->wanted > s->asked && s->asked == 0)
			suggest_ask(st, s);
		if (is_complete(s))
			finish(st, s);
	}
}

/* --- why not more ------------------------------------------------------------
 */

/* A trial that is tried again and again, or NULL. */
static const struct trial *find_delayed(const struct core *c,
					const struct search *s)
{
	for (size_t i = 0; i < c->n_open; i++) {
		const struct attempt *a = c->open[i]->attempt;

		if (c->open[i]->search == s && a->is_delayed &&
		    a->rec.state == ATTEMPT_LAUNCHING)
			return c->open[i];
	}
	return NULL;
}

void core_explain(const struct core *c, int64_t id, struct buf *ret_text)
{
	struct search *s = search_find(c, id);
	const struct trial *delayed = find_delayed(c, s);
	int64_t used = slots_used(c);

	assert(s != NULL);
	if (s->rec.state == SEARCH_PAUSED)
		buf_adds(ret_text, "paused: no further trial is started until "
				   "it is resumed");
	else if (delayed != NULL)
		buf_addf(ret_text,
			 "trial %lld cannot be started now and is tried again: "
			 "hpctl explain %s/%lld says why",
			 (long long)delayed->rec.number, s->rec.name,
			 (long long)delayed->rec.number);
	else if (s->wanted > 0)
		buf_addf(ret_text,
			 "its sampler is choosing the configuration%s of %lld "
			 "further trial%s",
			 s->wanted == 1 ? "" : "s", (long long)s->wanted,
			 s->wanted == 1 ? "" : "s");
	else if (s->waits && TAILQ_EMPTY(&s->queue))
		buf_addf(ret_text,
			 "waits for trials that are running (%lld), which the "
			 "next ones go on from",
			 (long long)s->open);
	else if (!has_work(s))
		buf_addf(ret_text,
			 "no further trial is to come; %lld still running",
			 (long long)s->open);
	else if (s->spec->parallel > 0 && s->open >= s->spec->parallel)
		buf_addf(ret_text,
			 "runs %lld trial%s at a time, as its "
			 "\"parallel\" says",
			 (long long)s->open, s->open == 1 ? "" : "s");
	else if (s->spec->cpus > c->options.slots)
		buf_addf(ret_text,
			 "cannot run: a trial takes %lld slots and the daemon "
			 "has %lld",
			 (long long)s->spec->cpus, (long long)c->options.slots);
	else
		buf_addf(ret_text,
			 "waits for free slots: a trial takes %lld, and %lld "
			 "of %lld are in use (%lld by this search)",
			 (long long)s->spec->cpus, (long long)used,
			 (long long)c->options.slots,
			 (long long)(s->open * s->spec->cpus));
	if (s->n_paused > 0)
		buf_addf(ret_text,
			 s->n_paused == 1 ? "; %lld trial has run and waits "
					    "until it is among the best"
					  : "; %lld trials have run and wait "
					    "until they are among the best",
			 (long long)s->n_paused);
}
