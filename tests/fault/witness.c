/*
 * The trial that tells on hpsd: what it was given and when it ran stands in a
 * file that hpsd knows nothing of, and every byte of its output follows from
 * its arguments and its fold.
 *
 *     witness FILE MODE STEPS X PAUSE_MS
 *
 * Lines of FILE, each one write(2) in O_APPEND, BOOT_MS being CLOCK_MONOTONIC:
 *     TOKEN start BOOT_MS WALL_MS PID MODE STEPS X PARAMS
 *     TOKEN term BOOT_MS
 *     TOKEN exit BOOT_MS CODE
 *
 * MODE is how it ends: an exit status; "raise" (SIGKILL from itself); "leave"
 * (status 0, but a grandchild of another session stays, deaf to SIGTERM);
 * "stay" (not before SIGTERM, then status 0); "deaf" (not even then); "nest"
 * (as "stay", with a grandchild as of "leave").
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *token;
static int file;
static volatile sig_atomic_t is_deaf;

static long long clock_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(const char *what, long long code)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%s %s %lld %lld\n", token, what,
			   clock_ms(CLOCK_MONOTONIC), code);

	if (write(file, text, (size_t)len) != len)
		abort();
}

static void hold_term(int how)
{
	sigset_t term;

	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(how, &term, NULL);
}

/* Told once: a SIGTERM that comes now is too late. */
static _Noreturn void end(int code)
{
	hold_term(SIG_BLOCK);
	tell("exit", code);
	_exit(code);
}

/* snprintf() of numbers is safe enough here: all else is blocked or done. */
static void on_term(int signo)
{
	tell("term", signo);
	if (!is_deaf)
		end(0);
}

/* SIGTERM is the parent's to tell of. */
static void leave_grandchild(void)
{
	hold_term(SIG_BLOCK);
	if (fork() > 0) {
		hold_term(SIG_UNBLOCK);
		return;
	}
	(void)signal(SIGTERM, SIG_IGN);
	(void)setsid();
	if (fork() > 0)
		_exit(0);
	for (;;)
		(void)pause();
}

static void run(int steps, int x, int pause_ms)
{
	const char *fold = getenv("HPS_FOLD");
	int first = x + (fold != NULL ? 1000000 * atoi(fold) : 0);
	struct timespec pause = { pause_ms / 1000, pause_ms % 1000 * 1000000L };

	for (int step = 1; step <= steps; step++) {
		(void)nanosleep(&pause, NULL);
		(void)dprintf(STDOUT_FILENO, "step=%d loss=%d\n", step,
			      first + step);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term,
				    .sa_flags = SA_RESTART };
	const char *mode;

	token = getenv("HPS_TOKEN");
	if (argc != 6 || token == NULL)
		return 98;
	mode = argv[2];
	file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		return 97;
	is_deaf = strcmp(mode, "deaf") == 0;
	/* An end is told after the start, or not at all. */
	hold_term(SIG_BLOCK);
	(void)sigaction(SIGTERM, &action, NULL);
	if (dprintf(file, "%s start %lld %lld %d %s %s %s %s\n", token,
		    clock_ms(CLOCK_MONOTONIC), clock_ms(CLOCK_REALTIME),
		    (int)getpid(), mode, argv[3], argv[4],
		    getenv("HPS_PARAMS")) < 0)
		return 97;
	hold_term(SIG_UNBLOCK);
	run(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	if (strcmp(mode, "raise") == 0)
		(void)raise(SIGKILL);
	if (strcmp(mode, "leave") == 0 || strcmp(mode, "nest") == 0)
		leave_grandchild();
	while (is_deaf || strcmp(mode, "stay") == 0 ||
	       strcmp(mode, "nest") == 0)
		(void)pause();
	end(atoi(mode)); /* 0 of "leave" */
}
