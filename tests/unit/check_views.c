/* The views, their JSON and schema/README.md, on a database made by hand. */
#include "check_main.h"
#include "store/db.h"
#include "store/store.h"
#include "store_case.h"

#include "schema/buf.h"
#include "schema/mem.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATED 1795000000000 /* 2026-11-18T11:06:40.000Z */

struct sample {
	int64_t search, number;
	enum trial_state state;
	const char *reason;
	double value; /* of a done or pruned trial */
	const char *params;
};

static const struct sample samples[] = {
	{1,  0,  TRIAL_DONE,      "",         0.5,              "{\"lr\":0.1,\"optimizer\":\"adam\"}"},
	{ 1, 1,  TRIAL_DONE,      "",         0.25,             "{\"lr\":1e-05,\"on\":true}"         },
	{ 1, 2,  TRIAL_DONE,      "",         0.25,
         "{\"lr\":0.30000000000000004,\"seed\":9007199254740993}"                                    },
	{ 1, 3,  TRIAL_DONE,      "diverged", (double)NAN,      "{\"lr\":10}"                        },
	{ 1, 4,  TRIAL_PRUNED,    "median@7", 0.01,             "{\"lr\":3}"                         },
	{ 1, 5,  TRIAL_FAILED,    "exit:1",   0,                "{\"lr\":4}"                         },
	{ 1, 6,  TRIAL_RUNNING,   "",         0,                "{\"lr\":5}"                         },
	{ 1, 7,  TRIAL_QUEUED,    "",         0,                "{\"lr\":6}"                         },
	{ 1, 8,  TRIAL_CANCELLED, "user",     0,                "{\"lr\":7}"                         },
	{ 1, 9,  TRIAL_LOST,      "reboot",   0,                "{\"lr\":8}"                         },
	{ 1, 10, TRIAL_DONE,      "",         0.125,            "{\"o'pt\":\"\xf0\x9f\x98\x80\"}"    },
	{ 2, 0,  TRIAL_DONE,      "",         0.75,             "{}"                                 },
	{ 2, 1,  TRIAL_DONE,      "",         (double)INFINITY, "{}"                                 },
	{ 2, 2,  TRIAL_DONE,      "",         0.5,              "{}"                                 },
	{ 2, 3,  TRIAL_DONE,      "",         0.875,            "{}"                                 },
};

static void save_sample(const struct sample *sample)
{
	struct trial_record t = sample_trial(sample->search, sample->number);
	struct attempt_record a = sample_attempt(t.id, 1);

	t.state = sample->state;
	strcpy(t.reason, sample->reason);
	t.params = TEXT(sample->params);
	t.created_ms = CREATED;
	if (t.state != TRIAL_QUEUED) {
		t.attempts = 1;
		t.started_ms = CREATED + 1001;
	}
	if (trial_state_is_final(t.state))
		t.ended_ms = CREATED + 2501;
	t.has_value = t.state == TRIAL_DONE || t.state == TRIAL_PRUNED;
	t.kind = value_kind_of(sample->value);
	t.value = sample->value;
	case_save_trial(&t);
	if (t.attempts == 0)
		return;
	a.state =
	    trial_state_is_final(t.state) ? ATTEMPT_ENDED : ATTEMPT_RUNNING;
	a.started_ms = t.started_ms;
	if (t.state == TRIAL_FAILED) {
		a.outcome.kind = OUTCOME_EXITED;
		a.outcome.code = 1;
		a.outcome.ended_ms = t.ended_ms;
	} else if (t.state == TRIAL_PRUNED) {
		a.outcome.kind = OUTCOME_SIGNALED;
		a.outcome.signal = 15;
		a.outcome.user_ms = 1500;
	}
	case_save_attempt(&a);
}

static const struct symptom_record overfits[] = {
	{SYMPTOM_OVERFITTING, 0.75, 8, TEXT("rose from step 8 on"),
         "Stop at that step.",						  TEXT("{\"rise\":0.5}")},
	{ SYMPTOM_NOISY,      0.25, 9, TEXT("it scatters"),         "Average.", NULL                  },
};
static const struct symptom_record is_healthy[] = {
	{SYMPTOM_HEALTHY, 0.5,   9, TEXT("it fell"),     "Nothing.", NULL},
	{ SYMPTOM_NOISY,  0.125, 9, TEXT("it scatters"), "Average.", NULL},
};
static const struct symptom_record diverged[] = {
	{SYMPTOM_DIVERGED, 1, 3, TEXT("it is NaN"), "Lower the rate.", NULL},
};

