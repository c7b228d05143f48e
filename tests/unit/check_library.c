/* The library as a program sees it: by its own header and archive alone. */
#include "check_main.h"

#include "schema/names.h"

#include <hpsd-search.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X_0_1 "\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1}"
#define K_1_3 "\"k\": {\"type\": \"int\", \"min\": 1, \"max\": 3}"
#define MIXED                                                                  \
	X_0_1 ", " K_1_3                                                       \
	      ", \"opt\": {\"type\": \"choice\", \"values\": [\"sgd\", "       \
	      "\"adam\"]}, \"momentum\": {\"type\": \"float\", \"min\": 0, "   \
	      "\"max\": 0.99, \"when\": {\"opt\": \"sgd\"}}, \"odd\": "        \
	      "{\"type\": \"choice\", \"values\": [true, null, 2, 0.5, "       \
	      "\"2\"]}, \"epochs\": {\"value\": 30}"

/* The values of MIXED that have one type each. */
#define SGD                                                                    \
	"{\"x\":0.1,\"k\":2,\"opt\":\"sgd\",\"momentum\":0.5,\"odd\":true,"    \
	"\"epochs\":30}"
#define ADAM "{\"x\":1e-05,\"k\":3,\"opt\":\"adam\",\"odd\":2,\"epochs\":30}"

static struct hps_search *opened(const char *json)
{
	struct hps_search *s = hps_open(json);

	ck_assert_pstr_eq(hps_error(s), NULL);
	return s;
}

/* A search of @parameters; @more begins with a comma or is empty. */
static struct hps_search *search_of(const char *parameters, const char *more)
{
	char json[2048];

	snprintf(json, sizeof(json), "{\"parameters\": {%s}%s}", parameters,
		 more);
	return opened(json);
}

static struct hps_search *search_by(const char *parameters, const char *sampler)
{
	char more[256];

	snprintf(more, sizeof(more), ", \"sampler\": {\"type\": \"%s\"}",
		 sampler);
	return search_of(parameters, more);
}

#define assert_error(s, text) ck_assert_pstr_eq(hps_error(s), text)

/* --- open -------------------------------------------------------------------
 */

START_TEST(parameters_alone_make_a_search)
{
	struct hps_search *s = opened("{\"parameters\": {" X_0_1 "}}");
	double x = -1;

	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert(hps_get_double(s, 0, "x", &x));
	ck_assert(x >= 0 && x <= 1);
	hps_close(s);
}
END_TEST

START_TEST(a_whole_search_file_makes_one_too)
{
	struct hps_search *s = opened(
	    "{\"name\": \"digits\", \"command\": [\"./train\", \"{args}\"], "
	    "\"metric\": {\"name\": \"loss\", \"goal\": \"maximize\"}, "
	    "\"parameters\": {" X_0_1 "}, \"trials\": 2, \"parallel\": 4, "
	    "\"early_stopping\": {\"type\": \"none\"}}");

	ck_assert_int_eq(hps_ask(s), 0);
	hps_close(s);
}
END_TEST

START_TEST(a_broken_search_tells_every_fault_and_goes_on_doing_so)
{
	struct hps_search *s = hps_open(
	    "{\"parameters\": {\"x\": {\"type\": \"float\", \"min\": 2, "
	    "\"max\": 1}},\n\"sampler\": {\"type\": \"sobel\"}}");
	struct hps_prediction p;
	double value;
	int64_t i;

	ck_assert_ptr_nonnull(strstr(hps_error(s),
				     "1:47: parameters.x.min: is 2 (must be at "
				     "most \"max\", 1)\n2:21: sampler.type: is "
				     "\"sobel\""));
	ck_assert_int_eq(hps_ask(s), -1);
	ck_assert_int_eq(hps_add(s, "{\"x\": 1}", HPS_DONE, 1), -1);
	ck_assert(!hps_tell(s, 0, HPS_DONE, 1));
	ck_assert_ptr_null(hps_params(s, 0));
	ck_assert(!hps_get_double(s, 0, "x", &value));
	ck_assert(!hps_get_int(s, 0, "x", &i));
	ck_assert_ptr_null(hps_get_text(s, 0, "x"));
	ck_assert_int_eq(hps_best(s, NULL), -1);
	ck_assert(!hps_predict(s, "{\"x\": 1}", &p));
	ck_assert_ptr_null(hps_explain(s));
	ck_assert_ptr_nonnull(strstr(hps_error(s), "2:21: sampler.type"));
	hps_close(s);
}
END_TEST

