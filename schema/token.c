#include "schema/token.h"

#include "schema/mem.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_NUMBER 64

const char *token_skip_blanks(const char *p, const char *end)
{
	while (p < end && token_is_blank(*p))
		p++;
	return p;
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		c = (char)(c + ('a' - 'A'));
	return c;
}

bool token_is_word(const char *text, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\0' || lower(text[i]) != lower(word[i]))
			return false;
	}
	return word[len] == '\0';
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && token_is_digit(*p))
		p++;
	return p;
}

static const char *word(const char *p, const char *end, const char *w)
{
	size_t n = strlen(w);

	return (size_t)(end - p) >= n && token_is_word(p, n, w) ? p + n : NULL;
}

/* strtod() of a text that is not NUL-ended, by the rules of the C locale. */
static double convert(const char *p, size_t len)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	auto_free char *copy = NULL;
	char small[SHORT_NUMBER];
	double v;

	if (len < sizeof(small)) {
		memcpy(small, p, len);
		small[len] = '\0';
	} else {
		copy = xstrndup(p, len);
	}
	v = strtod_l(copy != NULL ? copy : small, NULL, c);
	freelocale(c);
	return v;
}

/* nan, inf or infinity at @p. */
static const char *special(const char *p, const char *end, double *ret_v)
{
	const char *q = word(p, end, "nan");

	*ret_v = (double)NAN;
	if (q != NULL)
		return q;
	*ret_v = (double)INFINITY;
	q = word(p, end, "infinity");
	return q != NULL ? q : word(p, end, "inf");
}

const char *token_number(const char *p, const char *end, double *ret_v)
{
	const char *begin = p;
	const char *whole, *q;
	size_t n;

	if (p < end && (*p == '+' || *p == '-'))
		p++;
	if (p < end && !token_is_digit(*p) && *p != '.') {
		q = special(p, end, ret_v);
		if (q != NULL && *begin == '-')
			*ret_v = -*ret_v;
		return q;
	}
	whole = p;
	p = digits(p, end);
	n = (size_t)(p - whole);
	if (p < end && *p == '.') {
		q = digits(p + 1, end);
		n += (size_t)(q - p - 1);
		p = q;
	}
	if (n == 0)
		return NULL;
	if (p < end && lower(*p) == 'e') {
		q = p + 1;
		if (q < end && (*q == '+' || *q == '-'))
			q++;
		if (digits(q, end) > q)
			p = digits(q, end);
	}
	*ret_v = convert(begin, (size_t)(p - begin));
	return p;
}

bool token_ends_number(const char *p, const char *end, bool cut)
{
	if (p == end)
		return !cut;
	if (*p == ',')
		return p + 1 == end ? !cut : !token_is_digit(p[1]);
	return token_is_blank(*p) || (*p != '\0' && strchr(";|)]}/%", *p));
}

bool token_looks_numeric(const char *p, const char *end)
{
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	if (p < end && *p == '.')
		p++;
	return p < end && token_is_digit(*p);
}
