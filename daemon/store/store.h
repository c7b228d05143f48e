#pragma once

/*
 * The only SQLite. One connection, one writer, WAL; every write of a loop turn
 * is one transaction. Two strengths: a returned store_commit() is crash-safe;
 * what was committed before a store_sync() began is power-safe once it has
 * returned.
 *
 * Owner: the server. Loop thread only, except store_sync(). A failure (< 0) is
 * for the log; store_error() has its words. -ENOSPC, -EBUSY (another program
 * has held the write lock for 200 ms) and -EIO may pass, others will not.
 */
#include "schema/json.h"
#include "schema/record.h"

#include <stdbool.h>
#include <stdint.h>

enum store_answer {
	STORE_NOT_FOUND = 1,
	STORE_AMBIGUOUS, /* a prefix fits several searches */
	STORE_FOREIGN,   /* open: not our database */
	STORE_NEWER,     /* open: of a newer version of ours */
	STORE_DAMAGED,   /* open, check: it is not whole */
	STORE_EXISTS,    /* copy: the file is there */
};

struct store;

/*
 * Opens, makes or upgrades the database at @path (migrations of
 * schema/migrations in one transaction; an older one is copied to
 * PATH.before-vN first). After an end that was not clean, and always if it
 * is small, it is read through first. Whatever is not 0 is told in @reterr;
 * after STORE_FOREIGN, STORE_NEWER and STORE_DAMAGED the file is as it was.
 */
int store_open(const char *path, struct store **ret_store, struct diag *reterr)
    __attribute__((warn_unused_result));
/* The same of one that must be there: none is made, nor is it read through. */
int store_open_again(const char *path, struct store **ret_store,
		     struct diag *reterr) __attribute__((warn_unused_result));
/* NULL is fine. After the last commit. */
void store_close(struct store *s);
/* True once anything was found in it that cannot be: nothing is written then,
 * and store_begin() fails. */
bool store_is_damaged(const struct store *s);
/* The words of the latest failure. Borrowed. */
const char *store_error(const struct store *s);

/* A round through the connection: whatever it returns, nothing hangs. */
int store_ping(struct store *s);

/* --- writing: only between begin and commit ------------------------------ */

int store_begin(struct store *s) __attribute__((warn_unused_result));
/*
 * After a failure nobody knows whether the transaction is in the database:
 * store_rollback(), and open anew, or save the same again.
 */
int store_commit(struct store *s) __attribute__((warn_unused_result));
/* Drops the open transaction, after a failure; fine if there is none. */
void store_rollback(struct store *s);

/* Inserts the record or updates the row of its id. */
int store_save_search(struct store *s, const struct search_record *r)
    __attribute__((warn_unused_result));
int store_save_trial(struct store *s, const struct trial_record *r)
    __attribute__((warn_unused_result));
int store_save_attempt(struct store *s, const struct attempt_record *r)
    __attribute__((warn_unused_result));
/*
 * Of an attempt with this attempt_record.curve. The same (trial, curve, name,
 * step) again replaces and counts a repeat.
 */
int store_save_metric(struct store *s, int64_t trial, int64_t curve,
		      int64_t time_ms, const struct metric_record *m)
    __attribute__((warn_unused_result));
int store_save_event(struct store *s, const struct event_record *e)
    __attribute__((warn_unused_result));
/* In the place of all that the trial had; the first is rank 1. */
int store_save_symptoms(struct store *s, int64_t trial,
			const struct symptom_record *list, size_t n)
    __attribute__((warn_unused_result));

/*
 * The removal of a search, in steps. Forgotten, it is found, shown and loaded
 * no more, and its name and key are free again; its rows are still there.
 */
int store_forget_search(struct store *s, int64_t search)
    __attribute__((warn_unused_result));
/*
 * Some of the rows of a search, its own not: some @max, at most twice as many
 * and those of a trial. @ret_more: there may be others.
 */
int store_delete_rows(struct store *s, int64_t search, int64_t max,
		      bool *ret_more) __attribute__((warn_unused_result));
/* Deletes a forgotten search, if it is there, and its rows that are left. */
int store_delete_search(struct store *s, int64_t search)
    __attribute__((warn_unused_result));
/* The searches that are forgotten. The function must not change the store. */
typedef void store_id_fn(void *ctx, int64_t id);
int store_load_forgotten(struct store *s, store_id_fn *fn, void *ctx)
    __attribute__((warn_unused_result));

/*
 * Makes all commits that have returned power-safe (fdatasync of the WAL). Any
 * thread; blocks. Returns 0 or -errno, without words in store_error(). After a
 * failure nothing can be called safe before the database was opened anew: the
 * kernel forgets what it could not write. -ESTALE: the database or its WAL was
 * deleted, renamed or replaced.
 */
int store_sync(struct store *s) __attribute__((warn_unused_result));

/*
 * Whether database and WAL are where they were opened; SQLite goes on with
 * files that were deleted, renamed or replaced as if nothing had happened.
 */
bool store_is_in_place(const struct store *s);

