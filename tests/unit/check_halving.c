#include "check_main.h"
#include "search/halving.h"

#include "schema/search.h"

static struct search_spec spec = {
	.metric = (char *)"loss",
	.budget = {.name = (char *)"epochs", .min = 3, .max = 81, .eta = 3},
	.runs = 4,
};

/* Whether the one with @value of @n scores is stopped. */
static bool is_stopped(const double *scores, size_t n, double value,
		       struct verdict *ret)
{
	struct sorted s = { 0 };

	*ret = (struct verdict){ 0 };
	for (size_t i = 0; i < n; i++)
		sorted_append(&s, scores[i]);
	sorted_finish(&s);
	halving_judge(&spec, 1, value, &s, ret);
	sorted_free(&s);
	return ret->stop;
}

START_TEST(one_in_eta_goes_on_and_who_is_as_good)
{
	static const struct {
		size_t n;
		double last; /* the worst that goes on */
	} cases[] = {
		{1,  1},
                { 2, 1},
                { 3, 1},
                { 5, 1},
		{ 6, 2},
                { 8, 2},
                { 9, 3},
	};
	static const double scores[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t k = 0; k < cases[i].n; k++) {
			struct verdict v;

			ck_assert(
			    is_stopped(scores, cases[i].n, scores[k], &v) ==
			    (scores[k] > cases[i].last));
			verdict_free(&v);
		}
	}
}
END_TEST

START_TEST(equals_go_on_together)
{
	static const double scores[] = { 1, 1, 1, 1, 2 };
	struct verdict v;

	ck_assert(!is_stopped(scores, 5, 1, &v));
	ck_assert(is_stopped(scores, 5, 2, &v));
	verdict_free(&v);
}
END_TEST

START_TEST(who_is_stopped_is_told_why_in_its_own_numbers)
{
	static const double scores[] = { -6, -5, -4, -3, -2, -1 };
	struct verdict v;

	spec.goal = GOAL_MAXIMIZE;
	ck_assert(!is_stopped(scores, 6, 5, &v));
	ck_assert(is_stopped(scores, 6, 4, &v));
	ck_assert_str_eq(v.reason, "asha@9");
	ck_assert_str_eq(
	    v.text, "stopped after the run with epochs = 9 by the asha rule: "
		    "its loss 4 is worse than 5, the worst of the 2 kept of 6 "
		    "trials with so much");
	ck_assert_str_eq(v.data, "{\"rule\":\"asha\",\"metric\":\"loss\","
				 "\"budget\":9,\"value\":4,\"limit\":5,"
				 "\"trials\":6,\"kept\":2}");
	verdict_free(&v);
	spec.goal = GOAL_MINIMIZE;
}
END_TEST

START_TEST(of_a_command_that_resumes_the_others_wait)
{
	static const double scores[] = { 1, 2, 3, 4, 5, 6 };
	struct verdict v;

	spec.resumes = true;
	ck_assert(is_stopped(scores, 2, 1, &v)); /* one in 3, of 2: none */
	ck_assert_str_eq(v.reason, "paused@9");
	ck_assert_str_eq(v.text,
			 "waits after the run with epochs = 9: one in 3 goes "
			 "on, and so far 2 had as much");
	ck_assert_str_eq(v.data, "{\"rule\":\"asha\",\"metric\":\"loss\","
				 "\"budget\":9,\"value\":1,\"trials\":2,"
				 "\"kept\":0}");
	verdict_free(&v);
	ck_assert(!is_stopped(scores, 6, 2, &v));
	ck_assert(is_stopped(scores, 6, 3, &v));
	ck_assert_str_eq(v.reason, "paused@9");
	ck_assert_str_eq(
	    v.text, "waits after the run with epochs = 9: its loss 3 is worse "
		    "than 2, the worst of the 2 that go on of 6 trials with so "
		    "much");
	verdict_free(&v);
	spec.resumes = false;
}
END_TEST

START_TEST(a_bracket_begins_with_more_and_gets_its_share_of_the_trials)
{
	/* Of 4 brackets, eta 3: ceil(4 3^(3-s) / (4-s)), Hyperband's table. */
	static const double share[] = { 27, 12, 6, 4 };
	int64_t counts[4] = { 0 };
	const int64_t n = 49000;
	struct verdict v;

	ck_assert_int_eq(halving_first(&spec, 17), 0);
	spec.budget.has_brackets = true;
	for (int64_t k = 0; k < n; k++) {
		int64_t first = halving_first(&spec, k);

		ck_assert_int_lt(first, 4);
		ck_assert_int_eq(first, halving_first(&spec, k));
		counts[first]++;
	}
	for (int s = 0; s < 4; s++)
		ck_assert_double_eq_tol((double)counts[s] / (double)n,
					share[s] / 49, 0.01);
	ck_assert(is_stopped((double[]){ 1, 2, 3 }, 3, 2, &v));
	ck_assert_str_eq(v.reason, "hyperband@9");
	ck_assert_str_eq(
	    v.text, "stopped after the run with epochs = 9 by the hyperband "
		    "rule: its loss 2 is worse than 1, the worst of the 1 kept "
		    "of 3 trials with so much in its bracket");
	verdict_free(&v);
	spec.budget.has_brackets = false;
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("halving");
	TCase *tc = tcase_create("halving");

	suite_add_tcase(s, tc);
	tcase_add_test(tc, one_in_eta_goes_on_and_who_is_as_good);
	tcase_add_test(tc, equals_go_on_together);
	tcase_add_test(tc, of_a_command_that_resumes_the_others_wait);
	tcase_add_test(
	    tc, a_bracket_begins_with_more_and_gets_its_share_of_the_trials);
	tcase_add_test(tc, who_is_stopped_is_told_why_in_its_own_numbers);
	return s;
}
