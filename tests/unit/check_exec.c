/*
 * The executor with the real shim and real programs. Tests wait for its news,
 * never for a time.
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

/* --- ends ----------------------------------------------------------------- */

START_TEST(B10_every_exit_code_is_told_as_it_is)
{
	struct world w;

	world_init(&w);
	for (int code = 0; code < 256; code++) {
		char number[16];
		const struct outcome *o;

		(void)snprintf(number, sizeof(number), "%d", code);
		o = world_run(&w, 0, ARGV("exit", number));
		ck_assert_int_eq(o->kind, OUTCOME_EXITED);
		ck_assert_int_eq(o->code, code);
		ck_assert_int_eq(o->signal, 0);
		ck_assert_int_gt(o->memory_bytes, 0);
		ck_assert_int_ge(o->elapsed_ms, 0);
		ck_assert_int_eq(w.told[0].spawned, 1);
		ck_assert_int_eq(w.told[0].ended, 1);
		told_reset(&w.told[0]);
	}
	world_fini(&w);
}
END_TEST

START_TEST(B10_every_deadly_signal_is_told_as_it_is)
{
	struct world w;

	world_init(&w);
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		char number[16];
		const struct outcome *o;

		if (signo == SIGCHLD || signo == SIGCONT || signo == SIGURG ||
		    signo == SIGWINCH || signo == SIGSTOP || signo == SIGTSTP ||
		    signo == SIGTTIN || signo == SIGTTOU)
			continue;
		(void)snprintf(number, sizeof(number), "%d", signo);
		o = world_run(&w, 0, ARGV("signal", number));
		ck_assert_int_eq(o->kind, OUTCOME_SIGNALED);
		ck_assert_int_eq(o->signal, signo);
		ck_assert_int_eq(o->code, 0);
		ck_assert(!o->core);
		told_reset(&w.told[0]);
	}
	world_fini(&w);
}
END_TEST

/* Whether a core was made is the machine's to say; it must be passed on. */
START_TEST(B10_the_core_flag_is_what_the_kernel_says)
{
	struct world w;
	int status;
	pid_t pid;

	world_init(&w);
	pid = fork();
	if (pid == 0) {
		if (chdir(w.dir) == 0)
			(void)execl(TRIAL, TRIAL, "core", "6", NULL);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	world_launch_in(&w, 0, ARGV("core", "6"), w.dir, 0);
	WAIT(&w, w.told[0].spawned > 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGABRT);
	ck_assert_int_eq(w.told[0].outcome.core, WCOREDUMP(status) != 0);
	world_fini(&w);
}
END_TEST

static const struct {
	const char *command; /* %s: the test's directory */
	const char *workdir;
	int error;
	const char *what;
} not_executed[] = {
	{"%s/missing",                   "/",              ENOENT,  "execve"},
	{ "no-such-command-on-the-path", "/",              ENOENT,  "execve"},
	{ "%s",			  "/",              EACCES,  "execve"},
	{ "%s/plain",                    "/",              EACCES,  "execve"},
	{ "%s/text",		     "/",              ENOEXEC, "execve"},
	{ "%s/no-interpreter",           "/",              ENOENT,  "execve"},
	{ "%s/busy",		     "/",              ETXTBSY, "execve"},
	{ "true",			"/no/such/place", ENOENT,  "chdir" },
	{ "true",			"/etc/passwd",    ENOTDIR, "chdir" },
};

START_TEST(B9_I7_a_command_that_cannot_be_run_is_told_with_its_errno)
{
	static const struct {
		const char *name;
		mode_t mode;
		const char *text;
	} files[] = {
		{"plain",           0600, "#!/bin/sh\n"              },
		{ "text",           0700, "echo this is no program\n"},
		{ "no-interpreter", 0700, "#!/no/such/interpreter\n" },
		{ "busy",           0700, ""                         },
	};
	struct world w;
	auto_free char *command = NULL;
	auto_free char *busy = NULL;
	int fd;

	world_init(&w);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", w.dir, files[i].name);

		world_write_file(path, files[i].text);
		ck_assert_int_eq(chmod(path, files[i].mode), 0);
	}
	busy = xasprintf("%s/busy", w.dir);
	fd = open(busy, O_WRONLY | O_CLOEXEC);
	command = not_executed[_i].command[0] == '%'
		      ? xasprintf("%s%s", w.dir, not_executed[_i].command + 2)
		      : xstrdup(not_executed[_i].command);
	world_launch_in(&w, 0, (const char *const[]){ command, NULL },
			not_executed[_i].workdir, 0);
	WAIT(&w, w.told[0].spawned > 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NOT_EXECUTED);
	ck_assert_int_eq(w.told[0].outcome.error, not_executed[_i].error);
	ck_assert_str_eq(w.told[0].outcome.what, not_executed[_i].what);
	(void)close(fd);
	world_fini(&w);
}
END_TEST

