#include "why/rules.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HEALTHY_WEIGHT 0.3  /* of a run with no symptom above this */
#define WEAK           0.45 /* at most, beside healthy */
#define VALUE_BYTES    32
#define TINY           1e-12

static const char lower_rate[] =
    "Lower the learning rate by a factor of 3 to 10, clip the gradients, and "
    "look for inputs that are not scaled.";

/* 0.3 where it begins to show, 1 from where it shows clearly on. */
static double ramp(double v, double begins, double clear)
{
	double x = fmin(1, fmax(0, (v - begins) / (clear - begins)));

	return round(100 * (0.3 + 0.7 * x)) / 100;
}

/* Its sentence, advice and numbers are the caller's to give. */
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

/* Of the raw values, as whoever reads the log sees them. */
static void add_ends(struct symptom *f, const struct measure *m)
{
	add_value(f, "first", m, m->first);
	add_value(f, "best", m, m->lowest);
	add_value(f, "last", m, m->trend.last);
}

static const char *worse(const struct measure *m)
{
	return m->trend.sign > 0 ? "rose" : "fell";
}

static const char *better(const struct measure *m)
{
	return m->trend.sign > 0 ? "fell" : "rose";
}

/* Whether it still gets better at the end, by @part of its whole way. */
static bool improves(const struct measure *m, double part)
{
	return m != NULL && m->fall > 0.02 && m->end < m->first &&
	       m->late > part && m->late_t < -3;
}

static int64_t best_step(const struct measure *m)
{
	return m->trend.points[m->trend.best].step;
}

/* Whether it runs, and what it has not reached yet may still come. */
static bool has_time(const struct exam *e)
{
	return e->end->state == RUN_RUNNING &&
	       e->m.main->trend.last_step < e->end->planned / 2 + 1;
}

/* --- it broke ------------------------------------------------------------- */

void rules_no_output(struct exam *e)
{
	struct symptom *f = add(e, SYMPTOM_NO_OUTPUT, 12, 1, 0);

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
	char a[VALUE_BYTES];

	if (e->end->state != RUN_FAILED || m->trend.reported == 0)
		return;
	f = add(e, SYMPTOM_LATE_CRASH, 11, 1, m->trend.last_step);
	json_add_integer(f->data, "points", (int64_t)m->trend.reported);
	if (m->trend.n > 0) {
		f->text = xasprintf(
		    "It failed after step %" PRId64 ", with %s at %s: %s.",
		    f->step, m->name, value_text(m, m->trend.last, a), how);
		add_value(f, "last", m, m->trend.last);
	} else {
		f->text = xasprintf("It failed after step %" PRId64 ": %s.",
				    f->step, how);
	}
	f->advice = "Read the end of its output, and let it save checkpoints.";
}

static void not_finite(struct exam *e, const struct measure *m)
{
	int64_t step = m->trend.bad_step;
	struct symptom *f = add(e, SYMPTOM_DIVERGED, 10, 1, step);
	char a[VALUE_BYTES], b[VALUE_BYTES];

	json_add_integer(f->data, "not_finite", (int64_t)m->trend.bad);
	f->advice = lower_rate;
	if (m->trend.n == 0) {
		f->text = xasprintf("%s was never a finite number.", m->name);
		return;
	}
	f->text = xasprintf("%s is not finite from step %" PRId64
			    " on (before: %s at first, %s at best).",
			    m->name, step, value_text(m, m->first, a),
			    value_text(m, m->lowest, b));
	add_value(f, "first", m, m->first);
	add_value(f, "best", m, m->lowest);
}

