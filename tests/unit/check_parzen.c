#include "check_main.h"
#include "chi2.h"
#include "num/rng.h"
#include "search/groups.h"
#include "search/parzen.h"
#include "search/unit.h"
#include "spec_of.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* What parzen.c gives the prior's kernel. */
#define PRIOR 0.3

/* A density over the first group of a space. */
struct world {
	struct search_spec *spec;
	struct groups groups;
	struct parzen parzen;
};

static struct world *world_new(const char *parameters, size_t n_max)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->spec = spec_of(parameters, "\"type\": \"tpe\"");
	groups_init(&w->groups, w->spec->space);
	parzen_init(&w->parzen, w->spec->space, w->groups.members,
		    w->groups.first[1], n_max);
	return w;
}

static void world_free(struct world **w)
{
	parzen_fini(&(*w)->parzen);
	search_free((*w)->spec);
	free(*w);
}

#define auto_world __attribute__((cleanup(world_free)))

/* The configuration of the coordinates @u. */
static const struct cell *at(const struct world *w, const double *u)
{
	static struct cell config[LIMIT_PARAMS];

	unit_config(w->spec->space, u, config);
	return config;
}

static double density(struct world *w, const double *u)
{
	return exp(parzen_log_density(&w->parzen, at(w, u), NULL));
}

static double random_unit(uint32_t stream, uint64_t index)
{
	return rng_unit(5, rng_stream(RNG_POINT, stream), index);
}

#define FLOAT "{\"type\": \"float\", \"min\": -1, \"max\": 3}"
#define LOG                                                                    \
	"{\"type\": \"float\", \"min\": 1e-5, \"max\": 10, \"scale\": "        \
	"\"log\"}"
#define FEW "{\"type\": \"int\", \"min\": 1, \"max\": 6}"
#define FEW_LOG                                                                \
	"{\"type\": \"int\", \"min\": 1, \"max\": 9, \"scale\": \"log\"}"
#define CHOICE "{\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\"]}"
#define RANKED                                                                 \
	"{\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\"], "           \
	"\"ordered\": true}"
#define ALL                                                                    \
	"\"p0\": " FLOAT ", \"p1\": " LOG ", \"p2\": " FEW                     \
	", \"p3\": " FEW_LOG ", \"p4\": " CHOICE ", \"p5\": " RANKED

START_TEST(without_observations_the_density_is_the_priors)
{
	auto_world struct world *w = world_new(ALL, 0);
	double share;

	parzen_fit(&w->parzen, PARZEN_SPREAD);
	for (uint64_t k = 0; k < 20; k++) {
		double u[6];

		for (uint32_t i = 0; i < 6; i++)
			u[i] = random_unit(i, k);
		ck_assert_double_eq(
		    parzen_log_density(&w->parzen, at(w, u), &share), 0);
		ck_assert_double_eq(share, 1);
	}
}
END_TEST

/* 0.2 wide, cut at 2.5 of its standard deviations to either side. */
START_TEST(one_observation_is_a_truncated_normal_beside_the_prior)
{
	auto_world struct world *w = world_new("\"x\": " FLOAT, 1);
	const double mass = 0.98758066934845; /* P(|Z| < 2.5) */

	parzen_add(&w->parzen, at(w, (double[]){ 0.5 }));
	parzen_fit(&w->parzen, PARZEN_FIXED);
	ck_assert_double_eq_tol(density(w, (double[]){ 0.5 }),
				(0.3 + 1.99471140200716 / mass) / 1.3, 1e-12);
	/* phi(1) is 0.241970724519143. */
	ck_assert_double_eq_tol(density(w, (double[]){ 0.7 }),
				(0.3 + 0.241970724519143 / 0.2 / mass) / 1.3,
				1e-12);
}
END_TEST

/*
 * Two observations of 3 values: each value has a third of a kernel's unit, the
 * observed one the unit besides: 1/6, 2/3, 1/6.
 */
START_TEST(a_choice_has_most_of_the_mass_where_it_was_observed)
{
	auto_world struct world *w = world_new("\"x\": " CHOICE, 2);

	parzen_add(&w->parzen, at(w, (double[]){ 0.5 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.9 }));
	parzen_fit(&w->parzen, PARZEN_SPREAD);
	ck_assert_double_eq_tol(density(w, (double[]){ 0.1 }),
				(0.3 + 3.0 / 6 + 3.0 / 6) / 2.3, 1e-12);
	ck_assert_double_eq_tol(density(w, (double[]){ 0.5 }),
				(0.3 + 3 * 2.0 / 3 + 3.0 / 6) / 2.3, 1e-12);
}
END_TEST

