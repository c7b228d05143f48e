#include "base/fault.h"
#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Copies the database to `path.before-vN`. */
static int copy_before(struct store *s, size_t version)
{
	auto_free char *name = xasprintf("%s.before-v%zu", s->path, version);
	struct store_summary summary;

	return db_copy(s, name, true, &summary);
}

/* The text of all views; new. */
static int views_text(struct store *s, char **ret_text)
{
	static const char query[] =
	    "SELECT group_concat(sql) FROM sqlite_schema "
	    "WHERE type = 'view'";
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, query, -1, &q, NULL);
	struct run run;
	const char *text;
	int r;

	if (rc != SQLITE_OK)
		return db_failure(s, rc, "reading the views");
	run = run_begin(q);
	r = run_step(s, &run, "reading the views");
	if (r > 0) {
		text = next_text(&run);
		*ret_text = xstrdup(text == NULL ? "" : text);
	}
	sqlite3_finalize(q);
	assert(r != 0);
	return r < 0 ? r : 0;
}

static int make_views(struct store *s, const char *views, bool *ret_changed)
{
	auto_free char *before = NULL;
	auto_free char *after = NULL;
	int r;

	r = views_text(s, &before);
	if (r == 0)
		r = db_exec(s, views, "making the views");
	if (r == 0)
		r = views_text(s, &after);
	if (r < 0)
		return r;
	assert(before != NULL && after != NULL);
	*ret_changed = strcmp(before, after) != 0;
	return 0;
}

/* Inside a transaction. */
static int make_all(struct store *s, const struct embedded *migrations,
		    size_t version, size_t last, const char *views)
{
	char pragma[64];
	bool changed = false;
	int r = 0;

	for (size_t i = version; i < last && r == 0; i++) {
		(void)fault_at("migrate.step");
		r = db_exec(s, migrations[i].text, migrations[i].name);
	}
	if (r == 0 && version < last) {
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu",
			 last);
		r = db_exec(s, pragma, "setting the version");
	}
	if (r == 0)
		r = make_views(s, views, &changed);
	(void)fault_at("migrate.commit");
	if (r < 0)
		return r;
	/* A start that changes nothing writes nothing. */
	if (version == last && !changed)
		return db_exec(s, "ROLLBACK", "leaving the schema as it is");
	return db_exec(s, "COMMIT", "committing the schema");
}

int db_migrate(struct store *s, const struct embedded *migrations,
	       const char *views)
{
	size_t last = 0;
	int64_t version;
	int r;

	while (migrations[last].name != NULL)
		last++;
	r = db_get(s, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	assert(version >= 0 && (size_t)version <= last);
	if (version > 0 && (size_t)version < last) {
		r = copy_before(s, last);
		if (r < 0)
			return r;
	}
	(void)fault_at("migrate.begin");
	r = db_exec(s, "BEGIN IMMEDIATE", "beginning");
	if (r < 0)
		return r;
	r = make_all(s, migrations, (size_t)version, last, views);
	if (r < 0)
		store_rollback(s);
	return r;
}
