#include "clock.h"

#include <time.h>

static int64_t in_ms(struct tm tm)
{
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000;
}

/* Today's, or the first one after it that is still to come. */
static int64_t next_clock(const struct until *u, int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	int64_t ms;

	(void)localtime_r(&now, &tm);
	tm.tm_hour = u->hour;
	tm.tm_min = u->minute;
	tm.tm_sec = u->second;
	while ((ms = in_ms(tm)) <= now_ms)
		tm.tm_mday++;
	return ms;
}

int64_t clock_until(const struct until *u, int64_t now_ms)
{
	struct tm date = {
		.tm_year = u->year - 1900,
		.tm_mon = u->month - 1,
		.tm_mday = u->day,
		.tm_hour = u->hour,
		.tm_min = u->minute,
		.tm_sec = u->second,
	};

	switch (u->kind) {
	case UNTIL_NONE:
		return 0;
	case UNTIL_AFTER:
		return now_ms + u->after_ms;
	case UNTIL_CLOCK:
		return next_clock(u, now_ms);
	case UNTIL_DATE:
		return in_ms(date);
	}
	return 0;
}
