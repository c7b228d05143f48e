#include "schema/search_rules.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <string.h>

#define DEFAULT_MIN_STEPS   5
#define DEFAULT_MIN_TRIALS  5
#define DEFAULT_PATIENCE    10
#define DEFAULT_PERCENTILE  50
#define DEFAULT_ETA         3
#define DEFAULT_PROBABILITY 0.05
#define DEFAULT_KEEP        0.4
#define DEFAULT_KEPT        40 /* trials; of more this share is less */
#define DEFAULT_P           0.15
#define MAX_ETA             100
#define DEFAULT_POPULATION  10
#define MAX_POPULATION      1000

#define AUTO_GP_TRIALS 10000

#define IS_RULE "it is a type of \"early_stopping\" or of \"budget\""

static const struct object_hint sampler_hints[] = {
	{"bayes",      "write \"gp\""					 },
	{ "bayesian",  "write \"gp\""					 },
	{ "cma",       "write \"cmaes\""				      },
	{ "asha",      IS_RULE						},
	{ "hyperband", IS_RULE						},
	{ "bohb",      "write \"tpe\", and a \"budget\" of type \"hyperband\""},
	{ "optuna",    "write \"auto\""				       },
	{ "hyperopt",  "write \"tpe\""					},
	{ "qmc",       "write \"sobol\""				      },
	{ NULL,        NULL						   },
};

static const char *const all_keys[] = {
	"type",        "min_steps", "min_trials", "patience",
	"min_delta",   "min",       "max",        "percentile",
	"eta",         "max_steps", "rules",      "keep",
	"probability", "p",         "resource",   NULL
};
/* The keys of each rule. */
static const char *const none_keys[] = { "type", NULL };
static const char *const median_keys[] = { "type", "min_steps", "min_trials",
					   "resource", NULL };
static const char *const patience_keys[] = { "type", "min_steps", "patience",
					     "min_delta", NULL };
static const char *const threshold_keys[] = { "type", "min_steps", "min", "max",
					      NULL };
static const char *const percentile_keys[] = { "type",       "min_steps",
					       "min_trials", "percentile",
					       "resource",   NULL };
static const char *const asha_keys[] = { "type", "min_steps", "max_steps",
					 "eta",  "resource",  NULL };
static const char *const wilcoxon_keys[] = { "type", "p", NULL };
static const char *const funnel_keys[] = { "type", "min_steps", "max_steps",
					   "keep", "resource",  NULL };
static const char *const forecast_keys[] = { "type",      "min_steps",
					     "max_steps", "probability",
					     "resource",  NULL };
static const char *const any_keys[] = { "type", "rules", NULL };
static const char *const *const pruner_keys[NAMES_PRUNERS_N] = {
	[PRUNER_NONE] = none_keys,
	[PRUNER_PATIENCE] = patience_keys,
	[PRUNER_THRESHOLD] = threshold_keys,
	[PRUNER_MEDIAN] = median_keys,
	[PRUNER_PERCENTILE] = percentile_keys,
	[PRUNER_ASHA] = asha_keys,
	[PRUNER_HYPERBAND] = asha_keys,
	[PRUNER_WILCOXON] = wilcoxon_keys,
	[PRUNER_FUNNEL] = funnel_keys,
	[PRUNER_FORECAST] = forecast_keys,
	[PRUNER_ANY] = any_keys,
};

static const struct early_stopping default_rule = {
	.type = PRUNER_FUNNEL,
	.min_trials = DEFAULT_MIN_TRIALS,
	.patience = DEFAULT_PATIENCE,
	.percentile = DEFAULT_PERCENTILE,
	.eta = DEFAULT_ETA,
	.probability = DEFAULT_PROBABILITY,
	.p = DEFAULT_P,
};

/* The product of @size over all parameters; UINT64_MAX: at least so many. */
static uint64_t combinations(const struct space *s,
			     uint64_t (*size)(const struct param *))
{
	uint64_t n = 1;

	for (size_t i = 0; i < s->n; i++) {
		if (__builtin_mul_overflow(n, size(&s->params[i]), &n))
			return UINT64_MAX;
	}
	return n;
}

static bool has_numbers_alone(const struct space *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->params[i].type == PARAM_CHOICE)
			return false;
	}
	return true;
}

/*
 * What "auto" is: the fewest trials to a good result, or, where so many are
 * wanted that each must be short, a sampler that takes no longer than they do.
 */
