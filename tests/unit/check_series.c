#include "check_main.h"
#include "why/series.h"

#include <string.h>

#define NAMES_MOST 8

/* "train_loss val_loss": the names chosen for training and validation. */
static const char *choice(const char *const *names, const char *metric,
			  const char *train)
{
	static char text[200];
	struct series_choice c;
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	c = series_choose(names, n, metric, train);
	text[0] = '\0';
	for (int k = 0; k < SERIES_CURVES; k++) {
		strcat(text, k > 0 ? " " : "");
		strcat(text, c.curves[k] < 0 ? "-" : names[c.curves[k]]);
	}
	return text;
}

struct choice_case {
	const char *names[NAMES_MOST]; /* ended by NULL */
	const char *chosen;
};

START_TEST(names_of_common_tools_are_known)
{
	static const struct choice_case cases[] = {
		{{ "train_loss", "train_acc", "val_loss", "val_acc", "lr" },
                 "train_loss val_loss"							     },
		{ { "loss", "accuracy", "val_loss", "val_accuracy" },
                 "loss val_loss"								   },
		{ { "loss", "learning_rate", "eval_loss", "eval_runtime" },
                 "loss eval_loss"								  },
		{ { "train-rmse", "eval-rmse" },                             "train-rmse eval-rmse"},
		{ { "train_s_binary_logloss", "valid_1_s_binary_logloss" },
                 "train_s_binary_logloss valid_1_s_binary_logloss"                                 },
		{ { "learn", "test", "best" },                               "learn test"          },
		{ { "trainLoss", "testLoss", "valLoss" },                    "trainLoss valLoss"   },
		{ { "train/box_loss", "train/loss", "val/loss" },
                 "train/loss val/loss"							     },
		{ { "train_loss", "val_acc" },                               "train_loss val_acc"  },
		{ { "acc" },						 "acc -"               },
		{ { "val_loss", "seconds" },                                 "- val_loss"          },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(choice(cases[i].names, NULL, NULL),
				 cases[i].chosen);
}
END_TEST

START_TEST(an_unknown_name_is_taken_only_when_it_is_alone)
{
	const char *const alone[] = { "foo", NULL };
	const char *const several[] = { "foo", "lr", NULL };

	ck_assert_str_eq(choice(alone, NULL, NULL), "foo -");
	ck_assert_str_eq(choice(several, NULL, NULL), "- -");
}
END_TEST

START_TEST(names_that_are_given_are_taken)
{
	const char *const names[] = { "foo", "bar", "loss", "val_loss", NULL };

	ck_assert_str_eq(choice(names, "foo", "bar"), "bar foo");
	ck_assert_str_eq(choice(names, "foo", NULL), "foo -");
	ck_assert_str_eq(choice(names, "val_loss", NULL), "loss val_loss");
	ck_assert_str_eq(choice(names, NULL, "bar"), "bar -");
	ck_assert_str_eq(choice(names, "none", NULL), "- -");
}
END_TEST

START_TEST(the_goal_follows_from_the_name)
{
	ck_assert_int_eq(series_role("val_top1_acc").goal, GOAL_MAXIMIZE);
	ck_assert_int_eq(series_role("val_top1_error").goal, GOAL_MINIMIZE);
	ck_assert_int_eq(series_role("Validation/F1").goal, GOAL_MAXIMIZE);
	ck_assert_int_eq(series_role("perplexity").goal, GOAL_MINIMIZE);
	ck_assert_int_eq(series_role("lr").rank, 0);
	ck_assert_int_eq(series_role("\xce\x94loss").rank, 0);
	ck_assert_int_eq(series_role("").rank, 0);
}
END_TEST

START_TEST(the_last_value_of_a_step_wins)
{
	struct series s = { 0 };

	series_add(&s, SERIES_VALID, 2, 5);
	series_add(&s, SERIES_VALID, 1, 4);
	series_add(&s, SERIES_VALID, 2, 3);
	ck_assert_uint_eq(s.lines[SERIES_VALID].n, 2);
	ck_assert_int_eq(s.lines[SERIES_VALID].points[0].step, 1);
	ck_assert_double_eq(s.lines[SERIES_VALID].points[1].value, 3);
	ck_assert_uint_eq(s.lines[SERIES_TRAIN].n, 0);
	series_fini(&s);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("series");
	TCase *t = tcase_create("series");

	tcase_add_test(t, names_of_common_tools_are_known);
	tcase_add_test(t, an_unknown_name_is_taken_only_when_it_is_alone);
	tcase_add_test(t, names_that_are_given_are_taken);
	tcase_add_test(t, the_goal_follows_from_the_name);
	tcase_add_test(t, the_last_value_of_a_step_wins);
	suite_add_tcase(s, t);
	return s;
}
