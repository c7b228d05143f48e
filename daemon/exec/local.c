/*
 * The executor for this machine. One `run` an attempt:
 *
 *   launch -> FAILED                                     -> spawn_failed
 *          -> SPAWNED -> WAITING -go-> LIVE -+
 *   adopt  -> PROBING -----------------> LIVE -+- shim gone -> SWEEPING
 *                     \- shim gone ------------+            -> DRAINING
 *                                                           -> ENDED -> ended
 *
 * A step does one thing for one run and tells at most one piece of news, last,
 * since whoever hears it may call anything, executor_close() too. Steps are
 * made from an idle handle, so that no news comes from inside a call and no run
 * keeps the others waiting.
 */
#include "base/log.h"
#include "exec/executor.h"
#include "exec/follow.h"
#include "exec/probe.h"
#include "exec/start.h"
#include "exec/sweep.h"
#include "shim/trialdir.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS   100
/* A shim is at its gate, or past it, long before. */
#define WEDGED_MS 5000

#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

enum run_state {
	RUN_FAILED,
	RUN_SPAWNED, /* a shim is started; that is to be told */
	RUN_WAITING, /* for the core to open the gate */
	RUN_LIVE,    /* the output is followed */
	RUN_PROBING, /* is there a shim? */
	RUN_SWEEPING,
	RUN_DRAINING,
	RUN_ENDED,
};

struct run {
	struct executor *x;
	TAILQ_ENTRY(run) all;
	TAILQ_ENTRY(run) ready;
	bool is_ready; /* in x->ready */
	enum run_state state;
	struct attempt_id id;
	char token[TOKEN_BYTES];
	char *dir;
	char *file; /* path of the attempt's file */
	struct follow output;

	pid_t pid; /* of the shim, to be told */
	int pidfd; /* -1: no shim is known */
	int gate;  /* -1: closed */
	uv_poll_t poll;
	bool has_poll;
	bool gone;    /* the shim has ended */
	bool started; /* the gate was open */
	int signals;  /* SIGNAL_* to be sent once the shim is known */

	int error; /* failed: errno; gone: exit status of our shim, or -1 */
	const char *what;
	uint64_t since; /* probing: uv_now() */
	char *boot_id;  /* probing: of its start */
	struct outcome outcome;
};

enum { SIGNAL_TERM = 1, SIGNAL_KILL = 2 };

TAILQ_HEAD(runs, run);

