#include "check_main.h"
#include "store/store.h"
#include "store_case.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NASTY "it's \"quoted\"\n\\ \xf0\x9f\x98\x80 \xc3\xa9"

/* --- what is saved is loaded ---------------------------------------------- */

static int check_search(void *ctx, const struct search_record *r)
{
	const struct search_record *want = ctx;

	ck_assert_int_eq(r->id, want->id);
	ck_assert_str_eq(r->name, want->name);
	ck_assert_str_eq(r->key, want->key);
	ck_assert_str_eq(r->spec, want->spec);
	ck_assert_str_eq(r->workdir, want->workdir);
	ck_assert_str_eq(r->environ, want->environ);
	ck_assert_str_eq(r->metric, want->metric);
	ck_assert_int_eq(r->goal, want->goal);
	ck_assert_int_eq(r->state, want->state);
	ck_assert_str_eq(r->reason, want->reason);
	ck_assert_int_eq(r->trials_max, want->trials_max);
	ck_assert_uint_eq(r->cursor, want->cursor);
	ck_assert_int_eq(r->created_ms, want->created_ms);
	ck_assert_int_eq(r->created_boot_ms, want->created_boot_ms);
	ck_assert_str_eq(r->boot_id, want->boot_id);
	ck_assert_int_eq(r->ended_ms, want->ended_ms);
	ck_assert_int_eq(r->until_ms, want->until_ms);
	ck_assert_int_eq(r->used_ms, want->used_ms);
	ck_assert_int_eq(r->reopened_ms, want->reopened_ms);
	return 42; /* so that a load without a row is noticed */
}

START_TEST(a_search_comes_back_as_it_was_saved)
{
	struct search_record r = sample_search(7, "digits");

	r.key = TEXT("k-1");
	r.goal = GOAL_MAXIMIZE;
	r.cursor = UINT64_MAX - 5;
	r.spec = TEXT(NASTY);
	r.environ = TEXT("[\"A=\xf0\x9f\x98\x80 'x'\"]");
	case_save_search(&r);
	ck_assert_int_eq(store_load_search(the.s, 7, check_search, &r), 42);

	r.state = SEARCH_FAILED;
	strcpy(r.reason, "5 trials failed alike: exit:1");
	r.trials_max = 0;
	r.cursor = 99;
	r.ended_ms = 1795000009999;
	case_save_search(&r);
	case_reopen();
	ck_assert_int_eq(store_load_search(the.s, 7, check_search, &r), 42);
	ck_assert_int_eq(store_load_search(the.s, 8, check_search, &r), 0);
}
END_TEST

static int check_trial(void *ctx, const struct trial_record *r)
{
	const struct trial_record *want = ctx;

	ck_assert_int_eq(r->id, want->id);
	ck_assert_int_eq(r->search, want->search);
	ck_assert_int_eq(r->number, want->number);
	ck_assert_int_eq(r->state, want->state);
	ck_assert_str_eq(r->reason, want->reason);
	ck_assert_int_eq(r->origin, want->origin);
	ck_assert_uint_eq(r->cursor, want->cursor);
	ck_assert_str_eq(r->params, want->params);
	ck_assert_int_eq(r->has_value, want->has_value);
	if (want->has_value) {
		ck_assert_int_eq(r->kind, want->kind);
		ck_assert(r->value == want->value ||
			  (isnan(r->value) && isnan(want->value)));
	}
	ck_assert_int_eq(r->has_error, want->has_error);
	ck_assert(!want->has_error || r->error == want->error);
	ck_assert_int_eq(r->runs, want->runs);
	ck_assert_int_eq(r->tries, want->tries);
	ck_assert_int_eq(r->lineage.generation, want->lineage.generation);
	ck_assert_int_eq(r->lineage.member, want->lineage.member);
	ck_assert_int_eq(r->lineage.parent, want->lineage.parent);
	ck_assert_int_eq(r->steps, want->steps);
	ck_assert_int_eq(r->attempts, want->attempts);
	ck_assert_int_eq(r->created_ms, want->created_ms);
	ck_assert_int_eq(r->started_ms, want->started_ms);
	ck_assert_int_eq(r->ended_ms, want->ended_ms);
	return 42;
}

static void save_search_1(void)
{
	struct search_record search = sample_search(1, "digits");

	case_save_search(&search);
}