START_TEST(B9_a_shim_that_cannot_be_started_is_told)
{
	static char large[3 * 1024 * 1024];
	struct world w;

	world_init(&w);
	memset(large, 'x', sizeof(large) - 1);
	world_launch_in(&w, 0, ARGV("args", large), "/", 0);
	ck_assert_int_eq(w.told[0].failed, 0);
	WAIT(&w, w.told[0].failed > 0);
	ck_assert_int_eq(w.told[0].error, E2BIG);
	ck_assert_int_eq(w.told[0].spawned, 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_told)
{
	struct world w;
	auto_free char *in_the_way = NULL;

	world_init(&w);
	in_the_way = xasprintf("%s/1", w.dir);
	world_write_file(in_the_way, "");
	world_launch_in(&w, 0, ARGV("exit", "0"), "/", 0);
	WAIT(&w, w.told[0].failed > 0);
	ck_assert_int_eq(w.told[0].error, ENOTDIR);
	ck_assert_str_eq(w.told[0].what, "mkdir");
	world_fini(&w);
}
END_TEST

/* --- the output ----------------------------------------------------------- */

START_TEST(each_byte_of_the_output_is_read_once)
{
	struct world w;
	auto_buf struct buf log = BUF_INIT;

	world_init(&w);
	world_run(&w, 0, ARGV("count", "200000"));
	world_read_log(&w, 0, &log);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].n_loss, 200000);
	ck_assert(w.told[0].loss_is_in_order);
	ck_assert_int_eq(w.told[0].n_metrics, 200001);
	ck_assert_double_eq(w.told[0].latest, 200000);
	ck_assert_uint_eq(w.told[0].offset, log.len);
	world_fini(&w);
}
END_TEST

START_TEST(output_is_told_while_the_trial_runs)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	ck_assert_int_eq(w.told[0].ended, 0);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	world_fini(&w);
}
END_TEST

START_TEST(a_second_attempt_begins_where_the_first_ended)
{
	struct world w;
	int64_t end;

	world_init(&w);
	world_run(&w, 0, ARGV("count", "10"));
	end = w.told[0].offset;
	ck_assert_int_gt(end, 0);
	told_reset(&w.told[0]);
	world_run(&w, 0, ARGV("count", "5"));
	ck_assert_int_eq(w.told[0].begin, end);
	ck_assert_int_eq(w.told[0].n_loss, 5);
	world_fini(&w);
}
END_TEST

START_TEST(G6_a_log_that_is_cut_short_is_read_from_its_new_beginning)
{
	struct world w;
	auto_free char *fifo = NULL;
	auto_free char *log = NULL;
	int fd;

	world_init(&w);
	fifo = xasprintf("%s/fifo", w.dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	world_start(&w, 0, ARGV("wait", fifo));
	WAIT(&w, w.told[0].n_metrics == 1);
	log = world_path(&w, 0, TRIALDIR_LOG);
	ck_assert_int_eq(truncate(log, 0), 0);
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "a=1\n", 4), 4);
	WAIT(&w, w.told[0].n_metrics == 2);
	(void)close(fd);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_str_eq(w.told[0].names[1], "a");
	ck_assert_int_eq(w.told[0].offset, 4);
	world_fini(&w);
}
END_TEST

/* --- what the trial is given ---------------------------------------------- */

