/*
 * The daemon's state is what the database says. Here it is taken from there: at
 * the start, and again when the database could not be written for a while.
 *
 *   open --locked by another program--> stalled --committed--> open
 *    ^                                     | STALL_MAX_MS
 *    | opened anew and written             v
 *    \----------------------------------- lost <--any other failure-- open
 *
 * Stalled: nothing was saved, so nothing is done. The effects wait, and with
 * them all news of trials, so that no more of them pile up.
 *
 * Lost: as if the daemon had been killed. What was not committed was not acted
 * on, so core, executor and effects are dropped; running trials go on, and what
 * they print waits in its files. Once the database can be opened and written,
 * all is loaded and adopted again. Only the connections live through it.
 */
#include "backup.h"
#include "base/fault.h"
#include "base/log.h"
#include "request.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define STALL_MS     100
#define RETRY_MS     1000
#define RETRY_BAD_MS 60000 /* after damage, which only somebody can mend */
/* The programs of tests/fault have another figure. */
#ifndef STALL_MAX_MS
#define STALL_MAX_MS 10000
#endif

/* --- loading
 * -------------------------------------------------------------------- */

struct load {
	struct server *s;
	int64_t search;
	struct diag *reterr;
};

static int load_search_row(void *ctx, const struct search_record *r)
{
	struct load *load = ctx;

	return core_load_search(load->s->core, r, load->reterr);
}

static int load_trial_row(void *ctx, const struct trial_record *r)
{
	struct load *load = ctx;

	return core_load_trial(load->s->core, r, load->reterr);
}

static int load_attempt_row(void *ctx, const struct attempt_record *r)
{
	struct load *load = ctx;

	return core_load_attempt(load->s->core, load->search, r, load->reterr);
}

static int load_value_row(void *ctx, int64_t trial, int64_t run,
			  const struct metric_record *m)
{
	struct load *load = ctx;

	return core_load_value(load->s->core, load->search, trial, run, m);
}

static int load_metric_of(void *ctx, const struct search_record *r)
{
	struct load *load = ctx;

	return store_load_metric(load->s->store, r->id, r->metric,
				 load_value_row, load);
}

static int load_others_of(void *ctx, const struct search_record *r)
{
	struct load *load = ctx;

	return store_load_others(load->s->store, r->id, r->metric,
				 load_value_row, load);
}

static int load_symptom_row(void *ctx, int64_t trial, enum symptom_kind kind)
{
	struct load *load = ctx;

	return core_load_symptom(load->s->core, load->search, trial, kind);
}

int server_load(struct server *s, int64_t search, struct diag *reterr)
{
	struct load load = { .s = s, .search = search, .reterr = reterr };
	int r;

	if (core_has_search(s->core, search))
		return 0;
	r = store_load_search(s->store, search, load_search_row, &load);
	if (r == 0)
		r = store_load_trials(s->store, search, load_trial_row, &load);
	if (r == 0)
		r = store_load_attempts(s->store, search, load_attempt_row,
					&load);
	if (r == 0)
		r = store_load_search(s->store, search, load_metric_of, &load);
	if (r == 0)
		r = store_load_search(s->store, search, load_others_of, &load);
	if (r == 0)
		r = store_load_symptoms(s->store, search, load_symptom_row,
					&load);
	if (r == 0)
		core_load_end(s->core, search);
	else
		core_unload(s->core, search);
	return r;
}

struct ids {
	int64_t *list;
	size_t n;
};

static int collect_id(void *ctx, const struct search_record *r)
{
	struct ids *ids = ctx;

	ids->list = xreallocarray(ids->list, ids->n + 1, sizeof(*ids->list));
	ids->list[ids->n++] = r->id;
	return 0;
}

/* A search that cannot be read is left as it is, and said; others go on. */
static int load_all(struct server *s)
{
	struct ids ids = { 0 };
	int r = store_load_open_searches(s->store, collect_id, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		auto_diag struct diag d = DIAG_INIT;
		auto_free char *text = NULL;

		r = server_load(s, ids.list[i], &d);
		if (r == 0)
			continue;
		if (store_is_damaged(s->store))
			break;
		text = diag_text(&d, NULL);
		log_error("search %lld cannot be loaded and waits: %s",
			  (long long)ids.list[i],
			  text[0] != '\0' ? text : store_error(s->store));
		r = 0;
	}
	free(ids.list);
	return r;
}

static int open_core(struct server *s)
{
	struct core_options options = { .slots = s->config.slots };
	int r = executor_boot_id(options.boot_id);

	if (r == 0 && getrandom(&options.token_seed, sizeof(uint64_t), 0) !=
			  sizeof(uint64_t))
		r = -errno;
	if (r == 0)
		r = store_last_ids(s->store, &options.last_search,
				   &options.last_trial);
	if (r != 0)
		return r;
	s->core = core_new(&options);
	return load_all(s);
}

int storage_load(struct server *s)
{
	int r;

	(void)fault_at("start.load");
	r = open_core(s);
	if (r != 0) {
		log_error("the database cannot be read: %s",
			  store_error(s->store));
		if (store_is_damaged(s->store))
			backup_tell(s->paths.state_dir, true);
		return r;
	}
	remove_resume(s);
	return server_open_executor(s);
}

void storage_unload(struct server *s)
{
	effects_free(&s->fx); /* these borrow from the core */
	core_free(s->core);
	s->core = NULL;
	store_close(s->store);
	s->store = NULL;
}

/* --- stalled
 * ------------------------------------------------------------------- */

