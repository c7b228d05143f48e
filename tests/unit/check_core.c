/*
 * What tests/sim does not come to. Rows of a database that something has
 * damaged: what makes no sense is answered, with words, and what was loaded of
 * its search goes. Commands and news at their limits.
 */
#include "check_main.h"
#include "core/core.h"
#include "search/sampler.h"

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

/* Frees @r. */
static int load_row(struct search_record *r, const char *spec)
{
	int e;

	if (spec != NULL) {
		free(r->spec);
		r->spec = xstrdup(spec);
	}
	e = core_load_search(core, r, &said);
	free_row(r);
	return e;
}

static int load_search(int64_t id, const char *spec)
{
	struct search_record r = search_row(id);

	return load_row(&r, spec);
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
		.tries = 1,
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
		.curve = 1,
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
	ck_assert_int_eq(core_load_value(core, 1, 10, 0, &m), 0);
	ck_assert_int_eq(core_load_value(core, 1, 11, 0, &m), -EBADMSG);
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
	ck_assert_int_eq(core_load_value(core, 1, 10, 0, &m), 0);
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

/* As when its own row could not be read; what others have open stays. */
START_TEST(C10_what_was_never_loaded_goes_too)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(load_attempt(10), 0);
	core_unload(core, 2);
	ck_assert(core_has_search(core, 1));
	ck_assert_uint_eq(running(), 1);
}
END_TEST

START_TEST(C10_an_environment_that_is_none_is_empty)
{
	struct search_record r = search_row(1);

	free(r.environ);
	r.environ = xstrdup("[\"A=1\"");
	ck_assert_int_eq(core_load_search(core, &r, &said), 0);
	free_row(&r);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	for (size_t i = 0; i < fx.n; i++)
		if (fx.list[i].type == FX_LAUNCH)
			ck_assert_ptr_null(fx.list[i].run.environ[0]);
	ck_assert_uint_eq(running(), 4);
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
		EV_SPAWNED, EV_SPAWN_FAILED, EV_OUTPUT, EV_ENDED,
		EV_ADOPTED, EV_TERMINATED,   EV_COPIED,
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

#define WITH_PARAMETERS_AND(parameters, more)                                  \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {" parameters "}}, " more "}"

/* Of a search with x = 0 and 1 behind it, and @cursor points of its sampler. */
static int extend_two(const char *spec, uint64_t cursor)
{
	struct event ev = { .type = EV_EXTEND, .search = 1 };
	struct search_record r = search_row(1);

	ev.extend.trials = 9;
	r.cursor = cursor;
	ck_assert_int_eq(load_row(&r, spec), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_DONE, "{\"x\":0}"), 0);
	ck_assert_int_eq(load_trial(1, TRIAL_DONE, "{\"x\":1}"), 0);
	return step(ev);
}

START_TEST(a_search_is_extended_while_it_has_configurations_left)
{
	ck_assert_int_eq(
	    extend_two(
		WITH_PARAMETERS_AND(
		    "\"type\": \"int\", \"min\": 0, \"max\": 2",
		    "\"sampler\": {\"type\": \"random\"}, \"trials\": 2"),
		2),
	    0);
}
END_TEST

START_TEST(a_search_without_further_configurations_is_not_extended)
{
	ck_assert_int_eq(
	    extend_two(
		WITH_PARAMETERS_AND(
		    "\"type\": \"int\", \"min\": 0, \"max\": 1",
		    "\"sampler\": {\"type\": \"random\"}, \"trials\": 2"),
		2),
	    CORE_CONFLICT);
	ck_assert_said("search s has all the trials it can have: every "
		       "configuration has been tried");
}
END_TEST

/* With duplicates a grid has each point once all the same: here two of them. */
static const char grid_text[] = WITH_PARAMETERS_AND(
    "\"type\": \"int\", \"min\": 0, \"max\": 1",
    "\"sampler\": {\"type\": \"grid\", \"allow_duplicates\": true}");

START_TEST(a_grid_with_duplicates_is_not_extended_beyond_its_end)
{
	ck_assert_int_eq(extend_two(grid_text, 2), CORE_CONFLICT);
	ck_assert_said("search s has all the trials it can have: every "
		       "configuration has been tried");
}
END_TEST

/* A user has added its second point, whose turn is still to come. */
START_TEST(a_grid_with_duplicates_is_extended_to_its_end)
{
	ck_assert_int_eq(extend_two(grid_text, 1), 0);
}
END_TEST

static enum search_state state(void)
{
	struct core_progress p;

	core_progress(core, 1, &now, &p);
	return p.search->state;
}

/* Of the boot before; max_time is less than its age. */
static void start_after_a_reboot(int64_t reopened_ms)
{
	static const char spec[] =
	    WITH_PARAMETERS_AND("\"type\": \"int\", \"min\": 0, \"max\": 9",
				"\"trials\": 2, \"max_time\": \"10m\"");
	struct search_record r = search_row(1);

	r.boot_id[0] = '1';
	r.reopened_ms = reopened_ms;
	ck_assert_int_eq(load_row(&r, spec), 0);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
}

