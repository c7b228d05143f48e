/* Commands that list what there may be much of: trials and metrics. */
#include "cmd.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct out_column trial_columns[] = {
	{"number",       "trial", OUT_COUNT  },
        { "state",       NULL,    OUT_TEXT   },
	{ "value",       NULL,    OUT_VALUE  },
        { "steps",       NULL,    OUT_COUNT  },
	{ "seconds",     "time",  OUT_SECONDS},
        { "symptom",     NULL,    OUT_TEXT   },
	{ "reason",      NULL,    OUT_LONG   },
        { "params",      NULL,    OUT_PARAMS },
	{ "kind",        "",      OUT_TEXT   },
        { "origin",      "",      OUT_TEXT   },
	{ "attempts",    "",      OUT_COUNT  },
        { "created",     "",      OUT_TIME   },
	{ "started",     "",      OUT_TIME   },
        { "ended",       "",      OUT_TIME   },
	{ "runs",        NULL,    OUT_RUNS   },
        { "value_error", "",      OUT_VALUE  },
	{ "member",      NULL,    OUT_RUN    },
        { "generation",  "gen",   OUT_RUN    },
	{ "parent",      NULL,    OUT_RUN    },
        { NULL,          NULL,    OUT_TEXT   },
};

static const struct out_column metric_columns[] = {
	{"name",   NULL, OUT_TEXT },
        { "step",  NULL, OUT_COUNT},
	{ "value", NULL, OUT_VALUE},
        { "kind",  "",   OUT_TEXT },
	{ "time",  "",   OUT_TIME },
        { "run",   NULL, OUT_RUN  },
	{ NULL,    NULL, OUT_TEXT },
};

/*
 * Asks for page after page of @rows ("trials", "metrics") and prints each as it
 * comes; JSON gets all of them as one answer. The page after a result is asked
 * for with the param @next, which @place takes from it: new, NULL if it is not
 * there.
 */
struct pages {
	enum method method;
	const char *rows;
	const struct out_column *columns;
	const char *next;
	cJSON *(*place)(const cJSON *result);
};

static enum status set_next(const struct pages *p, const cJSON *result,
			    cJSON *params)
{
	cJSON *place = p->place(result);

	if (place == NULL)
		return fail(STATUS_NO_DAEMON,
			    "hpsd did not say where its list goes on");
	cJSON_DeleteItemFromObjectCaseSensitive(params, p->next);
	cJSON_AddItemToObject(params, p->next, place);
	return STATUS_DONE;
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
		*ret_n += cJSON_GetArraySize(rows);
		if (more)
			r = set_next(p, result, owned);
		if (r != STATUS_DONE)
			return r;
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
	cJSON_DeleteItemFromObjectCaseSensitive(all, "next");
	call->out.ops->answer(&call->out, all);
	return STATUS_DONE;
}

static cJSON *place_in_trials(const cJSON *result)
{
	const cJSON *rows = json_get(result, "trials");
	const cJSON *last =
	    cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);

	return json_integer(json_get_integer(last, "number", 0) + 1);
}

static enum status run_trials(struct call *call)
{
	static const struct pages pages = { METHOD_TRIALS, "trials",
					    trial_columns, "from",
					    place_in_trials };
	cJSON *params = target_search_params(call);
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

static cJSON *place_in_metrics(const cJSON *result)
{
	const char *next = json_get_text(result, "next");

	return next != NULL ? cJSON_CreateString(next) : NULL;
}

static enum status run_metrics(struct call *call)
{
	static const struct pages pages = { METHOD_METRICS, "metrics",
					    metric_columns, "after",
					    place_in_metrics };
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
