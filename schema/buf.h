#pragma once

/*
 * A growing byte string. `data` is NULL while empty, else NUL-ended (the NUL
 * is not counted in `len`). BUF_INIT or zeroed memory is an empty one.
 */
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT ((struct buf){ 0 })

void buf_add(struct buf *b, const void *data, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The text of @b, "" when it is empty; borrowed until @b changes. */
const char *buf_text(const struct buf *b);

/* Hands the text over (never NULL) and leaves @b empty. */
char *buf_take(struct buf *b);

/* Drops the first @n bytes; @n <= len. */
void buf_drop(struct buf *b, size_t n);

void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);

#define auto_buf __attribute__((cleanup(buf_free)))