static void fill(void)
{
	struct search_record digits = sample_search(1, "digits");
	struct search_record max = sample_search(2, "max");
	struct search_record empty = sample_search(3, "empty");
	struct event_record events[] = {
		{1,  0,    CREATED,     "submit",    TEXT("submitted"),        NULL},
		{ 1, 1004, CREATED + 1, "stop",      TEXT("above the median"),
                 TEXT("{\"median\":0.30000000000000004}")                          },
		{ 1, 0,    CREATED + 2, "pause",     TEXT("paused"),           NULL},
		{ 1, 1010, CREATED + 3, "suggested", TEXT("chosen"),
                 TEXT("{\"low\":0.125}")					   },
		{ 1, 1005, CREATED + 4, "suggested", TEXT("chosen"),           NULL},
	};

	case_open();
	digits.created_ms = CREATED;
	case_save_search(&digits);
	max.goal = GOAL_MAXIMIZE;
	max.state = SEARCH_FINISHED;
	max.created_ms = CREATED;
	max.ended_ms = CREATED + 60250;
	case_save_search(&max);
	case_save_search(&empty);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		save_sample(&samples[i]);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		case_save_event(&events[i]);
	case_save_metric(1000, 1, "val_loss", 2, 0.5);
	case_save_metric(1000, 1, "val_loss", 1, (double)NAN);
	case_save_metric(1000, 1, "acc", 1, 0.25);
	case_save_metric(1000, 1, "acc", 2, -(double)INFINITY);
	case_save_symptoms(1000, overfits, 2);
	case_save_symptoms(1001, is_healthy, 2);
	case_save_symptoms(1003, diverged, 1);
	case_save_symptoms(1006, diverged, 1);
}

/* All rows of @query: columns with |, rows with a newline. */
static char *rows_of(const char *query)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	struct buf b = BUF_INIT;

	ck_assert_int_eq(
	    sqlite3_open_v2(the.path, &db, SQLITE_OPEN_READONLY, NULL), 0);
	ck_assert_msg(sqlite3_prepare_v2(db, query, -1, &q, NULL) == 0,
		      "%s: %s", query, sqlite3_errmsg(db));
	while (sqlite3_step(q) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(q); i++) {
			const char *text =
			    (const char *)sqlite3_column_text(q, i);

			buf_addf(&b, "%s%s", i > 0 ? "|" : "",
				 text == NULL ? "NULL" : text);
		}
		buf_addc(&b, '\n');
	}
	ck_assert_int_eq(sqlite3_finalize(q), SQLITE_OK);
	sqlite3_close(db);
	return buf_take(&b);
}

