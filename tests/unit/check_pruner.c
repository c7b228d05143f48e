#include "pruner_bed.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	for (int64_t step = 1; step <= 3; step++)
		curve_set(&c, step, DBL_MAX);
	ck_assert_double_eq(curve_result(&c, RESULT_MEAN, GOAL_MINIMIZE),
			    DBL_MAX);
	curve_set(&c, 2, 1);
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

	bed_init(&b, bed_spec(PRUNER_NONE, 0, 0));
	for (int64_t i = 0; i < 9; i++)
		goes_on(&b, 0, i, (double)NAN);
	goes_on(&b, 1, 0, 1);
	goes_on(&b, 1, 1, 1e300);
	ck_assert_uint_eq(b.curves[0].n, 9);
	bed_fini(&b);
}
END_TEST

/* Trial 1 has nothing but that value; nothing was to be decided. */
static void learns(struct bed *b, int64_t step, double value)
{
	struct verdict given = { .stop = true };

	pruner_report(b->pruner, b->trials[1], &b->curves[1],
		      (struct curve_point){ step, value, b->ms }, &given);
	ck_assert_str_eq(given.reason, "");
	ck_assert_ptr_null(given.text);
}

START_TEST(a_rule_that_has_nothing_to_decide_learns_all_the_same)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 2));
	goes_on(&b, 0, 2, 1);
	goes_on(&b, 2, 2, 9);
	learns(&b, 2, 20);
	learns(&b, 2, 2);
	stops(&b, 2, 2, 9, "median@2");
	learns(&b, 3, (double)NAN);
	learns(&b, 4, (double)NAN);
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

		bed_init(&b, bed_spec(types[i], 100, 100));
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
		ck_assert_double_eq(bed_datum(&b, "step"), 9);
		bed_fini(&b);
	}
}
END_TEST

START_TEST(a_million_times_the_typical_first_value_is_divergence)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 100, 100));
	goes_on(&b, 0, 0, 2);
	goes_on(&b, 1, 0, 3);
	goes_on(&b, 2, 0, (double)NAN);
	goes_on(&b, 2, 1, -40);
	goes_on(&b, 0, 1, 1.9e6);
	stops(&b, 0, 2, -2.1e6, "diverged");
	ck_assert_double_eq(bed_datum(&b, "limit"), 2e6);
	ck_assert_double_eq(bed_datum(&b, "trials"), 3);
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
	bed_init(&b, bed_spec(PRUNER_PATIENCE, 100, 100));
	goes_on(&b, 0, 0, 1e-9);
	goes_on(&b, 0, 1, 9e5);
	stops(&b, 0, 2, 1.1e6, "diverged");
	bed_fini(&b);
}
END_TEST

START_TEST(patience_ends_without_improvement)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_PATIENCE, 0, 0));
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

	bed_init(&b, bed_spec(PRUNER_PATIENCE, 0, 0));
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
	ck_assert_double_eq(bed_datum(&b, "best_step"), 0);
	ck_assert_double_eq(bed_datum(&b, "reports"), 7);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_patience_waits_for_the_least_number_of_steps)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_PATIENCE, 6, 0));
	for (int64_t i = 0; i < 5; i++)
		goes_on(&b, 0, i, 1);
	stops(&b, 0, 5, 1, "patience@5");
	bed_fini(&b);
}
END_TEST

START_TEST(a_threshold_is_a_bound_of_the_value_as_reported)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_THRESHOLD, 2, 0));
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
	ck_assert_double_eq(bed_datum(&b, "limit"), -5);
	goes_on(&b, 0, 7, -5);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_the_median_rule_compares_the_best_with_running_averages)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 2, 3));
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
	ck_assert_double_eq(bed_datum(&b, "limit"), 5.5);
	ck_assert_double_eq(bed_datum(&b, "trials"), 4);
	/* Only one trial has reached step 3. */
	goes_on(&b, 0, 3, 1);
	goes_on(&b, 4, 3, 8);
	bed_fini(&b);
}
END_TEST