START_TEST(max_time_goes_on_by_the_clock_over_a_reboot)
{
	start_after_a_reboot(0);
	ck_assert_int_eq(state(), SEARCH_FINISHED);
}
END_TEST

START_TEST(max_time_is_counted_from_when_the_search_was_set_going_again)
{
	start_after_a_reboot(now.now_ms - 100000);
	ck_assert_int_eq(state(), SEARCH_RUNNING);
}
END_TEST

/* Trial 4 fails as @n before it, which had ended at 2000 ms. */
static void fail_after(int64_t n, int64_t reopened_ms)
{
	struct search_record r = search_row(1);
	struct outcome o = { .kind = OUTCOME_EXITED, .code = 1 };

	r.reopened_ms = reopened_ms;
	ck_assert_int_eq(load_row(&r, NULL), 0);
	for (int64_t i = 0; i <= n; i++) {
		struct trial_record t =
		    trial_row(i, i < n ? TRIAL_FAILED : TRIAL_RUNNING);

		(void)strcpy(t.reason, i < n ? "exit:1" : "");
		t.ended_ms = i < n ? 2000 : 0;
		t.params = (char[]){ "{\"x\":1}" };
		ck_assert_int_eq(core_load_trial(core, &t, &said), 0);
	}
	ck_assert_int_eq(load_attempt(10 * (n + 1)), 0);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	ck_assert_int_eq(step((struct event){ .type = EV_ENDED,
					      .trial = 10 * (n + 1),
					      .attempt = 1,
					      .outcome = &o }),
			 0);
}

START_TEST(the_same_failures_again_and_again_fail_the_search)
{
	fail_after(4, 0);
	ck_assert_int_eq(state(), SEARCH_FAILED);
}
END_TEST

START_TEST(failures_before_the_search_was_set_going_again_do_not_count)
{
	fail_after(4, 3000);
	ck_assert_int_ne(state(), SEARCH_FAILED);
}
END_TEST

START_TEST(I1_no_trial_is_added_to_as_many_as_there_may_be)
{
	struct cell x = { .i = 1 };
	struct event ev = { .type = EV_ADD, .search = 1 };

	ck_assert_int_eq(load_search(1, NULL), 0);
	for (int i = 0; i < LIMIT_TRIALS; i++)
		ck_assert_int_eq(load_trial(i, TRIAL_DONE, "{\"x\":1}"), 0);
	ev.add.config = &x;
	ck_assert_int_eq(step(ev), CORE_CONFLICT);
	ck_assert_said("has all the trials it may");
	ck_assert_uint_eq(fx.n, 0);
}
END_TEST

/* With trial 0 open, as @state and @stop_reason say. */
static void load_open(enum attempt_state state, const char *stop_reason)
{
	struct attempt_record r = attempt_row(10);

	r.state = state;
	r.started_boot_ms = 1000;
	(void)strcpy(r.stop_reason, stop_reason);
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), 0);
	core_load_end(core, 1);
}

static size_t effects_of(enum effect_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < fx.n; i++)
		n += fx.list[i].type == type;
	return n;
}

/* The command of trial 10 could not be executed. */
static void end_with_error(int error)
{
	struct outcome o = {
		.kind = OUTCOME_NOT_EXECUTED,
		.error = error,
		.what = "execve",
	};

	ck_assert_int_eq(
	    step((struct event){
		.type = EV_ENDED, .trial = 10, .attempt = 1, .outcome = &o }),
	    0);
}

START_TEST(B8_F2_what_may_pass_in_a_shim_delays_its_trial)
{
	static const int errors[] = { EAGAIN, ENOMEM, EMFILE, ENFILE };

	load_open(ATTEMPT_RUNNING, "");
	end_with_error(errors[_i]);
	ck_assert_uint_eq(effects_of(FX_TRIAL_ENDED), 0);
	ck_assert_int_gt(core_next_deadline(core), now.boot_ms);
	ck_assert_int_ne(core_next_deadline(core), INT64_MAX);
}
END_TEST

START_TEST(B9_an_errno_without_a_name_has_its_reason)
{
	load_open(ATTEMPT_RUNNING, "");
	end_with_error(4000);
	ck_assert_uint_eq(effects_of(FX_TRIAL_ENDED), 1);
	for (size_t i = 0; i < fx.n; i++)
		if (fx.list[i].type == FX_TRIAL_ENDED)
			ck_assert_str_eq(fx.list[i].trial->reason,
					 "spawn:unknown");
}
END_TEST

