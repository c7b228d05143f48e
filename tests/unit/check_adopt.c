/*
 * What the executor makes of attempts that it did not see to their end: shut
 * gates, killed shims, and whatever an earlier daemon has left.
 */
#include "check_main.h"
#include "exec_world.h"
#include "shim/trialdir.h"

#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the gate ------------------------------------------------------------- */

START_TEST(nothing_runs_behind_a_gate_that_is_never_opened)
{
	struct world w;
	auto_free char *witness = NULL;
	struct stat st;

	world_init(&w);
	witness = xasprintf("%s/witness", w.dir);
	world_launch(&w, 0, (const char *const[]){ "touch", witness, NULL });
	world_close(&w);
	world_open(&w);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
	ck_assert_int_eq(w.told[0].adopted, 0);
	ck_assert_int_lt(stat(witness, &st), 0);

	/* It is free to be launched again, as the same attempt. */
	w.told[0].ended = 0;
	w.told[0].spawned = 0;
	world_run(&w, 0, (const char *const[]){ "touch", witness, NULL });
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(stat(witness, &st), 0);
	world_fini(&w);
}
END_TEST

START_TEST(an_attempt_stopped_at_its_gate_never_started)
{
	struct world w;

	world_init(&w);
	world_launch(&w, 0, ARGV("stay"));
	world_launch(&w, 1, ARGV("stay"));
	world_launch(&w, 2, ARGV("stay"));
	executor_terminate(w.x, world_id(0));
	executor_kill(w.x, world_id(1));
	ck_assert_int_eq(kill((pid_t)w.told[2].pid, SIGKILL), 0);
	executor_go(w.x, world_id(0));
	for (int i = 0; i < 3; i++) {
		WAIT(&w, w.told[i].ended > 0);
		ck_assert_int_eq(w.told[i].outcome.kind, OUTCOME_NEVER_STARTED);
		ck_assert_int_eq(w.told[i].n_metrics, 0);
	}
	world_fini(&w);
}
END_TEST

START_TEST(a_shim_that_finds_its_file_locked_starts_nothing)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct world w;
	auto_free char *path = NULL;
	int fd;

	world_init(&w);
	world_make_dir(&w, 0);
	path = world_path(&w, 0, "attempt-1.json");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	world_run(&w, 0, ARGV("stay"));
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
	ck_assert_int_eq(w.told[0].outcome.error, EAGAIN);
	(void)close(fd);
	world_fini(&w);
}
END_TEST

/* --- dead shims ----------------------------------------------------------- */

START_TEST(B1_a_shim_that_is_killed_takes_its_trial_along)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	ck_assert_int_eq(kill((pid_t)w.told[0].pid, SIGKILL), 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SHIM_DIED);
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	ck_assert(pidfd_is_dead(w.told[0].pidfd));
	world_fini(&w);
}
END_TEST

START_TEST(B15_a_trial_whose_directory_is_removed_is_not_run_again)
{
	struct world w;
	auto_free char *file = NULL;

	world_init(&w);
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	file = world_path(&w, 0, "attempt-1.json");
	ck_assert_int_eq(unlink(file), 0);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SHIM_DIED);
	world_fini(&w);
}
END_TEST

/* --- adoption ------------------------------------------------------------- */

START_TEST(a_running_attempt_is_adopted_with_the_rest_of_its_output)
{
	struct world w;
	auto_free char *token = world_token(0);
	auto_free char *fifo = NULL;
	char boot_id[BOOT_ID_BYTES];
	int64_t pid;
	int fd;

	world_init(&w);
	fifo = xasprintf("%s/fifo", w.dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	world_start(&w, 0, ARGV("wait", fifo));
	WAIT(&w, w.told[0].n_metrics == 1);
	pid = w.told[0].pid;
	world_close(&w);

	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "a=1\nb=2\n", 8), 8);
	world_open(&w);
	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	world_adopt_as(&w, 0, token, boot_id, w.told[0].offset,
		       w.told[0].reader);
	ck_assert_int_eq(w.told[0].adopted, 0);
	WAIT(&w, w.told[0].adopted > 0);
	ck_assert_int_eq(w.told[0].pid, pid);
	WAIT(&w, w.told[0].n_metrics == 3);
	(void)close(fd);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 7);
	ck_assert_int_eq(w.told[0].n_metrics, 3);
	ck_assert_str_eq(w.told[0].names[1], "a");
	ck_assert_str_eq(w.told[0].names[2], "b");
	world_fini(&w);
}
END_TEST

