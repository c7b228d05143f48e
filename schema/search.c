#include "schema/search.h"

#include "schema/expand.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/object.h"
#include "schema/pattern.h"
#include "schema/reader.h"
#include "schema/search_budget.h"
#include "schema/search_rules.h"
#include "schema/search_start.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_GRACE_MS         10000
#define DEFAULT_STOP_ON_FAILURES 5
#define DEFAULT_CPUS             1
#define MEMORY_MIN               (1 << 20)

static const char *const keys[] = {
	"name",    "command",   "workdir",        "env",
	"metric",  "patterns",  "parameters",     "start",
	"sampler", "trials",    "early_stopping", "parallel",
	"timeout", "grace",     "max_time",       "stop_on_failures",
	"retries", "resources", "until",          "stop",
	"folds",   "repeats",   "objective_per",  "budget",
	"resumes", NULL,
};

/* What other tools call things. */
static const struct object_hint hints[] = {
	{"method",              "write \"sampler\": {\"type\": \"grid\"}"},
	{ "program",            "write \"command\": [\"python\", \"train.py\", "
		     "\"{args}\"]"                   },
	{ "early_terminate",    "write \"early_stopping\""               },
	{ "pruner",             "write \"early_stopping\""               },
	{ "run_cap",            "write \"trials\""                       },
	{ "n_trials",           "write \"trials\""                       },
	{ "max_trials",         "write \"trials\""                       },
	{ "jobs",               "write \"parallel\""                     },
	{ "n_jobs",             "write \"parallel\""                     },
	{ "space",              "write \"parameters\""                   },
	{ "search_space",       "write \"parameters\""                   },
	{ "points_to_evaluate", "write \"start\""                        },
	{ "initial_points",     "write \"start\""                        },
	{ "seed",               "write \"sampler\": {\"seed\": 1}"       },
	{ "cwd",                "write \"workdir\""                      },
	{ "cv",		 "write \"folds\""                        },
	{ "n_splits",           "write \"folds\""                        },
	{ "environment",        "write \"env\""                          },
	{ "plateau",            "write \"stop\": {\"plateau\": 30}"      },
	{ "regret",             "write \"stop\": {\"regret\": 1}"        },
	{ "cost",               "write \"stop\": {\"cost\": \"8h\"}"     },
	{ "population",
         "write \"sampler\": {\"type\": \"pbt\", \"population\": 10}"    },
	{ NULL,		 NULL				     },
};

bool search_name_is_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '-' && name[0] != '.' &&
	       strlen(name) <= LIMIT_NAME_BYTES &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] ==
		   '\0';
}

static void read_name(const struct object *o, struct search_spec *spec)
{
	const char *name;

	if (!object_require(o, "name", "a short word, as \"digits\"") ||
	    !object_text(o, "name", &name))
		return;
	if (search_name_is_valid(name)) {
		spec->name = xstrdup(name);
	} else {
		auto_free char *brief = json_brief(json_get(o->node, "name"));

		object_fault(o, "name",
			     "is %s (must be letters, digits, \"_\", \".\" and "
			     "\"-\", at most %d, first no \".\" or \"-\")",
			     brief, LIMIT_NAME_BYTES);
	}
}

/*
 * The strings of the list @key, 1 to @max of them: new, or NULL, with faults,
 * if it is none.
 */
static char **read_texts(const struct object *o, const char *key, int max,
			 const char *example)
{
	const cJSON *list = json_get(o->node, key), *node;
	auto_strv char **texts = NULL;
	auto_free char *brief = json_brief(list);
	int n = cJSON_GetArraySize(list);
	size_t before = o->reterr->n;
	char **ret;
	int i = 0;

	if (!cJSON_IsArray(list) || n == 0 || n > max) {
		object_fault(o, key,
			     "is %s (must be a list of 1 to %d strings, as %s)",
			     brief, max, example);
		return NULL;
	}
	texts = xcalloc((size_t)n + 1, sizeof(*texts));
	cJSON_ArrayForEach (node, list) {
		auto_free char *path = xasprintf("%s[%d]", key, i);
		auto_free char *item = json_brief(node);

		texts[i++] =
		    xstrdup(cJSON_IsString(node) ? node->valuestring : "");
		if (!cJSON_IsString(node))
			json_fault(o->doc, node, o->reterr, path,
				   "is %s (must be a string)", item);
	}
	if (o->reterr->n > before)
		return NULL;
	ret = texts;
	texts = NULL;
	return ret;
}

