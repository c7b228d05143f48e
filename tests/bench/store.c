/*
 * What the store costs: microseconds a call on the way of a no-op trial, and
 * the times of views and loads on what that leaves.
 *
 *     build/tests/bench/bench_store [TRIALS [METRICS-A-TRIAL [DATABASE]]]
 */
#include "store/store.h"

#include <err.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT(s) ((char *)(s))

enum clock {
	BEGIN,
	COMMIT,
	SEARCH,
	TRIAL,
	ATTEMPT,
	METRIC,
	EVENT,
	CLOCKS,
};

static const char *const clock_names[CLOCKS] = {
	"begin",        "commit",      "save_search", "save_trial",
	"save_attempt", "save_metric", "save_event",
};

static struct {
	double us, longest;
	int64_t n;
} clocks[CLOCKS];

static struct store *store;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(int r, const char *what)
{
	if (r != 0)
		errx(1, "%s: %d: %s", what, r, store_error(store));
}

static void count(enum clock c, double began, int r)
{
	double us = now_us() - began;

	must(r, clock_names[c]);
	clocks[c].us += us;
	clocks[c].n++;
	if (us > clocks[c].longest)
		clocks[c].longest = us;
}

#define TIMED(c, call)                                                         \
	do {                                                                   \
		double began = now_us();                                       \
		count(c, began, call);                                         \
	} while (0)

static struct search_record search = {
	.id = 1,
	.name = TEXT("bench"),
	.key = TEXT("bench"),
	.spec = TEXT("{}"),
	.workdir = TEXT("/"),
	.environ = TEXT("[]"),
	.metric = TEXT("val_loss"),
	.created_ms = 1795000000000,
};

/* Suggested, launched, running with its metrics, ended: three commits. */
static void run_trial(int64_t number, int64_t metrics)
{
	char params[128];
	double value = (double)(number * 7919 % 100003) / 1e5;
	struct trial_record t = {
		.id = number + 1,
		.search = 1,
		.number = number,
		.params = params,
		.created_ms = 1795000000000 + number,
		.attempts = 1,
	};
	struct attempt_record a = { .trial = t.id, .number = 1, .curve = 1 };

	snprintf(params, sizeof(params),
		 "{\"lr\":%.17g,\"units\":%lld,\"optimizer\":\"adam\"}",
		 value / 3, (long long)(number % 256));
	strcpy(a.token, "0123456789abcdef0123456789abcdef");
	strcpy(a.boot_id, "8d6c4b8a-1f53-4f37-9c3c-1a5bd8d2a001");

	TIMED(BEGIN, store_begin(store));
	search.cursor++;
	TIMED(SEARCH, store_save_search(store, &search));
	TIMED(TRIAL, store_save_trial(store, &t));
	TIMED(ATTEMPT, store_save_attempt(store, &a));
	TIMED(COMMIT, store_commit(store));

	TIMED(BEGIN, store_begin(store));
	t.state = TRIAL_RUNNING;
	t.params = NULL;
	t.started_ms = t.created_ms + 1;
	a.state = ATTEMPT_RUNNING;
	a.pid = 4242;
	a.started_ms = t.started_ms;
	TIMED(TRIAL, store_save_trial(store, &t));
	TIMED(ATTEMPT, store_save_attempt(store, &a));
	TIMED(COMMIT, store_commit(store));

	TIMED(BEGIN, store_begin(store));
	for (int64_t step = 1; step <= metrics; step++) {
		struct metric_record m = { "val_loss", step, VALUE_FINITE,
					   value + 1 / (double)step, 0 };

		TIMED(METRIC, store_save_metric(store, t.id, 1,
						t.started_ms + step, &m));
	}
	a.offset = 1000;
	a.reader = TEXT("{\"step\":7,\"implied\":{\"val_loss\":7}}");
	TIMED(ATTEMPT, store_save_attempt(store, &a));
	a.state = ATTEMPT_ENDED;
	a.outcome.kind = OUTCOME_EXITED;
	a.outcome.ended_ms = t.started_ms + 5;
	TIMED(ATTEMPT, store_save_attempt(store, &a));
	t.state = number % 10 == 9 ? TRIAL_FAILED : TRIAL_DONE;
	t.has_value = t.state == TRIAL_DONE;
	t.value = value;
	t.steps = metrics;
	t.ended_ms = t.started_ms + 5;
	TIMED(TRIAL, store_save_trial(store, &t));
	if (t.state == TRIAL_FAILED) {
		struct event_record e = { 1,        t.id,           t.ended_ms,
					  "failed", TEXT("exit:1"), NULL };

		TIMED(EVENT, store_save_event(store, &e));
	}
	TIMED(COMMIT, store_commit(store));
}

static void print_clocks(int64_t trials, double us)
{
	printf("%lld trials: %.1f us a trial (%.0f trials/s)\n",
	       (long long)trials, us / (double)trials,
	       (double)trials * 1e6 / us);
	for (int c = 0; c < CLOCKS; c++) {
		if (clocks[c].n > 0)
			printf("  %-14s %9lld calls %8.2f us mean %10.0f us "
			       "longest\n",
			       clock_names[c], (long long)clocks[c].n,
			       clocks[c].us / (double)clocks[c].n,
			       clocks[c].longest);
	}
}

