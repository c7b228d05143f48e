#include "check_main.h"
#include "why/symptoms.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <string.h>

#define POINTS 40
#define FLAT   1e9 /* a curve that does not fall */

/* From @from down to @rest, half of it after @half points. */
struct fall {
	double from, rest, half;
	double jump; /* up and down about that, like noise */
};

static double at(struct fall f, size_t i)
{
	/* Without a period that the points could be in step with. */
	double wave = sin(2.4 * (double)i) + sin(1.1 * (double)(i * i));

	return f.rest + (f.from - f.rest) * exp2(-(double)i / f.half) +
	       f.jump * wave;
}

static void add(struct series *s, enum series_curve which, struct fall f,
		size_t n)
{
	for (size_t i = 0; i < n; i++)
		series_add(s, which, (int64_t)i + 1, at(f, i));
}

static struct series two(struct fall train, struct fall valid)
{
	struct series s = { 0 };

	series_set_metric(&s, SERIES_TRAIN, "train_loss", GOAL_MINIMIZE);
	series_set_metric(&s, SERIES_VALID, "val_loss", GOAL_MINIMIZE);
	add(&s, SERIES_TRAIN, train, POINTS);
	add(&s, SERIES_VALID, valid, POINTS);
	return s;
}

static struct series of_values(const char *name, enum goal goal,
			       const double *values, size_t n)
{
	struct series s = { 0 };

	series_set_metric(&s, SERIES_TRAIN, name, goal);
	for (size_t i = 0; i < n; i++)
		series_add(&s, SERIES_TRAIN, (int64_t)i + 1, values[i]);
	return s;
}

/* "overfitting noisy": the names of what is found, the main one first. */
static const char *names_of_run(const struct series *s,
				const struct run_end *end)
{
	static char names[200];
	struct symptoms found;

	names[0] = '\0';
	symptoms_find(s, end, NULL, &found);
	for (size_t i = 0; i < found.n; i++) {
		strcat(names, i > 0 ? " " : "");
		strcat(names, symptom_kind_name(found.list[i].kind));
	}
	symptoms_fini(&found);
	return names;
}

/* The same of a run whose end is unknown; frees @s. */
static const char *names(struct series s)
{
	const char *found = names_of_run(&s, NULL);

	series_fini(&s);
	return found;
}

/* The sentence of the main symptom; free() it. */
static char *text(struct series s)
{
	struct symptoms found;
	char *words;

	symptoms_find(&s, NULL, NULL, &found);
	words = xstrdup(found.n > 0 ? found.list[0].text : "");
	symptoms_fini(&found);
	series_fini(&s);
	return words;
}

static const struct fall good_train = { 2.3, 0.05, 2, 0 };
static const struct fall good_valid = { 2.3, 0.15, 2, 0 };

START_TEST(a_loss_that_falls_and_rests_low_is_healthy)
{
	ck_assert_str_eq(names(two(good_train, good_valid)), "healthy");
}
END_TEST

START_TEST(a_loss_that_becomes_nan_has_diverged)
{
	struct series s = two(good_train, good_valid);
	struct symptoms found;

	series_add(&s, SERIES_TRAIN, 30, (double)NAN);
	series_add(&s, SERIES_TRAIN, 31, (double)INFINITY);
	symptoms_find(&s, NULL, NULL, &found);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_DIVERGED);
	ck_assert_int_eq(found.list[0].step, 30);
	ck_assert_str_eq(found.list[0].text,
			 "train_loss is not finite from step 30 on "
			 "(before: 2.3 at first, 0.05014 at best).");
	ck_assert_int_eq(json_get_integer(found.list[0].data, "not_finite", 0),
			 2);
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(what_came_after_the_nans_was_not_before_them)
{
	const double losses[] = { 0.8,         0.7, 0.6, 0.5, (double)NAN,
				  (double)NAN, 0.3, 0.2, 0.1 };
	auto_free char *words =
	    text(of_values("loss", GOAL_MINIMIZE, losses, 9));
	auto_free char *at_once =
	    text(of_values("loss", GOAL_MINIMIZE, losses + 4, 5));

	ck_assert_str_eq(words, "loss is not finite from step 5 on "
				"(before: 0.8 at first, 0.5 at best).");
	ck_assert_str_eq(
	    at_once,
	    "loss is not finite from step 1 on, and nothing finite came before.");
}
END_TEST

