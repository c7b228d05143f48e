#include "exec/job.h"

#include "base/fault.h"
#include "base/log.h"
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A shim is at its gate, or past it, and a log can be read, long before. */
#define WEDGED_MS 5000

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static struct job *job_new(struct executor *x, struct attempt_id id,
			   const char *dir, const char *token)
{
	struct job *j = xcalloc(1, sizeof(*j));

	assert(!x->closing);
	assert(strlen(token) < sizeof(j->token));
	j->x = x;
	j->id = id;
	j->dir = xstrdup(dir);
	j->file =
	    xasprintf("%s/" TRIALDIR_FILE_BEFORE "%" PRId64 TRIALDIR_FILE_AFTER,
		      dir, id.number);
	memcpy(j->token, token, strlen(token));
	j->pidfd = -1;
	j->gate = -1;
	j->error = -1;
	j->output.fd = -1;
	TAILQ_INSERT_TAIL(&x->jobs, j, all);
	return j;
}

static void free_memory(struct job *j)
{
	free(j->dir);
	free(j->file);
	free(j->boot_id);
	free(j);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct job *j = container_of(handle, struct job, poll);
	struct executor *x = j->x;

	free_memory(j);
	executor_put(x);
}

void job_free(struct job *j)
{
	follow_fini(&j->output);
	close_fd(&j->gate);
	if (j->has_poll)
		uv_close((uv_handle_t *)&j->poll, on_poll_closed);
	close_fd(&j->pidfd); /* not before its handle */
	if (!j->has_poll)
		free_memory(j);
}

/* @j enters a state that needs ticks. */
static void enter(struct job *j, enum job_state state)
{
	j->state = state;
	executor_tick(j->x);
}

bool job_needs_tick(const struct job *j)
{
	return j->state == JOB_LIVE || j->state == JOB_PROBING ||
	       j->state == JOB_SWEEPING || j->state == JOB_DRAINING ||
	       (j->gone && j->state == JOB_WAITING);
}

/* --- the shim ------------------------------------------------------------- */

/* Ours leave no zombie; the shim of an earlier daemon is no child of ours. */
static void reap(struct job *j)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)j->pidfd, &info, WEXITED | WNOHANG) == 0 &&
	    info.si_pid != 0 && info.si_code == CLD_EXITED)
		j->error = info.si_status;
	(void)fault_at("end.reaped");
}

static void on_shim(uv_poll_t *poll, int status, int events)
{
	struct job *j = container_of(poll, struct job, poll);

	(void)uv_poll_stop(poll);
	reap(j);
	j->gone = true;
	executor_wake(j);
}

/* Returns 0, or -errno if the end of the shim cannot be watched. */
static int watch(struct job *j)
{
	int e = uv_poll_init(j->x->loop, &j->poll, j->pidfd);

	if (e < 0)
		return e;
	j->has_poll = true;
	executor_hold(j->x);
	(void)uv_poll_start(&j->poll, UV_READABLE, on_shim);
	return 0;
}

static void send_signals(struct job *j)
{
	if (j->pidfd < 0)
		return;
	(void)fault_at("stop.signal");
	if (j->terminate &&
	    pidfd_send_signal(j->pidfd, SIGTERM, NULL, 0) == 0) {
		j->terminated = true;
		executor_wake(j);
	}
	if (j->kill) {
		(void)pidfd_send_signal(j->pidfd, SIGUSR1, NULL, 0);
		/* Somebody may have stopped the shim itself. */
		(void)pidfd_send_signal(j->pidfd, SIGCONT, NULL, 0);
	}
	j->terminate = false;
	j->kill = false;
	(void)fault_at("stop.signalled");
}

/* --- the end -------------------------------------------------------------- */

static void drain(struct job *j)
{
	follow_finish(&j->output);
	j->since = uv_now(j->x->loop);
	j->state = JOB_DRAINING;
	executor_wake(j);
}

static void finish(struct job *j, enum outcome_kind kind, bool swept)
{
	j->outcome.kind = kind;
	if (swept) {
		drain(j);
		return;
	}
	enter(j, JOB_SWEEPING);
	executor_wake(j);
}

/*
 * The file of a job whose shim is gone says nothing: either the shim had no
 * time to write it, or somebody removed it. Only what certainly never ran may
 * be launched again.
 */
static void finish_without_file(struct job *j)
{
	if (j->error > 0) {
		j->outcome.error = j->error;
		memcpy(j->outcome.what, "hpsd-shim", sizeof("hpsd-shim"));
	}
	if (j->started && j->error <= 0)
		finish(j, OUTCOME_SHIM_DIED, false);
	else
		finish(j, OUTCOME_NEVER_STARTED, true);
}

/* No shim of it is left, so that @p is final. */
static void settle(struct job *j, const struct probe *p)
{
	(void)fault_at("end.settle");
	switch (p->phase) {
	case PROBE_NOTHING:
		finish_without_file(j);
		break;
	case PROBE_WAITING:
		finish(j, OUTCOME_NEVER_STARTED, true);
		break;
	case PROBE_COPYING: /* what copies may not have died yet */
		finish(j, OUTCOME_NEVER_STARTED, false);
		break;
	case PROBE_STARTED:
		finish(j, OUTCOME_SHIM_DIED, false);
		break;
	case PROBE_ENDED:
		j->outcome = p->outcome;
		finish(j, p->outcome.kind, p->swept);
		break;
	}
}