/* The user's word comes between a restart and the news that it has ended. */
START_TEST(A4_what_was_killed_is_not_run_again_though_it_had_failed)
{
	static const struct {
		const char *spec; /* how many retries */
		enum trial_state state;
		const char *reason;
	} cases[] = {
		{"2",  TRIAL_CANCELLED, "user"    },
		{ "0", TRIAL_FAILED,    "signal:9"},
	};
	auto_free char *spec = xasprintf(
	    "{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "
	    "\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "
	    "\"max\": 9}}, \"trials\": 1, \"retries\": %s}",
	    cases[_i].spec);
	struct attempt_record r = attempt_row(10);
	struct outcome o = { .kind = OUTCOME_SIGNALED, .signal = 9 };
	size_t ends = 0;

	r.state = ATTEMPT_RUNNING;
	r.started_boot_ms = 1000;
	ck_assert_int_eq(load_search(1, spec), 0);
	ck_assert_int_eq(load_trial(0, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &r, &said), 0);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	ck_assert_int_eq(step((struct event){ .type = EV_KILL, .search = 1 }),
			 0);
	ck_assert_int_eq(
	    step((struct event){
		.type = EV_ENDED, .trial = 10, .attempt = 1, .outcome = &o }),
	    0);
	for (size_t i = 0; i < fx.n; i++) {
		if (fx.list[i].type == FX_LAUNCH)
			ck_assert_int_ne(fx.list[i].run.trial->id, 10);
		if (fx.list[i].type != FX_TRIAL_ENDED)
			continue;
		ends++;
		ck_assert_int_eq(fx.list[i].trial->state, cases[_i].state);
		ck_assert_str_eq(fx.list[i].trial->reason, cases[_i].reason);
	}
	ck_assert_uint_eq(ends, 1);
}
END_TEST

/* Of a record that makes no sense: a time before its start, or to come. */
START_TEST(A4_a_stop_is_asked_for_again_when_its_time_makes_no_sense)
{
	static const int64_t times[] = { 0, 999, 5001, INT64_MAX };
	struct event ev = { .type = EV_ADOPTED, .trial = 10, .attempt = 1 };

	load_open(ATTEMPT_STOPPING, "user");
	ev.adopted.term_ms = times[_i];
	ck_assert_int_eq(step(ev), 0);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 1);
	ck_assert_int_eq(core_next_deadline(core), INT64_MAX);
}
END_TEST

START_TEST(A4_what_was_to_be_stopped_before_it_ran_is_killed)
{
	load_open(ATTEMPT_LAUNCHING, "user");
	ck_assert_int_eq(step((struct event){
			     .type = EV_ADOPTED, .trial = 10, .attempt = 1 }),
			 0);
	ck_assert_uint_eq(effects_of(FX_KILL), 1);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 0);
}
END_TEST

/* The one of this @kind begins with @words. */
static void has_event(const char *kind, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < fx.n; i++) {
		const struct event_record *e = &fx.list[i].event;

		if (fx.list[i].type != FX_SAVE_EVENT ||
		    strcmp(e->kind, kind) != 0)
			continue;
		ck_assert_msg(strncmp(e->text, words, strlen(words)) == 0,
			      "%s: %s", kind, e->text);
		n++;
	}
	ck_assert_uint_eq(n, 1);
}

static double value_of_trial(void)
{
	double v = 0;

	for (size_t i = 0; i < fx.n; i++)
		if (fx.list[i].type == FX_SAVE_TRIAL)
			v = fx.list[i].trial->value;
	return v;
}

START_TEST(G8_what_the_reader_notes_becomes_an_event_without_a_value)
{
	static char words[] = "epoch gives no step";
	const struct reader_note note = { .line = 3, .words = words };
	struct event ev = { .type = EV_OUTPUT, .trial = 10, .attempt = 1 };

	load_open(ATTEMPT_RUNNING, "");
	ev.output.note = &note;
	ck_assert_int_eq(step(ev), 0);
	has_event("step", words);
}
END_TEST

/* Further steps are not kept, but the last one gives the result. */
START_TEST(I1_of_a_curve_that_is_full_the_last_step_is_the_last)
{
	struct metric_record m = { .name = "loss", .kind = VALUE_FINITE };
	struct event ev = { .type = EV_OUTPUT, .trial = 10, .attempt = 1 };

	load_open(ATTEMPT_RUNNING, "");
	for (int64_t i = 0; i < LIMIT_STEPS; i++) {
		m.step = 2 * i;
		m.value = 1;
		ck_assert_int_eq(core_load_value(core, 1, 10, 0, &m), 0);
	}
	core_load_end(core, 1);
	ev.output.metrics = &m;
	ev.output.n = 1;
	m.step = 3; /* between two, and there is no room */
	m.value = 2;
	ck_assert_int_eq(step(ev), 0);
	ck_assert_double_eq(value_of_trial(), 1);
	effects_clear(&fx);
	m.step = 2 * LIMIT_STEPS;
	m.value = 3;
	ck_assert_int_eq(step(ev), 0);
	ck_assert_double_eq(value_of_trial(), 3);
}
END_TEST

static void load_value(int64_t trial, int64_t run, double value)
{
	struct metric_record m = {
		.name = "loss",
		.step = 1,
		.kind = VALUE_FINITE,
		.value = value,
	};

	ck_assert_int_eq(core_load_value(core, 1, trial, run, &m), 0);
}

#define FOLDS                                                                  \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"trials\": 2, \"folds\": 2, \"early_stopping\": "      \
	"{\"type\": \"median\", \"min_steps\": 1, \"min_trials\": 1}}"

