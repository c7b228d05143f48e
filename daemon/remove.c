/*
 * The removal of an ended search: its rows and its files, which cannot go in
 * one step. So the files are put aside first, under a name that tells a later
 * daemon of it; whether the rows are gone tells it which way to go on.
 *
 *   rename trials/ID to trials/ID.removed -> commit -> delete the files
 */
#include "base/fault.h"
#include "base/log.h"
#include "request.h"

#include "schema/mem.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASIDE ".removed"

struct removal {
	uv_work_t work;
	char *dir;
};

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void do_removal(uv_work_t *work)
{
	struct removal *removal = work->data;

	(void)nftw(removal->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_removed(uv_work_t *work, int status)
{
	struct removal *removal = work->data;

	free(removal->dir);
	free(removal);
}

static char *dir_of(const struct server *s, int64_t search, const char *suffix)
{
	return xasprintf("%s/trials/%lld%s", s->paths.state_dir,
			 (long long)search, suffix);
}

static void delete_files(struct server *s, int64_t search)
{
	struct removal *removal = xcalloc(1, sizeof(*removal));

	removal->dir = dir_of(s, search, ASIDE);
	removal->work.data = removal;
	(void)uv_queue_work(&s->loop, &removal->work, do_removal, on_removed);
}

/* Returns 0 or -errno. A search that never ran has no files. */
static int put_aside(const struct server *s, int64_t search)
{
	auto_free char *dir = dir_of(s, search, "");
	auto_free char *aside = dir_of(s, search, ASIDE);

	(void)fault_at("remove.rename");
	return rename(dir, aside) < 0 && errno != ENOENT ? -errno : 0;
}

static void put_back(const struct server *s, int64_t search)
{
	auto_free char *dir = dir_of(s, search, "");
	auto_free char *aside = dir_of(s, search, ASIDE);

	if (rename(aside, dir) < 0 && errno != ENOENT)
		log_error("%s: cannot be renamed to %s: %s", aside, dir,
			  strerror(errno));
}

/* One that an earlier daemon has put aside, and nothing more is known. */
static void finish_removal(struct server *s, int64_t search)
{
	auto_json cJSON *row = NULL;
	int r = store_read_search(s->store, search, &row);

	if (r == 0)
		put_back(s, search);
	else if (r == STORE_NOT_FOUND)
		delete_files(s, search);
}

void remove_resume(struct server *s)
{
	auto_free char *path = xasprintf("%s/trials", s->paths.state_dir);
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL) {
		log_error("%s: %s", path, strerror(errno));
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char *end;
		long long id = strtoll(entry->d_name, &end, 10);

		if (id > 0 && strcmp(end, ASIDE) == 0)
			finish_removal(s, id);
	}
	closedir(dir);
}

static int64_t trials_of(const cJSON *row)
{
	int64_t n = 0;

	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		n += json_get_integer(row, trial_state_names[i], 0);
	return n;
}

static bool has_ended(const cJSON *row)
{
	int state = search_state_find(json_get_text(row, "state"));

	return state >= 0 && search_state_is_final((enum search_state)state);
}

static int delete_rows(struct server *s, int64_t search)
{
	int r = store_begin(s->store);

	if (r == 0)
		r = store_delete_search(s->store, search);
	if (r == 0)
		r = store_commit(s->store);
	if (r != 0)
		store_rollback(s->store);
	return r;
}

static int not_removed(struct request *req, int64_t search, int error)
{
	int r = request_failed(req);

	/* Of other failures the next look into the database tells more. */
	if (error == -EBUSY || error == -ENOSPC)
		put_back(req->s, search);
	else
		storage_lost(req->s, error, store_error(req->s->store), false);
	return r;
}

int command_remove(struct request *req)
{
	struct server *s = req->s;
	auto_json cJSON *row = NULL;
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_search(s->store, id, &row) != 0)
		return request_failed(req);
	/* Not held and yet running: a search that could not be loaded. */
	if (core_has_search(s->core, id) ||
	    json_get_integer(row, "running", 0) > 0) {
		diag_add(&req->diag, "",
			 has_ended(row) ? "search \"%s\" has ended, and its "
					  "trials are still being stopped: try "
					  "again in a moment"
					: "search \"%s\" has not ended: cancel "
					  "it first (hpctl cancel)",
			 json_get_text(req->params, "search"));
		return RPC_CONFLICT;
	}
	r = put_aside(s, id);
	if (r < 0) {
		diag_add(&req->diag, "", "%s/trials/%lld cannot be renamed: %s",
			 s->paths.state_dir, (long long)id, strerror(-r));
		return RPC_INTERNAL;
	}
	r = delete_rows(s, id);
	if (r != 0)
		return not_removed(req, id, r);
	(void)fault_at("remove.files");
	s->commits++;
	req->changes = true;
	delete_files(s, id);
	json_add_integer(req->result, "removed", trials_of(row));
	return 0;
}
