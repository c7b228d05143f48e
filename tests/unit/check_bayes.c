#include "check_main.h"
#include "num/rng.h"
#include "search/sampler.h"
#include "search/unit.h"
#include "spec_of.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
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
	    xasprintf("\"type\": \"gp\"%s%s", *options ? ", " : "", options);
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
	r->last = (struct proposal){ 0 };
	return sampler_propose(r->sampler, &r->cursor, 1, &r->last) == 1;
}

static void run_tell(struct run *r, size_t number, enum fate fate, double value)
{
	sampler_tell(
	    r->sampler, number, NULL,
	    (struct observation){ .fate = fate,
				  .score = score_of(r->spec->goal, value) });
}

/* Asks for @n, each told the result of @f before the next. */
static void run_steps(struct run *r, size_t n,
		      double (*f)(const struct cell *config))
{
	for (size_t k = 0; k < n; k++) {
		ck_assert(run_ask(r));
		run_tell(r, run_n(r) - 1, FATE_DONE, f(r->last.config));
	}
}

/* Tells of @n trials at random points, without asking. */
static void run_random(struct run *r, size_t n,
		       double (*f)(const struct cell *config))
{
	for (size_t k = 0; k < n; k++) {
		struct cell c[LIMIT_PARAMS];
		double u[LIMIT_PARAMS];

		for (uint32_t i = 0; i < r->spec->space->n; i++)
			u[i] = rng_unit(31, i, k);
		unit_config(r->spec->space, u, c);
		sampler_tell(r->sampler, run_n(r), c,
			     (struct observation){
				 .fate = FATE_DONE,
				 .score = score_of(r->spec->goal, f(c)) });
	}
}

/* Of two configurations of floats. */
static double distance(const struct run *r, const struct cell *a,
		       const struct cell *b)
{
	double sum = 0;

	for (size_t i = 0; i < r->spec->space->n; i++)
		sum += pow(a[i].f - b[i].f, 2);
	return sqrt(sum);
}

/* --- spaces and functions --------------------------------------------------
 */

#define PLANE                                                                  \
	"\"x\": {\"type\": \"float\", \"min\": -5, \"max\": 10},"              \
	"\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 15}"

