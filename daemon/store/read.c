#include "store/db.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum query {
	Q_SEARCHES,
	Q_SEARCH,
	Q_TRIALS,
	Q_TRIALS_IN,
	Q_TRIAL,
	Q_BEST,
	Q_ATTEMPTS,
	Q_OPEN_ATTEMPTS,
	Q_METRICS,
	Q_METRICS_OF,
	Q_EVENTS,
	Q_EVENTS_OF,
	Q_SYMPTOMS,
	Q_SYMPTOM_COUNTS,
	Q_IMPORT,
	Q_SUGGESTED,
	Q_FILE,
	Q_NAME,
	Q_FIND_NAME,
	Q_FIND_KEY,
	Q_FIND_ID,
	Q_FIND_PREFIX,
	Q_N,
};

/*
 * Rows of the view metrics, from the run ?3 on. Of a later run an attempt is
 * later, too: only in the order of attempts does the key of metric give the
 * rows as they are wanted, with none before them read and none sorted.
 */
#define METRICS                                                                \
	"SELECT s.name AS search, t.number AS trial, m.name, m.step, "         \
	"iif(m.kind = 'finite', m.value, NULL) AS value, m.kind, "             \
	"strftime('%Y-%m-%dT%H:%M:%fZ', m.time_ms / 1000.0, 'unixepoch') "     \
	"AS time, a.run "                                                      \
	"FROM search s JOIN trial t ON t.search = s.id "                       \
	"CROSS JOIN attempt a ON a.trial = t.id AND a.run <= t.runs "          \
	"AND (a.number = t.attempts OR a.run < t.runs AND a.number = "         \
	"(SELECT max(number) FROM attempt WHERE trial = t.id AND "             \
	"run = a.run)) "                                                       \
	"CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve "       \
	"WHERE s.name = ?1 AND t.number = ?2 AND a.run >= ?3 "
/* In the run ?3 the step ?5; before all of a later one. */
#define STEP_AFTER "iif(a.run = ?3, ?5, -9223372036854775808)"

static const char *const sql[Q_N] = {
	[Q_SEARCHES] = "SELECT * FROM searches ORDER BY id DESC",
	[Q_SEARCH] = "SELECT * FROM searches WHERE id = ?",
	[Q_TRIALS] = "SELECT * FROM trials WHERE search = ? AND number >= ? "
		     "ORDER BY number LIMIT ?",
	[Q_TRIALS_IN] = "SELECT * FROM trials WHERE search = ? AND "
			"number >= ? AND state = ? ORDER BY number LIMIT ?",
	[Q_TRIAL] = "SELECT * FROM trials WHERE search = ? AND number = ?",
	/* The window numbers the rows in the order of its index: no sorting. */
	[Q_BEST] = "SELECT * FROM leaderboard WHERE search = ? LIMIT ?",
	[Q_ATTEMPTS] = "SELECT * FROM attempts WHERE search = ? AND trial = ? "
		       "ORDER BY number",
	[Q_OPEN_ATTEMPTS] =
	    "SELECT search.name AS search, trial.number AS trial, "
	    "attempt.number AS attempt, attempt.state, token, kill_boot_ms "
	    "FROM attempt JOIN trial ON trial.id = attempt.trial "
	    "JOIN search ON search.id = trial.search "
	    "WHERE attempt.state <> 'ended' AND attempt.state <> 'lost'",
	[Q_METRICS] = METRICS "AND (m.name, m.step) > "
			      "(iif(a.run = ?3, ?4, ''), " STEP_AFTER ") "
			      "ORDER BY a.number, m.name, m.step LIMIT ?6",
	[Q_METRICS_OF] = METRICS "AND m.name = ?7 AND m.step > " STEP_AFTER " "
				 "ORDER BY a.number, m.step LIMIT ?6",
	[Q_EVENTS] = "SELECT * FROM events WHERE id IN (SELECT id FROM event "
		     "WHERE search = ? AND trial IS NULL "
		     "ORDER BY id DESC LIMIT ?) ORDER BY id",
	[Q_EVENTS_OF] = "SELECT * FROM events WHERE id IN (SELECT id FROM "
			"event WHERE search = ?1 AND trial = (SELECT id FROM "
			"trial WHERE search = ?1 AND number = ?2) "
			"ORDER BY id DESC LIMIT ?3) ORDER BY id",
	[Q_SYMPTOMS] = "SELECT symptom, strength, step, text, try, data "
		       "FROM symptoms WHERE search = ? AND trial = ? "
		       "ORDER BY rank",
	[Q_SYMPTOM_COUNTS] =
	    "SELECT y.symptom, count(*) FROM trial t "
	    "JOIN symptom y ON y.trial = t.id "
	    "LEFT JOIN symptom h ON h.trial = t.id AND h.symptom = 'healthy' "
	    "WHERE t.search = ? AND (h.trial IS NULL OR y.rank = h.rank) "
	    "GROUP BY y.symptom ORDER BY count(*) DESC, y.symptom",
	[Q_IMPORT] = "SELECT data FROM event WHERE search = ? AND "
		     "trial IS NULL AND kind = 'import' AND "
		     "data ->> 'key' = ? LIMIT 1",
	[Q_SUGGESTED] = "SELECT data FROM event WHERE search = ? AND "
			"trial IS NOT NULL AND kind = 'suggested' "
			"ORDER BY trial DESC LIMIT 1",
	[Q_FILE] = "SELECT spec FROM submission WHERE search = ?",
	[Q_NAME] = "SELECT name FROM search WHERE id = ? AND " IS_SHOWN,
	[Q_FIND_NAME] = "SELECT id FROM search WHERE name = ? AND " IS_SHOWN,
	[Q_FIND_KEY] = "SELECT id FROM search WHERE key = ?",
	[Q_FIND_ID] = "SELECT id FROM search WHERE id = ? AND " IS_SHOWN,
	/* Up to the text that sorts after every name with this prefix. */
	[Q_FIND_PREFIX] =
	    "SELECT id FROM search WHERE name >= ?1 AND "
	    "name < ?1 || char(0x10ffff) AND " IS_SHOWN " LIMIT 2",
};

