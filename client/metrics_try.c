/* metrics --try: the reader on a file, without hpsd. */
#include "cmd.h"
#include "feed.h"
#include "submit.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <string.h>

struct trying {
	const struct search_spec *spec;
	cJSON *rows;
	bool found; /* the objective */
};

static void on_metric(void *ctx, const struct metric_record *m)
{
	struct trying *t = ctx;
	cJSON *row = cJSON_CreateObject();

	cJSON_AddStringToObject(row, "name", m->name);
	json_add_integer(row, "step", m->step);
	if (m->kind == VALUE_FINITE)
		json_add_number(row, "value", m->value);
	else
		cJSON_AddNullToObject(row, "value");
	cJSON_AddStringToObject(row, "kind", value_kind_name(m->kind));
	cJSON_AddItemToArray(t->rows, row);
	t->found = t->found || strcmp(m->name, t->spec->metric) == 0;
}

static cJSON *counts_json(const struct reader_counts *c)
{
	cJSON *o = cJSON_CreateObject();

	json_add_integer(o, "records", (int64_t)c->records);
	json_add_integer(o, "metrics", (int64_t)c->metrics);
	json_add_integer(o, "repeats", (int64_t)c->repeats);
	json_add_integer(o, "truncated", (int64_t)c->truncated);
	json_add_integer(o, "rejected", (int64_t)c->rejected);
	return o;
}

static void print_tried(struct call *call, const struct trying *t,
			const struct reader_counts *c)
{
	static const struct out_column columns[] = {
		{"name",   NULL, OUT_TEXT },
                { "step",  NULL, OUT_COUNT},
		{ "value", NULL, OUT_VALUE},
                { "kind",  NULL, OUT_TEXT },
		{ NULL,    NULL, OUT_TEXT },
	};

	call->out.ops->table(&call->out, columns, t->rows, false);
	note("%llu records, %llu metrics, %llu repeats, %llu truncated, "
	     "%llu rejected",
	     (unsigned long long)c->records, (unsigned long long)c->metrics,
	     (unsigned long long)c->repeats, (unsigned long long)c->truncated,
	     (unsigned long long)c->rejected);
}

static cJSON *notes_json(const struct reader_note *told)
{
	cJSON *list = cJSON_CreateArray();
	cJSON *o;

	if (told == NULL)
		return list;
	o = cJSON_CreateObject();
	json_add_integer(o, "line", (int64_t)told->line);
	cJSON_AddStringToObject(o, "text", told->words);
	cJSON_AddItemToArray(list, o);
	return list;
}

static void tell_note(const char *log, const struct reader_note *told)
{
	if (told != NULL)
		note("hpctl: %s:%llu: %s (\"metric.step\" may name another "
		     "number of the line)",
		     log, (unsigned long long)told->line, told->words);
}

/* What to do when the objective was not among the metrics. */
static void tell_missing(const struct search_spec *spec)
{
	if (spec->patterns != NULL)
		note("hpctl: the objective \"%s\" is not there (\"patterns\" "
		     "replace name=value: does one of them have a hole "
		     "{%s}?)",
		     spec->metric, spec->metric);
	else
		note("hpctl: the objective \"%s\" is not there (print "
		     "\"%s=0.3\", set \"metric.name\" to a name above, or "
		     "describe the line in \"patterns\")",
		     spec->metric, spec->metric);
}

static enum status try_file(struct call *call, const char *log,
			    const struct search_spec *spec)
{
	struct reader *reader = reader_new(spec);
	auto_json cJSON *answer = cJSON_CreateObject();
	struct trying t = { .spec = spec };
	struct log_feed feed = { .reader = reader,
				 .on_metric = on_metric,
				 .ctx = &t };
	enum status r;

	t.rows = cJSON_AddArrayToObject(answer, "metrics");
	r = feed_log(log, &feed);
	if (r == STATUS_DONE) {
		cJSON_AddItemToObject(answer, "counts",
				      counts_json(reader_counts(reader)));
		cJSON_AddItemToObject(answer, "notes",
				      notes_json(reader_note(reader)));
		cJSON_AddStringToObject(answer, "objective", spec->metric);
		cJSON_AddBoolToObject(answer, "found", t.found);
		call->out.ops->answer(&call->out, answer);
		print_tried(call, &t, reader_counts(reader));
		tell_note(log, reader_note(reader));
	}
	reader_free(reader);
	if (r != STATUS_DONE)
		return r;
	if (!t.found)
		tell_missing(spec);
	return t.found ? STATUS_DONE : STATUS_FAILED;
}

enum status metrics_try(struct call *call, const char *log)
{
	const char *path = call->operands[0];
	auto_buf struct buf file = BUF_INIT;
	auto_diag struct diag faults = DIAG_INIT;
	struct search_spec *spec;
	enum status r = read_file(path, LIMIT_SEARCH_BYTES, &file);

	if (r != STATUS_DONE)
		return r;
	if (search_parse(buf_text(&file), file.len, &spec, &faults) != 0) {
		auto_free char *text = diag_text(&faults, path);

		note("%s", text);
		return STATUS_BAD_INPUT;
	}
	r = try_file(call, log, spec);
	search_free(spec);
	return r;
}