START_TEST(the_best_before_the_nans_of_a_long_curve_is_one_of_its_values)
{
	struct series s = { 0 };
	auto_free char *words = NULL;

	series_set_metric(&s, SERIES_TRAIN, "loss", GOAL_MINIMIZE);
	for (int64_t i = 0; i < 2000; i++)
		series_add(&s, SERIES_TRAIN, i,
			   i == 0   ? 3
			   : i == 1 ? 1
			   : i < 4  ? (double)NAN
				    : 0.25);
	words = text(s);
	ck_assert_str_eq(words, "loss is not finite from step 2 on "
				"(before: 3 at first, 1 at best).");
}
END_TEST

START_TEST(one_nan_among_numbers_is_no_divergence)
{
	struct series s = two(good_train, good_valid);

	series_add(&s, SERIES_TRAIN, 30, (double)NAN);
	ck_assert_str_eq(names(s), "healthy");
}
END_TEST

START_TEST(a_loss_that_is_never_a_number_has_diverged)
{
	const double nans[] = { (double)NAN };

	ck_assert_str_eq(names(of_values("loss", GOAL_MINIMIZE, nans, 1)),
			 "diverged");
}
END_TEST

START_TEST(a_loss_that_ends_far_above_its_first_has_diverged)
{
	const struct fall up = { 2.3, 23, 5, 0 };
	auto_free char *words = text(two(up, up));

	ck_assert_str_eq(names(two(up, up)), "diverged");
	ck_assert_str_eq(words, "train_loss rose from 2.3 to 22.91.");
}
END_TEST

START_TEST(a_loss_that_jumps_as_high_as_it_began_has_not_diverged)
{
	const struct fall jumps = { 3, 3, FLAT, 0.5 };

	ck_assert_str_eq(names(two(jumps, jumps)), "oscillating underfitting");
}
END_TEST

START_TEST(a_training_loss_that_jumps_oscillates)
{
	struct fall t = good_train, v = good_valid;

	t.jump = v.jump = 0.1;
	ck_assert_str_eq(names(two(t, v)), "oscillating");
	t.jump = v.jump = 0.004;
	ck_assert_str_eq(names(two(t, v)), "healthy");
}
END_TEST

START_TEST(a_validation_loss_that_jumps_alone_is_noisy)
{
	struct fall v = good_valid;

	v.jump = 0.15;
	ck_assert_str_eq(names(two(good_train, v)), "noisy");
	v.jump = 0.004;
	ck_assert_str_eq(names(two(good_train, v)), "healthy");
}
END_TEST

START_TEST(a_loss_that_crawls_is_too_slow)
{
	const struct fall slow = { 2.3, 0, 60, 0 }, quick = { 2.3, 0, 6, 0 };
	auto_free char *words = text(two(slow, slow));

	ck_assert_str_eq(names(two(slow, slow)), "too_slow");
	ck_assert_str_eq(words,
			 "val_loss crawls: from 2.3 to 1.466 in 40 points, "
			 "and it was still improving at the end.");
	ck_assert_str_eq(names(two(quick, quick)), "healthy still_improving");
}
END_TEST

START_TEST(a_loss_that_came_to_rest_slowly_and_early_is_too_slow)
{
	const struct fall slow = { 2.3, 1, 8, 0 }, quick = { 2.3, 1, 1, 0 };
	const struct fall low = { 2.3, 0.55, 5, 0 };

	ck_assert_str_eq(names(two(slow, slow)), "too_slow");
	ck_assert_str_eq(names(two(low, low)), "healthy");
	ck_assert_str_eq(names(two(quick, quick)), "healthy plateau");
}
END_TEST

