/*
 * Readers: connections beside the one that writes, for what takes long. Each
 * sees the database as it was when its first statement began, and neither
 * writes nor checkpoints: to SQLite it is another program that reads.
 */
#include "base/fault.h"
#include "store/db.h"

#include "schema/buf.h"
#include "schema/mem.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS        5000  /* a reader may wait for a recovery, no more */
#define PROGRESS_STEPS 10000 /* of SQLite's machine: well under 1 ms */

/* Nonzero ends the statement. */
static int on_progress(void *ctx)
{
	const struct store_bound *bound = ctx;
	struct timespec now;

	if (bound->stop != NULL && *bound->stop)
		return 1;
	if (bound->until_ms == 0)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 >
	       bound->until_ms;
}

/* SQLite's name for a file that is only read; new. */
static char *uri_of(const char *path, bool is_immutable)
{
	auto_buf struct buf b = BUF_INIT;

	buf_adds(&b, "file:");
	for (; *path != '\0'; path++) {
		if (isalnum((unsigned char)*path) || *path == '/')
			buf_addc(&b, *path);
		else
			buf_addf(&b, "%%%02x", (unsigned char)*path);
	}
	buf_adds(&b, is_immutable ? "?immutable=1" : "?mode=ro");
	return buf_take(&b);
}

static int connect_reader(struct store *s, bool is_immutable)
{
	int flags =
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	auto_free char *uri = uri_of(s->path, is_immutable);
	int rc = sqlite3_open_v2(uri, &s->db, flags, NULL);

	if (rc != SQLITE_OK)
		return db_failure(s, rc, "opening");
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (s->bound != NULL)
		sqlite3_progress_handler(s->db, PROGRESS_STEPS, on_progress,
					 s->bound);
	return db_exec(s,
		       "PRAGMA trusted_schema = OFF;"
		       "PRAGMA cell_size_check = ON;"
		       "PRAGMA mmap_size = 0;",
		       "setting up");
}

static int open_reader(const char *path, bool is_immutable,
		       struct store_bound *bound, struct store **ret_store,
		       struct diag *reterr)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r;

	s->path = xstrdup(path);
	s->wal_fd = -1;
	s->bound = bound;
	r = connect_reader(s, is_immutable);
	if (r < 0) {
		diag_add(reterr, "", "%s", s->error);
		store_close(s);
		return r;
	}
	*ret_store = s;
	return 0;
}

int store_open_reader(const char *path, struct store_bound *bound,
		      struct store **ret_store, struct diag *reterr)
{
	return open_reader(path, false, bound, ret_store, reterr);
}

int store_reader_loads(struct store *s)
{
	return load_prepare(s);
}

static bool has_beside(const char *path, const char *suffix)
{
	auto_free char *name = xasprintf("%s%s", path, suffix);

	return access(name, F_OK) == 0;
}

int store_open_file(const char *path, struct store_bound *bound,
		    struct store **ret_store, struct diag *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_immutable;
	int r;

	if (fd < 0) {
		r = -errno;
		diag_add(reterr, "", "%s: %s", path, strerror(errno));
		return r;
	}
	r = db_check_header(path, fd, reterr);
	close(fd);
	if (r != 0)
		return r;
	/* A complete file is read without locks, and nothing made beside it. */
	is_immutable =
	    !has_beside(path, "-wal") && !has_beside(path, "-journal");
	return open_reader(path, is_immutable, bound, ret_store, reterr);
}

static void tell_damage(const struct store *s, const char *what,
			const char *text, struct diag *reterr)
{
	const char *line = strchr(text, '\n');
	char plain[256];

	/* "*** in database main ***" says nothing. */
	if (strncmp(text, "***", 3) == 0 && line != NULL)
		text = line + 1;
	db_plain(text, plain, sizeof(plain));
	diag_add(reterr, "", "%s is damaged: %s%s", s->path, what, plain);
}

/* The first row that a check returns is a fault, unless it is "ok". */
static int run_pragma(struct store *s, const char *pragma, const char *what,
		      struct diag *reterr)
{
	sqlite3_stmt *q = NULL;
	struct run run;
	const char *text;
	int r;

	if (sqlite3_prepare_v2(s->db, pragma, -1, &q, NULL) != SQLITE_OK)
		return db_failure(s, sqlite3_extended_errcode(s->db), pragma);
	run = run_begin(q);
	r = run_step(s, &run, pragma);
	text = r > 0 ? next_text(&run) : "ok";
	if (r > 0)
		r = strcmp(text, "ok") == 0 ? 0 : STORE_DAMAGED;
	if (r == STORE_DAMAGED)
		tell_damage(s, what, text, reterr);
	sqlite3_finalize(q);
	return r;
}

/*
 * The first fault of each kind is enough. quick_check leaves out whether the
 * indexes fit their tables.
 */
int store_check(struct store *s, bool thoroughly, struct diag *reterr)
{
	int r;

	if (thoroughly)
		r = run_pragma(s, "PRAGMA integrity_check(1)", "", reterr);
	else
		r = run_pragma(s, "PRAGMA quick_check(1)", "", reterr);
	if (r == 0 && thoroughly)
		r = run_pragma(s, "PRAGMA foreign_key_check",
			       "a row belongs to nothing in ", reterr);
	if (r == -EBADMSG) {
		tell_damage(s, "", sqlite3_errmsg(s->db), reterr);
		return STORE_DAMAGED;
	}
	if (r < 0)
		diag_add(reterr, "", "%s", s->error);
	return r;
}

