#include "check_main.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The faults of @text, "" if it parses. */
static char *faults(const char *text, size_t len)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	int r = json_doc_parse(text, len, &doc, &d);

	ck_assert_int_eq(r != 0, d.n > 0);
	return diag_text(&d, NULL);
}

static const struct {
	const char *text;
	const char *fault;
} bad[] = {
	{"",					       "1:1: holds nothing (a JSON value should be here)"     },
	{ " \n ",					  "2:2: holds nothing (a JSON value should be here)"     },
	{ "\xef\xbb\xbf{}",				"1:1: begins with a byte order mark (save it as "
			    "UTF-8 without one)"                                       },
	{ "{\"a\": 1,}",				   "1:8: a ',' before '}' (remove it)"                    },
	{ "[1,\n 2,\n]",				   "2:3: a ',' before ']' (remove it)"                    },
	{ "[,1]",					  "1:2: ',' where a value should be"                     },
	{ "{'a': 1}",				      "1:2: a string stands in double quotes (\"), not in "
		      "single ones (')"						      },
	{ "[\xe2\x80\x9c",				 "1:2: a string stands in plain double quotes (\"), "
			   "not in typographic ones (\xe2\x80\x9c)"                     },
	{ "{\n// x\n}",				    "2:1: JSON has no comments (remove it)"                },
	{ "[1 # x\n]",				     "1:4: JSON has no comments (remove it)"                },
	{ "{a: 1}",					"1:2: a name stands in double quotes (\"a\")"          },
	{ "{1: 1}",					"1:2: a name stands in double quotes (\"1\")"          },
	{ "{\"a\" 1}",				     "1:6: '1' where the ':' after a name should be"        },
	{ "{\"a\": }",				     "1:7: '}' where a value should be"                     },
	{ "{\"a\":",				       "1:6: the text ends where a value should be"           },
	{ "{\"a\": adam}",				 "1:7: adam must stand in double quotes (\"adam\")"     },
	{ "[True]",					"1:2: True is written true in JSON"                    },
	{ "[None]",					"1:2: None is written null in JSON"                    },
	{ "[NaN]",					 "1:2: JSON has no NaN and no infinity"                 },
	{ "[-Infinity]",				   "1:2: JSON has no infinity"                            },
	{ "[1 2]",					 "1:4: a ',' is missing between the values"             },
	{ "{\"a\": 1\n\"b\": 2}",                          "2:1: a ',' is missing between the values"             },
	{ "[1}",					   "1:3: '}' where ']' should be"                         },
	{ "[1;2]",					 "1:3: ';' where a ',' should be"                       },
	{ "{\"a\": [1, 2",				 "1:7: this '[' is never closed (by ']')"               },
	{ "{",					     "1:1: this '{' is never closed (by '}')"               },
	{ "[1] x",					 "1:5: text after the end of the document (remove it)"  },
	{ "[\"a]",					 "1:2: this string is not closed (a \" is missing)"     },
	{ "[\"a\n\"]",				     "1:2: this string is not closed (a \" is missing)"     },
	{ "[\"\\x\"]",				     "1:3: a backslash begins an escape (a backslash itself "
		       "is written \\\\)"						   },
	{ "[\"a\tb\"]",				    "1:4: a control character in a string (write it "
			"\\u0009)"							 },
	{ "[\"\\u12g4\"]",				 "1:3: \\u wants four hexadecimal digits (as "
			   "\\u00e9)"						   },
	{ "[\"\\u0000\"]",				 "1:3: \\u0000 has no place in a string"                },
	{ "[\"\\ud83d\"]",				 "1:3: half of a surrogate pair (both halves are "
			   "needed, as \\ud83d\\ude00)"                                 },
	{ "[\"\\ude00\"]",				 "1:3: half of a surrogate pair (both halves are "
			   "needed, as \\ud83d\\ude00)"                                 },
	{ "[\"\xff\"]",				    "1:3: a byte 0xff is not UTF-8 (save the text as "
			"UTF-8)"							   },
	{ "[\"\xc0\x80\"]",				"1:3: a byte 0xc0 is not UTF-8 (save the text as "
			    "UTF-8)"						   },
	{ "[\"\xed\xa0\x80\"]",                            "1:3: a byte 0xed is not UTF-8 (save the text "
				"as UTF-8)"                                        },
	{ "\x01",					  "1:1: a byte 0x01 where a value should be"             },
	{ "[01]",					  "1:2: 01 is no JSON number (as 1, -0.5 or 1e-3 are)"   },
	{ "[+1]",					  "1:2: +1 is no JSON number (as 1, -0.5 or 1e-3 are)"   },
	{ "[.5]",					  "1:2: .5 is no JSON number (as 1, -0.5 or 1e-3 are)"   },
	{ "[5.]",					  "1:2: 5. is no JSON number (as 1, -0.5 or 1e-3 are)"   },
	{ "[1e]",					  "1:2: 1e is no JSON number (as 1, -0.5 or 1e-3 are)"   },
	{ "[-]",					   "1:2: - is no JSON number (as 1, -0.5 or 1e-3 are)"    },
	{ "[0x10]",					"1:2: 0x10 is no JSON number (as 1, -0.5 or 1e-3 are)" },
	{ "[1_000]",				       "1:2: 1_000 is no JSON number (as 1, -0.5 or 1e-3 are)"},
	{ "[1e400]",				       "1:2: 1e400 is too large (at most about 1.8e308)"      },
	{ "[1e-400]",				      "1:2: 1e-400 is too small (at least about 5e-324, or "
		      "0)"								   },
	{ "{\"a\": 1,\n \"\\u0061\": 2}",
         "2:2: the name \"a\" stands twice in this object (first in line "
	  "1)"												    },
	{ "{\"b\": {\"c\": 1, \"c\": 2},\n \"b\": 1e999}",
         "1:16: the name \"c\" stands twice in this object (first in line "
	  "1)\n"
	  "2:2: the name \"b\" stands twice in this object (first in line "
	  "1)\n"
	  "2:7: 1e999 is too large (at most about 1.8e308)"                                                       },
	{ "[\"\xc3\xa9\xc3\xa9\", x]",
         "1:8: x must stand in double quotes (\"x\")"							     },
};

