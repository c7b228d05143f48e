/* Rules of runs that learn nothing, too little or too slowly. */
#include "why/rules.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <inttypes.h>
#include <math.h>

#define TINY  1e-12
/*
 * Of the whole fall in the last third: at that pace a run as long again would
 * gain a quarter of what it has gained.
 */
#define WORTH 0.08

static bool has_started(const struct exam *e)
{
	return symptoms_get(e->found, SYMPTOM_STUCK_AT_START) == NULL &&
	       symptoms_get(e->found, SYMPTOM_PLATEAU) == NULL;
}

/* Whether it runs, and what it has not reached yet may still come. */
static bool has_time(const struct exam *e)
{
	return e->end->state == RUN_RUNNING &&
	       e->m.main->trend.last_step < e->end->planned / 2 + 1;
}

/*
 * All values, to the last digit. An accuracy is, too, where the answer is
 * always one.
 */
static bool is_frozen(const struct measure *m)
{
	const struct trend *t = &m->trend;

	return t->n >= 5 && t->sign > 0 && t->bad == 0 &&
	       t->high - t->low < 1e-4 * fabs(m->end);
}

/* Whether single values are far below where the others rest. */
static bool has_dips(const struct measure *m, double most)
{
	return m->first - m->lowest >
	       most * fabs(m->first) + 4 * m->trend.noise;
}

static void frozen(struct exam *e, const struct measure *m)
{
	struct symptom *f =
	    exam_add(e, SYMPTOM_PLATEAU, 2, 1, m->trend.first_step);
	char a[EXAM_VALUE_BYTES];

	f->text = xasprintf("%s does not move at all: it is %s in all %zu "
			    "points.",
			    m->name, exam_value_text(m, m->end, a),
			    m->trend.reported);
	f->advice = "Check that the optimiser takes steps: a learning rate of "
		    "0, frozen weights, or no gradient.";
	exam_add_ends(f, m);
}

void rules_stuck(struct exam *e)
{
	const struct measure *m = e->m.main, *who;
	int k = measures_guess(&e->m, &who);
	/* A few points that fall a little have only begun to. */
	double most = m->trend.n < 10 ? 0.02 : 0.05;
	bool dips = k == 0 && has_dips(m, most);
	struct symptom *f;
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	if (m->trend.n < (e->end->state == RUN_RUNNING ? 6 : 3) ||
	    (k == 0 && m->fall > most))
		return;
	if (k == 0 && is_frozen(m)) {
		frozen(e, m);
		return;
	}
	f = exam_add(e, SYMPTOM_STUCK_AT_START, 2,
		     k > 0  ? 1
		     : dips ? 0.3
			    : exam_ramp(m->fall, most, 0),
		     m->trend.last_step);
	exam_add_ends(f, m);
	f->advice = "Try learning rates 10 times higher and 10 times lower, "
		    "less regularisation and other initial weights; check the "
		    "labels and that every layer gets a gradient.";
	if (k > 0) {
		f->text = xasprintf("%s rests at %s, which is ln %d: a uniform "
				    "guess over %d classes.",
				    who->name,
				    exam_value_text(who, who->end, a), k, k);
		json_add_integer(f->data, "classes", k);
		return;
	}
	exam_value_text(m, m->first, a);
	exam_value_text(m, m->lowest, b);
	if (m->end > m->first + most * fabs(m->first))
		f->text =
		    xasprintf("%s never improved: %s at first, %s at the "
			      "end.",
			      m->name, a, exam_value_text(m, m->trend.last, b));
	else
		f->text = xasprintf("%s has hardly moved in %zu points%s: %s "
				    "at first, %s at best.",
				    m->name, m->trend.reported,
				    dips ? ", but for single ones" : "", a, b);
}

