/* Commands that change what runs. */
#include "cmd.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Calls @m for the operand, a trial if @trial_is says what becomes of one, and
 * tells what became of it.
 */
static enum status act(struct call *call, enum method m, const char *trial_is)
{
	bool on_trial = trial_is != NULL;
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	const char *state;
	enum status r = target_parse(call->operands[0], on_trial, &t);

	if (r != STATUS_DONE)
		return r;
	if (!on_trial && t.trial >= 0)
		return fail(STATUS_BAD_INPUT,
			    "'%s' is a trial (hpctl %s takes a whole search)",
			    call->operands[0], call->command->name);
	r = call_method(call, m, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	state = json_get_text(result, on_trial ? "trial_state" : "state");
	if (on_trial && (state == NULL || strcmp(state, "running") == 0))
		state = trial_is;
	out_textf(&call->out, "%s is %s\n", call->operands[0],
		  state != NULL ? state : "changed");
	return STATUS_DONE;
}

static enum status run_pause(struct call *call)
{
	return act(call, METHOD_PAUSE, NULL);
}

static enum status run_resume(struct call *call)
{
	return act(call, METHOD_RESUME, NULL);
}

static enum status run_cancel(struct call *call)
{
	return act(call, METHOD_CANCEL, NULL);
}

static enum status run_kill(struct call *call)
{
	return act(call, METHOD_KILL, "being stopped");
}

static enum status run_retry(struct call *call)
{
	return act(call, METHOD_RETRY, "queued again");
}

const struct command cmd_pause = {
	.name = "pause",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Start no further trial; running ones go on",
	.run = run_pause,
};

const struct command cmd_resume = {
	.name = "resume",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Go on with a paused search",
	.run = run_resume,
};

const struct command cmd_cancel = {
	.name = "cancel",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "End a search and stop its running trials",
	.text = "What the search has found stays; 'hpctl extend' lets it go "
		"on.",
	.run = run_cancel,
};

const struct command cmd_kill = {
	.name = "kill",
	.operands = "SEARCH/TRIAL",
	.min = 1,
	.max = 1,
	.operand = OPERAND_TRIAL,
	.help = "Stop one running or queued trial",
	.run = run_kill,
};

const struct command cmd_retry = {
	.name = "retry",
	.operands = "SEARCH/TRIAL",
	.min = 1,
	.max = 1,
	.operand = OPERAND_TRIAL,
	.help = "Run an ended trial again with the same configuration",
	.run = run_retry,
};

/* A JSON scalar is that; anything else is a text: sgd means "sgd". */
static cJSON *read_value(const char *text)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	cJSON *value;
	int64_t i;

	if (json_doc_parse(text, strlen(text), &doc, &faults) != 0 ||
	    cJSON_IsObject(doc.root) || cJSON_IsArray(doc.root))
		return cJSON_CreateString(text);
	if (cJSON_IsNumber(doc.root) && json_int(&doc, doc.root, &i))
		return json_integer(i);
	value = doc.root;
	doc.root = NULL;
	return value;
}

static enum status read_assignments(const struct call *call, cJSON *ret_params)
{
	for (int i = 1; i < call->n_operands; i++) {
		const char *operand = call->operands[i];
		const char *equals = strchr(operand, '=');
		auto_free char *name = NULL;

		if (equals == NULL || equals == operand)
			return fail(STATUS_BAD_INPUT,
				    "'%s' is no NAME=VALUE (as 'lr=0.1')",
				    operand);
		name = xstrndup(operand, (size_t)(equals - operand));
		if (json_get(ret_params, name) != NULL)
			return fail(STATUS_BAD_INPUT, "'%s' is given twice",
				    name);
		cJSON_AddItemToObject(ret_params, name, read_value(equals + 1));
	}
	return STATUS_DONE;
}