START_TEST(a_trial_that_steps_over_a_step_has_reached_it)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 1));
	goes_on(&b, 0, 10, 1);
	goes_on(&b, 0, 20, 3);
	stops(&b, 1, 15, 2, "median@15"); /* its average at 15 is that of 10 */
	ck_assert_double_eq(bed_datum(&b, "limit"), 1);
	goes_on(&b, 1, 20, 2); /* 2 against 2 */
	goes_on(&b, 2, 5, 9);  /* nobody has an average at step 5 */
	bed_fini(&b);
}
END_TEST

START_TEST(K8_a_trial_without_a_finite_value_is_worse_than_any)
{
	struct bed b;

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 1));
	goes_on(&b, 0, 0, 1);
	stops(&b, 1, 0, (double)NAN, "median@0");
	ck_assert_double_eq(bed_datum(&b, "value"), (double)INFINITY);
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

		bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 1));
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
	ck_assert_double_eq(bed_datum(b, "value"), want.best);
	ck_assert_double_eq(bed_datum(b, "limit"), want.limit);
	ck_assert_double_eq(bed_datum(b, "trials"), (double)want.others);
}

/*
 * The trials report random values; each verdict is checked. Returns how many
 * of them stop a trial.
 */
static size_t random_search(struct bed *b, int kind, int reports)
{
	size_t stopped = 0;

	for (int n = 0; n < reports; n++) {
		size_t t = bed_random(MOST_TRIALS - 1);
		double v = (double)(bed_random(1000) + 100 * t) / 1000;

		if (bed_random(20) == 0)
			v = bed_random(2) == 0 ? (double)NAN : (double)INFINITY;
		bed_report(b, t, bed_random_step(t, kind, &b->curves[t]), v);
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

		bed_init(&b, bed_spec(PRUNER_MEDIAN, n % 4, n % 3));
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

		pruner_report(b->pruner, t, &c,
			      (struct curve_point){ step, 1e5, 0 }, &v);
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

		bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 1));
		bed_init(&again, b.spec);
		(void)random_search(&b, n % 3, 300);
		for (size_t t = 0; t < MOST_TRIALS; t++) {
			const struct curve *c = &b.curves[t];

			for (size_t i = 0; i < c->n; i++)
				bed_report(&again, t, c->points[i].step,
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

	bed_init(&b, bed_spec(PRUNER_MEDIAN, 1, 2));
	bed_init(&again, b.spec);
	for (int64_t i = 0; i < 3000; i++) {
		for (size_t t = 0; t < 5; t++) {
			double at;
			struct expected want;

			bed_report(&b, t, 10 * i, long_value(t, i));
			if (!b.verdict.stop)
				continue;
			stopped++;
			at = bed_datum(&b, "at");
			ck_assert_double_le(at, 10 * (double)i);
			ck_assert_double_ge(at, 10 * (double)i * 0.9 - 200);
			want = by_definition(&b, t, (int64_t)at);
			ck_assert_double_eq(bed_datum(&b, "limit"), want.limit);
			ck_assert_double_eq(bed_datum(&b, "value"), want.best);
		}
	}
	ck_assert_uint_gt(stopped, 1000);
	/* Which of them does not depend on the order of the reports. */
	for (size_t t = 5; t-- > 0;) {
		for (int64_t i = 2999; i >= 0; i -= 2)
			bed_report(&again, t, 10 * i, long_value(t, i));
		for (int64_t i = 0; i < 3000; i++)
			bed_report(&again, t, 10 * i, long_value(t, i));
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
		struct search_spec spec = bed_spec(types[n % 3], 2, 2);
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
			size_t t = bed_random(MOST_TRIALS);
			double v = (double)bed_random(1000) / 1000;
			int64_t step = bed_random_step(t, 2, &low.curves[t]);

			if (bed_random(30) == 0)
				v = (double)INFINITY;
			bed_report(&low, t, step, v);
			stops(&high, t, step, -v, low.verdict.reason);
			if (low.verdict.stop)
				ck_assert_double_eq(bed_datum(&high, "value"),
						    -bed_datum(&low, "value"));
		}
		bed_fini(&low);
		bed_fini(&high);
	}
}
END_TEST

static TCase *rules(void)
{
	TCase *tc = tcase_create("rules");

	tcase_add_test(tc, the_rule_none_never_stops);
	tcase_add_test(tc,
		       a_rule_that_has_nothing_to_decide_learns_all_the_same);
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
	suite_add_tcase(s, properties());
	return s;
}
