#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC          "SQLite format 3"
#define AT_VERSION     60
#define AT_APPLICATION 68
#define HEADER_BYTES   72

/* Read through in a few ms. */
#define SMALL_BYTES (2 << 20)

static int64_t last_version(void)
{
	int64_t n = 0;

	while (sql_migrations[n].name != NULL)
		n++;
	return n;
}

static int check_version(const char *path, int64_t version, struct diag *reterr)
{
	if (version < 0)
		diag_add(reterr, "", "%s is damaged: its schema is %lld", path,
			 (long long)version);
	if (version <= last_version())
		return version < 0 ? STORE_DAMAGED : 0;
	diag_add(reterr, "",
		 "%s was written by a newer hpsd: its schema is %lld, this "
		 "one knows up to %lld (run the newer one, or go back to a "
		 "copy %s.before-v*)",
		 path, (long long)version, (long long)last_version(), path);
	return STORE_NEWER;
}

static int64_t big_endian(const unsigned char *b)
{
	return (int32_t)((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
			 (uint32_t)b[2] << 8 | b[3]);
}

int db_check_header(const char *path, int fd, struct diag *reterr)
{
	unsigned char header[HEADER_BYTES];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	if (n < 0) {
		diag_add(reterr, "", "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (n < HEADER_BYTES || memcmp(header, MAGIC, sizeof(MAGIC)) != 0 ||
	    big_endian(header + AT_APPLICATION) != DB_APPLICATION_ID) {
		diag_add(reterr, "",
			 "%s is not a database of hpsd (move it away, or use "
			 "another state directory)",
			 path);
		return STORE_FOREIGN;
	}
	return check_version(path, big_endian(header + AT_VERSION), reterr);
}

static int64_t size_of(const char *path, const char *suffix)
{
	auto_free char *file = xasprintf("%s%s", path, suffix);
	struct stat st;

	return stat(file, &st) == 0 ? st.st_size : 0;
}

/*
 * Makes the file if there is none, and looks at its header without SQLite,
 * which would leave traces beside a foreign one. Closed again before SQLite
 * opens it: closing any descriptor later would drop its locks.
 */
static int check_file(struct store *s, struct diag *reterr)
{
	int creat = s->must_exist ? 0 : O_CREAT;
	int64_t wal_bytes = size_of(s->path, "-wal");
	struct stat st;
	int r = 0;
	int fd;

	/* SQLite would delete the WAL, the only rest of what was there. */
	if (size_of(s->path, "") == 0 && wal_bytes > 0) {
		diag_add(reterr, "",
			 "%s is missing or empty, and %s has %lld bytes of it "
			 "left",
			 s->path, s->wal_path, (long long)wal_bytes);
		return STORE_DAMAGED;
	}
	fd = open(s->path, O_RDWR | creat | O_CLOEXEC, 0600);
	if (fd < 0)
		return db_system_failure(s, s->path);
	if (fstat(fd, &st) == 0 && st.st_uid != geteuid()) {
		diag_add(reterr, "",
			 "%s belongs to user %u, not to you (chown it, or use "
			 "another state directory)",
			 s->path, (unsigned)st.st_uid);
		close(fd);
		return STORE_FOREIGN;
	}
	/* 0600 whatever the umask. */
	if (fstat(fd, &st) < 0 || (st.st_size == 0 && fchmod(fd, 0600) < 0))
		r = db_system_failure(s, s->path);
	else if (st.st_size > 0 || s->must_exist)
		r = db_check_header(s->path, fd, reterr);
	close(fd);
	return r;
}

/*
 * cache_size: 2 MiB, the kernel caches the file anyway.
 * wal_autocheckpoint: in pages of 4 KiB. A checkpoint runs inside a commit of
 * the loop and syncs twice; 16 MiB make that rare, and a WAL of that size is
 * still read quickly at the next start.
 */
static const char settings[] = "PRAGMA synchronous = NORMAL;"
			       "PRAGMA foreign_keys = ON;"
			       "PRAGMA trusted_schema = OFF;"
			       "PRAGMA cell_size_check = ON;"
			       "PRAGMA mmap_size = 0;"
			       "PRAGMA cache_size = -2048;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA journal_size_limit = 67108864;"
			       "PRAGMA wal_autocheckpoint = 4096;";

#define TEXT(x)  #x
#define MARK(id) "PRAGMA application_id = " TEXT(id)

/*
 * Before WAL, so that the file itself tells whose it is. SQLite is asked
 * whether there is anything in it: a daemon that was killed while it did this
 * leaves a file with a mark, and a journal that takes it all back.
 */
static int mark_new(struct store *s)
{
	int64_t pages;
	int r = db_get(s, "PRAGMA page_count", &pages);

	if (r == 0 && pages == 0)
		r = db_exec(s, MARK(DB_APPLICATION_ID), "marking");
	return r;
}

/* What a clean end leaves is one file; 1 s for 100 MB is too much each time. */
static bool must_be_checked(const struct store *s)
{
	return !s->must_exist && (size_of(s->path, "-wal") > 0 ||
				  size_of(s->path, "-journal") > 0 ||
				  size_of(s->path, "") <= SMALL_BYTES);
}

/* Tables, and a version that says that there are none. */
static int check_schema(struct store *s, int64_t version, struct diag *reterr)
{
	int64_t n = 0;
	int r = 0;

	if (version == 0)
		r = db_get(s, "SELECT count(*) FROM sqlite_schema", &n);
	if (r < 0 || n == 0)
		return r;
	diag_add(reterr, "",
		 "%s is damaged: its schema is 0, and it has tables", s->path);
	return STORE_DAMAGED;
}

/* The connection, and what cannot be seen in the header: a newer WAL. */
static int connect_file(struct store *s, struct diag *reterr)
{
	bool is_checked = must_be_checked(s);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);
	int64_t version;
	int r;

	if (rc != SQLITE_OK)
		return db_failure(s, rc, "opening");
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 200);
	/* Until it is known to be ours, closing leaves its WAL alone. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	r = mark_new(s);
	if (r == 0)
		r = db_get(s, "PRAGMA user_version", &version);
	if (r == 0)
		r = check_version(s->path, version, reterr);
	if (r == 0)
		r = check_schema(s, version, reterr);
	if (r == 0 && is_checked)
		r = store_check(s, false, reterr);
	if (r == 0)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
				  NULL);
	return r;
}

static int use_wal(struct store *s)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &q,
				    NULL);
	struct run run;
	const char *mode;
	int r;

	if (rc != SQLITE_OK)
		return db_failure(s, rc, "choosing WAL");
	run = run_begin(q);
	r = run_step(s, &run, "choosing WAL");
	mode = r > 0 ? next_text(&run) : NULL;
	if (mode != NULL && strcmp(mode, "wal") != 0) {
		errno = EOPNOTSUPP; /* as on a network file system */
		r = db_system_failure(s, s->path);
	}
	sqlite3_finalize(q);
	return r < 0 ? r : 0;
}

