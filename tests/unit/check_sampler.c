#include "check_main.h"
#include "chi2.h"
#include "search/sampler.h"
#include "search/unit.h"
#include "spec_of.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* --- a search of the parameters that a test is about -----------------------
 */

/* A sampler and where it is. */
struct run {
	struct search_spec *spec;
	struct sampler *sampler;
	struct cell *config;
	uint64_t cursor;
};

static struct run run_new(const char *parameters, const char *sampler)
{
	struct run r = { .spec = spec_of(parameters, sampler) };

	r.sampler = sampler_new(r.spec);
	r.config = xcalloc(r.spec->space->n, sizeof(*r.config));
	return r;
}

static void run_free(struct run *r)
{
	sampler_free(r->sampler);
	search_free(r->spec);
	free(r->config);
}

#define auto_run __attribute__((cleanup(run_free)))

/* The next point, to r->config; false when there is none. */
static bool run_next(struct run *r)
{
	enum sampler_answer answer;

	do {
		answer = sampler_ask(r->sampler, &r->cursor, r->config);
		r->cursor++;
	} while (answer == SAMPLER_SKIP);
	return answer == SAMPLER_OK;
}

static uint64_t run_hash(const struct run *r)
{
	return space_hash(r->spec->space, r->config);
}

/* --- sets of configurations, as sorted hashes ------------------------------
 */

struct set {
	uint64_t *hash;
	size_t n;
};

static void set_free(struct set *s)
{
	free(s->hash);
}

#define auto_set __attribute__((cleanup(set_free)))

