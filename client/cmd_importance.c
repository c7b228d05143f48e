/* importance: which parameters matter, and the results over one of them. */
#include "cmd.h"
#include "importance.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <string.h>

static const struct out_column importance_columns[] = {
	{"parameter", NULL, OUT_TEXT },
        { "share",    NULL, OUT_VALUE},
	{ "low",      NULL, OUT_VALUE},
        { "high",     NULL, OUT_VALUE},
	{ "chance",   NULL, OUT_VALUE},
        { "trials",   NULL, OUT_COUNT},
	{ "scale",    NULL, OUT_TEXT },
        { NULL,       NULL, OUT_TEXT },
};

static const struct out_column curve_columns[] = {
	{"value",           NULL, OUT_TEXT },
        { "low",            NULL, OUT_VALUE},
	{ "high",           NULL, OUT_VALUE},
        { "trials",         NULL, OUT_COUNT},
	{ "best",           NULL, OUT_VALUE},
        { "quarter",        NULL, OUT_VALUE},
	{ "median",         NULL, OUT_VALUE},
        { "three_quarters", NULL, OUT_VALUE},
	{ NULL,             NULL, OUT_TEXT },
};

static const cJSON *find_parameter(const cJSON *list, const char *name)
{
	const cJSON *p;

	cJSON_ArrayForEach (p, list) {
		if (strcmp(json_get_text(p, "parameter"), name) == 0)
			return p;
	}
	return NULL;
}

static enum status no_such_parameter(const char *name, const cJSON *list)
{
	auto_buf struct buf names = BUF_INIT;
	const cJSON *p;

	cJSON_ArrayForEach (p, list)
		buf_addf(&names, "%s%s", names.len == 0 ? "" : ", ",
			 json_get_text(p, "parameter"));
	return fail(STATUS_BAD_INPUT, "no parameter %s varies (%s)", name,
		    names.len == 0 ? "none does" : names.data);
}

static void show(struct call *call, const cJSON *result, const cJSON *chosen)
{
	const cJSON *list = json_get(result, "importance");
	const char *unknown = json_get_text(result, "unknown");
	struct out *o = &call->out;

	if (o->width == 0) {
		o->ops->table(
		    o, chosen != NULL ? curve_columns : importance_columns,
		    chosen != NULL ? json_get(chosen, "curve") : list, false);
		return;
	}
	if (chosen == NULL && unknown != NULL)
		out_hintf(o, "%s\n", unknown);
	else if (chosen == NULL)
		importance_print(o, result);
	if (chosen == NULL)
		chosen = cJSON_GetArrayItem(list, 0);
	if (cJSON_GetArraySize(json_get(chosen, "curve")) > 0)
		importance_print_curve(o, result, chosen);
}

static enum status run_importance(struct call *call)
{
	auto_json cJSON *result = NULL;
	cJSON *params = target_search_params(call);
	const cJSON *list, *chosen = NULL;
	enum status r;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	r = call_method(call, METHOD_WHY, params, &result);
	if (r != STATUS_DONE)
		return r;
	list = json_get(result, "importance");
	if (call->n_operands > 1) {
		chosen = find_parameter(list, call->operands[1]);
		if (chosen == NULL)
			return no_such_parameter(call->operands[1], list);
	}
	call->out.ops->answer(&call->out, result);
	show(call, result, chosen);
	return STATUS_DONE;
}

const struct command cmd_importance = {
	.name = "importance",
	.operands = "SEARCH [PARAMETER]",
	.min = 1,
	.max = 2,
	.operand = OPERAND_SEARCH,
	.help = "Tell which parameters matter, and where the results are good",
	.text =
	    "A parameter's share is what it divides the best tenth of the "
	    "trials from the others by (PED-ANOVA). It has an interval, "
	    "which 90 % of resampled trials have it in, and a chance: how "
	    "probable as much is of any of the parameters if they do "
	    "nothing; from 0.05 on it may be nothing. Trials that diverged or were "
	    "stopped early count as not among the best. Then come the "
	    "results over the most important parameter, or over PARAMETER: "
	    "for each part of its range the trials, the median of their "
	    "results and where the middle half of these lie.",
	.run = run_importance,
};
