/* What is committed: the tables that the store would have. */
#include "sim.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	*cap = *cap > 0 ? 2 * *cap : 16;
	return xreallocarray(list, *cap, size);
}

struct search_row *rows_search(struct rows *r, int64_t id)
{
	assert(id > 0);
	while ((int64_t)r->n_searches < id) {
		struct search_row *s = xcalloc(1, sizeof(*s));

		s->seen = -1;
		r->searches = grow(r->searches, r->n_searches, &r->cap_searches,
				   sizeof(*r->searches));
		r->searches[r->n_searches++] = s;
	}
	return r->searches[id - 1];
}

struct trial_row *rows_trial(struct rows *r, int64_t id)
{
	assert(id > 0);
	while ((int64_t)r->n_trials < id) {
		struct trial_row *t = xcalloc(1, sizeof(*t));

		t->seen = -1;
		t->seen_attempt_state = -1;
		r->trials = grow(r->trials, r->n_trials, &r->cap_trials,
				 sizeof(*r->trials));
		r->trials[r->n_trials++] = t;
	}
	return r->trials[id - 1];
}

struct attempt_row *rows_attempt(const struct rows *r, int64_t trial,
				 int64_t number)
{
	const struct trial_row *t;

	if (trial > (int64_t)r->n_trials)
		return NULL;
	t = r->trials[trial - 1];
	if (number < 1 || number > (int64_t)t->n_attempts)
		return NULL;
	return &t->attempts[number - 1];
}

const struct attempt_row *rows_latest(const struct trial_row *t, int64_t run)
{
	for (size_t i = t->n_attempts; i-- > 0;) {
		const struct attempt_row *a = &t->attempts[i];

		if (a->rec.run == run &&
		    (run < t->rec.runs || i + 1 == t->n_attempts))
			return a;
	}
	return NULL;
}

const struct attempt_row *rows_curve(const struct attempt_row *a)
{
	return a + (a->rec.curve - a->rec.number);
}

struct trial_row *rows_known(const struct rows *r, int64_t search,
			     int64_t number)
{
	for (size_t i = 0; i < r->n_trials; i++) {
		struct trial_row *t = r->trials[i];

		if (t->config != NULL && t->search == search &&
		    t->number == number)
			return t;
	}
	return NULL;
}

int64_t rows_count(const struct rows *r, int64_t search)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n_trials; i++)
		n += r->trials[i]->commit != 0 &&
		     r->trials[i]->rec.search == search;
	return n;
}

bool search_row_is_open(const struct rows *r, const struct search_row *s)
{
	if (s->commit == 0)
		return false;
	if (!search_state_is_final(s->rec.state))
		return true;
	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_row *t = r->trials[i];

		if (t->commit != 0 && t->rec.search == s->rec.id &&
		    t->n_attempts > 0 &&
		    !attempt_state_is_final(
			t->attempts[t->n_attempts - 1].rec.state))
			return true;
	}
	return false;
}

/* --- saving -----------------------------------------------------------------
 */

static void free_search_texts(struct search_record *r)
{
	free(r->name);
	free(r->key);
	free(r->spec);
	free(r->workdir);
	free(r->environ);
	free(r->metric);
}

static void save_search(struct rows *rows, const struct search_record *r)
{
	struct search_row *s = rows_search(rows, r->id);

	free_search_texts(&s->rec);
	s->rec = *r;
	s->rec.name = copy(r->name);
	s->rec.key = copy(r->key);
	s->rec.spec = copy(r->spec);
	s->rec.workdir = copy(r->workdir);
	s->rec.environ = copy(r->environ);
	s->rec.metric = copy(r->metric);
	s->commit = rows->commits;
}

static void save_trial(struct sim *sim, const struct trial_record *r)
{
	struct trial_row *t = rows_trial(&sim->rows, r->id);
	char *params = t->rec.params;

	sim_check(sim, r->params != NULL || params != NULL,
		  "trial %lld is saved without its parameters",
		  (long long)r->id);
	if (r->params != NULL) {
		sim_check(sim, params == NULL || strcmp(params, r->params) == 0,
			  "the parameters of trial %lld change",
			  (long long)r->id);
		free(params);
		params = xstrdup(r->params);
	}
	t->was_paused = strncmp(t->rec.reason, "paused@", 7) == 0;
	t->state_before = t->commit != 0 ? t->rec.state : TRIAL_QUEUED;
	t->rec = *r;
	t->rec.params = params;
	t->commit = sim->rows.commits;
}