START_TEST(a_plateau_is_told_with_the_step_since_when)
{
	const struct fall rests = { 2.3, 0.4, 2, 0 };
	struct series s = two(good_train, rests);
	struct symptoms found;
	const struct symptom *plateau;

	symptoms_find(&s, NULL, NULL, &found);
	plateau = symptoms_get(&found, SYMPTOM_PLATEAU);
	ck_assert_ptr_nonnull(plateau);
	ck_assert_int_eq(plateau->step, 13);
	ck_assert_str_eq(plateau->text,
			 "val_loss has not improved since step 13: it rests "
			 "at 0.4.");
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(a_training_loss_that_rests_high_underfits)
{
	const struct fall high = { 2.3, 1.7, 1, 0 }, low = { 2.3, 0.2, 1, 0 };
	auto_free char *words = text(two(high, high));

	ck_assert_str_eq(names(two(high, high)), "underfitting plateau");
	ck_assert_str_eq(words,
			 "train_loss came to rest at 1.7 (2.3 at first): the "
			 "model does not even fit the training data.");
	ck_assert_str_eq(names(two(low, low)), "healthy");
}
END_TEST

START_TEST(a_loss_at_rest_at_ln_k_is_a_guess_over_k_classes)
{
	const struct fall guess = { 2.4, log(10), 1, 0 };
	struct fall other = guess;
	auto_free char *words = text(two(guess, guess));

	ck_assert_str_eq(names(two(guess, guess)), "stuck_at_start");
	ck_assert_str_eq(words, "val_loss rests at 2.303, which is ln 10: a "
				"uniform guess over 10 classes.");
	other.rest = 2.0;
	ck_assert_str_eq(names(two(other, other)), "underfitting plateau");
}
END_TEST

START_TEST(a_loss_on_its_way_past_ln_k_is_no_guess)
{
	const struct fall passes = { 4, 0, 25, 0 };
	struct series s = { 0 };

	/* Ends at ln 4. */
	series_set_metric(&s, SERIES_TRAIN, "loss", GOAL_MINIMIZE);
	add(&s, SERIES_TRAIN, passes, 39);
	ck_assert_str_eq(names(s), "too_slow");
}
END_TEST

START_TEST(a_loss_that_hardly_moves_is_stuck)
{
	const struct fall hardly = { 5, 4.8, 5, 0 }, moves = { 5, 4, 2, 0 };
	auto_free char *words = text(two(hardly, hardly));

	ck_assert_str_eq(names(two(hardly, hardly)), "stuck_at_start");
	ck_assert_str_eq(words,
			 "train_loss has hardly moved in 40 points: 5 at "
			 "first, 4.801 at best.");
	ck_assert_str_eq(names(two(moves, moves)), "underfitting plateau");
}
END_TEST

START_TEST(a_loss_that_is_the_same_to_the_last_digit_is_frozen)
{
	const struct fall same = { 1.2, 1.2, 1, 0 };
	auto_free char *words = text(two(same, same));

	ck_assert_str_eq(names(two(same, same)), "plateau");
	ck_assert_str_eq(words, "train_loss does not move at all: it is 1.2 in "
				"all 40 points.");
}
END_TEST

/* Judged by what most values say, told as what all of them are. */
START_TEST(a_loss_that_moved_once_is_not_frozen)
{
	double losses[16];
	struct symptoms found;
	struct series s;

	for (size_t i = 0; i < 16; i++)
		losses[i] = i < 15 ? 0.5 : 0.01;
	s = of_values("loss", GOAL_MINIMIZE, losses, 16);
	symptoms_find(&s, NULL, NULL, &found);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_STUCK_AT_START);
	ck_assert(found.list[0].strength < 0.5);
	ck_assert_str_eq(found.list[0].text,
			 "loss has hardly moved in 16 points, but for single "
			 "ones: 0.5 at first, 0.01 at best.");
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(a_long_loss_that_moved_once_is_not_frozen)
{
	struct series s = { 0 };

	series_set_metric(&s, SERIES_TRAIN, "loss", GOAL_MINIMIZE);
	for (int64_t i = 0; i < 60000; i++)
		series_add(&s, SERIES_TRAIN, i, i == 30000 ? 0.499 : 0.5);
	ck_assert_str_eq(names(s), "stuck_at_start");
}
END_TEST

START_TEST(a_loss_that_was_once_no_number_is_not_frozen)
{
	const double losses[] = { 0.5, 0.5, (double)NAN, 0.5, 0.5, 0.5, 0.5 };
	auto_free char *words =
	    text(of_values("loss", GOAL_MINIMIZE, losses, 7));

	ck_assert_str_eq(words, "loss has hardly moved in 7 points: 0.5 at "
				"first, 0.5 at best.");
}
END_TEST

START_TEST(a_loss_that_only_rises_a_little_is_stuck)
{
	const struct fall rises = { 1.9, 2.25, 5, 0 };
	auto_free char *words = text(two(rises, rises));

	ck_assert_str_eq(names(two(rises, rises)), "stuck_at_start");
	ck_assert_str_eq(words,
			 "train_loss never improved: 1.9 at first, 2.248 "
			 "at the end.");
}
END_TEST

/* Best at step 11, then up again. */
static struct series overfitted(double rise)
{
	struct series s = two(good_train, good_train);

	for (int64_t i = 1; i <= POINTS; i++)
		series_add(&s, SERIES_VALID, i,
			   0.3 + 0.01 * (double)((i - 11) * (i - 11)) *
				     (i < 11 ? 1 : rise));
	return s;
}

START_TEST(validation_that_rises_while_training_falls_overfits)
{
	struct series s = overfitted(0.1);
	struct symptoms found;
	auto_free char *words = text(overfitted(0.1));

	symptoms_find(&s, NULL, NULL, &found);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_OVERFITTING);
	ck_assert_int_eq(found.list[0].step, 11);
	ck_assert_double_eq(json_get_number(found.list[0].data, "best", 0),
			    0.3);
	ck_assert_str_eq(words, "val_loss was best at step 11 (0.3) and then "
				"rose to 1.141, while train_loss went on to "
				"0.05.");
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(validation_that_rests_while_training_falls_does_not_overfit)
{
	ck_assert_str_eq(names(overfitted(0)), "healthy plateau");
}
END_TEST

START_TEST(validation_that_rises_by_little_does_not_overfit)
{
	const struct fall train = { 2.3, 0.03, 3, 0 };

	for (int is_much = 0; is_much < 2; is_much++) {
		struct series s = two(train, train);
		double rise = is_much ? 0.1 : 0.035;

		for (int i = 0; i < POINTS; i++)
			series_add(&s, SERIES_VALID, i + 1,
				   i < 5 ? 0.26 - 0.012 * i
					 : 0.2 + rise * (i - 5) / 34);
		ck_assert_str_eq(names(s),
				 is_much ? "overfitting" : "healthy plateau");
	}
}
END_TEST

START_TEST(both_curves_that_rise_do_not_overfit)
{
	struct series s = overfitted(0.1);

	for (int64_t i = 1; i <= POINTS; i++)
		series_add(&s, SERIES_TRAIN, i,
			   0.25 + 0.01 * (double)((i - 11) * (i - 11)) *
				      (i < 11 ? 1 : 0.1));
	ck_assert_str_eq(names(s), "underfitting");
}
END_TEST

START_TEST(validation_far_above_training_overfits)
{
	const struct fall t = { 2.3, 0.001, 1, 0 }, far = { 2.3, 1.5, 1, 0 };
	auto_free char *words = text(two(t, far));

	ck_assert_str_eq(names(two(t, far)), "overfitting plateau");
	ck_assert_str_eq(words, "val_loss stays at 1.5, far from train_loss at "
				"0.001.");
}
END_TEST

START_TEST(validation_that_never_improves_does_not_generalise)
{
	const struct fall t = { 2.3, 0.5, 10, 0 }, v = { 2.3, 2.35, 10, 0 };
	auto_free char *words = text(two(t, v));

	ck_assert_str_eq(names(two(t, v)), "overfitting");
	ck_assert_ptr_nonnull(strstr(words, "what is learned does not "
					    "generalise"));
}
END_TEST

START_TEST(a_loss_that_still_falls_at_the_end_could_go_on)
{
	const struct fall falls = { 2.3, 0.05, 14, 0 };
	struct series s = two(falls, falls);
	struct run_end end = { .state = RUN_DONE };

	ck_assert_str_eq(names_of_run(&s, &end), "still_improving");
	end.state = RUN_RUNNING;
	ck_assert_str_eq(names_of_run(&s, &end), "healthy");
	end.state = RUN_STOPPED;
	ck_assert_str_eq(names_of_run(&s, &end), "healthy");
	series_fini(&s);
	ck_assert_str_eq(names(two(good_train, good_valid)), "healthy");
}
END_TEST

/* As a convex problem does: of its way the last takes for ever. */
START_TEST(a_loss_that_creeps_on_after_most_of_its_fall_is_healthy)
{
	struct series s = { 0 };

	for (int i = 0; i < POINTS; i++) {
		double v = 0.15 + 0.85 / (1 + (double)i / 7);

		series_add(&s, SERIES_TRAIN, i, v);
		series_add(&s, SERIES_VALID, i, 1.05 * v);
	}
	ck_assert_str_eq(names(s), "healthy still_improving");
}
END_TEST

START_TEST(a_run_that_has_time_left_is_not_called_slow)
{
	const struct fall slow = { 2.3, 0, 60, 0 };
	struct series s = two(slow, slow);
	struct run_end end = { .state = RUN_RUNNING, .planned = 100 };

	ck_assert_str_eq(names_of_run(&s, &end), "healthy");
	end.planned = 50;
	ck_assert_str_eq(names_of_run(&s, &end), "too_slow");
	series_fini(&s);
}
END_TEST

START_TEST(without_a_value_there_is_no_output)
{
	struct series s = { 0 };

	ck_assert_str_eq(names(s), "no_output");
}
END_TEST

START_TEST(a_run_that_failed_after_its_first_values_has_crashed_late)
{
	struct series s = two(good_train, good_valid);
	struct run_end end = { .state = RUN_FAILED, .how = "exit status 1" };
	struct symptoms found;

	symptoms_find(&s, &end, NULL, &found);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_LATE_CRASH);
	ck_assert_str_eq(found.list[0].text,
			 "It failed after step 40, with train_loss at 0.05: "
			 "exit status 1.");
	symptoms_fini(&found);
	end.state = RUN_DONE;
	ck_assert_str_eq(names_of_run(&s, &end), "healthy");
	series_fini(&s);
}
END_TEST

