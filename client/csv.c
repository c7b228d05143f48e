#include "csv.h"

#include "schema/mem.h"
#include "schema/scan.h"

#include <stdlib.h>
#include <string.h>

/* Where the parser is; fields are unquoted in place, behind it. */
struct reader {
	struct csv *csv;
	char *at, *end; /* *end is 0 */
	char *line_start;
	unsigned line;
	struct diag *reterr;
};

void csv_free(struct csv *csv)
{
	free(csv->text);
	free(csv->fields);
	free(csv->records);
	*csv = (struct csv){ 0 };
}

static unsigned column(const struct reader *r)
{
	return (unsigned)(r->at - r->line_start) + 1;
}

static int fault(const struct reader *r, unsigned line, unsigned at,
		 const char *words)
{
	diag_add_at(r->reterr, line, at, "", "%s", words);
	return 1;
}

static bool at_line_end(const struct reader *r)
{
	return r->at == r->end || r->at[0] == '\n' ||
	       (r->at[0] == '\r' && (r->at + 1 == r->end || r->at[1] == '\n'));
}

static void next_line(struct reader *r)
{
	if (r->at < r->end && *r->at == '\r')
		r->at++;
	if (r->at < r->end)
		r->at++;
	r->line_start = r->at;
	r->line++;
}

/* From behind the quote to behind the closing one. */
static int read_quoted(struct reader *r, struct csv_field *f)
{
	char *out = f->text = ++r->at;

	for (; r->at < r->end; r->at++) {
		if (*r->at == '"' && r->at[1] != '"')
			break;
		if (*r->at == '"')
			r->at++;
		*out++ = *r->at;
		if (*r->at == '\n') {
			r->line_start = r->at + 1;
			r->line++;
		}
	}
	if (r->at == r->end)
		return fault(r, f->line, f->column,
			     "this quote is never closed");
	r->at++;
	*out = '\0';
	if (*r->at != ',' && !at_line_end(r))
		return fault(r, r->line, column(r),
			     "text after a closing quote (a quote inside a "
			     "field is doubled)");
	return 0;
}

static int read_plain(struct reader *r, struct csv_field *f, char **ret_end)
{
	f->text = r->at + strspn(r->at, " \t");
	for (; *r->at != ',' && !at_line_end(r); r->at++) {
		if (*r->at == '"')
			return fault(r, r->line, column(r),
				     "a quote inside a field without quotes "
				     "(put the field into quotes and double "
				     "this one)");
	}
	*ret_end = r->at;
	while (*ret_end > f->text &&
	       ((*ret_end)[-1] == ' ' || (*ret_end)[-1] == '\t'))
		(*ret_end)--;
	if (f->text > *ret_end)
		f->text = *ret_end;
	return 0;
}

static struct csv_field *add_field(struct csv *csv, const struct reader *r)
{
	struct csv_field *f;

	if (csv->n_fields == csv->cap_fields) {
		csv->cap_fields =
		    csv->cap_fields > 0 ? 2 * csv->cap_fields : 64;
		csv->fields = xreallocarray(csv->fields, csv->cap_fields,
					    sizeof(*csv->fields));
	}
	f = &csv->fields[csv->n_fields++];
	f->line = r->line;
	f->column = column(r);
	return f;
}

/* One record; its fields are the last @ret_n of all. */
static int read_record(struct reader *r, size_t *ret_n)
{
	char *end = NULL;

	for (*ret_n = 1;; ++*ret_n) {
		struct csv_field *f = add_field(r->csv, r);
		bool quoted = *r->at == '"';
		bool more;

		if ((quoted ? read_quoted(r, f) : read_plain(r, f, &end)) != 0)
			return 1;
		more = *r->at == ',';
		if (more)
			r->at++;
		else
			next_line(r);
		/* Only now, for it may be the comma or the line's end. */
		if (!quoted)
			*end = '\0';
		if (!more)
			return 0;
	}
}

static void add_record(struct csv *csv, size_t n)
{
	if (n == 1 && csv->fields[csv->n_fields - 1].text[0] == '\0') {
		csv->n_fields--;
		return;
	}
	if (csv->n == csv->cap) {
		csv->cap = csv->cap > 0 ? 2 * csv->cap : 64;
		csv->records = xreallocarray(csv->records, csv->cap,
					     sizeof(*csv->records));
	}
	csv->records[csv->n++].n = n;
}

static int check_text(const char *text, size_t len, struct diag *reterr)
{
	struct scan_cursor place = SCAN_CURSOR_INIT;
	size_t i = 0;

	while (i < len && text[i] != '\0') {
		size_t n = scan_utf8(text + i, len - i);

		if (n == 0)
			break;
		i += n;
	}
	if (i == len)
		return 0;
	scan_move(&place, text, i);
	diag_add_at(reterr, place.line, place.column, "",
		    text[i] == '\0' ? "a NUL byte (this is no text)"
				    : "is not UTF-8 (convert it, as by iconv)");
	return 1;
}

int csv_parse(const char *text, size_t len, struct csv *ret_csv,
	      struct diag *reterr)
{
	struct reader r = { .csv = ret_csv, .line = 1, .reterr = reterr };
	size_t first = 0, n;

	if (check_text(text, len, reterr) != 0)
		return 1;
	ret_csv->text = r.at = xstrndup(text, len);
	r.end = r.at + len;
	/* A byte order mark, as spreadsheets write it. */
	if (strncmp(r.at, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	r.line_start = r.at;
	while (r.at < r.end) {
		if (read_record(&r, &n) != 0)
			return 1;
		add_record(ret_csv, n);
	}
	for (size_t i = 0; i < ret_csv->n; i++) {
		ret_csv->records[i].fields = &ret_csv->fields[first];
		first += ret_csv->records[i].n;
	}
	return 0;
}
