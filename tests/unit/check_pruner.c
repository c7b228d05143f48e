#include "check_main.h"
#include "search/pruner.h"
#include "search/rungs.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TRIALS 16

static char metric[] = "val_loss";

static struct search_spec spec_of(enum pruner_type type, int64_t min_steps,
				  int64_t min_trials)
{
	return (struct search_spec){
		.metric = metric,
		.early_stopping = {.type = type,
                                   .min_steps = min_steps,
                                   .min_trials = min_trials,
                                   .patience = 3},
	};
}

/* A search with its trials, as the core keeps them. */
struct bed {
	struct search_spec spec;
	struct pruner *pruner;
	struct curve curves[MOST_TRIALS];
	struct pruner_trial *trials[MOST_TRIALS];
	struct verdict verdict; /* of the last report */
};

static void bed_init(struct bed *b, struct search_spec spec)
{
	*b = (struct bed){ .spec = spec };
	b->pruner = pruner_new(&b->spec);
	for (size_t i = 0; i < MOST_TRIALS; i++)
		b->trials[i] = pruner_trial_new(b->pruner, (int64_t)i);
}

static void bed_fini(struct bed *b)
{
	for (size_t i = 0; i < MOST_TRIALS; i++) {
		pruner_trial_free(b->trials[i]);
		curve_free(&b->curves[i]);
	}
	pruner_free(b->pruner);
	verdict_free(&b->verdict);
}

/* Returns the reason to stop, "" if there is none. */
static const char *report(struct bed *b, size_t trial, int64_t step,
			  double value)
{
	verdict_free(&b->verdict);
	pruner_report(b->pruner, b->trials[trial], &b->curves[trial], step,
		      value, &b->verdict);
	ck_assert_int_eq(b->verdict.stop, b->verdict.reason[0] != '\0');
	ck_assert_int_eq(b->verdict.stop, b->verdict.text != NULL);
	ck_assert_int_eq(b->verdict.stop, b->verdict.data != NULL);
	return b->verdict.reason;
}

#define goes_on(b, trial, step, value)                                         \
	ck_assert_str_eq(report(b, trial, step, value), "")
#define stops(b, trial, step, value, reason)                                   \
	ck_assert_str_eq(report(b, trial, step, value), reason)

/* A number of the last verdict's data. */
static double datum(const struct bed *b, const char *name)
{
	auto_json cJSON *data = cJSON_Parse(b->verdict.data);

	ck_assert_ptr_nonnull(json_get(data, name));
	return json_get_number(data, name, (double)NAN);
}

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
	random_state =
	    random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % n;
}

START_TEST(a_curve_is_in_the_order_of_steps_and_the_last_value_wins)
{
	struct curve c = { 0 };

	ck_assert_int_eq(curve_set(&c, 5, 0.5), 0);
	ck_assert_int_eq(curve_set(&c, 9, 0.9), 1);
	ck_assert_int_eq(curve_set(&c, -7, 0.7), 0);
	ck_assert_int_eq(curve_set(&c, 6, 0.6), 2);
	ck_assert_int_eq(curve_set(&c, 9, 0.1), 3);
	ck_assert_int_eq(curve_set(&c, 5, 0.2), 1);
	ck_assert_uint_eq(c.n, 4);
	ck_assert_double_eq(c.points[1].value, 0.2);
	ck_assert_double_eq(c.points[3].value, 0.1);
	for (size_t i = 1; i < c.n; i++)
		ck_assert_int_lt(c.points[i - 1].step, c.points[i].step);
	curve_free(&c);
}
END_TEST

START_TEST(a_full_curve_leaves_out_further_steps)
{
	struct curve c = { 0 };

	for (int64_t i = 0; i < LIMIT_STEPS; i++)
		ck_assert_int_eq(curve_set(&c, 2 * i, 1), i);
	ck_assert(!c.full);
	ck_assert_int_eq(curve_set(&c, 1, 1), -1);
	ck_assert(c.full);
	ck_assert_int_eq(curve_set(&c, 2, 7), 1);
	ck_assert_uint_eq(c.n, LIMIT_STEPS);
	curve_free(&c);
}
END_TEST

START_TEST(the_result_is_the_last_best_or_mean_value)
{
	struct curve c = { 0 };

	ck_assert(isnan(curve_result(&c, RESULT_LAST, GOAL_MINIMIZE)));
	ck_assert(isnan(curve_result(&c, RESULT_MEAN, GOAL_MINIMIZE)));
	curve_set(&c, 1, (double)NAN);
	ck_assert(isnan(curve_result(&c, RESULT_BEST, GOAL_MINIMIZE)));
	curve_set(&c, 1, 4);
	curve_set(&c, 2, 1);
	curve_set(&c, 3, 2.5);
	ck_assert_double_eq(curve_result(&c, RESULT_LAST, GOAL_MINIMIZE), 2.5);
	ck_assert_double_eq(curve_result(&c, RESULT_BEST, GOAL_MINIMIZE), 1);
	ck_assert_double_eq(curve_result(&c, RESULT_BEST, GOAL_MAXIMIZE), 4);
	ck_assert_double_eq_tol(curve_result(&c, RESULT_MEAN, GOAL_MINIMIZE),
				2.5, 1e-12);
	curve_set(&c, 4, -(double)INFINITY);
	ck_assert_double_eq(curve_result(&c, RESULT_BEST, GOAL_MINIMIZE), 1);
	ck_assert(isinf(curve_result(&c, RESULT_LAST, GOAL_MINIMIZE)));
	ck_assert(isinf(curve_result(&c, RESULT_MEAN, GOAL_MINIMIZE)));
	curve_free(&c);
}
END_TEST

