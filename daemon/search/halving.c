#include "search/halving.h"

#include "search/history.h"
#include "search/rule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void halving_judge(const struct search_spec *spec, int64_t run, double value,
		   const struct sorted *scores, struct verdict *ret)
{
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64];
	size_t kept = scores->n / (size_t)spec->budget.eta;
	int64_t level = search_level(spec, run);
	double limit;
	cJSON *data;

	assert(scores->n > 0);
	if (kept == 0)
		kept = 1;
	limit = scores->v[kept - 1];
	if (score_of(spec->goal, value) <= limit)
		return;
	limit = score_of(spec->goal, limit); /* as reported */
	data = cJSON_CreateObject();
	cJSON_AddStringToObject(data, "rule", "asha");
	cJSON_AddStringToObject(data, "metric", spec->metric);
	json_add_integer(data, "budget", level);
	json_add_number(data, "value", value);
	json_add_number(data, "limit", limit);
	json_add_integer(data, "trials", (int64_t)scores->n);
	json_add_integer(data, "kept", (int64_t)kept);
	snprintf(reason, sizeof(reason), "asha@%" PRId64, level);
	rule_stop(ret, reason, data,
		  "stopped after the run with %s = %" PRId64
		  " by the asha rule: its %s %s is worse than %s, the worst of "
		  "the %zu kept of %zu trials with so much",
		  spec->budget.name, level, spec->metric,
		  json_number_text(value, a), json_number_text(limit, b), kept,
		  scores->n);
}