int store_summarize(struct store *s, struct store_summary *ret)
{
	int r = db_get(s, "SELECT count(*) FROM search WHERE " IS_SHOWN,
		       &ret->searches);

	if (r < 0)
		return r;
	return db_get(s,
		      "SELECT count(*) FROM trial WHERE search IN "
		      "(SELECT id FROM search WHERE " IS_SHOWN ")",
		      &ret->trials);
}

static int read_attempt(struct store *s, struct run *run,
			struct store_attempt *ret)
{
	static const char *const doing = "listing attempts";
	int r = run_step(s, run, doing);
	int state;

	if (r <= 0)
		return r;
	ret->search = next_int(run);
	ret->trial = next_int(run);
	ret->number = next_int(run);
	next_chars(run, ret->token, sizeof(ret->token));
	state = next_word(run, attempt_state_find);
	ret->offset = next_int(run);
	ret->is_launching = state == ATTEMPT_LAUNCHING;
	ret->is_open = state != ATTEMPT_ENDED && state != ATTEMPT_LOST;
	r = run_check(s, run, doing);
	return r < 0 ? r : 1;
}

#define ATTEMPTS                                                               \
	"SELECT trial.search, trial.number, attempt.number, token, "           \
	"attempt.state, read_offset "                                          \
	"FROM trial JOIN attempt ON attempt.trial = trial.id "

int store_list_attempts(struct store *s, int64_t search, int64_t trial,
			struct store_attempt **ret_list, size_t *ret_n)
{
	static const char of_trial[] =
	    ATTEMPTS "WHERE trial.search = ? AND trial.number = ? "
		     "ORDER BY attempt.number";
	static const char all_open[] =
	    ATTEMPTS "WHERE attempt.state <> 'ended' AND "
		     "attempt.state <> 'lost'";
	const char *query = trial < 0 ? all_open : of_trial;
	struct store_attempt one = { 0 };
	sqlite3_stmt *q = NULL;
	struct run run;
	int r;

	*ret_list = NULL;
	*ret_n = 0;
	if (sqlite3_prepare_v2(s->db, query, -1, &q, NULL) != SQLITE_OK)
		return db_failure(s, sqlite3_extended_errcode(s->db), query);
	run = run_begin(q);
	if (trial >= 0) {
		bind_int(&run, search);
		bind_int(&run, trial);
	}
	while ((r = read_attempt(s, &run, &one)) > 0) {
		*ret_list = xreallocarray(*ret_list, *ret_n + 1, sizeof(one));
		(*ret_list)[(*ret_n)++] = one;
	}
	sqlite3_finalize(q);
	return r;
}

/* --- copies
 * --------------------------------------------------------------------- */

static int vacuum_into(struct store *s, const char *file)
{
	static const char *const doing = "copying";
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

/* Is the copy whole, and what is in it? */
static int look_at(struct store *s, const char *part, struct store_summary *ret)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *words = NULL;
	struct store *copy = NULL;
	struct stat st;
	int r = open_reader(part, true, s->bound, &copy, &d);

	if (r == 0)
		r = store_check(copy, false, &d);
	if (r == 0)
		r = store_summarize(copy, ret);
	store_close(copy);
	if (r == 0 && stat(part, &st) < 0)
		return db_system_failure(s, part);
	if (r == 0) {
		ret->bytes = st.st_size;
		return 0;
	}
	words = diag_text(&d, NULL);
	(void)snprintf(s->error, sizeof(s->error), "the copy is not right: %s",
		       words);
	return r < 0 ? r : -EBADMSG;
}

/* The check before has told; this is for one that has come meanwhile. */
static int give_name(struct store *s, const char *part, const char *file,
		     bool replaces)
{
	unsigned flags = replaces ? 0 : RENAME_NOREPLACE;
	int r = renameat2(AT_FDCWD, part, AT_FDCWD, file, flags);

	/* Some file systems cannot promise it. */
	if (r < 0 && errno == EINVAL && !replaces)
		r = rename(part, file);
	return r < 0 ? db_system_failure(s, file) : 0;
}

int db_copy(struct store *s, const char *file, bool replaces,
	    struct store_summary *ret)
{
	auto_free char *part = xasprintf("%s.hpsd-part", file);
	int fd, r;

	/* The empty file comes first: SQLite would make it for others too. */
	fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return db_system_failure(s, part);
	r = fchmod(fd, 0600) < 0 ? db_system_failure(s, part) : 0;
	(void)fault_at("copy.write");
	if (r == 0)
		r = vacuum_into(s, part);
	if (r == 0)
		r = look_at(s, part, ret);
	if (r == 0 && fsync(fd) < 0)
		r = db_system_failure(s, part);
	(void)fault_at("copy.rename");
	if (r == 0)
		r = give_name(s, part, file, replaces);
	if (r != 0)
		(void)unlink(part);
	close(fd); /* now: it drops the locks of SQLite on this file */
	return r == 0 ? db_sync_folder(s, file) : r;
}

int store_copy(struct store *s, const char *file, bool replaces,
	       struct store_summary *ret, struct diag *reterr)
{
	struct stat st;
	int r;

	if (lstat(file, &st) == 0 && !(replaces && S_ISREG(st.st_mode))) {
		diag_add(reterr, "",
			 S_ISREG(st.st_mode)
			     ? "%s is there already (--force replaces it)"
			     : "%s is there already, and no plain file",
			 file);
		return STORE_EXISTS;
	}
	r = db_copy(s, file, replaces, ret);
	if (r < 0)
		diag_add(reterr, "", "%s", s->error);
	return r;
}