START_TEST(an_attempt_that_ended_meanwhile_is_told_with_its_output)
{
	struct world w;
	auto_free char *fifo = NULL;
	int pidfd, fd;

	world_init(&w);
	fifo = xasprintf("%s/fifo", w.dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	world_start(&w, 0, ARGV("wait", fifo));
	WAIT(&w, w.told[0].n_metrics == 1);
	pidfd = pidfd_open((pid_t)w.told[0].pid, 0);
	world_close(&w);

	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "a=1\n", 4), 4);
	(void)close(fd);
	ck_assert_int_eq(poll(&(struct pollfd){ pidfd, POLLIN, 0 }, 1, -1), 1);
	(void)close(pidfd);
	told_reset(&w.told[0]);
	world_open(&w);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].adopted, 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 7);
	ck_assert_int_eq(w.told[0].n_metrics, 2);
	world_fini(&w);
}
END_TEST

START_TEST(an_adopted_attempt_can_be_stopped_at_once)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	world_close(&w);
	world_open(&w);
	world_adopt(&w, 0);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].adopted, 1);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGKILL);
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	world_fini(&w);
}
END_TEST

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_asked(const char *path)
{
	auto_buf struct buf text = BUF_INIT;

	world_read_file(path, &text);
	return strstr(buf_text(&text), "term_ms") != NULL;
}

/* Its file tells the next daemon when its grace began. */
START_TEST(A4_what_was_asked_to_end_is_adopted_with_the_time_of_that)
{
	struct world w;
	int64_t before = monotonic_ms();
	auto_free char *path = NULL;

	world_init(&w);
	path = world_path(&w, 0, "attempt-1.json");
	world_start(&w, 0, ARGV("stubborn"));
	WAIT(&w, w.told[0].n_metrics > 0);
	executor_terminate(w.x, world_id(0));
	WAIT(&w, w.told[0].terminated == 1 && is_asked(path));
	world_close(&w);
	world_open(&w);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].adopted > 0);
	ck_assert_int_ge(w.told[0].term_ms, before);
	ck_assert_int_le(w.told[0].term_ms, monotonic_ms());
	ck_assert_int_eq(w.told[0].terminated, 1);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	world_fini(&w);
}
END_TEST

/* It runs, so that it must not be taken for one that never did. */
START_TEST(B15_a_living_trial_whose_file_was_removed_ends_and_is_lost)
{
	struct world w;
	auto_free char *path = NULL;
	int pidfd;

	world_init(&w);
	path = world_path(&w, 0, "attempt-1.json");
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	pidfd = pidfd_open((pid_t)w.told[0].pid, 0);
	world_close(&w);
	ck_assert_int_eq(unlink(path), 0);
	world_open(&w);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].adopted, 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SHIM_DIED);
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	ck_assert(pidfd_is_dead(pidfd));
	close(pidfd);
	world_fini(&w);
}
END_TEST

START_TEST(B2_a_shim_that_died_unseen_leaves_nobody)
{
	struct world w;
	pid_t shim;

	world_init(&w);
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	shim = (pid_t)w.told[0].pid;
	world_close(&w);
	ck_assert_int_eq(kill(shim, SIGKILL), 0);
	ck_assert_int_eq(waitpid(shim, NULL, 0), shim);
	world_open(&w);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SHIM_DIED);
	ck_assert(pidfd_is_dead(w.told[0].pidfd));
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	world_fini(&w);
}
END_TEST

/* What stands in the file of an attempt whose shim is gone. */
#define TOKEN "0123456789abcdef0123456789abcdef"
#define HEAD  "{\"version\":1,\"token\":\"" TOKEN "\",\"phase\":"
#define FIGURES                                                                \
	",\"user_ms\":1,\"system_ms\":2,\"memory_bytes\":3,\"elapsed_ms\":4}"
#define EXITED                                                                 \
	HEAD "\"ended\",\"swept\":true,\"kind\":\"exited\",\"code\":3,"        \
	     "\"signal\":0,\"core\":false,\"error\":0,\"what\":\"\"" FIGURES

