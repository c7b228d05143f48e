#include "pruner_bed.h"
#include "search/rungs.h"

#include <math.h>
#include <string.h>

static struct search_spec asha_spec(enum pruner_type type, int64_t first,
				    int64_t last)
{
	struct search_spec spec = bed_spec(type, first, 0);

	spec.early_stopping.eta = 3;
	spec.early_stopping.max_steps = last;
	return spec;
}

/* Hyperband's algorithm 1 (JMLR 18, 2018) with R = 81 and eta = 3. */
START_TEST(hyperbands_rungs_and_shares_are_those_of_its_paper)
{
	static const int64_t weights[] = { 81, 34, 15, 8, 5 };
	struct search_spec spec = asha_spec(PRUNER_HYPERBAND, 1, 81);
	int64_t seen[5] = { 0 };
	struct rungs r;

	ck_assert_int_eq(rungs_init(&spec.early_stopping, 0, &r), 1);
	ck_assert_int_eq(r.brackets, 5);
	for (int64_t s = 0, first = 1; s < 5; s++, first *= 3) {
		ck_assert_int_eq(rungs_weight(&r, s), weights[s]);
		for (int64_t at = 0, rung = first; rung < 81; rung *= 3) {
			at = rungs_next(&r, s, at);
			ck_assert_int_eq(at, rung);
		}
		ck_assert_int_eq(rungs_next(&r, s, 80), INT64_MAX);
	}
	for (int64_t n = 0; n < 14300; n++)
		seen[rungs_bracket(&r, 7, n)]++;
	for (int64_t s = 0; s < 5; s++)
		ck_assert_double_eq_tol((double)seen[s] / 100,
					(double)weights[s], 3);
	spec = asha_spec(PRUNER_ASHA, 0, 81); /* 81 / 16 = 5.06 */
	ck_assert_int_eq(rungs_init(&spec.early_stopping, 0, &r), 5);
	ck_assert_int_eq(rungs_next(&r, 0, 5), 15);
	ck_assert_int_eq(rungs_next(&r, 0, 45), INT64_MAX);
}
END_TEST

START_TEST(K8_asha_keeps_the_best_third_at_a_rung)
{
	struct bed b;

	bed_init(&b, asha_spec(PRUNER_ASHA, 2, 81));
	goes_on(&b, 0, 1, 5);
	goes_on(&b, 0, 3, 1); /* at rung 2 it had 5 */
	goes_on(&b, 1, 1, 9);
	stops(&b, 1, 2, 6, "asha@2");
	ck_assert_str_eq(b.verdict.text,
			 "stopped at step 2 by the asha rule: its best "
			 "val_loss 6 at rung 2 is worse than 5, the worst of "
			 "the 1 kept of 2 trials");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"asha\",\"metric\":\"val_loss\","
			 "\"step\":2,\"value\":6,\"limit\":5,\"rung\":2,"
			 "\"trials\":2,\"kept\":1}");
	goes_on(&b, 1, 2, 5); /* told again: a tie */
	goes_on(&b, 2, 3, 9); /* no step up to the rung */
	stops(&b, 3, 2, (double)NAN, "asha@2");
	bed_fini(&b);
}
END_TEST

START_TEST(K8_asha_without_a_length_waits_for_three_whole_trials)
{
	struct bed b;

	bed_init(&b, asha_spec(PRUNER_ASHA, 0, 0));
	for (size_t t = 0; t < 4; t++) {
		for (int64_t i = 1; i <= 32; i++)
			goes_on(&b, t, i, (double)t + 1);
		bed_end(&b, t, t == 1 ? TRIAL_PRUNED : TRIAL_DONE);
		if (t == 2)
			goes_on(&b, 5, 2, 9);
	}
	stops(&b, 6, 2, 9, "asha@2");
	pruner_trial_forget(b.trials[3]); /* run anew: two are left */
	b.trials[3] = pruner_trial_new(b.pruner, 3);
	goes_on(&b, 7, 2, 9);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_who_has_a_value_goes_on_before_those_that_have_none)
{
	struct search_spec spec = asha_spec(PRUNER_ASHA, 2, 40);
	struct bed b;

	spec.early_stopping.eta = 2;
	bed_init(&b, spec);
	for (size_t t = 0; t < 4; t++)
		goes_on(&b, t, 2, (double)NAN);
	goes_on(&b, 4, 2, 1);
	goes_on(&b, 5, 2, 2); /* three of six may */
	stops(&b, 6, 2, (double)NAN, "asha@2");
	bed_fini(&b);
}
END_TEST

