#include "check_main.h"
#include "num/rng.h"
#include "search/sampler.h"
#include "search/unit.h"
#include "spec_of.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* --- a search and its sampler ----------------------------------------------
 */

struct run {
	struct search_spec *spec;
	struct sampler *sampler;
	uint64_t cursor;
	struct proposal last;
};

static struct run run_new(const char *parameters, const char *options)
{
	auto_free char *sampler =
	    xasprintf("\"type\": \"tpe\"%s%s", *options ? ", " : "", options);
	struct run r = { .spec = spec_of(parameters, sampler) };

	r.sampler = sampler_new(r.spec);
	return r;
}

static void run_free(struct run *r)
{
	proposal_fini(&r->last);
	sampler_free(r->sampler);
	search_free(r->spec);
}

#define auto_run __attribute__((cleanup(run_free)))

static size_t run_n(const struct run *r)
{
	return r->sampler->history.n;
}

static const struct cell *run_config(const struct run *r, size_t number)
{
	return r->sampler->history.rows[number].config;
}

/* Asks for one more, which runs then; false when there is none. */
static bool run_ask(struct run *r)
{
	proposal_fini(&r->last);
	return sampler_propose(r->sampler, &r->cursor, 1, &r->last) == 1;
}

static void run_tell(struct run *r, size_t number, enum fate fate, double score)
{
	sampler_tell(r->sampler, number, NULL,
		     (struct observation){ .fate = fate, .score = score });
}

/* Asks for @n, each told the score of @f before the next. */
static void run_steps(struct run *r, size_t n,
		      double (*f)(const struct cell *config))
{
	for (size_t k = 0; k < n; k++) {
		ck_assert(run_ask(r));
		run_tell(r, run_n(r) - 1, FATE_DONE, f(r->last.config));
	}
}

/* A configuration of the space: active where it has to be, in its ranges. */
static void assert_whole(const struct space *s, const struct cell *config)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct cell again[LIMIT_PARAMS];
	auto_json cJSON *object = space_print(s, config);

	ck_assert_int_eq(space_read(s, object, again, &faults), 0);
	ck_assert(space_equal(s, config, again));
}

/* A sampler that is told the same trials, from the first number on. */
static struct sampler *twin_of(const struct run *r)
{
	struct sampler *twin = sampler_new(r->spec);

	for (size_t k = 0; k < run_n(r); k++)
		sampler_tell(twin, k, run_config(r, k),
			     r->sampler->history.rows[k].seen);
	return twin;
}

/* Both propose the same at @cursor. */
static void assert_agree(const struct run *r, struct sampler *twin,
			 uint64_t cursor)
{
	struct cell a[LIMIT_PARAMS], b[LIMIT_PARAMS];
	uint64_t x = cursor, y = cursor;

	ck_assert_int_eq(sampler_ask(r->sampler, &x, a), SAMPLER_OK);
	ck_assert_int_eq(sampler_ask(twin, &y, b), SAMPLER_OK);
	ck_assert_uint_eq(x, y);
	ck_assert(space_equal(r->spec->space, a, b));
}

/* --- spaces and functions --------------------------------------------------
 */

#define PLANE                                                                  \
	"\"x\": {\"type\": \"float\", \"min\": -5, \"max\": 10},"              \
	"\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 15}"

#define MIXED                                                                  \
	"\"lr\": {\"type\": \"float\", \"min\": 1e-6, \"max\": 1, "            \
	"\"scale\": \"log\"},"                                                 \
	"\"momentum\": {\"type\": \"float\", \"min\": 0.5, \"max\": 0.999, "   \
	"\"scale\": \"logit\"},"                                               \
	"\"layers\": {\"type\": \"int\", \"min\": 1, \"max\": 5},"             \
	"\"units\": {\"type\": \"int\", \"min\": 8, \"max\": 1024, "           \
	"\"scale\": \"log\"},"                                                 \
	"\"drop\": {\"type\": \"float\", \"min\": 0, \"max\": 0.9, "           \
	"\"step\": 0.1},"                                                      \
	"\"size\": {\"type\": \"choice\", \"values\": [\"s\", \"m\", \"l\"], " \
	"\"ordered\": true},"                                                  \
	"\"seed\": {\"value\": 7},"                                            \
	"\"one\": {\"type\": \"float\", \"min\": 3, \"max\": 3},"              \
	"\"optimizer\": {\"type\": \"choice\", \"values\": [\"sgd\", "         \
	"\"adam\", \"lion\"]},"                                                \
	"\"beta\": {\"type\": \"float\", \"min\": 0.8, \"max\": 0.99, "        \
	"\"when\": {\"optimizer\": [\"adam\", \"lion\"]}},"                    \
	"\"nesterov\": {\"type\": \"choice\", \"values\": [false, true], "     \
	"\"when\": {\"optimizer\": \"sgd\"}},"                                 \
	"\"units2\": {\"type\": \"int\", \"min\": 8, \"max\": 64, "            \
	"\"when\": {\"layers\": {\"min\": 2}}}"