START_TEST(no_text_at_all_is_a_fault_too)
{
	struct hps_search *s = hps_open(_i == 0 ? NULL : "");

	ck_assert_ptr_nonnull(hps_error(s));
	hps_close(s);
	hps_close(NULL);
}
END_TEST

/* --- ask, add, tell ---------------------------------------------------------
 */

START_TEST(trials_are_numbered_as_they_are_asked_for_and_added)
{
	struct hps_search *s = search_of(X_0_1, "");

	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert_int_eq(hps_add(s, "{\"x\": 0.25}", HPS_RUNNING, 0), 1);
	ck_assert_int_eq(hps_ask(s), 2);
	ck_assert_str_eq(hps_params(s, 1), "{\"x\":0.25}");
	hps_close(s);
}
END_TEST

START_TEST(what_was_proposed_can_be_added_to_another_search)
{
	struct hps_search *a =
	    search_by(MIXED, sampler_type_name((enum sampler_type)_i));
	struct hps_search *b = search_of(MIXED, "");

	for (int64_t i = 0; i < 20; i++) {
		ck_assert_int_eq(hps_ask(a), i);
		ck_assert_int_eq(
		    hps_add(b, hps_params(a, i), HPS_DONE, (double)i), i);
		ck_assert_str_eq(hps_params(a, i), hps_params(b, i));
		ck_assert(hps_tell(a, i, HPS_DONE, (double)i));
	}
	hps_close(a);
	hps_close(b);
}
END_TEST

START_TEST(a_finite_space_is_tried_to_its_end_without_repeats)
{
	struct hps_search *s =
	    search_by(K_1_3, sampler_type_name((enum sampler_type)_i));
	bool tried[4] = { 0 };
	int64_t k;

	ck_assert_int_eq(hps_add(s, "{\"k\": 2}", HPS_DONE, 1), 0);
	tried[2] = true;
	for (int64_t trial = 1; trial < 3; trial++) {
		ck_assert_int_eq(hps_ask(s), trial);
		ck_assert(hps_get_int(s, trial, "k", &k));
		ck_assert(k >= 1 && k <= 3 && !tried[k]);
		tried[k] = true;
		ck_assert(hps_tell(s, trial, HPS_DONE, (double)k));
	}
	ck_assert_int_eq(hps_ask(s), -1);
	assert_error(s, NULL);
	hps_close(s);
}
END_TEST

START_TEST(what_start_lists_comes_first_unless_it_was_added)
{
	struct hps_search *s =
	    search_of(X_0_1, ", \"start\": [{\"x\": 0.25}, {\"x\": 0.5}]");

	ck_assert_int_eq(hps_add(s, "{\"x\": 0.25}", HPS_DONE, 1), 0);
	ck_assert_int_eq(hps_ask(s), 1);
	ck_assert_str_eq(hps_params(s, 1), "{\"x\":0.5}");
	ck_assert_ptr_null(hps_explain(s));
	assert_error(s, NULL);
	ck_assert_int_eq(hps_ask(s), 2);
	ck_assert_ptr_nonnull(hps_explain(s));
	ck_assert(strcmp(hps_params(s, 2), "{\"x\":0.5}") != 0);
	hps_close(s);
}
END_TEST

START_TEST(no_more_is_proposed_than_trials_says)
{
	struct hps_search *s = search_of(X_0_1, ", \"trials\": 2");

	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert_int_eq(hps_ask(s), 1);
	ck_assert_int_eq(hps_ask(s), -1);
	assert_error(s, NULL);
	ck_assert_int_eq(hps_add(s, "{\"x\": 0.5}", HPS_DONE, 1), 2);
	hps_close(s);
}
END_TEST

