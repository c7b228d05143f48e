/* import: earlier trials from a table, or from another search. */
#include "cmd.h"
#include "csv.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"
#include "schema/reader.h"
#include "schema/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TABLE_BYTES_MAX (64 << 20)

/* Of a message, for what stands around the trials in it. */
#define FRAME_BYTES_SPARE 4096
#define FRAME_NODES_SPARE 64

/* A table, read for a search. */
struct table {
	const struct search_spec *spec;
	struct csv csv;
	int *columns; /* [space->n] of the parameters; -1: none */
	int metric;   /* column of the result */
	struct diag faults;
};

static void table_free(struct table *t)
{
	csv_free(&t->csv);
	free(t->columns);
	diag_free(&t->faults);
}

#define auto_table __attribute__((cleanup(table_free)))

/* --- its header
 * ------------------------------------------------------------ */

/* The column @name; -1: there is none. */
static int find_column(struct table *t, const char *name)
{
	const struct csv_record *header = &t->csv.records[0];
	int found = -1;

	for (size_t i = 0; i < header->n; i++) {
		const struct csv_field *f = &header->fields[i];

		if (strcmp(f->text, name) != 0)
			continue;
		if (found >= 0)
			diag_add_at(&t->faults, f->line, f->column, "",
				    "is the column \"%s\" again", name);
		found = (int)i;
	}
	return found;
}

/* False, with a fault, if the fields are separated otherwise. */
static bool check_separator(struct table *t)
{
	const struct csv_record *header = &t->csv.records[0];
	const char *text = header->fields[0].text;

	if (header->n > 1 || strpbrk(text, ";\t|") == NULL)
		return true;
	diag_add_at(&t->faults, header->fields[0].line, 1, "",
		    "is one column, \"%s\" (separate columns by commas)", text);
	return false;
}

static void missing_column(struct table *t, const char *name, const char *hint)
{
	const struct csv_record *header = &t->csv.records[0];
	auto_free const char **names = xcalloc(header->n + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < header->n; i++)
		names[i] = header->fields[i].text;
	nearest = diag_nearest(name, names);
	diag_add_at(&t->faults, header->fields[0].line, 1, "",
		    "there is no column \"%s\" (%s%s%s%s)", name, hint,
		    nearest != NULL ? "; is it \"" : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "\"?" : "");
}

static bool is_used(const struct table *t, int column)
{
	bool used = column == t->metric;

	for (size_t i = 0; i < t->spec->space->n; i++)
		used |= column == t->columns[i];
	return used;
}

static void tell_unused(const struct table *t, const char *path)
{
	const struct csv_record *header = &t->csv.records[0];
	auto_buf struct buf names = BUF_INIT;

	for (size_t i = 0; i < header->n; i++) {
		if (is_used(t, (int)i))
			continue;
		if (names.len > 0)
			buf_adds(&names, ", ");
		buf_adds(&names, header->fields[i].text);
	}
	if (names.len > 0)
		note("note: %s: not read, since they are neither parameters "
		     "nor the metric: %s",
		     path, buf_text(&names));
}

/* False, with faults, if columns are missing. */
static bool read_header(struct table *t)
{
	const struct space *space = t->spec->space;

	if (!check_separator(t))
		return false;
	t->metric = find_column(t, t->spec->metric);
	if (t->metric < 0)
		missing_column(t, t->spec->metric, "the metric");
	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];

		t->columns[i] = find_column(t, p->name);
		/* A conditional one may be inactive everywhere. */
		if (t->columns[i] < 0 && p->type != PARAM_CONSTANT &&
		    !p->has_guess && p->n_conditions == 0)
			missing_column(t, p->name,
				       "a parameter without a guess");
	}
	return t->faults.n == 0;
}

/* --- its rows
 * -------------------------------------------------------------- */

static bool is_number(const char *text, double *ret)
{
	return reader_number(text, strlen(text), ret);
}

