#include "schema/json.h"

#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/scan.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRIEF_BYTES 60

/* From here on a double leaves integers out. */
#define EXACT 0x1p53

struct json_place {
	const cJSON *node;
	unsigned name_line, name_column; /* of the value if it has no name */
	unsigned line, column;
	bool is_integer;
	int64_t integer;
};

/* cJSON returns NULL when memory is short, where xmalloc() would abort. */
static cJSON *must(cJSON *node)
{
	if (node == NULL)
		abort();
	return node;
}

static long clamp(long v, long min, long max)
{
	return v < min ? min : v > max ? max : v;
}

/*
 * Reads the number @token as an integer: true when it is one and an int64_t
 * holds it. The digits, without zeros at either end, stand for digits x
 * 10^exponent.
 */
static bool token_integer(const char *token, int64_t *ret_i)
{
	bool negative = token[0] == '-', fraction = false;
	uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t v = 0;
	char digits[64];
	long n = 0, exponent = 0;
	const char *c;

	for (c = token + negative; *c != '\0' && *c != 'e' && *c != 'E'; c++) {
		if (*c == '.') {
			fraction = true;
			continue;
		}
		if (n > 0 || *c != '0')
			digits[n++] = *c;
		exponent -= fraction;
	}
	if (*c != '\0')
		exponent += clamp(strtol(c + 1, NULL, 10), -1000, 1000);
	while (n > 0 && digits[n - 1] == '0') {
		n--;
		exponent++;
	}
	if (n > 0 && (exponent < 0 || exponent > 19 - n))
		return false;
	for (long i = 0; n > 0 && i < n + exponent; i++) {
		uint64_t digit = i < n ? (uint64_t)(digits[i] - '0') : 0;

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret_i = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

/* True when @token is not zero; its double may be, below the least one. */
static bool token_is_nonzero(const char *token)
{
	size_t mantissa = strcspn(token, "eE");

	return strcspn(token, "123456789") < mantissa;
}

/* The tree and the scanned values, which are the same in the same order. */
struct walk {
	const char *text;
	const struct scan_value *values;
	struct scan_cursor cursor;
	struct json_place *places;
	size_t n;
	struct diag *reterr;
};

static void walk_number(struct walk *w, const struct scan_value *v,
			struct json_place *p)
{
	char token[64];
	size_t n = v->end - v->value;

	assert(n < sizeof(token));
	memcpy(token, w->text + v->value, n);
	token[n] = '\0';
	p->is_integer = token_integer(token, &p->integer);
	if (!isfinite(p->node->valuedouble))
		diag_add_at(w->reterr, p->line, p->column, "",
			    "%s is too large (at most about 1.8e308)", token);
	if (p->node->valuedouble == 0 && token_is_nonzero(token))
		diag_add_at(w->reterr, p->line, p->column, "",
			    "%s is too small (at least about 5e-324, or 0)",
			    token);
}

static int compare_names(const void *a, const void *b)
{
	const struct json_place *p = *(const struct json_place *const *)a;
	const struct json_place *q = *(const struct json_place *const *)b;
	int r = strcmp(p->node->string, q->node->string);

	/* Places of one array: the earlier one in the text is the lower. */
	return r != 0 ? r : (p > q) - (p < q);
}

static void check_duplicates(struct walk *w, struct json_place **members,
			     size_t n)
{
	if (n > 0)
		qsort(members, n, sizeof(*members), compare_names);
	for (size_t i = 1; i < n; i++) {
		const struct json_place *p = members[i - 1], *q = members[i];
		auto_json cJSON *name = NULL;
		auto_free char *brief = NULL;

		if (strcmp(p->node->string, q->node->string) != 0)
			continue;
		name = must(cJSON_CreateString(q->node->string));
		brief = json_brief(name);
		diag_add_at(w->reterr, q->name_line, q->name_column, "",
			    "the name %s stands twice in this object (first in "
			    "line %u)",
			    brief, p->name_line);
	}
}

/* Recursion ends at LIMIT_JSON_DEPTH, which the scanner has checked. */
static void walk(struct walk *w, const cJSON *node)
{
	const struct scan_value *v = &w->values[w->n];
	struct json_place *p = &w->places[w->n++];
	auto_free struct json_place **members = NULL;
	const cJSON *child;
	size_t n = 0;

	p->node = node;
	scan_move(&w->cursor, w->text, v->name);
	p->name_line = w->cursor.line;
	p->name_column = w->cursor.column;
	scan_move(&w->cursor, w->text, v->value);
	p->line = w->cursor.line;
	p->column = w->cursor.column;
	if (cJSON_IsNumber(node))
		walk_number(w, v, p);
	if (cJSON_IsObject(node))
		members = xcalloc((size_t)cJSON_GetArraySize(node),
				  sizeof(struct json_place *));
	cJSON_ArrayForEach (child, node) {
		if (members != NULL)
			members[n++] = &w->places[w->n];
		walk(w, child);
	}
	check_duplicates(w, members, n);
}

static int compare_nodes(const void *a, const void *b)
{
	uintptr_t p = (uintptr_t)((const struct json_place *)a)->node;
	uintptr_t q = (uintptr_t)((const struct json_place *)b)->node;

	return (p > q) - (p < q);
}

int json_doc_parse(const char *text, size_t len, struct json_doc *ret_doc,
		   struct diag *reterr)
{
	auto_free struct scan_value *values = NULL;
	struct json_doc doc = { 0 };
	struct walk w = { .cursor = SCAN_CURSOR_INIT };
	size_t before = reterr->n;

	if (len > LIMIT_FRAME_BYTES) {
		diag_add(reterr, "", "%zu bytes are too many (at most %d)", len,
			 LIMIT_FRAME_BYTES);
		return 1;
	}
	if (scan_text(text, len, &values, &doc.n_places, reterr) != 0)
		return 1;
	doc.root = must(cJSON_ParseWithLength(text, len));
	doc.places = xcalloc(doc.n_places, sizeof(*doc.places));
	w.text = text;
	w.values = values;
	w.places = doc.places;
	w.reterr = reterr;
	walk(&w, doc.root);
	assert(w.n == doc.n_places);
	if (reterr->n > before) {
		json_doc_free(&doc);
		diag_sort(reterr);
		return 1;
	}
	qsort(doc.places, doc.n_places, sizeof(*doc.places), compare_nodes);
	*ret_doc = doc;
	return 0;
}

void json_doc_free(struct json_doc *doc)
{
	cJSON_Delete(doc->root);
	free(doc->places);
	*doc = (struct json_doc){ 0 };
}

static const struct json_place *find_place(const struct json_doc *doc,
					   const cJSON *node)
{
	struct json_place key = { .node = node };

	if (doc == NULL || doc->n_places == 0)
		return NULL;
	return bsearch(&key, doc->places, doc->n_places, sizeof(key),
		       compare_nodes);
}

void json_fault(const struct json_doc *doc, const cJSON *node,
		struct diag *reterr, const char *path, const char *fmt, ...)
{
	const struct json_place *p = find_place(doc, node);
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_add_at(reterr, p != NULL ? p->line : 0, p != NULL ? p->column : 0,
		    path, "%s", text);
}

void json_fault_name(const struct json_doc *doc, const cJSON *node,
		     struct diag *reterr, const char *path, const char *fmt,
		     ...)
{
	const struct json_place *p = find_place(doc, node);
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_add_at(reterr, p != NULL ? p->name_line : 0,
		    p != NULL ? p->name_column : 0, path, "%s", text);
}

bool json_int(const struct json_doc *doc, const cJSON *node, int64_t *ret_i)
{
	const struct json_place *p = find_place(doc, node);

	if (p == NULL || !cJSON_IsNumber(node) || !p->is_integer)
		return false;
	*ret_i = p->integer;
	return true;
}

/* Makes the locale's decimal point, of one or more bytes, a '.'. */
static void plain_point(char *text)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		if (strchr("0123456789+-e", *in) != NULL)
			*out++ = *in;
		else if (out > text && out[-1] != '.')
			*out++ = '.';
	}
	*out = '\0';
}

