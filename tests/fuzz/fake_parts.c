#include "fake_parts.h"

#include "backup.h"
#include "base/container.h"
#include "exec/executor.h"
#include "net/listener.h"
#include "reply.h"
#include "request.h"

#include "schema/mem.h"
#include "schema/rpc.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct fake_client fake_client;

/* --- the client --------------------------------------------------------------
 */

struct conn {
	bool closing;
};

struct listener {
	uv_idle_t idle;
	struct listener_callbacks cb;
	struct conn conn;
	void (*stopped)(void *ctx);
	void *ctx;
};

static void say(struct listener *l, const char *line, size_t len)
{
	fake_client.asked++;
	l->cb.line(l->cb.ctx, &l->conn, line, len);
}

static void say_goodbye(struct listener *l)
{
	auto_free char *line =
	    xasprintf("{\"jsonrpc\":\"2.0\",\"method\":\"shutdown\","
		      "\"params\":{\"kill_trials\":%s}}",
		      fake_client.kills ? "true" : "false");

	say(l, line, strlen(line));
}

/* One line a turn; the goodbye once all are answered. */
static void on_idle(uv_idle_t *idle)
{
	struct listener *l = container_of(idle, struct listener, idle);
	struct fake_client *c = &fake_client;
	const char *lf;

	if (c->next < c->end) {
		size_t len = (size_t)(c->end - c->next);
		auto_free char *request = NULL;

		lf = memchr(c->next, '\n', len);
		if (lf != NULL)
			len = (size_t)(lf - c->next);
		request = c->request(c->next, len);
		c->next += len + (lf != NULL);
		say(l, request, strlen(request));
	} else if (c->answered == c->asked && c->turns-- == 0) {
		say_goodbye(l);
	}
}

int listener_start(uv_loop_t *loop, const char *path,
		   const struct listener_callbacks *callbacks,
		   struct listener **ret_listener)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->cb = *callbacks;
	(void)uv_idle_init(loop, &l->idle);
	(void)uv_idle_start(&l->idle, on_idle);
	*ret_listener = l;
	return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l =
	    container_of((uv_idle_t *)handle, struct listener, idle);

	l->stopped(l->ctx);
	free(l);
}

void listener_stop(struct listener *l, void (*stopped)(void *ctx), void *ctx)
{
	l->stopped = stopped;
	l->ctx = ctx;
	l->conn.closing = true;
	l->cb.closed(l->cb.ctx, &l->conn);
	uv_close((uv_handle_t *)&l->idle, on_listener_closed);
}

size_t listener_count(const struct listener *l)
{
	return 1;
}

/* Nothing that a client says is an internal error. */
void conn_send(struct conn *conn, struct buf *b)
{
	auto_json cJSON *message = cJSON_ParseWithLength(b->data, b->len);

	assert(!conn->closing);
	assert(memchr(b->data, '\n', b->len) == b->data + b->len - 1);
	if (json_get(message, "method") == NULL) {
		fake_client.answered++;
		reply_check(message);
		assert(json_get_integer(json_get(message, "error"), "code",
					0) != RPC_INTERNAL);
	}
	buf_free(b);
}

void conn_owe(struct conn *conn)
{
}

void conn_pay(struct conn *conn, struct buf *reply)
{
	conn_send(conn, reply);
}

void conn_keep(struct conn *conn)
{
}

void conn_close(struct conn *conn)
{
	abort();
}

void conn_drop(struct conn *conn)
{
	abort();
}

bool listener_is_in_place(const struct listener *l)
{
	return true;
}

/* --- backups: an input must not choose files of this machine -----------------
 */

char *backup_newest(const char *state_dir, bool must_be_good)
{
	return NULL;
}

void backup_tell(const char *state_dir, bool is_ours)
{
}

void backup_daily(struct server *s)
{
}

int command_backup(struct request *req)
{
	diag_add(&req->diag, "", "no backup here");
	return RPC_CONFLICT;
}

/* --- the trials --------------------------------------------------------------
 */

enum fate { FATE_DONE, FATE_FAILED, FATE_UNSTARTED, FATE_STOPPED };

struct job {
	struct attempt_id id;
	enum { JOB_LAUNCHED, JOB_GATED, JOB_RUNS, JOB_SIGNALED } state;
	int signal;
	TAILQ_ENTRY(job) link;
};

struct executor {
	uv_idle_t idle;
	struct executor_callbacks cb;
	TAILQ_HEAD(, job) jobs;
	void (*closed)(void *ctx);
	void *ctx;
};

static enum fate fate_of(const struct job *job)
{
	static const enum fate fates[8] = {
		[3] = FATE_FAILED, [5] = FATE_UNSTARTED, [6] = FATE_STOPPED
	};

	return fates[job->id.trial % 8];
}

static struct job *find(struct executor *x, struct attempt_id id)
{
	struct job *job;

	TAILQ_FOREACH(job, &x->jobs, link)
	{
		if (job->id.trial == id.trial && job->id.number == id.number)
			return job;
	}
	return NULL;
}

