#include "why/symptoms.h"

#include "why/trend.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES_MAX 1000 /* ln k of up to this many is looked for */

/* A run under examination. */
struct exam {
	const struct series *series;
	const struct run_end *end;
	const struct siblings *siblings; /* or NULL */
	struct trend trends[SERIES_CURVES];
	const struct trend *train, *valid; /* NULL: has no point */
	/* The training curve, or else the other one. */
	const struct trend *main;
	const char *names[SERIES_CURVES];
	const char *main_name;
	struct symptoms *found;
};

void symptoms_fini(struct symptoms *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].text);
		cJSON_Delete(s->list[i].data);
	}
	free(s->note);
	*s = (struct symptoms){ 0 };
}

const struct symptom *symptoms_get(const struct symptoms *s,
				   enum symptom_kind kind)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].kind == kind)
			return &s->list[i];
	return NULL;
}

cJSON *symptoms_json(const struct symptoms *s)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < s->n; i++) {
		const struct symptom *f = &s->list[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "symptom",
					symptom_kind_name(f->kind));
		json_add_number(o, "strength", f->strength);
		json_add_integer(o, "step", f->step);
		cJSON_AddStringToObject(o, "text", f->text);
		cJSON_AddStringToObject(o, "try", f->advice);
		cJSON_AddItemToObject(o, "data",
				      cJSON_Duplicate(f->data, true));
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

static double clamp(double v)
{
	return fmin(1, fmax(0.01, v));
}

/* Adds a symptom; its text is given with add_text(). */
static struct symptom *add(struct exam *e, enum symptom_kind kind,
			   double strength, int64_t step, const char *advice)
{
	struct symptom *f = &e->found->list[e->found->n++];

	*f = (struct symptom){ .kind = kind,
			       .strength = round(100 * clamp(strength)) / 100,
			       .step = step,
			       .advice = advice,
			       .data = cJSON_CreateObject() };
	return f;
}

static const char *value_text(const struct trend *t, double cost, char buf[32])
{
	(void)snprintf(buf, 32, "%.4g", trend_value(t, cost));
	return buf;
}

static double first_level(const struct trend *t)
{
	return t->points[0].level;
}

static double last_level(const struct trend *t)
{
	return t->points[t->n - 1].level;
}

/* --- the symptoms --------------------------------------------------------- */

static void find_diverged(struct exam *e)
{
	const char *advice = "Lower the learning rate (by a factor of 3 to "
			     "10), clip gradients, or scale the inputs.";

	for (int c = 0; c < SERIES_CURVES; c++) {
		const struct trend *t = &e->trends[c];
		struct symptom *f;
		double end;
		char a[32], b[32];

		if (t->ends_bad) {
			f = add(e, SYMPTOM_DIVERGED, 1, t->bad_step, advice);
			f->text = xasprintf("%s is not a finite number from "
					    "step %" PRId64 " on.",
					    e->names[c], t->bad_step);
			json_add_integer(f->data, "not_finite",
					 (int64_t)t->bad);
			return;
		}
		if (t->n < 3 || c == SERIES_VALID)
			continue;
		end = trend_median(t, t->n - (t->n + 3) / 4, t->n);
		if (end < 2 * fabs(first_level(t)) || t->sign < 0)
			continue;
		f = add(e, SYMPTOM_DIVERGED, 0.5 + 0.1 * end, t->last_step,
			advice);
		f->text = xasprintf("%s rose from %s to %s.", e->names[c],
				    value_text(t, first_level(t), a),
				    value_text(t, end, b));
		json_add_number(f->data, "first", first_level(t));
		json_add_number(f->data, "last", end);
		return;
	}
}

/* k when @loss is ln k within a percent, else 0. */
static int classes_of(double loss)
{
	for (int k = 2; k <= CLASSES_MAX; k++)
		if (fabs(loss / log(k) - 1) < 0.01)
			return k;
	return 0;
}

static void find_stuck(struct exam *e)
{
	const struct trend *t = e->main;
	double first, best, fall;
	struct symptom *f;
	char a[32], b[32];
	int k;

	if (t->n < 3)
		return;
	first = first_level(t);
	best = t->points[t->best].level;
	fall = (first - best) / fmax(fabs(first), 1e-12);
	if (fall > 0.02)
		return;
	k = t->sign > 0 ? classes_of(trend_median(t, 0, t->n)) : 0;
	f = add(e, SYMPTOM_STUCK_AT_START, 1 - fall / 0.02, t->last_step,
		"Try a learning rate 10 times higher and one 10 times lower; "
		"check the initial weights, the labels and that gradients "
		"reach the first layer.");
	f->text =
	    xasprintf("%s has not moved: %s at first, %s at best", e->main_name,
		      value_text(t, first, a), value_text(t, best, b));
	if (k > 0) {
		char *text = xasprintf("%s (ln %d: a uniform guess over %d "
				       "classes).",
				       f->text, k, k);

		free(f->text);
		f->text = text;
		json_add_integer(f->data, "classes", k);
	}
	json_add_number(f->data, "first", trend_value(t, first));
	json_add_number(f->data, "best", trend_value(t, best));
}

static void find_overfitting(struct exam *e)
{
	const struct trend *t = e->valid;
	double best, end, rise;
	struct symptom *f;
	char a[32], b[32];

	if (t == NULL || e->train == NULL || t->n < 5)
		return;
	best = t->points[t->best].level;
	end = trend_median(t, t->n - (t->n + 4) / 5, t->n);
	rise = (end - best) / fmax(fabs(best), 1e-12);
	if (rise < 0.05 || end - best < 3 * t->noise ||
	    last_level(e->train) > first_level(e->train))
		return;
	f = add(e, SYMPTOM_OVERFITTING, rise, t->points[t->best].step,
		"Stop at that step (early stopping), regularise more (weight "
		"decay, dropout), or use more data or a smaller model.");
	f->text =
	    xasprintf("%s was best at step %" PRId64 " (%s) and rose to "
		      "%s while %s fell on.",
		      e->names[SERIES_VALID], f->step, value_text(t, best, a),
		      value_text(t, end, b), e->names[SERIES_TRAIN]);
	json_add_number(f->data, "best", trend_value(t, best));
	json_add_number(f->data, "last", trend_value(t, end));
	json_add_number(f->data, "rise", rise);
}

static void find_still_improving(struct exam *e)
{
	const struct trend *t = e->valid != NULL ? e->valid : e->main;
	size_t window = t->n < 6 ? 2 : t->n / 3;
	struct trend_slope s;
	struct symptom *f;
	double share;
	char a[32], b[32];

	if (t->n < 2)
		return;
	s = trend_slope(t, t->n - window, t->n);
	share =
	    -s.slope * (double)(window - 1) / fmax(fabs(last_level(t)), 1e-12);
	if (share < 0.1 || s.t > -3)
		return;
	f = add(e, SYMPTOM_STILL_IMPROVING, share, t->last_step,
		"Train longer: more epochs.");
	f->text = xasprintf(
	    "%s was still improving at the end: %s to %s in the last %zu "
	    "points.",
	    e->valid != NULL ? e->names[SERIES_VALID] : e->main_name,
	    value_text(t, t->points[t->n - window].level, a),
	    value_text(t, last_level(t), b), window);
	json_add_number(f->data, "share", share);
}

static void find_no_output(struct exam *e)
{
	struct symptom *f = add(e, SYMPTOM_NO_OUTPUT, 1, 0,
				"Print the metric, as \"loss=0.3\", after each "
				"epoch.");

	f->text = xstrdup("There is no value of the metric.");
}

static void find_healthy(struct exam *e)
{
	const struct trend *t = e->valid != NULL ? e->valid : e->main;
	struct symptom *f;
	char a[32], b[32];

	if (e->found->n > 0 || t->n < 3)
		return;
	f = add(e, SYMPTOM_HEALTHY, 0.5, t->last_step, "Nothing stands out.");
	f->text = xasprintf(
	    "%s went from %s to %s.",
	    e->valid != NULL ? e->names[SERIES_VALID] : e->main_name,
	    value_text(t, first_level(t), a), value_text(t, last_level(t), b));
}

static void begin(struct exam *e)
{
	static const char *const unnamed[] = { "the training loss",
					       "the validation loss" };
	int main;

	for (int c = 0; c < SERIES_CURVES; c++) {
		e->names[c] = e->series->lines[c].name;
		if (e->names[c] == NULL)
			e->names[c] = unnamed[c];
		trend_of(&e->series->lines[c], &e->trends[c]);
	}
	if (e->trends[SERIES_TRAIN].n > 0)
		e->train = &e->trends[SERIES_TRAIN];
	if (e->trends[SERIES_VALID].n > 0)
		e->valid = &e->trends[SERIES_VALID];
	main = e->train != NULL ? SERIES_TRAIN : SERIES_VALID;
	e->main = &e->trends[main];
	e->main_name = e->names[main];
}

void symptoms_find(const struct series *s, const struct run_end *end,
		   const struct siblings *siblings, struct symptoms *ret)
{
	static const struct run_end unknown;
	struct exam *e = xcalloc(1, sizeof(*e));

	*ret = (struct symptoms){ 0 };
	e->series = s;
	e->end = end != NULL ? end : &unknown;
	e->siblings = siblings;
	e->found = ret;
	begin(e);
	if (e->trends[SERIES_TRAIN].reported +
		e->trends[SERIES_VALID].reported ==
	    0)
		find_no_output(e);
	else
		find_diverged(e);
	if (ret->n == 0) {
		find_stuck(e);
		find_overfitting(e);
		find_still_improving(e);
		find_healthy(e);
	}
	if (ret->n == 0)
		ret->note = xasprintf("%zu points are too little to say more.",
				      e->main->reported);
	free(e);
}