/* Trial 1 reports @value in its fold 1; trial 0 had 1 and 10. */
static void report_in_fold_1(double value)
{
	struct attempt_record a = attempt_row(20);
	struct trial_record done = trial_row(0, TRIAL_DONE);
	struct trial_record runs = trial_row(1, TRIAL_RUNNING);
	struct metric_record m = {
		.name = "loss",
		.step = 1,
		.kind = VALUE_FINITE,
		.value = value,
	};
	struct event ev = { .type = EV_OUTPUT, .trial = 20, .attempt = 1 };

	done.params = runs.params = (char[]){ "{\"x\":1}" };
	done.runs = 2;
	runs.runs = a.run = 1;
	a.started_boot_ms = 1000;
	ck_assert_int_eq(load_search(1, FOLDS), 0);
	ck_assert_int_eq(core_load_trial(core, &done, &said), 0);
	ck_assert_int_eq(core_load_trial(core, &runs, &said), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &a, &said), 0);
	load_value(10, 0, 1);
	load_value(10, 1, 10);
	load_value(20, 0, 5);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	effects_clear(&fx);
	ck_assert_int_eq(step((struct event){
			     .type = EV_ADOPTED, .trial = 20, .attempt = 1 }),
			 0);
	ev.output.metrics = &m;
	ev.output.n = 1;
	ck_assert_int_eq(step(ev), 0);
}

START_TEST(a_fold_is_compared_with_the_same_fold_of_others)
{
	report_in_fold_1(9);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 0);
}
END_TEST

START_TEST(a_fold_that_is_stopped_is_told)
{
	report_in_fold_1(11);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 1);
	for (size_t i = 0; i < fx.n; i++)
		if (fx.list[i].type == FX_SAVE_EVENT &&
		    strcmp(fx.list[i].event.kind, "stop") == 0)
			ck_assert_int_eq(strncmp(fx.list[i].event.text,
						 "run 1: stopped at step 1 ",
						 25),
					 0);
}
END_TEST

#define SECONDS                                                                \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"trials\": 2, \"early_stopping\": {\"type\": "         \
	"\"asha\", \"min_steps\": 9, \"resource\": \"seconds\"}}"

static void load_at(int64_t trial, int64_t step, int64_t run_ms, double value)
{
	struct metric_record m = {
		.name = "loss",
		.step = step,
		.kind = VALUE_FINITE,
		.value = value,
		.run_ms = run_ms,
	};

	ck_assert_int_eq(core_load_value(core, 1, trial, 0, &m), 0);
}

/*
 * Trial 0 had 2 in second 8 and 3 in second 9; its step 1 came late, at 20.
 * Trial 1 runs for 15 s and has reported in second 8.
 */
static void load_seconds(void)
{
	struct attempt_record a = attempt_row(20);
	struct trial_record done = trial_row(0, TRIAL_DONE);
	struct trial_record runs = trial_row(1, TRIAL_RUNNING);

	done.params = runs.params = (char[]){ "{\"x\":1}" };
	done.runs = 1;
	a.started_ms = now.now_ms - 15000;
	a.started_boot_ms = 1000;
	ck_assert_int_eq(load_search(1, SECONDS), 0);
	ck_assert_int_eq(core_load_trial(core, &done, &said), 0);
	ck_assert_int_eq(core_load_trial(core, &runs, &said), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &a, &said), 0);
	load_at(10, 1, 20000, 0.5);
	load_at(10, 2, 8000, 2);
	load_at(10, 3, 9000, 3);
	load_at(20, 1, 8000, 2.5);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	ck_assert_int_eq(step((struct event){
			     .type = EV_ADOPTED, .trial = 20, .attempt = 1 }),
			 0);
	effects_clear(&fx);
}

/* Trial 1 reports 4 at @now_ms; says when that was by what is saved. */
static void report_at(int64_t now_ms, int64_t *ret_time_ms, int64_t *ret_run_ms)
{
	struct metric_record m = { "loss", 2, VALUE_FINITE, 4, 0 };
	struct event ev = {
		.type = EV_OUTPUT,
		.at = {now_ms, now.boot_ms},
		.trial = 20,
		.attempt = 1
	};

	ev.output.metrics = &m;
	ev.output.n = 1;
	ck_assert_int_eq(core_step(core, &ev, &fx, &said), 0);
	ck_assert_uint_eq(effects_of(FX_SAVE_METRICS), 1);
	for (size_t i = 0; i < fx.n; i++) {
		if (fx.list[i].type != FX_SAVE_METRICS)
			continue;
		*ret_time_ms = fx.list[i].metrics.time_ms;
		*ret_run_ms = fx.list[i].metrics.rows[0].run_ms;
	}
}

START_TEST(a_loaded_trial_is_compared_by_its_seconds)
{
	int64_t time_ms, run_ms;

	load_seconds();
	report_at(now.now_ms, &time_ms, &run_ms);
	ck_assert_int_eq(time_ms, now.now_ms);
	ck_assert_int_eq(run_ms, 15000);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 1);
	for (size_t i = 0; i < fx.n; i++) {
		if (fx.list[i].type == FX_SAVE_EVENT)
			ck_assert_str_eq(
			    fx.list[i].event.text,
			    "stopped at second 15 by the asha rule: its best "
			    "loss 2.5 at rung 9 is worse than 2, the worst of "
			    "the 1 kept of 2 trials");
	}
}
END_TEST