static enum sampler_type choose_sampler(const struct search_spec *spec)
{
	if (spec->trials <= AUTO_GP_TRIALS || spec->space == NULL)
		return SAMPLER_GP;
	return has_numbers_alone(spec->space) ? SAMPLER_CMAES : SAMPLER_TPE;
}

/* False: what it should be is not known, so nothing is told of its options. */
static bool read_type(const struct object *o, struct search_spec *spec)
{
	const char *words[NAMES_SAMPLERS_N + 2] = { "auto" };
	int type = 0;

	for (int i = 0; i < NAMES_SAMPLERS_N; i++)
		words[i + 1] = sampler_type_names[i];
	if (!object_word(o, "type", words, sampler_hints, &type))
		return json_get(o->node, "type") == NULL;
	spec->is_auto = type == 0;
	if (type > 0)
		spec->sampler = (enum sampler_type)(type - 1);
	return true;
}

/* What only a population has; @is_right: its "population" is as it must be. */
static void check_population(const struct object *sampler, bool is_right,
			     struct search_spec *spec)
{
	bool is_given = json_get(sampler->node, "population") != NULL;

	if (spec->sampler != SAMPLER_PBT) {
		if (is_given && is_right)
			object_fault(sampler, "population",
				     "is given (only \"pbt\" has members)");
		return;
	}
	if (!is_given)
		spec->population = DEFAULT_POPULATION;
	if (cJSON_IsFalse(json_get(sampler->node, "allow_duplicates")))
		object_fault(sampler, "allow_duplicates",
			     "is false (a member of a \"pbt\" goes on with "
			     "its configuration: leave it out)");
	spec->allow_duplicates = true;
}

static void read_sampler(const struct object *o, struct search_spec *spec)
{
	static const char *const keys[] = { "type",       "seed",
					    "shuffle",    "allow_duplicates",
					    "population", NULL };
	struct object sampler;
	int64_t seed = 0;
	bool is_known, has_members;

	spec->is_auto = true;
	spec->sampler = choose_sampler(spec);
	if (!object_member(o, "sampler", "sampler", &sampler) ||
	    !object_check(&sampler, "{\"type\": \"auto\", \"seed\": 1}"))
		return;
	object_check_keys(&sampler, "\"sampler\"", keys, NULL);
	is_known = read_type(&sampler, spec);
	object_integer(&sampler, "seed", 0, PARAM_INT_MAX, &seed);
	spec->seed = (uint64_t)seed;
	object_bool(&sampler, "allow_duplicates", &spec->allow_duplicates);
	object_bool(&sampler, "shuffle", &spec->shuffle);
	has_members = object_integer(&sampler, "population", 2, MAX_POPULATION,
				     &spec->population);
	if (!is_known)
		return;
	if (spec->shuffle && spec->sampler != SAMPLER_GRID)
		object_fault(&sampler, "shuffle",
			     "is true (only a \"grid\" has an order to "
			     "shuffle)");
	check_population(&sampler, has_members, spec);
}

static void check_threshold(const struct object *o,
			    const struct early_stopping *rule)
{
	if (json_get(o->node, "min") == NULL &&
	    json_get(o->node, "max") == NULL)
		json_fault(o->doc, o->node, o->reterr, o->path,
			   "has no threshold (must have \"min\", \"max\" or "
			   "both)");
	if (rule->has_min && rule->has_max && rule->min >= rule->max) {
		auto_free char *brief = json_brief(json_get(o->node, "min"));

		object_fault(o, "min", "is %s (must be below \"max\")", brief);
	}
}

/* 0 to @max, or any number from 0 where that is infinite */
static void check_number(const struct object *o, const char *key, double max,
			 double *value)
{
	auto_free char *brief = NULL;

	if (!object_number(o, key, value) || (*value >= 0 && *value <= max))
		return;
	brief = json_brief(json_get(o->node, key));
	if (isinf(max))
		object_fault(o, key, "is %s (must be 0 or more)", brief);
	else
		object_fault(o, key, "is %s (must be 0 to %g)", brief, max);
}

static void check_share(const struct object *o, const char *key, double *value)
{
	auto_free char *brief = NULL;

	if (!object_number(o, key, value) || (*value > 0 && *value <= 1))
		return;
	brief = json_brief(json_get(o->node, key));
	object_fault(o, key, "is %s (must be above 0, at most 1)", brief);
}

static int64_t min_steps_of(enum pruner_type type)
{
	if (type == PRUNER_FORECAST || type == PRUNER_FUNNEL ||
	    type == PRUNER_ASHA || type == PRUNER_HYPERBAND)
		return 0;
	/* Only a comparison with other trials needs a warm-up. */
	if (type == PRUNER_MEDIAN || type == PRUNER_PERCENTILE)
		return DEFAULT_MIN_STEPS;
	return 1;
}

