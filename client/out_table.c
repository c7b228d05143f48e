/*
 * Tables for people: aligned by display width and fitted to the terminal; in a
 * pipe the same rows as TSV, whose header has the names of the database's
 * views and whose values are whole. There a tab, a line's end and a backslash
 * inside a value are written \t, \n, \r and \\.
 */
#include "out.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define GAP       2 /* blanks between columns */
#define NARROWEST 8 /* a column that may be cut keeps this many */
#define BOLD      "\033[1m"
#define PLAIN     "\033[0m"

/* What people see of the rows. */
struct grid {
	const struct out_column **shown; /* [columns] */
	char **cells; /* [rows + 1][columns], the first row is the header */
	size_t rows, columns;
	size_t *widths; /* [columns] */
	size_t fitting; /* columns that are printed, the last maybe cut */
	bool is_marked; /* there is room to show that others are not */
};

static const char *text_or(const char *text, const char *fallback)
{
	return text != NULL ? text : fallback;
}

static bool is_right(enum out_kind kind)
{
	return kind != OUT_TEXT && kind != OUT_TIME && kind != OUT_PARAMS &&
	       kind != OUT_LONG;
}

static bool may_be_cut(enum out_kind kind)
{
	return kind == OUT_PARAMS || kind == OUT_LONG;
}

/* A number is whole or not there: its beginning would be another one. */
static bool may_be_cut_at_edge(enum out_kind kind)
{
	return !is_right(kind) && kind != OUT_TIME;
}

static const char *cut_mark(bool utf8)
{
	return utf8 ? "…" : "...";
}

static char *header_text(const struct out_column *c)
{
	char *text = xstrdup(text_or(c->title, c->key));

	for (char *s = text; *s != '\0'; s++)
		*s = (char)(*s == '_' ? ' ' : toupper((unsigned char)*s));
	return text;
}

/* How sure a mean of runs is. */
static void add_error(struct buf *b, const cJSON *row, bool utf8)
{
	const cJSON *error = json_get(row, "value_error");

	if (cJSON_IsNumber(error))
		buf_addf(b, " %s%.2g", utf8 ? "±" : "+-", error->valuedouble);
}

static char *cell_text(const struct out_column *column, const cJSON *row,
		       bool utf8)
{
	const cJSON *v = json_get(row, column->key);
	struct buf b = BUF_INIT;

	/* SQL has no NaN: such a value is null and its kind tells. */
	if (column->kind == OUT_VALUE && (v == NULL || cJSON_IsNull(v)) &&
	    strcmp(text_or(json_get_text(row, "kind"), "none"), "none") != 0)
		v = json_get(row, "kind");
	out_print_value(&b, column->kind, v);
	if (strcmp(column->key, "value") == 0)
		add_error(&b, row, utf8);
	return buf_take(&b);
}

/* Not where it would say of all rows what is usual. */
static bool is_shown(const struct out_column *column, const cJSON *rows)
{
	int usual = column->kind == OUT_RUNS ? 1 : 0;
	const cJSON *row;

	if (column->title != NULL && *column->title == '\0')
		return false;
	if (column->kind != OUT_RUN && column->kind != OUT_RUNS)
		return true;
	cJSON_ArrayForEach (row, rows) {
		if (json_get_integer(row, column->key, 0) > usual)
			return true;
	}
	return false;
}

static void fill_grid(struct grid *g, const cJSON *rows, bool utf8)
{
	const cJSON *row;
	size_t at = 0;

	for (size_t c = 0; c < g->columns; c++)
		g->cells[at++] = header_text(g->shown[c]);
	cJSON_ArrayForEach (row, rows) {
		for (size_t c = 0; c < g->columns; c++)
			g->cells[at++] = cell_text(g->shown[c], row, utf8);
	}
	for (size_t i = 0; i < at; i++) {
		size_t w = out_text_width(g->cells[i]);

		if (w > g->widths[i % g->columns])
			g->widths[i % g->columns] = w;
	}
}

static struct grid make_grid(const struct out_column *columns,
			     const cJSON *rows, bool utf8)
{
	struct grid g = { .rows = (size_t)cJSON_GetArraySize(rows) };

	for (const struct out_column *c = columns; c->key != NULL; c++) {
		if (!is_shown(c, rows))
			continue;
		g.shown = xreallocarray(g.shown, g.columns + 1,
					sizeof(struct out_column *));
		g.shown[g.columns++] = c;
	}
	g.cells = xcalloc((g.rows + 1) * g.columns, sizeof(char *));
	g.widths = xcalloc(g.columns, sizeof(size_t));
	fill_grid(&g, rows, utf8);
	return g;
}

static void free_grid(struct grid *g)
{
	for (size_t i = 0; i < (g->rows + 1) * g->columns; i++)
		free(g->cells[i]);
	free(g->cells);
	free(g->widths);
	free(g->shown);
}

/* Takes what does not fit from the widest column that may be cut. */
static void shrink(struct grid *g, size_t width)
{
	size_t sum = (g->columns - 1) * GAP;

	for (size_t c = 0; c < g->columns; c++)
		sum += g->widths[c];
	while (sum > width) {
		size_t widest = g->columns;

		for (size_t c = 0; c < g->columns; c++)
			if (may_be_cut(g->shown[c]->kind) &&
			    g->widths[c] > NARROWEST &&
			    (widest == g->columns ||
			     g->widths[c] > g->widths[widest]))
				widest = c;
		if (widest == g->columns)
			return;
		g->widths[widest]--;
		sum--;
	}
}

