/* why --log: what ails the run that wrote a log, without hpsd. */
#include "why.h"
#include "why/symptoms.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INDENT      2
#define SPARK_CELLS 24

static const struct out_column columns[] = {
	{"file",      NULL, OUT_TEXT },
        { "symptom",  NULL, OUT_TEXT },
	{ "strength", NULL, OUT_VALUE},
        { "step",     NULL, OUT_COUNT},
	{ "text",     NULL, OUT_TEXT },
        { "try",      NULL, OUT_TEXT },
	{ NULL,       NULL, OUT_TEXT },
};

static size_t points(const struct why_metric *m)
{
	return m->by_step.lines[SERIES_TRAIN].n;
}

/* The names to choose among, by metric; "" is one that says too little. */
static const char **names_of(const struct why_log *log, const char *told)
{
	const char **names = xcalloc(log->metrics.n + 1, sizeof(*names));
	size_t most = 0;

	for (size_t i = 0; i < log->metrics.n; i++)
		most = points(&log->metrics.list[i]) > most
			   ? points(&log->metrics.list[i])
			   : most;
	/* A single "train_loss" at the end sums up a run, it is no curve. */
	for (size_t i = 0; i < log->metrics.n; i++)
		names[i] =
		    points(&log->metrics.list[i]) > 1 || most < 3 ||
			    (told != NULL &&
			     strcmp(told, log->metrics.list[i].name) == 0)
			? log->metrics.list[i].name
			: "";
	return names;
}

static char *list_names(const struct why_log *log)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < log->metrics.n; i++)
		buf_addf(&b, "%s%s", i > 0 ? ", " : "",
			 log->metrics.list[i].name);
	return buf_take(&b);
}

/* A name that was given must be there. */
static enum status check_name(const struct call *call, const char *option,
			      const char *path, const struct why_log *log)
{
	const char *name = call_option(call, option);
	auto_free char *all = list_names(log);

	for (size_t i = 0; i < log->metrics.n; i++)
		if (name == NULL ||
		    strcmp(log->metrics.list[i].name, name) == 0)
			return STATUS_DONE;
	if (name == NULL || log->metrics.n == 0)
		return STATUS_DONE;
	return fail(STATUS_BAD_INPUT, "--%s: %s has no '%s' (it has %s)",
		    option, strcmp(path, "-") == 0 ? "standard input" : path,
		    name, all);
}

/* Moves the points of the chosen metrics to @ret. */
static void choose(const struct call *call, struct why_log *log,
		   struct series *ret)
{
	const char *metric = call_option(call, "metric");
	const char *train = call_option(call, "train");
	const char **names = names_of(log, metric != NULL ? metric : train);
	struct series_choice choice =
	    series_choose(names, log->metrics.n, metric, train);

	free(names);
	for (int c = 0; c < SERIES_CURVES; c++) {
		struct why_metric *m;

		if (choice.curves[c] < 0)
			continue;
		m = &log->metrics.list[choice.curves[c]];
		ret->lines[c] = m->by_step.lines[SERIES_TRAIN];
		m->by_step = (struct series){ 0 };
		series_set_metric(ret, (enum series_curve)c, m->name,
				  series_role(m->name).goal);
	}
}

/* Of a log without a curve the text tells what there is instead. */
static void tell_nothing(const struct why_log *log, struct symptoms *found)
{
	auto_free char *names = list_names(log);

	if (log->metrics.n > 0) {
		symptoms_fini(found);
		found->note = xasprintf("No metric of it is known to be a "
					"loss; --metric chooses one of %s.",
					names);
		return;
	}
	free(found->list[0].text);
	if (log->counts.records == 0)
		found->list[0].text = xstrdup("The log is empty.");
	else
		found->list[0].text = xasprintf(
		    "No line of %llu has a metric; \"loss=0.3\", \"loss: "
		    "0.3\", \"loss 0.3\", JSON and tables are understood.",
		    (unsigned long long)log->counts.records);
}

/* Prints a text in lines of the terminal's width. */
static void print_wrapped(struct out *o, const cJSON *node, int indent)
{
	auto_buf struct buf visible = BUF_INIT;
	const char *text;
	int at = indent;

	out_print_value(&visible, OUT_TEXT, node);
	text = buf_text(&visible);
	fprintf(o->file, "%*s", indent, "");
	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		auto_free char *word = xstrndup(text, len);
		int width = (int)out_text_width(word);

		if (at > indent && at + 1 + width > o->width) {
			fprintf(o->file, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', o->file);
			at++;
		}
		fputs(word, o->file);
		at += width;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', o->file);
}

static const char *strength_word(double strength)
{
	return strength >= 0.8 ? "clear" : strength >= 0.5 ? "likely" : "weak";
}

static void print_symptom(struct out *o, const cJSON *row)
{
	const char *name = json_get_text(row, "symptom");
	const char *strength =
	    strength_word(json_get_number(row, "strength", 0));

	fprintf(o->file, "  %s%s%s, %s\n", o->colour ? "\033[1m" : "", name,
		o->colour ? "\033[0m" : "", strength);
	print_wrapped(o, json_get(row, "text"), 2 * INDENT);
	print_wrapped(o, json_get(row, "try"), 2 * INDENT);
}

/* The values of a curve, at most so many of them, drawn in one line. */
static void print_spark(struct out *o, const struct series_line *line,
			size_t most)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄",
					    "▅", "▆", "▇", "█" };
	size_t cells = line->n < most ? line->n : most;
	double low = (double)INFINITY, high = -(double)INFINITY;

	for (size_t i = 0; i < line->n; i++) {
		if (isfinite(line->points[i].value)) {
			low = fmin(low, line->points[i].value);
			high = fmax(high, line->points[i].value);
		}
	}
	for (size_t i = 0; i < cells; i++) {
		size_t at = cells == 1 ? 0 : i * (line->n - 1) / (cells - 1);
		double v = line->points[at].value;

		if (isfinite(v))
			fputs(bars[high > low
				       ? (int)(7.99 * (v - low) / (high - low))
				       : 0],
			      o->file);
		else
			fputc('!', o->file);
	}
	fputs("  ", o->file);
}

