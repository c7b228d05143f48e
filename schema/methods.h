#pragma once

/*
 * The methods of the protocol in one table: the daemon checks requests by it,
 * the manual and the tests are made from it.
 */
#include "schema/diag.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum method {
	METHOD_VERSION,
	METHOD_SUBMIT,
	METHOD_LIST,
	METHOD_SHOW,
	METHOD_TRIALS,
	METHOD_BEST,
	METHOD_TRIAL,
	METHOD_METRICS,
	METHOD_SYMPTOMS,
	METHOD_CURVES,
	METHOD_EXPLAIN,
	METHOD_PAUSE,
	METHOD_RESUME,
	METHOD_CANCEL,
	METHOD_KILL,
	METHOD_RETRY,
	METHOD_ADD,
	METHOD_IMPORT,
	METHOD_EXTEND,
	METHOD_REMOVE,
	METHOD_BACKUP,
	METHOD_STATUS,
	METHOD_HEALTH,
	METHOD_SUBSCRIBE,
	METHOD_SHUTDOWN,
	METHOD_WHY,
	METHOD_N,
};

enum field_type {
	FIELD_TEXT,
	FIELD_INT, /* >= 0 */
	FIELD_BOOL,
	FIELD_OBJECT,
	FIELD_TEXTS,   /* array of strings */
	FIELD_OBJECTS, /* array of objects */
};

struct method_field {
	const char *name;
	enum field_type type;
	bool required;
	const char *help;
};

#define METHOD_FIELDS 8

struct method_entry {
	const char *name;
	const char *help;   /* one sentence */
	const char *result; /* what the result object holds */
	struct method_field fields[METHOD_FIELDS]; /* ended by a NULL name */
};

extern const struct method_entry methods[METHOD_N];

/* The method of this name, or -1. */
int method_find(const char *name);

/*
 * Checks @params (may be NULL) against the fields of @m: types, required ones,
 * no unknown ones. Returns 0, or 1 with every fault.
 */
int method_check(enum method m, const cJSON *params, struct diag *reterr)
    __attribute__((warn_unused_result));
