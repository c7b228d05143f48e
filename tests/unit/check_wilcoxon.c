#include "check_main.h"
#include "draw.h"
#include "search/wilcoxon.h"

#include <math.h>

static const int expected[] = {
/* clang-format off */
#include "wilcoxon.inc"
	/* clang-format on */
};

#define N_CASES (sizeof(expected) / sizeof(expected[0]))

static void draw_runs(struct curve *c, int64_t shift)
{
	int64_t n = 1 + draw(12);

	for (int64_t run = 0; run < n; run++) {
		int64_t value = draw(20) + shift;

		if (draw(8) > 0)
			curve_set(c, run, (double)value);
	}
}

START_TEST(five_hundred_races_end_as_optuna_s)
{
	ck_assert_uint_eq(N_CASES, 500);
	for (size_t k = 0; k < N_CASES; k++) {
		enum goal goal = k % 2 == 1 ? GOAL_MAXIMIZE : GOAL_MINIMIZE;
		struct curve best = { 0 }, trial = { 0 };
		struct wilcoxon w;
		int64_t shift;

		draw_runs(&best, 0);
		shift = draw(9);
		draw_runs(&trial, goal == GOAL_MAXIMIZE ? -shift : shift);
		ck_assert_int_eq(wilcoxon_loses(&trial, &best, goal, 0.1, &w),
				 expected[k]);
		curve_free(&best);
		curve_free(&trial);
	}
}
END_TEST

START_TEST(a_run_that_is_not_finite_tells_nothing)
{
	struct curve best = { 0 }, trial = { 0 };
	struct wilcoxon w;

	for (int64_t run = 0; run < 6; run++) {
		curve_set(&best, run, 1);
		curve_set(&trial, run, 2 + (double)run);
	}
	ck_assert(wilcoxon_loses(&trial, &best, GOAL_MINIMIZE, 0.1, &w));
	ck_assert_uint_eq(w.pairs, 6);
	ck_assert_double_eq(w.p, 1.0 / 64);
	ck_assert_double_eq(w.mean, 4.5);
	curve_set(&trial, 3, (double)NAN);
	ck_assert(!wilcoxon_loses(&trial, &best, GOAL_MINIMIZE, 0.1, &w));
	ck_assert_double_nan(w.p);
	curve_free(&best);
	curve_free(&trial);
}
END_TEST

START_TEST(a_trial_that_loses_is_told_why)
{
	struct search_spec spec = {
		.metric = (char *)"loss",
		.early_stopping = {.type = PRUNER_WILCOXON, .p = 0.1},
		.runs = 10,
	};
	struct curve best = { 0 }, trial = { 0 };
	struct verdict v = { 0 };

	/* What the best one had in further runs says nothing. */
	for (int64_t run = 0; run < 10; run++)
		curve_set(&best, run, run < 4 ? 1 : 100);
	for (int64_t run = 0; run < 4; run++) {
		curve_set(&trial, run, 2 + (double)run);
		wilcoxon_judge(&spec, &trial, &best, 7, &v);
		ck_assert_int_eq(v.stop, run == 3); /* 1 / 2^4 < 0.1 */
	}
	ck_assert_str_eq(v.reason, "wilcoxon@4");
	ck_assert_str_eq(
	    v.text,
	    "stopped after 4 of 10 runs by the wilcoxon rule: their mean loss "
	    "3.5 is worse than 1, that of trial 7 in the same runs, and in 4 "
	    "pairs of them chance alone would do that with p = 0.0625 (below "
	    "0.1)");
	ck_assert_str_eq(v.data,
			 "{\"rule\":\"wilcoxon\",\"metric\":\"loss\","
			 "\"runs\":4,\"value\":3.5,\"limit\":1,\"best\":7,"
			 "\"pairs\":4,\"p\":0.0625,\"p_max\":0.1}");
	verdict_free(&v);
	v = (struct verdict){ 0 };
	spec.early_stopping.type = PRUNER_MEDIAN;
	wilcoxon_judge(&spec, &trial, &best, 7, &v);
	ck_assert(!v.stop);
	curve_free(&best);
	curve_free(&trial);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("wilcoxon");
	TCase *tc = tcase_create("wilcoxon");

	suite_add_tcase(s, tc);
	tcase_add_test(tc, five_hundred_races_end_as_optuna_s);
	tcase_add_test(tc, a_trial_that_loses_is_told_why);
	tcase_add_test(tc, a_run_that_is_not_finite_tells_nothing);
	return s;
}