static enum status run_add(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	auto_json cJSON *values = cJSON_CreateObject();
	cJSON *params;
	enum status r = target_parse(call->operands[0], false, &t);

	if (r != STATUS_DONE)
		return r;
	r = read_assignments(call, values);
	if (r != STATUS_DONE)
		return r;
	params = target_params(&t);
	cJSON_AddItemToObject(params, "params", values);
	values = NULL;
	r = call_method(call, METHOD_ADD, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	out_textf(&call->out, "%s/%lld is queued, the next to start\n",
		  t.search, (long long)json_get_integer(result, "trial", -1));
	return STATUS_DONE;
}

const struct command cmd_add = {
	.name = "add",
	.operands = "SEARCH NAME=VALUE ...",
	.min = 2,
	.max = -1,
	.operand = OPERAND_SEARCH,
	.help = "Try this configuration next",
	.text = "Every active parameter needs a value, except constants and "
		"those with a guess in the search file. A value is read as "
		"JSON if it is a JSON number, true, false, null or a quoted "
		"text, else as the text that it is.",
	.run = run_add,
};

static enum status run_extend(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	cJSON *params;
	int64_t n = 0;
	enum status r = call_number(call, "trials", 1, &n);

	if (r != STATUS_DONE)
		return r;
	if (n == 0)
		return fail(STATUS_BAD_INPUT,
			    "extend: --trials N is missing (in all, not "
			    "further ones)");
	r = target_parse(call->operands[0], false, &t);
	if (r != STATUS_DONE)
		return r;
	params = target_params(&t);
	json_add_integer(params, "trials", n);
	r = call_method(call, METHOD_EXTEND, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	n = json_get_integer(result, "trials", n);
	out_textf(&call->out, "%s has %lld trial%s now\n", t.search,
		  (long long)n, n == 1 ? "" : "s");
	return STATUS_DONE;
}

const struct command cmd_extend = {
	.name = "extend",
	.operands = "SEARCH --trials N",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Raise the number of trials; an ended search goes on",
	.text = "It is refused where nothing further can come: all points of a "
		"grid or of a discrete space have been tried, or all members "
		"of a population have had all generations.",
	.options = { { "trials", 0, "N", "The number of trials in all" } },
	.run = run_extend,
};

/* Asks on the terminal; true for yes. */
static bool confirm(const cJSON *search)
{
	char answer[16];
	int64_t n = json_get_integer(search, "done", 0) +
		    json_get_integer(search, "pruned", 0) +
		    json_get_integer(search, "failed", 0) +
		    json_get_integer(search, "cancelled", 0) +
		    json_get_integer(search, "lost", 0);

	fprintf(stderr, "remove %s with its %lld trial%s files? [y/N] ",
		json_get_text(search, "name"), (long long)n,
		n == 1 ? " and all its" : "s and all their");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static enum status ask_before_remove(struct call *call, struct target *t)
{
	auto_json cJSON *result = NULL;
	const cJSON *search;
	const char *name;
	enum status r;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return fail(STATUS_BAD_INPUT,
			    "rm: nobody to ask on a terminal (say --yes)");
	r = call_method(call, METHOD_SHOW, target_params(t), &result);
	if (r != STATUS_DONE)
		return r;
	search = json_get(result, "search");
	name = json_get_text(search, "name");
	if (name == NULL)
		return fail(STATUS_FAILED, "hpsd did not name the search");
	if (!confirm(search))
		return fail(STATUS_FAILED, "nothing was removed");
	/* What was asked about goes, not what a prefix means by then. */
	free(t->search);
	t->search = xstrdup(name);
	return STATUS_DONE;
}

static enum status run_rm(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	int64_t n;
	enum status r = target_parse(call->operands[0], false, &t);

	if (r != STATUS_DONE)
		return r;
	if (t.trial >= 0)
		return fail(STATUS_BAD_INPUT,
			    "'%s' is a trial (hpctl rm takes a whole search)",
			    call->operands[0]);
	if (call_option(call, "yes") == NULL) {
		r = ask_before_remove(call, &t);
		if (r != STATUS_DONE)
			return r;
	}
	r = call_method(call, METHOD_REMOVE, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	n = json_get_integer(result, "removed", 0);
	out_textf(&call->out, "removed %s and its %lld trial%s\n", t.search,
		  (long long)n, n == 1 ? "" : "s");
	return STATUS_DONE;
}

const struct command cmd_rm = {
	.name = "rm",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Delete an ended search with all its trials and files",
	.text = "It asks first, on a terminal; elsewhere it wants --yes.",
	.options = { { "yes", 'y', NULL, "Do not ask" } },
	.run = run_rm,
};