struct executor {
	uv_loop_t *loop;
	char *shim;
	struct executor_callbacks news;
	uv_timer_t tick;
	uv_idle_t turn;
	struct runs runs;
	struct runs ready;
	size_t n_ready;
	struct follow_batch batch;
	struct buf reader; /* its state, of the latest step */
	char boot_id[BOOT_ID_BYTES];
	unsigned live; /* open handles */
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

int executor_boot_id(char ret_id[BOOT_ID_BYTES])
{
	ssize_t n;
	int fd, r;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret_id, BOOT_ID_BYTES - 1);
	r = n < 0 ? -errno : n == BOOT_ID_BYTES - 1 ? 0 : -EIO;
	ret_id[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	return r;
}

/* --- lifetimes ------------------------------------------------------------ */

static void executor_put(struct executor *x)
{
	void (*closed)(void *ctx) = x->closed;
	void *ctx = x->closed_ctx;

	assert(x->live > 0);
	if (--x->live > 0)
		return;
	assert(x->closing && TAILQ_EMPTY(&x->runs));
	follow_batch_fini(&x->batch);
	buf_free(&x->reader);
	free(x->shim);
	free(x);
	closed(ctx);
}

static void run_free(struct run *r)
{
	free(r->dir);
	free(r->file);
	free(r->boot_id);
	free(r);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct run *r = container_of(handle, struct run, poll);
	struct executor *x = r->x;

	run_free(r);
	executor_put(x);
}

static void on_tick_closed(uv_handle_t *handle)
{
	executor_put(container_of(handle, struct executor, tick));
}

static void on_turn_closed(uv_handle_t *handle)
{
	executor_put(container_of(handle, struct executor, turn));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The executor forgets @r, whose memory may go at once. */
static void forget(struct run *r)
{
	struct executor *x = r->x;

	TAILQ_REMOVE(&x->runs, r, all);
	if (r->is_ready) {
		TAILQ_REMOVE(&x->ready, r, ready);
		x->n_ready--;
	}
	follow_fini(&r->output);
	close_fd(&r->gate);
	if (r->has_poll)
		uv_close((uv_handle_t *)&r->poll, on_poll_closed);
	close_fd(&r->pidfd);
	if (!r->has_poll)
		run_free(r);
}

static struct run *run_new(struct executor *x, struct attempt_id id,
			   const char *dir, const char *token)
{
	struct run *r = xcalloc(1, sizeof(*r));

	assert(!x->closing);
	assert(strlen(token) < sizeof(r->token));
	r->x = x;
	r->id = id;
	r->dir = xstrdup(dir);
	r->file =
	    xasprintf("%s/" TRIALDIR_FILE_BEFORE "%" PRId64 TRIALDIR_FILE_AFTER,
		      dir, id.number);
	memcpy(r->token, token, strlen(token));
	r->pidfd = -1;
	r->gate = -1;
	r->error = -1;
	r->output.fd = -1;
	TAILQ_INSERT_TAIL(&x->runs, r, all);
	return r;
}

static struct run *run_find(struct executor *x, struct attempt_id id)
{
	struct run *r;

	TAILQ_FOREACH(r, &x->runs, all)
	if (r->id.trial == id.trial && r->id.number == id.number)
		return r;
	return NULL;
}

/* --- turns ---------------------------------------------------------------- */

static void step(struct run *r);

static void on_turn(uv_idle_t *turn)
{
	struct executor *x = container_of(turn, struct executor, turn);

	/* Who becomes ready meanwhile has its step in the next turn. */
	for (size_t n = x->n_ready; n > 0 && x->n_ready > 0; n--) {
		struct run *r = TAILQ_FIRST(&x->ready);

		TAILQ_REMOVE(&x->ready, r, ready);
		x->n_ready--;
		r->is_ready = false;
		step(r);
	}
	if (x->n_ready == 0 && !x->closing)
		(void)uv_idle_stop(turn);
}

static void wake(struct run *r)
{
	struct executor *x = r->x;

	if (r->is_ready)
		return;
	r->is_ready = true;
	TAILQ_INSERT_TAIL(&x->ready, r, ready);
	x->n_ready++;
	(void)uv_idle_start(&x->turn, on_turn);
}

static bool needs_tick(const struct run *r)
{
	return r->state == RUN_LIVE || r->state == RUN_PROBING ||
	       r->state == RUN_SWEEPING || (r->gone && r->state == RUN_WAITING);
}

static void on_tick(uv_timer_t *tick)
{
	struct executor *x = container_of(tick, struct executor, tick);
	bool needed = false;
	struct run *r;

	TAILQ_FOREACH(r, &x->runs, all)
	if (needs_tick(r)) {
		needed = true;
		wake(r);
	}
	if (!needed)
		(void)uv_timer_stop(tick);
}

/* @r enters a state that needs ticks. */
static void enter(struct run *r, enum run_state state)
{
	struct executor *x = r->x;

	r->state = state;
	if (!uv_is_active((uv_handle_t *)&x->tick))
		(void)uv_timer_start(&x->tick, on_tick, TICK_MS, TICK_MS);
}

/* --- the shim ------------------------------------------------------------- */

/* Ours leave no zombie; the shim of an earlier daemon is no child of ours. */
static void reap(struct run *r)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)r->pidfd, &info, WEXITED | WNOHANG) == 0 &&
	    info.si_pid != 0 && info.si_code == CLD_EXITED)
		r->error = info.si_status;
}

static void on_shim(uv_poll_t *poll, int status, int events)
{
	struct run *r = container_of(poll, struct run, poll);

	(void)uv_poll_stop(poll);
	reap(r);
	r->gone = true;
	wake(r);
}

