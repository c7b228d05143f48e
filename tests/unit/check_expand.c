#include "check_main.h"

#include "schema/expand.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

/* Values that a shell or a second look at the text would make something of. */
static const char *const hostile[] = {
	"$(x)", "; rm -rf /", "a b",        "line\nbreak", "{lr}",
	"{{",   "}",          "{args}",     "'\"",         "",
	"*",    "--flag",     "\xc3\xa9\\", "=",           "%s%n${IFS}",
};

static struct search_spec *parse(const char *command, const char *env)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_json cJSON *values = cJSON_CreateArray();
	auto_free char *list = NULL;
	auto_free char *text = NULL;
	struct search_spec *spec = NULL;

	for (int i = 0; i < N(hostile); i++)
		cJSON_AddItemToArray(values, cJSON_CreateString(hostile[i]));
	list = json_print(values);
	text = xasprintf(
	    "{\"name\": \"s\", \"metric\": {\"name\": \"loss\"}, \"trials\": "
	    "9, \"command\": %s, \"env\": %s, \"parameters\": {"
	    "\"lr\": {\"type\": \"float\", \"min\": 1e-5, \"max\": 10},"
	    "\"layers\": {\"type\": \"int\", \"min\": 1, \"max\": 3},"
	    "\"units.2\": {\"type\": \"int\", \"min\": 1, \"max\": 99, "
	    "\"when\": {\"layers\": {\"min\": 2}}},"
	    "\"text\": {\"type\": \"choice\", \"values\": %s},"
	    "\"on\": {\"value\": true}}}",
	    command, env, list);
	if (search_parse(text, strlen(text), &spec, &d) != 0) {
		auto_free char *faults = diag_text(&d, NULL);

		ck_abort_msg("%s", faults);
	}
	return spec;
}

/* lr 0.001, layers and units as told, text @text of the hostile ones. */
static void configure(struct cell *c, int64_t layers, int64_t text)
{
	memset(c, 0, 5 * sizeof(*c));
	c[0] = (struct cell){ true, .f = 0.001 };
	c[1] = (struct cell){ true, .i = layers };
	if (layers >= 2)
		c[2] = (struct cell){ true, .i = 64 };
	c[3] = (struct cell){ true, .i = text };
	c[4].active = true;
}

static struct expand expansion(const struct search_spec *spec,
			       const struct cell *config)
{
	return (struct expand){
		.spec = spec,
		.config = config,
		.search = "s",
		.trial = 7,
		.attempt = 2,
		.seed = 12345,
		.dir = "/st/trials/1/7",
		.socket = "/run/hpsd.sock",
		.token = "abc",
	};
}

/* Elements joined by "|". */
static char *join(char **strv)
{
	struct buf b = BUF_INIT;

	for (char **s = strv; *s != NULL; s++)
		buf_addf(&b, "%s%s", s == strv ? "" : "|", *s);
	return buf_take(&b);
}

static const struct {
	const char *command;
	int layers;
	const char *argv;
} commands[] = {
	{"[\"t\"]",					     1, "t"                    },
	{ "[\"t\", \"{lr}\", \"-l{layers}\"]",                  1, "t|0.001|-l1"          },
	{ "[\"t\", \"{args}\", \"end\"]",                       1,
         "t|--lr=0.001|--layers=1|--text=$(x)|--on=true|end"                              },
	{ "[\"t\", \"{args}\"]",                                2,
         "t|--lr=0.001|--layers=2|--units.2=64|--text=$(x)|--on=true"                     },
	{ "[\"t\", \"{units.2}\", \"--u={units.2}\", \"x\"]",   1, "t|x"                  },
	{ "[\"t\", \"{units.2}\", \"--u={units.2}\", \"x\"]",   3,
         "t|64|--u=64|x"								  },
	{ "[\"t\", \"{args_json}\"]",                           1,
         "t|{\"lr\":0.001,\"layers\":1,\"text\":\"$(x)\",\"on\":true}"                    },
	{ "[\"t\", \"{params_file}\", \"{trial}\", \"{search}\", \"{dir}\", "
	  "\"{checkpoint}\", \"{seed}\", \"{fold}\"]", 1,
         "t|/st/trials/1/7/params.json|7|s|/st/trials/1/7|"
	  "/st/trials/1/7/checkpoint|12345|0"                                             },
	{ "[\"t\", \"{{lr}\", \"{{{lr}}\", \"}{lr}{{\", \"\"]", 1,
         "t|{lr}|{0.001}|}0.001{|"							},
	{ "[\"{dir}/t\", \"a{trial}b{trial}\"]",                1, "/st/trials/1/7/t|a7b7"},
};

