/*
 * The removal of an ended search. Its rows and its files may be too many for
 * one step: so it is gone first, for everybody and for good, and what it leaves
 * is taken away bit by bit, by this daemon or by those after it.
 *
 *   commit: forgotten -> synced: answered -> rows, a slice a step -> files, on
 *   a worker -> the search's own row
 *
 * One after the other. That row is what a later daemon knows it by.
 */
#include "base/container.h"
#include "base/fault.h"
#include "base/log.h"
#include "request.h"

#include "schema/mem.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Rows that are deleted before others get their turn: a few ms. The programs of
 * tests/fault have another figure.
 */
#ifndef REMOVE_ROWS
#define REMOVE_ROWS 1000
#endif
#define STEP_MS  1    /* the loop turns between two steps */
#define RETRY_MS 1000 /* another program has the lock, or the disk is full */

struct removal {
	uv_work_t work;
	struct server *s;
	int64_t search;
	uint64_t commit; /* that must be power-safe before anything goes */
	bool is_bare;    /* its rows and files are gone */
	bool is_told;    /* that it waits */
	char *dir;
	int error;   /* of the first file that cannot be deleted, or 0 */
	char *stays; /* that file */
	STAILQ_ENTRY(removal) link; /* in server->removals: has no thread */
};

static void removal_free(struct removal *job)
{
	free(job->dir);
	free(job->stays);
	free(job);
}

/* --- files
 * ---------------------------------------------------------------------- */

/* Of the one that has a thread: nftw() hands nothing on. */
static struct removal *walking;

static void note_failure(struct removal *job, const char *path)
{
	if (job->error != 0)
		return;
	job->error = -errno;
	job->stays = xstrdup(path);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	if (walking->s->removal_ends)
		return 1;
	if (remove(path) < 0 && errno != ENOENT)
		note_failure(walking, path);
	return 0;
}

static void do_files(uv_work_t *work)
{
	struct removal *job = container_of(work, struct removal, work);

	(void)fault_at("remove.files");
	walking = job;
	/* A search that never ran has none. */
	if (nftw(job->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 &&
	    access(job->dir, F_OK) == 0)
		note_failure(job, job->dir);
}

static void begin_step(struct server *s, uint64_t ms);

static void on_files(uv_work_t *work, int status)
{
	struct removal *job = container_of(work, struct removal, work);
	struct server *s = job->s;

	s->removal_runs = false;
	if (job->error != 0)
		log_warning("a search was removed, and %s cannot be deleted: "
			    "%s; the next start tries again",
			    job->stays, strerror(-job->error));
	if (job->error != 0 || s->stopping || s->lost != NULL) {
		removal_free(job);
	} else {
		job->is_bare = true;
		STAILQ_INSERT_HEAD(&s->removals, job, link);
	}
	begin_step(s, 0);
}

/* --- rows
 * ----------------------------------------------------------------------- */

static int delete_slice(struct removal *job, bool *ret_more)
{
	struct store *store = job->s->store;
	int r;

	if (job->is_bare)
		(void)fault_at("remove.search");
	else
		(void)fault_at("remove.rows");
	r = store_begin(store);
	if (r == 0 && job->is_bare)
		r = store_delete_search(store, job->search);
	else if (r == 0)
		r = store_delete_rows(store, job->search, REMOVE_ROWS,
				      ret_more);
	if (r == 0)
		r = store_commit(store);
	if (r != 0)
		store_rollback(store);
	else
		job->s->commits++;
	return r;
}

/* Its rows are gone, hence its files are next; or all of it is gone. */
static void go_on(struct server *s, struct removal *job)
{
	STAILQ_REMOVE_HEAD(&s->removals, link);
	if (job->is_bare) {
		removal_free(job);
		return;
	}
	s->removal_runs = true;
	s->removal_ends = false;
	(void)uv_queue_work(&s->loop, &job->work, do_files, on_files);
}

/* It is tried again each second, and said once. */
static void tell_waiting(struct removal *job)
{
	if (!job->is_told)
		log_warning("what is left of the removed search %lld cannot be "
			    "deleted now: %s; trying again",
			    (long long)job->search, store_error(job->s->store));
	job->is_told = true;
}

static void on_step(uv_timer_t *timer)
{
	struct server *s = container_of(timer, struct server, remove_step);
	struct removal *job = STAILQ_FIRST(&s->removals);
	bool more = false;
	int r;

	if (job == NULL || s->removal_runs || s->lost != NULL ||
	    job->commit > s->synced)
		return;
	if (s->stalled) {
		begin_step(s, RETRY_MS);
		return;
	}
	r = store_is_in_place(s->store) ? delete_slice(job, &more) : -ESTALE;
	if (r == -EBUSY || r == -ENOSPC) {
		tell_waiting(job);
		begin_step(s, RETRY_MS);
		return;
	}
	if (r < 0) {
		storage_lost(s, r, storage_words(s, r), false);
		return;
	}
	if (!more)
		go_on(s, job);
	begin_step(s, STEP_MS);
}

static void begin_step(struct server *s, uint64_t ms)
{
	if (!s->stopping)
		(void)uv_timer_start(&s->remove_step, on_step, ms, 0);
}

/* --- the queue
 * ------------------------------------------------------------------ */

static void add(struct server *s, int64_t search, uint64_t commit)
{
	struct removal *job = xcalloc(1, sizeof(*job));

	job->s = s;
	job->search = search;
	job->commit = commit;
	job->dir =
	    xasprintf("%s/trials/%lld", s->paths.state_dir, (long long)search);
	STAILQ_INSERT_TAIL(&s->removals, job, link);
}

static void add_forgotten(void *ctx, int64_t search)
{
	add(ctx, search, 0);
}

void remove_resume(struct server *s)
{
	remove_fini(s); /* an earlier try may have got this far */
	if (store_load_forgotten(s->store, add_forgotten, s) < 0)
		log_error("removals cannot go on: %s", store_error(s->store));
	begin_step(s, 0);
}

void remove_synced(struct server *s)
{
	if (!uv_is_active((uv_handle_t *)&s->remove_step))
		begin_step(s, 0);
}

void remove_fini(struct server *s)
{
	struct removal *job;

	(void)uv_timer_stop(&s->remove_step);
	s->removal_ends = true;
	while ((job = STAILQ_FIRST(&s->removals)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->removals, link);
		removal_free(job);
	}
}

/* --- the method
 * ----------------------------------------------------------------- */

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

static int forget(struct server *s, int64_t search)
{
	int r;

	(void)fault_at("remove.forget");
	r = store_begin(s->store);
	if (r == 0)
		r = store_forget_search(s->store, search);
	if (r == 0)
		r = store_commit(s->store);
	if (r != 0)
		store_rollback(s->store);
	return r;
}

static int not_removed(struct request *req, int error)
{
	const char *words = store_error(req->s->store);

	if (error == -EBUSY || error == -ENOSPC) {
		diag_add(&req->diag, "",
			 "the database cannot be written now: %s (try again "
			 "later)",
			 words);
		return RPC_UNAVAILABLE;
	}
	diag_add(&req->diag, "", "the database cannot be written: %s", words);
	storage_lost(req->s, error, words, false);
	return RPC_INTERNAL;
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
	r = forget(s, id);
	if (r != 0)
		return not_removed(req, r);
	s->commits++;
	req->changes = true;
	add(s, id, s->commits);
	json_add_integer(req->result, "removed", trials_of(row));
	return 0;
}
