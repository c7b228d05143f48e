/*
 * From rows back to the model. What can be derived is derived: counts, the best
 * trial, the tried configurations, what the early-stopping rule has learnt.
 */
#include "core/model.h"
#include "search/halving.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

int core_load_search(struct core *c, const struct search_record *r,
		     struct diag *reterr)
{
	struct search_spec *spec;
	struct search *s;

	if (search_parse(r->spec, strlen(r->spec), &spec, reterr) != 0)
		return -EBADMSG;
	s = search_new(c, spec);
	s->rec = *r;
	s->rec.name = copy(r->name);
	s->rec.key = copy(r->key);
	s->rec.spec = copy(r->spec);
	s->rec.workdir = copy(r->workdir);
	s->rec.environ = copy(r->environ);
	s->rec.metric = copy(r->metric);
	s->environ = search_read_environ(r->environ);
	return 0;
}

static int read_params(const struct search *s, const struct trial_record *r,
		       struct cell *config, struct diag *reterr)
{
	auto_json_doc struct json_doc doc = { 0 };

	if (r->params == NULL ||
	    json_doc_parse(r->params, strlen(r->params), &doc, reterr) != 0 ||
	    space_read(s->spec->space, doc.root, config, reterr) != 0) {
		diag_add(reterr, "", "trial %lld of search %s cannot be read",
			 (long long)r->number, s->rec.name);
		return -EBADMSG;
	}
	return 0;
}

/* It waits, or would if its search were extended. */
static bool may_wait(const struct trial *t)
{
	return pause_was_given_up(t) ||
	       (t->rec.state == TRIAL_QUEUED && pause_is_meant(t->rec.reason));
}

/* Its next attempt, if any, goes on with the curve of the latest one. */
static bool goes_on(const struct trial *t)
{
	const struct search_spec *spec = t->search->spec;

	return spec->resumes &&
	       ((may_wait(t) && spec->budget.name == NULL) ||
		(t->rec.state == TRIAL_QUEUED && t->rec.tries > 0));
}

static bool has_sound_lineage(const struct search *s,
			      const struct trial_record *r)
{
	const struct lineage *l = &r->lineage;

	if (l->generation == 0)
		return true;
	if (l->member < 0 || l->member >= s->spec->population ||
	    l->generation < 0 || l->generation > search_generations(s->spec))
		return false;
	return !lineage_has_parent(l) ||
	       (l->parent >= 0 && l->parent < (int64_t)s->n &&
		s->trials[l->parent]->rec.lineage.generation + 1 ==
		    l->generation);
}

/* One that says it waits has runs left, and a rule that lets it wait. */
static bool has_sound_wait(const struct search *s, const struct trial_record *r)
{
	const struct search_spec *spec = s->spec;

	if (r->state != TRIAL_QUEUED || !pause_is_meant(r->reason))
		return true;
	if (r->runs >= spec->runs)
		return false;
	if (spec->budget.name == NULL)
		return search_rungs_pause(spec);
	return spec->resumes && r->runs > halving_first(spec, r->number);
}

int core_load_trial(struct core *c, const struct trial_record *r,
		    struct diag *reterr)
{
	struct search *s = search_find(c, r->search);
	auto_free struct cell *config =
	    xcalloc(s->spec->space->n, sizeof(*config));
	struct trial *t;

	if (read_params(s, r, config, reterr) != 0)
		return -EBADMSG;
	if (r->runs < halving_first(s->spec, r->number) ||
	    r->runs > s->spec->runs) {
		diag_add(reterr, "", "trial %lld of search %s has %lld runs",
			 (long long)r->number, s->rec.name, (long long)r->runs);
		return -EBADMSG;
	}
	if (r->number != (int64_t)s->n) {
		diag_add(reterr, "", "search %s lacks trial %zu", s->rec.name,
			 s->n);
		return -EBADMSG;
	}
	if (!has_sound_lineage(s, r)) {
		diag_add(reterr, "",
			 "trial %lld of search %s is of no member of its "
			 "population, or of no generation after its parent's",
			 (long long)r->number, s->rec.name);
		return -EBADMSG;
	}
	if (!has_sound_wait(s, r)) {
		diag_add(reterr, "",
			 "trial %lld of search %s waits where nothing lets it "
			 "wait, or has nothing left to wait for",
			 (long long)r->number, s->rec.name);
		return -EBADMSG;
	}
	t = trial_new(s, config, r->origin, r->cursor);
	s->counts[TRIAL_QUEUED]--;
	t->rec = *r;
	t->rec.params = NULL;
	search_count_member(s, t);
	s->counts[r->state]++;
	s->succeeded |= r->runs > t->first && r->attempts > 0;
	if (goes_on(t))
		t->checkup = checkup_new(s->spec);
	if (r->state == TRIAL_QUEUED && pause_is_meant(r->reason))
		pause_begin(t);
	else if (r->state == TRIAL_QUEUED && search_is_start(t))
		TAILQ_INSERT_TAIL(&s->queue, t, queue);
	else if (r->state == TRIAL_QUEUED)
		TAILQ_INSERT_HEAD(&s->queue, t, queue);
	if (trial_state_is_final(r->state))
		search_load_end(s, t);
	if (search_has_result(t))
		sorted_append(&s->results, t->rec.value);
	return 0;
}

static struct trial *find_by_id(const struct search *s, int64_t id)
{
	size_t low = 0, high = s->n;