START_TEST(H3_H4_a_broken_text_is_told_with_place_and_remedy)
{
	auto_free char *text = faults(bad[_i].text, strlen(bad[_i].text));

	ck_assert_str_eq(text, bad[_i].fault);
}
END_TEST

START_TEST(H4_a_zero_byte_is_a_fault)
{
	auto_free char *text = faults("[1]\0", 4);

	ck_assert_str_eq(text, "1:4: text after the end of the document "
			       "(remove it)");
}
END_TEST

/* Every cut of a sound text is broken, and none is read beyond its end. */
START_TEST(a_cut_text_is_never_sound)
{
	static const char text[] =
	    "{\"a\": [1, -2.5e-3, \"\\ud83d\\ude00\xc3\xa9\", true, null]}";

	for (size_t n = 0; n < strlen(text); n++) {
		auto_free char *cut = xmalloc(n + 1);
		auto_free char *fault = NULL;

		memcpy(cut, text, n);
		fault = faults(cut, n);
		ck_assert_str_ne(fault, "");
	}
}
END_TEST

START_TEST(H3_depth_has_a_limit)
{
	char text[2 * (LIMIT_JSON_DEPTH + 1) + 1];
	auto_free char *fault = NULL;
	auto_free char *none = NULL;
	size_t n = LIMIT_JSON_DEPTH + 1;

	memset(text, '[', n);
	memset(text + n, ']', n);
	fault = faults(text, 2 * n);
	ck_assert_str_eq(fault, "1:65: nested deeper than 64 levels");
	none = faults(text + 1, 2 * n - 2);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(H3_the_number_of_values_has_a_limit)
{
	struct buf b = BUF_INIT;
	auto_free char *fault = NULL;

	buf_addc(&b, '[');
	for (int i = 0; i < LIMIT_JSON_NODES - 1; i++)
		buf_adds(&b, i > 0 ? ",1" : "1");
	fault = faults(b.data, b.len);
	ck_assert_str_eq(fault, "1:1: this '[' is never closed (by ']')");
	buf_adds(&b, ",1]");
	free(fault);
	fault = faults(b.data, b.len);
	ck_assert_str_eq(fault, "1:200000: more than 100000 values");
	buf_free(&b);
}
END_TEST

/* {"0":0,"1":0,... with as many members as may be. */
static void add_largest_object(struct buf *b)
{
	for (int i = 0; i < LIMIT_JSON_NODES - 1; i++)
		buf_addf(b, "%s\"%x\":0", i > 0 ? "," : "{", i);
}

START_TEST(H3_a_name_twice_is_found_among_all_that_may_be)
{
	auto_buf struct buf b = BUF_INIT;
	auto_free char *none = NULL;
	auto_free char *twice = NULL;

	add_largest_object(&b);
	buf_addc(&b, '}');
	none = faults(b.data, b.len);
	ck_assert_str_eq(none, "");
	memcpy(strrchr(b.data, ',') + 1, "\"0\":0}", 7);
	twice = faults(b.data, (size_t)(strchr(b.data, '}') - b.data) + 1);
	ck_assert_ptr_nonnull(strstr(twice, "the name \"0\" stands twice"));
}
END_TEST

START_TEST(H3_names_that_differ_in_case_are_two)
{
	static const char text[] = "{\"a\": 1, \"A\": 2}";
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;

	ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d), 0);
	ck_assert_int_eq(json_get_integer(doc.root, "a", 0), 1);
	ck_assert_int_eq(json_get_integer(doc.root, "A", 0), 2);
}
END_TEST

