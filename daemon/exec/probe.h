#pragma once

/*
 * What the file of an attempt and the lock on it say (shim/trialdir.h).
 */
#include "schema/record.h"

#include <stdbool.h>
#include <sys/types.h>

enum probe_phase {
	PROBE_NOTHING, /* no file, or no record of this attempt's token */
	PROBE_WAITING,
	PROBE_COPYING, /* the gate was open, but the command did not run yet */
	PROBE_STARTED,
	PROBE_ENDED,
};

struct probe {
	pid_t holder; /* of the lock: the shim; 0: nobody */
	enum probe_phase phase;
	int64_t started_ms; /* started: when it began; 0: an older shim's */
	int64_t term_ms;    /* started: when it was passed SIGTERM, else 0 */
	bool swept;         /* ended: no process is left */
	struct outcome outcome; /* ended */
};

/*
 * Looks at the lock, then at the content, so that what is read is final when
 * nobody holds the lock. The file is input that anybody of this user may have
 * written: at worst its phase is less than the truth. Returns 0, or -errno if
 * nothing can be said now.
 */
int probe_read(const char *path, const char *token, struct probe *ret)
    __attribute__((warn_unused_result));

/*
 * A pidfd of the shim that holds the lock on @path, proven: the lock is looked
 * at again after the pidfd is open. Returns 0 with the pidfd, or -errno; -ESRCH
 * if the holder has gone.
 */
int probe_open_holder(const char *path, pid_t holder, int *ret_pidfd)
    __attribute__((warn_unused_result));
