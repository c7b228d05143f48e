#include "why/symptoms.h"

#include "why/measure.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEALTHY_WEIGHT 0.3

/* A run under examination. */
struct exam {
	struct measures m;
	const struct run_end *end;
	bool has_siblings;
	struct symptoms *found;
	/* How much of the bad loss each explains; healthy is HEALTHY_WEIGHT. */
	double weights[NAMES_SYMPTOMS_N];
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

/* 0.3 where it begins to show, 1 from where it shows clearly on. */
static double ramp(double v, double begins, double clear)
{
	double x = fmin(1, fmax(0, (v - begins) / (clear - begins)));

	return round(100 * (0.3 + 0.7 * x)) / 100;
}

static struct symptom *add(struct exam *e, enum symptom_kind kind,
			   double weight, double strength, int64_t step)
{
	struct symptom *f = &e->found->list[e->found->n];

	e->weights[e->found->n++] = weight;
	*f = (struct symptom){ .kind = kind,
			       .strength = strength,
			       .step = step,
			       .data = cJSON_CreateObject() };
	return f;
}

#define VALUE_BYTES 32

static const char *value_text(const struct measure *m, double cost,
			      char buf[VALUE_BYTES])
{
	(void)snprintf(buf, VALUE_BYTES, "%.4g", trend_value(&m->trend, cost));
	return buf;
}

static void add_value(struct symptom *f, const char *name,
		      const struct measure *m, double cost)
{
	json_add_number(f->data, name, trend_value(&m->trend, cost));
}

/* Whether it still gets better at the end, by @part of its whole fall. */
static bool falls(const struct measure *m, double part)
{
	return m != NULL && m->fall > 0.02 && m->end < m->first &&
	       m->late > part && m->late_t < -3;
}

/* --- the symptoms --------------------------------------------------------- */

static void find_not_finite(struct exam *e)
{
	const struct measure *m = e->m.main;
	struct symptom *f;

	for (int c = 0; c < SERIES_CURVES; c++)
		if (e->m.curves[c].trend.ends_bad)
			m = &e->m.curves[c];
	if (!m->trend.ends_bad)
		return;
	f = add(e, SYMPTOM_DIVERGED, 10, 1, m->trend.bad_step);
	f->advice = "Lower the learning rate by a factor of 3 to 10, clip the "
		    "gradients, and look for inputs that are not scaled.";
	f->text = xasprintf("%s is no finite number from step %" PRId64 " on.",
			    m->name, f->step);
	json_add_integer(f->data, "not_finite", (int64_t)m->trend.bad);
}

static void find_exploded(struct exam *e)
{
	const struct measure *m = e->m.main;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (e->found->n > 0 || m->trend.n < 3 || m->trend.offset > 0 ||
	    m->end < 1.5 * fmax(m->first, m->best) ||
	    m->end - m->first < 5 * m->trend.noise)
		return;
	f = add(e, SYMPTOM_DIVERGED, 8, ramp(m->end / m->first, 1.5, 5),
		m->trend.points[m->trend.best].step);
	f->advice = "Lower the learning rate by a factor of 3 to 10, clip the "
		    "gradients, and look for inputs that are not scaled.";
	f->text =
	    xasprintf("%s rose from %s to %s.", m->name,
		      value_text(m, m->first, a), value_text(m, m->end, b));
	add_value(f, "first", m, m->first);
	add_value(f, "last", m, m->end);
}

static void find_stuck(struct exam *e)
{
	const struct measure *m = e->m.main;
	int k = measures_guess(&e->m);
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (m->trend.n < 3 || (k == 0 && m->fall > 0.05))
		return;
	f = add(e, SYMPTOM_STUCK_AT_START, 2,
		k > 0 ? 1 : ramp(m->fall, 0.05, 0), m->trend.last_step);
	f->advice = "Try learning rates 10 times higher and 10 times lower, "
		    "less regularisation and other initial weights; check the "
		    "labels and that every layer gets a gradient.";
	if (k > 0) {
		f->text = xasprintf("%s rests at %s, which is ln %d: a uniform "
				    "guess over %d classes.",
				    m->name, value_text(m, m->end, a), k, k);
		json_add_integer(f->data, "classes", k);
	} else {
		f->text = xasprintf(
		    "%s has hardly moved: %s at first, %s at best.", m->name,
		    value_text(m, m->first, a), value_text(m, m->best, b));
	}
	add_value(f, "first", m, m->first);
	add_value(f, "best", m, m->best);
	add_value(f, "last", m, m->end);
}

static void find_overfitting(struct exam *e)
{
	const struct measure *t = e->m.train, *v = e->m.valid;
	double drop, wasted, weight = 0;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES], c[VALUE_BYTES], d[VALUE_BYTES];
	bool rose, never;