/* By the definition, from nothing but the curves. */
static bool best_until(const struct curve *c, int64_t rung, double *ret)
{
	*ret = (double)INFINITY;
	for (size_t i = 0; i < c->n && c->points[i].step <= rung; i++) {
		if (isfinite(c->points[i].value))
			*ret = fmin(*ret, c->points[i].value);
	}
	return c->n > 0 && c->points[0].step <= rung &&
	       c->points[c->n - 1].step >= rung;
}

/* numpy's percentile of what completed trials had, from nothing but curves. */
static bool percentile_stops(const struct bed *b, const bool *done,
			     size_t trial)
{
	const struct early_stopping *e = &b->spec.early_stopping;
	const struct curve *c = &b->curves[trial];
	int64_t step = c->points[c->n - 1].step;
	double at[MOST_TRIALS], best, position, part;
	int64_t completed = 0;
	size_t n = 0, low;

	if (!best_until(c, step, &best))
		return false;
	for (size_t t = 0; t < MOST_TRIALS; t++) {
		const struct curve *o = &b->curves[t];
		size_t k = o->n, place = n;
		double v;

		if (!done[t])
			continue;
		completed++;
		if (o->points[o->n - 1].step < step)
			continue;
		while (k > 0 && o->points[k - 1].step > step)
			k--;
		if (k == 0 || isnan(o->points[k - 1].value))
			continue;
		v = o->points[k - 1].value;
		for (; place > 0 && at[place - 1] > v; place--)
			at[place] = at[place - 1];
		at[place] = v;
		n++;
	}
	if (n == 0 || completed < e->min_trials || (int64_t)c->n < e->min_steps)
		return false;
	position = (double)(n - 1) * e->percentile / 100;
	low = (size_t)position;
	part = position - (double)low;
	return best > at[low] + (part > 0 ? part * (at[low + 1] - at[low]) : 0);
}

START_TEST(K8_percentile_is_what_its_definition_says)
{
	size_t stopped = 0, went_on = 0;

	for (int n = 0; n < 60; n++) {
		struct search_spec spec = bed_spec(PRUNER_PERCENTILE, n % 4, 3);
		bool done[MOST_TRIALS] = { false };
		struct bed b;

		spec.early_stopping.percentile = 25 * (n % 5);
		bed_init(&b, spec);
		for (int k = 0; k < 300; k++) {
			size_t t = bed_random(MOST_TRIALS);

			if (done[t])
				continue;
			bed_report(
			    &b, t, bed_random_step(t, n % 3, &b.curves[t]),
			    bed_random(20) == 0 ? (double)NAN
						: (double)bed_random(16));
			if (strcmp(b.verdict.reason, "diverged") == 0)
				continue;
			ck_assert_int_eq(b.verdict.stop,
					 percentile_stops(&b, done, t));
			stopped += b.verdict.stop;
			went_on += !b.verdict.stop;
			done[t] = bed_random(30) == 0;
			if (done[t])
				bed_end(&b, t, TRIAL_DONE);
		}
		bed_fini(&b);
	}
	ck_assert_uint_gt(stopped, 100);
	ck_assert_uint_gt(went_on, 100);
}
END_TEST

/* Who goes on if those of @list wait. */
static int64_t promoted(struct bed *b, const size_t *list, size_t n, bool any)
{
	int64_t number;

	for (size_t i = 0; i < n; i++)
		pruner_wait(b->trials[list[i]], true);
	number = pruner_promote(b->pruner, any);
	for (size_t i = 0; i < n; i++)
		pruner_wait(b->trials[list[i]], false);
	return number;
}