START_TEST(a_trial_comes_back_as_it_was_saved)
{
	struct trial_record r = sample_trial(1, 3);

	save_search_1();
	r.origin = ORIGIN_ADDED;
	r.params = TEXT("{\"o'pt\":\"\xf0\x9f\x98\x80\",\"lr\":5e-324}");
	r.lineage = (struct lineage){ 4, 9, 2 };
	case_save_trial(&r);
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);

	r.state = TRIAL_DONE;
	strcpy(r.reason, "median@7");
	r.has_value = true;
	r.kind = VALUE_FINITE;
	r.value = 0.1 + 0.2;
	r.has_error = true;
	r.error = 0.3 - 0.1;
	r.runs = 5;
	r.tries = 6;
	r.steps = 30;
	r.attempts = 2;
	r.started_ms = 1795000002000;
	r.ended_ms = 1795000003000;
	case_save_trial(&r);
	case_reopen();
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);
}
END_TEST

START_TEST(an_update_without_params_leaves_them_as_they_are)
{
	struct trial_record r = sample_trial(1, 0);
	char *params = r.params;

	save_search_1();
	case_save_trial(&r);
	r.params = NULL;
	r.state = TRIAL_RUNNING;
	case_save_trial(&r);
	r.params = params;
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);
}
END_TEST

static const double odd_values[] = {
	0.0,  -0.0,        5e-324,           -1.7976931348623157e308,
	1e-5, (double)NAN, (double)INFINITY, -(double)INFINITY,
};

START_TEST(every_kind_of_value_comes_back)
{
	struct trial_record r = sample_trial(1, 0);

	save_search_1();
	r.state = TRIAL_DONE;
	r.has_value = true;
	r.value = odd_values[_i];
	r.kind = value_kind_of(r.value);
	case_save_trial(&r);
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);
}
END_TEST

static int check_attempt(void *ctx, const struct attempt_record *r)
{
	const struct attempt_record *want = ctx;
	const struct outcome *o = &r->outcome, *w = &want->outcome;

	ck_assert_int_eq(r->trial, want->trial);
	ck_assert_int_eq(r->number, want->number);
	ck_assert_int_eq(r->state, want->state);
	ck_assert_str_eq(r->token, want->token);
	ck_assert_str_eq(r->boot_id, want->boot_id);
	ck_assert_int_eq(r->pid, want->pid);
	ck_assert_int_eq(r->started_ms, want->started_ms);
	ck_assert_int_eq(r->started_boot_ms, want->started_boot_ms);
	ck_assert_str_eq(r->stop_reason, want->stop_reason);
	ck_assert_int_eq(r->kill_boot_ms, want->kill_boot_ms);
	ck_assert_int_eq(o->kind, w->kind);
	ck_assert_int_eq(o->code, w->code);
	ck_assert_int_eq(o->signal, w->signal);
	ck_assert_int_eq(o->core, w->core);
	ck_assert_int_eq(o->error, w->error);
	ck_assert_str_eq(o->what, w->what);
	ck_assert_int_eq(o->user_ms, w->user_ms);
	ck_assert_int_eq(o->system_ms, w->system_ms);
	ck_assert_int_eq(o->memory_bytes, w->memory_bytes);
	ck_assert_int_eq(o->ended_ms, w->ended_ms);
	ck_assert_int_eq(r->start_offset, want->start_offset);
	ck_assert_int_eq(r->offset, want->offset);
	ck_assert_pstr_eq(r->reader, want->reader);
	ck_assert_int_eq(r->run, want->run);
	ck_assert_int_eq(r->curve, want->curve);
	ck_assert_int_eq(r->has_result, want->has_result);
	ck_assert(!want->has_result || r->result == want->result);
	return 42;
}

START_TEST(an_attempt_comes_back_as_it_was_saved)
{
	struct trial_record trial = sample_trial(1, 0);
	struct attempt_record r = sample_attempt(trial.id, 2);

	r.run = 3;
	r.curve = 1;
	save_search_1();
	trial.state = TRIAL_RUNNING;
	trial.attempts = 2;
	case_save_trial(&trial);
	case_save_attempt(&r);
	ck_assert_int_eq(store_load_attempts(the.s, 1, check_attempt, &r), 42);

	r.state = ATTEMPT_STOPPING;
	strcpy(r.token, "fedcba9876543210fedcba9876543210");
	strcpy(r.boot_id, "another");
	r.pid = 4242;
	r.started_ms = 1795000002000;
	r.started_boot_ms = 5711;
	strcpy(r.stop_reason, "median@7");
	r.kill_boot_ms = 6711;
	r.outcome = (struct outcome){
		OUTCOME_SIGNALED, 11, 12, true, 13, "execve", 14, 15, 16, 0, 17,
	};
	r.start_offset = 18;
	r.offset = (int64_t)1 << 40;
	r.reader = TEXT("{\"step\": 7}");
	r.has_result = true;
	r.result = 0.1 + 0.2;
	case_save_attempt(&r);
	case_reopen();
	ck_assert_int_eq(store_load_attempts(the.s, 1, check_attempt, &r), 42);
}
END_TEST

