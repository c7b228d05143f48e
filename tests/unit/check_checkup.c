/* Which curves are kept of an attempt, and when to look at them. */
#include "check_main.h"
#include "core/checkup.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NaN ((double)NAN)

static struct search_spec *spec;
static struct checkup *checkup;
static struct checkup_news news;

static void begin(const char *metric)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text =
	    xasprintf("{\"name\":\"s\",\"command\":[\"true\"],\"metric\":{%s},"
		      "\"parameters\":{\"x\":{\"value\":1}},\"trials\":1}",
		      metric);

	ck_assert_int_eq(search_parse(text, strlen(text), &spec, &d), 0);
	checkup = checkup_new(spec);
}

static void end(void)
{
	checkup_free(checkup);
	search_free(spec);
	checkup = NULL;
	spec = NULL;
}

static void report(const char *name, int64_t step, double value)
{
	struct metric_record m = { name, step, value_kind_of(value), value, 0 };

	checkup_report(checkup, &m, &news);
}

/* What is found, as text. */
static char *found(enum trial_state state, const char *reason)
{
	struct symptoms s;
	auto_json cJSON *list = NULL;

	checkup_find(checkup, state, reason, NULL, &s);
	list = symptoms_json(&s);
	symptoms_fini(&s);
	return json_print(list);
}

static bool has(enum trial_state state, const char *reason,
		enum symptom_kind kind)
{
	struct symptoms s;
	bool is_there;

	checkup_find(checkup, state, reason, NULL, &s);
	is_there = symptoms_get(&s, kind) != NULL;
	symptoms_fini(&s);
	return is_there;
}

/* An overfitted run, a step of two metrics, and others beside them. */
static void report_step(int64_t step, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double v = 2.0 / (double)step;

		if (strcmp(names[i], "val_loss") == 0)
			v = 1 + v + 0.03 * (double)step;
		else if (strcmp(names[i], "train_loss") != 0)
			v = 100 * v; /* none of the two curves */
		report(names[i], step, v);
	}
}

START_TEST(the_training_curve_is_the_best_name_whatever_comes_first)
{
	static const char *const orders[][5] = {
		{"train_loss", "val_loss",   "lr",         "train_acc", "loss_reg"  },
		{ "loss_reg",  "train_acc",  "lr",         "val_loss",  "train_loss"},
		{ "train_acc", "loss_reg",   "train_loss", "lr",        "val_loss"  },
		{ "lr",        "train_loss", "loss_reg",   "train_acc", "val_loss"  },
	};
	char *want = NULL;

	for (size_t i = 0; i < 4; i++) {
		auto_free char *text = NULL;

		begin("\"name\":\"val_loss\"");
		for (int64_t step = 1; step <= 40; step++)
			report_step(step, orders[i], 5);
		text = found(TRIAL_DONE, "");
		ck_assert_ptr_nonnull(strstr(text, "train_loss"));
		if (want == NULL)
			want = xstrdup(text);
		ck_assert_str_eq(text, want);
		end();
	}
	free(want);
}
END_TEST

START_TEST(a_curve_told_in_another_order_is_the_same)
{
	static const char *const names[] = { "train_loss", "val_loss" };
	auto_free char *forward = NULL;
	auto_free char *backward = NULL;

	begin("\"name\":\"val_loss\"");
	for (int64_t step = 1; step <= 40; step++)
		report_step(step, names, 2);
	forward = found(TRIAL_DONE, "");
	end();
	begin("\"name\":\"val_loss\"");
	for (int64_t step = 40; step >= 1; step--)
		report_step(step, names + 1, 1);
	for (int64_t step = 40; step >= 1; step--)
		report_step(step, names, 1);
	backward = found(TRIAL_DONE, "");
	end();
	ck_assert_str_eq(forward, backward);
}
END_TEST

START_TEST(a_name_that_appears_late_and_is_better_takes_the_place)
{
	begin("\"name\":\"val_loss\"");
	for (int64_t step = 1; step <= 40; step++) {
		report("val_loss", step, 1.0 / (double)step);
		report("tr_mse", step, NaN);
		if (step > 20)
			report("train_loss", step, 1.0 / (double)step);
	}
	ck_assert(!has(TRIAL_DONE, "", SYMPTOM_DIVERGED));
	end();
}
END_TEST

START_TEST(a_hundred_names_that_lose_take_no_place)
{
	begin("\"name\":\"val_loss\"");
	for (int64_t step = 1; step <= 12; step++) {
		report("train_loss", step, 1.0 / (double)step);
		report("val_loss", step, 1 + (double)step);
		for (int k = 0; k < 100; k++) {
			auto_free char *name =
			    xasprintf("grad_norm_%d", k * 37 % 100);

			report(name, step, 5);
		}
	}
	ck_assert(has(TRIAL_DONE, "", SYMPTOM_OVERFITTING));
	end();
}
END_TEST

START_TEST(a_declared_training_curve_is_taken_whatever_its_name)
{
	begin("\"name\":\"val_loss\",\"train\":\"a\"");
	report("a", 1, NaN);
	ck_assert(news.is_declared && !news.is_lost);
	report("train_loss", 1, 1);
	ck_assert(!news.is_declared);
	report("a", 2, NaN);
	ck_assert(news.is_lost && news.is_declared);
	ck_assert_int_eq(news.before.step, 1);
	ck_assert_int_eq(news.after.step, 2);
	ck_assert(has(TRIAL_RUNNING, "", SYMPTOM_DIVERGED));
	end();
}
END_TEST