START_TEST(equal_searches_propose_the_same)
{
	const char *sampler = sampler_type_name((enum sampler_type)_i);
	struct hps_search *a = search_by(MIXED, sampler);
	struct hps_search *b = search_by(MIXED, sampler);

	for (int64_t i = 0; i < 15; i++) {
		double value = i % 5 == 3 ? (double)NAN : cos((double)i);

		ck_assert_int_eq(hps_ask(a), i);
		ck_assert_int_eq(hps_ask(b), i);
		ck_assert_str_eq(hps_params(a, i), hps_params(b, i));
		ck_assert_str_eq(hps_explain(a), hps_explain(b));
		ck_assert(hps_tell(a, i, HPS_DONE, value));
		ck_assert(hps_tell(b, i, HPS_DONE, value));
	}
	hps_close(a);
	hps_close(b);
}
END_TEST

START_TEST(a_trial_that_is_not_there_cannot_be_told_or_read)
{
	struct hps_search *s = search_of(X_0_1, "");
	double x;

	ck_assert(!hps_tell(s, 0, HPS_DONE, 1));
	assert_error(s, "trial: is 0 (none was asked for yet)");
	ck_assert_int_eq(hps_ask(s), 0);
	assert_error(s, NULL);
	ck_assert(!hps_tell(s, -1, HPS_DONE, 1));
	assert_error(s, "trial: is -1 (must be from 0 to 0)");
	ck_assert_ptr_null(hps_params(s, INT64_MAX));
	assert_error(s, "trial: is 9223372036854775807 (must be from 0 to 0)");
	ck_assert(!hps_get_double(s, 1, "x", &x));
	assert_error(s, "trial: is 1 (must be from 0 to 0)");
	hps_close(s);
}
END_TEST

START_TEST(a_fate_that_is_none_is_refused)
{
	struct hps_search *s = search_of(X_0_1, "");
	const enum hps_fate none = (enum hps_fate)_i;

	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert(!hps_tell(s, 0, none, 1));
	ck_assert_ptr_nonnull(hps_error(s));
	ck_assert_int_eq(hps_add(s, "{\"x\": 0.5}", none, 1), -1);
	ck_assert_ptr_nonnull(hps_error(s));
	ck_assert_int_eq(hps_ask(s), 1);
	hps_close(s);
}
END_TEST

static const struct {
	const char *params;
	const char *error;
} broken[] = {
	{NULL,		    NULL					 },
	{ "{\"x\": 1",            NULL					 },
	{ "[1]",		  "is [1] (must be an object, as {\"x\": ...})"},
	{ "{}",		   "x: is missing (it is active here)"          },
	{ "{\"x\": 2}",           "x: is 2 (must be a number from 0 to 1)"     },
	{ "{\"x\": 1, \"y\": 1}", "y: is no parameter of this search"          },
};

START_TEST(broken_parameters_are_refused_with_their_fault)
{
	struct hps_search *s = search_of(X_0_1, "");
	struct hps_prediction p;

	ck_assert_int_eq(hps_add(s, broken[_i].params, HPS_DONE, 1), -1);
	if (broken[_i].error != NULL)
		assert_error(s, broken[_i].error);
	ck_assert_ptr_nonnull(hps_error(s));
	ck_assert(!hps_predict(s, broken[_i].params, &p));
	ck_assert_ptr_nonnull(hps_error(s));
	ck_assert_int_eq(hps_best(s, NULL), -1);
	assert_error(s, NULL);
	hps_close(s);
}
END_TEST

/* --- values -----------------------------------------------------------------
 */

