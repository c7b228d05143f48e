#include "check_main.h"
#include "num/normal.h"
#include "num/rng.h"
#include "search/forecast.h"

#include <math.h>

#define OTHERS 30

static struct progress progress_of_values(const double *v, size_t n)
{
	struct curve c = { 0 };
	struct progress p;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_ge(curve_set(&c, (int64_t)i + 1, v[i]), 0);
	progress_of(&c, RESULT_LAST, GOAL_MINIMIZE, &p);
	curve_free(&c);
	return p;
}

START_TEST(means_of_the_largest_numbers_do_not_overflow)
{
	static const double v[] = { 1.7e308, -1.7e308, 1 };
	struct curve c = { 0 };
	struct progress p;

	for (size_t i = 0; i < 3; i++)
		(void)curve_set(&c, (int64_t)i + 1, v[i]);
	progress_of(&c, RESULT_MEAN, GOAL_MINIMIZE, &p);
	curve_free(&c);
	ck_assert_uint_eq(p.n, 3);
	ck_assert_double_eq(p.points[0].cost, 1.7e308);
	ck_assert_double_eq(p.points[1].cost, 0);
	ck_assert_double_eq_tol(p.points[2].cost, 1. / 3, 1e-12);
}
END_TEST

/* A curve with ripples, like noise. */
static struct progress rippled(double a, double b, size_t n)
{
	double v[20];

	for (size_t i = 0; i < n; i++)
		v[i] = a + b / sqrt((double)(i + 1)) +
		       0.01 * ((double)((i + 1) * 7 % 5) - 2);
	return progress_of_values(v, n);
}

/* The numbers are of the formulas by dense matrices in numpy. */
START_TEST(it_is_what_the_formulas_say)
{
	struct progress own = rippled(1, 2, 8), others[4];
	const struct progress *list[4];
	struct forecast f;

	others[0] = rippled(0.5, 3, 20);
	others[1] = rippled(0.9, 1, 20);
	others[2] = rippled(1.5, 2, 20);
	others[3] = rippled(1, 2.5, 20);
	for (size_t i = 0; i < 4; i++)
		list[i] = &others[i];
	ck_assert(forecast_make(&own, NULL, 0, 20, &f));
	ck_assert_double_eq_tol(f.mean, 1.4604713159901397, 1e-9);
	ck_assert_double_eq_tol(f.sd, 0.20296956543792238, 1e-9);
	ck_assert(forecast_make(&own, list, 4, 20, &f));
	ck_assert_double_eq_tol(f.mean, 1.4343487259465286, 1e-9);
	ck_assert_double_eq_tol(f.sd, 0.12614646613374694, 1e-9);
	ck_assert_uint_eq(f.others, 4);
}
END_TEST

/* Half of them fall by a power, half exponentially; the noise is known. */
static struct progress draw(uint64_t seed, size_t n)
{
	double last = rng_unit(seed, 0, 0), drop = 1 + rng_unit(seed, 0, 1);
	double rate = 0.3 + rng_unit(seed, 0, 2), v[100];

	for (size_t i = 0; i < n; i++) {
		double x = (double)(i + 1);
		double f = seed % 2 ? pow(x, -rate) : exp(-x * rate / 20);

		v[i] = last + drop * f +
		       0.02 * normal_quantile(rng_unit(seed, 1, i));
	}
	return progress_of_values(v, n);
}

START_TEST(the_end_lies_in_nine_of_ten_intervals_of_ninety_percent)
{
	static struct progress others[OTHERS];
	const struct progress *list[OTHERS];
	int inside = 0, total = 0;

	for (size_t i = 0; i < OTHERS; i++) {
		others[i] = draw(1000 + i, 100);
		list[i] = &others[i];
	}
	for (uint64_t seed = 0; seed < 400; seed++) {
		struct progress whole = draw(seed, 100), own;
		struct forecast f;
		double p;

		own = draw(seed, seed % 3 == 0 ? 12 : seed % 3 == 1 ? 25 : 50);
		ck_assert(forecast_make(&own, list, OTHERS, 100, &f));
		p = forecast_below(&f, whole.points[whole.n - 1].cost);
		inside += p > 0.05 && p < 0.95;
		total++;
	}
	ck_assert_int_ge(inside, total * 80 / 100);
	ck_assert_int_le(inside, total * 97 / 100);
}
END_TEST

/* Quantiles of Student's t with 3 degrees of freedom, from tables. */
START_TEST(a_probability_is_that_of_students_distribution)
{
	struct forecast f = { .mean = 2, .sd = 0.5 };

	ck_assert_double_eq_tol(forecast_below(&f, 2), 0.5, 1e-12);
	ck_assert_double_eq_tol(forecast_below(&f, 2 - 0.5 * 2.35336), 0.05,
				1e-6);
	ck_assert_double_eq_tol(forecast_below(&f, 2 + 0.5 * 4.54070), 0.99,
				1e-6);
}
END_TEST

