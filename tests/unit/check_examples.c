#include "check_main.h"

#include "schema/buf.h"
#include "schema/mem.h"
#include "schema/search.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

/* EXAMPLES: the folder of the examples, by meson.build. */
static glob_t found;

static void find_examples(void)
{
	ck_assert_int_eq(
	    glob(EXAMPLES "/*/search.json", GLOB_ERR, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 4);
}

static void forget_examples(void)
{
	globfree(&found);
}

static void read_file(const char *path, struct buf *ret_text)
{
	FILE *file = fopen(path, "re");
	char chunk[4096];
	size_t n;

	ck_assert_ptr_nonnull(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(ret_text, chunk, n);
	ck_assert_int_eq(ferror(file), 0);
	fclose(file);
}

static struct search_spec *parse_example(const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	auto_diag struct diag faults = DIAG_INIT;
	struct search_spec *spec = NULL;

	read_file(path, &text);
	if (search_parse(text.data, text.len, &spec, &faults) != 0) {
		auto_free char *said = diag_text(&faults, path);

		ck_abort_msg("%s", said);
	}
	return spec;
}

START_TEST(every_example_is_accepted)
{
	for (size_t i = 0; i < found.gl_pathc; i++)
		search_free(parse_example(found.gl_pathv[i]));
}
END_TEST

START_TEST(every_example_bears_the_name_of_its_folder)
{
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct search_spec *spec = parse_example(found.gl_pathv[i]);
		auto_free char *end = xasprintf("/%s/search.json", spec->name);
		const char *path = found.gl_pathv[i];

		ck_assert_uint_gt(strlen(path), strlen(end));
		ck_assert_str_eq(path + strlen(path) - strlen(end), end);
		search_free(spec);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("examples");
	TCase *tc = tcase_create("examples");

	tcase_add_checked_fixture(tc, find_examples, forget_examples);
	tcase_add_test(tc, every_example_is_accepted);
	tcase_add_test(tc, every_example_bears_the_name_of_its_folder);
	suite_add_tcase(s, tc);
	return s;
}
