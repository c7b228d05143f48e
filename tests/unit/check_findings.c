#include "check_main.h"
#include "draw.h"
#include "spec_of.h"
#include "why/findings.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LR, UNITS, X, OPT, FLAG, EPOCHS, AXES };

#define TRIALS 1000

static const char space[] =
    "\"lr\": {\"type\": \"float\", \"min\": 0.00001, \"max\": 10, "
    "\"scale\": \"log\"}, "
    "\"units\": {\"type\": \"int\", \"min\": 8, \"max\": 256, "
    "\"scale\": \"log\"}, "
    "\"x\": {\"type\": \"float\", \"min\": 1, \"max\": 3}, "
    "\"opt\": {\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\", "
    "\"d\"]}, "
    "\"flag\": {\"type\": \"choice\", \"values\": [true, false]}, "
    "\"epochs\": {\"value\": 30}";

static struct search_spec *spec;
static struct cell configs[TRIALS][AXES];
static double scores[TRIALS];
static struct trial_facts facts[TRIALS];
static struct search_facts search;
static struct findings found;

static double draw_unit(void)
{
	return (double)draw(1000000) / 1000000;
}

/* A search of @n random trials, whose results are noise. */
static void draw_search(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cell *c = configs[i];

		c[LR].f = pow(10, 6 * draw_unit() - 5);
		c[UNITS] = param_snap(&spec->space->params[UNITS],
				      8 * pow(32, draw_unit()));
		c[X].f = 1 + 2 * draw_unit();
		c[OPT].i = draw(4);
		c[FLAG].i = draw(2);
		space_activate(spec->space, c);
		scores[i] = 10 + draw_unit();
		facts[i] = (struct trial_facts){ .number = (int64_t)i };
	}
	search = (struct search_facts){
		.results = {spec->space, configs[0], scores, n},
		.facts = facts,
		.n = n,
		.metric = "loss",
		.goal = GOAL_MINIMIZE,
	};
}

static void setup(void)
{
	spec = spec_of(space, "\"type\": \"random\"");
	draw_state = 1;
	draw_search(100);
}

static void teardown(void)
{
	findings_fini(&found);
	search_free(spec);
}

static const struct finding *find(const char *kind)
{
	findings_fini(&found);
	findings_find(&search, &found);
	for (size_t i = 0; i < found.n; i++) {
		if (strcmp(found.list[i].kind, kind) == 0)
			return &found.list[i];
	}
	return NULL;
}

#define must_find(kind)                                                        \
	__extension__({                                                        \
		const struct finding *f_ = find(kind);                         \
		ck_assert_ptr_nonnull(f_);                                     \
		f_;                                                            \
	})

static double log_distance(size_t trial, double lr)
{
	return fabs(log10(configs[trial][LR].f / lr));
}

static void set(size_t trial, enum symptom_kind kind, bool is_so)
{
	facts[trial].symptoms = is_so ? 1U << kind : 0;
}

static double change_of(const struct finding *f, const char *member)
{
	return json_get_number(f->change, member, (double)NAN);
}

START_TEST(noise_is_seldom_taken_for_a_finding)
{
	static const char *const names[] = { "symptom", "edge", "wide",
					     "choice", "interaction" };
	size_t n[5] = { 0 };

	for (size_t k = 0; k < 200; k++) {
		draw_search(100);
		for (size_t i = 0; i < 100; i++)
			set(i, (enum symptom_kind)draw(NAMES_SYMPTOMS_N), true);
		for (size_t kind = 0; kind < 5; kind++)
			n[kind] += find(names[kind]) != NULL;
	}
	/* 5 % of 200 and three standard deviations */
	for (size_t kind = 0; kind < 5; kind++)
		ck_assert_msg(n[kind] <= 19, "%s: %zu", names[kind], n[kind]);
}
END_TEST

