#pragma once

/*
 * Inside the store: the connection, its prepared statements, and the only
 * place where SQLite's codes become ours.
 *
 * Each .c with queries has them as texts above the functions that bind them;
 * all are prepared at open, so that a slip in one fails every test. Parameters
 * are bound and columns read in the order of the text.
 */
#include "store/store.h"

#include "schema/embed.h"

#include <sqlite3.h>
#include <sys/types.h>

/* "hpsd"; at offset 68 of the file. */
#define DB_APPLICATION_ID 0x68707364

/* Numbers of queries of the files of their names. */
#define DB_COMMIT_N 2
#define DB_WRITE_N  11
#define DB_REMOVE_N 9
#define DB_LOAD_N   10
#define DB_READ_N   22

struct file_id {
	dev_t dev;
	ino_t ino;
};

struct store {
	sqlite3 *db;
	char *path;
	char *wal_path;
	int wal_fd; /* our own, for store_sync(); -1: none */
	bool must_exist;
	struct file_id id, wal_id;
	struct store_bound *bound; /* of a reader, or NULL */
	bool is_damaged;
	char error[512];
	sqlite3_stmt *commit[DB_COMMIT_N];
	sqlite3_stmt *write[DB_WRITE_N];
	sqlite3_stmt *remove[DB_REMOVE_N];
	sqlite3_stmt *load[DB_LOAD_N];
	sqlite3_stmt *read[DB_READ_N];
};

/* Of a search: it is not being removed (store/remove.c). */
#define IS_SHOWN "name NOT LIKE '/%'"

/* Made from schema/; migration i leads to user_version i + 1. */
extern const struct embedded sql_migrations[];
extern const struct embedded sql_views[];

/*
 * Brings the database to the last of @migrations (ended by a NULL name), in
 * one transaction, after a copy if it holds an older version; and the views to
 * the text of @views.
 */
int db_migrate(struct store *s, const struct embedded *migrations,
	       const char *views) __attribute__((warn_unused_result));

/*
 * The first line of @text, which may quote a damaged file, in printable ASCII.
 */
void db_plain(const char *text, char *ret, size_t size);

/* -errno of SQLite's @rc; the words go to s->error as "@doing: words". */
int db_failure(struct store *s, int rc, const char *doing);

/* -errno, likewise, of a system call about the file @what. */
int db_system_failure(struct store *s, const char *what);

/* Makes the names of the files beside @file power-safe. */
int db_sync_folder(struct store *s, const char *file)
    __attribute__((warn_unused_result));

/*
 * Is the file at @fd a database of ours, and not of a newer version? 0,
 * STORE_FOREIGN, STORE_NEWER or -errno; whatever is not 0 is told.
 */
int db_check_header(const char *path, int fd, struct diag *reterr)
    __attribute__((warn_unused_result));

/*
 * Copies what @s sees to @file, which has another name until the copy is
 * whole, checked and on disk. @replaces: @file may be there.
 */
int db_copy(struct store *s, const char *file, bool replaces,
	    struct store_summary *ret) __attribute__((warn_unused_result));

/* Runs statements that return nothing. 0 or -errno. */
int db_exec(struct store *s, const char *sql, const char *doing)
    __attribute__((warn_unused_result));
/* The one number that a query returns, as a PRAGMA does. */
int db_get(struct store *s, const char *sql, int64_t *ret_v)
    __attribute__((warn_unused_result));

int db_prepare(struct store *s, const char *const *sql, size_t n,
	       sqlite3_stmt **ret_queries) __attribute__((warn_unused_result));
int commit_prepare(struct store *s) __attribute__((warn_unused_result));
int write_prepare(struct store *s) __attribute__((warn_unused_result));
int remove_prepare(struct store *s) __attribute__((warn_unused_result));
int load_prepare(struct store *s) __attribute__((warn_unused_result));
int read_prepare(struct store *s) __attribute__((warn_unused_result));

/* One run of a query: its next parameter or column, the first failure. */
struct run {
	sqlite3_stmt *q;
	int next;
	int rc;
};

struct run run_begin(sqlite3_stmt *q);

/* Texts are borrowed until run_end(); NULL is bound as NULL. */
void bind_int(struct run *r, int64_t v);
void bind_text(struct run *r, const char *text);
void bind_real(struct run *r, double v);
void bind_null(struct run *r);

/* 1: a row is there to be read; 0: no more; or -errno. */
int run_step(struct store *s, struct run *r, const char *doing)
    __attribute__((warn_unused_result));

/*
 * What a row holds, column by column. Texts are borrowed until the next step.
 * What the schema rules out (NULL for a text, a foreign word) can only come
 * from a damaged file and fails run_check().
 */
int64_t next_int(struct run *r);
double next_real(struct run *r);
char *next_text(struct run *r);
void next_chars(struct run *r, char *ret_text, size_t size);
/* An enumerator by its wire name. */
int next_word(struct run *r, int find(const char *name));
void next_skip(struct run *r);
bool next_is_null(const struct run *r); /* the next one; reads nothing */

/* 0, or -EBADMSG if the columns read so far were not what they must be. */
int run_check(struct store *s, struct run *r, const char *doing)
    __attribute__((warn_unused_result));

void run_end(struct run *r);

/* run_begin() to run_end() of a statement that returns no row. */
int run_all(struct store *s, struct run *r, const char *doing)
    __attribute__((warn_unused_result));
