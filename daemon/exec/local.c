/*
 * The executor for this machine: the jobs and their turns. Steps are made from
 * an idle handle, so that no news comes from inside a call and no job keeps the
 * others waiting.
 */
#include "exec/executor.h"
#include "exec/job.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_MS     100
#define DESCRIPTORS 16384

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

void executor_put(struct executor *x)
{
	void (*closed)(void *ctx) = x->closed;
	void *ctx = x->closed_ctx;

	assert(x->live > 0);
	if (--x->live > 0)
		return;
	assert(x->closing && TAILQ_EMPTY(&x->jobs));
	follow_batch_fini(&x->batch);
	buf_free(&x->reader);
	free(x->shim);
	free(x);
	closed(ctx);
}

static void on_tick_closed(uv_handle_t *handle)
{
	executor_put(container_of(handle, struct executor, tick));
}

static void on_turn_closed(uv_handle_t *handle)
{
	executor_put(container_of(handle, struct executor, turn));
}

void executor_hold(struct executor *x)
{
	x->live++;
}

void executor_forget(struct job *j)
{
	struct executor *x = j->x;

	TAILQ_REMOVE(&x->jobs, j, all);
	if (j->is_ready) {
		TAILQ_REMOVE(&x->ready, j, ready);
		x->n_ready--;
	}
	job_free(j);
}

static struct job *find(struct executor *x, struct attempt_id id)
{
	struct job *j;

	TAILQ_FOREACH(j, &x->jobs, all)
	{
		if (j->id.trial == id.trial && j->id.number == id.number)
			return j;
	}
	return NULL;
}

/* --- turns ---------------------------------------------------------------- */

static void on_turn(uv_idle_t *turn)
{
	struct executor *x = container_of(turn, struct executor, turn);

	/* Who becomes ready meanwhile has its step in the next turn. */
	for (size_t n = x->n_ready; n > 0 && x->n_ready > 0; n--) {
		struct job *j = TAILQ_FIRST(&x->ready);

		TAILQ_REMOVE(&x->ready, j, ready);
		x->n_ready--;
		j->is_ready = false;
		job_step(j);
	}
	if (x->n_ready == 0 && !x->closing)
		(void)uv_idle_stop(turn);
}

static void start_turns(struct executor *x)
{
	if (!x->paused)
		(void)uv_idle_start(&x->turn, on_turn);
}

void executor_pause(struct executor *x)
{
	x->paused = true;
	(void)uv_idle_stop(&x->turn);
}

void executor_resume(struct executor *x)
{
	x->paused = false;
	if (x->n_ready > 0)
		start_turns(x);
}

void executor_wake(struct job *j)
{
	struct executor *x = j->x;

	if (j->is_ready)
		return;
	j->is_ready = true;
	TAILQ_INSERT_TAIL(&x->ready, j, ready);
	x->n_ready++;
	start_turns(x);
}

static void on_tick(uv_timer_t *tick)
{
	struct executor *x = container_of(tick, struct executor, tick);
	bool needed = false;
	struct job *j;

	TAILQ_FOREACH(j, &x->jobs, all)
	{
		if (job_needs_tick(j)) {
			needed = true;
			executor_wake(j);
		}
	}
	if (!needed)
		(void)uv_timer_stop(tick);
}

void executor_tick(struct executor *x)
{
	if (!uv_is_active((uv_handle_t *)&x->tick))
		(void)uv_timer_start(&x->tick, on_tick, TICK_MS, TICK_MS);
}

/* --- calls ---------------------------------------------------------------- */

void executor_launch(struct executor *x, const struct launch *launch)
{
	job_launch(x, launch);
}

void executor_adopt(struct executor *x, const struct adopt *adopt)
{
	job_adopt(x, adopt);
}

void executor_go(struct executor *x, struct attempt_id id)
{
	struct job *j = find(x, id);

	if (j != NULL)
		job_go(j);
}

void executor_terminate(struct executor *x, struct attempt_id id)
{
	struct job *j = find(x, id);

	if (j != NULL)
		job_stop(j, SIGTERM);
}

void executor_kill(struct executor *x, struct attempt_id id)
{
	struct job *j = find(x, id);

	if (j != NULL)
		job_stop(j, SIGKILL);
}

/*
 * Every trial takes three descriptors of ours, and the limit that a program is
 * started with is often low because of select(), which nothing here uses. The
 * trials have that limit: shims are given it.
 */
static void raise_limit(struct executor *x)
{
	struct rlimit ours;

	if (getrlimit(RLIMIT_NOFILE, &x->descriptors) < 0)
		return;
	ours = x->descriptors;
	if (ours.rlim_max < DESCRIPTORS)
		ours.rlim_cur = ours.rlim_max;
	else if (ours.rlim_cur < DESCRIPTORS)
		ours.rlim_cur = DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &ours);
}

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
	raise_limit(x);
	TAILQ_INIT(&x->jobs);
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
	while (!TAILQ_EMPTY(&x->jobs))
		executor_forget(TAILQ_FIRST(&x->jobs));
	uv_close((uv_handle_t *)&x->tick, on_tick_closed);
	uv_close((uv_handle_t *)&x->turn, on_turn_closed);
}
