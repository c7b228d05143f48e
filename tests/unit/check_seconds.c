/* Rules that compare trials when they have run equally long. */
#include "pruner_bed.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <string.h>

static struct search_spec in_seconds(enum pruner_type type)
{
	struct search_spec spec = bed_spec(type, 1, 1);

	spec.result = RESULT_LAST;
	spec.early_stopping.in_seconds = true;
	spec.early_stopping.percentile = 50;
	spec.early_stopping.eta = 3;
	spec.early_stopping.keep = 0.4;
	spec.early_stopping.probability = 0.3;
	return spec;
}

static const char *report_at(struct bed *b, size_t trial, int64_t ms,
			     int64_t step, double value)
{
	b->ms = ms;
	return bed_report(b, trial, step, value);
}

#define goes_on_at(b, trial, ms, step, value)                                  \
	ck_assert_str_eq(report_at(b, trial, ms, step, value), "")
#define stops_at(b, trial, ms, step, value, reason)                            \
	ck_assert_str_eq(report_at(b, trial, ms, step, value), reason)

/* The slow one has had a single step when it is compared. */
START_TEST(trials_are_compared_when_they_have_run_equally_long)
{
	struct search_spec spec = in_seconds(PRUNER_ASHA);
	struct bed b;

	spec.early_stopping.min_steps = 9;
	bed_init(&b, spec);
	for (int64_t step = 1; step <= 20; step++)
		goes_on_at(&b, 0, 500 * step, step, 1);
	goes_on_at(&b, 1, 7999, 1, 2);
	stops_at(&b, 1, 9000, 2, 2, "asha@9s");
	ck_assert_double_eq(bed_datum(&b, "second"), 9);
	ck_assert_double_eq(bed_datum(&b, "rung"), 9);
	ck_assert_ptr_nonnull(
	    strstr(b.verdict.text, "stopped at second 9 by the asha rule"));
	bed_fini(&b);
}
END_TEST

START_TEST(in_a_second_the_last_value_counts)
{
	struct search_spec spec = in_seconds(PRUNER_ASHA);
	struct bed b;

	spec.early_stopping.min_steps = 2;
	bed_init(&b, spec);
	goes_on_at(&b, 0, 1000, 1, 5);
	goes_on_at(&b, 0, 1999, 2, 9);
	goes_on_at(&b, 0, 2000, 3, 9);
	/* Else the limit would be 5. */
	goes_on_at(&b, 1, 2000, 1, 8);
	/* A step of that second, told again, is not its last one. */
	goes_on_at(&b, 1, 2500, 2, 7);
	goes_on_at(&b, 1, 2600, 1, 1);
	goes_on_at(&b, 2, 2000, 1, 7);
	bed_fini(&b);
}
END_TEST

START_TEST(a_step_that_comes_late_has_no_second_of_its_own)
{
	struct search_spec spec = in_seconds(PRUNER_ASHA);
	struct bed b;

	spec.early_stopping.min_steps = 2;
	bed_init(&b, spec);
	goes_on_at(&b, 0, 1000, 10, 5);
	goes_on_at(&b, 0, 4000, 3, 1);
	ck_assert_int_eq(b.curves[0].points[0].ms, 1000);
	/* It has come to second 1, not 4. */
	goes_on_at(&b, 1, 2000, 1, 9);
	/* Its result goes by its steps. */
	ck_assert_double_eq(
	    curve_result(&b.curves[0], RESULT_LAST, GOAL_MINIMIZE), 5);
	bed_fini(&b);
}
END_TEST

START_TEST(a_second_counts_when_it_is_over)
{
	struct search_spec spec = in_seconds(PRUNER_ASHA);
	struct bed b;

	spec.early_stopping.min_steps = 1;
	spec.early_stopping.max_steps = 4;
	bed_init(&b, spec);
	/* Ten reports a second, of trials that are all the same. */
	for (size_t t = 0; t < 4; t++) {
		for (int64_t i = 1; i < 30; i++)
			goes_on_at(&b, t, 100 * i, i, 100 - (double)i);
		bed_end(&b, t, TRIAL_PRUNED);
	}
	/* One that is worse is told so once, when its second is over. */
	for (int64_t i = 1; i < 20; i++)
		goes_on_at(&b, 4, 100 * i, i, 100 - (double)i / 2);
	stops_at(&b, 4, 2000, 20, 90, "asha@1s");
	for (int64_t i = 21; i < 40; i++)
		goes_on_at(&b, 4, 100 * i, i, 100 - (double)i / 2);
	bed_fini(&b);
}
END_TEST

START_TEST(divergence_is_of_steps)
{
	struct bed b;

	bed_init(&b, in_seconds(PRUNER_FUNNEL));
	goes_on_at(&b, 0, 1000, 1, (double)NAN);
	stops_at(&b, 0, 1100, 2, (double)NAN, "diverged");
	ck_assert_double_eq(bed_datum(&b, "step"), 2);
	bed_fini(&b);
}
END_TEST

START_TEST(min_steps_of_the_median_are_seconds_too)
{
	struct search_spec spec =
	    in_seconds(_i == 0 ? PRUNER_MEDIAN : PRUNER_PERCENTILE);
	struct bed b;

	spec.early_stopping.min_steps = 60;
	bed_init(&b, spec);
	for (int64_t s = 0; s <= 60; s++)
		goes_on_at(&b, 0, 1000 * s, s, 1);
	bed_end(&b, 0, TRIAL_DONE);
	for (int64_t i = 0; i < 30; i++)
		goes_on_at(&b, 1, 100 * i, i, 2);
	stops_at(&b, 1, 60000, 30, 2,
		 _i == 0 ? "median@60s" : "percentile@60s");
	bed_fini(&b);
}
END_TEST