static void check_rule_keys(const struct object *o, int type, bool is_known)
{
	auto_free char *what = NULL;

	if (!is_known) {
		object_check_keys(o, "\"early_stopping\"", all_keys, NULL);
		return;
	}
	what = xasprintf("the rule \"%s\"", pruner_type_names[type]);
	object_check_keys(o, what, pruner_keys[type], NULL);
}

/* Trials that the file asks for, as far as there are configurations. */
static uint64_t trials_asked(const struct search_spec *spec)
{
	uint64_t asked = (uint64_t)spec->trials, all = 0;

	if (spec->space != NULL && !spec->allow_duplicates)
		all = combinations(spec->space, spec->sampler == SAMPLER_GRID
						    ? param_levels
						    : param_cardinality);
	return all > 0 && all < asked ? all : asked;
}

/*
 * The share of a funnel: DEFAULT_KEEP of the trials, but at most DEFAULT_KEPT.
 * The best of many can be lost at less of a loss, and in their time still more
 * can be tried (tests/bench/README.md). Of a population the members alone come
 * to the first step.
 */
static double default_keep(const struct search_spec *spec)
{
	uint64_t n = spec->population > 0 ? (uint64_t)spec->population
					  : trials_asked(spec);

	return n > 0 ? fmin(DEFAULT_KEEP, DEFAULT_KEPT / (double)n)
		     : DEFAULT_KEEP;
}

/* What every rule has but its type; defaults are those of the type. */
static void read_options(const struct object *o, struct early_stopping *rule)
{
	static const char *const resources[] = { "steps", "seconds", NULL };
	int resource = 0;

	rule->min_steps = min_steps_of(rule->type);
	object_word(o, "resource", resources, NULL, &resource);
	rule->in_seconds = resource == 1;
	object_integer(o, "min_steps", 1, LIMIT_STEPS, &rule->min_steps);
	object_integer(o, "min_trials", 1, LIMIT_TRIALS, &rule->min_trials);
	object_integer(o, "patience", 1, LIMIT_STEPS, &rule->patience);
	object_integer(o, "eta", 2, MAX_ETA, &rule->eta);
	object_integer(o, "max_steps", 2, INT64_C(1) << 53, &rule->max_steps);
	check_number(o, "min_delta", (double)INFINITY, &rule->min_delta);
	check_number(o, "percentile", 100, &rule->percentile);
	rule->has_min = object_number(o, "min", &rule->min);
	rule->has_max = object_number(o, "max", &rule->max);
	check_share(o, "keep", &rule->keep);
	check_share(o, "probability", &rule->probability);
	check_number(o, "p", 1, &rule->p);
	if (rule->type == PRUNER_THRESHOLD)
		check_threshold(o, rule);
	if (rule->max_steps > 0 && rule->min_steps >= rule->max_steps) {
		auto_free char *brief =
		    json_brief(json_get(o->node, "min_steps"));

		object_fault(o, "min_steps",
			     "is %s (must be below \"max_steps\")", brief);
	}
}

/* One of a list's: what is no rule of its own has no place there. */
static void read_listed(const struct object *o, double keep,
			struct early_stopping *rule)
{
	const char *words[NAMES_PRUNERS_N + 1] = { NULL };
	size_t n = 0;
	int i = 0;
	bool is_known;

	*rule = default_rule;
	rule->keep = keep;
	if (!object_check(o, "{\"type\": \"median\"}"))
		return;
	for (int type = 0; type < NAMES_PRUNERS_N; type++) {
		if (type != PRUNER_NONE && type != PRUNER_ANY)
			words[n++] = pruner_type_names[type];
	}
	is_known = object_require(o, "type", "the name of a rule") &&
		   object_word(o, "type", words, NULL, &i);
	if (is_known)
		rule->type = (enum pruner_type)pruner_type_find(words[i]);
	check_rule_keys(o, (int)rule->type, is_known);
	read_options(o, rule);
}

