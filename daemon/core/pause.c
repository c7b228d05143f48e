/*
 * Trials that wait until they are among the best: the promotion of ASHA, for
 * commands that resume. They are queued, but not in the queue:
 *
 *   running --- a rung, or a budget's run: not among the best --> paused
 *      ^                                                            |  |
 *      \--- there is room, and now it is among the best ------------/  |
 *                       ^            pruned <--- the search ends ------/
 *                       \--- the search is extended ---/
 *
 * A rung lies within a run: its next attempt goes on with the run's curve.
 *
 * Further runs go before new trials, the highest first. Of a few trials none
 * may ever be among the best n / eta: so before a search ends, where no trial
 * has had all of it yet, the best one goes on in any case.
 */
#include "core/model.h"
#include "search/halving.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool pause_is_meant(const char *reason)
{
	return strncmp(reason, VERDICT_PAUSED "@", sizeof(VERDICT_PAUSED)) == 0;
}

void pause_changed(struct search *s)
{
	s->is_promoted_known = false;
}

static const char *rule_of(const struct search *s)
{
	return s->spec->budget.name != NULL
		   ? halving_rule(s->spec)
		   : pruner_type_name(s->spec->early_stopping.type);
}

bool pause_was_given_up(const struct trial *t)
{
	const struct search_spec *spec = t->search->spec;

	/* One that a rule stops is at a try; one that waits has none. */
	return t->rec.state == TRIAL_PRUNED && t->rec.tries == 0 &&
	       t->rec.attempts > 0 && spec->resumes &&
	       (spec->budget.name != NULL || spec->runs == 1);
}

/* --- between the runs of a budget -------------------------------------------
 */

static void wait_between(struct trial *t)
{
	t->wait = (struct wait){ .level = t->rec.runs,
				 .bracket = t->first,
				 .cost = score_of(t->search->spec->goal,
						  t->rec.value),
				 .number = t->rec.number };
	waits_add(&t->search->between, &t->wait);
}

static bool is_promoted(void *arg, const struct wait *w)
{
	const struct search *s = arg;
	const struct trial *t = s->trials[w->number];

	return halving_goes_on(s->spec, t->rec.value,
			       runs_level(t, t->rec.runs - 1));
}

static struct trial *find_between(struct search *s, bool in_any_case)
{
	const struct wait *first =
	    waits_first(&s->between, in_any_case ? NULL : is_promoted, s);

	return first != NULL ? s->trials[first->number] : NULL;
}

static char *words_between(const struct trial *t)
{
	const struct search_spec *spec = t->search->spec;
	int64_t run = t->rec.runs - 1;
	size_t n = runs_level(t, run)->n;

	return xasprintf("goes on after the run with %s = %lld: it is among "
			 "the best %zu of %zu trials with so much",
			 spec->budget.name, (long long)search_level(spec, run),
			 halving_kept(spec, n), n);
}

/* --- within a run -----------------------------------------------------------
 */

static struct trial *find_within(const struct search *s, bool in_any_case)
{
	int64_t number = pruner_promote(s->pruners[0], in_any_case);

	return number >= 0 ? s->trials[number] : NULL;
}

/* --- either -----------------------------------------------------------------
 */

void pause_begin(struct trial *t)
{
	struct search *s = t->search;

	assert(!t->is_paused);
	t->is_paused = true;
	s->succeeded = true; /* its command runs and reports */
	TAILQ_INSERT_TAIL(&s->paused, t, queue);
	s->n_paused++;
	if (s->spec->budget.name != NULL)
		wait_between(t);
	else
		pruner_wait(runs_pruning(t, t->rec.runs), true);
}

void pause_end(struct trial *t)
{
	struct search *s = t->search;

	assert(t->is_paused);
	t->is_paused = false;
	TAILQ_REMOVE(&s->paused, t, queue);
	s->n_paused--;
	if (s->spec->budget.name != NULL)
		waits_remove(&s->between, &t->wait);
	else
		pruner_wait(runs_pruning(t, t->rec.runs), false);
}

static struct trial *find(struct search *s, bool in_any_case)
{
	return s->spec->budget.name != NULL ? find_between(s, in_any_case)
					    : find_within(s, in_any_case);
}

/* Nothing else runs or is to come, and no trial that ran has had all of it. */
static bool is_last_chance(const struct search *s)
{
	return s->results.n == 0 && s->wanted == 0 && schedule_is_over(s);
}

struct trial *pause_next(struct search *s)
{
	if (TAILQ_EMPTY(&s->paused))
		return NULL;
	if (!s->is_promoted_known)
		s->promoted = find(s, false);
	s->is_promoted_known = true;
	if (s->promoted != NULL || !is_last_chance(s))
		return s->promoted;
	return find(s, true);
}

void pause_go_on(struct step *st, struct trial *t)
{
	const struct search *s = t->search;
	char *text;

	if (s->promoted != t)
		text =
		    xstrdup("goes on: it is the best one that waits, nothing "
			    "else is to come, and no trial is done yet");
	else if (s->spec->budget.name != NULL)
		text = words_between(t);
	else
		text = xasprintf("goes on after step %s: it is among the best "
				 "there now",
				 strchr(t->rec.reason, '@') + 1);
	pause_end(t);
	search_event(st, s, t, "promote", text, NULL);
}

void pause_give_up(struct step *st, struct search *s)
{
	char reason[REASON_BYTES];
	struct trial *t;

	while ((t = TAILQ_FIRST(&s->paused)) != NULL) {
		pause_end(t);
		snprintf(reason, sizeof(reason), "%s%s", rule_of(s),
			 strchr(t->rec.reason, '@'));
		if (t->checkup != NULL)
			diagnose_end(st, t, TRIAL_PRUNED, reason);
		trial_move(st, t, TRIAL_PRUNED, reason);
	}
}

void pause_take_back(struct step *st, struct search *s)
{
	char reason[REASON_BYTES];

	for (size_t i = 0; i < s->n; i++) {
		struct trial *t = s->trials[i];
		int64_t ended_ms = t->rec.ended_ms;

		if (!pause_was_given_up(t))
			continue;
		snprintf(reason, sizeof(reason), VERDICT_PAUSED "%s",
			 strchr(t->rec.reason, '@'));
		trial_move(st, t, TRIAL_QUEUED, reason);
		t->rec.ended_ms = ended_ms;
		pause_begin(t);
	}
}