START_TEST(one_point_is_too_little_to_say)
{
	const double one[] = { 0.7 };
	struct series s = of_values("loss", GOAL_MINIMIZE, one, 1);
	struct symptoms found;

	symptoms_find(&s, NULL, NULL, &found);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_str_eq(found.note, "There is one point: too little to tell "
				     "how it learns.");
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(two_points_that_fall_are_still_improving_at_most)
{
	const double falls[] = { 0.9, 0.6 }, rises[] = { 0.6, 0.65 };
	struct series s = of_values("loss", GOAL_MINIMIZE, falls, 2);
	struct symptoms found;

	symptoms_find(&s, NULL, NULL, &found);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_STILL_IMPROVING);
	ck_assert_double_le(found.list[0].strength, 0.5);
	ck_assert_str_eq(found.note, "There are 2 points: too little to tell "
				     "more.");
	symptoms_fini(&found);
	series_fini(&s);
	ck_assert_str_eq(names(of_values("loss", GOAL_MINIMIZE, rises, 2)), "");
}
END_TEST

START_TEST(an_accuracy_is_judged_by_what_it_lacks)
{
	struct series s = { 0 };
	const struct fall lacks = { 0.9, 0.05, 2, 0 };
	double stuck[20];

	series_set_metric(&s, SERIES_TRAIN, "acc", GOAL_MAXIMIZE);
	for (size_t i = 0; i < POINTS; i++)
		series_add(&s, SERIES_TRAIN, (int64_t)i, 1 - at(lacks, i));
	ck_assert_str_eq(names_of_run(&s, NULL), "healthy");
	/* The same in percent. */
	for (size_t i = 0; i < POINTS; i++)
		series_add(&s, SERIES_TRAIN, (int64_t)i,
			   100 * (1 - at(lacks, i)));
	ck_assert_str_eq(names(s), "healthy");
	for (size_t i = 0; i < 20; i++)
		stuck[i] = 0.1;
	ck_assert_str_eq(names(of_values("acc", GOAL_MAXIMIZE, stuck, 20)),
			 "stuck_at_start");
}
END_TEST