/*
 * Tries again at the next tick when nothing can be said now. Who holds the lock
 * of a shim that had passed its gate, and is gone, is a stranger and may do so
 * for ever: what the shim has written is final.
 */
static void step_gone(struct job *j)
{
	struct probe p;

	if (probe_read(j->file, j->token, &p) == 0 &&
	    (p.holder == 0 || j->state == JOB_LIVE))
		settle(j, &p);
	else
		enter(j, j->state);
}

static void step_sweeping(struct job *j)
{
	(void)fault_at("end.sweep");
	if (sweep(j->token, SIGKILL) == 0)
		drain(j);
}

/* --- adoption ------------------------------------------------------------- */

static bool is_wedged(const struct job *j)
{
	return uv_now(j->x->loop) - j->since >= WEDGED_MS;
}

/* Returns 0, or -errno to try again. */
static int open_adopted_log(struct job *j)
{
	auto_free char *path = NULL;
	int e;

	if (j->output.fd >= 0)
		return 0;
	path = xasprintf("%s/%s", j->dir, TRIALDIR_LOG);
	j->output.fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (j->output.fd >= 0 || errno == ENOENT)
		return 0;
	e = errno;
	if (e == EMFILE || e == ENFILE || e == ENOMEM || !is_wedged(j))
		return -e;
	log_error("trial %" PRId64 ": %s is not read: %s", j->id.trial, path,
		  strerror(e));
	return 0;
}

static void adopt_holder(struct job *j, const struct probe *p)
{
	const struct executor_callbacks *news = &j->x->news;
	bool known = p->phase == PROBE_COPYING || p->phase == PROBE_STARTED ||
		     p->phase == PROBE_ENDED;

	if (!known && !is_wedged(j))
		return;
	(void)fault_at("adopt.open");
	if (probe_open_holder(j->file, p->holder, &j->pidfd) < 0)
		return;
	if (!known) {
		(void)pidfd_send_signal(j->pidfd, SIGKILL, NULL, 0);
		close_fd(&j->pidfd);
		return;
	}
	if (watch(j) < 0) {
		close_fd(&j->pidfd);
		return;
	}
	(void)fault_at("adopt.live");
	j->pid = p->holder;
	j->started = true;
	enter(j, JOB_LIVE);
	send_signals(j);
	executor_wake(j);
	news->adopted(news->ctx, j->id, j->pid, p->term_ms);
}

/*
 * Nobody holds the lock and there is no file: either nothing ran, or somebody
 * removed it. Who is there is a shim that has not come to its gate, and will
 * end there, or else a rest of what ran.
 */
static void adopt_without_file(struct job *j)
{
	int n = sweep(j->token, 0);

	(void)fault_at("adopt.none");
	if (n == 0)
		finish(j, OUTCOME_NEVER_STARTED, true);
	else if (n > 0 && is_wedged(j))
		finish(j, OUTCOME_SHIM_DIED, false);
}

static void step_probing(struct job *j)
{
	struct probe p;

	(void)fault_at("adopt.probe");
	if (open_adopted_log(j) < 0 || probe_read(j->file, j->token, &p) < 0)
		return;
	if (p.holder != 0)
		adopt_holder(j, &p);
	else if (p.phase != PROBE_ENDED &&
		 strcmp(j->boot_id, j->x->boot_id) != 0)
		finish(j, OUTCOME_REBOOTED, true);
	else if (p.phase == PROBE_NOTHING)
		adopt_without_file(j);
	else
		settle(j, &p);
}

/* --- the output ----------------------------------------------------------- */

static void tell_output(struct job *j)
{
	struct executor *x = j->x;

	(void)fault_at("output.read");
	buf_clear(&x->reader);
	reader_save(j->output.reader, &x->reader);
	x->news.output(x->news.ctx, j->id,
		       &(struct executor_output){
			   .metrics = x->batch.metrics,
			   .n = x->batch.n,
			   .note = x->batch.note,
			   .offset = j->output.offset,
			   .reader = buf_text(&x->reader),
			   .is_rest = j->state != JOB_LIVE,
		       });
}

/* True: the copy has been made, which is told. */
static bool tell_copied(struct job *j)
{
	const struct executor_callbacks *news = &j->x->news;
	struct probe p;

	if (probe_read(j->file, j->token, &p) < 0 || p.phase != PROBE_STARTED)
		return false;
	j->copies = false;
	executor_wake(j);
	news->copied(news->ctx, j->id, p.started_ms);
	return true;
}

static void step_live(struct job *j)
{
	const struct executor_callbacks *news = &j->x->news;
	int answer;

	if (j->copies && tell_copied(j))
		return;
	answer = follow_step(&j->output, &j->x->batch);
	if (j->terminated) {
		j->terminated = false;
		news->terminated(news->ctx, j->id);
	}
	if (answer == FOLLOW_MORE)
		executor_wake(j);
	if (answer > FOLLOW_IDLE)
		tell_output(j);
}

