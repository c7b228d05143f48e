#pragma once

/* The attempts that have left a file in the directory of a trial. */
#include <stdint.h>

/* @path is borrowed. Nonzero ends the listing, which returns that. */
typedef int attempts_fn(void *ctx, int64_t attempt, const char *path);

/* Returns 0 or -errno. */
int attempts_list(const char *dir, attempts_fn *fn, void *ctx);

/*
 * Makes @dir, if need be, say that an attempt was started and nobody knows how
 * it ended, unless its file is there. Returns 0 or -errno.
 */
int attempts_mark_lost(const char *dir, int64_t attempt, const char *token);

/* Makes @to, if need be, and its output the first @bytes of that in @from. */
int attempts_copy_output(const char *from, const char *to, int64_t bytes);