struct metric_list {
	size_t n;
	int64_t trials[8];
	int64_t runs[8];
	int64_t steps[8];
	double values[8];
};

static int add_any(void *ctx, int64_t trial, int64_t run,
		   const struct metric_record *m)
{
	struct metric_list *list = ctx;

	ck_assert_uint_lt(list->n, 8);
	ck_assert_int_eq(m->kind, value_kind_of(m->value));
	list->trials[list->n] = trial;
	list->runs[list->n] = run;
	list->steps[list->n] = m->step;
	list->values[list->n++] = m->value;
	return 0;
}

static int add_metric(void *ctx, int64_t trial, int64_t run,
		      const struct metric_record *m)
{
	ck_assert_str_eq(m->name, "val_loss");
	return add_any(ctx, trial, run, m);
}

/* Search 1 with trial 0 (two attempts, the first reported too) and 1. */
static void save_metrics(void)
{
	struct trial_record trial = sample_trial(1, 1);
	struct attempt_record attempt = sample_attempt(1001, 1);

	save_search_1();
	trial.attempts = 1;
	case_save_trial(&trial);
	case_save_attempt(&attempt);
	trial = sample_trial(1, 0);
	trial.attempts = 2;
	case_save_trial(&trial);
	attempt = sample_attempt(1000, 1);
	case_save_attempt(&attempt);
	attempt = sample_attempt(1000, 2);
	case_save_attempt(&attempt);
	case_save_metric(1001, 1, "val_loss", 1, 0.9);
	case_save_metric(1000, 1, "val_loss", 1, 99);
	case_save_metric(1000, 2, "val_loss", 10, (double)NAN);
	case_save_metric(1000, 2, "val_loss", 2, 0.5);
	case_save_metric(1000, 2, "acc", 2, 0.7);
	case_save_metric(1000, 2, "val_loss", 11, -(double)INFINITY);
}

START_TEST(a_metric_loads_by_trial_and_step_from_the_latest_attempt)
{
	struct metric_list list = { 0 };

	save_metrics();
	ck_assert_int_eq(
	    store_load_metric(the.s, 1, "val_loss", add_metric, &list), 0);
	ck_assert_uint_eq(list.n, 4);
	ck_assert_int_eq(list.trials[0], 1000);
	ck_assert_int_eq(list.steps[0], 2);
	ck_assert_double_eq(list.values[0], 0.5);
	ck_assert_int_eq(list.steps[1], 10);
	ck_assert_double_nan(list.values[1]);
	ck_assert_int_eq(list.steps[2], 11);
	ck_assert_double_eq(list.values[2], -(double)INFINITY);
	ck_assert_int_eq(list.trials[3], 1001);
}
END_TEST

/* Run 0 was retried, run 1 is on; a run 2 was before the trial was retried. */
START_TEST(a_metric_loads_by_run_from_the_latest_attempt_of_each)
{
	static const int64_t runs[] = { 2, 0, 0, 1 };
	struct trial_record trial = sample_trial(1, 0);
	struct metric_list list = { 0 };

	save_search_1();
	trial.attempts = 4;
	trial.runs = 1;
	case_save_trial(&trial);
	for (int i = 0; i < 4; i++) {
		struct attempt_record a = sample_attempt(trial.id, i + 1);

		a.run = runs[i];
		case_save_attempt(&a);
		case_save_metric(trial.id, i + 1, "val_loss", 7, i);
	}
	ck_assert_int_eq(
	    store_load_metric(the.s, 1, "val_loss", add_any, &list), 0);
	ck_assert_uint_eq(list.n, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(list.runs[i], i);
		ck_assert_double_eq(list.values[i], 2 + i);
	}
}
END_TEST

START_TEST(the_metrics_of_one_trial_load_by_name_and_step)
{
	struct metric_list list = { 0 };

	save_metrics();
	ck_assert_int_eq(store_load_metrics(the.s, 1, 0, add_any, &list), 0);
	ck_assert_uint_eq(list.n, 4);
	ck_assert_double_eq(list.values[0], 0.7); /* acc */
	ck_assert_int_eq(list.steps[1], 2);
	ck_assert_int_eq(list.steps[3], 11);
}
END_TEST

