#include "schema/scan.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* cJSON reads a number through a buffer of 64 bytes and cuts longer ones. */
#define NUMBER_BYTES 63

struct scan {
	const char *text;
	size_t len;
	size_t at;
	unsigned depth;
	struct scan_value *values;
	size_t n, cap;
	struct diag *reterr;
};

size_t scan_utf8(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = 0;
	unsigned low = 0x80, high = 0xbf; /* of the second byte */

	if (len == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	if (n == 0 || n > len)
		return 0;
	/* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
	if (u[0] == 0xe0)
		low = 0xa0;
	if (u[0] == 0xed)
		high = 0x9f;
	if (u[0] == 0xf0)
		low = 0x90;
	if (u[0] == 0xf4)
		high = 0x8f;
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

void scan_move(struct scan_cursor *c, const char *text, size_t offset)
{
	assert(offset >= c->at);
	for (; c->at < offset; c->at++) {
		unsigned char byte = (unsigned char)text[c->at];

		if (byte == '\n') {
			c->line++;
			c->column = 1;
		} else if ((byte & 0xc0) != 0x80) {
			c->column++;
		}
	}
}

__attribute__((format(printf, 3, 4))) static int
fault(struct scan *s, size_t at, const char *fmt, ...)
{
	struct scan_cursor c = SCAN_CURSOR_INIT;
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	scan_move(&c, s->text, at);
	diag_add_at(s->reterr, c.line, c.column, "", "%s", text);
	return 1;
}

/* The next byte, or -1 at the end. */
static int peek(const struct scan *s)
{
	return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->len && memchr(" \t\r\n", s->text[s->at], 4) != NULL)
		s->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Part of what a person would see as one word or number. */
static bool is_word(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '+' ||
	       c == '-' || c == '$';
}

static size_t word_length(const struct scan *s)
{
	size_t n = 0;

	while (s->at + n < s->len && is_word(s->text[s->at + n]))
		n++;
	return n;
}

/* At s->at stands something else than @wanted: says what. */
static int unexpected(struct scan *s, const char *wanted)
{
	const char *here = s->text + s->at;
	size_t left = s->len - s->at;
	size_t n = scan_utf8(here, left);

	if (left == 0)
		return fault(s, s->at, "the text ends where %s should be",
			     wanted);
	if (here[0] == '/' || here[0] == '#')
		return fault(s, s->at, "JSON has no comments (remove it)");
	if (here[0] == '\'')
		return fault(s, s->at,
			     "a string stands in double quotes (\"), not in "
			     "single ones (')");
	if (n == 3 && (memcmp(here, "\xe2\x80\x98", 3) == 0 ||
		       memcmp(here, "\xe2\x80\x99", 3) == 0 ||
		       memcmp(here, "\xe2\x80\x9c", 3) == 0 ||
		       memcmp(here, "\xe2\x80\x9d", 3) == 0))
		return fault(s, s->at,
			     "a string stands in plain double quotes (\"), not "
			     "in typographic ones (%.3s)",
			     here);
	if (n == 0 || (unsigned char)here[0] < ' ' || here[0] == '\x7f')
		return fault(s, s->at, "a byte 0x%02x where %s should be",
			     (unsigned char)here[0], wanted);
	return fault(s, s->at, "'%.*s' where %s should be", (int)n, here,
		     wanted);
}

static int hex4(const struct scan *s, size_t at)
{
	char digits[5] = "";
	char *end;
	long v;

	if (s->len - at < 4)
		return -1;
	memcpy(digits, s->text + at, 4);
	for (int i = 0; i < 4; i++) {
		if (strchr("0123456789abcdefABCDEF", digits[i]) == NULL ||
		    digits[i] == '\0')
			return -1;
	}
	v = strtol(digits, &end, 16);
	return (int)v;
}

/* s->at is at the u of \u. */
static int unicode_escape(struct scan *s)
{
	size_t begin = s->at - 1;
	int first = hex4(s, s->at + 1);
	int second;

	if (first < 0)
		return fault(s, begin,
			     "\\u wants four hexadecimal digits (as \\u00e9)");
	if (first == 0)
		return fault(s, begin, "\\u0000 has no place in a string");
	s->at += 5;
	if (first < 0xd800 || first > 0xdfff)
		return 0;
	second = s->len - s->at >= 6 && s->text[s->at] == '\\' &&
			 s->text[s->at + 1] == 'u'
		     ? hex4(s, s->at + 2)
		     : -1;
	if (first >= 0xdc00 || second < 0xdc00 || second > 0xdfff)
		return fault(
		    s, begin,
		    "half of a surrogate pair (both halves are needed, "
		    "as \\ud83d\\ude00)");
	s->at += 6;
	return 0;
}

/* s->at is behind a backslash. */
static int escape(struct scan *s)
{
	int c = peek(s);

	if (c == 'u')
		return unicode_escape(s);
	if (c > 0 && strchr("\"\\/bfnrt", c) != NULL) {
		s->at++;
		return 0;
	}
	return fault(s, s->at - 1,
		     "a backslash begins an escape (a backslash itself is "
		     "written \\\\)");
}

static int string(struct scan *s)
{
	size_t begin = s->at++;

	for (;;) {
		int c = peek(s);
		size_t n;

		if (c < 0 || c == '\n')
			return fault(s, begin,
				     "this string is not closed (a \" is "
				     "missing)");
		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c == '\\') {
			s->at++;
			if (escape(s) != 0)
				return 1;
			continue;
		}
		if (c < ' ')
			return fault(s, s->at,
				     "a control character in a string (write "
				     "it \\u%04x)",
				     (unsigned)c);
		n = scan_utf8(s->text + s->at, s->len - s->at);
		if (n == 0)
			return fault(s, s->at,
				     "a byte 0x%02x is not UTF-8 (save the "
				     "text as UTF-8)",
				     (unsigned)c);
		s->at += n;
	}
}

static size_t digits(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && is_digit(text[i]))
		i++;
	return i;
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool is_number(const char *text, size_t n)
{
	size_t i = n > 0 && text[0] == '-';
	size_t k = digits(text + i, n - i);

	if (k == 0 || (k > 1 && text[i] == '0'))
		return false;
	i += k;
	if (i < n && text[i] == '.') {
		k = digits(text + i + 1, n - i - 1);
		if (k == 0)
			return false;
		i += 1 + k;
	}
	if (i < n && (text[i] == 'e' || text[i] == 'E')) {
		i++;
		if (i < n && (text[i] == '+' || text[i] == '-'))
			i++;
		k = digits(text + i, n - i);
		if (k == 0)
			return false;
		i += k;
	}
	return i == n;
}

static bool word_is(const char *text, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(text, word, n) == 0;
}

static int number(struct scan *s)
{
	const char *text = s->text + s->at;
	size_t n = word_length(s);

	if (word_is(text + 1, n - 1, "inf") ||
	    word_is(text + 1, n - 1, "infinity"))
		return fault(s, s->at, "JSON has no infinity");
	if (!is_number(text, n))
		return fault(s, s->at,
			     "%.*s is no JSON number (as 1, -0.5 or 1e-3 are)",
			     n < NUMBER_BYTES ? (int)n : NUMBER_BYTES, text);
	if (n > NUMBER_BYTES)
		return fault(s, s->at,
			     "a number of %zu characters (at most %d)", n,
			     NUMBER_BYTES);
	s->at += n;
	return 0;
}

static int word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	const char *text = s->text + s->at;
	size_t n = word_length(s);

	if (n == 0)
		return unexpected(s, "a value");
	for (size_t i = 0; i < 3; i++) {
		if (n == strlen(words[i]) && memcmp(text, words[i], n) == 0) {
			s->at += n;
			return 0;
		}
		if (word_is(text, n, words[i]))
			return fault(s, s->at, "%.*s is written %s in JSON",
				     (int)n, text, words[i]);
	}
	if (word_is(text, n, "none"))
		return fault(s, s->at, "%.*s is written null in JSON", (int)n,
			     text);
	if (word_is(text, n, "nan") || word_is(text, n, "inf") ||
	    word_is(text, n, "infinity"))
		return fault(s, s->at, "JSON has no NaN and no infinity");
	if (n > LIMIT_NAME_BYTES)
		n = LIMIT_NAME_BYTES;
	return fault(s, s->at, "%.*s must stand in double quotes (\"%.*s\")",
		     (int)n, text, (int)n, text);
}