START_TEST(the_rule_none_never_stops)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_NONE, 0, 0));
	for (int64_t i = 0; i < 9; i++)
		goes_on(&b, 0, i, (double)NAN);
	goes_on(&b, 1, 0, 1);
	goes_on(&b, 1, 1, 1e300);
	ck_assert_uint_eq(b.curves[0].n, 9);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_two_steps_in_a_row_without_a_finite_value_are_divergence)
{
	static const enum pruner_type types[] = { PRUNER_PATIENCE,
						  PRUNER_THRESHOLD,
						  PRUNER_MEDIAN };

	for (size_t i = 0; i < 3; i++) {
		struct bed b;

		bed_init(&b, spec_of(types[i], 100, 100));
		goes_on(&b, 0, 1, (double)NAN);
		goes_on(&b, 0, 1, (double)NAN); /* the same step again */
		goes_on(&b, 0, 2, 1);
		goes_on(&b, 0, 3, -(double)INFINITY);
		stops(&b, 0, 7, (double)NAN, "diverged");
		ck_assert_str_eq(b.verdict.text,
				 "stopped at step 7: it has diverged, its "
				 "val_loss is nan there and was -inf at step "
				 "3");
		ck_assert_str_eq(b.verdict.data,
				 "{\"rule\":\"diverged\",\"metric\":"
				 "\"val_loss\",\"step\":7,\"value\":\"nan\","
				 "\"previous_step\":3,\"previous\":\"-inf\"}");
		/* Out of order: steps 9 and 8. */
		goes_on(&b, 1, 9, (double)INFINITY);
		stops(&b, 1, 8, (double)INFINITY, "diverged");
		ck_assert_double_eq(datum(&b, "step"), 9);
		bed_fini(&b);
	}
}
END_TEST

START_TEST(a_million_times_the_typical_first_value_is_divergence)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_MEDIAN, 100, 100));
	goes_on(&b, 0, 0, 2);
	goes_on(&b, 1, 0, 3);
	goes_on(&b, 2, 0, (double)NAN);
	goes_on(&b, 2, 1, -40);
	goes_on(&b, 0, 1, 1.9e6);
	stops(&b, 0, 2, -2.1e6, "diverged");
	ck_assert_double_eq(datum(&b, "limit"), 2e6);
	ck_assert_double_eq(datum(&b, "trials"), 3);
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 2: it has diverged, its val_loss "
			 "-2100000 is larger than 2000000, a million times 2, "
			 "the median of the first values of 3 trials (at least "
			 "1)");
	/* The first value of trial 2 is found earlier, then taken back. */
	goes_on(&b, 2, 0, 50);
	goes_on(&b, 0, 3, 2.9e6);
	goes_on(&b, 2, 0, (double)NAN);
	stops(&b, 0, 4, 2.9e6, "diverged");
	bed_fini(&b);
	bed_init(&b, spec_of(PRUNER_PATIENCE, 100, 100));
	goes_on(&b, 0, 0, 1e-9);
	goes_on(&b, 0, 1, 9e5);
	stops(&b, 0, 2, 1.1e6, "diverged");
	bed_fini(&b);
}
END_TEST

START_TEST(patience_ends_without_improvement)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_PATIENCE, 0, 0));
	b.spec.early_stopping.min_delta = 0.125;
	goes_on(&b, 0, 10, 1);
	goes_on(&b, 0, 20, 0.5);
	goes_on(&b, 0, 30, 0.375); /* no more than min_delta better */
	goes_on(&b, 0, 40, (double)NAN);
	goes_on(&b, 0, 50, 0.25); /* better than 0.5 by more */
	goes_on(&b, 0, 60, 0.25);
	goes_on(&b, 0, 70, (double)NAN);
	stops(&b, 0, 80, 0.2, "patience@80");
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 80 by the patience rule: its "
			 "val_loss has not improved by more than 0.125 on "
			 "0.25, reached at step 50, in 3 reported steps");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"patience\",\"metric\":\"val_loss\","
			 "\"step\":80,\"value\":0.25,\"limit\":0.125,"
			 "\"best_step\":50,\"reports\":3}");
	bed_fini(&b);
}
END_TEST

START_TEST(patience_counts_steps_not_reports)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_PATIENCE, 0, 0));
	goes_on(&b, 0, 1, 1);
	for (int i = 0; i < 9; i++)
		goes_on(&b, 0, 2, 2);
	goes_on(&b, 0, 3, 2);
	stops(&b, 0, 4, 2, "patience@4");
	/* The value of step 4 was not its last: it is the best after all. */
	goes_on(&b, 0, 4, 0.5);
	goes_on(&b, 0, 5, 2);
	/* A step between the last ones makes three without improvement. */
	goes_on(&b, 0, 8, 2);
	stops(&b, 0, 7, 2, "patience@8");
	/* and an earlier value makes the best of step 4 no improvement. */
	goes_on(&b, 0, 7, 0.25);
	stops(&b, 0, 0, 0.125, "patience@8");
	ck_assert_double_eq(datum(&b, "best_step"), 0);
	ck_assert_double_eq(datum(&b, "reports"), 7);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_patience_waits_for_the_least_number_of_steps)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_PATIENCE, 6, 0));
	for (int64_t i = 0; i < 5; i++)
		goes_on(&b, 0, i, 1);
	stops(&b, 0, 5, 1, "patience@5");
	bed_fini(&b);
}
END_TEST