START_TEST(each_type_of_value_is_read_by_its_own_function)
{
	struct hps_search *s = search_of(MIXED, "");
	double x = 0;
	int64_t k = 0;

	ck_assert_int_eq(hps_add(s, SGD, HPS_RUNNING, 0), 0);
	ck_assert_int_eq(hps_add(s, ADAM, HPS_RUNNING, 0), 1);
	ck_assert_str_eq(hps_params(s, 0), SGD);
	ck_assert_str_eq(hps_params(s, 1), ADAM);
	ck_assert(hps_get_double(s, 1, "x", &x) && x == 1e-5);
	ck_assert(hps_get_double(s, 1, "k", &x) && x == 3);
	ck_assert(hps_get_double(s, 1, "odd", &x) && x == 2);
	ck_assert(hps_get_int(s, 1, "k", &k) && k == 3);
	ck_assert(hps_get_int(s, 1, "odd", &k) && k == 2);
	ck_assert(hps_get_int(s, 1, "epochs", &k) && k == 30);
	ck_assert_pstr_eq(hps_get_text(s, 0, "opt"), "sgd");
	ck_assert_pstr_eq(hps_get_text(s, 0, "odd"), "true");
	hps_close(s);
}
END_TEST

START_TEST(a_value_of_another_type_is_an_error)
{
	struct hps_search *s = search_of(MIXED, "");
	double x;
	int64_t k;

	ck_assert_int_eq(hps_add(s, SGD, HPS_RUNNING, 0), 0);
	ck_assert(!hps_get_double(s, 0, "opt", &x));
	assert_error(s, "opt: is \"sgd\", which is no number");
	ck_assert(!hps_get_int(s, 0, "x", &k));
	assert_error(s, "x: is 0.1, which is no whole number");
	ck_assert_ptr_null(hps_get_text(s, 0, "k"));
	assert_error(s, "k: is 2, which is no text");
	hps_close(s);
}
END_TEST

START_TEST(an_inactive_parameter_is_no_error_and_a_slip_of_the_pen_is)
{
	struct hps_search *s = search_of(MIXED, "");
	double x = 7;
	int64_t k = 7;

	ck_assert_int_eq(hps_add(s, ADAM, HPS_RUNNING, 0), 0);
	ck_assert(!hps_get_double(s, 0, "momentum", &x) && x == 7);
	assert_error(s, NULL);
	ck_assert(!hps_get_double(s, 0, "momentun", &x));
	assert_error(s, "momentun: is no parameter of this search");
	ck_assert(!hps_get_int(s, 0, NULL, &k));
	ck_assert_ptr_nonnull(hps_error(s));
	hps_close(s);
}
END_TEST

START_TEST(texts_of_trials_stay_until_the_end)
{
	struct hps_search *s = search_of(MIXED, "");
	const char *params, *opt;

	ck_assert_int_eq(hps_add(s, SGD, HPS_RUNNING, 0), 0);
	params = hps_params(s, 0);
	opt = hps_get_text(s, 0, "opt");
	for (int i = 1; i < 100; i++) {
		ck_assert_int_eq(hps_ask(s), i);
		ck_assert_ptr_nonnull(hps_params(s, i));
	}
	ck_assert_str_eq(params, SGD);
	ck_assert_str_eq(opt, "sgd");
	hps_close(s);
}
END_TEST

/* --- best -------------------------------------------------------------------
 */

START_TEST(the_best_is_the_first_finite_one_that_the_goal_likes_most)
{
	static const struct {
		enum hps_fate fate;
		double value;
	} trials[] = {
		{HPS_DONE,     2                },
		{ HPS_DONE,    (double)NAN      },
		{ HPS_DONE,    (double)INFINITY },
		{ HPS_DONE,    -(double)INFINITY},
		{ HPS_PRUNED,  -99              },
		{ HPS_PRUNED,  99               },
		{ HPS_FAILED,  -99              },
		{ HPS_UNKNOWN, 99               },
		{ HPS_RUNNING, -99              },
		{ HPS_DONE,    1                },
		{ HPS_DONE,    1                },
		{ HPS_DONE,    2                },
	};
	struct hps_search *s = search_of(
	    X_0_1, _i == 0 ? "" : ", \"metric\": {\"goal\": \"maximize\"}");
	double value = 0;

	ck_assert_int_eq(hps_best(s, &value), -1);
	assert_error(s, NULL);
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		ck_assert_int_eq(hps_ask(s), (int64_t)i);
		ck_assert(
		    hps_tell(s, (int64_t)i, trials[i].fate, trials[i].value));
	}
	ck_assert_int_eq(hps_best(s, NULL), _i == 0 ? 9 : 0);
	ck_assert_int_eq(hps_best(s, &value), _i == 0 ? 9 : 0);
	ck_assert(value == (_i == 0 ? 1 : 2));
	hps_close(s);
}
END_TEST