/* Returns 0, or -errno if the end of the shim cannot be watched. */
static int watch(struct run *r)
{
	int e = uv_poll_init(r->x->loop, &r->poll, r->pidfd);

	if (e < 0)
		return e;
	r->has_poll = true;
	r->x->live++;
	(void)uv_poll_start(&r->poll, UV_READABLE, on_shim);
	return 0;
}

static void send_signals(struct run *r)
{
	if (r->pidfd < 0)
		return;
	if (r->signals & SIGNAL_TERM)
		(void)pidfd_send_signal(r->pidfd, SIGTERM, NULL, 0);
	if (r->signals & SIGNAL_KILL) {
		(void)pidfd_send_signal(r->pidfd, SIGUSR1, NULL, 0);
		/* Somebody may have stopped the shim itself. */
		(void)pidfd_send_signal(r->pidfd, SIGCONT, NULL, 0);
	}
	r->signals = 0;
}

static void stop(struct executor *x, struct attempt_id id, int signal)
{
	struct run *r = run_find(x, id);

	if (r == NULL)
		return;
	/* Nothing runs behind a shut gate; a shim without one ends. */
	if (r->state == RUN_SPAWNED || r->state == RUN_WAITING) {
		close_fd(&r->gate);
		return;
	}
	r->signals |= signal;
	if (r->state == RUN_LIVE)
		send_signals(r);
}

void executor_terminate(struct executor *x, struct attempt_id id)
{
	stop(x, id, SIGNAL_TERM);
}

void executor_kill(struct executor *x, struct attempt_id id)
{
	stop(x, id, SIGNAL_KILL);
}

/* --- the end -------------------------------------------------------------- */

static void drain(struct run *r)
{
	follow_finish(&r->output);
	r->state = RUN_DRAINING;
	wake(r);
}

static void finish(struct run *r, enum outcome_kind kind, bool swept)
{
	r->outcome.kind = kind;
	if (swept) {
		drain(r);
		return;
	}
	enter(r, RUN_SWEEPING);
	wake(r);
}

/*
 * The file of a run whose shim is gone says nothing: either the shim had no
 * time to write it, or somebody removed it. Only what certainly never ran may
 * be launched again.
 */
static void finish_without_file(struct run *r)
{
	if (r->error > 0) {
		r->outcome.error = r->error;
		memcpy(r->outcome.what, "hpsd-shim", sizeof("hpsd-shim"));
	}
	if (r->started && r->error <= 0)
		finish(r, OUTCOME_SHIM_DIED, false);
	else
		finish(r, OUTCOME_NEVER_STARTED, true);
}

/* Nobody holds the lock, so that @p is final. */
static void settle(struct run *r, const struct probe *p)
{
	assert(p->holder == 0);
	switch (p->phase) {
	case PROBE_NOTHING:
		finish_without_file(r);
		break;
	case PROBE_WAITING:
		finish(r, OUTCOME_NEVER_STARTED, true);
		break;
	case PROBE_STARTED:
		finish(r, OUTCOME_SHIM_DIED, false);
		break;
	case PROBE_ENDED:
		r->outcome = p->outcome;
		finish(r, p->outcome.kind, p->swept);
		break;
	}
}

/* Tries again at the next tick when nothing can be said now. */
static void step_gone(struct run *r)
{
	struct probe p;

	if (probe_read(r->file, r->token, &p) == 0 && p.holder == 0)
		settle(r, &p);
	else
		enter(r, r->state);
}

static void step_sweeping(struct run *r)
{
	if (sweep(r->token, SIGKILL) == 0)
		drain(r);
}

/* --- adoption ------------------------------------------------------------- */

/* Returns 0, or -errno to try again. */
static int open_adopted_log(struct run *r)
{
	auto_free char *path = NULL;

	if (r->output.fd >= 0)
		return 0;
	path = xasprintf("%s/%s", r->dir, TRIALDIR_LOG);
	r->output.fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return r->output.fd < 0 && (errno == EMFILE || errno == ENFILE) ? -errno
									: 0;
}