static void on_retry(uv_timer_t *timer);

static void retry_after(struct server *s, uint64_t ms)
{
	uv_timer_start(&s->retry, on_retry, ms, 0);
}

static char *lock_words(struct server *s)
{
	auto_free char *who = house_readers_text(s);

	return xasprintf("%s; it is held open by: %s", store_error(s->store),
			 who);
}

/* Another program has the lock. */
void storage_stall(struct server *s)
{
	auto_free char *words = NULL;

	if (!s->stalled) {
		words = lock_words(s);
		log_warning("the database cannot be written now: %s; trying "
			    "again",
			    words);
		s->stalled_ms = uv_now(&s->loop);
		executor_pause(s->executor);
	}
	s->stalled = true;
	if (uv_now(&s->loop) - s->stalled_ms <= STALL_MAX_MS) {
		retry_after(s, STALL_MS);
		return;
	}
	free(words);
	words = lock_words(s);
	storage_lost(s, -EBUSY, words, true);
}

void storage_go_on(struct server *s)
{
	if (!s->stalled)
		return;
	s->stalled = false;
	executor_resume(s->executor);
}

/* --- lost
 * ---------------------------------------------------------------------- */

static char *db_path(const struct server *s)
{
	return xasprintf("%s/hps.db", s->paths.state_dir);
}

/* The connection still has all of what was deleted or moved under it. */
static void rescue(struct server *s)
{
	auto_free char *copy =
	    xasprintf("%s/hps.db.rescue-%lld", s->paths.state_dir,
		      (long long)server_now().now_ms / 1000);

	if (store_rescue(s->store, copy) == 0)
		log_error("all that was in the database is in %s: to go on "
			  "with it, move it to %s/hps.db",
			  copy, s->paths.state_dir);
	else
		log_error("%s cannot be written: %s", copy,
			  store_error(s->store));
}

static void on_executor_closed(void *ctx)
{
}

/* As everywhere: the next daemon, with a memory of its own, goes on. */
static void end_without_memory(int error)
{
	if (error != -ENOMEM)
		return;
	log_error("there is no memory for the database; ending: running "
		  "trials go on, and the next daemon adopts them");
	exit(1);
}

static void drop_state(struct server *s)
{
	effects_clear(&s->fx);
	suggest_fini(s);
	remove_fini(s);
	executor_close(s->executor, on_executor_closed, NULL);
	s->executor = NULL;
	(void)uv_timer_stop(&s->deadline);
	(void)uv_timer_stop(&s->sync_soon);
}

const char *storage_words(const struct server *s, int error)
{
	return error == -ESTALE
		   ? "it was deleted, moved or replaced by somebody"
		   : store_error(s->store);
}

void storage_lost(struct server *s, int error, const char *words,
		  bool is_undone)
{
	if (s->lost != NULL)
		return;
	end_without_memory(error);
	if (s->stopping) {
		/* Nobody is told any more, and core and executor are going. */
		log_error("the database cannot be written: %s", words);
		return;
	}
	s->lost = xstrdup(words);
	s->lost_ms = uv_now(&s->loop);
	s->stalled = false;
	log_error("the database cannot be written: %s; running trials go on, "
		  "and what they print waits in its files; trying again",
		  words);
	if (error == -ESTALE)
		rescue(s);
	if (error == -EBADMSG)
		backup_tell(s->paths.state_dir, true);
	s->is_damaged = error == -EBADMSG;
	api_lost(s, is_undone);
	subscribe_lost(s);
	drop_state(s);
	retry_after(s, RETRY_MS);
}

/* Returns 0, or -errno with words in @reterr. */
static int open_again(struct server *s, struct diag *reterr)
{
	auto_free char *path = db_path(s);
	int r;

	storage_unload(s);
	r = store_open_again(path, &s->store, reterr);
	end_without_memory(r);
	if (r != 0)
		return r;
	if (s->is_damaged)
		r = store_check(s->store, false, reterr);
	if (r != 0)
		return r;
	r = store_try(s->store);
	end_without_memory(r);
	if (r != 0)
		diag_add(reterr, "", "%s", store_error(s->store));
	return r;
}

static void keep_words(struct server *s, const struct diag *d)
{
	char *words = diag_text(d, NULL);

	if (strcmp(words, s->lost) != 0)
		log_warning("the database cannot be written now: %s", words);
	free(s->lost);
	s->lost = words;
}

/* They have what belongs to the old state, or the file open. */
static bool workers_run(const struct server *s)
{
	return s->suggesting > 0 || s->syncing || s->health_runs ||
	       s->backup_runs || s->daily_runs || s->late_read_runs ||
	       s->removal_runs;
}

static void try_again(struct server *s)
{
	auto_diag struct diag d = DIAG_INIT;
	struct moment now = server_now();

	if (workers_run(s) || open_again(s, &d) != 0 || storage_load(s) != 0) {
		if (d.n > 0)
			keep_words(s, &d);
		retry_after(s, s->is_damaged ? RETRY_BAD_MS : RETRY_MS);
		return;
	}
	log_info("the database can be written again, after %llu s",
		 (unsigned long long)(uv_now(&s->loop) - s->lost_ms) / 1000);
	free(s->lost);
	s->lost = NULL;
	core_start(s->core, &now, &s->fx);
	subscribe_all_changed(s);
}

static void on_retry(uv_timer_t *timer)
{
	struct server *s = timer->data;

	if (s->lost != NULL)
		try_again(s);
	else
		(void)server_turn(s);
}
