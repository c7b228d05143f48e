#include "schema/param.h"

#include <string.h>

void scalar_print(const struct scalar *v, struct buf *b)
{
	char number[JSON_NUMBER_BYTES];

	switch (v->kind) {
	case SCALAR_NULL:
		buf_adds(b, "null");
		break;
	case SCALAR_BOOL:
		buf_adds(b, v->b ? "true" : "false");
		break;
	case SCALAR_INT:
		buf_addf(b, "%lld", (long long)v->i);
		break;
	case SCALAR_FLOAT:
		buf_adds(b, json_number_text(v->f, number));
		break;
	case SCALAR_TEXT:
		buf_adds(b, v->text);
		break;
	}
}

cJSON *scalar_json(const struct scalar *v)
{
	switch (v->kind) {
	case SCALAR_BOOL:
		return cJSON_CreateBool(v->b);
	case SCALAR_INT:
		return json_integer(v->i);
	case SCALAR_FLOAT:
		return json_number(v->f);
	case SCALAR_TEXT:
		return cJSON_CreateString(v->text);
	case SCALAR_NULL:
		break;
	}
	return cJSON_CreateNull();
}

static bool is_number(const struct scalar *v)
{
	return v->kind == SCALAR_INT || v->kind == SCALAR_FLOAT;
}

double scalar_number(const struct scalar *v)
{
	return v->kind == SCALAR_INT ? (double)v->i : v->f;
}

bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
	/* Integers lie within 2^53: a double holds them. */
	if (is_number(a) && is_number(b))
		return scalar_number(a) == scalar_number(b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == SCALAR_TEXT)
		return strcmp(a->text, b->text) == 0;
	return a->kind == SCALAR_NULL || a->b == b->b;
}
