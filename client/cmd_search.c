/* Commands that show searches. */
#include "cmd.h"
#include "progress.h"

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
	{ "waiting",    NULL,         OUT_COUNT  },
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

static const struct out_column event_columns[] = {
	{"time",   NULL, OUT_TIME },
        { "kind",  NULL, OUT_TEXT },
	{ "trial", NULL, OUT_COUNT},
        { "text",  NULL, OUT_LONG },
	{ NULL,    NULL, OUT_TEXT },
};

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

static void show_running(struct call *call, const cJSON *running)
{
	const cJSON *item;
	bool first = true;

	cJSON_ArrayForEach (item, running) {
		const char *text = json_get_text(item, "text");

		if (text == NULL || text[0] == '\0')
			continue;
		out_hintf(&call->out, "%strial %lld: %s\n", first ? "\n" : "",
			  (long long)json_get_integer(item, "trial", -1), text);
		first = false;
	}
}

static enum status run_show(struct call *call)
{
	auto_json cJSON *result = NULL;
	auto_buf struct buf symptom = BUF_INIT;
	cJSON *params = target_search_params(call);
	const cJSON *best, *events;
	const char *relevance;
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
	relevance = json_get_text(result, "relevance");
	if (relevance != NULL)
		out_hintf(&call->out, "\n%s\n", relevance);
	show_running(call, json_get(result, "running"));
	progress_print_symptom(
	    &symptom, json_get(result, "symptoms"), json_get(result, "search"),
	    json_get_text(json_get(result, "search"), "name"));
	if (symptom.len > 0)
		out_hintf(&call->out, "\n%s\n", buf_text(&symptom));
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
	    "Show one search: its state, its best trial, what runs, what happened",
	.run = run_show,
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
	.operand = OPERAND_EITHER,
	.help = "Say why: what a search waits for, why a trial stopped",
	.run = run_explain,
};
