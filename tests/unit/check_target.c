#include "check_main.h"
#include "num/rng.h"
#include "search/target.h"

#include <float.h>
#include <math.h>

#define N(array) (sizeof(array) / sizeof *(array))

#define MOST 60 /* scores of a case */

static void assert_monotone(const struct target *t, size_t n,
			    const double *scores)
{
	for (size_t i = 0; i < n; i++) {
		double z = target_of(t, scores[i]);

		ck_assert_msg(isfinite(z), "%g becomes %g", scores[i], z);
		for (size_t j = 0; j < n; j++) {
			if (scores[i] < scores[j])
				ck_assert_msg(
				    z <= target_of(t, scores[j]),
				    "%.17g becomes %.17g, %.17g %.17g",
				    scores[i], z, scores[j],
				    target_of(t, scores[j]));
		}
	}
}

/* Their mean is 0 and their standard deviation 1. */
static void assert_standard(const struct target *t, size_t n,
			    const double *scores)
{
	double sum = 0, square = 0;

	for (size_t i = 0; i < n; i++) {
		double z = target_of(t, scores[i]);

		sum += z;
		square += z * z;
	}
	ck_assert_double_eq_tol(sum / (double)n, 0, 1e-9);
	ck_assert_double_eq_tol(square / (double)n, 1, 1e-9);
}

/* Scores of which some repeat and some are far from the others. */
static size_t draw_scores(int seed, double *ret)
{
	static const double odd[] = { 1e30, 1e308,        -1e308, 0,
				      -0.0, DBL_TRUE_MIN, 1e-300, 1e15 };
	uint64_t k = (uint64_t)seed;
	size_t n = 2 + (size_t)(rng_unit(k, 0, 0) * (MOST - 2));

	for (size_t i = 0; i < n; i++) {
		double u = rng_unit(k, 1, i), v = rng_unit(k, 2, i);

		ret[i] = exp(8 * v) - 5;
		if (seed % 2 == 1 && u < 0.2)
			ret[i] = odd[(size_t)(u * 5 * N(odd))];
		else if (i > 0 && u > 0.9)
			ret[i] = ret[i - 1];
	}
	return n;
}

START_TEST(a_worse_score_never_becomes_better)
{
	double scores[MOST];
	size_t n = draw_scores(_i, scores);
	struct target t;

	target_init(&t, n, scores);
	assert_monotone(&t, n, scores);
	assert_standard(&t, n, scores);
	target_fini(&t);
}
END_TEST

START_TEST(two_scores_of_any_size_are_told_apart)
{
	static const double pairs[][2] = {
		{-1e308,         1e308          },
                { -DBL_MAX,      DBL_MAX        },
		{ 0,             1e30           },
                { 0,             DBL_TRUE_MIN   },
		{ -1,            1 + 1e-15      },
                { 1,             1 + DBL_EPSILON},
		{ 1e15,          1e15 + 1       },
                { -DBL_TRUE_MIN, DBL_TRUE_MIN   },
	};

	for (size_t i = 0; i < N(pairs); i++) {
		struct target t;

		target_init(&t, 2, pairs[i]);
		assert_standard(&t, 2, pairs[i]);
		ck_assert(target_of(&t, pairs[i][0]) <
			  target_of(&t, pairs[i][1]));
		ck_assert(target_back(&t, target_of(&t, pairs[i][0])) ==
			  pairs[i][0]);
		target_fini(&t);
	}
}
END_TEST

START_TEST(K2_equal_scores_become_0)
{
	const double scores[] = { 1e30, 1e30, 1e30 };
	struct target t;

	target_init(&t, N(scores), scores);
	ck_assert(target_of(&t, 1e30) == 0);
	ck_assert(target_back(&t, 0) == 1e30);
	ck_assert(target_back(&t, -2) == 1e30);
	target_fini(&t);
}
END_TEST

START_TEST(K2_without_scores_there_is_nothing_to_turn_back)
{
	struct target t;

	target_init(&t, 0, NULL);
	ck_assert(target_of(&t, 5) == 0);
	ck_assert(isnan(target_back(&t, 0)));
	target_fini(&t);
}
END_TEST

START_TEST(a_score_comes_back_from_what_it_became)
{
	double scores[MOST], least = (double)INFINITY, most = -least;
	size_t n = draw_scores(2 * _i, scores);
	struct target t;

	for (size_t i = 0; i < n; i++) {
		least = fmin(least, scores[i]);
		most = fmax(most, scores[i]);
	}
	target_init(&t, n, scores);
	/* From better than the best known one to the worst. */
	for (int k = -20; k <= 100; k++) {
		double score = least + k / 100.0 * (most - least);

		ck_assert_double_eq_tol(target_back(&t, target_of(&t, score)),
					score, 1e-9 * (most - least));
	}
	ck_assert(target_back(&t, 1e9) == most);
	target_fini(&t);
}
END_TEST

START_TEST(the_best_score_stays_the_best)
{
	double scores[MOST];
	size_t n = draw_scores(_i, scores), best = 0;
	struct target t;

	for (size_t i = 0; i < n; i++)
		best = scores[i] < scores[best] ? i : best;
	target_init(&t, n, scores);
	for (size_t i = 0; i < n; i++) {
		if (scores[i] > scores[best])
			ck_assert(target_of(&t, scores[i]) >
				  target_of(&t, scores[best]));
	}
	target_fini(&t);
}
END_TEST

START_TEST(K3_how_bad_an_outlier_is_makes_no_difference)
{
	static const double outliers[] = { 10, 1e6, 1e30, 1e308 };
	double scores[21], first[21];

	for (size_t i = 0; i < 20; i++)
		scores[i] = rng_unit(9, 0, i);
	for (size_t k = 0; k < N(outliers); k++) {
		struct target t;

		scores[20] = outliers[k];
		target_init(&t, N(scores), scores);
		for (size_t i = 0; i < N(scores); i++) {
			if (k == 0)
				first[i] = target_of(&t, scores[i]);
			ck_assert_double_eq_tol(target_of(&t, scores[i]),
						first[i], 1e-9);
		}
		target_fini(&t);
	}
}
END_TEST

START_TEST(raised_a_score_still_comes_back)
{
	const double scores[] = { 3, 1, 2, 10 };
	struct target t;
	double before[N(scores)];

	target_init(&t, N(scores), scores);
	for (size_t i = 0; i < N(scores); i++)
		before[i] = target_of(&t, scores[i]);
	target_raise(&t, 0.5);
	for (size_t i = 0; i < N(scores); i++) {
		double z = target_of(&t, scores[i]);

		ck_assert_double_eq_tol(z, before[i] + 0.5, 1e-12);
		ck_assert_double_eq_tol(target_back(&t, z), scores[i], 1e-9);
	}
	target_fini(&t);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("target");
	TCase *tc = tcase_create("target");

	tcase_add_loop_test(tc, a_worse_score_never_becomes_better, 0, 60);
	tcase_add_test(tc, two_scores_of_any_size_are_told_apart);
	tcase_add_test(tc, K2_equal_scores_become_0);
	tcase_add_test(tc, K2_without_scores_there_is_nothing_to_turn_back);
	tcase_add_loop_test(tc, a_score_comes_back_from_what_it_became, 0, 20);
	tcase_add_test(tc, raised_a_score_still_comes_back);
	tcase_add_loop_test(tc, the_best_score_stays_the_best, 0, 20);
	tcase_add_test(tc, K3_how_bad_an_outlier_is_makes_no_difference);
	suite_add_tcase(s, tc);
	return s;
}
