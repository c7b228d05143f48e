#pragma once

/*
 * JSON with what cJSON lacks: strict parsing, places for error messages, and
 * numbers that come back as they went.
 *
 * A document is parsed, turned into structs and freed within one function.
 */
#include "schema/buf.h"
#include "schema/diag.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_NUMBER_BYTES 32

struct json_place; /* where a node's value begins in the text */

struct json_doc {
	cJSON *root;
	struct json_place *places; /* one a node, by address of the node */
	size_t n_places;
};

/*
 * Parses @text, @len bytes. Beyond cJSON it refuses trailing text, invalid
 * UTF-8, "\u0000", lone surrogates, a member's name twice in one object,
 * numbers outside the range of a double, and whatever is deeper or larger
 * than limits.h allows. Returns 0, or 1 with what is wrong in @reterr: the
 * first fault of syntax, or all others. Free with json_doc_free().
 */
int json_doc_parse(const char *text, size_t len, struct json_doc *ret_doc,
		   struct diag *reterr) __attribute__((warn_unused_result));

void json_doc_free(struct json_doc *doc);

#define auto_json_doc __attribute__((cleanup(json_doc_free)))

/*
 * Adds a fault at the place of @node's value, or of its name (in an object).
 * Without a place when @doc is NULL or does not hold @node.
 */
void json_fault(const struct json_doc *doc, const cJSON *node,
		struct diag *reterr, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void json_fault_name(const struct json_doc *doc, const cJSON *node,
		     struct diag *reterr, const char *path, const char *fmt,
		     ...) __attribute__((format(printf, 5, 6)));

/*
 * The exact value of a number node: true when it is written as an integer
 * ("3", "-7", "3e2" and "3.0" are) that an int64_t holds, found in the text
 * itself, since a double would round beyond 2^53.
 */
bool json_int(const struct json_doc *doc, const cJSON *node, int64_t *ret_i);

/*
 * The shortest text that reads back as @v ("0.1", "1e-05", "nan", "-inf");
 * integers up to 2^53 without an exponent.
 */
const char *json_number_text(double v, char buf[JSON_NUMBER_BYTES]);

/*
 * Members and items whose numbers json_print() prints exactly (cJSON_Print()
 * cuts them to 15 digits); NaN and infinities are the strings "nan", "inf" and
 * "-inf", which json_get_number() takes back.
 */
cJSON *json_number(double v);
cJSON *json_integer(int64_t v);
void json_add_number(cJSON *object, const char *name, double v);
void json_add_integer(cJSON *object, const char *name, int64_t v);

/* Case-sensitive members; NULL, or the fall-back, if absent or mistyped. */
const cJSON *json_get(const cJSON *object, const char *name);
const char *json_get_text(const cJSON *object, const char *name);
double json_get_number(const cJSON *object, const char *name, double fallback);
int64_t json_get_integer(const cJSON *object, const char *name,
			 int64_t fallback);
bool json_get_bool(const cJSON *object, const char *name, bool fallback);

/*
 * Compact text of @node, always valid UTF-8 (bytes that are not become
 * U+FFFD): new, free() it; or appended to @b.
 */
char *json_print(const cJSON *node);
void json_write(struct buf *b, const cJSON *node);
void json_write_text(struct buf *b, const char *text); /* a string, quoted */

/* @node in few words, for messages: its text, cut at about 60 bytes; new. */
char *json_brief(const cJSON *node);

void json_autofree(cJSON **node);

#define auto_json __attribute__((cleanup(json_autofree)))
