#include "core/checkup.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LOOK 8 /* points of both curves; a power of two */

struct checkup {
	const struct search_spec *spec;
	struct series series;
	enum series_curve objective; /* which curve it is */
	char *train;                 /* name of the other one so far, or NULL */
	char **passed;               /* [n], sorted: names that are neither */
	size_t n, cap;
};

/* --- which metric is the training curve -------------------------------------
 */

static void set_train(struct checkup *c, const char *name)
{
	struct series_role role = series_role(name);

	free(c->train);
	c->train = xstrdup(name);
	c->series.lines[SERIES_TRAIN].n = 0;
	series_set_metric(&c->series, SERIES_TRAIN, name,
			  role.rank > 0 ? role.goal : c->spec->goal);
}

/* Whether @name is a better training curve than what is known so far. */
static bool is_better(const struct checkup *c, const char *name)
{
	const char *names[3] = { c->spec->metric, name, c->train };
	size_t n = c->train != NULL ? 3 : 2;
	struct series_choice choice;
	int i;

	/* Of equal ones the first: whatever came first, the same wins. */
	if (n == 3 && strcmp(c->train, name) < 0) {
		names[1] = c->train;
		names[2] = name;
	}
	choice = series_choose(names, n, c->spec->metric, NULL);
	i = choice.curves[SERIES_TRAIN];
	return i > 0 && names[i] == name;
}

/* The place of @name among those passed over; true if it is there. */
static bool find_passed(const struct checkup *c, const char *name,
			size_t *ret_place)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(c->passed[mid], name);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_place = low;
	return false;
}

static void pass_over(struct checkup *c, const char *name)
{
	size_t at;
	bool is_passed = find_passed(c, name, &at);

	assert(!is_passed);
	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 8;
		c->passed =
		    xreallocarray(c->passed, c->cap, sizeof(*c->passed));
	}
	memmove(c->passed + at + 1, c->passed + at,
		(c->n - at) * sizeof(*c->passed));
	c->passed[at] = xstrdup(name);
	c->n++;
}

/*
 * Only a name that is new can win, and what has lost once loses always: so the
 * curve that wins has all its points, and nothing else is kept.
 */
static bool is_train(struct checkup *c, const char *name)
{
	size_t at;

	if (c->train != NULL && strcmp(c->train, name) == 0)
		return true;
	if (c->objective == SERIES_TRAIN || c->spec->train_metric != NULL ||
	    find_passed(c, name, &at))
		return false;
	if (!is_better(c, name)) {
		pass_over(c, name);
		return false;
	}
	if (c->train != NULL)
		pass_over(c, c->train);
	set_train(c, name);
	return true;
}

/* --- its life ----------------------------------------------------------------
 */

struct checkup *checkup_new(const struct search_spec *spec)
{
	const char *names[] = { spec->metric };
	struct series_choice choice =
	    series_choose(names, 1, spec->metric, spec->train_metric);
	struct checkup *c = xcalloc(1, sizeof(*c));

	c->spec = spec;
	c->objective =
	    choice.curves[SERIES_TRAIN] == 0 ? SERIES_TRAIN : SERIES_VALID;
	series_set_metric(&c->series, c->objective, spec->metric, spec->goal);
	if (spec->train_metric != NULL)
		set_train(c, spec->train_metric);
	return c;
}

void checkup_free(struct checkup *c)
{
	if (c == NULL)
		return;
	series_fini(&c->series);
	free(c->train);
	for (size_t i = 0; i < c->n; i++)
		free(c->passed[i]);
	free(c->passed);
	free(c);
}

static size_t count_points(const struct checkup *c)
{
	return c->series.lines[SERIES_TRAIN].n +
	       c->series.lines[SERIES_VALID].n;
}

bool checkup_has_points(const struct checkup *c)
{
	return count_points(c) > 0;
}

/* Is the point at @step one of two in a row that are not finite? */
static void find_lost(const struct series_line *line, int64_t step,
		      struct checkup_news *ret)
{
	const struct series_point *p = line->points;
	size_t i = line->n;

	while (i > 0 && p[i - 1].step > step)
		i--;
	if (i == 0 || p[i - 1].step != step)
		return; /* left out: the curve is full */
	i--;
	if (i > 0 && !isfinite(p[i - 1].value))
		i--;
	else if (i + 1 == line->n || isfinite(p[i + 1].value))
		return;
	ret->is_lost = true;
	ret->before = p[i];
	ret->after = p[i + 1];
}

