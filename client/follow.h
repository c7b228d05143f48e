#pragma once

/* Follows a search to its end, with a live line on a terminal. */
#include "cmd.h"

/*
 * Returns STATUS_DONE when the search has finished, STATUS_FAILED when it
 * failed or was cancelled, STATUS_INTERRUPTED after SIGINT, which leaves the
 * search running.
 */
enum status follow_search(struct call *call, const char *search);
