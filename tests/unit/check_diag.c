#include "check_main.h"

#include "schema/diag.h"
#include "schema/mem.h"

static const char *const words[] = { "minimize", "maximize", "metric", NULL };

START_TEST(a_slip_of_the_pen_finds_the_word_that_was_meant)
{
	ck_assert_str_eq(diag_nearest("minimise", words), "minimize");
	ck_assert_str_eq(diag_nearest("metirc", words), "metric");
	ck_assert_str_eq(diag_nearest("emtric", words), "metric");
	ck_assert_str_eq(diag_nearest("metri", words), "metric");
	ck_assert_str_eq(diag_nearest("METRIC", words), "metric");
}
END_TEST

START_TEST(a_stranger_finds_no_word)
{
	ck_assert_ptr_null(diag_nearest("colour", words));
	ck_assert_ptr_null(diag_nearest("m", words));
	ck_assert_ptr_null(diag_nearest("", words));
}
END_TEST

START_TEST(faults_print_as_file_line_column_path_text)
{
	struct diag d = DIAG_INIT;
	auto_free char *text = NULL;

	diag_add_at(&d, 3, 7, "parameters.lr.min", "must be below %d", 1);
	diag_add(&d, "", "is empty");
	text = diag_text(&d, "s.json");
	ck_assert_str_eq(text, "s.json:3:7: parameters.lr.min: must be below "
			       "1\ns.json: is empty");
	diag_free(&d);
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;

	diag_add(&d, "a\n", "is \x1b[31m\x7f");
	text = diag_text(&d, NULL);
	ck_assert_str_eq(text, "a?: is ?[31m?");
}
END_TEST

/* Messages cut long text short, and paths of files may hold any bytes. */
START_TEST(halves_of_characters_do_not_reach_the_terminal)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;

	diag_add(&d, "\xffz\xc3\xa9", "has %.4s and \xf0\x9f\x98\x80",
		 "ab\xe2\x82\xac");
	text = diag_text(&d, NULL);
	ck_assert_str_eq(text, "?z\xc3\xa9: has ab?? and \xf0\x9f\x98\x80");
}
END_TEST

START_TEST(sorted_faults_stand_in_the_order_of_the_text)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;

	diag_add(&d, "", "no place");
	diag_add_at(&d, 2, 1, "", "later");
	diag_add_at(&d, 1, 9, "", "first of two");
	diag_add_at(&d, 1, 9, "", "second of two");
	diag_add_at(&d, 1, 2, "", "earliest");
	diag_sort(&d);
	text = diag_text(&d, NULL);
	ck_assert_str_eq(text, "1:2: earliest\n1:9: first of two\n"
			       "1:9: second of two\n2:1: later\nno place");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("diag");
	TCase *tc = tcase_create("diag");

	tcase_add_test(tc, a_slip_of_the_pen_finds_the_word_that_was_meant);
	tcase_add_test(tc, a_stranger_finds_no_word);
	tcase_add_test(tc, faults_print_as_file_line_column_path_text);
	tcase_add_test(tc, sorted_faults_stand_in_the_order_of_the_text);
	tcase_add_test(tc, control_characters_do_not_reach_the_terminal);
	tcase_add_test(tc, halves_of_characters_do_not_reach_the_terminal);
	suite_add_tcase(s, tc);
	return s;
}