static bool is_wedged(const struct run *r)
{
	return uv_now(r->x->loop) - r->since >= WEDGED_MS;
}

static void adopt_holder(struct run *r, const struct probe *p)
{
	const struct executor_callbacks *news = &r->x->news;
	bool known = p->phase == PROBE_STARTED || p->phase == PROBE_ENDED;

	if (!known && !is_wedged(r))
		return;
	if (probe_open_holder(r->file, p->holder, &r->pidfd) < 0)
		return;
	if (!known) {
		(void)pidfd_send_signal(r->pidfd, SIGKILL, NULL, 0);
		close_fd(&r->pidfd);
		return;
	}
	if (watch(r) < 0) {
		close_fd(&r->pidfd);
		return;
	}
	r->pid = p->holder;
	r->started = true;
	enter(r, RUN_LIVE);
	send_signals(r);
	wake(r);
	news->adopted(news->ctx, r->id, r->pid);
}

/*
 * Nobody holds the lock and there is no file: either nothing ran, or somebody
 * removed it. Who is there is a shim that has not come to its gate, and will
 * end there, or else a rest of what ran.
 */
static void adopt_without_file(struct run *r)
{
	int n = sweep(r->token, 0);

	if (n == 0)
		finish(r, OUTCOME_NEVER_STARTED, true);
	else if (n > 0 && is_wedged(r))
		finish(r, OUTCOME_SHIM_DIED, false);
}

static void step_probing(struct run *r)
{
	struct probe p;

	if (open_adopted_log(r) < 0 || probe_read(r->file, r->token, &p) < 0)
		return;
	if (p.holder != 0)
		adopt_holder(r, &p);
	else if (p.phase != PROBE_ENDED &&
		 strcmp(r->boot_id, r->x->boot_id) != 0)
		finish(r, OUTCOME_REBOOTED, true);
	else if (p.phase == PROBE_NOTHING)
		adopt_without_file(r);
	else
		settle(r, &p);
}

void executor_adopt(struct executor *x, const struct adopt *adopt)
{
	struct run *r = run_new(x, adopt->id, adopt->dir, adopt->token);

	assert(strlen(adopt->boot_id) < BOOT_ID_BYTES);
	r->boot_id = xstrdup(adopt->boot_id);
	r->since = uv_now(x->loop);
	follow_init(&r->output, -1, adopt->spec, adopt->offset, adopt->reader);
	enter(r, RUN_PROBING);
	wake(r);
}

/* --- the output ----------------------------------------------------------- */

static void tell_output(struct run *r)
{
	struct executor *x = r->x;

	buf_clear(&x->reader);
	reader_save(r->output.reader, &x->reader);
	x->news.output(x->news.ctx, r->id,
		       &(struct executor_output){
			   .metrics = x->batch.metrics,
			   .n = x->batch.n,
			   .offset = r->output.offset,
			   .reader = buf_text(&x->reader),
			   .is_rest = r->state == RUN_DRAINING ||
				      r->state == RUN_ENDED,
		       });
}

static void step_live(struct run *r)
{
	int answer = follow_step(&r->output, &r->x->batch);

	if (answer == FOLLOW_MORE)
		wake(r);
	if (answer > FOLLOW_IDLE)
		tell_output(r);
}

static void step_draining(struct run *r)
{
	int64_t before = r->output.offset;
	int answer = follow_last(&r->output, &r->x->batch);

	if (answer < 0)
		log_error("trial %" PRId64 ": the rest of %s/%s is lost: %s",
			  r->id.trial, r->dir, TRIALDIR_LOG, strerror(-answer));
	if (answer != FOLLOW_MORE)
		r->state = RUN_ENDED;
	wake(r);
	if (answer > 0 && (r->output.offset > before || r->x->batch.n > 0))
		tell_output(r);
}

/* --- news ----------------------------------------------------------------- */