_Static_assert(Q_N == DB_READ_N, "room in struct store");

int read_prepare(struct store *s)
{
	return db_prepare(s, sql, Q_N, s->read);
}

/* --- rows as JSON ----------------------------------------------------------
 */

static bool is_json(const char *column)
{
	return strcmp(column, "params") == 0 || strcmp(column, "data") == 0;
}

/*
 * The object that @text holds. Integers that no double holds stay as they
 * were written.
 */
static cJSON *object_of(const char *text)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct json_doc doc;
	cJSON *node, *next, *object;

	if (json_doc_parse(text, strlen(text), &doc, &faults) != 0)
		return cJSON_CreateString(text);
	for (node = doc.root->child; node != NULL; node = next) {
		int64_t i;

		next = node->next;
		if (cJSON_IsNumber(node) && fabs(node->valuedouble) >= 0x1p53 &&
		    json_int(&doc, node, &i))
			cJSON_ReplaceItemInObjectCaseSensitive(
			    doc.root, node->string, json_integer(i));
	}
	object = doc.root;
	doc.root = NULL;
	json_doc_free(&doc);
	return object;
}

static cJSON *column_json(sqlite3_stmt *q, int i)
{
	const char *text;

	switch (sqlite3_column_type(q, i)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(q, i));
	case SQLITE_FLOAT:
		return json_number(sqlite3_column_double(q, i));
	case SQLITE_NULL:
		return cJSON_CreateNull();
	default:
		text = (const char *)sqlite3_column_text(q, i);
		if (text == NULL)
			abort(); /* out of memory, as in xmalloc() */
		return is_json(sqlite3_column_name(q, i))
			   ? object_of(text)
			   : cJSON_CreateString(text);
	}
}

/* SQL has no NaN: the value of such a row is NULL, and its kind tells. */
static void restore_value(cJSON *row)
{
	const char *word = json_get_text(row, "kind");
	int kind = word == NULL ? -1 : value_kind_find(word);

	if (kind < 0 || kind == VALUE_FINITE ||
	    !cJSON_IsNull(json_get(row, "value")))
		return;
	cJSON_ReplaceItemInObjectCaseSensitive(
	    row, "value", json_number(value_of_kind((enum value_kind)kind, 0)));
}

static cJSON *row_json(sqlite3_stmt *q)
{
	cJSON *row = cJSON_CreateObject();
	int n = sqlite3_column_count(q);

	for (int i = 0; i < n; i++)
		cJSON_AddItemToObject(row, sqlite3_column_name(q, i),
				      column_json(q, i));
	restore_value(row);
	return row;
}