START_TEST(a_clock_that_is_set_back_stands_still)
{
	int64_t time_ms, run_ms;

	load_seconds();
	report_at(now.now_ms - 14000, &time_ms, &run_ms);
	ck_assert_int_eq(time_ms, now.now_ms - 7000);
	ck_assert_int_eq(run_ms, 8000);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 0);
}
END_TEST

#define RESUMES                                                                \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"trials\": 2, \"resumes\": true, "                     \
	"\"early_stopping\": {\"type\": \"asha\", \"min_steps\": 1, "          \
	"\"max_steps\": 9, \"eta\": 2}}"

/* Trial 0 waits and is the better one of two; then the search is cancelled. */
static void cancel_what_waits(void)
{
	struct trial_record waits = trial_row(0, TRIAL_QUEUED);
	struct trial_record runs = trial_row(1, TRIAL_RUNNING);
	struct attempt_record a = attempt_row(10);

	(void)strcpy(waits.reason, "paused@1");
	waits.tries = 0;
	waits.params = runs.params = (char[]){ "{\"x\":1}" };
	ck_assert_int_eq(load_search(1, RESUMES), 0);
	ck_assert_int_eq(core_load_trial(core, &waits, &said), 0);
	ck_assert_int_eq(core_load_trial(core, &runs, &said), 0);
	a.state = ATTEMPT_ENDED;
	ck_assert_int_eq(core_load_attempt(core, 1, &a, &said), 0);
	ck_assert_int_eq(load_attempt(20), 0);
	load_value(10, 0, 1);
	load_value(20, 0, 2);
	core_load_end(core, 1);
	ck_assert_int_eq(step((struct event){ .type = EV_CANCEL, .search = 1 }),
			 0);
	ck_assert_uint_eq(effects_of(FX_TERMINATE), 1);
	effects_clear(&fx);
}

/* Of the second attempt of trial 0: the attempt that has its curve. */
static int64_t curve_launched(void)
{
	for (size_t i = 0; i < fx.n; i++)
		if (fx.list[i].type == FX_LAUNCH &&
		    fx.list[i].run.trial->number == 0)
			return fx.list[i].run.attempt->curve;
	return 0;
}

START_TEST(what_was_given_up_goes_on_with_its_curve_while_others_end)
{
	struct event ev = { .type = EV_EXTEND, .search = 1 };

	cancel_what_waits();
	ev.extend.trials = 5;
	ck_assert_int_eq(step(ev), 0);
	ck_assert_int_eq(curve_launched(), 1);
}
END_TEST

START_TEST(what_was_given_up_and_is_run_again_has_no_curve)
{
	cancel_what_waits();
	ck_assert_int_eq(step((struct event){ .type = EV_RETRY, .search = 1 }),
			 0);
	ck_assert_int_eq(curve_launched(), 2);
}
END_TEST

/* A trial that is yet to begin. */
static void load_fresh(int64_t number, enum origin origin)
{
	struct trial_record r = trial_row(number, TRIAL_QUEUED);

	r.origin = origin;
	r.attempts = r.tries = 0;
	r.params = (char[]){ "{\"x\":2}" };
	ck_assert_int_eq(core_load_trial(core, &r, &said), 0);
}

/* The number of the trial that is launched first; -1: none is. */
static int64_t first_launched(void)
{
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	for (size_t i = 0; i < fx.n; i++) {
		if (fx.list[i].type == FX_LAUNCH)
			return fx.list[i].run.trial->number;
	}
	return -1;
}

START_TEST(A1_what_was_added_comes_before_start_after_a_restart_too)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	load_fresh(0, ORIGIN_START);
	load_fresh(1, ORIGIN_START);
	load_fresh(2, ORIGIN_ADDED);
	ck_assert_int_eq(first_launched(), 2);
}
END_TEST

START_TEST(A1_start_is_in_its_order_after_a_restart_too)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	load_fresh(0, ORIGIN_START);
	load_fresh(1, ORIGIN_START);
	ck_assert_int_eq(first_launched(), 0);
}
END_TEST

START_TEST(what_waits_and_is_among_the_best_goes_on_before_start)
{
	struct trial_record waits = trial_row(0, TRIAL_QUEUED);
	struct trial_record done = trial_row(1, TRIAL_DONE);

	(void)strcpy(waits.reason, "paused@1");
	waits.tries = 0;
	waits.params = done.params = (char[]){ "{\"x\":1}" };
	ck_assert_int_eq(load_search(1, RESUMES), 0);
	ck_assert_int_eq(core_load_trial(core, &waits, &said), 0);
	ck_assert_int_eq(core_load_trial(core, &done, &said), 0);
	load_fresh(2, ORIGIN_START);
	load_value(10, 0, 1);
	load_value(20, 0, 2);
	ck_assert_int_eq(first_launched(), 0);
}
END_TEST

#define LEVELS                                                                 \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"trials\": 2, \"budget\": {\"name\": \"epochs\", "     \
	"\"min\": 1, \"max\": 2, \"eta\": 2}}"

