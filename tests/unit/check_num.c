#include "check_main.h"
#include "chi2.h"
#include "num/permute.h"
#include "num/rng.h"
#include "num/sobol.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

static const uint64_t seeds[] = { 0, 1, 2, 42, 0xdeadbeef, UINT64_MAX };

/* The vectors of Random123's kat_vectors: counter, key, result. */
static const uint32_t philox[][10] = {
	{0,           0,          0,          0,          0,          0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
	{ 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
         0xffffffff,						     0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
	{ 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822,
         0x299f31d0,						     0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
};

START_TEST(philox_gives_its_authors_known_answers)
{
	const uint32_t *v = philox[_i];
	uint32_t counter[4];

	memcpy(counter, v, sizeof counter);
	rng_philox(counter, v + 4);
	ck_assert_mem_eq(counter, v + 6, sizeof counter);
}
END_TEST

START_TEST(each_part_of_the_counter_changes_the_number)
{
	uint64_t v = rng_bits(1, 2, 3);

	ck_assert_uint_eq(v, rng_bits(1, 2, 3));
	ck_assert_uint_ne(v, rng_bits(1 + (UINT64_C(1) << 32), 2, 3));
	ck_assert_uint_ne(v, rng_bits(2, 2, 3));
	ck_assert_uint_ne(v, rng_bits(1, 3, 3));
	ck_assert_uint_ne(v, rng_bits(1, 2, 4));
	ck_assert_uint_ne(v, rng_bits(1, 2, 3 + (UINT64_C(1) << 32)));
	ck_assert_uint_ne(rng_stream(RNG_POINT, 1), rng_stream(RNG_PERMUTE, 1));
}
END_TEST

START_TEST(unit_numbers_fill_the_interval_evenly)
{
	unsigned count[256] = { 0 }, outside = 0;

	for (uint64_t i = 0; i < 100000; i++) {
		double u = rng_unit(seeds[_i], 7, i);

		if (u >= 0 && u < 1)
			count[(size_t)(u * 256)]++;
		else
			outside++;
	}
	ck_assert_uint_eq(outside, 0);
	ck_assert_double_lt(fabs(chi2_deviate(count, NULL, 256)), 4);
}
END_TEST

START_TEST(bounded_numbers_are_equally_likely)
{
	static const uint64_t bounds[] = { 2, 3, 6, 7, 100 };

	for (size_t b = 0; b < N(bounds); b++) {
		unsigned count[100] = { 0 }, outside = 0;

		for (uint64_t i = 0; i < 50000; i++) {
			uint64_t v = rng_below(seeds[_i], 3, i, bounds[b]);

			if (v < bounds[b])
				count[v]++;
			else
				outside++;
		}
		ck_assert_uint_eq(outside, 0);
		ck_assert_double_lt(fabs(chi2_deviate(count, NULL, bounds[b])),
				    4);
	}
	ck_assert_uint_eq(rng_below(seeds[_i], 3, 9, 1), 0);
}
END_TEST

START_TEST(a_large_bound_is_not_biased)
{
	const uint64_t bound = UINT64_C(3) << 62;
	unsigned count[3] = { 0 };

	for (uint64_t i = 0; i < 30000; i++)
		count[rng_below(seeds[_i], 3, i, bound) >> 62]++;
	ck_assert_double_lt(fabs(chi2_deviate(count, NULL, 3)), 4);
}
END_TEST

/* Correlation of two sequences of 20,000 uniform numbers, in its sigmas. */
static double correlation(uint64_t seed, uint32_t a, uint32_t b, uint64_t lag)
{
	double sum = 0;
	uint64_t n = 20000;

	for (uint64_t i = 0; i < n; i++)
		sum += (rng_unit(seed, a, i) - 0.5) *
		       (rng_unit(seed, b, i + lag) - 0.5);
	return sum * 12 / sqrt((double)n);
}

START_TEST(streams_and_neighbours_are_independent)
{
	for (uint32_t b = 1; b < 5; b++) {
		ck_assert_double_lt(fabs(correlation(seeds[_i], 0, b, 0)), 4);
		ck_assert_double_lt(fabs(correlation(seeds[_i], 0, 0, b)), 4);
	}
}
END_TEST

START_TEST(pairs_from_two_streams_fill_the_square)
{
	unsigned count[256] = { 0 };

	for (uint64_t i = 0; i < 100000; i++)
		count[rng_bits(seeds[_i], 0, i) % 16 * 16 +
		      rng_bits(seeds[_i], 1, i) % 16]++;
	ck_assert_double_lt(fabs(chi2_deviate(count, NULL, 256)), 4);
}
END_TEST

/* The first number that is no bijection's, or @n. */
static uint64_t first_misplaced(uint64_t seed, uint64_t n)
{
	static bool seen[70000];

	memset(seen, 0, sizeof seen);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t v = permute(seed, n, i);

		if (v >= n || seen[v])
			return i;
		seen[v] = true;
	}
	return n;
}

START_TEST(a_permutation_takes_each_value_once)
{
	for (uint64_t n = 1; n < 70000; n = n < 70 ? n + 1 : n * 9 / 4)
		ck_assert_uint_eq(first_misplaced(seeds[_i], n), n);
}
END_TEST

START_TEST(the_largest_permutation_stays_in_range)
{
	const uint64_t ends[] = { 0, 1, PERMUTE_MAX / 2, PERMUTE_MAX - 1 };

	for (size_t i = 0; i < N(ends); i++)
		for (size_t j = 0; j < N(seeds); j++)
			ck_assert_uint_lt(
			    permute(seeds[j], PERMUTE_MAX, ends[i]),
			    PERMUTE_MAX);
}
END_TEST

static const uint64_t sizes[] = { 2, 3, 4, 5, 9, 10, 50 };

START_TEST(any_element_may_come_first_in_an_order)
{
	uint64_t n = sizes[_i];
	unsigned first[50] = { 0 }, last[50] = { 0 };

	for (uint64_t seed = 0; seed < 20000; seed++) {
		first[permute(seed, n, 0)]++;
		last[permute(seed, n, n - 1)]++;
	}
	ck_assert_double_lt(fabs(chi2_deviate(first, NULL, n)), 4);
	ck_assert_double_lt(fabs(chi2_deviate(last, NULL, n)), 4);
}
END_TEST

START_TEST(all_orders_of_four_are_equally_likely)
{
	unsigned count[256] = { 0 }, orders[24];
	size_t n = 0;

	for (uint64_t seed = 0; seed < 24000; seed++) {
		size_t order = 0;

		for (uint64_t i = 0; i < 4; i++)
			order = order * 4 + permute(seed, 4, i);
		count[order]++;
	}
	for (size_t i = 0; i < N(count); i++) {
		if (count[i] == 0)
			continue;
		ck_assert_uint_lt(n, N(orders));
		orders[n++] = count[i];
	}
	ck_assert_uint_eq(n, N(orders));
	ck_assert_double_lt(fabs(chi2_deviate(orders, NULL, n)), 4);
}
END_TEST

/*
 * From scipy.stats.qmc.Sobol(1024, scramble=False, bits=32) of SciPy 1.10.1:
 * the first 16 points in sixteenths, and two late ones to their last digit.
 */
static const struct {
	uint32_t axis;
	unsigned sixteenths[16];
	uint32_t at_4095, at_3000000000;
} known[] = {
	{0,
         { 0, 8, 12, 4, 6, 14, 10, 2, 3, 11, 15, 7, 5, 13, 9, 1 },
         0x00100000, 0x008e1dd7},
	{ 1,
         { 0, 8, 4, 12, 6, 14, 2, 10, 5, 13, 1, 9, 3, 11, 7, 15 },
         0xf0f00000, 0x0c476229},
	{ 2,
         { 0, 8, 4, 12, 10, 2, 14, 6, 15, 7, 11, 3, 5, 13, 1, 9 },
         0x55900000, 0xebabb7f7},
	{ 3,
         { 0, 8, 4, 12, 14, 6, 10, 2, 7, 15, 3, 11, 9, 1, 13, 5 },
         0xe6d00000, 0x4c548155},
	{ 10,
         { 0, 8, 12, 4, 14, 6, 2, 10, 11, 3, 7, 15, 5, 13, 9, 1 },
         0x91d00000, 0xad5db25b},
	{ 100,
         { 0, 8, 4, 12, 10, 2, 14, 6, 1, 9, 5, 13, 11, 3, 15, 7 },
         0x58500000, 0x4fbf9819},
	{ 255,
         { 0, 8, 12, 4, 6, 14, 10, 2, 7, 15, 11, 3, 1, 9, 13, 5 },
         0x9cf00000, 0x07829565},
	{ 1023,
         { 0, 8, 12, 4, 14, 6, 2, 10, 1, 9, 13, 5, 15, 7, 3, 11 },
         0x5ad00000, 0x0b9dc55f},
};

START_TEST(the_plain_sequence_is_that_of_joe_and_kuo)
{
	struct sobol_axis a;

	sobol_init(&a, known[_i].axis);
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_uint_eq(sobol_digits(&a, i),
				  known[_i].sixteenths[i] << 28);
	ck_assert_uint_eq(sobol_digits(&a, 4095), known[_i].at_4095);
	ck_assert_uint_eq(sobol_digits(&a, 3000000000),
			  known[_i].at_3000000000);
}
END_TEST

/* The first of 2^k points that shares its interval with another, or 2^k. */
static uint32_t first_crowded(const struct sobol_axis *a, unsigned k)
{
	bool seen[1 << 12] = { false };
	uint32_t n = UINT32_C(1) << k;

	for (uint32_t i = 0; i < n; i++) {
		double u = sobol_unit(a, i);
		size_t cell = (size_t)ldexp(u, (int)k);

		if (u <= 0 || u >= 1 || seen[cell])
			return i;
		seen[cell] = true;
	}
	return n;
}

START_TEST(scrambled_points_lie_one_in_each_interval)
{
	static const uint32_t axes[] = { 0, 1, 2, 17, 255, 1023 };
	struct sobol_axis a;

	for (size_t j = 0; j < N(axes); j++) {
		sobol_init_scrambled(&a, axes[j], seeds[_i]);
		for (unsigned k = 0; k <= 12; k++)
			ck_assert_uint_eq(first_crowded(&a, k), 1u << k);
	}
}
END_TEST

START_TEST(a_scrambling_is_its_seeds_own)
{
	struct sobol_axis a, b, c, d;

	sobol_init_scrambled(&a, 5, 1);
	sobol_init_scrambled(&b, 5, 1);
	sobol_init_scrambled(&c, 5, 2);
	sobol_init(&d, 5);
	ck_assert_mem_eq(&a, &b, sizeof a);
	ck_assert_mem_ne(a.column, c.column, sizeof a.column);
	ck_assert_uint_ne(a.shift, c.shift);
	ck_assert_mem_ne(a.column, d.column, sizeof a.column);
}
END_TEST

START_TEST(a_scrambled_point_is_uniform_over_the_seeds)
{
	unsigned count[64] = { 0 };
	struct sobol_axis a;

	for (uint64_t seed = 0; seed < 6400; seed++) {
		sobol_init_scrambled(&a, 3, seed);
		count[sobol_digits(&a, 5) >> 26]++;
	}
	ck_assert_double_lt(fabs(chi2_deviate(count, NULL, 64)), 4);
}
END_TEST

#define DIMS 6

/* The mean of prod(3 x^2 / 2 + 1 / 2) over 1024 points, less the integral. */
static double integration_error(bool use_sobol, uint64_t seed)
{
	struct sobol_axis axes[DIMS];
	double sum = 0;

	for (uint32_t j = 0; j < DIMS; j++)
		sobol_init_scrambled(&axes[j], j, seed);
	for (uint32_t i = 0; i < 1024; i++) {
		double product = 1;

		for (uint32_t j = 0; j < DIMS; j++) {
			double x = use_sobol ? sobol_unit(&axes[j], i)
					     : rng_unit(seed, j, i);

			product *= 1.5 * x * x + 0.5;
		}
		sum += product;
	}
	return sum / 1024 - 1;
}

START_TEST(low_discrepancy_beats_chance_on_an_integral)
{
	double chance = 0, sobol = 0;

	for (size_t s = 0; s < N(seeds); s++) {
		chance += pow(integration_error(false, seeds[s]), 2);
		sobol += pow(integration_error(true, seeds[s]), 2);
	}
	ck_assert_double_lt(sqrt(chance), 0.25);
	ck_assert_double_lt(sqrt(sobol), sqrt(chance) / 4);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("num");
	TCase *rng = tcase_create("rng"), *order = tcase_create("permute");
	TCase *sobol = tcase_create("sobol");

	tcase_add_loop_test(rng, philox_gives_its_authors_known_answers, 0,
			    N(philox));
	tcase_add_test(rng, each_part_of_the_counter_changes_the_number);
	tcase_add_loop_test(rng, unit_numbers_fill_the_interval_evenly, 0,
			    N(seeds));
	tcase_add_loop_test(rng, bounded_numbers_are_equally_likely, 0,
			    N(seeds));
	tcase_add_loop_test(rng, a_large_bound_is_not_biased, 0, N(seeds));
	tcase_add_loop_test(rng, streams_and_neighbours_are_independent, 0,
			    N(seeds));
	tcase_add_loop_test(rng, pairs_from_two_streams_fill_the_square, 0,
			    N(seeds));
	tcase_add_loop_test(order, a_permutation_takes_each_value_once, 0,
			    N(seeds));
	tcase_add_test(order, the_largest_permutation_stays_in_range);
	tcase_add_loop_test(order, any_element_may_come_first_in_an_order, 0,
			    N(sizes));
	tcase_add_test(order, all_orders_of_four_are_equally_likely);
	tcase_add_loop_test(sobol, the_plain_sequence_is_that_of_joe_and_kuo, 0,
			    N(known));
	tcase_add_loop_test(sobol, scrambled_points_lie_one_in_each_interval, 0,
			    N(seeds));
	tcase_add_test(sobol, a_scrambling_is_its_seeds_own);
	tcase_add_test(sobol, a_scrambled_point_is_uniform_over_the_seeds);
	tcase_add_test(sobol, low_discrepancy_beats_chance_on_an_integral);
	suite_add_tcase(s, rng);
	suite_add_tcase(s, order);
	suite_add_tcase(s, sobol);
	return s;
}
