/*
 * hpsd-shim: one small process a trial. It starts the command once the daemon
 * has opened the gate, adopts whatever the command leaves behind, records the
 * end and sweeps the rest, with or without a daemon (shim/trialdir.h).
 *
 * It must not fail while a trial runs: no heap, no stdio, every byte that it
 * will need is there before the command starts. It may be killed between any
 * two system calls, so their order is the protocol:
 *
 *   lock the file -> "waiting" -> gate -> "started" -> fork
 *               a copy is wanted: gate -> "copying" -> copied -> "started"
 *   leader reaped -> "ended" -> sweep -> "ended", swept -> sync -> exit
 *
 * The end is recorded before the sweep, so that a shim killed in the sweep
 * loses no status. The daemon acts when the shim is gone, so the exit is last.
 */
#include "base/fault.h"
#include "shim/copy.h"
#include "shim/trialdir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum argument { DIR = 1, ATTEMPT, TOKEN, WORKDIR, MEMORY_BYTES, COMMAND };

/* Why the command did not run, told by the child in shared memory. */
struct failure {
	int error;
	const char *what;
};

struct end {
	const char *kind;
	int code;
	int signal;
	bool core;
	int error;
	const char *what;
	int64_t elapsed_ms;
};

struct shim {
	char **argv;
	int file; /* attempt-N.json */
	pid_t leader;
	int64_t began_ms;        /* CLOCK_BOOTTIME */
	int64_t started_ms;      /* the command, CLOCK_MONOTONIC */
	int64_t term_ms;         /* SIGTERM was passed on, likewise; 0: not */
	struct failure *failure; /* shared with the children */
	struct end end;
};

/* --- the file ------------------------------------------------------------- */

struct text {
	char bytes[TRIALDIR_FILE_BYTES];
	size_t len;
};

static void put(struct text *t, const char *s)
{
	while (*s != '\0' && t->len < sizeof(t->bytes))
		t->bytes[t->len++] = *s++;
}

static void put_number(struct text *t, const char *name, int64_t v)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;
	uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

	*p = '\0';
	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (v < 0)
		*--p = '-';
	put(t, ",\"");
	put(t, name);
	put(t, "\":");
	put(t, p);
}

static void put_text(struct text *t, const char *name, const char *value)
{
	put(t, ",\"");
	put(t, name);
	put(t, "\":\"");
	put(t, value);
	put(t, "\"");
}

static void put_bool(struct text *t, const char *name, bool value)
{
	put(t, ",\"");
	put(t, name);
	put(t, value ? "\":true" : "\":false");
}

static void put_head(struct text *t, const struct shim *s, const char *phase)
{
	t->len = 0;
	put(t, "{\"version\":1");
	put_text(t, "token", s->argv[TOKEN]);
	put_text(t, "phase", phase);
}