/* What is still too wide ends at the edge. */
static void fit(struct grid *g, size_t width, bool utf8)
{
	size_t begin = 0, room;

	shrink(g, width);
	for (g->fitting = 0; g->fitting < g->columns; g->fitting++) {
		size_t *own = &g->widths[g->fitting];

		room = width > begin ? width - begin : 0;
		if (*own <= room) {
			begin += *own + GAP;
			continue;
		}
		if (room > 0 &&
		    may_be_cut_at_edge(g->shown[g->fitting]->kind)) {
			*own = room;
			g->fitting++;
		} else {
			g->is_marked = room >= out_text_width(cut_mark(utf8));
		}
		return;
	}
}

static void print_blanks(struct out *o, size_t n)
{
	fprintf(o->file, "%*s", (int)n, "");
}

static void print_line(struct out *o, const struct grid *g, size_t row)
{
	for (size_t c = 0; c < g->fitting; c++) {
		auto_buf struct buf cell = BUF_INIT;
		size_t blanks;

		buf_adds(&cell, g->cells[row * g->columns + c]);
		out_shorten(&cell, g->widths[c], o->utf8);
		blanks = g->widths[c] - out_text_width(buf_text(&cell));
		if (is_right(g->shown[c]->kind))
			print_blanks(o, blanks);
		fputs(buf_text(&cell), o->file);
		if (c + 1 == g->fitting && !g->is_marked)
			break;
		print_blanks(o, GAP);
		if (!is_right(g->shown[c]->kind))
			print_blanks(o, blanks);
	}
	if (g->is_marked)
		fputs(cut_mark(o->utf8), o->file);
}

static void print_grid(struct out *o, const struct out_column *columns,
		       const cJSON *rows)
{
	struct grid g = make_grid(columns, rows, o->utf8);

	fit(&g, (size_t)o->width, o->utf8);
	for (size_t row = 0; row <= g.rows; row++) {
		bool bold = row == 0 && o->colour;

		fputs(bold ? BOLD : "", o->file);
		print_line(o, &g, row);
		fputs(bold ? PLAIN "\n" : "\n", o->file);
	}
	free_grid(&g);
}

static void print_tsv_value(struct out *o, const cJSON *v)
{
	auto_buf struct buf b = BUF_INIT;

	out_print_exact(&b, v);
	for (const char *s = buf_text(&b); *s != '\0'; s++) {
		if (*s == '\t')
			fputs("\\t", o->file);
		else if (*s == '\n')
			fputs("\\n", o->file);
		else if (*s == '\r')
			fputs("\\r", o->file);
		else if (*s == '\\')
			fputs("\\\\", o->file);
		else
			fputc(*s, o->file);
	}
}

static void print_tsv(struct out *o, const struct out_column *columns,
		      const cJSON *rows, bool on)
{
	const cJSON *row;
	size_t n = 0;

	while (columns[n].key != NULL)
		n++;
	for (size_t c = 0; c < n && !on; c++)
		fprintf(o->file, "%s%c", columns[c].key,
			c + 1 < n ? '\t' : '\n');
	cJSON_ArrayForEach (row, rows) {
		for (size_t c = 0; c < n; c++) {
			print_tsv_value(o, json_get(row, columns[c].key));
			fputc(c + 1 < n ? '\t' : '\n', o->file);
		}
	}
}

static void on_table(struct out *o, const struct out_column *columns,
		     const cJSON *rows, bool on)
{
	if (o->width == 0)
		print_tsv(o, columns, rows, on);
	else if (cJSON_GetArraySize(rows) > 0)
		print_grid(o, columns, rows);
}

static void print_member(struct out *o, const struct out_column *column,
			 const cJSON *v, size_t label_width)
{
	auto_buf struct buf b = BUF_INIT;
	const char *label = text_or(column->title, column->key);

	out_print_value(&b, column->kind, v);
	print_blanks(o, label_width - out_text_width(label));
	fprintf(o->file, "%s%s%s  %s\n", o->colour ? BOLD : "", label,
		o->colour ? PLAIN : "", buf_text(&b));
}

static void on_record(struct out *o, const struct out_column *columns,
		      const cJSON *object)
{
	size_t width = 0;

	for (size_t c = 0; columns[c].key != NULL; c++) {
		const char *label = text_or(columns[c].title, columns[c].key);
		size_t w = out_text_width(label);

		width = w > width ? w : width;
	}
	for (size_t c = 0; columns[c].key != NULL; c++) {
		const cJSON *v = json_get(object, columns[c].key);

		if (v == NULL || cJSON_IsNull(v) ||
		    (cJSON_IsString(v) && v->valuestring[0] == '\0'))
			continue;
		if (o->width > 0) {
			print_member(o, &columns[c], v, width);
			continue;
		}
		fprintf(o->file, "%s\t", columns[c].key);
		print_tsv_value(o, v);
		fputc('\n', o->file);
	}
}

static void on_text(struct out *o, const char *text)
{
	fputs(text, o->file);
}

static void on_hint(struct out *o, const char *text)
{
	if (o->width > 0)
		fputs(text, o->file);
}

static void on_answer(struct out *o, const cJSON *result)
{
	(void)o;
	(void)result;
}

const struct out_ops out_table_ops = {
	.answer = on_answer,
	.table = on_table,
	.record = on_record,
	.text = on_text,
	.hint = on_hint,
};