static const char *const queries[] = {
	"SELECT * FROM searches",
	"SELECT * FROM best",
	"SELECT * FROM leaderboard WHERE search = 'bench' LIMIT 10",
	"SELECT * FROM leaderboard WHERE search = 'bench' "
	"ORDER BY rank LIMIT 10",
	"SELECT * FROM leaderboard ORDER BY search, rank LIMIT 10",
	"SELECT * FROM trials WHERE search = 'bench' AND number >= 50000 "
	"ORDER BY number LIMIT 1000",
	"SELECT * FROM trials WHERE search = 'bench' AND state = 'failed' "
	"ORDER BY number LIMIT 1000",
	"SELECT number, value, params->>'lr' FROM trials "
	"WHERE search = 'bench' AND kind = 'finite' ORDER BY value LIMIT 5",
	"SELECT * FROM trials",
	"SELECT * FROM curves WHERE search = 'bench'",
	"SELECT * FROM metrics WHERE search = 'bench' AND trial = 777",
	"SELECT count(*) FROM metrics",
	"SELECT * FROM params WHERE search = 'bench' AND trial = 777",
	"SELECT * FROM attempts WHERE search = 'bench' AND trial = 777",
	"SELECT * FROM events WHERE search = 'bench' AND trial = 779",
};

static void time_query(sqlite3 *db, const char *query)
{
	double best = 1e99;
	int64_t rows = 0;

	for (int i = 0; i < 3; i++) {
		double began = now_us();
		sqlite3_stmt *q;

		if (sqlite3_prepare_v2(db, query, -1, &q, NULL) != SQLITE_OK)
			errx(1, "%s: %s", query, sqlite3_errmsg(db));
		for (rows = 0; sqlite3_step(q) == SQLITE_ROW; rows++)
			(void)sqlite3_column_text(q, 0);
		sqlite3_finalize(q);
		if (now_us() - began < best)
			best = now_us() - began;
	}
	printf("  %9.2f ms %8lld rows  %s\n", best / 1e3, (long long)rows,
	       query);
}

static void time_queries(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != 0)
		errx(1, "%s: %s", path, sqlite3_errmsg(db));
	printf("views, the best of three runs\n");
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		time_query(db, queries[i]);
	sqlite3_close(db);
}

static int on_trial(void *ctx, const struct trial_record *r)
{
	return 0;
}

static int on_metric(void *ctx, int64_t trial, int64_t run,
		     const struct metric_record *m)
{
	return 0;
}

static void print_ms(const char *what, double began)
{
	printf("  %9.2f ms  %s\n", (now_us() - began) / 1e3, what);
}

static void time_loads(void)
{
	cJSON *rows;
	double began = now_us();

	printf("the daemon's own\n");
	must(store_load_trials(store, 1, on_trial, NULL), "trials");
	print_ms("load_trials", began);
	began = now_us();
	must(store_load_metric(store, 1, "val_loss", on_metric, NULL),
	     "metric");
	print_ms("load_metric", began);
	began = now_us();
	must(store_read_trials(store, 1, NULL, 0, 1000, &rows), "read");
	print_ms("read_trials, 1000 rows", began);
	cJSON_Delete(rows);
	began = now_us();
	must(store_read_best(store, 1, 10, &rows), "best");
	print_ms("read_best, 10 rows", began);
	cJSON_Delete(rows);
	began = now_us();
	must(store_read_searches(store, &rows), "searches");
	print_ms("read_searches", began);
	cJSON_Delete(rows);
}

static void time_delete(void)
{
	double began = now_us();
	double longest = 0;
	bool more = true;

	while (more) {
		double slice = now_us();

		must(store_begin(store), "begin");
		must(store_delete_rows(store, 1, 1000, &more), "delete");
		must(store_commit(store), "commit");
		slice = now_us() - slice;
		longest = slice > longest ? slice : longest;
	}
	print_ms("delete_rows, all of them", began);
	print_ms("the longest of 1000 rows", now_us() - longest);
}

static void print_memory(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS", 5) == 0)
			printf("%s", line);
	}
	if (f != NULL)
		fclose(f);
}

int main(int argc, char **argv)
{
	int64_t trials = argc > 1 ? atoll(argv[1]) : 20000;
	int64_t metrics = argc > 2 ? atoll(argv[2]) : 1;
	const char *path = argc > 3 ? argv[3] : "bench.db";
	auto_diag struct diag faults = DIAG_INIT;
	double began;

	if (access(path, F_OK) == 0)
		errx(2, "%s exists (name a new database)", path);
	if (store_open(path, &store, &faults) != 0)
		errx(1, "%s", diag_text(&faults, NULL));
	must(store_begin(store), "begin");
	must(store_save_search(store, &search), "search");
	must(store_commit(store), "commit");
	began = now_us();
	for (int64_t i = 0; i < trials; i++)
		run_trial(i, metrics);
	print_clocks(trials, now_us() - began);
	print_memory();
	began = now_us();
	must(store_sync(store), "sync");
	print_ms("sync", began);
	time_queries(path);
	time_loads();
	time_delete();
	store_close(store);
	unlink(path);
	return 0;
}