START_TEST(the_last_word_on_a_trial_counts)
{
	struct hps_search *s = search_of(X_0_1, "");
	double value = 0;

	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert_int_eq(hps_ask(s), 1);
	ck_assert(hps_tell(s, 0, HPS_DONE, 1));
	ck_assert(hps_tell(s, 1, HPS_DONE, 2));
	ck_assert(hps_tell(s, 0, HPS_DONE, 3));
	ck_assert_int_eq(hps_best(s, &value), 1);
	ck_assert(hps_tell(s, 1, HPS_FAILED, 0));
	ck_assert_int_eq(hps_best(s, &value), 0);
	ck_assert(value == 3);
	hps_close(s);
}
END_TEST

/* --- reasons ----------------------------------------------------------------
 */

START_TEST(a_sequence_gives_its_reason_and_predicts_nothing)
{
	struct hps_search *s = search_by(X_0_1, "sobol");
	struct hps_prediction p;

	ck_assert_ptr_null(hps_explain(s));
	assert_error(s, NULL);
	ck_assert_int_eq(hps_ask(s), 0);
	ck_assert_pstr_eq(
	    hps_explain(s),
	    "{\"why\":\"design\",\"observations\":0,\"pending\":0}");
	ck_assert(!hps_predict(s, "{\"x\": 0.5}", &p));
	assert_error(s, NULL);
	hps_close(s);
}
END_TEST

/* Tells 20 points of a valley whose bottom is at x = 0.3. */
static void dig_valley(struct hps_search *s)
{
	for (int64_t i = 0; i < 20; i++) {
		double x = 0;

		ck_assert_int_eq(hps_ask(s), i);
		ck_assert(hps_get_double(s, i, "x", &x));
		ck_assert(hps_tell(s, i, x > 0.8 ? HPS_FAILED : HPS_DONE,
				   (x - 0.3) * (x - 0.3)));
	}
}

START_TEST(a_model_says_what_it_expects)
{
	struct hps_search *s = search_by(X_0_1, "gp");
	struct hps_prediction bottom, slope, failing;

	ck_assert(!hps_predict(s, "{\"x\": 0.5}", &bottom));
	assert_error(s, NULL);
	dig_valley(s);
	ck_assert(hps_predict(s, "{\"x\": 0.3}", &bottom));
	ck_assert(hps_predict(s, "{\"x\": 0.7}", &slope));
	ck_assert(hps_predict(s, "{\"x\": 0.99}", &failing));
	ck_assert(bottom.low <= bottom.mean && bottom.mean <= bottom.high);
	ck_assert(fabs(bottom.mean) < 0.01);
	ck_assert(slope.mean > 0.05);
	ck_assert(failing.feasible < 0.5 && bottom.feasible > 0.5);
	hps_close(s);
}
END_TEST

START_TEST(a_model_says_why_it_chose)
{
	struct hps_search *s = search_by(X_0_1, "gp");

	dig_valley(s);
	ck_assert_ptr_nonnull(strstr(hps_explain(s), "\"why\":\"model\""));
	ck_assert_ptr_nonnull(strstr(hps_explain(s), "\"mean\":"));
	ck_assert_ptr_nonnull(strstr(hps_explain(s), "\"nearest\":["));
	ck_assert_ptr_nonnull(strstr(hps_explain(s), "\"relevance\":{"));
	hps_close(s);
}
END_TEST

/* --- threads ----------------------------------------------------------------
 */

struct thread_run {
	const char *sampler;
	char params[40][256];
};