/* Inside a string, each alone. */
static const struct {
	const char *bytes;
	const char *fault; /* its words, after the place */
} not_text[] = {
	{"\x80",              "a byte 0x80 is not UTF-8"        },
	{ "a\xff",            "a byte 0xff is not UTF-8"        },
	{ "\xc3",             "a byte 0xc3 is not UTF-8"        },
	{ "\xc3(",            "a byte 0xc3 is not UTF-8"        },
	{ "\xe2\x82",         "a byte 0xe2 is not UTF-8"        },
	{ "\xf0\x9f\x98",     "a byte 0xf0 is not UTF-8"        },
	{ "\xc1\xbf",         "a byte 0xc1 is not UTF-8"        },
	{ "\xe0\x9f\xbf",     "a byte 0xe0 is not UTF-8"        },
	{ "\xf0\x8f\xbf\xbf", "a byte 0xf0 is not UTF-8"        },
	{ "\xed\xa0\x80",     "a byte 0xed is not UTF-8"        },
	{ "\xed\xbf\xbf",     "a byte 0xed is not UTF-8"        },
	{ "\xf4\x90\x80\x80", "a byte 0xf4 is not UTF-8"        },
	{ "\xf5\x80\x80\x80", "a byte 0xf5 is not UTF-8"        },
	{ "\\u0000",          "\\u0000 has no place in a string"},
	{ "a\\u0000b",        "\\u0000 has no place in a string"},
	{ "\\ud800",          "half of a surrogate pair"        },
	{ "\\udfff",          "half of a surrogate pair"        },
	{ "\\ude00\\ud83d",   "half of a surrogate pair"        },
	{ "\\ud83d\\ud83d",   "half of a surrogate pair"        },
	{ "\\ud83dx",         "half of a surrogate pair"        },
	{ "\\ud83d\\n",       "half of a surrogate pair"        },
};

START_TEST(H4_what_is_no_text_is_refused_as_a_value_and_as_a_name)
{
	auto_free char *value = xasprintf("[\"%s\"]", not_text[_i].bytes);
	auto_free char *name = xasprintf("{\"%s\": 1}", not_text[_i].bytes);
	auto_free char *told = faults(value, strlen(value));
	auto_free char *told_name = faults(name, strlen(name));

	ck_assert_msg(strstr(told, not_text[_i].fault) != NULL, "%s", told);
	ck_assert_msg(strstr(told_name, not_text[_i].fault) != NULL, "%s",
		      told_name);
}
END_TEST

START_TEST(H4_the_rarest_text_is_taken_as_it_is)
{
	static const char text[] =
	    "[\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
	    "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\","
	    "\"\\u0001\\ud83d\\ude00\\udbff\\udfff\"]";
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;

	ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d), 0);
	ck_assert_str_eq(doc.root->child->valuestring,
			 "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee"
			 "\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf"
			 "\xbf");
	ck_assert_str_eq(doc.root->child->next->valuestring,
			 "\x01\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
}
END_TEST

