#include "check_main.h"
#include "num/optimize.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MOST 12

/* A function, and what is seen of the search through it. */
struct watched {
	double (*fn)(size_t n, const double *x, double *ret_gradient);
	size_t n, evaluations;
	const double *lower, *upper;
	bool left_the_box;
};

static double watch(void *ctx, const double *x, double *ret_gradient)
{
	struct watched *w = ctx;

	w->evaluations++;
	for (size_t i = 0; i < w->n; i++)
		w->left_the_box |=
		    !(x[i] >= w->lower[i] && x[i] <= w->upper[i]);
	return w->fn(w->n, x, ret_gradient);
}

/* Its axes have lengths from 1 to 1 / 10; its minimum, 0, is at 1, 2 .. */
static double bowl(size_t n, const double *x, double *ret_gradient)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double c = pow(100, (double)i / (double)n),
		       d = x[i] - (double)(i + 1);

		sum += c * d * d / 2;
		ret_gradient[i] = c * d;
	}
	return sum;
}

/* 0 at 1, 1 .. */
static double rosenbrock(size_t n, const double *x, double *ret_gradient)
{
	double sum = 0;

	memset(ret_gradient, 0, n * sizeof(*x));
	for (size_t i = 0; i + 1 < n; i++) {
		double a = 1 - x[i], b = x[i + 1] - x[i] * x[i];

		sum += a * a + 100 * b * b;
		ret_gradient[i] += -2 * a - 400 * x[i] * b;
		ret_gradient[i + 1] += 200 * b;
	}
	return sum;
}

/* The search of @n coordinates from @x in [@lower, @upper]^n. */
static int minimize(struct watched *w, double lower, double upper, double *x,
		    double *ret_value)
{
	double low[MOST], high[MOST];
	struct minimize_problem p = {
		.n = w->n, .lower = low, .upper = high, .fn = watch, .ctx = w
	};
	struct minimize_options o = { .max_evaluations = 500,
				      .gradient_tolerance = 1e-6,
				      .value_tolerance = 1e-12 };
	int r;

	for (size_t i = 0; i < MOST; i++) {
		low[i] = lower;
		high[i] = upper;
	}
	w->lower = low;
	w->upper = high;
	r = minimize_box(&p, &o, x, ret_value);
	ck_assert(!w->left_the_box);
	return r;
}

START_TEST(a_bowl_is_searched_in_few_evaluations)
{
	struct watched w = { .fn = bowl, .n = MOST };
	double x[MOST] = { 0 }, value;

	ck_assert_int_eq(minimize(&w, -20, 20, x, &value), 0);
	ck_assert_double_lt(value, 1e-9);
	for (size_t i = 0; i < MOST; i++)
		ck_assert_double_eq_tol(x[i], (double)(i + 1), 1e-5);
	ck_assert_uint_lt(w.evaluations, 100);
}
END_TEST

START_TEST(coordinates_stop_at_their_bounds)
{
	struct watched w = { .fn = bowl, .n = MOST };
	double x[MOST] = { 0 }, value;

	ck_assert_int_eq(minimize(&w, -1, 4.5, x, &value), 0);
	for (size_t i = 0; i < MOST; i++)
		ck_assert_double_eq_tol(x[i], fmin((double)(i + 1), 4.5), 1e-5);
	ck_assert_uint_lt(w.evaluations, 60);
}
END_TEST

START_TEST(a_curved_valley_is_followed)
{
	struct watched w = { .fn = rosenbrock, .n = 2 };
	double x[2] = { -1.2, 1 }, value;

	ck_assert_int_eq(minimize(&w, -2, 2, x, &value), 0);
	ck_assert_double_lt(value, 1e-10);
	ck_assert_uint_lt(w.evaluations, 60);
}
END_TEST

START_TEST(a_curved_valley_is_followed_to_the_wall)
{
	struct watched w = { .fn = rosenbrock, .n = 2 };
	double x[2] = { -1.2, 1 }, value;

	ck_assert_int_eq(minimize(&w, -2, 0.5, x, &value), 0);
	ck_assert_double_eq_tol(x[0], 0.5, 1e-9);
	ck_assert_double_eq_tol(x[1], 0.25, 1e-6);
	ck_assert_uint_lt(w.evaluations, 60);
}
END_TEST

static double scale;

