#include "check_main.h"
#include "client/csv.h"

#include "schema/buf.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

/* The table as text: fields in [], a record a line; or its fault. */
static char *parsed(const char *text, size_t len)
{
	auto_csv struct csv csv = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	/* Without a byte behind it, so that a sanitizer sees what reads on. */
	auto_free char *exact = xmalloc(len > 0 ? len : 1);
	struct buf b = BUF_INIT;

	memcpy(exact, text, len);
	if (csv_parse(exact, len, &csv, &faults) != 0) {
		ck_assert_uint_eq(faults.n, 1);
		return diag_text(&faults, NULL);
	}
	ck_assert_uint_eq(faults.n, 0);
	for (size_t i = 0; i < csv.n; i++) {
		for (size_t k = 0; k < csv.records[i].n; k++)
			buf_addf(&b, "[%s]", csv.records[i].fields[k].text);
		buf_addc(&b, '\n');
	}
	return buf_take(&b);
}

static const struct {
	const char *text, *want;
} tables[] = {
	{"",			     ""					   },
	{ "\n\r\n\n",                    ""					   },
	{ "a",			   "[a]\n"				      },
	{ "a,b\n1,2\n",                  "[a][b]\n[1][2]\n"                           },
	{ "a,b\r\n1,2",                  "[a][b]\n[1][2]\n"                           },
	{ "\xef\xbb\xbf"
	  "a,b\n",	      "[a][b]\n"				   },
	{ ",\n,,",		       "[][]\n[][][]\n"                             },
	{ "a,\n\n,b",                    "[a][]\n[][b]\n"                             },
	{ " a ,\tb c\t\n",               "[a][b c]\n"                                 },
	{ "  ,x",			"[][x]\n"				    },
	{ "\"a\",\" b \"\n",             "[a][ b ]\n"                                 },
	{ "\"a,b\",\"c\"\"d\"\"\",\"\"", "[a,b][c\"d\"][]\n"                          },
	{ "\"a\nb\",c\r\n1,2",           "[a\nb][c]\n[1][2]\n"                        },
	{ "\"a\r\nb\",c",                "[a\r\nb][c]\n"                              },
	{ "a\rb,c\r",                    "[a\rb][c]\n"                                },
	{ "größe,学\n",               "[größe][学]\n"                           },
 /* faults */
	{ "a,\"b\nc",                    "1:3: this quote is never closed"            },
	{ "a,\"b\"\"",                   "1:3: this quote is never closed"            },
	{ "x\na,\"b\"c",                 "2:6: text after a closing quote (a quote inside a "
			 "field is doubled)"                  },
	{ "\"a\nb\" ,c",                 "2:3: text after a closing quote (a quote inside a "
			 "field is doubled)"                  },
	{ "a,b\"c\"",                    "1:4: a quote inside a field without quotes (put the "
		      "field into quotes and double this one)"   },
	{ "a,\n\xff",                    "2:1: is not UTF-8 (convert it, as by iconv)"},
};

START_TEST(a_table_has_these_fields_or_this_fault)
{
	auto_free char *got = parsed(tables[_i].text, strlen(tables[_i].text));

	ck_assert_str_eq(got, tables[_i].want);
}
END_TEST

START_TEST(a_nul_byte_is_no_text)
{
	auto_free char *got = parsed("a,b\n1,\0002", 8);

	ck_assert_str_eq(got, "2:3: a NUL byte (this is no text)");
}
END_TEST

START_TEST(a_field_knows_its_place)
{
	static const char text[] = "a,b\n\"x\ny\",z\n\n 7,8\n";
	static const unsigned places[][2] = {
		{1,  1},
                { 1, 3},
                { 2, 1},
                { 3, 4},
                { 5, 1},
                { 5, 4}
	};
	auto_csv struct csv csv = { 0 };
	auto_diag struct diag faults = DIAG_INIT;

	ck_assert_int_eq(csv_parse(text, strlen(text), &csv, &faults), 0);
	ck_assert_uint_eq(csv.n, 3);
	for (size_t i = 0; i < 6; i++) {
		const struct csv_field *f = &csv.records[i / 2].fields[i % 2];

		ck_assert_uint_eq(f->line, places[i][0]);
		ck_assert_uint_eq(f->column, places[i][1]);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("csv");
	TCase *tc = tcase_create("csv");

	tcase_add_loop_test(tc, a_table_has_these_fields_or_this_fault, 0,
			    sizeof(tables) / sizeof(tables[0]));
	tcase_add_test(tc, a_nul_byte_is_no_text);
	tcase_add_test(tc, a_field_knows_its_place);
	suite_add_tcase(s, tc);
	return s;
}
