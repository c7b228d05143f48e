/*
 * What the executor and the shim do when the system says no, and what
 * `hpctl restore` does to the files of attempts.
 */
#include "check_main.h"
#include "exec/attempts.h"
#include "exec/probe.h"
#include "exec/sweep.h"
#include "exec_world.h"
#include "refuse.h"
#include "shim/trialdir.h"

#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define ENDED                                                                  \
	"{\"version\":1,\"token\":\"" TOKEN "\",\"phase\":\"ended\","          \
	"\"swept\":true,\"kind\":\"exited\",\"code\":3,\"signal\":0,"          \
	"\"core\":false,\"error\":0,\"what\":\"\",\"user_ms\":1,"              \
	"\"system_ms\":2,\"memory_bytes\":3,\"elapsed_ms\":4}"

/* The flags by which calls are told apart. */
#define FILE_FLAGS    (O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
#define LOG_FLAGS     (O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
#define OPENDIR_FLAGS (O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC)
#define MUSL_FLAGS    (O_RDONLY | O_CLOEXEC | 0100000)

static struct world w;
static char *dir, *file, *output; /* of trial 0 */

static void set_up(void)
{
	world_init(&w);
	dir = world_dir(&w, 0);
	file = world_path(&w, 0, "attempt-1.json");
	output = world_path(&w, 0, TRIALDIR_LOG);
}

static void tear_down(void)
{
	world_fini(&w);
	free(dir);
	free(file);
	free(output);
}

/* Some ticks of the executor. */
static void some_ticks(void)
{
	for (int i = 0; i < 6; i++)
		(void)uv_run(&w.loop, UV_RUN_ONCE);
}

static void adopt_file(const char *text)
{
	char boot_id[BOOT_ID_BYTES];

	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	if (text != NULL)
		world_write_file(file, text);
	world_adopt_as(&w, 0, TOKEN, boot_id, 0, NULL);
}

/* A folder that cannot be listed at the end becomes a file. */
static void make_file_of_dir(void)
{
	(void)unlink(file);
	(void)unlink(output);
	ck_assert_int_eq(rmdir(dir), 0);
	dir[strlen(dir) - 2] = '\0';
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(rmdir(w.dir), 0);
	world_write_file(w.dir, "");
}