START_TEST(of_a_trial_that_is_not_over_the_other_metrics_are_loaded)
{
	struct trial_record trial = sample_trial(1, 1);
	struct metric_list list = { 0 };

	save_metrics();
	case_save_metric(1001, 1, "acc", 1, 0.1);
	trial.state = TRIAL_CANCELLED;
	trial.attempts = 1;
	case_save_trial(&trial);
	trial = sample_trial(1, 1);
	trial.state = TRIAL_DONE;
	trial.attempts = 1;
	case_save_trial(&trial);
	ck_assert_int_eq(
	    store_load_others(the.s, 1, "val_loss", add_any, &list), 0);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_int_eq(list.trials[0], 1000);
	ck_assert_double_eq(list.values[0], 0.7);
}
END_TEST

START_TEST(of_a_trial_that_waited_to_the_end_the_other_metrics_are_loaded)
{
	struct trial_record trial = sample_trial(1, 1);
	struct metric_list list = { 0 };

	save_metrics();
	case_save_metric(1001, 1, "acc", 1, 0.1);
	trial.state = TRIAL_PRUNED;
	trial.attempts = 1;
	trial.tries = _i; /* at one a rule stops it */
	case_save_trial(&trial);
	ck_assert_int_eq(
	    store_load_others(the.s, 1, "val_loss", add_any, &list), 0);
	ck_assert_uint_eq(list.n, _i == 0 ? 2 : 1);
}
END_TEST

/* Attempt 4 of trial 0 goes on with the curve of 3, and this with that of 2. */
static void go_on(void)
{
	struct trial_record trial = sample_trial(1, 0);
	struct attempt_record attempt;

	save_metrics();
	for (int64_t number = 3; number <= 4; number++) {
		attempt = sample_attempt(1000, number);
		attempt.curve = 2;
		trial.attempts = number;
		case_save_attempt(&attempt);
		case_save_trial(&trial);
	}
}

START_TEST(an_attempt_that_goes_on_has_the_metrics_of_those_before)
{
	struct metric_list list = { 0 };
	auto_free char *rows = NULL;

	go_on();
	case_save_metric(1000, 2, "val_loss", 11, 0.25);
	case_save_metric(1000, 2, "val_loss", 12, 0.125);
	ck_assert_int_eq(store_load_metrics(the.s, 1, 0, add_any, &list), 0);
	ck_assert_uint_eq(list.n, 5);
	ck_assert_double_eq(list.values[0], 0.7); /* acc */
	ck_assert_double_eq(list.values[3], 0.25);
	ck_assert_int_eq(list.steps[4], 12);
	list.n = 0;
	ck_assert_int_eq(
	    store_load_metric(the.s, 1, "val_loss", add_any, &list), 0);
	ck_assert_uint_eq(list.n, 5);
	ck_assert_double_eq(list.values[3], 0.125);
	ck_assert_int_eq(list.trials[4], 1001);
	list.n = 0;
	ck_assert_int_eq(
	    store_load_others(the.s, 1, "val_loss", add_any, &list), 0);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_double_eq(list.values[0], 0.7);
	rows = case_query("SELECT group_concat(name || step, ' ') FROM (SELECT "
			  "name, step FROM metrics WHERE trial = 0 ORDER BY "
			  "name, step)");
	ck_assert_str_eq(rows, "acc2 val_loss2 val_loss10 val_loss11 "
			       "val_loss12");
}
END_TEST

static int add_symptom(void *ctx, int64_t trial, enum symptom_kind kind)
{
	struct buf *b = ctx;

	buf_addf(b, "%lld %s\n", (long long)trial, symptom_kind_name(kind));
	return 0;
}

START_TEST(symptoms_replace_those_before_and_load_by_trial_and_rank)
{
	static const struct symptom_record first[] = {
		{SYMPTOM_NOISY,    0.5,  9, TEXT("a"), "b", TEXT("{}")},
		{ SYMPTOM_PLATEAU, 0.25, 9, TEXT("a"), "b", NULL      },
	};
	static const struct symptom_record second[] = {
		{SYMPTOM_DIVERGED, 1,   9, TEXT("a"), "b", NULL},
		{ SYMPTOM_NOISY,   0.5, 9, TEXT("a"), "b", NULL},
	};
	auto_buf struct buf b = BUF_INIT;

	save_metrics();
	case_save_symptoms(1001, first, 2);
	case_save_symptoms(1000, first, 2);
	case_save_symptoms(1000, second, 2);
	ck_assert_int_eq(store_load_symptoms(the.s, 1, add_symptom, &b), 0);
	ck_assert_str_eq(buf_text(&b), "1000 diverged\n1000 noisy\n"
				       "1001 noisy\n1001 plateau\n");
	case_save_symptoms(1000, NULL, 0);
	buf_clear(&b);
	ck_assert_int_eq(store_load_symptoms(the.s, 1, add_symptom, &b), 0);
	ck_assert_str_eq(buf_text(&b), "1001 noisy\n1001 plateau\n");
}
END_TEST