START_TEST(validation_accuracy_overfits_beside_a_training_loss)
{
	struct series s = { 0 };
	auto_free char *words = NULL;

	series_set_metric(&s, SERIES_TRAIN, "loss", GOAL_MINIMIZE);
	series_set_metric(&s, SERIES_VALID, "val_acc", GOAL_MAXIMIZE);
	add(&s, SERIES_TRAIN, (struct fall){ 2.3, 0.05, 6, 0 }, POINTS);
	for (int64_t i = 1; i <= POINTS; i++)
		series_add(&s, SERIES_VALID, i,
			   i < 8 ? 0.1 * (double)i : 0.77 - 0.01 * (double)i);
	words = text(s);
	ck_assert_str_eq(words, "val_acc was best at step 7 (0.7) and then "
				"fell to 0.37, while loss went on to 0.07486.");
}
END_TEST

START_TEST(the_unit_of_a_loss_is_nothing)
{
	static const struct fall falls[] = {
		{1,  0.02, 2,  0   },
                { 1, 0.7,  1,  0   },
                { 1, 0,    60, 0   },
		{ 1, 0.98, 3,  0   },
                { 1, 0.02, 2,  0.06},
	};

	for (size_t i = 0; i < sizeof(falls) / sizeof(falls[0]); i++) {
		struct series s = { 0 }, t = { 0 };
		auto_free char *first = NULL;

		series_set_metric(&s, SERIES_TRAIN, "mse", GOAL_MINIMIZE);
		series_set_metric(&t, SERIES_TRAIN, "mse", GOAL_MINIMIZE);
		for (size_t k = 0; k < POINTS; k++) {
			double v = at(falls[i], k);

			series_add(&s, SERIES_TRAIN, (int64_t)k, v);
			series_add(&t, SERIES_TRAIN, (int64_t)k, 1e4 * v);
		}
		first = xstrdup(names(s));
		ck_assert_str_eq(names(t), first);
		ck_assert_str_ne(first, "");
	}
}
END_TEST

