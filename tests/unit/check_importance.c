#include "check_main.h"
#include "draw.h"
#include "spec_of.h"
#include "why/importance.h"
#include "why/marginal.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>

#define AXES   8
#define TRIALS 2000

static const double expected[][AXES] = {
/* clang-format off */
#include "importance.inc"
	/* clang-format on */
};

#define N_CASES (sizeof(expected) / sizeof(expected[0]))

static const int64_t ranges[AXES] = { 1000, 1001, 11, 249, 3, 200, 4, 1001 };

static const char space[] =
    "\"lr\": {\"type\": \"float\", \"min\": 0.001, \"max\": 1, "
    "\"scale\": \"log\"}, "
    "\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1}, "
    "\"m\": {\"type\": \"float\", \"min\": 0, \"max\": 1, \"step\": 0.1}, "
    "\"units\": {\"type\": \"int\", \"min\": 8, \"max\": 256, "
    "\"scale\": \"log\"}, "
    "\"layers\": {\"type\": \"int\", \"min\": 1, \"max\": 3}, "
    "\"wide\": {\"type\": \"int\", \"min\": 0, \"max\": 199}, "
    "\"opt\": {\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\", "
    "\"d\"]}, "
    "\"momentum\": {\"type\": \"float\", \"min\": 0, \"max\": 1, "
    "\"when\": {\"opt\": \"b\"}}";

static struct search_spec *spec;
static struct cell configs[TRIALS * AXES];
static double scores[TRIALS];

static void setup(void)
{
	spec = spec_of(space, "\"type\": \"random\"");
	draw_state = 1;
}

static void teardown(void)
{
	search_free(spec);
}

/* Draws one configuration; its score is a sum that @weights weighs. */
static double draw_trial(const int64_t *weights, struct cell *c)
{
	const struct param *m = &spec->space->params[2];
	int64_t k[AXES], score = 0;

	for (size_t i = 0; i < AXES; i++) {
		k[i] = draw(ranges[i]);
		score += weights[i] * llabs(100 * k[i] / ranges[i] - 40);
	}
	c[0].f = (double)(1 + k[0]) / 1000;
	c[1].f = (double)k[1] / 1000;
	c[2] = param_snap(m, (double)k[2] * 0.1);
	c[3].i = 8 + k[3];
	c[4].i = 1 + k[4];
	c[5].i = k[5];
	c[6].i = k[6];
	c[7].f = (double)k[7] / 1000;
	space_activate(spec->space, c);
	return (double)(score + draw(60));
}

static struct results draw_results(size_t n, const int64_t *weights)
{
	for (size_t i = 0; i < n; i++)
		scores[i] = draw_trial(weights, &configs[i * AXES]);
	return (struct results){ spec->space, configs, scores, n };
}

static double share_of(const struct importance *list, size_t n, size_t param)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].param == param)
			return list[i].share;
	}
	return -1;
}

START_TEST(shares_are_those_of_optuna)
{
	for (size_t k = 0; k < N_CASES; k++) {
		auto_free struct importance *list = NULL;
		size_t n = 50 + (size_t)draw(200), n_list;
		int64_t weights[AXES];
		struct results r;

		for (size_t i = 0; i < AXES; i++)
			weights[i] = draw(5);
		r = draw_results(n, weights);
		ck_assert_int_eq(importance_find(&r, 1, &list, &n_list), 0);
		ck_assert_uint_eq(n_list, AXES);
		for (size_t i = 0; i < AXES; i++)
			ck_assert_double_eq_tol(share_of(list, n_list, i),
						expected[k][i], 1e-12);
	}
}
END_TEST

/* Only @param counts, and a little noise. */
static struct results results_of(size_t n, size_t param)
{
	int64_t weights[AXES] = { 0 };

	weights[param] = 20;
	return draw_results(n, weights);
}

START_TEST(what_decides_is_told_from_what_does_not)
{
	for (size_t param = 0; param < 4; param++) {
		auto_free struct importance *list = NULL;
		struct results r = results_of(100, param);
		size_t n;

		ck_assert_int_eq(importance_find(&r, 1, &list, &n), 0);
		ck_assert_uint_eq(list[0].param, param);
		ck_assert_double_lt(list[0].chance, 0.01);
		ck_assert_double_gt(list[0].low, 0.2);
		ck_assert_double_lt(list[0].low, list[0].share);
		ck_assert_double_gt(list[0].high, 0.4);
	}
}
END_TEST

