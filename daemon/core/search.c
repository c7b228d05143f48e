/*
 * Searches: what clients ask of them, and how they end.
 *
 *            pause               budget, target, time
 *   running <-----> paused          --> finished
 *      |    resume    |             cancel --> cancelled
 *      \--------------/             the same failure again and again --> failed
 *
 * add, retry and extend set an ended search going again.
 */
#include "core/model.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct search *search_find(const struct core *c, int64_t id)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->searches[i]->rec.id == id)
			return c->searches[i];
	}
	return NULL;
}

struct search *search_new(struct core *c, struct search_spec *spec)
{
	struct search *s = xcalloc(1, sizeof(*s));

	s->core = c;
	s->spec = spec;
	s->sampler = sampler_new(spec);
	s->learns = sampler_learns(s->sampler);
	STAILQ_INIT(&s->untold);
	s->pruners = xcalloc((size_t)spec->runs, sizeof(struct pruner *));
	for (int64_t run = 0; run < spec->runs; run++)
		s->pruners[run] = pruner_new(spec);
	s->levels = xcalloc(runs_levels(spec), sizeof(*s->levels));
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->paused);
	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 16;
		c->searches =
		    xreallocarray(c->searches, c->cap, sizeof(*c->searches));
	}
	c->searches[c->n++] = s;
	return s;
}

void search_destroy(struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		trial_free(s->trials[i]);
	free(s->trials);
	seen_free(&s->seen);
	sampler_free(s->sampler);
	for (int64_t run = 0; run < s->spec->runs; run++)
		pruner_free(s->pruners[run]);
	for (size_t i = 0; i < runs_levels(s->spec); i++)
		sorted_free(&s->levels[i]);
	free(s->pruners);
	free(s->levels);
	free(s->replayed.list);
	sorted_free(&s->results);
	waits_free(&s->between);
	strv_free(s->environ);
	search_free(s->spec);
	free(s->rec.name);
	free(s->rec.key);
	free(s->rec.spec);
	free(s->rec.workdir);
	free(s->rec.environ);
	free(s->rec.metric);
	free(s);
}

void search_event(struct step *st, const struct search *s,
		  const struct trial *t, const char *kind, char *text,
		  char *data)
{
	fx_save_event(st->fx, (struct event_record){
				  .search = s->rec.id,
				  .trial = t != NULL ? t->rec.id : 0,
				  .time_ms = st->at.now_ms,
				  .kind = kind,
				  .text = text,
				  .data = data,
			      });
}

static void save(struct step *st, struct search *s)
{
	fx_save_search(st->fx, &s->rec, &s->queued_save);
}

void search_move(struct step *st, struct search *s, enum search_state to,
		 const char *reason)
{
	assert(search_state_may_follow(s->rec.state, to));
	assert(strlen(reason) < REASON_BYTES);
	s->rec.state = to;
	strcpy(s->rec.reason, reason);
	s->rec.ended_ms = 0;
	if (search_state_is_final(to))
		s->rec.ended_ms = st->at.now_ms > s->rec.created_ms
				      ? st->at.now_ms
				      : s->rec.created_ms;
	save(st, s);
	fx_search_changed(st->fx, &s->rec);
}

int64_t search_budget(const struct search *s)
{
	int64_t n = (int64_t)s->n;

	if (s->rec.trials_max == 0)
		return INT64_MAX;
	return s->rec.trials_max > n ? s->rec.trials_max - n : 0;
}

/*
 * Of a population the trials tell it: each member is at its last generation,
 * and whatever becomes of that one, there is none after it. So no slot must be
 * free first, to ask for a trial that is not to come.
 */
bool search_is_exhausted(const struct search *s)
{
	return s->exhausted || (s->spec->population > 0 &&
				s->members_over == s->spec->population);
}

void search_count_member(struct search *s, const struct trial *t)
{
	s->members_over +=
	    s->spec->population > 0 &&
	    t->rec.lineage.generation == search_generations(s->spec);
}

