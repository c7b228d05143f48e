#include "schema/rpc.h"

#include "schema/limits.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static void print_head(struct buf *b)
{
	buf_adds(b, "{\"jsonrpc\":\"2.0\"");
}

static void print_member(struct buf *b, const char *name, const cJSON *value)
{
	if (value == NULL)
		return;
	buf_addf(b, ",\"%s\":", name);
	json_write(b, value);
}

static void print_method(struct buf *b, const char *method, const cJSON *params)
{
	buf_adds(b, ",\"method\":");
	json_write_text(b, method);
	print_member(b, "params", params);
	buf_adds(b, "}\n");
}

void rpc_print_request(struct buf *b, int64_t id, const char *method,
		       const cJSON *params)
{
	print_head(b);
	buf_addf(b, ",\"id\":%lld", (long long)id);
	print_method(b, method, params);
}

void rpc_print_notice(struct buf *b, const char *method, const cJSON *params)
{
	print_head(b);
	print_method(b, method, params);
}

static void print_id(struct buf *b, const cJSON *id)
{
	buf_adds(b, ",\"id\":");
	json_write(b, id);
}

void rpc_print_result(struct buf *b, const cJSON *id, const cJSON *result)
{
	print_head(b);
	print_id(b, id);
	buf_adds(b, ",\"result\":");
	json_write(b, result);
	buf_adds(b, "}\n");
}

void rpc_print_error(struct buf *b, const cJSON *id, enum rpc_error code,
		     const char *message, const cJSON *data)
{
	print_head(b);
	print_id(b, id);
	buf_addf(b, ",\"error\":{\"code\":%d,\"message\":", (int)code);
	json_write_text(b, message);
	print_member(b, "data", data);
	buf_adds(b, "}}\n");
}

static cJSON *print_fault(const struct diag_fault *f)
{
	cJSON *fault = cJSON_CreateObject();

	json_add_integer(fault, "line", f->line);
	json_add_integer(fault, "column", f->column);
	cJSON_AddStringToObject(fault, "path", f->path);
	cJSON_AddStringToObject(fault, "text", f->text);
	return fault;
}

cJSON *rpc_print_faults(const struct diag *d)
{
	cJSON *data = cJSON_CreateObject();
	cJSON *faults = cJSON_AddArrayToObject(data, "faults");

	for (size_t i = 0; i < d->n && i < LIMIT_FAULTS; i++)
		cJSON_AddItemToArray(faults, print_fault(&d->faults[i]));
	return data;
}

static const char *text_or(const cJSON *object, const char *name,
			   const char *fallback)
{
	const char *text = json_get_text(object, name);

	return text != NULL ? text : fallback;
}

/* A line or a column; 0, which is none, if it cannot be one. */
static unsigned read_count(const cJSON *object, const char *name)
{
	int64_t v = json_get_integer(object, name, 0);

	return v < 0 || v > UINT_MAX ? 0 : (unsigned)v;
}

void rpc_read_faults(const cJSON *data, struct diag *ret_diag)
{
	const cJSON *f;

	cJSON_ArrayForEach (f, json_get(data, "faults")) {
		diag_add_at(ret_diag, read_count(f, "line"),
			    read_count(f, "column"), text_or(f, "path", ""),
			    "%s", text_or(f, "text", "(no text)"));
	}
}

/* True if the reply's id will be the request's: a double rounds others. */
static bool id_comes_back(const cJSON *id)
{
	return cJSON_IsString(id) || cJSON_IsNull(id) ||
	       (cJSON_IsNumber(id) && fabs(id->valuedouble) < 0x1p53);
}

int rpc_read_request(const cJSON *message, const cJSON **ret_id,
		     const char **ret_method, const cJSON **ret_params,
		     struct diag *reterr)
{
	const cJSON *id = json_get(message, "id");
	const cJSON *params = json_get(message, "params");
	const char *version = json_get_text(message, "jsonrpc");
	const char *method = json_get_text(message, "method");
	size_t before = reterr->n;

	if (!cJSON_IsObject(message)) {
		diag_add(reterr, "", "a request is one object");
		return 1;
	}
	if (version == NULL || strcmp(version, "2.0") != 0)
		diag_add(reterr, "jsonrpc", "must be \"2.0\"");
	if (method == NULL)
		diag_add(reterr, "method", "must be a string");
	if (id != NULL && !id_comes_back(id))
		diag_add(reterr, "id",
			 "must be a string, null, or a number between -2^53 "
			 "and 2^53");
	if (params != NULL && !cJSON_IsObject(params))
		diag_add(reterr, "params", "must be an object");
	if (reterr->n > before)
		return 1;
	*ret_id = id;
	*ret_method = method;
	*ret_params = params;
	return 0;
}