START_TEST(a_command_expands_to_this_argv)
{
	struct search_spec *spec = parse(commands[_i].command, "{}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **argv = NULL;
	auto_free char *joined = NULL;

	configure(config, commands[_i].layers, 0);
	argv = expand_argv(&e);
	joined = join(argv);
	ck_assert_str_eq(joined, commands[_i].argv);
	search_free(spec);
}
END_TEST

/* The value arrives byte for byte, in one element, whatever stands in it. */
START_TEST(I3_I4_a_hostile_value_stays_one_element_as_it_is)
{
	struct search_spec *spec =
	    parse("[\"t\", \"{text}\", \"--x={text}\", \"{args}\"]",
		  "{\"T\": \"<{text}>\"}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **argv = NULL;
	auto_strv char **env = NULL;
	auto_free char *flag = xasprintf("--x=%s", hostile[_i]);
	auto_free char *arg = xasprintf("--text=%s", hostile[_i]);
	auto_free char *variable = xasprintf("T=<%s>", hostile[_i]);
	auto_free char *own = xasprintf("HPS_PARAM_TEXT=%s", hostile[_i]);
	bool found = false, found_own = false;
	size_t n = 0;

	configure(config, 1, _i);
	argv = expand_argv(&e);
	while (argv[n] != NULL)
		n++;
	ck_assert_uint_eq(n, 3 + 4);
	ck_assert_str_eq(argv[1], hostile[_i]);
	ck_assert_str_eq(argv[2], flag);
	ck_assert_str_eq(argv[5], arg);
	env = expand_environ(&e);
	for (char **v = env; *v != NULL; v++) {
		found |= strcmp(*v, variable) == 0;
		found_own |= strcmp(*v, own) == 0;
	}
	ck_assert(found && found_own);
	search_free(spec);
}
END_TEST

/* Elements of argv: one a plain one, one an active parameter of {args}. */
START_TEST(I4_the_number_of_elements_follows_the_active_parameters)
{
	struct search_spec *spec = parse(
	    "[\"t\", \"{args}\", \"{units.2}\", \"{args}\", \"-\"]", "{}");

	for (int layers = 1; layers <= 3; layers++) {
		struct cell config[5];
		struct expand e = expansion(spec, config);
		auto_strv char **argv = NULL;
		size_t n = 0;

		configure(config, layers, 0);
		argv = expand_argv(&e);
		while (argv[n] != NULL)
			n++;
		ck_assert_uint_eq(n, layers == 1 ? 2 + 2 * 4 : 3 + 2 * 5);
	}
	search_free(spec);
}
END_TEST

/* The value of a variable, NULL if it is not set; it is set once at most. */
static const char *get(char **env, const char *name)
{
	const char *value = NULL;
	size_t n = strlen(name);

	for (; *env != NULL; env++) {
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=') {
			ck_assert_msg(value == NULL, "%s twice", name);
			value = *env + n + 1;
		}
	}
	return value;
}

START_TEST(B16_I5_the_environment_is_the_submitters_then_the_searchs_then_ours)
{
	static const char *const submitters[] = {
		"PATH=/bin",
		"A=submitter",
		"EMPTY=",
		"HPS_SEED=9",
		"HPS_OTHER=9",
		"LD_PRELOAD=x.so",
		"NOTIFY_SOCKET=/n",
		"LISTEN_PID=1",
		"LD_LIBRARY_PATH=/l",
		"no-sign",
		"=x",
		"MULTI=a=b\nc",
		NULL,
	};
	struct search_spec *spec =
	    parse("[\"t\"]", "{\"A\": \"{lr}\", \"U\": \"{units.2}\"}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **env = NULL;

	configure(config, 1, 0);
	e.environ = submitters;
	env = expand_environ(&e);
	ck_assert_str_eq(get(env, "PATH"), "/bin");
	ck_assert_str_eq(get(env, "A"), "0.001");
	ck_assert_str_eq(get(env, "EMPTY"), "");
	ck_assert_str_eq(get(env, "MULTI"), "a=b\nc");
	ck_assert_str_eq(get(env, "LD_LIBRARY_PATH"), "/l");
	ck_assert_ptr_null(get(env, "U"));
	ck_assert_ptr_null(get(env, "HPS_OTHER"));
	ck_assert_ptr_null(get(env, "LD_PRELOAD"));
	ck_assert_ptr_null(get(env, "NOTIFY_SOCKET"));
	ck_assert_ptr_null(get(env, "LISTEN_PID"));
	ck_assert_str_eq(get(env, "HPS_SEARCH"), "s");
	ck_assert_str_eq(get(env, "HPS_TRIAL"), "7");
	ck_assert_str_eq(get(env, "HPS_ATTEMPT"), "2");
	ck_assert_str_eq(get(env, "HPS_SEED"), "12345");
	ck_assert_str_eq(get(env, "HPS_DIR"), "/st/trials/1/7");
	ck_assert_str_eq(get(env, "HPS_CHECKPOINT"),
			 "/st/trials/1/7/checkpoint");
	ck_assert_str_eq(get(env, "HPS_SOCKET"), "/run/hpsd.sock");
	ck_assert_str_eq(get(env, "HPS_TOKEN"), "abc");
	ck_assert_str_eq(get(env, "HPS_PARAMS"),
			 "{\"lr\":0.001,\"layers\":1,\"text\":\"$(x)\",\"on\":"
			 "true}");
	ck_assert_str_eq(get(env, "HPS_PARAM_LR"), "0.001");
	ck_assert_str_eq(get(env, "HPS_PARAM_ON"), "true");
	ck_assert_ptr_null(get(env, "HPS_PARAM_UNITS_2"));
	ck_assert_str_eq(get(env, "PYTHONUNBUFFERED"), "1");
	search_free(spec);
}
END_TEST

START_TEST(I5_no_variable_of_the_loader_passes)
{
	static const char *const withheld[] = {
		"LD_PRELOAD=/x.so", "LD_AUDIT=/x.so", "GLIBC_TUNABLES=a=b",
		"BASH_ENV=/x",      "HPS_TOKEN=x",    NULL,
	};
	struct search_spec *spec = parse("[\"t\"]", "{}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **env = NULL;

	configure(config, 1, 0);
	e.environ = withheld;
	env = expand_environ(&e);
	for (size_t i = 0; withheld[i] != NULL; i++) {
		auto_free char *name =
		    xstrndup(withheld[i], strcspn(withheld[i], "="));

		ck_assert(expand_withholds(name));
		for (char **v = env; *v != NULL; v++)
			ck_assert_str_ne(*v, withheld[i]);
	}
	search_free(spec);
}
END_TEST

START_TEST(an_active_parameter_appears_in_the_environment)
{
	struct search_spec *spec = parse("[\"t\"]", "{\"U\": \"{units.2}\"}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **env = NULL;

	configure(config, 2, 0);
	e.socket = NULL;
	e.token = NULL;
	env = expand_environ(&e);
	ck_assert_str_eq(get(env, "U"), "64");
	ck_assert_str_eq(get(env, "HPS_PARAM_UNITS_2"), "64");
	ck_assert_ptr_null(get(env, "HPS_SOCKET"));
	ck_assert_ptr_null(get(env, "HPS_TOKEN"));
	search_free(spec);
}
END_TEST

START_TEST(G10_python_is_unbuffered_unless_somebody_said_so)
{
	static const char *const submitters[] = { "PYTHONUNBUFFERED=", NULL };
	struct search_spec *spec = parse("[\"t\"]", "{}");
	struct cell config[5];
	struct expand e = expansion(spec, config);
	auto_strv char **unbuffered = NULL;
	auto_strv char **env = NULL;

	configure(config, 1, 0);
	unbuffered = expand_environ(&e);
	ck_assert_str_eq(get(unbuffered, "PYTHONUNBUFFERED"), "1");
	e.environ = submitters;
	env = expand_environ(&e);
	ck_assert_str_eq(get(env, "PYTHONUNBUFFERED"), "");
	search_free(spec);
}
END_TEST

/* Else a run could go on with the model of another one's training data. */
START_TEST(each_run_has_its_fold_and_its_checkpoint)
{
	static const char command[] = "[\"t\", \"{fold}\", \"{checkpoint}\"]";
	static const struct {
		const char *runs, *argv, *fold;
	} cases[] = {
		{"\"folds\": 5",    "t|3|/st/trials/1/7/checkpoint-3", "3" },
		{ "\"repeats\": 5", "t|0|/st/trials/1/7/checkpoint-3", NULL},
		{ "\"retries\": 0", "t|0|/st/trials/1/7/checkpoint",   NULL},
	};

	for (size_t i = 0; i < N(cases); i++) {
		auto_free char *rest = xasprintf("{}, %s", cases[i].runs);
		struct search_spec *spec = parse(command, rest);
		struct cell config[5];
		struct expand e = expansion(spec, config);
		auto_strv char **argv = NULL;
		auto_strv char **env = NULL;
		auto_free char *joined = NULL;

		configure(config, 1, 0);
		e.run = 3;
		argv = expand_argv(&e);
		env = expand_environ(&e);
		joined = join(argv);
		ck_assert_str_eq(joined, cases[i].argv);
		ck_assert_pstr_eq(get(env, "HPS_FOLD"), cases[i].fold);
		ck_assert_str_eq(get(env, "HPS_CHECKPOINT"),
				 strrchr(joined, '|') + 1);
		search_free(spec);
	}
}
END_TEST

/* The next run goes on with what this one has begun. */
START_TEST(each_run_has_its_budget_and_the_same_checkpoint)
{
	static const char command[] = "[\"t\", \"-n{epochs}\", \"{args}\", "
				      "\"{args_json}\", \"{checkpoint}\"]";
	static const char budget[] =
	    "{}, \"budget\": {\"name\": \"epochs\", \"min\": 2, \"max\": 19}";
	static const char *const levels[] = { "2", "6", "18", "19" };
	struct search_spec *spec = parse(command, budget);

	ck_assert_int_eq(spec->runs, N(levels));
	for (size_t run = 0; run < N(levels); run++) {
		struct cell config[5];
		struct expand e = expansion(spec, config);
		auto_strv char **argv = NULL;
		auto_strv char **args = NULL;
		auto_strv char **env = NULL;
		auto_free char *joined = NULL;
		auto_free char *joined_args = NULL;
		auto_free char *expected_args =
		    xasprintf("--lr=0.001|--layers=1|--text=$(x)|--on=true|"
			      "--epochs=%s",
			      levels[run]);
		auto_free char *expected = xasprintf(
		    "t|-n%s|%s|{\"lr\":0.001,\"layers\":1,\"text\":\"$(x)\","
		    "\"on\":true,\"epochs\":%s}|/st/trials/1/7/checkpoint",
		    levels[run], expected_args, levels[run]);

		configure(config, 1, 0);
		e.run = (int64_t)run;
		argv = expand_argv(&e);
		args = expand_args(&e);
		env = expand_environ(&e);
		joined = join(argv);
		joined_args = join(args);
		ck_assert_str_eq(joined, expected);
		ck_assert_str_eq(joined_args, expected_args);
		ck_assert_pstr_eq(get(env, "HPS_BUDGET"), levels[run]);
		ck_assert_pstr_eq(get(env, "HPS_PARAM_EPOCHS"), levels[run]);
		ck_assert_pstr_eq(get(env, "HPS_CHECKPOINT"),
				  "/st/trials/1/7/checkpoint");
		ck_assert_uint_eq(expand_seed(spec, 7, e.run),
				  expand_seed(spec, 7, 0));
	}
	search_free(spec);
}
END_TEST

static uint64_t seed_of(uint64_t seed, int64_t number, int64_t run)
{
	struct search_spec spec = { .seed = seed };

	return expand_seed(&spec, number, run);
}

START_TEST(seeds_of_trials_and_runs_differ_and_stay_below_2_to_the_31)
{
	uint64_t before = 0;

	for (int64_t n = 0; n < 1000; n++) {
		uint64_t seed = seed_of(1, n, 0);

		ck_assert_uint_lt(seed, (uint64_t)1 << 31);
		ck_assert_uint_ne(seed, before);
		ck_assert_uint_eq(seed, seed_of(1, n, 0));
		ck_assert_uint_ne(seed, seed_of(2, n, 0));
		ck_assert_uint_ne(seed, seed_of(1, n, 1));
		ck_assert_uint_lt(seed_of(1, n, 1), (uint64_t)1 << 31);
		ck_assert_uint_ne(seed_of(1, n, 2), seed_of(1, n, 1));
		before = seed;
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("expand");
	TCase *tc = tcase_create("expand");

	tcase_add_loop_test(tc, a_command_expands_to_this_argv, 0, N(commands));
	tcase_add_loop_test(tc,
			    I3_I4_a_hostile_value_stays_one_element_as_it_is, 0,
			    N(hostile));
	tcase_add_test(tc,
		       I4_the_number_of_elements_follows_the_active_parameters);
	tcase_add_test(
	    tc,
	    B16_I5_the_environment_is_the_submitters_then_the_searchs_then_ours);
	tcase_add_test(tc, I5_no_variable_of_the_loader_passes);
	tcase_add_test(tc, an_active_parameter_appears_in_the_environment);
	tcase_add_test(tc, G10_python_is_unbuffered_unless_somebody_said_so);
	tcase_add_test(tc, each_run_has_its_fold_and_its_checkpoint);
	tcase_add_test(tc, each_run_has_its_budget_and_the_same_checkpoint);
	tcase_add_test(
	    tc, seeds_of_trials_and_runs_differ_and_stay_below_2_to_the_31);
	suite_add_tcase(s, tc);
	return s;
}