/* Ends the run, whose rows become an array. */
static int read_rows(struct store *s, struct run *run, const char *doing,
		     cJSON **ret_rows)
{
	auto_json cJSON *rows = cJSON_CreateArray();
	int r;

	while ((r = run_step(s, run, doing)) > 0)
		cJSON_AddItemToArray(rows, row_json(run->q));
	run_end(run);
	if (r < 0)
		return r;
	*ret_rows = rows;
	rows = NULL;
	return 0;
}

/* Ends the run, which has one row or none. */
static int read_row(struct store *s, struct run *run, const char *doing,
		    cJSON **ret_row)
{
	int r = run_step(s, run, doing);

	*ret_row = r > 0 ? row_json(run->q) : NULL;
	run_end(run);
	if (r < 0)
		return r;
	return r > 0 ? 0 : STORE_NOT_FOUND;
}

/*
 * The text that a query finds by an id; new. Views know a search by its name,
 * and a subquery for it would keep SQLite from using their indexes.
 */
static int read_text(struct store *s, enum query query, int64_t search,
		     char **ret_text)
{
	struct run run = run_begin(s->read[query]);
	int r;

	bind_int(&run, search);
	r = run_step(s, &run, "reading a text");
	if (r > 0)
		*ret_text = xstrdup(next_text(&run));
	run_end(&run);
	if (r < 0)
		return r;
	return r > 0 ? 0 : STORE_NOT_FOUND;
}

int store_read_searches(struct store *s, cJSON **ret_rows)
{
	struct run run = run_begin(s->read[Q_SEARCHES]);

	return read_rows(s, &run, "listing searches", ret_rows);
}

int store_read_search(struct store *s, int64_t search, cJSON **ret_row)
{
	struct run run = run_begin(s->read[Q_SEARCH]);

	bind_int(&run, search);
	return read_row(s, &run, "reading a search", ret_row);
}

/*
 * Begins a query whose first parameter is the name of @search: NULL, which no
 * row matches, if there is no such search. The name is borrowed by the run.
 */
static int begin_of(struct store *s, enum query query, int64_t search,
		    char **ret_name, struct run *ret_run)
{
	int r = read_text(s, Q_NAME, search, ret_name);

	if (r < 0)
		return r;
	*ret_run = run_begin(s->read[query]);
	bind_text(ret_run, *ret_name);
	return 0;
}

int store_read_trials(struct store *s, int64_t search, const char *state,
		      int64_t from, int64_t limit, cJSON **ret_rows)
{
	auto_free char *name = NULL;
	struct run run;
	int r = begin_of(s, state == NULL ? Q_TRIALS : Q_TRIALS_IN, search,
			 &name, &run);

	if (r < 0)
		return r;
	bind_int(&run, from);
	if (state != NULL)
		bind_text(&run, state);
	bind_int(&run, limit);
	return read_rows(s, &run, "listing trials", ret_rows);
}

int store_read_trial(struct store *s, int64_t search, int64_t number,
		     cJSON **ret_row)
{
	auto_free char *name = NULL;
	struct run run;
	int r = begin_of(s, Q_TRIAL, search, &name, &run);

	if (r < 0)
		return r;
	bind_int(&run, number);
	return read_row(s, &run, "reading a trial", ret_row);
}

int store_read_best(struct store *s, int64_t search, int64_t limit,
		    cJSON **ret_rows)
{
	auto_free char *name = NULL;
	struct run run;
	int r = begin_of(s, Q_BEST, search, &name, &run);

	if (r < 0)
		return r;
	bind_int(&run, limit);
	return read_rows(s, &run, "listing the best trials", ret_rows);
}

int store_read_attempts(struct store *s, int64_t search, int64_t number,
			cJSON **ret_rows)
{
	auto_free char *name = NULL;
	struct run run;
	int r = begin_of(s, Q_ATTEMPTS, search, &name, &run);

	if (r < 0)
		return r;
	bind_int(&run, number);
	return read_rows(s, &run, "listing attempts", ret_rows);
}

int store_read_open_attempts(struct store *s, cJSON **ret_rows)
{
	struct run run = run_begin(s->read[Q_OPEN_ATTEMPTS]);

	return read_rows(s, &run, "listing open attempts", ret_rows);
}

