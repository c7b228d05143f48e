#pragma once

/*
 * Makes a trial's directory and starts its shim.
 */
#include "exec/executor.h"

#include <sys/resource.h>

struct start {
	pid_t pid;
	int pidfd;
	int gate;          /* our end */
	int log;           /* output.log, to be read */
	int64_t log_bytes; /* its size when the shim was started */
};

/*
 * The trial's limit of descriptors is @descriptors. Returns 0, or -errno with
 * what failed in @ret_what: -EMFILE already when a quarter of our own are left,
 * for clients and the database. In the failure nothing runs and no descriptor
 * is open; the directory may be there.
 */
int start_shim(const char *shim, const struct rlimit *descriptors,
	       const struct launch *launch, struct start *ret,
	       const char **ret_what) __attribute__((warn_unused_result));