START_TEST(an_error_that_fell_far_is_not_held_against_a_guess)
{
	const struct fall error = { 15, 2, 1, 0 }, guess = { 3, 2, 1, 0 };

	ck_assert_str_eq(names(two(error, error)), "healthy plateau");
	ck_assert_str_eq(names(two(guess, guess)), "underfitting plateau");
}
END_TEST

START_TEST(the_loss_of_a_large_vocabulary_is_not_held_against_a_guess)
{
	const struct fall tokens = { 10.8, 3.1, 2, 0 };

	ck_assert_str_eq(names(two(tokens, tokens)), "healthy plateau");
}
END_TEST

START_TEST(losses_below_zero_are_judged_by_the_way_they_went)
{
	const struct fall nll = { 5, -20, 2, 0 }, slow = { -1, -20, 60, 0 };

	ck_assert_str_eq(names(two(nll, nll)), "healthy");
	ck_assert_str_ne(names(two(slow, slow)), "healthy");
}
END_TEST

START_TEST(a_long_curve_says_what_a_short_one_says)
{
	static const struct fall falls[] = {
		{2.3,  0.05, 2,  0},
		{ 2.3, 1.7,  1,  0},
		{ 2.3, 0,    60, 0},
	};

	for (size_t i = 0; i < sizeof(falls) / sizeof(falls[0]); i++) {
		struct fall f = falls[i];
		struct series s = { 0 }, t = { 0 };
		auto_free char *first = NULL;

		add(&s, SERIES_TRAIN, f, POINTS);
		f.half *= 2500;
		add(&t, SERIES_TRAIN, f, 100000);
		first = xstrdup(names(s));
		ck_assert_str_eq(names(t), first);
	}
}
END_TEST