static void improving(struct exam *e, enum symptom_kind kind,
		      const struct measure *m)
{
	double left = fmin(1, e->m.main->left);
	bool slow = kind == SYMPTOM_TOO_SLOW;
	double weight = slow ? left : 0.25 + m->late;
	double strength =
	    slow ? exam_ramp(left, 0.3, 0.8) : exam_ramp(m->late, 0.05, 0.3);
	struct symptom *f;
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	/* The last of so few steps, not a third of the run. */
	if (!slow && m->trend.n < 6)
		weight = 0.5;
	else if (!slow && (m->late < WORTH || left < 0.12))
		weight = 0.2;
	if (m->trend.n < 4)
		strength = fmin(strength, 0.5);
	f = exam_add(e, kind, weight, strength, m->trend.last_step);
	exam_add_ends(f, m);
	json_add_number(f->data, "left", left);
	json_add_number(f->data, "late", m->late);
	json_add_number(f->data, "half", e->m.main->half);
	exam_value_text(m, m->first, a);
	exam_value_text(m, m->trend.last, b);
	if (m->trend.n < 6)
		f->text = xasprintf("%s improved from %s to %s in %zu points "
				    "and had not come to rest.",
				    m->name, a, b, m->trend.reported);
	else if (slow)
		f->text = xasprintf(
		    "%s crawls: from %s to %s in %zu points, and it was still "
		    "improving at the end.",
		    m->name, a, b, m->trend.reported);
	else if (m->late > 0.05)
		f->text = xasprintf(
		    "%s was still improving at the end: from %s to %s, %.0f %% "
		    "of it in the last third of the run.",
		    m->name, a, b, 100 * fmin(1, m->late));
	else
		f->text = xasprintf(
		    "%s was still improving at the end, at %s: by %.0f %% in "
		    "the last third of the run.",
		    m->name, b, 100 * m->late * (m->first - m->best) / m->end);
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
	bool slow = m->left > 0.3 && m->half > (m->left > 0.5 ? 0.15 : 0.1) &&
		    m->fall > 0.05 && m->late > 0.005 && m->noise < 0.02;
	double left = fmin(1, m->left);
	struct symptom *f;
	char a[EXAM_VALUE_BYTES], b[EXAM_VALUE_BYTES];

	if (!slow && m->left <= 0.5)
		return;
	f = exam_add(e, slow ? SYMPTOM_TOO_SLOW : SYMPTOM_UNDERFITTING,
		     fmin(1, left + 0.15), exam_ramp(left, 0.3, 0.8),
		     m->trend.last_step);
	exam_add_ends(f, m);
	json_add_number(f->data, "left", left);
	json_add_number(f->data, "half", m->half);
	exam_value_text(m, m->first, a);
	exam_value_text(m, m->trend.last, b);
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

	if (m->trend.n < 2 || has_time(e) || !has_started(e))
		return;
	if (v != NULL && (exam_improves(v, 0.06) || m->left < 0.5))
		who = v;
	if (exam_improves(who, 0.06) && m->trend.n >= 6 && m->left > 0.3 &&
	    (m->half >= 0.2 || m->left > 0.62))
		improving(e, SYMPTOM_TOO_SLOW, who);
	else if (exam_improves(who, 0.06) ||
		 (m->left < 0.3 && exam_improves(who, 0) && gains(who)))
		still_improving(e, who);
	else if (m->trend.n >= 6 && !exam_improves(m, 0.06))
		flat(e, m);
}

/* Since when it stays where it ends; not after the point @since. */
static int64_t rest_step(const struct measure *m, size_t since)
{
	const struct trend_point *p = m->trend.points;
	double most =
	    m->end + fmax(2 * m->trend.noise, 0.02 * (m->first - m->best));

	while (since > 0 && p[since - 1].level <= most)
		since--;
	return p[since].step;
}

void rules_plateau(struct exam *e)
{
	const struct measure *m = e->m.valid != NULL ? e->m.valid : e->m.main;
	size_t half = m->trend.n / 2;
	struct trend_slope s;
	struct symptom *f;
	char a[EXAM_VALUE_BYTES];

	if (m->trend.n < 10 || m->left < 0.1 || has_time(e) || m->rise > 0.02 ||
	    !has_started(e) || symptoms_get(e->found, SYMPTOM_STILL_IMPROVING))
		return;
	s = trend_slope(&m->trend, half, m->trend.n);
	if (-s.slope * (double)(m->trend.n - half) >
	    0.03 * fmax(m->first - m->best, TINY))
		return;
	f = exam_add(e, SYMPTOM_PLATEAU, 0.25, exam_ramp(m->left, 0.1, 0.6),
		     rest_step(m, half));
	f->text = xasprintf("%s has not improved since step %" PRId64
			    ": it rests at %s.",
			    m->name, f->step, exam_value_text(m, m->end, a));
	f->advice = "Stop there to save time, or let the learning rate decay; "
		    "a larger model may go further.";
	exam_add_ends(f, m);
}
