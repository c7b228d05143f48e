/* Samplers in a search with a budget. */
#include "check_main.h"
#include "search/bohb.h"
#include "search/sampler.h"

#include <stdio.h>
#include <string.h>

static struct search_spec *spec_with(const char *budget)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct search_spec *spec = NULL;
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"name\": \"t\", \"command\": [\"true\"], \"metric\": "
		 "{\"name\": \"loss\"}, \"trials\": 900, \"sampler\": "
		 "{\"type\": \"tpe\"}, \"parameters\": {\"x\": {\"type\": "
		 "\"float\", \"min\": 0, \"max\": 1}, \"y\": {\"type\": "
		 "\"float\", \"min\": 0, \"max\": 1}, \"z\": {\"value\": 3}}"
		 "%s}",
		 budget);
	ck_assert_int_eq(search_parse(text, strlen(text), &spec, &faults), 0);
	return spec;
}

#define BUDGET ", \"budget\": {\"name\": \"epochs\", \"min\": 3, \"max\": 81}"

START_TEST(the_largest_budget_with_enough_results_makes_the_model)
{
	static const struct {
		int64_t n[4], run;
	} cases[] = {
		{{ 0, 0, 0, 0 },    0},
		{ { 9, 4, 4, 4 },   0}, /* d = 2: z is constant */
		{ { 9, 5, 4, 4 },   1},
		{ { 90, 30, 5, 4 }, 2},
		{ { 90, 30, 9, 5 }, 3},
		{ { 1, 1, 4, 5 },   3},
	};
	struct search_spec *spec = spec_with(BUDGET);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(bohb_run(spec, cases[i].n), cases[i].run);
	search_free(spec);
}
END_TEST

/* How many of 600 proposals were by chance; and how far from 0 those were. */
static size_t count_chances(struct sampler *s, double *ret_mean)
{
	uint64_t cursor = 0;
	size_t chances = 0;

	*ret_mean = 0;
	for (size_t i = 0; i < 600; i++) {
		struct observation seen = { .fate = FATE_DONE };
		struct proposal p;

		ck_assert_uint_eq(sampler_propose(s, &cursor, 1, &p), 1);
		seen.score = p.config[0].f + p.config[1].f;
		sampler_tell(s, i, NULL, seen);
		if (p.rationale.why == WHY_CHANCE) {
			chances++;
			*ret_mean += p.config[0].f;
		}
		proposal_fini(&p);
	}
	*ret_mean /= (double)chances;
	return chances;
}

START_TEST(one_point_in_three_is_by_chance)
{
	struct search_spec *spec = spec_with(BUDGET);
	struct sampler *s = sampler_new(spec);
	double mean;

	ck_assert_uint_lt(count_chances(s, &mean) - 160, 80);
	/* The model's are near 0. */
	ck_assert_double_eq_tol(mean, 0.5, 0.1);
	sampler_free(s);
	search_free(spec);
}
END_TEST

START_TEST(without_a_budget_none_is)
{
	struct search_spec *spec = spec_with("");
	struct sampler *s = sampler_new(spec);
	double mean;

	ck_assert_uint_eq(count_chances(s, &mean), 0);
	sampler_free(s);
	search_free(spec);
}
END_TEST

/* What tpe proposes after 20 results, with trials that had less beside them. */
static double propose(bool with_short)
{
	struct search_spec *spec = spec_with("");
	struct sampler *s = sampler_new(spec);
	uint64_t cursor = 100;
	struct proposal p;
	double x;

	for (size_t i = 0; i < 40; i++) {
		struct observation seen = { .fate = FATE_DONE };
		struct cell config[3] = {
			{.active = true,            .f = (double)i / 40 },
			{ .active = true,                        .f = (double)(i % 7) / 7 },
			{ .active = true},
		};

		seen.score = config[0].f;
		if (i >= 20)
			seen.fate = with_short ? FATE_SHORT : FATE_NONE;
		sampler_tell(s, i, config, seen);
	}
	ck_assert_uint_eq(sampler_propose(s, &cursor, 1, &p), 1);
	ck_assert_uint_eq(p.rationale.observations, 20);
	x = p.config[0].f;
	proposal_fini(&p);
	sampler_free(s);
	search_free(spec);
	return x;
}

START_TEST(to_tpe_trials_that_had_less_say_nothing)
{
	ck_assert_double_eq(propose(true), propose(false));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("bohb");
	TCase *t = tcase_create("all");

	tcase_add_test(t,
		       the_largest_budget_with_enough_results_makes_the_model);
	tcase_add_test(t, one_point_in_three_is_by_chance);
	tcase_add_test(t, without_a_budget_none_is);
	tcase_add_test(t, to_tpe_trials_that_had_less_say_nothing);
	suite_add_tcase(s, t);
	return s;
}
