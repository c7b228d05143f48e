#pragma once

/*
 * Reads the members of one JSON object of a file that a person wrote. Whatever
 * is not as it should be becomes a fault with its place, and the reader goes
 * on, so that all faults of a file are told in one go.
 *
 * The readers return true when the member is there and right; if it is absent
 * they return false and leave the result alone, so that it keeps its default.
 */
#include "schema/json.h"

struct object {
	const struct json_doc *doc;
	const cJSON *node;
	const char *path; /* "" for the whole document */
	struct diag *reterr;
};

/* What to say to a word that is not ours; lists end with a NULL word. */
struct object_hint {
	const char *word;
	const char *instead;
};

/* False, with a fault that says @example, if it is no object. */
bool object_check(const struct object *o, const char *example);

/* A fault for each key that is not among @keys; @what has them ("a search"). */
void object_check_keys(const struct object *o, const char *what,
		       const char *const *keys,
		       const struct object_hint *hints);

/* The path of a member; new. */
char *object_path(const struct object *o, const char *key);

/* A fault at the member @key, or, if there is none, at the object. */
void object_fault(const struct object *o, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* False, with a fault that says @what would be right, if @key is absent. */
bool object_require(const struct object *o, const char *key, const char *what);

/*
 * The member @key as an object: borrows @path, which the caller got from
 * object_path(). False if it is absent.
 */
bool object_member(const struct object *o, const char *key, const char *path,
		   struct object *ret_member);

bool object_text(const struct object *o, const char *key, const char **ret);
bool object_bool(const struct object *o, const char *key, bool *ret);
bool object_number(const struct object *o, const char *key, double *ret);
bool object_integer(const struct object *o, const char *key, int64_t min,
		    int64_t max, int64_t *ret);

/* One of @words: its index. @hints may be NULL. */
bool object_word(const struct object *o, const char *key,
		 const char *const *words, const struct object_hint *hints,
		 int *ret);
