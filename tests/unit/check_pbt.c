#include "check_main.h"
#include "search/rationale.h"
#include "search/sampler.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LR                                                                     \
	"\"lr\": {\"type\": \"float\", \"min\": 1e-6, \"max\": 10, \"scale\": \"log\"}"

/* A population that a test plays the daemon for. */
struct world {
	struct search_spec *spec;
	struct sampler *sampler;
	uint64_t cursor;
	struct proposal last;
	size_t n; /* trials */
};

static struct search_spec *spec_new(const char *parameters, int population,
				    int seed, const char *more)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *told = NULL;
	auto_free char *text = xasprintf(
	    "{\"name\": \"t\", \"command\": [\"true\"], \"parameters\": {%s}, "
	    "\"sampler\": {\"type\": \"pbt\", \"population\": %d, \"seed\": %d}, "
	    "\"budget\": {\"name\": \"epochs\", \"min\": 2, \"max\": 9}%s}",
	    parameters, population, seed, more);
	struct search_spec *spec = NULL;

	if (search_parse(text, strlen(text), &spec, &faults) != 0) {
		told = diag_text(&faults, NULL);
		ck_abort_msg("%s", told);
	}
	return spec;
}

#define LOSS ", \"metric\": {\"name\": \"loss\"}"
#define ACCURACY                                                               \
	", \"metric\": {\"name\": \"accuracy\", \"goal\": \"maximize\"}"

static struct world world_new(const char *parameters, int population, int seed)
{
	struct world w = { .spec =
			       spec_new(parameters, population, seed, LOSS) };

	w.sampler = sampler_new(w.spec);
	return w;
}

static void world_free(struct world *w)
{
	proposal_fini(&w->last);
	sampler_free(w->sampler);
	search_free(w->spec);
}

#define auto_world __attribute__((cleanup(world_free)))

/* The next trial is w->last; false: there is none. */
static bool ask(struct world *w)
{
	proposal_fini(&w->last);
	if (sampler_propose(w->sampler, &w->cursor, 1, &w->last) == 0)
		return false;
	w->n++;
	return true;
}

static void tell_as(struct world *w, size_t number, enum fate fate,
		    double score)
{
	struct observation o = w->sampler->history.rows[number].seen;

	o.fate = fate;
	o.score = score;
	sampler_tell(w->sampler, number, NULL, o);
}

static void tell(struct world *w, size_t number, double score)
{
	tell_as(w, number, FATE_DONE, score);
}

static const struct lineage *lineage_of(const struct world *w)
{
	return &w->last.rationale.lineage;
}

/* The first generation; member m, which is trial m, has the score m. */
static void begin(struct world *w)
{
	size_t n = (size_t)w->spec->population;

	for (size_t m = 0; m < n; m++)
		ck_assert(ask(w));
	for (size_t m = 0; m < n; m++)
		tell(w, m, (double)m);
}

static void assert_is(const struct world *w, int64_t generation, int64_t member,
		      int64_t parent)
{
	const struct lineage *l = lineage_of(w);

	ck_assert_int_eq(l->generation, generation);
	ck_assert_int_eq(l->member, member);
	if (lineage_has_parent(l))
		ck_assert_int_eq(l->parent, parent);
}

static bool has_config_of(const struct world *w, size_t number)
{
	return space_equal(w->spec->space, w->last.config,
			   w->sampler->history.rows[number].config);
}

/* --- who goes on ------------------------------------------------------------
 */

START_TEST(the_population_begins_with_one_trial_of_each_member)
{
	auto_world struct world w = world_new(LR, 4, 1);

	for (int m = 0; m < 4; m++) {
		ck_assert(ask(&w));
		assert_is(&w, 1, m, 0);
		ck_assert_int_eq(w.last.rationale.why, WHY_START);
		for (int i = 0; i < m; i++)
			ck_assert(!has_config_of(&w, (size_t)i));
	}
	ck_assert(!ask(&w));
	ck_assert(w.sampler->waits);
}
END_TEST