START_TEST(a_rate_above_which_trials_diverge_is_found)
{
	const struct finding *f;
	size_t above = 0, below = 0;

	for (size_t i = 0; i < 100; i++) {
		bool is_high = configs[i][LR].f > 0.03;

		set(i, SYMPTOM_DIVERGED, is_high && i % 10 != 0);
		scores[i] = is_high ? (double)INFINITY : 1 + draw_unit();
		above += is_high;
		below += !is_high;
	}
	f = must_find("symptom");
	ck_assert_str_eq(json_get_text(f->data, "symptom"), "diverged");
	ck_assert_str_eq(json_get_text(f->data, "parameter"), "lr");
	ck_assert_int_eq(json_get_integer(f->data, "trials", 0),
			 (int64_t)above);
	ck_assert_int_eq(json_get_integer(f->data, "others", 0),
			 (int64_t)below);
	ck_assert_int_eq(json_get_integer(f->data, "other_hits", -1), 0);
	ck_assert_double_eq_tol(change_of(f, "max"), 0.03, 0.005);
	ck_assert_ptr_nonnull(strstr(f->text, "diverged"));
	ck_assert_ptr_nonnull(strstr(f->advice, "leave out lr above"));
}
END_TEST

/* As the header counts them. */
START_TEST(weak_symptoms_of_healthy_trials_are_not_counted)
{
	uint32_t healthy = 1U << SYMPTOM_HEALTHY;

	for (size_t i = 0; i < 100; i++)
		set(i, SYMPTOM_STILL_IMPROVING, configs[i][LR].f > 0.03);
	for (size_t i = 0; i < 100; i++)
		scores[i] -= configs[i][LR].f > 0.03 ? 5 : 0;
	ck_assert_ptr_nonnull(find("symptom"));
	ck_assert_ptr_nonnull(find("longer"));
	for (size_t i = 0; i < 100; i++)
		facts[i].symptoms |= healthy;
	ck_assert_ptr_null(find("symptom"));
	ck_assert_ptr_null(find("longer"));
}
END_TEST

START_TEST(what_the_best_have_is_not_left_out)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++) {
		bool is_high = configs[i][LR].f > 0.03;

		set(i, SYMPTOM_OSCILLATING, is_high);
		scores[i] = (is_high ? 1 : 2) + draw_unit();
	}
	f = must_find("symptom");
	ck_assert_ptr_null(f->change);
	ck_assert_ptr_nonnull(strstr(f->advice, "keep it"));
}
END_TEST

START_TEST(what_is_not_fatal_is_told_where_to_go)
{
	static const char *const advice[] = {
		"raise units above 30", "lower units to 30 or less",
		"try other values of opt than c"
	};

	for (int k = 0; k < 3; k++) {
		for (size_t i = 0; i < 100; i++) {
			bool is_low = draw(2) == 0;
			bool is_there = k == 2 ? configs[i][OPT].i == 2
					       : is_low == (k == 0);

			configs[i][UNITS].i = (is_low ? 20 : 50) + draw(5);
			set(i, SYMPTOM_OVERFITTING, is_there);
			scores[i] = (is_there ? 2 : 1) + draw_unit();
		}
		ck_assert_str_eq(must_find("symptom")->advice, advice[k]);
		ck_assert_ptr_null(found.list[0].change);
	}
}
END_TEST

START_TEST(a_value_at_the_end_of_a_range_is_named_alone)
{
	for (int is_high = 0; is_high < 2; is_high++) {
		for (size_t i = 0; i < 100; i++) {
			int64_t away = i % 4 == 0 ? 0 : 1 + (int64_t)(i % 7);

			configs[i][UNITS].i = is_high ? 256 - away : 8 + away;
			set(i, SYMPTOM_OSCILLATING, away == 0);
			scores[i] = 10 + draw_unit();
		}
		ck_assert_ptr_nonnull(
		    strstr(must_find("symptom")->text,
			   is_high ? "units = 256 " : "units = 8 "));
	}
}
END_TEST