START_TEST(K8_of_a_command_that_resumes_trials_wait_at_a_rung)
{
	static const size_t list[] = { 0, 1, 2, 3, 4 };
	struct search_spec spec = asha_spec(PRUNER_ASHA, 2, 81);
	struct bed b;

	spec.resumes = true;
	spec.runs = 1;
	bed_init(&b, spec);
	stops(&b, 0, 2, 5, "paused@2"); /* one in 3, of one: none */
	ck_assert_str_eq(b.verdict.text,
			 "waits at step 2: one in 3 goes on from rung 2, and "
			 "so far 1 came to it");
	stops(&b, 1, 2, 4, "paused@2");
	ck_assert_int_eq(promoted(&b, list, 2, false), -1);
	ck_assert_int_eq(promoted(&b, list, 2, true), 1);
	stops(&b, 2, 2, 6, "paused@2");
	ck_assert_str_eq(b.verdict.text,
			 "waits at step 2 by the asha rule: its best val_loss "
			 "6 at rung 2 is worse than 4, the worst of the 1 kept "
			 "of 3 trials");
	ck_assert_int_eq(promoted(&b, list, 3, false), 1); /* of 3: one */
	goes_on(&b, 1, 5, 3);
	stops(&b, 1, 6, 3, "paused@6");
	stops(&b, 3, 2, (double)NAN, "paused@2");
	/* It goes on from before where it waited: no rung is there twice. */
	goes_on(&b, 1, 6, 3);
	goes_on(&b, 1, 7, 3);
	stops(&b, 1, 18, 3, "paused@18");
	ck_assert_int_eq(promoted(&b, list, 4, false), -1);
	goes_on(&b, 4, 2, 1);
	stops(&b, 4, 6, 2, "paused@6");
	/* Who came farther goes first, though its value is worse. */
	ck_assert_int_eq(promoted(&b, list, 5, true), 1);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_what_waits_at_its_last_step_goes_on_when_that_is_known)
{
	static const size_t list[] = { 0, 1 };
	struct search_spec spec = asha_spec(PRUNER_ASHA, 2, 0);
	struct bed b;

	spec.resumes = true;
	spec.runs = 1;
	bed_init(&b, spec);
	for (size_t t = 0; t < 5; t++)
		(void)bed_report(&b, t, 2, 9 + (double)t);
	stops(&b, 0, 6, 9, "paused@6");
	ck_assert_int_eq(promoted(&b, list, 2, false), -1);
	(void)bed_report(&b, 7, 6, 20);
	bed_end(&b, 7, TRIAL_DONE);
	ck_assert_int_eq(promoted(&b, list, 2, false), 0);
	ck_assert_int_eq(promoted(&b, list + 1, 1, false), -1);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_who_goes_on_does_not_depend_on_who_waits_before)
{
	static const size_t lists[][2] = {
		{0,  8},
                { 8, 0}
	};
	struct search_spec spec = asha_spec(PRUNER_ASHA, 2, 81);
	struct bed b;

	spec.resumes = true;
	spec.runs = 1;
	bed_init(&b, spec);
	for (size_t t = 0; t < 7; t++)
		(void)bed_report(&b, t, 2, (double)NAN);
	goes_on(&b, 7, 2, 1);
	goes_on(&b, 8, 2, 2); /* two of the three that may */
	ck_assert_int_eq(promoted(&b, lists[0], 2, false), 8);
	ck_assert_int_eq(promoted(&b, lists[1], 2, false), 8);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_one_of_several_rules_stops_also_what_could_resume)
{
	struct search_spec spec = asha_spec(PRUNER_ANY, 0, 0);
	struct search_spec asha = asha_spec(PRUNER_ASHA, 2, 81);
	struct bed b;

	spec.resumes = true;
	spec.runs = 1;
	spec.early_stopping.rules = &asha.early_stopping;
	spec.early_stopping.n_rules = 1;
	bed_init(&b, spec);
	goes_on(&b, 0, 2, 5);
	stops(&b, 1, 2, 6, "asha@2");
	bed_fini(&b);
}
END_TEST

/* Its value at a step: it falls from @start + 1 towards @start. */
static double falling(double start, int64_t step)
{
	return start + pow((double)step, -0.5);
}

/* A trial of 27 steps that has completed. */
static struct pruner_trial *complete(struct pruner *p, int64_t number,
				     double start)
{
	struct pruner_trial *t = pruner_trial_new(p, number);
	struct verdict v = { 0 };
	struct curve c = { 0 };

	for (int64_t i = 1; i <= 27; i++) {
		pruner_report(p, t, &c,
			      (struct curve_point){
				  .step = i, .value = falling(start, i) },
			      &v);
		verdict_free(&v);
		v = (struct verdict){ 0 };
	}
	pruner_ended(p, t, &c, TRIAL_DONE);
	curve_free(&c);
	return t;
}