START_TEST(I3_I4_arguments_arrive_as_they_are)
{
	const char *const argv[] = { TRIAL,    "args",        "",
				     " a  b ", "$(id)",       "`x`; rm *",
				     "\n\t\\", "'\"\xff\x01", "--",
				     NULL };
	struct world w;
	auto_buf struct buf log = BUF_INIT;
	auto_buf struct buf wanted = BUF_INIT;

	world_init(&w);
	world_run(&w, 0, argv);
	world_read_log(&w, 0, &log);
	for (size_t i = 0; argv[i] != NULL; i++)
		buf_add(&wanted, argv[i], strlen(argv[i]) + 1);
	ck_assert_uint_eq(log.len, wanted.len);
	ck_assert_mem_eq(log.data, wanted.data, wanted.len);
	world_fini(&w);
}
END_TEST

START_TEST(B16_the_environment_is_exactly_what_was_given)
{
	struct world w;
	auto_free char *token = NULL;
	auto_buf struct buf log = BUF_INIT;
	auto_buf struct buf wanted = BUF_INIT;

	world_init(&w);
	ck_assert_int_eq(setenv("NOT_FOR_TRIALS", "1", 1), 0);
	world_run(&w, 0, ARGV("environ"));
	world_read_log(&w, 0, &log);
	token = world_token(0);
	buf_addf(&wanted, "HPS_TOKEN=%s", token);
	buf_add(&wanted, "\0" PATH, sizeof("\0" PATH));
	ck_assert_uint_eq(log.len, wanted.len);
	ck_assert_mem_eq(log.data, wanted.data, wanted.len);
	world_fini(&w);
}
END_TEST

START_TEST(B17_no_descriptor_of_ours_leaks_into_a_trial)
{
	struct world w;
	int leaky;

	world_init(&w);
	/* Without O_CLOEXEC, as a library might. */
	leaky = open("/dev/null", O_RDONLY);
	world_run(&w, 0, ARGV("descriptors"));
	ck_assert_int_eq(w.told[0].n_metrics, 3);
	for (int fd = 0; fd < 3; fd++)
		ck_assert_double_eq(w.told[0].values[fd], fd);
	(void)close(leaky);
	world_fini(&w);
}
END_TEST

START_TEST(B17_signals_are_at_their_defaults_in_a_session_of_its_own)
{
	struct world w;
	sigset_t set;

	world_init(&w);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	world_run(&w, 0, ARGV("state"));
	ck_assert_int_eq(w.told[0].n_metrics, 1);
	ck_assert_str_eq(w.told[0].names[0], "own_session");
	ck_assert_double_eq(w.told[0].latest, 1);
	world_fini(&w);
}
END_TEST

static void run_shell(struct world *w, const char *script, int64_t memory_bytes)
{
	world_launch_in(
	    w, 0, (const char *const[]){ "sh", "-c", (char *)script, NULL },
	    "/usr", memory_bytes);
	WAIT(w, w->told[0].spawned > 0);
	executor_go(w->x, world_id(0));
	WAIT(w, w->told[0].ended > 0);
	ck_assert_int_eq(w->told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w->told[0].outcome.code, 0);
}

START_TEST(B18_stdin_is_empty)
{
	struct world w;

	world_init(&w);
	run_shell(&w, "echo n=$(wc -c)", 0);
	ck_assert_double_eq(w.told[0].latest, 0);
	world_fini(&w);
}
END_TEST

START_TEST(B13_the_memory_limit_and_the_working_directory_are_set)
{
	struct world w;
	auto_buf struct buf log = BUF_INIT;

	world_init(&w);
	run_shell(&w, "ulimit -d; ulimit -H -d; pwd", 64 * 1024 * 1024);
	world_read_log(&w, 0, &log);
	ck_assert_str_eq(buf_text(&log), "65536\n65536\n/usr\n");
	world_fini(&w);
}
END_TEST

