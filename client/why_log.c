/* why --log: what ails the run that wrote a log, without hpsd. */
#include "feed.h"
#include "why/symptoms.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

/* A metric of the log: a series with one curve of it. */
struct logged {
	char *name;
	struct series points;
};

struct diagnosis {
	struct logged *metrics; /* [n] */
	size_t n;
};

static void on_metric(void *ctx, const struct metric_record *m)
{
	struct diagnosis *d = ctx;
	size_t i = 0;

	while (i < d->n && strcmp(d->metrics[i].name, m->name) != 0)
		i++;
	if (i == d->n) {
		d->metrics =
		    xreallocarray(d->metrics, d->n + 1, sizeof(*d->metrics));
		d->metrics[d->n++] =
		    (struct logged){ xstrdup(m->name), { { { 0 } } } };
	}
	series_add(&d->metrics[i].points, SERIES_TRAIN, m->step, m->value);
}

static void free_metrics(struct diagnosis *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->metrics[i].name);
		series_fini(&d->metrics[i].points);
	}
	free(d->metrics);
}

/* Moves the points of the chosen metrics to @ret. */
static void choose(struct call *call, struct diagnosis *d, struct series *ret)
{
	const char **names = xcalloc(d->n + 1, sizeof(*names));
	struct series_choice choice;

	for (size_t i = 0; i < d->n; i++)
		names[i] = d->metrics[i].name;
	choice = series_choose(names, d->n, call_option(call, "metric"),
			       call_option(call, "train"));
	free(names);
	for (int c = 0; c < SERIES_CURVES; c++) {
		struct logged *m;

		if (choice.curves[c] < 0)
			continue;
		m = &d->metrics[choice.curves[c]];
		ret->lines[c] = m->points.lines[SERIES_TRAIN];
		m->points = (struct series){ 0 };
		series_set_metric(ret, (enum series_curve)c, m->name,
				  series_role(m->name).goal);
	}
}

static void print(struct call *call, const char *log, const struct series *s,
		  const struct symptoms *found)
{
	auto_json cJSON *answer = cJSON_CreateObject();
	const cJSON *row;

	cJSON_AddStringToObject(answer, "file", log);
	for (int c = 0; c < SERIES_CURVES; c++)
		if (s->lines[c].name != NULL)
			cJSON_AddStringToObject(
			    answer, c == SERIES_TRAIN ? "train" : "valid",
			    s->lines[c].name);
	cJSON_AddItemToObject(answer, "symptoms", symptoms_json(found));
	if (found->note != NULL)
		cJSON_AddStringToObject(answer, "note", found->note);
	call->out.ops->answer(&call->out, answer);
	cJSON_ArrayForEach (row, json_get(answer, "symptoms"))
		out_textf(&call->out, "%s: %s: %s\n", log,
			  json_get_text(row, "symptom"),
			  json_get_text(row, "text"));
}

static enum status why_log(struct call *call, const char *log)
{
	static const struct search_spec any;
	struct diagnosis d = { 0 };
	struct log_feed feed = { .reader = reader_new(&any),
				 .on_metric = on_metric,
				 .ctx = &d };
	struct series s = { 0 };
	struct symptoms found = { 0 };
	enum status r = feed_log(log, &feed);

	if (r == STATUS_DONE) {
		choose(call, &d, &s);
		symptoms_find(&s, NULL, NULL, &found);
		print(call, log, &s, &found);
		r = found.n > 0 ? STATUS_DONE : STATUS_FAILED;
	}
	symptoms_fini(&found);
	series_fini(&s);
	free_metrics(&d);
	reader_free(feed.reader);
	return r;
}

enum status why_logs(struct call *call)
{
	enum status worst = STATUS_DONE;

	if (call->n_operands == 0)
		return why_log(call, "-");
	for (int i = 0; i < call->n_operands; i++) {
		enum status r = why_log(call, call->operands[i]);

		worst = r > worst ? r : worst;
	}
	return worst;
}