/* The first element is what runs: it must be there whatever the parameters. */
static void check_program(const struct object *o, const cJSON *program)
{
	const char *text = program->valuestring;
	const cJSON *parameters = json_get(o->node, "parameters");
	auto_free char *name = NULL;

	if (text[0] == '\0') {
		json_fault(o->doc, program, o->reterr, "command[0]",
			   "is empty (must be the program to run)");
		return;
	}
	if (text[0] != '{' || text[strlen(text) - 1] != '}')
		return;
	name = xstrndup(text + 1, strlen(text) - 2);
	if (strcmp(name, "args") == 0 ||
	    json_get(json_get(parameters, name), "when") != NULL)
		json_fault(o->doc, program, o->reterr, "command[0]",
			   "is {%s}, which may be nothing (must be the "
			   "program to run)",
			   name);
}

static void read_command(const struct object *o, struct search_spec *spec)
{
	static const char example[] = "[\"python3\", \"train.py\", "
				      "\"{args}\"]; no shell is used";
	const cJSON *node;
	int i = 0;

	if (!object_require(o, "command",
			    "a list of strings, as [\"python3\", \"train.py\", "
			    "\"{args}\"]; no shell is used"))
		return;
	spec->command = read_texts(o, "command", LIMIT_COMMAND, example);
	if (spec->command == NULL)
		return;
	check_program(o, json_get(o->node, "command")->child);
	cJSON_ArrayForEach (node, json_get(o->node, "command")) {
		auto_free char *path = xasprintf("command[%d]", i++);

		expand_check(o->doc, o->node, node, path, true, o->reterr);
	}
}

static bool is_variable(const char *name)
{
	return name[0] != '\0' && !(name[0] >= '0' && name[0] <= '9') &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ==
		   '\0';
}

static void read_variable(const struct object *o, const struct object *env,
			  const cJSON *node, struct search_spec *spec)
{
	auto_free char *path = object_path(env, node->string);
	auto_free char *brief = json_brief(node);

	if (!is_variable(node->string))
		json_fault_name(o->doc, node, o->reterr, path,
				"is no variable (letters, digits and _, first "
				"no digit)");
	else if (strncmp(node->string, "HPS_", 4) == 0)
		json_fault_name(o->doc, node, o->reterr, path,
				"is set by hpsd (leave it out)");
	else if (expand_withholds(node->string))
		json_fault_name(o->doc, node, o->reterr, path,
				"is not for \"env\" (begin the command with "
				"\"env\", \"%s=...\")",
				node->string);
	if (!cJSON_IsString(node)) {
		json_fault(o->doc, node, o->reterr, path,
			   "is %s (must be a string)", brief);
		return;
	}
	expand_check(o->doc, o->node, node, path, false, o->reterr);
	spec->env[spec->n_env++] = (struct env_entry){
		xstrdup(node->string),
		xstrdup(node->valuestring),
	};
}

static void read_env(const struct object *o, struct search_spec *spec)
{
	struct object env;
	const cJSON *node;
	int n;

	if (!object_member(o, "env", "env", &env) ||
	    !object_check(&env, "{\"OMP_NUM_THREADS\": \"1\"}"))
		return;
	n = cJSON_GetArraySize(env.node);
	if (n > LIMIT_COMMAND) {
		object_fault(o, "env", "has %d variables (at most %d)", n,
			     LIMIT_COMMAND);
		return;
	}
	spec->env = xcalloc((size_t)n, sizeof(*spec->env));
	cJSON_ArrayForEach (node, env.node)
		read_variable(o, &env, node, spec);
}