START_TEST(what_start_lists_are_the_first_members)
{
	auto_world struct world w = world_new(LR, 3, 1);
	struct cell config = { .active = true, .f = 0.5 };

	sampler_tell(w.sampler, 0, &config,
		     (struct observation){
			 .fate = FATE_RUNNING, .lineage = {1, 0, 0}
        });
	w.n = 1;
	ck_assert(ask(&w));
	assert_is(&w, 1, 1, 0);
	ck_assert(ask(&w));
	assert_is(&w, 1, 2, 0);
	ck_assert(!ask(&w));
}
END_TEST

START_TEST(a_trial_of_no_member_takes_no_part)
{
	auto_world struct world w = world_new(LR, 5, 1);
	struct cell config = { .active = true, .f = 0.5 };

	begin(&w);
	sampler_tell(w.sampler, w.n++, &config,
		     (struct observation){ .fate = FATE_DONE, .score = -1 });
	for (int m = 0; m < 5; m++) {
		ck_assert(ask(&w));
		assert_is(&w, 2, m, m < 4 ? m : 0);
	}
}
END_TEST

START_TEST(the_member_of_the_lowest_generation_goes_on_first)
{
	auto_world struct world w = world_new(LR, 3, 1);

	for (int m = 0; m < 3; m++)
		ck_assert(ask(&w));
	tell(&w, 1, 5);
	ck_assert(ask(&w));
	assert_is(&w, 2, 1, 1);
	ck_assert(!ask(&w));
	ck_assert(w.sampler->waits);
	tell(&w, 3, 5);
	tell(&w, 2, 6);
	tell(&w, 0, 4);
	ck_assert(ask(&w));
	assert_is(&w, 2, 0, 0);
	ck_assert(ask(&w));
	ck_assert_int_eq(lineage_of(&w)->member, 2);
	ck_assert(ask(&w));
	assert_is(&w, 3, 1, 3);
}
END_TEST

START_TEST(a_member_that_is_not_among_the_worst_goes_on_as_it_is)
{
	auto_world struct world w = world_new(LR, 10, 1);

	begin(&w);
	for (int m = 0; m < 8; m++) {
		ck_assert(ask(&w));
		assert_is(&w, 2, m, m);
		ck_assert(has_config_of(&w, (size_t)m));
		ck_assert_int_eq(w.last.rationale.why, WHY_NEXT);
		ck_assert_uint_eq(w.last.rationale.rank, (size_t)m + 1);
		ck_assert_uint_eq(w.last.rationale.ranked, 10);
	}
}
END_TEST

START_TEST(the_worst_fifth_goes_on_from_either_of_the_best_fifth)
{
	int from[2] = { 0 };

	for (int seed = 0; seed < 400; seed++) {
		auto_world struct world w = world_new(LR, 10, seed);

		begin(&w);
		for (int m = 0; m < 8; m++)
			ck_assert(ask(&w));
		for (int m = 8; m < 10; m++) {
			ck_assert(ask(&w));
			ck_assert_int_lt(lineage_of(&w)->parent, 2);
			assert_is(&w, 2, m, lineage_of(&w)->parent);
			ck_assert_int_eq(w.last.rationale.why, WHY_COPY);
			from[lineage_of(&w)->parent]++;
		}
	}
	ck_assert_int_gt(from[0], 340); /* of 800: 4 sd */
	ck_assert_int_gt(from[1], 340);
}
END_TEST

START_TEST(of_fewer_than_five_results_none_is_the_worst)
{
	auto_world struct world w = world_new(LR, 10, 1);

	for (int m = 0; m < 10; m++)
		ck_assert(ask(&w));
	for (int m = 0; m < 4; m++) {
		tell(&w, (size_t)m, m);
		ck_assert(ask(&w));
		assert_is(&w, 2, m, m);
	}
	tell(&w, 4, 4);
	ck_assert(ask(&w));
	assert_is(&w, 2, 4, 0);
}
END_TEST

START_TEST(a_small_population_has_a_worst_member_once_all_are_over)
{
	auto_world struct world w = world_new(LR, 2, 1);

	begin(&w);
	ck_assert(ask(&w));
	assert_is(&w, 2, 0, 0);
	ck_assert(ask(&w));
	assert_is(&w, 2, 1, 0);
	ck_assert_int_eq(w.last.rationale.why, WHY_COPY);
}
END_TEST