START_TEST(a_choice_with_which_trials_fail_is_found)
{
	const struct finding *f;
	size_t n = 0;

	for (size_t i = 0; i < 100; i++) {
		struct cell swap[AXES];

		/* Trials without a result come last. */
		if (configs[i][OPT].i != 2 || i + n >= 100)
			continue;
		n++;
		memcpy(swap, configs[i], sizeof(swap));
		memcpy(configs[i], configs[100 - n], sizeof(swap));
		memcpy(configs[100 - n], swap, sizeof(swap));
		facts[100 - n].has_failed = true;
		i--;
	}
	search.results.n = 100 - n;
	f = must_find("symptom");
	ck_assert_str_eq(json_get_text(f->data, "symptom"), "failed");
	ck_assert_str_eq(json_get_text(f->data, "value"), "c");
	ck_assert_int_eq(json_get_integer(f->data, "hits", 0), (int64_t)n);
	ck_assert_str_eq(json_get_text(f->change, "without"), "c");
}
END_TEST

START_TEST(few_cases_are_no_claim)
{
	for (size_t i = 0; i < 100; i++)
		set(i, SYMPTOM_DIVERGED, i < FINDINGS_GROUP - 1);
	for (size_t i = 0; i < FINDINGS_GROUP - 1; i++)
		configs[i][LR].f = 10;
	ck_assert_ptr_null(find("symptom"));
}
END_TEST

START_TEST(the_best_at_an_end_widen_the_range)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++)
		scores[i] = log_distance(i, 10) + 0.1 * draw_unit();
	f = must_find("edge");
	ck_assert_str_eq(json_get_text(f->change, "parameter"), "lr");
	ck_assert_double_eq(change_of(f, "max"), 100);
	ck_assert(isnan(change_of(f, "min")));
	for (size_t i = 0; i < 100; i++)
		scores[i] = configs[i][X].f;
	f = must_find("edge");
	ck_assert_str_eq(json_get_text(f->change, "parameter"), "x");
	ck_assert_double_eq(change_of(f, "min"), 0);
	for (size_t i = 0; i < 100; i++)
		scores[i] = -(double)configs[i][UNITS].i;
	f = must_find("edge");
	ck_assert_int_eq((int64_t)change_of(f, "max"), 1024);
}
END_TEST

START_TEST(a_range_that_is_too_wide_is_narrowed)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++)
		scores[i] = log_distance(i, 0.01) + 0.1 * draw_unit();
	f = must_find("wide");
	ck_assert_str_eq(json_get_text(f->change, "parameter"), "lr");
	ck_assert_double_lt(change_of(f, "min"), 0.01);
	ck_assert_double_gt(change_of(f, "min"), 0.001);
	ck_assert_double_gt(change_of(f, "max"), 0.01);
	ck_assert_double_lt(change_of(f, "max"), 0.1);
	ck_assert_ptr_null(find("edge"));
}
END_TEST

START_TEST(a_choice_that_never_wins_is_left_out)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++)
		scores[i] += configs[i][OPT].i == 3 ? 0.7 : 0;
	f = must_find("choice");
	ck_assert_str_eq(json_get_text(f->data, "value"), "d");
	ck_assert_str_eq(json_get_text(f->change, "without"), "d");
	for (size_t i = 0; i < 100; i++)
		scores[i] += configs[i][OPT].i == 3 ? (double)INFINITY : 0;
	f = must_find("choice");
	ck_assert_ptr_nonnull(strstr(f->text, "came to a result"));
}
END_TEST

START_TEST(a_parameter_that_depends_on_another_is_told)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++) {
		bool flag = configs[i][FLAG].i == 0;

		scores[i] = log_distance(i, flag ? 1e-4 : 1) + draw_unit();
	}
	f = must_find("interaction");
	ck_assert_str_eq(json_get_text(f->data, "parameter"), "lr");
	ck_assert_str_eq(json_get_text(f->data, "with"), "flag");
	ck_assert_int_eq(cJSON_GetArraySize(json_get(f->data, "medians")), 4);
	ck_assert_ptr_null(f->change);
}
END_TEST