static bool metric_is_valid(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (iscntrl((unsigned char)name[i]))
			return false;
	}
	return n > 0 && n <= LIMIT_NAME_BYTES;
}

/* A name that the program reports: new, or NULL. */
static char *read_metric_name(const struct object *o, const char *key)
{
	const char *name;

	if (!object_text(o, key, &name))
		return NULL;
	if (!metric_is_valid(name)) {
		auto_free char *brief = json_brief(json_get(o->node, key));

		object_fault(o, key,
			     "is %s (must be 1 to %d bytes without control "
			     "characters)",
			     brief, LIMIT_NAME_BYTES);
		return NULL;
	}
	return xstrdup(name);
}

/* The reader takes these for the step. */
static void check_no_step(const struct object *o, const char *key,
			  const char *name, const char *step, const char *right)
{
	static const char *const steps[] = { "step", "epoch", "iter",
					     "iteration" };
	bool is_step = step != NULL && strcasecmp(step, name) == 0;

	for (size_t i = 0; i < 4; i++)
		is_step |= strcasecmp(steps[i], name) == 0;
	if (is_step)
		object_fault(o, key,
			     "is \"%s\", which is read as the step (must be "
			     "%s)",
			     name, right);
}

static void check_train(const struct object *o, const struct search_spec *spec)
{
	const char *train = spec->train_metric;

	if (train == NULL)
		return;
	check_no_step(o, "train", train, spec->step_metric,
		      "a curve, as \"train_loss\"");
	if (spec->metric != NULL && strcmp(train, spec->metric) == 0)
		object_fault(o, "train",
			     "is the objective itself (must be another curve, "
			     "as \"train_loss\")");
}

static void read_metric(const struct object *o, struct search_spec *spec)
{
	static const char *const metric_keys[] = { "name",   "goal", "value",
						   "target", "step", "train",
						   NULL };
	struct object metric;
	int goal = GOAL_MINIMIZE, result = RESULT_LAST;

	if (!object_require(o, "metric",
			    "as {\"name\": \"val_loss\", \"goal\": "
			    "\"minimize\"}") ||
	    !object_member(o, "metric", "metric", &metric) ||
	    !object_check(&metric, "{\"name\": \"val_loss\", \"goal\": "
				   "\"minimize\"}"))
		return;
	object_check_keys(&metric, "\"metric\"", metric_keys, NULL);
	object_word(&metric, "goal", goal_names, NULL, &goal);
	object_word(&metric, "value", result_rule_names, NULL, &result);
	spec->goal = (enum goal)goal;
	spec->result = (enum result_rule)result;
	spec->has_target = object_number(&metric, "target", &spec->target);
	spec->step_metric = read_metric_name(&metric, "step");
	spec->train_metric = read_metric_name(&metric, "train");
	if (!object_require(&metric, "name",
			    "what to improve, as \"val_loss\""))
		return;
	spec->metric = read_metric_name(&metric, "name");
	if (spec->metric != NULL)
		check_no_step(&metric, "name", spec->metric, spec->step_metric,
			      "what to improve, as \"val_loss\"");
	check_train(&metric, spec);
}

static bool has_hole(const char *text, const char *name)
{
	auto_free char *fault = NULL;
	struct pattern *p = pattern_new(text, &fault);
	bool found = false;

	for (size_t i = 0; p != NULL && i < p->n; i++)
		found |= p->parts[i].kind == PATTERN_HOLE &&
			 strcmp(p->parts[i].text, name) == 0;
	pattern_free(p);
	return found;
}

static void read_patterns(const struct object *o, struct search_spec *spec)
{
	size_t before = o->reterr->n;
	bool found = spec->metric == NULL;
	const cJSON *node;
	int i = 0;

	if (json_get(o->node, "patterns") == NULL)
		return;
	spec->patterns = read_texts(o, "patterns", LIMIT_PATTERNS,
				    "[\"accuracy: {accuracy}%\"]");
	if (spec->patterns == NULL)
		return;
	cJSON_ArrayForEach (node, json_get(o->node, "patterns")) {
		auto_free char *path = xasprintf("patterns[%d]", i++);

		reader_check_pattern(node->valuestring, o->doc, node, path,
				     o->reterr);
		found |= spec->metric != NULL &&
			 has_hole(node->valuestring, spec->metric);
	}
	if (!found && o->reterr->n == before)
		object_fault(o, "patterns",
			     "never read the metric (one of them must hold "
			     "{%s})",
			     spec->metric);
}