static void end_process(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* It is dead, and the executor has not looked yet. */
static void kill_shim(void)
{
	int pidfd = pidfd_open((pid_t)w.told[0].pid, 0);

	ck_assert_int_eq(kill((pid_t)w.told[0].pid, SIGKILL), 0);
	ck_assert_int_eq(poll(&(struct pollfd){ pidfd, POLLIN, 0 }, 1, -1), 1);
	(void)close(pidfd);
}

/* --- restore ---------------------------------------------------------------
 */

static int note_number(void *ctx, int64_t attempt, const char *path)
{
	*(int64_t *)ctx = 10 * *(int64_t *)ctx + attempt;
	return 0;
}

START_TEST(files_of_attempts_alone_are_listed)
{
	static const char *const names[] = {
		"attempt-0.json", "attempt--1.json", "attempt-1.jsonx",
		"attempt-x.json", "attempt-7.json",  "other",
	};
	int64_t found = 0;

	ck_assert_int_eq(attempts_list(dir, note_number, &found), -ENOENT);
	world_make_dir(&w, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = world_path(&w, 0, names[i]);

		world_write_file(path, "");
	}
	ck_assert_int_eq(attempts_list(dir, note_number, &found), 0);
	ck_assert_int_eq(found, 7);
}
END_TEST

START_TEST(what_a_copy_believes_running_is_marked_in_an_empty_folder)
{
	struct probe p;

	ck_assert_int_eq(attempts_mark_lost(dir, 1, TOKEN), 0);
	ck_assert_int_eq(probe_read(file, TOKEN, &p), 0);
	ck_assert_int_eq(p.phase, PROBE_STARTED);
	ck_assert_int_eq(attempts_mark_lost(dir, 1, TOKEN), 0);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_ends_a_restore)
{
	auto_free char *parent = xasprintf("%s/1", w.dir);
	auto_free char *below = xasprintf("%s/1/2/3", w.dir);

	world_write_file(parent, "");
	ck_assert_int_eq(attempts_mark_lost(dir, 1, TOKEN), -ENOTDIR);
	ck_assert_int_eq(attempts_copy_output(w.dir, dir, 1), -ENOTDIR);
	ck_assert_int_eq(attempts_copy_output(w.dir, below, 1), -ENOTDIR);
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
	int error;
} marks[] = {
	{SYS_openat,  2,   FILE_FLAGS,                              EIO   },
	{ SYS_openat, 2,   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, ENOSPC},
	{ SYS_write,  2,   TRIALDIR_FILE_BYTES,                     EIO   },
	{ SYS_fsync,  ANY, 0,				       EIO   },
};

START_TEST(a_mark_that_cannot_be_made_ends_a_restore)
{
	refuse(marks[_i].number, marks[_i].arg, marks[_i].value,
	       marks[_i].error);
	ck_assert_int_eq(attempts_mark_lost(dir, 1, TOKEN), -marks[_i].error);
}
END_TEST

/* No file may grow beyond @bytes; returns what was allowed before. */
static struct rlimit limit_files(rlim_t bytes)
{
	struct rlimit before, low;

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	return before;
}

/* Whatever an earlier call has left in errno. */
START_TEST(a_mark_that_is_cut_short_ends_a_restore)
{
	struct rlimit before = limit_files(100);

	ck_assert_int_eq(attempts_mark_lost(dir, 1, TOKEN), -ENOSPC);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
}
END_TEST

START_TEST(output_is_copied_as_far_as_it_is_there)
{
	auto_free char *to = world_dir(&w, 1);
	auto_free char *copy = world_path(&w, 1, TRIALDIR_LOG);
	auto_buf struct buf text = BUF_INIT;
	struct stat st;

	world_make_dir(&w, 0);
	ck_assert_int_eq(attempts_copy_output(dir, to, 5), 0);
	ck_assert_int_lt(stat(copy, &st), 0);
	world_write_file(output, "abc");
	ck_assert_int_eq(attempts_copy_output(dir, to, 2), 0);
	ck_assert_int_eq(attempts_copy_output(dir, to, 5), 0);
	world_read_file(copy, &text);
	ck_assert_str_eq(buf_text(&text), "abc");
}
END_TEST

START_TEST(output_that_cannot_be_copied_ends_a_restore)
{
	auto_free char *to = world_dir(&w, 1);
	auto_free char *copy = world_path(&w, 1, TRIALDIR_LOG);

	world_make_dir(&w, 0);
	world_make_dir(&w, 1);
	ck_assert_int_eq(symlink("x", output), 0);
	ck_assert_int_eq(attempts_copy_output(dir, to, 5), -ELOOP);
	ck_assert_int_eq(unlink(output), 0);
	world_write_file(output, "abc");
	ck_assert_int_eq(mkdir(copy, 0700), 0);
	ck_assert_int_eq(attempts_copy_output(dir, to, 5), -EISDIR);
	ck_assert_int_eq(rmdir(copy), 0);
	refuse(SYS_sendfile, ANY, 0, EIO);
	ck_assert_int_eq(attempts_copy_output(dir, to, 5), -EIO);
}
END_TEST

/* --- probes and sweeps -----------------------------------------------------
 */

START_TEST(where_no_file_can_be_there_is_none)
{
	auto_free char *below = xasprintf("%s/x", file);
	struct probe p;

	world_make_dir(&w, 0);
	world_write_file(file, ENDED);
	ck_assert_int_eq(probe_read(below, TOKEN, &p), 0); /* ENOTDIR */
	ck_assert_int_eq(p.phase, PROBE_NOTHING);
	ck_assert_int_eq(symlink("x", output), 0);
	ck_assert_int_eq(probe_read(output, TOKEN, &p), 0); /* ELOOP */
	ck_assert_int_eq(p.phase, PROBE_NOTHING);
	refuse(SYS_openat, 2, FILE_FLAGS, EACCES);
	ck_assert_int_eq(probe_read(file, TOKEN, &p), 0);
	ck_assert_int_eq(p.phase, PROBE_NOTHING);
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
	int error;
} probes[] = {
	{SYS_openat,   2,   FILE_FLAGS, ESTALE},
	{ SYS_openat,  2,   FILE_FLAGS, EMFILE},
	{ SYS_fcntl,   1,   F_GETLK,    ENOLCK},
	{ SYS_pread64, ANY, 0,          EIO   },
};

START_TEST(a_file_that_cannot_be_read_says_nothing)
{
	struct probe p;

	world_make_dir(&w, 0);
	adopt_file(ENDED);
	refuse(probes[_i].number, probes[_i].arg, probes[_i].value,
	       probes[_i].error);
	ck_assert_int_eq(probe_read(file, TOKEN, &p), -probes[_i].error);
	some_ticks();
	ck_assert_int_eq(w.told[0].ended, 0);
}
END_TEST

START_TEST(a_holder_without_a_pid_is_no_shim)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct probe p;
	int fd;

	world_make_dir(&w, 0);
	world_write_file(file, ENDED);
	fd = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(probe_read(file, TOKEN, &p), -EBUSY);
	(void)close(fd);
}
END_TEST

