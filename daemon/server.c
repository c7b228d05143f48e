#include "server.h"

#include "base/fault.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS      100   /* a commit, while the database is locked */
#define RETRY_FULL_MS 5000  /* while the disk is full */
#define SYNC_SOON_MS  20    /* ends of trials that nobody waits for */
#define TICK_MAX_MS   60000 /* a suspended machine's timers stand still */

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct moment server_now(void)
{
	return (struct moment){
		.now_ms = clock_ms(CLOCK_REALTIME),
		.boot_ms = clock_ms(CLOCK_MONOTONIC),
	};
}

static void fail(struct server *s, const char *what, const char *why)
{
	log_error("%s: %s; ending: running trials go on, and the next daemon "
		  "adopts them",
		  what, why);
	/* Nothing half done is left: what was not committed was not acted on.
	 */
	exit(1);
}

int server_step(struct server *s, const struct event *ev, struct diag *reterr)
{
	assert(!s->stopping);
	return core_step(s->core, ev, &s->fx, reterr);
}

void server_news(struct server *s, const struct event *ev)
{
	auto_diag struct diag none = DIAG_INIT;
	int r;

	if (s->stopping)
		return;
	r = server_step(s, ev, &none);
	assert(r == 0);
}

/* --- save -> commit -> act --------------------------------------------------
 */

static int save_metrics(struct server *s, const struct fx_metrics *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n; i++)
		r = store_save_metric(s->store, m->trial, m->attempt,
				      m->time_ms, &m->rows[i]);
	return r;
}

static int save(struct server *s, const struct effect *e)
{
	switch (e->type) {
	case FX_SAVE_SEARCH:
		return store_save_search(s->store, e->search);
	case FX_SAVE_TRIAL:
		return store_save_trial(s->store, e->trial);
	case FX_SAVE_ATTEMPT:
		return store_save_attempt(s->store, e->attempt);
	case FX_SAVE_METRICS:
		return save_metrics(s, &e->metrics);
	case FX_SAVE_EVENT:
		return store_save_event(s->store, &e->event);
	case FX_LAUNCH:
	case FX_ADOPT:
	case FX_GO:
	case FX_TERMINATE:
	case FX_KILL:
	case FX_SUGGEST:
	case FX_TRIAL_ENDED:
	case FX_SEARCH_CHANGED:
		break;
	}
	return 0;
}

static int save_all(struct server *s)
{
	int r = store_begin(s->store);

	for (size_t i = 0; r == 0 && i < s->fx.n; i++) {
		(void)fault_at("commit.save");
		r = save(s, &s->fx.list[i]);
	}
	if (r == 0)
		r = store_commit(s->store);
	if (r != 0)
		store_rollback(s->store);
	return r;
}

static struct attempt_id id_of(const struct attempt_record *r)
{
	return (struct attempt_id){ .trial = r->trial, .number = r->number };
}

static void act(struct server *s, struct effect *e)
{
	switch (e->type) {
	case FX_LAUNCH:
		server_launch(s, &e->run);
		break;
	case FX_ADOPT:
		server_adopt(s, &e->run);
		break;
	case FX_GO:
		executor_go(s->executor, id_of(e->attempt));
		break;
	case FX_TERMINATE:
		executor_terminate(s->executor, id_of(e->attempt));
		break;
	case FX_KILL:
		executor_kill(s->executor, id_of(e->attempt));
		break;
	case FX_SUGGEST:
		server_suggest(s, &e->suggest);
		break;
	case FX_TRIAL_ENDED:
		subscribe_trial_ended(s, e->trial);
		server_want_sync(s, false);
		break;
	case FX_SEARCH_CHANGED:
		subscribe_changed(s, e->search->id);
		break;
	case FX_SAVE_SEARCH:
	case FX_SAVE_TRIAL:
	case FX_SAVE_ATTEMPT:
	case FX_SAVE_METRICS:
	case FX_SAVE_EVENT:
		break;
	}
}

static void on_retry(uv_timer_t *timer)
{
	struct server *s = timer->data;

	s->stalled = false;
	(void)server_turn(s);
}

