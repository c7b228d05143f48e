#include "check_main.h"

#include "schema/mem.h"
#include "schema/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

static struct space *parse(const char *text)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	struct space *s = NULL;

	ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d), 0);
	if (space_parse(&doc, doc.root, &s, &d) != 0) {
		auto_free char *faults = diag_text(&d, NULL);

		ck_abort_msg("%s: %s", text, faults);
	}
	return s;
}

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double uniform(void)
{
	return (double)(draw() >> 11) * 0x1p-53;
}

/* A value of every parameter, and then activation. */
static void draw_config(const struct space *s, struct cell *config)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct param *p = &s->params[i];
		double t = uniform();

		switch (p->type) {
		case PARAM_FLOAT:
			config[i] =
			    param_snap(p, p->min + t * (p->max - p->min));
			break;
		case PARAM_INT:
			config[i] = param_snap(
			    p, (double)p->int_min +
				   t * (double)(p->int_max - p->int_min));
			break;
		case PARAM_CHOICE:
		case PARAM_CONSTANT:
			config[i].i = (int64_t)(draw() % p->n_values);
			break;
		}
	}
	space_activate(s, config);
}

static const char rich[] =
    "{\"momentum\": {\"type\": \"float\", \"min\": 0, \"max\": 0.99, "
    "\"when\": {\"optimizer\": [\"momentum\", \"nesterov\"]}},"
    " \"optimizer\": {\"type\": \"choice\", \"values\": [\"sgd\", "
    "\"momentum\", \"nesterov\"]},"
    " \"damping\": {\"type\": \"float\", \"min\": 1e-6, \"max\": 1, \"scale\": "
    "\"log\", \"when\": {\"momentum\": {\"min\": 0.5}}},"
    " \"layers\": {\"type\": \"int\", \"min\": 1, \"max\": 3},"
    " \"units2\": {\"type\": \"int\", \"min\": 8, \"max\": 256, \"scale\": "
    "\"log\", \"step\": 8, \"when\": {\"layers\": {\"min\": 2}}},"
    " \"units3\": {\"type\": \"int\", \"min\": 8, \"max\": 256, \"when\": "
    "{\"layers\": 3, \"optimizer\": \"sgd\"}},"
    " \"mixed\": {\"type\": \"choice\", \"values\": [1, \"1\", 1.5, true, "
    "false, null, \"{lr}\", \"\\u00e9\"]},"
    " \"dropout\": {\"type\": \"float\", \"min\": 0, \"max\": 0.7, \"step\": "
    "0.1},"
    " \"p\": {\"type\": \"float\", \"min\": 0.001, \"max\": 0.999, \"scale\": "
    "\"logit\"},"
    " \"epochs\": {\"value\": 30},"
    " \"note\": {\"type\": \"constant\", \"value\": \"x\", \"when\": "
    "{\"mixed\": [true, false]}}}";

START_TEST(a_child_is_active_exactly_when_its_parents_say_so)
{
	struct space *s = parse(rich);
	auto_free struct cell *c = xcalloc(s->n, sizeof(*c));

	for (int n = 0; n < 2000; n++) {
		bool sgd, layers2, layers3;

		draw_config(s, c);
		sgd = c[1].i == 0;
		layers2 = c[3].i >= 2;
		layers3 = c[3].i == 3;
		ck_assert_int_eq(c[0].active, !sgd);
		ck_assert_int_eq(c[2].active, !sgd && c[0].f >= 0.5);
		ck_assert_int_eq(c[4].active, layers2);
		ck_assert_int_eq(c[5].active, layers3 && sgd);
		ck_assert_int_eq(c[10].active, c[6].i == 3 || c[6].i == 4);
		for (size_t i = 0; i < s->n; i++)
			ck_assert(c[i].active || c[i].i == 0);
	}
	space_free(s);
}
END_TEST

