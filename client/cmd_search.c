/* Commands that show searches and trials. */
#include "cmd.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct out_column search_columns[] = {
	{"name",        NULL,   OUT_TEXT   },
        { "state",      NULL,   OUT_TEXT   },
	{ "trials",     NULL,   OUT_COUNT  },
        { "done",       NULL,   OUT_COUNT  },
	{ "running",    "run",  OUT_COUNT  },
        { "pruned",     NULL,   OUT_COUNT  },
	{ "failed",     "fail", OUT_COUNT  },
        { "best_value", "best", OUT_VALUE  },
	{ "best_trial", "",     OUT_COUNT  },
        { "seconds",    "time", OUT_SECONDS},
	{ "reason",     NULL,   OUT_LONG   },
        { "id",         "",     OUT_COUNT  },
	{ "metric",     "",     OUT_TEXT   },
        { "goal",       "",     OUT_TEXT   },
	{ "queued",     "",     OUT_COUNT  },
        { "cancelled",  "",     OUT_COUNT  },
	{ "lost",       "",     OUT_COUNT  },
        { "created",    "",     OUT_TIME   },
	{ "ended",      "",     OUT_TIME   },
        { NULL,         NULL,   OUT_TEXT   },
};

static const struct out_column search_members[] = {
	{"name",        NULL,         OUT_TEXT   },
	{ "id",         NULL,         OUT_COUNT  },
	{ "state",      NULL,         OUT_TEXT   },
	{ "reason",     NULL,         OUT_LONG   },
	{ "metric",     NULL,         OUT_TEXT   },
	{ "goal",       NULL,         OUT_TEXT   },
	{ "trials",     NULL,         OUT_COUNT  },
	{ "done",       NULL,         OUT_COUNT  },
	{ "running",    NULL,         OUT_COUNT  },
	{ "queued",     NULL,         OUT_COUNT  },
	{ "pruned",     NULL,         OUT_COUNT  },
	{ "failed",     NULL,         OUT_COUNT  },
	{ "cancelled",  NULL,         OUT_COUNT  },
	{ "lost",       NULL,         OUT_COUNT  },
	{ "best_value", "best",       OUT_VALUE  },
	{ "best_trial", "best trial", OUT_COUNT  },
	{ "created",    NULL,         OUT_TIME   },
	{ "ended",      NULL,         OUT_TIME   },
	{ "seconds",    "time",       OUT_SECONDS},
	{ NULL,         NULL,         OUT_TEXT   },
};

static const struct out_column trial_columns[] = {
	{"number",    "trial", OUT_COUNT  },
        { "state",    NULL,    OUT_TEXT   },
	{ "value",    NULL,    OUT_VALUE  },
        { "steps",    NULL,    OUT_COUNT  },
	{ "seconds",  "time",  OUT_SECONDS},
        { "reason",   NULL,    OUT_LONG   },
	{ "params",   NULL,    OUT_PARAMS },
        { "kind",     "",      OUT_TEXT   },
	{ "origin",   "",      OUT_TEXT   },
        { "attempts", "",      OUT_COUNT  },
	{ "created",  "",      OUT_TIME   },
        { "started",  "",      OUT_TIME   },
	{ "ended",    "",      OUT_TIME   },
        { NULL,       NULL,    OUT_TEXT   },
};

static const struct out_column best_columns[] = {
	{"rank",     NULL,   OUT_COUNT  },
        { "trial",   NULL,   OUT_COUNT  },
	{ "value",   NULL,   OUT_VALUE  },
        { "seconds", "time", OUT_SECONDS},
	{ "params",  NULL,   OUT_PARAMS },
        { NULL,      NULL,   OUT_TEXT   },
};

static const struct out_column event_columns[] = {
	{"time",   NULL, OUT_TIME },
        { "kind",  NULL, OUT_TEXT },
	{ "trial", NULL, OUT_COUNT},
        { "text",  NULL, OUT_LONG },
	{ NULL,    NULL, OUT_TEXT },
};