int64_t search_deadline(const struct search *s)
{
	const struct core *c = s->core;

	if (s->spec->max_time_ms == 0 || search_state_is_final(s->rec.state))
		return INT64_MAX;
	/* core_start() has not seen it: it ended before a reboot. */
	if (strcmp(s->rec.boot_id, c->options.boot_id) != 0)
		return INT64_MAX;
	return s->rec.created_boot_ms + s->spec->max_time_ms;
}

/* --- submit ----------------------------------------------------------------
 */

char **search_read_environ(const char *json)
{
	cJSON *array = cJSON_Parse(json);
	int n = cJSON_GetArraySize(array);
	char **environ = xcalloc((size_t)n + 1, sizeof(*environ));
	const cJSON *item;
	size_t i = 0;

	cJSON_ArrayForEach (item, array) {
		if (cJSON_IsString(item))
			environ[i++] = xstrdup(item->valuestring);
	}
	cJSON_Delete(array);
	return environ;
}

/* What the file wants tried first waits in the queue. */
static void queue_start(struct step *st, struct search *s)
{
	const struct search_spec *spec = s->spec;

	for (size_t i = 0; i < spec->n_start; i++) {
		struct trial *t = trial_create(
		    st, s, &spec->start[i * spec->space->n], ORIGIN_START, 0);

		if (spec->population > 0)
			t->rec.lineage = (struct lineage){ 1, (int64_t)i, 0 };
		fx_save_trial(st->fx, &t->rec, &t->queued_save);
		TAILQ_INSERT_TAIL(&s->queue, t, queue);
	}
}

bool search_is_start(const struct trial *t)
{
	return t->rec.origin == ORIGIN_START && t->rec.attempts == 0;
}

int search_submit(struct step *st, const struct event *ev, struct diag *reterr)
{
	struct core *c = st->core;
	struct search_spec *spec = ev->submit.spec;
	struct search *s;

	if (spec->cpus > c->options.slots) {
		diag_add(reterr, "resources.cpus",
			 "%lld are more than the daemon has slots (at most "
			 "%lld)",
			 (long long)spec->cpus, (long long)c->options.slots);
		search_free(spec);
		return CORE_BAD_INPUT;
	}
	s = search_new(c, spec);
	s->rec.id = ++c->options.last_search;
	s->rec.name = xstrdup(ev->submit.name);
	s->rec.key = xstrdup(ev->submit.key);
	s->rec.spec = xstrdup(ev->submit.text);
	s->rec.workdir = xstrdup(ev->submit.workdir);
	s->rec.environ = xstrdup(ev->submit.environ);
	s->rec.metric = xstrdup(spec->metric);
	s->rec.goal = spec->goal;
	s->rec.state = SEARCH_RUNNING;
	s->rec.trials_max = spec->trials;
	s->rec.created_ms = st->at.now_ms;
	s->rec.until_ms = ev->submit.until_ms;
	s->rec.created_boot_ms = st->at.boot_ms;
	memcpy(s->rec.boot_id, c->options.boot_id, BOOT_ID_BYTES);
	s->environ = search_read_environ(s->rec.environ);
	save(st, s);
	queue_start(st, s);
	fx_search_changed(st->fx, &s->rec);
	return 0;
}

/* --- commands --------------------------------------------------------------
 */

static int conflict(const struct search *s, struct diag *reterr,
		    const char *hint)
{
	diag_add(reterr, "", "search %s is %s%s", s->rec.name,
		 search_state_name(s->rec.state), hint);
	return CORE_CONFLICT;
}

int search_pause(struct step *st, struct search *s, struct diag *reterr)
{
	if (s->rec.state == SEARCH_PAUSED)
		return 0;
	if (s->rec.state != SEARCH_RUNNING)
		return conflict(s, reterr, ": there is nothing to pause");
	search_move(st, s, SEARCH_PAUSED, "user");
	return 0;
}

int search_resume(struct step *st, struct search *s, struct diag *reterr)
{
	if (s->rec.state == SEARCH_RUNNING)
		return 0;
	if (s->rec.state != SEARCH_PAUSED)
		return conflict(s, reterr,
				", not paused (extend it to go on with further "
				"trials)");
	search_move(st, s, SEARCH_RUNNING, "");
	return 0;
}