static void exploded(struct exam *e, const struct measure *m)
{
	struct symptom *f = add(e, SYMPTOM_DIVERGED, 8,
				ramp(m->end / m->first, 1.5, 5), best_step(m));
	char a[VALUE_BYTES], b[VALUE_BYTES];

	f->text = xasprintf("%s %s from %s to %s.", m->name, worse(m),
			    value_text(m, m->first, a),
			    value_text(m, m->trend.last, b));
	f->advice = lower_rate;
	add_ends(f, m);
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

/* --- it did not learn ----------------------------------------------------- */

void rules_stuck(struct exam *e)
{
	const struct measure *m = e->m.main, *who;
	int k = measures_guess(&e->m, &who);
	/* A few points that fall a little have only begun to. */
	double most = m->trend.n < 10 ? 0.02 : 0.05;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (m->trend.n < (e->end->state == RUN_RUNNING ? 6 : 3) ||
	    (k == 0 && m->fall > most))
		return;
	f = add(e, SYMPTOM_STUCK_AT_START, 2,
		k > 0 ? 1 : ramp(m->fall, most, 0), m->trend.last_step);
	add_ends(f, m);
	f->advice = "Try learning rates 10 times higher and 10 times lower, "
		    "less regularisation and other initial weights; check the "
		    "labels and that every layer gets a gradient.";
	if (k > 0) {
		f->text =
		    xasprintf("%s rests at %s, which is ln %d: a uniform "
			      "guess over %d classes.",
			      who->name, value_text(who, who->end, a), k, k);
		json_add_integer(f->data, "classes", k);
		return;
	}
	f->text =
	    xasprintf("%s has hardly moved in %zu points: %s at first, "
		      "%s at best.",
		      m->name, m->trend.reported, value_text(m, m->first, a),
		      value_text(m, m->lowest, b));
}

static void improving(struct exam *e, enum symptom_kind kind,
		      const struct measure *m)
{
	double left = fmin(1, e->m.main->left);
	bool slow = kind == SYMPTOM_TOO_SLOW;
	double weight = slow ? left : 0.2 + m->late;
	double strength =
	    slow ? ramp(left, 0.3, 0.8) : ramp(m->late, 0.05, 0.3);
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	/* Half-way after the first few points: one that learns slowly. */
	if (!slow && (m->trend.n < 4 || (left > 0.2 && e->m.main->half > 0.05)))
		weight = 0.5;
	else if (!slow && m->late < 0.06)
		weight = 0.2;
	if (m->trend.n < 4)
		strength = fmin(strength, 0.5);
	f = add(e, kind, weight, strength, m->trend.last_step);
	add_ends(f, m);
	json_add_number(f->data, "left", left);
	json_add_number(f->data, "late", m->late);
	json_add_number(f->data, "half", e->m.main->half);
	value_text(m, m->first, a);
	value_text(m, m->trend.last, b);
	if (m->trend.n < 6)
		f->text = xasprintf("%s improved from %s to %s in %zu points "
				    "and had not come to rest.",
				    m->name, a, b, m->trend.reported);
	else if (slow)
		f->text = xasprintf(
		    "%s crawls: from %s to %s in %zu points, and it was still "
		    "improving at the end.",
		    m->name, a, b, m->trend.reported);
	else
		f->text = xasprintf(
		    "%s was still improving at the end: from %s to %s, %.0f %% "
		    "of it in the last third of the run.",
		    m->name, a, b, 100 * fmin(1, m->late));
	f->advice = slow ? "Raise the learning rate 3 to 10 times; scale the "
			   "inputs; train longer."
			 : "Train longer, or raise the learning rate.";
}

/* Only a run that came to its end could have gone on. */
static void still_improving(struct exam *e, const struct measure *m)
{
	if (e->end->state != RUN_RUNNING && e->end->state != RUN_STOPPED)
		improving(e, SYMPTOM_STILL_IMPROVING, m);
}

static void flat(struct exam *e, const struct measure *m)
{
	bool slow = m->left > 0.2 && m->half > (m->left > 0.5 ? 0.15 : 0.05) &&
		    m->fall > 0.05 && m->late > 0.005 && m->noise < 0.02;
	double left = fmin(1, m->left);
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	if (!slow && m->left <= 0.5)
		return;
	f = add(e, slow ? SYMPTOM_TOO_SLOW : SYMPTOM_UNDERFITTING,
		fmin(1, left + 0.15), ramp(left, 0.3, 0.8), m->trend.last_step);
	add_ends(f, m);
	json_add_number(f->data, "left", left);
	json_add_number(f->data, "half", m->half);
	value_text(m, m->first, a);
	value_text(m, m->trend.last, b);
	if (slow) {
		f->text = xasprintf(
		    "%s took %.0f %% of the run for half of its way and came "
		    "to rest early, at %s (%s at first).",
		    m->name, 100 * m->half, b, a);
		f->advice = "Raise the learning rate 3 to 10 times, or let it "
			    "decay later.";
		return;
	}
	f->text = xasprintf("%s came to rest at %s (%s at first): the model "
			    "does not even fit the training data.",
			    m->name, b, a);
	f->advice = "Use a larger model, less regularisation (weight decay, "
		    "dropout), scaled inputs, or another learning rate.";
}

/* Whether the last third brought a tenth of what is left, if that is little. */
static bool gains(const struct measure *m)
{
	return m->trend.n >= 6 && m->end > 0 &&
	       m->late * (m->first - m->best) > 0.1 * m->end;
}

/* Still falling, or at rest too high. */
void rules_unlearned(struct exam *e)
{
	const struct measure *m = e->m.main, *v = e->m.valid, *who = m;

	if (m->trend.n < 2 || has_time(e) ||
	    symptoms_get(e->found, SYMPTOM_STUCK_AT_START))
		return;
	if (v != NULL && (improves(v, 0.06) || m->left < 0.5))
		who = v;
	if (improves(who, 0.06) && m->trend.n >= 6 && m->left > 0.3 &&
	    (m->half >= 0.2 || m->left > 0.62))
		improving(e, SYMPTOM_TOO_SLOW, who);
	else if (improves(who, 0.06) ||
		 (m->left < 0.3 && improves(who, 0) && gains(who)))
		still_improving(e, who);
	else if (m->trend.n >= 6 && !improves(m, 0.06))
		flat(e, m);
}

void rules_plateau(struct exam *e)
{
	const struct measure *m = e->m.valid != NULL ? e->m.valid : e->m.main;
	size_t half = m->trend.n / 2;
	struct trend_slope s;
	struct symptom *f;
	char a[VALUE_BYTES];

	if (m->trend.n < 10 || m->left < 0.1 || has_time(e) || m->rise > 0.02 ||
	    symptoms_get(e->found, SYMPTOM_STUCK_AT_START) ||
	    symptoms_get(e->found, SYMPTOM_STILL_IMPROVING))
		return;
	s = trend_slope(&m->trend, half, m->trend.n);
	if (-s.slope * (double)(m->trend.n - half) >
	    0.03 * fmax(m->first - m->best, TINY))
		return;
	f = add(e, SYMPTOM_PLATEAU, 0.25, ramp(m->left, 0.1, 0.6),
		m->trend.points[half].step);
	f->text = xasprintf("%s has not improved since step %" PRId64
			    ": it rests at %s.",
			    m->name, f->step, value_text(m, m->end, a));
	f->advice = "Stop there to save time, or let the learning rate decay; "
		    "a larger model may go further.";
	add_ends(f, m);
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
		return (m->gap > 0.18 ? 1.2 : 0.5) + m->gap;
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
	char a[VALUE_BYTES], b[VALUE_BYTES], c[VALUE_BYTES], d[VALUE_BYTES];
	double weight;
	struct symptom *f;
	bool never, rose;

	if (t == NULL || v == NULL || v->trend.n < 4 || t->trend.n < 4 ||
	    t->fall < 0.1)
		return;
	never = v->fall < 0.05 && v->left > 0.7 && e->m.gap > 0.05;
	rose = v->rise > 0.01 && by_heart(&e->m) > 0 &&
	       v->end - v->best >
		   fmax(0.1 * (v->first - v->best), 2 * v->trend.noise);
	weight = overfitting_weight(&e->m, never, rose);
	if (weight <= 0)
		return;
	f = add(e, SYMPTOM_OVERFITTING, weight,
		ramp(e->m.gap + v->rise, 0.1, 0.6), v->lowest_step);
	value_text(v, v->lowest, a);
	value_text(v, v->trend.last, b);
	value_text(t, t->first, c);
	value_text(t, t->trend.last, d);
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
	add_value(f, "best", v, v->lowest);
	add_value(f, "valid", v, v->trend.last);
	add_value(f, "train", t, t->trend.last);
	json_add_number(f->data, "gap", e->m.gap);
	json_add_number(f->data, "rise", v->rise);
}

/* The training loss jumps: oscillating; validation alone: noisy. */
void rules_rough(struct exam *e)
{
	const struct measure *m = e->m.train;
	enum symptom_kind kind = SYMPTOM_OSCILLATING;
	double weight = 0.2, noise;
	struct symptom *f;
	char a[VALUE_BYTES];

	if (m == NULL || m->noise < 0.02) {
		m = e->m.valid;
		kind = SYMPTOM_NOISY;
	}
	if (m == NULL || m->noise < 0.02)
		return;
	noise = m->noise;
	if (kind == SYMPTOM_OSCILLATING && e->m.valid != NULL)
		noise = fmax(noise, e->m.valid->noise);
	if (m->noise > 0.03 || m->left > 0.15)
		weight = kind == SYMPTOM_NOISY ? 0.45 : 0.4 + 8 * noise;
	f = add(e, kind, weight, ramp(noise, 0.02, 0.1), m->trend.last_step);
	f->text =
	    xasprintf("%s jumps by about %.4g from one point to the next, "
		      "around %s.",
		      m->name, m->trend.noise, value_text(m, m->end, a));
	f->advice = kind == SYMPTOM_OSCILLATING
			? "Lower the learning rate, let it decay, or use "
			  "larger batches."
			: "Use a larger validation set, larger batches, or a "
			  "learning rate that decays.";
	json_add_number(f->data, "noise", m->trend.noise);
	json_add_number(f->data, "share", m->noise);
	add_ends(f, m);
}

void rules_healthy(struct exam *e)
{
	const struct measure *m = e->m.valid != NULL ? e->m.valid : e->m.main;
	struct symptom *f;
	char a[VALUE_BYTES], b[VALUE_BYTES];

	for (size_t i = 0; i < e->found->n; i++)
		if (e->weights[i] > HEALTHY_WEIGHT)
			return;
	if (m->trend.n < 4)
		return;
	for (size_t i = 0; i < e->found->n; i++)
		e->found->list[i].strength =
		    fmin(e->found->list[i].strength, WEAK);
	f = add(e, SYMPTOM_HEALTHY, HEALTHY_WEIGHT, ramp(m->left, 0.6, 0.1),
		m->trend.last_step);
	f->text = xasprintf("%s improved from %s to %s%s.", m->name,
			    value_text(m, m->first, a),
			    value_text(m, m->trend.last, b),
			    improves(m, 0.02) ? "" : " and came to rest");
	f->advice = "Nothing stands in the way; a search over its parameters "
		    "may still find better ones.";
	add_ends(f, m);
}