START_TEST(G8_a_repeated_step_keeps_the_last_value_and_counts)
{
	auto_free char *row = NULL;

	save_metrics();
	case_save_metric(1001, 1, "val_loss", 1, 0.8);
	case_save_metric(1001, 1, "val_loss", 1, 0.7);
	row = case_query("SELECT value || ' ' || repeats FROM metric "
			 "WHERE trial = 1001");
	ck_assert_str_eq(row, "0.7 2");
}
END_TEST

static int add_run_ms(void *ctx, int64_t trial, int64_t run,
		      const struct metric_record *m)
{
	int64_t *list = ctx;

	list[m->step] = m->run_ms;
	return 0;
}

START_TEST(a_metric_has_the_time_of_the_first_report_of_its_step)
{
	struct trial_record trial = sample_trial(1, 0);
	struct attempt_record attempt = sample_attempt(1000, 1);
	struct metric_record m = { "loss", 1, VALUE_FINITE, 0.5, 0 };
	int64_t run_ms[3] = { 0 };

	save_search_1();
	trial.attempts = 1;
	attempt.started_ms = 1795000001000;
	case_save_trial(&trial);
	case_save_attempt(&attempt);
	ck_assert_int_eq(store_begin(the.s), 0);
	for (int64_t i = 0; i < 3; i++) {
		m.step = 1 + i / 2;
		ck_assert_int_eq(
		    store_save_metric(the.s, 1000, 1, 1795000003000 + i, &m),
		    0);
	}
	ck_assert_int_eq(store_save_metric(the.s, 1000, 1, 1795000009000, &m),
			 0);
	ck_assert_int_eq(store_commit(the.s), 0);
	ck_assert_int_eq(
	    store_load_metric(the.s, 1, "loss", add_run_ms, run_ms), 0);
	ck_assert_int_eq(run_ms[1], 2000);
	ck_assert_int_eq(run_ms[2], 2002);
}
END_TEST

/* --- which rows are loaded, in which order ---------------------------------
 */

struct id_list {
	size_t n;
	int64_t ids[8];
};

static int add_search(void *ctx, const struct search_record *r)
{
	struct id_list *list = ctx;

	list->ids[list->n++] = r->id;
	return 0;
}

static int add_trial(void *ctx, const struct trial_record *r)
{
	struct id_list *list = ctx;

	list->ids[list->n++] = r->number;
	return 0;
}

static int add_attempt(void *ctx, const struct attempt_record *r)
{
	struct id_list *list = ctx;

	list->ids[list->n++] = r->trial;
	return 0;
}

START_TEST(open_searches_are_those_that_may_still_move)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	static const enum search_state states[] = {
		SEARCH_CANCELLED, SEARCH_PAUSED,    SEARCH_FINISHED,
		SEARCH_RUNNING,   SEARCH_CANCELLED,
	};
	struct trial_record trial = sample_trial(5, 0);
	struct attempt_record attempt = sample_attempt(trial.id, 1);
	struct id_list list = { 0 };

	for (int i = 4; i >= 0; i--) {
		struct search_record r = sample_search(i + 1, names[i]);

		r.state = states[i];
		case_save_search(&r);
	}
	case_save_trial(&trial);
	attempt.state = ATTEMPT_STOPPING;
	case_save_attempt(&attempt);
	ck_assert_int_eq(store_load_open_searches(the.s, add_search, &list), 0);
	ck_assert_uint_eq(list.n, 3);
	ck_assert_int_eq(list.ids[0], 2);
	ck_assert_int_eq(list.ids[1], 4);
	ck_assert_int_eq(list.ids[2], 5);

	attempt.state = ATTEMPT_ENDED;
	case_save_attempt(&attempt);
	list.n = 0;
	ck_assert_int_eq(store_load_open_searches(the.s, add_search, &list), 0);
	ck_assert_uint_eq(list.n, 2);
}
END_TEST

