#include "start.h"

#include "cmd.h"
#include "conn.h"

#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD      3     /* in hpsd */
#define READY_MS      60000 /* an old database may have to be upgraded */
#define HPSD_TAKEN    100   /* its exit status when another has the state */
#define RIVAL_MS      3000  /* for that other one to listen, or be gone */
#define RIVALS        4     /* times that we look */
#define EXIT_MS       2000
#define RETRY_MS      20
#define LOG_TAIL      2048
#define LOG_MODE      0600
#define PATH_FALLBACK "/usr/local/bin:/usr/bin:/bin"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* @path if it is a program; else it is freed and NULL. */
static char *if_program(char *path)
{
	if (is_program(path))
		return path;
	free(path);
	return NULL;
}

static char *find_beside_us(const char *where)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	return if_program(xasprintf("%s/%s", self, where));
}

static char *find_in_path(const char *name)
{
	const char *path = getenv("PATH");

	path = path != NULL ? path : PATH_FALLBACK;
	while (*path != '\0') {
		int len = (int)strcspn(path, ":");
		char *found;

		found = if_program(xasprintf("%.*s/%s", len, path, name));
		if (found != NULL && len > 0)
			return found;
		free(found);
		path += len + (path[len] == ':');
	}
	return NULL;
}

char *start_find_hpsd(void)
{
	const char *chosen = getenv("HPSD");
	char *path;

	if (chosen != NULL && *chosen != '\0')
		return if_program(xstrdup(chosen));
	path = find_beside_us("hpsd");
	if (path == NULL)
		path = find_beside_us("../daemon/hpsd");
	if (path == NULL)
		path = if_program(xstrdup(HPSD_BINDIR "/hpsd"));
	if (path == NULL)
		path = find_in_path("hpsd");
	return path;
}

