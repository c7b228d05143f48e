#include "schema/jsonline.h"

#include "schema/limits.h"
#include "schema/token.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

struct walk {
	const char *p, *end;
	uint64_t arrays; /* bit d: the container at depth d + 1 is an array */
	unsigned depth;  /* of open containers */
	jsonline_fn *fn; /* NULL: the text is only checked */
	void *ctx;
};

static_assert(LIMIT_JSON_DEPTH <= 64, "a bit a level");

/* A string of the text, between the quotes. */
struct span {
	const char *begin, *end;
	bool escaped;
};

static void skip_space(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t'))
		w->p++;
}

static bool next_is(struct walk *w, char c)
{
	skip_space(w);
	return w->p < w->end && *w->p == c;
}

static int hex(char c)
{
	if (token_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits at @p, or -1. */
static long hex4(const char *p, const char *end)
{
	long v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		if (hex(p[i]) < 0)
			return -1;
		v = v << 4 | hex(p[i]);
	}
	return v;
}

/* w->p is behind a backslash. */
static bool escape(struct walk *w)
{
	char c;

	if (w->p == w->end)
		return false;
	c = *w->p++;
	if (c != 'u')
		return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
	if (hex4(w->p, w->end) < 0)
		return false;
	w->p += 4;
	return true;
}

static bool string(struct walk *w, struct span *ret)
{
	if (!next_is(w, '"'))
		return false;
	*ret = (struct span){ .begin = ++w->p };
	while (w->p < w->end) {
		char c = *w->p++;

		if (c == '"') {
			ret->end = w->p - 1;
			return true;
		}
		if ((unsigned char)c < ' ')
			return false;
		if (c == '\\') {
			ret->escaped = true;
			if (!escape(w))
				return false;
		}
	}
	return false;
}

/* Appends a code point as UTF-8, a lone surrogate in its place too. */
static size_t encode(char *out, unsigned long c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(lead[n] | c);
	return n;
}

/* The code point of the escape behind the backslash at *@p; moves *@p. */
static unsigned long unescape(const char **p, const char *end)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *found;
	char c = *(*p)++;
	long first, second;

	if (c != 'u') {
		found = strchr(names, c);
		return (unsigned char)(found != NULL ? values[found - names]
						     : c);
	}
	first = hex4(*p, end);
	*p += 4;
	if (first < 0xd800 || first > 0xdbff || end - *p < 6 ||
	    (*p)[0] != '\\' || (*p)[1] != 'u')
		return (unsigned long)first;
	second = hex4(*p + 2, end);
	if (second < 0xdc00 || second > 0xdfff)
		return (unsigned long)first;
	*p += 6;
	return 0x10000 + ((unsigned long)(first - 0xd800) << 10) +
	       (unsigned long)(second - 0xdc00);
}

static void tell(struct walk *w, const struct span *name, double v)
{
	char text[LIMIT_NAME_BYTES + 4];
	const char *p = name->begin;
	size_t n = 0;

	if (w->fn == NULL)
		return;
	if (!name->escaped) {
		n = (size_t)(name->end - p);
		w->fn(w->ctx, p,
		      n > LIMIT_NAME_BYTES ? LIMIT_NAME_BYTES + 1 : n, v);
		return;
	}
	while (p < name->end && n <= LIMIT_NAME_BYTES) {
		if (*p == '\\') {
			p++;
			n += encode(text + n, unescape(&p, name->end));
		} else {
			text[n++] = *p++;
		}
	}
	w->fn(w->ctx, text, n > LIMIT_NAME_BYTES ? LIMIT_NAME_BYTES + 1 : n, v);
}

/* What Python's json.loads() takes for a number. */
static bool number(struct walk *w, double *ret_v)
{
	const char *begin = w->p;
	const char *p = begin + (*begin == '-');
	const char *end = token_number(begin, w->end, ret_v);
	const char *point;
	size_t n;

	if (*begin == '+' || *begin == '.' || end == NULL)
		return false;
	w->p = end;
	n = (size_t)(end - p);
	if (!token_is_digit(*p))
		return (n == 8 && memcmp(p, "Infinity", n) == 0) ||
		       (n == 3 && p == begin && memcmp(p, "NaN", n) == 0);
	if (*p == '0' && n > 1 && token_is_digit(p[1]))
		return false;
	point = memchr(p, '.', n);
	return point == NULL || (point + 1 < end && token_is_digit(point[1]));
}

static bool literal(struct walk *w)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(w->end - w->p) >= n &&
		    memcmp(w->p, words[i], n) == 0) {
			w->p += n;
			return true;
		}
	}
	return false;
}

/* A string, number or literal; the member @name of the outermost object. */
static bool scalar(struct walk *w, const struct span *name)
{
	struct span text;
	double v;

	if (w->p == w->end)
		return false;
	if (*w->p == '"')
		return string(w, &text);
	if (*w->p == 't' || *w->p == 'f' || *w->p == 'n')
		return literal(w);
	if (!number(w, &v))
		return false;
	if (w->depth == 1)
		tell(w, name, v);
	return true;
}

static bool in_array(const struct walk *w)
{
	return w->arrays >> (w->depth - 1) & 1;
}

static bool open_container(struct walk *w)
{
	uint64_t bit;

	if (w->depth == LIMIT_JSON_DEPTH)
		return false;
	bit = (uint64_t)1 << w->depth++;
	w->arrays = *w->p++ == '[' ? w->arrays | bit : w->arrays & ~bit;
	return true;
}

/* Closes what ends here; true when a further value must follow. */
static bool close_containers(struct walk *w)
{
	while (w->depth > 0 && next_is(w, in_array(w) ? ']' : '}')) {
		w->p++;
		w->depth--;
	}
	return w->depth > 0;
}

/*
 * A member or an item: its name, then its value, or of a container the
 * beginning alone (*ret_opened).
 */
static bool item(struct walk *w, struct span *name, bool *ret_opened)
{
	if (!in_array(w)) {
		if (!string(w, name) || !next_is(w, ':'))
			return false;
		w->p++;
	}
	*ret_opened = next_is(w, '{') || next_is(w, '[');
	return *ret_opened ? open_container(w) : scalar(w, name);
}

/* One object and nothing else; a loop, since the text decides the depth. */
static bool walk(struct walk *w)
{
	struct span name = { 0 };
	bool opened = true;

	if (!next_is(w, '{') || !open_container(w))
		return false;
	for (;;) {
		bool empty = opened && next_is(w, in_array(w) ? ']' : '}');

		if (!empty && !item(w, &name, &opened))
			return false;
		if (!empty && opened)
			continue;
		if (!close_containers(w))
			break;
		if (!next_is(w, ','))
			return false;
		w->p++;
		opened = false;
	}
	skip_space(w);
	return w->p == w->end;
}

bool jsonline_read(const char *text, size_t len, jsonline_fn *fn, void *ctx)
{
	struct walk check = { .p = text, .end = text + len };
	struct walk told = {
		.p = text, .end = text + len, .fn = fn, .ctx = ctx
	};

	/* Most records are no JSON: they are known by their first byte. */
	return walk(&check) && walk(&told);
}
