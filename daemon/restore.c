/*
 * The steps, each of which may be the last that a process lives to do:
 *
 *   copy of FILE, checked and on disk, as hps.db.restore-TIME
 *      from here on it will be done: the next start goes on with it
 *   trials/S/N that the copy does not know -> trials.replaced-TIME/S/N
 *   hps.db-wal -> hps.db.replaced-TIME-wal    a WAL must never meet a database
 *   hps.db -> hps.db.replaced-TIME            that is not its own
 *   hps.db.restore-TIME -> hps.db
 */
#include "restore.h"

#include "base/fault.h"
#include "exec/attempts.h"
#include "exec/probe.h"
#include "store/store.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARK "hps.db.restore-"
#define PART ".hpsd-part" /* of a copy that is not whole */

struct restore {
	const char *state_dir;
	char *stamp;
	struct store *copy; /* NULL: nothing is known */
	bool has_moved;     /* a directory */
	struct diag *reterr;
};

static int failed(struct restore *r, const char *path)
{
	diag_add(r->reterr, "", "%s: %s", path, strerror(errno));
	return 1;
}

static int told(struct restore *r, int error, const char *path)
{
	if (error < 0)
		diag_add(r->reterr, "", "%s: %s", path, strerror(-error));
	return error < 0;
}

static int store_failed(struct restore *r)
{
	diag_add(r->reterr, "", "%s", store_error(r->copy));
	return 1;
}

static char *path_of(const struct restore *r, const char *before,
		     const char *after)
{
	return xasprintf("%s/%s%s%s", r->state_dir, before, r->stamp, after);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* A time that no earlier restore has used. */
static char *new_stamp(const char *state_dir)
{
	static const char *const used[] = { "hps.db.replaced-",
					    "trials.replaced-", MARK };
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &tm);
	for (int n = 0;; n++) {
		char *stamp =
		    n == 0 ? xstrdup(text) : xasprintf("%s-%d", text, n);
		bool taken = false;

		for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
			auto_free char *path =
			    xasprintf("%s/%s%s", state_dir, used[i], stamp);

			taken = taken || exists(path);
		}
		if (!taken)
			return stamp;
		free(stamp);
	}
}