static const struct {
	const char *text; /* NULL: no file */
	const char *boot_id;
	enum outcome_kind kind;
} found[] = {
	{NULL,							     NULL,      OUTCOME_NEVER_STARTED},
	{ NULL,							    "another", OUTCOME_REBOOTED     },
	{ "",							      NULL,      OUTCOME_NEVER_STARTED},
	{ "{\"version\":1,\"tok",					  NULL,      OUTCOME_NEVER_STARTED},
	{ "\1\2\3",							NULL,      OUTCOME_NEVER_STARTED},
	{ "[]",							    NULL,      OUTCOME_NEVER_STARTED},
	{ HEAD "\"waiting\"}",					     NULL,      OUTCOME_NEVER_STARTED},
	{ HEAD "\"waiting\"}",					     "another", OUTCOME_REBOOTED     },
	{ HEAD "\"started\"}",					     NULL,      OUTCOME_SHIM_DIED    },
	{ HEAD "\"started\"}",					     "another", OUTCOME_REBOOTED     },
	{ HEAD "\"ended\"}",					       NULL,      OUTCOME_SHIM_DIED    },
	{ HEAD "\"ended\",\"kind\":\"rebooted\"}",                         NULL,      OUTCOME_SHIM_DIED    },
	{ HEAD "\"ended\",\"kind\":\"exited\",\"code\":256,\"signal\":0,"
	       "\"error\":0,\"what\":\"\"" FIGURES,
         NULL,									OUTCOME_SHIM_DIED    },
	{ EXITED,							  NULL,      OUTCOME_EXITED       },
	{ EXITED "\n   ",						  "another", OUTCOME_EXITED       },
	{ EXITED "x",						      NULL,      OUTCOME_NEVER_STARTED},
	{ "{\"version\":1,\"token\":\"ff\",\"phase\":\"started\"}",        NULL,
         OUTCOME_NEVER_STARTED									     },
	{ "{\"version\":2,\"token\":\"" TOKEN "\",\"phase\":\"waiting\"}", NULL,
         OUTCOME_NEVER_STARTED									     },
};

START_TEST(what_is_found_after_a_restart_decides)
{
	struct world w;
	char boot_id[BOOT_ID_BYTES];

	world_init(&w);
	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	world_make_dir(&w, 0);
	if (found[_i].text != NULL) {
		auto_free char *path = world_path(&w, 0, "attempt-1.json");

		world_write_file(path, found[_i].text);
	}
	world_adopt_as(&w, 0, TOKEN,
		       found[_i].boot_id != NULL ? found[_i].boot_id : boot_id,
		       0, NULL);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_str_eq(outcome_kind_name(w.told[0].outcome.kind),
			 outcome_kind_name(found[_i].kind));
	if (found[_i].kind == OUTCOME_EXITED) {
		ck_assert_int_eq(w.told[0].outcome.code, 3);
		ck_assert_int_eq(w.told[0].outcome.user_ms, 1);
		ck_assert_int_eq(w.told[0].outcome.system_ms, 2);
		ck_assert_int_eq(w.told[0].outcome.memory_bytes, 3);
		ck_assert_int_eq(w.told[0].outcome.elapsed_ms, 4);
	}
	world_fini(&w);
}
END_TEST

START_TEST(B15_a_file_that_is_no_file_stops_nothing)
{
	struct world w;
	auto_free char *path = NULL;

	world_init(&w);
	world_make_dir(&w, 0);
	path = world_path(&w, 0, "attempt-1.json");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
	world_fini(&w);
}
END_TEST

START_TEST(a_wedged_holder_of_the_lock_is_killed)
{
	struct world w;
	int status;
	pid_t pid;

	world_init(&w);
	world_make_dir(&w, 0);
	pid = world_hold_lock(&w, 0);
	world_adopt(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	world_fini(&w);
}
END_TEST

static TCase *new_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return tc;
}

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("adopt");
	TCase *tc = new_case(s, "gate");

	tcase_add_test(tc, nothing_runs_behind_a_gate_that_is_never_opened);
	tcase_add_test(tc, an_attempt_stopped_at_its_gate_never_started);
	tcase_add_test(tc, a_shim_that_finds_its_file_locked_starts_nothing);

	tc = new_case(s, "dead shims");
	tcase_add_test(tc, B1_a_shim_that_is_killed_takes_its_trial_along);
	tcase_add_test(tc,
		       B15_a_trial_whose_directory_is_removed_is_not_run_again);

	tc = new_case(s, "adopt");
	tcase_add_test(
	    tc, a_running_attempt_is_adopted_with_the_rest_of_its_output);
	tcase_add_test(tc,
		       an_attempt_that_ended_meanwhile_is_told_with_its_output);
	tcase_add_test(tc, an_adopted_attempt_can_be_stopped_at_once);
	tcase_add_test(
	    tc, A4_what_was_asked_to_end_is_adopted_with_the_time_of_that);
	tcase_add_test(
	    tc, B15_a_living_trial_whose_file_was_removed_ends_and_is_lost);
	tcase_add_test(tc, B2_a_shim_that_died_unseen_leaves_nobody);
	tcase_add_loop_test(tc, what_is_found_after_a_restart_decides, 0,
			    N(found));
	tcase_add_test(tc, B15_a_file_that_is_no_file_stops_nothing);
	tcase_add_test(tc, a_wedged_holder_of_the_lock_is_killed);

	return s;
}