static const struct {
	const char *query;
	const char *rows;
} answers[] = {
	{"SELECT id, name, state, reason, metric, goal, trials, done, "
	  "running, pruned, failed, cancelled, lost, queued, best_value, "
	  "best_trial, created, ended FROM searches ORDER BY id",      "1|digits|running|reason|val_loss|minimize|60|5|1|1|1|1|1|1|0.125|"
	  "10|2026-11-18T11:06:40.000Z|NULL\n"
	  "2|max|finished|reason|val_loss|maximize|60|4|0|0|0|0|0|0|0.875|3|"
	  "2026-11-18T11:06:40.000Z|2026-11-18T11:07:40.250Z\n"
	  "3|empty|running|reason|val_loss|minimize|60|0|0|0|0|0|0|0|NULL|"
	  "NULL|2026-11-18T11:06:40.123Z|NULL\n"                   },
	{ "SELECT seconds FROM searches WHERE name = 'max'",                    "60.25\n"                                                    },
	{ "SELECT seconds > 0 FROM trials WHERE state = 'running'",             "1\n"                                                        },
	{ "SELECT number, state, reason, value, kind, attempts FROM trials "
	  "WHERE search = 'digits' ORDER BY number LIMIT 8",	   "0|done||0.5|finite|1\n"
	  "1|done||0.25|finite|1\n"
	  "2|done||0.25|finite|1\n"
	  "3|done|diverged|NULL|nan|1\n"
	  "4|pruned|median@7|0.01|finite|1\n"
	  "5|failed|exit:1|NULL|none|1\n"
	  "6|running||NULL|none|1\n"
	  "7|queued||NULL|none|0\n"				     },
	{ "SELECT created, started, ended, seconds, origin FROM trials "
	  "WHERE search = 'digits' AND number IN (0, 7)",	      "2026-11-18T11:06:40.000Z|2026-11-18T11:06:41.001Z|"
	  "2026-11-18T11:06:42.501Z|1.5|sampler\n"
	  "2026-11-18T11:06:40.000Z|NULL|NULL|NULL|sampler\n"              },
	{ "SELECT kind, value FROM trials WHERE search = 'max' AND number = 1",
         "+inf|NULL\n"														       },
	{ "SELECT name, value FROM params WHERE search = 'digits' AND "
	  "trial IN (0, 1, 2, 10) ORDER BY trial, name",	       "lr|0.1\noptimizer|adam\nlr|1.0e-05\non|1\nlr|0.3\n"
	  "seed|9007199254740993\no'pt|\xf0\x9f\x98\x80\n"                  },
	{ "SELECT value = 0.1 + 0.2 FROM params WHERE search = 'digits' AND "
	  "trial = 2 AND name = 'lr'",				 "1\n"							},
	{ "SELECT trial, name, step, value, kind, time FROM metrics "
	  "WHERE search = 'digits' ORDER BY name, step",	       "0|acc|1|0.25|finite|2026-11-18T11:06:42.500Z\n"
	  "0|acc|2|NULL|-inf|2026-11-18T11:06:42.500Z\n"
	  "0|val_loss|1|NULL|nan|2026-11-18T11:06:42.500Z\n"
	  "0|val_loss|2|0.5|finite|2026-11-18T11:06:42.500Z\n"              },
	{ "SELECT search, goal, trial, value, seconds FROM best "
	  "ORDER BY search",					   "digits|minimize|10|0.125|1.5\nmax|maximize|3|0.875|1.5\n"   },
	{ "SELECT search, rank, trial, value FROM leaderboard "
	  "ORDER BY search, rank",				     "digits|1|10|0.125\ndigits|2|1|0.25\ndigits|3|2|0.25\n"
	  "digits|4|0|0.5\n"
	  "max|1|3|0.875\nmax|2|0|0.75\nmax|3|2|0.5\n"                                            },
	{ "SELECT trial, value, best FROM curves WHERE search = 'digits' "
	  "ORDER BY trial",					    "0|0.5|0.5\n1|0.25|0.25\n2|0.25|0.25\n10|0.125|0.125\n"      },
	{ "SELECT trial, value, best FROM curves WHERE search = 'max' "
	  "ORDER BY trial",					    "0|0.75|0.75\n2|0.5|0.75\n3|0.875|0.875\n"                   },
	{ "SELECT trial, number, state, outcome, code, signal, core, error, "
	  "seconds, user_seconds FROM attempts WHERE search = 'digits' "
	  "AND trial BETWEEN 4 AND 6 ORDER BY trial",		  "4|1|ended|signaled|NULL|15|0|NULL|NULL|1.5\n"
	  "5|1|ended|exited|1|NULL|NULL|NULL|1.5|0.0\n"
	  "6|1|running|none|NULL|NULL|NULL|NULL|NULL|NULL\n"                   },
	{ "SELECT number, symptom FROM trials WHERE search = 'digits' AND "
	  "number < 4 ORDER BY number",				"0|overfitting\n1|healthy\n2|NULL\n3|diverged\n"             },
	{ "SELECT search, trial, rank, symptom, strength, step, text, try, "
	  "data FROM symptoms WHERE trial < 3 ORDER BY trial, rank",   "digits|0|1|overfitting|0.75|8|rose from step 8 on|"
	  "Stop at that step.|{\"rise\":0.5}\n"
	  "digits|0|2|noisy|0.25|9|it scatters|Average.|NULL\n"
	  "digits|1|1|healthy|0.5|9|it fell|Nothing.|NULL\n"
	  "digits|1|2|noisy|0.125|9|it scatters|Average.|NULL\n"},
	{ "SELECT trial, time, kind, text, data FROM events ORDER BY id",
         "NULL|2026-11-18T11:06:40.000Z|submit|submitted|NULL\n"
	  "4|2026-11-18T11:06:40.001Z|stop|above the median|"
	  "{\"median\":0.30000000000000004}\n"
	  "NULL|2026-11-18T11:06:40.002Z|pause|paused|NULL\n"
	  "10|2026-11-18T11:06:40.003Z|suggested|chosen|{\"low\":0.125}\n"
	  "5|2026-11-18T11:06:40.004Z|suggested|chosen|NULL\n"									       },
};

START_TEST(a_view_answers_as_computed_by_hand)
{
	auto_free char *rows = rows_of(answers[_i].query);

	ck_assert_str_eq(rows, answers[_i].rows);
}
END_TEST

START_TEST(what_is_left_of_a_removed_search_is_in_no_view)
{
	auto_free char *names = rows_of("SELECT name FROM sqlite_schema "
					"WHERE type = 'view'");
	int n = 0;

	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_forget_search(the.s, 1), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
	for (char *at = NULL, *name = strtok_r(names, "\n", &at); name != NULL;
	     name = strtok_r(NULL, "\n", &at)) {
		const char *of =
		    strcmp(name, "searches") == 0 ? "name" : "search";
		auto_free char *query = xasprintf(
		    "SELECT %s FROM %s WHERE %s NOT IN ('max', 'empty')", of,
		    name, of);
		auto_free char *rows = rows_of(query);

		ck_assert_msg(rows == NULL || rows[0] == '\0', "%s: %s", name,
			      rows);
		n++;
	}
	ck_assert_int_eq(n, 11);
}
END_TEST