static void set_add(struct set *s, uint64_t hash)
{
	if ((s->n & (s->n - 1)) == 0)
		s->hash = xreallocarray(s->hash, s->n > 0 ? 2 * s->n : 1,
					sizeof(*s->hash));
	s->hash[s->n++] = hash;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void set_sort(struct set *s)
{
	if (s->n > 0)
		qsort(s->hash, s->n, sizeof(*s->hash), compare_hashes);
}

static void set_drop_repeats(struct set *s)
{
	size_t n = 0;

	set_sort(s);
	for (size_t i = 0; i < s->n; i++) {
		if (n == 0 || s->hash[i] != s->hash[n - 1])
			s->hash[n++] = s->hash[i];
	}
	s->n = n;
}

static void assert_same_set(const struct set *a, const struct set *b)
{
	ck_assert_uint_eq(a->n, b->n);
	if (a->n > 0)
		ck_assert_mem_eq(a->hash, b->hash, a->n * sizeof(*a->hash));
}

/* All combinations of levels, without the repeats that conditions make. */
static struct set combinations(const struct space *s)
{
	auto_free struct cell *config = xcalloc(s->n, sizeof(*config));
	uint64_t size = space_levels(s);
	struct set all = { 0 };

	for (uint64_t k = 0; k < size; k++) {
		uint64_t rest = k;

		for (size_t i = 0; i < s->n; i++) {
			uint64_t n = param_levels(&s->params[i]);

			config[i] = param_level(&s->params[i], rest % n);
			rest /= n;
		}
		space_activate(s, config);
		set_add(&all, space_hash(s, config));
	}
	set_drop_repeats(&all);
	return all;
}

/* --- grid ------------------------------------------------------------------
 */

#define GRID     "\"type\": \"grid\""
#define SHUFFLED "\"type\": \"grid\", \"shuffle\": true, \"seed\": 3"

/* Parameters without and with conditions: parents before and after, chains. */
static const char *const grids[] = {
	"\"a\": {\"type\": \"choice\", \"values\": [7]}",
	"\"a\": {\"value\": 1}, \"b\": {\"type\": \"int\", \"min\": -2, "
	"\"max\": 9}",
	"\"a\": {\"type\": \"int\", \"min\": 1, \"max\": 12, \"step\": 3},"
	"\"b\": {\"type\": \"float\", \"min\": 1e-4, \"max\": 1, \"points\": "
	"5, \"scale\": \"log\"},"
	"\"c\": {\"type\": \"choice\", \"values\": [true, null, \"x\", 1.5]},"
	"\"d\": {\"type\": \"float\", \"min\": 0, \"max\": 1, \"step\": 0.1}",
	"\"opt\": {\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\"]},"
	"\"m\": {\"type\": \"int\", \"min\": 1, \"max\": 5, \"when\": "
	"{\"opt\": \"b\"}},"
	"\"n\": {\"type\": \"int\", \"min\": 1, \"max\": 7, \"when\": "
	"{\"opt\": [\"b\", \"c\"], \"m\": {\"max\": 2}}},"
	"\"o\": {\"type\": \"choice\", \"values\": [1, 2, 3], \"when\": "
	"{\"n\": {\"min\": 4}}},"
	"\"p\": {\"type\": \"choice\", \"values\": [1, 2]}",
	"\"late\": {\"type\": \"int\", \"min\": 1, \"max\": 9, \"when\": "
	"{\"on\": true}},"
	"\"mid\": {\"type\": \"int\", \"min\": 1, \"max\": 4},"
	"\"on\": {\"type\": \"choice\", \"values\": [false, true], \"when\": "
	"{\"mid\": {\"min\": 3}}}",
};

static void assert_visits_each_point_once(const char *parameters,
					  const char *sampler)
{
	auto_run struct run r = run_new(parameters, sampler);
	auto_set struct set all = combinations(r.spec->space);
	auto_set struct set visited = { 0 };

	while (run_next(&r))
		set_add(&visited, run_hash(&r));
	set_sort(&visited);
	assert_same_set(&visited, &all);
	ck_assert(!run_next(&r));
}

START_TEST(a_grid_visits_each_configuration_once)
{
	assert_visits_each_point_once(grids[_i], GRID);
}
END_TEST

START_TEST(a_shuffled_grid_visits_each_configuration_once)
{
	assert_visits_each_point_once(grids[_i], SHUFFLED);
}
END_TEST

START_TEST(the_first_parameter_of_a_grid_is_the_slowest)
{
	auto_run struct run r = run_new(
	    "\"a\": {\"type\": \"int\", \"min\": 1, \"max\": 2},"
	    "\"b\": {\"type\": \"choice\", \"values\": [\"x\", \"y\", \"z\"]}",
	    GRID);

	for (int64_t a = 1; a <= 2; a++) {
		for (int64_t b = 0; b < 3; b++) {
			ck_assert(run_next(&r));
			ck_assert_int_eq(r.config[0].i, a);
			ck_assert_int_eq(r.config[1].i, b);
		}
	}
	ck_assert(!run_next(&r));
}
END_TEST

START_TEST(a_shuffled_order_is_its_seeds_own)
{
	auto_run struct run plain = run_new(grids[2], GRID);
	auto_run struct run a = run_new(grids[2], SHUFFLED);
	auto_run struct run b = run_new(
	    grids[2], "\"type\": \"grid\", \"shuffle\": true, \"seed\": 4");
	unsigned like_plain = 0, like_b = 0, n = 0;

	while (run_next(&plain) && run_next(&a) && run_next(&b)) {
		n++;
		like_plain += run_hash(&a) == run_hash(&plain);
		like_b += run_hash(&a) == run_hash(&b);
	}
	ck_assert_uint_eq(n, 880);
	ck_assert_uint_lt(like_plain, 10);
	ck_assert_uint_lt(like_b, 10);
}
END_TEST

#define MILLION                                                                \
	"\"a\": {\"type\": \"int\", \"min\": 0, \"max\": 99},"                 \
	"\"b\": {\"type\": \"int\", \"min\": 0, \"max\": 99},"                 \
	"\"c\": {\"type\": \"int\", \"min\": 0, \"max\": 99}"

START_TEST(I1_a_grid_of_a_million_points_is_visited_once)
{
	auto_run struct run r = run_new(MILLION, _i == 0 ? GRID : SHUFFLED);
	auto_free bool *seen = xcalloc(1000000, sizeof(*seen));
	unsigned n = 0, repeats = 0;

	for (; run_next(&r); n++) {
		const struct cell *c = r.config;
		int64_t place = (c[0].i * 100 + c[1].i) * 100 + c[2].i;

		repeats += seen[place];
		seen[place] = true;
	}
	ck_assert_uint_eq(n, 1000000);
	ck_assert_uint_eq(repeats, 0);
}
END_TEST

/* Parameter i, a number from 1 to 100, is there if the one before is 1. */
static char *chain(size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_addf(&b,
			 "%s\"p%zu\": {\"type\": \"int\", \"min\": 1, "
			 "\"max\": 100",
			 i > 0 ? "," : "", i);
		if (i > 0)
			buf_addf(&b, ", \"when\": {\"p%zu\": 1}", i - 1);
		buf_addc(&b, '}');
	}
	return buf_take(&b);
}

