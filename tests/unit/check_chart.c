#include "check_main.h"
#include "client/chart.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct chart_axis axis;

/* The texts of its ticks. */
static void has_ticks(size_t max, const char *want)
{
	auto_buf struct buf b = BUF_INIT;
	double ticks[CHART_TICKS], before = -(double)INFINITY;
	size_t n = axis_ticks(&axis, max, ticks);

	for (size_t i = 0; i < n; i++) {
		ck_assert(ticks[i] > before);
		before = ticks[i];
		buf_adds(&b, i > 0 ? " " : "");
		axis_print(&axis, ticks[i], &b);
	}
	ck_assert_str_eq(buf_text(&b), want);
}

static void spans(enum param_scale scale, double min, double max)
{
	axis = (struct chart_axis){ .scale = scale };
	axis_fit(&axis, min, max);
}

START_TEST(ticks_are_round)
{
	spans(SCALE_LINEAR, 0, 1);
	has_ticks(6, "0 0.2 0.4 0.6 0.8 1");
	spans(SCALE_LINEAR, -0.31, 0.42);
	has_ticks(5, "-0.2 0 0.2 0.4");
	spans(SCALE_LINEAR, 3, 59);
	has_ticks(7, "10 20 30 40 50");
	spans(SCALE_LINEAR, 0, 3e7);
	has_ticks(4, "0 1e7 2e7 3e7");
	spans(SCALE_LINEAR, 0, 0.0005);
	has_ticks(6, "0 1e-4 2e-4 3e-4 4e-4 5e-4");
}
END_TEST

START_TEST(ticks_of_logarithms_are_powers_of_ten_or_few_between)
{
	spans(SCALE_LOG, 1e-5, 10);
	has_ticks(8, "1e-5 1e-4 0.001 0.01 0.1 1 10");
	has_ticks(4, "1e-4 0.01 1");
	spans(SCALE_LOG, 0.04, 3);
	has_ticks(7, "0.05 0.1 0.2 0.5 1 2");
	has_ticks(3, "0.1 1");
	/* Within less than a decade they are even. */
	spans(SCALE_LOG, 1.1, 1.9);
	has_ticks(4, "1.2 1.4 1.6 1.8");
}
END_TEST

START_TEST(whole_numbers_have_no_ticks_between_them)
{
	axis = (struct chart_axis){ 0 };
	axis_fit_whole(&axis, 1, 3);
	has_ticks(9, "1 2 3");
	axis = (struct chart_axis){ 0 };
	axis_fit_whole(&axis, 0, 1000);
	has_ticks(6, "0 200 400 600 800 1000");
}
END_TEST

START_TEST(neighbours_far_from_0_are_told_apart)
{
	spans(SCALE_LINEAR, 1000000.1, 1000000.4);
	has_ticks(4, "1000000.1 1000000.2 1000000.3 1000000.4");
}
END_TEST

START_TEST(probabilities_have_ticks_near_both_ends)
{
	spans(SCALE_LOGIT, 0.001, 0.999);
	has_ticks(7, "0.001 0.01 0.1 0.5 0.9 0.99 0.999");
	ck_assert_double_eq_tol(axis_place(&axis, 0.5), 0.5, 1e-12);
}
END_TEST

START_TEST(an_axis_of_one_value_has_room_around_it)
{
	spans(SCALE_LINEAR, 5, 5);
	ck_assert_double_eq_tol(axis_place(&axis, 5), 0.5, 1e-12);
	spans(SCALE_LINEAR, 0, 0);
	ck_assert_double_eq_tol(axis_place(&axis, 0), 0.5, 1e-12);
	spans(SCALE_LOG, 1e-3, 1e-3);
	ck_assert_double_eq_tol(axis_place(&axis, 1e-3), 0.5, 1e-12);
}
END_TEST

START_TEST(any_range_has_few_finite_ticks)
{
	static const double ends[] = {
		-DBL_MAX, -1e30,  -1,  -1e-300, 0,
		DBL_MIN,  1e-300, 0.1, 1e30,    DBL_MAX
	};
	size_t n_ends = sizeof(ends) / sizeof(*ends);

	for (size_t i = 0; i < n_ends * n_ends; i++) {
		double low = ends[i / n_ends], high = ends[i % n_ends];
		double ticks[CHART_TICKS];

		for (int scale = SCALE_LINEAR; scale <= SCALE_LOG; scale++) {
			size_t n;

			if (low > high || (scale == SCALE_LOG && low <= 0))
				continue;
			spans((enum param_scale)scale, low, high);
			axis_pad(&axis, 0.05);
			ck_assert(axis.min < axis.max);
			n = axis_ticks(&axis, 7, ticks);
			ck_assert_uint_le(n, 7);
			for (size_t k = 0; k < n; k++)
				ck_assert(isfinite(ticks[k]));
		}
	}
}
END_TEST