static double scaled(size_t n, const double *x, double *ret_gradient)
{
	double value = rosenbrock(n, x, ret_gradient);

	for (size_t i = 0; i < n; i++)
		ret_gradient[i] *= scale;
	return scale * value;
}

START_TEST(large_values_do_no_harm)
{
	struct watched w = { .fn = scaled, .n = 4 };
	double x[4] = { 0.2, 1, 0.3, 1.7 }, value;

	scale = _i == 0 ? 1e12 : 1e3;
	ck_assert_int_eq(minimize(&w, -2, 2, x, &value), 0);
	ck_assert_double_lt(value / scale, 1e-9);
	ck_assert_uint_lt(w.evaluations, 150);
}
END_TEST

/* ln x is the wall at 0; below it nothing is allowed. */
static double walled(size_t n, const double *x, double *ret_gradient)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (x[i] <= 0)
			return (double)NAN;
		sum += x[i] - 0.01 * log(x[i]);
		ret_gradient[i] = 1 - 0.01 / x[i];
	}
	return sum;
}

static double cliff(size_t n, const double *x, double *ret_gradient)
{
	for (size_t i = 0; i < n; i++)
		ret_gradient[i] = -1;
	return x[0] + x[1] > 1 ? (double)INFINITY : -x[0] - x[1];
}

START_TEST(the_search_steps_back_from_what_is_not_allowed)
{
	struct watched w = { .fn = walled, .n = 5 };
	double x[5] = { 4, 4.1, 3.9, 4, 4 }, value;

	ck_assert_int_eq(minimize(&w, -5, 5, x, &value), 0);
	for (size_t i = 0; i < 5; i++)
		ck_assert_double_eq_tol(x[i], 0.01, 1e-4);
	ck_assert_uint_lt(w.evaluations, 100);

	w = (struct watched){ .fn = cliff, .n = 2 };
	x[0] = x[1] = -1;
	ck_assert_int_eq(minimize(&w, -5, 5, x, &value), 0);
	ck_assert_double_le(x[0] + x[1], 1);
	ck_assert_double_gt(x[0] + x[1], 0.9);
	ck_assert_double_eq(value, -x[0] - x[1]);
	ck_assert_uint_lt(w.evaluations, 200);
}
END_TEST

static double nothing(size_t n, const double *x, double *ret_gradient)
{
	memset(ret_gradient, 0, n * sizeof(*x));
	return (double)INFINITY;
}

static double no_gradient(size_t n, const double *x, double *ret_gradient)
{
	for (size_t i = 0; i < n; i++)
		ret_gradient[i] = (double)NAN;
	return 1;
}

START_TEST(without_a_finite_value_the_start_is_left)
{
	struct watched w = { .fn = _i == 0 ? nothing : no_gradient, .n = 2 };
	double x[2] = { 0.25, 7 }, value = 0;

	ck_assert_int_eq(minimize(&w, 0, 1, x, &value), 1);
	ck_assert_double_eq(value, (double)INFINITY);
	ck_assert_double_eq(x[0], 0.25);
	ck_assert_double_eq(x[1], 1);
	ck_assert_uint_eq(w.evaluations, 1);
}
END_TEST

/* The gradient leads uphill, as that of noise does. */
static double liar(size_t n, const double *x, double *ret_gradient)
{
	double value = rosenbrock(n, x, ret_gradient);

	for (size_t i = 0; i < n; i++)
		ret_gradient[i] *= -1;
	return value;
}

START_TEST(the_result_is_never_worse_than_the_start)
{
	for (double from = -2; from <= 2; from += 0.25) {
		struct watched w = { .fn = liar, .n = 3 };
		double x[3] = { from, 1, from }, ignored[3], value,
		       first = rosenbrock(3, x, ignored);

		ck_assert_int_eq(minimize(&w, -2, 2, x, &value), 0);
		ck_assert_double_le(value, first);
		ck_assert_double_eq(value, rosenbrock(3, x, ignored));
		ck_assert_uint_le(w.evaluations, 500);
	}
}
END_TEST

