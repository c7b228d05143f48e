#include "why_table.h"

#include "why/series.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MOST 256

struct fields {
	char *texts[COLUMNS_MOST]; /* [n], in the line */
	size_t n;
};

static bool is_step(const char *name)
{
	static const char *const names[] = { "step", "epoch", "iter",
					     "iteration" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Cuts @line into fields, without the blanks and quotes about them. */
static void split(char *line, bool commas, struct fields *ret)
{
	char *rest = line, *field;

	ret->n = 0;
	while (ret->n < COLUMNS_MOST &&
	       (field = strsep(&rest, commas ? "," : " \t")) != NULL) {
		size_t len;

		field += strspn(field, " \t\"");
		len = strlen(field);
		while (len > 0 && strchr(" \t\"", field[len - 1]) != NULL)
			field[--len] = '\0';
		if (len > 0 || commas)
			ret->texts[ret->n++] = field;
	}
}

static bool is_printable(const char *name)
{
	while (*name >= ' ' && *name <= '~')
		name++;
	return *name == '\0';
}

/* Names alone, at least two, one of which is that of a metric. */
static bool is_header(const struct fields *f)
{
	bool known = false;

	for (size_t i = 0; i < f->n; i++) {
		const char *name = f->texts[i];

		if (!token_begins_name(*name) ||
		    strlen(name) > LIMIT_NAME_BYTES ||
		    strpbrk(name, "=:{}") != NULL || !is_printable(name))
			return false;
		known |= series_role(name).rank > 0;
	}
	return known && f->n >= 2;
}

static void free_names(struct why_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->names[i]);
	free(t->names);
	t->names = NULL;
	t->n = 0;
}

static void begin_table(struct why_table *t, const struct fields *f,
			bool commas)
{
	free_names(t);
	t->names = xcalloc(f->n, sizeof(*t->names));
	for (size_t i = 0; i < f->n; i++)
		t->names[i] = xstrdup(f->texts[i]);
	t->n = f->n;
	t->commas = commas;
	t->row = 0;
}

static bool number_of(const char *text, double *ret_v)
{
	return *text != '\0' && reader_number(text, strlen(text), ret_v);
}

static void read_row(struct why_table *t, const struct fields *f)
{
	struct metric_record record = { .step = t->row };
	double v;

	if (f->n != t->n)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (is_step(t->names[i]) && number_of(f->texts[i], &v) &&
		    fabs(v) < 1e15)
			record.step = (int64_t)v;
	for (size_t i = 0; i < f->n; i++) {
		if (is_step(t->names[i]) || !number_of(f->texts[i], &v))
			continue;
		record.name = t->names[i];
		record.value = v;
		record.kind = value_kind_of(v);
		t->fn(t->ctx, &record);
	}
	t->row++;
}

static void read_line(struct why_table *t)
{
	bool commas = strchr(buf_text(&t->line), ',') != NULL;
	struct fields f;

	if (t->line.len == 0 || t->line.len > LIMIT_LINE_BYTES)
		return;
	split(t->line.data, commas, &f);
	if (is_header(&f))
		begin_table(t, &f, commas);
	else if (t->names != NULL && commas == t->commas)
		read_row(t, &f);
}

/* Up to the end of the line, or @end. */
static size_t line_bytes(const char *p, const char *end)
{
	const char *begin = p;

	while (p < end && *p != '\n' && *p != '\r')
		p++;
	return (size_t)(p - begin);
}

void why_table_feed(struct why_table *t, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		size_t n = line_bytes(data, end);

		if (t->line.len <= LIMIT_LINE_BYTES)
			buf_add(&t->line, data, n);
		data += n;
		if (data == end)
			break;
		read_line(t);
		buf_clear(&t->line);
		data++;
	}
}

void why_table_finish(struct why_table *t)
{
	read_line(t);
	buf_free(&t->line);
	free_names(t);
}