static void on_deadline(uv_timer_t *timer)
{
	struct event ev = { .type = EV_TICK, .at = server_now() };

	server_news(timer->data, &ev);
}

static void set_deadline(struct server *s)
{
	int64_t at = core_next_deadline(s->core);
	int64_t wait;

	if (at == INT64_MAX) {
		uv_timer_stop(&s->deadline);
		return;
	}
	wait = at - server_now().boot_ms;
	wait = wait < 0 ? 0 : wait > TICK_MAX_MS ? TICK_MAX_MS : wait;
	uv_timer_start(&s->deadline, on_deadline, (uint64_t)wait, 0);
}

static void stop_if_done(struct server *s);

static void want_sync_for_replies(struct server *s)
{
	if (!s->reply_waits)
		return;
	s->reply_waits = false;
	server_want_sync(s, true);
	/* A command that changed nothing waits for no commit of its own. */
	api_synced(s);
}

/*
 * Another program has the lock, or the disk is full: nothing was saved, so
 * nothing is done. Running trials go on, and their output waits in its files.
 */
static void stall(struct server *s, int r)
{
	if (!s->stall_is_told)
		log_warning("the database cannot be written now: %s; trying "
			    "again",
			    store_error(s->store));
	s->stall_is_told = true;
	s->stalled = true;
	uv_timer_start(&s->retry, on_retry,
		       r == -EBUSY ? RETRY_MS : RETRY_FULL_MS, 0);
}

bool server_turn(struct server *s)
{
	int r;

	if (s->stalled)
		return false;
	if (s->fx.n == 0) {
		core_settle(s->core);
		/*
		 * A deadline may have moved all the same, or its tick have
		 * come early: the loop's clock runs behind.
		 */
		set_deadline(s);
		want_sync_for_replies(s);
		return true;
	}
	r = save_all(s);
	if (r == -EBUSY || r == -ENOSPC) {
		stall(s, r);
		return false;
	}
	s->stall_is_told = false;
	if (r != 0)
		fail(s, "the database cannot be written",
		     store_error(s->store));
	s->commits++;
	for (size_t i = 0; i < s->fx.n; i++) {
		(void)fault_at("act");
		act(s, &s->fx.list[i]);
	}
	effects_clear(&s->fx);
	core_settle(s->core);
	set_deadline(s);
	want_sync_for_replies(s);
	return true;
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct server *s = prepare->data;

	(void)server_turn(s);
	stop_if_done(s);
}

static void on_check(uv_check_t *check)
{
	struct server *s = check->data;

	(void)server_turn(s);
}

/* --- power-safe
 * --------------------------------------------------------------- */

static void start_sync(struct server *s);

static void do_sync(uv_work_t *work)
{
	struct server *s = work->data;

	s->sync_result = store_sync(s->store);
}

static void on_synced(uv_work_t *work, int status)
{
	struct server *s = work->data;

	s->syncing = false;
	/* After a failed sync nobody knows what is on the disk. */
	if (s->sync_result < 0)
		fail(s, "the database cannot be synced",
		     strerror(-s->sync_result));
	s->synced = s->sync_covers;
	api_synced(s);
	subscribe_synced(s);
	if (s->sync_wanted > s->synced)
		start_sync(s);
}

static void start_sync(struct server *s)
{
	if (s->syncing || s->stopping)
		return;
	uv_timer_stop(&s->sync_soon);
	s->syncing = true;
	s->sync_covers = s->commits;
	s->sync_work.data = s;
	(void)uv_queue_work(&s->loop, &s->sync_work, do_sync, on_synced);
}

static void on_sync_soon(uv_timer_t *timer)
{
	start_sync(timer->data);
}

void server_want_sync(struct server *s, bool now)
{
	s->sync_wanted = s->commits;
	if (s->sync_wanted <= s->synced)
		return;
	if (now)
		start_sync(s);
	else if (!s->syncing && !uv_is_active((uv_handle_t *)&s->sync_soon))
		uv_timer_start(&s->sync_soon, on_sync_soon, SYNC_SOON_MS, 0);
}

/* --- the executor's news
 * ------------------------------------------------------- */