START_TEST(a_grid_steps_over_what_conditions_leave_out)
{
	auto_free char *parameters = chain((size_t)_i);
	auto_run struct run r = run_new(parameters, GRID);
	unsigned n = 0;

	/* One call a point, of 100^_i combinations. */
	while (sampler_ask(r.sampler, &r.cursor, r.config) == SAMPLER_OK) {
		r.cursor++;
		n++;
	}
	ck_assert_uint_eq(n, 99 * (unsigned)_i + 1);
}
END_TEST

START_TEST(a_shuffled_grid_of_any_size_varies_every_parameter)
{
	auto_free char *parameters = xasprintf(
	    MILLION ",\"d\": {\"type\": \"int\", \"min\": 1, \"max\": "
		    "10000000}%s",
	    _i == 0 ? ""
		    : ",\"e\": {\"type\": \"int\", \"min\": 1, \"max\": "
		      "10000000}");
	auto_run struct run r = run_new(parameters, SHUFFLED);
	unsigned count[4][10] = { 0 };

	for (size_t i = 0; i < 1000; i++) {
		ck_assert(run_next(&r));
		for (size_t j = 0; j < 3; j++)
			count[j][r.config[j].i / 10]++;
		count[3][(r.config[3].i - 1) / 1000000]++;
	}
	for (size_t j = 0; j < 4; j++)
		ck_assert_double_lt(fabs(chi2_deviate(count[j], NULL, 10)), 4);
}
END_TEST

/* --- random and sobol ------------------------------------------------------
 */

/* Every type and scale, with odd ranges. */
#define RICH                                                                   \
	"\"lin\": {\"type\": \"float\", \"min\": -0.3, \"max\": 0.7},"         \
	"\"log\": {\"type\": \"float\", \"min\": 1e-7, \"max\": 3, "           \
	"\"scale\": \"log\"},"                                                 \
	"\"logit\": {\"type\": \"float\", \"min\": 0.001, \"max\": 0.9, "      \
	"\"scale\": \"logit\"},"                                               \
	"\"step\": {\"type\": \"float\", \"min\": 0.1, \"max\": 0.7, "         \
	"\"step\": 0.1},"                                                      \
	"\"logstep\": {\"type\": \"float\", \"min\": 0.5, \"max\": 4, "        \
	"\"step\": 0.5, \"scale\": \"log\"},"                                  \
	"\"int\": {\"type\": \"int\", \"min\": -3, \"max\": 3},"               \
	"\"by3\": {\"type\": \"int\", \"min\": 3, \"max\": 12, \"step\": 3},"  \
	"\"logint\": {\"type\": \"int\", \"min\": 1, \"max\": 20, "            \
	"\"scale\": \"log\"},"                                                 \
	"\"choice\": {\"type\": \"choice\", \"values\": [\"a\", null, 2]},"    \
	"\"const\": {\"value\": 30},"                                          \
	"\"child\": {\"type\": \"float\", \"min\": 0, \"max\": 1, \"when\": "  \
	"{\"choice\": [\"a\", 2]}},"                                           \
	"\"grandchild\": {\"type\": \"float\", \"min\": 0, \"max\": 1, "       \
	"\"when\": {\"child\": {\"min\": 0.25}}}"

static const char *const drawn[] = {
	"\"type\": \"random\", \"seed\": 1",
	"\"type\": \"sobol\", \"seed\": 1",
};

START_TEST(K7_a_point_is_a_function_of_seed_and_cursor)
{
	static const char *const types[] = { "random", "sobol", "grid" };
	auto_free char *sampler =
	    xasprintf("\"type\": \"%s\", \"seed\": 5, "
		      "\"shuffle\": %s",
		      types[_i], _i == 2 ? "true" : "false");
	const char *parameters = _i == 2 ? grids[2] : RICH;
	auto_run struct run a = run_new(parameters, sampler);
	auto_run struct run b = run_new(parameters, sampler);
	uint64_t forward[100];

	for (size_t i = 0; i < 100; i++) {
		ck_assert(run_next(&a));
		forward[i] = run_hash(&a);
	}
	for (uint64_t i = 100; i-- > 0;) {
		b.cursor = i;
		ck_assert(run_next(&b));
		ck_assert_uint_eq(run_hash(&b), forward[i]);
	}
}
END_TEST