/* Trial 1 has the worse one of two results with the least; or the only one. */
START_TEST(what_is_run_again_is_not_compared_with_by_what_it_had)
{
	struct outcome o = { .kind = OUTCOME_EXITED, .code = 0 };
	struct trial_record done = trial_row(0, TRIAL_DONE);
	bool is_launched = false;

	done.params = (char[]){ "{\"x\":1}" };
	done.runs = 2;
	ck_assert_int_eq(load_search(1, LEVELS), 0);
	ck_assert_int_eq(core_load_trial(core, &done, &said), 0);
	done = trial_row(1, TRIAL_RUNNING);
	done.params = (char[]){ "{\"x\":2}" };
	ck_assert_int_eq(core_load_trial(core, &done, &said), 0);
	ck_assert_int_eq(load_attempt(20), 0);
	load_value(10, 0, 1);
	load_value(10, 1, 1);
	load_value(20, 0, 2);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	if (_i == 0)
		ck_assert_int_eq(step((struct event){ .type = EV_RETRY,
						      .search = 1,
						      .number = 0 }),
				 0);
	effects_clear(&fx);
	ck_assert_int_eq(
	    step((struct event){
		.type = EV_ENDED, .trial = 20, .attempt = 1, .outcome = &o }),
	    0);
	for (size_t i = 0; i < fx.n; i++)
		is_launched |= fx.list[i].type == FX_LAUNCH &&
			       fx.list[i].run.trial->number == 1;
	ck_assert_int_eq(is_launched, _i == 0);
}
END_TEST

#define WAITS_BETWEEN                                                          \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"trials\": 2, \"resumes\": true, \"budget\": {"        \
	"\"name\": \"epochs\", \"min\": 1, \"max\": 4, \"eta\": 2}}"

/* Of a trial that says it waits after @runs runs. */
static int load_waiting(const char *spec, int64_t runs)
{
	struct trial_record t = trial_row(0, TRIAL_QUEUED);
	int r;

	(void)strcpy(t.reason, "paused@1");
	t.tries = 0;
	t.runs = runs;
	t.params = (char[]){ "{\"x\":1}" };
	ck_assert_int_eq(load_search(1, spec), 0);
	r = core_load_trial(core, &t, &said);
	core_unload(core, 1);
	return r;
}

START_TEST(C10_a_trial_that_cannot_wait_is_answered)
{
	ck_assert_int_eq(load_waiting(RESUMES, 0), 0);
	ck_assert_int_eq(load_waiting(WAITS_BETWEEN, 1), 0);
	ck_assert_int_eq(load_waiting(WAITS_BETWEEN, 2), 0);

	ck_assert_int_eq(load_waiting(RESUMES, 1), -EBADMSG);
	ck_assert_int_eq(load_waiting(WAITS_BETWEEN, 3), -EBADMSG);
	ck_assert_int_eq(load_waiting(WAITS_BETWEEN, 0), -EBADMSG);
	ck_assert_int_eq(load_waiting(LEVELS, 1), -EBADMSG);
	ck_assert_int_eq(load_waiting(FOLDS, 1), -EBADMSG);
	ck_assert_int_eq(load_waiting(NULL, 0), -EBADMSG);
	ck_assert_said("trial 0 of search s waits where nothing lets it");
}
END_TEST

START_TEST(C10_runs_that_cannot_be_are_answered)
{
	struct trial_record t = trial_row(0, TRIAL_RUNNING);
	struct attempt_record a = attempt_row(10);

	t.params = (char[]){ "{\"x\":1}" };
	ck_assert_int_eq(load_search(1, FOLDS), 0);
	t.runs = 3;
	ck_assert_int_eq(core_load_trial(core, &t, &said), -EBADMSG);
	t.runs = -1;
	ck_assert_int_eq(core_load_trial(core, &t, &said), -EBADMSG);
	t.runs = 1;
	ck_assert_int_eq(core_load_trial(core, &t, &said), 0);
	ck_assert_int_eq(core_load_attempt(core, 1, &a, &said), -EBADMSG);
	a.run = 1;
	ck_assert_int_eq(core_load_attempt(core, 1, &a, &said), 0);
	for (int64_t run = 2; run < 4; run++) {
		struct metric_record m = { .name = "loss", .step = 1 };

		ck_assert_int_eq(core_load_value(core, 1, 10, run, &m),
				 -EBADMSG);
	}
}
END_TEST

/* Whatever runs its value is the mean of. */
START_TEST(what_was_imported_is_no_success_of_the_command)
{
	struct outcome failed = { .kind = OUTCOME_EXITED, .code = 3 };
	struct search_record r = search_row(1);
	struct trial_record t = trial_row(0, TRIAL_DONE);

	r.trials_max = 50;
	ck_assert_int_eq(core_load_search(core, &r, &said), 0);
	free_row(&r);
	t.params = (char[]){ "{\"x\":1}" };
	t.origin = ORIGIN_IMPORTED;
	t.attempts = 0;
	t.runs = 1;
	ck_assert_int_eq(core_load_trial(core, &t, &said), 0);
	for (int64_t n = 1; n < 5; n++) {
		t = trial_row(n, TRIAL_FAILED);
		t.params = (char[]){ "{\"x\":1}" };
		strcpy(t.reason, "exit:3");
		ck_assert_int_eq(core_load_trial(core, &t, &said), 0);
	}
	ck_assert_int_eq(load_trial(5, TRIAL_RUNNING, "{\"x\":1}"), 0);
	ck_assert_int_eq(load_attempt(60), 0);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	effects_clear(&fx);
	ck_assert_int_eq(step((struct event){ .type = EV_ENDED,
					      .trial = 60,
					      .attempt = 1,
					      .outcome = &failed }),
			 0);
	has_event("end", "5 trials in a row ended with exit:3");
}
END_TEST