/* Makes @path and the folders above it, for the user alone. 0 or -errno. */
static int make_folders(const char *path)
{
	auto_free char *copy = xstrdup(path);

	for (char *s = copy + 1; *s != '\0'; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* In the child: becomes hpsd. Only the log can tell what fails here. */
static void become_hpsd(const char *hpsd, const struct paths *paths, int log_fd,
			int ready_fd)
{
	char fd_text[] = { '0' + READY_FD, '\0' };
	char option[] = "--ready-fd";
	char *argv[] = { (char *)hpsd, option, fd_text, NULL };
	sigset_t none;
	int null_fd;

	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* Above the numbers that are about to be taken. */
	log_fd = fcntl(log_fd, F_DUPFD, READY_FD + 1);
	ready_fd = fcntl(ready_fd, F_DUPFD, READY_FD + 1);
	null_fd = open("/dev/null", O_RDONLY);
	if (null_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0 ||
	    dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(log_fd, STDOUT_FILENO) < 0 || dup2(ready_fd, READY_FD) < 0 ||
	    chdir("/") < 0)
		_exit(127);
	/* hpsd shall not hold what the user's shell had open. */
	(void)close_range(READY_FD + 1, ~0U, 0);
	(void)setenv("HPSD_STATE", paths->state_dir, 1);
	(void)setenv("HPSD_SOCKET", paths->socket, 1);
	/* It would start one thread a core as it is loaded; none has work. */
	(void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
	execv(hpsd, argv);
	dprintf(STDERR_FILENO, "hpctl: cannot run %s: %s\n", hpsd,
		strerror(errno));
	_exit(127);
}

/* True when hpsd said that it listens, false when it ended first. */
static bool wait_until_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t deadline_ms = conn_now_ms() + READY_MS;
	char byte;

	for (;;) {
		int64_t left = deadline_ms - conn_now_ms();
		int r = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		return r > 0 && read(fd, &byte, 1) == 1;
	}
}

/* Another client may have started an hpsd at the same time: it has the lock. */
static bool rival_listens(const char *socket)
{
	int64_t deadline_ms = conn_now_ms() + RIVAL_MS;

	do {
		struct conn *c;

		if (conn_open(socket, &c) == 0) {
			conn_close(c);
			return true;
		}
		(void)poll(NULL, 0, RETRY_MS);
	} while (conn_now_ms() < deadline_ms);
	return false;
}

static void tell_failure(const char *hpsd, const char *log_path, int log_fd,
			 off_t before)
{
	char text[LOG_TAIL + 1];
	off_t end = lseek(log_fd, 0, SEEK_END);
	off_t from = end - LOG_TAIL > before ? end - LOG_TAIL : before;
	ssize_t n = pread(log_fd, text, LOG_TAIL, from);

	(void)fail(STATUS_NO_DAEMON, "%s did not start; %s says:", hpsd,
		   log_path);
	if (n <= 0) {
		fprintf(stderr, "  (nothing)\n");
		return;
	}
	text[n] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		fprintf(stderr, "  %s\n", line);
}

/*
 * How the process ended: what waitpid() says, or -1 if it has not. The pipe
 * closes a moment before that can be known.
 */
static int wait_for_exit(pid_t pid)
{
	int64_t deadline_ms = conn_now_ms() + EXIT_MS;
	int status;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 &&
	       conn_now_ms() < deadline_ms)
		(void)poll(NULL, 0, RETRY_MS);
	return r == pid ? status : -1;
}

enum start {
	START_LISTENS,
	START_RIVAL, /* another one has the state directory */
	START_FAILED,
};

/* Forks hpsd and waits until it listens or has ended. */
static enum start launch(const char *hpsd, const struct paths *paths,
			 int log_fd)
{
	enum start result = START_FAILED;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return START_FAILED;
	pid = fork();
	if (pid == 0)
		become_hpsd(hpsd, paths, log_fd, ends[1]);
	(void)close(ends[1]);
	if (pid < 0) {
		dprintf(log_fd, "hpctl: cannot fork: %s\n", strerror(errno));
	} else if (wait_until_ready(ends[0])) {
		result = START_LISTENS;
	} else {
		status = wait_for_exit(pid);
		if (status == -1)
			dprintf(log_fd, "hpctl: hpsd does not listen\n");
		else if (WIFSIGNALED(status))
			dprintf(log_fd, "hpctl: hpsd ended by signal %d\n",
				WTERMSIG(status));
		else if (WEXITSTATUS(status) == HPSD_TAKEN)
			result = START_RIVAL;
	}
	(void)close(ends[0]);
	return result;
}

static int start_with_log(const char *hpsd, const struct paths *paths,
			  const char *log_path, int log_fd)
{
	off_t before = lseek(log_fd, 0, SEEK_END);

	for (int tries = 0; tries < RIVALS; tries++) {
		enum start r = launch(hpsd, paths, log_fd);

		if (r == START_LISTENS)
			return 0;
		if (r != START_RIVAL)
			break;
		if (rival_listens(paths->socket))
			return 0;
		/* It was about to end. */
	}
	tell_failure(hpsd, log_path, log_fd, before);
	return 1;
}

char *start_last_words(const struct paths *paths)
{
	auto_free char *path = xasprintf("%s/hpsd.log", paths->state_dir);
	char text[LOG_TAIL + 1];
	char *line;
	off_t end;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return NULL;
	end = lseek(fd, 0, SEEK_END);
	n = pread(fd, text, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
	(void)close(fd);
	if (n <= 0)
		return NULL;
	text[text[n - 1] == '\n' ? n - 1 : n] = '\0';
	line = strrchr(text, '\n');
	line = line != NULL ? line + 1 : text;
	return strstr(line, " info: ") == NULL ? xstrdup(line) : NULL;
}

/*
 * We are of a trial of that hpsd, whose shim ends all that the trial has
 * started: the daemon, and with it the shims of other trials.
 */
static bool is_in_trial_of(const char *state_dir)
{
	const char *dir = getenv("HPS_DIR");
	size_t len = strlen(state_dir);

	return dir != NULL && strncmp(dir, state_dir, len) == 0 &&
	       dir[len] == '/';
}

int start_hpsd(const struct paths *paths)
{
	auto_free char *hpsd = start_find_hpsd();
	auto_free char *log_path = xasprintf("%s/hpsd.log", paths->state_dir);
	int log_fd, r;

	if (is_in_trial_of(paths->state_dir)) {
		(void)fail(
		    STATUS_NO_DAEMON,
		    "no hpsd runs, and none is started from inside a "
		    "trial, with which it would end (start it elsewhere)");
		return 1;
	}
	if (hpsd == NULL) {
		const char *chosen = getenv("HPSD");

		(void)fail(STATUS_NO_DAEMON,
			   "no hpsd runs, and the program %s is not there "
			   "(install it, or set HPSD to its path)",
			   chosen != NULL && *chosen ? chosen : "hpsd");
		return 1;
	}
	r = make_folders(paths->state_dir);
	if (r < 0) {
		(void)fail(STATUS_NO_DAEMON, "cannot make %s: %s",
			   paths->state_dir, strerror(-r));
		return 1;
	}
	log_fd =
	    open(log_path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		 LOG_MODE);
	if (log_fd < 0) {
		(void)fail(STATUS_NO_DAEMON, "cannot open %s: %s", log_path,
			   strerror(errno));
		return 1;
	}
	r = start_with_log(hpsd, paths, log_path, log_fd);
	(void)close(log_fd);
	return r;
}

static void read_all(int fd, struct buf *ret_text)
{
	char data[4096];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		buf_add(ret_text, data, (size_t)n);
}

int start_ask_hpsd(const char *hpsd, const struct paths *paths,
		   const char *option, const char *value, struct buf *ret_text)
{
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		(void)fail(STATUS_FAILED, "cannot start %s: %s", hpsd,
			   strerror(errno));
		return 127;
	}
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)setenv("HPSD_STATE", paths->state_dir, 1);
		(void)setenv("HPSD_SOCKET", paths->socket, 1);
		execl(hpsd, hpsd, option, value, (char *)NULL);
		dprintf(STDERR_FILENO, "hpctl: cannot run %s: %s\n", hpsd,
			strerror(errno));
		_exit(127);
	}
	(void)close(ends[1]);
	read_all(ends[0], ret_text);
	(void)close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	(void)fail(STATUS_FAILED, "%s ended by signal %d", hpsd,
		   WTERMSIG(status));
	return 127;
}
