#pragma once

/*
 * What a command prints: tables and texts for people on a terminal, TSV in a
 * pipe, or the daemon's answer as one JSON document. A command calls all that
 * fits its answer; each writer does its part and ignores the rest.
 */
#include "schema/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* How people see a value; TSV and JSON always have the whole of it. */
enum out_kind {
	OUT_TEXT,
	OUT_COUNT,   /* a number, to the right */
	OUT_VALUE,   /* a measured number, to the right, 6 digits; where it is
		      * null the row's "kind", as "nan"; "value" has the row's
		      * "value_error" beside it, if there is one */
	OUT_SECONDS, /* "2m10s" */
	OUT_MS,      /* ms, as OUT_SECONDS */
	OUT_BYTES,   /* "1.5G" */
	OUT_TIME,    /* ISO 8601 in UTC, as local time */
	OUT_PARAMS,  /* an object: "lr=0.1 units=3", cut to fit the terminal */
	OUT_LONG,    /* a text that is cut to fit the terminal */
	OUT_RUN,     /* a count, left out where no row has more than 0 */
	OUT_RUNS,    /* the same, more than 1 */
};

struct out_column {
	const char *key;   /* member of the rows, and TSV's header */
	const char *title; /* for people; NULL: the key; "": only in a pipe */
	enum out_kind kind;
};

struct out {
	const struct out_ops *ops;
	FILE *file;
	int width;   /* of the terminal in columns; 0: no terminal, TSV */
	bool colour; /* bold and dim may be used */
	bool utf8;   /* the locale can show "…" */
};

/* Columns end with a NULL key. Everything is borrowed. */
struct out_ops {
	/* The whole answer: JSON prints this and nothing else. */
	void (*answer)(struct out *o, const cJSON *result);
	/* Rows under a header; no header when it goes @on from the last. */
	void (*table)(struct out *o, const struct out_column *columns,
		      const cJSON *rows, bool on);
	/* One object, a line a member; what it lacks or is "" is left out. */
	void (*record)(struct out *o, const struct out_column *columns,
		       const cJSON *object);
	/* Text as it is. */
	void (*text)(struct out *o, const char *text);
	/* Text for people on a terminal only: headings, hints. */
	void (*hint)(struct out *o, const char *text);
};

extern const struct out_ops out_table_ops;
extern const struct out_ops out_json_ops;

/* A writer to stdout: what the terminal, the locale and NO_COLOR allow. */
void out_init(struct out *o, bool json);
/* Asks the terminal for its width again. */
void out_measure(struct out *o);

void out_textf(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_hintf(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* --- pieces, also for the live lines -------------------------------------- */

/* Bytes of the character at @s (1 if it is none) and its columns. */
size_t out_next_character(const char *s, size_t *ret_width);
/* Columns that @text takes on a terminal. */
size_t out_text_width(const char *text);
/* Cuts @text to @width columns, the last of them "…". */
void out_shorten(struct buf *text, size_t width, bool utf8);
/* Appends a value for people, control characters made visible. */
void out_print_value(struct buf *b, enum out_kind kind, const cJSON *v);
/* Appends a number of seconds as "0.4s", "2m10s", "3h05m" or "2d04h". */
void out_print_seconds(struct buf *b, double seconds);
/* Appends the exact value: numbers in full, objects as JSON, null as "". */
void out_print_exact(struct buf *b, const cJSON *v);