static void step_draining(struct job *j)
{
	int64_t before = j->output.offset;
	int answer = follow_last(&j->output, &j->x->batch);

	if (answer < 0 && !is_wedged(j)) {
		enter(j, JOB_DRAINING); /* it may be read later */
		return;
	}
	if (answer < 0)
		log_error("trial %" PRId64 ": the rest of %s/%s is lost: %s",
			  j->id.trial, j->dir, TRIALDIR_LOG, strerror(-answer));
	if (answer != FOLLOW_MORE)
		j->state = JOB_ENDED;
	executor_wake(j);
	if (answer > 0 && (j->output.offset > before || j->x->batch.n > 0))
		tell_output(j);
}

/* --- news ----------------------------------------------------------------- */

static void tell_ended(struct job *j)
{
	const struct executor_callbacks *news = &j->x->news;
	struct outcome outcome = j->outcome;
	struct attempt_id id = j->id;

	if (j->output.gaps > 0)
		log_warning("trial %" PRId64 ": %s/%s was cut short while it "
			    "was read; metrics may be missing",
			    id.trial, j->dir, TRIALDIR_LOG);
	(void)fault_at("end.tell");
	executor_forget(j);
	news->ended(news->ctx, id, &outcome);
}

static void tell_failed(struct job *j)
{
	const struct executor_callbacks *news = &j->x->news;
	struct attempt_id id = j->id;
	const char *what = j->what;
	int error = j->error;

	executor_forget(j);
	news->spawn_failed(news->ctx, id, error, what);
}

void job_step(struct job *j)
{
	const struct executor_callbacks *news = &j->x->news;

	switch (j->state) {
	case JOB_FAILED:
		tell_failed(j);
		break;
	case JOB_SPAWNED:
		j->state = JOB_WAITING;
		if (j->gone)
			executor_wake(j);
		(void)fault_at("launch.tell");
		news->spawned(news->ctx, j->id, j->pid, j->output.offset);
		break;
	case JOB_WAITING:
	case JOB_LIVE:
		if (j->gone)
			step_gone(j);
		else if (j->state == JOB_LIVE)
			step_live(j);
		break;
	case JOB_PROBING:
		step_probing(j);
		break;
	case JOB_SWEEPING:
		step_sweeping(j);
		break;
	case JOB_DRAINING:
		step_draining(j);
		break;
	case JOB_ENDED:
		tell_ended(j);
		break;
	}
}

/* --- from outside --------------------------------------------------------- */

void job_launch(struct executor *x, const struct launch *launch)
{
	struct job *j = job_new(x, launch->id, launch->dir, launch->token);
	struct start s;
	int e;

	j->copies = launch->from != NULL;
	executor_wake(j);
	e = start_shim(x->shim, &x->descriptors, launch, &s, &j->what);
	if (e == 0) {
		j->state = JOB_SPAWNED;
		j->pid = s.pid;
		j->pidfd = s.pidfd;
		j->gate = s.gate;
		follow_init(&j->output, s.log, launch->spec, s.log_bytes, NULL);
		e = watch(j);
		if (e == 0)
			return;
		j->what = "epoll";
		close_fd(&j->gate);
		(void)pidfd_send_signal(j->pidfd, SIGKILL, NULL, 0);
		(void)waitid(P_PIDFD, (id_t)j->pidfd, &(siginfo_t){ 0 },
			     WEXITED);
	}
	j->state = JOB_FAILED;
	j->error = -e;
}

void job_adopt(struct executor *x, const struct adopt *adopt)
{
	struct job *j = job_new(x, adopt->id, adopt->dir, adopt->token);

	assert(strlen(adopt->boot_id) < BOOT_ID_BYTES);
	j->boot_id = xstrdup(adopt->boot_id);
	j->since = uv_now(x->loop);
	j->copies = adopt->copies;
	follow_init(&j->output, -1, adopt->spec, adopt->offset, adopt->reader);
	enter(j, JOB_PROBING);
	executor_wake(j);
}

void job_go(struct job *j)
{
	static const char go = TRIALDIR_GO;

	if (j->state != JOB_WAITING || j->gate < 0)
		return;
	(void)fault_at("go.send");
	/* Without the word nothing runs; the shim ends, if it has not yet. */
	if (send(j->gate, &go, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
		close_fd(&j->gate);
		return;
	}
	(void)fault_at("go.sent");
	j->started = true;
	enter(j, JOB_LIVE);
}

void job_stop(struct job *j, int signal)
{
	assert(signal == SIGTERM || signal == SIGKILL);
	/* Nothing runs behind a shut gate; a shim without one ends. */
	if (j->state == JOB_SPAWNED || j->state == JOB_WAITING) {
		close_fd(&j->gate);
		return;
	}
	if (signal == SIGTERM)
		j->terminate = true;
	else
		j->kill = true;
	if (j->state == JOB_LIVE)
		send_signals(j);
}