/* Seconds, or text as "10m". */
static void read_duration(const struct object *o, const char *key,
			  int64_t *ret_ms)
{
	const cJSON *node = json_get(o->node, key);
	auto_free char *brief = NULL;
	int64_t ms = -1;

	if (node == NULL)
		return;
	if (cJSON_IsNumber(node))
		ms = duration_ms(node->valuedouble);
	else if (cJSON_IsString(node))
		ms = duration_parse(node->valuestring);
	if (ms >= 0) {
		*ret_ms = ms;
		return;
	}
	brief = json_brief(node);
	object_fault(o, key,
		     "is %s (must be seconds or a duration, as 90, \"10m\" or "
		     "\"1h30m\", up to ten years)",
		     brief);
}

static void read_memory(const struct object *o, int64_t *ret_bytes)
{
	const cJSON *node = json_get(o->node, "memory");
	auto_free char *brief = NULL;
	int64_t bytes = -1;

	if (node == NULL)
		return;
	if (cJSON_IsString(node))
		bytes = size_parse(node->valuestring);
	else if (!json_int(o->doc, node, &bytes))
		bytes = -1;
	brief = json_brief(node);
	if (bytes < 0)
		object_fault(o, "memory",
			     "is %s (must be bytes or a size, as \"512M\" or "
			     "\"2G\")",
			     brief);
	else if (bytes < MEMORY_MIN)
		object_fault(o, "memory", "is %s (must be at least \"1M\")",
			     brief);
	else
		*ret_bytes = bytes;
}

static void read_resources(const struct object *o, struct search_spec *spec)
{
	static const char *const resource_keys[] = { "cpus", "gpus", "memory",
						     NULL };
	struct object resources;
	int64_t gpus = 0;

	if (!object_member(o, "resources", "resources", &resources) ||
	    !object_check(&resources, "{\"cpus\": 1, \"memory\": \"2G\"}"))
		return;
	object_check_keys(&resources, "\"resources\"", resource_keys, NULL);
	object_integer(&resources, "cpus", 0, LIMIT_CPUS, &spec->cpus);
	read_memory(&resources, &spec->memory_bytes);
	if (object_integer(&resources, "gpus", 0, INT64_C(1) << 53, &gpus) &&
	    gpus != 0)
		object_fault(&resources, "gpus",
			     "is %lld (this version manages no GPUs: leave it "
			     "at 0, trials see all of them)",
			     (long long)gpus);
	if (spec->cpus == 0 && json_get(o->node, "parallel") == NULL)
		object_fault(&resources, "cpus",
			     "is 0 (then \"parallel\" must say how many trials "
			     "run at one time)");
}

static void read_workdir(const struct object *o, struct search_spec *spec)
{
	const char *workdir = ".";

	if (object_text(o, "workdir", &workdir) && workdir[0] == '\0')
		object_fault(o, "workdir", "is empty (must be a directory)");
	spec->workdir = xstrdup(workdir);
}

/* Parameters whose names are other placeholders. */
static void check_reserved(const struct object *o, const cJSON *parameters)
{
	const cJSON *node;

	cJSON_ArrayForEach (node, parameters) {
		auto_free char *path = NULL;

		if (!cJSON_IsObject(parameters) ||
		    !expand_reserves(node->string))
			continue;
		path = xasprintf("parameters.%s", node->string);
		json_fault_name(o->doc, node, o->reterr, path,
				"is the placeholder {%s} (rename it)",
				node->string);
	}
}