/* SQLite has made the WAL by now; its name is made power-safe once. */
static int open_wal(struct store *s)
{
	struct stat st;

	s->wal_fd = open(s->wal_path, O_RDONLY | O_CLOEXEC);
	if (s->wal_fd < 0 || fstat(s->wal_fd, &st) < 0)
		return db_system_failure(s, s->wal_path);
	/* What an earlier daemon committed and did not live to sync. */
	if (fdatasync(s->wal_fd) < 0)
		return db_system_failure(s, s->wal_path);
	s->wal_id = (struct file_id){ st.st_dev, st.st_ino };
	if (stat(s->path, &st) < 0)
		return db_system_failure(s, s->path);
	s->id = (struct file_id){ st.st_dev, st.st_ino };
	return db_sync_folder(s, s->path);
}

static int prepare(struct store *s)
{
	int r = commit_prepare(s);

	if (r == 0)
		r = write_prepare(s);
	if (r == 0)
		r = remove_prepare(s);
	if (r == 0)
		r = load_prepare(s);
	if (r == 0)
		r = read_prepare(s);
	return r;
}

static int open_all(struct store *s, struct diag *reterr)
{
	int r = check_file(s, reterr);

	if (r == 0)
		r = connect_file(s, reterr);
	if (r == 0)
		r = use_wal(s);
	if (r == 0)
		r = db_exec(s, settings, "setting up");
	if (r == 0)
		r = db_migrate(s, sql_migrations, sql_views[0].text);
	if (r == 0)
		r = prepare(s);
	if (r == 0)
		r = open_wal(s);
	return r;
}

static int open_store(const char *path, bool must_exist,
		      struct store **ret_store, struct diag *reterr)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r;

	s->must_exist = must_exist;
	s->path = xstrdup(path);
	s->wal_path = xasprintf("%s-wal", path);
	s->wal_fd = -1;
	r = open_all(s, reterr);
	if (r < 0 && reterr->n == 0)
		diag_add(reterr, "", "%s", s->error);
	if (r == -EBADMSG)
		r = STORE_DAMAGED;
	if (r != 0) {
		store_close(s);
		return r;
	}
	*ret_store = s;
	return 0;
}

int store_open(const char *path, struct store **ret_store, struct diag *reterr)
{
	return open_store(path, false, ret_store, reterr);
}

int store_open_again(const char *path, struct store **ret_store,
		     struct diag *reterr)
{
	return open_store(path, true, ret_store, reterr);
}

static void finalize(sqlite3_stmt **queries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sqlite3_finalize(queries[i]);
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	finalize(s->commit, DB_COMMIT_N);
	finalize(s->write, DB_WRITE_N);
	finalize(s->remove, DB_REMOVE_N);
	finalize(s->load, DB_LOAD_N);
	finalize(s->read, DB_READ_N);
	if (sqlite3_close(s->db) != SQLITE_OK)
		abort(); /* a statement of ours is left */
	if (s->wal_fd >= 0)
		close(s->wal_fd);
	free(s->wal_path);
	free(s->path);
	free(s);
}
