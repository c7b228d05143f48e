#include "check_main.h"
#include "client/out.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct out_column columns[] = {
	{"name",        NULL,   OUT_TEXT  },
        { "best_value", "best", OUT_VALUE },
	{ "params",     NULL,   OUT_PARAMS},
        { "created",    "",     OUT_TEXT  },
	{ NULL,         NULL,   OUT_TEXT  },
};

static struct out out;
static char *text;
static size_t text_len;
static cJSON *rows;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	out = (struct out){
		.ops = &out_table_ops,
		.file = open_memstream(&text, &text_len),
		.width = 80,
		.utf8 = true,
	};
}

static void teardown(void)
{
	fclose(out.file);
	free(text);
	cJSON_Delete(rows);
}

/* Prints the rows of @json and compares. */
static void prints(const char *json, const char *want)
{
	rows = cJSON_Parse(json);
	ck_assert_ptr_nonnull(rows);
	out.ops->table(&out, columns, rows, false);
	ck_assert_int_eq(fflush(out.file), 0);
	ck_assert_str_eq(text, want);
}

START_TEST(numbers_stand_to_the_right_and_texts_to_the_left)
{
	prints("[{\"name\":\"a\",\"best_value\":12.5,\"params\":{\"lr\":0.1}},"
	       "{\"name\":\"long\",\"best_value\":3,\"params\":{}}]",
	       "NAME  BEST  PARAMS\n"
	       "a     12.5  lr=0.1\n"
	       "long     3  \n");
}
END_TEST

START_TEST(columns_are_as_wide_as_their_letters_look)
{
	prints("[{\"name\":\"größe\",\"best_value\":1},"
	       "{\"name\":\"学習率\",\"best_value\":2}]",
	       "NAME    BEST  PARAMS\n"
	       "größe      1  -\n"
	       "学習率     2  -\n");
}
END_TEST

START_TEST(long_params_are_cut_to_fit_and_numbers_are_not)
{
	out.width = 30;
	prints("[{\"name\":\"a\",\"best_value\":0.123456,"
	       "\"params\":{\"rate\":0.001,\"units\":128}}]",
	       "NAME      BEST  PARAMS\n"
	       "a     0.123456  rate=0.001 un…\n");
}
END_TEST

START_TEST(without_utf8_the_cut_is_told_by_dots)
{
	out.width = 30;
	out.utf8 = false;
	prints("[{\"name\":\"a\",\"best_value\":0.123456,"
	       "\"params\":{\"rate\":0.001,\"units\":128}}]",
	       "NAME      BEST  PARAMS\n"
	       "a     0.123456  rate=0.001 ...\n");
}
END_TEST

static const struct {
	int width;
	bool utf8;
	const char *want;
} narrow[] = {
	{19,  true,  "NAME      BEST  PA…\na     0.123456  ra…\n"},
	{ 16, true,  "NAME      BEST\na     0.123456\n"              },
	{ 13, true,  "NAME  …\na     …\n"                        },
	{ 13, false, "NAME  ...\na     ...\n"                        },
	{ 3,  false, "...\na\n"				      },
};

START_TEST(lines_end_at_the_edge_and_numbers_are_whole_or_not_there)
{
	out.width = narrow[_i].width;
	out.utf8 = narrow[_i].utf8;
	prints("[{\"name\":\"a\",\"best_value\":0.123456,"
	       "\"params\":{\"rate\":0.001}}]",
	       narrow[_i].want);
}
END_TEST

START_TEST(values_that_are_no_numbers_are_named)
{
	prints("[{\"name\":\"a\",\"best_value\":null,\"kind\":\"nan\"},"
	       "{\"name\":\"b\",\"best_value\":\"-inf\"},"
	       "{\"name\":\"c\",\"best_value\":null,\"kind\":\"none\"}]",
	       "NAME  BEST  PARAMS\n"
	       "a      nan  -\n"
	       "b     -inf  -\n"
	       "c        -  -\n");
}
END_TEST

START_TEST(a_parameter_may_be_null_or_nothing)
{
	prints("[{\"name\":\"a\",\"best_value\":1,"
	       "\"params\":{\"y\":null,\"z\":\"\",\"on\":true}}]",
	       "NAME  BEST  PARAMS\n"
	       "a        1  y=null z=- on=true\n");
}
END_TEST

START_TEST(control_characters_cannot_reach_the_terminal)
{
	prints("[{\"name\":\"a\\u001b[2J\\u009b\",\"best_value\":1}]",
	       "NAME              BEST  PARAMS\n"
	       "a\\x1b[2J\\xc2\\x9b     1  -\n");
}
END_TEST