START_TEST(nobody_is_replaced_by_one_that_is_no_better)
{
	auto_world struct world w = world_new(LR, 5, 1);

	begin(&w);
	for (size_t m = 0; m < 5; m++)
		tell(&w, m, 1);
	for (int m = 0; m < 5; m++) {
		ck_assert(ask(&w));
		assert_is(&w, 2, m, m);
	}
}
END_TEST

START_TEST(a_goal_to_maximize_turns_the_order_round)
{
	struct search_spec *spec = spec_new(LR, 5, 1, ACCURACY);
	struct world w = { .spec = spec, .sampler = sampler_new(spec) };

	begin(&w); /* scores: the accuracies are 0, -1, ... */
	for (int m = 0; m < 5; m++)
		ck_assert(ask(&w));
	assert_is(&w, 2, 4, 0);
	ck_assert_double_eq(w.last.rationale.own_value, -4);
	world_free(&w);
}
END_TEST

/* --- without a result -------------------------------------------------------
 */

START_TEST(one_whose_first_generation_failed_begins_anew)
{
	auto_world struct world w = world_new(LR, 3, 1);

	begin(&w);
	tell_as(&w, 0, FATE_FAILED, (double)NAN);
	ck_assert(ask(&w));
	assert_is(&w, 1, 0, 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert(!has_config_of(&w, i));
}
END_TEST

START_TEST(one_that_fails_or_is_stopped_later_is_replaced)
{
	static const enum fate fates[] = { FATE_FAILED, FATE_PRUNED,
					   FATE_NONE };
	auto_world struct world w = world_new(LR, 3, 1);

	begin(&w);
	for (int m = 0; m < 3; m++)
		ck_assert(ask(&w)); /* 3 to 5 */
	tell(&w, 4, 7);
	tell(&w, 5, 8);
	tell_as(&w, 3, fates[_i], 1);
	ck_assert(ask(&w));
	assert_is(&w, 3, 0, 4);
	ck_assert_int_eq(w.last.rationale.why, WHY_COPY);
	ck_assert_uint_eq(w.last.rationale.own_rank, 0);
}
END_TEST

START_TEST(one_stopped_in_its_first_generation_is_replaced_if_one_has_a_result)
{
	auto_world struct world w = world_new(LR, 2, 1);

	ck_assert(ask(&w));
	ck_assert(ask(&w));
	tell_as(&w, 0, FATE_PRUNED, 1);
	ck_assert(ask(&w));
	assert_is(&w, 1, 0, 0);
	tell_as(&w, 2, FATE_PRUNED, 1);
	tell(&w, 1, 3);
	ck_assert(ask(&w));
	assert_is(&w, 2, 0, 1);
}
END_TEST

START_TEST(where_nobody_has_a_result_those_of_the_generation_before_count)
{
	auto_world struct world w = world_new(LR, 2, 1);

	begin(&w);
	ck_assert(ask(&w));
	ck_assert(ask(&w));
	tell_as(&w, 2, FATE_FAILED, (double)NAN);
	tell_as(&w, 3, FATE_FAILED, (double)NAN);
	for (int m = 0; m < 2; m++) {
		ck_assert(ask(&w));
		assert_is(&w, 2, m, 0);
	}
}
END_TEST

START_TEST(a_member_at_the_last_generation_is_done_with)
{
	auto_world struct world w = world_new(LR, 2, 1);

	begin(&w);
	/* 2, 4, 6, 8 and 9 epochs */
	for (int64_t generation = 2; generation <= 5; generation++) {
		ck_assert(ask(&w));
		ck_assert_int_eq(lineage_of(&w)->generation, generation);
		ck_assert(ask(&w));
		ck_assert_int_eq(lineage_of(&w)->generation, generation);
		ck_assert(!ask(&w));
		ck_assert_int_eq(w.sampler->waits, generation < 5);
		tell(&w, w.n - 2, 1);
		if (generation == 5)
			tell_as(&w, w.n - 1, FATE_FAILED, (double)NAN);
		else
			tell(&w, w.n - 1, 2);
	}
	ck_assert(!ask(&w));
	ck_assert(!w.sampler->waits);
}
END_TEST

/* --- perturbed --------------------------------------------------------------
 */

/* How often what was drawn when the worst of five goes on from the best. */
struct tally {
	int less, more, same, other;
};

static double number_of(const struct param *p, const struct cell *c)
{
	return p->type == PARAM_CHOICE ? (double)c->i : param_number(p, c);
}

/* The parent has the value @from of the only parameter. */
static void count(const char *parameters, struct cell from, double less,
		  double more, struct tally *ret)
{
	*ret = (struct tally){ 0 };
	for (int seed = 0; seed < 1000; seed++) {
		auto_world struct world w = world_new(parameters, 2, seed);
		const struct param *p = &w.spec->space->params[0];
		double v;

		sampler_tell(w.sampler, 0, &from,
			     (struct observation){
				 .fate = FATE_DONE, .lineage = {1, 0, 0}
                });
		w.n = 1;
		ck_assert(ask(&w));
		tell(&w, 1, 1);
		ck_assert(ask(&w));
		ck_assert(ask(&w));
		ck_assert_int_eq(w.last.rationale.why, WHY_COPY);
		v = number_of(p, w.last.config);
		if (fabs(v - less) <= 1e-9 * fabs(less))
			ret->less++;
		else if (fabs(v - more) <= 1e-9 * fabs(more))
			ret->more++;
		else if (v == number_of(p, &from))
			ret->same++;
		else
			ret->other++;
	}
}

static void assert_near(int n, int want)
{
	ck_assert_int_le(abs(n - want), 60); /* of 1000: 4 sd */
}

static const struct {
	const char *parameter;
	struct cell from;
	double less, more;
	int n_less, n_more, n_same, n_other;
} moves[] = {
	{LR,										  { .active = true, .f = 0.5 }, 0.4, 0.6,  375, 375, 0, 250},
 /* bounds are kept */
	{ LR,										 { .active = true, .f = 10 },  8,   10,   375, 375, 0, 250},
	{ "\"x\": {\"type\": \"float\", \"min\": -1, \"max\": 1}",
         { .active = true, .f = -0.5 },
         -0.4,
         -0.6,
         375,															       375,
         0,																	 250},
 /* 0 is left: by a hundredth of the range */
	{ "\"x\": {\"type\": \"float\", \"min\": -1, \"max\": 1}",
         { .active = true, .f = 0 },
         -0.02,
         0.02,															 375,
         375,																    0,
         250																	   },
 /* odds of 1 become 0.8 and 1.2 */
	{ "\"x\": {\"type\": \"float\", \"min\": 0.01, \"max\": 0.99, \"scale\": \"logit\"}",
         { .active = true, .f = 0.5 },
         0.8 / 1.8,
         1.2 / 2.2,
         375,															       375,
         0,																	 250},
 /* by one level at least */
	{ "\"n\": {\"type\": \"int\", \"min\": 1, \"max\": 100000, \"scale\": \"log\"}",
         { .active = true, .i = 2 },
         1,														      3,
         400,															       400,
         10,																	190},
	{ "\"n\": {\"type\": \"int\", \"min\": 100, \"max\": 100000, \"scale\": \"log\"}",
         { .active = true, .i = 1000 },
         800,														    1200,
         375,															       375,
         0,																	 250},
	{ "\"o\": {\"type\": \"choice\", \"values\": [1, 2, 4, 8, 16], \"ordered\": true}",
         { .active = true, .i = 2 },
         1,														      3,
         425,															       425,
         50,																	100},
	{ "\"o\": {\"type\": \"choice\", \"values\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}",
         { .active = true, .i = 2 },
         1,														      3,
         50,																50,
         800,																       100},
};

START_TEST(a_parameter_is_a_little_less_or_more_or_another)
{
	struct tally t;

	count(moves[_i].parameter, moves[_i].from, moves[_i].less,
	      moves[_i].more, &t);
	assert_near(t.less, moves[_i].n_less);
	assert_near(t.more, moves[_i].n_more);
	assert_near(t.same, moves[_i].n_same);
	assert_near(t.other, moves[_i].n_other);
}
END_TEST

START_TEST(what_becomes_active_is_drawn)
{
	static const char parameters[] =
	    "\"o\": {\"type\": \"choice\", \"values\": [\"a\", \"b\"]}, "
	    "\"m\": {\"type\": \"float\", \"min\": 0.1, \"max\": 1, \"when\": "
	    "{\"o\": \"b\"}}";
	const struct cell from[] = {
		{.active = true, .i = 0 },
                { 0            }
	};
	int active = 0;

	for (int seed = 0; seed < 200; seed++) {
		auto_world struct world w = world_new(parameters, 2, seed);

		sampler_tell(w.sampler, 0, from,
			     (struct observation){
				 .fate = FATE_DONE, .lineage = {1, 0, 0}
                });
		ck_assert(ask(&w));
		tell(&w, 1, 1);
		ck_assert(ask(&w));
		ck_assert(ask(&w));
		ck_assert_int_eq(w.last.config[1].active,
				 w.last.config[0].i == 1);
		if (!w.last.config[1].active)
			continue;
		active++;
		ck_assert_double_ge(w.last.config[1].f, 0.1);
		ck_assert_int_eq(w.last.rationale.changes[1], CHANGE_ANEW);
	}
	ck_assert_int_gt(active, 10);
}
END_TEST

/* --- the same again ---------------------------------------------------------
 */

static enum fate drawn_fate(unsigned *state)
{
	static const enum fate fates[] = {
		FATE_DONE,   FATE_DONE,   FATE_DONE,
		FATE_FAILED, FATE_PRUNED, FATE_NONE
	};

	return fates[(unsigned)rand_r(state) % 6];
}

/* Told of the trials of @w backwards. */
static struct sampler *told_backwards(const struct world *w)
{
	const struct history *h = &w->sampler->history;
	struct sampler *s = sampler_new(w->spec);

	for (size_t i = 0; i < h->n; i++) {
		struct observation o = h->rows[i].seen;

		o.fate = FATE_RUNNING;
		sampler_tell(s, i, h->rows[i].config, o);
	}
	for (size_t i = h->n; i-- > 0;)
		sampler_tell(s, i, NULL, h->rows[i].seen);
	return s;
}

static void assert_same_again(struct world *w)
{
	struct sampler *again = told_backwards(w);
	uint64_t cursor = w->cursor;
	struct proposal p = { 0 };
	size_t n = sampler_propose(again, &cursor, 1, &p);

	ck_assert_uint_eq(n, ask(w));
	ck_assert_int_eq(again->waits, w->sampler->waits);
	if (n == 1) {
		auto_free char *a = rationale_data(w->spec, &p.rationale);
		auto_free char *b = rationale_data(w->spec, &w->last.rationale);

		ck_assert_str_eq(a, b);
		ck_assert(
		    space_equal(w->spec->space, p.config, w->last.config));
	}
	proposal_fini(&p);
	sampler_free(again);
}

START_TEST(K7_a_restarted_sampler_proposes_the_same_whatever_has_happened)
{
	auto_world struct world w =
	    world_new(LR ", \"n\": {\"type\": \"int\", \"min\": 1, \"max\": 9}",
		      2 + _i % 7, _i);
	unsigned state = (unsigned)_i;

	for (int step = 0; step < 120; step++) {
		size_t number;

		assert_same_again(&w);
		number = (size_t)rand_r(&state) % w.n;
		/* Now and then one that is over is run again, and again. */
		if (w.sampler->history.rows[number].seen.fate != FATE_RUNNING &&
		    rand_r(&state) % 10 > 0)
			continue;
		tell_as(&w, number, drawn_fate(&state),
			(double)(rand_r(&state) % 8));
	}
	for (size_t i = 0; i < w.n; i++) {
		const struct lineage *l =
		    &w.sampler->history.rows[i].seen.lineage;

		ck_assert_int_lt(l->member, w.spec->population);
		ck_assert_int_le(l->generation, 5);
		if (!lineage_has_parent(l))
			continue;
		ck_assert_int_lt(l->parent, (int64_t)i);
		ck_assert_int_eq(
		    w.sampler->history.rows[l->parent].seen.lineage.generation +
			1,
		    l->generation);
	}
}
END_TEST

/* --- in words ---------------------------------------------------------------
 */

START_TEST(each_trial_says_where_it_comes_from)
{
	auto_world struct world w = world_new(LR, 5, 3);
	char *text, *data;

	ck_assert(ask(&w));
	text = rationale_text(w.spec, &w.last.rationale);
	ck_assert_str_eq(text, "generation 1 of member 0; begins with a "
			       "configuration of the start-up design");
	free(text);
	for (int m = 1; m < 5; m++)
		ck_assert(ask(&w));
	for (size_t m = 0; m < 5; m++)
		tell(&w, m, 0.125 * (double)(m + 1));
	ck_assert(ask(&w));
	ck_assert(ask(&w));
	text = rationale_text(w.spec, &w.last.rationale);
	ck_assert_str_eq(text, "generation 2 of member 1; goes on from trial 1 "
			       "(loss 0.25, 2nd best of 5)");
	free(text);
	for (int m = 2; m < 5; m++)
		ck_assert(ask(&w));
	ck_assert_int_eq(w.last.rationale.why, WHY_COPY);
	w.last.rationale.changes[0] = CHANGE_MORE;
	text = rationale_text(w.spec, &w.last.rationale);
	ck_assert_str_eq(
	    text, "generation 2 of member 4; copied from trial 0 (loss "
		  "0.125, best of 5), as its own, 0.625, was worst: lr x "
		  "1.2");
	data = rationale_data(w.spec, &w.last.rationale);
	ck_assert_str_eq(
	    data, "{\"why\":\"copy\",\"observations\":5,\"pending\":4,"
		  "\"best\":0.125,\"generation\":2,\"member\":4,\"parent\":0,"
		  "\"value\":0.125,\"rank\":1,\"ranked\":5,\"own_value\":0.625,"
		  "\"own_rank\":5,\"changes\":{\"lr\":\"x 1.2\"}}");
	free(text);
	free(data);
}
END_TEST

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("pbt");
	TCase *tc = tcase_create("pbt");

	tcase_add_test(tc, the_population_begins_with_one_trial_of_each_member);
	tcase_add_test(tc, what_start_lists_are_the_first_members);
	tcase_add_test(tc, a_trial_of_no_member_takes_no_part);
	tcase_add_test(tc, the_member_of_the_lowest_generation_goes_on_first);
	tcase_add_test(tc,
		       a_member_that_is_not_among_the_worst_goes_on_as_it_is);
	tcase_add_test(tc,
		       the_worst_fifth_goes_on_from_either_of_the_best_fifth);
	tcase_add_test(tc, of_fewer_than_five_results_none_is_the_worst);
	tcase_add_test(tc,
		       a_small_population_has_a_worst_member_once_all_are_over);
	tcase_add_test(tc, nobody_is_replaced_by_one_that_is_no_better);
	tcase_add_test(tc, a_goal_to_maximize_turns_the_order_round);
	tcase_add_test(tc, one_whose_first_generation_failed_begins_anew);
	tcase_add_loop_test(tc, one_that_fails_or_is_stopped_later_is_replaced,
			    0, 3);
	tcase_add_test(
	    tc,
	    one_stopped_in_its_first_generation_is_replaced_if_one_has_a_result);
	tcase_add_test(
	    tc, where_nobody_has_a_result_those_of_the_generation_before_count);
	tcase_add_test(tc, a_member_at_the_last_generation_is_done_with);
	tcase_add_loop_test(tc, a_parameter_is_a_little_less_or_more_or_another,
			    0, N(moves));
	tcase_add_test(tc, what_becomes_active_is_drawn);
	tcase_add_loop_test(
	    tc, K7_a_restarted_sampler_proposes_the_same_whatever_has_happened,
	    0, 40);
	tcase_add_test(tc, each_trial_says_where_it_comes_from);
	suite_add_tcase(s, tc);
	return s;
}
