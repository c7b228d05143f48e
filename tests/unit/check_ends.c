/* What ends a search before its trials are used up, and when "until" is. */
#include "check_main.h"
#include "clock.h"
#include "core/core.h"
#include "search/noise.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOOT "00000000-0000-0000-0000-000000000001"
#define HOUR 3600000
#define NOON INT64_C(1795262400000) /* 2026-11-21 12:00 UTC */
#define N(a) (int)(sizeof(a) / sizeof((a)[0]))

/* --- the moment that is meant -----------------------------------------------
 */

static const struct {
	const char *zone, *now, *until, *then; /* times are UTC */
} moments[] = {
	{"UTC",               "2026-11-21 12:00:00", "8h",               "2026-11-21 20:00:00"},
	{ "UTC",              "2026-11-21 12:00:00", "07:00",            "2026-11-22 07:00:00"},
	{ "UTC",              "2026-11-21 06:59:59", "07:00",            "2026-11-21 07:00:00"},
	{ "UTC",              "2026-11-21 07:00:00", "7:00",             "2026-11-22 07:00:00"},
	{ "UTC",              "2026-12-31 12:00:00", "07:00:30",         "2027-01-01 07:00:30"},
	{ "UTC",              "2026-11-21 12:00:00", "2026-12-01 07:00",
         "2026-12-01 07:00:00"								},
	{ "Europe/Berlin",    "2026-11-21 12:00:00", "07:00",
         "2026-11-22 06:00:00"								},
	{ "Asia/Kolkata",     "2026-11-21 12:00:00", "2026-11-22T07:00",
         "2026-11-22 01:30:00"								},
	{ "America/New_York", "2026-11-21 03:00:00", "23:00",
         "2026-11-21 04:00:00"								},
 /* The clock is set forward in the night, and back. */
	{ "Europe/Berlin",    "2026-03-28 20:00:00", "07:00",
         "2026-03-29 05:00:00"								},
	{ "Europe/Berlin",    "2026-10-24 20:00:00", "07:00",
         "2026-10-25 06:00:00"								},
 /* Hours are hours all the same. */
	{ "Europe/Berlin",    "2026-03-28 20:00:00", "8h",               "2026-03-29 04:00:00"},
};

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static int64_t utc_ms(const char *text)
{
	struct tm tm = { 0 };

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

START_TEST(until_is_this_moment)
{
	struct until u;

	set_zone(moments[_i].zone);
	ck_assert(until_parse(moments[_i].until, &u));
	ck_assert_int_eq(clock_until(&u, utc_ms(moments[_i].now)),
			 utc_ms(moments[_i].then));
}
END_TEST

START_TEST(a_date_that_is_over_stays_over)
{
	struct until u;

	set_zone("UTC");
	ck_assert(until_parse("2026-11-20 07:00", &u));
	ck_assert_int_lt(clock_until(&u, NOON), NOON);
	u = (struct until){ 0 };
	ck_assert_int_eq(clock_until(&u, NOON), 0);
}
END_TEST

/* --- noise ------------------------------------------------------------------
 */

START_TEST(noise_is_that_of_equal_configurations)
{
	/* Of 1: sd 1 about 2; of 2: sd 1 about 5; 3 is alone. */
	struct repeat list[] = {
		{1,  1 },
                { 2, 4 },
                { 3, 9 },
                { 1, 3 },
                { 2, 6 },
		{ 1, 2 },
                { 4, 50},
                { 5, 60},
                { 6, 70}
	};

	ck_assert_double_eq_tol(noise_of_repeats(list, N(list)),
				sqrt((1 + 1 + 0 + 1 + 1) / 3.0), 1e-12);
}
END_TEST

START_TEST(bad_configurations_tell_nothing_of_the_noise)
{
	struct repeat list[] = {
		{1,  1  },
                { 1, 2  },
                { 1, 3  },
                { 1, 2  },
		{ 9, 5  },
                { 9, 1e6},
                { 9, 10 }
	};

	ck_assert_double_eq_tol(noise_of_repeats(list, N(list)), sqrt(2 / 3.0),
				1e-12);
}
END_TEST

START_TEST(few_repeats_tell_nothing_of_the_noise)
{
	struct repeat list[] = {
		{1,  1},
                { 1, 2},
                { 2, 1},
                { 2, 2}
	};

	ck_assert(isnan(noise_of_repeats(list, N(list))));
	ck_assert(isnan(noise_of_repeats(list, 0)));
}
END_TEST

START_TEST(noise_of_means_is_that_of_the_better_half)
{
	struct mean list[] = {
		{1,  3,   2},
		{ 9, 100, 2},
		{ 2, 4,   2},
		{ 8, 100, 2},
	};
	struct mean two[] = {
		{1, 3, 2}
	};

	/* Of the first three the median, 2, is among them. */
	ck_assert_double_eq_tol(noise_of_means(list, 3), sqrt(25 / 2.0), 1e-12);
	ck_assert(isnan(noise_of_means(two, 1)));
	ck_assert(isnan(noise_of_means(two, 0)));
}
END_TEST

START_TEST(hard_folds_are_no_noise)
{
	/* Trial + fold, and of the first two +-1 beside them. */
	static const double y[3][4] = {
		{11,  101, 9,  99 },
		{ 9,  99,  11, 101},
		{ 20, 110, 20, 110},
	};
	double errors[3];

	noise_of_folds(3, 4, &y[0][0], errors);
	ck_assert_double_eq_tol(errors[0], sqrt(4 / 3.0 / 4 * 3 / 2), 1e-12);
	ck_assert_double_eq_tol(errors[1], errors[0], 1e-12);
	ck_assert_double_eq_tol(errors[2], 0, 1e-12);
}
END_TEST

/* --- searches ---------------------------------------------------------------
 */

static struct core *core;
static struct effects fx;
static struct moment now;
static char *ended_text, *ended_data; /* of the latest event "end" */

static void begin(void)
{
	struct core_options options = { .slots = 8, .boot_id = BOOT };

	now = (struct moment){ .now_ms = NOON, .boot_ms = 5000 };
	core = core_new(&options);
}

static void finish(void)
{
	effects_clear(&fx);
	core_free(core);
	free(ended_text);
	free(ended_data);
	ended_text = ended_data = NULL;
}

/* Remembers an event "end" and forgets the rest. */
static void take_effects(void)
{
	for (size_t i = 0; i < fx.n; i++) {
		const struct event_record *e = &fx.list[i].event;

		if (fx.list[i].type != FX_SAVE_EVENT ||
		    strcmp(e->kind, "end") != 0)
			continue;
		free(ended_text);
		free(ended_data);
		ended_text = xstrdup(e->text);
		ended_data = e->data != NULL ? xstrdup(e->data) : NULL;
	}
	effects_clear(&fx);
}

static void step(struct event ev)
{
	auto_diag struct diag said = DIAG_INIT;

	ev.at = now;
	ck_assert_int_eq(core_step(core, &ev, &fx, &said), 0);
	take_effects();
}

static void submit(const char *members, int64_t until)
{
	auto_free char *text = xasprintf(
	    "{\"name\":\"s\",\"command\":[\"true\"],\"metric\":{\"name\":"
	    "\"loss\"},\"parameters\":{\"x\":{\"type\":\"float\",\"min\":0,"
	    "\"max\":1}},\"sampler\":{\"type\":\"random\"},\"trials\":100,%s}",
	    members);
	auto_diag struct diag said = DIAG_INIT;
	struct event ev = { .type = EV_SUBMIT };

	ck_assert_int_eq(
	    search_parse(text, strlen(text), &ev.submit.spec, &said), 0);
	ev.submit.name = ev.submit.key = "s";
	ev.submit.text = text;
	ev.submit.workdir = "/";
	ev.submit.environ = "[]";
	ev.submit.until_ms = until;
	step(ev);
}

static struct core_progress progress(void)
{
	struct core_progress p;

	core_progress(core, 1, &now, &p);
	return p;
}

static void pass(int64_t ms)
{
	now.now_ms += ms;
	now.boot_ms += ms;
}

static void ck_assert_ended(const char *reason)
{
	struct core_progress p = progress();

	ck_assert_str_eq(p.search->reason, reason);
	ck_assert_int_eq(p.search->state,
			 reason[0] != '\0' ? SEARCH_FINISHED : SEARCH_RUNNING);
}

static void spawn(int64_t trial)
{
	step((struct event){ .type = EV_SPAWNED,
			     .trial = trial,
			     .attempt = 1,
			     .spawned = { .pid = 100 } });
}

/* After @ms; NAN: it fails. */
static void end_trial(int64_t trial, int64_t ms, double loss)
{
	struct metric_record m = { .name = "loss", .value = loss };
	struct outcome o = { .kind = OUTCOME_EXITED,
			     .code = isnan(loss),
			     .elapsed_ms = ms };

	if (!isnan(loss))
		step((struct event){
		    .type = EV_OUTPUT,
		    .trial = trial,
		    .attempt = 1,
		    .output = {.metrics = &m, .n = 1}
                });
	step((struct event){
	    .type = EV_ENDED, .trial = trial, .attempt = 1, .outcome = &o });
}

static void run_trial(int64_t trial, double loss)
{
	spawn(trial);
	end_trial(trial, 1000, loss);
}

static void tick(void)
{
	step((struct event){ .type = EV_TICK });
}

START_TEST(a_search_ends_at_its_time_by_the_clock)
{
	submit("\"parallel\":1", NOON + HOUR);
	spawn(1);
	ck_assert_int_eq(core_next_deadline(core), 5000 + HOUR);
	pass(HOUR - 1);
	tick();
	ck_assert_ended("");
	pass(1);
	tick();
	ck_assert_ended("until");
	ck_assert_ptr_nonnull(strstr(ended_data, "\"until_ms\""));
	ck_assert_int_eq(progress().counts[TRIAL_QUEUED], 0);
}
END_TEST

START_TEST(a_clock_that_is_set_moves_the_end)
{
	submit("\"parallel\":1", NOON + HOUR);
	now.now_ms -= HOUR;
	tick();
	ck_assert_int_eq(core_next_deadline(core), 5000 + 2 * HOUR);
	now.now_ms += 3 * (int64_t)HOUR;
	tick();
	ck_assert_ended("until");
}
END_TEST

/* Loads @r into a new daemon, which starts now. */
static void restart(const struct search_record *r)
{
	auto_diag struct diag said = DIAG_INIT;
	struct core_options options = {
		.slots = 8, .boot_id = BOOT, .last_search = 1, .last_trial = 1
	};
	struct core *old = core;

	core = core_new(&options);
	ck_assert_int_eq(core_load_search(core, r, &said), 0);
	core_load_end(core, 1);
	core_free(old);
	core_start(core, &now, &fx);
	take_effects();
}

START_TEST(a_restarted_daemon_keeps_the_time)
{
	struct search_record r;

	submit("\"parallel\":1", NOON + HOUR);
	r = *progress().search;
	pass(HOUR / 2);
	restart(&r);
	ck_assert_ended("");
	ck_assert_int_eq(core_next_deadline(core), 5000 + HOUR);
	r = *progress().search;
	pass(HOUR);
	restart(&r);
	ck_assert_ended("until");
}
END_TEST

START_TEST(a_cost_is_slots_times_time)
{
	submit("\"parallel\":2,\"resources\":{\"cpus\":3},"
	       "\"stop\":{\"cost\":\"1h\"}",
	       0);
	spawn(1);
	spawn(2);
	/* An hour of slots is ten minutes of two trials with three each. */
	ck_assert_int_eq(core_next_deadline(core), 5000 + HOUR / 6);
	pass(HOUR / 12);
	end_trial(1, HOUR / 12, 1);
	ck_assert_int_eq(progress().search->used_ms, HOUR / 4);
	ck_assert_int_eq(progress().used_ms, HOUR / 2);
	ck_assert_int_eq(core_next_deadline(core), now.boot_ms + HOUR / 6);
	pass(HOUR / 6 - 1);
	tick();
	ck_assert_ended("");
	pass(1);
	tick();
	ck_assert_ended("cost");
	ck_assert_ptr_nonnull(strstr(ended_data, "\"used_s\":3600"));
}
END_TEST

START_TEST(a_plateau_is_so_many_trials_without_an_improvement)
{
	submit("\"parallel\":1,\"stop\":{\"plateau\":3}", 0);
	run_trial(1, 5);
	run_trial(2, 6);
	run_trial(3, 4);
	run_trial(4, (double)NAN);
	run_trial(5, 4);
	ck_assert_ended("");
	run_trial(6, 4.5);
	ck_assert_ended("plateau");
	ck_assert_ptr_nonnull(strstr(ended_data, "\"before\":4,\"since\":4"));
	ck_assert_ptr_nonnull(strstr(ended_data, "\"noise_of\":\"none\""));
}
END_TEST

START_TEST(the_numbers_of_a_plateau_are_rounded)
{
	submit("\"parallel\":1,\"stop\":{\"plateau\":2}", 0);
	run_trial(1, 0.1 + 0.2);
	run_trial(2, 0.00035200000000000005 + 1);
	run_trial(3, 2);
	ck_assert_str_eq(ended_text,
			 "the last 2 trials have not improved loss 0.3 by more "
			 "than the noise, 0 (nothing tells it, so that "
			 "anything better would have counted): the best of "
			 "them was 1.00035");
}
END_TEST

START_TEST(a_plateau_of_one_trial_is_told_of_one)
{
	submit("\"parallel\":1,\"stop\":{\"plateau\":1}", 0);
	run_trial(1, 1);
	run_trial(2, 2);
	ck_assert_str_eq(ended_text,
			 "the last trial has not improved loss 1 by more than "
			 "the noise, 0 (nothing tells it, so that anything "
			 "better would have counted): it was 2");
}
END_TEST

/* The same configuration once more: what its results differ by is noise. */
static void add_same(void)
{
	struct cell config = { .active = true, .f = 0.5 };

	step((struct event){
	    .type = EV_ADD, .search = 1, .add = { .config = &config } });
}

START_TEST(a_gain_within_the_noise_of_equal_configurations_is_none)
{
	submit("\"parallel\":1,\"stop\":{\"plateau\":2}", 0);
	spawn(1);
	for (int i = 0; i < 4; i++)
		add_same();
	end_trial(1, 1000, 9);
	for (int i = 0; i < 4; i++) /* from the last one added */
		run_trial(5 - i, 1 + i);
	ck_assert_ended("");
	run_trial(6, 5);
	ck_assert_ended("plateau");
	ck_assert_ptr_nonnull(strstr(ended_data, "\"before\":2,\"since\":1"));
	ck_assert_ptr_nonnull(
	    strstr(ended_data, "\"noise_of\":\"equal configurations\""));
}
END_TEST

/* Trial @trial, whose folds are @loss + 10, @loss - @spread and + @spread. */
static void run_folds(int64_t trial, double loss, double spread)
{
	const double losses[] = { loss + 10, loss - spread, loss + spread };

	for (int64_t k = 0; k < 3; k++) {
		struct metric_record m = { .name = "loss", .value = losses[k] };
		struct outcome o = { .kind = OUTCOME_EXITED };

		step((struct event){ .type = EV_SPAWNED,
				     .trial = trial,
				     .attempt = k + 1,
				     .spawned = { .pid = 100 } });
		step((struct event){
		    .type = EV_OUTPUT,
		    .trial = trial,
		    .attempt = k + 1,
		    .output = {.metrics = &m, .n = 1}
                });
		step((struct event){ .type = EV_ENDED,
				     .trial = trial,
				     .attempt = k + 1,
				     .outcome = &o });
	}
}

START_TEST(a_gain_within_the_noise_of_folds_is_none)
{
	submit("\"parallel\":1,\"folds\":3,\"early_stopping\":{\"type\":"
	       "\"none\"},\"stop\":{\"plateau\":2}",
	       0);
	run_folds(1, 5, 1);
	run_folds(2, 5, -1);
	run_folds(3, 3, 1); /* more than the noise, some .8 */
	run_folds(4, 2.9, -1);
	ck_assert_ended("");
	run_folds(5, 2.9, 1); /* no more than that */
	ck_assert_ended("plateau");
	ck_assert_ptr_nonnull(
	    strstr(ended_data, "\"noise_of\":\"the runs of trials\""));
}
END_TEST

START_TEST(a_search_without_a_result_has_no_plateau)
{
	submit("\"parallel\":1,\"stop_on_failures\":0,"
	       "\"stop\":{\"plateau\":1}",
	       0);
	run_trial(1, (double)NAN);
	run_trial(2, (double)NAN);
	ck_assert_ended("");
	run_trial(3, 1);
	ck_assert_ended("");
	run_trial(4, (double)NAN);
	ck_assert_ended("plateau");
}
END_TEST

START_TEST(what_is_set_going_again_ends_by_its_trials_alone)
{
	submit("\"parallel\":1,\"stop\":{\"plateau\":1}", NOON + HOUR);
	run_trial(1, 1);
	spawn(2);
	pass(HOUR);
	tick();
	ck_assert_ended("until");
	step((struct event){
	    .type = EV_EXTEND, .search = 1, .extend = { .trials = 50 } });
	tick();
	ck_assert_ended("");
	ck_assert_int_ne(progress().search->reopened_ms, 0);
	end_trial(2, 1000, 2);
	run_trial(3, 2);
	ck_assert_ended("");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("ends");
	TCase *tc = tcase_create("until");

	tcase_add_loop_test(tc, until_is_this_moment, 0, N(moments));
	tcase_add_test(tc, a_date_that_is_over_stays_over);
	suite_add_tcase(s, tc);
	tc = tcase_create("noise");
	tcase_add_test(tc, noise_is_that_of_equal_configurations);
	tcase_add_test(tc, bad_configurations_tell_nothing_of_the_noise);
	tcase_add_test(tc, few_repeats_tell_nothing_of_the_noise);
	tcase_add_test(tc, noise_of_means_is_that_of_the_better_half);
	tcase_add_test(tc, hard_folds_are_no_noise);
	suite_add_tcase(s, tc);
	tc = tcase_create("searches");
	tcase_add_checked_fixture(tc, begin, finish);
	tcase_add_test(tc, a_search_ends_at_its_time_by_the_clock);
	tcase_add_test(tc, a_clock_that_is_set_moves_the_end);
	tcase_add_test(tc, a_restarted_daemon_keeps_the_time);
	tcase_add_test(tc, a_cost_is_slots_times_time);
	tcase_add_test(tc, a_plateau_is_so_many_trials_without_an_improvement);
	tcase_add_test(tc, the_numbers_of_a_plateau_are_rounded);
	tcase_add_test(tc, a_plateau_of_one_trial_is_told_of_one);
	tcase_add_test(tc,
		       a_gain_within_the_noise_of_equal_configurations_is_none);
	tcase_add_test(tc, a_gain_within_the_noise_of_folds_is_none);
	tcase_add_test(tc, a_search_without_a_result_has_no_plateau);
	tcase_add_test(tc, what_is_set_going_again_ends_by_its_trials_alone);
	suite_add_tcase(s, tc);
	return s;
}