START_TEST(a_pipe_gets_tabs_whole_values_and_every_column)
{
	out.width = 0;
	prints("[{\"name\":\"a\",\"best_value\":0.30000000000000004,"
	       "\"params\":{\"lr\":0.1,\"units\":3},\"created\":\"x\"}]",
	       "name\tbest_value\tparams\tcreated\n"
	       "a\t0.30000000000000004\t{\"lr\":0.1,\"units\":3}\tx\n");
}
END_TEST

START_TEST(tabs_and_line_ends_inside_values_are_escaped_in_a_pipe)
{
	out.width = 0;
	prints("[{\"name\":\"a\\tb\\nc\\\\d\",\"best_value\":null}]",
	       "name\tbest_value\tparams\tcreated\n"
	       "a\\tb\\nc\\\\d\t\t\t\n");
}
END_TEST

START_TEST(the_header_of_tsv_comes_once)
{
	out.width = 0;
	rows = cJSON_Parse("[{\"name\":\"a\"}]");
	out.ops->table(&out, columns, rows, false);
	out.ops->table(&out, columns, rows, true);
	fflush(out.file);
	ck_assert_str_eq(text, "name\tbest_value\tparams\tcreated\n"
			       "a\t\t\t\na\t\t\t\n");
}
END_TEST

START_TEST(a_record_leaves_out_what_is_missing)
{
	rows = cJSON_Parse("{\"name\":\"a\",\"best_value\":1.5}");
	out.ops->record(&out, columns, rows);
	fflush(out.file);
	ck_assert_str_eq(text, "  name  a\n  best  1.5\n");
}
END_TEST

START_TEST(json_prints_the_answer_alone_and_exactly)
{
	out.ops = &out_json_ops;
	rows = cJSON_Parse("{\"v\":0.30000000000000004,\"n\":[1,\"x\"]}");
	out.ops->answer(&out, rows);
	out.ops->table(&out, columns, rows, false);
	out_textf(&out, "%s", "a remark");
	fflush(out.file);
	ck_assert_str_eq(text, "{\"v\":0.30000000000000004,\"n\":[1,\"x\"]}\n");
}
END_TEST

static const struct {
	double seconds;
	const char *text;
} durations[] = {
	{0.04,    "0.04s"},
        { 0.98,   "1.0s" },
        { 9.2,    "9.2s" },
	{ 59.9,   "59s"  },
        { 130,    "2m10s"},
        { 11100,  "3h05m"},
	{ 187200, "2d04h"},
        { -1,     "-"    },
};

START_TEST(seconds_are_told_in_two_units)
{
	auto_buf struct buf b = BUF_INIT;

	out_print_seconds(&b, durations[_i].seconds);
	ck_assert_str_eq(buf_text(&b), durations[_i].text);
}
END_TEST

START_TEST(a_time_is_told_in_the_local_zone)
{
	auto_json cJSON *v = cJSON_CreateString("2026-11-23T22:29:10.123Z");
	auto_buf struct buf b = BUF_INIT;

	setenv("TZ", "XXX-2", 1);
	out_print_value(&b, OUT_TIME, v);
	ck_assert_str_eq(buf_text(&b), "2026-11-24 00:29:10");
}
END_TEST

START_TEST(cutting_never_splits_a_letter)
{
	auto_buf struct buf b = BUF_INIT;

	buf_adds(&b, "学習率");
	out_shorten(&b, 4, true);
	ck_assert_str_eq(buf_text(&b), "学…");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("out");
	TCase *tc = tcase_create("out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, numbers_stand_to_the_right_and_texts_to_the_left);
	tcase_add_test(tc, columns_are_as_wide_as_their_letters_look);
	tcase_add_test(tc, long_params_are_cut_to_fit_and_numbers_are_not);
	tcase_add_test(tc, without_utf8_the_cut_is_told_by_dots);
	tcase_add_loop_test(
	    tc, lines_end_at_the_edge_and_numbers_are_whole_or_not_there, 0,
	    sizeof(narrow) / sizeof(narrow[0]));
	tcase_add_test(tc, values_that_are_no_numbers_are_named);
	tcase_add_test(tc, a_parameter_may_be_null_or_nothing);
	tcase_add_test(tc, control_characters_cannot_reach_the_terminal);
	tcase_add_test(tc, a_pipe_gets_tabs_whole_values_and_every_column);
	tcase_add_test(tc,
		       tabs_and_line_ends_inside_values_are_escaped_in_a_pipe);
	tcase_add_test(tc, the_header_of_tsv_comes_once);
	tcase_add_test(tc, a_record_leaves_out_what_is_missing);
	tcase_add_test(tc, json_prints_the_answer_alone_and_exactly);
	tcase_add_loop_test(tc, seconds_are_told_in_two_units, 0,
			    sizeof(durations) / sizeof(durations[0]));
	tcase_add_test(tc, a_time_is_told_in_the_local_zone);
	tcase_add_test(tc, cutting_never_splits_a_letter);
	suite_add_tcase(s, tc);
	return s;
}
