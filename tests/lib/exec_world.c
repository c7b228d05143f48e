#include "exec_world.h"

#include "shim/trialdir.h"

#include "schema/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct search_spec spec = { .metric = (char *)"loss" };

/* --- news ----------------------------------------------------------------- */

static struct told *told_of(void *ctx, struct attempt_id id)
{
	struct world *w = ctx;

	ck_assert_int_ge(id.trial, 0);
	ck_assert_int_lt(id.trial, TRIALS);
	return &w->told[id.trial];
}

static void on_spawned(void *ctx, struct attempt_id id, int64_t pid,
		       int64_t offset)
{
	struct told *t = told_of(ctx, id);

	t->spawned++;
	t->pid = pid;
	t->begin = offset;
}

static void on_spawn_failed(void *ctx, struct attempt_id id, int error,
			    const char *what)
{
	struct told *t = told_of(ctx, id);

	t->failed++;
	t->error = error;
	(void)snprintf(t->what, sizeof(t->what), "%s", what);
}

static void on_metric(struct told *t, const struct metric_record *m)
{
	ck_assert_int_eq(m->kind, VALUE_FINITE);
	if (t->n_metrics < NAMES) {
		(void)snprintf(t->names[t->n_metrics], sizeof(t->names[0]),
			       "%s", m->name);
		t->values[t->n_metrics] = m->value;
	}
	t->n_metrics++;
	t->latest = m->value;
	if (strcmp(m->name, "loss") == 0 && m->value != (double)t->n_loss++)
		t->loss_is_in_order = false;
	if (strcmp(m->name, "pid") == 0 && t->pidfd < 0)
		t->pidfd = pidfd_open((pid_t)m->value, 0);
	if (strcmp(m->name, "grandchild") == 0 && t->pidfd_of_grandchild < 0)
		t->pidfd_of_grandchild = pidfd_open((pid_t)m->value, 0);
}

static void on_output(void *ctx, struct attempt_id id,
		      const struct executor_output *output)
{
	struct told *t = told_of(ctx, id);

	for (size_t i = 0; i < output->n; i++)
		on_metric(t, &output->metrics[i]);
	t->offset = output->offset;
	(void)snprintf(t->reader, sizeof(t->reader), "%s", output->reader);
}

void world_on_closed(void *ctx)
{
	struct world *w = ctx;

	w->closed = true;
	w->x = NULL;
}

static void on_ended(void *ctx, struct attempt_id id,
		     const struct outcome *outcome)
{
	struct world *w = ctx;
	struct told *t = told_of(ctx, id);

	t->ended++;
	t->outcome = *outcome;
	if (w->close_at_end)
		executor_close(w->x, world_on_closed, w);
}

static void on_adopted(void *ctx, struct attempt_id id, int64_t pid,
		       int64_t term_ms)
{
	struct told *t = told_of(ctx, id);

	t->adopted++;
	t->pid = pid;
	t->term_ms = term_ms;
}

static void on_terminated(void *ctx, struct attempt_id id)
{
	told_of(ctx, id)->terminated++;
}

static void on_copied(void *ctx, struct attempt_id id, int64_t started_ms)
{
	struct told *t = told_of(ctx, id);

	t->copied++;
	t->started_ms = started_ms;
}

/* --- the world ------------------------------------------------------------ */

void told_reset(struct told *t)
{
	if (t->pidfd >= 0)
		(void)close(t->pidfd);
	if (t->pidfd_of_grandchild >= 0)
		(void)close(t->pidfd_of_grandchild);
	*t = (struct told){ .pidfd = -1,
			    .pidfd_of_grandchild = -1,
			    .loss_is_in_order = true };
}

void world_open(struct world *w)
{
	const struct executor_callbacks news = {
		.ctx = w,
		.spawned = on_spawned,
		.spawn_failed = on_spawn_failed,
		.output = on_output,
		.ended = on_ended,
		.adopted = on_adopted,
		.terminated = on_terminated,
		.copied = on_copied,
	};

	ck_assert_int_eq(executor_new(&w->loop, HPSD_SHIM, &news, &w->x), 0);
	w->closed = false;
}

void world_close(struct world *w)
{
	executor_close(w->x, world_on_closed, w);
	WAIT(w, w->closed);
}