static struct event news(enum event_type type, struct attempt_id id)
{
	return (struct event){
		.type = type,
		.at = server_now(),
		.trial = id.trial,
		.attempt = id.number,
	};
}

static void on_spawned(void *ctx, struct attempt_id id, int64_t pid,
		       int64_t offset)
{
	struct event ev = news(EV_SPAWNED, id);

	ev.spawned.pid = pid;
	ev.spawned.offset = offset;
	server_news(ctx, &ev);
}

static void on_spawn_failed(void *ctx, struct attempt_id id, int error,
			    const char *what)
{
	struct event ev = news(EV_SPAWN_FAILED, id);

	ev.spawn_failed.error = error;
	ev.spawn_failed.what = what;
	server_news(ctx, &ev);
}

static void on_output(void *ctx, struct attempt_id id,
		      const struct executor_output *output)
{
	struct event ev = news(EV_OUTPUT, id);

	ev.output.metrics = output->metrics;
	ev.output.n = output->n;
	ev.output.offset = output->offset;
	ev.output.reader = output->reader;
	ev.output.is_rest = output->is_rest;
	server_news(ctx, &ev);
}

static void on_ended(void *ctx, struct attempt_id id,
		     const struct outcome *outcome)
{
	struct event ev = news(EV_ENDED, id);

	ev.outcome = outcome;
	server_news(ctx, &ev);
}

static void on_adopted(void *ctx, struct attempt_id id, int64_t pid,
		       int64_t term_ms)
{
	struct event ev = news(EV_ADOPTED, id);

	ev.adopted.pid = pid;
	ev.adopted.term_ms = term_ms;
	server_news(ctx, &ev);
}

static void on_terminated(void *ctx, struct attempt_id id)
{
	struct event ev = news(EV_TERMINATED, id);

	server_news(ctx, &ev);
}

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

static int load_value_row(void *ctx, int64_t trial,
			  const struct metric_record *m)
{
	struct load *load = ctx;

	return core_load_value(load->s->core, load->search, trial, m);
}

