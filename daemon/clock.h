#pragma once

/* What a search file says of the wall clock, in the local time zone. */
#include "schema/until.h"

/*
 * The moment that is meant at @now_ms, in ms since the epoch; it may be over if
 * it is a date, and 0 is UNTIL_NONE. By the time zone of the process: what the
 * clock skips or shows twice is what mktime(3) makes of it.
 */
int64_t clock_until(const struct until *u, int64_t now_ms);