START_TEST(the_order_of_the_others_is_nothing)
{
	struct progress own = draw(1, 20), others[OTHERS];
	const struct progress *list[OTHERS], *back[OTHERS];
	struct forecast f, g;

	for (size_t i = 0; i < OTHERS; i++) {
		others[i] = draw(50 + i, 100);
		list[i] = &others[i];
		back[OTHERS - 1 - i] = &others[i];
	}
	ck_assert(forecast_make(&own, list, OTHERS, 100, &f));
	ck_assert(forecast_make(&own, back, OTHERS, 100, &g));
	ck_assert_double_eq(f.mean, g.mean);
	ck_assert_double_eq(f.sd, g.sd);
}
END_TEST

START_TEST(a_point_or_a_level_curve_alone_foretells_nothing)
{
	double level[] = { 3, 3, 3, 3 };
	struct progress one = rippled(1, 1, 1), other = rippled(1, 1, 20);
	struct progress same = progress_of_values(level, 4);
	const struct progress *list[] = { &other };
	struct forecast f;

	ck_assert(!forecast_make(&one, NULL, 0, 20, &f));
	ck_assert(!forecast_make(&same, NULL, 0, 20, &f));
	ck_assert(forecast_make(&one, list, 1, 20, &f));
	ck_assert(isfinite(f.mean) && f.sd > 0);
	ck_assert(forecast_make(&same, list, 1, 20, &f));
	ck_assert(isfinite(f.mean) && f.sd > 0);
	ck_assert(!forecast_make(&other, list, 1, 20, &f)); /* at the end */
}
END_TEST

START_TEST(two_points_are_enough)
{
	double v[] = { 2, 1 };
	struct progress own = progress_of_values(v, 2);
	struct forecast f;

	ck_assert(forecast_make(&own, NULL, 0, 50, &f));
	ck_assert_double_lt(f.mean, 1);
	ck_assert_double_gt(f.sd, 0.1);
}
END_TEST

START_TEST(what_is_not_finite_is_left_out)
{
	double v[] = { 3, 2, (double)NAN, 1.5, (double)INFINITY };
	double nothing[] = { (double)NAN, (double)NAN };
	struct progress p = progress_of_values(v, 5);
	struct forecast f;

	ck_assert_uint_eq(p.n, 3);
	ck_assert(forecast_make(&p, NULL, 0, 20, &f));
	ck_assert(isfinite(f.mean) && isfinite(f.sd));
	p = progress_of_values(nothing, 2);
	ck_assert(!forecast_make(&p, NULL, 0, 20, &f));
}
END_TEST

START_TEST(long_curves_are_thinned_out)
{
	struct curve c = { 0 };
	struct progress p;

	for (int64_t i = 0; i < 100000; i++)
		(void)curve_set(&c, i, 1 / (double)(i + 1));
	progress_of(&c, RESULT_LAST, GOAL_MINIMIZE, &p);
	ck_assert_uint_gt(p.n, FORECAST_POINTS / 2);
	ck_assert_int_eq(p.points[0].step, 0);
	ck_assert_int_eq(p.points[p.n - 1].step, 99999);
	curve_free(&c);
}
END_TEST

START_TEST(the_result_so_far_is_as_the_search_wants_it)
{
	struct curve c = { 0 };
	struct progress p;

	(void)curve_set(&c, 1, 1);
	(void)curve_set(&c, 2, 3);
	(void)curve_set(&c, 3, 2);
	progress_of(&c, RESULT_BEST, GOAL_MAXIMIZE, &p);
	ck_assert_double_eq(p.points[2].cost, -3);
	progress_of(&c, RESULT_MEAN, GOAL_MAXIMIZE, &p);
	ck_assert_double_eq(p.points[2].cost, -2);
	curve_free(&c);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("forecast");
	TCase *t = tcase_create("forecast");

	tcase_add_test(t, it_is_what_the_formulas_say);
	tcase_add_test(t, means_of_the_largest_numbers_do_not_overflow);
	tcase_add_test(t,
		       the_end_lies_in_nine_of_ten_intervals_of_ninety_percent);
	tcase_add_test(t, a_probability_is_that_of_students_distribution);
	tcase_add_test(t, the_order_of_the_others_is_nothing);
	tcase_add_test(t, a_point_or_a_level_curve_alone_foretells_nothing);
	tcase_add_test(t, two_points_are_enough);
	tcase_add_test(t, what_is_not_finite_is_left_out);
	tcase_add_test(t, long_curves_are_thinned_out);
	tcase_add_test(t, the_result_so_far_is_as_the_search_wants_it);
	suite_add_tcase(s, t);
	return s;
}