static int value(struct scan *s, size_t name);

/* A member's name and the colon; leaves s->at at the value. */
static int member_name(struct scan *s)
{
	size_t n = word_length(s);
	const char *text = s->text + s->at;

	if (n > LIMIT_NAME_BYTES)
		n = LIMIT_NAME_BYTES;
	if (n > 0)
		return fault(s, s->at,
			     "a name stands in double quotes (\"%.*s\")",
			     (int)n, text);
	if (peek(s) != '"')
		return unexpected(s, "a name in double quotes");
	if (string(s) != 0)
		return 1;
	skip_space(s);
	if (peek(s) != ':')
		return unexpected(s, "the ':' after a name");
	s->at++;
	skip_space(s);
	return 0;
}

/* Behind a value of the container that was opened at @begin. */
static int separator(struct scan *s, size_t begin, char close, bool *ret_more)
{
	size_t comma;
	int c;

	skip_space(s);
	c = peek(s);
	*ret_more = c != close;
	if (c == close)
		return 0;
	if (c < 0)
		return fault(s, begin, "this '%c' is never closed (by '%c')",
			     s->text[begin], close);
	if (c == '"' || c == '{' || c == '[' || is_word(c))
		return fault(s, s->at, "a ',' is missing between the values");
	if (c == '}' || c == ']')
		return fault(s, s->at, "'%c' where '%c' should be", c, close);
	if (c != ',')
		return unexpected(s, "a ','");
	comma = s->at++;
	skip_space(s);
	if (peek(s) == close)
		return fault(s, comma, "a ',' before '%c' (remove it)", close);
	return 0;
}