START_TEST(a_threshold_is_a_bound_of_the_value_as_reported)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_THRESHOLD, 2, 0));
	b.spec.early_stopping.has_max = true;
	b.spec.early_stopping.max = 10;
	b.spec.goal = GOAL_MAXIMIZE;
	goes_on(&b, 0, 1, 11);
	goes_on(&b, 0, 2, 10);
	goes_on(&b, 0, 3, -1e3);
	goes_on(&b, 0, 4, (double)NAN);
	stops(&b, 0, 5, 10.5, "threshold@5");
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 5 by the threshold rule: its "
			 "val_loss 10.5 is above 10, the highest allowed");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"threshold\",\"metric\":\"val_loss\","
			 "\"step\":5,\"value\":10.5,\"limit\":10,"
			 "\"side\":\"max\"}");
	b.spec.early_stopping.has_min = true;
	b.spec.early_stopping.min = -5;
	stops(&b, 0, 6, -6, "threshold@6");
	ck_assert_double_eq(datum(&b, "limit"), -5);
	goes_on(&b, 0, 7, -5);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_the_median_rule_compares_the_best_with_running_averages)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_MEDIAN, 2, 3));
	/* Running averages at step 2: 3, 5 and 6. */
	goes_on(&b, 0, 1, 4);
	goes_on(&b, 0, 2, 2);
	goes_on(&b, 1, 1, 5);
	goes_on(&b, 1, 2, 5);
	goes_on(&b, 2, 1, 2);
	goes_on(&b, 2, 2, 10);
	goes_on(&b, 3, 1, 9); /* not before two steps */
	stops(&b, 3, 2, 5.5, "median@2");
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 2 by the median rule: its best "
			 "val_loss 5.5 is worse than 5, the median of the "
			 "running averages of 3 trials at step 2");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"median\",\"metric\":\"val_loss\","
			 "\"step\":2,\"value\":5.5,\"limit\":5,\"at\":2,"
			 "\"trials\":3}");
	goes_on(&b, 3, 2, 5); /* its last value: not strictly worse */
	/* Of four others 3, 5, 6 and (9 + 5) / 2 the median is 5.5. */
	goes_on(&b, 4, 1, 5.5);
	goes_on(&b, 4, 2, 8);
	stops(&b, 4, 1, 5.75, "median@2");
	ck_assert_double_eq(datum(&b, "limit"), 5.5);
	ck_assert_double_eq(datum(&b, "trials"), 4);
	/* Only one trial has reached step 3. */
	goes_on(&b, 0, 3, 1);
	goes_on(&b, 4, 3, 8);
	bed_fini(&b);
}
END_TEST

START_TEST(a_trial_that_steps_over_a_step_has_reached_it)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_MEDIAN, 1, 1));
	goes_on(&b, 0, 10, 1);
	goes_on(&b, 0, 20, 3);
	stops(&b, 1, 15, 2, "median@15"); /* its average at 15 is that of 10 */
	ck_assert_double_eq(datum(&b, "limit"), 1);
	goes_on(&b, 1, 20, 2); /* 2 against 2 */
	goes_on(&b, 2, 5, 9);  /* nobody has an average at step 5 */
	bed_fini(&b);
}
END_TEST

START_TEST(K8_a_trial_without_a_finite_value_is_worse_than_any)
{
	struct bed b;

	bed_init(&b, spec_of(PRUNER_MEDIAN, 1, 1));
	goes_on(&b, 0, 0, 1);
	stops(&b, 1, 0, (double)NAN, "median@0");
	ck_assert_double_eq(datum(&b, "value"), (double)INFINITY);
	goes_on(&b, 2, 0, 0.5);
	goes_on(&b, 3, 0, 1); /* the median of 0.5, 1, inf */
	bed_fini(&b);
}
END_TEST

START_TEST(K8_equal_curves_are_never_stopped)
{
	static const double values[] = { 0.1, 1.0 / 3, 1e308, -1e308, 1e-310 };

	for (size_t v = 0; v < 5; v++) {
		struct bed b;

		bed_init(&b, spec_of(PRUNER_MEDIAN, 1, 1));
		for (size_t t = 0; t < MOST_TRIALS; t++) {
			for (int64_t i = 0; i < 50; i++)
				goes_on(&b, t, i, values[v]);
		}
		bed_fini(&b);
	}
}
END_TEST

/* The rule by its definition, from nothing but the curves. */
struct expected {
	bool stop;
	double best, limit;
	size_t others;
};

