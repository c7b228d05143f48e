/* why SEARCH/TRIAL: what ails one trial. */
#include "why.h"

#include "schema/json.h"

static const struct out_column columns[] = {
	{"symptom",   NULL, OUT_TEXT },
        { "strength", NULL, OUT_VALUE},
	{ "step",     NULL, OUT_COUNT},
        { "text",     NULL, OUT_TEXT },
	{ "try",      NULL, OUT_TEXT },
        { "run",      NULL, OUT_COUNT},
	{ NULL,       NULL, OUT_TEXT },
};

enum status why_trial(struct call *call)
{
	auto_target struct target t = { 0 };
	auto_json cJSON *result = NULL;
	struct out *o = &call->out;
	cJSON *symptoms, *row;
	int64_t run;
	enum status r = target_parse(call->operands[0], true, &t);

	if (r != STATUS_DONE)
		return r;
	r = call_method(call, METHOD_SYMPTOMS, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	o->ops->answer(o, result);
	symptoms = cJSON_GetObjectItemCaseSensitive(result, "symptoms");
	run = json_get_integer(result, "run", 0);
	if (call->json)
		return STATUS_DONE;
	if (o->width == 0) {
		cJSON_ArrayForEach (row, symptoms)
			json_add_integer(row, "run", run);
		o->ops->table(o, columns, symptoms, false);
		return STATUS_DONE;
	}
	if (run > 0)
		out_textf(o, "%s, run %lld (the latest)\n", call->operands[0],
			  (long long)run);
	else
		out_textf(o, "%s\n", call->operands[0]);
	why_print_symptoms(o, result);
	if (cJSON_GetArraySize(symptoms) == 0)
		out_hintf(o, "  nothing is known of it (yet)\n");
	return STATUS_DONE;
}