START_TEST(trials_and_attempts_load_by_number)
{
	static const enum trial_state states[] = { TRIAL_RUNNING, TRIAL_DONE,
						   TRIAL_QUEUED };
	struct id_list list = { 0 };

	save_search_1();
	for (int i = 2; i >= 0; i--) {
		struct trial_record r = sample_trial(1, i);
		struct attempt_record a = sample_attempt(r.id, 1);

		r.state = states[i];
		r.attempts = 1;
		case_save_trial(&r);
		case_save_attempt(&a);
	}
	ck_assert_int_eq(store_load_trials(the.s, 1, add_trial, &list), 0);
	ck_assert_uint_eq(list.n, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(list.ids[i], i);
	list.n = 0;
	ck_assert_int_eq(store_load_attempts(the.s, 1, add_attempt, &list), 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_int_eq(list.ids[0], 1000);
	ck_assert_int_eq(list.ids[1], 1002);
}
END_TEST

START_TEST(a_load_that_was_ended_can_be_repeated)
{
	struct trial_record r = sample_trial(1, 0);

	save_search_1();
	case_save_trial(&r);
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);
	ck_assert_int_eq(store_load_trials(the.s, 1, check_trial, &r), 42);
}
END_TEST

/* --- transactions, deletion, ids -------------------------------------------
 */

START_TEST(others_see_a_commit_and_nothing_before_it)
{
	struct search_record r = sample_search(1, "digits");
	auto_free char *before = NULL;
	auto_free char *after = NULL;

	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_save_search(the.s, &r), 0);
	before = case_query("SELECT count(*) FROM searches");
	ck_assert_int_eq(store_commit(the.s), 0);
	after = case_query("SELECT count(*) FROM searches");
	ck_assert_str_eq(before, "0");
	ck_assert_str_eq(after, "1");
}
END_TEST

START_TEST(nothing_of_a_rollback_remains)
{
	struct search_record r = sample_search(1, "digits");
	auto_free char *count = NULL;

	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_save_search(the.s, &r), 0);
	store_rollback(the.s);
	store_rollback(the.s); /* fine without a transaction */
	case_save_search(&r);
	count = case_query("SELECT count(*) FROM search");
	ck_assert_str_eq(count, "1");
}
END_TEST

START_TEST(a_failure_tells_what_was_done_and_why_it_failed)
{
	struct trial_record r = sample_trial(99, 0);

	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_lt(store_save_trial(the.s, &r), 0);
	ck_assert_ptr_nonnull(strstr(store_error(the.s), the.path));
	ck_assert_ptr_nonnull(strstr(store_error(the.s), "adding a trial"));
	ck_assert_ptr_nonnull(strstr(store_error(the.s), "FOREIGN KEY"));
	store_rollback(the.s);
}
END_TEST

START_TEST(a_name_or_a_key_is_taken_once)
{
	struct search_record r = sample_search(1, "digits");

	case_save_search(&r);
	r.id = 2;
	r.key = TEXT("another");
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_lt(store_save_search(the.s, &r), 0);
	store_rollback(the.s);
	r.name = TEXT("another");
	r.key = TEXT("digits");
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_lt(store_save_search(the.s, &r), 0);
	store_rollback(the.s);
}
END_TEST

static void forget(int64_t search)
{
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_forget_search(the.s, search), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
}

static void delete_search(int64_t search)
{
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_delete_search(the.s, search), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
}

START_TEST(deleting_a_search_deletes_its_rows_and_no_others)
{
	struct search_record other = sample_search(2, "other");
	struct trial_record trial = sample_trial(2, 0);
	struct event_record events[] = {
		{1,  0,    5, "stop", TEXT("of the search"), NULL      },
		{ 1, 1000, 5, "stop", TEXT("of a trial"),    TEXT("{}")},
		{ 2, 2000, 5, "stop", TEXT("of another"),    NULL      },
	};
	auto_free char *left = NULL;

	save_metrics();
	case_save_search(&other);
	case_save_trial(&trial);
	for (int i = 0; i < 3; i++)
		case_save_event(&events[i]);
	forget(1);
	delete_search(1);
	left =
	    case_query("SELECT (SELECT group_concat(id) FROM search) || ' ' || "
		       "(SELECT count(*) FROM submission) || ' ' || "
		       "(SELECT group_concat(id) FROM trial) || ' ' || "
		       "(SELECT count(*) FROM attempt) || ' ' || "
		       "(SELECT count(*) FROM metric) || ' ' || "
		       "(SELECT group_concat(text) FROM event)");
	ck_assert_str_eq(left, "2 1 2000 0 0 of another");
}
END_TEST

static void add_id(void *ctx, int64_t id)
{
	int64_t *ids = ctx;

	*ids = *ids * 10 + id;
}

static int one_is_there(void *ctx, const struct search_record *r)
{
	return 42;
}