static void print_line(struct out *o, const struct series_line *line, int width)
{
	auto_free char *ends =
	    line->n > 1
		? xasprintf("%.4g to %.4g in %zu points", line->points[0].value,
			    line->points[line->n - 1].value, line->n)
		: xasprintf("%.4g", line->points[0].value);
	int room = o->width - INDENT - width - 2 - (int)strlen(ends) - 2;

	fprintf(o->file, "%*s%s%*s", INDENT, "", line->name,
		width - (int)out_text_width(line->name) + 2, "");
	if (o->utf8 && line->n > 1 && room > 0)
		print_spark(o, line,
			    room < SPARK_CELLS ? (size_t)room : SPARK_CELLS);
	fprintf(o->file, "%s\n", ends);
}

/* What was looked at. */
static void print_head(struct out *o, const char *path, const struct series *s)
{
	int width = 0;

	fprintf(o->file, "%s\n",
		strcmp(path, "-") == 0 ? "standard input" : path);
	for (int c = 0; c < SERIES_CURVES; c++) {
		const struct series_line *line = &s->lines[c];

		if (line->n > 0 && (int)out_text_width(line->name) > width)
			width = (int)out_text_width(line->name);
	}
	for (int c = 0; c < SERIES_CURVES; c++)
		if (s->lines[c].n > 0)
			print_line(o, &s->lines[c], width);
}

void why_print_symptoms(struct out *o, const cJSON *answer)
{
	const cJSON *row;
	const cJSON *remark = json_get(answer, "note");

	cJSON_ArrayForEach (row, json_get(answer, "symptoms"))
		print_symptom(o, row);
	if (cJSON_IsString(remark))
		print_wrapped(o, remark, INDENT);
}

static cJSON *answer_of(const char *path, const struct series *s,
			const struct symptoms *found)
{
	static const char *const keys[] = { "train", "valid" };
	cJSON *answer = cJSON_CreateObject();

	cJSON_AddStringToObject(answer, "file", path);
	for (int c = 0; c < SERIES_CURVES; c++) {
		if (s->lines[c].n == 0)
			continue;
		cJSON_AddStringToObject(answer, keys[c], s->lines[c].name);
	}
	cJSON_AddItemToObject(answer, "symptoms", symptoms_json(found));
	if (found->note != NULL)
		cJSON_AddStringToObject(answer, "note", found->note);
	return answer;
}

static void print(struct call *call, const char *path, const struct series *s,
		  const struct symptoms *found, bool *first)
{
	struct out *o = &call->out;
	auto_json cJSON *answer = answer_of(path, s, found);
	cJSON *row;

	o->ops->answer(o, answer);
	if (call->json)
		return;
	if (o->width > 0) {
		fputs(*first ? "" : "\n", o->file);
		*first = false;
		print_head(o, path, s);
		why_print_symptoms(o, answer);
		return;
	}
	cJSON_ArrayForEach (row, cJSON_GetObjectItem(answer, "symptoms"))
		cJSON_AddStringToObject(row, "file", path);
	o->ops->table(o, columns, json_get(answer, "symptoms"), !*first);
	*first = false;
	if (found->note != NULL)
		note("%s: %s", path, found->note);
}

/* @first: nothing has been printed before. */
static enum status why_log(struct call *call, const char *path, bool *first)
{
	struct why_log log = { 0 };
	struct series s = { 0 };
	struct symptoms found = { 0 };
	enum status r = why_log_read(path, &log);

	if (r == STATUS_DONE)
		r = check_name(call, "metric", path, &log);
	if (r == STATUS_DONE)
		r = check_name(call, "train", path, &log);
	if (r == STATUS_DONE) {
		struct run_end end = { .state = log.crash != NULL ? RUN_FAILED
								  : RUN_UNKNOWN,
				       .how = log.crash };
		bool is_there;

		choose(call, &log, &s);
		is_there = s.lines[SERIES_TRAIN].n + s.lines[SERIES_VALID].n;
		symptoms_find(&s, &end, NULL, &found);
		if (!is_there)
			tell_nothing(&log, &found);
		print(call, path, &s, &found, first);
		r = is_there && found.n > 0 ? STATUS_DONE : STATUS_FAILED;
	}
	symptoms_fini(&found);
	series_fini(&s);
	why_log_free(&log);
	return r;
}

enum status why_logs(struct call *call)
{
	enum status worst = STATUS_DONE;
	bool first = true;

	if (call->n_operands == 0) {
		if (isatty(STDIN_FILENO))
			note("reads the log from standard input (Ctrl-D ends "
			     "it)");
		return why_log(call, "-", &first);
	}
	for (int i = 0; i < call->n_operands; i++) {
		enum status r = why_log(call, call->operands[i], &first);

		worst = r > worst ? r : worst;
	}
	return worst;
}