/* Returns 0 or an errno. */
static int write_file(const struct shim *s, struct text *t)
{
	ssize_t n;

	put(t, "}");
	while (t->len < sizeof(t->bytes) - 1)
		put(t, " ");
	put(t, "\n");
	n = pwrite(s->file, t->bytes, sizeof(t->bytes), 0);
	if (n < 0)
		return errno;
	return n == (ssize_t)sizeof(t->bytes) ? 0 : ENOSPC;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int write_started(struct shim *s)
{
	struct text t;

	if (s->started_ms == 0)
		s->started_ms = clock_ms(CLOCK_MONOTONIC);
	put_head(&t, s, "started");
	put_number(&t, "started_ms", s->started_ms);
	if (s->term_ms != 0)
		put_number(&t, "term_ms", s->term_ms);
	return write_file(s, &t);
}

static int write_phase(const struct shim *s, const char *phase)
{
	struct text t;

	put_head(&t, s, phase);
	return write_file(s, &t);
}

static int64_t ms(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

static void write_end(const struct shim *s, bool swept)
{
	struct rusage usage;
	struct text t;

	/* Of all that have been reaped: the leader, its own, the orphans. */
	(void)getrusage(RUSAGE_CHILDREN, &usage);
	put_head(&t, s, "ended");
	put_bool(&t, "swept", swept);
	put_text(&t, "kind", s->end.kind);
	put_number(&t, "code", s->end.code);
	put_number(&t, "signal", s->end.signal);
	put_bool(&t, "core", s->end.core);
	put_number(&t, "error", s->end.error);
	put_text(&t, "what", s->end.what);
	put_number(&t, "user_ms", ms(usage.ru_utime));
	put_number(&t, "system_ms", ms(usage.ru_stime));
	put_number(&t, "memory_bytes", (int64_t)usage.ru_maxrss * 1024);
	put_number(&t, "elapsed_ms", s->end.elapsed_ms);
	/* A failure leaves "started", which is true: the end is not known. */
	(void)write_file(s, &t);
}

/*
 * Takes the lock. The file is neither emptied nor written before it is known
 * that the daemon lives: it may be the record of a later shim.
 */
static int open_file(struct shim *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct text name = { .len = 0 };

	put(&name, TRIALDIR_FILE_BEFORE);
	put(&name, s->argv[ATTEMPT]);
	put(&name, TRIALDIR_FILE_AFTER);
	if (name.len == sizeof(name.bytes))
		return ENAMETOOLONG;
	name.bytes[name.len] = '\0';

	/* Relative names from here on, whatever length DIR has. */
	if (chdir(s->argv[DIR]) < 0)
		return errno;
	s->file =
	    open(name.bytes, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->file < 0 || fcntl(s->file, F_SETLK, &lock) < 0)
		return errno;
	return 0;
}

/* --- the gate ------------------------------------------------------------- */

static bool daemon_is_gone(void)
{
	struct pollfd gate = { .fd = TRIALDIR_GATE, .events = POLLRDHUP };

	return poll(&gate, 1, 0) != 0;
}

/*
 * Waits for the daemon's word. Returns 0 or an errno; *ret_go says whether the
 * gate is open.
 */
static int pass_gate(const struct shim *s, bool *ret_go)
{
	char byte = 0;
	ssize_t n;
	int r;

	n = recv(TRIALDIR_GATE, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		r = write_phase(s, "waiting");
		if (r != 0)
			return r;
		(void)fault_at("shim.waiting");
		n = recv(TRIALDIR_GATE, &byte, 1, 0);
	}
	/*
	 * The word of a daemon that has gone since does not count: the next one
	 * may have found the lock free, before it was taken here, and decided
	 * that this shim never was. Whoever comes after this look finds the
	 * lock held.
	 */
	*ret_go = n == 1 && byte == TRIALDIR_GO && !daemon_is_gone();
	return 0;
}

/* --- the child ------------------------------------------------------------ */

static int limit_memory(const char *bytes)
{
	rlim_t wanted = strtoull(bytes, NULL, 10);
	struct rlimit limit;

	if (wanted == 0)
		return 0;
	if (getrlimit(RLIMIT_DATA, &limit) < 0)
		return -1;
	if (wanted < limit.rlim_max)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_DATA, &limit);
}

/* Returns if the command cannot be run: what failed, with errno. */
static const char *run_command(char **argv, pid_t shim)
{
	static const struct timespec pause = { .tv_nsec = 20L * 1000 * 1000 };
	sigset_t none;

	(void)fault_at("child.begin");
	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != shim)
		_exit(127); /* the shim died before it could pass that on */
	(void)close(TRIALDIR_GATE);
	if (limit_memory(argv[MEMORY_BYTES]) < 0)
		return "setrlimit";
	if (chdir(argv[WORKDIR]) < 0)
		return "chdir";
	/* The shim blocks signals and handles none: the mask is all to undo. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)fault_at("child.exec");
	/* A program may still be open for writing in whoever just built it. */
	for (int tries = 0; tries < 5; tries++) {
		(void)execvp(argv[COMMAND], argv + COMMAND);
		if (errno != ETXTBSY)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return "execve";
}

/* Returns 0, or -1 with the reason in @failure. */
static int start_leader(struct shim *s, struct failure *failure)
{
	pid_t shim = getpid();

	s->leader = fork();
	if (s->leader == 0) {
		const char *what = run_command(s->argv, shim);

		s->failure->error = errno;
		s->failure->what = what;
		_exit(127);
	}
	if (s->leader < 0) {
		*failure = (struct failure){ errno, "fork" };
		return -1;
	}
	return 0;
}

/* --- the processes -------------------------------------------------------- */

static void set_end(struct shim *s, const struct failure *failure, int status)
{
	s->end.elapsed_ms = clock_ms(CLOCK_BOOTTIME) - s->began_ms;
	s->end.what = "";
	if (failure->error != 0) {
		s->end.kind = "not-executed";
		s->end.error = failure->error;
		s->end.what = failure->what;
	} else if (WIFSIGNALED(status)) {
		s->end.kind = "signaled";
		s->end.signal = WTERMSIG(status);
		s->end.core = WCOREDUMP(status);
	} else {
		s->end.kind = "exited";
		s->end.code = WEXITSTATUS(status);
	}
}

/* Reaps all that have ended. Returns false when no child is left. */
static bool reap(struct shim *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		if (pid == s->leader) {
			s->leader = 0;
			set_end(s, s->failure, status);
		}
	return pid == 0;
}

/*
 * Kills the children, the adopted ones too. Only they are sure to be ours,
 * since a pid is not used again before we reap it; their own children come to
 * us when they die. Returns false when they cannot be listed.
 */
static bool kill_children(void)
{
	static char text[4096];
	pid_t pid = 0;
	ssize_t n;
	int fd;

	fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 1)
				(void)kill(pid, SIGKILL);
			pid = 0;
		}
	(void)close(fd);
	return n == 0;
}