/* The operand SEARCH as params of a request; NULL after a fault was told. */
static cJSON *search_params(const struct call *call)
{
	auto_target struct target t = { 0 };

	if (target_parse(call->operands[0], false, &t) != STATUS_DONE)
		return NULL;
	if (t.trial >= 0) {
		(void)fail(STATUS_BAD_INPUT,
			   "'%s' is a trial (hpctl %s takes a whole search)",
			   call->operands[0], call->command->name);
		return NULL;
	}
	return target_params(&t);
}

static enum status run_list(struct call *call)
{
	auto_json cJSON *result = NULL;
	const cJSON *searches;
	enum status r = call_method(call, METHOD_LIST, NULL, &result);

	if (r != STATUS_DONE)
		return r;
	searches = json_get(result, "searches");
	call->out.ops->answer(&call->out, result);
	call->out.ops->table(&call->out, search_columns, searches, false);
	if (cJSON_GetArraySize(searches) == 0)
		out_hintf(&call->out,
			  "no searches yet ('hpctl run FILE' begins one)\n");
	return STATUS_DONE;
}

const struct command cmd_list = {
	.name = "list",
	.operands = "",
	.help = "List the searches, the newest first",
	.run = run_list,
};

static enum status run_show(struct call *call)
{
	auto_json cJSON *result = NULL;
	cJSON *params = search_params(call);
	const cJSON *best, *events;
	enum status r;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	r = call_method(call, METHOD_SHOW, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	call->out.ops->record(&call->out, search_members,
			      json_get(result, "search"));
	best = json_get(json_get(result, "best"), "params");
	if (cJSON_IsObject(best)) {
		auto_buf struct buf text = BUF_INIT;

		out_print_value(&text, OUT_PARAMS, best);
		out_hintf(&call->out, "\nbest so far: %s\n", buf_text(&text));
	}
	events = json_get(result, "last");
	if (cJSON_GetArraySize(events) > 0 && call->out.width > 0) {
		out_hintf(&call->out, "\n");
		call->out.ops->table(&call->out, event_columns, events, false);
	}
	return STATUS_DONE;
}

const struct command cmd_show = {
	.name = "show",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help =
	    "Show one search: its state, its best trial, what happened last",
	.run = run_show,
};

/*
 * Asks for page after page of @rows ("trials", "metrics") and prints each as it
 * comes; JSON gets all of them as one answer. @next sets the params of the page
 * after the last row.
 */
struct pages {
	enum method method;
	const char *rows;
	const struct out_column *columns;
	void (*next)(cJSON *params, const cJSON *rows, int64_t n_before);
};

static void set_integer(cJSON *params, const char *name, int64_t v)
{
	cJSON_DeleteItemFromObjectCaseSensitive(params, name);
	json_add_integer(params, name, v);
}

static enum status print_pages(struct call *call, const struct pages *p,
			       cJSON *params, int64_t *ret_n)
{
	auto_json cJSON *owned = params;
	auto_json cJSON *all = NULL;
	bool more = true;

	*ret_n = 0;
	while (more) {
		auto_json cJSON *result = NULL;
		cJSON *rows, *row;
		enum status r = call_method(
		    call, p->method, cJSON_Duplicate(owned, true), &result);

		if (r != STATUS_DONE)
			return r;
		rows = cJSON_GetObjectItemCaseSensitive(result, p->rows);
		more = json_get_bool(result, "more", false) &&
		       cJSON_GetArraySize(rows) > 0;
		call->out.ops->table(&call->out, p->columns, rows, *ret_n > 0);
		p->next(owned, rows, *ret_n);
		*ret_n += cJSON_GetArraySize(rows);
		if (all == NULL) {
			all = result;
			result = NULL;
			continue;
		}
		while (call->json &&
		       (row = cJSON_DetachItemFromArray(rows, 0)) != NULL)
			cJSON_AddItemToArray(
			    cJSON_GetObjectItemCaseSensitive(all, p->rows),
			    row);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(all, "more");
	call->out.ops->answer(&call->out, all);
	return STATUS_DONE;
}

static void next_trials(cJSON *params, const cJSON *rows, int64_t n_before)
{
	const cJSON *last =
	    cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);

	(void)n_before;
	set_integer(params, "from", json_get_integer(last, "number", 0) + 1);
}

static enum status run_trials(struct call *call)
{
	static const struct pages pages = { METHOD_TRIALS, "trials",
					    trial_columns, next_trials };
	cJSON *params = search_params(call);
	const char *state = call_option(call, "only");
	enum status r;
	int64_t n;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	if (state != NULL)
		cJSON_AddStringToObject(params, "state", state);
	r = print_pages(call, &pages, params, &n);
	if (r == STATUS_DONE && n == 0)
		out_hintf(&call->out, "no such trials yet\n");
	return r;
}

const struct command cmd_trials = {
	.name = "trials",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "List the trials of a search",
	.text = "The states are queued, running, done, pruned (stopped early), "
		"failed, cancelled and lost (its end cannot be known).",
	.options = { { "only", 0, "STATE", "Only the trials in this state" } },
	.run = run_trials,
};

static void print_best_args(struct out *o, const cJSON *params)
{
	auto_buf struct buf line = BUF_INIT;
	const cJSON *p;

	cJSON_ArrayForEach (p, params) {
		auto_buf struct buf word = BUF_INIT;

		buf_addf(&word, "--%s=", p->string);
		out_print_exact(&word, p);
		if (line.len > 0)
			buf_addc(&line, ' ');
		print_quoted(&line, buf_text(&word));
	}
	out_textf(o, "%s\n", buf_text(&line));
}

/* @env: an array of NAME=value. */
static void print_best_env(struct out *o, const cJSON *env)
{
	const cJSON *v;

	cJSON_ArrayForEach (v, env) {
		const char *text = cJSON_GetStringValue(v);
		const char *equals = text != NULL ? strchr(text, '=') : NULL;
		auto_buf struct buf value = BUF_INIT;

		if (equals == NULL)
			continue;
		print_quoted(&value, equals + 1);
		out_textf(o, "%.*s=%s\n", (int)(equals - text), text,
			  buf_text(&value));
	}
}

static void print_command(struct out *o, const cJSON *argv)
{
	auto_buf struct buf line = BUF_INIT;
	const cJSON *word;

	cJSON_ArrayForEach (word, argv) {
		if (line.len > 0)
			buf_addc(&line, ' ');
		if (cJSON_IsString(word))
			print_quoted(&line, word->valuestring);
	}
	if (line.len > 0)
		out_hintf(o, "\nthe first one's command:\n  %s\n",
			  buf_text(&line));
}

static void print_best(struct call *call, const cJSON *result)
{
	const cJSON *rows = json_get(result, "trials");
	const cJSON *params = json_get(cJSON_GetArrayItem(rows, 0), "params");
	struct out *o = &call->out;

	if (call_option(call, "args") != NULL) {
		print_best_args(o, params);
	} else if (call_option(call, "env") != NULL) {
		print_best_env(o, json_get(result, "env"));
	} else if (call_option(call, "params") != NULL) {
		auto_free char *text = json_print(params);

		out_textf(o, "%s\n", text);
	} else {
		o->ops->table(o, best_columns, rows, false);
		print_command(o, json_get(result, "command"));
	}
}

static enum status run_best(struct call *call)
{
	auto_json cJSON *result = NULL;
	cJSON *params;
	int64_t n = 1;
	enum status r = call_number(call, "number", 1, &n);
	int forms = (call_option(call, "args") != NULL) +
		    (call_option(call, "env") != NULL) +
		    (call_option(call, "params") != NULL);