START_TEST(points_may_come_in_any_order)
{
	struct series s = overfitted(0.1), t = { 0 };
	auto_free char *words = text(overfitted(0.1)), *other = NULL;

	for (int c = 0; c < SERIES_CURVES; c++) {
		series_set_metric(&t, (enum series_curve)c, s.lines[c].name,
				  GOAL_MINIMIZE);
		for (size_t i = s.lines[c].n; i-- > 0;) {
			struct series_point p = s.lines[c].points[i];

			series_add(&t, (enum series_curve)c, p.step, -1);
			series_add(&t, (enum series_curve)c, p.step, p.value);
		}
	}
	other = text(t);
	ck_assert_str_eq(other, words);
	series_fini(&s);
}
END_TEST

START_TEST(what_no_other_trial_beats_is_no_underfitting)
{
	const struct fall high = { 2.3, 1.7, 1, 0 };
	struct series s = two(high, high);
	struct siblings siblings = {
		{{ 5, 1.65, 1.8 }, { 5, 1.65, 1.8 }}
	};
	struct symptoms found;

	symptoms_find(&s, NULL, &siblings, &found);
	ck_assert_ptr_null(symptoms_get(&found, SYMPTOM_UNDERFITTING));
	symptoms_fini(&found);
	siblings.lines[SERIES_TRAIN].best = 0.1;
	siblings.lines[SERIES_VALID].best = 0.1;
	symptoms_find(&s, NULL, &siblings, &found);
	ck_assert_int_eq(found.list[0].kind, SYMPTOM_UNDERFITTING);
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

START_TEST(the_answer_as_json_has_every_part)
{
	struct series s = overfitted(0.1);
	struct symptoms found;
	auto_json cJSON *list = NULL;
	const cJSON *row;

	symptoms_find(&s, NULL, NULL, &found);
	list = symptoms_json(&found);
	ck_assert_int_eq(cJSON_GetArraySize(list), (int)found.n);
	cJSON_ArrayForEach (row, list) {
		ck_assert_int_ge(
		    symptom_kind_find(json_get_text(row, "symptom")), 0);
		ck_assert_double_gt(json_get_number(row, "strength", 0), 0);
		ck_assert_double_le(json_get_number(row, "strength", 2), 1);
		ck_assert_int_ge(json_get_integer(row, "step", -1), 0);
		ck_assert_ptr_nonnull(json_get_text(row, "text"));
		ck_assert_ptr_nonnull(json_get_text(row, "try"));
		ck_assert(cJSON_IsObject(json_get(row, "data")));
	}
	symptoms_fini(&found);
	series_fini(&s);
}
END_TEST

static TCase *told(void)
{
	TCase *t = tcase_create("each symptom, and its neighbour");

	tcase_add_test(t, a_loss_that_falls_and_rests_low_is_healthy);
	tcase_add_test(t, a_loss_that_becomes_nan_has_diverged);
	tcase_add_test(t, what_came_after_the_nans_was_not_before_them);
	tcase_add_test(
	    t, the_best_before_the_nans_of_a_long_curve_is_one_of_its_values);
	tcase_add_test(t, one_nan_among_numbers_is_no_divergence);
	tcase_add_test(t, a_loss_that_is_never_a_number_has_diverged);
	tcase_add_test(t, a_loss_that_ends_far_above_its_first_has_diverged);
	tcase_add_test(t,
		       a_loss_that_jumps_as_high_as_it_began_has_not_diverged);
	tcase_add_test(t, a_training_loss_that_jumps_oscillates);
	tcase_add_test(t, a_validation_loss_that_jumps_alone_is_noisy);
	tcase_add_test(t, a_loss_that_crawls_is_too_slow);
	tcase_add_test(t,
		       a_loss_that_came_to_rest_slowly_and_early_is_too_slow);
	tcase_add_test(t, a_plateau_is_told_with_the_step_since_when);
	tcase_add_test(t, a_training_loss_that_rests_high_underfits);
	tcase_add_test(t, a_loss_at_rest_at_ln_k_is_a_guess_over_k_classes);
	tcase_add_test(t, a_loss_on_its_way_past_ln_k_is_no_guess);
	tcase_add_test(t, a_loss_that_hardly_moves_is_stuck);
	tcase_add_test(t, a_loss_that_is_the_same_to_the_last_digit_is_frozen);
	tcase_add_test(t, a_loss_that_moved_once_is_not_frozen);
	tcase_add_test(t, a_long_loss_that_moved_once_is_not_frozen);
	tcase_add_test(t, a_loss_that_was_once_no_number_is_not_frozen);
	tcase_add_test(t, a_loss_that_only_rises_a_little_is_stuck);
	tcase_add_test(t, validation_that_rises_while_training_falls_overfits);
	tcase_add_test(
	    t, validation_that_rests_while_training_falls_does_not_overfit);
	tcase_add_test(t, validation_that_rises_by_little_does_not_overfit);
	tcase_add_test(t, both_curves_that_rise_do_not_overfit);
	tcase_add_test(t, validation_far_above_training_overfits);
	tcase_add_test(t, validation_that_never_improves_does_not_generalise);
	tcase_add_test(t, a_loss_that_still_falls_at_the_end_could_go_on);
	tcase_add_test(t,
		       a_loss_that_creeps_on_after_most_of_its_fall_is_healthy);
	tcase_add_test(t, a_run_that_has_time_left_is_not_called_slow);
	tcase_add_test(t, without_a_value_there_is_no_output);
	tcase_add_test(
	    t, a_run_that_failed_after_its_first_values_has_crashed_late);
	return t;
}

static TCase *judged(void)
{
	TCase *t = tcase_create("whatever the curve is like");

	tcase_add_test(t, one_point_is_too_little_to_say);
	tcase_add_test(t, two_points_that_fall_are_still_improving_at_most);
	tcase_add_test(t, an_accuracy_is_judged_by_what_it_lacks);
	tcase_add_test(t, validation_accuracy_overfits_beside_a_training_loss);
	tcase_add_test(t, the_unit_of_a_loss_is_nothing);
	tcase_add_test(t, an_error_that_fell_far_is_not_held_against_a_guess);
	tcase_add_test(
	    t, the_loss_of_a_large_vocabulary_is_not_held_against_a_guess);
	tcase_add_test(t, losses_below_zero_are_judged_by_the_way_they_went);
	tcase_add_test(t, a_long_curve_says_what_a_short_one_says);
	tcase_add_test(t, points_may_come_in_any_order);
	tcase_add_test(t, what_no_other_trial_beats_is_no_underfitting);
	tcase_add_test(t, the_answer_as_json_has_every_part);
	return t;
}

Suite *suite(void)
{
	Suite *s = suite_create("symptoms");

	suite_add_tcase(s, told());
	suite_add_tcase(s, judged());
	return s;
}