START_TEST(a_view_tells_the_lineage_of_a_trial)
{
	struct search_record search = sample_search(4, "pbt");
	auto_free char *rows = NULL;

	case_save_search(&search);
	for (int64_t i = 0; i < 3; i++) {
		struct trial_record t = sample_trial(4, i);

		if (i < 2)
			t.lineage = (struct lineage){ i + 1, 0, 0 };
		case_save_trial(&t);
	}
	rows = rows_of("SELECT number, member, generation, parent FROM trials "
		       "WHERE search = 'pbt'");
	ck_assert_str_eq(rows, "0|0|1|NULL\n1|0|2|0\n2|NULL|NULL|NULL\n");
}
END_TEST

/*
 * A trial whose run 0 (attempt 4) is over and whose run 1 (5) is on; it had
 * three runs (1, 2, 3) before the user retried it.
 */
static void fill_runs(void)
{
	static const int64_t runs[] = { 0, 1, 2, 0, 1 };
	struct search_record search = sample_search(1, "folds");
	struct trial_record t = sample_trial(1, 0);

	case_open();
	case_save_search(&search);
	t.state = TRIAL_RUNNING;
	t.attempts = 5;
	t.runs = 1;
	t.has_value = t.has_error = true;
	t.value = 0.75;
	t.error = 0.125;
	case_save_trial(&t);
	for (int64_t i = 0; i < 5; i++) {
		struct attempt_record a = sample_attempt(t.id, i + 1);

		a.run = runs[i];
		a.started_ms = CREATED;
		if (i < 4) {
			a.state = ATTEMPT_ENDED;
			a.has_result = true;
			a.result = (double)i / 4;
			a.outcome.ended_ms = CREATED + 2000;
		}
		case_save_attempt(&a);
		case_save_metric(t.id, i + 1, "loss", 1, (double)i / 4);
	}
}

START_TEST(a_view_tells_the_runs_of_a_trial)
{
	static const struct {
		const char *query, *rows;
	} cases[] = {
		{"SELECT number, value, value_error, runs, attempts "
		  "FROM trials",			     "0|0.75|0.125|1|5\n"},
		{ "SELECT trial, run, value, attempt, ended, seconds FROM runs "
		  "ORDER BY run",			    "0|0|0.75|4|2026-11-18T11:06:42.000Z|2.0\n"
		  "0|1|NULL|5|NULL|NULL\n"      },
		{ "SELECT run, name, step, value FROM metrics ORDER BY run",
                 "0|loss|1|0.75\n1|loss|1|1.0\n"						  },
		{ "SELECT number, run, result FROM attempts ORDER BY number",
                 "1|0|0.0\n2|1|0.25\n3|2|0.5\n4|0|0.75\n5|1|NULL\n"                               },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *rows = rows_of(cases[i].query);

		ck_assert_str_eq(rows, cases[i].rows);
	}
}
END_TEST

START_TEST(the_best_rows_come_in_the_order_of_their_rank_unasked)
{
	auto_free char *rows = rows_of("SELECT rank FROM leaderboard "
				       "WHERE search = 'digits' LIMIT 3");

	ck_assert_str_eq(rows, "1\n2\n3\n");
}
END_TEST

/* --- JSON --------------------------------------------------------------------
 */

/* Takes @node. */
static void check_json(cJSON *node, const char *want)
{
	auto_free char *text = json_print(node);

	cJSON_Delete(node);
	ck_assert_str_eq(text, want);
}

#define COMMON_TIMES                                                           \
	"\"created\":\"2026-11-18T11:06:40.000Z\","                            \
	"\"started\":\"2026-11-18T11:06:41.001Z\","                            \
	"\"ended\":\"2026-11-18T11:06:42.501Z\",\"seconds\":1.5"

START_TEST(a_trial_as_json_keeps_every_number_exactly)
{
	cJSON *row = NULL;

	ck_assert_int_eq(store_read_trial(the.s, 1, 2, &row), 0);
	check_json(
	    row,
	    "{\"search\":\"digits\",\"number\":2,\"state\":\"done\","
	    "\"reason\":\"\",\"value\":0.25,\"kind\":\"finite\","
	    "\"params\":{\"lr\":0.30000000000000004,"
	    "\"seed\":9007199254740993},\"origin\":\"sampler\","
	    "\"attempts\":1,\"steps\":0," COMMON_TIMES
	    ",\"value_error\":null,\"runs\":0,\"symptom\":null,\"member\":null,\"generation\":null,\"parent\":null}");
}
END_TEST