	if (t == NULL || v == NULL || v->trend.n < 4 || t->trend.n < 4 ||
	    t->fall < 0.1)
		return;
	drop = fmax(v->first - v->best, 1e-12);
	never = v->fall < 0.05;
	wasted = (trend_at(&t->trend, v->trend.points[v->trend.best].step) -
		  t->end) /
		 fmax(t->scale, 1e-12);
	rose = v->end - v->best > fmax(0.1 * drop, 3 * v->trend.noise) &&
	       v->rise > 0.01;
	if (never && e->m.gap > 0.05)
		weight = 1.2 + e->m.gap;
	else if (e->m.gap > 0.4)
		weight = e->m.gap;
	if (rose && wasted > 0.06)
		weight = fmax(weight, 0.6 + 3 * wasted);
	if (rose)
		weight = fmax(weight, (v->rise > 0.03 && v->left > 0.4) ||
					      v->rise > 0.08
					  ? 0.5 + v->rise
					  : 0.2);
	if (weight <= 0)
		return;
	f = add(e, SYMPTOM_OVERFITTING, weight,
		ramp(e->m.gap + v->rise, 0.1, 0.6),
		v->trend.points[v->trend.best].step);
	f->advice = "Stop at the best step, regularise more (weight decay, "
		    "dropout), use more or augmented data, or a smaller model.";
	if (never)
		f->text = xasprintf(
		    "%s never improved (%s at first, %s at the end) while %s "
		    "fell from %s to %s: what is learned does not generalise.",
		    v->name, value_text(v, v->first, a),
		    value_text(v, v->end, b), t->name,
		    value_text(t, t->first, c), value_text(t, t->end, d));
	else if (rose)
		f->text = xasprintf("%s was best at step %" PRId64
				    " (%s) and then rose to %s "
				    "while %s went on to %s.",
				    v->name, f->step, value_text(v, v->best, a),
				    value_text(v, v->end, b), t->name,
				    value_text(t, t->end, c));
	else
		f->text = xasprintf("%s ended at %s, far from the %s of %s.",
				    v->name, value_text(v, v->end, a),
				    value_text(t, t->end, b), t->name);
	add_value(f, "train", t, t->end);
	add_value(f, "valid", v, v->end);
	add_value(f, "best", v, v->best);
	json_add_number(f->data, "gap", e->m.gap);
	json_add_number(f->data, "rise", v->rise);
}

static void find_rough(struct exam *e)
{
	const struct measure *t = e->m.train, *v = e->m.valid;
	const struct measure *m = t;
	double weight = 0.2;
	enum symptom_kind kind = SYMPTOM_OSCILLATING;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (t == NULL || t->noise < 0.02) {
		m = v;
		kind = SYMPTOM_NOISY;
	}
	if (m == NULL || m->noise < 0.02)
		return;
	if (m->noise > 0.03)
		weight = kind == SYMPTOM_NOISY ? 0.45 : 0.4 + 8 * m->noise;
	f = add(e, kind, weight, ramp(m->noise, 0.02, 0.1), m->trend.last_step);
	f->advice = kind == SYMPTOM_OSCILLATING
			? "Lower the learning rate, let it decay, or use "
			  "larger batches."
			: "Use a larger validation set, larger batches or a "
			  "learning rate that decays.";
	f->text = xasprintf(
	    "%s scatters by %s from one point to the next, "
	    "about %s at the end.",
	    m->name,
	    value_text(m, m->trend.noise * m->trend.sign + 0 * m->end, a),
	    value_text(m, m->end, b));
	json_add_number(f->data, "noise", m->trend.noise);
	json_add_number(f->data, "share", m->noise);
	add_value(f, "last", m, m->end);
}