/* Stops what runs and cancels what waits. */
static void stop_trials(struct step *st, struct search *s, const char *reason)
{
	struct core *c = st->core;
	struct trial *t;

	while ((t = TAILQ_FIRST(&s->queue)) != NULL) {
		TAILQ_REMOVE(&s->queue, t, queue);
		trial_move(st, t, TRIAL_CANCELLED, reason);
	}
	pause_give_up(st, s);
	/* Backwards: a trial that is closed gives its place to the last one. */
	for (size_t i = c->n_open; i-- > 0;) {
		if (i < c->n_open && c->open[i]->search == s)
			trial_stop(st, c->open[i], reason);
	}
}

void search_end(struct step *st, struct search *s, enum search_state to,
		const char *reason, char *text, char *data)
{
	if (search_state_is_final(s->rec.state)) {
		free(text);
		free(data);
		return;
	}
	search_event(st, s, NULL, "end", text, data);
	search_move(st, s, to, reason);
	/* The failures' own reason is theirs: "timeout", "exit:1". */
	stop_trials(st, s, to == SEARCH_FAILED ? "failures" : reason);
}

int search_cancel(struct step *st, struct search *s, struct diag *reterr)
{
	if (s->rec.state == SEARCH_CANCELLED)
		return 0;
	if (search_state_is_final(s->rec.state))
		return conflict(s, reterr, ": there is nothing to cancel");
	search_end(st, s, SEARCH_CANCELLED, "user",
		   xstrdup("cancelled by the user"), NULL);
	return 0;
}

/*
 * An ended search goes on, for what is put into its queue alone: its own
 * budget is used up, unless it is extended.
 */
static void reopen(struct step *st, struct search *s)
{
	if (!search_state_is_final(s->rec.state))
		return;
	s->rec.trials_max = (int64_t)s->n;
	s->failures = 0;
	s->rec.reopened_ms = st->at.now_ms;
	/* A new time budget, or the old one would end it at once. */
	s->rec.created_boot_ms = st->at.boot_ms;
	memcpy(s->rec.boot_id, s->core->options.boot_id, BOOT_ID_BYTES);
	search_move(st, s, SEARCH_RUNNING, "");
}

/* Whether a trial that is not there yet can come of its file. */
static bool has_more(const struct search *s)
{
	const struct search_spec *spec = s->spec;
	auto_free struct cell *config =
	    xcalloc(spec->space->n, sizeof(*config));
	uint64_t first = 0, listed = 0, cursor = s->rec.cursor;

	if (spec->population > 0)
		return !search_is_exhausted(s);
	/* Duplicates or not: each point has its turn once. */
	if (spec->sampler == SAMPLER_GRID)
		return sampler_next(s->sampler, &s->seen, &cursor, &listed,
				    config);
	return sampler_enumerate(spec, &first, config) == SAMPLER_EXHAUSTED ||
	       sampler_find_new(spec, &s->seen, &listed, config);
}

static bool has_given_up(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (pause_was_given_up(s->trials[i]))
			return true;
	}
	return false;
}

const char *search_exhausted_words(const struct search *s)
{
	if (s->spec->population > 0)
		return "every member of the population has had all generations";
	return "every configuration has been tried";
}

int search_extend(struct step *st, struct search *s, int64_t trials,
		  struct diag *reterr)
{
	bool is_open = !search_state_is_final(s->rec.state);
	int64_t has = (int64_t)s->n;

	if (is_open && s->rec.trials_max == 0)
		return conflict(s, reterr,
				" and runs until its grid is exhausted: there "
				"is nothing to extend");
	if (is_open && s->rec.trials_max > has)
		has = s->rec.trials_max;
	if (trials <= has || trials > LIMIT_TRIALS) {
		diag_add(reterr, "trials",
			 "%lld must be more than the %lld that search %s has, "
			 "and at most %d (the number is of all its trials)",
			 (long long)trials, (long long)has, s->rec.name,
			 LIMIT_TRIALS);
		return CORE_BAD_INPUT;
	}
	if (!has_more(s) && !has_given_up(s)) {
		diag_add(reterr, "",
			 "search %s has all the trials it can have: %s",
			 s->rec.name, search_exhausted_words(s));
		return CORE_CONFLICT;
	}
	reopen(st, s);
	s->rec.trials_max = trials;
	save(st, s);
	pause_take_back(st, s);
	return 0;
}