START_TEST(values_that_are_not_finite_are_words_in_json)
{
	static const struct {
		int64_t search, number;
		const char *value;
	} cases[] = {
		{1,  3, "\"nan\""},
		{ 2, 1, "\"inf\""},
		{ 1, 5, "null"   },
	};

	for (int i = 0; i < 3; i++) {
		cJSON *row = NULL;

		ck_assert_int_eq(store_read_trial(the.s, cases[i].search,
						  cases[i].number, &row),
				 0);
		check_json(cJSON_DetachItemFromObject(row, "value"),
			   cases[i].value);
		cJSON_Delete(row);
	}
}
END_TEST

/* The members @name of the rows, which it takes, as an array. */
static cJSON *column(cJSON *rows, const char *name)
{
	cJSON *values = cJSON_CreateArray();
	cJSON *row;

	ck_assert(cJSON_IsArray(rows));
	cJSON_ArrayForEach (row, rows)
		cJSON_AddItemToArray(values,
				     cJSON_DetachItemFromObject(row, name));
	cJSON_Delete(rows);
	return values;
}

START_TEST(trials_are_listed_by_state_from_a_number_up_to_a_limit)
{
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_trials(the.s, 1, NULL, 4, 3, &rows), 0);
	check_json(column(rows, "number"), "[4,5,6]");
	ck_assert_int_eq(store_read_trials(the.s, 1, "done", 1, 10, &rows), 0);
	check_json(column(rows, "number"), "[1,2,3,10]");
	ck_assert_int_eq(store_read_trials(the.s, 3, NULL, 0, 10, &rows), 0);
	check_json(rows, "[]");
}
END_TEST

START_TEST(rows_that_are_not_there_are_not_found)
{
	cJSON *row = NULL;
	char *text = NULL;

	ck_assert_int_eq(store_read_trial(the.s, 1, 99, &row), STORE_NOT_FOUND);
	ck_assert_ptr_null(row);
	ck_assert_int_eq(store_read_trial(the.s, 99, 0, &row), STORE_NOT_FOUND);
	ck_assert_int_eq(store_read_search(the.s, 99, &row), STORE_NOT_FOUND);
	ck_assert_int_eq(store_read_file(the.s, 99, &text), STORE_NOT_FOUND);
	ck_assert_ptr_null(text);
	ck_assert_int_eq(store_read_trials(the.s, 99, NULL, 0, 9, &row), 0);
	check_json(row, "[]");
}
END_TEST

START_TEST(searches_are_listed_the_newest_first)
{
	cJSON *rows = NULL, *row = NULL;

	ck_assert_int_eq(store_read_searches(the.s, &rows), 0);
	check_json(column(rows, "name"), "[\"empty\",\"max\",\"digits\"]");
	ck_assert_int_eq(store_read_search(the.s, 3, &row), 0);
	check_json(cJSON_DetachItemFromObject(row, "best_value"), "null");
	cJSON_Delete(row);
}
END_TEST

START_TEST(the_best_are_listed_by_rank)
{
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_best(the.s, 1, 3, &rows), 0);
	check_json(column(rows, "trial"), "[10,1,2]");
	ck_assert_int_eq(store_read_best(the.s, 2, 1, &rows), 0);
	check_json(column(rows, "value"), "[0.875]");
}
END_TEST

/* A page of the metrics of trial 0 of search 1; new. */
static cJSON *metrics(const struct store_metrics_page *page)
{
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_metrics(the.s, 1, 0, page, &rows), 0);
	return rows;
}

START_TEST(metrics_are_listed_by_name_and_step)
{
	struct store_metrics_page page = { .limit = 10 };

	check_json(column(metrics(&page), "value"),
		   "[0.25,\"-inf\",\"nan\",0.5]");
	page.after.name = "acc";
	page.after.step = 1;
	check_json(column(metrics(&page), "value"), "[\"-inf\",\"nan\",0.5]");
	page = (struct store_metrics_page){ .only = "val_loss", .limit = 1 };
	check_json(column(metrics(&page), "step"), "[1]");
}
END_TEST

/*
 * Run 0 has a resumed attempt (5), which goes on with the curves of the one
 * before it (4), and run 1 is on (6); three attempts were before a retry.
 */
static void fill_long(void)
{
	static const int64_t runs[] = { 0, 1, 2, 0, 0, 1 };
	static const int64_t curves[] = { 1, 2, 3, 4, 4, 6 };
	static const char *const names[] = { "", "acc", "b c", "loss" };
	static const int64_t steps[] = { -(1LL << 62), -1, 0, 7, 1LL << 62 };
	struct search_record search = sample_search(1, "long");
	struct trial_record t = sample_trial(1, 0);

	case_open();
	case_save_search(&search);
	t.state = TRIAL_RUNNING;
	t.attempts = 6;
	t.runs = 1;
	case_save_trial(&t);
	for (int64_t i = 0; i < t.attempts; i++) {
		struct attempt_record a = sample_attempt(t.id, i + 1);

		a.run = runs[i];
		a.curve = curves[i];
		case_save_attempt(&a);
		for (int64_t m = 0; a.curve == a.number && m < 20; m++)
			case_save_metric(t.id, a.number, names[m % 4],
					 steps[m / 4],
					 (double)(20 * i + m) + 0.5);
	}
}

