/*
 * The fail-points of base/fault.h, in the hpsd and hpsd-shim of this folder.
 * $HPSD_FAULT is a folder, the same for all processes:
 *
 *   arm    NAME=kill, NAME=error:ERRNO or NAME=delay:MS, with @N after it for
 *          the Nth time that a process reaches NAME (1). It is removed when it
 *          happens: once, in one of them.
 *   told   gets a line "NAME TOKEN" when it happens; TOKEN is the attempt's in
 *          a shim, "-" in the daemon
 *   trace  gets such a line each time that a fail-point is reached
 *   lock   is held (flock) from the removal of arm to the end of what is
 *          killed: whoever holds it and finds no arm knows that it has happened
 *
 * libc alone, as in the shim.
 */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static int open_in(const char *folder, const char *name, int flags)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void tell(const char *folder, const char *file, const char *name)
{
	const char *token = getenv("HPS_TOKEN");
	int fd = open_in(folder, file, O_WRONLY | O_APPEND | O_CREAT);

	(void)dprintf(fd, "%s %s\n", name, token != NULL ? token : "-");
	(void)close(fd);
}

/* What is armed, if it is at @name: the text from "=" on in @ret. */
static bool is_armed(const char *folder, const char *name, char ret[64])
{
	size_t len = strlen(name);
	int fd = open_in(folder, "arm", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, 63);
	(void)close(fd);
	ret[n > 0 ? n : 0] = '\0';
	if (strncmp(ret, name, len) != 0 || ret[len] != '=')
		return false;
	memmove(ret, ret + len, strlen(ret + len) + 1);
	return true;
}

/* Disarms and tells it, and kills if @what says so; false: it is disarmed. */
static bool take(const char *folder, const char *name, const char *what)
{
	int fd = open_in(folder, "lock", O_RDWR | O_CREAT);
	char path[256];
	bool is_taken;

	(void)snprintf(path, sizeof(path), "%s/arm", folder);
	(void)flock(fd, LOCK_EX);
	is_taken = unlink(path) == 0;
	if (is_taken) {
		tell(folder, "told", name);
		if (strncmp(what, "=kill", 5) == 0)
			(void)kill(getpid(), SIGKILL);
	}
	(void)close(fd);
	return is_taken;
}

static int happen(const char *what)
{
	const char *colon = strchr(what, ':');
	long number = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
	struct timespec time = { number / 1000, number % 1000 * 1000000L };

	if (strncmp(what, "=delay", 6) == 0)
		(void)nanosleep(&time, NULL);
	return strncmp(what, "=error", 6) == 0 ? (int)-number : 0;
}

int fault_at(const char *name)
{
	static int times;
	const char *folder = getenv("HPSD_FAULT");
	char what[64];
	const char *at;

	if (folder == NULL)
		return 0;
	tell(folder, "trace", name);
	if (!is_armed(folder, name, what))
		return 0;
	at = strchr(what, '@');
	if (++times < (at != NULL ? atoi(at + 1) : 1) ||
	    !take(folder, name, what))
		return 0;
	times = 0;
	return happen(what);
}
