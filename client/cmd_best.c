/* best: the winners, and their parameters for other programs. */
#include "cmd.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct out_column best_columns[] = {
	{"rank",         NULL,   OUT_COUNT  },
        { "trial",       NULL,   OUT_COUNT  },
	{ "value",       NULL,   OUT_VALUE  },
        { "seconds",     "time", OUT_SECONDS},
	{ "params",      NULL,   OUT_PARAMS },
        { "runs",        NULL,   OUT_RUNS   },
	{ "value_error", "",     OUT_VALUE  },
        { NULL,          NULL,   OUT_TEXT   },
};

void print_leaderboard(struct out *o, const cJSON *rows)
{
	o->ops->table(o, best_columns, rows, false);
}

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
		print_leaderboard(o, rows);
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
	params = target_search_params(call);
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