/* Of a trial that has come to step 9. */
static struct foretold foretell(struct pruner *p)
{
	struct pruner_trial *t = pruner_trial_new(p, 10000);
	struct curve c = { 0 };
	struct foretold f;

	for (int64_t i = 1; i <= 9; i++)
		(void)curve_set(&c, i, falling(0.7, i));
	ck_assert(pruner_foretell(t, &c, &f));
	pruner_trial_free(t);
	curve_free(&c);
	return f;
}

#define MANY 600

START_TEST(of_many_completed_trials_the_latest_foretell)
{
	struct search_spec spec = bed_spec(PRUNER_FORECAST, 0, 0);
	struct pruner *p = pruner_new(&spec), *other = pruner_new(&spec);
	struct pruner_trial *t[MANY], *u[MANY];
	struct foretold a, b;

	/* The best one is the first, which is not kept. */
	for (int64_t i = 0; i < MANY; i++)
		t[i] = complete(p, i, (double)(i % 97) / 50 - (i == 0));
	for (int64_t k = 0; k < MANY; k++) {
		int64_t i = k * 7 % MANY; /* in another order */

		u[i] = complete(other, i, (double)(i % 97) / 50 - (i == 0));
	}
	a = foretell(p);
	b = foretell(other);
	ck_assert_uint_eq(a.trials, MANY);
	ck_assert_double_eq(a.best, falling(-1, 27));
	ck_assert_int_eq(a.last, 27);
	ck_assert_double_eq(a.mean, b.mean);
	ck_assert_double_eq(a.sd, b.sd);
	ck_assert_double_eq(a.best, b.best);
	pruner_trial_forget(t[0]);
	a = foretell(p);
	ck_assert_double_eq(a.best, falling(0, 27));
	ck_assert_uint_eq(a.trials, MANY - 1);
	for (int64_t i = 0; i < MANY; i++) {
		if (i > 0)
			pruner_trial_free(t[i]);
		pruner_trial_free(u[i]);
	}
	pruner_free(p);
	pruner_free(other);
}
END_TEST

START_TEST(K8_a_trial_that_is_not_foretold_to_be_best_is_stopped)
{
	struct search_spec spec = bed_spec(PRUNER_FORECAST, 0, 0);
	struct bed b;
	int64_t step;

	spec.early_stopping.probability = 0.05;
	bed_init(&b, spec);
	for (size_t t = 0; t < 3; t++) {
		for (int64_t i = 1; i <= 27; i++)
			goes_on(&b, t, i, falling(0.1 * (double)t, i));
		if (t == 2)
			goes_on(&b, 3, 12, 9); /* only two have completed */
		bed_end(&b, t, TRIAL_DONE);
	}
	for (int64_t i = 1; i <= 27; i++)
		goes_on(&b, 4, i, falling(-0.1, i));
	for (step = 1; step < 27 && !b.verdict.stop; step++)
		bed_report(&b, 5, step, falling(2, step));
	ck_assert_int_eq(strncmp(b.verdict.reason, "forecast@", 9), 0);
	ck_assert_int_gt(step, 3); /* 27 / 9 and one more */
	ck_assert_int_lt(step, 14);
	ck_assert_double_lt(bed_datum(&b, "probability"), 0.05);
	ck_assert_double_eq(bed_datum(&b, "below"), 0.05);
	ck_assert_double_eq(bed_datum(&b, "last"), 27);
	ck_assert_double_eq(bed_datum(&b, "trials"), 3);
	ck_assert_double_eq(bed_datum(&b, "limit"), falling(0, 27));
	ck_assert_double_eq_tol(bed_datum(&b, "value"), falling(2, 27), 0.2);
	pruner_trial_forget(b.trials[0]); /* run anew: two are left */
	b.trials[0] = pruner_trial_new(b.pruner, 0);
	goes_on(&b, 5, step, falling(2, step));
	bed_fini(&b);
}
END_TEST

static struct search_spec funnel_spec(int64_t first, int64_t last)
{
	struct search_spec spec = bed_spec(PRUNER_FUNNEL, first, 0);

	spec.early_stopping.keep = 0.4;
	spec.early_stopping.max_steps = last;
	return spec;
}