static bool average_at(const struct curve *c, int64_t step, double *ret)
{
	double mean = 0, n = 0;
	bool any = false;

	if (c->n == 0 || c->points[c->n - 1].step < step)
		return false;
	for (size_t i = 0; i < c->n && c->points[i].step <= step; i++) {
		any = true;
		if (!isfinite(c->points[i].value))
			continue;
		n++;
		mean += c->points[i].value / n - mean / n;
	}
	*ret = n > 0 ? mean : (double)INFINITY;
	return any;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct expected by_definition(const struct bed *b, size_t trial,
				     int64_t at)
{
	const struct curve *c = &b->curves[trial];
	const struct early_stopping *e = &b->spec.early_stopping;
	struct expected want = { .best = (double)INFINITY };
	double pool[MOST_TRIALS];

	for (size_t i = 0; i < c->n; i++) {
		if (isfinite(c->points[i].value))
			want.best = fmin(want.best, c->points[i].value);
	}
	for (size_t i = 0; i < MOST_TRIALS; i++) {
		if (i != trial &&
		    average_at(&b->curves[i], at, &pool[want.others]))
			want.others++;
	}
	if (want.others == 0)
		return want;
	qsort(pool, want.others, sizeof(*pool), compare);
	want.limit = pool[want.others / 2];
	if (want.others % 2 == 0 && pool[want.others / 2 - 1] != want.limit)
		want.limit = pool[want.others / 2 - 1] / 2 + want.limit / 2;
	want.stop = (int64_t)c->n >= e->min_steps &&
		    (int64_t)want.others >= e->min_trials &&
		    want.best > want.limit;
	return want;
}

static void check_against_definition(const struct bed *b, size_t trial)
{
	const struct curve *c = &b->curves[trial];
	struct expected want =
	    by_definition(b, trial, c->points[c->n - 1].step);

	if (strcmp(b->verdict.reason, "diverged") == 0)
		return;
	ck_assert_int_eq(b->verdict.stop, want.stop);
	if (!want.stop)
		return;
	ck_assert_double_eq(datum(b, "value"), want.best);
	ck_assert_double_eq(datum(b, "limit"), want.limit);
	ck_assert_double_eq(datum(b, "trials"), (double)want.others);
}

/* Steps of different kinds: common ones, own strides, anything, repeats. */
static int64_t random_step(size_t trial, int kind, const struct curve *c)
{
	int64_t last = c->n > 0 ? c->points[c->n - 1].step : -1;

	if (c->n > 0 && random_below(4) == 0)
		return random_below(2) == 0
			   ? last
			   : c->points[random_below(c->n)].step;
	if (kind == 0)
		return last + 1;
	if (kind == 1)
		return last + 1 + (int64_t)trial;
	return (int64_t)random_below(60) - 5;
}

/*
 * The trials report random values; each verdict is checked. Returns how many
 * of them stop a trial.
 */
static size_t random_search(struct bed *b, int kind, int reports)
{
	size_t stopped = 0;

	for (int n = 0; n < reports; n++) {
		size_t t = random_below(MOST_TRIALS - 1);
		double v = (double)(random_below(1000) + 100 * t) / 1000;

		if (random_below(20) == 0)
			v = random_below(2) == 0 ? (double)NAN
						 : (double)INFINITY;
		report(b, t, random_step(t, kind, &b->curves[t]), v);
		check_against_definition(b, t);
		stopped += b->verdict.reason[0] == 'm';
	}
	return stopped;
}

START_TEST(K8_the_median_rule_is_what_its_definition_says)
{
	size_t stopped = 0;

	for (int n = 0; n < 60; n++) {
		struct bed b;

		bed_init(&b, spec_of(PRUNER_MEDIAN, n % 4, n % 3));
		stopped += random_search(&b, n % 3, 400);
		bed_fini(&b);
	}
	ck_assert_uint_gt(stopped, 1000);
}
END_TEST

/* What a new, bad trial would hear at every step from @first to @last. */
static void probe(struct bed *b, int64_t first, int64_t last,
		  struct buf *ret_text)
{
	struct pruner_trial *t = pruner_trial_new(b->pruner, MOST_TRIALS);
	struct curve c = { 0 };

	for (int64_t step = first; step <= last; step++) {
		struct verdict v = { 0 };

		pruner_report(b->pruner, t, &c, step, 1e5, &v);
		buf_addf(ret_text, "%s\n", v.stop ? v.text : "goes on");
		verdict_free(&v);
	}
	pruner_trial_free(t);
	curve_free(&c);
}

START_TEST(after_a_replay_the_rule_knows_the_same)
{
	for (int n = 0; n < 30; n++) {
		auto_buf struct buf live = BUF_INIT, replayed = BUF_INIT;
		struct bed b, again;

		bed_init(&b, spec_of(PRUNER_MEDIAN, 1, 1));
		bed_init(&again, b.spec);
		(void)random_search(&b, n % 3, 300);
		for (size_t t = 0; t < MOST_TRIALS; t++) {
			const struct curve *c = &b.curves[t];

			for (size_t i = 0; i < c->n; i++)
				report(&again, t, c->points[i].step,
				       c->points[i].value);
		}
		probe(&b, -6, 400, &live);
		probe(&again, -6, 400, &replayed);
		ck_assert_str_eq(buf_text(&live), buf_text(&replayed));
		ck_assert_ptr_nonnull(strstr(buf_text(&live), "median rule"));
		bed_fini(&b);
		bed_fini(&again);
	}
}
END_TEST

/* The value of trial @t at step @i of many: noisy, and worse with t. */
static double long_value(size_t t, int64_t i)
{
	return (double)(t + 1) + sin((double)i * 12.9898 + (double)t);
}

START_TEST(with_very_many_steps_the_rule_compares_at_some_of_them)
{
	struct bed b, again;
	auto_buf struct buf first = BUF_INIT, second = BUF_INIT;
	size_t stopped = 0;

	bed_init(&b, spec_of(PRUNER_MEDIAN, 1, 2));
	bed_init(&again, b.spec);
	for (int64_t i = 0; i < 3000; i++) {
		for (size_t t = 0; t < 5; t++) {
			double at;
			struct expected want;

			report(&b, t, 10 * i, long_value(t, i));
			if (!b.verdict.stop)
				continue;
			stopped++;
			at = datum(&b, "at");
			ck_assert_double_le(at, 10 * (double)i);
			ck_assert_double_ge(at, 10 * (double)i * 0.9 - 200);
			want = by_definition(&b, t, (int64_t)at);
			ck_assert_double_eq(datum(&b, "limit"), want.limit);
			ck_assert_double_eq(datum(&b, "value"), want.best);
		}
	}
	ck_assert_uint_gt(stopped, 1000);
	/* Which of them does not depend on the order of the reports. */
	for (size_t t = 5; t-- > 0;) {
		for (int64_t i = 2999; i >= 0; i -= 2)
			report(&again, t, 10 * i, long_value(t, i));
		for (int64_t i = 0; i < 3000; i++)
			report(&again, t, 10 * i, long_value(t, i));
	}
	probe(&b, 20000, 20300, &first);
	probe(&again, 20000, 20300, &second);
	ck_assert_str_eq(buf_text(&first), buf_text(&second));
	bed_fini(&b);
	bed_fini(&again);
}
END_TEST

START_TEST(maximize_mirrors_minimize)
{
	static const enum pruner_type types[] = { PRUNER_PATIENCE,
						  PRUNER_THRESHOLD,
						  PRUNER_MEDIAN };

	for (int n = 0; n < 30; n++) {
		struct search_spec spec = spec_of(types[n % 3], 2, 2);
		struct bed low, high;

		spec.early_stopping.min_delta = 0.01;
		spec.early_stopping.has_max = true;
		spec.early_stopping.max = 0.9;
		bed_init(&low, spec);
		spec.goal = GOAL_MAXIMIZE;
		spec.early_stopping.has_max = false;
		spec.early_stopping.has_min = true;
		spec.early_stopping.min = -0.9;
		bed_init(&high, spec);
		for (int i = 0; i < 300; i++) {
			size_t t = random_below(MOST_TRIALS);
			double v = (double)random_below(1000) / 1000;
			int64_t step = random_step(t, 2, &low.curves[t]);

			if (random_below(30) == 0)
				v = (double)INFINITY;
			report(&low, t, step, v);
			stops(&high, t, step, -v, low.verdict.reason);
			if (low.verdict.stop)
				ck_assert_double_eq(datum(&high, "value"),
						    -datum(&low, "value"));
		}
		bed_fini(&low);
		bed_fini(&high);
	}
}
END_TEST

/* --- rungs -----------------------------------------------------------------
 */

static struct search_spec asha_spec(enum pruner_type type, int64_t first,
				    int64_t last)
{
	struct search_spec spec = spec_of(type, first, 0);

	spec.early_stopping.eta = 3;
	spec.early_stopping.max_steps = last;
	return spec;
}

/* Hyperband's algorithm 1 (JMLR 18, 2018) with R = 81 and eta = 3. */
START_TEST(hyperbands_rungs_and_shares_are_those_of_its_paper)
{
	static const int64_t weights[] = { 81, 34, 15, 8, 5 };
	struct search_spec spec = asha_spec(PRUNER_HYPERBAND, 1, 81);
	int64_t seen[5] = { 0 };
	struct rungs r;

	ck_assert_int_eq(rungs_init(&spec.early_stopping, 0, &r), 1);
	ck_assert_int_eq(r.brackets, 5);
	for (int64_t s = 0, first = 1; s < 5; s++, first *= 3) {
		ck_assert_int_eq(rungs_weight(&r, s), weights[s]);
		for (int64_t at = 0, rung = first; rung < 81; rung *= 3) {
			at = rungs_next(&r, s, at);
			ck_assert_int_eq(at, rung);
		}
		ck_assert_int_eq(rungs_next(&r, s, 80), INT64_MAX);
	}
	for (int64_t n = 0; n < 14300; n++)
		seen[rungs_bracket(&r, 7, n)]++;
	for (int64_t s = 0; s < 5; s++)
		ck_assert_double_eq_tol((double)seen[s] / 100,
					(double)weights[s], 3);
	spec = asha_spec(PRUNER_ASHA, 0, 81); /* 81 / 16 = 5.06 */
	ck_assert_int_eq(rungs_init(&spec.early_stopping, 0, &r), 5);
	ck_assert_int_eq(rungs_next(&r, 0, 5), 15);
	ck_assert_int_eq(rungs_next(&r, 0, 45), INT64_MAX);
}
END_TEST

START_TEST(K8_asha_keeps_the_best_third_at_a_rung)
{
	struct bed b;

	bed_init(&b, asha_spec(PRUNER_ASHA, 2, 81));
	goes_on(&b, 0, 1, 5);
	goes_on(&b, 0, 3, 1); /* at rung 2 it had 5 */
	goes_on(&b, 1, 1, 9);
	stops(&b, 1, 2, 6, "asha@2");
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 2 by the asha rule: its best "
			 "val_loss 6 at rung 2 is worse than 5, the worst of "
			 "the 1 kept of 2 trials");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"asha\",\"metric\":\"val_loss\","
			 "\"step\":2,\"value\":6,\"limit\":5,\"rung\":2,"
			 "\"trials\":2,\"kept\":1}");
	goes_on(&b, 1, 2, 5); /* told again: a tie */
	goes_on(&b, 2, 3, 9); /* no step up to the rung */
	stops(&b, 3, 2, (double)NAN, "asha@2");
	bed_fini(&b);
}
END_TEST

