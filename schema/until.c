#include "schema/until.h"

#include "schema/search.h"

#include <string.h>

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