static void drop(struct executor *x, struct job *job)
{
	TAILQ_REMOVE(&x->jobs, job, link);
	free(job);
}

static void end(struct executor *x, struct job *job,
		const struct outcome *outcome)
{
	struct attempt_id id = job->id;

	drop(x, job);
	x->cb.ended(x->cb.ctx, id, outcome);
}

static void print(struct executor *x, struct job *job)
{
	struct metric_record rows[2] = {
		{"loss",  0, VALUE_FINITE, (double)job->id.trial, 0},
		{ "loss", 1, VALUE_FINITE, 0.5,                   0},
	};
	struct executor_output output = {
		.metrics = rows,
		.n = 2,
		.offset = 14,
		.reader = "{\"counts\":[2,2,0,0,0],\"metrics\":{\"loss\":1}}",
	};

	x->cb.output(x->cb.ctx, job->id, &output);
}

static void move_on(struct executor *x, struct job *job)
{
	struct outcome exited = { .kind = OUTCOME_EXITED };
	struct outcome signaled = { .kind = OUTCOME_SIGNALED };
	enum fate fate = fate_of(job);

	if (job->state == JOB_LAUNCHED && fate == FATE_UNSTARTED) {
		struct attempt_id id = job->id;

		drop(x, job);
		x->cb.spawn_failed(x->cb.ctx, id, EAGAIN, "fork");
	} else if (job->state == JOB_LAUNCHED) {
		job->state = JOB_GATED;
		x->cb.spawned(x->cb.ctx, job->id, 1, 0);
	} else if (job->state == JOB_SIGNALED) {
		signaled.signal = job->signal;
		end(x, job, &signaled);
	} else if (job->state == JOB_RUNS && fate == FATE_FAILED) {
		exited.code = 1;
		end(x, job, &exited);
	} else if (job->state == JOB_RUNS && fate == FATE_DONE) {
		print(x, job);
		end(x, job, &exited);
	}
}

static void on_turn(uv_idle_t *idle)
{
	struct executor *x = container_of(idle, struct executor, idle);
	struct job *job, *next;

	for (job = TAILQ_FIRST(&x->jobs); job != NULL; job = next) {
		next = TAILQ_NEXT(job, link);
		move_on(x, job);
	}
}

int executor_boot_id(char ret_id[BOOT_ID_BYTES])
{
	strcpy(ret_id, "00000000-0000-4000-8000-000000000000");
	return 0;
}

int executor_new(uv_loop_t *loop, const char *shim,
		 const struct executor_callbacks *callbacks,
		 struct executor **ret_executor)
{
	struct executor *x = xcalloc(1, sizeof(*x));

	x->cb = *callbacks;
	TAILQ_INIT(&x->jobs);
	(void)uv_idle_init(loop, &x->idle);
	(void)uv_idle_start(&x->idle, on_turn);
	*ret_executor = x;
	return 0;
}

static void on_executor_closed(uv_handle_t *handle)
{
	struct executor *x =
	    container_of((uv_idle_t *)handle, struct executor, idle);

	while (!TAILQ_EMPTY(&x->jobs))
		drop(x, TAILQ_FIRST(&x->jobs));
	x->closed(x->ctx);
	free(x);
}

void executor_close(struct executor *x, void (*closed)(void *ctx), void *ctx)
{
	x->closed = closed;
	x->ctx = ctx;
	uv_close((uv_handle_t *)&x->idle, on_executor_closed);
}

void executor_pause(struct executor *x)
{
}

void executor_resume(struct executor *x)
{
}

void executor_launch(struct executor *x, const struct launch *launch)
{
	struct job *job = xcalloc(1, sizeof(*job));

	assert(find(x, launch->id) == NULL);
	assert(launch->argv[0] != NULL && launch->environ[0] != NULL);
	job->id = launch->id;
	TAILQ_INSERT_TAIL(&x->jobs, job, link);
}

void executor_go(struct executor *x, struct attempt_id id)
{
	struct job *job = find(x, id);

	assert(job != NULL);
	if (job->state == JOB_GATED)
		job->state = JOB_RUNS;
}

static void signal_job(struct executor *x, struct attempt_id id, int signal)
{
	struct job *job = find(x, id);

	if (job == NULL)
		return;
	job->signal = signal;
	job->state = JOB_SIGNALED;
}

void executor_terminate(struct executor *x, struct attempt_id id)
{
	signal_job(x, id, SIGTERM);
}

void executor_kill(struct executor *x, struct attempt_id id)
{
	signal_job(x, id, SIGKILL);
}

/* Nothing is known of an attempt of an earlier server but that it ran. */
void executor_adopt(struct executor *x, const struct adopt *adopt)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->id = adopt->id;
	job->signal = SIGKILL;
	job->state = JOB_SIGNALED;
	TAILQ_INSERT_TAIL(&x->jobs, job, link);
}