START_TEST(a_list_has_rules_of_both_kinds)
{
	struct early_stopping rules[] = {
		{.type = PRUNER_ASHA,
                 .eta = 3,
                 .min_steps = 9,
                 .in_seconds = true },
		{ .type = PRUNER_ASHA,                  .eta = 3, .min_steps = 5},
	};
	struct search_spec spec = in_seconds(PRUNER_ANY);
	struct bed b;

	spec.early_stopping.in_seconds = false;
	spec.early_stopping.rules = rules;
	spec.early_stopping.n_rules = 2;
	bed_init(&b, spec);
	for (int64_t i = 1; i <= 10; i++)
		goes_on_at(&b, 0, 1000 * i, i, 1);
	goes_on_at(&b, 1, 1000, 4, 2);
	stops_at(&b, 1, 2000, 5, 2, "asha@5");
	goes_on_at(&b, 2, 8000, 1, 2);
	stops_at(&b, 2, 9000, 2, 2, "asha@9s");
	bed_fini(&b);
}
END_TEST

/* --- after a restart --------------------------------------------------------
 */

#define REPORTS 60

/* What is stored of a report: the time is that of the step's first one. */
struct stored {
	int64_t step, ms;
	double value;
};

struct rows {
	struct stored list[REPORTS]; /* [n] by step */
	size_t n;
};

static void store(struct rows *r, int64_t step, int64_t ms, double value)
{
	size_t i = 0;

	while (i < r->n && r->list[i].step < step)
		i++;
	if (i < r->n && r->list[i].step == step) {
		r->list[i].value = value;
		return;
	}
	memmove(r->list + i + 1, r->list + i, (r->n - i) * sizeof(r->list[0]));
	r->list[i] = (struct stored){ step, ms, value };
	r->n++;
}

static void live(struct bed *b, struct rows *rows)
{
	int64_t ms[MOST_TRIALS] = { 0 };

	for (size_t i = 0; i < 12 * REPORTS; i++) {
		size_t t = bed_random(MOST_TRIALS - 2);
		int64_t step = bed_random_step(t, 2, &b->curves[t]);
		double v = (double)(bed_random(1000) + 100 * t) / 1000;

		if (rows[t].n == REPORTS)
			continue;
		ms[t] += (int64_t)bed_random(2500);
		report_at(b, t, ms[t], step, v);
		store(&rows[t], step, ms[t], v);
	}
}

static void replay(struct bed *b, struct rows *rows)
{
	for (size_t t = 0; t < MOST_TRIALS; t++) {
		struct rows *r = &rows[t];

		for (size_t i = r->n; i-- > 1;) {
			if (r->list[i - 1].ms > r->list[i].ms)
				r->list[i - 1].ms = r->list[i].ms;
		}
		for (size_t i = 0; i < r->n; i++)
			report_at(b, t, r->list[i].ms, r->list[i].step,
				  r->list[i].value);
	}
}

static void end_some(struct bed *b)
{
	for (size_t t = 0; t < MOST_TRIALS - 2; t += 2) {
		if (b->curves[t].n > 0)
			bed_end(b, t, TRIAL_DONE);
	}
}

/* What the others hear from here on, and a new one. */
static size_t probe(struct bed *b, struct buf *ret_text)
{
	size_t stops = 0;

	for (size_t t = 1; t < MOST_TRIALS; t += 2) {
		int64_t from = b->curves[t].n > 0 ? 200000 : 0;

		for (int64_t i = 0; i < 40; i++) {
			report_at(b, t, from + 1700 * i, 1000 + i, 3);
			buf_addf(ret_text, "%s\n",
				 b->verdict.stop ? b->verdict.text : "on");
			stops += b->verdict.stop;
		}
	}
	return stops;
}

static const enum pruner_type types[] = { PRUNER_MEDIAN, PRUNER_PERCENTILE,
					  PRUNER_ASHA,   PRUNER_HYPERBAND,
					  PRUNER_FUNNEL, PRUNER_FORECAST };

START_TEST(after_a_replay_a_rule_in_seconds_knows_the_same)
{
	size_t stops = 0;

	for (int n = 0; n < 20; n++) {
		auto_buf struct buf first = BUF_INIT, second = BUF_INIT;
		struct rows rows[MOST_TRIALS] = { 0 };
		struct search_spec spec = in_seconds(types[_i]);
		struct bed b, again;

		spec.early_stopping.max_steps = 180;
		bed_init(&b, spec);
		bed_init(&again, spec);
		live(&b, rows);
		replay(&again, rows);
		end_some(&b);
		end_some(&again);
		stops += probe(&b, &first);
		(void)probe(&again, &second);
		ck_assert(strcmp(buf_text(&first), buf_text(&second)) == 0);
		bed_fini(&b);
		bed_fini(&again);
	}
	ck_assert_uint_gt(stops, 20);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("seconds");
	TCase *t = tcase_create("all");

	tcase_add_test(t, trials_are_compared_when_they_have_run_equally_long);
	tcase_add_test(t, in_a_second_the_last_value_counts);
	tcase_add_test(t, a_step_that_comes_late_has_no_second_of_its_own);
	tcase_add_test(t, a_second_counts_when_it_is_over);
	tcase_add_test(t, divergence_is_of_steps);
	tcase_add_loop_test(t, min_steps_of_the_median_are_seconds_too, 0, 2);
	tcase_add_test(t, a_list_has_rules_of_both_kinds);
	tcase_add_loop_test(t, after_a_replay_a_rule_in_seconds_knows_the_same,
			    0, 6);
	suite_add_tcase(s, t);
	return s;
}