/*
 * Writes what is there already, and has the database hold all that the WAL
 * does: whether it can be written, and that what an earlier sync may not have
 * brought to the disk is there. Returns 0 or -errno.
 */
int store_try(struct store *s) __attribute__((warn_unused_result));

/*
 * Before store_close() of a database that is not in place: copies all of it to
 * the new file @copy, and lets a file of others in the place of its WAL alone.
 * Returns 0 or -errno.
 */
int store_rescue(struct store *s, const char *copy)
    __attribute__((warn_unused_result));

/* --- readers, copies and backups ------------------------------------------ */

/* What ends the work of a reader early, with -ECANCELED. */
struct store_bound {
	const _Atomic bool *stop; /* or NULL */
	int64_t until_ms;         /* CLOCK_MONOTONIC; 0: for ever */
};

/* What is in a copy. */
struct store_summary {
	int64_t searches, trials;
	int64_t bytes;
};

/*
 * A connection that only reads, for the functions of this part alone: of any
 * thread, but one. It never writes, nor checkpoints. @bound may be NULL and
 * outlives it. Whatever is not 0 is told in @reterr. store_close().
 */
int store_open_reader(const char *path, struct store_bound *bound,
		      struct store **ret_store, struct diag *reterr)
    __attribute__((warn_unused_result));
/* Has a reader take the functions of "loading", too. */
int store_reader_loads(struct store *s) __attribute__((warn_unused_result));
/*
 * The same for a file that may be a backup, or anything; never for the
 * database of a running daemon. STORE_FOREIGN, STORE_NEWER.
 */
int store_open_file(const char *path, struct store_bound *bound,
		    struct store **ret_store, struct diag *reterr)
    __attribute__((warn_unused_result));

/* Is all of it readable and in order? 0, STORE_DAMAGED (told) or -errno. */
int store_check(struct store *s, bool thoroughly, struct diag *reterr)
    __attribute__((warn_unused_result));
/* All but the bytes. */
int store_summarize(struct store *s, struct store_summary *ret)
    __attribute__((warn_unused_result));
/*
 * Copies what @s sees to @file, all at once or not at all: the copy is checked
 * and power-safe before it gets its name; mode 0600. STORE_EXISTS: @file is
 * there, and @replaces does not let it be replaced, or it is no plain file.
 */
int store_copy(struct store *s, const char *file, bool replaces,
	       struct store_summary *ret, struct diag *reterr)
    __attribute__((warn_unused_result));

/* Whether there is such a search, and it is not being removed. */
int store_has_search(struct store *s, int64_t search, bool *ret_has)
    __attribute__((warn_unused_result));

/* What a backup knows of an attempt. */
struct store_attempt {
	int64_t search, trial, number; /* the trial's number */
	char token[TOKEN_BYTES];
	bool is_open;      /* not over */
	bool is_launching; /* so that nothing of it had run */
	int64_t offset;    /* up to which the output was read */
};
/*
 * Those of trial @trial of @search by number; @trial < 0: all of any search
 * that are not over. New: free().
 */
int store_list_attempts(struct store *s, int64_t search, int64_t trial,
			struct store_attempt **ret_list, size_t *ret_n)
    __attribute__((warn_unused_result));

/*
 * A metric of the latest attempts of every @every-th trial and of the best one,
 * by trial number and step.
 */
typedef void store_point_fn(void *ctx, int64_t number, int64_t step,
			    double value);
int store_read_curves(struct store *s, int64_t search, const char *metric,
		      int64_t every, store_point_fn *fn, void *ctx)
    __attribute__((warn_unused_result));

/* --- loading: what the core keeps ---------------------------------------- */

/* Highest ids that were ever used, deleted ones too; 0 if none. */
int store_last_ids(struct store *s, int64_t *ret_search, int64_t *ret_trial)
    __attribute__((warn_unused_result));

/*
 * Rows in the order of ids and numbers; each is borrowed until the function
 * returns. A function that returns nonzero ends the load, which returns that.
 * A function may load something else, not the same again.
 */
typedef int store_search_fn(void *ctx, const struct search_record *r);
typedef int store_trial_fn(void *ctx, const struct trial_record *r);
typedef int store_attempt_fn(void *ctx, const struct attempt_record *r);
typedef int store_metric_fn(void *ctx, int64_t trial, int64_t run,
			    const struct metric_record *m);
typedef int store_symptom_fn(void *ctx, int64_t trial, enum symptom_kind kind);
typedef int store_result_fn(void *ctx, int64_t trial, int64_t run, double v);

/* The searches that are running or paused, or that have an open attempt. */
int store_load_open_searches(struct store *s, store_search_fn *fn, void *ctx)
    __attribute__((warn_unused_result));
/* One, or none. */
int store_load_search(struct store *s, int64_t id, store_search_fn *fn,
		      void *ctx) __attribute__((warn_unused_result));
int store_load_trials(struct store *s, int64_t search, store_trial_fn *fn,
		      void *ctx) __attribute__((warn_unused_result));
/* The latest attempt of each trial that is queued or running. */
int store_load_attempts(struct store *s, int64_t search, store_attempt_fn *fn,
			void *ctx) __attribute__((warn_unused_result));