static void read_list(const struct object *o, struct early_stopping *rule)
{
	const cJSON *list = json_get(o->node, "rules"), *item;
	int n = cJSON_GetArraySize(list);
	auto_free char *path = object_path(o, "rules");
	auto_free char *brief = NULL;

	if (!object_require(o, "rules",
			    "a list of rules, as [{\"type\": \"median\"}, "
			    "{\"type\": \"patience\"}]"))
		return;
	if (!cJSON_IsArray(list)) {
		brief = json_brief(list);
		object_fault(o, "rules", "is %s (must be a list of rules)",
			     brief);
		return;
	}
	if (n < 1 || n > LIMIT_RULES) {
		object_fault(o, "rules", "has %d rules (must have 1 to %d)", n,
			     LIMIT_RULES);
		return;
	}
	rule->rules = xcalloc((size_t)n, sizeof(*rule->rules));
	cJSON_ArrayForEach (item, list) {
		auto_free char *place =
		    xasprintf("%s[%zu]", path, rule->n_rules);
		struct object listed = { .doc = o->doc,
					 .node = item,
					 .path = place,
					 .reterr = o->reterr };

		read_listed(&listed, rule->keep, &rule->rules[rule->n_rules++]);
	}
}

static void read_early_stopping(const struct object *o,
				struct search_spec *spec)
{
	struct early_stopping *rule = &spec->early_stopping;
	struct object object;
	int type = (int)default_rule.type;
	bool is_known;

	*rule = default_rule;
	rule->keep = default_keep(spec);
	/* Between its runs it is: none need report a curve. */
	if (json_get(o->node, "budget") != NULL)
		rule->type = PRUNER_NONE;
	if (!object_member(o, "early_stopping", "early_stopping", &object) ||
	    !object_check(&object, "{\"type\": \"median\"}"))
		return;
	is_known = object_word(&object, "type", pruner_type_names, NULL, &type);
	check_rule_keys(&object, type,
			is_known || json_get(object.node, "type") == NULL);
	rule->type = (enum pruner_type)type;
	read_options(&object, rule);
	if (rule->type == PRUNER_ANY)
		read_list(&object, rule);
}

/* Each generation of each member is a trial. */
static void count_members(const struct object *o, struct search_spec *spec)
{
	int n_start = cJSON_GetArraySize(json_get(o->node, "start"));
	int64_t all = 0;

	if (n_start > spec->population)
		object_fault(o, "start",
			     "has %d configurations (at most %lld, as many as "
			     "the \"population\" has members)",
			     n_start, (long long)spec->population);
	if (json_get(o->node, "trials") != NULL) {
		if (spec->trials > 0 && spec->trials < spec->population)
			object_fault(o, "trials",
				     "is %lld (must be %lld or more, one for "
				     "each member of the \"population\")",
				     (long long)spec->trials,
				     (long long)spec->population);
		return;
	}
	if (__builtin_mul_overflow(spec->population, search_generations(spec),
				   &all) ||
	    all > LIMIT_TRIALS)
		object_fault(o, "trials",
			     "is missing (%lld members have %lld generations: "
			     "say how many trials in all, at most %d)",
			     (long long)spec->population,
			     (long long)search_generations(spec), LIMIT_TRIALS);
	spec->trials = all;
}

/* What pbt wants of the budget, which is read. */
static void check_pbt(const struct object *o, struct search_spec *spec)
{
	static const char *const paths[] = { "budget.eta", "budget.type" };

	if (spec->sampler != SAMPLER_PBT)
		return;
	spec->runs = spec->runs_min = 1;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const cJSON *node = json_get(json_get(o->node, "budget"),
					     strchr(paths[i], '.') + 1);

		if (node != NULL)
			json_fault(o->doc, node, o->reterr, paths[i],
				   "is given (with \"pbt\" each generation has "
				   "\"min\" more than the one before: leave it "
				   "out)");
	}
	if (object_require(o, "budget",
			   "\"pbt\" trains in generations: say of what, as "
			   "{\"name\": \"epochs\", \"min\": 5, \"max\": "
			   "50}") &&
	    spec->budget.name != NULL && spec->population > 0)
		count_members(o, spec);
}

/* Every parameter of a grid has levels. */
static void check_grid(const struct object *o, const struct search_spec *spec)
{
	const cJSON *node = json_get(o->node, "parameters")->child;

	for (size_t i = 0; i < spec->space->n; i++, node = node->next) {
		const struct param *p = &spec->space->params[i];
		auto_free char *path = NULL;

		if (param_levels(p) > 0)
			continue;
		path = xasprintf("parameters.%s", p->name);
		json_fault(o->doc, node, o->reterr, path,
			   "is continuous, which no grid can be (give "
			   "\"points\", \"values\" or \"step\", or take "
			   "another sampler)");
	}
}

