#include "exec/attempts.h"

#include "exec/probe.h"
#include "shim/trialdir.h"

#include "schema/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number in the name of an attempt's file; 0 if it is none. */
static int64_t number_in(const char *name)
{
	const size_t before = strlen(TRIALDIR_FILE_BEFORE);
	long long n;
	char *end;

	if (strncmp(name, TRIALDIR_FILE_BEFORE, before) != 0)
		return 0;
	n = strtoll(name + before, &end, 10);
	return n > 0 && strcmp(end, TRIALDIR_FILE_AFTER) == 0 ? n : 0;
}

int attempts_list(const char *dir, attempts_fn *fn, void *ctx)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (stream == NULL)
		return -errno;
	while (r == 0 && (entry = readdir(stream)) != NULL) {
		int64_t n = number_in(entry->d_name);
		auto_free char *path = xasprintf("%s/%s", dir, entry->d_name);

		if (n > 0)
			r = fn(ctx, n, path);
	}
	(void)closedir(stream);
	return r;
}

/* As exec/start.c makes them: the trial's and its search's. */
static int make_dirs(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	auto_free char *parent = xstrndup(dir, (size_t)(slash - dir));

	if ((mkdir(parent, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(dir, 0700) < 0 && errno != EEXIST))
		return -errno;
	return 0;
}

int attempts_mark_lost(const char *dir, int64_t attempt, const char *token)
{
	auto_free char *path =
	    xasprintf("%s/" TRIALDIR_FILE_BEFORE "%lld" TRIALDIR_FILE_AFTER,
		      dir, (long long)attempt);
	char text[TRIALDIR_FILE_BYTES];
	struct probe probe;
	int fd, n;
	int r = probe_read(path, token, &probe);

	if (r < 0 || probe.phase != PROBE_NOTHING)
		return r;
	r = make_dirs(dir);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	memset(text, ' ', sizeof(text));
	n = snprintf(text, sizeof(text),
		     "{\"version\":%d,\"token\":\"%s\","
		     "\"phase\":\"started\"}",
		     TRIALDIR_VERSION, token);
	text[n] = '\n';
	errno = ENOSPC; /* of a short write */
	if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) ||
	    fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

int attempts_copy_output(const char *from, const char *to, int64_t bytes)
{
	auto_free char *source = xasprintf("%s/" TRIALDIR_LOG, from);
	auto_free char *target = xasprintf("%s/" TRIALDIR_LOG, to);
	int r = make_dirs(to);
	int in, out;
	ssize_t n = 1;

	if (r < 0)
		return r;
	in = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return errno == ENOENT ? 0 : -errno;
	out = open(target,
		   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		r = -errno;
	while (r == 0 && bytes > 0 && n > 0) {
		n = sendfile(out, in, NULL, (size_t)bytes);
		if (n < 0)
			r = -errno;
		bytes -= n;
	}
	if (out >= 0)
		(void)close(out);
	(void)close(in);
	return r;
}
