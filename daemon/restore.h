#pragma once

/*
 * A backup takes the place of the database; nothing is deleted. Only while
 * this process holds the lock of the state directory, and before the database
 * is opened.
 */
#include "schema/diag.h"

#include <cjson/cJSON.h>

/*
 * Puts a copy of @file, which must be whole, in the place of the database. The
 * database before gets another name, as do directories of trials that the
 * backup does not know: their numbers will be given again. Returns 0 or 1 with
 * the reason; @ret_result is new: restored, searches, trials, database (the
 * former one, or null), trials_dir (where the unknown ones are, or null).
 */
int restore(const char *state_dir, const char *file, cJSON **ret_result,
	    struct diag *reterr) __attribute__((warn_unused_result));

/*
 * Goes on with a restore in the midst of which a process was killed. Returns 0,
 * also if there is none, or 1 with the reason.
 */
int restore_resume(const char *state_dir, struct diag *reterr)
    __attribute__((warn_unused_result));

/* Puts all trials aside, of a database that is gone. 0, or 1 and why. */
int restore_part_with_trials(const char *state_dir, char **ret_dir,
			     struct diag *reterr)
    __attribute__((warn_unused_result));
