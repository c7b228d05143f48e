#include "check_main.h"
#include "num/matern.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LENGTH 1000

/* |value - right| in units of the last place of a double. */
static double ulps(double value, long double right)
{
	int exponent;

	(void)frexpl(right, &exponent);
	return (double)fabsl(
	    ldexpl((long double)value - right, DBL_MANT_DIG - exponent));
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

START_TEST(covariances_are_right_to_the_last_places)
{
	double r2[LENGTH], k[LENGTH], g[LENGTH], worst_k = 0, worst_g = 0;

	for (double from = 1e-18; from < 1e5; from *= 1.01) {
		for (size_t a = 0; a < LENGTH; a++)
			r2[a] = from * (1 + (double)a * 1e-5);
		matern52(LENGTH, r2, k, g);
		for (size_t a = 0; a < LENGTH; a++) {
			long double rho = (long double)sqrt(5 * r2[a]),
				    e = expl(-rho);

			if (rho > 708)
				continue;
			worst_k = larger(
			    worst_k, ulps(k[a], (1 + rho + rho * rho / 3) * e));
			worst_g =
			    larger(worst_g, ulps(g[a], 5 * (1 + rho) / 3 * e));
		}
	}
	ck_assert_double_lt(worst_k, 4);
	ck_assert_double_lt(worst_g, 4);
}
END_TEST

START_TEST(far_points_have_no_covariance_at_all)
{
	double r2[] = { 708 * 708 / 5., 708.1 * 708.1 / 5, 1e30, 1e308,
			(double)INFINITY };
	double k[5], g[5];

	matern52(5, r2, k, g);
	ck_assert_double_gt(k[0], 0);
	ck_assert_double_gt(g[0], 0);
	for (size_t a = 1; a < 5; a++) {
		ck_assert_double_eq(k[a], 0);
		ck_assert_double_eq(g[a], 0);
	}
}
END_TEST

START_TEST(a_point_covaries_with_itself_by_one)
{
	double r2 = 0, k, g;

	matern52(1, &r2, &k, &g);
	ck_assert_double_eq(k, 1);
	ck_assert_double_eq(g, 5. / 3);
}
END_TEST

START_TEST(a_nan_stays_one_and_spoils_no_neighbour)
{
	double r2[7] = { 1, 1, 1, (double)NAN, 1, 1, 1 }, k[7], g[7];

	matern52(7, r2, k, g);
	for (size_t a = 0; a < 7; a++) {
		ck_assert_int_eq(isnan(k[a]) != 0, a == 3);
		ck_assert_int_eq(isnan(g[a]) != 0, a == 3);
	}
}
END_TEST

START_TEST(the_second_result_is_the_slope_of_the_first)
{
	for (double r2 = 0.01; r2 < 10; r2 *= 1.3) {
		double step = 1e-6 * r2, ends[2] = { r2 - step, r2 + step };
		double k[2], one, g;

		matern52(2, ends, k, NULL);
		matern52(1, &r2, &one, &g);
		ck_assert_double_eq_tol((k[1] - k[0]) / (2 * step), -g / 2,
					1e-7);
	}
}
END_TEST

/* Vectors of instructions begin and end within an array: nobody may see it. */
START_TEST(an_element_does_not_depend_on_its_place)
{
	enum { MOST = 150 };
	double x[MOST], r2[MOST], k[MOST], g[MOST], in_place[MOST];

	for (size_t n = 0; n < MOST; n++) {
		for (size_t a = 0; a < MOST; a++) {
			x[a] = (double)a * 0.1;
			r2[a] = 0.25;
		}
		sqdist_add(n, x, 0.7, 1.5, r2);
		memcpy(in_place, r2, sizeof(r2));
		memset(k, 0, sizeof(k));
		matern52(n, r2, k, g);
		matern52(n, in_place, in_place, NULL);
		for (size_t a = 0; a < n; a++) {
			double d = x[a] - 0.7, one = 0.25, one_k, one_g;

			sqdist_add(1, x + a, 0.7, 1.5, &one);
			matern52(1, &one, &one_k, &one_g);
			ck_assert_double_eq(one, 0.25 + 1.5 * (d * d));
			ck_assert_double_eq(r2[a], one);
			ck_assert_double_eq(k[a], one_k);
			ck_assert_double_eq(g[a], one_g);
			ck_assert_double_eq(in_place[a], one_k);
		}
		for (size_t a = n; a < MOST; a++) {
			ck_assert_double_eq(r2[a], 0.25);
			ck_assert_double_eq(k[a], 0);
		}
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("matern");
	TCase *t = tcase_create("matern");

	tcase_add_test(t, covariances_are_right_to_the_last_places);
	tcase_add_test(t, far_points_have_no_covariance_at_all);
	tcase_add_test(t, a_point_covaries_with_itself_by_one);
	tcase_add_test(t, a_nan_stays_one_and_spoils_no_neighbour);
	tcase_add_test(t, the_second_result_is_the_slope_of_the_first);
	tcase_add_test(t, an_element_does_not_depend_on_its_place);
	suite_add_tcase(s, t);
	return s;
}
