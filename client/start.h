#pragma once

/* Starts hpsd when none runs. */
#include "schema/buf.h"
#include "schema/paths.h"

/* The path of the hpsd that start_hpsd() would run; new, NULL if none. */
char *start_find_hpsd(void);

/*
 * Runs hpsd, detached from the terminal, on these paths and waits until it
 * listens. Returns 0, or 1 after what went wrong has been told on stderr.
 * 0 does not promise that this hpsd listens: another one may have come first.
 */
int start_hpsd(const struct paths *paths) __attribute__((warn_unused_result));

/*
 * Runs @hpsd with an option until it ends, and collects what it prints.
 * Returns its exit status, or 127 after what went wrong has been told.
 */
int start_ask_hpsd(const char *hpsd, const struct paths *paths,
		   const char *option, const char *value, struct buf *ret_text)
    __attribute__((warn_unused_result));

/*
 * The last line of the log if it tells of a trouble: why a daemon that has
 * ended by itself did so. New; NULL: there is none.
 */
char *start_last_words(const struct paths *paths);