	if (r != STATUS_DONE)
		return r;
	if (forms > 1)
		return fail(STATUS_BAD_INPUT,
			    "one of --args, --env and --params at a time");
	params = search_params(call);
	if (params == NULL)
		return STATUS_BAD_INPUT;
	json_add_integer(params, "limit", n);
	r = call_method(call, METHOD_BEST, params, &result);
	if (r != STATUS_DONE)
		return r;
	if (cJSON_GetArraySize(json_get(result, "trials")) == 0 && !call->json)
		return fail(STATUS_NOT_FOUND,
			    "%s has no trial with a result yet",
			    call->operands[0]);
	call->out.ops->answer(&call->out, result);
	print_best(call, result);
	return STATUS_DONE;
}

const struct command cmd_best = {
	.name = "best",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Show the best trials of a search",
	.text = "With --args, --env or --params it prints the parameters of "
		"the best trial alone, ready for a command line, for a shell's "
		"eval, or as JSON.",
	.options = {
		{ "number", 'n', "K", "Show the best K trials (1)" },
		{ "args", 0, NULL, "Print --name=value of each parameter" },
		{ "env", 0, NULL, "Print HPS_PARAM_NAME=value lines" },
		{ "params", 0, NULL, "Print a JSON object" },
	},
	.run = run_best,
};

static const struct out_column metric_columns[] = {
	{"name",   NULL, OUT_TEXT },
        { "step",  NULL, OUT_COUNT},
	{ "value", NULL, OUT_VALUE},
        { "kind",  "",   OUT_TEXT },
	{ "time",  "",   OUT_TIME },
        { NULL,    NULL, OUT_TEXT },
};

static void next_metrics(cJSON *params, const cJSON *rows, int64_t n_before)
{
	set_integer(params, "skip", n_before + cJSON_GetArraySize(rows));
}

static enum status run_metrics(struct call *call)
{
	static const struct pages pages = { METHOD_METRICS, "metrics",
					    metric_columns, next_metrics };
	auto_target struct target t = { 0 };
	const char *name = call_option(call, "name");
	const char *log = call_option(call, "try");
	cJSON *params;
	enum status r;
	int64_t n;