void world_init(struct world *w)
{
	*w = (struct world){ .dir = "/tmp/check_exec.XXXXXX" };
	for (int i = 0; i < TRIALS; i++) {
		w->told[i].pidfd = -1;
		w->told[i].pidfd_of_grandchild = -1;
		told_reset(&w->told[i]);
	}
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	ck_assert_int_eq(uv_loop_init(&w->loop), 0);
	world_open(w);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

void world_fini(struct world *w)
{
	if (w->x != NULL)
		world_close(w);
	/* Shims that were let go at their gate end and are ours to reap. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	ck_assert_int_eq(uv_run(&w->loop, UV_RUN_DEFAULT), 0);
	ck_assert_int_eq(uv_loop_close(&w->loop), 0);
	for (int i = 0; i < TRIALS; i++)
		told_reset(&w->told[i]);
	ck_assert_int_eq(nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

char *world_dir(const struct world *w, int trial)
{
	return xasprintf("%s/1/%d", w->dir, trial);
}

char *world_path(const struct world *w, int trial, const char *name)
{
	return xasprintf("%s/1/%d/%s", w->dir, trial, name);
}

struct attempt_id world_id(int trial)
{
	return (struct attempt_id){ trial, 1 };
}

/* No two of all tests that run at the same time share one. */
char *world_token(int trial)
{
	return xasprintf("%016x%016x", (unsigned)getpid(), (unsigned)trial);
}

void world_launch_in(struct world *w, int trial, const char *const *argv,
		     const char *workdir, int64_t memory_bytes)
{
	auto_free char *dir = world_dir(w, trial);
	auto_free char *token = world_token(trial);
	auto_free char *variable = xasprintf("HPS_TOKEN=%s", token);

	executor_launch(
	    w->x,
	    &(struct launch){
		.id = world_id(trial),
		.spec = &spec,
		.dir = dir,
		.token = token,
		.params = "{\"lr\":0.1}",
		.workdir = workdir,
		.argv = (char *const *)argv,
		.environ = (char *const[]){variable, (char *)PATH, NULL},
		.memory_bytes = memory_bytes,
		.from = w->from,
        });
}

void world_launch(struct world *w, int trial, const char *const *argv)
{
	world_launch_in(w, trial, argv, "/", 0);
	ck_assert_int_eq(w->told[trial].spawned + w->told[trial].failed, 0);
	WAIT(w, w->told[trial].spawned + w->told[trial].failed > 0);
	ck_assert_int_eq(w->told[trial].failed, 0);
}

void world_start(struct world *w, int trial, const char *const *argv)
{
	world_launch(w, trial, argv);
	executor_go(w->x, world_id(trial));
}

const struct outcome *world_run(struct world *w, int trial,
				const char *const *argv)
{
	world_start(w, trial, argv);
	WAIT(w, w->told[trial].ended > 0);
	return &w->told[trial].outcome;
}

void world_adopt_as(struct world *w, int trial, const char *token,
		    const char *boot_id, int64_t offset, const char *reader)
{
	auto_free char *dir = world_dir(w, trial);

	executor_adopt(w->x, &(struct adopt){
				 .id = world_id(trial),
				 .spec = &spec,
				 .dir = dir,
				 .token = token,
				 .boot_id = boot_id,
				 .offset = offset,
				 .reader = reader,
			     });
}

void world_adopt(struct world *w, int trial)
{
	auto_free char *token = world_token(trial);
	char boot_id[BOOT_ID_BYTES];

	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	world_adopt_as(w, trial, token, boot_id, 0, NULL);
}

void world_read_file(const char *path, struct buf *ret)
{
	char text[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		buf_add(ret, text, (size_t)n);
	(void)close(fd);
}

void world_read_log(const struct world *w, int trial, struct buf *ret)
{
	auto_free char *path = world_path(w, trial, TRIALDIR_LOG);

	world_read_file(path, ret);
}

void world_write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

void world_make_dir(const struct world *w, int trial)
{
	auto_free char *dir = world_dir(w, trial);
	auto_free char *parent = xasprintf("%s/1", w->dir);

	ck_assert(mkdir(parent, 0700) == 0 || errno == EEXIST);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}

pid_t world_hold_lock(const struct world *w, int trial)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_free char *path = world_path(w, trial, "attempt-1.json");
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CREAT, 0600);

		if (fcntl(fd, F_SETLK, &lock) == 0 &&
		    write(ready[1], "", 1) == 1)
			for (;;)
				(void)pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

bool pidfd_is_dead(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	ck_assert_int_ge(pidfd, 0);
	return poll(&p, 1, 0) == 1;
}

int world_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}