static int sync_dir(struct restore *r)
{
	int fd = open(r->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failure = fd < 0 || fsync(fd) < 0 ? failed(r, r->state_dir) : 0;

	if (fd >= 0)
		(void)close(fd);
	return failure;
}

/* --- directories of trials
 * ------------------------------------------------------ */

struct trial_dir {
	const char *path;
	int64_t search, number;
	struct store_attempt *attempts; /* that the copy knows */
	size_t n;
	bool is_known; /* all that has left a file is among these */
	bool is_other; /* one of the same number is not the same */
	bool is_empty;
};

/* The same number, run after an earlier restore, has another token. */
static void compare(struct trial_dir *t, const struct store_attempt *a,
		    const char *path)
{
	struct probe probe;

	if (probe_read(path, a->token, &probe) < 0)
		return;
	if (probe.phase == PROBE_NOTHING)
		t->is_other = true;
	if (probe.phase == PROBE_NOTHING ||
	    (a->is_launching && probe.phase != PROBE_WAITING))
		t->is_known = false;
}

static int look_at_attempt(void *ctx, int64_t attempt, const char *path)
{
	struct trial_dir *t = ctx;

	t->is_empty = false;
	for (size_t i = 0; i < t->n; i++) {
		if (t->attempts[i].number == attempt) {
			compare(t, &t->attempts[i], path);
			return 0;
		}
	}
	t->is_known = false;
	return 0;
}

/*
 * Whole directories: the output of a later attempt follows that of those
 * before it in one file, and would be read as theirs; and what is still alive
 * goes on writing there. What the copy has read of the output stays.
 */
static int part_with(struct restore *r, const struct trial_dir *t)
{
	auto_free char *aside = path_of(r, "trials.replaced-", "");
	auto_free char *parent =
	    xasprintf("%s/%lld", aside, (long long)t->search);
	auto_free char *to = xasprintf("%s/%lld", parent, (long long)t->number);
	int64_t read = 0;
	int failure = 0;

	if ((mkdir(aside, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(parent, 0700) < 0 && errno != EEXIST))
		return failed(r, parent);
	(void)fault_at("restore.trial");
	if (rename(t->path, to) < 0)
		return failed(r, t->path);
	r->has_moved = true;
	for (size_t i = 0; i < t->n; i++)
		if (read < t->attempts[i].offset)
			read = t->attempts[i].offset;
	if (t->n > 0 && !t->is_other)
		failure = attempts_copy_output(to, t->path, read);
	return told(r, failure, t->path);
}

static int check_trial(struct restore *r, const char *dir, int64_t search,
		       int64_t number)
{
	struct trial_dir t = {
		.path = dir,
		.search = search,
		.number = number,
		.is_known = true,
		.is_empty = true,
	};
	int failure = 0;

	if (r->copy != NULL &&
	    store_list_attempts(r->copy, search, number, &t.attempts, &t.n) < 0)
		failure = store_failed(r);
	if (failure == 0)
		failure = told(r, attempts_list(dir, look_at_attempt, &t), dir);
	if (failure == 0 && (!t.is_known || (t.is_empty && t.n == 0)))
		failure = part_with(r, &t);
	free(t.attempts);
	return failure;
}

/*
 * What the copy believes running, and has left nothing here, must not be taken
 * for never started: it was, in a time that the copy does not know.
 */
static int mark_lost(struct restore *r)
{
	struct store_attempt *list;
	size_t n;
	int failure = 0;

	if (store_list_attempts(r->copy, 0, -1, &list, &n) < 0)
		failure = store_failed(r);
	for (size_t i = 0; failure == 0 && i < n; i++) {
		auto_free char *dir = xasprintf(
		    "%s/trials/%lld/%lld", r->state_dir,
		    (long long)list[i].search, (long long)list[i].trial);

		(void)fault_at("restore.lost");
		failure = told(
		    r, attempts_mark_lost(dir, list[i].number, list[i].token),
		    dir);
	}
	free(list);
	return failure;
}

/* The number that @name is; -1: none. */
static int64_t number_of(const char *name)
{
	char *end;
	long long n = strtoll(name, &end, 10);

	return name[0] >= '0' && name[0] <= '9' && *end == '\0' ? n : -1;
}

static int check_search(struct restore *r, const char *dir, int64_t search)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int failure = 0;

	if (stream == NULL)
		return errno == ENOTDIR ? 0 : failed(r, dir);
	while (failure == 0 && (entry = readdir(stream)) != NULL) {
		auto_free char *path = xasprintf("%s/%s", dir, entry->d_name);
		int64_t number = number_of(entry->d_name);

		if (number >= 0)
			failure = check_trial(r, path, search, number);
	}
	(void)closedir(stream);
	/* If nothing is left in it. */
	(void)rmdir(dir);
	return failure;
}

static int check_trials(struct restore *r)
{
	auto_free char *trials = xasprintf("%s/trials", r->state_dir);
	DIR *stream = opendir(trials);
	struct dirent *entry;
	int failure = 0;

	if (stream == NULL)
		return errno == ENOENT ? 0 : failed(r, trials);
	while (failure == 0 && (entry = readdir(stream)) != NULL) {
		auto_free char *dir = xasprintf("%s/%s", trials, entry->d_name);
		int64_t search = number_of(entry->d_name);

		if (search >= 0)
			failure = check_search(r, dir, search);
	}
	(void)closedir(stream);
	return failure;
}

/* --- the database
 * --------------------------------------------------------------- */

static int rename_if_there(struct restore *r, const char *from, const char *to)
{
	if (rename(from, to) < 0 && errno != ENOENT)
		return failed(r, from);
	return sync_dir(r);
}

static int put_aside(struct restore *r, const char *suffix)
{
	auto_free char *from = xasprintf("%s/hps.db%s", r->state_dir, suffix);
	auto_free char *to = path_of(r, "hps.db.replaced-", suffix);

	(void)fault_at("restore.aside");
	return rename_if_there(r, from, to);
}

/* From the point on at which it is decided. */
static int finish(struct restore *r)
{
	auto_free char *copy = path_of(r, MARK, "");
	auto_free char *database = xasprintf("%s/hps.db", r->state_dir);
	auto_free char *shm = xasprintf("%s/hps.db-shm", r->state_dir);
	int failure = store_open_file(copy, NULL, &r->copy, r->reterr) != 0;

	if (failure == 0)
		failure = check_trials(r);
	if (failure == 0)
		failure = mark_lost(r);
	store_close(r->copy);
	r->copy = NULL;
	if (failure == 0)
		failure = put_aside(r, "-wal");
	if (failure == 0)
		failure = put_aside(r, "-journal");
	if (failure == 0)
		failure = put_aside(r, "");
	if (failure != 0)
		return failure;
	(void)unlink(shm); /* made anew from the WAL */
	(void)fault_at("restore.rename");
	return rename(copy, database) < 0 ? failed(r, database) : sync_dir(r);
}

int restore_resume(const char *state_dir, struct diag *reterr)
{
	DIR *stream = opendir(state_dir);
	struct restore r = { .state_dir = state_dir, .reterr = reterr };
	auto_free char *stamp = NULL;
	struct dirent *entry;

	if (stream == NULL)
		return failed(&r, state_dir);
	while ((entry = readdir(stream)) != NULL) {
		const char *name = entry->d_name;

		if (strncmp(name, MARK, strlen(MARK)) != 0)
			continue;
		if (strstr(name, PART) != NULL) {
			(void)unlinkat(dirfd(stream), name, 0);
			continue;
		}
		free(stamp);
		stamp = xstrdup(name + strlen(MARK));
	}
	(void)closedir(stream);
	r.stamp = stamp;
	return stamp == NULL ? 0 : finish(&r);
}

static cJSON *result_of(const struct restore *r, const char *file,
			const struct store_summary *summary)
{
	auto_free char *database = path_of(r, "hps.db.replaced-", "");
	auto_free char *trials = path_of(r, "trials.replaced-", "");
	cJSON *result = cJSON_CreateObject();

	cJSON_AddStringToObject(result, "restored", file);
	json_add_integer(result, "searches", summary->searches);
	json_add_integer(result, "trials", summary->trials);
	cJSON_AddItemToObject(result, "database",
			      exists(database) ? cJSON_CreateString(database)
					       : cJSON_CreateNull());
	cJSON_AddItemToObject(result, "trials_dir",
			      exists(trials) ? cJSON_CreateString(trials)
					     : cJSON_CreateNull());
	return result;
}

int restore(const char *state_dir, const char *file, cJSON **ret_result,
	    struct diag *reterr)
{
	auto_free char *stamp = new_stamp(state_dir);
	struct restore r = {
		.state_dir = state_dir,
		.stamp = stamp,
		.reterr = reterr,
	};
	auto_free char *copy = path_of(&r, MARK, "");
	struct store_summary summary;
	struct store *source = NULL;
	int failure = store_open_file(file, NULL, &source, reterr);

	if (failure == 0)
		failure = store_check(source, true, reterr);
	if (failure == 0)
		failure = store_copy(source, copy, false, &summary, reterr);
	store_close(source);
	if (failure != 0 || finish(&r) != 0)
		return 1;
	*ret_result = result_of(&r, file, &summary);
	return 0;
}

int restore_part_with_trials(const char *state_dir, char **ret_dir,
			     struct diag *reterr)
{
	auto_free char *stamp = new_stamp(state_dir);
	struct restore r = {
		.state_dir = state_dir,
		.stamp = stamp,
		.reterr = reterr,
	};

	*ret_dir = NULL;
	if (check_trials(&r) != 0)
		return 1;
	if (r.has_moved)
		*ret_dir = path_of(&r, "trials.replaced-", "");
	return 0;
}
