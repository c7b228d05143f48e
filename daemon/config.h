#pragma once

/*
 * The daemon's configuration (hpsd(8), "CONFIGURATION"): a JSON object of which
 * every key has a default.
 */
#include "base/log.h"

#include "schema/diag.h"

#include <stdint.h>

struct config {
	int64_t slots; /* trials of one cpu at a time */
	enum log_level log_level;
	int64_t backups; /* of the days, that are kept; 0: none are made */
};

/*
 * Reads @file; NULL: $XDG_CONFIG_HOME/hpsd/hpsd.json (~/.config), which may be
 * missing. Returns 0, or 1 with every fault. @ret_file is the path that was
 * read, new, or NULL if there was none.
 */
int config_read(const char *file, struct config *ret_config, char **ret_file,
		struct diag *reterr) __attribute__((warn_unused_result));