START_TEST(different_seeds_draw_different_points)
{
	static const char *const others[] = {
		"\"type\": \"random\", \"seed\": 2",
		"\"type\": \"sobol\", \"seed\": 2",
	};
	auto_run struct run a = run_new(RICH, drawn[_i]);
	auto_run struct run b = run_new(RICH, others[_i]);

	for (size_t i = 0; i < 100; i++) {
		ck_assert(run_next(&a) && run_next(&b));
		ck_assert_uint_ne(run_hash(&a), run_hash(&b));
	}
}
END_TEST

START_TEST(every_draw_is_a_configuration_that_can_be_read_back)
{
	auto_run struct run r = run_new(RICH, drawn[_i]);
	const struct space *s = r.spec->space;
	auto_free struct cell *back = xcalloc(s->n, sizeof(*back));

	for (size_t i = 0; i < 2000; i++) {
		auto_diag struct diag faults = DIAG_INIT;
		auto_json cJSON *printed = NULL;

		ck_assert(run_next(&r));
		printed = space_print(s, r.config);
		ck_assert_int_eq(space_read(s, printed, back, &faults), 0);
		ck_assert(space_equal(s, r.config, back));
	}
}
END_TEST

START_TEST(K4_an_inactive_parameter_has_no_value)
{
	auto_run struct run r = run_new(RICH, drawn[_i]);
	const struct space *s = r.spec->space;
	int choice = space_find(s, "choice"), child = space_find(s, "child");
	int grandchild = space_find(s, "grandchild");
	unsigned absent = 0, wrong = 0;

	for (size_t i = 0; i < 3000 && run_next(&r); i++) {
		const struct cell *c = r.config;
		bool has_child = c[choice].i != 1;
		bool has_grandchild = has_child && c[child].f >= 0.25;

		wrong += c[child].active != has_child;
		wrong += c[grandchild].active != has_grandchild;
		wrong += !has_grandchild && c[grandchild].f != 0;
		absent += !has_grandchild;
	}
	ck_assert_uint_eq(wrong, 0);
	/* A third lacks the child, a quarter of the rest is below 0.25. */
	ck_assert_uint_gt(absent, 1400);
	ck_assert_uint_lt(absent, 1600);
}
END_TEST

/*
 * Counts 20,000 draws of parameter @name in @n cells: of a float, equal cells
 * of its scale; else its values.
 */
static void count_draws(const char *name, size_t n, unsigned *count)
{
	auto_run struct run r = run_new(RICH, drawn[0]);
	int i = space_find(r.spec->space, name);
	const struct param *p = &r.spec->space->params[i];

	for (size_t k = 0; k < 20000; k++) {
		double v, min, max;
		uint64_t cell = 0;

		ck_assert(run_next(&r));
		if (param_cardinality(p) > 0) {
			struct cell c = param_value(p, 0);

			while (p->type == PARAM_FLOAT ? c.f != r.config[i].f
						      : c.i != r.config[i].i)
				c = param_value(p, ++cell);
			count[cell]++;
			continue;
		}
		v = r.config[i].f;
		min = p->min;
		max = p->max;
		if (p->scale != SCALE_LINEAR) {
			bool is_log = p->scale == SCALE_LOG;

			v = log(is_log ? v : v / (1 - v));
			min = log(is_log ? min : min / (1 - min));
			max = log(is_log ? max : max / (1 - max));
		}
		cell = (uint64_t)((v - min) / (max - min) * (double)n);
		count[cell < n ? cell : n - 1]++;
	}
}

START_TEST(draws_are_even_on_their_scale)
{
	static const struct {
		const char *name;
		size_t cells;
	} even[] = {
		{"lin",     50},
                { "log",    50},
                { "logit",  50},
                { "step",   7 },
		{ "int",    7 },
                { "by3",    4 },
                { "choice", 3 },
	};
	unsigned count[50] = { 0 };

	ck_assert_uint_eq(N(even), 7);
	count_draws(even[_i].name, even[_i].cells, count);
	ck_assert_double_lt(fabs(chi2_deviate(count, NULL, even[_i].cells)), 4);
}
END_TEST

