#pragma once

/*
 * A record of output that is one JSON object, read for its numbers in one
 * pass and without a tree. NaN, Infinity and -Infinity are numbers, as Python
 * prints them; nested values are checked and skipped.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * A numeric member. @name is borrowed, @len bytes with its escapes resolved;
 * of a name longer than LIMIT_NAME_BYTES one byte more than these are given.
 * Whether it is UTF-8 has not been looked at.
 */
typedef void jsonline_fn(void *ctx, const char *name, size_t len, double v);

/*
 * True when @text is one JSON object, maybe with spaces and tabs around it,
 * nested no deeper than LIMIT_JSON_DEPTH; only then @fn is called, once a
 * numeric member of the object itself, in the order of the text.
 */
bool jsonline_read(const char *text, size_t len, jsonline_fn *fn, void *ctx);
