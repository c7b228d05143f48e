#pragma once

/*
 * Allocation for small, bounded things: it gives memory or aborts. Whatever
 * a user chooses the size of is checked against limits.h first.
 *
 * auto_free frees a local at the end of its scope; hand it over in two lines:
 * `*ret_x = x; x = NULL;`.
 */
#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

/* Frees the strings of a NULL-ended vector and the vector. NULL is fine. */
void strv_free(char **strv);

void mem_autofree(void *p);
void mem_autostrv(char ***p);

#define auto_free __attribute__((cleanup(mem_autofree)))
#define auto_strv __attribute__((cleanup(mem_autostrv)))