START_TEST(who_holds_no_lock_any_more_is_not_opened)
{
	pid_t pid;
	int pidfd = -1;

	world_make_dir(&w, 0);
	pid = world_hold_lock(&w, 0);
	ck_assert_int_eq(probe_open_holder(file, getpid(), &pidfd), -ESRCH);
	ck_assert_int_eq(probe_open_holder(output, pid, &pidfd), -ENOENT);
	ck_assert_int_eq(probe_open_holder(file, pid, &pidfd), 0);
	(void)close(pidfd);
	refuse(SYS_pidfd_open, ANY, 0, EMFILE);
	ck_assert_int_eq(probe_open_holder(file, pid, &pidfd), -EMFILE);
	end_process(pid);
}
END_TEST

START_TEST(nothing_is_decided_while_processes_cannot_be_listed)
{
	world_make_dir(&w, 0);
	refuse(SYS_openat, 2, OPENDIR_FLAGS, EMFILE);
	ck_assert_int_eq(sweep(TOKEN, 0), -EMFILE);
	adopt_file(NULL);
	some_ticks();
	ck_assert_int_eq(w.told[0].ended, 0);
	make_file_of_dir();
}
END_TEST

START_TEST(who_ends_before_it_is_opened_is_found_and_left)
{
	auto_free char *token = world_token(0);

	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	refuse(SYS_pidfd_open, ANY, 0, ESRCH);
	ck_assert_int_ge(sweep(token, SIGKILL), 1);
	ck_assert(!pidfd_is_dead(w.told[0].pidfd));
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
}
END_TEST

/* --- the executor ----------------------------------------------------------
 */

START_TEST(a_stranger_with_the_lock_does_not_hide_an_end)
{
	pid_t stranger;

	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	kill_shim();
	stranger = world_hold_lock(&w, 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_SHIM_DIED);
	end_process(stranger);
}
END_TEST

/* It may be a shim that the next launch must not meet. */
START_TEST(a_stranger_with_the_lock_is_waited_for_at_the_gate)
{
	pid_t stranger;

	world_launch(&w, 0, ARGV("stay"));
	kill_shim();
	stranger = world_hold_lock(&w, 0);
	some_ticks();
	ck_assert_int_eq(w.told[0].ended, 0);
	end_process(stranger);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
}
END_TEST

START_TEST(the_word_for_a_shim_that_died_at_its_gate_starts_nothing)
{
	world_launch(&w, 0, ARGV("stay"));
	kill_shim();
	while (w.told[0].ended == 0) {
		executor_go(w.x, world_id(0));
		(void)uv_run(&w.loop, UV_RUN_ONCE);
	}
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
}
END_TEST

START_TEST(an_adopted_log_that_may_be_opened_later_is_waited_for)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EIO };

	world_make_dir(&w, 0);
	adopt_file(ENDED);
	refuse(SYS_openat, 2, LOG_FLAGS, errors[_i]);
	some_ticks();
	ck_assert_int_eq(w.told[0].ended, 0);
}
END_TEST

START_TEST(an_adopted_log_that_is_none_is_given_up)
{
	world_make_dir(&w, 0);
	ck_assert_int_eq(symlink("x", output), 0);
	adopt_file(ENDED);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.code, 3);
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
} rests[] = {
	{SYS_pread64,     2, 6            },
	{ SYS_newfstatat, 3, AT_EMPTY_PATH},
};