/* It has a curve of its own, or goes on with that of the one before. */
static void check_curve(struct sim *sim, const struct trial_row *t,
			struct attempt_row *a, const struct attempt_record *r)
{
	const struct search_row *search =
	    rows_search(&sim->rows, t->rec.search);

	if (a->commit != 0) {
		sim_check(sim, r->curve == a->rec.curve,
			  "attempt %lld of trial %lld has another curve",
			  (long long)r->number, (long long)r->trial);
		return;
	}
	sim_check(sim,
		  r->curve == r->number ||
		      (search->spec->resumes && r->number > 1 &&
		       r->curve == a[-1].rec.curve && r->run == a[-1].rec.run),
		  "attempt %lld of trial %lld has the curve of attempt %lld",
		  (long long)r->number, (long long)r->trial,
		  (long long)r->curve);
	a->n_before = t->attempts[r->curve - 1].n_metrics;
}

static void save_attempt(struct sim *sim, const struct attempt_record *r)
{
	struct trial_row *t = rows_trial(&sim->rows, r->trial);
	struct attempt_row *a;

	sim_check(sim,
		  r->number >= 1 && r->number <= (int64_t)t->n_attempts + 1,
		  "attempt %lld of trial %lld comes before the one before it",
		  (long long)r->number, (long long)r->trial);
	if (r->number > (int64_t)t->n_attempts) {
		t->attempts = xreallocarray(t->attempts, t->n_attempts + 1,
					    sizeof(*t->attempts));
		t->attempts[t->n_attempts++] =
		    (struct attempt_row){ .epoch = sim->epoch };
	}
	a = &t->attempts[r->number - 1];
	check_curve(sim, t, a, r);
	a->was_stopped = a->rec.stop_reason[0] != '\0';
	a->offset_before = a->rec.offset;
	free(a->rec.reader);
	a->rec = *r;
	a->rec.reader = copy(r->reader);
	a->commit = sim->rows.commits;
}

static void save_metrics(struct sim *sim, const struct fx_metrics *m)
{
	struct attempt_row *a = rows_attempt(&sim->rows, m->trial, m->curve);

	sim_check(sim, a != NULL,
		  "metrics of an attempt that is not in the store");
	for (size_t i = 0; i < m->n; i++) {
		a->metrics = grow(a->metrics, a->n_metrics, &a->cap_metrics,
				  sizeof(*a->metrics));
		a->metrics[a->n_metrics] = m->rows[i];
		/* The core's names go with the core. */
		a->metrics[a->n_metrics++].name =
		    strcmp(m->rows[i].name, "loss") == 0 ? "loss" : "acc";
	}
}

static void save_symptoms(struct sim *sim, const struct fx_symptoms *s)
{
	struct trial_row *t = rows_trial(&sim->rows, s->trial);

	sim_check(sim, t->commit != 0, "symptoms of a trial without a row");
	t->symptoms = 0;
	for (size_t i = 0; i < s->n; i++) {
		sim_check(
		    sim, s->list[i].text != NULL && s->list[i].step >= -100,
		    "a symptom of trial %lld is not told", (long long)s->trial);
		t->symptoms |= 1u << s->list[i].kind;
		if (s->list[i].kind == SYMPTOM_DIVERGED)
			cover_thing("the symptom diverged");
		if (s->list[i].kind == SYMPTOM_HEALTHY)
			cover_thing("the symptom healthy");
	}
}

static void save_event(struct rows *r, const struct event_record *e)
{
	r->events =
	    grow(r->events, r->n_events, &r->cap_events, sizeof(*r->events));
	r->events[r->n_events] = (struct event_row){
		.rec = *e,
		.commit = r->commits,
	};
	r->events[r->n_events].rec.kind = xstrdup(e->kind);
	r->events[r->n_events].rec.text = copy(e->text);
	r->events[r->n_events].rec.data = copy(e->data);
	r->n_events++;
}