/* --- objectives -------------------------------------------------------------
 */

#define FIT(is_max, ...)                                                       \
	fit((const double[]){ __VA_ARGS__ },                                   \
	    sizeof((double[]){ __VA_ARGS__ }) / sizeof(double), is_max)

static size_t fit(const double *values, size_t n, bool low_is_bad)
{
	axis = (struct chart_axis){ 0 };
	return axis_fit_objective(&axis, values, n, low_is_bad);
}

START_TEST(what_is_no_number_changes_no_axis)
{
	ck_assert_uint_eq(
	    FIT(false, 1, 2, (double)NAN, (double)INFINITY, -(double)INFINITY),
	    0);
	ck_assert(axis.min < 1 && axis.min > 0.9);
	ck_assert(axis.max > 2 && axis.max < 2.1);
	ck_assert_uint_eq(FIT(false, (double)NAN, (double)NAN), 0);
	ck_assert(axis.min < axis.max);
}
END_TEST

START_TEST(losses_over_decades_have_logarithms)
{
	FIT(false, 0.01, 0.1, 1);
	ck_assert_int_eq(axis.scale, SCALE_LOG);
	FIT(false, 0.5, 0.6, 1);
	ck_assert_int_eq(axis.scale, SCALE_LINEAR);
	FIT(false, -1, 0.1, 1);
	ck_assert_int_eq(axis.scale, SCALE_LINEAR);
	FIT(true, 0.01, 0.1, 1);
	ck_assert_int_eq(axis.scale, SCALE_LINEAR);
}
END_TEST

START_TEST(far_out_values_on_the_bad_side_are_left_out)
{
	ck_assert_uint_eq(FIT(false, 1, 1.1, 1.2, 1.3, 1.4, 1e30), 1);
	ck_assert(axis.max < 2);
	ck_assert_uint_eq(FIT(true, 0.90, 0.91, 0.92, 0.93, 0.94, -1e30, -1e9),
			  2);
	ck_assert(axis.min > 0.8);
	ck_assert_uint_eq(FIT(false, 2, 2, 2, 2, 3, 1e30), 1);
	ck_assert_uint_eq(FIT(false, -DBL_MAX, DBL_MAX, 1, 2, 3, 4, 5, 6, 7),
			  0);
}
END_TEST

START_TEST(the_best_is_never_left_out)
{
	ck_assert_uint_eq(FIT(false, -1000, 1, 1.1, 1.2, 1.3), 0);
	ck_assert(axis.min < -1000);
}
END_TEST

/* --- charts -----------------------------------------------------------------
 */

START_TEST(strewn_points_stay_near_their_place)
{
	struct chart c = { 0 };

	axis_fit_whole(&c.x, 0, 2);
	for (int i = 0; i < 1000; i++) {
		struct chart_point p = { .x = 1, .trial = i };
		double place = chart_x(&c, &p);

		ck_assert(place > 1 / 3.0 && place < 2 / 3.0);
	}
}
END_TEST

START_TEST(a_legend_names_each_thing_once)
{
	auto_plot struct plot p = { 0 };

	for (int i = 0; i < 2; i++) {
		struct chart *c = plot_add(&p);

		chart_put(chart_add(c, CHART_DOTS, CHART_DONE, "done"), 0, 0,
			  0);
		chart_put(chart_add(c, CHART_DOTS, CHART_DONE, NULL), 0, 0, 0);
		chart_add(c, CHART_DOTS, CHART_DONE, "without points");
		chart_put(chart_add(c, CHART_DOTS, CHART_BEST,
				    i == 0 ? "best" : "new"),
			  0, 0, 0);
	}
	ck_assert_str_eq(plot_legend(&p, 0)->name, "done");
	ck_assert_str_eq(plot_legend(&p, 1)->name, "best");
	ck_assert_str_eq(plot_legend(&p, 2)->name, "new");
	ck_assert_ptr_null(plot_legend(&p, 3));
}
END_TEST