START_TEST(every_parent_comes_before_its_children)
{
	struct space *s = parse(rich);
	auto_free size_t *rank = xcalloc(s->n, sizeof(*rank));

	for (size_t k = 0; k < s->n; k++)
		rank[s->order[k]] = k;
	for (size_t i = 0; i < s->n; i++) {
		const struct param *p = &s->params[i];

		for (size_t k = 0; k < p->n_conditions; k++)
			ck_assert_uint_lt(rank[p->conditions[k].parent],
					  rank[i]);
	}
	space_free(s);
}
END_TEST

START_TEST(what_is_printed_reads_back_equal_with_an_equal_hash)
{
	struct space *s = parse(rich);
	auto_free struct cell *a = xcalloc(s->n, sizeof(*a));
	auto_free struct cell *b = xcalloc(s->n, sizeof(*b));

	for (int n = 0; n < 2000; n++) {
		auto_json cJSON *object = NULL;
		auto_free char *text = NULL;
		auto_json_doc struct json_doc doc = { 0 };
		auto_diag struct diag d = DIAG_INIT;

		draw_config(s, a);
		object = space_print(s, a);
		text = json_print(object);
		ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d),
				 0);
		memset(b, 0xff, s->n * sizeof(*b));
		ck_assert_msg(space_read(s, doc.root, b, &d) == 0, "%s", text);
		ck_assert_msg(space_equal(s, a, b), "%s", text);
		ck_assert_uint_eq(space_hash(s, a), space_hash(s, b));
		/* Without the text in between, too. */
		ck_assert_int_eq(space_read(s, object, b, &d), 0);
		ck_assert(space_equal(s, a, b));
	}
	space_free(s);
}
END_TEST

START_TEST(different_configurations_differ_in_equality_and_hash)
{
	struct space *s = parse(rich);
	auto_free struct cell *a = xcalloc(s->n, sizeof(*a));
	auto_free struct cell *b = xcalloc(s->n, sizeof(*b));

	for (int n = 0; n < 2000; n++) {
		bool same;

		draw_config(s, a);
		draw_config(s, b);
		same = memcmp(a, b, s->n * sizeof(*a)) == 0;
		ck_assert_int_eq(space_equal(s, a, b), same);
		ck_assert_int_eq(space_hash(s, a) == space_hash(s, b), same);
	}
	space_free(s);
}
END_TEST

START_TEST(a_configuration_prints_in_file_order_with_its_types)
{
	struct space *s = parse(rich);
	auto_free struct cell *c = xcalloc(s->n, sizeof(*c));
	auto_json cJSON *object = NULL;
	auto_free char *text = NULL;

	c[0].f = 0.75;
	c[1].i = 1;
	c[2].f = 1e-05;
	c[3].i = 2;
	c[4].i = 16;
	c[6].i = 1;
	c[7] = param_snap(&s->params[7], 0.3);
	c[8].f = 0.5;
	space_activate(s, c);
	object = space_print(s, c);
	text = json_print(object);
	ck_assert_str_eq(text, "{\"momentum\":0.75,\"optimizer\":\"momentum\","
			       "\"damping\":1e-05,\"layers\":2,\"units2\":16,"
			       "\"mixed\":\"1\",\"dropout\":0.3,\"p\":0.5,"
			       "\"epochs\":30}");
	space_free(s);
}
END_TEST

