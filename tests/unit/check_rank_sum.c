#include "check_main.h"
#include "draw.h"
#include "num/rank_sum.h"

#include <math.h>

static const double expected[][3] = {
/* clang-format off */
#include "rank_sum.inc"
	/* clang-format on */
};

#define N_CASES (sizeof(expected) / sizeof(expected[0]))

static double draw_rank_sum(size_t k)
{
	struct ranked values[60];
	size_t n = 1 + (size_t)draw(30), m = 1 + (size_t)draw(30);
	int64_t span = k % 2 == 0 ? 10 : 2000001;
	int64_t shift = draw(span / 2);
	bool is_higher;

	for (size_t i = 0; i < n + m; i++) {
		int64_t v = draw(span);

		values[i] =
		    (struct ranked){ (double)(v + (i < n ? shift : 0)), i < n };
	}
	return rank_sum(values, n + m, &is_higher);
}

START_TEST(p_values_are_those_of_scipy)
{
	ck_assert_uint_eq(N_CASES, 500);
	for (size_t k = 0; k < N_CASES; k++) {
		double p = draw_rank_sum(k);
		size_t all = 1 + (size_t)draw(100);
		size_t drawn = (size_t)draw((int64_t)all + 1);
		size_t marked = (size_t)draw((int64_t)all + 1);
		size_t low = drawn + marked > all ? drawn + marked - all : 0;
		size_t high = drawn < marked ? drawn : marked;
		size_t hits = low + (size_t)draw((int64_t)(high - low) + 1);

		ck_assert_double_eq_tol(p, expected[k][0], 1e-12);
		ck_assert_double_eq_tol(fisher_exact(hits, drawn, marked, all),
					expected[k][1], 1e-12);
		ck_assert_double_eq_tol(binomial_tail(hits, drawn, 0.1),
					expected[k][2], 1e-12);
	}
}
END_TEST

START_TEST(a_group_with_higher_values_is_told)
{
	struct ranked values[] = {
		{1,                 false},
		{ (double)INFINITY, true },
		{ 2,                false},
		{ 3,                true },
	};
	bool is_higher;

	ck_assert_double_lt(rank_sum(values, 4, &is_higher), 1);
	ck_assert(is_higher);
	for (size_t i = 0; i < 4; i++)
		values[i].is_first = !values[i].is_first;
	(void)rank_sum(values, 4, &is_higher);
	ck_assert(!is_higher);
}
END_TEST

START_TEST(equal_values_and_a_single_group_say_nothing)
{
	struct ranked values[] = {
		{1,  false},
                { 1, true },
                { 1, true }
	};
	bool is_higher;

	ck_assert_double_eq(rank_sum(values, 3, &is_higher), 1);
	ck_assert_double_eq(rank_sum(values + 1, 2, &is_higher), 1);
	ck_assert_double_eq(rank_sum(values, 0, &is_higher), 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("rank_sum");
	TCase *tc = tcase_create("rank_sum");

	suite_add_tcase(s, tc);
	tcase_add_test(tc, p_values_are_those_of_scipy);
	tcase_add_test(tc, a_group_with_higher_values_is_told);
	tcase_add_test(tc, equal_values_and_a_single_group_say_nothing);
	return s;
}