static void read_parameters(const struct object *o, struct search_spec *spec)
{
	const cJSON *parameters = json_get(o->node, "parameters");

	if (!object_require(o, "parameters",
			    "as {\"lr\": {\"type\": \"float\", \"min\": 1e-5, "
			    "\"max\": 1, \"scale\": \"log\"}}"))
		return;
	check_reserved(o, parameters);
	if (space_parse(o->doc, parameters, &spec->space, o->reterr) != 0)
		spec->space = NULL;
}

/* {"min": 2, "max": 5}: the more, the longer nothing better is known. */
static void read_repeats(const struct object *o, struct search_spec *spec)
{
	static const char *const repeats_keys[] = { "min", "max", NULL };
	struct object repeats;

	if (!cJSON_IsObject(json_get(o->node, "repeats"))) {
		object_integer(o, "repeats", 2, LIMIT_RUNS, &spec->runs);
		return;
	}
	spec->runs_min = 1;
	(void)object_member(o, "repeats", "repeats", &repeats);
	object_check_keys(&repeats, "\"repeats\"", repeats_keys, NULL);
	object_integer(&repeats, "min", 1, LIMIT_RUNS, &spec->runs_min);
	if (object_require(&repeats, "max", "how many at most, as 5") &&
	    object_integer(&repeats, "max", 2, LIMIT_RUNS, &spec->runs) &&
	    spec->runs_min > spec->runs)
		object_fault(&repeats, "min",
			     "is %lld (must be at most \"max\")",
			     (long long)spec->runs_min);
}

/* How many runs a trial is made of, and what tells them apart. */
static void read_runs(const struct object *o, struct search_spec *spec)
{
	spec->has_folds =
	    object_integer(o, "folds", 2, LIMIT_RUNS, &spec->runs);
	if (json_get(o->node, "repeats") != NULL && spec->has_folds)
		object_fault(o, "repeats",
			     "stands beside \"folds\" (a trial is run once a "
			     "fold, or repeated)");
	else
		read_repeats(o, spec);
	search_budget_parse(o, spec);
	if (spec->runs_min == 0)
		spec->runs_min = spec->runs;
}

static void read_limits(const struct object *o, struct search_spec *spec)
{
	object_integer(o, "trials", 1, LIMIT_TRIALS, &spec->trials);
	object_integer(o, "parallel", 1, LIMIT_PARALLEL, &spec->parallel);
	object_integer(o, "retries", 0, LIMIT_RETRIES, &spec->retries);
	object_integer(o, "stop_on_failures", 0, LIMIT_TRIALS,
		       &spec->stop_on_failures);
	object_bool(o, "resumes", &spec->resumes);
	read_runs(o, spec);
	read_duration(o, "timeout", &spec->timeout_ms);
	read_duration(o, "max_time", &spec->max_time_ms);
	read_duration(o, "grace", &spec->grace_ms);
}

static void read_until(const struct object *o, struct until *ret)
{
	const char *text;
	auto_free char *brief = NULL;

	if (!object_text(o, "until", &text) || until_parse(text, ret))
		return;
	brief = json_brief(json_get(o->node, "until"));
	object_fault(o, "until",
		     "is %s (must be when to end: \"07:00\", \"2026-12-01 "
		     "07:00\", or, from the submit on, \"8h\")",
		     brief);
}

static void read_regret(const struct object *stop, struct search_spec *spec)
{
	if (!object_number(stop, "regret", &spec->stop.regret))
		return;
	if (!(spec->stop.regret > 0)) {
		auto_free char *brief =
		    json_brief(json_get(stop->node, "regret"));

		object_fault(stop, "regret",
			     "is %s (must be above 0: how many times the noise "
			     "of a result may be left to gain)",
			     brief);
	} else if (spec->sampler != SAMPLER_GP) {
		object_fault(stop, "regret",
			     "is given (only the sampler \"gp\" has a model "
			     "that bounds it)");
	}
}

