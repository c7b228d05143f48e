/* Rules of runs that broke, that learn something else, and of good ones. */
#include "why/rules.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>

#define HEALTHY_WEIGHT 0.3  /* of a run with no symptom above this */
#define WEAK           0.45 /* at most, beside healthy */
#define TINY           1e-12

static const char lower_rate[] =
    "Lower the learning rate by a factor of 3 to 10, clip the gradients, and "
    "look for inputs that are not scaled.";

static const char *worse(const struct measure *m)
{
	return m->trend.sign > 0 ? "rose" : "fell";
}

static const char *better(const struct measure *m)
{
	return m->trend.sign > 0 ? "fell" : "rose";
}

static int64_t best_step(const struct measure *m)
{
	return m->trend.points[m->trend.best].step;
}

/* --- it broke ------------------------------------------------------------- */

void rules_no_output(struct exam *e)
{
	struct symptom *f = exam_add(e, SYMPTOM_NO_OUTPUT, 12, 1, 0);

	if (e->end->state == RUN_FAILED && e->end->how != NULL)
		f->text = xasprintf("There is no value of the metric; the run "
				    "failed (%s).",
				    e->end->how);
	else
		f->text = xstrdup("There is no value of the metric.");
	f->advice = "Print the loss after each epoch, as \"loss=0.3\", and "
		    "look at what it prints instead.";
}

void rules_late_crash(struct exam *e)
{
	const struct measure *m = e->m.main;
	const char *how = e->end->how != NULL ? e->end->how : "why is unknown";
	struct symptom *f;
	char a[EXAM_VALUE_BYTES];

	if (e->end->state != RUN_FAILED || m->trend.reported == 0)
		return;
	f = exam_add(e, SYMPTOM_LATE_CRASH, 11, 1, m->trend.last_step);
	json_add_integer(f->data, "points", (int64_t)m->trend.reported);
	if (m->trend.n > 0) {
		f->text = xasprintf("It failed after step %" PRId64
				    ", with %s at %s: %s.",
				    f->step, m->name,
				    exam_value_text(m, m->trend.last, a), how);
		exam_add_value(f, "last", m, m->trend.last);
	} else {
		f->text = xasprintf("It failed after step %" PRId64 ": %s.",
				    f->step, how);
	}
	f->advice = "Read the end of its output, and let it save checkpoints.";
}

static void not_finite(struct exam *e, const struct measure *m)
{
	const struct trend_before *before = &m->trend.before;
	int64_t step = m->trend.bad_step;
	struct symptom *f = exam_add(e, SYMPTOM_DIVERGED, 10, 1, step);
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	json_add_integer(f->data, "not_finite", (int64_t)m->trend.bad);
	f->advice = lower_rate;
	if (m->trend.n == 0) {
		f->text = xasprintf("%s was never a finite number.", m->name);
		return;
	}
	if (before->n == 0) {
		f->text = xasprintf("%s is not finite from step %" PRId64
				    " on, and nothing finite came before.",
				    m->name, step);
		return;
	}
	f->text = xasprintf("%s is not finite from step %" PRId64
			    " on (before: %s at first, %s at best).",
			    m->name, step, exam_value_text(m, before->first, a),
			    exam_value_text(m, before->best, b));
	exam_add_value(f, "first", m, before->first);
	exam_add_value(f, "best", m, before->best);
}

static void exploded(struct exam *e, const struct measure *m)
{
	struct symptom *f =
	    exam_add(e, SYMPTOM_DIVERGED, 8,
		     exam_ramp(m->end / m->first, 1.5, 5), best_step(m));
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	f->text = xasprintf("%s %s from %s to %s.", m->name, worse(m),
			    exam_value_text(m, m->first, a),
			    exam_value_text(m, m->trend.last, b));
	f->advice = lower_rate;
	exam_add_ends(f, m);
}

void rules_diverged(struct exam *e)
{
	const struct measure *m = e->m.main;

	for (int c = 0; c < SERIES_CURVES; c++) {
		if (e->m.curves[c].trend.ends_bad) {
			not_finite(e, &e->m.curves[c]);
			return;
		}
	}
	if (m->trend.n >= 3 && m->trend.sign > 0 && m->first > 0 &&
	    m->end > 1.5 * m->first && m->end - m->first > 5 * m->trend.noise)
		exploded(e, m);
}

/* --- it learned something else -------------------------------------------- */

/* What training gained since validation was best: by heart. */
static double by_heart(const struct measures *m)
{
	const struct measure *t = m->train;

	return (trend_at(&t->trend, best_step(m->valid)) - t->end) /
	       fmax(t->scale, TINY);
}

/* 0: it does not show. */
static double overfitting_weight(const struct measures *m, bool never,
				 bool rose)
{
	const struct measure *v = m->valid;
	double weight = 0;

	if (never)
		return (m->gap > 0.18 || v->rise > 0.02 ? 1.2 : 0.5) + m->gap;
	if (m->gap > 0.4)
		weight = m->gap;
	else if (m->gap > 0.2 && m->gap > 0.8 * v->left)
		weight = 0.2;
	if (!rose)
		return weight;
	if (by_heart(m) > 0.06)
		weight = fmax(weight, 0.6 + 3 * by_heart(m));
	if ((v->rise > 0.03 && v->left > 0.4) || v->rise > 0.08)
		weight = fmax(weight, 0.5 + v->rise);
	return fmax(weight, 0.2);
}