int store_read_metrics(struct store *s, int64_t search, int64_t number,
		       const struct store_metrics_page *page, cJSON **ret_rows)
{
	bool is_first = page->after.name == NULL;
	auto_free char *search_name = NULL;
	struct run run;
	int r = begin_of(s, page->only == NULL ? Q_METRICS : Q_METRICS_OF,
			 search, &search_name, &run);

	if (r < 0)
		return r;
	bind_int(&run, number);
	bind_int(&run, is_first ? 0 : page->after.run);
	bind_text(&run, is_first ? "" : page->after.name);
	bind_int(&run, is_first ? INT64_MIN : page->after.step);
	bind_int(&run, page->limit);
	if (page->only != NULL)
		bind_text(&run, page->only);
	return read_rows(s, &run, "listing metrics", ret_rows);
}

int store_read_events(struct store *s, int64_t search, int64_t number,
		      int64_t limit, cJSON **ret_rows)
{
	struct run run =
	    run_begin(s->read[number < 0 ? Q_EVENTS : Q_EVENTS_OF]);

	bind_int(&run, search);
	if (number >= 0)
		bind_int(&run, number);
	bind_int(&run, limit);
	return read_rows(s, &run, "listing events", ret_rows);
}

int store_read_symptoms(struct store *s, int64_t search, int64_t number,
			cJSON **ret_rows)
{
	auto_free char *name = NULL;
	struct run run;
	int r = begin_of(s, Q_SYMPTOMS, search, &name, &run);

	if (r < 0)
		return r;
	bind_int(&run, number);
	return read_rows(s, &run, "listing symptoms", ret_rows);
}

int store_count_symptoms(struct store *s, int64_t search, cJSON **ret_counts)
{
	static const char *const doing = "counting symptoms";
	struct run run = run_begin(s->read[Q_SYMPTOM_COUNTS]);
	cJSON *counts = cJSON_CreateObject();
	int r;

	bind_int(&run, search);
	while ((r = run_step(s, &run, doing)) > 0) {
		const char *name = next_text(&run);

		json_add_integer(counts, name, next_int(&run));
	}
	run_end(&run);
	if (r < 0) {
		cJSON_Delete(counts);
		return r;
	}
	*ret_counts = counts;
	return 0;
}

int store_read_import(struct store *s, int64_t search, const char *key,
		      cJSON **ret_row)
{
	struct run run = run_begin(s->read[Q_IMPORT]);

	bind_int(&run, search);
	bind_text(&run, key);
	return read_row(s, &run, "looking for an import", ret_row);
}

int store_read_suggested(struct store *s, int64_t search, cJSON **ret_row)
{
	struct run run = run_begin(s->read[Q_SUGGESTED]);

	bind_int(&run, search);
	return read_row(s, &run, "looking for a reason", ret_row);
}

int store_read_file(struct store *s, int64_t search, char **ret_text)
{
	*ret_text = NULL;
	return read_text(s, Q_FILE, search, ret_text);
}

/* --- finding a search ------------------------------------------------------
 */

/* Ends the run, whose rows are ids: the one, or why there is not just one. */
static int find(struct store *s, struct run *run, int64_t *ret_id)
{
	static const char *const doing = "finding a search";
	int r = run_step(s, run, doing);

	if (r > 0) {
		*ret_id = next_int(run);
		r = run_step(s, run, doing);
		r = r > 0 ? STORE_AMBIGUOUS : r;
	} else if (r == 0) {
		r = STORE_NOT_FOUND;
	}
	run_end(run);
	return r;
}

static int find_text(struct store *s, enum query query, const char *text,
		     int64_t *ret_id)
{
	struct run run = run_begin(s->read[query]);

	bind_text(&run, text);
	return find(s, &run, ret_id);
}

static int find_id(struct store *s, const char *text, int64_t *ret_id)
{
	struct run run;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return STORE_NOT_FOUND;
	run = run_begin(s->read[Q_FIND_ID]);
	bind_int(&run, strtoll(text, NULL, 10));
	return find(s, &run, ret_id);
}

int store_find_search(struct store *s, const char *what, int64_t *ret_id)
{
	int r = find_text(s, Q_FIND_NAME, what, ret_id);

	if (r == STORE_NOT_FOUND)
		r = find_id(s, what, ret_id);
	if (r == STORE_NOT_FOUND && what[0] != '\0')
		r = find_text(s, Q_FIND_PREFIX, what, ret_id);
	return r;
}

int store_find_key(struct store *s, const char *key, int64_t *ret_id)
{
	return find_text(s, Q_FIND_KEY, key, ret_id);
}

int store_find_name(struct store *s, const char *name, int64_t *ret_id)
{
	return find_text(s, Q_FIND_NAME, name, ret_id);
}