void rows_save(struct sim *sim, const struct effect *e)
{
	switch (e->type) {
	case FX_SAVE_SEARCH:
		save_search(&sim->rows, e->search);
		break;
	case FX_SAVE_TRIAL:
		save_trial(sim, e->trial);
		break;
	case FX_SAVE_ATTEMPT:
		save_attempt(sim, e->attempt);
		break;
	case FX_SAVE_METRICS:
		save_metrics(sim, &e->metrics);
		break;
	case FX_SAVE_SYMPTOMS:
		save_symptoms(sim, &e->symptoms);
		break;
	case FX_SAVE_EVENT:
		save_event(&sim->rows, &e->event);
		break;
	case FX_LAUNCH:
	case FX_ADOPT:
	case FX_GO:
	case FX_TERMINATE:
	case FX_KILL:
	case FX_SUGGEST:
	case FX_TRIAL_ENDED:
	case FX_SEARCH_CHANGED:
		break;
	}
}

/* --- crashes and the end
 * ------------------------------------------------------ */

static void free_search(struct search_row *s)
{
	free_search_texts(&s->rec);
	search_free(s->spec);
	free(s);
}

static void free_trial(struct trial_row *t)
{
	for (size_t i = 0; i < t->n_attempts; i++) {
		free(t->attempts[i].rec.reader);
		free(t->attempts[i].metrics);
	}
	free(t->attempts);
	free(t->output.bytes);
	free(t->rec.params);
	free(t->config);
	free(t);
}

void rows_roll_back(struct rows *r)
{
	while (r->n_searches > 0 && r->searches[r->n_searches - 1]->commit == 0)
		free_search(r->searches[--r->n_searches]);
	while (r->n_trials > 0 && r->trials[r->n_trials - 1]->commit == 0)
		free_trial(r->trials[--r->n_trials]);
	for (size_t i = 0; i < r->n_searches; i++)
		r->searches[i]->seen = (int)r->searches[i]->rec.state;
	for (size_t i = 0; i < r->n_trials; i++) {
		struct trial_row *t = r->trials[i];

		t->seen = (int)t->rec.state;
		t->seen_attempt = (int64_t)t->n_attempts;
		t->seen_attempt_state = -1;
		if (t->n_attempts > 0)
			t->seen_attempt_state =
			    (int)t->attempts[t->n_attempts - 1].rec.state;
	}
}

void rows_free(struct rows *r)
{
	for (size_t i = 0; i < r->n_searches; i++)
		free_search(r->searches[i]);
	for (size_t i = 0; i < r->n_trials; i++)
		free_trial(r->trials[i]);
	for (size_t i = 0; i < r->n_events; i++) {
		free((char *)r->events[i].rec.kind);
		free(r->events[i].rec.text);
		free(r->events[i].rec.data);
	}
	free(r->searches);
	free(r->trials);
	free(r->events);
	*r = (struct rows){ 0 };
}

static int by_step(const void *a, const void *b)
{
	const struct metric_record *x = a, *y = b;

	return x->step < y->step ? -1 : x->step > y->step;
}

void rows_points(const struct attempt_row *a, const char *name,
		 struct points *ret)
{
	a = rows_curve(a);
	*ret = (struct points){ 0 };
	ret->list = xcalloc(a->n_metrics + 1, sizeof(*ret->list));
	for (size_t i = 0; i < a->n_metrics; i++) {
		const struct metric_record *m = &a->metrics[i];
		size_t k = 0;

		if (strcmp(m->name, name) != 0)
			continue;
		while (k < ret->n && ret->list[k].step != m->step)
			k++;
		if (k < ret->n) { /* the time is that of the first one */
			ret->list[k].kind = m->kind;
			ret->list[k].value = m->value;
			continue;
		}
		ret->list[ret->n++] = *m;
	}
	qsort(ret->list, ret->n, sizeof(*ret->list), by_step);
}