void rules_overfitting(struct exam *e)
{
	const struct measure *t = e->m.train, *v = e->m.valid;
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES], c[EXAM_VALUE_BYTES],
	    d[EXAM_VALUE_BYTES];
	double weight;
	struct symptom *f;
	bool never, rose;

	if (t == NULL || v == NULL || v->trend.n < 4 || t->trend.n < 4 ||
	    t->fall < 0.1)
		return;
	never = v->fall < 0.05 && v->left > 0.7 && e->m.gap > 0.05;
	rose =
	    v->rise > 0.02 && by_heart(&e->m) > 0 &&
	    v->end - v->best > fmax(0.1 * (v->first - v->best),
				    (v->noise < 0.02 ? 2 : 4) * v->trend.noise);
	weight = overfitting_weight(&e->m, never, rose);
	if (weight <= 0)
		return;
	f = exam_add(e, SYMPTOM_OVERFITTING, weight,
		     exam_ramp(e->m.gap + v->rise, 0.1, 0.6), v->lowest_step);
	exam_value_text(v, v->lowest, a);
	exam_value_text(v, v->trend.last, b);
	exam_value_text(t, t->first, c);
	exam_value_text(t, t->trend.last, d);
	f->advice = "Stop at the best step, regularise more (weight decay, "
		    "dropout), use more or augmented data, or a smaller model.";
	if (never) {
		f->text = xasprintf(
		    "%s never improved (%s at best, %s at the end) while %s "
		    "%s from %s to %s: what is learned does not generalise.",
		    v->name, a, b, t->name, better(t), c, d);
		f->advice = "Check that labels belong to their inputs, and "
			    "that both parts of the data are prepared alike; "
			    "then regularise or use more data.";
	} else if (rose) {
		f->text = xasprintf(
		    "%s was best at step %" PRId64 " (%s) and then %s to %s, "
		    "while %s went on to %s.",
		    v->name, f->step, a, worse(v), b, t->name, d);
	} else {
		f->text = xasprintf("%s stays at %s, far from %s at %s.",
				    v->name, b, t->name, d);
	}
	exam_add_value(f, "best", v, v->lowest);
	exam_add_value(f, "valid", v, v->trend.last);
	exam_add_value(f, "train", t, t->trend.last);
	json_add_number(f->data, "gap", e->m.gap);
	json_add_number(f->data, "rise", v->rise);
}

/* More points than a run has epochs, mostly. */
static bool is_by_batch(const struct measure *m)
{
	return m->trend.reported > TREND_POINTS;
}

static double rough_weight(const struct measure *m, enum symptom_kind kind,
			   double noise)
{
	if (m->noise <= 0.03 && m->left <= 0.15)
		return 0.2;
	if (kind == SYMPTOM_OSCILLATING)
		return 0.4 + 8 * noise;
	/* A batch's loss scatters whatever the rate. */
	return is_by_batch(m) ? 0.2 : 0.45;
}

/*
 * A training loss that jumps from epoch to epoch oscillates. That of batches,
 * scores, and validation alone are noisy.
 */
void rules_rough(struct exam *e)
{
	const struct measure *m = e->m.train, *v = e->m.valid;
	enum symptom_kind kind = SYMPTOM_NOISY;
	struct symptom *f;
	double noise;
	char a[EXAM_VALUE_BYTES];

	if (m == NULL || m->noise < 0.02)
		m = v;
	else if (m->trend.sign > 0 && (!is_by_batch(m) || m->noise > 0.15))
		kind = SYMPTOM_OSCILLATING;
	if (m == NULL || m->noise < 0.02)
		return;
	noise = v != NULL ? fmax(m->noise, v->noise) : m->noise;
	f = exam_add(e, kind, rough_weight(m, kind, noise),
		     exam_ramp(noise, 0.02, 0.1), m->trend.last_step);
	f->text =
	    xasprintf("%s jumps by about %.4g from one point to the next, "
		      "around %s.",
		      m->name, m->trend.noise, exam_value_text(m, m->end, a));
	if (kind == SYMPTOM_OSCILLATING)
		f->advice = "Lower the learning rate, let it decay, or use "
			    "larger batches.";
	else if (is_by_batch(m))
		f->advice = "Print the mean of more batches; if it still "
			    "jumps, lower the learning rate.";
	else
		f->advice = "Use a larger validation set, larger batches, or a "
			    "learning rate that decays.";
	json_add_number(f->data, "noise", m->trend.noise);
	json_add_number(f->data, "share", m->noise);
	exam_add_ends(f, m);
}

void rules_healthy(struct exam *e)
{
	const struct measure *m = e->m.valid != NULL ? e->m.valid : e->m.main;
	struct symptom *f;
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	for (size_t i = 0; i < e->found->n; i++)
		if (e->weights[i] > HEALTHY_WEIGHT)
			return;
	if (m->trend.n < 4)
		return;
	for (size_t i = 0; i < e->found->n; i++)
		e->found->list[i].strength =
		    fmin(e->found->list[i].strength, WEAK);
	f = exam_add(e, SYMPTOM_HEALTHY, HEALTHY_WEIGHT,
		     exam_ramp(m->left, 0.6, 0.1), m->trend.last_step);
	f->text = xasprintf("%s improved from %s to %s%s.", m->name,
			    exam_value_text(m, m->first, a),
			    exam_value_text(m, m->trend.last, b),
			    exam_improves(m, 0.02) ? "" : " and came to rest");
	f->advice = "Nothing stands in the way; a search over its parameters "
		    "may still find better ones.";
	exam_add_ends(f, m);
}