START_TEST(a_number_on_a_log_scale_owns_its_interval)
{
	const char *name = _i == 0 ? "logint" : "logstep";
	size_t n = _i == 0 ? 20 : 8;
	unsigned count[20] = { 0 };
	double share[20];

	/* Value v of n, in steps, is drawn from [v - 1/2, v + 1/2]. */
	for (size_t i = 0; i < n; i++) {
		double v = (double)i + 1;

		share[i] =
		    log((v + 0.5) / (v - 0.5)) / log(((double)n + 0.5) / 0.5);
	}
	count_draws(name, n, count);
	ck_assert_double_lt(fabs(chi2_deviate(count, share, n)), 4);
}
END_TEST

START_TEST(a_sobol_sequence_fills_each_axis_evenly)
{
	auto_run struct run r =
	    run_new("\"a\": {\"type\": \"float\", \"min\": 2, \"max\": 4},"
		    "\"k\": {\"value\": 1},"
		    "\"b\": {\"type\": \"float\", \"min\": 1e-6, \"max\": 1, "
		    "\"scale\": \"log\"},"
		    "\"c\": {\"type\": \"choice\", \"values\": [1, 2, 3, 4]},"
		    "\"d\": {\"type\": \"int\", \"min\": 1, \"max\": 128}",
		    drawn[1]);
	unsigned a[256] = { 0 }, b[256] = { 0 }, c[4] = { 0 }, d[128] = { 0 };

	for (size_t i = 0; i < 256; i++) {
		ck_assert(run_next(&r));
		a[(size_t)((r.config[0].f - 2) * 128)]++;
		b[(size_t)((log10(r.config[2].f) + 6) / 6 * 256)]++;
		c[r.config[3].i]++;
		d[r.config[4].i - 1]++;
	}
	for (size_t i = 0; i < 256; i++) {
		ck_assert_uint_eq(a[i], 1);
		ck_assert_uint_eq(b[i], 1);
		ck_assert_uint_eq(c[i / 64], 64);
		ck_assert_uint_eq(d[i / 2], 2);
	}
}
END_TEST

START_TEST(two_axes_of_a_sobol_sequence_share_no_cell)
{
	auto_run struct run r =
	    run_new("\"a\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"
		    "\"b\": {\"type\": \"float\", \"min\": 0, \"max\": 1}",
		    drawn[1]);
	unsigned count[16][16] = { 0 };

	/* The first two axes make a (0, m, 2)-net: one point in each cell. */
	for (size_t i = 0; i < 256; i++) {
		ck_assert(run_next(&r));
		count[(size_t)(r.config[0].f * 16)]
		     [(size_t)(r.config[1].f * 16)]++;
	}
	for (size_t i = 0; i < 256; i++)
		ck_assert_uint_eq(count[i / 16][i % 16], 1);
}
END_TEST

/* --- the unit cube ---------------------------------------------------------
 */

/* @v of a float or int, as a number. */
static double number_of(const struct param *p, struct cell v)
{
	return p->type == PARAM_INT ? (double)v.i : v.f;
}

static const char *const ranges[] = {
	"\"float\", \"min\": 0.1, \"max\": 0.3",
	"\"float\", \"min\": 0.1, \"max\": 0.1",
	"\"float\", \"min\": -8e307, \"max\": 8e307",
	"\"float\", \"min\": 5e-324, \"max\": 1e308, \"scale\": "
	"\"log\"",
	"\"float\", \"min\": 1e-5, \"max\": 10, \"scale\": \"log\"",
	"\"float\", \"min\": 0.7, \"max\": 0.99999, \"scale\": "
	"\"logit\"",
	"\"float\", \"min\": 0.1, \"max\": 0.9, \"step\": 0.1, "
	"\"scale\": \"logit\"",
	"\"float\", \"min\": 0.1, \"max\": 0.9, \"step\": 0.4, "
	"\"scale\": \"logit\"",
	"\"float\", \"min\": 0.05, \"max\": 1.5, \"step\": 0.05, "
	"\"scale\": \"log\"",
	"\"int\", \"min\": 1, \"max\": 9007199254740992, \"scale\": "
	"\"log\"",
	"\"int\", \"min\": -9007199254740992, \"max\": "
	"9007199254740992",
	"\"int\", \"min\": 5, \"max\": 5",
};

