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

/* Words for a shell, on one line. */
static void add_words(struct buf *line, const cJSON *words)
{
	const char *gap = "";
	const cJSON *word;

	cJSON_ArrayForEach (word, words) {
		if (!cJSON_IsString(word))
			continue;
		buf_adds(line, gap);
		print_quoted(line, word->valuestring);
		gap = " ";
	}
}

static void print_best_args(struct out *o, const cJSON *args)
{
	auto_buf struct buf line = BUF_INIT;

	add_words(&line, args);
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

static void print_best_params(struct out *o, const cJSON *params)
{
	auto_free char *text = json_print(params);

	out_textf(o, "%s\n", text);
}

static void print_command(struct out *o, const cJSON *argv)
{
	auto_buf struct buf line = BUF_INIT;

	add_words(&line, argv);
	if (line.len > 0)
		out_hintf(o, "\nthe first one's command:\n  %s\n",
			  buf_text(&line));
}

/* What the best trial got: options, and members of the answer. */
static const struct form {
	const char *name;
	void (*print)(struct out *o, const cJSON *v);
} forms[] = {
	{"args",    print_best_args  },
	{ "env",    print_best_env   },
	{ "params", print_best_params},
};

static enum status find_form(const struct call *call, const struct form **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (call_option(call, forms[i].name) == NULL)
			continue;
		if (*ret != NULL)
			return fail(STATUS_BAD_INPUT,
				    "one of --args, --env and "
				    "--params at a time");
		*ret = &forms[i];
	}
	return STATUS_DONE;
}

static enum status print_best(struct call *call, const struct form *form,
			      const cJSON *result)
{
	struct out *o = &call->out;
	const cJSON *v = form != NULL ? json_get(result, form->name) : NULL;

	o->ops->answer(o, result);
	if (form == NULL) {
		print_leaderboard(o, json_get(result, "trials"));
		print_command(o, json_get(result, "command"));
	} else if (v != NULL && !cJSON_IsNull(v)) {
		form->print(o, v);
	} else if (!call->json) {
		return fail(STATUS_FAILED,
			    "hpsd does not say what the best trial got");
	}
	return STATUS_DONE;
}

static enum status run_best(struct call *call)
{
	auto_json cJSON *result = NULL;
	const struct form *form;
	cJSON *params;
	int64_t n = 1;
	enum status r = call_number(call, "number", 1, &n);

	if (r == STATUS_DONE)
		r = find_form(call, &form);
	if (r != STATUS_DONE)
		return r;
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
	return print_best(call, form, result);
}

const struct command cmd_best = {
	.name = "best",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Show the best trials of a search",
	.text = "With --args, --env or --params it prints the parameters of "
		"the best trial alone, and the most of a budget, ready for a "
		"command line, for a shell's eval, or as JSON.",
	.options = {
		{ "number", 'n', "K", "Show the best K trials (1)" },
		{ "args", 0, NULL, "Print --name=value of each parameter" },
		{ "env", 0, NULL, "Print HPS_PARAM_NAME=value lines" },
		{ "params", 0, NULL, "Print a JSON object" },
	},
	.run = run_best,
};
