#include "check_main.h"
#include "num/rng.h"
#include "search/encoding.h"
#include "search/unit.h"
#include "spec_of.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <string.h>

/* Parameters of every kind; some are inactive by a choice, an int, a float. */
#define EVERY_KIND                                                             \
	"\"linear\": {\"type\": \"float\", \"min\": -3, \"max\": 5},"          \
	"\"log\": {\"type\": \"float\", \"min\": 1e-6, \"max\": 1, "           \
	"\"scale\": \"log\"},"                                                 \
	"\"logit\": {\"type\": \"float\", \"min\": 0.001, \"max\": 0.999, "    \
	"\"scale\": \"logit\"},"                                               \
	"\"steps\": {\"type\": \"float\", \"min\": 0, \"max\": 0.9, "          \
	"\"step\": 0.1},"                                                      \
	"\"int\": {\"type\": \"int\", \"min\": 1, \"max\": 5},"                \
	"\"log_int\": {\"type\": \"int\", \"min\": 1, \"max\": 1024, "         \
	"\"scale\": \"log\"},"                                                 \
	"\"many\": {\"type\": \"int\", \"min\": -10000, \"max\": 10000, "      \
	"\"step\": 4},"                                                        \
	"\"many_log\": {\"type\": \"int\", \"min\": 1, \"max\": 100000, "      \
	"\"scale\": \"log\"},"                                                 \
	"\"size\": {\"type\": \"choice\", \"values\": [\"s\", \"m\", \"l\"], " \
	"\"ordered\": true},"                                                  \
	"\"choice\": {\"type\": \"choice\", \"values\": [\"a\", \"b\", "       \
	"\"c\"]},"                                                             \
	"\"constant\": {\"value\": 7},"                                        \
	"\"one\": {\"type\": \"float\", \"min\": 3, \"max\": 3},"              \
	"\"if_choice\": {\"type\": \"float\", \"min\": 0.8, \"max\": 0.99, "   \
	"\"when\": {\"choice\": [\"b\", \"c\"]}},"                             \
	"\"if_int\": {\"type\": \"int\", \"min\": 8, \"max\": 64, "            \
	"\"when\": {\"int\": {\"min\": 3}}},"                                  \
	"\"if_linear\": {\"type\": \"choice\", \"values\": [1, 2, 3], "        \
	"\"when\": {\"linear\": {\"min\": 0}}},"                               \
	"\"if_if_choice\": {\"type\": \"choice\", \"values\": [1, 2], "        \
	"\"when\": {\"if_choice\": {\"min\": 0.9}}}"

#define POINTS 500

struct world {
	struct search_spec *spec;
	struct encoding e;
};

static struct world world_new(const char *parameters)
{
	struct world w = { .spec = spec_of(parameters, "\"type\": \"gp\"") };

	encoding_init(&w.e, w.spec->space);
	return w;
}

static void world_free(struct world *w)
{
	encoding_fini(&w->e);
	search_free(w->spec);
}

#define auto_world __attribute__((cleanup(world_free)))

/* Coordinate @i of random point @k. */
static double place(size_t i, uint64_t k)
{
	return rng_unit(5, (uint32_t)i, k);
}

static void draw_config(const struct world *w, uint64_t k,
			struct cell *ret_config)
{
	double u[LIMIT_PARAMS];

	for (size_t i = 0; i < w->spec->space->n; i++)
		u[i] = place(i, k);
	unit_config(w->spec->space, u, ret_config);
}

/* Random coordinates, which are no configuration yet. */
static void draw_point(const struct world *w, uint64_t k, double *ret_u)
{
	for (size_t i = 0; i < w->e.n; i++) {
		const struct axis *a = &w->e.axes[i];

		ret_u[i] = place(i, k);
		if (a->type == AXIS_CHOICE)
			ret_u[i] = floor(ret_u[i] * (double)a->levels);
	}
}

/* Continuous numbers may differ by their rounding. */
static void assert_same_cell(const struct param *p, const struct cell *a,
			     const struct cell *b)
{
	ck_assert_msg(a->active == b->active, "%s", p->name);
	if (p->type == PARAM_FLOAT && param_cardinality(p) == 0)
		ck_assert_msg(fabs(a->f - b->f) <= 1e-12 * (1 + fabs(a->f)),
			      "%s: %.17g, %.17g", p->name, a->f, b->f);
	else
		ck_assert_msg(a->i == b->i, "%s", p->name);
}

START_TEST(a_configuration_comes_back_from_its_point)
{
	auto_world struct world w = world_new(EVERY_KIND);
	const struct space *space = w.spec->space;

	for (uint64_t k = 0; k < POINTS; k++) {
		struct cell there[LIMIT_PARAMS], back[LIMIT_PARAMS];
		double x[LIMIT_PARAMS];

		draw_config(&w, k, there);
		encode(&w.e, there, x);
		decode(&w.e, x, back);
		for (size_t i = 0; i < space->n; i++)
			assert_same_cell(&space->params[i], &there[i],
					 &back[i]);
	}
}
END_TEST

START_TEST(only_what_can_vary_has_an_axis)
{
	auto_world struct world w = world_new(EVERY_KIND);
	const struct space *space = w.spec->space;

	ck_assert_uint_eq(w.e.n, space->n - 2);
	for (size_t i = 0; i < w.e.n; i++) {
		const char *name = space->params[w.e.axes[i].param].name;

		ck_assert_str_ne(name, "constant");
		ck_assert_str_ne(name, "one");
		ck_assert_int_eq(w.e.axes[i].is_child,
				 strncmp(name, "if_", 3) == 0);
		ck_assert_int_eq(w.e.axes[i].is_parent,
				 strcmp(name, "choice") == 0 ||
				     strcmp(name, "int") == 0 ||
				     strcmp(name, "linear") == 0 ||
				     strcmp(name, "if_choice") == 0);
	}
}
END_TEST