static const struct {
	const char *config;
	const char *faults;
} unreadable[] = {
	{"[]",							  "is [] (must be an object, as {\"momentum\": ...})"      },
	{ "{}",							 "optimizer: is missing (it is active here)\n"
		"layers: is missing (it is active here)\n"
		"mixed: is missing (it is active here)\n"
		"dropout: is missing (it is active here)\n"
		"p: is missing (it is active here)"							       },
	{ "{\"optimiser\": 1, \"zzz\": 2, \"optimizer\": \"sgd\", \"layers\": "
	  "1.5, \"mixed\": [1], \"dropout\": 0.25, \"p\": 1}", "optimiser: is no parameter (did you mean \"optimizer\"?)\n"
	  "zzz: is no parameter of this search\n"
	  "layers: is 1.5 (must be a whole number from 1 to 3)\n"
	  "mixed: is [1] (must be one of "
	  "[1,\"1\",1.5,true,false,null,\"{lr}\",\"\xc3\xa9\"])\n"
	  "dropout: is 0.25 (must be a multiple of 0.1 from 0 to 0.7)\n"
	  "p: is 1 (must be a number from 0.001 to 0.999)"},
	{ "{\"momentum\": 0.1, \"optimizer\": \"sgd\", \"layers\": 1, "
	  "\"units2\": 8, \"mixed\": 1.0, \"dropout\": 0, \"p\": 0.5, "
	  "\"epochs\": 31}",				   "momentum: has no place here (its \"when\" on \"optimizer\" does not "
	  "hold; leave it out)\n"
	  "units2: has no place here (its \"when\" on \"layers\" does not hold; "
	  "leave it out)\n"
	  "epochs: is 31 (must be 30)"						      },
	{ "{\"optimizer\": \"nesterov\", \"layers\": \"2\", \"mixed\": true, "
	  "\"dropout\": 0, \"p\": 0.5}",		       "momentum: is missing (it is active here)\n"
	  "layers: is \"2\" (must be a whole number from 1 to 3)"               },
};

START_TEST(every_fault_of_a_configuration_is_told)
{
	struct space *s = parse(rich);
	auto_free struct cell *c = xcalloc(s->n, sizeof(*c));
	auto_json cJSON *object = cJSON_Parse(unreadable[_i].config);
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;

	ck_assert_int_eq(space_read(s, object, c, &d), 1);
	text = diag_text(&d, NULL);
	ck_assert_str_eq(text, unreadable[_i].faults);
	space_free(s);
}
END_TEST

static const struct {
	const char *param;
	const char *levels; /* of a few, or NULL */
	uint64_t n;
	uint64_t cardinality;
} levelled[] = {
	{"{\"type\": \"float\", \"min\": 0, \"max\": 1}",                       "",                              0,                0               },
	{ "{\"type\": \"float\", \"min\": 2, \"max\": 2}",                      "2",                             1,                1               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 1, \"points\": 5}",
         "0 0.25 0.5 0.75 1",										    5,                0               },
	{ "{\"type\": \"float\", \"min\": 1e-5, \"max\": 1, \"scale\": "
	  "\"log\", \"points\": 6}",				   "1e-05 0.0001 0.001 0.01 0.1 1", 6,                0               },
	{ "{\"type\": \"float\", \"min\": 0.01, \"max\": 0.99, \"scale\": "
	  "\"logit\", \"points\": 3}",				 "0.01 0.5 0.99",                 3,                0               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 0.35, \"step\": 0.1}",
         "0 0.1 0.2 0.3",											4,                4               },
	{ "{\"type\": \"float\", \"min\": 0.05, \"max\": 0.35, \"step\": 0.1}",
         "0.1 0.2 0.3",											  3,                3               },
	{ "{\"type\": \"float\", \"min\": -0.3, \"max\": 0.3, \"step\": 0.1}",
         "-0.3 -0.2 -0.1 0 0.1 0.2 0.3",									 7,                7               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 1, \"step\": 0.25, "
	  "\"points\": 3}",					    "0 0.5 1",		       3,                5               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 0.2, \"step\": 0.1, "
	  "\"points\": 100}",					  "0 0.1 0.2",                     3,                3               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 1, \"values\": [1, 0.1, "
	  "0.5]}",						     "0.1 0.5 1",                     3,                0               },
	{ "{\"type\": \"float\", \"min\": 0, \"max\": 1, \"step\": 0.1, "
	  "\"values\": [0.30000000000000004, 0.3]}",		   "0.3",			   1,                11              },
	{ "{\"type\": \"float\", \"min\": 1e-12, \"max\": 0.25, \"scale\": "
	  "\"log\", \"step\": 0.1}",				   "0.1 0.2",		       2,                2               },
	{ "{\"type\": \"float\", \"min\": 0.05, \"max\": "
	  "0.99999999999999989, \"scale\": \"logit\", \"step\": 0.5}", "0.5",			   1,                1               },
	{ "{\"type\": \"int\", \"min\": -2, \"max\": 2}",                       "-2 -1 0 1 2",                   5,                5               },
	{ "{\"type\": \"int\", \"min\": 1, \"max\": 9, \"step\": 2}",           "2 4 6 8",
         4,															4	       },
	{ "{\"type\": \"int\", \"min\": 8, \"max\": 256, \"scale\": \"log\", "
	  "\"points\": 6}",					    "8 16 32 64 128 256",            6,                249             },
	{ "{\"type\": \"int\", \"min\": 1, \"max\": 4, \"scale\": \"log\", "
	  "\"points\": 100}",					  "1 2 3 4",		       4,                4               },
	{ "{\"type\": \"int\", \"min\": 1, \"max\": 100, \"values\": [64, 1, "
	  "8.0]}",						     "1 8 64",			3,                100             },
	{ "{\"type\": \"int\", \"min\": -9007199254740992, \"max\": "
	  "9007199254740992, \"step\": 2}",			    NULL,			    9007199254740993, 9007199254740993},
	{ "{\"type\": \"choice\", \"values\": [\"b\", 1, null]}",               "b 1 null",                      3,
         3																	 },
	{ "{\"value\": true}",						  "true",                          1,                1               },
};

