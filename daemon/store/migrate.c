#include "base/fault.h"
#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int vacuum_into(struct store *s, const char *file)
{
	static const char *const doing = "copying before an upgrade";
	sqlite3_stmt *q = NULL;
	struct run run;
	int rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?", -1, &q, NULL);
	int r;

	if (rc != SQLITE_OK)
		return db_failure(s, rc, doing);
	run = run_begin(q);
	bind_text(&run, file);
	r = run_all(s, &run, doing);
	sqlite3_finalize(q);
	return r;
}

/*
 * Copies the database to `path.before-vN`, under another name until the copy
 * is whole and on disk. The empty file comes first: SQLite would make it
 * readable for others.
 */
static int copy_before(struct store *s, size_t version)
{
	auto_free char *name = xasprintf("%s.before-v%zu", s->path, version);
	auto_free char *part = xasprintf("%s.part", name);
	int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return db_system_failure(s, part);
	r = fchmod(fd, 0600) < 0 ? db_system_failure(s, part) : 0;
	if (r == 0)
		r = vacuum_into(s, part);
	(void)fault_at("migrate.rename");
	if (r == 0 && (fsync(fd) < 0 || rename(part, name) < 0))
		r = db_system_failure(s, part);
	close(fd);
	return r == 0 ? db_sync_folder(s) : r;
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
