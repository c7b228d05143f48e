#include "check_main.h"
#include "normal_table.h"
#include "num/normal.h"

#include <math.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* The error of @value, relative to @right or, where that is small, absolute. */
static double error_of(double value, double right)
{
	return fabs(value - right) / fmax(1, fabs(right));
}

static double relative_error(double value, double right)
{
	return fabs(value - right) / fabs(right);
}

START_TEST(the_log_of_the_distribution_is_right_far_out)
{
	for (size_t i = 0; i < N(at); i++) {
		double z = at[i][0];

		if (at[i][1] == 0) /* it underflows */
			ck_assert_double_lt(fabs(normal_log_cdf(z)), 1e-300);
		else
			ck_assert_double_lt(
			    relative_error(normal_log_cdf(z), at[i][1]),
			    /* above 0 it is -Phi(-z) */
			    z > 0 ? (1 + z * z) * 4e-16 : 4e-16);
	}
}
END_TEST

START_TEST(the_distribution_is_right_to_its_digits)
{
	for (size_t i = 0; i < N(at); i++) {
		double z = at[i][0], right = exp(at[i][1]);

		if (right > 1e-300)
			ck_assert_double_lt(
			    relative_error(normal_cdf(z), right),
			    (1 + z * z) * 4e-16);
	}
	ck_assert_double_eq(normal_cdf(-(double)INFINITY), 0);
	ck_assert_double_eq(normal_cdf((double)INFINITY), 1);
	ck_assert_double_eq(normal_log_cdf(-(double)INFINITY),
			    -(double)INFINITY);
	ck_assert_double_eq(normal_log_cdf((double)INFINITY), 0);
}
END_TEST

START_TEST(the_log_of_h_is_right_far_out)
{
	for (size_t i = 0; i < N(at); i++)
		ck_assert_double_lt(error_of(normal_log_h(at[i][0]), at[i][2]),
				    1e-15);
	for (double z = 50; z < 1e9; z *= 10)
		ck_assert_double_eq(normal_log_h(z), log(z));
}
END_TEST

START_TEST(the_gradient_of_log_ei_is_right_far_out)
{
	for (size_t i = 0; i < N(at); i++) {
		double dmean, dsd, value;

		value = log_ei(-at[i][0], 1, 0, &dmean, &dsd);
		ck_assert_double_eq(value, normal_log_h(at[i][0]));
		ck_assert_double_lt(relative_error(-dmean, at[i][3]), 1e-15);
		if (at[i][4] > 1e-300)
			ck_assert_double_lt(relative_error(dsd, at[i][4]),
					    1e-15);
	}
}
END_TEST

START_TEST(log_ei_scales_with_its_unit)
{
	static const double units[] = { 1e-12, 0.3, 1e6 };

	for (size_t i = 0; i < N(at); i++) {
		double unit = units[i % 3], mean = -at[i][0], dmean, dsd;

		if (fabs(mean) > 1e6)
			continue;
		ck_assert_double_lt(error_of(log_ei(unit * (mean + 0.5), unit,
						    unit * 0.5, &dmean, &dsd) -
						 log(unit),
					     at[i][2]),
				    1e-13 * fmax(1, fabs(mean)));
		ck_assert_double_lt(relative_error(-dmean * unit, at[i][3]),
				    1e-12);
	}
}
END_TEST

START_TEST(log_ei_rises_where_its_formulas_meet)
{
	double before = -(double)INFINITY, dmean, dsd, slope = (double)INFINITY;

	for (double z = -1 - 1e-6; z < -1 + 1e-6; z += 1e-9) {
		double value = log_ei(-z, 1, 0, &dmean, &dsd);

		ck_assert_double_gt(value, before);
		ck_assert_double_lt(-dmean, slope + 1e-14);
		before = value;
		slope = -dmean;
	}
}
END_TEST

START_TEST(quantiles_are_right)
{
	for (size_t i = 0; i < N(quantiles); i++) {
		double z = normal_quantile(quantiles[i][0]);

		if (quantiles[i][0] == 0.5)
			ck_assert_double_eq(z, 0);
		else
			ck_assert_double_lt(relative_error(z, quantiles[i][1]),
					    1e-15);
	}
}
END_TEST

START_TEST(probabilities_outside_have_no_quantile)
{
	ck_assert_double_eq(normal_quantile(0), -(double)INFINITY);
	ck_assert_double_eq(normal_quantile(1), (double)INFINITY);
	ck_assert_double_nan(normal_quantile(-1e-9));
	ck_assert_double_nan(normal_quantile(1.1));
	ck_assert_double_nan(normal_quantile((double)NAN));
}
END_TEST

START_TEST(the_density_is_the_slope_of_the_distribution)
{
	for (double z = -5; z < 5; z += 0.37) {
		double slope =
		    (normal_cdf(z + 1e-5) - normal_cdf(z - 1e-5)) / 2e-5;

		ck_assert_double_eq_tol(exp(normal_log_pdf(z)), slope, 1e-10);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("normal");
	TCase *t = tcase_create("normal");

	tcase_add_test(t, the_log_of_the_distribution_is_right_far_out);
	tcase_add_test(t, the_distribution_is_right_to_its_digits);
	tcase_add_test(t, the_log_of_h_is_right_far_out);
	tcase_add_test(t, the_gradient_of_log_ei_is_right_far_out);
	tcase_add_test(t, log_ei_scales_with_its_unit);
	tcase_add_test(t, log_ei_rises_where_its_formulas_meet);
	tcase_add_test(t, quantiles_are_right);
	tcase_add_test(t, probabilities_outside_have_no_quantile);
	tcase_add_test(t, the_density_is_the_slope_of_the_distribution);
	suite_add_tcase(s, t);
	return s;
}