START_TEST(levels_are_these)
{
	auto_free char *text = xasprintf("{\"x\": %s}", levelled[_i].param);
	struct space *s = parse(text);
	const struct param *p = &s->params[0];
	auto_buf struct buf b = BUF_INIT;

	ck_assert_uint_eq(param_levels(p), levelled[_i].n);
	ck_assert_uint_eq(space_levels(s), levelled[_i].n);
	ck_assert_uint_eq(param_cardinality(p), levelled[_i].cardinality);
	ck_assert_int_eq(space_is_discrete(s), levelled[_i].cardinality > 0);
	for (uint64_t k = 0; levelled[_i].levels != NULL && k < param_levels(p);
	     k++) {
		struct cell c = param_level(p, k);
		struct scalar v = param_scalar(p, &c);

		if (k > 0)
			buf_addc(&b, ' ');
		scalar_print(&v, &b);
	}
	if (levelled[_i].levels != NULL)
		ck_assert_str_eq(buf_text(&b), levelled[_i].levels);
	space_free(s);
}
END_TEST

static double number(const struct param *p, const struct cell *c)
{
	return p->type == PARAM_FLOAT ? c->f : (double)c->i;
}

/* Levels ascend, stay in the range, and snapping leaves them alone. */
START_TEST(levels_and_values_are_distinct_inside_and_snapped)
{
	static const char *const params[] = {
		"\"float\", \"min\": -1.7, \"max\": 3.3, \"points\": 10000",
		"\"float\", \"min\": 1e-300, \"max\": 1e300, \"scale\": "
		"\"log\", \"points\": 10000",
		"\"float\", \"min\": 1e-9, \"max\": 0.999999, \"scale\": "
		"\"logit\", \"points\": 10000",
		"\"float\", \"min\": -8.9e307, \"max\": 8.9e307, \"points\": "
		"101",
		"\"float\", \"min\": 0, \"max\": 1, \"step\": 0.0003",
		"\"float\", \"min\": -5, \"max\": 5, \"step\": "
		"0.012345678901234567",
		"\"float\", \"min\": 0.1, \"max\": 7000, \"step\": 0.7, "
		"\"scale\": \"log\", \"points\": 10000",
		"\"int\", \"min\": 1, \"max\": 1000000, \"scale\": \"log\", "
		"\"points\": 10000",
		"\"int\", \"min\": -1000, \"max\": 1000, \"step\": 7",
	};
	auto_free char *text = xasprintf("{\"x\": {\"type\": %s}}", params[_i]);
	struct space *s = parse(text);
	const struct param *p = &s->params[0];
	uint64_t levels = param_levels(p), values = param_cardinality(p);
	double last = -(double)INFINITY;

	for (uint64_t k = 0; k < levels; k++) {
		struct cell c = param_level(p, k);
		struct cell snapped = param_snap(p, number(p, &c));

		ck_assert_double_gt(number(p, &c), last);
		last = number(p, &c);
		ck_assert_double_eq(number(p, &snapped), last);
	}
	last = -(double)INFINITY;
	for (uint64_t k = 0; k < values && k < 100000; k++) {
		struct cell c = param_value(p, k);
		struct cell snapped = param_snap(p, number(p, &c));

		ck_assert_double_gt(number(p, &c), last);
		last = number(p, &c);
		ck_assert_double_eq(number(p, &snapped), last);
	}
	space_free(s);
}
END_TEST