START_TEST(K8_a_funnel_narrows_and_hopes_for_slow_starters)
{
	struct bed b;

	bed_init(&b, funnel_spec(4, 100));
	for (size_t t = 0; t < 4; t++) {
		goes_on(&b, t, 1, 9);
		bed_report(&b, t, 4, 2 + (double)t);
	}
	goes_on(&b, 0, 15, 1); /* the rung before 17: 4 x 1.1^14 = 15.2 */
	/* One of 5 may go on; what it gained since step 5 makes it 3 - 7. */
	goes_on(&b, 4, 1, 10);
	goes_on(&b, 4, 15, 3);
	goes_on(&b, 5, 1, 10);
	goes_on(&b, 5, 5, 2);
	stops(&b, 5, 16, 1.25, "funnel@16"); /* at 15 it had 2 */
	ck_assert_str_eq(
	    b.verdict.text,
	    "stopped at step 16 by the funnel rule: its best val_loss 2 at "
	    "step 15 would be 2 if it gained as much again as since step 5, "
	    "which is worse than 1, the worst of the best 1 there; of 6 "
	    "trials no more go on");
	ck_assert_str_eq(b.verdict.data,
			 "{\"rule\":\"funnel\",\"metric\":\"val_loss\","
			 "\"step\":16,\"value\":2,\"limit\":1,\"hoped\":2,"
			 "\"since\":5,\"rung\":15,\"trials\":6,\"kept\":1}");
	bed_fini(&b);
}
END_TEST

START_TEST(K8_a_funnel_waits_for_a_whole_trial)
{
	struct bed b;

	bed_init(&b, funnel_spec(0, 0));
	for (size_t t = 0; t < 3; t++) {
		for (int64_t i = 1; i <= 52; i++)
			goes_on(&b, t, i, (double)t + 1);
		if (t > 0)
			bed_end(&b, t, t == 1 ? TRIAL_PRUNED : TRIAL_DONE);
	}
	goes_on(&b, 3, 1, 9);
	stops(&b, 3, 2, 9, "funnel@2");
	goes_on(&b, 4, 2, 9); /* its first report */
	pruner_trial_forget(b.trials[2]);
	b.trials[2] = pruner_trial_new(b.pruner, 2);
	goes_on(&b, 4, 3, 9);
	bed_fini(&b);
}
END_TEST

START_TEST(K8_percentile_compares_with_completed_trials)
{
	struct search_spec spec = bed_spec(PRUNER_PERCENTILE, 1, 2);
	struct bed b;

	spec.early_stopping.percentile = 25;
	bed_init(&b, spec);
	for (size_t t = 0; t < 3; t++) {
		goes_on(&b, t, 1, (double)t + 2);
		goes_on(&b, t, 10, (double)t);
	}
	goes_on(&b, 3, 1, 9); /* none has completed */
	bed_end(&b, 0, TRIAL_DONE);
	bed_end(&b, 1, TRIAL_PRUNED);
	goes_on(&b, 3, 2, 9);
	bed_end(&b, 2, TRIAL_DONE);
	stops(&b, 3, 3, 2.6, "percentile@3"); /* of 2 and 4: 2.5 */
	ck_assert_double_eq(bed_datum(&b, "limit"), 2.5);
	ck_assert_double_eq(bed_datum(&b, "trials"), 2);
	goes_on(&b, 3, 4, 2.5);
	goes_on(&b, 3, 11, 2.5); /* none went so far */
	stops(&b, 4, 1, (double)NAN, "percentile@1");
	pruner_trial_forget(b.trials[2]);
	b.trials[2] = pruner_trial_new(b.pruner, 2);
	goes_on(&b, 4, 2, 9);
	bed_fini(&b);
}
END_TEST

/* Every report goes to both; what one rule alone says is told by its own bed.
 */