START_TEST(a_sum_of_effects_is_no_interaction)
{
	for (size_t i = 0; i < 100; i++)
		scores[i] =
		    log10(configs[i][LR].f) + 3 * configs[i][X].f + draw_unit();
	ck_assert_ptr_null(find("interaction"));
}
END_TEST

START_TEST(longer_runs_are_advised_where_the_best_still_improve)
{
	const struct finding *f;

	for (size_t i = 0; i < 100; i++)
		set(i, SYMPTOM_STILL_IMPROVING, scores[i] < 10.2);
	f = must_find("longer");
	ck_assert_str_eq(json_get_text(f->change, "parameter"), "epochs");
	ck_assert_int_eq((int64_t)change_of(f, "value"), 60);
	for (size_t i = 0; i < 100; i++)
		set(i, SYMPTOM_STILL_IMPROVING, scores[i] > 10.2);
	ck_assert_ptr_null(find("longer"));
}
END_TEST

START_TEST(noise_that_is_larger_than_the_differences_is_told)
{
	const struct finding *f;

	ck_assert_ptr_null(find("noise"));
	for (size_t i = 0; i < 100; i += 2)
		memcpy(configs[i + 1], configs[i], sizeof(configs[0]));
	f = must_find("noise");
	ck_assert_double_eq_tol(json_get_number(f->data, "noise", 0), 0.3,
				0.15);
	for (size_t i = 0; i < 100; i++)
		scores[i] = (double)(i / 2) + 0.1 * draw_unit();
	ck_assert_ptr_null(find("noise"));
}
END_TEST

START_TEST(an_end_that_is_no_better_than_what_lies_beside_is_left)
{
	/* The best are crowded there by chance, and so are the worst. */
	for (size_t i = 0; i < 100; i++) {
		bool is_end = i % 5 == 0;

		scores[i] = draw_unit() * (is_end ? 1 : 0.5) +
			    (is_end && i % 10 == 0 ? -1 : 0);
		configs[i][X].f =
		    is_end ? 2.9 + draw_unit() / 10 : 2.2 + draw_unit() / 2;
		if (is_end && i % 10 != 0)
			scores[i] += 1;
	}
	ck_assert_ptr_null(find("edge"));
}
END_TEST

START_TEST(ends_that_nature_sets_are_not_passed)
{
	struct param *x = &spec->space->params[X];

	x->min = 0;
	x->max = 1;
	for (size_t i = 0; i < 100; i++) {
		configs[i][X].f = draw_unit();
		scores[i] = configs[i][X].f;
	}
	ck_assert_ptr_null(find("edge"));
	for (size_t i = 0; i < 100; i++)
		scores[i] = -configs[i][X].f;
	ck_assert_ptr_null(find("edge"));
}
END_TEST

START_TEST(trials_of_a_sampler_that_learns_are_no_draws)
{
	for (size_t i = 0; i < 100; i++)
		scores[i] = log_distance(i, 0.01) +
			    (configs[i][OPT].i == 3 ? 3 : 0) +
			    0.1 * draw_unit();
	ck_assert_ptr_nonnull(find("wide"));
	ck_assert_ptr_nonnull(find("choice"));
	search.learns = true;
	ck_assert_ptr_null(find("wide"));
	ck_assert_ptr_null(find("choice"));
	ck_assert_ptr_null(find("interaction"));
}
END_TEST

/* The rank-sum test of the rate says 0.014. */
START_TEST(a_rate_is_tested_first_where_it_is_the_usual_cause)
{
	for (int usual = 1; usual >= 0; usual--) {
		enum symptom_kind kind =
		    usual ? SYMPTOM_STUCK_AT_START : SYMPTOM_UNDERFITTING;

		for (size_t i = 0; i < 100; i++) {
			configs[i][LR].f = pow(10, -4 + 0.04 * (double)i);
			set(i, kind, i % 13 == 5 || (i % 4 == 0 && i < 25));
		}
		ck_assert_msg((find("symptom") != NULL) == usual, "%d", usual);
	}
}
END_TEST

