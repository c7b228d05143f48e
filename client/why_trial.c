/* why SEARCH/TRIAL: what ails one trial. */
#include "why.h"

#include "schema/json.h"

static const struct out_column columns[] = {
	{"symptom",   NULL, OUT_TEXT },
        { "strength", NULL, OUT_VALUE},
	{ "step",     NULL, OUT_COUNT},
        { "text",     NULL, OUT_TEXT },
	{ "try",      NULL, OUT_TEXT },
        { NULL,       NULL, OUT_TEXT },
};

enum status why_trial(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	struct out *o = &call->out;
	const cJSON *symptoms;
	enum status r = target_parse(call->operands[0], true, &t);

	if (r != STATUS_DONE)
		return r;
	r = call_method(call, METHOD_SYMPTOMS, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	o->ops->answer(o, result);
	symptoms = json_get(result, "symptoms");
	if (call->json)
		return STATUS_DONE;
	if (o->width == 0) {
		o->ops->table(o, columns, symptoms, false);
		return STATUS_DONE;
	}
	out_textf(o, "%s\n", call->operands[0]);
	why_print_symptoms(o, result);
	if (cJSON_GetArraySize(symptoms) == 0)
		out_hintf(o, "  nothing is known of it (yet)\n");
	return STATUS_DONE;
}