START_TEST(a_node_has_the_place_of_its_value_and_of_its_name)
{
	static const char text[] = "{\n  \"\xc3\xa9\": {\"lr\":\n\t0.1}\n}";
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	const cJSON *lr;

	ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d), 0);
	lr = json_get(json_get(doc.root, "\xc3\xa9"), "lr");
	json_fault(&doc, lr, &d, "lr", "is %d", 1);
	json_fault_name(&doc, lr, &d, "lr", "is %d", 2);
	json_fault(&doc, doc.root, &d, "", "is %d", 3);
	json_fault(NULL, lr, &d, "lr", "is %d", 4);
	ck_assert_uint_eq(d.faults[0].line, 3);
	ck_assert_uint_eq(d.faults[0].column, 2);
	ck_assert_uint_eq(d.faults[1].line, 2);
	ck_assert_uint_eq(d.faults[1].column, 9);
	ck_assert_uint_eq(d.faults[2].line, 1);
	ck_assert_uint_eq(d.faults[3].line, 0);
	ck_assert_str_eq(d.faults[1].text, "is 2");
}
END_TEST

static const struct {
	const char *text;
	bool is_integer;
	int64_t v;
} integers[] = {
	{"3",					 true,  3                  },
	{ "-7",				       true,  -7                 },
	{ "3e2",				      true,  300                },
	{ "3.0",				      true,  3                  },
	{ "3.50E+1",				  true,  35                 },
	{ "-0",				       true,  0                  },
	{ "0.000e99",				 true,  0                  },
	{ "1200e-2",				  true,  12                 },
	{ "9007199254740993",                         true,  9007199254740993   },
	{ "9223372036854775807",                      true,  INT64_MAX          },
	{ "-9223372036854775808",                     true,  INT64_MIN          },
	{ "9223372036854775808",                      false, 0                  },
	{ "-9223372036854775809",                     false, 0                  },
	{ "1e19",				     false, 0                  },
	{ "1e300",				    false, 0                  },
	{ "1e18",				     true,  1000000000000000000},
	{ "0.5",				      false, 0                  },
	{ "1e-1",				     false, 0                  },
	{ "1.00000000000000000000000000000000000001", false, 0                  },
};

START_TEST(H5_an_integer_is_found_in_the_text_itself)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	const char *text = integers[_i].text;
	int64_t v = 0;

	ck_assert_int_eq(json_doc_parse(text, strlen(text), &doc, &d), 0);
	ck_assert_int_eq(json_int(&doc, doc.root, &v), integers[_i].is_integer);
	ck_assert_int_eq(v, integers[_i].v);
}
END_TEST

static const struct {
	double v;
	const char *text;
} numbers[] = {
	{0,		       "0"		      },
	{ -0.0,		   "-0"		     },
	{ 0.1,		    "0.1"                    },
	{ 1e-5,		   "1e-05"                  },
	{ 0.1 + 0.2,              "0.30000000000000004"    },
	{ 1e15,		   "1000000000000000"       },
	{ 0x1p53,                 "9007199254740992"       },
	{ 1e22,		   "1e+22"                  },
	{ 5e-324,                 "4.94065645841247e-324"  },
	{ 1.7976931348623157e308, "1.7976931348623157e+308"},
	{ (double)NAN,            "nan"                    },
	{ -(double)NAN,           "nan"                    },
	{ (double)INFINITY,       "inf"                    },
	{ -(double)INFINITY,      "-inf"                   },
};

START_TEST(a_number_prints_as_short_as_it_reads_back)
{
	char buf[JSON_NUMBER_BYTES];

	ck_assert_str_eq(json_number_text(numbers[_i].v, buf),
			 numbers[_i].text);
}
END_TEST

START_TEST(H5_every_double_reads_back_as_it_was)
{
	uint64_t bits = 0x9e3779b97f4a7c15;

	for (int i = 0; i < 20000; i++) {
		char buf[JSON_NUMBER_BYTES];
		double v, back;

		bits = bits * 6364136223846793005u + 1442695040888963407u;
		memcpy(&v, &bits, sizeof(v));
		back = strtod(json_number_text(v, buf), NULL);
		ck_assert_msg(isnan(v) ? isnan(back) : back == v, "%s: %a", buf,
			      v);
		if (isfinite(v)) {
			auto_json cJSON *node = json_number(v);
			auto_free char *text = json_print(node);

			ck_assert_str_eq(text, buf);
		}
	}
}
END_TEST