START_TEST(a_goal_to_maximize_is_told_in_its_own_values)
{
	const struct finding *f;

	search.goal = GOAL_MAXIMIZE;
	search.metric = "accuracy";
	for (size_t i = 0; i < 100; i++)
		scores[i] = -0.9 + (configs[i][OPT].i == 3 ? 0.5 : 0) +
			    0.1 * draw_unit();
	f = must_find("choice");
	ck_assert_ptr_nonnull(strstr(f->text, "accuracy 0.3"));
}
END_TEST

START_TEST(few_results_are_no_evidence)
{
	draw_search(FINDINGS_TRIALS - 1);
	for (size_t i = 0; i < search.n; i++)
		scores[i] = configs[i][LR].f;
	findings_fini(&found);
	findings_find(&search, &found);
	ck_assert_uint_eq(found.n, 0);
	search.n = search.results.n = 0;
	findings_find(&search, &found);
	ck_assert_uint_eq(found.n, 0);
}
END_TEST

START_TEST(findings_are_told_as_json)
{
	auto_json cJSON *list = NULL;

	for (size_t i = 0; i < 100; i++)
		scores[i] = log_distance(i, 0.01) + 0.1 * draw_unit();
	ck_assert_ptr_nonnull(find("wide"));
	list = findings_json(&found);
	ck_assert_int_eq(cJSON_GetArraySize(list), (int)found.n);
	for (int i = 0; i < cJSON_GetArraySize(list); i++) {
		const cJSON *one = cJSON_GetArrayItem(list, i);

		ck_assert_str_eq(json_get_text(one, "text"),
				 found.list[i].text);
		ck_assert_ptr_nonnull(json_get_text(one, "try"));
		ck_assert(cJSON_IsObject(json_get(one, "data")));
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("findings");
	TCase *tc = tcase_create("findings");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, noise_is_seldom_taken_for_a_finding);
	tcase_add_test(tc, a_rate_above_which_trials_diverge_is_found);
	tcase_add_test(tc, weak_symptoms_of_healthy_trials_are_not_counted);
	tcase_add_test(tc, what_the_best_have_is_not_left_out);
	tcase_add_test(tc, what_is_not_fatal_is_told_where_to_go);
	tcase_add_test(tc, a_value_at_the_end_of_a_range_is_named_alone);
	tcase_add_test(tc, a_choice_with_which_trials_fail_is_found);
	tcase_add_test(tc, few_cases_are_no_claim);
	tcase_add_test(tc, the_best_at_an_end_widen_the_range);
	tcase_add_test(tc, a_range_that_is_too_wide_is_narrowed);
	tcase_add_test(tc, a_choice_that_never_wins_is_left_out);
	tcase_add_test(tc, a_parameter_that_depends_on_another_is_told);
	tcase_add_test(tc, a_sum_of_effects_is_no_interaction);
	tcase_add_test(tc,
		       longer_runs_are_advised_where_the_best_still_improve);
	tcase_add_test(tc, noise_that_is_larger_than_the_differences_is_told);
	tcase_add_test(tc,
		       an_end_that_is_no_better_than_what_lies_beside_is_left);
	tcase_add_test(tc, ends_that_nature_sets_are_not_passed);
	tcase_add_test(tc, trials_of_a_sampler_that_learns_are_no_draws);
	tcase_add_test(tc, a_rate_is_tested_first_where_it_is_the_usual_cause);
	tcase_add_test(tc, a_goal_to_maximize_is_told_in_its_own_values);
	tcase_add_test(tc, few_results_are_no_evidence);
	tcase_add_test(tc, findings_are_told_as_json);
	return s;
}
