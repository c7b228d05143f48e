#pragma once

/*
 * A metric pattern of a search: literal text with {name} holes, each of which
 * takes a number. Matching takes time linear in the record.
 *
 * A run of blanks in the pattern matches a run of blanks; a hole also skips
 * blanks before its number, as "%6.2f" prints them; "{{" is a brace.
 */
#include <stdbool.h>
#include <stddef.h>

enum pattern_kind {
	PATTERN_TEXT,
	PATTERN_BLANKS,
	PATTERN_HOLE,
};

struct pattern_part {
	enum pattern_kind kind;
	char *text; /* of a hole: its name */
	size_t len;
	double value; /* of a hole: what it took in the last match */
};

struct pattern {
	struct pattern_part *parts;
	size_t n;
};

enum pattern_answer {
	PATTERN_NONE,
	PATTERN_MATCH,
	PATTERN_BROKEN, /* matches but for its last number, as in "1,5" */
};

/*
 * Compiles @text. Returns new (pattern_free()), or NULL with what is wrong
 * with it in @ret_fault, new.
 */
struct pattern *pattern_new(const char *text, char **ret_fault);
void pattern_free(struct pattern *p);

/*
 * Finds the first match in [*at, end) of a record that begins at @begin and
 * moves *at behind it. @cut: the record goes on beyond @end.
 */
enum pattern_answer pattern_find(struct pattern *p, const char *begin,
				 const char *end, bool cut, const char **at);
