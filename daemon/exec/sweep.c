#include "exec/sweep.h"

#include "schema/record.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define VARIABLE     "HPS_TOKEN="
/* The variable with a NUL on either side. */
#define NEEDLE_BYTES (1 + sizeof(VARIABLE) - 1 + TOKEN_BYTES)

/* True if the environment at @fd holds the @len bytes of @needle. */
static bool holds(int fd, const char *needle, size_t len)
{
	char text[16384];
	size_t kept = 1; /* the first variable has no NUL before it */
	ssize_t n;

	text[0] = '\0';
	while ((n = read(fd, text + kept, sizeof(text) - kept)) > 0) {
		size_t have = kept + (size_t)n;

		if (memmem(text, have, needle, len) != NULL)
			return true;
		kept = have < len - 1 ? have : len - 1;
		memmove(text, text + have - kept, kept);
	}
	return false;
}

/* Zombies have no environment any more, strangers one that cannot be read. */
static bool has_token(int proc, const char *pid, const char *token)
{
	char needle[NEEDLE_BYTES + 1], path[32];
	bool found;
	int len, fd;

	len = snprintf(needle, sizeof(needle), "%c" VARIABLE "%s", '\0', token);
	assert(len > 0 && (size_t)len < sizeof(needle));
	(void)snprintf(path, sizeof(path), "%s/environ", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	found = holds(fd, needle, (size_t)len + 1);
	(void)close(fd);
	return found;
}

static int pass(const char *token, int signal)
{
	struct dirent *entry;
	int found = 0;
	DIR *proc;

	proc = opendir("/proc");
	if (proc == NULL)
		return -errno;
	while ((entry = readdir(proc)) != NULL) {
		long pid = strtol(entry->d_name, NULL, 10);
		int pidfd;

		if (!isdigit((unsigned char)entry->d_name[0]) || pid <= 1 ||
		    pid == getpid() ||
		    !has_token(dirfd(proc), entry->d_name, token))
			continue;
		found++;
		/* Who holds the token once the pidfd is open is its process. */
		pidfd = pidfd_open((pid_t)pid, 0);
		if (pidfd < 0)
			continue;
		if (has_token(dirfd(proc), entry->d_name, token))
			(void)pidfd_send_signal(pidfd, signal, NULL, 0);
		(void)close(pidfd);
	}
	(void)closedir(proc);
	return found;
}

int sweep(const char *token, int signal)
{
	int found;

	assert(token[0] != '\0' && strlen(token) < TOKEN_BYTES);
	/*
	 * Who forks and ends while the list is read may be missing in it: the
	 * child, whose pid is smaller when they have wrapped around.
	 */
	found = pass(token, signal);
	return found == 0 ? pass(token, signal) : found;
}