START_TEST(it_is_time_to_look_when_the_curves_are_twice_as_long)
{
	auto_buf struct buf at = BUF_INIT;
	int64_t n = 0;

	begin("\"name\":\"val_loss\"");
	for (int64_t step = 1; step <= 40; step++) {
		report("val_loss", step, 1);
		n++;
		if (news.is_due)
			buf_addf(&at, "%lld ", (long long)n);
		report("val_loss", step, 2); /* no further point */
		ck_assert(!news.is_due);
		report("lr", step, 2);
		ck_assert(!news.is_due);
		report("loss", step, 1);
		n++;
		if (news.is_due)
			buf_addf(&at, "%lld ", (long long)n);
	}
	ck_assert_str_eq(buf_text(&at), "8 16 32 64 ");
	end();
}
END_TEST

START_TEST(two_values_in_a_row_that_are_not_finite_are_seen_in_any_order)
{
	static const struct {
		int64_t steps[4];
		double values[4];
		int lost_at; /* -1: never */
	} cases[] = {
		{{ 1, 2, 3, 4 },  { 1, NaN, 1, NaN },              -1},
		{ { 1, 2, 3, 4 }, { 1, NaN, (double)INFINITY, 1 }, 2 },
		{ { 1, 3, 2, 4 }, { 1, NaN, NaN, 1 },              2 },
		{ { 2, 1, 3, 3 }, { NaN, NaN, 1, 1 },              1 },
		{ { 1, 2, 2, 3 }, { 1, NaN, 1, NaN },              -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int lost_at = -1;

		begin("\"name\":\"loss\"");
		for (int k = 0; k < 4; k++) {
			report("loss", cases[i].steps[k], cases[i].values[k]);
			if (news.is_lost && lost_at < 0)
				lost_at = k;
		}
		ck_assert_int_eq(lost_at, cases[i].lost_at);
		if (lost_at >= 0)
			ck_assert(has(TRIAL_RUNNING, "", SYMPTOM_DIVERGED));
		end();
	}
}
END_TEST

START_TEST(an_objective_that_is_a_training_curve_stands_alone)
{
	begin("\"name\":\"train_loss\"");
	for (int64_t step = 1; step <= 20; step++) {
		report("train_loss", step, 1.0 / (double)step);
		report("loss", step, NaN);
		ck_assert(!news.is_lost);
	}
	ck_assert(!has(TRIAL_DONE, "", SYMPTOM_DIVERGED));
	end();
}
END_TEST

START_TEST(what_is_stopped_as_diverged_has_diverged)
{
	begin("\"name\":\"loss\"");
	for (int64_t step = 1; step <= 40; step++)
		report("loss", step, step == 33 ? -3e9 : 1.0 / (double)step);
	ck_assert(!has(TRIAL_PRUNED, "median@40", SYMPTOM_DIVERGED));
	ck_assert(has(TRIAL_RUNNING, "diverged", SYMPTOM_DIVERGED));
	ck_assert(has(TRIAL_PRUNED, "diverged", SYMPTOM_DIVERGED));
	ck_assert(!has(TRIAL_PRUNED, "diverged", SYMPTOM_HEALTHY));
	end();
}
END_TEST

START_TEST(what_belongs_to_an_end_is_told_at_the_end)
{
	begin("\"name\":\"loss\"");
	ck_assert(!has(TRIAL_RUNNING, "", SYMPTOM_NO_OUTPUT));
	ck_assert(has(TRIAL_FAILED, "no-metric", SYMPTOM_NO_OUTPUT));
	for (int64_t step = 1; step <= 40; step++)
		report("loss", step, 1.0 / (double)step);
	ck_assert(!has(TRIAL_RUNNING, "", SYMPTOM_HEALTHY));
	ck_assert(!has(TRIAL_RUNNING, "", SYMPTOM_LATE_CRASH));
	ck_assert(has(TRIAL_FAILED, "signal:9", SYMPTOM_LATE_CRASH));
	ck_assert(has(TRIAL_FAILED, "exit:3", SYMPTOM_LATE_CRASH));
	ck_assert(!has(TRIAL_CANCELLED, "user", SYMPTOM_LATE_CRASH));
	end();
}
END_TEST

START_TEST(a_curve_beyond_its_bound_loses_nothing_but_its_end)
{
	begin("\"name\":\"loss\"");
	for (int64_t step = 0; step < LIMIT_STEPS; step++)
		report("loss", step, 1);
	report("loss", LIMIT_STEPS, NaN);
	report("loss", LIMIT_STEPS + 1, NaN);
	ck_assert(!news.is_lost && !news.is_due);
	ck_assert(!has(TRIAL_DONE, "", SYMPTOM_DIVERGED));
	end();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("checkup");
	TCase *tc = tcase_create("curves");

	tcase_add_test(
	    tc, the_training_curve_is_the_best_name_whatever_comes_first);
	tcase_add_test(tc, a_curve_told_in_another_order_is_the_same);
	tcase_add_test(tc,
		       a_name_that_appears_late_and_is_better_takes_the_place);
	tcase_add_test(tc, a_hundred_names_that_lose_take_no_place);
	tcase_add_test(tc,
		       a_declared_training_curve_is_taken_whatever_its_name);
	tcase_add_test(tc, an_objective_that_is_a_training_curve_stands_alone);
	tcase_add_test(tc, a_curve_beyond_its_bound_loses_nothing_but_its_end);
	suite_add_tcase(s, tc);

	tc = tcase_create("looks");
	tcase_add_test(tc,
		       it_is_time_to_look_when_the_curves_are_twice_as_long);
	tcase_add_test(
	    tc, two_values_in_a_row_that_are_not_finite_are_seen_in_any_order);
	tcase_add_test(tc, what_is_stopped_as_diverged_has_diverged);
	tcase_add_test(tc, what_belongs_to_an_end_is_told_at_the_end);
	suite_add_tcase(s, tc);
	return s;
}
