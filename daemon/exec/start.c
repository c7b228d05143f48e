#include "exec/start.h"

#include "base/fault.h"
#include "shim/trialdir.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_dir(int at, const char *path)
{
	return mkdirat(at, path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* The directory of the trial, and of its search if this is the first. */
static int make_trial_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *parent = NULL;
	int r = make_dir(AT_FDCWD, path);

	if (r != -ENOENT || slash == NULL)
		return r;
	parent = xstrndup(path, (size_t)(slash - path));
	r = make_dir(AT_FDCWD, parent);
	return r < 0 ? r : make_dir(AT_FDCWD, path);
}

/* What a trial prints on a full disk is lost: better to start it later. */
static int check_room(const char *dir)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) < 0)
		return -errno;
	return fs.f_bavail < LIMIT_FREE_BYTES / fs.f_frsize ? -ENOSPC : 0;
}

static int write_params(int dir, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int r = 0;
	int fd;

	fd =
	    openat(dir, TRIALDIR_PARAMS,
		   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		r = -errno;
	else if ((size_t)n < len)
		r = -ENOSPC;
	(void)close(fd);
	return r;
}

static int open_log(int dir)
{
	int fd =
	    openat(dir, TRIALDIR_LOG,
		   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* Who finds a link and no checkpoint makes a copy: shim/copy.h. */
static int make_checkpoint(int dir, const char *from)
{
	if (from == NULL)
		return make_dir(dir, TRIALDIR_CHECKPOINT);
	(void)fault_at("launch.from");
	if (unlinkat(dir, TRIALDIR_FROM, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(from, dir, TRIALDIR_FROM) < 0 ? -errno : 0;
}

/* Returns the descriptor of the log, or -errno with what failed. */
static int prepare(const struct launch *l, const char **ret_what)
{
	int dir, r;

	*ret_what = "mkdir";
	r = fault_at("launch.mkdir");
	if (r == 0)
		r = make_trial_dir(l->dir);
	if (r < 0)
		return r;
	*ret_what = "free space";
	r = check_room(l->dir);
	if (r < 0)
		return r;
	*ret_what = TRIALDIR_CHECKPOINT;
	dir = open(l->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = make_checkpoint(dir, l->from);
	if (r == 0) {
		*ret_what = TRIALDIR_PARAMS;
		(void)fault_at("launch.params");
		r = write_params(dir, l->params);
	}
	if (r == 0) {
		*ret_what = TRIALDIR_LOG;
		(void)fault_at("launch.log");
		r = open_log(dir);
	}
	(void)close(dir);
	return r;
}

/* New; free() it, its strings are borrowed. */
static char **make_argv(const char *shim, const struct launch *l,
			const char *attempt, const char *memory)
{
	const char *const head[] = { shim,     l->dir,     attempt,
				     l->token, l->workdir, memory };
	size_t n_head = sizeof(head) / sizeof(head[0]);
	size_t n = 0;
	char **argv;

	while (l->argv[n] != NULL)
		n++;
	argv = xcalloc(n_head + n + 1, sizeof(*argv));
	memcpy(argv, head, sizeof(head));
	memcpy(argv + n_head, l->argv, n * sizeof(*argv));
	return argv;
}

/* The shim with the descriptors, signals and arguments that it expects. */
static int spawn(const char *shim, const struct launch *l, int log, int gate,
		 pid_t *ret_pid)
{
	char attempt[24], memory[24];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	auto_free char **argv = NULL;
	sigset_t blocked, all;
	int r;

	(void)snprintf(attempt, sizeof(attempt), "%" PRId64, l->id.number);
	(void)snprintf(memory, sizeof(memory), "%" PRId64, l->memory_bytes);
	argv = make_argv(shim, l, attempt, memory);
	/* What is sent to a shim that has just begun waits for it. */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGUSR1);
	/* sigfillset() spares two of glibc's, which the child would ignore. */
	memset(&all, 0xff, sizeof(all));
	r = posix_spawnattr_init(&attr);
	if (r != 0)
		return -r;
	(void)posix_spawnattr_setsigmask(&attr, &blocked);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						  POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn_file_actions_init(&files);
	if (r != 0)
		goto out;
	/* The gate last: the log may be open under the gate's number. */
	r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
					     0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, log, 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, log, 2);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, gate,
						     TRIALDIR_GATE);
	if (r == 0)
		r = posix_spawn(ret_pid, shim, &files, &attr, argv, l->environ);
	(void)posix_spawn_file_actions_destroy(&files);
out:
	(void)posix_spawnattr_destroy(&attr);
	return -r;
}

/* @fd is the lowest that is free. */
static bool is_scarce(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       (rlim_t)fd >= limit.rlim_cur / 4 * 3;
}

int start_shim(const char *shim, const struct rlimit *descriptors,
	       const struct launch *launch, struct start *ret,
	       const char **ret_what)
{
	struct stat st;
	int gate[2];
	int r;

	assert(launch->argv[0] != NULL);
	*ret = (struct start){ .pid = -1, .pidfd = -1, .gate = -1 };
	ret->log = prepare(launch, ret_what);
	if (ret->log < 0)
		return ret->log;
	*ret_what = "socketpair";
	errno = EMFILE;
	if (is_scarce(ret->log) || fstat(ret->log, &st) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0) {
		r = -errno;
		(void)close(ret->log);
		return r;
	}
	/* The file actions put these in the place of 0 to 3. */
	assert(ret->log > 2 && gate[1] > 2);
	ret->log_bytes = st.st_size;
	*ret_what = "hpsd-shim";
	r = fault_at("launch.spawn");
	if (r == 0)
		r = spawn(shim, launch, ret->log, gate[1], &ret->pid);
	(void)close(gate[1]);
	if (r == 0) {
		/* Its child, which comes after the gate, inherits it. */
		(void)prlimit(ret->pid, RLIMIT_NOFILE, descriptors, NULL);
		*ret_what = "pidfd_open";
		(void)fault_at("launch.pidfd");
		ret->pidfd = pidfd_open(ret->pid, 0);
		if (ret->pidfd < 0) {
			r = -errno;
			(void)kill(ret->pid, SIGKILL);
			(void)waitpid(ret->pid, NULL, 0);
		}
	}
	if (r < 0) {
		(void)close(gate[0]);
		(void)close(ret->log);
		return r;
	}
	ret->gate = gate[0];
	return 0;
}