int search_add(struct step *st, struct search *s, const struct cell *config,
	       struct diag *reterr)
{
	bool was_final = search_state_is_final(s->rec.state);
	struct trial *t;

	if (s->n >= LIMIT_TRIALS)
		return conflict(s, reterr, " and has all the trials it may");
	reopen(st, s);
	/* In front of the queue; it takes the place of a sampler's trial. */
	if (was_final || search_budget(s) == 0)
		s->rec.trials_max = (int64_t)s->n + 1;
	save(st, s);
	t = trial_create(st, s, config, ORIGIN_ADDED, 0);
	fx_save_trial(st->fx, &t->rec, &t->queued_save);
	TAILQ_INSERT_HEAD(&s->queue, t, queue);
	return 0;
}

static struct trial *find_trial(const struct search *s, int64_t number,
				struct diag *reterr)
{
	if (number >= 0 && (size_t)number < s->n)
		return s->trials[number];
	if (s->n == 0)
		diag_add(reterr, "trial", "search %s has no trials yet",
			 s->rec.name);
	else
		diag_add(reterr, "trial",
			 "search %s has no trial %lld (0 to %zu)", s->rec.name,
			 (long long)number, s->n - 1);
	return NULL;
}

/* @t is the best trial, if it counts and is better than the one so far. */
static void keep_best(struct search *s, struct trial *t)
{
	double sign = s->spec->goal == GOAL_MINIMIZE ? 1 : -1;

	if (t->rec.state != TRIAL_DONE || t->rec.kind != VALUE_FINITE)
		return;
	if (s->best == NULL || sign * t->rec.value < sign * s->best->rec.value)
		s->best = t;
}

/* The best trial runs again: another one is the best, for now. */
static void find_best(struct search *s)
{
	s->best = NULL;
	for (size_t i = 0; i < s->n; i++)
		keep_best(s, s->trials[i]);
}

int search_retry(struct step *st, struct search *s, int64_t number,
		 struct diag *reterr)
{
	struct trial *t = find_trial(s, number, reterr);

	if (t == NULL)
		return CORE_NOT_FOUND;
	if (!trial_state_is_final(t->rec.state)) {
		diag_add(reterr, "", "trial %s/%lld is %s already", s->rec.name,
			 (long long)number, trial_state_name(t->rec.state));
		return CORE_CONFLICT;
	}
	/* No checkpoint is written to that may be copied. */
	if (t->rec.lineage.generation > 0 && t->rec.state == TRIAL_DONE) {
		diag_add(reterr, "",
			 "trial %s/%lld is done: its checkpoint has had all of "
			 "its generation, and others go on from it (only what "
			 "has not ended well can be run again)",
			 s->rec.name, (long long)number);
		return CORE_CONFLICT;
	}
	reopen(st, s);
	if (search_has_result(t))
		sorted_remove(&s->results, t->rec.value);
	search_event(st, s, t, "retry", xstrdup("run again by the user"), NULL);
	trial_move(st, t, TRIAL_QUEUED, "");
	runs_retry(t);
	diagnose_forget(st, t);
	t->rec.started_ms = 0;
	if (s->best == t)
		find_best(s);
	TAILQ_INSERT_HEAD(&s->queue, t, queue);
	return 0;
}

int search_kill(struct step *st, struct search *s, int64_t number,
		struct diag *reterr)
{
	struct trial *t = find_trial(s, number, reterr);

	if (t == NULL)
		return CORE_NOT_FOUND;
	if (t->attempt != NULL) {
		trial_stop(st, t, "user");
		return 0;
	}
	if (t->rec.state == TRIAL_QUEUED) {
		if (t->is_paused)
			pause_end(t);
		else
			TAILQ_REMOVE(&s->queue, t, queue);
		if (t->checkup != NULL)
			diagnose_end(st, t, TRIAL_CANCELLED, "user");
		trial_move(st, t, TRIAL_CANCELLED, "user");
		return 0;
	}
	diag_add(reterr, "", "trial %s/%lld is %s: there is nothing to kill",
		 s->rec.name, (long long)number,
		 trial_state_name(t->rec.state));
	return CORE_CONFLICT;
}