enum {
	LR,
	MOMENTUM,
	LAYERS,
	UNITS,
	DROP,
	SIZE,
	SEED,
	ONE,
	OPTIMIZER,
	BETA,
};

/* Best 0 with adam at lr 1e-3, 3 layers, beta 0.9. */
static double mixed(const struct cell *c)
{
	double v = pow(log10(c[LR].f) + 3, 2) + fabs((double)c[LAYERS].i - 3) +
		   2 * c[DROP].f;

	if (c[OPTIMIZER].i != 1)
		return v + 2;
	return v + 20 * fabs(c[BETA].f - 0.9);
}

/* F. Branin: three minima of 0.397887. */
static double branin(const struct cell *c)
{
	double x = c[0].f, y = c[1].f;
	double a = y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6;

	return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

#define SIX                                                                    \
	"\"a\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"b\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"c\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"d\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"e\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"f\": {\"type\": \"float\", \"min\": 0, \"max\": 1}"

static double sphere(const struct cell *c)
{
	double v = 0;

	for (int i = 0; i < 6; i++)
		v += pow(c[i].f - 0.3, 2);
	return v;
}

static double equal(const struct cell *c)
{
	return 1;
}

/* --- what it proposes ------------------------------------------------------
 */

START_TEST(the_first_point_is_the_middle_or_the_guess)
{
	auto_run struct run r =
	    run_new("\"x\": {\"type\": \"float\", \"min\": -5, \"max\": 10},"
		    "\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 15, "
		    "\"guess\": 1},"
		    "\"z\": {\"type\": \"choice\", \"values\": [1, 2, 3]}",
		    "");

	ck_assert(run_ask(&r));
	ck_assert(r.last.config[0].f == 2.5);
	ck_assert(r.last.config[1].f == 1);
	ck_assert_int_eq(r.last.config[2].i, 0);
	ck_assert_int_eq(r.last.rationale.why, WHY_START);
}
END_TEST

START_TEST(the_model_begins_when_five_results_are_known)
{
	auto_run struct run r = run_new(PLANE, "");

	for (size_t k = 0; k < 12; k++)
		ck_assert(run_ask(&r));
	for (size_t k = 0; k < 5; k++) {
		ck_assert(run_ask(&r));
		ck_assert_int_eq(r.last.rationale.why, WHY_START);
		run_tell(&r, k, FATE_DONE, (double)k);
	}
	ck_assert(run_ask(&r));
	ck_assert_int_eq(r.last.rationale.why, WHY_MODEL);
	ck_assert_uint_eq(r.last.rationale.observations, 5);
	ck_assert_uint_eq(r.last.rationale.pending, 12);
	ck_assert(r.last.rationale.best == 0);
	ck_assert(isnan(r.last.rationale.mean));
}
END_TEST

START_TEST(the_best_is_told_in_the_units_of_the_metric)
{
	auto_run struct run r = run_new(PLANE, "");

	r.spec->goal = GOAL_MAXIMIZE;
	for (size_t k = 0; k < 11; k++) {
		ck_assert(run_ask(&r));
		run_tell(&r, k, FATE_DONE, score_of(GOAL_MAXIMIZE, (double)k));
	}
	ck_assert(run_ask(&r));
	ck_assert(r.last.rationale.best == 10);
}
END_TEST

START_TEST(the_nearest_trials_are_named_with_their_results)
{
	auto_run struct run r = run_new("\"x\": {\"type\": \"float\", "
					"\"min\": 0, \"max\": 10}",
					"");
	const struct rationale *why = &r.last.rationale;

	r.spec->goal = GOAL_MAXIMIZE;
	for (size_t k = 0; k < 30; k++) {
		ck_assert(run_ask(&r));
		/* The last ones have no result. */
		if (k < 25)
			run_tell(&r, k, FATE_DONE, -r.last.config[0].f);
	}
	ck_assert_uint_eq(why->n_nearest, NEAREST_MAX);
	for (size_t i = 0; i < NEAREST_MAX; i++) {
		double x = run_config(&r, why->nearest[i].number)[0].f;

		ck_assert_uint_lt(why->nearest[i].number, 25);
		ck_assert(why->nearest[i].value == x);
		ck_assert_double_eq_tol(why->nearest[i].distance,
					fabs(x - r.last.config[0].f) / 10,
					1e-12);
		if (i > 0)
			ck_assert_double_ge(why->nearest[i].distance,
					    why->nearest[i - 1].distance);
	}
	ck_assert(why->exploration > 0 && why->exploration < 1);
}
END_TEST

START_TEST(every_proposal_is_a_configuration_of_the_space)
{
	auto_run struct run r = run_new(MIXED, "");

	run_steps(&r, 300, mixed);
	for (size_t k = 0; k < run_n(&r); k++)
		assert_whole(r.spec->space, run_config(&r, k));
}
END_TEST

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The least score. */
static double best_of(const struct run *r)
{
	double best = (double)INFINITY;

	for (size_t k = 0; k < run_n(r); k++)
		best = fmin(best, r->sampler->history.rows[k].seen.score);
	return best;
}

/* The median best of 100 trials over 5 seeds; @random: by random search. */
static double median_of(const char *parameters,
			double (*f)(const struct cell *config), bool random)
{
	double best[5];

	for (size_t k = 0; k < N(best); k++) {
		auto_free char *seed = xasprintf("\"seed\": %zu", k);
		auto_run struct run r = run_new(parameters, seed);
		struct cell c[LIMIT_PARAMS];

		if (!random) {
			run_steps(&r, 100, f);
			best[k] = best_of(&r);
			continue;
		}
		best[k] = (double)INFINITY;
		for (uint64_t n = 0; n < 100; n++) {
			double u[LIMIT_PARAMS];

			for (uint32_t i = 0; i < r.spec->space->n; i++)
				u[i] = rng_unit(k, rng_stream(RNG_POINT, i), n);
			unit_config(r.spec->space, u, c);
			best[k] = fmin(best[k], f(c));
		}
	}
	qsort(best, N(best), sizeof(*best), compare_numbers);
	return best[N(best) / 2];
}

START_TEST(it_comes_nearer_to_the_best_point_than_random_search)
{
	static const struct {
		const char *parameters;
		double (*f)(const struct cell *config);
		double best;
		double share; /* of random search's regret */
	} cases[] = {
		{PLANE,  branin, 0.397887, 0.2},
		{ MIXED, mixed,  0,        0.7},
		{ SIX,   sphere, 0,        0.1},
	};
	double tpe = median_of(cases[_i].parameters, cases[_i].f, false);
	double random = median_of(cases[_i].parameters, cases[_i].f, true);

	ck_assert_uint_eq(N(cases), 3);
	ck_assert_double_lt(tpe - cases[_i].best,
			    cases[_i].share * (random - cases[_i].best));
}
END_TEST

START_TEST(it_turns_to_the_best_branch_of_a_conditional_space)
{
	auto_free char *seed = xasprintf("\"seed\": %d", _i);
	auto_run struct run r = run_new(MIXED, seed);
	size_t adam = 0;

	run_steps(&r, 100, mixed);
	for (size_t k = 50; k < 100; k++)
		adam += run_config(&r, k)[OPTIMIZER].i == 1;
	ck_assert_uint_gt(adam, 25);
}
END_TEST

START_TEST(it_avoids_where_trials_fail)
{
	auto_run struct run r = run_new(PLANE, "");
	size_t failed = 0;

	for (size_t k = 0; k < 100; k++) {
		ck_assert(run_ask(&r));
		if (r.last.config[0].f > 0) {
			failed += k >= 50;
			run_tell(&r, k, FATE_FAILED, (double)NAN);
		} else {
			run_tell(&r, k, FATE_DONE, branin(r.last.config));
		}
	}
	/* Two thirds of the space. */
	ck_assert_uint_lt(failed, 15);
}
END_TEST

/* The mean distance of @n proposals from @from. */
static double mean_distance(struct run *r, const struct cell *from, size_t n)
{
	double sum = 0;
	struct cell c[2];

	for (size_t k = 0; k < n; k++) {
		sampler_ask(r->sampler, &(uint64_t){ 1000 + k }, c);
		sum += hypot(c[0].f - from[0].f, c[1].f - from[1].f);
	}
	return sum / (double)n;
}

START_TEST(it_keeps_away_from_running_trials)
{
	auto_run struct run r = run_new(PLANE, "");
	struct cell from[2];
	double before;

	run_steps(&r, 50, branin);
	ck_assert(run_ask(&r));
	run_tell(&r, 50, FATE_NONE, (double)NAN);
	memcpy(from, r.last.config, sizeof(from));
	before = mean_distance(&r, from, 50);
	for (size_t k = 51; k < 71; k++)
		sampler_tell(r.sampler, k, from,
			     (struct observation){ .fate = FATE_RUNNING });
	ck_assert_double_gt(mean_distance(&r, from, 50), 1.05 * before);
}
END_TEST

START_TEST(a_running_trial_counts_as_one_that_failed)
{
	auto_run struct run r = run_new(PLANE, "");
	struct cell running[2], failed[2];

	run_steps(&r, 51, branin);
	for (size_t k = 51; k < 55; k++)
		ck_assert(run_ask(&r));
	sampler_ask(r.sampler, &(uint64_t){ 1000 }, running);
	/* A tenth of 51 to 55 trials, rounded up, are good. */
	for (size_t k = 51; k < 55; k++)
		run_tell(&r, k, FATE_FAILED, (double)NAN);
	sampler_ask(r.sampler, &(uint64_t){ 1000 }, failed);
	ck_assert(space_equal(r.spec->space, running, failed));
}
END_TEST

/* Of 100 proposals, how many have y within a tenth of its range of 13. */
static size_t count_near(struct run *r)
{
	size_t n = 0;
	struct cell c[2];

	for (size_t k = 0; k < 100; k++) {
		sampler_ask(r->sampler, &(uint64_t){ 1000 + k }, c);
		n += fabs(c[1].f - 13) < 1.5;
	}
	return n;
}

START_TEST(a_guess_draws_proposals_to_it)
{
	auto_run struct run r = run_new(PLANE, "");
	struct param *y = &r.spec->space->params[1];
	size_t before;

	run_steps(&r, 30, equal);
	before = count_near(&r);
	y->has_guess = true;
	y->guess = (struct cell){ .active = true, .f = 13 };
	ck_assert_uint_gt(count_near(&r), before + 20);
}
END_TEST

/* --- a function of the history ---------------------------------------------
 */

START_TEST(K7_a_new_sampler_goes_on_where_the_old_one_was)
{
	auto_run struct run r = run_new(MIXED, "\"seed\": 3");

	for (size_t k = 0; k < 40; k++) {
		struct sampler *twin = twin_of(&r);

		assert_agree(&r, twin, r.cursor);
		sampler_free(twin);
		run_steps(&r, 1, mixed);
	}
}
END_TEST

START_TEST(the_order_in_which_results_come_does_not_matter)
{
	auto_run struct run r = run_new(MIXED, "");
	struct run late = { .spec = r.spec };

	run_steps(&r, 60, mixed);
	late.sampler = sampler_new(r.spec);
	for (size_t k = 0; k < 60; k++)
		sampler_tell(late.sampler, k, run_config(&r, k),
			     (struct observation){ .fate = FATE_RUNNING });
	for (size_t k = 60; k-- > 0;) {
		(void)sampler_ask(late.sampler, &(uint64_t){ k },
				  (struct cell[LIMIT_PARAMS]){ 0 });
		sampler_tell(late.sampler, k, NULL,
			     r.sampler->history.rows[k].seen);
	}
	assert_agree(&r, late.sampler, 60);
	sampler_free(late.sampler);
}
END_TEST

START_TEST(other_seeds_and_cursors_give_other_points)
{
	auto_run struct run r = run_new(PLANE, "");
	struct cell a[2], b[2];

	run_steps(&r, 20, branin);
	sampler_ask(r.sampler, &(uint64_t){ 20 }, a);
	sampler_ask(r.sampler, &(uint64_t){ 21 }, b);
	ck_assert(!space_equal(r.spec->space, a, b));
	r.spec->seed = 1;
	sampler_ask(r.sampler, &(uint64_t){ 20 }, b);
	ck_assert(!space_equal(r.spec->space, a, b));
}
END_TEST

/* --- repeats ---------------------------------------------------------------
 */

#define TINY                                                                   \
	"\"a\": {\"type\": \"int\", \"min\": 0, \"max\": 9},"                  \
	"\"b\": {\"type\": \"choice\", \"values\": [1, 2, 3, 4, 5]},"          \
	"\"c\": {\"type\": \"int\", \"min\": 1, \"max\": 3, \"when\": "        \
	"{\"b\": 2}}"

static double tiny(const struct cell *c)
{
	return fabs((double)c[0].i - 7) + (double)(c[1].i != 1) +
	       (double)(c[2].i != 2);
}

START_TEST(each_point_of_a_discrete_space_is_proposed_once)
{
	auto_run struct run r = run_new(TINY, "");

	/* 10 times 4, and 10 times 3 */
	run_steps(&r, 70, tiny);
	ck_assert(!run_ask(&r));
	for (size_t a = 0; a < 70; a++) {
		for (size_t b = 0; b < a; b++)
			ck_assert(!space_equal(r.spec->space, run_config(&r, a),
					       run_config(&r, b)));
	}
}
END_TEST

START_TEST(what_was_cancelled_is_not_proposed_again)
{
	auto_run struct run r = run_new(TINY, "");

	for (size_t k = 0; k < 70; k++) {
		ck_assert(run_ask(&r));
		run_tell(&r, k, FATE_NONE, (double)NAN);
	}
	ck_assert(!run_ask(&r));
}
END_TEST

START_TEST(points_are_repeated_where_the_search_allows_it)
{
	auto_run struct run r = run_new(TINY, "\"allow_duplicates\": true");
	size_t best = 0;

	run_steps(&r, 100, tiny);
	for (size_t k = 0; k < 100; k++)
		best += tiny(run_config(&r, k)) == 0;
	ck_assert_uint_gt(best, 1);
}
END_TEST

START_TEST(K4_a_space_of_one_point_has_one_proposal)
{
	auto_run struct run r = run_new("\"a\": {\"value\": 1}", "");

	ck_assert(run_ask(&r));
	ck_assert(!run_ask(&r));
}
END_TEST

/* --- strange histories -----------------------------------------------------
 */

static void assert_goes_on(struct run *r)
{
	for (size_t k = 0; k < 3; k++) {
		ck_assert(run_ask(r));
		assert_whole(r->spec->space, r->last.config);
	}
}

START_TEST(K2_equal_results_are_no_trouble)
{
	auto_run struct run r = run_new(MIXED, "");

	run_steps(&r, 50, equal);
	assert_goes_on(&r);
}
END_TEST

START_TEST(K2_K3_it_goes_on_when_every_trial_has_the_same_fate)
{
	static const struct observation seen[] = {
		{.fate = FATE_NONE,     .score = (double)NAN      },
		{ .fate = FATE_RUNNING, .score = (double)NAN      },
		{ .fate = FATE_FAILED,  .score = (double)NAN      },
		{ .fate = FATE_DONE,    .score = (double)NAN      },
		{ .fate = FATE_DONE,    .score = (double)INFINITY },
		{ .fate = FATE_DONE,    .score = -(double)INFINITY},
		{ .fate = FATE_DONE,    .score = DBL_MAX          },
		{ .fate = FATE_PRUNED,  .score = (double)NAN      },
		{ .fate = FATE_PRUNED,  .score = 1e308            },
	};
	auto_run struct run r = run_new(MIXED, "");

	ck_assert_uint_eq(N(seen), 9);
	for (size_t k = 0; k < 40; k++) {
		ck_assert(run_ask(&r));
		sampler_tell(r.sampler, k, NULL, seen[_i]);
	}
	assert_goes_on(&r);
}
END_TEST

/* Any fate, any score, and the same configuration again and again. */
START_TEST(K3_K6_any_history_is_no_trouble)
{
	static const double scores[] = {
		0,
		-0.0,
		1,
		-1,
		(double)NAN,
		(double)INFINITY,
		-(double)INFINITY,
		1e308,
		-1e308,
		DBL_MIN,
		5e-324,
		1e30,
		1,
		1e-300,
		0.5,
		0.5,
		1 + 1e-16,
		3,
	};
	auto_run struct run r = run_new(MIXED, "\"seed\": 9");
	const size_t n = 10000;
	struct cell c[LIMIT_PARAMS];
	uint64_t state = (uint64_t)_i + 1;
	double u[LIMIT_PARAMS];

	for (size_t k = 0; k < n; k++) {
		struct observation seen;

		for (size_t i = 0; i < r.spec->space->n; i++) {
			state =
			    state * 6364136223846793005 + 1442695040888963407;
			u[i] = state >> 62 == 0
				   ? 0
				   : (double)(state >> 11) * 0x1p-53;
		}
		if (k % 3 != 0)
			unit_config(r.spec->space, u, c);
		else if (k == 0)
			unit_config(r.spec->space, u, c);
		seen.fate = (enum fate)(state >> 33) % (FATE_FAILED + 1);
		seen.score = scores[(state >> 40) % N(scores)];
		sampler_tell(r.sampler, k, c, seen);
		if ((k & (k - 1)) == 0) {
			r.cursor = k;
			ck_assert_int_eq(sampler_ask(r.sampler, &r.cursor, c),
					 SAMPLER_OK);
			assert_whole(r.spec->space, c);
		}
	}
	assert_goes_on(&r);
}
END_TEST

START_TEST(ranges_of_any_size_are_no_trouble)
{
	auto_run struct run r = run_new(
	    "\"a\": {\"type\": \"float\", \"min\": -8e307, \"max\": 8e307},"
	    "\"b\": {\"type\": \"float\", \"min\": 5e-324, \"max\": 1e308, "
	    "\"scale\": \"log\"},"
	    "\"c\": {\"type\": \"int\", \"min\": -9007199254740992, "
	    "\"max\": 9007199254740992},"
	    "\"d\": {\"type\": \"int\", \"min\": 1, "
	    "\"max\": 9007199254740992, \"scale\": \"log\"},"
	    "\"e\": {\"type\": \"float\", \"min\": 0.7, \"max\": "
	    "0.9999999999999, \"scale\": \"logit\"}",
	    "");

	for (size_t k = 0; k < 60; k++) {
		ck_assert(run_ask(&r));
		assert_whole(r.spec->space, r.last.config);
		run_tell(&r, k, FATE_DONE, r.last.config[0].f);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, the_first_point_is_the_middle_or_the_guess);
	tcase_add_test(tc, the_model_begins_when_five_results_are_known);
	tcase_add_test(tc, the_best_is_told_in_the_units_of_the_metric);
	tcase_add_test(tc, the_nearest_trials_are_named_with_their_results);
	tcase_add_test(tc, every_proposal_is_a_configuration_of_the_space);
	tcase_add_loop_test(
	    tc, it_comes_nearer_to_the_best_point_than_random_search, 0, 3);
	tcase_add_loop_test(
	    tc, it_turns_to_the_best_branch_of_a_conditional_space, 0, 5);
	tcase_add_test(tc, it_avoids_where_trials_fail);
	tcase_add_test(tc, it_keeps_away_from_running_trials);
	tcase_add_test(tc, a_running_trial_counts_as_one_that_failed);
	tcase_add_test(tc, a_guess_draws_proposals_to_it);
	tcase_add_test(tc, K7_a_new_sampler_goes_on_where_the_old_one_was);
	tcase_add_test(tc, the_order_in_which_results_come_does_not_matter);
	tcase_add_test(tc, other_seeds_and_cursors_give_other_points);
	tcase_add_test(tc, each_point_of_a_discrete_space_is_proposed_once);
	tcase_add_test(tc, what_was_cancelled_is_not_proposed_again);
	tcase_add_test(tc, points_are_repeated_where_the_search_allows_it);
	tcase_add_test(tc, K4_a_space_of_one_point_has_one_proposal);
	tcase_add_test(tc, K2_equal_results_are_no_trouble);
	tcase_add_loop_test(
	    tc, K2_K3_it_goes_on_when_every_trial_has_the_same_fate, 0, 9);
	tcase_add_loop_test(tc, K3_K6_any_history_is_no_trouble, 0, 3);
	tcase_add_test(tc, ranges_of_any_size_are_no_trouble);
}

Suite *suite(void)
{
	Suite *s = suite_create("tpe");
	TCase *tc = tcase_create("tpe");

	tcase_set_timeout(tc, 60);
	add_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}
