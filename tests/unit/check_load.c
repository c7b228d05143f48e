/*
 * Rows of a database that something has damaged: what makes no sense is
 * answered, with words, and what was loaded of its search goes.
 */
#include "check_main.h"
#include "core/core.h"

#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BOOT "00000000-0000-0000-0000-000000000001"

static struct core *core;
static struct effects fx;
static struct diag said;

static const char spec_text[] =
    "{\"name\":\"s\",\"command\":[\"true\"],\"metric\":{\"name\":\"loss\"},"
    "\"parameters\":{\"x\":{\"type\":\"int\",\"min\":0,\"max\":99}},"
    "\"sampler\":{\"type\":\"random\",\"seed\":1},"
    "\"early_stopping\":{\"type\":\"median\"},\"trials\":5}";

static struct search_record search_row(int64_t id)
{
	struct search_record r = {
		.id = id,
		.state = SEARCH_RUNNING,
		.trials_max = 5,
		.boot_id = BOOT,
	};

	r.name = xstrdup("s");
	r.key = xstrdup("k");
	r.spec = xstrdup(spec_text);
	r.workdir = xstrdup("/");
	r.environ = xstrdup("[\"A=1\",2,\"B=3\"]");
	r.metric = xstrdup("loss");
	return r;
}

static void free_row(struct search_record *r)
{
	free(r->name);
	free(r->key);
	free(r->spec);
	free(r->workdir);
	free(r->environ);
	free(r->metric);
}

static int load_search(int64_t id, const char *spec)
{
	struct search_record r = search_row(id);
	int e;

	if (spec != NULL) {
		free(r.spec);
		r.spec = xstrdup(spec);
	}
	e = core_load_search(core, &r, &said);
	free_row(&r);
	return e;
}

static struct trial_record trial_row(int64_t number, enum trial_state state)
{
	return (struct trial_record){
		.id = 10 * (number + 1),
		.search = 1,
		.number = number,
		.state = state,
		.cursor = (uint64_t)number,
		.attempts = 1,
	};
}

static int load_trial(int64_t number, enum trial_state state,
		      const char *params)
{
	struct trial_record r = trial_row(number, state);
	char text[64];

	if (params != NULL) {
		(void)strcpy(text, params);
		r.params = text;
	}
	return core_load_trial(core, &r, &said);
}

static struct attempt_record attempt_row(int64_t trial)
{
	return (struct attempt_record){
		.trial = trial,
		.number = 1,
		.state = ATTEMPT_RUNNING,
		.token = "00112233445566778899aabbccddeeff",
		.boot_id = BOOT,
		.pid = 4711,
	};
}

static int load_attempt(int64_t trial)
{
	struct attempt_record r = attempt_row(trial);

	return core_load_attempt(core, 1, &r, &said);
}

static void ck_assert_said(const char *words)
{
	auto_free char *text = diag_text(&said, NULL);

	ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not said in: %s",
		      words, text);
}

static void set_up(void)
{
	struct core_options options = { .slots = 4, .boot_id = BOOT };

	core = core_new(&options);
	fx = (struct effects){ 0 };
	said = DIAG_INIT;
}

static void tear_down(void)
{
	effects_free(&fx);
	core_free(core);
	diag_free(&said);
}

static size_t running(void)
{
	struct core_load load;

	core_load_now(core, &load);
	return (size_t)load.running;
}

/* --- tests ---------------------------------------------------------------- */

START_TEST(C10_a_search_file_that_is_none_is_answered)
{
	ck_assert_int_eq(load_search(1, "{\"name\":"), -EBADMSG);
	ck_assert(!core_has_search(core, 1));
}
END_TEST

START_TEST(C10_parameters_that_are_none_are_answered)
{
	static const char *const wrong[] = { NULL, "{\"x\":", "{\"x\":100}",
					     "{}", "[]" };

	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_QUEUED, wrong[_i]), -EBADMSG);
	ck_assert_said("trial 0 of search s cannot be read");
}
END_TEST