START_TEST(an_interval_holds_its_share)
{
	for (size_t n_trials = 20; n_trials < 60; n_trials += 3) {
		auto_free struct importance *list = NULL;
		int64_t nothing[AXES] = { 0 };
		struct results r = draw_results(n_trials, nothing);
		size_t n;

		ck_assert_int_eq(importance_find(&r, 1, &list, &n), 0);
		for (size_t i = 0; i < n; i++) {
			ck_assert_double_le(list[i].low, list[i].share);
			ck_assert_double_ge(list[i].high, list[i].share);
		}
	}
}
END_TEST

static double least_chance(const struct importance *list, size_t n)
{
	double least = 1;

	for (size_t i = 0; i < n; i++)
		least = fmin(least, list[i].chance);
	return least;
}

/* Of one of all parameters: however many are looked at, one search counts. */
START_TEST(the_least_chance_is_uniform_where_nothing_matters)
{
	size_t below[4] = { 0 }, all = 200;

	for (size_t k = 0; k < all; k++) {
		auto_free struct importance *list = NULL;
		int64_t nothing[AXES] = { 0 };
		struct results r = draw_results(60, nothing);
		size_t n;

		ck_assert_int_eq(importance_find(&r, k, &list, &n), 0);
		for (size_t q = 0; q < 4; q++)
			below[q] +=
			    least_chance(list, n) <= 0.2 * (double)(q + 1);
	}
	/* Three standard deviations. */
	for (size_t q = 0; q < 4; q++)
		ck_assert_double_eq_tol((double)below[q] / (double)all,
					0.2 * (double)(q + 1), 0.1);
}
END_TEST

START_TEST(what_decides_does_not_make_the_others_matter)
{
	size_t right = 0, wrong = 0;

	for (size_t k = 0; k < 200; k++) {
		auto_free struct importance *list = NULL;
		struct results r = results_of(100, 0);
		size_t n;

		ck_assert_int_eq(importance_find(&r, k, &list, &n), 0);
		for (size_t i = 0; i < n; i++) {
			if (list[i].param != 0)
				continue;
			right += list[i].chance < 0.05;
			list[i].chance = 1;
		}
		wrong += least_chance(list, n) < 0.05;
	}
	ck_assert_uint_ge(right, 190);
	/* 5 % of 200 and three standard deviations */
	ck_assert_uint_le(wrong, 19);
}
END_TEST

START_TEST(the_same_seed_says_the_same)
{
	struct results r = results_of(50, 0);
	auto_free struct importance *a = NULL;
	auto_free struct importance *b = NULL;
	size_t n;

	ck_assert_int_eq(importance_find(&r, 7, &a, &n), 0);
	ck_assert_int_eq(importance_find(&r, 7, &b, &n), 0);
	ck_assert_mem_eq(a, b, n * sizeof(*a));
}
END_TEST

START_TEST(few_trials_or_results_are_no_evidence)
{
	struct results r = results_of(IMPORTANCE_TRIALS, 0);
	struct importance *list = NULL;
	size_t n;

	for (size_t i = IMPORTANCE_BEST - 1; i < r.n; i++)
		scores[i] = (double)INFINITY;
	ck_assert_int_eq(importance_find(&r, 1, &list, &n), IMPORTANCE_FEW);
	r = results_of(IMPORTANCE_TRIALS - 1, 0);
	ck_assert_int_eq(importance_find(&r, 1, &list, &n), IMPORTANCE_FEW);
	r.n = 0;
	ck_assert_int_eq(importance_find(&r, 1, &list, &n), IMPORTANCE_FEW);
}
END_TEST

START_TEST(equal_results_say_nothing)
{
	struct results r = results_of(50, 0);
	struct importance *list = NULL;
	size_t n;

	for (size_t i = 0; i < r.n; i++)
		scores[i] = 1;
	ck_assert_int_eq(importance_find(&r, 1, &list, &n), IMPORTANCE_EQUAL);
}
END_TEST