void checkup_report(struct checkup *c, const struct metric_record *m,
		    struct checkup_news *ret)
{
	size_t before = count_points(c), n;
	enum series_curve which = SERIES_TRAIN;
	double value = value_of_kind(m->kind, m->value);

	*ret = (struct checkup_news){ 0 };
	if (strcmp(m->name, c->spec->metric) == 0)
		which = c->objective;
	else if (!is_train(c, m->name))
		return;
	else
		ret->is_declared = c->spec->train_metric != NULL;
	series_add(&c->series, which, m->step, value);
	if (!isfinite(value))
		find_lost(&c->series.lines[which], m->step, ret);
	n = count_points(c);
	ret->is_due = n > before && n >= FIRST_LOOK && (n & (n - 1)) == 0;
}

/* --- what ails it ------------------------------------------------------------
 */

static struct run_end end_of(const struct checkup *c, enum trial_state state,
			     const char *reason, char how[REASON_BYTES])
{
	struct run_end end = {
		.state = RUN_STOPPED,
		.planned = c->spec->early_stopping.in_seconds
			       ? 0
			       : c->spec->early_stopping.max_steps,
	};

	if (state == TRIAL_RUNNING) {
		end.state = RUN_RUNNING;
	} else if (state == TRIAL_DONE || strcmp(reason, "no-metric") == 0 ||
		   strcmp(reason, "diverged") == 0) {
		end.state = RUN_DONE;
	} else if (strncmp(reason, "exit:", 5) == 0) {
		end.state = RUN_FAILED;
		snprintf(how, REASON_BYTES, "exit status %s", reason + 5);
		end.how = how;
	} else if (strncmp(reason, "signal:", 7) == 0) {
		end.state = RUN_FAILED;
		snprintf(how, REASON_BYTES, "signal %s", reason + 7);
		end.how = how;
	}
	return end;
}

static void drop(struct symptoms *s, size_t i)
{
	free(s->list[i].text);
	cJSON_Delete(s->list[i].data);
	memmove(s->list + i, s->list + i + 1,
		(s->n - i - 1) * sizeof(s->list[0]));
	s->n--;
}

/* What is told of an end, and comes too early. */
static bool is_of_end(enum symptom_kind kind)
{
	return kind == SYMPTOM_HEALTHY || kind == SYMPTOM_STILL_IMPROVING ||
	       kind == SYMPTOM_NO_OUTPUT || kind == SYMPTOM_LATE_CRASH;
}

/*
 * The early-stopping rule knows what is far above all other trials' beginnings,
 * a single curve does not.
 */
static void add_diverged(const struct checkup *c, struct symptoms *s)
{
	const struct series_line *line = &c->series.lines[c->objective];
	const struct series_point *top = NULL;
	struct symptom *f = &s->list[0];

	for (size_t i = 0; i < line->n; i++) {
		if (top == NULL ||
		    !(fabs(line->points[i].value) <= fabs(top->value)))
			top = &line->points[i];
	}
	if (top == NULL)
		return;
	for (size_t i = s->n; i-- > 0;) {
		if (s->list[i].kind == SYMPTOM_HEALTHY)
			drop(s, i);
	}
	memmove(s->list + 1, s->list, s->n * sizeof(s->list[0]));
	s->n++;
	*f = (struct symptom){
		.kind = SYMPTOM_DIVERGED,
		.strength = 1,
		.step = top->step,
		.text = xasprintf("%s was %.4g at step %" PRId64
				  ", a million times where trials begin.",
				  c->spec->metric, top->value, top->step),
		.advice = "Lower the learning rate (by a factor of 3 to 10), "
			  "clip gradients, or scale the inputs.",
		.data = cJSON_CreateObject(),
	};
	json_add_number(f->data, "value", top->value);
}

void checkup_find(const struct checkup *c, enum trial_state state,
		  const char *reason, const struct siblings_line *objective,
		  struct symptoms *ret)
{
	struct siblings siblings = { 0 };
	char how[REASON_BYTES];
	struct run_end end = end_of(c, state, reason, how);

	if (objective != NULL)
		siblings.lines[c->objective] = *objective;
	symptoms_find(&c->series, &end, objective != NULL ? &siblings : NULL,
		      ret);
	for (size_t i = ret->n; i-- > 0 && state == TRIAL_RUNNING;) {
		if (is_of_end(ret->list[i].kind))
			drop(ret, i);
	}
	if (strcmp(reason, "diverged") == 0 &&
	    symptoms_get(ret, SYMPTOM_DIVERGED) == NULL)
		add_diverged(c, ret);
}
