#include "search/halving.h"

#include "search/history.h"
#include "search/rule.h"
#include "search/rungs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

int64_t halving_first(const struct search_spec *spec, int64_t number)
{
	struct rungs r = { .eta = spec->budget.eta, .brackets = spec->runs };

	if (!spec->budget.has_brackets)
		return 0;
	return rungs_bracket(&r, spec->seed, number);
}

const char *halving_rule(const struct search_spec *spec)
{
	return pruner_type_name(spec->budget.has_brackets ? PRUNER_HYPERBAND
							  : PRUNER_ASHA);
}

size_t halving_kept(const struct search_spec *spec, size_t n)
{
	size_t kept = n / (size_t)spec->budget.eta;

	return kept == 0 && !spec->resumes ? 1 : kept;
}

bool halving_goes_on(const struct search_spec *spec, double value,
		     const struct sorted *scores)
{
	size_t kept = halving_kept(spec, scores->n);

	return kept > 0 && score_of(spec->goal, value) <= scores->v[kept - 1];
}

struct standing {
	const char *rule, *in; /* of a bracket: its words */
	int64_t level;
	size_t trials, kept; /* with so much, itself too */
	double value, limit; /* as reported; a limit if any are kept */
};

static void set_stop(const struct search_spec *spec, const struct standing *st,
		     cJSON *data, struct verdict *ret)
{
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64];

	snprintf(reason, sizeof(reason), "%s@%" PRId64, st->rule, st->level);
	rule_stop(ret, reason, data,
		  "stopped after the run with %s = %" PRId64
		  " by the %s rule: its %s %s is worse than %s, the worst of "
		  "the %zu kept of %zu trials with so much%s",
		  spec->budget.name, st->level, st->rule, spec->metric,
		  json_number_text(st->value, a),
		  json_number_text(st->limit, b), st->kept, st->trials, st->in);
}

static void set_pause(const struct search_spec *spec, const struct standing *st,
		      cJSON *data, struct verdict *ret)
{
	char a[JSON_NUMBER_BYTES], b[JSON_NUMBER_BYTES], reason[64];

	snprintf(reason, sizeof(reason), VERDICT_PAUSED "@%" PRId64, st->level);
	if (st->kept == 0)
		rule_stop(ret, reason, data,
			  "waits after the run with %s = %" PRId64
			  ": one in %" PRId64 " goes on, and so far %zu had "
			  "as much%s",
			  spec->budget.name, st->level, spec->budget.eta,
			  st->trials, st->in);
	else
		rule_stop(ret, reason, data,
			  "waits after the run with %s = %" PRId64
			  ": its %s %s is worse than %s, the worst of the %zu "
			  "that go on of %zu trials with so much%s",
			  spec->budget.name, st->level, spec->metric,
			  json_number_text(st->value, a),
			  json_number_text(st->limit, b), st->kept, st->trials,
			  st->in);
}

static cJSON *make_data(const struct search_spec *spec,
			const struct standing *st)
{
	cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "rule", st->rule);
	cJSON_AddStringToObject(data, "metric", spec->metric);
	json_add_integer(data, "budget", st->level);
	json_add_number(data, "value", st->value);
	if (st->kept > 0)
		json_add_number(data, "limit", st->limit);
	json_add_integer(data, "trials", (int64_t)st->trials);
	json_add_integer(data, "kept", (int64_t)st->kept);
	return data;
}

void halving_judge(const struct search_spec *spec, int64_t run, double value,
		   const struct sorted *scores, struct verdict *ret)
{
	struct standing st = {
		.rule = halving_rule(spec),
		.in = spec->budget.has_brackets ? " in its bracket" : "",
		.level = search_level(spec, run),
		.trials = scores->n,
		.kept = halving_kept(spec, scores->n),
		.value = value,
	};

	assert(scores->n > 0);
	if (halving_goes_on(spec, value, scores))
		return;
	if (st.kept > 0)
		st.limit = score_of(spec->goal, scores->v[st.kept - 1]);
	(spec->resumes ? set_pause : set_stop)(spec, &st, make_data(spec, &st),
					       ret);
}
