/*
 * A search may have more rows than one transaction can delete in the time that
 * the loop has. So it first loses what it is found by, then its rows bit by
 * bit, its own the last.
 */
#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>

enum query {
	Q_FORGET,
	Q_FORGET_FILE,
	Q_FIRST_TRIAL,
	Q_METRIC_AFTER,
	Q_DELETE_METRICS,
	Q_DELETE_TRIAL,
	Q_DELETE_EVENTS,
	Q_DELETE_SEARCH,
	Q_FORGOTTEN,
	Q_N,
};

static const char *const sql[Q_N] = {
	/* No name of a search begins so: IS_SHOWN, and views.sql. */
	[Q_FORGET] = "UPDATE search SET name = '/' || id, "
		     "key = lower(hex(randomblob(16))) WHERE id = ?",
	/* Without it a search is loaded by nobody. */
	[Q_FORGET_FILE] = "DELETE FROM submission WHERE search = ?",
	[Q_FIRST_TRIAL] = "SELECT id FROM trial WHERE search = ? "
			  "ORDER BY number LIMIT 1",
	[Q_METRIC_AFTER] = "SELECT attempt, name, step FROM metric "
			   "WHERE trial = ? ORDER BY attempt, name, step "
			   "LIMIT 1 OFFSET ?",
	[Q_DELETE_METRICS] = "DELETE FROM metric WHERE trial = ? AND "
			     "(attempt, name, step) < (?, ?, ?)",
	[Q_DELETE_TRIAL] = "DELETE FROM trial WHERE id = ?",
	[Q_DELETE_EVENTS] = "DELETE FROM event WHERE id IN "
			    "(SELECT id FROM event WHERE search = ? LIMIT ?)",
	[Q_DELETE_SEARCH] =
	    "DELETE FROM search WHERE id = ? AND NOT (" IS_SHOWN ")",
	[Q_FORGOTTEN] =
	    "SELECT id FROM search WHERE NOT (" IS_SHOWN ") ORDER BY id",
};

_Static_assert(Q_N == DB_REMOVE_N, "room in struct store");

static const char doing[] = "removing a search";

int remove_prepare(struct store *s)
{
	return db_prepare(s, sql, Q_N, s->remove);
}

/* Runs a query whose one parameter is @id. */
static int run_of(struct store *s, enum query query, int64_t id)
{
	struct run run = run_begin(s->remove[query]);

	assert(!sqlite3_get_autocommit(s->db));
	bind_int(&run, id);
	return run_all(s, &run, doing);
}

int store_forget_search(struct store *s, int64_t search)
{
	int r = run_of(s, Q_FORGET, search);

	return r < 0 ? r : run_of(s, Q_FORGET_FILE, search);
}

/* 0 or STORE_NOT_FOUND. */
static int first_trial(struct store *s, int64_t search, int64_t *ret_id)
{
	struct run run = run_begin(s->remove[Q_FIRST_TRIAL]);
	int r;

	bind_int(&run, search);
	r = run_step(s, &run, doing);
	if (r > 0)
		*ret_id = next_int(&run);
	run_end(&run);
	return r < 0 ? r : r > 0 ? 0 : STORE_NOT_FOUND;
}

/* The first @max metrics of a trial, if it has more; else STORE_NOT_FOUND. */
static int delete_metrics(struct store *s, int64_t trial, int64_t max)
{
	struct run at = run_begin(s->remove[Q_METRIC_AFTER]);
	struct run run = run_begin(s->remove[Q_DELETE_METRICS]);
	int r;

	bind_int(&at, trial);
	bind_int(&at, max);
	r = run_step(s, &at, doing);
	if (r > 0) {
		bind_int(&run, trial);
		bind_int(&run, next_int(&at));
		bind_text(&run, next_text(&at));
		bind_int(&run, next_int(&at));
		r = run_check(s, &at, doing);
		if (r == 0)
			r = run_all(s, &run, doing);
	} else if (r == 0) {
		r = STORE_NOT_FOUND;
	}
	run_end(&at);
	return r;
}

static int delete_events(struct store *s, int64_t search, int64_t max)
{
	struct run run = run_begin(s->remove[Q_DELETE_EVENTS]);

	bind_int(&run, search);
	bind_int(&run, max);
	return run_all(s, &run, doing);
}

int store_delete_rows(struct store *s, int64_t search, int64_t max,
		      bool *ret_more)
{
	int64_t before = sqlite3_total_changes64(s->db);
	int64_t trial;
	int r = 0;

	assert(max > 0 && !sqlite3_get_autocommit(s->db));
	*ret_more = true;
	while (r == 0 && sqlite3_total_changes64(s->db) - before < max) {
		r = first_trial(s, search, &trial);
		if (r != 0)
			break;
		r = delete_metrics(s, trial, max);
		if (r == STORE_NOT_FOUND)
			r = run_of(s, Q_DELETE_TRIAL, trial);
	}
	if (r != STORE_NOT_FOUND)
		return r;
	r = delete_events(s, search, max);
	*ret_more = sqlite3_changes64(s->db) == max;
	return r;
}

int store_delete_search(struct store *s, int64_t search)
{
	return run_of(s, Q_DELETE_SEARCH, search);
}

int store_load_forgotten(struct store *s, store_id_fn *fn, void *ctx)
{
	struct run run = run_begin(s->remove[Q_FORGOTTEN]);
	int r;

	while ((r = run_step(s, &run, doing)) > 0)
		fn(ctx, next_int(&run));
	run_end(&run);
	return r;
}

int store_has_search(struct store *s, int64_t search, bool *ret_has)
{
	auto_free char *query =
	    xasprintf("SELECT count(*) FROM search WHERE id = %lld AND %s",
		      (long long)search, IS_SHOWN);
	int64_t n = 0;
	int r = db_get(s, query, &n);

	*ret_has = n > 0;
	return r;
}
