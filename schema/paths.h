#pragma once

/*
 * Where the state directory and the control socket are: both programs look in
 * the same places.
 */
#include "schema/diag.h"

struct paths {
	char *state_dir; /* absolute */
	char *socket;    /* absolute, short enough for a socket's address */
};

/*
 * State directory: @state (an option --state), else $HPSD_STATE, else
 * $XDG_STATE_HOME/hpsd, else ~/.local/state/hpsd. Socket: @socket, else
 * $HPSD_SOCKET, else hpsd.sock in @state, else $XDG_RUNTIME_DIR/hpsd.sock,
 * else hpsd.sock in the state directory. @state and @socket may be NULL; an
 * empty variable counts as unset, and so does a relative one of XDG.
 *
 * Returns 0 and new strings, or 1 with what is wrong. Free with paths_free().
 */
int paths_find(const char *state, const char *socket, struct paths *ret_paths,
	       struct diag *reterr) __attribute__((warn_unused_result));

/* @path from the root on, new; NULL, with a fault of @what, if it cannot be. */
char *paths_absolute(const char *path, const char *what, struct diag *reterr);

/* Frees the strings. Zeroed memory is fine. */
void paths_free(struct paths *p);