/* --- how trials end a search ------------------------------------------------
 */

bool search_has_result(const struct trial *t)
{
	return t->rec.state == TRIAL_DONE && t->rec.kind == VALUE_FINITE &&
	       t->rec.attempts > 0;
}

void search_count_end(struct search *s, struct trial *t)
{
	if (t->rec.started_ms != 0 && t->rec.ended_ms > t->rec.started_ms) {
		s->ended_trials++;
		s->ended_seconds +=
		    (double)(t->rec.ended_ms - t->rec.started_ms) / 1000;
	}
	keep_best(s, t);
}

static bool reaches_target(const struct search *s, const struct trial *t)
{
	if (!s->spec->has_target || t->rec.state != TRIAL_DONE)
		return false;
	return s->spec->goal == GOAL_MINIMIZE ? t->rec.value <= s->spec->target
					      : t->rec.value >= s->spec->target;
}

/*
 * True when @t is one more of the same failures, before any success; or of
 * copies of checkpoints, whenever.
 */
static bool counts_as_failure(struct search *s, const struct trial *t)
{
	/* It tells nothing about the command. */
	if (t->rec.origin == ORIGIN_IMPORTED && t->rec.attempts == 0)
		return false;
	switch (t->rec.state) {
	case TRIAL_DONE:
	case TRIAL_PRUNED:
		s->succeeded = true;
		s->failures = 0;
		return false;
	case TRIAL_FAILED:
		/* The next copy will fail, too. */
		if (strncmp(t->rec.reason, "checkpoint:", 11) == 0)
			return true;
		/* Its program works; the configuration does not. */
		s->succeeded |= strcmp(t->rec.reason, "diverged") == 0;
		return !s->succeeded;
	case TRIAL_LOST:
		return !s->succeeded;
	case TRIAL_CANCELLED:
	case TRIAL_QUEUED:
	case TRIAL_RUNNING:
	case NAMES_TRIAL_STATES_N:
		break;
	}
	return false;
}

/* Keeps count of equal failures in a row; true: too many. */
static bool fails_again(struct search *s, const struct trial *t)
{
	if (!counts_as_failure(s, t))
		return false;
	if (strcmp(s->failure, t->rec.reason) != 0)
		s->failures = 0;
	strcpy(s->failure, t->rec.reason);
	s->failures++;
	return s->spec->stop_on_failures > 0 &&
	       s->failures >= s->spec->stop_on_failures;
}

void search_load_end(struct search *s, struct trial *t)
{
	search_count_end(s, t);
	if (s->rec.reopened_ms != 0 && t->rec.ended_ms <= s->rec.reopened_ms)
		(void)counts_as_failure(s, t);
	else
		(void)fails_again(s, t);
}

static char *target_data(const struct search *s, const struct trial *t)
{
	auto_json cJSON *data = cJSON_CreateObject();

	json_add_integer(data, "trial", t->rec.number);
	json_add_number(data, "value", t->rec.value);
	json_add_number(data, "target", s->spec->target);
	return json_print(data);
}

void search_trial_ended(struct step *st, struct search *s, struct trial *t)
{
	char number[JSON_NUMBER_BYTES], target[JSON_NUMBER_BYTES];

	if (reaches_target(s, t)) {
		search_end(st, s, SEARCH_FINISHED, "target",
			   xasprintf("trial %lld reached the target: %s %s, "
				     "and %s was asked",
				     (long long)t->rec.number, s->spec->metric,
				     json_number_text(t->rec.value, number),
				     json_number_text(s->spec->target, target)),
			   target_data(s, t));
	} else if (fails_again(s, t)) {
		search_end(
		    st, s, SEARCH_FAILED, s->failure,
		    xasprintf("%lld trial%s in a row ended with %s%s; "
			      "see the output of one: hpctl log "
			      "%s/%lld",
			      (long long)s->failures,
			      s->failures == 1 ? "" : "s", s->failure,
			      s->succeeded ? "" : " before any had succeeded",
			      s->rec.name, (long long)t->rec.number),
		    NULL);
	} else {
		ends_trial_ended(st, s);
	}
}
