#include "check_main.h"
#include "curves.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <string.h>

static cJSON *thinned(size_t points, size_t n, double value_of(size_t i))
{
	struct curves *c = curves_new(points);
	cJSON *list;

	for (size_t i = 0; i < n; i++)
		curves_add(c, 7, (int64_t)i, value_of(i));
	list = curves_take(c);
	curves_free(c);
	return list;
}

static double spike(size_t i)
{
	return i == 4321 ? 50 : i == 1234 ? -3 : 1;
}

static double broken(size_t i)
{
	return i == 700 ? (double)NAN : (double)i;
}

START_TEST(a_short_curve_stays_whole)
{
	auto_json cJSON *list = thinned(10, 3, broken);
	auto_free char *text = json_print(list);

	ck_assert_str_eq(
	    text, "[{\"trial\":7,\"steps\":[0,1,2],\"values\":[0,1,2]}]");
}
END_TEST

START_TEST(each_trial_has_a_curve_of_its_own)
{
	struct curves *c = curves_new(10);
	auto_json cJSON *list = NULL;
	auto_free char *text = NULL;

	curves_add(c, 0, 5, 0.5);
	curves_add(c, 2, 1, -(double)INFINITY);
	list = curves_take(c);
	curves_free(c);
	text = json_print(list);
	ck_assert_str_eq(text,
			 "[{\"trial\":0,\"steps\":[5],\"values\":[0.5]},"
			 "{\"trial\":2,\"steps\":[1],\"values\":[\"-inf\"]}]");
}
END_TEST

START_TEST(a_long_curve_keeps_its_ends_and_its_extremes)
{
	auto_json cJSON *list = thinned(20, 10000, spike);
	const cJSON *curve = cJSON_GetArrayItem(list, 0);
	const cJSON *steps = json_get(curve, "steps"), *step;
	auto_free char *values = json_print(json_get(curve, "values"));
	double before = -1;

	ck_assert_int_le(cJSON_GetArraySize(steps), 20);
	ck_assert_int_eq(cJSON_GetArrayItem(steps, 0)->valueint, 0);
	cJSON_ArrayForEach (step, steps) {
		ck_assert(step->valuedouble > before);
		before = step->valuedouble;
	}
	ck_assert_int_eq((int)before, 9999);
	ck_assert_ptr_nonnull(strstr(values, ",50,"));
	ck_assert_ptr_nonnull(strstr(values, ",-3,"));
}
END_TEST

START_TEST(what_is_no_number_is_kept)
{
	auto_json cJSON *list = thinned(20, 1000, broken);
	auto_free char *text = json_print(list);

	ck_assert_ptr_nonnull(strstr(text, "\"nan\""));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("curves");
	TCase *tc = tcase_create("curves");

	tcase_add_test(tc, a_short_curve_stays_whole);
	tcase_add_test(tc, each_trial_has_a_curve_of_its_own);
	tcase_add_test(tc, a_long_curve_keeps_its_ends_and_its_extremes);
	tcase_add_test(tc, what_is_no_number_is_kept);
	suite_add_tcase(s, tc);
	return s;
}
