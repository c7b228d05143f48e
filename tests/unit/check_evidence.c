#include "check_main.h"
#include "search/encoding.h"
#include "search/evidence.h"
#include "spec_of.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* A trial at x = @at / 100. */
struct trial {
	int at;
	enum fate fate;
	double score;
	int64_t runs;
	int64_t steps;
};

#define MISSING ((double)NAN)
#define ENDLESS ((double)INFINITY)

struct world {
	struct search_spec *spec;
	struct encoding e;
	struct history history;
	double *x;
	struct evidence v;
};

static void tell(struct world *w, size_t number, const struct trial *t,
		 enum fate fate)
{
	const struct cell config = { .active = true, .f = t->at / 100.0 };

	history_tell(&w->history, number, &config,
		     (struct observation){ .fate = fate,
					   .score = t->score,
					   .runs = t->runs,
					   .steps = t->steps });
}

/* All start; then they end, the last one first if @backwards. */
static struct world world_new(const struct trial *list, size_t n,
			      bool backwards)
{
	struct world w = { 0 };

	w.spec = spec_of("\"x\": {\"type\": \"float\", \"min\": 0, "
			 "\"max\": 1}",
			 "\"type\": \"gp\"");
	encoding_init(&w.e, w.spec->space);
	history_init(&w.history, w.spec->space);
	w.x = xcalloc(n, sizeof(*w.x));
	for (size_t i = 0; i < n; i++)
		tell(&w, i, &list[i], FATE_RUNNING);
	for (size_t i = 0; i < n; i++) {
		size_t k = backwards ? n - 1 - i : i;

		tell(&w, k, &list[k], list[k].fate);
	}
	for (size_t i = 0; i < n; i++)
		encode(&w.e, w.history.rows[i].config, &w.x[i]);
	evidence_init(&w.v, &w.history, w.x, 1);
	return w;
}

static void world_free(struct world *w)
{
	evidence_fini(&w->v);
	free(w->x);
	history_fini(&w->history);
	encoding_fini(&w->e);
	search_free(w->spec);
}

#define auto_world __attribute__((cleanup(world_free)))

/* @p are the trials @numbers [n] of @list. */
static void assert_points(const struct points *p, const struct trial *list,
			  const size_t *numbers, size_t n)
{
	ck_assert_uint_eq(p->n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(p->number[i], numbers[i]);
		ck_assert_double_eq_tol(p->x[i], list[numbers[i]].at / 100.0,
					1e-12);
	}
}

START_TEST(K3_each_fate_says_what_it_can)
{
	static const struct trial list[] = {
		{1,   FATE_DONE,    0.5,      0, 0},
		{ 2,  FATE_FAILED,  MISSING,  0, 0},
		{ 3,  FATE_RUNNING, MISSING,  0, 0},
		{ 4,  FATE_DONE,    MISSING,  0, 0},
		{ 5,  FATE_DONE,    ENDLESS,  0, 0},
		{ 6,  FATE_DONE,    -ENDLESS, 0, 0},
		{ 7,  FATE_NONE,    MISSING,  0, 0},
		{ 8,  FATE_DONE,    1e30,     0, 0},
		{ 9,  FATE_DONE,    1000,     0, 0},
		{ 10, FATE_PRUNED,  2000,     0, 0},
		{ 11, FATE_RUNNING, MISSING,  0, 0},
		{ 12, FATE_FAILED,  0.1,      0, 0},
	};
	static const size_t results[] = { 0, 8, 9 };
	static const size_t failed[] = { 1, 3, 4, 5, 7, 11 };
	static const size_t running[] = { 2, 10 };
	auto_world struct world w = world_new(list, N(list), _i);

	assert_points(&w.v.results, list, results, N(results));
	assert_points(&w.v.failed, list, failed, N(failed));
	assert_points(&w.v.running, list, running, N(running));
	for (size_t i = 0; i < N(results); i++) {
		ck_assert(w.v.score[i] == list[results[i]].score);
		ck_assert(w.v.repeats[i] == 1);
	}
	ck_assert_uint_eq(w.v.best, 0);
}
END_TEST

