/* metrics --try: the reader on a file, without hpsd. */
#include "cmd.h"
#include "submit.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

/* Feeds the whole of @fd; returns 0 or -errno. */
static int feed(struct reader *reader, int fd, struct trying *t)
{
	auto_buf struct buf text = BUF_INIT;
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		size_t used;

		buf_add(&text, data, (size_t)n);
		used = reader_feed(reader, text.data, text.len, on_metric, t);
		buf_drop(&text, used);
	}
	if (n < 0)
		return -errno;
	reader_finish(reader, buf_text(&text), text.len, on_metric, t);
	return 0;
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
	bool is_stdin = strcmp(log, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(log, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	t.rows = cJSON_AddArrayToObject(answer, "metrics");
	if (r == 0)
		r = feed(reader, fd, &t);
	if (fd >= 0 && !is_stdin)
		(void)close(fd);
	if (r == 0) {
		cJSON_AddItemToObject(answer, "counts",
				      counts_json(reader_counts(reader)));
		cJSON_AddStringToObject(answer, "objective", spec->metric);
		cJSON_AddBoolToObject(answer, "found", t.found);
		call->out.ops->answer(&call->out, answer);
		print_tried(call, &t, reader_counts(reader));
	}
	reader_free(reader);
	if (r < 0)
		return fail(STATUS_BAD_INPUT, "cannot read %s: %s", log,
			    strerror(-r));
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
