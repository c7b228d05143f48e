/*
 * Trials a second through the executor and the shim, beside `xargs -n1` in the
 * same place.
 *
 *     build/tests/bench/bench_starts [TRIALS [AT-ONCE [COMMAND]]]
 *
 * In $TMPDIR, which matters: an ext4 without a journal makes a file ten times
 * as slowly where many have been removed in the last seconds.
 */
#include "exec/executor.h"

#include "schema/mem.h"

#include <err.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct search_spec spec = { .metric = (char *)"loss" };

static struct {
	struct executor *x;
	const char *dir;
	char *command;
	char token[TOKEN_BYTES];
	char variable[10 + TOKEN_BYTES];
	long trials, started, ended;
} bench;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void launch_next(void)
{
	auto_free char *dir = NULL;

	if (bench.started == bench.trials)
		return;
	dir = xasprintf("%s/1/%ld", bench.dir, bench.started);
	executor_launch(bench.x,
			&(struct launch){
			    .id = {bench.started++, 1},
			    .spec = &spec,
			    .dir = dir,
			    .token = bench.token,
			    .params = "{\"lr\":0.1,\"optimizer\":\"adam\"}",
			    .workdir = "/",
			    .argv = (char *[]){                            bench.command,           NULL},
			    .environ = (char *[]){ (char *)"PATH=/usr/bin:/bin",
                                   bench.variable,           NULL },
        });
}

static void on_spawned(void *ctx, struct attempt_id id, int64_t pid,
		       int64_t offset)
{
	executor_go(bench.x, id);
}

static void on_spawn_failed(void *ctx, struct attempt_id id, int error,
			    const char *what)
{
	errx(1, "%s: %s", what, strerror(error));
}

static void on_output(void *ctx, struct attempt_id id,
		      const struct executor_output *output)
{
}

static void on_closed(void *ctx)
{
}

static void on_ended(void *ctx, struct attempt_id id,
		     const struct outcome *outcome)
{
	if (outcome->kind != OUTCOME_EXITED)
		errx(1, "%s: %s", outcome_kind_name(outcome->kind),
		     strerror(outcome->error));
	if (++bench.ended == bench.trials)
		executor_close(bench.x, on_closed, NULL);
	else
		launch_next();
}

static double run(long at_once)
{
	const struct executor_callbacks news = {
		.spawned = on_spawned,
		.spawn_failed = on_spawn_failed,
		.output = on_output,
		.ended = on_ended,
	};
	double began = now_s();
	uv_loop_t loop;

	if (uv_loop_init(&loop) < 0 ||
	    executor_new(&loop, HPSD_SHIM, &news, &bench.x) < 0)
		errx(1, "no executor");
	for (long i = 0; i < at_once; i++)
		launch_next();
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop) != 0)
		errx(1, "a handle was left open");
	return (double)bench.trials / (now_s() - began);
}

static double run_xargs(long at_once)
{
	auto_free char *line =
	    xasprintf("seq %ld | xargs -P%ld -n1 %s >/dev/null", bench.trials,
		      at_once, bench.command);
	double began = now_s();

	if (system(line) != 0)
		errx(1, "failed: %s", line);
	return (double)bench.trials / (now_s() - began);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	auto_free char *dir =
	    xasprintf("%s/bench_starts.XXXXXX", tmp != NULL ? tmp : "/tmp");
	long at_once = argc > 2 ? atol(argv[2]) : 2;
	double ours, theirs;

	bench.trials = argc > 1 ? atol(argv[1]) : 2000;
	bench.command = argc > 3 ? argv[3] : (char *)"true";
	bench.dir = mkdtemp(dir);
	(void)snprintf(bench.token, sizeof(bench.token), "%032x",
		       (unsigned)getpid());
	(void)snprintf(bench.variable, sizeof(bench.variable), "HPS_TOKEN=%s",
		       bench.token);
	if (bench.dir == NULL || bench.trials <= 0 || at_once <= 0)
		errx(2, "usage: bench_starts [TRIALS [AT-ONCE [COMMAND]]]");
	theirs = run_xargs(at_once);
	ours = run(at_once);
	printf("%ld at once: executor %.0f/s, xargs %.0f/s, ratio %.2f\n",
	       at_once, ours, theirs, ours / theirs);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
