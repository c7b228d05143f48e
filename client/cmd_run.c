/* Commands that bring a search to hpsd and follow it. */
#include "cmd.h"
#include "follow.h"
#include "submit.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <string.h>

static const struct out_column submitted_members[] = {
	{"name",    NULL, OUT_TEXT },
	{ "search", "id", OUT_COUNT},
	{ "trials", NULL, OUT_COUNT},
	{ NULL,     NULL, OUT_TEXT },
};

static enum status run_submit(struct call *call)
{
	auto_json cJSON *result = NULL;
	cJSON *params;
	const char *name;
	enum status r = submit_params(call, &params);

	if (r == STATUS_DONE)
		r = call_method(call, METHOD_SUBMIT, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	call->out.ops->record(&call->out, submitted_members, result);
	name = json_get_text(result, "name");
	if (name != NULL)
		out_hintf(&call->out, "\nfollow it: hpctl watch %s\n", name);
	return STATUS_DONE;
}

#define SUBMIT_TEXT                                                            \
	"Relative paths in the file begin at the file's own directory. The "   \
	"trials get the environment of this command, except variables whose "  \
	"names look like secrets (TOKEN, SECRET, PASSWORD, API_KEY and so "    \
	"on), which are named on stderr."

const struct command cmd_submit = {
	.name = "submit",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.operand = OPERAND_FILE,
	.help = "Hand a search file over and come back at once",
	.text = SUBMIT_TEXT,
	.options = { { "name", 0, "OTHER", "A name instead of the file's" } },
	.run = run_submit,
};

/* Connects first, since that may take its time and may be interrupted. */
static enum status submit_to_follow(struct call *call, cJSON **ret_result)
{
	auto_json cJSON *params = NULL;
	enum status r = submit_params(call, &params);

	if (r == STATUS_DONE)
		r = call_connect(call);
	if (r != STATUS_DONE)
		return r;
	follow_hold_interrupts();
	r = call_method(call, METHOD_SUBMIT, params, ret_result);
	params = NULL;
	return r;
}

static enum status run_run(struct call *call)
{
	auto_json cJSON *result = NULL;
	const char *name;
	int64_t trials;
	enum status r = submit_to_follow(call, &result);

	if (r != STATUS_DONE)
		return r;
	name = json_get_text(result, "name");
	if (name == NULL)
		return fail(STATUS_FAILED, "hpsd did not name the search");
	trials = json_get_integer(result, "trials", 0);
	if (trials > 0)
		out_textf(&call->out, "%s: %lld trial%s", name,
			  (long long)trials, trials == 1 ? "" : "s");
	else
		out_textf(&call->out, "%s: all trials of its grid", name);
	out_textf(&call->out, " (search %lld)\n",
		  (long long)json_get_integer(result, "search", 0));
	out_hintf(&call->out, "Ctrl-C leaves it running\n");
	/* Whoever reads a pipe wants to know now. */
	(void)fflush(stdout);
	return follow_search(call, name, true);
}

const struct command cmd_run = {
	.name = "run",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.operand = OPERAND_FILE,
	.help = "Run a search file and follow it to its end",
	.text =
	    SUBMIT_TEXT " Interrupting this command leaves the search "
			"running. The exit status is 0 if the search finished.",
	.options = { { "name", 0, "OTHER", "A name instead of the file's" } },
	.run = run_run,
};

static enum status run_watch(struct call *call)
{
	auto_target struct target t = { 0 };
	enum status r = target_parse(call->operands[0], false, &t);

	if (r != STATUS_DONE)
		return r;
	if (t.trial >= 0)
		return fail(STATUS_BAD_INPUT,
			    "'%s' is a trial (hpctl log -f %s follows one)",
			    call->operands[0], call->operands[0]);
	return follow_search(call, t.search, false);
}

const struct command cmd_watch = {
	.name = "watch",
	.operands = "SEARCH",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SEARCH,
	.help = "Follow a search to its end, as run does",
	.run = run_watch,
};