START_TEST(K3_huge_losses_are_results_where_all_are_huge)
{
	static const struct trial list[] = {
		{1,  FATE_DONE, 1e30, 0, 0},
		{ 2, FATE_DONE, 1e14, 0, 0},
		{ 3, FATE_DONE, 2e15, 0, 0},
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_uint_eq(w.v.results.n, 3);
	ck_assert_uint_eq(w.v.failed.n, 0);
	ck_assert_uint_eq(w.v.best, 1);
}
END_TEST

START_TEST(a_pruned_trial_is_never_better_than_the_median)
{
	static const struct trial list[] = {
		{1,  FATE_DONE,   1,    0, 0},
                { 2, FATE_DONE,   2,    0, 0},
		{ 3, FATE_DONE,   3,    0, 0},
                { 4, FATE_PRUNED, 0,    0, 0},
		{ 5, FATE_PRUNED, 9,    0, 0},
                { 6, FATE_DONE,   1e30, 0, 0},
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_uint_eq(w.v.results.n, 5);
	ck_assert(w.v.score[3] == 2);
	ck_assert(w.v.score[4] == 9);
	ck_assert_uint_eq(w.v.best, 0);
}
END_TEST

START_TEST(where_all_were_pruned_each_counts_with_what_it_reached)
{
	static const struct trial list[] = {
		{1,  FATE_PRUNED, 4, 0, 0},
		{ 2, FATE_PRUNED, 3, 0, 0},
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_uint_eq(w.v.results.n, 2);
	ck_assert(w.v.score[0] == 4 && w.v.score[1] == 3);
	ck_assert_uint_eq(w.v.best, 1);
}
END_TEST

START_TEST(equal_configurations_are_one_point_with_their_mean)
{
	static const struct trial list[] = {
		{1,  FATE_DONE,    0,       0, 0},
                { 2, FATE_DONE,    1.5,     0, 0},
		{ 1, FATE_DONE,    6,       0, 0},
                { 1, FATE_FAILED,  MISSING, 0, 0},
		{ 1, FATE_DONE,    -3,      0, 0},
                { 1, FATE_RUNNING, MISSING, 0, 0},
		{ 3, FATE_DONE,    1,       0, 0},
	};
	static const size_t results[] = { 0, 1, 6 };
	auto_world struct world w = world_new(list, N(list), _i);

	assert_points(&w.v.results, list, results, N(results));
	ck_assert_double_eq_tol(w.v.score[0], 1, 1e-12);
	ck_assert(w.v.repeats[0] == 3);
	ck_assert(w.v.repeats[1] == 1 && w.v.repeats[2] == 1);
	ck_assert_uint_eq(w.v.failed.n, 1);
	ck_assert_uint_eq(w.v.running.n, 1);
}
END_TEST

START_TEST(a_lucky_repeat_does_not_make_its_point_the_best)
{
	static const struct trial list[] = {
		{1,  FATE_DONE, -5, 0, 0},
		{ 2, FATE_DONE, 1,  0, 0},
		{ 1, FATE_DONE, 9,  0, 0},
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_uint_eq(w.v.best, 1);
}
END_TEST

START_TEST(K3_a_mean_of_the_largest_numbers_does_not_overflow)
{
	static const struct trial list[] = {
		{1,  FATE_DONE, -1.7e308, 0, 0},
		{ 1, FATE_DONE, -1.7e308, 0, 0},
		{ 1, FATE_DONE, -1.7e308, 0, 0},
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_double_eq_tol(w.v.score[0] / 1.7e308, -1, 1e-12);
}
END_TEST

START_TEST(a_mean_of_runs_weighs_as_many_repeats)
{
	static const struct trial list[] = {
		{.at = 1,              .fate = FATE_DONE, .score = 2, .runs = 3},
		{ .at = 1,             .fate = FATE_DONE, .score = 6},
		{ .at = 2, .fate = FATE_PRUNED,        .score = 9,  .runs = 2         },
	};
	auto_world struct world w = world_new(list, N(list), _i);

	ck_assert_double_eq_tol(w.v.score[0], 3, 1e-12);
	ck_assert(w.v.repeats[0] == 4);
	ck_assert(w.v.repeats[1] == 2);
}
END_TEST

START_TEST(a_trial_that_was_stopped_early_is_no_result)
{
	static const struct trial list[] = {
		{.at = 1,              .fate = FATE_DONE,   .score = 1,  .steps = 52 },
		{ .at = 2,                   .fate = FATE_PRUNED,                               .score = 2,     .steps = 3 },
		{ .at = 3,          .fate = FATE_PRUNED,                            .score = 3,                            .steps = 17 },
		{ .at = 4,          .fate = FATE_PRUNED,.score = 4,.steps = 18 },
		{ .at = 5,.fate = FATE_DONE,           .score = 5,                                      .steps = 2 },
		{ .at = 6,             .fate = FATE_FAILED,                        .steps = 900              },
		{ .at = 7,                   .fate = FATE_SHORT,                               .steps = 52          },
	};
	static const size_t results[] = { 0, 3, 4 }, failed[] = { 5 };
	static const size_t early[] = { 1, 2, 6 };
	auto_world struct world w = world_new(list, N(list), _i);

	assert_points(&w.v.results, list, results, N(results));
	assert_points(&w.v.failed, list, failed, N(failed));
	assert_points(&w.v.early, list, early, N(early));
	ck_assert_uint_eq(w.v.running.n, 0);
}
END_TEST

START_TEST(of_very_many_that_were_stopped_early_the_latest_are_kept)
{
	enum { MANY = EARLY + 50 };
	struct trial list[MANY] = {
		{.at = 1, .fate = FATE_DONE, .score = 1, .steps = 52},
	};
	struct world w;

	for (int i = 1; i < MANY; i++)
		list[i] = (struct trial){ .at = 2 + i % 90,
					  .fate = FATE_PRUNED,
					  .score = 2,
					  .steps = 1 };
	w = world_new(list, MANY, false);
	ck_assert_uint_eq(w.v.early.n, EARLY);
	ck_assert_uint_eq(w.v.early.number[0], MANY - EARLY);
	ck_assert_uint_eq(w.v.early.number[EARLY - 1], MANY - 1);
	world_free(&w);
}
END_TEST

START_TEST(a_pruned_trial_of_unknown_steps_counts)
{
	static const struct trial list[] = {
		{.at = 1, .fate = FATE_DONE, .score = 1, .steps = 52 },
		{ .at = 2,      .fate = FATE_PRUNED,                .score = 2 },
	};
	auto_world struct world w = world_new(list, N(list), false);

	ck_assert_uint_eq(w.v.results.n, 2);
}
END_TEST

START_TEST(where_none_ended_the_farthest_pruned_trial_is_the_measure)
{
	static const struct trial list[] = {
		{.at = 1,  .fate = FATE_PRUNED, .score = 1, .steps = 9},
		{ .at = 2, .fate = FATE_PRUNED, .score = 2, .steps = 3},
		{ .at = 3, .fate = FATE_PRUNED, .score = 3, .steps = 2},
	};
	static const size_t results[] = { 0, 1 };
	auto_world struct world w = world_new(list, N(list), _i);

	assert_points(&w.v.results, list, results, N(results));
}
END_TEST

START_TEST(K2_an_empty_history_says_nothing)
{
	auto_world struct world w = world_new(NULL, 0, false);

	ck_assert_uint_eq(w.v.results.n + w.v.failed.n + w.v.running.n, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("evidence");
	TCase *tc = tcase_create("evidence");

	/* Twice: in both orders of ending. */
	tcase_add_loop_test(tc, K3_each_fate_says_what_it_can, 0, 2);
	tcase_add_test(tc, K3_huge_losses_are_results_where_all_are_huge);
	tcase_add_test(tc, a_pruned_trial_is_never_better_than_the_median);
	tcase_add_test(tc,
		       where_all_were_pruned_each_counts_with_what_it_reached);
	tcase_add_loop_test(
	    tc, equal_configurations_are_one_point_with_their_mean, 0, 2);
	tcase_add_test(tc, a_lucky_repeat_does_not_make_its_point_the_best);
	tcase_add_test(tc, K3_a_mean_of_the_largest_numbers_does_not_overflow);
	tcase_add_loop_test(tc, a_mean_of_runs_weighs_as_many_repeats, 0, 2);
	tcase_add_loop_test(tc, a_trial_that_was_stopped_early_is_no_result, 0,
			    2);
	tcase_add_test(
	    tc, of_very_many_that_were_stopped_early_the_latest_are_kept);
	tcase_add_test(tc, a_pruned_trial_of_unknown_steps_counts);
	tcase_add_loop_test(
	    tc, where_none_ended_the_farthest_pruned_trial_is_the_measure, 0,
	    2);
	tcase_add_test(tc, K2_an_empty_history_says_nothing);
	suite_add_tcase(s, tc);
	return s;
}