START_TEST(H5_members_come_back_as_they_went)
{
	auto_json cJSON *object = cJSON_CreateObject();
	auto_free char *text = NULL;

	json_add_number(object, "x", 0.1 + 0.2);
	json_add_number(object, "nan", (double)NAN);
	json_add_number(object, "minus", -(double)INFINITY);
	json_add_integer(object, "id", INT64_MAX);
	json_add_integer(object, "ms", 1700000000123);
	text = json_print(object);
	ck_assert_str_eq(text, "{\"x\":0.30000000000000004,\"nan\":\"nan\","
			       "\"minus\":\"-inf\","
			       "\"id\":9223372036854775807,"
			       "\"ms\":1700000000123}");
	ck_assert_double_eq(json_get_number(object, "x", 0), 0.1 + 0.2);
	ck_assert_double_nan(json_get_number(object, "nan", 0));
	ck_assert_double_eq(json_get_number(object, "minus", 0),
			    -(double)INFINITY);
	ck_assert_int_eq(json_get_integer(object, "ms", 0), 1700000000123);
}
END_TEST

START_TEST(an_absent_or_mistyped_member_is_the_fallback)
{
	auto_json cJSON *object = cJSON_Parse("{\"A\": 1, \"t\": \"x\", "
					      "\"f\": 1.5, \"b\": true}");

	ck_assert_ptr_null(json_get(object, "a"));
	ck_assert_ptr_null(json_get(NULL, "a"));
	ck_assert_ptr_null(json_get_text(object, "A"));
	ck_assert_double_eq(json_get_number(object, "t", 7), 7);
	ck_assert_int_eq(json_get_integer(object, "f", 7), 7);
	ck_assert_int_eq(json_get_integer(object, "none", 7), 7);
	ck_assert(json_get_bool(object, "b", false));
	ck_assert(json_get_bool(object, "A", true));
}
END_TEST

START_TEST(H4_printed_text_is_valid_whatever_bytes_it_holds)
{
	auto_json cJSON *s = cJSON_CreateString("a\"\\\n\t\x01\xff\xc3\xa9");
	auto_free char *text = json_print(s);
	auto_free char *none = faults(text, strlen(text));

	ck_assert_str_eq(text, "\"a\\\"\\\\\\n\\t\\u0001\xef\xbf\xbd\xc3\xa9"
			       "\"");
	ck_assert_str_eq(none, "");
}
END_TEST

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_loop_test(
	    tc, H3_H4_a_broken_text_is_told_with_place_and_remedy, 0, N(bad));
	tcase_add_test(tc, H4_a_zero_byte_is_a_fault);
	tcase_add_test(tc, a_cut_text_is_never_sound);
	tcase_add_test(tc, H3_depth_has_a_limit);
	tcase_add_test(tc, H3_the_number_of_values_has_a_limit);
	tcase_add_test(tc, H3_a_name_twice_is_found_among_all_that_may_be);
	tcase_add_test(tc, H3_names_that_differ_in_case_are_two);
	tcase_add_loop_test(
	    tc, H4_what_is_no_text_is_refused_as_a_value_and_as_a_name, 0,
	    N(not_text));
	tcase_add_test(tc, H4_the_rarest_text_is_taken_as_it_is);
	tcase_add_test(tc, a_node_has_the_place_of_its_value_and_of_its_name);
	tcase_add_loop_test(tc, H5_an_integer_is_found_in_the_text_itself, 0,
			    N(integers));
	tcase_add_loop_test(tc, a_number_prints_as_short_as_it_reads_back, 0,
			    N(numbers));
	tcase_add_test(tc, H5_every_double_reads_back_as_it_was);
	tcase_add_test(tc, H5_members_come_back_as_they_went);
	tcase_add_test(tc, an_absent_or_mistyped_member_is_the_fallback);
	tcase_add_test(tc, H4_printed_text_is_valid_whatever_bytes_it_holds);
	suite_add_tcase(s, tc);
	return s;
}
