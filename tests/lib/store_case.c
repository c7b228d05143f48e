#include "store_case.h"

#include "schema/mem.h"

#include <check.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct store_case the;

void case_open_again(void)
{
	auto_diag struct diag faults = DIAG_INIT;
	int r = store_open(the.path, &the.s, &faults);
	auto_free char *text = diag_text(&faults, NULL);

	ck_assert_msg(r == 0, "%s", text);
}

void case_open(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(the.folder, sizeof(the.folder), "%s/check_store.XXXXXX",
		 tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(the.folder));
	snprintf(the.path, sizeof(the.path), "%s/hps.db", the.folder);
	case_open_again();
}

void case_shut(void)
{
	store_close(the.s);
	the.s = NULL;
}

void case_reopen(void)
{
	case_shut();
	case_open_again();
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

void case_close(void)
{
	store_close(the.s);
	the.s = NULL;
	ck_assert_int_eq(nftw(the.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS),
			 0);
}

struct search_record sample_search(int64_t id, const char *name)
{
	return (struct search_record){
		.id = id,
		.name = TEXT(name),
		.key = TEXT(name),
		.spec = TEXT("{\"name\": \"digits\"}"),
		.workdir = TEXT("/home/user/work"),
		.environ = TEXT("[\"PATH=/bin\"]"),
		.metric = TEXT("val_loss"),
		.goal = GOAL_MINIMIZE,
		.state = SEARCH_RUNNING,
		.reason = "reason",
		.trials_max = 60,
		.cursor = 17,
		.created_ms = 1795000000123,
		.created_boot_ms = 4711,
		.boot_id = "8d6c4b8a-1f53-4f37-9c3c-1a5bd8d2a001",
		.ended_ms = 0,
		.until_ms = 1795000009000,
		.used_ms = 815,
		.reopened_ms = 1795000008000,
	};
}

struct trial_record sample_trial(int64_t search, int64_t number)
{
	return (struct trial_record){
		.id = search * 1000 + number,
		.search = search,
		.number = number,
		.state = TRIAL_QUEUED,
		.reason = "",
		.origin = ORIGIN_SAMPLER,
		.cursor = 23,
		.params = TEXT("{\"lr\":0.1,\"optimizer\":\"adam\"}"),
		.created_ms = 1795000001000,
	};
}

struct attempt_record sample_attempt(int64_t trial, int64_t number)
{
	return (struct attempt_record){
		.trial = trial,
		.number = number,
		.curve = number,
		.state = ATTEMPT_LAUNCHING,
		.token = "0123456789abcdef0123456789abcdef",
		.boot_id = "8d6c4b8a-1f53-4f37-9c3c-1a5bd8d2a001",
	};
}

static void begin(void)
{
	ck_assert_int_eq(store_begin(the.s), 0);
}

static void commit(void)
{
	ck_assert_int_eq(store_commit(the.s), 0);
}

void case_save_search(const struct search_record *r)
{
	begin();
	ck_assert_int_eq(store_save_search(the.s, r), 0);
	commit();
}

void case_save_trial(const struct trial_record *r)
{
	begin();
	ck_assert_int_eq(store_save_trial(the.s, r), 0);
	commit();
}

void case_save_attempt(const struct attempt_record *r)
{
	begin();
	ck_assert_int_eq(store_save_attempt(the.s, r), 0);
	commit();
}

void case_save_metric(int64_t trial, int64_t attempt, const char *name,
		      int64_t step, double value)
{
	struct metric_record m = {
		.name = name,
		.step = step,
		.kind = value_kind_of(value),
		.value = value,
	};

	begin();
	ck_assert_int_eq(
	    store_save_metric(the.s, trial, attempt, 1795000002500, &m), 0);
	commit();
}

void case_save_event(const struct event_record *e)
{
	begin();
	ck_assert_int_eq(store_save_event(the.s, e), 0);
	commit();
}

void case_save_symptoms(int64_t trial, const struct symptom_record *list,
			size_t n)
{
	begin();
	ck_assert_int_eq(store_save_symptoms(the.s, trial, list, n), 0);
	commit();
}

char *case_query(const char *query)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	char *text = NULL;

	ck_assert_int_eq(
	    sqlite3_open_v2(the.path, &db, SQLITE_OPEN_READONLY, NULL), 0);
	ck_assert_msg(sqlite3_prepare_v2(db, query, -1, &q, NULL) == 0, "%s",
		      sqlite3_errmsg(db));
	if (sqlite3_step(q) == SQLITE_ROW &&
	    sqlite3_column_type(q, 0) != SQLITE_NULL)
		text = xstrdup((const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(db);
	return text;
}