/*
 * The end of a process that another one traces is told to its tracer, until
 * that dies: it may be a child that has come to us without a word.
 */
static const struct timespec kill_again = { .tv_nsec = 100L * 1000 * 1000 };

/*
 * Kills until nobody is left. Parents die before their children, so that none
 * can replace what it lost; a killed process forks no more. Returns false when
 * children cannot be listed.
 */
static bool sweep(struct shim *s, const sigset_t *signals)
{
	while (reap(s)) {
		if (!kill_children())
			return false;
		(void)sigtimedwait(signals, NULL, &kill_again);
	}
	return true;
}

static void pass_term(struct shim *s)
{
	(void)fault_at("shim.term");
	if (s->leader <= 1)
		return;
	/* Just forked, it leads no group yet; it gets the signal all the same.
	 */
	if (kill(-s->leader, SIGTERM) < 0)
		(void)kill(s->leader, SIGTERM);
	if (kill(-s->leader, SIGCONT) < 0)
		(void)kill(s->leader, SIGCONT);
	if (s->term_ms != 0)
		return;
	/* Its grace begins now, whichever daemon waits for the end of it. */
	s->term_ms = clock_ms(CLOCK_MONOTONIC);
	(void)write_started(s);
}

/* Until the leader has ended. Returns whether others are left. */
static bool supervise(struct shim *s, const sigset_t *signals)
{
	const struct timespec *wait = NULL; /* for ever */
	bool left = true;

	while (s->leader != 0) {
		switch (sigtimedwait(signals, NULL, wait)) {
		case SIGTERM:
			pass_term(s);
			break;
		case SIGUSR1:
			(void)fault_at("shim.kill");
			wait = &kill_again;
			break;
		default:
			left = reap(s);
			break;
		}
		/* The leader's end brings SIGCHLD, then comes the sweep. */
		if (wait != NULL && s->leader != 0 && !kill_children())
			(void)kill(s->leader, SIGKILL);
	}
	return left;
}

/* --- the copy ------------------------------------------------------------- */

/* In a process of its own, so that it can be ended at any time. */
static void copy_in_child(struct shim *s, pid_t shim)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != shim)
		_exit(127);
	(void)close(TRIALDIR_GATE);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	s->failure->error = copy_checkpoint();
	s->failure->what = TRIALDIR_CHECKPOINT;
	_exit(s->failure->error != 0);
}