	if (log != NULL)
		return metrics_try(call, log);
	r = target_parse(call->operands[0], true, &t);
	if (r != STATUS_DONE)
		return r;
	params = target_params(&t);
	if (name != NULL)
		cJSON_AddStringToObject(params, "name", name);
	r = print_pages(call, &pages, params, &n);
	if (r == STATUS_DONE && n == 0)
		out_hintf(&call->out, "no metrics (yet); 'hpctl metrics --try' "
				      "shows what is read of an output\n");
	return r;
}

const struct command cmd_metrics = {
	.name = "metrics",
	.operands = "SEARCH/TRIAL | --try FILE SEARCH.json",
	.min = 1,
	.max = 1,
	.operand = OPERAND_TRIAL,
	.help = "List the metrics that a trial has reported",
	.text = "With --try it needs no daemon: it shows which metrics would "
		"be read from FILE (- is stdin), a program's output, under the "
		"search file's metric and patterns.",
	.options = {
		{ "name", 0, "NAME", "Only the metric of this name" },
		{ "try", 0, "FILE", "Read the output in FILE instead" },
	},
	.run = run_metrics,
};

static enum status run_explain(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	const cJSON *sentence, *events;
	enum status r = target_parse(call->operands[0], false, &t);

	if (r != STATUS_DONE)
		return r;
	r = call_method(call, METHOD_EXPLAIN, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	cJSON_ArrayForEach (sentence, json_get(result, "sentences")) {
		if (cJSON_IsString(sentence))
			out_textf(&call->out, "%s\n", sentence->valuestring);
	}
	events = json_get(result, "events");
	if (cJSON_GetArraySize(events) > 0) {
		out_textf(&call->out, "\n");
		call->out.ops->table(&call->out, event_columns, events, false);
	}
	return STATUS_DONE;
}

const struct command cmd_explain = {
	.name = "explain",
	.operands = "SEARCH[/TRIAL]",
	.min = 1,
	.max = 1,
	.operand = OPERAND_TRIAL,
	.help = "Say why: what a search waits for, why a trial stopped",
	.run = run_explain,
};
