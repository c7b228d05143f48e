#include "schema/search_budget.h"

#include "schema/expand.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_ETA 3
#define MAX_ETA     100
/* Even twice as much each time reaches PARAM_INT_MAX, 2^53, in so many. */
#define MOST_LEVELS 54

static_assert(MOST_LEVELS <= LIMIT_RUNS, "more levels than runs");

int64_t search_level(const struct search_spec *spec, int64_t run)
{
	const struct budget *b = &spec->budget;
	int64_t level = b->min;

	if (spec->population > 0)
		return run < (b->max - 1) / b->min ? (run + 1) * b->min
						   : b->max;
	for (; run > 0; run--) {
		if (level > (b->max - 1) / b->eta)
			return b->max;
		level *= b->eta;
	}
	return level;
}

int64_t search_generations(const struct search_spec *spec)
{
	return (spec->budget.max - 1) / spec->budget.min + 1;
}

/* Where it meets a parameter or a placeholder; "" if it does not. */
static void check_name(const struct object *budget, const cJSON *parameters,
		       const char *name)
{
	auto_free char *variable = param_variable(name);
	const cJSON *param;

	if (!param_name_is_valid(name)) {
		auto_free char *brief =
		    json_brief(json_get(budget->node, "name"));

		object_fault(budget, "name",
			     "is %s (must be a letter or _, then letters, "
			     "digits, \"_\", \".\" or \"-\", at most %d)",
			     brief, LIMIT_NAME_BYTES);
		return;
	}
	if (expand_reserves(name))
		object_fault(budget, "name",
			     "is the placeholder {%s} (rename it)", name);
	cJSON_ArrayForEach (param, parameters) {
		auto_free char *taken = param->string != NULL
					    ? param_variable(param->string)
					    : xstrdup("");

		if (strcmp(taken, variable) == 0)
			object_fault(budget, "name",
				     "has the variable %s of the parameter "
				     "\"%s\" (rename one of them)",
				     variable, param->string);
	}
}

static void read_sizes(const struct object *budget, struct budget *b)
{
	bool has_min = object_require(budget, "min", "the least, as 3") &&
		       object_integer(budget, "min", 1, PARAM_INT_MAX, &b->min);
	bool has_max = object_require(budget, "max", "the most, as 81") &&
		       object_integer(budget, "max", 2, PARAM_INT_MAX, &b->max);

	object_integer(budget, "eta", 2, MAX_ETA, &b->eta);
	if (has_min && has_max && b->min >= b->max)
		object_fault(budget, "min", "is %lld (must be below \"max\")",
			     (long long)b->min);
}

/* Who has how much of it; by default "asha". */
static void read_rule(const struct object *budget, struct budget *b)
{
	static const char *const words[] = { "asha", "hyperband", NULL };
	int word = 0;

	if (object_word(budget, "type", words, NULL, &word))
		b->has_brackets = word == 1;
}

static void check_alone(const struct object *o, const char *other)
{
	if (json_get(o->node, other) != NULL)
		object_fault(o, "budget",
			     "stands beside \"%s\" (leave out one of them)",
			     other);
}

void search_budget_parse(const struct object *o, struct search_spec *spec)
{
	static const char *const budget_keys[] = { "name", "min",  "max",
						   "eta",  "type", NULL };
	size_t before = o->reterr->n;
	struct budget b = { .eta = DEFAULT_ETA };
	struct object budget;
	const char *name;

	if (!object_member(o, "budget", "budget", &budget) ||
	    !object_check(&budget,
			  "{\"name\": \"epochs\", \"min\": 3, \"max\": 81}"))
		return;
	check_alone(o, "folds");
	check_alone(o, "repeats");
	object_check_keys(&budget, "\"budget\"", budget_keys, NULL);
	read_sizes(&budget, &b);
	read_rule(&budget, &b);
	if (!object_require(&budget, "name", "what it is, as \"epochs\"") ||
	    !object_text(&budget, "name", &name))
		return;
	check_name(&budget, json_get(o->node, "parameters"), name);
	if (o->reterr->n > before)
		return;
	spec->budget = b;
	spec->budget.name = xstrdup(name);
	while (search_level(spec, spec->runs - 1) < b.max)
		spec->runs++;
}