START_TEST(a_rest_that_cannot_be_read_is_given_up)
{
	world_make_dir(&w, 0);
	world_write_file(output, "a=1\nb=");
	adopt_file(ENDED);
	refuse(rests[_i].number, rests[_i].arg, rests[_i].value, EIO);
	refuse(SYS_fstat, ANY, 0, EIO);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.code, 3);
	ck_assert_int_eq(w.told[0].n_metrics, 0);
	make_file_of_dir();
}
END_TEST

START_TEST(a_state_of_the_reader_that_is_none_is_forgotten)
{
	char boot_id[BOOT_ID_BYTES];

	world_make_dir(&w, 0);
	world_write_file(file, ENDED);
	world_write_file(output, "a=1\n");
	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	world_adopt_as(&w, 0, TOKEN, boot_id, 0, "{");
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].n_metrics, 1);
}
END_TEST

START_TEST(it_may_be_closed_while_others_are_ready)
{
	char boot_id[BOOT_ID_BYTES];

	ck_assert_int_eq(executor_boot_id(boot_id), 0);
	w.close_at_end = true;
	for (int i = 0; i < 3; i++) {
		auto_free char *path = world_path(&w, i, "attempt-1.json");

		world_make_dir(&w, i);
		world_write_file(path, ENDED);
		world_adopt_as(&w, i, TOKEN, boot_id, 0, NULL);
	}
	WAIT(&w, w.closed);
	ck_assert_int_eq(w.told[0].ended, 1);
	ck_assert_int_eq(w.told[1].ended + w.told[2].ended, 0);
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
	int error;
} adoptions[] = {
	{SYS_pidfd_open, ANY, 0,             EMFILE},
	{ SYS_epoll_ctl, 1,   EPOLL_CTL_ADD, ENOMEM},
};

START_TEST(who_lives_and_cannot_be_watched_is_neither_adopted_nor_dead)
{
	pid_t shim;

	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	shim = (pid_t)w.told[0].pid;
	world_close(&w);
	world_open(&w);
	world_adopt(&w, 0);
	refuse(adoptions[_i].number, adoptions[_i].arg, adoptions[_i].value,
	       adoptions[_i].error);
	some_ticks();
	ck_assert_int_eq(w.told[0].adopted + w.told[0].ended, 0);
	ck_assert_int_eq(kill(shim, SIGUSR1), 0);
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGKILL);
}
END_TEST

START_TEST(an_end_that_cannot_be_read_now_is_not_told)
{
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	kill_shim();
	refuse(SYS_openat, 2, FILE_FLAGS, EMFILE);
	some_ticks();
	ck_assert_int_eq(w.told[0].ended, 0);
}
END_TEST

START_TEST(output_whose_size_cannot_be_told_is_not_begun_again)
{
	auto_free char *params = world_path(&w, 0, TRIALDIR_PARAMS);
	auto_free char *checkpoint = world_path(&w, 0, TRIALDIR_CHECKPOINT);

	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	refuse(SYS_newfstatat, 3, AT_EMPTY_PATH, EIO);
	refuse(SYS_fstat, ANY, 0, EIO);
	some_ticks();
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].n_metrics, 1);
	(void)unlink(params);
	(void)rmdir(checkpoint);
	make_file_of_dir();
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
} boots[] = {
	{SYS_openat, 2, O_RDONLY | O_CLOEXEC},
	{ SYS_read,  2, BOOT_ID_BYTES - 1   },
};

START_TEST(without_the_id_of_the_boot_there_is_no_executor)
{
	const struct executor_callbacks none = { 0 };
	struct executor *x;

	refuse(boots[_i].number, boots[_i].arg, boots[_i].value, EIO);
	ck_assert_int_eq(executor_new(&w.loop, HPSD_SHIM, &none, &x), -EIO);
}
END_TEST

static const struct {
	int number, arg;
	uint32_t value;
	int error;
	const char *what;
} starts[] = {
	{SYS_statfs,      ANY, 0,						     EIO,    "free space"   },
	{ SYS_openat,     2,   O_PATH | O_DIRECTORY | O_CLOEXEC,                      EMFILE,
         TRIALDIR_CHECKPOINT										 },
	{ SYS_mkdirat,    0,   (uint32_t)AT_FDCWD,                                    EIO,    "mkdir"        },
	{ SYS_openat,     2,   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
         EIO,										 TRIALDIR_PARAMS},
	{ SYS_write,      2,   10,						    EIO,    TRIALDIR_PARAMS},
	{ SYS_openat,     2,   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
         EIO,										 TRIALDIR_LOG   },
	{ SYS_socketpair, ANY, 0,						     EMFILE, "socketpair"   },
	{ SYS_epoll_ctl,  1,   EPOLL_CTL_ADD,                                         ENOMEM, "epoll"        },
};