/* Page after page of @limit rows, a line each. */
static char *pages_of_metrics(const char *only, int64_t limit)
{
	struct store_metrics_page page = { .only = only, .limit = limit };
	auto_free char *name = NULL;
	struct buf text = BUF_INIT;
	size_t before;

	do {
		auto_json cJSON *rows = metrics(&page);
		const cJSON *row;

		before = text.len;
		cJSON_ArrayForEach (row, rows) {
			auto_free char *step =
			    json_print(json_get(row, "step"));

			json_write(&text, row);
			buf_addc(&text, '\n');
			free(name);
			name = xstrdup(json_get_text(row, "name"));
			page.after.name = name;
			page.after.run = json_get_integer(row, "run", -1);
			page.after.step = strtoll(step, NULL, 10);
		}
	} while (text.len > before);
	return buf_take(&text);
}

START_TEST(pages_of_any_size_hold_the_rows_of_the_view_metrics)
{
	static const char query[] =
	    "SELECT json_object('search', search, 'trial', trial, 'name', "
	    "name, 'step', step, 'value', value, 'kind', kind, 'time', time, "
	    "'run', run) FROM metrics WHERE %s ORDER BY run, name, step";
	auto_free char *query_all = xasprintf(query, "true");
	auto_free char *query_one = xasprintf(query, "name = 'b c'");
	auto_free char *all = rows_of(query_all);
	auto_free char *one = rows_of(query_one);
	auto_free char *pages = pages_of_metrics(NULL, _i);
	auto_free char *pages_of_one = pages_of_metrics("b c", _i);

	/* Too long for the messages of ck_assert_str_eq(). */
	ck_assert_uint_eq(strlen(pages), strlen(all));
	ck_assert(strcmp(pages, all) == 0);
	ck_assert_str_eq(pages_of_one, one);
}
END_TEST

START_TEST(rows_that_come_between_two_pages_shift_nothing)
{
	struct store_metrics_page page = {
		.after = {.name = "acc", .run = 1, .step = 7},
		.limit = 3,
	};
	auto_json cJSON *before = metrics(&page);
	auto_free char *text = json_print(before);

	case_save_metric(1000, 6, "acc", 6, 0.5);
	check_json(metrics(&page), text);
}
END_TEST

/* A sum over all queries of the store, which begins again with 0. */
static int count_of(int counter)
{
	sqlite3_stmt *q = NULL;
	int sum = 0;

	while ((q = sqlite3_next_stmt(the.s->db, q)) != NULL)
		sum += sqlite3_stmt_status(q, counter, true);
	return sum;
}

/* Of all metrics (0), and of one. */
START_TEST(a_page_of_metrics_reads_and_sorts_no_others)
{
	struct store_metrics_page first = { .only = _i == 0 ? NULL : "loss",
					    .limit = 10 };
	struct store_metrics_page last = first;
	int steps;

	ck_assert_int_eq(store_begin(the.s), 0);
	for (int64_t step = 0; step < 10000; step++) {
		struct metric_record m = { .name = "loss", .step = step };

		ck_assert_int_eq(store_save_metric(the.s, 1000, 6, 0, &m), 0);
	}
	ck_assert_int_eq(store_commit(the.s), 0);
	(void)count_of(SQLITE_STMTSTATUS_VM_STEP);
	cJSON_Delete(metrics(&first));
	steps = count_of(SQLITE_STMTSTATUS_VM_STEP);
	last.after.run = 1;
	last.after.name = "loss";
	last.after.step = 9900;
	cJSON_Delete(metrics(&last));
	ck_assert_int_le(count_of(SQLITE_STMTSTATUS_VM_STEP), 2 * steps);
	ck_assert_int_eq(count_of(SQLITE_STMTSTATUS_SORT), 0);
}
END_TEST

START_TEST(the_newest_events_are_listed_the_oldest_first)
{
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_events(the.s, 1, -1, 5, &rows), 0);
	check_json(column(rows, "kind"), "[\"submit\",\"pause\"]");
	ck_assert_int_eq(store_read_events(the.s, 1, -1, 1, &rows), 0);
	check_json(column(rows, "kind"), "[\"pause\"]");
	ck_assert_int_eq(store_read_events(the.s, 1, 4, 5, &rows), 0);
	check_json(column(rows, "data"), "[{\"median\":0.30000000000000004}]");
	ck_assert_int_eq(store_read_events(the.s, 2, 4, 5, &rows), 0);
	check_json(rows, "[]");
}
END_TEST