START_TEST(a_forgotten_search_is_found_and_loaded_no_more)
{
	static const char *const words[] = { "digits", "4", "/4", "/", "dig" };
	struct search_record r = sample_search(4, "digits");
	struct search_record other = sample_search(5, "other");
	bool is_there = true;
	int64_t id, ids = 0;

	r.key = TEXT("key-1");
	case_save_search(&r);
	case_save_search(&other);
	forget(4);
	case_reopen();
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_int_eq(store_find_search(the.s, words[i], &id),
				 STORE_NOT_FOUND);
	ck_assert_int_eq(store_find_key(the.s, "key-1", &id), STORE_NOT_FOUND);
	ck_assert_int_eq(store_find_name(the.s, "digits", &id),
			 STORE_NOT_FOUND);
	ck_assert_int_eq(store_load_search(the.s, 4, one_is_there, NULL), 0);
	ck_assert_int_eq(store_load_open_searches(the.s, one_is_there, NULL),
			 42);
	ck_assert_int_eq(store_has_search(the.s, 4, &is_there), 0);
	ck_assert(!is_there);
	ck_assert_int_eq(store_has_search(the.s, 5, &is_there), 0);
	ck_assert(is_there);
	ck_assert_int_eq(store_load_forgotten(the.s, add_id, &ids), 0);
	ck_assert_int_eq(ids, 4);
}
END_TEST

START_TEST(name_and_key_of_a_forgotten_search_are_free_at_once)
{
	struct search_record r = sample_search(4, "digits");
	int64_t id = 0, ids = 0;

	r.key = TEXT("key-1");
	case_save_search(&r);
	forget(4);
	r.id = 6;
	case_save_search(&r);
	ck_assert_int_eq(store_find_search(the.s, "digits", &id), 0);
	ck_assert_int_eq(id, 6);
	forget(6);
	ck_assert_int_eq(store_load_forgotten(the.s, add_id, &ids), 0);
	ck_assert_int_eq(ids, 46);
}
END_TEST

/* How many rows went; @max as in store_delete_rows(). */
static int64_t delete_slice(int64_t search, int64_t max, bool *ret_more)
{
	static const char query[] =
	    "SELECT (SELECT count(*) FROM trial) + "
	    "(SELECT count(*) FROM attempt) + (SELECT count(*) FROM metric) + "
	    "(SELECT count(*) FROM event) + (SELECT count(*) FROM symptom)";
	auto_free char *before = case_query(query);
	auto_free char *after = NULL;

	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_delete_rows(the.s, search, max, ret_more), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
	after = case_query(query);
	return atoll(before) - atoll(after);
}

START_TEST(the_rows_of_a_search_go_in_slices_and_its_own_row_last)
{
	struct search_record other = sample_search(2, "other");
	struct trial_record trial = sample_trial(2, 0);
	auto_free char *left = NULL;
	bool more = true;
	int slices = 0;

	save_metrics();
	case_save_search(&other);
	case_save_trial(&trial);
	for (int64_t i = 0; i < 25; i++) {
		struct event_record e = { 1,      i % 2 * 1000,    5,
					  "stop", TEXT("because"), NULL };

		case_save_event(&e);
		case_save_metric(1000, 2, "a curve", i, 1);
		case_save_metric(1001, 1, "a curve", i, 1);
	}
	forget(1);
	while (more) {
		int64_t n = delete_slice(1, 4, &more);

		ck_assert(n > 0 || !more);
		ck_assert_int_le(n, 8 + 16); /* and a trial with its events */
		slices++;
	}
	ck_assert_int_gt(slices, 15);
	left = case_query("SELECT group_concat(search.id || ' ' || trial.id) "
			  "FROM trial JOIN search ON search.id = search");
	ck_assert_str_eq(left, "2 2000");
	free(left);
	left = case_query("SELECT ((SELECT count(*) FROM metric) + "
			  "(SELECT count(*) FROM event)) || ' ' || "
			  "(SELECT group_concat(id) FROM search)");
	ck_assert_str_eq(left, "0 1,2");
	delete_search(1);
	delete_search(1); /* it is not there any more */
	delete_search(2); /* it is not forgotten */
	free(left);
	left = case_query("SELECT group_concat(id) FROM search");
	ck_assert_str_eq(left, "2");
}
END_TEST

START_TEST(an_id_is_not_used_again_after_its_row_was_deleted)
{
	int64_t search = -1, trial = -1;

	ck_assert_int_eq(store_last_ids(the.s, &search, &trial), 0);
	ck_assert_int_eq(search, 0);
	ck_assert_int_eq(trial, 0);
	save_metrics();
	forget(1);
	delete_search(1);
	case_reopen();
	ck_assert_int_eq(store_last_ids(the.s, &search, &trial), 0);
	ck_assert_int_eq(search, 1);
	ck_assert_int_eq(trial, 1001);
}
END_TEST

/* --- finding ----------------------------------------------------------------
 */

