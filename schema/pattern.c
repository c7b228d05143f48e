#include "schema/pattern.h"

#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/token.h"

#include <stdlib.h>
#include <string.h>

static struct pattern_part *add(struct pattern *p, enum pattern_kind kind,
				const char *text, size_t len)
{
	struct pattern_part *part;

	p->parts = xreallocarray(p->parts, p->n + 1, sizeof(*p->parts));
	part = &p->parts[p->n++];
	*part = (struct pattern_part){ .kind = kind,
				       .text = xstrndup(text, len),
				       .len = len };
	return part;
}

/* Literal text up to a blank or a hole; returns what is behind it. */
static const char *add_text(struct pattern *p, const char *text)
{
	struct buf b = BUF_INIT;

	while (*text != '\0' && !token_is_blank(*text)) {
		if (text[0] == '{' && text[1] != '{')
			break;
		text += *text == '{';
		buf_addc(&b, *text++);
	}
	add(p, PATTERN_TEXT, buf_text(&b), b.len);
	buf_free(&b);
	return text;
}

static char *check_name(const struct pattern *p, const char *name, size_t len)
{
	size_t n = 0;

	while (n < len && token_is_name(name[n]))
		n++;
	if (len == 0)
		return xstrdup("an empty hole {} (give it the metric's name, "
			       "as in {loss})");
	if (n < len || !token_begins_name(name[0]) || len > LIMIT_NAME_BYTES)
		return xasprintf("{%.*s} names no metric (a letter or _, then "
				 "letters, digits and _ . / -, at most %d; a "
				 "brace itself is written {{)",
				 (int)(len < 80 ? len : 80), name,
				 LIMIT_NAME_BYTES);
	for (size_t i = 0; i < p->n; i++) {
		if (p->parts[i].kind == PATTERN_HOLE &&
		    p->parts[i].len == len &&
		    memcmp(p->parts[i].text, name, len) == 0)
			return xasprintf("{%s} stands twice (each hole needs a "
					 "name of its own)",
					 p->parts[i].text);
	}
	return NULL;
}

/* The hole at @text; returns what is behind it, or NULL and a fault. */
static const char *add_hole(struct pattern *p, const char *text,
			    char **ret_fault)
{
	const char *end = strchr(text, '}');
	const struct pattern_part *last = p->n > 0 ? &p->parts[p->n - 1] : NULL;
	size_t len;

	if (end == NULL) {
		*ret_fault =
		    xasprintf("the hole %.80s is not closed (by a }; a brace "
			      "itself is written {{)",
			      text);
		return NULL;
	}
	len = (size_t)(end - text - 1);
	*ret_fault = check_name(p, text + 1, len);
	if (*ret_fault != NULL)
		return NULL;
	if (last != NULL && last->kind == PATTERN_HOLE)
		*ret_fault = xasprintf("nothing between {%s} and {%.*s} (text "
				       "or a space must tell them apart)",
				       last->text, (int)len, text + 1);
	else if ((last != NULL && token_is_digit(last->text[last->len - 1])) ||
		 token_is_digit(end[1]))
		*ret_fault = xasprintf("a digit beside {%.*s} (it would be "
				       "part of the number)",
				       (int)len, text + 1);
	if (*ret_fault != NULL)
		return NULL;
	add(p, PATTERN_HOLE, text + 1, len);
	return end + 1;
}

static bool has_hole(const struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->parts[i].kind == PATTERN_HOLE)
			return true;
	}
	return false;
}

struct pattern *pattern_new(const char *text, char **ret_fault)
{
	struct pattern *p = xcalloc(1, sizeof(*p));
	size_t n;

	*ret_fault = NULL;
	while (text != NULL && *text != '\0') {
		n = 0;
		while (token_is_blank(text[n]))
			n++;
		if (n > 0) {
			add(p, PATTERN_BLANKS, text, n);
			text += n;
		} else if (text[0] == '{' && text[1] != '{') {
			text = add_hole(p, text, ret_fault);
		} else {
			text = add_text(p, text);
		}
	}
	if (*ret_fault == NULL && !has_hole(p))
		*ret_fault = xstrdup("a pattern without a hole (write {NAME} "
				     "where the number of metric NAME stands)");
	if (*ret_fault != NULL) {
		pattern_free(p);
		return NULL;
	}
	return p;
}

void pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->parts[i].text);
	free(p->parts);
	free(p);
}

/*
 * The first place in [at, end) where the pattern may begin, or NULL. A run of
 * blanks is tried at its first one alone, and a number not from within: else a
 * long run would be read again from each of its bytes.
 */
static const char *next_begin(const struct pattern *p, const char *begin,
			      const char *at, const char *end)
{
	const struct pattern_part *first = &p->parts[0];

	if (first->kind == PATTERN_TEXT)
		return memmem(at, (size_t)(end - at), first->text, first->len);
	for (; at < end; at++) {
		bool alone = at == begin;

		if (first->kind == PATTERN_BLANKS)
			alone = token_is_blank(*at) &&
				(alone || !token_is_blank(at[-1]));
		else if (!alone)
			alone = !token_is_name(at[-1]) && at[-1] != ',' &&
				at[-1] != '+';
		if (alone)
			return at;
	}
	return NULL;
}

/* Matches one part at @at; returns what is behind it, or NULL. */
static const char *match_part(struct pattern_part *part, bool first,
			      const char *at, const char *end)
{
	const char *p;

	switch (part->kind) {
	case PATTERN_TEXT:
		if ((size_t)(end - at) < part->len ||
		    memcmp(at, part->text, part->len) != 0)
			return NULL;
		return at + part->len;
	case PATTERN_BLANKS:
		p = token_skip_blanks(at, end);
		return p > at ? p : NULL;
	case PATTERN_HOLE:
		p = first ? at : token_skip_blanks(at, end);
		return token_number(p, end, &part->value);
	}
	return NULL;
}

/* Returns what is behind the match that begins at @at, or NULL. */
static const char *match(struct pattern *p, const char *at, const char *end)
{
	for (size_t i = 0; i < p->n && at != NULL; i++)
		at = match_part(&p->parts[i], i == 0, at, end);
	return at;
}

enum pattern_answer pattern_find(struct pattern *p, const char *begin,
				 const char *end, bool cut, const char **at)
{
	const char *start = *at;
	const char *behind;

	while ((start = next_begin(p, begin, start, end)) != NULL) {
		behind = match(p, start, end);
		if (behind != NULL) {
			*at = behind;
			return p->parts[p->n - 1].kind != PATTERN_HOLE ||
				       token_ends_number(behind, end, cut)
				   ? PATTERN_MATCH
				   : PATTERN_BROKEN;
		}
		start++;
	}
	*at = end;
	return PATTERN_NONE;
}