	/* Ids rise with numbers. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->trials[mid]->rec.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n && s->trials[low]->rec.id == id ? s->trials[low]
							  : NULL;
}

int core_load_attempt(struct core *c, int64_t search,
		      const struct attempt_record *r, struct diag *reterr)
{
	struct search *s = search_find(c, search);
	struct attempt *a;
	struct trial *t = find_by_id(s, r->trial);

	if (t != NULL)
		t->curve_of = r->curve;
	if (attempt_state_is_final(r->state))
		return 0;
	if (r->offset < 0 || r->token[0] == '\0') {
		diag_add(reterr, "",
			 "search %s: attempt %lld has no token or a negative "
			 "offset",
			 s->rec.name, (long long)r->number);
		return -EBADMSG;
	}
	if (t == NULL || t->rec.state != TRIAL_RUNNING || t->attempt != NULL ||
	    r->run != t->rec.runs) {
		diag_add(reterr, "",
			 "search %s: attempt %lld belongs to no running trial, "
			 "or to another run of it",
			 s->rec.name, (long long)r->number);
		return -EBADMSG;
	}
	a = xcalloc(1, sizeof(*a));
	a->rec = *r;
	a->rec.reader = copy(r->reader);
	trial_open(t, a);
	return 0;
}

/* Its last run is open, or will run anew. */
static bool is_on(const struct trial *t, int64_t run)
{
	return run == t->rec.runs &&
	       (t->attempt != NULL || t->rec.state == TRIAL_QUEUED ||
		pause_was_given_up(t));
}

/*
 * Tells the rule all values of the run. What was reported later than a later
 * step had no second of its own then; see pruner_report().
 */
static void replay(struct search *s)
{
	struct metric_record *list = s->replayed.list;

	for (size_t i = s->replayed.n; i-- > 1;) {
		if (list[i - 1].run_ms > list[i].run_ms)
			list[i - 1].run_ms = list[i].run_ms;
	}
	for (size_t i = 0; i < s->replayed.n; i++) {
		struct verdict given = { .stop = true };

		trial_learn(s->replay, s->replay_run, &list[i], &given);
	}
	s->replayed.n = 0;
}

static void add_replayed(struct search *s, const struct metric_record *m)
{
	struct replayed *r = &s->replayed;

	/* Of steps that have no room the last one alone counts. */
	if (r->n > LIMIT_STEPS)
		r->n = LIMIT_STEPS;
	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 64;
		r->list = xreallocarray(r->list, r->cap, sizeof(*r->list));
	}
	r->list[r->n++] = *m;
}

/* The run of the replay has ended: what is kept of it alone goes. */
static void end_replay(struct search *s)
{
	struct trial *t = s->replay;
	int64_t run = s->replay_run;
	bool is_whole;

	if (t != NULL)
		replay(s);
	s->replay = NULL;
	if (t == NULL || is_on(t, run))
		return;
	is_whole = run < t->rec.runs;
	pruner_ended(runs_pruner(t, run), runs_pruning(t, run), &t->curve,
		     is_whole ? TRIAL_DONE : t->rec.state);
	if (is_whole)
		runs_load(
		    t, run,
		    curve_result(&t->curve, s->spec->result, s->spec->goal));
	curve_free(&t->curve);
}

/* Of a trial that runs. */
static int load_other(struct search *s, int64_t trial,
		      const struct metric_record *m)
{
	struct trial *t = find_by_id(s, trial);
	struct checkup_news ignored;

	if (t == NULL)
		return -EBADMSG;
	if (t->checkup != NULL)
		checkup_report(t->checkup, m, &ignored);
	return 0;
}

int core_load_value(struct core *c, int64_t search, int64_t trial, int64_t run,
		    const struct metric_record *m)
{
	struct search *s = search_find(c, search);
	struct checkup_news news;
	struct trial *t;

	if (strcmp(m->name, s->spec->metric) != 0)
		return load_other(s, trial, m);
	if (s->replay == NULL || s->replay->rec.id != trial ||
	    s->replay_run != run) {
		end_replay(s);
		t = find_by_id(s, trial);
		if (t == NULL || run > t->rec.runs || run >= s->spec->runs)
			return -EBADMSG;
		if (is_on(t, run) && t->attempt == NULL && !goes_on(t))
			return 0; /* it runs anew */
		s->replay = t;
		s->replay_run = run;
	}
	add_replayed(s, m);
	t = s->replay;
	if (!is_on(t, run))
		return 0;
	if (t->attempt != NULL && t->attempt->run_ms < m->run_ms)
		t->attempt->run_ms = m->run_ms;
	if (t->checkup != NULL)
		checkup_report(t->checkup, m, &news);
	return 0;
}

int core_load_symptom(struct core *c, int64_t search, int64_t trial,
		      enum symptom_kind kind)
{
	struct trial *t = find_by_id(search_find(c, search), trial);

	if (t == NULL)
		return -EBADMSG;
	diagnose_load(t, kind);
	return 0;
}

void core_load_end(struct core *c, int64_t search)
{
	struct search *s = search_find(c, search);

	end_replay(s);
	free(s->replayed.list);
	s->replayed = (struct replayed){ 0 };
	sorted_finish(&s->results);
	runs_load_end(s);
	s->params_saved = s->n;
}

void core_unload(struct core *c, int64_t search)
{
	for (size_t i = c->n_open; i-- > 0;) {
		if (c->open[i]->search->rec.id == search)
			c->open[i] = c->open[--c->n_open];
	}
	for (size_t i = 0; i < c->n; i++) {
		if (c->searches[i]->rec.id != search)
			continue;
		search_destroy(c->searches[i]);
		c->searches[i] = c->searches[--c->n];
		return;
	}
}