/* F. Branin: three minima of 0.397887. */
static double branin(const struct cell *c)
{
	double x = c[0].f, y = c[1].f;
	double a = y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6;

	return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

static double minus_branin(const struct cell *c)
{
	return -branin(c);
}

#define UNIT " {\"type\": \"float\", \"min\": 0, \"max\": 1}"
#define SIX                                                                    \
	"\"a\":" UNIT ", \"b\":" UNIT ", \"c\":" UNIT ", \"d\":" UNIT          \
	", \"e\":" UNIT ", \"f\":" UNIT

/* J. Hartmann: the least of its six local minima is -3.32237. */
static double hartmann(const struct cell *c)
{
	static const double weight[] = { 1, 1.2, 3, 3.2 };
	static const double a[][6] = {
		{10,    3,   17,   3.5, 1.7, 8 },
		{ 0.05, 10,  17,   0.1, 8,   14},
		{ 3,    3.5, 1.7,  10,  17,  8 },
		{ 17,   8,   0.05, 10,  0.1, 14},
	};
	static const double p[][6] = {
		{0.1312,  0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
		{ 0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
		{ 0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
		{ 0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
	};
	double value = 0;

	for (size_t k = 0; k < N(weight); k++) {
		double far = 0;

		for (size_t i = 0; i < 6; i++)
			far +=
			    a[k][i] * (c[i].f - p[k][i]) * (c[i].f - p[k][i]);
		value -= weight[k] * exp(-far);
	}
	return value;
}

/* The result depends on the first parameter, hardly on the second. */
static double steep(const struct cell *c)
{
	return pow(c[0].f - 3, 2) + 0.001 * c[1].f;
}

#define SMALL                                                                  \
	"\"k\": {\"type\": \"int\", \"min\": 0, \"max\": 3},"                  \
	"\"b\": {\"type\": \"choice\", \"values\": [\"x\", \"y\", \"z\"]},"    \
	"\"m\": {\"type\": \"int\", \"min\": 1, \"max\": 2, "                  \
	"\"when\": {\"b\": \"y\"}}"

#define SMALL_CONFIGS 16

static double small(const struct cell *c)
{
	return (double)(c[0].i * c[0].i) - (c[1].i == 1 ? (double)c[2].i : 0);
}

/* --- how good it is --------------------------------------------------------
 */

struct problem {
	const char *parameters;
	double (*f)(const struct cell *config);
	size_t trials;
	double bound; /* that every run reaches, and random search does not */
};

static const struct problem problems[] = {
	{PLANE, branin,   25, 0.45},
	{ SIX,  hartmann, 50, -3.0},
};

#define SEEDS 3

static double best_of(const struct run *r)
{
	double best = (double)INFINITY;

	for (size_t k = 0; k < run_n(r); k++)
		best = fmin(best, r->sampler->history.rows[k].seen.score);
	return best;
}

START_TEST(it_finds_what_random_search_does_not)
{
	const struct problem *p = &problems[_i / SEEDS];
	auto_free char *seed = xasprintf("\"seed\": %d", _i % SEEDS);
	auto_run struct run model = run_new(p->parameters, seed);
	auto_run struct run random = run_new(p->parameters, seed);

	run_steps(&model, p->trials, p->f);
	run_random(&random, p->trials, p->f);
	ck_assert_double_lt(best_of(&model), p->bound);
	ck_assert_double_gt(best_of(&random), p->bound);
}
END_TEST

#define KINDS                                                                  \
	"\"kind\": {\"type\": \"choice\", \"values\": [1, 2, 3]},"             \
	"\"x\": " UNIT ", \"y\": " UNIT ", \"z\": " UNIT ", \"w\": " UNIT

static const double least_of_kind[] = { 0.1, 0, 0.3 };

/* Each kind has a bowl of its own: the first is the easiest. */
static double kinds(const struct cell *c)
{
	static const double bottom[][4] = {
		{0.7,  0.6, 0.6, 0.5},
		{ 0.1, 0.2, 0.9, 0.8},
		{ 0.4, 0.8, 0.3, 0.2}
	};
	static const double weight[] = { 9, 6, 12, 9 };
	double value = least_of_kind[c[0].i];

	for (size_t i = 0; i < 4; i++)
		value += weight[i] * pow(c[i + 1].f - bottom[c[0].i][i], 2);
	return value;
}

/* How far from its bottom the second and third kind are after 60 trials. */
static double left_of_others(int seed)
{
	auto_free char *options = xasprintf("\"seed\": %d", seed);
	auto_run struct run r = run_new(KINDS, options);
	double best[] = { 99, 99, 99 };

	run_steps(&r, 60, kinds);
	for (size_t k = 0; k < 60; k++) {
		const struct cell *c = run_config(&r, k);

		best[c->i] = fmin(best[c->i], kinds(c));
	}
	return best[1] - least_of_kind[1] + best[2] - least_of_kind[2];
}

/* Without branches 1.3 is left, on average. */
START_TEST(once_the_best_is_polished_other_choices_are_improved)
{
	double left = 0;

	for (int seed = 0; seed < 6; seed++)
		left += left_of_others(seed) / 6;
	ck_assert_double_lt(left, 0.7);
}
END_TEST

START_TEST(results_turned_round_for_maximize_give_the_same_proposals)
{
	auto_run struct run low = run_new(PLANE, "");
	auto_run struct run high = run_new(PLANE, "");

	high.spec->goal = GOAL_MAXIMIZE;
	run_steps(&low, 12, branin);
	run_steps(&high, 12, minus_branin);
	for (size_t k = 0; k < 12; k++)
		ck_assert(space_equal(low.spec->space, run_config(&low, k),
				      run_config(&high, k)));
}
END_TEST

/* --- what it proposes ------------------------------------------------------
 */

START_TEST(many_proposals_at_once_are_apart)
{
	auto_run struct run r = run_new(SIX, "");
	struct proposal list[8] = { 0 };

	run_steps(&r, 15, hartmann);
	ck_assert_uint_eq(sampler_propose(r.sampler, &r.cursor, 8, list), 8);
	for (size_t i = 0; i < N(list); i++) {
		ck_assert_int_eq(list[i].rationale.why, WHY_MODEL);
		ck_assert_uint_eq(list[i].rationale.pending, i);
		for (size_t k = 0; k < i; k++)
			ck_assert_double_gt(
			    distance(&r, list[i].config, list[k].config), 0.05);
	}
	for (size_t i = 0; i < N(list); i++)
		proposal_fini(&list[i]);
}
END_TEST

/* In the plane three minima draw all of them. */
START_TEST(many_proposals_at_once_crowd_no_minimum)
{
	auto_free char *option = xasprintf("\"seed\": %d", _i);
	auto_run struct run r = run_new(PLANE, option);
	struct proposal list[8] = { 0 };

	run_steps(&r, 10, branin);
	ck_assert_uint_eq(sampler_propose(r.sampler, &r.cursor, 8, list), 8);
	for (size_t i = 0; i < N(list); i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert_double_gt(
			    distance(&r, list[i].config, list[k].config), 0.1);
	}
	for (size_t i = 0; i < N(list); i++)
		proposal_fini(&list[i]);
}
END_TEST

START_TEST(beside_trials_that_were_stopped_early_nothing_is_tried)
{
	auto_free char *option = xasprintf("\"seed\": %d", _i);
	auto_run struct run r = run_new(PLANE, option);

	run_steps(&r, 10, branin);
	sampler_tell(r.sampler, 0, NULL,
		     (struct observation){ .fate = FATE_DONE,
					   .score = branin(run_config(&r, 0)),
					   .steps = 30 });
	for (size_t k = 10; k < 20; k++) {
		ck_assert(run_ask(&r));
		for (size_t i = 10; i < k; i++)
			ck_assert_double_gt(
			    distance(&r, run_config(&r, i), r.last.config),
			    0.1);
		sampler_tell(r.sampler, k, NULL,
			     (struct observation){ .fate = FATE_PRUNED,
						   .score = 10,
						   .steps = 1 });
	}
}
END_TEST

START_TEST(it_keeps_out_of_a_half_of_the_space_where_trials_fail)
{
	auto_free char *option = xasprintf("\"seed\": %d", _i);
	auto_run struct run r = run_new(SIX, option);
	struct cell config[6];
	struct rationale good, bad;
	size_t failed = 0, best = 0;

	for (size_t k = 0; k < 30; k++) {
		bool fails;

		ck_assert(run_ask(&r));
		fails = r.last.config[0].f > 0.5;
		failed += fails && k >= 10;
		if (fails)
			run_tell(&r, k, FATE_FAILED, (double)NAN);
		else
			run_tell(&r, k, FATE_DONE, hartmann(r.last.config));
		if (!fails && hartmann(run_config(&r, k)) <
				  hartmann(run_config(&r, best)))
			best = k;
	}
	ck_assert_uint_le(failed, 6);
	memcpy(config, run_config(&r, best), sizeof(config));
	ck_assert(sampler_predict(r.sampler, config, &good));
	config[0].f = 0.95;
	ck_assert(sampler_predict(r.sampler, config, &bad));
	ck_assert_double_gt(good.feasible, 0.9);
	ck_assert_double_lt(bad.feasible, 0.7);
}
END_TEST

/* Of a bowl with its minimum of 1 at (3, 5), and its noise. */
static double bowl(const struct cell *c)
{
	return 1 + pow((c[0].f - 3) / 5, 2) + pow((c[1].f - 5) / 5, 2);
}

static double noisy_bowl(const struct cell *c)
{
	uint64_t point = (uint64_t)(c[0].f * 1e6) ^ (uint64_t)(c[1].f * 1e9);

	return bowl(c) + 0.1 * (rng_unit(77, 0, point) - 0.5);
}

static double least_of(const struct run *r, double (*f)(const struct cell *))
{
	double least = (double)INFINITY;

	for (size_t k = 0; k < run_n(r); k++)
		least = fmin(least, f(run_config(r, k)));
	return least;
}

START_TEST(what_is_left_to_gain_is_bounded_and_shrinks_to_the_noise)
{
	auto_free char *option = xasprintf("\"seed\": %d", _i);
	auto_run struct run r = run_new(PLANE, option);
	double early;

	r.spec->stop.regret = 1;
	run_steps(&r, 10, noisy_bowl);
	early = r.last.rationale.regret;
	ck_assert_double_ge(early, least_of(&r, bowl) - 1);
	run_steps(&r, 30, noisy_bowl);
	ck_assert_double_lt(r.last.rationale.regret, early / 2);
	ck_assert_double_ge(r.last.rationale.regret, least_of(&r, bowl) - 1);
	ck_assert_double_lt(r.last.rationale.regret, 0.1);
}
END_TEST

START_TEST(what_is_left_to_gain_is_computed_only_if_asked)
{
	auto_run struct run r = run_new(PLANE, "");

	run_steps(&r, 10, noisy_bowl);
	ck_assert(isnan(r.last.rationale.regret));
}
END_TEST

static double seconds_of(const struct cell *c)
{
	return exp(c[1].f / 3);
}

/* The mean logarithm of what @n proposals after the first ones take. */
static double search_time(struct run *r, size_t n)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++) {
		ck_assert(run_ask(r));
		sampler_tell(r->sampler, k, NULL,
			     (struct observation){
				 .fate = FATE_DONE,
				 .score = pow(r->last.config[0].f, 2),
				 .seconds = seconds_of(r->last.config) });
		sum += k < 5 ? 0 : log(seconds_of(r->last.config));
	}
	return sum / (double)(n - 5);
}

START_TEST(per_second_it_takes_the_quicker_of_equally_good_trials)
{
	auto_free char *option = xasprintf("\"seed\": %d", _i);
	auto_run struct run any = run_new(PLANE, option);
	struct run quick = { .spec = spec_of(PLANE, "\"type\": \"gp\"") };
	struct rationale why;
	double x_only;

	quick.spec->seed = any.spec->seed;
	quick.spec->per_second = true;
	quick.sampler = sampler_new(quick.spec);
	x_only = search_time(&any, 25);
	ck_assert_double_lt(search_time(&quick, 25), x_only - 1);
	ck_assert(sampler_predict(quick.sampler, run_config(&quick, 3), &why));
	ck_assert_double_eq_tol(log(why.seconds),
				log(seconds_of(run_config(&quick, 3))), 0.2);
	ck_assert(sampler_predict(any.sampler, run_config(&any, 3), &why));
	ck_assert(isnan(why.seconds));
	run_free(&quick);
}
END_TEST

START_TEST(a_small_space_is_used_up_without_duplicates)
{
	auto_run struct run r = run_new(SMALL, "");
	struct cell config[LIMIT_PARAMS];

	run_steps(&r, SMALL_CONFIGS, small);
	for (size_t i = 0; i < SMALL_CONFIGS; i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert(!space_equal(r.spec->space, run_config(&r, i),
					       run_config(&r, k)));
	}
	ck_assert(!run_ask(&r));
	ck_assert_int_eq(sampler_ask(r.sampler, &r.cursor, config),
			 SAMPLER_EXHAUSTED);
}
END_TEST

START_TEST(with_duplicates_allowed_the_best_is_repeated)
{
	auto_run struct run r = run_new(SMALL, "\"allow_duplicates\": true");
	size_t best = 0;

	run_steps(&r, 40, small);
	for (size_t k = 20; k < 40; k++)
		best += small(run_config(&r, k)) == -2;
	ck_assert_uint_gt(best, 1);
}
END_TEST

START_TEST(the_first_point_is_the_middle_or_the_guess)
{
	auto_run struct run r =
	    run_new("\"x\": {\"type\": \"float\", \"min\": -5, \"max\": 10},"
		    "\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 15, "
		    "\"guess\": 1},"
		    "\"z\": {\"type\": \"choice\", \"values\": [1, 2, 3], "
		    "\"guess\": 3}",
		    "");

	ck_assert(run_ask(&r));
	ck_assert(r.last.config[0].f == 2.5);
	ck_assert(r.last.config[1].f == 1);
	ck_assert_int_eq(r.last.config[2].i, 2);
	ck_assert_int_eq(r.last.rationale.why, WHY_START);
}
END_TEST

START_TEST(K2_the_model_begins_after_five_trials_with_three_results)
{
	auto_run struct run r = run_new(PLANE, "");

	for (size_t k = 0; k < 5; k++) {
		ck_assert(run_ask(&r));
		ck_assert_int_eq(r.last.rationale.why, WHY_START);
	}
	for (size_t k = 0; k < 3; k++) {
		ck_assert(run_ask(&r));
		ck_assert_int_eq(r.last.rationale.why, WHY_START);
		run_tell(&r, k, FATE_DONE, branin(run_config(&r, k)));
	}
	ck_assert(run_ask(&r));
	ck_assert_int_eq(r.last.rationale.why, WHY_MODEL);
	ck_assert_uint_eq(r.last.rationale.observations, 3);
	ck_assert_uint_eq(r.last.rationale.pending, 5);
}
END_TEST

START_TEST(K1_a_history_of_thousands_still_gives_an_answer)
{
	auto_run struct run r = run_new(PLANE, "");

	run_random(&r, 3000, branin);
	ck_assert(run_ask(&r));
	ck_assert_int_eq(r.last.rationale.why, WHY_MODEL);
	ck_assert_uint_eq(r.last.rationale.observations, 3000);
	ck_assert_double_lt(branin(r.last.config), 2);
}
END_TEST

/* --- its reasons -----------------------------------------------------------
 */

START_TEST(the_expected_result_is_in_units_of_the_metric)
{
	bool turned = _i == 1;
	double (*f)(const struct cell *) = turned ? minus_branin : branin;
	auto_run struct run r = run_new(PLANE, "");
	const struct rationale *why = &r.last.rationale;
	struct cell config[2] = {
		{.active = true,  .f = 1},
                { .active = true, .f = 4}
	};
	struct rationale at;

	r.spec->goal = turned ? GOAL_MAXIMIZE : GOAL_MINIMIZE;
	run_steps(&r, 40, f);
	ck_assert_int_eq(why->why, WHY_MODEL);
	ck_assert_uint_eq(why->observations, 39);
	ck_assert(why->low <= why->mean && why->mean <= why->high);
	ck_assert(why->noise >= 0 && why->noise < 1);
	ck_assert(why->feasible == 1);
	ck_assert(why->exploration >= 0 && why->exploration <= 1);
	ck_assert(fabs(why->best - (turned ? -0.397887 : 0.397887)) < 0.1);
	/* Of any point, between 0 and 310. */
	ck_assert(sampler_predict(r.sampler, config, &at));
	ck_assert(at.low <= at.mean && at.mean <= at.high);
	ck_assert_double_eq_tol(at.mean, f(config), 15);
}
END_TEST

START_TEST(relevance_is_that_of_what_the_result_depends_on)
{
	auto_run struct run r = run_new(PLANE ", \"c\": {\"value\": 1}", "");
	double sum = 0;

	run_steps(&r, 25, steep);
	for (size_t i = 0; i < r.spec->space->n; i++)
		sum += r.last.rationale.relevance[i];
	ck_assert_double_eq_tol(sum, 1, 1e-9);
	ck_assert_double_gt(r.last.rationale.relevance[0], 0.7);
	ck_assert(r.last.rationale.relevance[2] == 0);
}
END_TEST

START_TEST(the_nearest_trials_are_named_with_their_results)
{
	auto_run struct run r = run_new(PLANE, "");
	const struct rationale *why = &r.last.rationale;

	r.spec->goal = GOAL_MAXIMIZE;
	run_steps(&r, 25, minus_branin);
	ck_assert_uint_eq(why->n_nearest, NEAREST_MAX);
	for (size_t i = 0; i < NEAREST_MAX; i++) {
		size_t number = why->nearest[i].number;

		ck_assert_uint_lt(number, 24);
		ck_assert(why->nearest[i].value ==
			  minus_branin(run_config(&r, number)));
		ck_assert(i == 0 || why->nearest[i].distance >=
					why->nearest[i - 1].distance);
		ck_assert(why->nearest[i].distance > 0 ||
			  distance(&r, r.last.config, run_config(&r, number)) ==
			      0);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("bayes");
	TCase *good = tcase_create("good"), *tc = tcase_create("proposals");
	TCase *why = tcase_create("reasons");

	/* Busy machines, sanitizers. */
	tcase_set_timeout(good, 110);
	tcase_set_timeout(tc, 110);
	tcase_set_timeout(why, 110);
	tcase_add_loop_test(good, it_finds_what_random_search_does_not, 0,
			    (int)N(problems) * SEEDS);
	tcase_add_test(
	    good, results_turned_round_for_maximize_give_the_same_proposals);
	tcase_add_test(good,
		       once_the_best_is_polished_other_choices_are_improved);
	tcase_add_test(tc, many_proposals_at_once_are_apart);
	tcase_add_loop_test(tc, many_proposals_at_once_crowd_no_minimum, 0,
			    SEEDS);
	tcase_add_loop_test(
	    tc, it_keeps_out_of_a_half_of_the_space_where_trials_fail, 0,
	    SEEDS);
	tcase_add_loop_test(
	    tc, beside_trials_that_were_stopped_early_nothing_is_tried, 0, 3);
	tcase_add_loop_test(
	    tc, what_is_left_to_gain_is_bounded_and_shrinks_to_the_noise, 0, 5);
	tcase_add_test(tc, what_is_left_to_gain_is_computed_only_if_asked);
	tcase_add_loop_test(
	    tc, per_second_it_takes_the_quicker_of_equally_good_trials, 0, 3);
	tcase_add_test(tc, a_small_space_is_used_up_without_duplicates);
	tcase_add_test(tc, with_duplicates_allowed_the_best_is_repeated);
	tcase_add_test(tc, the_first_point_is_the_middle_or_the_guess);
	tcase_add_test(
	    tc, K2_the_model_begins_after_five_trials_with_three_results);
	tcase_add_test(tc, K1_a_history_of_thousands_still_gives_an_answer);
	tcase_add_loop_test(why, the_expected_result_is_in_units_of_the_metric,
			    0, 2);
	tcase_add_test(why, relevance_is_that_of_what_the_result_depends_on);
	tcase_add_test(why, the_nearest_trials_are_named_with_their_results);
	suite_add_tcase(s, good);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, why);
	return s;
}