START_TEST(K8_any_stops_when_the_first_of_its_rules_does)
{
	struct early_stopping rules[] = {
		bed_spec(PRUNER_PATIENCE, 1, 0).early_stopping,
		bed_spec(PRUNER_MEDIAN, 2, 2).early_stopping,
	};
	struct search_spec spec = { .metric =
					bed_spec(PRUNER_NONE, 0, 0).metric };
	struct bed any, alone[2];
	size_t stopped[3] = { 0 };

	spec.early_stopping = (struct early_stopping){ .type = PRUNER_ANY,
						       .rules = rules,
						       .n_rules = 2 };
	bed_init(&any, spec);
	for (size_t k = 0; k < 2; k++) {
		struct search_spec one = {
			.metric = bed_spec(PRUNER_NONE, 0, 0).metric,
			.early_stopping = rules[k]
		};

		bed_init(&alone[k], one);
	}
	for (int n = 0; n < 5000; n++) {
		size_t t = bed_random(MOST_TRIALS);
		int64_t step = bed_random_step(t, 2, &any.curves[t]);
		double v = (double)bed_random(50);
		const char *reason;

		reason = bed_report(&alone[0], t, step, v);
		stopped[0] += reason[0] != '\0';
		if (bed_report(&alone[1], t, step, v)[0] != '\0') {
			stopped[1]++;
			stopped[2] += reason[0] != '\0';
			if (reason[0] == '\0')
				reason = alone[1].verdict.reason;
		}
		stops(&any, t, step, v, reason);
		if (bed_random(40) == 0) {
			struct bed *beds[] = { &any, &alone[0], &alone[1] };

			for (size_t k = 0; k < 3; k++) {
				pruner_trial_forget(beds[k]->trials[t]);
				curve_free(&beds[k]->curves[t]);
				beds[k]->trials[t] = pruner_trial_new(
				    beds[k]->pruner, (int64_t)t);
			}
		}
	}
	for (size_t k = 0; k < 3; k++)
		ck_assert_uint_gt(stopped[k], 10);
	bed_fini(&any);
	bed_fini(&alone[0]);
	bed_fini(&alone[1]);
}
END_TEST

/* One of its rules learns only from trials that have completed. */
START_TEST(any_tells_its_rules_of_the_end_of_a_trial)
{
	struct early_stopping rules[] = {
		bed_spec(PRUNER_PERCENTILE, 1, 1).early_stopping,
	};
	struct search_spec spec = { .metric =
					bed_spec(PRUNER_NONE, 0, 0).metric };
	struct bed b;

	rules[0].percentile = 50;
	spec.early_stopping = (struct early_stopping){ .type = PRUNER_ANY,
						       .rules = rules,
						       .n_rules = 1 };
	bed_init(&b, spec);
	goes_on(&b, 0, 1, 1);
	goes_on(&b, 1, 1, 9);
	bed_end(&b, 0, TRIAL_DONE);
	stops(&b, 1, 1, 9, "percentile@1");
	stops(&b, 2, 1, (double)NAN, "percentile@1");
	stops(&b, 2, 2, (double)NAN, "diverged"); /* once, before its rules */
	bed_fini(&b);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("rungs");
	TCase *tc = tcase_create("rungs");

	tcase_add_test(tc, hyperbands_rungs_and_shares_are_those_of_its_paper);
	tcase_add_test(tc, K8_asha_keeps_the_best_third_at_a_rung);
	tcase_add_test(tc,
		       K8_asha_without_a_length_waits_for_three_whole_trials);
	tcase_add_test(tc, K8_of_a_command_that_resumes_trials_wait_at_a_rung);
	tcase_add_test(
	    tc, K8_what_waits_at_its_last_step_goes_on_when_that_is_known);
	tcase_add_test(tc, K8_who_goes_on_does_not_depend_on_who_waits_before);
	tcase_add_test(tc,
		       K8_one_of_several_rules_stops_also_what_could_resume);
	tcase_add_test(tc,
		       K8_who_has_a_value_goes_on_before_those_that_have_none);
	tcase_add_test(tc, K8_percentile_is_what_its_definition_says);
	tcase_add_test(tc, of_many_completed_trials_the_latest_foretell);
	tcase_add_test(tc,
		       K8_a_trial_that_is_not_foretold_to_be_best_is_stopped);
	tcase_add_test(tc, K8_a_funnel_narrows_and_hopes_for_slow_starters);
	tcase_add_test(tc, K8_a_funnel_waits_for_a_whole_trial);
	tcase_add_test(tc, K8_percentile_compares_with_completed_trials);
	tcase_add_test(tc, K8_any_stops_when_the_first_of_its_rules_does);
	tcase_add_test(tc, any_tells_its_rules_of_the_end_of_a_trial);
	suite_add_tcase(s, tc);
	return s;
}
