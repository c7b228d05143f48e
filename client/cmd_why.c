/* why: what ails a run, told from its curves. */
#include "why.h"

static enum status run_why(struct call *call)
{
	if (call_option(call, "log") == NULL)
		return fail(STATUS_BAD_INPUT,
			    "why: --log is missing (usage: hpctl why --log "
			    "FILE...)");
	return why_logs(call);
}

const struct command cmd_why = {
	.name = "why",
	.operands = "--log [FILE ...]",
	.min = 0,
	.max = -1,
	.operand = OPERAND_FILE,
	.help = "Tell why a loss does not improve, from the log of a run",
	.never_starts = true,
	.options = {{ "log", 0, NULL,
		       "The operands are logs of any program (none, or -: "
		       "standard input)" },
                    { "metric", 0, "NAME", "The metric to look at" },
                    { "train", 0, "NAME",
		       "The same of the training data, beside it" }},
	.run = run_why,
};