START_TEST(I1_the_product_of_levels_saturates)
{
	struct space *s = parse(
	    "{\"a\": {\"type\": \"int\", \"min\": 0, \"max\": 9007199254740991},"
	    " \"b\": {\"type\": \"int\", \"min\": 0, \"max\": 9007199254740991},"
	    " \"c\": {\"value\": 1}}");

	ck_assert_uint_eq(space_levels(s), UINT64_MAX);
	space_free(s);
	s = parse("{\"a\": {\"type\": \"int\", \"min\": 0, \"max\": 6}, "
		  "\"b\": {\"type\": \"choice\", \"values\": [1, 2, 3]}}");
	ck_assert_uint_eq(space_levels(s), 21);
	space_free(s);
}
END_TEST

START_TEST(snapping_takes_any_number_to_the_nearest_value)
{
	struct space *s =
	    parse("{\"i\": {\"type\": \"int\", \"min\": 10, \"max\": 100, "
		  "\"step\": 10}, \"f\": {\"type\": \"float\", \"min\": -1, "
		  "\"max\": 1, \"step\": 0.1}}");
	const struct param *i = &s->params[0], *f = &s->params[1];

	ck_assert_int_eq(param_snap(i, -1e300).i, 10);
	ck_assert_int_eq(param_snap(i, 1e300).i, 100);
	ck_assert_int_eq(param_snap(i, 24.9).i, 20);
	ck_assert_int_eq(param_snap(i, 26).i, 30);
	ck_assert_double_eq(param_snap(f, 0.1 + 0.2).f, 0.3);
	ck_assert_double_eq(param_snap(f, -0.04).f, 0);
	ck_assert_int_eq(signbit(param_snap(f, -0.04).f), 0);
	ck_assert_double_eq(param_snap(f, (double)INFINITY).f, 1);
	space_free(s);
}
END_TEST

START_TEST(a_variable_is_upper_case_and_underscores)
{
	auto_free char *variable = param_variable("model.Learning-rate_2");

	ck_assert_str_eq(variable, "HPS_PARAM_MODEL_LEARNING_RATE_2");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("space");
	TCase *tc = tcase_create("space");

	tcase_add_test(tc, a_child_is_active_exactly_when_its_parents_say_so);
	tcase_add_test(tc, every_parent_comes_before_its_children);
	tcase_add_test(tc, what_is_printed_reads_back_equal_with_an_equal_hash);
	tcase_add_test(tc,
		       different_configurations_differ_in_equality_and_hash);
	tcase_add_test(tc, a_configuration_prints_in_file_order_with_its_types);
	tcase_add_loop_test(tc, every_fault_of_a_configuration_is_told, 0,
			    N(unreadable));
	tcase_add_loop_test(tc, levels_are_these, 0, N(levelled));
	tcase_add_loop_test(
	    tc, levels_and_values_are_distinct_inside_and_snapped, 0, 9);
	tcase_add_test(tc, I1_the_product_of_levels_saturates);
	tcase_add_test(tc, snapping_takes_any_number_to_the_nearest_value);
	tcase_add_test(tc, a_variable_is_upper_case_and_underscores);
	suite_add_tcase(s, tc);
	return s;
}
