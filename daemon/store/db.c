#include "store/db.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The names that callers know; every other failure of SQLite is -EIO. */
static int errno_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_INTERRUPT:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

void db_plain(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; text[n] != '\0' && text[n] != '\n' && n < size - 1; n++)
		ret[n] = (char)(text[n] < ' ' || text[n] > '~' ? '?' : text[n]);
	ret[n] = '\0';
}

/* What is damaged shall not be changed, not by closing it either. */
static void mark_damaged(struct store *s)
{
	s->is_damaged = true;
	if (s->db != NULL)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				  NULL);
}

int db_failure(struct store *s, int rc, const char *doing)
{
	const char *words = sqlite3_errstr(rc);
	char plain[256];

	assert(rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE);
	if (s->db != NULL && sqlite3_extended_errcode(s->db) == rc)
		words = sqlite3_errmsg(s->db);
	if (errno_of(rc) == -EBADMSG)
		mark_damaged(s);
	db_plain(words, plain, sizeof(plain));
	snprintf(s->error, sizeof(s->error), "%s: %s: %s (SQLite %d)", s->path,
		 doing, plain, rc);
	return errno_of(rc);
}

int db_system_failure(struct store *s, const char *what)
{
	int error = errno;

	assert(error > 0);
	snprintf(s->error, sizeof(s->error), "%s: %s", what, strerror(error));
	return -error;
}

int db_sync_folder(struct store *s, const char *file)
{
	auto_free char *copy = xstrdup(file);
	const char *folder = dirname(copy);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return db_system_failure(s, folder);
	r = fsync(fd) < 0 ? db_system_failure(s, folder) : 0;
	close(fd);
	return r;
}

int db_exec(struct store *s, const char *sql, const char *doing)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_failure(s, rc, doing);
}

int db_get(struct store *s, const char *sql, int64_t *ret_v)
{
	sqlite3_stmt *q = NULL;
	struct run r;
	int n;

	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
		return db_failure(s, sqlite3_extended_errcode(s->db), sql);
	r = run_begin(q);
	n = run_step(s, &r, sql);
	if (n > 0)
		*ret_v = next_int(&r);
	sqlite3_finalize(q);
	assert(n != 0);
	return n < 0 ? n : 0;
}

/* A table or a column that the database's version has is not there. */
static int wrong_tables(struct store *s)
{
	char plain[256];

	db_plain(sqlite3_errmsg(s->db), plain, sizeof(plain));
	snprintf(s->error, sizeof(s->error),
		 "%s is damaged: its tables are not those of its version: %s",
		 s->path, plain);
	mark_damaged(s);
	return -EBADMSG;
}

int db_prepare(struct store *s, const char *const *sql, size_t n,
	       sqlite3_stmt **ret_queries)
{
	for (size_t i = 0; i < n; i++) {
		int rc = sqlite3_prepare_v3(s->db, sql[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &ret_queries[i], NULL);

		if (rc == SQLITE_ERROR)
			return wrong_tables(s);
		if (rc != SQLITE_OK)
			return db_failure(s, rc, sql[i]);
	}
	return 0;
}

struct run run_begin(sqlite3_stmt *q)
{
	assert(!sqlite3_stmt_busy(q)); /* a load inside its own callback */
	return (struct run){ .q = q, .next = 1, .rc = SQLITE_OK };
}

static void bound(struct run *r, int rc)
{
	if (r->rc == SQLITE_OK)
		r->rc = rc;
}

void bind_int(struct run *r, int64_t v)
{
	bound(r, sqlite3_bind_int64(r->q, r->next++, v));
}

void bind_text(struct run *r, const char *text)
{
	bound(r, sqlite3_bind_text(r->q, r->next++, text, -1, SQLITE_STATIC));
}

void bind_real(struct run *r, double v)
{
	bound(r, sqlite3_bind_double(r->q, r->next++, v));
}

void bind_null(struct run *r)
{
	bound(r, sqlite3_bind_null(r->q, r->next++));
}

int run_step(struct store *s, struct run *r, const char *doing)
{
	int rc = r->rc;

	if (rc == SQLITE_OK) {
		if (!sqlite3_stmt_busy(r->q))
			assert(r->next ==
			       sqlite3_bind_parameter_count(r->q) + 1);
		rc = sqlite3_step(r->q);
	}
	r->next = 0;
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_failure(s, rc, doing);
}

int64_t next_int(struct run *r)
{
	return sqlite3_column_int64(r->q, r->next++);
}

double next_real(struct run *r)
{
	return sqlite3_column_double(r->q, r->next++);
}

char *next_text(struct run *r)
{
	static char none[] = "";
	char *text;

	if (next_is_null(r)) {
		r->rc = SQLITE_CORRUPT;
		r->next++;
		return none;
	}
	text = (char *)sqlite3_column_text(r->q, r->next++);
	if (text == NULL)
		abort(); /* out of memory, as in xmalloc() */
	return text;
}

void next_chars(struct run *r, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", next_text(r));
}

int next_word(struct run *r, int find(const char *name))
{
	int v = find(next_text(r));

	if (v >= 0)
		return v;
	r->rc = SQLITE_CORRUPT;
	return 0;
}

void next_skip(struct run *r)
{
	r->next++;
}

bool next_is_null(const struct run *r)
{
	return sqlite3_column_type(r->q, r->next) == SQLITE_NULL;
}

int run_check(struct store *s, struct run *r, const char *doing)
{
	return r->rc == SQLITE_OK ? 0 : db_failure(s, r->rc, doing);
}

void run_end(struct run *r)
{
	sqlite3_reset(r->q); /* its failure was told by the step */
	sqlite3_clear_bindings(r->q);
}

int run_all(struct store *s, struct run *r, const char *doing)
{
	int n = run_step(s, r, doing);

	run_end(r);
	assert(n <= 0);
	return n;
}

bool store_is_damaged(const struct store *s)
{
	return s->is_damaged;
}

const char *store_error(const struct store *s)
{
	return s->error;
}