static void end_as(struct bed *b, size_t trial, enum trial_state state)
{
	pruner_ended(b->pruner, b->trials[trial], &b->curves[trial], state);
}

START_TEST(K8_asha_without_a_length_waits_for_three_whole_trials)
{
	struct bed b;

	bed_init(&b, asha_spec(PRUNER_ASHA, 0, 0));
	for (size_t t = 0; t < 4; t++) {
		for (int64_t i = 1; i <= 32; i++)
			goes_on(&b, t, i, (double)t + 1);
		end_as(&b, t, t == 1 ? TRIAL_PRUNED : TRIAL_DONE);
		if (t == 2)
			goes_on(&b, 5, 2, 9);
	}
	stops(&b, 6, 2, 9, "asha@2");
	pruner_trial_forget(b.trials[3]); /* run anew: two are left */
	b.trials[3] = pruner_trial_new(b.pruner, 3);
	goes_on(&b, 7, 2, 9);
	bed_fini(&b);
}
END_TEST

/* By the definition, from nothing but the curves. */
static bool asha_cost(const struct curve *c, int64_t rung, double *ret)
{
	*ret = (double)INFINITY;
	for (size_t i = 0; i < c->n && c->points[i].step <= rung; i++) {
		if (isfinite(c->points[i].value))
			*ret = fmin(*ret, c->points[i].value);
	}
	return c->n > 0 && c->points[0].step <= rung &&
	       c->points[c->n - 1].step >= rung;
}

