#include "schema/until.h"

#include "schema/search.h"

#include <string.h>
#include <time.h>

/* A number of @min to @max digits; moves *at behind it. -1: there is none. */
static int digits(const char **at, int min, int max)
{
	int v = 0, n = 0;

	for (; n < max && **at >= '0' && **at <= '9'; n++)
		v = v * 10 + (*(*at)++ - '0');
	return n < min ? -1 : v;
}

/* Moves *at behind @c, if it is there. */
static bool take(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* "7:00", "07:00", "07:00:30" and nothing behind. */
static bool read_clock(const char *at, struct until *u)
{
	u->hour = digits(&at, 1, 2);
	if (u->hour < 0 || u->hour > 23 || !take(&at, ':'))
		return false;
	u->minute = digits(&at, 2, 2);
	if (u->minute < 0 || u->minute > 59)
		return false;
	if (take(&at, ':'))
		u->second = digits(&at, 2, 2);
	return u->second >= 0 && u->second <= 59 && *at == '\0';
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* "2026-12-01 07:00" */
static bool read_date(const char *at, struct until *u)
{
	u->year = digits(&at, 4, 4);
	if (u->year < 1970 || !take(&at, '-'))
		return false;
	u->month = digits(&at, 2, 2);
	if (u->month < 1 || u->month > 12 || !take(&at, '-'))
		return false;
	u->day = digits(&at, 2, 2);
	if (u->day < 1 || u->day > days_of(u->year, u->month))
		return false;
	return (take(&at, ' ') || take(&at, 'T')) && read_clock(at, u);
}

bool until_parse(const char *text, struct until *ret)
{
	struct until u = { .kind = UNTIL_AFTER };

	if (strchr(text, '-') != NULL) {
		u.kind = UNTIL_DATE;
		if (!read_date(text, &u))
			return false;
	} else if (strchr(text, ':') != NULL) {
		u.kind = UNTIL_CLOCK;
		if (!read_clock(text, &u))
			return false;
	} else {
		u.after_ms = duration_parse(text);
		/* "7" is hardly meant to be seconds. */
		if (u.after_ms <= 0 || strpbrk(text, "dhms") == NULL)
			return false;
	}
	*ret = u;
	return true;
}

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

int64_t until_ms(const struct until *u, int64_t now_ms)
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
