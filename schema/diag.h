#pragma once

/*
 * What is wrong with an input: a list of faults, so that all of them are told
 * in one go. Each has the place (line and column, 0 when there is no text),
 * the path inside the document ("parameters.lr.min", "" for the whole) and a
 * sentence that says what is wrong and, in parentheses, what would be right.
 * Control characters and bytes that are no UTF-8 become '?' in either.
 */
#include <stdbool.h>
#include <stddef.h>

struct diag_fault {
	unsigned line;
	unsigned column;
	char *path;
	char *text;
};

struct diag {
	struct diag_fault *faults;
	size_t n;
};

#define DIAG_INIT ((struct diag){ 0 })

/* Adds a fault without a place. */
void diag_add(struct diag *d, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a fault at a place of a text. */
void diag_add_at(struct diag *d, unsigned line, unsigned column,
		 const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts the faults in the order of the text, those without a place last. */
void diag_sort(struct diag *d);

/*
 * All faults, a line each, as "file:line:column: path: text". Parts that a
 * fault lacks, and @file when it is NULL, are left out. Returns new text.
 */
char *diag_text(const struct diag *d, const char *file);

void diag_free(struct diag *d);

#define auto_diag __attribute__((cleanup(diag_free)))

/*
 * The member of @words (NULL-ended) nearest to @word by edit distance, or NULL
 * when none is near enough to be a likely slip of the pen. Borrowed.
 */
const char *diag_nearest(const char *word, const char *const *words);
