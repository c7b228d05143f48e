#pragma once

/* Follows a search to its end, with a live line on a terminal. */
#include "cmd.h"

/*
 * From here on an interrupt waits for follow_search(): what is being submitted
 * goes on, and that is to be said.
 */
void follow_hold_interrupts(void);

/*
 * @is_submitted: it was just now, so that an hpsd that is away comes back with
 * it; else one is started if need be. Returns STATUS_DONE when the search has
 * finished, STATUS_FAILED when it failed or was cancelled, STATUS_INTERRUPTED
 * after SIGINT, which leaves the search running.
 */
enum status follow_search(struct call *call, const char *search,
			  bool is_submitted);