static int load_metric_of(void *ctx, const struct search_record *r)
{
	struct load *load = ctx;

	return store_load_metric(load->s->store, r->id, r->metric,
				 load_value_row, load);
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

	for (size_t i = 0; i < ids.n; i++) {
		auto_diag struct diag d = DIAG_INIT;
		auto_free char *text = NULL;

		if (server_load(s, ids.list[i], &d) == 0)
			continue;
		text = diag_text(&d, NULL);
		log_error("search %lld cannot be loaded and waits: %s",
			  (long long)ids.list[i],
			  text[0] != '\0' ? text : store_error(s->store));
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

/* --- the end
 * -------------------------------------------------------------------- */

static void on_part_closed(void *ctx)
{
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void stop(struct server *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	notify_systemd("STOPPING=1");
	if (s->listener != NULL)
		listener_stop(s->listener, on_part_closed, NULL);
	subscribe_fini(s);
	api_fini(s);
	suggest_fini(s);
	if (s->executor != NULL)
		executor_close(s->executor, on_part_closed, NULL);
	close_handle((uv_handle_t *)&s->prepare);
	close_handle((uv_handle_t *)&s->check);
	close_handle((uv_handle_t *)&s->deadline);
	close_handle((uv_handle_t *)&s->retry);
	close_handle((uv_handle_t *)&s->sync_soon);
	close_handle((uv_handle_t *)&s->sigterm);
	close_handle((uv_handle_t *)&s->sigint);
	close_handle((uv_handle_t *)&s->sighup);
}

/* The effects of the last turn are out, and killed trials have ended. */
static void stop_if_done(struct server *s)
{
	struct core_load load;

	if (!s->shutdown_wanted || s->stopping)
		return;
	if (s->shutdown_is_forced) {
		stop(s);
		return;
	}
	if (s->fx.n > 0)
		return;
	core_load_now(s->core, &load);
	if (s->shutdown_waits && load.running > 0)
		return;
	stop(s);
}

void server_shutdown(struct server *s, bool kill)
{
	struct event ev = {
		.type = EV_SHUTDOWN,
		.at = server_now(),
		.kill = kill,
	};

	log_info(kill ? "shutting down; running trials are stopped"
		      : "shutting down; running trials go on");
	s->shutdown_wanted = true;
	s->shutdown_waits |= kill;
	server_news(s, &ev);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct server *s = signal->data;

	if (number == SIGHUP)
		return;
	/* The second time nothing is waited for, a locked database either. */
	if (s->shutdown_wanted)
		s->shutdown_is_forced = true;
	else
		server_shutdown(s, false);
}

/* --- the beginning
 * ---------------------------------------------------------------- */

static void start_handles(struct server *s)
{
	(void)uv_prepare_init(&s->loop, &s->prepare);
	(void)uv_check_init(&s->loop, &s->check);
	(void)uv_timer_init(&s->loop, &s->deadline);
	(void)uv_timer_init(&s->loop, &s->retry);
	(void)uv_timer_init(&s->loop, &s->sync_soon);
	(void)uv_signal_init(&s->loop, &s->sigterm);
	(void)uv_signal_init(&s->loop, &s->sigint);
	(void)uv_signal_init(&s->loop, &s->sighup);
	s->prepare.data = s->check.data = s->deadline.data = s;
	s->retry.data = s->sync_soon.data = s;
	s->sigterm.data = s->sigint.data = s->sighup.data = s;
	(void)uv_prepare_start(&s->prepare, on_prepare);
	(void)uv_check_start(&s->check, on_check);
	(void)uv_signal_start(&s->sigterm, on_signal, SIGTERM);
	(void)uv_signal_start(&s->sigint, on_signal, SIGINT);
	(void)uv_signal_start(&s->sighup, on_signal, SIGHUP);
}

static int start_parts(struct server *s)
{
	struct executor_callbacks executor_cb = {
		.ctx = s,
		.spawned = on_spawned,
		.spawn_failed = on_spawn_failed,
		.output = on_output,
		.ended = on_ended,
		.adopted = on_adopted,
		.terminated = on_terminated,
	};
	struct listener_callbacks listener_cb = {
		.ctx = s,
		.line = api_line,
		.too_long = api_too_long,
		.closed = api_closed,
	};
	int r;

	(void)fault_at("start.load");
	r = open_core(s);
	if (r != 0) {
		log_error("the database cannot be read: %s",
			  store_error(s->store));
		return 1;
	}
	remove_resume(s);
	r = executor_new(&s->loop, s->shim, &executor_cb, &s->executor);
	if (r != 0) {
		log_error("%s: %s", s->shim, strerror(-r));
		return 1;
	}
	(void)fault_at("start.listen");
	r = listener_start(&s->loop, s->paths.socket, &listener_cb,
			   &s->listener);
	if (r != 0) {
		log_error("%s: %s", s->paths.socket, strerror(-r));
		return 1;
	}
	return 0;
}

static void tell_ready(struct server *s, int ready_fd)
{
	notify_systemd("READY=1");
	if (ready_fd >= 0) {
		if (write(ready_fd, "\n", 1) < 0)
			log_warning("--ready-fd: %s", strerror(errno));
		close(ready_fd);
	}
	log_info("listening at %s; state in %s; %lld slots", s->paths.socket,
		 s->paths.state_dir, (long long)s->config.slots);
}

int server_run(struct server *s, int ready_fd)
{
	TAILQ_INIT(&s->replies);
	TAILQ_INIT(&s->ended);
	TAILQ_INIT(&s->subscriptions);
	STAILQ_INIT(&s->suggestions);
	s->started = server_now();
	(void)uv_loop_init(&s->loop);
	start_handles(s);
	if (start_parts(s) == 0) {
		(void)fault_at("start.adopt");
		core_start(s->core, &s->started, &s->fx);
		tell_ready(s, ready_fd);
	} else {
		s->exit_status = 1;
		stop(s);
	}
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	effects_free(&s->fx); /* these borrow from the core */
	core_free(s->core);
	if (uv_loop_close(&s->loop) != 0) {
		log_error("a handle was left open");
		s->exit_status = 1;
	}
	return s->exit_status;
}
