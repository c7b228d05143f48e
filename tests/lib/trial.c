/*
 * Trials for tests: what programs do, good and bad. The first argument names
 * it; what the test waits for is printed as a metric. None ends by itself
 * after a time: whoever is left over stays until it is killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, long value)
{
	/* One write, so that two processes do not mix their lines. */
	(void)dprintf(STDOUT_FILENO, "%s=%ld\n", name, value);
}

static _Noreturn void stay(void)
{
	tell("pid", getpid());
	for (;;)
		(void)pause();
}

static int end_by(int signo, bool with_core)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_CORE, with_core ? &all : &none);
	(void)signal(signo, SIG_DFL); /* a sanitizer may have taken it */
	(void)kill(getpid(), signo);
	return 99;
}

static int print_vector(char **strings)
{
	for (; *strings != NULL; strings++)
		(void)fwrite(*strings, 1, strlen(*strings) + 1, stdout);
	return 0;
}

static int print_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir))
			tell("fd", fd);
	}
	(void)closedir(dir);
	return 0;
}

/* How the process was started, beyond argv and the environment. */
static int print_state(void)
{
	struct sigaction action;
	sigset_t mask;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < SIGRTMIN; signo++) {
		if (sigismember(&mask, signo) == 1)
			tell("blocked", signo);
		if (sigaction(signo, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			tell("ignored", signo);
	}
	tell("own_session", getsid(0) == getpid() && getpgrp() == getpid());
	return 0;
}

static int count(int n)
{
	for (int i = 0; i < n; i++)
		(void)printf("loss=%d\n", i);
	(void)printf("last=%d", n); /* the end of a line that is cut off */
	return 0;
}

/* A grandchild that keeps all descriptors and cannot be asked to end. */
static void escape(void)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		exit(99);
	if (fork() == 0) {
		(void)setsid();
		if (fork() > 0)
			_exit(0);
		(void)setsid();
		(void)signal(SIGTERM, SIG_IGN);
		(void)close(ready[0]);
		tell("grandchild", getpid());
		(void)close(ready[1]);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	if (read(ready[0], &byte, 1) < 0)
		exit(99);
}

/* Held by a debugger that cannot be asked to let go. */
static _Noreturn void be_traced(void)
{
	pid_t leader = getpid();

	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (fork() == 0) {
		(void)setsid();
		(void)signal(SIGTERM, SIG_IGN);
		if (ptrace(PTRACE_ATTACH, leader, NULL, NULL) < 0 ||
		    waitpid(leader, NULL, __WALL) != leader)
			_exit(99);
		tell("pid", leader);
		for (;;)
			(void)pause();
	}
	for (;;)
		(void)pause();
}

/* Always gone before somebody can catch it: only its child is left. */
static _Noreturn void relay(void)
{
	for (;;)
		if (fork() > 0)
			_exit(0);
}

static int wait_for_fifo(const char *path)
{
	char text[64];
	ssize_t n;
	int fd;

	tell("pid", getpid());
	fd = open(path, O_RDONLY);
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(STDOUT_FILENO, text, (size_t)n) < 0)
			return 99;
	return 7;
}

static void on_term(int signo)
{
	tell("term", signo);
	_exit(3);
}

static void on_term_twice(int signo)
{
	static volatile sig_atomic_t times;

	tell("term", signo);
	if (++times == 2)
		_exit(3);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(what, "exit") == 0)
		return number;
	if (strcmp(what, "signal") == 0)
		return end_by(number, false);
	if (strcmp(what, "core") == 0)
		return end_by(number, true);
	if (strcmp(what, "args") == 0)
		return print_vector(argv);
	if (strcmp(what, "environ") == 0)
		return print_vector(environ);
	if (strcmp(what, "descriptors") == 0)
		return print_descriptors();
	if (strcmp(what, "state") == 0)
		return print_state();
	if (strcmp(what, "count") == 0)
		return count(number);
	if (strcmp(what, "stay") == 0)
		stay();
	if (strcmp(what, "wait") == 0 && argc > 2)
		return wait_for_fifo(argv[2]);
	if (strcmp(what, "escape-and-exit") == 0) {
		escape();
		return number;
	}
	if (strcmp(what, "escape-and-stay") == 0) {
		escape();
		stay();
	}
	if (strcmp(what, "relay") == 0)
		relay();
	if (strcmp(what, "traced") == 0)
		be_traced();
	if (strcmp(what, "stop") == 0) {
		tell("pid", getpid());
		(void)raise(SIGSTOP);
		stay();
	}
	if (strcmp(what, "stubborn") == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		stay();
	}
	if (strcmp(what, "reluctant") == 0) {
		(void)signal(SIGTERM, on_term_twice);
		stay();
	}
	if (strcmp(what, "polite") == 0) {
		(void)signal(SIGTERM, on_term);
		stay();
	}
	(void)fprintf(stderr, "trial: \"%s\" is none of its programs\n", what);
	return 98;
}