START_TEST(the_directory_holds_the_parameters_and_a_checkpoint_place)
{
	struct world w;
	struct stat st;
	auto_free char *dir = NULL;
	auto_free char *params = NULL;
	auto_free char *checkpoint = NULL;
	auto_buf struct buf text = BUF_INIT;

	world_init(&w);
	world_run(&w, 0, ARGV("exit", "0"));
	dir = world_dir(&w, 0);
	params = world_path(&w, 0, "params.json");
	checkpoint = world_path(&w, 0, "checkpoint");
	world_read_file(params, &text);
	ck_assert_str_eq(buf_text(&text), "{\"lr\":0.1}");
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(checkpoint, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	world_fini(&w);
}
END_TEST

/* --- stopping and sweeping ------------------------------------------------ */

START_TEST(terminate_lets_the_trial_end_itself)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("polite"));
	WAIT(&w, w.told[0].n_metrics == 1);
	executor_terminate(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 3);
	ck_assert_str_eq(w.told[0].names[1], "term");
	world_fini(&w);
}
END_TEST

START_TEST(what_is_sent_right_after_the_start_arrives)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("stay"));
	executor_terminate(w.x, world_id(0));
	world_start(&w, 1, ARGV("stay"));
	executor_kill(w.x, world_id(1));
	WAIT(&w, w.told[0].ended + w.told[1].ended == 2);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SIGNALED);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGTERM);
	ck_assert_int_eq(w.told[1].outcome.kind, OUTCOME_SIGNALED);
	ck_assert_int_eq(w.told[1].outcome.signal, SIGKILL);
	world_fini(&w);
}
END_TEST

START_TEST(B3_who_forks_faster_than_one_can_look_is_caught)
{
	struct world w;

	world_init(&w);
	world_run(&w, 0, ARGV("relay"));
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 0);
	world_fini(&w);
}
END_TEST

START_TEST(B4_kill_ends_a_trial_that_ignores_terminate)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("stubborn"));
	WAIT(&w, w.told[0].n_metrics == 1);
	executor_terminate(w.x, world_id(0));
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SIGNALED);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGKILL);
	world_fini(&w);
}
END_TEST

START_TEST(B4_a_stopped_trial_hears_terminate)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("stop"));
	WAIT(&w, w.told[0].n_metrics == 1);
	executor_terminate(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGTERM);
	world_fini(&w);
}
END_TEST

START_TEST(B4_a_stopped_trial_dies_by_kill_even_with_its_shim_stopped)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("stop"));
	WAIT(&w, w.told[0].n_metrics == 1);
	ck_assert_int_eq(kill((pid_t)w.told[0].pid, SIGSTOP), 0);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGKILL);
	world_fini(&w);
}
END_TEST

/* It holds the output open as well, which must not hold up the end. */
START_TEST(B4_a_traced_trial_dies_by_kill)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("traced"));
	WAIT(&w, w.told[0].n_metrics == 1);
	executor_terminate(w.x, world_id(0));
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SIGNALED);
	world_fini(&w);
}
END_TEST

START_TEST(B3_B5_who_escapes_is_killed_when_the_leader_ends)
{
	struct world w;

	world_init(&w);
	world_run(&w, 0, ARGV("escape-and-exit", "5"));
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 5);
	ck_assert_str_eq(w.told[0].names[0], "grandchild");
	/* Mostly it is gone before its line is read, and has no pidfd. */
	ck_assert(w.told[0].pidfd_of_grandchild < 0 ||
		  pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	world_fini(&w);
}
END_TEST