/*
 * Observed at 0.25 and 0.75: the variance is (2 / 16 + 1 / 12) / 3, and a
 * single axis makes it narrower by 2^(-1/5).
 */
START_TEST(the_spread_of_the_observations_is_their_width)
{
	auto_world struct world *w = world_new("\"x\": " FLOAT, 2);
	const double width = sqrt(5.0 / 72) * pow(2, -0.2);
	double expected = 0.3;

	parzen_add(&w->parzen, at(w, (double[]){ 0.25 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.75 }));
	parzen_fit(&w->parzen, PARZEN_SPREAD);
	for (double c = 0.25; c < 1; c += 0.5) {
		double mass = (erf((1 - c) / width * M_SQRT1_2) +
			       erf(c / width * M_SQRT1_2)) /
			      2;

		expected += exp(-pow((0.4 - c) / width, 2) / 2) /
			    sqrt(2 * M_PI) / width / mass;
	}
	ck_assert_double_eq_tol(density(w, (double[]){ 0.4 }), expected / 2.3,
				1e-12);
}
END_TEST

/* One kernel's factor at an axis, straight from the definition. */
static double factor(const struct param *p, const struct cell *c, double centre,
		     double width)
{
	double low, high, r = width * M_SQRT2;
	double mass = erfc(-(1 - centre) / r) - erfc(centre / r);

	unit_interval(p, c, &low, &high);
	if (high - low < width / 4) {
		double z = (low + (high - low) / 2 - centre) / width;

		return exp(-z * z / 2) / sqrt(2 * M_PI) / width / (mass / 2);
	}
	return (erfc(-(high - centre) / r) - erfc(-(low - centre) / r)) / mass /
	       (high - low);
}

/* All kernels of @n observations at the coordinates @seen [n][6]. */
static double slow_density(const struct world *w, size_t n, double (*seen)[6],
			   const double *u)
{
	const struct space *space = w->spec->space;
	double width = 0.2 * pow((double)n, -1 / (6 + 4.0));
	double share = 1 / ((double)n + 1), sum = PRIOR;
	struct cell c[6];

	memcpy(c, at(w, u), sizeof(c));
	for (size_t j = 0; j < n; j++) {
		const struct cell *o = at(w, seen[j]);
		double product = 1;

		for (size_t i = 0; i < 6; i++) {
			const struct param *p = &space->params[i];

			if (i == 4)
				product *= 3 * (share + (o[i].i == c[i].i)) /
					   (1 + 3 * share);
			else
				product *=
				    factor(p, &c[i], unit_of(p, &o[i]), width);
		}
		sum += product;
	}
	return sum / (PRIOR + (double)n);
}

START_TEST(the_density_is_the_sum_of_its_kernels)
{
	enum { OBSERVED = 40 };
	auto_world struct world *w = world_new(ALL, OBSERVED);
	double seen[OBSERVED][6];

	for (uint64_t k = 0; k < OBSERVED; k++) {
		for (uint32_t i = 0; i < 6; i++)
			seen[k][i] = random_unit(i, k);
		parzen_add(&w->parzen, at(w, seen[k]));
	}
	parzen_fit(&w->parzen, PARZEN_FIXED);
	for (uint64_t k = 1000; k < 1200; k++) {
		double u[6], slow;

		for (uint32_t i = 0; i < 6; i++)
			u[i] = random_unit(i, k);
		slow = slow_density(w, OBSERVED, seen, u);
		ck_assert_double_eq_tol(density(w, u) / slow, 1, 1e-9);
	}
}
END_TEST

/* Far from all kernels the prior is left, whatever underflows. */
START_TEST(far_from_the_observations_the_prior_is_left)
{
	auto_world struct world *w =
	    world_new("\"x\": " FLOAT ", \"y\": " FEW, 100);
	double share;

	for (size_t k = 0; k < 100; k++)
		parzen_add(&w->parzen, at(w, (double[]){ 0, 0 }));
	parzen_fit(&w->parzen, PARZEN_SPREAD);
	ck_assert_double_eq_tol(
	    parzen_log_density(&w->parzen, at(w, (double[]){ 1, 0.999 }),
			       &share),
	    log(0.3 / 100.3), 1e-9);
	ck_assert_double_eq_tol(share, 1, 1e-9);
}
END_TEST

