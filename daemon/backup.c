/*
 * Why a reader on a worker thread, and not sqlite3_backup from the one
 * connection: the loop does nothing for it, whatever the size. The rule of one
 * connection is about writers and checkpoints, and a reader does neither: it
 * is to SQLite what a user's shell is, one of those that may read at any time.
 * It sees all that was committed before it began, hence all that was told to
 * anybody. The WAL grows meanwhile, as with any reader.
 */
#include "backup.h"

#include "base/fault.h"
#include "request.h"

#include "schema/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S   86400
#define PATTERN "hps-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db"

struct backup {
	uv_work_t work;
	struct server *s;
	struct store_bound bound; /* of the reader */
	struct late_reply *asked; /* NULL: the daily one */
	char *database;
	char *file; /* the daily one: its folder */
	bool replaces;
	int64_t kept; /* of the daily ones */
	struct store_summary summary;
	int result;
	struct diag diag;
};

/* --- the folder of the daily ones -------------------------------------------
 */

static int is_daily(const struct dirent *entry)
{
	return fnmatch(PATTERN, entry->d_name, 0) == 0;
}

/* The names in @folder, the oldest first; free them with free_names(). */
static size_t list_names(const char *folder, struct dirent ***ret_names)
{
	int n = scandir(folder, ret_names, is_daily, alphasort);

	if (n < 0)
		*ret_names = NULL;
	return n < 0 ? 0 : (size_t)n;
}