START_TEST(the_reasons_of_the_newest_trial_are_read)
{
	auto_json cJSON *row = NULL;
	cJSON *none = NULL;

	ck_assert_int_eq(store_read_suggested(the.s, 1, &row), 0);
	ck_assert_double_eq(json_get_number(json_get(row, "data"), "low", 0),
			    0.125);
	ck_assert_int_eq(store_read_suggested(the.s, 2, &none),
			 STORE_NOT_FOUND);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(the_symptoms_of_a_trial_are_listed_by_rank)
{
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_symptoms(the.s, 1, 0, &rows), 0);
	check_json(rows, "[{\"symptom\":\"overfitting\","
			 "\"strength\":0.75,\"step\":8,"
			 "\"text\":\"rose from step 8 on\","
			 "\"try\":\"Stop at that step.\","
			 "\"data\":{\"rise\":0.5}},"
			 "{\"symptom\":\"noisy\",\"strength\":0.25,"
			 "\"step\":9,\"text\":\"it scatters\","
			 "\"try\":\"Average.\",\"data\":null}]");
	ck_assert_int_eq(store_read_symptoms(the.s, 1, 2, &rows), 0);
	check_json(rows, "[]");
}
END_TEST

START_TEST(symptoms_are_counted_and_of_a_healthy_trial_nothing_else)
{
	cJSON *counts = NULL;

	ck_assert_int_eq(store_count_symptoms(the.s, 1, &counts), 0);
	check_json(counts, "{\"diverged\":2,\"healthy\":1,\"noisy\":1,"
			   "\"overfitting\":1}");
	ck_assert_int_eq(store_count_symptoms(the.s, 2, &counts), 0);
	check_json(counts, "{}");
}
END_TEST

START_TEST(attempts_and_the_file_of_a_search_are_read)
{
	auto_free char *text = NULL;
	cJSON *rows = NULL;

	ck_assert_int_eq(store_read_attempts(the.s, 1, 5, &rows), 0);
	check_json(column(rows, "code"), "[1]");
	ck_assert_int_eq(store_read_file(the.s, 1, &text), 0);
	ck_assert_str_eq(text, "{\"name\": \"digits\"}");
}
END_TEST

/* --- the lists of names.def and the CHECKs -----------------------------------
 */

static const struct {
	const char *update; /* sets a column to %s */
	const char *const *names;
} enums[] = {
	{"UPDATE search SET state = %s",                          search_state_names },
	{ "UPDATE search SET goal = %s",                          goal_names         },
	{ "UPDATE trial SET state = %s, score = CASE WHEN %s = 'done' "
	  "AND kind = 'finite' THEN value END",	  trial_state_names  },
	{ "UPDATE trial SET origin = %s",                         origin_names       },
	{ "UPDATE trial SET kind = %s, value = 0, score = CASE WHEN "
	  "state = 'done' AND %s = 'finite' THEN 0 END", value_kind_names   },
	{ "UPDATE attempt SET state = %s",                        attempt_state_names},
	{ "UPDATE attempt SET outcome = %s",                      outcome_kind_names },
	{ "UPDATE metric SET kind = %s",                          value_kind_names   },
	{ "UPDATE symptom SET symptom = %s",                      symptom_kind_names },
};

static int set_to(sqlite3 *db, const char *update, const char *name)
{
	auto_free char *quoted = xasprintf("'%s'", name);
	auto_buf struct buf sql = BUF_INIT;
	const char *hole;

	while ((hole = strstr(update, "%s")) != NULL) {
		buf_add(&sql, update, (size_t)(hole - update));
		buf_adds(&sql, quoted);
		update = hole + 2;
	}
	buf_adds(&sql, update);
	return sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL);
}

START_TEST(the_database_takes_exactly_the_names_of_names_def)
{
	const char *const *names = enums[_i].names;
	sqlite3 *db;

	case_shut();
	ck_assert_int_eq(sqlite3_open(the.path, &db), 0);
	for (size_t i = 0; names[i] != NULL; i++)
		ck_assert_msg(set_to(db, enums[_i].update, names[i]) == 0,
			      "%s: %s", names[i], sqlite3_errmsg(db));
	ck_assert_int_eq(set_to(db, enums[_i].update, "foreign"),
			 SQLITE_CONSTRAINT);
	sqlite3_close(db);
}
END_TEST

/* Every list of words in a CHECK is one of those above. */
START_TEST(no_checked_column_is_left_out)
{
	auto_free char *count = case_query(
	    "SELECT sum((length(sql) - length(replace(sql, ' IN (''', ''))) "
	    "/ length(' IN (''')) FROM sqlite_schema WHERE type = 'table'");
	auto_free char *lines = case_query(
	    "SELECT sum((length(sql) - length(replace(sql, 'CHECK (' || "
	    "char(10), ''))) / 8) FROM sqlite_schema WHERE type = 'table'");

	ck_assert_int_eq(atoi(count) + atoi(lines),
			 sizeof(enums) / sizeof(enums[0]));
}
END_TEST