START_TEST(a_minimum_is_recognised_at_once)
{
	struct watched w = { .fn = rosenbrock, .n = 3 };
	double x[3] = { 1, 1, 1 }, value;

	ck_assert_int_eq(minimize(&w, -2, 2, x, &value), 0);
	ck_assert_uint_eq(w.evaluations, 1);
	/* in the corner, where the gradient leads out of the box */
	w = (struct watched){ .fn = cliff, .n = 2 };
	x[0] = x[1] = 0.5;
	ck_assert_int_eq(minimize(&w, -1, 0.5, x, &value), 0);
	ck_assert_uint_eq(w.evaluations, 1);
	ck_assert_double_eq(value, -1);
}
END_TEST

START_TEST(the_number_of_evaluations_is_kept)
{
	for (size_t most = 1; most < 30; most++) {
		double lower[4] = { -2, -2, -2, -2 }, upper[4] = { 2, 2, 2, 2 },
		       x[4] = { -1.2, 1, 0.3, 1.7 }, value, ignored[4];
		struct watched w = {
			.fn = rosenbrock, .n = 4, .lower = lower, .upper = upper
		};
		struct minimize_problem p = { 4, lower, upper, watch, &w };
		struct minimize_options o = { .max_evaluations = most };

		ck_assert_int_eq(minimize_box(&p, &o, x, &value), 0);
		ck_assert_uint_eq(w.evaluations, most);
		ck_assert_double_eq(value, rosenbrock(4, x, ignored));
	}
}
END_TEST

START_TEST(equal_bounds_fix_a_coordinate_and_infinite_ones_are_none)
{
	double lower[3] = { -(double)INFINITY, 0.25, -(double)INFINITY },
	       upper[3] = { (double)INFINITY, 0.25, 2.5 },
	       x[3] = { 50, 1, -70 }, value;
	struct watched w = { bowl, 3, 0, lower, upper, false };
	struct minimize_problem p = { 3, lower, upper, watch, &w };
	struct minimize_options o = { 200, 1e-8, 0 };

	ck_assert_int_eq(minimize_box(&p, &o, x, &value), 0);
	ck_assert(!w.left_the_box);
	ck_assert_double_eq_tol(x[0], 1, 1e-6);
	ck_assert_double_eq(x[1], 0.25);
	ck_assert_double_eq(x[2], 2.5);
}
END_TEST

START_TEST(without_a_coordinate_there_is_one_evaluation)
{
	struct watched w = { .fn = bowl };
	double value = 1;

	ck_assert_int_eq(minimize(&w, 0, 1, &(double){ 0 }, &value), 0);
	ck_assert_double_eq(value, 0);
	ck_assert_uint_eq(w.evaluations, 1);
}
END_TEST

START_TEST(the_same_search_ends_the_same)
{
	double x[2][6] = { { 0 }, { 0 } }, value[2];
	size_t evaluations[2];

	for (int k = 0; k < 2; k++) {
		struct watched w = { .fn = rosenbrock, .n = 6 };

		ck_assert_int_eq(minimize(&w, -1, 0.9, x[k], &value[k]), 0);
		evaluations[k] = w.evaluations;
	}
	ck_assert_mem_eq(x[0], x[1], sizeof(x[0]));
	ck_assert_mem_eq(&value[0], &value[1], sizeof(value[0]));
	ck_assert_uint_eq(evaluations[0], evaluations[1]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("optimize");
	TCase *t = tcase_create("optimize");

	tcase_add_test(t, a_bowl_is_searched_in_few_evaluations);
	tcase_add_test(t, coordinates_stop_at_their_bounds);
	tcase_add_test(t, a_curved_valley_is_followed);
	tcase_add_test(t, a_curved_valley_is_followed_to_the_wall);
	tcase_add_loop_test(t, large_values_do_no_harm, 0, 2);
	tcase_add_test(t, the_search_steps_back_from_what_is_not_allowed);
	tcase_add_loop_test(t, without_a_finite_value_the_start_is_left, 0, 2);
	tcase_add_test(t, the_result_is_never_worse_than_the_start);
	tcase_add_test(t, a_minimum_is_recognised_at_once);
	tcase_add_test(t, the_number_of_evaluations_is_kept);
	tcase_add_test(
	    t, equal_bounds_fix_a_coordinate_and_infinite_ones_are_none);
	tcase_add_test(t, without_a_coordinate_there_is_one_evaluation);
	tcase_add_test(t, the_same_search_ends_the_same);
	suite_add_tcase(s, t);
	return s;
}