START_TEST(a_launch_that_is_refused_is_told_with_its_step)
{
	world_run(&w, 1, ARGV("exit", "0")); /* libuv has its own by then */
	refuse(starts[_i].number, starts[_i].arg, starts[_i].value,
	       starts[_i].error);
	world_launch_in(&w, 0, ARGV("stay"), "/", 0);
	WAIT(&w, w.told[0].failed > 0);
	ck_assert_int_eq(w.told[0].error, starts[_i].error);
	ck_assert_str_eq(w.told[0].what, starts[_i].what);
}
END_TEST

START_TEST(a_state_directory_that_is_gone_is_told)
{
	ck_assert_int_eq(rmdir(w.dir), 0);
	world_launch_in(&w, 0, ARGV("stay"), "/", 0);
	WAIT(&w, w.told[0].failed > 0);
	ck_assert_int_eq(w.told[0].error, ENOENT);
	ck_assert_str_eq(w.told[0].what, "mkdir");
	ck_assert_int_eq(mkdir(w.dir, 0700), 0);
}
END_TEST

START_TEST(F2_a_low_limit_of_descriptors_is_raised)
{
	struct rlimit limit;
	rlim_t most;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	most = limit.rlim_max < 16384 ? limit.rlim_max : 16384;
	limit.rlim_cur = 256;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	world_close(&w);
	world_open(&w);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, most);
}
END_TEST

START_TEST(F1_a_disk_that_becomes_full_within_the_parameters_is_told)
{
	struct rlimit before = limit_files(5);

	world_launch_in(&w, 0, ARGV("stay"), "/", 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	WAIT(&w, w.told[0].failed > 0);
	ck_assert_int_eq(w.told[0].error, ENOSPC);
	ck_assert_str_eq(w.told[0].what, TRIALDIR_PARAMS);
}
END_TEST

/* --- the shim --------------------------------------------------------------
 */

START_TEST(B11_a_shim_that_cannot_list_its_children_leaves_nobody)
{
	refuse(SYS_open, 1, MUSL_FLAGS, ENOENT);
	world_start(&w, 0, ARGV("escape-and-stay"));
	WAIT(&w, w.told[0].n_metrics == 2);
	executor_kill(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.signal, SIGKILL);
	ck_assert(pidfd_is_dead(w.told[0].pidfd_of_grandchild));
}
END_TEST

START_TEST(an_end_without_a_daemon_is_kept_though_its_folder_is_not_synced)
{
	auto_buf struct buf text = BUF_INIT;
	pid_t shim;

	refuse(SYS_open, 1, MUSL_FLAGS | O_DIRECTORY, EMFILE);
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	shim = (pid_t)w.told[0].pid;
	world_close(&w);
	ck_assert_int_eq(kill(shim, SIGUSR1), 0);
	ck_assert_int_eq(waitpid(shim, NULL, 0), shim);
	world_read_file(file, &text);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"swept\":true"));
}
END_TEST

static bool is_asked(void)
{
	auto_buf struct buf text = BUF_INIT;

	world_read_file(file, &text);
	return strstr(buf_text(&text), "term_ms") != NULL;
}

START_TEST(a_second_request_to_end_is_passed_on_too)
{
	world_start(&w, 0, ARGV("reluctant"));
	WAIT(&w, w.told[0].n_metrics == 1);
	executor_terminate(w.x, world_id(0));
	WAIT(&w, w.told[0].n_metrics == 2 && is_asked());
	executor_terminate(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_EXITED);
	ck_assert_int_eq(w.told[0].outcome.code, 3);
}
END_TEST

/* What a shim needs before it starts anything. */
static const struct {
	int number, arg;
	uint32_t value;
	int error;
} needs[] = {
	{SYS_open,      1,   MUSL_FLAGS | O_RDWR | O_CREAT | O_NOFOLLOW, EMFILE},
	{ SYS_chdir,    ANY, 0,					  EIO   },
	{ SYS_pwrite64, ANY, 0,					  EIO   },
};