static bool is_value(const struct scalar *v, const char *text)
{
	auto_buf struct buf b = BUF_INIT;
	double number;

	if (v->kind == SCALAR_INT || v->kind == SCALAR_FLOAT)
		return is_number(text, &number) && number == scalar_number(v);
	scalar_print(v, &b);
	/* Python writes True and False. */
	return v->kind == SCALAR_BOOL ? strcasecmp(buf_text(&b), text) == 0
				      : strcmp(buf_text(&b), text) == 0;
}

/* What a cell means for its parameter; a text if it makes no sense there. */
static cJSON *cell_json(const struct param *p, const char *text)
{
	bool is_range = p->type == PARAM_FLOAT || p->type == PARAM_INT;
	double number;

	if (is_range && is_number(text, &number) && isfinite(number))
		return json_number(number);
	for (size_t i = 0; !is_range && i < p->n_values; i++) {
		if (is_value(&p->values[i], text))
			return scalar_json(&p->values[i]);
	}
	return cJSON_CreateString(text);
}

/* A fault of the parameter @i in a row, at its cell if it has one. */
static void row_fault(struct table *t, const struct csv_record *row, int i,
		      const char *words)
{
	int column = i >= 0 ? t->columns[i] : -1;
	const struct csv_field *f = &row->fields[column >= 0 ? column : 0];

	diag_add_at(&t->faults, f->line, f->column,
		    i >= 0 ? t->spec->space->params[i].name : "", "%s", words);
}

/* A guess stands in for a column, but not for a cell that was left empty. */
static void check_empty(struct table *t, const struct csv_record *row,
			const struct cell *config)
{
	const struct space *space = t->spec->space;

	for (size_t i = 0; i < space->n; i++) {
		if (config[i].active && t->columns[i] >= 0 &&
		    space->params[i].type != PARAM_CONSTANT &&
		    row->fields[t->columns[i]].text[0] == '\0')
			row_fault(t, row, (int)i,
				  "is missing (it is active here)");
	}
}

/* The parameters of a row: new. */
static cJSON *read_params(struct table *t, const struct csv_record *row)
{
	const struct space *space = t->spec->space;
	auto_free struct cell *config = xcalloc(space->n, sizeof(*config));
	auto_diag struct diag faults = DIAG_INIT;
	cJSON *params = cJSON_CreateObject();

	for (size_t i = 0; i < space->n; i++) {
		const char *text =
		    t->columns[i] >= 0 ? row->fields[t->columns[i]].text : "";

		if (text[0] != '\0')
			cJSON_AddItemToObject(
			    params, space->params[i].name,
			    cell_json(&space->params[i], text));
	}
	if (space_read(space, params, config, &faults) == 0)
		check_empty(t, row, config);
	for (size_t i = 0; i < faults.n; i++)
		row_fault(t, row, space_find(space, faults.faults[i].path),
			  faults.faults[i].text);
	return params;
}

/* Adds the result of a row to @trial; nothing if the trial failed. */
static void read_result(struct table *t, const struct csv_record *row,
			cJSON *trial)
{
	const struct csv_field *f = &row->fields[t->metric];
	double v;

	if (f->text[0] == '\0' || strcasecmp(f->text, "failed") == 0)
		return;
	if (is_number(f->text, &v))
		json_add_number(trial, "value", v);
	else
		diag_add_at(&t->faults, f->line, f->column, t->spec->metric,
			    "is \"%s\" (must be a number, or nothing or "
			    "\"failed\" of a trial without a result)",
			    f->text);
}

