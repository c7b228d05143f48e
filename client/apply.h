#pragma once

/* The search file that follows from findings: parts of `why --apply`. */
#include "schema/buf.h"

#include <cjson/cJSON.h>

/*
 * The text of @file, a search file that is right, with the changes of
 * @findings and the name @name: new. Each is made if the file is still right
 * then; sentences on those that are not are appended to @notes. *ret_n: how
 * many were made.
 */
char *apply_changes(const char *file, const cJSON *findings, const char *name,
		    struct buf *notes, size_t *ret_n);
/* A search file, a line a parameter and other member; new. */
char *apply_print(const cJSON *root);
/* The lines that differ, with "-" and "+" before them. */
void apply_diff(const char *before, const char *after, struct buf *ret);
/* What follows a name: "digits-2" "digits", "digits-3" that; new. */
char *apply_next_name(const char *name);