/* The word to start was given, and nobody was there any more. */
START_TEST(a_shim_that_cannot_have_its_file_has_started_nothing)
{
	refuse(needs[_i].number, needs[_i].arg, needs[_i].value,
	       needs[_i].error);
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NEVER_STARTED);
	ck_assert_int_eq(w.told[0].outcome.error, needs[_i].error);
	ck_assert_str_eq(w.told[0].outcome.what, "hpsd-shim");
}
END_TEST

START_TEST(F3_a_shim_without_memory_says_so)
{
	refuse(SYS_mmap, 3, MAP_SHARED | MAP_ANONYMOUS, ENOMEM);
	world_run(&w, 0, ARGV("stay"));
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NOT_EXECUTED);
	ck_assert_int_eq(w.told[0].outcome.error, ENOMEM);
	ck_assert_str_eq(w.told[0].outcome.what, "mmap");
}
END_TEST

START_TEST(a_request_to_end_that_was_not_sent_is_not_told_as_sent)
{
	world_start(&w, 0, ARGV("stay"));
	WAIT(&w, w.told[0].n_metrics == 1);
	refuse(SYS_pidfd_send_signal, ANY, 0, ESRCH);
	executor_terminate(w.x, world_id(0));
	some_ticks();
	ck_assert_int_eq(w.told[0].terminated, 0);
	ck_assert_int_eq(kill((pid_t)w.told[0].pid, SIGUSR1), 0);
	WAIT(&w, w.told[0].ended > 0);
}
END_TEST

START_TEST(a_shim_started_by_hand_says_no)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl(HPSD_SHIM, HPSD_SHIM, NULL);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EINVAL);
}
END_TEST

static void *launch_orphan(void *witness)
{
	refuse(SYS_getppid, ANY, 0, 0);
	world_launch(&w, 0, (const char *const[]){ "touch", witness, NULL });
	return NULL;
}

/*
 * As if the shim had died before the kernel could be asked to pass it on. A
 * thread starts the shim, and what it is refused this process is not: the
 * search for leaks at its end would wait for ever for a helper that asks for
 * its parent, is lied to, and exits.
 */
START_TEST(a_child_whose_shim_is_gone_runs_nothing)
{
	auto_free char *witness = xasprintf("%s/witness", w.dir);
	pthread_t thread;
	struct stat st;

	ck_assert_int_eq(pthread_create(&thread, NULL, launch_orphan, witness),
			 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.code, 127);
	ck_assert_int_lt(stat(witness, &st), 0);
}
END_TEST

START_TEST(B13_a_limit_that_cannot_be_set_is_told)
{
	refuse(SYS_prlimit64, 3, 0, EPERM);
	world_launch_in(&w, 0, ARGV("stay"), "/", 1 << 30);
	WAIT(&w, w.told[0].spawned > 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].outcome.kind, OUTCOME_NOT_EXECUTED);
	ck_assert_int_eq(w.told[0].outcome.error, EPERM);
	ck_assert_str_eq(w.told[0].outcome.what, "setrlimit");
}
END_TEST

/* Far above what an address sanitizer takes. */
START_TEST(B13_a_limit_above_the_users_own_is_the_users_own)
{
	static const char *const argv[] = { "sh", "-c",
					    "echo kib=$(ulimit -H -d)", NULL };
	const struct rlimit own = { 1ULL << 45, 1ULL << 45 };

	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &own), 0);
	world_launch_in(&w, 0, argv, "/", 1LL << 46);
	WAIT(&w, w.told[0].spawned > 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_double_eq(w.told[0].latest, (double)(1ULL << 35));
}
END_TEST

/* The limit is the shim's alone: it has no room for what it must write. */
START_TEST(F1_a_shim_that_cannot_write_its_file_whole_starts_nothing)
{
	struct rlimit low = { 100, 100 };

	world_launch(&w, 0, ARGV("stay"));
	ck_assert_int_eq(
	    prlimit((pid_t)w.told[0].pid, RLIMIT_FSIZE, &low, NULL), 0);
	executor_go(w.x, world_id(0));
	WAIT(&w, w.told[0].ended > 0);
	ck_assert_int_eq(w.told[0].n_metrics, 0);
}
END_TEST

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

static TCase *new_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	suite_add_tcase(s, tc);
	return tc;
}