START_TEST(the_masses_of_all_values_sum_to_one)
{
	static const char *const parameters[] = { FEW, FEW_LOG, CHOICE,
						  RANKED };
	auto_free char *text = xasprintf("\"x\": %s", parameters[_i]);
	auto_world struct world *w = world_new(text, 3);
	const struct param *p = &w->spec->space->params[0];
	double sum = 0;

	ck_assert_uint_eq(N(parameters), 4);
	parzen_add(&w->parzen, at(w, (double[]){ 0.1 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.2 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.9 }));
	parzen_fit(&w->parzen, PARZEN_SPREAD);
	for (uint64_t k = 0; k < param_cardinality(p); k++) {
		struct cell c = param_value(p, k);
		double low, high;

		unit_interval(p, &c, &low, &high);
		sum += (high - low) *
		       exp(parzen_log_density(&w->parzen, &c, NULL));
	}
	/* But for the short intervals, which have their middle's density. */
	ck_assert_double_eq_tol(sum, 1, 1e-3);
}
END_TEST

START_TEST(points_at_uniform_coordinates_have_the_density)
{
	auto_world struct world *w =
	    world_new("\"x\": " FEW ", \"y\": " CHOICE, 3);
	const struct param *x = &w->spec->space->params[0];
	unsigned count[18] = { 0 };
	double share[18];

	parzen_add(&w->parzen, at(w, (double[]){ 0.1, 0.1 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.2, 0.9 }));
	parzen_add(&w->parzen, at(w, (double[]){ 0.7, 0.9 }));
	parzen_fit(&w->parzen, PARZEN_SPREAD);
	for (uint64_t k = 0; k < 18; k++) {
		struct cell c[2] = {
			param_value(x, k / 3),
			{.active = true, .i = (int64_t)(k % 3)}
		};

		share[k] =
		    exp(parzen_log_density(&w->parzen, c, NULL)) / (6 * 3);
	}
	for (uint64_t k = 0; k < 20000; k++) {
		double u[3] = { random_unit(0, k), random_unit(1, k),
				random_unit(2, k) };
		struct cell c[2];

		parzen_point(&w->parzen, u, c);
		count[(c[0].i - 1) * 3 + c[1].i]++;
	}
	ck_assert_double_lt(fabs(chi2_deviate(count, share, 18)), 4);
}
END_TEST

/* --- groups ----------------------------------------------------------------
 */

START_TEST(parameters_with_the_same_conditions_are_a_group)
{
	auto_world struct world *w = world_new(
	    "\"c\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"a\": [1, 2]}},"
	    "\"a\": {\"type\": \"choice\", \"values\": [1, 2, 3]},"
	    "\"fixed\": {\"value\": 3},"
	    "\"b\": " FLOAT ","
	    "\"d\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"a\": [1, 2]}},"
	    "\"e\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"a\": 1}},"
	    "\"f\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"b\": {\"min\": 1}}},"
	    "\"g\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"b\": {\"min\": 2}}},"
	    "\"h\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "
	    "{\"b\": {\"max\": 2}}}",
	    0);
	const struct groups *g = &w->groups;

	/* {a, b}, {c, d}, and one each of e .. h */
	ck_assert_uint_eq(g->n, 6);
	ck_assert_uint_eq(g->first[1], 2);
	ck_assert_uint_eq(g->members[0], 1);
	ck_assert_uint_eq(g->members[1], 3);
	ck_assert_uint_eq(g->first[2], 4);
	ck_assert_uint_eq(g->members[2], 0);
	ck_assert_uint_eq(g->members[3], 4);
	ck_assert_uint_eq(g->first[6], 8);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, without_observations_the_density_is_the_priors);
	tcase_add_test(tc,
		       one_observation_is_a_truncated_normal_beside_the_prior);
	tcase_add_test(tc, a_choice_has_most_of_the_mass_where_it_was_observed);
	tcase_add_test(tc, the_spread_of_the_observations_is_their_width);
	tcase_add_test(tc, the_density_is_the_sum_of_its_kernels);
	tcase_add_test(tc, far_from_the_observations_the_prior_is_left);
	tcase_add_loop_test(tc, the_masses_of_all_values_sum_to_one, 0, 4);
	tcase_add_test(tc, points_at_uniform_coordinates_have_the_density);
	tcase_add_test(tc, parameters_with_the_same_conditions_are_a_group);
}

Suite *suite(void)
{
	Suite *s = suite_create("parzen");
	TCase *tc = tcase_create("parzen");

	add_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}