/* --- population based training ----------------------------------------------
 */

#define PBT                                                                    \
	"{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "      \
	"\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "  \
	"\"max\": 9}}, \"sampler\": {\"type\": \"pbt\", \"population\": 2}, "  \
	"\"budget\": {\"name\": \"epochs\", \"min\": 1, \"max\": 3}}"

static int load_member(int64_t number, enum trial_state state,
		       struct lineage lineage)
{
	struct trial_record t = trial_row(number, state);

	t.params = (char[]){ "{\"x\":1}" };
	t.lineage = lineage;
	t.has_value = state == TRIAL_DONE;
	t.value = 1;
	return core_load_trial(core, &t, &said);
}

START_TEST(C10_lineages_that_cannot_be_are_answered)
{
	static const struct lineage none[] = {
		{-1, 0,  0 },
                { 4, 0,  0 },
                { 1, -1, 0 },
                { 1, 2,  0 },
		{ 2, 0,  -1},
                { 2, 0,  1 },
                { 3, 0,  0 },
	};

	ck_assert_int_eq(load_search(1, PBT), 0);
	ck_assert_int_eq(
	    load_member(0, TRIAL_DONE, (struct lineage){ 1, 0, 0 }), 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_int_eq(load_member(1, TRIAL_DONE, none[i]), -EBADMSG);
	ck_assert_said("trial 1 of search s is of no member of its population, "
		       "or of no generation after its parent's");
	ck_assert_int_eq(
	    load_member(1, TRIAL_DONE, (struct lineage){ 2, 1, 0 }), 0);
	ck_assert_int_eq(load_search(2, NULL), 0);
}
END_TEST

START_TEST(no_trial_but_a_members_has_a_lineage)
{
	ck_assert_int_eq(load_search(1, NULL), 0);
	ck_assert_int_eq(
	    load_member(0, TRIAL_DONE, (struct lineage){ 1, 0, 0 }), -EBADMSG);
}
END_TEST

START_TEST(a_checkpoint_that_others_go_on_from_is_not_written_to)
{
	ck_assert_int_eq(load_search(1, PBT), 0);
	ck_assert_int_eq(
	    load_member(0, TRIAL_DONE, (struct lineage){ 1, 0, 0 }), 0);
	ck_assert_int_eq(
	    load_member(1, TRIAL_FAILED, (struct lineage){ 1, 1, 0 }), 0);
	core_load_end(core, 1);
	ck_assert_int_eq(
	    step((struct event){ .type = EV_RETRY, .search = 1, .number = 0 }),
	    CORE_CONFLICT);
	ck_assert_said("trial s/0 is done: its checkpoint has had all of its "
		       "generation, and others go on from it (only what has "
		       "not ended well can be run again)");
	ck_assert_int_eq(
	    step((struct event){ .type = EV_RETRY, .search = 1, .number = 1 }),
	    0);
}
END_TEST

/* Nobody must have a slot free first, to hear that there is nothing. */
START_TEST(a_population_at_its_end_is_not_asked_for_more)
{
	struct outcome failed = { .kind = OUTCOME_EXITED, .code = 3 };
	struct search_record r = search_row(1);
	auto_buf struct buf text = BUF_INIT;

	free(r.spec);
	r.spec = xstrdup(PBT);
	r.trials_max = 50;
	ck_assert_int_eq(core_load_search(core, &r, &said), 0);
	free_row(&r);
	for (int64_t n = 0; n < 6; n++)
		ck_assert_int_eq(
		    load_member(n, n < 5 ? TRIAL_DONE : TRIAL_RUNNING,
				(struct lineage){ 1 + n / 2, n % 2, n - 2 }),
		    0);
	ck_assert_int_eq(load_attempt(60), 0);
	core_load_end(core, 1);
	core_start(core, &now, &fx);
	core_explain(core, 1, &text);
	ck_assert_str_eq(buf_text(&text),
			 "no further trial is to come; 1 still running");
	ck_assert_int_eq(step((struct event){ .type = EV_ENDED,
					      .trial = 60,
					      .attempt = 1,
					      .outcome = &failed }),
			 0);
	ck_assert_uint_eq(effects_of(FX_SUGGEST), 0);
	has_event("end", "every member of the population has had all "
			 "generations (6 trials)");
}
END_TEST

/* Its end is known before it is saved; until then it is here. */
START_TEST(an_ended_search_waits_for_no_slots)
{
	struct outcome o = { .kind = OUTCOME_EXITED, .code = 0 };
	auto_buf struct buf text = BUF_INIT;

	load_open(ATTEMPT_STOPPING, "user");
	ck_assert_int_eq(step((struct event){ .type = EV_CANCEL, .search = 1 }),
			 0);
	ck_assert_int_eq(
	    step((struct event){
		.type = EV_ENDED, .trial = 10, .attempt = 1, .outcome = &o }),
	    0);
	core_explain(core, 1, &text);
	ck_assert_str_eq(buf_text(&text),
			 "no further trial is to come; 0 still running");
}
END_TEST

/* Its time goes on by the clock: it began in another boot. */
START_TEST(a_running_search_that_is_loaded_later_is_rebased)
{
	struct search_record r = search_row(20);

	for (int i = 1; i < 20; i++)
		ck_assert_int_eq(load_search(i, NULL), 0);
	r.boot_id[0] = 'x';
	ck_assert_int_eq(core_load_search(core, &r, &said), 0);
	free_row(&r);
	core_load_end(core, 20);
	core_start_one(core, 20, &now, &fx);
	ck_assert_uint_eq(fx.n, 1);
	ck_assert_int_eq(fx.list[0].type, FX_SAVE_SEARCH);
	ck_assert_str_eq(fx.list[0].search->boot_id, BOOT);
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

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_command_for_a_search_that_is_not_held_is_answered);
	tcase_add_loop_test(c, news_of_an_attempt_that_is_over_change_nothing,
			    0, 6);
	tcase_add_loop_test(c, B8_F2_C2_what_may_pass_delays_a_launch, 0, 6);
	tcase_add_test(c, I1_more_trials_than_there_may_be_are_refused);
	tcase_add_test(c, max_time_goes_on_by_the_clock_over_a_reboot);
	tcase_add_test(
	    c, max_time_is_counted_from_when_the_search_was_set_going_again);
	tcase_add_test(c, the_same_failures_again_and_again_fail_the_search);
	tcase_add_test(
	    c, failures_before_the_search_was_set_going_again_do_not_count);
	tcase_add_test(
	    c, A1_what_was_added_comes_before_start_after_a_restart_too);
	tcase_add_test(c, A1_start_is_in_its_order_after_a_restart_too);
	tcase_add_test(c,
		       what_waits_and_is_among_the_best_goes_on_before_start);
	tcase_add_test(c,
		       a_search_is_extended_while_it_has_configurations_left);
	tcase_add_test(c,
		       a_search_without_further_configurations_is_not_extended);
	tcase_add_test(c,
		       a_grid_with_duplicates_is_not_extended_beyond_its_end);
	tcase_add_test(c, a_grid_with_duplicates_is_extended_to_its_end);
	tcase_add_test(c, I1_no_trial_is_added_to_as_many_as_there_may_be);
	tcase_add_loop_test(c, B8_F2_what_may_pass_in_a_shim_delays_its_trial,
			    0, 4);
	tcase_add_test(c, B9_an_errno_without_a_name_has_its_reason);
	tcase_add_loop_test(
	    c, A4_what_was_killed_is_not_run_again_though_it_had_failed, 0, 2);
	tcase_add_loop_test(
	    c, A4_a_stop_is_asked_for_again_when_its_time_makes_no_sense, 0, 4);
	tcase_add_test(c, A4_what_was_to_be_stopped_before_it_ran_is_killed);
	tcase_add_test(
	    c, G8_what_the_reader_notes_becomes_an_event_without_a_value);
	tcase_add_test(c, I1_of_a_curve_that_is_full_the_last_step_is_the_last);
	tcase_add_test(c, an_ended_search_waits_for_no_slots);
	tcase_add_test(c, a_population_at_its_end_is_not_asked_for_more);
	tcase_add_test(c, a_running_search_that_is_loaded_later_is_rebased);
	tcase_add_test(c, a_fold_is_compared_with_the_same_fold_of_others);
	tcase_add_test(c, a_fold_that_is_stopped_is_told);
	tcase_add_test(c, a_loaded_trial_is_compared_by_its_seconds);
	tcase_add_test(c, a_clock_that_is_set_back_stands_still);
	tcase_add_test(
	    c, what_was_given_up_goes_on_with_its_curve_while_others_end);
	tcase_add_test(c, what_was_given_up_and_is_run_again_has_no_curve);
	tcase_add_test(c, C10_runs_that_cannot_be_are_answered);
	tcase_add_test(c, C10_a_trial_that_cannot_wait_is_answered);
	tcase_add_loop_test(
	    c, what_is_run_again_is_not_compared_with_by_what_it_had, 0, 2);
	tcase_add_test(c, what_was_imported_is_no_success_of_the_command);
	tcase_add_test(c, C10_lineages_that_cannot_be_are_answered);
	tcase_add_test(c, no_trial_but_a_members_has_a_lineage);
	tcase_add_test(c,
		       a_checkpoint_that_others_go_on_from_is_not_written_to);
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
	tcase_add_test(c, C10_what_was_never_loaded_goes_too);
	tcase_add_test(c, C10_an_environment_that_is_none_is_empty);
	suite_add_tcase(s, c);
	add_steps(s);
	return s;
}
