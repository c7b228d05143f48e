#include "exec/probe.h"

#include "shim/trialdir.h"

#include "schema/json.h"
#include "schema/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* True, and the member in *ret, if it is an integer from @min to @max. */
static bool get_int(const cJSON *object, const char *name, int64_t min,
		    int64_t max, int64_t *ret)
{
	*ret = json_get_integer(object, name, min - 1);
	return *ret >= min && *ret <= max;
}

/* The kinds that a shim can tell; OUTCOME_NONE for the others. */
static enum outcome_kind kind_of(const cJSON *object)
{
	static const enum outcome_kind kinds[] = {
		OUTCOME_EXITED,
		OUTCOME_SIGNALED,
		OUTCOME_NOT_EXECUTED,
	};
	const char *name = json_get_text(object, "kind");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (name != NULL &&
		    strcmp(name, outcome_kind_name(kinds[i])) == 0)
			return kinds[i];
	return OUTCOME_NONE;
}

static bool parse_end(const cJSON *object, struct outcome *ret)
{
	enum outcome_kind kind = kind_of(object);
	const char *what = json_get_text(object, "what");
	int64_t code, signal, error, user_ms, system_ms, memory, elapsed_ms;

	if (kind == OUTCOME_NONE || what == NULL ||
	    strlen(what) >= sizeof(ret->what) ||
	    !get_int(object, "code", 0, 255, &code) ||
	    !get_int(object, "signal", kind == OUTCOME_SIGNALED, 127,
		     &signal) ||
	    !get_int(object, "error", kind == OUTCOME_NOT_EXECUTED, 4095,
		     &error) ||
	    !get_int(object, "user_ms", 0, INT64_MAX, &user_ms) ||
	    !get_int(object, "system_ms", 0, INT64_MAX, &system_ms) ||
	    !get_int(object, "memory_bytes", 0, INT64_MAX, &memory) ||
	    !get_int(object, "elapsed_ms", 0, LIMIT_DURATION_MS, &elapsed_ms))
		return false;
	*ret = (struct outcome){
		.kind = kind,
		.code = (int)code,
		.signal = (int)signal,
		.core = json_get_bool(object, "core", false),
		.error = (int)error,
		.user_ms = user_ms,
		.system_ms = system_ms,
		.memory_bytes = memory,
		.elapsed_ms = elapsed_ms,
	};
	memcpy(ret->what, what, strlen(what));
	return true;
}

static void parse(const char *text, size_t len, const char *token,
		  struct probe *p)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	const char *found, *phase;

	if (json_doc_parse(text, len, &doc, &faults) != 0)
		return;
	found = json_get_text(doc.root, "token");
	phase = json_get_text(doc.root, "phase");
	if (json_get_integer(doc.root, "version", 0) != TRIALDIR_VERSION ||
	    found == NULL || strcmp(found, token) != 0 || phase == NULL)
		return;
	/* Of a record of ours that is broken, only the beginning is known. */
	p->phase = PROBE_STARTED;
	p->started_ms = json_get_integer(doc.root, "started_ms", 0);
	p->term_ms = json_get_integer(doc.root, "term_ms", 0);
	if (strcmp(phase, "waiting") == 0) {
		p->phase = PROBE_WAITING;
	} else if (strcmp(phase, "copying") == 0) {
		p->phase = PROBE_COPYING;
	} else if (strcmp(phase, "ended") == 0 &&
		   parse_end(doc.root, &p->outcome)) {
		p->phase = PROBE_ENDED;
		p->swept = json_get_bool(doc.root, "swept", false);
	}
}

/* The holder of the lock on @fd, 0 if it is free, or -errno. */
static pid_t holder_of(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	if (lock.l_type == F_UNLCK)
		return 0;
	/* No pid: a lock that no shim takes, or a shim of another container. */
	return lock.l_pid > 0 ? lock.l_pid : -EBUSY;
}

/* O_NONBLOCK: whatever lies there, a pipe too, must not stop the loop. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Errors that say that no file of a shim is there, unlike EMFILE or EIO. */
static bool is_absence(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EACCES ||
	       r == -EISDIR || r == -ESPIPE;
}

int probe_read(const char *path, const char *token, struct probe *ret)
{
	char text[2 * TRIALDIR_FILE_BYTES];
	ssize_t n = 0;
	int r = 0;
	int fd;

	*ret = (struct probe){ .phase = PROBE_NOTHING };
	fd = open_file(path);
	if (fd < 0)
		return is_absence(fd) ? 0 : fd;
	ret->holder = holder_of(fd);
	if (ret->holder < 0)
		r = ret->holder;
	else
		n = pread(fd, text, sizeof(text), 0);
	if (n < 0)
		r = is_absence(-errno) ? 0 : -errno;
	(void)close(fd);
	if (n > 0)
		parse(text, (size_t)n, token, ret);
	return r;
}

int probe_open_holder(const char *path, pid_t holder, int *ret_pidfd)
{
	pid_t now = -1;
	int fd, pidfd, r;

	pidfd = pidfd_open(holder, 0);
	if (pidfd < 0)
		return -errno;
	fd = open_file(path);
	if (fd >= 0) {
		now = holder_of(fd);
		(void)close(fd);
	}
	if (now != holder) {
		r = fd < 0 ? fd : -ESRCH;
		(void)close(pidfd);
		return r;
	}
	*ret_pidfd = pidfd;
	return 0;
}