/* The trials of a table with a sound header: new. */
static cJSON *read_rows(struct table *t)
{
	cJSON *trials = cJSON_CreateArray();

	for (size_t i = 1; i < t->csv.n; i++) {
		const struct csv_record *row = &t->csv.records[i];
		cJSON *trial;

		if (row->n != t->csv.records[0].n) {
			auto_free char *words =
			    xasprintf("has %zu fields, and the header %zu",
				      row->n, t->csv.records[0].n);

			row_fault(t, row, -1, words);
			continue;
		}
		trial = cJSON_CreateObject();
		cJSON_AddItemToObject(trial, "params", read_params(t, row));
		read_result(t, row, trial);
		cJSON_AddItemToArray(trials, trial);
	}
	return trials;
}

/* How many of @trials one message holds. */
static int count_fitting(const cJSON *trials)
{
	size_t bytes = FRAME_BYTES_SPARE, nodes = FRAME_NODES_SPARE;
	const cJSON *trial;
	int n = 0;

	cJSON_ArrayForEach (trial, trials) {
		auto_free char *text = json_print(trial);

		bytes += strlen(text) + 1;
		/* The trial, its parameters' object, and its result. */
		nodes +=
		    (size_t)cJSON_GetArraySize(json_get(trial, "params")) + 3;
		if (bytes > LIMIT_FRAME_BYTES || nodes > LIMIT_JSON_NODES)
			break;
		n++;
	}
	return n;
}

static enum status check_table(struct table *t, const char *path,
			       const cJSON *trials)
{
	int n = cJSON_GetArraySize(trials);
	int fitting;

	if (t->faults.n > 0) {
		auto_free char *text = NULL;

		diag_sort(&t->faults);
		text = diag_text(&t->faults, path);
		note("%s", text);
		return fail(STATUS_BAD_INPUT, "nothing was imported");
	}
	if (n == 0)
		return fail(STATUS_BAD_INPUT,
			    "%s holds no trial (a header and a line a trial)",
			    path);
	fitting = count_fitting(trials);
	if (fitting < n)
		return fail(STATUS_BAD_INPUT,
			    "%s has %d trials, and %d of them fit into one "
			    "import (import it in parts, each with the header)",
			    path, n, fitting);
	return STATUS_DONE;
}

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

/* The trials of the file, read for the search: STATUS_DONE and new. */
static enum status read_table(const char *path, const struct search_spec *spec,
			      cJSON **ret_trials)
{
	auto_table struct table t = { .spec = spec, .metric = -1 };
	auto_buf struct buf text = BUF_INIT;
	auto_json cJSON *trials = NULL;
	enum status r = read_file(path, TABLE_BYTES_MAX, &text);

	if (r != STATUS_DONE)
		return r;
	path = name_of(path);
	if (csv_parse(buf_text(&text), text.len, &t.csv, &t.faults) == 0 &&
	    t.csv.n > 0) {
		t.columns = xcalloc(spec->space->n, sizeof(*t.columns));
		if (read_header(&t)) {
			tell_unused(&t, path);
			trials = read_rows(&t);
		}
	}
	r = check_table(&t, path, trials);
	if (r != STATUS_DONE)
		return r;
	*ret_trials = trials;
	trials = NULL;
	return STATUS_DONE;
}

/* --- the command
 * ----------------------------------------------------------- */

/* The search file of the search that @params name. */
static enum status fetch_spec(struct call *call, const cJSON *params,
			      struct search_spec **ret_spec)
{
	auto_json cJSON *result = NULL;
	auto_diag struct diag faults = DIAG_INIT;
	const char *file;
	enum status r = call_method(call, METHOD_SHOW,
				    cJSON_Duplicate(params, true), &result);

	if (r != STATUS_DONE)
		return r;
	file = json_get_text(result, "file");
	if (file == NULL ||
	    search_parse(file, strlen(file), ret_spec, &faults) != 0)
		return fail(STATUS_FAILED,
			    "hpsd did not give the search file as this hpctl "
			    "knows it (restart the older one: trials go on "
			    "meanwhile)");
	return STATUS_DONE;
}