const char *json_number_text(double v, char buf[JSON_NUMBER_BYTES])
{
	if (isnan(v))
		return strcpy(buf, "nan");
	if (isinf(v))
		return strcpy(buf, v > 0 ? "inf" : "-inf");
	if (fabs(v) <= EXACT && floor(v) == v) {
		snprintf(buf, JSON_NUMBER_BYTES, "%.0f", v);
		return buf;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, JSON_NUMBER_BYTES, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	plain_point(buf);
	return buf;
}

cJSON *json_number(double v)
{
	char text[JSON_NUMBER_BYTES];

	if (isfinite(v))
		return must(cJSON_CreateNumber(v));
	return must(cJSON_CreateString(json_number_text(v, text)));
}

cJSON *json_integer(int64_t v)
{
	char text[JSON_NUMBER_BYTES];

	if (v <= (int64_t)EXACT && v >= -(int64_t)EXACT)
		return must(cJSON_CreateNumber((double)v));
	snprintf(text, sizeof(text), "%lld", (long long)v);
	return must(cJSON_CreateRaw(text));
}

void json_add_number(cJSON *object, const char *name, double v)
{
	cJSON_AddItemToObject(object, name, json_number(v));
}

void json_add_integer(cJSON *object, const char *name, int64_t v)
{
	cJSON_AddItemToObject(object, name, json_integer(v));
}

const cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_get_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_get(object, name));
}