static bool asha_stops(const struct bed *b, size_t trial, int64_t before,
		       int64_t step)
{
	for (int64_t rung = 2; rung < 40; rung *= 3) {
		size_t n = 0, better = 0, kept;
		double own, cost;

		if (rung <= before || rung > step ||
		    !asha_cost(&b->curves[trial], rung, &own))
			continue;
		for (size_t t = 0; t < MOST_TRIALS; t++) {
			if (!asha_cost(&b->curves[t], rung, &cost))
				continue;
			n++;
			better += cost < own;
		}
		kept = n / 3 > 0 ? n / 3 : 1;
		if (better >= kept || (isinf(own) && better > 0))
			return true;
	}
	return false;
}

START_TEST(K8_asha_is_what_its_definition_says)
{
	size_t stopped = 0;

	for (int n = 0; n < 60; n++) {
		struct bed b;

		bed_init(&b, asha_spec(PRUNER_ASHA, 2, 40));
		for (int k = 0; k < 300; k++) {
			size_t t = random_below(MOST_TRIALS);
			struct curve *c = &b.curves[t];
			int64_t step = random_step(t, n % 3, c);
			bool is_last;

			report(&b, t, step,
			       random_below(20) == 0
				   ? (double)NAN
				   : (double)random_below(50));
			is_last = c->points[c->n - 1].step == step;
			if (strcmp(b.verdict.reason, "diverged") == 0)
				continue;
			ck_assert_int_eq(
			    b.verdict.stop,
			    is_last &&
				asha_stops(&b, t,
					   c->n > 1 ? c->points[c->n - 2].step
						    : 0,
					   step));
			stopped += b.verdict.stop;
		}
		bed_fini(&b);
	}
	ck_assert_uint_gt(stopped, 100);
}
END_TEST

/* Its value at a step: it falls from @start + 1 towards @start. */
static double falling(double start, int64_t step)
{
	return start + pow((double)step, -0.5);
}

START_TEST(K8_a_trial_that_is_not_foretold_to_be_best_is_stopped)
{
	struct search_spec spec = spec_of(PRUNER_FORECAST, 0, 0);
	struct bed b;
	int64_t step;

	spec.early_stopping.probability = 0.05;
	bed_init(&b, spec);
	for (size_t t = 0; t < 3; t++) {
		for (int64_t i = 1; i <= 27; i++)
			goes_on(&b, t, i, falling(0.1 * (double)t, i));
		if (t == 2)
			goes_on(&b, 3, 12, 9); /* only two have completed */
		end_as(&b, t, TRIAL_DONE);
	}
	for (int64_t i = 1; i <= 27; i++)
		goes_on(&b, 4, i, falling(-0.1, i));
	for (step = 1; step < 27 && !b.verdict.stop; step++)
		report(&b, 5, step, falling(2, step));
	ck_assert_int_eq(strncmp(b.verdict.reason, "forecast@", 9), 0);
	ck_assert_int_gt(step, 3); /* 27 / 9 and one more */
	ck_assert_int_lt(step, 14);
	ck_assert_double_lt(datum(&b, "probability"), 0.05);
	ck_assert_double_eq(datum(&b, "below"), 0.05);
	ck_assert_double_eq(datum(&b, "last"), 27);
	ck_assert_double_eq(datum(&b, "trials"), 3);
	ck_assert_double_eq(datum(&b, "limit"), falling(0, 27));
	ck_assert_double_eq_tol(datum(&b, "value"), falling(2, 27), 0.2);
	pruner_trial_forget(b.trials[0]); /* run anew: two are left */
	b.trials[0] = pruner_trial_new(b.pruner, 0);
	goes_on(&b, 5, step, falling(2, step));
	bed_fini(&b);
}
END_TEST

static struct search_spec funnel_spec(int64_t first, int64_t last)
{
	struct search_spec spec = spec_of(PRUNER_FUNNEL, first, 0);

	spec.early_stopping.keep = 0.5;
	spec.early_stopping.max_steps = last;
	return spec;
}

START_TEST(K8_a_funnel_narrows_and_hopes_for_slow_starters)
{
	struct bed b;

	bed_init(&b, funnel_spec(4, 100));
	for (size_t t = 0; t < 4; t++) {
		goes_on(&b, t, 1, 9);
		report(&b, t, 4, 2 + (double)t);
	}
	goes_on(&b, 0, 15, 1); /* the rung before 17: 4 x 1.1^14 = 15.2 */
	/* One of 5 may go on; what it gained since step 5 makes it 3 - 7. */
	goes_on(&b, 4, 1, 10);
	goes_on(&b, 4, 15, 3);
	goes_on(&b, 5, 1, 10);
	goes_on(&b, 5, 5, 2);
	stops(&b, 5, 16, 1.25, "funnel@16"); /* at 15 it had 2 */
	ck_assert_str_eq(
	    b.verdict.text,
	    "stopped at step 16 by the funnel rule: its best val_loss 2 at "
	    "step 15 would be 2 if it gained as much again as since step 5, "
	    "which is worse than 1, the worst of the best 1 there; of 6 "
	    "trials no more go on");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"funnel\",\"metric\":\"val_loss\","
			 "\"step\":16,\"value\":2,\"limit\":1,\"hoped\":2,"
			 "\"since\":5,\"rung\":15,\"trials\":6,\"kept\":1}");
	bed_fini(&b);
}
END_TEST