START_TEST(trials_that_were_stopped_are_not_among_the_best)
{
	struct results r = results_of(100, 0);
	auto_free struct importance *all = NULL;
	auto_free struct importance *stopped = NULL;
	size_t n;

	ck_assert_int_eq(importance_find(&r, 1, &all, &n), 0);
	for (size_t i = 0; i < r.n; i++)
		scores[i] = scores[i] > 500 ? (double)INFINITY : scores[i];
	ck_assert_int_eq(importance_find(&r, 1, &stopped, &n), 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_double_eq(all[i].share, stopped[i].share);
}
END_TEST

START_TEST(a_range_is_told_in_parts_on_its_scale)
{
	struct results r = results_of(1000, 0);
	auto_free struct marginal *list = NULL;
	size_t n, lowest = 0;

	for (size_t i = 0; i < r.n; i++) {
		configs[i * AXES].f = pow(10, 3 * ((double)i + 0.5) / 1000 - 3);
		scores[i] = fabs(log(configs[i * AXES].f / 0.45));
	}
	n = marginal_find(&r, 0, &list);
	ck_assert_uint_eq(n, MARGINAL_PARTS);
	for (size_t i = 0; i < n; i++) {
		ck_assert_double_eq_tol(list[i].low.f,
					pow(10, 0.3 * (double)i - 3), 1e-12);
		ck_assert_double_lt(list[i].best, list[i].quarter);
		ck_assert_double_lt(list[i].quarter, list[i].median);
		ck_assert_double_lt(list[i].median, list[i].three_quarters);
		lowest = list[i].median < list[lowest].median ? i : lowest;
		ck_assert_uint_eq(list[i].n, 100);
	}
	ck_assert_double_le(list[lowest].low.f, 0.45);
	ck_assert_double_ge(list[lowest].high.f, 0.45);
}
END_TEST

START_TEST(few_values_and_choices_are_told_one_by_one)
{
	struct results r = results_of(400, 6);
	struct marginal *list = NULL;

	ck_assert_uint_eq(marginal_find(&r, 4, &list), 3);
	for (int64_t i = 0; i < 3; i++) {
		ck_assert_int_eq(list[i].low.i, i + 1);
		ck_assert_int_eq(list[i].high.i, i + 1);
	}
	free(list);
	ck_assert_uint_eq(marginal_find(&r, 6, &list), 4);
	/* |100 k / 4 - 40| is 40, 15, 10, 35 */
	for (int64_t i = 0; i < 4; i++)
		ck_assert_int_eq(list[i].low.i, i);
	ck_assert_double_lt(list[2].median, list[1].median);
	ck_assert_double_lt(list[1].median, list[3].median);
	ck_assert_double_lt(list[3].median, list[0].median);
	free(list);
}
END_TEST

START_TEST(parts_of_whole_numbers_do_not_overlap)
{
	struct results r = results_of(2000, 5);
	auto_free struct marginal *list = NULL;
	size_t n = marginal_find(&r, 3, &list);

	ck_assert_uint_gt(n, 7);
	ck_assert_int_eq(list[0].low.i, 8);
	ck_assert_int_eq(list[n - 1].high.i, 256);
	for (size_t i = 1; i < n; i++)
		ck_assert_int_eq(list[i].low.i, list[i - 1].high.i + 1);
}
END_TEST

START_TEST(what_is_inactive_is_in_no_part)
{
	struct results r = results_of(400, 0);
	struct marginal *list;
	size_t n = marginal_find(&r, 7, &list), sum = 0, active = 0;

	for (size_t i = 0; i < n; i++)
		sum += list[i].n;
	for (size_t i = 0; i < r.n; i++)
		active += results_cell(&r, i, 7)->active;
	free(list);
	ck_assert_uint_eq(sum, active);
	ck_assert_uint_lt(sum, r.n);
	r.n = 0;
	ck_assert_uint_eq(marginal_find(&r, 7, &list), 0);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(what_has_no_score_is_worse_than_what_has)
{
	struct results r = results_of(400, 0);
	auto_free struct marginal *list = NULL;

	for (size_t i = 0; i < r.n; i++) {
		if (results_cell(&r, i, 4)->i == 2)
			scores[i] = (double)INFINITY;
	}
	ck_assert_uint_eq(marginal_find(&r, 4, &list), 3);
	ck_assert(isfinite(list[0].three_quarters));
	ck_assert(isinf(list[1].best) && isinf(list[1].median));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("importance");
	TCase *tc = tcase_create("importance");
	TCase *marginal = tcase_create("marginal");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, shares_are_those_of_optuna);
	tcase_add_test(tc, what_decides_is_told_from_what_does_not);
	tcase_add_test(tc, an_interval_holds_its_share);
	tcase_add_test(tc, the_least_chance_is_uniform_where_nothing_matters);
	tcase_add_test(tc, what_decides_does_not_make_the_others_matter);
	tcase_add_test(tc, the_same_seed_says_the_same);
	tcase_add_test(tc, few_trials_or_results_are_no_evidence);
	tcase_add_test(tc, equal_results_say_nothing);
	tcase_add_test(tc, trials_that_were_stopped_are_not_among_the_best);
	suite_add_tcase(s, marginal);
	tcase_add_checked_fixture(marginal, setup, teardown);
	tcase_add_test(marginal, a_range_is_told_in_parts_on_its_scale);
	tcase_add_test(marginal, few_values_and_choices_are_told_one_by_one);
	tcase_add_test(marginal, parts_of_whole_numbers_do_not_overlap);
	tcase_add_test(marginal, what_is_inactive_is_in_no_part);
	tcase_add_test(marginal, what_has_no_score_is_worse_than_what_has);
	return s;
}