double json_get_number(const cJSON *object, const char *name, double fallback)
{
	const cJSON *v = json_get(object, name);
	const char *text = cJSON_GetStringValue(v);

	if (cJSON_IsNumber(v))
		return v->valuedouble;
	if (text != NULL && strcmp(text, "nan") == 0)
		return (double)NAN;
	if (text != NULL && strcmp(text, "inf") == 0)
		return (double)INFINITY;
	if (text != NULL && strcmp(text, "-inf") == 0)
		return -(double)INFINITY;
	return fallback;
}

int64_t json_get_integer(const cJSON *object, const char *name,
			 int64_t fallback)
{
	const cJSON *v = json_get(object, name);

	if (!cJSON_IsNumber(v) || fabs(v->valuedouble) > EXACT ||
	    floor(v->valuedouble) != v->valuedouble)
		return fallback;
	return (int64_t)v->valuedouble;
}

bool json_get_bool(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *v = json_get(object, name);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

void json_write_text(struct buf *b, const char *text)
{
	size_t left = strlen(text);

	buf_addc(b, '"');
	while (left > 0) {
		unsigned char c = (unsigned char)text[0];
		size_t n = scan_utf8(text, left);

		if (n == 0) {
			buf_adds(b, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_addc(b, '\\');
			buf_addc(b, (char)c);
		} else if (c == '\n') {
			buf_adds(b, "\\n");
		} else if (c == '\t') {
			buf_adds(b, "\\t");
		} else if (c < ' ' || c == 0x7f) {
			buf_addf(b, "\\u%04x", c);
		} else {
			buf_add(b, text, n);
		}
		text += n;
		left -= n;
	}
	buf_addc(b, '"');
}

static void write_members(struct buf *b, const cJSON *node)
{
	bool object = cJSON_IsObject(node);
	const cJSON *child;

	buf_addc(b, object ? '{' : '[');
	cJSON_ArrayForEach (child, node) {
		if (child != node->child)
			buf_addc(b, ',');
		if (object) {
			json_write_text(b, child->string);
			buf_addc(b, ':');
		}
		json_write(b, child);
	}
	buf_addc(b, object ? '}' : ']');
}

void json_write(struct buf *b, const cJSON *node)
{
	char text[JSON_NUMBER_BYTES];

	if (cJSON_IsObject(node) || cJSON_IsArray(node))
		write_members(b, node);
	else if (cJSON_IsString(node))
		json_write_text(b, node->valuestring);
	else if (cJSON_IsRaw(node))
		buf_adds(b, node->valuestring);
	else if (cJSON_IsBool(node))
		buf_adds(b, cJSON_IsTrue(node) ? "true" : "false");
	else if (!cJSON_IsNumber(node))
		buf_adds(b, "null");
	else if (isfinite(node->valuedouble))
		buf_adds(b, json_number_text(node->valuedouble, text));
	else
		json_write_text(b, json_number_text(node->valuedouble, text));
}

char *json_print(const cJSON *node)
{
	struct buf b = BUF_INIT;

	json_write(&b, node);
	return buf_take(&b);
}

char *json_brief(const cJSON *node)
{
	char *text = json_print(node);
	size_t n = BRIEF_BYTES;

	if (strlen(text) <= BRIEF_BYTES)
		return text;
	/* Not in the middle of a character. */
	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(text + n, "...", 4);
	return text;
}

void json_autofree(cJSON **node)
{
	cJSON_Delete(*node);
}