START_TEST(B3_who_escapes_is_killed_by_kill)
{
	struct world w;

	world_init(&w);
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	ck_assert(!pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
	ck_assert(pidfd_is_dead(w.told[0].pidfd));
	world_fini(&w);
}
END_TEST

/* --- the executor --------------------------------------------------------- */

START_TEST(B7_many_at_once_leave_nothing_behind)
{
	struct world w;
	int before;

	world_init(&w);
	/* epoll's descriptor and the like are there after the first. */
	world_run(&w, 0, ARGV("exit", "0"));
	before = world_descriptors();
	told_reset(&w.told[0]);
	for (int i = 0; i < TRIALS; i++)
		world_launch_in(&w, i, ARGV("count", "10"), "/", 0);
	for (int i = 0; i < TRIALS; i++) {
		WAIT(&w, w.told[i].spawned > 0);
		executor_go(w.x, world_id(i));
	}
	for (int i = 0; i < TRIALS; i++) {
		WAIT(&w, w.told[i].ended > 0);
		ck_assert_int_eq(w.told[i].outcome.kind, OUTCOME_EXITED);
		ck_assert_int_eq(w.told[i].n_loss, 10);
	}
	ck_assert_int_eq(world_descriptors(), before);
	/* No zombie: there is nobody to wait for. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	world_fini(&w);
}
END_TEST

START_TEST(the_executor_can_be_closed_from_its_own_news)
{
	struct world w;

	world_init(&w);
	w.close_at_end = true;
	for (int i = 0; i < 4; i++)
		world_launch_in(&w, i, ARGV("exit", "0"), "/", 0);
	for (int i = 0; i < 4; i++)
		WAIT(&w, w.told[i].spawned > 0);
	executor_go(w.x, world_id(2));
	WAIT(&w, w.closed);
	ck_assert_int_eq(w.told[2].ended, 1);
	world_fini(&w);
}
END_TEST

START_TEST(calls_for_an_attempt_that_is_gone_are_fine)
{
	struct world w;

	world_init(&w);
	world_run(&w, 0, ARGV("exit", "0"));
	executor_go(w.x, world_id(0));
	executor_terminate(w.x, world_id(0));
	executor_kill(w.x, world_id(0));
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
	Suite *s = suite_create("exec");
	TCase *tc = new_case(s, "ends");

	tcase_add_test(tc, B10_every_exit_code_is_told_as_it_is);
	tcase_add_test(tc, B10_every_deadly_signal_is_told_as_it_is);
	tcase_add_test(tc, B10_the_core_flag_is_what_the_kernel_says);
	tcase_add_loop_test(
	    tc, B9_I7_a_command_that_cannot_be_run_is_told_with_its_errno, 0,
	    N(not_executed));
	tcase_add_test(tc, B9_a_shim_that_cannot_be_started_is_told);
	tcase_add_test(tc, a_directory_that_cannot_be_made_is_told);

	tc = new_case(s, "output");
	tcase_add_test(tc, each_byte_of_the_output_is_read_once);
	tcase_add_test(tc, output_is_told_while_the_trial_runs);
	tcase_add_test(tc, a_second_attempt_begins_where_the_first_ended);
	tcase_add_test(
	    tc, G6_a_log_that_is_cut_short_is_read_from_its_new_beginning);

	tc = new_case(s, "given");
	tcase_add_test(tc, I3_I4_arguments_arrive_as_they_are);
	tcase_add_test(tc, B16_the_environment_is_exactly_what_was_given);
	tcase_add_test(tc, B17_no_descriptor_of_ours_leaks_into_a_trial);
	tcase_add_test(
	    tc, B17_signals_are_at_their_defaults_in_a_session_of_its_own);
	tcase_add_test(tc, B18_stdin_is_empty);
	tcase_add_test(tc,
		       B13_the_memory_limit_and_the_working_directory_are_set);
	tcase_add_test(
	    tc, the_directory_holds_the_parameters_and_a_checkpoint_place);

	tc = new_case(s, "stop");
	tcase_add_test(tc, terminate_lets_the_trial_end_itself);
	tcase_add_test(tc, what_is_sent_right_after_the_start_arrives);
	tcase_add_test(tc, B3_who_forks_faster_than_one_can_look_is_caught);
	tcase_add_test(tc, B4_kill_ends_a_trial_that_ignores_terminate);
	tcase_add_test(tc, B4_a_stopped_trial_hears_terminate);
	tcase_add_test(
	    tc, B4_a_stopped_trial_dies_by_kill_even_with_its_shim_stopped);
	tcase_add_test(tc, B4_a_traced_trial_dies_by_kill);
	tcase_add_test(tc, B3_B5_who_escapes_is_killed_when_the_leader_ends);
	tcase_add_test(tc, B3_who_escapes_is_killed_by_kill);

	tc = new_case(s, "executor");
	tcase_add_test(tc, B7_many_at_once_leave_nothing_behind);
	tcase_add_test(tc, the_executor_can_be_closed_from_its_own_news);
	tcase_add_test(tc, calls_for_an_attempt_that_is_gone_are_fine);
	return s;
}