/* Adds what is to be imported to @params. */
static enum status add_trials(struct call *call, cJSON *params)
{
	const char *from = call_option(call, "from");
	const char *path = call->n_operands > 1 ? call->operands[1] : NULL;
	struct search_spec *spec = NULL;
	cJSON *trials = NULL;
	enum status r;

	if ((path == NULL) == (from == NULL))
		return fail(STATUS_BAD_INPUT,
			    "import: a FILE, or --from SEARCH, is to say where "
			    "the trials come from");
	if (from != NULL) {
		cJSON_AddStringToObject(params, "from", from);
		return STATUS_DONE;
	}
	r = fetch_spec(call, params, &spec);
	if (r == STATUS_DONE)
		r = read_table(path, spec, &trials);
	search_free(spec);
	if (r != STATUS_DONE)
		return r;
	cJSON_AddItemToObject(params, "trials", trials);
	cJSON_AddStringToObject(params, "source", name_of(path));
	return STATUS_DONE;
}

static void tell_left_out(const cJSON *result, const char *from)
{
	int64_t without = json_get_integer(result, "without_result", 0);
	int64_t unfit = json_get_integer(result, "unfit", 0);
	const char *why = json_get_text(result, "why");
	const char *lacks = json_get_text(result, "lacks");

	if (without > 0)
		note("note: %lld of %s left out: they have no result",
		     (long long)without, from);
	if (unfit > 0)
		note("note: %lld of %s left out: they do not fit (%s)",
		     (long long)unfit, from, why != NULL ? why : "");
	if (lacks != NULL)
		note("note: %s: %s", from, lacks);
}

static enum status run_import(struct call *call)
{
	cJSON *params = target_search_params(call);
	auto_free char *search = NULL;
	auto_json cJSON *result = NULL;
	char key[CALL_KEY_BYTES];
	int64_t n, first;
	enum status r;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	search = xstrdup(json_get_text(params, "search"));
	r = add_trials(call, params);
	if (r == STATUS_DONE)
		r = call_key(key);
	if (r != STATUS_DONE) {
		cJSON_Delete(params);
		return r;
	}
	cJSON_AddStringToObject(params, "key", key);
	r = call_method(call, METHOD_IMPORT, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	n = json_get_integer(result, "trials", 0);
	first = json_get_integer(result, "first", 0);
	if (n == 1)
		out_textf(&call->out, "%s has 1 more trial: %lld\n", search,
			  (long long)first);
	else
		out_textf(&call->out, "%s has %lld more trials: %lld to %lld\n",
			  search, (long long)n, (long long)first,
			  (long long)(first + n - 1));
	tell_left_out(result, call_option(call, "from"));
	return STATUS_DONE;
}

const struct command cmd_import = {
	.name = "import",
	.operands = "SEARCH [FILE]",
	.min = 1,
	.max = 2,
	.operand = OPERAND_SEARCH_FILE,
	.help = "Add earlier trials, which the search learns from",
	.text =
	    "FILE (\"-\": stdin) is a table of comma-separated values: a "
	    "line with the names of its columns, then a line a trial. "
	    "Columns are parameters and the metric; others are not read. "
	    "A cell is empty where its parameter is inactive; a trial "
	    "whose result is empty or \"failed\" has failed, and a mean "
	    "of several runs (folds, repeats) counts as one result. "
	    "Constants, and parameters with a guess, need no column. All "
	    "faults are told, and nothing is imported unless there are "
	    "none. With --from, trials of another search that have no "
	    "place in this one, or whose result is of another budget, are "
	    "left out and counted. Means keep the number of their runs "
	    "and their standard errors if both searches have equally many "
	    "folds, or this one at least as many repeats; else each counts "
	    "as one result. The lineage of a population is not taken over. "
	    "An imported trial runs only if retry tells it to, and then has "
	    "the result of that run instead. The search's number of trials "
	    "grows by them, so that they do not use up its own.",
	.options = { { "from", 0, "SEARCH",
		       "Take the trials of this search instead" } },
	.run = run_import,
};