static void tell_ended(struct run *r)
{
	const struct executor_callbacks *news = &r->x->news;
	struct outcome outcome = r->outcome;
	struct attempt_id id = r->id;

	if (r->output.gaps > 0)
		log_warning("trial %" PRId64 ": %s/%s was cut short while it "
			    "was read; metrics may be missing",
			    id.trial, r->dir, TRIALDIR_LOG);
	forget(r);
	news->ended(news->ctx, id, &outcome);
}

static void tell_failed(struct run *r)
{
	const struct executor_callbacks *news = &r->x->news;
	struct attempt_id id = r->id;
	const char *what = r->what;
	int error = r->error;

	forget(r);
	news->spawn_failed(news->ctx, id, error, what);
}

static void step(struct run *r)
{
	const struct executor_callbacks *news = &r->x->news;

	switch (r->state) {
	case RUN_FAILED:
		tell_failed(r);
		break;
	case RUN_SPAWNED:
		r->state = RUN_WAITING;
		if (r->gone)
			wake(r);
		news->spawned(news->ctx, r->id, r->pid, r->output.offset);
		break;
	case RUN_WAITING:
	case RUN_LIVE:
		if (r->gone)
			step_gone(r);
		else if (r->state == RUN_LIVE)
			step_live(r);
		break;
	case RUN_PROBING:
		step_probing(r);
		break;
	case RUN_SWEEPING:
		step_sweeping(r);
		break;
	case RUN_DRAINING:
		step_draining(r);
		break;
	case RUN_ENDED:
		tell_ended(r);
		break;
	}
}

/* --- launching ------------------------------------------------------------ */

void executor_launch(struct executor *x, const struct launch *launch)
{
	struct run *r = run_new(x, launch->id, launch->dir, launch->token);
	struct start s;
	int e;

	wake(r);
	e = start_shim(x->shim, launch, &s, &r->what);
	if (e == 0) {
		r->state = RUN_SPAWNED;
		r->pid = s.pid;
		r->pidfd = s.pidfd;
		r->gate = s.gate;
		follow_init(&r->output, s.log, launch->spec, s.log_bytes, NULL);
		e = watch(r);
		if (e == 0)
			return;
		r->what = "epoll";
		close_fd(&r->gate);
		(void)pidfd_send_signal(r->pidfd, SIGKILL, NULL, 0);
		(void)waitid(P_PIDFD, (id_t)r->pidfd, &(siginfo_t){ 0 },
			     WEXITED);
	}
	r->state = RUN_FAILED;
	r->error = -e;
}

void executor_go(struct executor *x, struct attempt_id id)
{
	static const char go = TRIALDIR_GO;
	struct run *r = run_find(x, id);

	if (r == NULL || r->state != RUN_WAITING || r->gate < 0)
		return;
	/* A shim that is gone is told by its pidfd. */
	(void)send(r->gate, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	r->started = true;
	enter(r, RUN_LIVE);
}

/* --- the executor --------------------------------------------------------- */

int executor_new(uv_loop_t *loop, const char *shim,
		 const struct executor_callbacks *callbacks,
		 struct executor **ret_executor)
{
	struct executor *x = xcalloc(1, sizeof(*x));
	int r = executor_boot_id(x->boot_id);

	if (r < 0) {
		free(x);
		return r;
	}
	x->loop = loop;
	x->shim = xstrdup(shim);
	x->news = *callbacks;
	TAILQ_INIT(&x->runs);
	TAILQ_INIT(&x->ready);
	follow_batch_init(&x->batch);
	/* These cannot fail. */
	(void)uv_timer_init(loop, &x->tick);
	(void)uv_idle_init(loop, &x->turn);
	x->live = 2;
	*ret_executor = x;
	return 0;
}

void executor_close(struct executor *x, void (*closed)(void *ctx), void *ctx)
{
	assert(!x->closing);
	x->closing = true;
	x->closed = closed;
	x->closed_ctx = ctx;
	while (!TAILQ_EMPTY(&x->runs))
		forget(TAILQ_FIRST(&x->runs));
	uv_close((uv_handle_t *)&x->tick, on_tick_closed);
	uv_close((uv_handle_t *)&x->turn, on_turn_closed);
}
