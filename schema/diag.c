#include "schema/diag.h"

#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/scan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Faults quote their input and end up on terminals. */
static char *harmless(char *text)
{
	size_t len = strlen(text);
	size_t n;

	for (char *c = text; len > 0; c += n, len -= n) {
		n = scan_utf8(c, len);
		if (n == 0 || (unsigned char)*c < ' ' || *c == '\x7f') {
			*c = '?';
			n = 1;
		}
	}
	return text;
}

static void add(struct diag *d, unsigned line, unsigned column,
		const char *path, char *text)
{
	d->faults = xreallocarray(d->faults, d->n + 1, sizeof(*d->faults));
	d->faults[d->n++] = (struct diag_fault){
		.line = line,
		.column = column,
		.path = harmless(xstrdup(path)),
		.text = harmless(text),
	};
}

void diag_add(struct diag *d, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, 0, 0, path, xvasprintf(fmt, ap));
	va_end(ap);
}

void diag_add_at(struct diag *d, unsigned line, unsigned column,
		 const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, line, column, path, xvasprintf(fmt, ap));
	va_end(ap);
}

struct ranked {
	struct diag_fault fault;
	size_t rank; /* keeps faults of one place in their order */
};

static int compare_faults(const void *a, const void *b)
{
	const struct ranked *p = a, *q = b;

	/* Line 0 wraps to the end. */
	if (p->fault.line != q->fault.line)
		return p->fault.line - 1 < q->fault.line - 1 ? -1 : 1;
	if (p->fault.column != q->fault.column)
		return p->fault.column < q->fault.column ? -1 : 1;
	return p->rank < q->rank ? -1 : 1;
}

void diag_sort(struct diag *d)
{
	auto_free struct ranked *ranked = xcalloc(d->n, sizeof(*ranked));

	for (size_t i = 0; i < d->n; i++)
		ranked[i] = (struct ranked){ d->faults[i], i };
	qsort(ranked, d->n, sizeof(*ranked), compare_faults);
	for (size_t i = 0; i < d->n; i++)
		d->faults[i] = ranked[i].fault;
}

char *diag_text(const struct diag *d, const char *file)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < d->n; i++) {
		const struct diag_fault *f = &d->faults[i];

		if (file != NULL)
			buf_addf(&b, "%s:", file);
		if (f->line > 0)
			buf_addf(&b, "%u:%u:", f->line, f->column);
		if (file != NULL || f->line > 0)
			buf_addc(&b, ' ');
		if (f->path[0] != '\0')
			buf_addf(&b, "%s: ", f->path);
		buf_addf(&b, "%s%s", f->text, i + 1 < d->n ? "\n" : "");
	}
	return buf_take(&b);
}

void diag_free(struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->faults[i].path);
		free(d->faults[i].text);
	}
	free(d->faults);
	*d = DIAG_INIT;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Edits from @a to @b, whatever the case: insert, delete, replace a letter or
 * swap two neighbours (optimal string alignment), a row at a time.
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LIMIT_NAME_BYTES + 1];
	size_t n = strlen(b), i;

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] =
			    min3(above[j] + 1, row[j - 1] + 1,
				 above[j - 1] + !is_same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				row[j] = min3(row[j], row[j],
					      rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[(i - 1) % 3][n];
}

const char *diag_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t len = strlen(word);
	size_t best_distance = len > 1 ? (len + 1) / 3 : 0;

	if (len > LIMIT_NAME_BYTES)
		return NULL;
	for (size_t i = 0; words[i] != NULL; i++) {
		size_t d;

		if (strlen(words[i]) > LIMIT_NAME_BYTES)
			continue;
		d = distance(word, words[i]);
		if (d <= best_distance && (best == NULL || d < best_distance)) {
			best = words[i];
			best_distance = d;
		}
	}
	return best;
}
