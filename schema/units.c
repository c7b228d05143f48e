#include "schema/limits.h"
#include "schema/search.h"

#include <math.h>
#include <string.h>

/*
 * Digits with at most one point between them; moves *at behind them. -1 if
 * there are none.
 */
static double decimal(const char **at)
{
	const char *c = *at;
	double v = 0, place = 1;

	if (*c < '0' || *c > '9')
		return -1;
	for (; *c >= '0' && *c <= '9'; c++)
		v = v * 10 + (*c - '0');
	if (*c == '.' && c[1] >= '0' && c[1] <= '9') {
		for (c++; *c >= '0' && *c <= '9'; c++)
			v += (*c - '0') * (place /= 10);
	}
	*at = c;
	return v;
}

int64_t duration_ms(double seconds)
{
	double ms = nearbyint(seconds * 1000);

	if (!(seconds >= 0) || ms > (double)LIMIT_DURATION_MS)
		return -1;
	/* Less than a millisecond is not nothing: 0 would mean no limit. */
	return seconds > 0 && ms < 1 ? 1 : (int64_t)ms;
}

int64_t duration_parse(const char *text)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {
		{"d",   86400},
                { "h",  3600 },
                { "m",  60   },
		{ "s",  1    },
                { "ms", 0.001},
	};
	double seconds = 0;
	size_t next = 0; /* units go down, each at most once */

	do {
		double v = decimal(&text);
		size_t n = strspn(text, "dhms");

		if (v < 0)
			return -1;
		/* A bare number is seconds, and stands alone. */
		if (n == 0 && next == 0 && *text == '\0')
			return duration_ms(v);
		while (next < 5 && (strlen(units[next].name) != n ||
				    strncmp(units[next].name, text, n) != 0))
			next++;
		if (next == 5)
			return -1;
		seconds += v * units[next++].seconds;
		text += n;
	} while (*text != '\0');
	return duration_ms(seconds);
}

int64_t size_parse(const char *text)
{
	static const char units[] = "KMGT";
	double v = decimal(&text);
	const char *unit;

	if (v < 0)
		return -1;
	if (*text != '\0') {
		unit = strchr(units, *text);
		if (unit == NULL || text[1] != '\0')
			return -1;
		v = ldexp(v, 10 * (int)(unit - units + 1));
	}
	if (v > 0x1p53)
		return -1;
	return (int64_t)v;
}