static const char *continuous_name(const struct space *s)
{
	size_t i = 0;

	while (param_cardinality(&s->params[i]) > 0)
		i++;
	return s->params[i].name;
}

/* The product of @size over all parameters, as text; NULL if at most
 * LIMIT_TRIALS. */
static char *too_many(const struct space *s,
		      uint64_t (*size)(const struct param *))
{
	uint64_t n = combinations(s, size);

	if (n == UINT64_MAX)
		return xstrdup("more than 2^64");
	return n > LIMIT_TRIALS ? xasprintf("%llu", (unsigned long long)n)
				: NULL;
}

/* "trials" may be left out only where the search ends by itself. */
static void check_trials(const struct object *o, const struct search_spec *spec)
{
	const struct space *s = spec->space;
	auto_free char *many = NULL;

	if (json_get(o->node, "trials") != NULL || spec->trials > 0)
		return;
	if (spec->sampler == SAMPLER_GRID) {
		many = space_levels(s) > 0 ? too_many(s, param_levels) : NULL;
		if (many != NULL)
			object_fault(o, "trials",
				     "is missing (the grid has %s points: say "
				     "how many to try, at most %d)",
				     many, LIMIT_TRIALS);
		return;
	}
	if (!space_is_discrete(s)) {
		object_fault(o, "trials",
			     "is missing (\"%s\" is continuous: say how many "
			     "configurations to try)",
			     continuous_name(s));
		return;
	}
	many = too_many(s, param_cardinality);
	if (many != NULL)
		object_fault(o, "trials",
			     "is missing (there are %s configurations: say how "
			     "many to try, at most %d)",
			     many, LIMIT_TRIALS);
	else if (spec->allow_duplicates)
		object_fault(o, "trials",
			     "is missing (with \"allow_duplicates\" the search "
			     "would never end)");
}

static void read_objective_per(const struct object *o, struct search_spec *spec)
{
	static const char *const words[] = { "second", NULL };
	int word = -1;

	object_word(o, "objective_per", words, NULL, &word);
	spec->per_second = word == 0;
	if (!spec->per_second || spec->sampler == SAMPLER_GP)
		return;
	if (spec->is_auto)
		spec->sampler = SAMPLER_GP;
	else
		object_fault(
		    o, "objective_per",
		    "is \"second\" (only the sampler \"gp\" models how "
		    "long trials take)");
}

bool search_rungs_pause(const struct search_spec *spec)
{
	enum pruner_type type = spec->early_stopping.type;

	return (type == PRUNER_ASHA || type == PRUNER_HYPERBAND) &&
	       spec->resumes && spec->runs == 1 && spec->population == 0;
}

const struct early_stopping *search_rule(const struct search_spec *spec,
					 enum pruner_type type)
{
	const struct early_stopping *e = &spec->early_stopping;

	for (size_t i = 0; i < e->n_rules; i++) {
		if (e->rules[i].type == type)
			return &e->rules[i];
	}
	return e->type == type ? e : NULL;
}

/* The times of an attempt that goes on say little of how long the trial ran. */
static void check_seconds(const struct object *o,
			  const struct early_stopping *rule)
{
	bool in_seconds = rule->in_seconds;

	for (size_t i = 0; i < rule->n_rules; i++)
		in_seconds |= rule->rules[i].in_seconds;
	if (in_seconds && cJSON_IsTrue(json_get(o->node, "resumes")))
		object_fault(o, "early_stopping",
			     "counts in seconds (a trial that \"resumes\" is "
			     "compared by its steps: leave out \"resource\")");
}

void search_rules_parse(const struct object *o, struct search_spec *spec)
{
	size_t before = o->reterr->n;

	read_sampler(o, spec);
	read_objective_per(o, spec);
	check_pbt(o, spec);
	if (spec->space != NULL && o->reterr->n == before) {
		if (spec->sampler == SAMPLER_GRID)
			check_grid(o, spec);
		check_trials(o, spec);
	}
	read_early_stopping(o, spec);
	check_seconds(o, &spec->early_stopping);
	if (search_rule(spec, PRUNER_WILCOXON) == NULL)
		return;
	if (json_get(o->node, "budget") != NULL)
		object_fault(o, "early_stopping",
			     "is by \"wilcoxon\", which compares runs of one "
			     "length (leave it out: a \"budget\" says which "
			     "trials go on)");
	else if (spec->runs == 1)
		object_fault(o, "early_stopping",
			     "is by \"wilcoxon\", which compares the runs of "
			     "trials (say how many with \"folds\" or "
			     "\"repeats\")");
}
