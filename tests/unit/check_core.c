/*
 * What tests/sim does not come to. Rows of a database that something has
 * damaged: what makes no sense is answered, with words, and what was loaded of
 * its search goes. Commands and news at their limits.
 */
#include "check_main.h"
#include "core/core.h"

#include "schema/limits.h"
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

static const struct moment now = { .now_ms = 1000000, .boot_ms = 5000 };

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

/* With its words in `said`. */
static int step(struct event ev)
{
	ev.at = now;
	diag_free(&said);
	said = DIAG_INIT;
	return core_step(core, &ev, &fx, &said);
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

	core_start(core, &now, &fx);
	for (size_t i = 0; i < fx.n; i++)
		ck_assert_int_ne(fx.list[i].type, FX_ADOPT);
}
END_TEST

/* --- commands and news ---------------------------------------------------- */

START_TEST(a_command_for_a_search_that_is_not_held_is_answered)
{
	ck_assert_int_eq(step((struct event){ .type = EV_PAUSE, .search = 9 }),
			 CORE_NOT_FOUND);
	ck_assert_said("there is no search 9");
	ck_assert_uint_eq(fx.n, 0);
}
END_TEST

START_TEST(news_of_an_attempt_that_is_over_change_nothing)
{
	static const enum event_type news[] = {
		EV_SPAWNED, EV_SPAWN_FAILED, EV_OUTPUT,
		EV_ENDED,   EV_ADOPTED,      EV_TERMINATED,
	};
	struct event ev = { .type = news[_i], .trial = 10, .attempt = 1 };

	ck_assert_int_eq(load_search(1, NULL), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(load_trial(i, TRIAL_DONE, "{\"x\":1}"), 0);
	ck_assert_int_eq(step(ev), 0);
	for (size_t i = 0; i < fx.n; i++)
		ck_assert_int_ne(fx.list[i].type, FX_SAVE_ATTEMPT);
}
END_TEST

START_TEST(B8_F2_C2_what_may_pass_delays_a_launch)
{
	static const int errors[] = { EAGAIN, ENOMEM, EMFILE,
				      ENFILE, ENOSPC, EDQUOT };
	struct attempt_record r = attempt_row(10);
	struct event ev = {
		.type = EV_SPAWN_FAILED,
		.trial = 10,
		.attempt = 1,
		.spawn_failed = {errors[_i], "open"},
	};

	r.state = ATTEMPT_LAUNCHING;
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), 0);
	ck_assert_int_eq(step(ev), 0);
	ck_assert_int_ge(running(), 1);
	ck_assert_int_ne(core_next_deadline(core), INT64_MAX);
	ck_assert_int_gt(core_next_deadline(core), now.boot_ms);
}
END_TEST

START_TEST(I1_more_trials_than_there_may_be_are_refused)
{
	struct cell x = { .i = 1 };
	struct import_row row = { .config = &x, .state = TRIAL_FAILED };
	struct event ev = { .type = EV_EXTEND, .search = 1 };

	ck_assert_int_eq(load_search(1, NULL), 0);
	ev.extend.trials = LIMIT_TRIALS + 1;
	ck_assert_int_eq(step(ev), CORE_BAD_INPUT);
	ck_assert_said("1000001 must be more than the 5 that search s has, and "
		       "at most 1000000");
	ev.extend.trials = 5;
	ck_assert_int_eq(step(ev), CORE_BAD_INPUT);
	ev.extend.trials = LIMIT_TRIALS;
	ck_assert_int_eq(step(ev), 0);

	ev = (struct event){ .type = EV_IMPORT, .search = 1 };
	ev.import.rows = &row;
	ev.import.n = 1;
	ck_assert_int_eq(step(ev), CORE_CONFLICT);
	ck_assert_said("would have 1000001 trials (at most 1000000)");
}
END_TEST

/* More than there are slots: the configuration may have changed. */
START_TEST(A5_many_open_attempts_are_adopted_and_end)
{
	enum { N = 40 };
	struct outcome lost = { .kind = OUTCOME_REBOOTED };
	size_t adopted = 0;

	ck_assert_int_eq(load_search(1, NULL), 0);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(load_trial(i, TRIAL_RUNNING, "{\"x\":1}"), 0);
		ck_assert_int_eq(load_attempt(10 * (i + 1)), 0);
	}
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	for (size_t i = 0; i < fx.n; i++)
		adopted += fx.list[i].type == FX_ADOPT;
	ck_assert_uint_eq(adopted, N);
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(step((struct event){ .type = EV_ENDED,
						      .trial = 10 * (i + 1),
						      .attempt = 1,
						      .outcome = &lost }),
				 0);
	ck_assert_uint_eq(running(), 4); /* run again, as slots allow */
	effects_clear(&fx);
	core_settle(core);
	ck_assert_uint_eq(running(), 4);
}
END_TEST

static void add_steps(Suite *s)
{
	TCase *c = tcase_create("step");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_command_for_a_search_that_is_not_held_is_answered);
	tcase_add_loop_test(c, news_of_an_attempt_that_is_over_change_nothing,
			    0, 6);
	tcase_add_loop_test(c, B8_F2_C2_what_may_pass_delays_a_launch, 0, 6);
	tcase_add_test(c, I1_more_trials_than_there_may_be_are_refused);
	tcase_add_test(c, A5_many_open_attempts_are_adopted_and_end);
	suite_add_tcase(s, c);
}

Suite *suite(void)
{
	Suite *s = suite_create("core");
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
	add_steps(s);
	return s;
}