START_TEST(svg_escapes_all_texts)
{
	auto_plot struct plot p = { 0 };
	auto_buf struct buf b = BUF_INIT;
	struct chart *c = plot_add(&p);

	p.title = xstrdup("</svg><script>\x01\xEF\xBF\xBF");
	c->title = xstrdup("<&\">");
	c->x.label = xstrdup("<x");
	c->y.label = xstrdup("<y");
	axis_fit(&c->x, 0, 1);
	axis_fit(&c->y, 0, 1);
	chart_put(chart_add(c, CHART_DOTS, CHART_DONE, "<name"), 0, 0, 1);
	plot_note(&p, "<note");
	chart_svg(&b, &p);
	ck_assert_ptr_null(strstr(b.data, "<script"));
	ck_assert_ptr_null(strstr(b.data, "\x01"));
	ck_assert_ptr_null(strstr(b.data, "<x"));
	ck_assert_ptr_null(strstr(b.data, "<y"));
	ck_assert_ptr_null(strstr(b.data, "<n"));
	ck_assert_ptr_nonnull(strstr(b.data, "&lt;&amp;&quot;&gt;"));
	ck_assert_ptr_null(strstr(strstr(b.data, "</svg>") + 1, "</svg>"));
}
END_TEST

START_TEST(json_holds_true_values)
{
	auto_plot struct plot p = { 0 };
	auto_json cJSON *json = NULL;
	auto_free char *text = NULL;
	struct chart *c = plot_add(&p);

	p.title = xstrdup("t");
	c->title = xstrdup("c");
	axis_fit_whole(&c->x, 0, 1);
	axis_fit(&c->y, 0, 1);
	chart_put(chart_add(c, CHART_DOTS, CHART_DONE, NULL), 1, (double)NAN,
		  7);
	json = chart_json(&p);
	text = json_print(json_get(
	    cJSON_GetArrayItem(json_get(json, "charts"), 0), "series"));
	ck_assert_str_eq(text, "[{\"class\":\"done\",\"points\":[{\"trial\":7,"
			       "\"x\":1,\"y\":\"nan\"}]}]");
}
END_TEST

START_TEST(a_forecast_is_drawn_aside_and_keeps_its_true_step)
{
	auto_plot struct plot p = { 0 };
	auto_json cJSON *json = NULL;
	auto_free char *text = NULL;
	struct chart *c = plot_add(&p);
	struct chart_series *s =
	    chart_add(c, CHART_FORECAST, CHART_RUNNING, NULL);

	p.title = xstrdup("t");
	c->title = xstrdup("c");
	axis_fit(&c->x, 0, 20);
	axis_fit(&c->y, 0, 1);
	chart_put(s, 4, 0.5, 7);
	chart_put(s, 10, 0.25, 7);
	s->points[1].low = 0;
	s->points[1].high = 0.5;
	s->points[1].aside = 5;
	ck_assert_double_eq(chart_x(c, &s->points[1]), 0.75);
	json = chart_json(&p);
	text = json_print(json_get(
	    cJSON_GetArrayItem(json_get(json, "charts"), 0), "series"));
	ck_assert_str_eq(
	    text,
	    "[{\"class\":\"running\",\"points\":["
	    "{\"trial\":7,\"x\":4,\"y\":0.5},"
	    "{\"trial\":7,\"x\":10,\"y\":0.25,\"low\":0,\"high\":0.5}]}]");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("chart");
	TCase *tc = tcase_create("chart");

	tcase_add_test(tc, ticks_are_round);
	tcase_add_test(tc,
		       ticks_of_logarithms_are_powers_of_ten_or_few_between);
	tcase_add_test(tc, whole_numbers_have_no_ticks_between_them);
	tcase_add_test(tc, neighbours_far_from_0_are_told_apart);
	tcase_add_test(tc, probabilities_have_ticks_near_both_ends);
	tcase_add_test(tc, an_axis_of_one_value_has_room_around_it);
	tcase_add_test(tc, any_range_has_few_finite_ticks);
	tcase_add_test(tc, what_is_no_number_changes_no_axis);
	tcase_add_test(tc, losses_over_decades_have_logarithms);
	tcase_add_test(tc, far_out_values_on_the_bad_side_are_left_out);
	tcase_add_test(tc, the_best_is_never_left_out);
	tcase_add_test(tc, strewn_points_stay_near_their_place);
	tcase_add_test(tc, a_legend_names_each_thing_once);
	tcase_add_test(tc, svg_escapes_all_texts);
	tcase_add_test(tc, json_holds_true_values);
	tcase_add_test(tc, a_forecast_is_drawn_aside_and_keeps_its_true_step);
	suite_add_tcase(s, tc);
	return s;
}