START_TEST(K8_a_funnel_waits_for_a_whole_trial)
{
	struct bed b;

	bed_init(&b, funnel_spec(0, 0));
	for (size_t t = 0; t < 3; t++) {
		for (int64_t i = 1; i <= 52; i++)
			goes_on(&b, t, i, (double)t + 1);
		if (t > 0)
			end_as(&b, t, t == 1 ? TRIAL_PRUNED : TRIAL_DONE);
	}
	goes_on(&b, 3, 1, 9);
	stops(&b, 3, 2, 9, "funnel@2");
	goes_on(&b, 4, 2, 9); /* its first report */
	pruner_trial_forget(b.trials[2]);
	b.trials[2] = pruner_trial_new(b.pruner, 2);
	goes_on(&b, 4, 3, 9);
	bed_fini(&b);
}
END_TEST

/* By the definition, from nothing but the curves. */
static bool funnel_stops(const struct bed *b, size_t trial, int64_t before,
			 int64_t step)
{
	const struct curve *c = &b->curves[trial];
	size_t reached = 0, there = 0, better = 0, kept;
	double own, old, cost, x;
	int64_t rung = 0, since;

	for (x = 2; round(x) <= (double)step && round(x) < 40; x *= 1.1)
		rung = (int64_t)round(x);
	since = rung / 3 > c->points[0].step ? rung / 3 : c->points[0].step;
	if (rung <= before || !asha_cost(c, rung, &own) ||
	    since == c->points[c->n - 1].step)
		return false;
	if (asha_cost(c, since, &old) && isfinite(old))
		own -= old - own;
	for (size_t t = 0; t < MOST_TRIALS; t++) {
		reached += asha_cost(&b->curves[t], 2, &cost);
		if (!asha_cost(&b->curves[t], rung, &cost))
			continue;
		there++;
		better += cost < own;
	}
	kept = (size_t)round(0.5 * 2 / (double)rung * (double)reached);
	if (kept == 0)
		kept = 1;
	return there > kept && (better >= kept || (isinf(own) && better > 0));
}

START_TEST(K8_a_funnel_is_what_its_definition_says)
{
	size_t stopped = 0, went_on = 0;

	for (int n = 0; n < 60; n++) {
		struct bed b;

		bed_init(&b, funnel_spec(2, 40));
		for (int k = 0; k < 300; k++) {
			size_t t = random_below(MOST_TRIALS);
			struct curve *c = &b.curves[t];
			int64_t step = random_step(t, n % 3, c);
			int64_t before;

			report(&b, t, step,
			       random_below(20) == 0
				   ? (double)NAN
				   : (double)random_below(50));
			if (strcmp(b.verdict.reason, "diverged") == 0)
				continue;
			before =
			    c->n > 1 ? c->points[c->n - 2].step : INT64_MIN;
			ck_assert_int_eq(b.verdict.stop,
					 c->points[c->n - 1].step == step &&
					     funnel_stops(&b, t, before, step));
			stopped += b.verdict.stop;
			went_on += !b.verdict.stop;
		}
		bed_fini(&b);
	}
	ck_assert_uint_gt(stopped, 100);
	ck_assert_uint_gt(went_on, 100);
}
END_TEST

START_TEST(K8_percentile_compares_with_completed_trials)
{
	struct search_spec spec = spec_of(PRUNER_PERCENTILE, 1, 2);
	struct bed b;

	spec.early_stopping.percentile = 25;
	bed_init(&b, spec);
	for (size_t t = 0; t < 3; t++) {
		goes_on(&b, t, 1, (double)t + 2);
		goes_on(&b, t, 10, (double)t);
	}
	goes_on(&b, 3, 1, 9); /* none has completed */
	end_as(&b, 0, TRIAL_DONE);
	end_as(&b, 1, TRIAL_PRUNED);
	goes_on(&b, 3, 2, 9);
	end_as(&b, 2, TRIAL_DONE);
	stops(&b, 3, 3, 2.6, "percentile@3"); /* of 2 and 4: 2.5 */
	ck_assert_double_eq(datum(&b, "limit"), 2.5);
	ck_assert_double_eq(datum(&b, "trials"), 2);
	goes_on(&b, 3, 4, 2.5);
	goes_on(&b, 3, 11, 2.5); /* none went so far */
	stops(&b, 4, 1, (double)NAN, "percentile@1");
	pruner_trial_forget(b.trials[2]);
	b.trials[2] = pruner_trial_new(b.pruner, 2);
	goes_on(&b, 4, 2, 9);
	bed_fini(&b);
}
END_TEST

/* Every report goes to both; what one rule alone says is told by its own bed.
 */