static void *run_search(void *arg)
{
	struct thread_run *r = arg;
	struct hps_search *s = search_by(MIXED, r->sampler);

	for (int64_t i = 0; i < 40; i++) {
		double x = 0;

		hps_ask(s);
		hps_get_double(s, i, "x", &x);
		hps_tell(s, i, HPS_DONE, (x - 0.3) * (x - 0.3));
		strncpy(r->params[i], hps_params(s, i), 255);
	}
	hps_close(s);
	return NULL;
}

START_TEST(searches_in_different_threads_do_not_meet)
{
	const char *sampler = sampler_type_name((enum sampler_type)_i);
	struct thread_run *runs = calloc(5, sizeof(*runs));
	pthread_t threads[4];

	for (int i = 0; i < 5; i++)
		runs[i].sampler = sampler;
	run_search(&runs[4]);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, run_search, &runs[i]), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_mem_eq(runs[i].params, runs[4].params,
				 sizeof(runs[4].params));
	}
	free(runs);
}
END_TEST

START_TEST(population_based_training_is_left_to_the_daemon)
{
	struct hps_search *s = hps_open(
	    "{\"parameters\": {\"x\": {\"type\": \"float\", \"min\": 0, "
	    "\"max\": 1}}, \"sampler\": {\"type\": \"pbt\"}, \"budget\": "
	    "{\"name\": \"epochs\", \"min\": 1, \"max\": 9}}");

	ck_assert_str_eq(hps_error(s),
			 "sampler.type: is \"pbt\" (only the daemon copies "
			 "the checkpoints that its trials go on from)");
	ck_assert_int_eq(hps_ask(s), -1);
	hps_close(s);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("library");
	TCase *tc = tcase_create("library");
	const int first = SAMPLER_GRID + 1; /* a grid needs levels */
	const int n = SAMPLER_PBT;          /* which is for the daemon */

	tcase_add_test(tc, parameters_alone_make_a_search);
	tcase_add_test(tc, a_whole_search_file_makes_one_too);
	tcase_add_test(tc,
		       a_broken_search_tells_every_fault_and_goes_on_doing_so);
	tcase_add_test(tc, population_based_training_is_left_to_the_daemon);
	tcase_add_loop_test(tc, no_text_at_all_is_a_fault_too, 0, 2);
	tcase_add_test(tc, trials_are_numbered_as_they_are_asked_for_and_added);
	tcase_add_loop_test(
	    tc, what_was_proposed_can_be_added_to_another_search, first, n);
	tcase_add_loop_test(
	    tc, a_finite_space_is_tried_to_its_end_without_repeats, 0, n);
	tcase_add_test(tc, what_start_lists_comes_first_unless_it_was_added);
	tcase_add_test(tc, no_more_is_proposed_than_trials_says);
	tcase_add_loop_test(tc, equal_searches_propose_the_same, first, n);
	tcase_add_test(tc, a_trial_that_is_not_there_cannot_be_told_or_read);
	tcase_add_loop_test(tc, a_fate_that_is_none_is_refused, HPS_UNKNOWN + 1,
			    HPS_UNKNOWN + 3);
	tcase_add_loop_test(tc, broken_parameters_are_refused_with_their_fault,
			    0, 6);
	tcase_add_test(tc, each_type_of_value_is_read_by_its_own_function);
	tcase_add_test(tc, a_value_of_another_type_is_an_error);
	tcase_add_test(
	    tc, an_inactive_parameter_is_no_error_and_a_slip_of_the_pen_is);
	tcase_add_test(tc, texts_of_trials_stay_until_the_end);
	tcase_add_loop_test(
	    tc, the_best_is_the_first_finite_one_that_the_goal_likes_most, 0,
	    2);
	tcase_add_test(tc, the_last_word_on_a_trial_counts);
	tcase_add_test(tc, a_sequence_gives_its_reason_and_predicts_nothing);
	tcase_add_test(tc, a_model_says_what_it_expects);
	tcase_add_test(tc, a_model_says_why_it_chose);
	tcase_add_loop_test(tc, searches_in_different_threads_do_not_meet,
			    first, n);
	suite_add_tcase(s, tc);
	return s;
}
