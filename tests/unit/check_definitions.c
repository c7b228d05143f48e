/*
 * The rules with rungs say what their definitions say, worked out anew at every
 * report, from nothing but the curves.
 */
#include "pruner_bed.h"
#include "search/rungs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ETA 3

/* Trials that report anything, end and run anew. */
struct world {
	struct bed bed;
	bool is_over[MOST_TRIALS], is_done[MOST_TRIALS], waits[MOST_TRIALS];
	size_t trial; /* of the latest report */
	int64_t step, before;
	bool is_again;     /* not beyond the last step it had */
	bool is_last;      /* of its steps */
	size_t stops, ons; /* verdicts */
	size_t promoted;
};

struct expected {
	bool stop, has_limit;
	double value, limit; /* as reported */
	size_t trials, kept;
	int64_t rung, bracket;
};

static void world_init(struct world *w, struct search_spec spec)
{
	*w = (struct world){ .stops = w->stops,
			     .ons = w->ons,
			     .promoted = w->promoted };
	bed_init(&w->bed, spec);
}

static void wait_or_not(struct world *w, size_t t, bool waits)
{
	if (w->waits[t] != waits)
		pruner_wait(w->bed.trials[t], waits);
	w->waits[t] = waits;
}

static void run_anew(struct world *w, size_t t)
{
	struct bed *b = &w->bed;

	wait_or_not(w, t, false);
	pruner_trial_forget(b->trials[t]);
	curve_free(&b->curves[t]);
	b->trials[t] = pruner_trial_new(b->pruner, (int64_t)t);
	w->is_over[t] = w->is_done[t] = false;
}

static void end(struct world *w, size_t t)
{
	static const enum trial_state states[] = { TRIAL_DONE, TRIAL_DONE,
						   TRIAL_PRUNED, TRIAL_FAILED };
	enum trial_state state = states[bed_random(4)];

	wait_or_not(w, t, false);
	bed_end(&w->bed, t, state);
	w->is_over[t] = true;
	w->is_done[t] = state == TRIAL_DONE;
}

static double random_value(void)
{
	static const double odd[] = { (double)NAN, (double)INFINITY,
				      -(double)INFINITY };

	return bed_random(16) == 0 ? odd[bed_random(3)]
				   : (double)bed_random(50) - 20;
}

/* A trial reports; false: it gave no verdict of the rule. */
static bool world_report(struct world *w, int kind)
{
	size_t t = bed_random(MOST_TRIALS);
	struct curve *c = &w->bed.curves[t];
	int64_t last = c->n > 0 ? c->points[c->n - 1].step : 0;

	if (bed_random(w->is_over[t] ? 3 : 60) == 0)
		run_anew(w, t);
	else if (!w->is_over[t] && c->n > 0 && bed_random(40) == 0)
		end(w, t);
	if (w->is_over[t])
		return false;
	/* Values are loaded while a trial waits. */
	if (bed_random(16) > 0)
		wait_or_not(w, t, false);
	if (c->n == 0)
		last = 0;
	w->trial = t;
	w->step = bed_random_step(t, kind, c);
	w->is_again = w->step <= last;
	bed_report(&w->bed, t, w->step, random_value());
	if (w->bed.spec.resumes && bed_random(2) == 0)
		wait_or_not(w, t, true);
	w->is_last = c->points[c->n - 1].step == w->step;
	w->before = c->n > 1 ? c->points[c->n - 2].step : INT64_MIN;
	return strcmp(w->bed.verdict.reason, "diverged") != 0;
}