static const struct {
	const char *what;
	int answer;
	int64_t id;
} finds[] = {
	{"digits",                0,               1}, /* a name and a prefix */
	{ "digits-2",             0,               2},
	{ "digits-",              0,               2}, /* unique prefix */
	{ "dig",		  STORE_AMBIGUOUS, 0},
	{ "3",		    0,               7}, /* a name before an id */
	{ "2",		    0,               2}, /* an id before a prefix */
	{ "20",		   0,               8}, /* prefix of a number */
	{ "Digits",               STORE_NOT_FOUND, 0},
	{ "",		     STORE_NOT_FOUND, 0},
	{ "%",		    STORE_NOT_FOUND, 0},
	{ "99999999999999999999", STORE_NOT_FOUND, 0},
	{ "-1",		   STORE_NOT_FOUND, 0},
};

START_TEST(a_search_is_found_by_name_id_or_unique_prefix)
{
	static const char *const names[] = { "digits", "digits-2", "3",
					     "2026" };
	static const int64_t ids[] = { 1, 2, 7, 8 };
	int64_t id = 0;

	for (int i = 0; i < 4; i++) {
		struct search_record r = sample_search(ids[i], names[i]);

		case_save_search(&r);
	}
	ck_assert_int_eq(store_find_search(the.s, finds[_i].what, &id),
			 finds[_i].answer);
	if (finds[_i].answer == 0)
		ck_assert_int_eq(id, finds[_i].id);
}
END_TEST

START_TEST(a_submit_is_found_by_its_key_and_its_exact_name)
{
	struct search_record r = sample_search(3, "digits");
	int64_t id = 0;

	r.key = TEXT("key-1");
	case_save_search(&r);
	ck_assert_int_eq(store_find_key(the.s, "key-1", &id), 0);
	ck_assert_int_eq(id, 3);
	ck_assert_int_eq(store_find_key(the.s, "digits", &id), STORE_NOT_FOUND);
	ck_assert_int_eq(store_find_name(the.s, "digits", &id), 0);
	ck_assert_int_eq(store_find_name(the.s, "digit", &id), STORE_NOT_FOUND);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, a_search_comes_back_as_it_was_saved);
	tcase_add_test(tc, a_trial_comes_back_as_it_was_saved);
	tcase_add_test(tc, an_update_without_params_leaves_them_as_they_are);
	tcase_add_loop_test(tc, every_kind_of_value_comes_back, 0,
			    sizeof(odd_values) / sizeof(odd_values[0]));
	tcase_add_test(tc, an_attempt_comes_back_as_it_was_saved);
	tcase_add_test(
	    tc, a_metric_loads_by_trial_and_step_from_the_latest_attempt);
	tcase_add_test(tc,
		       a_metric_loads_by_run_from_the_latest_attempt_of_each);
	tcase_add_test(tc, the_metrics_of_one_trial_load_by_name_and_step);
	tcase_add_test(
	    tc, of_a_trial_that_is_not_over_the_other_metrics_are_loaded);
	tcase_add_loop_test(
	    tc, of_a_trial_that_waited_to_the_end_the_other_metrics_are_loaded,
	    0, 2);
	tcase_add_test(tc,
		       an_attempt_that_goes_on_has_the_metrics_of_those_before);
	tcase_add_test(
	    tc, symptoms_replace_those_before_and_load_by_trial_and_rank);
	tcase_add_test(tc, G8_a_repeated_step_keeps_the_last_value_and_counts);
	tcase_add_test(tc,
		       a_metric_has_the_time_of_the_first_report_of_its_step);
	suite_add_tcase(s, tc);

	tc = tcase_create("loads");
	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, open_searches_are_those_that_may_still_move);
	tcase_add_test(tc, trials_and_attempts_load_by_number);
	tcase_add_test(tc, a_load_that_was_ended_can_be_repeated);
	suite_add_tcase(s, tc);

	tc = tcase_create("transactions");
	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, others_see_a_commit_and_nothing_before_it);
	tcase_add_test(tc, nothing_of_a_rollback_remains);
	tcase_add_test(tc, a_failure_tells_what_was_done_and_why_it_failed);
	tcase_add_test(tc, a_name_or_a_key_is_taken_once);
	tcase_add_test(tc, deleting_a_search_deletes_its_rows_and_no_others);
	tcase_add_test(tc, a_forgotten_search_is_found_and_loaded_no_more);
	tcase_add_test(tc, name_and_key_of_a_forgotten_search_are_free_at_once);
	tcase_add_test(tc,
		       the_rows_of_a_search_go_in_slices_and_its_own_row_last);
	tcase_add_test(tc, an_id_is_not_used_again_after_its_row_was_deleted);
	tcase_add_loop_test(tc, a_search_is_found_by_name_id_or_unique_prefix,
			    0, sizeof(finds) / sizeof(finds[0]));
	tcase_add_test(tc, a_submit_is_found_by_its_key_and_its_exact_name);
	suite_add_tcase(s, tc);
	return s;
}
