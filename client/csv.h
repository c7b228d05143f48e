#pragma once

/*
 * A table of comma-separated values (RFC 4180): records of fields, a field in
 * quotes if it holds a comma, a quote (doubled) or an end of line. Lines end
 * with LF or CR LF; empty ones are left out. Blanks around a field without
 * quotes are not part of it.
 */
#include "schema/diag.h"

struct csv_field {
	char *text;
	unsigned line, column; /* in the file; column in bytes */
};

struct csv_record {
	struct csv_field *fields; /* [n] */
	size_t n;
};

struct csv {
	char *text;               /* what the fields point into */
	struct csv_field *fields; /* of all records */
	struct csv_record *records;
	size_t n_fields, cap_fields;
	size_t n, cap;
};

/*
 * Reads @text, @len bytes of UTF-8. Returns 0, or 1 with the first fault.
 * Free with csv_free() in either case.
 */
int csv_parse(const char *text, size_t len, struct csv *ret_csv,
	      struct diag *reterr) __attribute__((warn_unused_result));
void csv_free(struct csv *csv);
#define auto_csv __attribute__((cleanup(csv_free)))