/* Waits for the copy. Returns its wait status, or -1: it was to be stopped. */
static int wait_for_copy(pid_t pid, const sigset_t *signals)
{
	bool is_stopped = false;
	int status;

	while (waitpid(pid, &status, WNOHANG | __WALL) != pid) {
		int signal = sigtimedwait(signals, NULL, NULL);

		if (signal == SIGTERM || signal == SIGUSR1) {
			is_stopped = true;
			(void)kill(pid, SIGKILL);
		}
	}
	return is_stopped ? -1 : status;
}

/*
 * Returns whether the command is to be run. If not, the end is written; or it
 * is not, if something killed the copy, since nothing has run and another shim
 * may try again.
 */
static bool copy(struct shim *s, const sigset_t *signals)
{
	pid_t shim = getpid(), pid;
	int status;

	(void)fault_at("shim.copying");
	pid = fork();
	if (pid == 0)
		copy_in_child(s, shim);
	if (pid < 0) {
		set_end(s, &(struct failure){ errno, "fork" }, 0);
		write_end(s, true);
		return false;
	}
	status = wait_for_copy(pid, signals);
	(void)fault_at("shim.copied");
	if (status == 0)
		return true;
	if (status != -1 && WIFSIGNALED(status))
		return false;
	if (status == -1)
		*s->failure =
		    (struct failure){ ECANCELED, TRIALDIR_CHECKPOINT };
	set_end(s, s->failure, 0);
	write_end(s, true);
	return false;
}

/* --- one after the other -------------------------------------------------- */

/* Returns 0 with memory that children share, or -1 with the end written. */
static int begin(struct shim *s)
{
	s->began_ms = clock_ms(CLOCK_BOOTTIME);
	s->failure = mmap(NULL, sizeof(*s->failure), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->failure != MAP_FAILED)
		return 0;
	set_end(s, &(struct failure){ errno, "mmap" }, 0);
	write_end(s, true);
	return -1;
}

static void run(struct shim *s, const sigset_t *signals)
{
	struct failure failure;

	if (start_leader(s, &failure) < 0) {
		set_end(s, &failure, 0);
		write_end(s, true);
		return;
	}
	(void)fault_at("shim.forked");
	if (supervise(s, signals)) {
		(void)fault_at("shim.reaped");
		write_end(s, false);
		(void)fault_at("shim.sweep");
		if (!sweep(s, signals))
			return;
	}
	(void)fault_at("shim.end");
	write_end(s, true);
}

/* The gate is open. Returns 0, or the errno of what kept it from its file. */
static int start(struct shim *s, const sigset_t *signals)
{
	bool copies = copy_is_wanted();
	int r = 0;

	if (copies)
		r = write_phase(s, "copying");
	if (r != 0)
		return r;
	if (begin(s) < 0 || (copies && !copy(s, signals)))
		return 0;
	r = write_started(s);
	(void)fault_at("shim.fork");
	if (r == 0)
		run(s, signals);
	return r;
}

static void sync_file(const struct shim *s)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)fsync(s->file);
	if (dir >= 0)
		(void)fsync(dir);
}

/* Returns the exit status. */
int main(int argc, char **argv)
{
	struct shim s = { .argv = argv };
	sigset_t all, signals;
	bool go;
	int r;

	if (argc <= COMMAND)
		return EINVAL;
	/*
	 * All of them: SIGPIPE, SIGXFSZ and their like must not end the shim,
	 * and blocked ones, unlike ignored ones, are undone in one call.
	 */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	/* The daemon passes on nothing by itself; this is the second lock. */
	(void)syscall(SYS_close_range, TRIALDIR_GATE + 1, ~0U, 0);
	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)fault_at("shim.lock");
	r = open_file(&s);
	(void)fault_at("shim.gate");
	if (r == 0)
		r = pass_gate(&s, &go);
	if (r != 0 || !go)
		return r;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGUSR1);

	(void)fault_at("shim.go");
	r = start(&s, &signals);
	if (r != 0)
		return r;
	(void)fault_at("shim.sync");
	if (daemon_is_gone())
		sync_file(&s);
	(void)fault_at("shim.exit");
	return 0;
}
