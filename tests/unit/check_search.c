#include "check_main.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* search_cases.json, which search_schema.py reads, too. */
static cJSON *table;

static cJSON *read_table(void)
{
	auto_buf struct buf b = BUF_INIT;
	FILE *f = fopen(SEARCH_CASES, "r");
	cJSON *root;
	int c;

	/* No test runs yet that an assertion could fail. */
	if (f == NULL)
		abort();
	while ((c = fgetc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	root = cJSON_ParseWithLength(buf_text(&b), b.len);
	if (root == NULL)
		abort();
	return root;
}

/* The search of a case as text: a member a line, so that lines tell them. */
static char *case_text(const cJSON *base, const cJSON *c)
{
	const char *text = json_get_text(c, "text");
	auto_json cJSON *search = cJSON_Duplicate(base, true);
	struct buf b = BUF_INIT;
	const cJSON *node;

	if (text != NULL)
		return xstrdup(text);
	cJSON_ArrayForEach (node, json_get(c, "without"))
		cJSON_DeleteItemFromObjectCaseSensitive(search,
							node->valuestring);
	cJSON_ArrayForEach (node, json_get(c, "set")) {
		cJSON *copy = cJSON_Duplicate(node, true);

		if (json_get(search, node->string) != NULL)
			cJSON_ReplaceItemInObjectCaseSensitive(
			    search, node->string, copy);
		else
			cJSON_AddItemToObject(search, node->string, copy);
	}
	buf_addc(&b, '{');
	cJSON_ArrayForEach (node, search) {
		buf_adds(&b, node == search->child ? "\n" : ",\n");
		json_write_text(&b, node->string);
		buf_addc(&b, ':');
		json_write(&b, node);
	}
	buf_adds(&b, "\n}\n");
	return buf_take(&b);
}

static char *parse_faults(const char *text)
{
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *spec = NULL;
	int r = search_parse(text, strlen(text), &spec, &d);

	ck_assert_int_eq(r != 0, d.n > 0);
	ck_assert_int_eq(r != 0, spec == NULL);
	search_free(spec);
	return diag_text(&d, NULL);
}

static struct search_spec *parse(const char *text)
{
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *spec = NULL;

	if (search_parse(text, strlen(text), &spec, &d) != 0) {
		auto_free char *faults = diag_text(&d, NULL);

		ck_abort_msg("%s", faults);
	}
	return spec;
}

static void check_case(const cJSON *c)
{
	auto_free char *text = case_text(json_get(table, "base"), c);
	auto_free char *faults = parse_faults(text);
	auto_buf struct buf expected = BUF_INIT;
	const cJSON *fault;

	cJSON_ArrayForEach (fault, json_get(c, "faults")) {
		if (expected.len > 0)
			buf_addc(&expected, '\n');
		buf_adds(&expected, fault->valuestring);
	}
	ck_assert_msg(strcmp(faults, buf_text(&expected)) == 0,
		      "%s: faults\n%s\nexpected\n%s\nin\n%s",
		      json_get_text(c, "name"), faults, buf_text(&expected),
		      text);
}

START_TEST(a_case_has_exactly_its_faults)
{
	check_case(cJSON_GetArrayItem(json_get(table, "cases"), _i));
}
END_TEST

/* The cases of a row of the fault catalogue: their names begin with it. */
static void check_row(const char *row)
{
	const cJSON *c;
	int n = 0;

	cJSON_ArrayForEach (c, json_get(table, "cases")) {
		if (strncmp(json_get_text(c, "name"), row, strlen(row)) != 0)
			continue;
		check_case(c);
		n++;
	}
	ck_assert_int_gt(n, 0);
}

START_TEST(I1_what_is_beyond_a_limit_is_told_with_the_limit)
{
	check_row("I1 ");
}
END_TEST

START_TEST(I2_a_range_holds_a_value_or_is_refused)
{
	check_row("I2 ");
}
END_TEST

START_TEST(I3_a_name_is_a_plain_word)
{
	check_row("I3 ");
}
END_TEST

START_TEST(I4_an_argument_stays_one_argument)
{
	check_row("I4 ");
}
END_TEST

START_TEST(I5_env_sets_nothing_that_loads_code)
{
	check_row("I5 ");
}
END_TEST

START_TEST(I1_as_many_parameters_and_values_as_may_be_are_taken)
{
	auto_buf struct buf b = BUF_INIT;
	struct search_spec *spec;

	buf_adds(&b, "{\"name\": \"s\", \"command\": [\"t\", \"{args}\"], "
		     "\"metric\": {\"name\": \"m\"}, \"trials\": 1000000, "
		     "\"sampler\": {\"type\": \"grid\"}, \"parameters\": {"
		     "\"p0\": {\"type\": \"choice\", \"values\": [0");
	for (int i = 1; i < LIMIT_CHOICES; i++)
		buf_addf(&b, ",%d", i);
	buf_adds(&b, "]}");
	/* A grid of 10^4 * 10^255 points. */
	for (int i = 1; i < LIMIT_PARAMS; i++)
		buf_addf(&b,
			 ",\"p%d\": {\"type\": \"int\", \"min\": 0, "
			 "\"max\": 9}",
			 i);
	buf_adds(&b, "}}");
	spec = parse(b.data);
	ck_assert_uint_eq(spec->space->n, LIMIT_PARAMS);
	ck_assert_uint_eq(space_levels(spec->space), UINT64_MAX);
	ck_assert_int_eq(spec->trials, LIMIT_TRIALS);
	search_free(spec);
}
END_TEST

/* A search with @text in one of its places; %s in @place is that. */
static char *faults_with(const char *place, const char *text)
{
	auto_buf struct buf b = BUF_INIT;
	const char *at = strstr(place, "%s");

	buf_adds(&b, "{\"metric\": {\"name\": \"m\"}, \"trials\": 1, ");
	buf_add(&b, place, (size_t)(at - place));
	buf_adds(&b, text);
	buf_adds(&b, at + 2);
	buf_addc(&b, '}');
	return parse_faults(b.data);
}

/* Where a zero byte could get into a command line or an environment. */
static const char *const places[] = {
	"\"name\": \"s%s\", \"command\": [\"t\"], "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t%s\"], "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t\", \"--a=%s\"], "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t\"], \"workdir\": \"/%s\", "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t\"], \"env\": {\"A\": \"%s\"}, "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t\"], \"env\": {\"A%s\": \"\"}, "
	"\"parameters\": {\"x\": {\"value\": 1}}",
	"\"name\": \"s\", \"command\": [\"t\", \"{x}\"], "
	"\"parameters\": {\"x\": {\"value\": \"a%s\"}}",
	"\"name\": \"s\", \"command\": [\"t\", \"{args}\"], "
	"\"parameters\": {\"x%s\": {\"value\": \"a\"}}",
	"\"name\": \"s\", \"command\": [\"t\", \"{x}\"], \"parameters\": "
	"{\"x\": {\"type\": \"choice\", \"values\": [\"a\", \"%s\"]}}",
};

START_TEST(I6_no_zero_byte_gets_into_a_command_line)
{
	auto_free char *sound = faults_with(places[_i], "");
	auto_free char *zero = faults_with(places[_i], "\\u0000");

	ck_assert_str_eq(sound, "");
	ck_assert_msg(strstr(zero, "\\u0000 has no place in a string") != NULL,
		      "%s", zero);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	struct search_spec *s = parse(
	    "{\"name\": \"s\", \"command\": [\"t\", \"{x}\"], \"metric\": "
	    "{\"name\": \"loss\"}, \"parameters\": {\"x\": {\"type\": "
	    "\"float\", \"min\": 0, \"max\": 1}}, \"trials\": 7}");

	ck_assert_str_eq(s->name, "s");
	ck_assert_str_eq(s->command[1], "{x}");
	ck_assert_ptr_null(s->command[2]);
	ck_assert_str_eq(s->workdir, ".");
	ck_assert_uint_eq(s->n_env, 0);
	ck_assert_str_eq(s->metric, "loss");
	ck_assert_int_eq(s->goal, GOAL_MINIMIZE);
	ck_assert_int_eq(s->result, RESULT_LAST);
	ck_assert_ptr_null(s->step_metric);
	ck_assert_ptr_null(s->train_metric);
	ck_assert(!s->has_target);
	ck_assert_ptr_null(s->patterns);
	ck_assert_uint_eq(s->space->n, 1);
	ck_assert_int_eq(s->sampler, SAMPLER_GP);
	ck_assert_uint_eq(s->seed, 0);
	ck_assert(!s->shuffle && !s->allow_duplicates);
	ck_assert_int_eq(s->early_stopping.type, PRUNER_FUNNEL);
	ck_assert_int_eq(s->early_stopping.min_steps, 0);
	ck_assert_double_eq(s->early_stopping.keep, 0.4);
	ck_assert_double_eq(s->early_stopping.p, 0.15);
	ck_assert_double_eq(s->early_stopping.probability, 0.05);
	ck_assert_double_eq(s->early_stopping.percentile, 50);
	ck_assert_int_eq(s->early_stopping.eta, 3);
	ck_assert_int_eq(s->early_stopping.patience, 10);
	ck_assert_int_eq(s->early_stopping.min_trials, 5);
	ck_assert(!s->early_stopping.in_seconds);
	ck_assert_int_eq(s->trials, 7);
	ck_assert_int_eq(s->parallel, 0);
	ck_assert_int_eq(s->timeout_ms, 0);
	ck_assert_int_eq(s->max_time_ms, 0);
	ck_assert_int_eq(s->grace_ms, 10000);
	ck_assert_int_eq(s->retries, 0);
	ck_assert_int_eq(s->stop_on_failures, 5);
	ck_assert_int_eq(s->cpus, 1);
	ck_assert_int_eq(s->memory_bytes, 0);
	search_free(s);
}
END_TEST

START_TEST(every_key_arrives_in_the_spec)
{
	struct search_spec *s = parse(
	    "{\"name\": \"all\", \"command\": [\"t\"], \"workdir\": \"/w\", "
	    "\"env\": {\"A\": \"1\", \"B\": \"{x}\"}, \"metric\": {\"name\": "
	    "\"acc\", \"goal\": \"maximize\", \"value\": \"mean\", \"target\": "
	    "0.9, \"step\": \"batch\", \"train\": \"tr\"}, \"patterns\": [\"a {acc}%\"], "
	    "\"parameters\": {\"x\": {\"type\": \"int\", \"min\": 1, \"max\": "
	    "3}}, \"sampler\": {\"type\": \"grid\", \"seed\": "
	    "9007199254740992, \"shuffle\": true, \"allow_duplicates\": true}, "
	    "\"early_stopping\": {\"type\": \"threshold\", \"min_steps\": 2, "
	    "\"min\": -1, \"max\": 1e3}, \"parallel\": 2, \"timeout\": 1.5, "
	    "\"max_time\": \"1d\", \"grace\": \"0\", \"retries\": 1, "
	    "\"stop_on_failures\": 0, \"resources\": {\"cpus\": 0, \"gpus\": "
	    "0, \"memory\": \"2G\"}}");

	ck_assert_str_eq(s->workdir, "/w");
	ck_assert_uint_eq(s->n_env, 2);
	ck_assert_str_eq(s->env[1].name, "B");
	ck_assert_str_eq(s->env[1].value, "{x}");
	ck_assert_int_eq(s->goal, GOAL_MAXIMIZE);
	ck_assert_int_eq(s->result, RESULT_MEAN);
	ck_assert(s->has_target);
	ck_assert_double_eq(s->target, 0.9);
	ck_assert_str_eq(s->step_metric, "batch");
	ck_assert_str_eq(s->train_metric, "tr");
	ck_assert_str_eq(s->patterns[0], "a {acc}%");
	ck_assert_ptr_null(s->patterns[1]);
	ck_assert_int_eq(s->sampler, SAMPLER_GRID);
	ck_assert_uint_eq(s->seed, 9007199254740992);
	ck_assert(s->shuffle && s->allow_duplicates);
	ck_assert_int_eq(s->early_stopping.type, PRUNER_THRESHOLD);
	ck_assert_int_eq(s->early_stopping.min_steps, 2);
	ck_assert(s->early_stopping.has_min && s->early_stopping.has_max);
	ck_assert_double_eq(s->early_stopping.min, -1);
	ck_assert_double_eq(s->early_stopping.max, 1000);
	ck_assert_int_eq(s->trials, 0);
	ck_assert_int_eq(s->parallel, 2);
	ck_assert_int_eq(s->timeout_ms, 1500);
	ck_assert_int_eq(s->max_time_ms, 86400000);
	ck_assert_int_eq(s->grace_ms, 0);
	ck_assert_int_eq(s->retries, 1);
	ck_assert_int_eq(s->stop_on_failures, 0);
	ck_assert_int_eq(s->cpus, 0);
	ck_assert_int_eq(s->memory_bytes, (int64_t)2 << 30);
	search_free(s);
}
END_TEST

START_TEST(a_bare_search_needs_its_parameters_alone)
{
	static const char text[] =
	    "{\"parameters\": {\"k\": {\"type\": \"int\", \"min\": 1, "
	    "\"max\": 3}}}";
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *s = NULL;

	ck_assert_int_eq(search_parse_bare(text, strlen(text), &s, &d), 0);
	ck_assert_int_eq(s->goal, GOAL_MINIMIZE);
	ck_assert_uint_eq(s->space->n, 1);
	ck_assert_int_eq(s->trials, 1000000);
	search_free(s);
}
END_TEST

START_TEST(what_a_bare_search_has_is_checked_as_ever)
{
	static const struct {
		const char *text;
		const char *faults;
	} cases[] = {
		{"[]",						    "1:1: is [] (must be an object, as {\"name\": "
			"\"digits\", ...})"						     },
		{ "{}",						   "1:1: parameters: is missing (as {\"lr\": {\"type\": "
			"\"float\", \"min\": 1e-5, \"max\": 1, \"scale\": "
			"\"log\"}})"							   },
		{ "{\"parameters\": {\"k\": {\"value\": 1}},\n\"metric\": "
		  "{\"goal\": \"up\"},\n\"trials\": 0}", "2:20: metric.goal: is \"up\" (must be \"minimize\" or "
		  "\"maximize\")\n3:11: trials: is 0 (must be a whole "
		  "number from 1 to 1000000)"},
	};
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *s = NULL;
	auto_free char *faults = NULL;
	const char *text = cases[_i].text;

	ck_assert_int_eq(search_parse_bare(text, strlen(text), &s, &d), 1);
	faults = diag_text(&d, NULL);
	ck_assert_str_eq(faults, cases[_i].faults);
}
END_TEST

START_TEST(I1_a_file_beyond_the_limit_is_refused)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_buf struct buf b = BUF_INIT;
	struct search_spec *spec = NULL;

	while (b.len <= 524288)
		buf_adds(&b, "                                ");
	ck_assert_int_eq(search_parse(b.data, b.len, &spec, &d), 1);
	ck_assert_str_eq(d.faults[0].text,
			 "524320 bytes are too many (at most 524288)");
}
END_TEST

/* Sound text of a search, and every place where it may be cut or changed. */
START_TEST(no_change_of_a_byte_is_read_beyond_its_end)
{
	auto_free char *text =
	    case_text(json_get(table, "base"),
		      cJSON_GetArrayItem(json_get(table, "cases"), 1));
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		static const char bytes[] = "\0{}[]\",:0-e\\\xff";
		auto_diag struct diag d = DIAG_INIT;
		auto_free char *copy = xmalloc(len);
		struct search_spec *spec = NULL;
		int r;

		memcpy(copy, text, len);
		copy[i] = bytes[i % sizeof(bytes)];
		r = search_parse(copy, len, &spec, &d);
		ck_assert_int_eq(r != 0, d.n > 0);
		search_free(spec);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;
} durations[] = {
	{"0",			   0           },
	{ "90",			 90000       },
	{ "1.5",			1500        },
	{ "10m",			600000      },
	{ "1h30m",		      5400000     },
	{ "2d",			 172800000   },
	{ "1d1h1m1s1ms",                90061001    },
	{ "1.5h",		       5400000     },
	{ "250ms",		      250         },
	{ "1m250ms",                    60250       },
	{ "0.0001ms",                   1           },
	{ "3650d",		      315360000000},
	{ "3651d",		      -1          },
	{ "99999999999999999999999999", -1          },
	{ "",			   -1          },
	{ "m",			  -1          },
	{ "1x",			 -1          },
	{ "1m ",			-1          },
	{ " 1m",			-1          },
	{ "1m30",		       -1          },
	{ "1m1m",		       -1          },
	{ "1m1h",		       -1          },
	{ "1ms1s",		      -1          },
	{ "1dh",			-1          },
	{ "-1s",			-1          },
	{ "+1s",			-1          },
	{ "1.",			 -1          },
	{ ".5",			 -1          },
	{ "1,5s",		       -1          },
	{ "1e3",			-1          },
	{ "nan",			-1          },
};

START_TEST(a_duration_is_this_many_milliseconds)
{
	ck_assert_int_eq(duration_parse(durations[_i].text), durations[_i].ms);
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = {
	{"0",		 0               },
	{ "1048576",          1048576         },
	{ "1K",               1024            },
	{ "512M",             536870912       },
	{ "1.5G",             1610612736      },
	{ "2T",               2199023255552   },
	{ "9007199254740992", 9007199254740992},
	{ "99999T",           -1              },
	{ "",		 -1              },
	{ "K",		-1              },
	{ "1k",               -1              },
	{ "1GB",              -1              },
	{ "1 G",              -1              },
	{ "-1G",              -1              },
	{ "1e9",              -1              },
};

START_TEST(a_size_is_this_many_bytes)
{
	ck_assert_int_eq(size_parse(sizes[_i].text), sizes[_i].bytes);
}
END_TEST

static const struct {
	const char *sampler, *parameters;
	int64_t trials;
	enum sampler_type type;
	bool is_auto;
} samplers[] = {
	{"{}",		     "",						    60,    SAMPLER_GP,    true },
	{ "{\"type\": \"auto\"}",  "",						    10000, SAMPLER_GP,    true },
	{ "{}",		    "",						    10001, SAMPLER_CMAES, true },
	{ "{}",		    ", \"c\": {\"value\": \"a\"}",                         10001, SAMPLER_CMAES, true },
	{ "{}",		    ", \"c\": {\"type\": \"choice\", \"values\": [1, 2]}", 10001,
         SAMPLER_TPE,											   true },
	{ "{\"type\": \"gp\"}",    "",						    10001, SAMPLER_GP,    false},
	{ "{\"type\": \"sobol\"}", "",						    60,    SAMPLER_SOBOL, false},
};

START_TEST(auto_is_this_sampler)
{
	auto_free char *text = xasprintf(
	    "{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "
	    "\"loss\"}, \"parameters\": {\"x\": {\"type\": \"float\", \"min\": "
	    "0, \"max\": 1}%s}, \"trials\": %d, \"sampler\": %s}",
	    samplers[_i].parameters, (int)samplers[_i].trials,
	    samplers[_i].sampler);
	struct search_spec *s = parse(text);

	ck_assert_int_eq(s->sampler, samplers[_i].type);
	ck_assert_int_eq(s->is_auto, samplers[_i].is_auto);
	search_free(s);
}
END_TEST

static const struct {
	const char *rest; /* of the file */
	double keep;
} shares[] = {
	{"\"trials\": 7",					    0.4 },
	{ "\"trials\": 100",					 0.4 },
	{ "\"trials\": 200",					 0.2 },
	{ "\"trials\": 200, \"early_stopping\": {\"min_steps\": 2}", 0.2 },
	{ "\"trials\": 200, \"early_stopping\": {\"keep\": 0.5}",    0.5 },
	{ "\"trials\": 200, \"early_stopping\": {\"type\": \"any\", "
	  "\"rules\": [{\"type\": \"funnel\"}]}",	   0.2 },
	{ "\"trials\": 1000, \"sampler\": {\"type\": \"grid\"}",     0.2 },
	{ "\"trials\": 1000, \"sampler\": {\"type\": \"random\"}",   0.1 },
	{ "\"trials\": 1000, \"sampler\": {\"type\": \"random\", "
	  "\"allow_duplicates\": true}",		    0.04},
	{ "\"sampler\": {\"type\": \"grid\"}",                       0.4 },
	{ "\"trials\": 800, \"sampler\": {\"type\": \"pbt\", \"population\": "
	  "50}, \"budget\": {\"name\": \"e\", \"min\": 1, \"max\": 16}, "
	  "\"early_stopping\": {\"type\": \"funnel\"}",     0.4 },
};

START_TEST(a_funnel_lets_at_most_forty_trials_go_on)
{
	auto_free char *text = xasprintf(
	    "{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "
	    "\"loss\"}, \"parameters\": {\"a\": {\"type\": \"int\", \"min\": 1, "
	    "\"max\": 20, \"points\": 10}, \"b\": {\"type\": \"int\", \"min\": "
	    "1, \"max\": 20}}, %s}",
	    shares[_i].rest);
	struct search_spec *s = parse(text);
	const struct early_stopping *rule = search_rule(s, PRUNER_FUNNEL);

	ck_assert_double_eq_tol(rule->keep, shares[_i].keep, 1e-15);
	search_free(s);
}
END_TEST

START_TEST(a_start_arrives_with_its_guesses_and_constants)
{
	struct search_spec *s = parse(
	    "{\"name\": \"s\", \"command\": [\"t\"], \"metric\": {\"name\": "
	    "\"loss\"}, \"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, "
	    "\"max\": 9, \"guess\": 4}, \"c\": {\"type\": \"choice\", "
	    "\"values\": [\"a\", \"b\"]}, \"y\": {\"value\": 7, \"when\": "
	    "{\"c\": \"b\"}}}, \"trials\": 2, \"start\": [{\"c\": \"b\"}, "
	    "{\"c\": \"a\", \"x\": 9}]}");

	ck_assert(s->space->params[0].has_guess);
	ck_assert(!s->space->params[1].has_guess);
	ck_assert_uint_eq(s->n_start, 2);
	ck_assert_int_eq(s->start[0].i, 4);
	ck_assert_int_eq(s->start[1].i, 1);
	ck_assert(s->start[2].active);
	ck_assert_int_eq(s->start[3].i, 9);
	ck_assert_int_eq(s->start[4].i, 0);
	ck_assert(!s->start[5].active);
	search_free(s);
}
END_TEST

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

static TCase *catalogue(void)
{
	TCase *tc = tcase_create("catalogue");

	tcase_add_test(tc, I1_what_is_beyond_a_limit_is_told_with_the_limit);
	tcase_add_test(tc, I1_a_file_beyond_the_limit_is_refused);
	tcase_add_test(tc,
		       I1_as_many_parameters_and_values_as_may_be_are_taken);
	tcase_add_test(tc, I2_a_range_holds_a_value_or_is_refused);
	tcase_add_test(tc, I3_a_name_is_a_plain_word);
	tcase_add_test(tc, I4_an_argument_stays_one_argument);
	tcase_add_test(tc, I5_env_sets_nothing_that_loads_code);
	tcase_add_loop_test(tc, I6_no_zero_byte_gets_into_a_command_line, 0,
			    N(places));
	return tc;
}

Suite *suite(void)
{
	Suite *s = suite_create("search");
	TCase *tc = tcase_create("search");

	table = read_table();
	tcase_add_loop_test(tc, a_case_has_exactly_its_faults, 0,
			    cJSON_GetArraySize(json_get(table, "cases")));
	tcase_add_test(tc, what_is_left_out_has_its_default);
	tcase_add_test(tc, every_key_arrives_in_the_spec);
	tcase_add_test(tc, a_start_arrives_with_its_guesses_and_constants);
	tcase_add_loop_test(tc, auto_is_this_sampler, 0, N(samplers));
	tcase_add_loop_test(tc, a_funnel_lets_at_most_forty_trials_go_on, 0,
			    N(shares));
	tcase_add_test(tc, a_bare_search_needs_its_parameters_alone);
	tcase_add_loop_test(tc, what_a_bare_search_has_is_checked_as_ever, 0,
			    3);
	tcase_add_test(tc, no_change_of_a_byte_is_read_beyond_its_end);
	tcase_add_loop_test(tc, a_duration_is_this_many_milliseconds, 0,
			    N(durations));
	tcase_add_loop_test(tc, a_size_is_this_many_bytes, 0, N(sizes));
	suite_add_tcase(s, tc);
	suite_add_tcase(s, catalogue());
	return s;
}
