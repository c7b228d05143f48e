/* why: what ails a run, told from its curves. */
#include "why.h"

static enum status run_why(struct call *call)
{
	if (call_option(call, "log") != NULL)
		return why_logs(call);
	if (call->n_operands != 1)
		return fail(STATUS_BAD_INPUT,
			    "why: needs one trial, or --log (usage: hpctl why "
			    "SEARCH/TRIAL, or hpctl why --log FILE...)");
	return why_trial(call);
}

const struct command cmd_why = {
	.name = "why",
	.operands = "SEARCH/TRIAL | --log [FILE ...]",
	.min = 0,
	.max = -1,
	.operand = OPERAND_TRIAL,
	.help = "Tell why a loss does not improve",
	.text = "Of a trial it tells what ails it, as its curves show, and "
		"what to try. With --log it reads the output of any training "
		"run, without a daemon, and tells in sentences whether it "
		"diverged, crawls, overfits, ...: see DIAGNOSIS.",
	.options = {{ "log", 0, NULL,
		       "The operands are logs of any program (none, or -: "
		       "standard input)" },
                    { "metric", 0, "NAME", "The metric to look at" },
                    { "train", 0, "NAME",
		       "The same of the training data, beside it" }},
	.run = run_why,
};