START_TEST(inactive_parameters_are_all_at_one_place)
{
	auto_world struct world w = world_new(EVERY_KIND);
	size_t inactive = 0;

	for (uint64_t k = 0; k < POINTS; k++) {
		struct cell c[LIMIT_PARAMS];
		double x[LIMIT_PARAMS];

		draw_config(&w, k, c);
		encode(&w.e, c, x);
		for (size_t i = 0; i < w.e.n; i++) {
			const struct axis *a = &w.e.axes[i];

			if (c[a->param].active)
				continue;
			ck_assert(x[i] == (a->type == AXIS_CHOICE ? -1 : 0.5));
			inactive++;
		}
	}
	ck_assert_uint_gt(inactive, POINTS);
}
END_TEST

START_TEST(a_snapped_point_is_a_configuration)
{
	auto_world struct world w = world_new(EVERY_KIND);

	for (uint64_t k = 0; k < POINTS; k++) {
		struct cell c[LIMIT_PARAMS], scratch[LIMIT_PARAMS];
		double x[LIMIT_PARAMS], again[LIMIT_PARAMS];

		draw_point(&w, k, x);
		encoding_snap(&w.e, x, scratch);
		memcpy(again, x, sizeof(again));
		encoding_snap(&w.e, again, scratch);
		ck_assert_mem_eq(again, x, w.e.n * sizeof(*x));
		decode(&w.e, x, c);
		encode(&w.e, c, again);
		for (size_t i = 0; i < w.e.n; i++)
			ck_assert_double_le(
			    fabs(again[i] - x[i]),
			    w.e.axes[i].type == AXIS_REAL ? 1e-12 : 0);
	}
}
END_TEST

START_TEST(a_point_outside_of_the_cube_is_snapped_to_its_side)
{
	auto_world struct world w = world_new(EVERY_KIND);
	struct cell scratch[LIMIT_PARAMS];
	double low[LIMIT_PARAMS], high[LIMIT_PARAMS];

	for (size_t i = 0; i < w.e.n; i++) {
		low[i] = -3;
		high[i] = 1e6;
	}
	encoding_snap(&w.e, low, scratch);
	encoding_snap(&w.e, high, scratch);
	for (size_t i = 0; i < w.e.n; i++) {
		const struct axis *a = &w.e.axes[i];
		bool is_real = a->type == AXIS_REAL;

		if (a->type == AXIS_CHOICE) {
			ck_assert(high[i] == (double)a->levels - 1);
			continue;
		}
		ck_assert(high[i] ==
			  (is_real ? 1 : axis_place(&w.e, a, a->levels - 1)));
		if (!a->is_child)
			ck_assert(low[i] ==
				  (is_real ? 0 : axis_place(&w.e, a, 0)));
	}
}
END_TEST

START_TEST(places_of_a_grid_ascend_and_each_is_nearest_to_itself)
{
	auto_world struct world w = world_new(EVERY_KIND);
	size_t grids = 0;

	for (size_t i = 0; i < w.e.n; i++) {
		const struct axis *a = &w.e.axes[i];
		double before = -1;

		if (a->type != AXIS_GRID)
			continue;
		grids++;
		for (uint64_t k = 0; k < a->levels; k++) {
			double u = axis_place(&w.e, a, k);

			ck_assert(u > before && u >= 0 && u <= 1);
			ck_assert_uint_eq(axis_nearest(&w.e, a, u), k);
			before = u;
		}
	}
	ck_assert_uint_eq(grids, 7);
}
END_TEST

/* How far the place nearest to @u is, by looking at all of them. */
static double least_distance(const struct world *w, const struct axis *a,
			     double u)
{
	double least = (double)INFINITY;

	for (uint64_t k = 0; k < a->levels; k++)
		least = fmin(least, fabs(axis_place(&w->e, a, k) - u));
	return least;
}

START_TEST(the_nearest_place_is_the_one_a_linear_search_finds)
{
	auto_world struct world w = world_new(EVERY_KIND);

	for (size_t i = 0; i < w.e.n; i++) {
		const struct axis *a = &w.e.axes[i];

		if (a->type != AXIS_GRID)
			continue;
		for (uint64_t k = 0; k < 60; k++) {
			/* Some outside. */
			double u = 1.2 * place(i, k) - 0.1;
			uint64_t at = axis_nearest(&w.e, a, u);

			ck_assert_uint_lt(at, a->levels);
			ck_assert_double_eq_tol(
			    fabs(axis_place(&w.e, a, at) - u),
			    least_distance(&w, a, u), 1e-12);
		}
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("encoding");
	TCase *tc = tcase_create("encoding");

	tcase_set_timeout(tc, 60); /* busy machines, sanitizers */
	tcase_add_test(tc, a_configuration_comes_back_from_its_point);
	tcase_add_test(tc, only_what_can_vary_has_an_axis);
	tcase_add_test(tc, inactive_parameters_are_all_at_one_place);
	tcase_add_test(tc, a_snapped_point_is_a_configuration);
	tcase_add_test(tc, a_point_outside_of_the_cube_is_snapped_to_its_side);
	tcase_add_test(tc,
		       places_of_a_grid_ascend_and_each_is_nearest_to_itself);
	tcase_add_test(tc, the_nearest_place_is_the_one_a_linear_search_finds);
	suite_add_tcase(s, tc);
	return s;
}
