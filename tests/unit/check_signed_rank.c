#include "check_main.h"
#include "draw.h"
#include "num/signed_rank.h"

#include <math.h>

static const double expected[] = {
/* clang-format off */
#include "signed_rank.inc"
	/* clang-format on */
};

#define N_CASES (sizeof(expected) / sizeof(expected[0]))

START_TEST(a_thousand_p_values_are_those_of_scipy)
{
	ck_assert_uint_eq(N_CASES, 1000);
	for (size_t k = 0; k < N_CASES; k++) {
		double d[64];
		size_t n = 1 + (size_t)draw(64);
		int64_t span = k % 2 == 0 ? 20 : 2000001;
		int64_t shift = draw(span / 2);

		for (size_t i = 0; i < n; i++)
			d[i] = (double)(draw(span) - shift);
		ck_assert_double_eq_tol(signed_rank(d, n), expected[k], 1e-12);
	}
}
END_TEST

START_TEST(equal_pairs_say_nothing)
{
	double zeros[20] = { 0 };

	ck_assert_double_eq(signed_rank(zeros, 2), 1);
	ck_assert_double_eq(signed_rank(zeros, 20), 0.5);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("signed_rank");
	TCase *tc = tcase_create("signed_rank");

	suite_add_tcase(s, tc);
	tcase_add_test(tc, a_thousand_p_values_are_those_of_scipy);
	tcase_add_test(tc, equal_pairs_say_nothing);
	return s;
}