static void find_unlearned(struct exam *e)
{
	const struct measure *m = e->m.main, *v = e->m.valid;
	const struct measure *faller =
	    v != NULL && (falls(v, 0.06) || m->left < 0.5) ? v : m;
	bool falling = falls(faller, 0.06);
	enum symptom_kind kind;
	double weight = fmin(m->left, 1);
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (m->trend.n < 2 || symptoms_get(e->found, SYMPTOM_STUCK_AT_START))
		return;
	if (falling) {
		kind = m->trend.n >= 6 && m->left > 0.3 &&
			       (m->half >= 0.2 || m->left > 0.62)
			   ? SYMPTOM_TOO_SLOW
			   : SYMPTOM_STILL_IMPROVING;
		if (kind == SYMPTOM_STILL_IMPROVING)
			weight = m->trend.n < 4 ? 0.5 : 0.2 + faller->late;
		f = add(e, kind, weight,
			kind == SYMPTOM_TOO_SLOW
			    ? ramp(m->left, 0.3, 0.8)
			    : ramp(faller->late, 0.05, 0.3),
			m->trend.last_step);
		f->text = xasprintf(
		    "%s is still falling: from %s to %s, %.0f %% of it in the last third.",
		    faller->name, value_text(faller, faller->first, a),
		    value_text(faller, faller->end, b), 100 * faller->late);
		f->advice = kind == SYMPTOM_TOO_SLOW
				? "Raise the learning rate (3 to 10 times), "
				  "scale the inputs, or train longer."
				: "Train longer.";
		json_add_number(f->data, "left", m->left);
		json_add_number(f->data, "late", faller->late);
		json_add_number(f->data, "half", m->half);
		return;
	}
	if (m->trend.n < 6)
		return;
	if (m->left > 0.2 && m->half > (m->left > 0.5 ? 0.15 : 0.05) &&
	    m->fall > 0.2 && m->noise < 0.02)
		kind = SYMPTOM_TOO_SLOW;
	else if (m->left > 0.5)
		kind = SYMPTOM_UNDERFITTING;
	else
		return;
	weight = fmin(m->left + 0.15, 1);
	f = add(e, kind, weight, ramp(m->left, 0.3, 0.8), m->trend.last_step);
	f->text = xasprintf("%s ended at %s, %.0f %% of where it began, and "
			    "falls no more.",
			    m->name, value_text(m, m->end, a), 100 * m->left);
	f->advice = "Use a larger model, less regularisation, better inputs or "
		    "another learning rate.";
	json_add_number(f->data, "left", m->left);
	json_add_number(f->data, "half", m->half);
}

static void find_no_output(struct exam *e)
{
	struct symptom *f = add(e, SYMPTOM_NO_OUTPUT, 10, 1, 0);

	f->advice = "Print the loss of each epoch, as \"loss=0.3\".";
	f->text = xstrdup("There is no value of the metric.");
}

static void find_crash(struct exam *e)
{
	const struct measure *m = e->m.main;
	struct symptom *f;
	char a[VALUE_BYTES];

	if (e->end->state != RUN_FAILED || m->trend.n == 0)
		return;
	f = add(e, SYMPTOM_LATE_CRASH, 9, 1, m->trend.last_step);
	f->advice = "See the end of its output; save checkpoints.";
	f->text =
	    xasprintf("It failed (%s) after step %" PRId64 ", with %s at %s.",
		      e->end->how != NULL ? e->end->how : "unknown how",
		      f->step, m->name, value_text(m, m->end, a));
	add_value(f, "last", m, m->end);
}

static void find_healthy(struct exam *e)
{
	const struct measure *m = e->m.valid != NULL ? e->m.valid : e->m.main;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	for (size_t i = 0; i < e->found->n; i++)
		if (e->weights[i] > HEALTHY_WEIGHT)
			return;
	if (m->trend.n < 4)
		return;
	f = add(e, SYMPTOM_HEALTHY, HEALTHY_WEIGHT, ramp(m->left, 0.5, 0),
		m->trend.last_step);
	f->advice = "Nothing stands out; a search over its parameters may "
		    "still find better ones.";
	f->text =
	    xasprintf("%s went from %s to %s.", m->name,
		      value_text(m, m->first, a), value_text(m, m->end, b));
	add_value(f, "first", m, m->first);
	add_value(f, "last", m, m->end);
}

/* By weight, the highest first. */
static void sort(struct exam *e)
{
	struct symptoms *s = e->found;

	for (size_t i = 1; i < s->n; i++) {
		for (size_t k = i; k > 0 && e->weights[k] > e->weights[k - 1];
		     k--) {
			struct symptom f = s->list[k];
			double w = e->weights[k];

			s->list[k] = s->list[k - 1];
			s->list[k - 1] = f;
			e->weights[k] = e->weights[k - 1];
			e->weights[k - 1] = w;
		}
	}
}

void symptoms_find(const struct series *s, const struct run_end *end,
		   const struct siblings *siblings, struct symptoms *ret)
{
	static const struct run_end unknown;
	struct exam *e = xcalloc(1, sizeof(*e));

	*ret = (struct symptoms){ 0 };
	e->end = end != NULL ? end : &unknown;
	e->found = ret;
	measures_of(s, siblings, &e->m);
	if (s->lines[SERIES_TRAIN].n + s->lines[SERIES_VALID].n == 0)
		find_no_output(e);
	find_crash(e);
	find_not_finite(e);
	find_exploded(e);
	if (ret->n == 0) {
		find_stuck(e);
		find_overfitting(e);
		find_rough(e);
		find_unlearned(e);
		find_healthy(e);
	}
	sort(e);
	if (ret->n == 0)
		ret->note = xasprintf("%zu points: too little to say.",
				      e->m.main->trend.reported);
	free(e);
}