/* An object or an array. Recursion ends at LIMIT_JSON_DEPTH. */
static int container(struct scan *s, char close)
{
	size_t begin = s->at++;
	bool more;

	if (++s->depth > LIMIT_JSON_DEPTH)
		return fault(s, begin, "nested deeper than %d levels",
			     LIMIT_JSON_DEPTH);
	skip_space(s);
	more = peek(s) != close;
	while (more) {
		size_t name = s->at;

		if (peek(s) < 0)
			return fault(s, begin,
				     "this '%c' is never closed (by '%c')",
				     s->text[begin], close);
		if (close == '}' && member_name(s) != 0)
			return 1;
		if (value(s, name) != 0 ||
		    separator(s, begin, close, &more) != 0)
			return 1;
	}
	s->at++;
	s->depth--;
	return 0;
}

static int value(struct scan *s, size_t name)
{
	size_t i = s->n;
	int c = peek(s);
	int r;

	if (s->n == LIMIT_JSON_NODES)
		return fault(s, s->at, "more than %d values", LIMIT_JSON_NODES);
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 64;
		s->values =
		    xreallocarray(s->values, s->cap, sizeof(*s->values));
	}
	s->values[s->n++] = (struct scan_value){ .name = name, .value = s->at };
	if (c == '{')
		r = container(s, '}');
	else if (c == '[')
		r = container(s, ']');
	else if (c == '"')
		r = string(s);
	else if (is_digit(c) || c == '-' || c == '+' || c == '.')
		r = number(s);
	else
		r = word(s);
	s->values[i].end = s->at;
	return r;
}

static int document(struct scan *s)
{
	if (s->len >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
		return fault(s, 0,
			     "begins with a byte order mark (save it as UTF-8 "
			     "without one)");
	skip_space(s);
	if (s->at == s->len)
		return fault(s, s->at,
			     "holds nothing (a JSON value should be "
			     "here)");
	if (value(s, s->at) != 0)
		return 1;
	skip_space(s);
	if (s->at < s->len)
		return fault(s, s->at,
			     "text after the end of the document (remove it)");
	return 0;
}

int scan_text(const char *text, size_t len, struct scan_value **ret_values,
	      size_t *ret_n, struct diag *reterr)
{
	struct scan s = { .text = text, .len = len, .reterr = reterr };

	if (document(&s) != 0) {
		free(s.values);
		return 1;
	}
	*ret_values = s.values;
	*ret_n = s.n;
	return 0;
}
