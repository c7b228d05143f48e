#include "check_main.h"
#include "num/warp.h"

#include <math.h>

static const double shapes[] = { 0.1, 0.5, 1, 2, 7.5 };

#define N_SHAPES 5

START_TEST(without_shape_nothing_is_bent)
{
	for (double x = 0.01; x < 1; x += 0.01) {
		struct warp w = warp_at(x, 1, 1);

		ck_assert_double_eq_tol(w.w, x, 4e-16);
		ck_assert_double_eq_tol(w.dx, 1, 4e-16);
	}
}
END_TEST

START_TEST(the_formula_holds_where_it_loses_no_digits)
{
	double a = shapes[_i % N_SHAPES], b = shapes[_i / N_SHAPES];

	for (double x = 0.05; x < 1; x += 0.05)
		ck_assert_double_eq_tol(warp_at(x, a, b).w,
					1 - pow(1 - pow(x, a), b), 1e-14);
}
END_TEST

START_TEST(slopes_are_those_of_the_value)
{
	double a = shapes[_i % N_SHAPES], b = shapes[_i / N_SHAPES], h = 1e-6;

	for (double x = 0.05; x < 0.99; x += 0.05) {
		struct warp w = warp_at(x, a, b);
		double dx = (warp_at(x + h, a, b).w - warp_at(x - h, a, b).w),
		       da = (warp_at(x, a + h, b).w - warp_at(x, a - h, b).w),
		       db = (warp_at(x, a, b + h).w - warp_at(x, a, b - h).w);

		ck_assert_double_eq_tol(w.dx, dx / (2 * h), 1e-7 * (1 + w.dx));
		ck_assert_double_eq_tol(w.da, da / (2 * h), 1e-8);
		ck_assert_double_eq_tol(w.db, db / (2 * h), 1e-8);
	}
}
END_TEST

START_TEST(the_interval_is_mapped_onto_itself_in_order)
{
	double a = shapes[_i % N_SHAPES], b = shapes[_i / N_SHAPES],
	       before = -1;

	for (int i = 0; i <= 1000; i++) {
		struct warp w = warp_at(i / 1000., a, b);

		ck_assert_double_ge(w.w, before);
		ck_assert_double_ge(w.w, 0);
		ck_assert_double_le(w.w, 1);
		ck_assert(isfinite(w.dx) && isfinite(w.da) && isfinite(w.db));
		ck_assert_double_ge(w.dx, 0);
		before = w.w;
	}
}
END_TEST

START_TEST(beyond_the_ends_the_ends_count)
{
	struct warp low = warp_at(0, 0.5, 2), high = warp_at(1, 0.5, 0.5);

	ck_assert_double_eq(warp_at(-3, 0.5, 2).w, low.w);
	ck_assert_double_eq(warp_at(1e-8, 0.5, 2).dx, low.dx);
	ck_assert_double_gt(low.dx, 1000); /* of x^-1/2 */
	ck_assert_double_eq(warp_at(7, 0.5, 0.5).w, high.w);
	ck_assert_double_gt(high.dx, 1000);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("warp");
	TCase *t = tcase_create("warp");
	const int all = N_SHAPES * N_SHAPES;

	tcase_add_test(t, without_shape_nothing_is_bent);
	tcase_add_loop_test(t, the_formula_holds_where_it_loses_no_digits, 0,
			    all);
	tcase_add_loop_test(t, slopes_are_those_of_the_value, 0, all);
	tcase_add_loop_test(t, the_interval_is_mapped_onto_itself_in_order, 0,
			    all);
	tcase_add_test(t, beyond_the_ends_the_ends_count);
	suite_add_tcase(s, t);
	return s;
}