START_TEST(the_ends_of_the_cube_are_inside_the_range)
{
	auto_free char *parameter =
	    xasprintf("\"p\": {\"type\": %s}", ranges[_i]);
	auto_run struct run r = run_new(parameter, drawn[0]);
	const struct param *p = &r.spec->space->params[0];
	bool is_int = p->type == PARAM_INT;
	double min = is_int ? (double)p->int_min : p->min;
	double max = is_int ? (double)p->int_max : p->max;
	double before = min;

	ck_assert_uint_eq(N(ranges), 12);
	for (int k = 0; k <= 1000; k++) {
		double v = number_of(p, unit_cell(p, k / 1000.0));

		ck_assert(v >= before && v <= max);
		before = v;
	}
	if (is_int || p->step > 0)
		ck_assert(number_of(p, unit_cell(p, 0)) == min);
	ck_assert(before >= max * (1 - 1e-13));
}
END_TEST

/* What a unit coordinate can become: numbers of all kinds, then the rest. */
static const char *const others[] = {
	"\"choice\", \"values\": [\"a\", null, 2]",
	"\"choice\", \"values\": [1, 2, 3, 4, 5, 6, 7], \"ordered\": true",
	"\"choice\", \"values\": [\"only\"]",
};

static double cell_number(const struct param *p, struct cell c)
{
	return p->type == PARAM_FLOAT ? c.f : (double)c.i;
}

static const struct param *any_param(int i, struct run *ret_run)
{
	auto_free char *parameter =
	    xasprintf("\"p\": {\"type\": %s}",
		      i < (int)N(ranges) ? ranges[i] : others[i - N(ranges)]);

	*ret_run = run_new(parameter, drawn[0]);
	return &ret_run->spec->space->params[0];
}

START_TEST(a_cell_has_a_coordinate_that_becomes_it_again)
{
	auto_run struct run r = { 0 };
	const struct param *p = any_param(_i, &r);

	for (int k = 0; k <= 1000; k++) {
		struct cell c = unit_cell(p, k / 1000.0), back;
		double u = unit_of(p, &c);

		ck_assert(u >= 0 && u <= 1);
		back = unit_cell(p, u);
		ck_assert(back.active);
		ck_assert_double_le(
		    fabs(cell_number(p, back) - cell_number(p, c)),
		    1e-12 * fabs(cell_number(p, c)));
	}
}
END_TEST

START_TEST(the_interval_of_a_value_is_what_becomes_it)
{
	auto_run struct run r = { 0 };
	const struct param *p = any_param(_i, &r);
	uint64_t n = param_cardinality(p);
	double before = 0, low, high;

	/* Neighbours share an end; a continuous number has a point. */
	for (uint64_t k = 0; k < n && k < 1000; k++) {
		struct cell c = param_value(p, k);

		unit_interval(p, &c, &low, &high);
		ck_assert_double_eq_tol(low, before, 1e-12);
		ck_assert_double_le(low, unit_of(p, &c));
		ck_assert_double_le(unit_of(p, &c), high);
		/* 2^54 values are closer than coordinates can be. */
		for (int t = 1; t < 10 && n < 1000000; t++) {
			double u = low + t / 10.0 * (high - low);

			ck_assert_double_eq(cell_number(p, unit_cell(p, u)),
					    cell_number(p, c));
		}
		before = high;
	}
	if (n > 0 && n <= 1000)
		ck_assert_double_eq(before, 1);
	if (n == 0) {
		struct cell c = unit_cell(p, 0.25);

		unit_interval(p, &c, &low, &high);
		ck_assert(low == high && low == unit_of(p, &c));
	}
}
END_TEST

/* --- listing ---------------------------------------------------------------
 */

#define FINITE                                                                 \
	"\"a\": {\"type\": \"float\", \"min\": 0, \"max\": 1, \"step\": "      \
	"0.25, \"values\": [0, 1]},"                                           \
	"\"b\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "        \
	"{\"a\": {\"min\": 0.5}}},"                                            \
	"\"c\": {\"type\": \"choice\", \"values\": [1, 2]}"

START_TEST(a_listing_has_every_value_of_a_discrete_space)
{
	auto_run struct run r = run_new(FINITE, drawn[_i]);
	auto_set struct set listed = { 0 }, seen = { 0 };

	for (uint64_t k = 0;
	     sampler_enumerate(r.spec, &k, r.config) == SAMPLER_OK; k++)
		set_add(&listed, run_hash(&r));
	set_sort(&listed);
	/* a below 0.5: 2 values times c; else 3 values times b and c */
	ck_assert_uint_eq(listed.n, 2 * 2 + 3 * 3 * 2);
	for (size_t i = 0; i < 1000 && run_next(&r); i++)
		set_add(&seen, run_hash(&r));
	set_drop_repeats(&seen);
	assert_same_set(&listed, &seen);
}
END_TEST