/* --- schema/README.md --------------------------------------------------------
 */

static char *readme(void)
{
	FILE *f = fopen(SOURCE_ROOT "/schema/README.md", "re");
	struct buf b = BUF_INIT;
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		buf_adds(&b, line);
	fclose(f);
	return buf_take(&b);
}

START_TEST(every_example_of_the_readme_returns_rows)
{
	static const char fence[] = "```sql\n";
	auto_free char *text = readme();
	char *at = text;
	int n = 0;

	while ((at = strstr(at, fence)) != NULL) {
		char *query = at + strlen(fence);
		auto_free char *rows = NULL;

		at = strstr(query, "```");
		ck_assert_ptr_nonnull(at);
		*at++ = '\0';
		rows = rows_of(query);
		ck_assert_msg(rows[0] != '\0', "no rows: %s", query);
		n++;
	}
	ck_assert_int_ge(n, 9);
}
END_TEST

/* "### view" and then "| `column` | ..." for each column, in their order. */
START_TEST(the_readme_tells_every_column_of_every_view)
{
	auto_free char *text = readme();
	struct buf told = BUF_INIT;
	auto_free char *columns = NULL;
	auto_free char *want = NULL;
	char view[32] = "", name[32], *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '#')
			view[0] = '\0';
		if (sscanf(line, "### %31[a-z]", view) == 1)
			continue;
		if (view[0] != '\0' &&
		    sscanf(line, "| `%31[a-z_]` |", name) == 1)
			buf_addf(&told, "%s|%s\n", view, name);
	}
	want = buf_take(&told);
	columns = rows_of("SELECT v.name, c.name FROM sqlite_schema v "
			  "JOIN pragma_table_info(v.name) c "
			  "WHERE v.type = 'view' ORDER BY v.rowid, c.cid");
	ck_assert_str_eq(want, columns);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("views");
	TCase *tc = tcase_create("views");

	tcase_add_checked_fixture(tc, fill, case_close);
	tcase_add_loop_test(tc, a_view_answers_as_computed_by_hand, 0,
			    sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(tc,
		       the_best_rows_come_in_the_order_of_their_rank_unasked);
	tcase_add_test(tc, what_is_left_of_a_removed_search_is_in_no_view);
	tcase_add_test(tc, a_view_tells_the_lineage_of_a_trial);
	suite_add_tcase(s, tc);

	tc = tcase_create("runs");
	tcase_add_checked_fixture(tc, fill_runs, case_close);
	tcase_add_test(tc, a_view_tells_the_runs_of_a_trial);
	suite_add_tcase(s, tc);

	tc = tcase_create("json");
	tcase_add_checked_fixture(tc, fill, case_close);
	tcase_add_test(tc, a_trial_as_json_keeps_every_number_exactly);
	tcase_add_test(tc, values_that_are_not_finite_are_words_in_json);
	tcase_add_test(tc,
		       trials_are_listed_by_state_from_a_number_up_to_a_limit);
	tcase_add_test(tc, rows_that_are_not_there_are_not_found);
	tcase_add_test(tc, searches_are_listed_the_newest_first);
	tcase_add_test(tc, the_best_are_listed_by_rank);
	tcase_add_test(tc, metrics_are_listed_by_name_and_step);
	tcase_add_test(tc, the_newest_events_are_listed_the_oldest_first);
	tcase_add_test(tc, the_reasons_of_the_newest_trial_are_read);
	tcase_add_test(tc, the_symptoms_of_a_trial_are_listed_by_rank);
	tcase_add_test(
	    tc, symptoms_are_counted_and_of_a_healthy_trial_nothing_else);
	tcase_add_test(tc, attempts_and_the_file_of_a_search_are_read);
	suite_add_tcase(s, tc);

	tc = tcase_create("pages");
	tcase_add_checked_fixture(tc, fill_long, case_close);
	tcase_add_loop_test(
	    tc, pages_of_any_size_hold_the_rows_of_the_view_metrics, 1, 42);
	tcase_add_test(tc, rows_that_come_between_two_pages_shift_nothing);
	tcase_add_loop_test(tc, a_page_of_metrics_reads_and_sorts_no_others, 0,
			    2);
	suite_add_tcase(s, tc);

	tc = tcase_create("contract");
	tcase_add_checked_fixture(tc, fill, case_close);
	tcase_add_loop_test(tc,
			    the_database_takes_exactly_the_names_of_names_def,
			    0, sizeof(enums) / sizeof(enums[0]));
	tcase_add_test(tc, no_checked_column_is_left_out);
	tcase_add_test(tc, every_example_of_the_readme_returns_rows);
	tcase_add_test(tc, the_readme_tells_every_column_of_every_view);
	suite_add_tcase(s, tc);
	return s;
}
