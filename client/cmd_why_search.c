/* why SEARCH: what all of its trials show together. */
#include "apply.h"
#include "importance.h"
#include "why.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST 100 /* columns of a sentence, however wide the terminal is */

static const struct out_column finding_columns[] = {
	{"finding", NULL, OUT_TEXT},
	{ "text",   NULL, OUT_LONG},
	{ "try",    NULL, OUT_LONG},
	{ NULL,     NULL, OUT_TEXT},
};

/* A text in lines, the first behind @first, the others indented like it. */
static void print_wrapped(struct out *o, const char *first, const char *text)
{
	size_t indent = out_text_width(first), used = indent;
	size_t width = o->width < LONGEST ? (size_t)o->width : LONGEST;
	auto_buf struct buf b = BUF_INIT;

	buf_adds(&b, first);
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		auto_free char *word = xstrndup(text, n);
		size_t w = out_text_width(word);

		if (used > indent && used + 1 + w >= width) {
			buf_addf(&b, "\n%*s", (int)indent, "");
			used = indent;
		} else if (used > indent) {
			buf_addc(&b, ' ');
			used++;
		}
		buf_adds(&b, word);
		used += w;
		text += n;
		text += *text == ' ';
	}
	out_hintf(o, "%s\n", buf_text(&b));
}

/* "" for none. */
static char *symptoms_text(const cJSON *result)
{
	struct buf b = BUF_INIT;
	const cJSON *count;

	cJSON_ArrayForEach (count, json_get(result, "symptoms"))
		buf_addf(&b, "%s%d %s", b.len == 0 ? "" : ", ", count->valueint,
			 count->string);
	return buf_take(&b);
}

static void print_findings(struct out *o, const cJSON *findings)
{
	const cJSON *f;
	int n = 0;

	if (cJSON_GetArraySize(findings) == 0)
		out_hintf(o, "\nnothing stands out\n");
	cJSON_ArrayForEach (f, findings) {
		auto_free char *first = xasprintf("%2d. ", n + 1);

		out_hintf(o, n == 0 ? "\n" : "");
		print_wrapped(o, first, json_get_text(f, "text"));
		print_wrapped(o, o->utf8 ? "    → " : "    -> ",
			      json_get_text(f, "try"));
		n++;
	}
}

static bool has_change(const cJSON *findings)
{
	const cJSON *f;

	cJSON_ArrayForEach (f, findings) {
		if (cJSON_IsObject(json_get(f, "change")))
			return true;
	}
	return false;
}

static void add_row(cJSON *rows, const char *kind, const char *text)
{
	cJSON *row;

	if (text == NULL || *text == '\0')
		return;
	row = cJSON_CreateObject();
	cJSON_AddStringToObject(row, "finding", kind);
	cJSON_AddStringToObject(row, "text", text);
	cJSON_AddItemToArray(rows, row);
}

/* What a terminal shows, in rows like those of the findings. */
static void print_rows(struct out *o, const cJSON *result)
{
	auto_json cJSON *rows = cJSON_CreateArray();
	auto_free char *trials =
	    xasprintf("%lld have ended",
		      (long long)json_get_integer(result, "trials", 0));
	auto_free char *symptoms = symptoms_text(result);
	auto_free char *matters = importance_text(result);
	cJSON *f;

	add_row(rows, "trials", trials);
	add_row(rows, "compared", json_get_text(result, "compared"));
	add_row(rows, "symptoms", symptoms);
	add_row(rows, "matters", matters);
	cJSON_ArrayForEach (f, json_get(result, "findings"))
		cJSON_AddItemReferenceToArray(rows, f);
	add_row(rows, "note", json_get_text(result, "note"));
	o->ops->table(o, finding_columns, rows, false);
}

static void print_why(struct out *o, const cJSON *result)
{
	const cJSON *findings = json_get(result, "findings");
	const char *name = json_get_text(result, "search");
	const char *note = json_get_text(result, "note");
	const char *compared = json_get_text(result, "compared");
	int64_t n = json_get_integer(result, "trials", 0);
	auto_free char *symptoms = symptoms_text(result);
	auto_free char *matters = importance_text(result);

	if (o->width == 0) {
		print_rows(o, result);
		return;
	}
	out_hintf(o, "%s: %lld trial%s ended\n\n", name, (long long)n,
		  n == 1 ? " has" : "s have");
	if (compared != NULL)
		print_wrapped(o, "compared  ", compared);
	if (*symptoms != '\0')
		print_wrapped(o, "symptoms  ", symptoms);
	print_wrapped(o, "matters   ", matters);
	print_findings(o, findings);
	if (note != NULL) {
		out_hintf(o, "\n");
		print_wrapped(o, "", note);
	}
	out_hintf(o,
		  "\n'hpctl importance %s' shows how the results depend on "
		  "the parameters\n",
		  name);
	if (has_change(findings))
		out_hintf(
		    o, "'hpctl why %s --apply' makes a search file of this\n",
		    name);
}

enum status why_search(struct call *call)
{
	auto_json cJSON *result = NULL;
	cJSON *params = target_search_params(call);
	bool applies = call_option(call, "apply") != NULL;
	enum status r;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	if (call->n_operands > (applies ? 2 : 1))
		return fail(STATUS_BAD_INPUT,
			    applies ? "why --apply takes a SEARCH and a FILE"
				    : "why takes one SEARCH (logs go with "
				      "--log)");
	r = call_method(call, METHOD_WHY, params, &result);
	if (r != STATUS_DONE)
		return r;
	if (applies)
		return apply_findings(call, result);
	call->out.ops->answer(&call->out, result);
	print_why(&call->out, result);
	return STATUS_DONE;
}