/* After the resources, which a cost is counted in. */
static void read_stop(const struct object *o, struct search_spec *spec)
{
	static const char *const stop_keys[] = { "plateau", "regret", "cost",
						 NULL };
	struct object stop;

	if (!object_member(o, "stop", "stop", &stop) ||
	    !object_check(&stop, "{\"plateau\": 30}"))
		return;
	object_check_keys(&stop, "\"stop\"", stop_keys, NULL);
	object_integer(&stop, "plateau", 1, LIMIT_TRIALS, &spec->stop.plateau);
	read_regret(&stop, spec);
	read_duration(&stop, "cost", &spec->stop.cost_ms);
	if (spec->stop.cost_ms > 0 && spec->cpus == 0)
		object_fault(&stop, "cost",
			     "has nothing to count (\"resources\" says that a "
			     "trial takes 0 cpus)");
}

static void read_search(const struct object *o, struct search_spec *spec)
{
	if (!object_check(o, "{\"name\": \"digits\", ...}"))
		return;
	object_check_keys(o, "a search", keys, hints);
	read_name(o, spec);
	read_command(o, spec);
	read_workdir(o, spec);
	read_env(o, spec);
	read_metric(o, spec);
	read_patterns(o, spec);
	read_parameters(o, spec);
	read_limits(o, spec);
	search_rules_parse(o, spec);
	search_start_parse(o, spec);
	read_resources(o, spec);
	read_until(o, &spec->until);
	read_stop(o, spec);
}

/* Puts what only running a program takes into the search where it is missing.
 */
static void fill_in(cJSON *root)
{
	cJSON *metric;

	if (!cJSON_IsObject(root))
		return;
	if (json_get(root, "name") == NULL)
		cJSON_AddStringToObject(root, "name", "search");
	if (json_get(root, "command") == NULL)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "command"),
				     cJSON_CreateString("true"));
	if (json_get(root, "metric") == NULL)
		cJSON_AddObjectToObject(root, "metric");
	metric = cJSON_GetObjectItemCaseSensitive(root, "metric");
	if (cJSON_IsObject(metric) && json_get(metric, "name") == NULL)
		cJSON_AddStringToObject(metric, "name", "value");
}

static int parse(const char *text, size_t len, bool is_bare,
		 struct search_spec **ret_spec, struct diag *reterr)
{
	auto_json_doc struct json_doc doc = { 0 };
	size_t before = reterr->n;
	struct search_spec *spec;
	struct object o;

	if (len > LIMIT_SEARCH_BYTES) {
		diag_add(reterr, "", "%zu bytes are too many (at most %d)", len,
			 LIMIT_SEARCH_BYTES);
		return 1;
	}
	if (json_doc_parse(text, len, &doc, reterr) != 0)
		return 1;
	spec = xcalloc(1, sizeof(*spec));
	if (is_bare) {
		fill_in(doc.root);
		spec->trials = LIMIT_TRIALS;
	}
	spec->grace_ms = DEFAULT_GRACE_MS;
	spec->stop_on_failures = DEFAULT_STOP_ON_FAILURES;
	spec->cpus = DEFAULT_CPUS;
	spec->runs = 1;
	o = (struct object){ &doc, doc.root, "", reterr };
	read_search(&o, spec);
	if (reterr->n > before) {
		search_free(spec);
		diag_sort(reterr);
		return 1;
	}
	*ret_spec = spec;
	return 0;
}

int search_parse(const char *text, size_t len, struct search_spec **ret_spec,
		 struct diag *reterr)
{
	return parse(text, len, false, ret_spec, reterr);
}

int search_parse_bare(const char *text, size_t len,
		      struct search_spec **ret_spec, struct diag *reterr)
{
	return parse(text, len, true, ret_spec, reterr);
}

void search_free(struct search_spec *spec)
{
	if (spec == NULL)
		return;
	for (size_t i = 0; i < spec->n_env; i++) {
		free(spec->env[i].name);
		free(spec->env[i].value);
	}
	free(spec->env);
	free(spec->name);
	strv_free(spec->command);
	free(spec->workdir);
	free(spec->metric);
	free(spec->step_metric);
	free(spec->train_metric);
	strv_free(spec->patterns);
	free(spec->start);
	free(spec->early_stopping.rules);
	free(spec->budget.name);
	space_free(spec->space);
	free(spec);
}