static void free_names(struct dirent **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static bool is_good(const char *path)
{
	auto_diag struct diag d = DIAG_INIT;
	struct store *copy = NULL;
	int r = store_open_file(path, NULL, &copy, &d);

	if (r == 0)
		r = store_check(copy, false, &d);
	store_close(copy);
	return r == 0;
}

char *backup_newest(const char *state_dir, bool must_be_good)
{
	auto_free char *folder = xasprintf("%s/backups", state_dir);
	struct dirent **names;
	size_t n = list_names(folder, &names);
	char *path = NULL;

	for (size_t i = n; i-- > 0 && path == NULL;) {
		path = xasprintf("%s/%s", folder, names[i]->d_name);
		if (must_be_good && !is_good(path)) {
			free(path);
			path = NULL;
		}
	}
	free_names(names, n);
	return path;
}

void backup_tell(const char *state_dir, bool is_ours)
{
	auto_free char *newest = backup_newest(state_dir, true);

	if (newest != NULL)
		log_error("the newest good backup is %s; \"hpctl restore %s\" "
			  "puts it in the place of the database, which is kept "
			  "under another name; running trials go on meanwhile",
			  newest, newest);
	else if (is_ours)
		log_error("there is no good backup in %s/backups; \"hpctl "
			  "restore FILE\" takes one from elsewhere, and a new "
			  "database is begun if hps.db, hps.db-wal and "
			  "hps.db-shm are moved away",
			  state_dir);
}

/* One from the future, by a clock that was wrong, does not count. */
static bool is_due(const char *folder)
{
	struct dirent **names;
	size_t n = list_names(folder, &names);
	time_t now = time(NULL);
	bool due = true;

	for (size_t i = 0; i < n; i++) {
		auto_free char *path =
		    xasprintf("%s/%s", folder, names[i]->d_name);
		struct stat st;

		if (stat(path, &st) == 0 && st.st_mtime <= now &&
		    st.st_mtime > now - DAY_S)
			due = false;
	}
	free_names(names, n);
	return due;
}

static void remove_oldest(const char *folder, int64_t kept)
{
	struct dirent **names;
	size_t n = list_names(folder, &names);

	for (size_t i = 0; i + (size_t)kept < n; i++) {
		auto_free char *path =
		    xasprintf("%s/%s", folder, names[i]->d_name);

		(void)unlink(path);
	}
	free_names(names, n);
}

/* --- the worker
 * ----------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	FILE *f = fopen(a, "re");
	FILE *g = fopen(b, "re");
	char block_f[65536], block_g[65536];
	bool same = f != NULL && g != NULL;

	while (same) {
		size_t n = fread(block_f, 1, sizeof(block_f), f);

		same = fread(block_g, 1, sizeof(block_g), g) == n &&
		       memcmp(block_f, block_g, n) == 0;
		if (n < sizeof(block_f))
			break;
	}
	same = same && !ferror(f) && !ferror(g);
	if (f != NULL)
		(void)fclose(f);
	if (g != NULL)
		(void)fclose(g);
	return same;
}

/*
 * Gives today's copy its name. One that is what the newest holds already is
 * not kept: the newest is as good as new, and its time says so.
 */
static int put_daily(struct backup *b, const char *copy)
{
	auto_free char *newest = backup_newest(b->s->paths.state_dir, false);
	auto_free char *file = NULL;
	char day[32];
	time_t now = time(NULL);
	struct tm tm;

	if (newest != NULL && is_same(copy, newest))
		return unlink(copy) < 0 ||
			       utimensat(AT_FDCWD, newest, NULL, 0) < 0
			   ? -errno
			   : 0;
	localtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	file = xasprintf("%s/hps-%s.db", b->file, day);
	(void)fault_at("backup.daily");
	if (rename(copy, file) < 0)
		return -errno;
	remove_oldest(b->file, b->kept);
	return 0;
}

/* Nothing is worth a copy in a database without a search. */
static int make_daily(struct backup *b, struct store *reader)
{
	auto_free char *copy = xasprintf("%s/hps.db.new", b->file);
	int r = store_summarize(reader, &b->summary);

	if (r < 0) {
		diag_add(&b->diag, "", "%s", store_error(reader));
		return r;
	}
	if (b->summary.searches == 0)
		return 0;
	if (mkdir(b->file, 0700) < 0 && errno != EEXIST) {
		diag_add(&b->diag, "", "%s: %s", b->file, strerror(errno));
		return -errno;
	}
	r = store_copy(reader, copy, true, &b->summary, &b->diag);
	if (r != 0)
		return r;
	r = put_daily(b, copy);
	if (r < 0)
		diag_add(&b->diag, "", "%s: %s", b->file, strerror(-r));
	return r;
}

static void do_backup(uv_work_t *work)
{
	struct backup *b = work->data;
	struct store *reader = NULL;

	b->result =
	    store_open_reader(b->database, &b->bound, &reader, &b->diag);
	if (b->result == 0 && b->asked == NULL)
		b->result = make_daily(b, reader);
	else if (b->result == 0)
		b->result = store_copy(reader, b->file, b->replaces,
				       &b->summary, &b->diag);
	store_close(reader);
}

/* --- the loop
 * ------------------------------------------------------------------- */

static void answer(struct backup *b)
{
	auto_json cJSON *result = cJSON_CreateObject();
	int error = b->result == 0              ? 0
		    : b->result == STORE_EXISTS ? RPC_CONFLICT
						: RPC_INTERNAL;

	cJSON_AddStringToObject(result, "file", b->file);
	json_add_integer(result, "bytes", b->summary.bytes);
	json_add_integer(result, "searches", b->summary.searches);
	json_add_integer(result, "trials", b->summary.trials);
	api_answer(b->s, b->asked, error, result, &b->diag);
}

static void tell_daily(struct backup *b)
{
	struct server *s = b->s;

	free(s->backup_error);
	s->backup_error = NULL;
	if (b->result == 0 && b->summary.searches > 0)
		log_debug("the backup of today is made");
	if (b->result == 0 || s->stopping)
		return;
	s->backup_error = diag_text(&b->diag, NULL);
	log_error("the backup of today could not be made: %s (the next try is "
		  "in an hour)",
		  s->backup_error);
}

static void on_backup(uv_work_t *work, int status)
{
	struct backup *b = work->data;

	if (b->asked != NULL) {
		b->s->backup_runs = false;
		answer(b);
	} else {
		b->s->daily_runs = false;
		tell_daily(b);
	}
	diag_free(&b->diag);
	free(b->database);
	free(b->file);
	free(b);
}

static void start(struct server *s, char *file, struct late_reply *asked,
		  bool replaces)
{
	struct backup *b = xcalloc(1, sizeof(*b));

	b->s = s;
	b->asked = asked;
	b->replaces = replaces;
	b->bound.stop = &s->workers_end;
	b->database = xasprintf("%s/hps.db", s->paths.state_dir);
	b->file = file;
	b->kept = s->config.backups;
	b->work.data = b;
	(void)uv_queue_work(&s->loop, &b->work, do_backup, on_backup);
}

void backup_daily(struct server *s)
{
	auto_free char *folder = NULL;

	if (s->config.backups == 0 || s->daily_runs || s->stopping)
		return;
	folder = xasprintf("%s/backups", s->paths.state_dir);
	if (!is_due(folder))
		return;
	s->daily_runs = true;
	start(s, folder, NULL, true);
	folder = NULL;
}

/* In the state directory itself it could take the place of what hpsd needs. */
static int check_place(struct request *req, const char *file)
{
	const char *state_dir = req->s->paths.state_dir;
	const char *slash = strrchr(file, '/');
	auto_free char *folder = NULL;
	struct stat st, state;

	if (file[0] != '/' || slash[1] == '\0') {
		diag_add(&req->diag, "file", "\"%s\" is no absolute path",
			 file);
		return RPC_BAD_INPUT;
	}
	folder = xstrndup(file, (size_t)(slash - file) + 1);
	if (stat(folder, &st) < 0) {
		diag_add(&req->diag, "", "%s: %s", folder, strerror(errno));
		return RPC_BAD_INPUT;
	}
	if (stat(state_dir, &state) == 0 && st.st_dev == state.st_dev &&
	    st.st_ino == state.st_ino) {
		diag_add(&req->diag, "",
			 "%s would lie among hpsd's own files (choose another "
			 "directory)",
			 file);
		return RPC_BAD_INPUT;
	}
	return 0;
}

int command_backup(struct request *req)
{
	const char *file = json_get_text(req->params, "file");
	int r = check_place(req, file);

	if (r != 0)
		return r;
	if (req->s->backup_runs) {
		diag_add(&req->diag, "",
			 "another backup is being made: try again in a moment");
		return RPC_CONFLICT;
	}
	req->s->backup_runs = true;
	start(req->s, xstrdup(file), api_reply_late(req),
	      json_get_bool(req->params, "replace", false));
	return 0;
}