START_TEST(C10_a_trial_that_is_missing_is_answered)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_QUEUED, "{\"x\":1}"), 0);
	ck_assert_int_eq(load_trial(2, TRIAL_QUEUED, "{\"x\":2}"), -EBADMSG);
	ck_assert_said("search s lacks trial 1");
}
END_TEST

START_TEST(C10_an_attempt_that_makes_no_sense_is_answered)
{
	struct attempt_record r = attempt_row(10);

	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	r.offset = -1;
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), -EBADMSG);
	ck_assert_said("no token or a negative offset");
	r.offset = 0;
	r.token[0] = '\0';
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), -EBADMSG);
	ck_assert_uint_eq(running(), 0);
}
END_TEST

START_TEST(C10_an_attempt_of_no_running_trial_is_answered)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(load_trial(1, TRIAL_QUEUED, "{\"x\":2}"), 0);
	ck_assert_int_eq(load_attempt(15), -EBADMSG); /* between two trials */
	ck_assert_int_eq(load_attempt(99), -EBADMSG); /* after the last */
	ck_assert_int_eq(load_attempt(20), -EBADMSG); /* queued */
	ck_assert_int_eq(load_attempt(10), 0);
	ck_assert_int_eq(load_attempt(10), -EBADMSG); /* it has one */
	ck_assert_said("belongs to no running trial");
	ck_assert_uint_eq(running(), 1);
}
END_TEST

START_TEST(an_attempt_that_is_over_is_not_kept)
{
	struct attempt_record r = attempt_row(10);

	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_DONE, "{\"x\":1}"), 0);
	r.state = ATTEMPT_ENDED;
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), 0);
	ck_assert_uint_eq(running(), 0);
}
END_TEST

START_TEST(C10_a_value_of_no_trial_is_answered)
{
	struct metric_record m = {
		.name = "loss",
		.step = 1,
		.kind = VALUE_FINITE,
		.value = 1,
	};

	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_DONE, "{\"x\":1}"), 0);
	ck_assert_int_eq(core_load_value(core, 1, 10, &m), 0);
	ck_assert_int_eq(core_load_value(core, 1, 11, &m), -EBADMSG);
}
END_TEST

/* With its open attempts and what was replayed of it; others stay. */
START_TEST(C10_what_was_loaded_of_a_broken_search_goes)
{
	struct metric_record m = {
		.name = "loss",
		.step = 1,
		.kind = VALUE_NAN,
	};
	struct moment at = { .now_ms = 1, .boot_ms = 1 };

	ck_assert_int_eq(load_search(2, NULL), 0);
	core_load_end(core, 2);
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(load_trial(1, TRIAL_RUNNING, "{\"x\":2}"), 0);
	ck_assert_int_eq(load_attempt(10), 0);
	ck_assert_int_eq(load_attempt(20), 0);
	ck_assert_int_eq(core_load_value(core, 1, 10, &m), 0);
	ck_assert_uint_eq(running(), 2);
	core_unload(core, 1);
	ck_assert_uint_eq(running(), 0);
	ck_assert(!core_has_search(core, 1));
	ck_assert(core_has_search(core, 2));

	core_start(core, &at, &fx);
	for (size_t i = 0; i < fx.n; i++)
		ck_assert_int_ne(fx.list[i].type, FX_ADOPT);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("load");
	TCase *c = tcase_create("load");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, C10_a_search_file_that_is_none_is_answered);
	tcase_add_loop_test(c, C10_parameters_that_are_none_are_answered, 0, 5);
	tcase_add_test(c, C10_a_trial_that_is_missing_is_answered);
	tcase_add_test(c, C10_an_attempt_that_makes_no_sense_is_answered);
	tcase_add_test(c, C10_an_attempt_of_no_running_trial_is_answered);
	tcase_add_test(c, an_attempt_that_is_over_is_not_kept);
	tcase_add_test(c, C10_a_value_of_no_trial_is_answered);
	tcase_add_test(c, C10_what_was_loaded_of_a_broken_search_goes);
	suite_add_tcase(s, c);
	return s;
}