START_TEST(the_listing_of_a_grid_has_its_levels_alone)
{
	auto_run struct run r = run_new(FINITE, SHUFFLED);
	auto_set struct set all = combinations(r.spec->space);
	auto_set struct set listed = { 0 };

	for (uint64_t k = 0;
	     sampler_enumerate(r.spec, &k, r.config) == SAMPLER_OK; k++)
		set_add(&listed, run_hash(&r));
	set_sort(&listed);
	ck_assert_uint_eq(listed.n, 2 + 3 * 2);
	assert_same_set(&listed, &all);
}
END_TEST

START_TEST(a_continuous_space_has_no_listing)
{
	auto_run struct run r = run_new(RICH, drawn[_i]);
	uint64_t k = 0;

	ck_assert_int_eq(sampler_enumerate(r.spec, &k, r.config),
			 SAMPLER_EXHAUSTED);
}
END_TEST

START_TEST(a_listing_beyond_2_to_the_64_can_be_walked)
{
	auto_free char *parameters = chain(40);
	auto_run struct run r = run_new(parameters, drawn[0]);
	unsigned n = 0;

	for (uint64_t k = 0;
	     sampler_enumerate(r.spec, &k, r.config) == SAMPLER_OK; k++)
		n++;
	/* What lies below 2^64 of 100^40: the last nine of the chain. */
	ck_assert_uint_eq(n, 99 * 9 + 1 + 18);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("sampler");
	TCase *grid = tcase_create("grid"), *draw = tcase_create("draw");
	TCase *listing = tcase_create("listing");

	tcase_add_loop_test(grid, a_grid_visits_each_configuration_once, 0,
			    N(grids));
	tcase_add_loop_test(
	    grid, a_shuffled_grid_visits_each_configuration_once, 0, N(grids));
	tcase_add_test(grid, the_first_parameter_of_a_grid_is_the_slowest);
	tcase_add_test(grid, a_shuffled_order_is_its_seeds_own);
	tcase_add_loop_test(grid, I1_a_grid_of_a_million_points_is_visited_once,
			    0, 2);
	tcase_add_loop_test(
	    grid, a_shuffled_grid_of_any_size_varies_every_parameter, 0, 2);
	tcase_add_loop_test(grid, a_grid_steps_over_what_conditions_leave_out,
			    1, 4);
	tcase_add_loop_test(draw, K7_a_point_is_a_function_of_seed_and_cursor,
			    0, 3);
	tcase_add_loop_test(draw, different_seeds_draw_different_points, 0,
			    N(drawn));
	tcase_add_loop_test(draw,
			    every_draw_is_a_configuration_that_can_be_read_back,
			    0, N(drawn));
	tcase_add_loop_test(draw, K4_an_inactive_parameter_has_no_value, 0,
			    N(drawn));
	tcase_add_loop_test(draw, draws_are_even_on_their_scale, 0, 7);
	tcase_add_loop_test(draw, a_number_on_a_log_scale_owns_its_interval, 0,
			    2);
	tcase_add_test(draw, a_sobol_sequence_fills_each_axis_evenly);
	tcase_add_test(draw, two_axes_of_a_sobol_sequence_share_no_cell);
	tcase_add_loop_test(draw, the_ends_of_the_cube_are_inside_the_range, 0,
			    12);
	tcase_add_loop_test(draw, a_cell_has_a_coordinate_that_becomes_it_again,
			    0, 15);
	tcase_add_loop_test(draw, the_interval_of_a_value_is_what_becomes_it, 0,
			    15);
	tcase_add_loop_test(listing,
			    a_listing_has_every_value_of_a_discrete_space, 0,
			    N(drawn));
	tcase_add_test(listing, the_listing_of_a_grid_has_its_levels_alone);
	tcase_add_loop_test(listing, a_continuous_space_has_no_listing, 0,
			    N(drawn));
	tcase_add_test(listing, a_listing_beyond_2_to_the_64_can_be_walked);
	suite_add_tcase(s, grid);
	suite_add_tcase(s, draw);
	suite_add_tcase(s, listing);
	return s;
}
