#pragma once

/*
 * "until" of a search file: when the search ends, by the wall clock.
 *
 *   "8h"                so long after the submit, time asleep included
 *   "07:00"             when the local clock next shows it
 *   "2026-12-01 07:00"  then, local time; "T" for the space is fine, too
 *
 * Seconds may follow the minutes.
 */
#include <stdbool.h>
#include <stdint.h>

struct until {
	enum until_kind {
		UNTIL_NONE,
		UNTIL_AFTER,
		UNTIL_CLOCK,
		UNTIL_DATE,
	} kind;
	int64_t after_ms;
	int year, month, day; /* of UNTIL_DATE: 1970 .. 9999, 1 .., 1 .. */
	int hour, minute, second;
};

/* False if @text is none of these. */
bool until_parse(const char *text, struct until *ret);
