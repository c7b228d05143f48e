#include "check_main.h"
#include "client/apply.h"

#include "schema/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char file[] =
    "{\"name\": \"a\", \"command\": [\"true\"], \"metric\": {\"name\": "
    "\"loss\"}, \"trials\": 10,\n"
    "\"parameters\": {\"lr\": {\"type\": \"float\", \"min\": 0.001, \"max\": "
    "10, \"scale\": \"log\"}, \"opt\": {\"type\": \"choice\", \"values\": "
    "[\"x\", \"y\", 3]}, \"m\": {\"type\": \"float\", \"min\": 0, \"max\": 1, "
    "\"when\": {\"opt\": [\"y\", \"x\"]}}, \"k\": {\"type\": \"int\", "
    "\"min\": 1, \"max\": 9, \"when\": {\"opt\": \"y\"}}, \"epochs\": "
    "{\"value\": 5}}, \"start\": [{\"lr\": 1, \"opt\": \"x\", \"m\": 0}]}";

static struct buf notes;
static size_t made;

/* The file after @changes, an array; new. */
static char *apply(const char *changes)
{
	cJSON *all = cJSON_Parse(changes), *findings = cJSON_CreateArray();
	cJSON *one;
	char *ret;

	ck_assert_ptr_nonnull(all);
	while ((one = cJSON_DetachItemFromArray(all, 0)) != NULL) {
		cJSON *finding = cJSON_CreateObject();

		cJSON_AddItemToObject(finding, "change", one);
		cJSON_AddItemToArray(findings, finding);
	}
	buf_clear(&notes);
	ret = apply_changes(file, findings, "a-2", &notes, &made);
	cJSON_Delete(findings);
	cJSON_Delete(all);
	return ret;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void teardown(void)
{
	buf_free(&notes);
}

START_TEST(a_new_file_has_a_new_name_and_no_start)
{
	auto_free char *text = apply("[null]");

	ck_assert_uint_eq(made, 0);
	ck_assert(has(text, "\"name\": \"a-2\""));
	ck_assert(!has(text, "\"start\""));
	ck_assert(has(text, "\"max\": 10, \"scale\": \"log\""));
}
END_TEST

START_TEST(ends_and_values_are_set)
{
	auto_free char *text =
	    apply("[{\"parameter\": \"lr\", \"min\": 0.01, \"max\": 100}, "
		  "{\"parameter\": \"epochs\", \"value\": 10}]");

	ck_assert_uint_eq(made, 2);
	ck_assert(has(text, "\"min\": 0.01, \"max\": 100"));
	ck_assert(has(text, "\"epochs\": {\"value\": 10}"));
}
END_TEST

START_TEST(the_narrower_of_two_ends_stands)
{
	auto_free char *a = apply("[{\"parameter\": \"lr\", \"max\": 1}, "
				  "{\"parameter\": \"lr\", \"max\": 0.1}]");
	auto_free char *b = apply("[{\"parameter\": \"lr\", \"max\": 0.1}, "
				  "{\"parameter\": \"lr\", \"max\": 1}]");

	ck_assert(has(a, "\"max\": 0.1"));
	ck_assert_str_eq(a, b);
	ck_assert_uint_eq(made, 1);
}
END_TEST

START_TEST(what_was_widened_is_not_narrowed_by_another)
{
	auto_free char *text = apply("[{\"parameter\": \"lr\", \"max\": 100}, "
				     "{\"parameter\": \"lr\", \"max\": 5}]");

	ck_assert(has(text, "\"max\": 100"));
}
END_TEST

START_TEST(a_choice_goes_with_what_depended_on_it)
{
	auto_free char *text =
	    apply("[{\"parameter\": \"opt\", \"without\": \"y\"}]");

	ck_assert_uint_eq(made, 1);
	ck_assert(has(text, "\"values\": [\"x\", 3]"));
	ck_assert(has(text, "\"when\": {\"opt\": [\"x\"]}"));
	ck_assert(!has(text, "\"k\""));
}
END_TEST

START_TEST(a_change_that_makes_the_file_wrong_is_left_out)
{
	auto_free char *text =
	    apply("[{\"parameter\": \"lr\", \"min\": 20}, "
		  "{\"parameter\": \"gone\", \"min\": 1}, "
		  "{\"parameter\": \"epochs\", \"value\": 10}]");

	ck_assert_uint_eq(made, 1);
	ck_assert(has(text, "\"min\": 0.001"));
	ck_assert(has(text, "\"value\": 10"));
	ck_assert_ptr_nonnull(strstr(buf_text(&notes), "lr is left as it is"));
}
END_TEST

START_TEST(a_difference_is_the_lines_that_differ)
{
	auto_buf struct buf b = BUF_INIT;

	apply_diff("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n", &b);
	ck_assert_str_eq(buf_text(&b), "-b\n+B\n+e\n");
	buf_clear(&b);
	apply_diff("a\nb\n", "a\nb\n", &b);
	ck_assert_str_eq(buf_text(&b), "");
	apply_diff("", "a\n", &b);
	ck_assert_str_eq(buf_text(&b), "+a\n");
}
END_TEST

START_TEST(names_count_on)
{
	static const char *const names[][2] = {
		{"digits",    "digits-2"},
                { "digits-2", "digits-3"},
		{ "a-b",      "a-b-2"   },
                { "a-09",     "a-09-2"  },
		{ "a-9",      "a-10"    },
                { "a-",       "a--2"    },
	};
	char longest[65] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *next = apply_next_name(names[i][0]);

		ck_assert_str_eq(next, names[i][1]);
	}
	memset(longest, 'a', 64);
	for (int i = 0; i < 100; i++) {
		auto_free char *next = apply_next_name(longest);

		ck_assert_uint_le(strlen(next), 64);
		memcpy(longest, next, strlen(next) + 1);
	}
	ck_assert_ptr_nonnull(strstr(longest, "a-101"));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("apply");
	TCase *tc = tcase_create("apply");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, a_new_file_has_a_new_name_and_no_start);
	tcase_add_test(tc, ends_and_values_are_set);
	tcase_add_test(tc, the_narrower_of_two_ends_stands);
	tcase_add_test(tc, what_was_widened_is_not_narrowed_by_another);
	tcase_add_test(tc, a_choice_goes_with_what_depended_on_it);
	tcase_add_test(tc, a_change_that_makes_the_file_wrong_is_left_out);
	tcase_add_test(tc, a_difference_is_the_lines_that_differ);
	tcase_add_test(tc, names_count_on);
	return s;
}