static void add_executor(TCase *tc)
{
	tcase_add_test(tc, a_stranger_with_the_lock_does_not_hide_an_end);
	tcase_add_test(tc, a_stranger_with_the_lock_is_waited_for_at_the_gate);
	tcase_add_test(
	    tc, the_word_for_a_shim_that_died_at_its_gate_starts_nothing);
	tcase_add_loop_test(
	    tc, an_adopted_log_that_may_be_opened_later_is_waited_for, 0, 4);
	tcase_add_test(tc, an_adopted_log_that_is_none_is_given_up);
	tcase_add_loop_test(tc, a_rest_that_cannot_be_read_is_given_up, 0,
			    N(rests));
	tcase_add_test(tc, a_state_of_the_reader_that_is_none_is_forgotten);
	tcase_add_test(tc, it_may_be_closed_while_others_are_ready);
	tcase_add_loop_test(tc, a_launch_that_is_refused_is_told_with_its_step,
			    0, N(starts));
	tcase_add_loop_test(
	    tc, who_lives_and_cannot_be_watched_is_neither_adopted_nor_dead, 0,
	    N(adoptions));
	tcase_add_test(tc, an_end_that_cannot_be_read_now_is_not_told);
	tcase_add_test(tc, output_whose_size_cannot_be_told_is_not_begun_again);
	tcase_add_loop_test(tc, without_the_id_of_the_boot_there_is_no_executor,
			    0, N(boots));
	tcase_add_test(tc, a_state_directory_that_is_gone_is_told);
	tcase_add_test(tc, F2_a_low_limit_of_descriptors_is_raised);
	tcase_add_test(
	    tc, F1_a_disk_that_becomes_full_within_the_parameters_is_told);
}

static void add_shim(TCase *tc)
{
	tcase_add_test(tc,
		       B11_a_shim_that_cannot_list_its_children_leaves_nobody);
	tcase_add_test(
	    tc,
	    an_end_without_a_daemon_is_kept_though_its_folder_is_not_synced);
	tcase_add_test(tc, a_second_request_to_end_is_passed_on_too);
	tcase_add_loop_test(
	    tc, a_shim_that_cannot_have_its_file_has_started_nothing, 0,
	    N(needs));
	tcase_add_test(tc, F3_a_shim_without_memory_says_so);
	tcase_add_test(tc,
		       a_request_to_end_that_was_not_sent_is_not_told_as_sent);
	tcase_add_test(tc, a_shim_started_by_hand_says_no);
	tcase_add_test(tc, a_child_whose_shim_is_gone_runs_nothing);
	tcase_add_test(tc, B13_a_limit_that_cannot_be_set_is_told);
	tcase_add_test(tc, B13_a_limit_above_the_users_own_is_the_users_own);
	tcase_add_test(
	    tc, F1_a_shim_that_cannot_write_its_file_whole_starts_nothing);
}

Suite *suite(void)
{
	Suite *s = suite_create("refused");
	TCase *tc = new_case(s, "restore");

	tcase_add_test(tc, files_of_attempts_alone_are_listed);
	tcase_add_test(
	    tc, what_a_copy_believes_running_is_marked_in_an_empty_folder);
	tcase_add_test(tc, a_folder_that_cannot_be_made_ends_a_restore);
	tcase_add_loop_test(tc, a_mark_that_cannot_be_made_ends_a_restore, 0,
			    N(marks));
	tcase_add_test(tc, a_mark_that_is_cut_short_ends_a_restore);
	tcase_add_test(tc, output_is_copied_as_far_as_it_is_there);
	tcase_add_test(tc, output_that_cannot_be_copied_ends_a_restore);

	tc = new_case(s, "probe");
	tcase_add_test(tc, where_no_file_can_be_there_is_none);
	tcase_add_loop_test(tc, a_file_that_cannot_be_read_says_nothing, 0,
			    N(probes));
	tcase_add_test(tc, a_holder_without_a_pid_is_no_shim);
	tcase_add_test(tc, who_holds_no_lock_any_more_is_not_opened);
	tcase_add_test(tc, nothing_is_decided_while_processes_cannot_be_listed);
	tcase_add_test(tc, who_ends_before_it_is_opened_is_found_and_left);

	add_executor(new_case(s, "executor"));
	add_shim(new_case(s, "shim"));
	return s;
}
