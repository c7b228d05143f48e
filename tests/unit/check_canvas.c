#include "check_main.h"
#include "client/canvas.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static struct canvas *canvas;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void prints(bool utf8, bool colour, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	struct out o = {
		.ops = &out_table_ops,
		.file = open_memstream(&text, &len),
		.colour = colour,
		.utf8 = utf8,
	};

	canvas_print(canvas, &o);
	ck_assert_int_eq(fclose(o.file), 0);
	ck_assert_str_eq(text, want);
	free(text);
	canvas_free(canvas);
}

START_TEST(a_line_of_braille_has_two_dots_a_column_and_four_a_row)
{
	canvas = canvas_new(4, 2, true);
	canvas_line(canvas, 0, 0, 7, 7, CANVAS_GOOD);
	prints(true, false, "⠑⢄\n  ⠑⢄\n");
}
END_TEST

START_TEST(without_utf8_a_line_is_quotes_and_full_stops)
{
	canvas = canvas_new(4, 1, false);
	canvas_line(canvas, 0, 0, 7, 3, CANVAS_GOOD);
	prints(false, false, "'':.\n");
}
END_TEST

START_TEST(what_lies_outside_is_left_out)
{
	canvas = canvas_new(2, 1, true);
	canvas_put(canvas, -1, 0, CANVAS_PLAIN, "a", 'a');
	canvas_put(canvas, 2, 0, CANVAS_PLAIN, "b", 'b');
	canvas_put(canvas, 0, 1, CANVAS_PLAIN, "c", 'c');
	canvas_line(canvas, -100, 0, 100, 0, CANVAS_PLAIN);
	canvas_line(canvas, 0, -100, 0, -5, CANVAS_PLAIN);
	prints(true, false, "⠉⠉\n");
}
END_TEST

START_TEST(a_clipped_line_stays_inside)
{
	canvas = canvas_new(4, 1, true);
	canvas_clip(canvas, 1, 0, 2, 1);
	canvas_line(canvas, 0, 3, 7, 3, CANVAS_PLAIN);
	prints(true, false, " ⣀⣀\n");
}
END_TEST

START_TEST(a_character_hides_the_dots_below_it)
{
	canvas = canvas_new(3, 1, true);
	canvas_put(canvas, 1, 0, CANVAS_BEST, "●", '@');
	canvas_line(canvas, 0, 0, 5, 0, CANVAS_PLAIN);
	prints(true, false, "⠉●⠉\n");
}
END_TEST

START_TEST(texts_take_as_many_columns_as_they_look_wide)
{
	canvas = canvas_new(8, 2, true);
	ck_assert_int_eq(canvas_text(canvas, 0, 0, CANVAS_PLAIN, "学習率", 8),
			 6);
	canvas_put(canvas, 6, 0, CANVAS_PLAIN, "|", '|');
	ck_assert_int_eq(canvas_text(canvas, 0, 1, CANVAS_PLAIN, "学習率", 5),
			 5);
	prints(true, false, "学習率|\n学習…\n");
}
END_TEST

START_TEST(colours_change_where_styles_do)
{
	canvas = canvas_new(4, 1, true);
	canvas_text(canvas, 0, 0, CANVAS_BOLD, "ab", 4);
	canvas_text(canvas, 2, 0, CANVAS_PLAIN, "c", 4);
	prints(true, true, "\033[1mab\033[0mc\n");
}
END_TEST

START_TEST(a_poor_line_is_dotted)
{
	canvas = canvas_new(4, 1, true);
	canvas_line(canvas, 0, 0, 7, 0, CANVAS_POOR);
	prints(true, false, "⠁⠁⠁⠁\n");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("canvas");
	TCase *tc = tcase_create("canvas");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc,
		       a_line_of_braille_has_two_dots_a_column_and_four_a_row);
	tcase_add_test(tc, without_utf8_a_line_is_quotes_and_full_stops);
	tcase_add_test(tc, what_lies_outside_is_left_out);
	tcase_add_test(tc, a_clipped_line_stays_inside);
	tcase_add_test(tc, a_character_hides_the_dots_below_it);
	tcase_add_test(tc, texts_take_as_many_columns_as_they_look_wide);
	tcase_add_test(tc, colours_change_where_styles_do);
	tcase_add_test(tc, a_poor_line_is_dotted);
	suite_add_tcase(s, tc);
	return s;
}
