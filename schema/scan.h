#pragma once

/*
 * The grammar of JSON, strictly (RFC 8259): checks a text and finds where its
 * values begin. json.c builds the tree with cJSON, which is laxer.
 */
#include "schema/diag.h"

#include <stddef.h>

struct scan_value {
	size_t name;  /* offset of the member's name; of the value if none */
	size_t value; /* offset of the value */
	size_t end;   /* offset behind it */
};

/*
 * Checks @text and returns its values in document order: 0 and new memory, or
 * 1 with the first fault in @reterr.
 */
int scan_text(const char *text, size_t len, struct scan_value **ret_values,
	      size_t *ret_n, struct diag *reterr)
    __attribute__((warn_unused_result));

/* A place in a text that only moves forward, so that many places cost one pass.
 */
struct scan_cursor {
	size_t at;
	unsigned line;   /* 1, 2, ... */
	unsigned column; /* 1, 2, ...; in characters */
};

#define SCAN_CURSOR_INIT ((struct scan_cursor){ .line = 1, .column = 1 })

/* Moves @c to @offset, which does not lie before it. */
void scan_move(struct scan_cursor *c, const char *text, size_t offset);

/* Bytes of the UTF-8 character at the beginning of @s, 0 if it is none. */
size_t scan_utf8(const char *s, size_t len);
