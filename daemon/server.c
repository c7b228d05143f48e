#include "server.h"

#include "base/fault.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS      1000  /* whether the database is where it was */
#define SYNC_SOON_MS 20    /* ends of trials that nobody waits for */
#define TICK_MAX_MS  60000 /* a suspended machine's timers stand still */

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

int server_step(struct server *s, const struct event *ev, struct diag *reterr)
{
	assert(!s->stopping);
	return core_step(s->core, ev, &s->fx, reterr);
}

void server_news(struct server *s, const struct event *ev)
{
	auto_diag struct diag none = DIAG_INIT;
	int r;

	if (s->stopping || s->lost != NULL)
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
		r = store_save_metric(s->store, m->trial, m->curve, m->time_ms,
				      &m->rows[i]);
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
	case FX_SAVE_SYMPTOMS:
		return store_save_symptoms(s->store, e->symptoms.trial,
					   e->symptoms.list, e->symptoms.n);
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

/* @ret_is_undone: after a failure, that nothing of it is in the database. */
static int save_all(struct server *s, bool *ret_is_undone)
{
	int r = store_begin(s->store);

	for (size_t i = 0; r == 0 && i < s->fx.n; i++) {
		(void)fault_at("commit.save");
		r = save(s, &s->fx.list[i]);
	}
	if (r == 0) {
		r = store_commit(s->store);
		/* A full disk keeps the frame away that ends a transaction. */
		*ret_is_undone = r == -EBUSY || r == -ENOSPC;
	}
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
	case FX_SAVE_SYMPTOMS:
	case FX_SAVE_EVENT:
		break;
	}
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
 * Deletes of other programs are seen before anything is called saved: each
 * store_sync() looks, and this once a second.
 */
static bool is_in_place(struct server *s)
{
	uint64_t now = uv_now(&s->loop);

	if (now - s->looked_ms < LOOK_MS)
		return true;
	s->looked_ms = now;
	return store_is_in_place(s->store);
}

/* False: they wait, or are dropped. */
static bool commit(struct server *s)
{
	bool is_undone = true;
	int r = is_in_place(s) ? save_all(s, &is_undone) : -ESTALE;

	if (r == 0) {
		s->commits++;
		storage_go_on(s);
	} else if (r == -EBUSY) {
		storage_stall(s);
	} else {
		storage_lost(s, r, storage_words(s, r), is_undone);
	}
	return r == 0;
}

bool server_turn(struct server *s)
{
	if (s->lost != NULL || uv_is_active((uv_handle_t *)&s->retry))
		return false;
	if (s->fx.n > 0) {
		if (!commit(s))
			return false;
		for (size_t i = 0; i < s->fx.n; i++) {
			(void)fault_at("act");
			act(s, &s->fx.list[i]);
		}
		effects_clear(&s->fx);
	}
	core_settle(s->core);
	/*
	 * Without effects, too: a deadline may have moved all the same, or its
	 * tick have come early, since the loop's clock runs behind.
	 */
	set_deadline(s);
	want_sync_for_replies(s);
	return true;
}

static void stop_if_done(struct server *s);

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
	if (s->lost != NULL)
		return;
	/* After a failed sync nobody knows what is on the disk. */
	if (s->sync_result < 0) {
		storage_lost(s, s->sync_result,
			     s->sync_result == -ESTALE
				 ? storage_words(s, -ESTALE)
				 : strerror(-s->sync_result),
			     false);
		return;
	}
	s->synced = s->sync_covers;
	api_synced(s);
	subscribe_synced(s);
	remove_synced(s);
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
	ev.output.note = output->note;
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

static void on_copied(void *ctx, struct attempt_id id, int64_t started_ms)
{
	struct event ev = news(EV_COPIED, id);

	ev.copied.started_ms = started_ms;
	server_news(ctx, &ev);
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
	house_stop(s);
	if (s->listener != NULL)
		listener_stop(s->listener, on_part_closed, NULL);
	subscribe_fini(s);
	api_fini(s);
	suggest_fini(s);
	remove_fini(s);
	if (s->executor != NULL)
		executor_close(s->executor, on_part_closed, NULL);
	close_handle((uv_handle_t *)&s->prepare);
	close_handle((uv_handle_t *)&s->check);
	close_handle((uv_handle_t *)&s->deadline);
	close_handle((uv_handle_t *)&s->retry);
	close_handle((uv_handle_t *)&s->sync_soon);
	close_handle((uv_handle_t *)&s->remove_step);
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
	if (s->shutdown_is_forced || s->lost != NULL) {
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

	if (number == SIGHUP) {
		server_watch_socket(s);
		return;
	}
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
	(void)uv_timer_init(&s->loop, &s->remove_step);
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

int server_open_executor(struct server *s)
{
	struct executor_callbacks news = {
		.ctx = s,
		.spawned = on_spawned,
		.spawn_failed = on_spawn_failed,
		.output = on_output,
		.ended = on_ended,
		.adopted = on_adopted,
		.terminated = on_terminated,
		.copied = on_copied,
	};
	int r = executor_new(&s->loop, s->shim, &news, &s->executor);

	if (r != 0)
		log_error("%s: %s", s->shim, strerror(-r));
	return r;
}

static int start_listener(struct server *s)
{
	struct listener_callbacks callbacks = {
		.ctx = s,
		.line = api_line,
		.too_long = api_too_long,
		.too_many = api_too_many,
		.closed = api_closed,
	};
	int r;

	(void)fault_at("start.listen");
	r = listener_start(&s->loop, s->paths.socket, &callbacks, &s->listener);
	if (r != 0)
		log_error("%s: %s", s->paths.socket, strerror(-r));
	return r;
}

void server_watch_socket(struct server *s)
{
	if (s->stopping ||
	    (s->listener != NULL && listener_is_in_place(s->listener)))
		return;
	if (s->listener != NULL) {
		log_warning("%s is gone; listening there anew",
			    s->paths.socket);
		listener_stop(s->listener, on_part_closed, NULL);
		s->listener = NULL;
	}
	(void)start_listener(s);
}

static void tell_ready(struct server *s, int ready_fd)
{
	notify_systemd("READY=1");
	if (ready_fd >= 0) {
		if (write(ready_fd, "\n", 1) < 0)
			log_warning("--ready-fd: %s", strerror(errno));
		close(ready_fd);
	}
	house_start(s);
	log_info("listening at %s; state in %s; %lld slots", s->paths.socket,
		 s->paths.state_dir, (long long)s->config.slots);
}

/* libuv reads it when the first worker is asked for. The user's own stands. */
static void allow_workers(void)
{
	char n[16];

	(void)snprintf(n, sizeof(n), "%d", WORKERS_MAX);
	(void)setenv("UV_THREADPOOL_SIZE", n, 0);
}

int server_run(struct server *s, int ready_fd)
{
	allow_workers();
	TAILQ_INIT(&s->replies);
	TAILQ_INIT(&s->late);
	TAILQ_INIT(&s->ended);
	TAILQ_INIT(&s->subscriptions);
	STAILQ_INIT(&s->suggestions);
	STAILQ_INIT(&s->late_reads);
	STAILQ_INIT(&s->removals);
	s->started = server_now();
	(void)uv_loop_init(&s->loop);
	start_handles(s);
	if (storage_load(s) == 0 && start_listener(s) == 0) {
		(void)fault_at("start.adopt");
		core_start(s->core, &s->started, &s->fx);
		tell_ready(s, ready_fd);
	} else {
		s->exit_status = 1;
		stop(s);
	}
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	storage_unload(s);
	free(s->lost);
	if (uv_loop_close(&s->loop) != 0) {
		log_error("a handle was left open");
		s->exit_status = 1;
	}
	return s->exit_status;
}