static void check_verdict(struct world *w, const char *rule,
			  const struct expected *want)
{
	const struct bed *b = &w->bed;
	size_t n = strlen(rule);

	ck_assert_int_eq(b->verdict.stop, want->stop);
	w->stops += want->stop;
	w->ons += !want->stop;
	if (!want->stop)
		return;
	ck_assert_int_eq(strncmp(b->verdict.reason, rule, n), 0);
	ck_assert_int_eq(b->verdict.reason[n], '@');
	ck_assert_double_eq(bed_datum(b, "trials"), (double)want->trials);
	if (isfinite(want->value))
		ck_assert_double_eq(bed_datum(b, "value"), want->value);
	ck_assert_int_eq(strstr(b->verdict.data, "\"limit\"") != NULL,
			 want->has_limit);
	if (want->has_limit && isfinite(want->limit))
		ck_assert_double_eq(bed_datum(b, "limit"), want->limit);
	ck_assert_double_eq(bed_datum(b, "rung"), (double)want->rung);
	ck_assert_double_eq(bed_datum(b, "kept"), (double)want->kept);
}

/* Back and forth. */
static double cost_of(const struct bed *b, double v)
{
	return b->spec.goal == GOAL_MAXIMIZE ? -v : v;
}

/* The trial's best cost up to @step; false if it has not come to it. */
static bool best_at(const struct bed *b, size_t trial, int64_t step,
		    double *ret)
{
	const struct curve *c = &b->curves[trial];

	*ret = (double)INFINITY;
	for (size_t i = 0; i < c->n && c->points[i].step <= step; i++) {
		if (isfinite(c->points[i].value))
			*ret = fmin(*ret, cost_of(b, c->points[i].value));
	}
	return c->n > 0 && c->points[0].step <= step &&
	       c->points[c->n - 1].step >= step;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What the trial must not exceed to be among the best @kept of @at. */
static double limit_of(const double *at, size_t kept, double own)
{
	return isinf(own) && isinf(at[kept - 1]) ? at[0] : at[kept - 1];
}

/* The last step of completed trials if there are @least, else 0. */
static int64_t longest(const struct world *w, size_t least)
{
	int64_t most = 0;
	size_t n = 0;

	for (size_t t = 0; t < MOST_TRIALS; t++) {
		const struct curve *c = &w->bed.curves[t];

		if (!w->is_done[t])
			continue;
		n++;
		if (c->points[c->n - 1].step > most)
			most = c->points[c->n - 1].step;
	}
	return n >= least ? most : 0;
}

/* False: not known yet. */
static bool find_rungs(const struct world *w, struct rungs *ret)
{
	const struct early_stopping *e = &w->bed.spec.early_stopping;

	(void)rungs_init(e, longest(w, 3), ret);
	return ret->last > 0 ||
	       (e->min_steps > 0 && e->type != PRUNER_HYPERBAND);
}

/* How the trial, with @cost, stands at the rung of its bracket. */
static struct expected stand(const struct world *w, const struct rungs *r,
			     int64_t bracket, int64_t rung, double cost)
{
	const struct bed *b = &w->bed;
	struct expected e = { .value = cost_of(b, cost),
			      .rung = rung,
			      .bracket = bracket };
	double at[MOST_TRIALS], limit;

	for (size_t t = 0; t < MOST_TRIALS; t++) {
		if (best_at(b, t, rung, &at[e.trials]) &&
		    rungs_bracket(r, b->spec.seed, (int64_t)t) == bracket)
			e.trials++;
	}
	qsort(at, e.trials, sizeof(*at), compare);
	e.kept = e.trials / ETA;
	if (e.kept == 0 && !b->spec.resumes)
		e.kept = 1;
	e.has_limit = e.kept > 0;
	limit = e.has_limit ? limit_of(at, e.kept, cost) : -(double)INFINITY;
	e.limit = cost_of(b, limit);
	e.stop = cost > limit;
	return e;
}

static struct expected expect_asha(const struct world *w)
{
	const struct bed *b = &w->bed;
	struct expected e = { 0 };
	int64_t rung = w->before > 0 ? w->before : 0, bracket;
	struct rungs r;
	double own;

	if (!w->is_last || !find_rungs(w, &r) ||
	    (b->spec.resumes && w->is_again))
		return e;
	bracket = rungs_bracket(&r, b->spec.seed, (int64_t)w->trial);
	while (!e.stop && (rung = rungs_next(&r, bracket, rung)) <= w->step) {
		if (best_at(b, w->trial, rung, &own))
			e = stand(w, &r, bracket, rung, own);
	}
	return e;
}

/* It has had all steps, as far as is known. */
static bool is_at_end(const struct world *w, size_t t)
{
	const struct curve *c = &w->bed.curves[t];
	int64_t end = w->bed.spec.early_stopping.max_steps;

	if (end == 0)
		end = longest(w, 1);
	return end > 0 && c->n > 0 && c->points[c->n - 1].step >= end;
}

/* Where the trial waits; false: for nothing. */
static bool find_place(const struct world *w, const struct rungs *r, size_t t,
		       struct expected *ret)
{
	const struct curve *c = &w->bed.curves[t];
	int64_t last = c->n > 0 ? c->points[c->n - 1].step : 0, rung = 0, next;
	int64_t bracket = rungs_bracket(r, w->bed.spec.seed, (int64_t)t);
	double own;

	while ((next = rungs_next(r, bracket, rung)) <= last)
		rung = next;
	*ret = (struct expected){ .rung = rung };
	if (rung == 0 || !best_at(&w->bed, t, rung, &own))
		return false;
	*ret = stand(w, r, bracket, rung, own);
	return true;
}

/* Who goes on of those that wait. */
static int64_t expect_promotion(const struct world *w, bool in_any_case)
{
	struct expected first = { 0 }, e = { 0 };
	int64_t found = -1;
	struct rungs r;
	bool has_rungs = find_rungs(w, &r);
	double cost = 0, least = 0;

	for (size_t t = 0; t < MOST_TRIALS; t++) {
		if (!w->waits[t])
			continue;
		if (is_at_end(w, t)) {
			const struct curve *c = &w->bed.curves[t];

			e = (struct expected){ .rung =
						   c->points[c->n - 1].step };
			cost = 0;
		} else if (!has_rungs) {
			e = (struct expected){ 0 };
			cost = 0;
		} else if (find_place(w, &r, t, &e)) {
			cost = cost_of(&w->bed, e.value);
			if (e.stop && !in_any_case)
				continue;
		} else {
			cost = 0;
		}
		if (found >= 0 && (e.rung < first.rung ||
				   (e.rung == first.rung && cost >= least)))
			continue;
		found = (int64_t)t;
		first = e;
		least = cost;
	}
	return found;
}

static void check_promotion(struct world *w)
{
	int64_t number = expect_promotion(w, false);

	ck_assert_int_eq(pruner_promote(w->bed.pruner, false), number);
	ck_assert_int_eq(pruner_promote(w->bed.pruner, true),
			 expect_promotion(w, true));
	w->promoted += number >= 0;
}

/* Everything else: the goal, whether the first rung and T are known. */
static struct search_spec rungs_spec(enum pruner_type type, int n)
{
	struct search_spec spec = bed_spec(type, n & 2 ? 2 : 0, 0);

	spec.goal = n & 1 ? GOAL_MAXIMIZE : GOAL_MINIMIZE;
	spec.early_stopping.max_steps = n & 4 ? 40 : 0;
	spec.early_stopping.eta = ETA;
	spec.resumes = n & 8;
	spec.runs = 1;
	return spec;
}

static void check_asha(enum pruner_type type)
{
	size_t in_bracket[3] = { 0 };
	struct world w = { 0 };

	for (int n = 0; n < 96; n++) {
		world_init(&w, rungs_spec(type, n));
		for (int k = 0; k < 400; k++) {
			struct expected want;

			bool has_verdict = world_report(&w, n % 3);

			if (w.bed.spec.resumes)
				check_promotion(&w);
			if (!has_verdict)
				continue;
			want = expect_asha(&w);
			check_verdict(&w,
				      w.bed.spec.resumes
					  ? VERDICT_PAUSED
					  : pruner_type_name(type),
				      &want);
			in_bracket[want.bracket] += want.stop;
		}
		bed_fini(&w.bed);
	}
	ck_assert_uint_gt(w.stops, 500);
	ck_assert_uint_gt(w.ons, 500);
	ck_assert_uint_gt(w.promoted, 500);
	for (int s = 0; s < (type == PRUNER_ASHA ? 1 : 3); s++)
		ck_assert_uint_gt(in_bracket[s], 0);
}

START_TEST(K8_asha_is_what_its_definition_says)
{
	check_asha(PRUNER_ASHA);
}
END_TEST

START_TEST(K8_hyperband_is_asha_among_the_trials_of_a_bracket)
{
	check_asha(PRUNER_HYPERBAND);
}
END_TEST

/* The last rung that the trial has come to; 0: none, or already before. */
static int64_t funnel_rung(const struct world *w, int64_t *ret_first)
{
	const struct early_stopping *e = &w->bed.spec.early_stopping;
	int64_t length = e->max_steps > 0 ? e->max_steps : longest(w, 0);
	int64_t rung = 0;

	*ret_first = e->min_steps > 0 ? e->min_steps : (length + 13) / 26;
	if (*ret_first == 0)
		*ret_first = 1;
	for (double x = (double)*ret_first;
	     round(x) <= (double)w->step && round(x) < (double)length; x *= 1.1)
		rung = (int64_t)round(x);
	return length > *ret_first && rung > w->before ? rung : 0;
}

static struct expected expect_funnel(const struct world *w)
{
	const struct bed *b = &w->bed;
	const struct curve *c = &b->curves[w->trial];
	double keep = b->spec.early_stopping.keep, at[MOST_TRIALS], own, old;
	double limit;
	int64_t first, since;
	size_t there = 0;
	struct expected e = { .rung = funnel_rung(w, &first) };

	since =
	    (int64_t)((double)e.rung * fmax(0, 1 - sqrt(keep / 0.9)) + 1e-6);
	if (since < c->points[0].step)
		since = c->points[0].step;
	if (!w->is_last || e.rung == 0 || !best_at(b, w->trial, e.rung, &own) ||
	    since == c->points[c->n - 1].step)
		return e;
	e.value = cost_of(b, own);
	if (best_at(b, w->trial, since, &old) && isfinite(old))
		own -= old - own;
	for (size_t t = 0; t < MOST_TRIALS; t++) {
		e.trials += best_at(b, t, first, &at[there]);
		there += best_at(b, t, e.rung, &at[there]);
	}
	e.kept = (size_t)fmax(
	    1, round(keep * (double)first / (double)e.rung * (double)e.trials));
	if (there <= e.kept)
		return e;
	qsort(at, there, sizeof(*at), compare);
	limit = limit_of(at, e.kept, own);
	e.has_limit = true;
	e.limit = cost_of(b, limit);
	e.stop = own > limit;
	return e;
}

START_TEST(K8_a_funnel_is_what_its_definition_says)
{
	struct world w = { 0 };

	for (int n = 0; n < 96; n++) {
		static const double shares[] = { 0.1, 0.4, 0.7, 1 };
		struct search_spec spec = rungs_spec(PRUNER_FUNNEL, n);

		spec.resumes = false; /* it never waits */
		spec.early_stopping.keep = shares[n / 8 % 4];
		world_init(&w, spec);
		for (int k = 0; k < 400; k++) {
			struct expected want;

			if (!world_report(&w, n % 3))
				continue;
			want = expect_funnel(&w);
			check_verdict(&w, "funnel", &want);
		}
		bed_fini(&w.bed);
	}
	ck_assert_uint_gt(w.stops, 1000);
	ck_assert_uint_gt(w.ons, 1000);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("definitions");
	TCase *tc = tcase_create("definitions");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, K8_asha_is_what_its_definition_says);
	tcase_add_test(tc, K8_hyperband_is_asha_among_the_trials_of_a_bracket);
	tcase_add_test(tc, K8_a_funnel_is_what_its_definition_says);
	suite_add_tcase(s, tc);
	return s;
}