/*
 * Metric @name of each trial's runs, of each the latest attempt, by trial
 * number, run and step; @trial is trial_record.id.
 */
int store_load_metric(struct store *s, int64_t search, const char *name,
		      store_metric_fn *fn, void *ctx)
    __attribute__((warn_unused_result));

/* The same of all metrics but @name, of trials that are running. */
int store_load_others(struct store *s, int64_t search, const char *name,
		      store_metric_fn *fn, void *ctx)
    __attribute__((warn_unused_result));
/* All metrics of the latest attempt of one trial, by name and step. */
int store_load_metrics(struct store *s, int64_t search, int64_t number,
		       store_metric_fn *fn, void *ctx)
    __attribute__((warn_unused_result));
/* The results of the runs that are over, by trial number and run. */
int store_load_results(struct store *s, int64_t search, store_result_fn *fn,
		       void *ctx) __attribute__((warn_unused_result));
/* What ails the trials, by trial number and rank. */
int store_load_symptoms(struct store *s, int64_t search, store_symptom_fn *fn,
			void *ctx) __attribute__((warn_unused_result));

/* --- reading for clients -------------------------------------------------- */

/*
 * The search that @what names: by exact name, else id, else unique prefix of a
 * name. 0, STORE_NOT_FOUND or STORE_AMBIGUOUS.
 */
int store_find_search(struct store *s, const char *what, int64_t *ret_id)
    __attribute__((warn_unused_result));
/* The search submitted with @key, or of exactly this name. */
int store_find_key(struct store *s, const char *key, int64_t *ret_id)
    __attribute__((warn_unused_result));
int store_find_name(struct store *s, const char *name, int64_t *ret_id)
    __attribute__((warn_unused_result));

/*
 * Rows of the views as JSON: an array of objects, a member a column, `params`
 * and `data` as objects, non-finite values as the strings "nan", "inf", "-inf".
 * New: cJSON_Delete(). Single rows: NULL and STORE_NOT_FOUND if there is none.
 */
int store_read_searches(struct store *s, cJSON **ret_rows)
    __attribute__((warn_unused_result));
int store_read_search(struct store *s, int64_t search, cJSON **ret_row)
    __attribute__((warn_unused_result));
/* @state NULL: all. At most @limit rows from trial number @from. */
int store_read_trials(struct store *s, int64_t search, const char *state,
		      int64_t from, int64_t limit, cJSON **ret_rows)
    __attribute__((warn_unused_result));
int store_read_trial(struct store *s, int64_t search, int64_t number,
		     cJSON **ret_row) __attribute__((warn_unused_result));
int store_read_best(struct store *s, int64_t search, int64_t limit,
		    cJSON **ret_rows) __attribute__((warn_unused_result));
int store_read_attempts(struct store *s, int64_t search, int64_t number,
			cJSON **ret_rows) __attribute__((warn_unused_result));
/*
 * The attempts that are not over: search (its name), trial, attempt (numbers),
 * state, token, kill_boot_ms (0: not being stopped).
 */
int store_read_open_attempts(struct store *s, cJSON **ret_rows)
    __attribute__((warn_unused_result));
/*
 * Part of a trial's metrics by run, name and step. What it costs depends on its
 * own rows alone, and rows that come meanwhile do not shift it.
 */
struct store_metrics_page {
	const char *only; /* metric of this name; NULL: all */
	struct {
		const char *name; /* NULL: none, it is the first page */
		int64_t run, step;
	} after; /* the last row of the page before */
	int64_t limit;
};
int store_read_metrics(struct store *s, int64_t search, int64_t number,
		       const struct store_metrics_page *page, cJSON **ret_rows)
    __attribute__((warn_unused_result));
/* @number < 0: events of the search itself. The newest @limit, oldest first. */
int store_read_events(struct store *s, int64_t search, int64_t number,
		      int64_t limit, cJSON **ret_rows)
    __attribute__((warn_unused_result));
/* Rows of a trial by rank, as symptoms_json() has them. */
int store_read_symptoms(struct store *s, int64_t search, int64_t number,
			cJSON **ret_rows) __attribute__((warn_unused_result));
/*
 * An object: how many trials of the search have each symptom, the most first;
 * of one that is healthy only that is counted.
 */
int store_count_symptoms(struct store *s, int64_t search, cJSON **ret_counts)
    __attribute__((warn_unused_result));
/* What the event of the import with @key holds; NULL and STORE_NOT_FOUND. */
int store_read_import(struct store *s, int64_t search, const char *key,
		      cJSON **ret_row) __attribute__((warn_unused_result));
/*
 * "data": why the newest trial was suggested, by a sampler that learns; NULL
 * and STORE_NOT_FOUND.
 */
int store_read_suggested(struct store *s, int64_t search, cJSON **ret_row)
    __attribute__((warn_unused_result));
/* The text of a search's file. New: free(). */
int store_read_file(struct store *s, int64_t search, char **ret_text)
    __attribute__((warn_unused_result));
