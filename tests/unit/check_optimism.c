#include "check_main.h"
#include "search/optimism.h"
#include "spec_of.h"

#include "schema/mem.h"

#include <string.h>

#define TRIALS 40
#define AXIS   "{\"type\": \"float\", \"min\": 0, \"max\": 1}"

/* Two axes, and a third one where the choice is 2. */
#define PARAMETERS                                                             \
	"\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"c\": {\"type\": \"choice\", \"values\": [1, 2]},"                   \
	"\"z\": {\"type\": \"float\", \"min\": 0, \"max\": 1, "                \
	"\"when\": {\"c\": 2}}"

/* Where trials are: all at one place, or at two in turn. */
struct place {
	double x, y, c, z;
};

static double optimism_in(const char *parameters, const struct evidence *v)
{
	struct search_spec *spec = spec_of(parameters, "\"type\": \"gp\"");
	struct encoding e;
	double value;

	encoding_init(&e, spec->space);
	value = optimism(&e, v, v->results.n);
	encoding_fini(&e);
	search_free(spec);
	return value;
}

/* By @n results; those at @good are better than those at @bad. */
static double optimism_of(size_t n, struct place good, struct place bad)
{
	struct evidence v = { .d = 4 };
	double x[TRIALS][4], score[TRIALS];

	for (size_t k = 0; k < n; k++) {
		struct place p = k % 2 == 0 ? good : bad;

		memcpy(x[k], (double[]){ p.x, p.y, p.c, p.z }, sizeof(x[k]));
		score[k] = k % 2 == 0 ? 1 : 2;
	}
	v.results = (struct points){ .n = n, .x = x[0] };
	v.score = score;
	return optimism_in(PARAMETERS, &v);
}

static const struct place inside = { 0.4, 0.5, 0, 0.5 };
static const struct place at_one_end = { 0.4, 1, 0, 0.5 };
static const struct place in_a_corner = { 0, 1, 0, 0.5 };

START_TEST(where_the_best_results_lie_inside_there_is_none)
{
	ck_assert_double_eq(optimism_of(20, inside, in_a_corner), 0);
	ck_assert_double_eq(optimism_of(0, inside, inside), 0);
}
END_TEST

START_TEST(the_more_of_the_best_lie_at_an_end_the_more_there_is)
{
	double some = optimism_of(20, at_one_end, inside);
	double most = optimism_of(20, in_a_corner, inside);

	ck_assert_double_gt(some, 0);
	ck_assert_double_eq_tol(most, 2 * some, 1e-12);
}
END_TEST

START_TEST(an_inactive_parameter_is_at_no_end_and_does_not_count)
{
	struct place active = { 0, 1, 1, 0.5 };
	double without = optimism_of(20, in_a_corner, inside);

	ck_assert_double_eq_tol(optimism_of(20, active, inside),
				without * 2 / 3, 1e-12);
}
END_TEST

/* Of a search with @n axes, whose one result lies in a corner. */
static double optimism_on(size_t n)
{
	auto_free char *all = xasprintf("\"x0\": %s", AXIS);
	double x[32] = { 0 }, score = 1;
	struct evidence v = { .d = n };

	v.results = (struct points){ .n = 1, .x = x };
	v.score = &score;
	for (size_t i = 1; i < n; i++) {
		auto_free char *shorter = all;

		all = xasprintf("%s, \"x%zu\": %s", shorter, i, AXIS);
	}
	return optimism_in(all, &v);
}

START_TEST(where_the_search_stays_near_the_best_there_is_none)
{
	ck_assert_double_gt(optimism_on(15), 0.9);
	ck_assert_double_eq(optimism_on(16), 0);
}
END_TEST

START_TEST(it_fades_with_the_number_of_results)
{
	double few = optimism_of(6, in_a_corner, in_a_corner);
	double more = optimism_of(36, in_a_corner, in_a_corner);

	ck_assert_double_lt(few, 1);
	ck_assert_double_lt(more, few);
	ck_assert_double_eq_tol(few, 1 - 6 / 40., 1e-12);
	ck_assert_double_eq_tol(more, 1 - 36 / 40., 1e-12);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("optimism");
	TCase *tc = tcase_create("optimism");

	tcase_add_test(tc, where_the_best_results_lie_inside_there_is_none);
	tcase_add_test(tc,
		       the_more_of_the_best_lie_at_an_end_the_more_there_is);
	tcase_add_test(tc,
		       an_inactive_parameter_is_at_no_end_and_does_not_count);
	tcase_add_test(tc, where_the_search_stays_near_the_best_there_is_none);
	tcase_add_test(tc, it_fades_with_the_number_of_results);
	suite_add_tcase(s, tc);
	return s;
}
