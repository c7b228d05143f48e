/* why: what ails a run or a search, told from curves and results. */
#include "why.h"

#include <string.h>

static enum status run_why(struct call *call)
{
	bool is_log = call_option(call, "log") != NULL;
	bool applies = call_option(call, "apply") != NULL;
	bool is_trial =
	    call->n_operands > 0 && strchr(call->operands[0], '/') != NULL;

	if (applies && (is_log || is_trial))
		return fail(STATUS_BAD_INPUT, "why --apply takes a SEARCH");
	if (is_log)
		return why_logs(call);
	if (call_option(call, "metric") != NULL ||
	    call_option(call, "train") != NULL)
		return fail(STATUS_BAD_INPUT,
			    "why: --metric and --train go with --log (a search "
			    "file has them under \"metric\")");
	if (call->n_operands == 0)
		return fail(STATUS_BAD_INPUT,
			    "why: what of? (usage: hpctl why SEARCH, hpctl why "
			    "SEARCH/TRIAL, or hpctl why --log FILE...)");
	if (call->n_operands == 1 && is_trial)
		return why_trial(call);
	return why_search(call);
}

const struct command cmd_why = {
	.name = "why",
	.operands = "SEARCH [FILE] | SEARCH/TRIAL | --log [FILE ...]",
	.min = 0,
	.max = -1,
	.operand = OPERAND_EITHER,
	.help = "Tell why a loss does not improve",
	.text =
	    "Of a search it tells what ails its trials, which parameters "
	    "matter, and what stands out: values that go with a symptom or "
	    "a failure, best trials at an end of a range or in a small "
	    "part of it, a choice that never wins, parameters that depend "
	    "on each other, runs that are too short, and noise. Each comes "
	    "from a test that is corrected for how much was tried, with "
	    "what to try. With --apply it shows the lines of the search "
	    "file that would change, and writes the new file, which has a "
	    "new name: to FILE, which must not be there; without it to "
	    "NAME.json after asking on a terminal, else to standard output "
	    "(the difference goes to standard error). Of a trial it tells "
	    "what ails it, as the curves of its latest run (fold, repeat or "
	    "budget) show, and what to try. With --log "
	    "it diagnoses the log of any training run, without a daemon: see "
	    "DIAGNOSIS.",
	.options = {{ "apply", 0, NULL,
		       "Write the search file that follows from what stands "
		       "out" },
                    { "log", 0, NULL,
		       "The operands are logs of any program (none, or -: "
		       "standard input)" },
                    { "metric", 0, "NAME",
		       "With --log: the metric to look at" },
                    { "train", 0, "NAME",
		       "The same of the training data, beside it" }},
	.run = run_why,
};
