#include "base/fault.h"
#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_N,
};

static const char *const sql[Q_N] = {
	/* The write lock now, or -EBUSY now; never in the middle. */
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
};

_Static_assert(Q_N == DB_COMMIT_N, "room in struct store");

int commit_prepare(struct store *s)
{
	return db_prepare(s, sql, Q_N, s->commit);
}

int store_begin(struct store *s)
{
	struct run run = run_begin(s->commit[Q_BEGIN]);
	int r = fault_at("commit.begin");

	assert(sqlite3_get_autocommit(s->db));
	if (r < 0)
		return r;
	if (s->is_damaged)
		return -EBADMSG; /* its words stand in s->error */
	return run_all(s, &run, "beginning a transaction");
}

int store_commit(struct store *s)
{
	struct run run = run_begin(s->commit[Q_COMMIT]);
	int r = fault_at("commit.commit");

	assert(!sqlite3_get_autocommit(s->db));
	if (r == 0)
		r = run_all(s, &run, "committing");
	(void)fault_at("commit.done");
	return r;
}

void store_rollback(struct store *s)
{
	/* After some failures SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_ping(struct store *s)
{
	int64_t version;

	return db_get(s, "PRAGMA schema_version", &version);
}

static bool is_file(const char *path, struct file_id id)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == id.dev &&
	       st.st_ino == id.ino;
}

bool store_is_in_place(const struct store *s)
{
	return is_file(s->path, s->id) && is_file(s->wal_path, s->wal_id);
}

/*
 * Why this is enough. While we are connected SQLite neither deletes nor
 * replaces the WAL: it writes one inode from the start again and again. A
 * commit that has returned is then either still in that file, which is synced
 * here; or it has been overwritten there, and SQLite does that only after a
 * checkpoint that had synced the WAL, copied every frame to the database and
 * synced that (synchronous = NORMAL). The WAL's name was synced by
 * store_open().
 *
 * SQLite goes on happily with files that were deleted or replaced under it,
 * so nothing is called safe before their names still lead to them.
 */
int store_sync(struct store *s)
{
	int r = fault_at("sync.begin");

	if (r < 0)
		return r;
	if (fdatasync(s->wal_fd) < 0)
		return -errno;
	(void)fault_at("sync.done");
	return store_is_in_place(s) ? 0 : -ESTALE;
}

int store_try(struct store *s)
{
	auto_free char *write = NULL;
	int64_t version;
	int rc;
	int r = db_get(s, "PRAGMA user_version", &version);

	if (r < 0)
		return r;
	write = xasprintf("PRAGMA user_version = %lld", (long long)version);
	r = store_begin(s);
	if (r == 0)
		r = db_exec(s, write, "trying to write");
	if (r == 0)
		r = store_commit(s);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_FULL,
				       NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_failure(s, rc, "checkpointing");
}

/*
 * SQLite leaves the WAL of a database that has moved where it was, and would
 * take it for that of the next database there. Ours is in the copy, and in the
 * file that was moved; another's must outlive our connection.
 */
static void part_with_wal(struct store *s)
{
	auto_free char *shm_path = xasprintf("%s-shm", s->path);

	if (!is_file(s->wal_path, s->wal_id)) {
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
	} else if (!is_file(s->path, s->id)) {
		(void)unlink(s->wal_path);
		(void)unlink(shm_path);
	}
}

int store_rescue(struct store *s, const char *copy)
{
	struct store_summary summary;
	int r = db_copy(s, copy, false, &summary);

	(void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
					NULL, NULL);
	if (r == 0)
		part_with_wal(s);
	return r;
}