START_TEST(K8_any_stops_when_the_first_of_its_rules_does)
{
	struct early_stopping rules[] = {
		spec_of(PRUNER_PATIENCE, 1, 0).early_stopping,
		spec_of(PRUNER_MEDIAN, 2, 2).early_stopping,
	};
	struct search_spec spec = { .metric = metric };
	struct bed any, alone[2];
	size_t stopped[3] = { 0 };

	spec.early_stopping = (struct early_stopping){ .type = PRUNER_ANY,
						       .rules = rules,
						       .n_rules = 2 };
	bed_init(&any, spec);
	for (size_t k = 0; k < 2; k++) {
		struct search_spec one = { .metric = metric,
					   .early_stopping = rules[k] };

		bed_init(&alone[k], one);
	}
	for (int n = 0; n < 5000; n++) {
		size_t t = random_below(MOST_TRIALS);
		int64_t step = random_step(t, 2, &any.curves[t]);
		double v = (double)random_below(50);
		const char *reason;

		reason = report(&alone[0], t, step, v);
		stopped[0] += reason[0] != '\0';
		if (report(&alone[1], t, step, v)[0] != '\0') {
			stopped[1]++;
			stopped[2] += reason[0] != '\0';
			if (reason[0] == '\0')
				reason = alone[1].verdict.reason;
		}
		stops(&any, t, step, v, reason);
		if (random_below(40) == 0) {
			struct bed *beds[] = { &any, &alone[0], &alone[1] };

			for (size_t k = 0; k < 3; k++) {
				pruner_trial_forget(beds[k]->trials[t]);
				curve_free(&beds[k]->curves[t]);
				beds[k]->trials[t] = pruner_trial_new(
				    beds[k]->pruner, (int64_t)t);
			}
		}
	}
	for (size_t k = 0; k < 3; k++)
		ck_assert_uint_gt(stopped[k], 10);
	bed_fini(&any);
	bed_fini(&alone[0]);
	bed_fini(&alone[1]);
}
END_TEST

/* One of its rules learns only from trials that have completed. */
START_TEST(any_tells_its_rules_of_the_end_of_a_trial)
{
	struct early_stopping rules[] = {
		spec_of(PRUNER_PERCENTILE, 1, 1).early_stopping,
	};
	struct search_spec spec = { .metric = metric };
	struct bed b;

	rules[0].percentile = 50;
	spec.early_stopping = (struct early_stopping){ .type = PRUNER_ANY,
						       .rules = rules,
						       .n_rules = 1 };
	bed_init(&b, spec);
	goes_on(&b, 0, 1, 1);
	goes_on(&b, 1, 1, 9);
	end_as(&b, 0, TRIAL_DONE);
	stops(&b, 1, 1, 9, "percentile@1");
	stops(&b, 2, 1, (double)NAN, "percentile@1");
	stops(&b, 2, 2, (double)NAN, "diverged"); /* once, before its rules */
	bed_fini(&b);
}
END_TEST

static TCase *rungs(void)
{
	TCase *tc = tcase_create("rungs");

	tcase_add_test(tc, hyperbands_rungs_and_shares_are_those_of_its_paper);
	tcase_add_test(tc, K8_asha_keeps_the_best_third_at_a_rung);
	tcase_add_test(tc,
		       K8_asha_without_a_length_waits_for_three_whole_trials);
	tcase_add_test(tc, K8_asha_is_what_its_definition_says);
	tcase_add_test(tc,
		       K8_a_trial_that_is_not_foretold_to_be_best_is_stopped);
	tcase_add_test(tc, K8_a_funnel_narrows_and_hopes_for_slow_starters);
	tcase_add_test(tc, K8_a_funnel_waits_for_a_whole_trial);
	tcase_add_test(tc, K8_a_funnel_is_what_its_definition_says);
	tcase_add_test(tc, K8_percentile_compares_with_completed_trials);
	tcase_add_test(tc, K8_any_stops_when_the_first_of_its_rules_does);
	tcase_add_test(tc, any_tells_its_rules_of_the_end_of_a_trial);
	return tc;
}

static TCase *rules(void)
{
	TCase *tc = tcase_create("rules");

	tcase_add_test(tc, the_rule_none_never_stops);
	tcase_add_test(
	    tc, K8_two_steps_in_a_row_without_a_finite_value_are_divergence);
	tcase_add_test(tc,
		       a_million_times_the_typical_first_value_is_divergence);
	tcase_add_test(tc, patience_ends_without_improvement);
	tcase_add_test(tc, patience_counts_steps_not_reports);
	tcase_add_test(tc, K8_patience_waits_for_the_least_number_of_steps);
	tcase_add_test(tc, a_threshold_is_a_bound_of_the_value_as_reported);
	tcase_add_test(
	    tc, K8_the_median_rule_compares_the_best_with_running_averages);
	tcase_add_test(tc, a_trial_that_steps_over_a_step_has_reached_it);
	tcase_add_test(tc, K8_a_trial_without_a_finite_value_is_worse_than_any);
	return tc;
}

static TCase *properties(void)
{
	TCase *tc = tcase_create("properties");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, K8_equal_curves_are_never_stopped);
	tcase_add_test(tc, K8_the_median_rule_is_what_its_definition_says);
	tcase_add_test(tc, after_a_replay_the_rule_knows_the_same);
	tcase_add_test(tc,
		       with_very_many_steps_the_rule_compares_at_some_of_them);
	tcase_add_test(tc, maximize_mirrors_minimize);
	return tc;
}

Suite *suite(void)
{
	Suite *s = suite_create("pruner");
	TCase *tc = tcase_create("curve");

	tcase_add_test(
	    tc, a_curve_is_in_the_order_of_steps_and_the_last_value_wins);
	tcase_add_test(tc, a_full_curve_leaves_out_further_steps);
	tcase_add_test(tc, the_result_is_the_last_best_or_mean_value);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, rules());
	suite_add_tcase(s, rungs());
	suite_add_tcase(s, properties());
	return s;
}
