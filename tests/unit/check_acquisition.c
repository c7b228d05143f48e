#include "check_main.h"
#include "num/rng.h"
#include "search/maximize.h"
#include "search/trust.h"
#include "spec_of.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

#define D      4 /* axes of the models without a space; the last two: choices */
#define ROWS   25
#define FAILED 8
#define POINTS 200

/* --- models ----------------------------------------------------------------
 */

/* What an acquisition can be made of. */
enum {
	WITH_RUNNING = 1,
	WITH_FAILED = 2,
	WITH_GUESS = 4,
	WITH_DURATION = 8,
	KINDS = 16,
};

static const bool choices[D] = { false, false, true, true };

struct model {
	struct gp *value, *feasible, *duration;
	struct acquisition a;
	double guess[D];
};

/* Point @k of random stream @who. */
static void draw(uint64_t who, uint64_t k, double *ret_x)
{
	for (uint32_t i = 0; i < D; i++) {
		ret_x[i] = rng_unit(who, i, k);
		if (choices[i])
			ret_x[i] = floor(3 * ret_x[i]);
	}
}

static double smooth(const double *x)
{
	return sin(5 * x[0]) + 3 * (x[1] - 0.4) * (x[1] - 0.4) +
	       (x[2] != 1 ? 0.5 : 0) + 0.2 * x[3] - 1;
}

static void add_rows(struct gp *g, size_t n, uint64_t who,
		     double (*f)(const double *x))
{
	for (size_t k = 0; k < n; k++) {
		double x[D];

		draw(who, k, x);
		gp_add(g, x, f(x), 1 + (double)(k % 3));
	}
}

static double succeeded(const double *x)
{
	return 1;
}

static double longer(const double *x)
{
	return 2 * x[1] - 1 + x[3] / 3;
}

static double failed(const double *x)
{
	return -1;
}

static void set_hyper(struct gp *g)
{
	static const double hyper[D + 2] = { -0.9, -0.5, 0.2, 0.6, 0.1, -6 };

	gp_set_hyper(g, hyper);
	ck_assert_int_eq(gp_solve(g), 0);
}

/* With @running trials of its own, at x[0] in [0.7, 0.9]. */
static void model_init(struct model *m, int kind, size_t running)
{
	*m = (struct model){ .value = gp_new(D, choices) };
	add_rows(m->value, ROWS, 1, smooth);
	set_hyper(m->value);
	if ((kind & WITH_FAILED) != 0) {
		m->feasible = gp_new(D, choices);
		m->feasible->noise_floor = 1e-4;
		add_rows(m->feasible, ROWS, 1, succeeded);
		add_rows(m->feasible, FAILED, 2, failed);
		set_hyper(m->feasible);
	}
	if ((kind & WITH_DURATION) != 0) {
		m->duration = gp_new(D, choices);
		m->duration->noise_floor = 1e-4;
		add_rows(m->duration, ROWS + FAILED, 5, longer);
		set_hyper(m->duration);
	}
	for (size_t k = 0; k < running; k++) {
		double x[D];

		draw(3, k, x);
		x[0] = 0.7 + 0.2 * x[0];
		gp_add(m->value, x, 0, 1);
	}
	m->a = (struct acquisition){ .value = m->value,
				     .feasible = m->feasible,
				     .duration = m->duration,
				     .per_unit = 0.8 };
	ck_assert_int_eq(acquisition_init(&m->a, running, 11), 0);
	if ((kind & WITH_GUESS) != 0) {
		memcpy(m->guess,
		       (double[D]){ 0.3, (double)NAN, 2, (double)NAN },
		       sizeof(m->guess));
		m->a.guess = m->guess;
		m->a.guess_weight = 0.7;
	}
}

static struct model *model_new(int kind)
{
	struct model *m = xcalloc(1, sizeof(*m));

	model_init(m, kind, (kind & WITH_RUNNING) != 0 ? 5 : 0);
	return m;
}

static void model_free(struct model *m)
{
	acquisition_fini(&m->a);
	gp_free(m->value);
	gp_free(m->feasible);
	gp_free(m->duration);
	free(m);
}

/* --- the acquisition -------------------------------------------------------
 */

START_TEST(the_gradient_is_that_of_central_differences)
{
	struct model *m = model_new(_i);

	for (uint64_t k = 0; k < POINTS; k++) {
		double x[D], gradient[D], ignored[D];
		double value;

		draw(4, k, x);
		value = acquisition_at(&m->a, x, gradient);
		ck_assert(isfinite(value));
		ck_assert(value == acquisition_at(&m->a, x, NULL));
		for (size_t i = 0; i < D; i++) {
			double at = x[i], h = 1e-5, slope;

			if (choices[i]) {
				ck_assert(gradient[i] == 0);
				continue;
			}
			x[i] = at + h;
			slope = acquisition_at(&m->a, x, NULL);
			x[i] = at - h;
			slope -= acquisition_at(&m->a, x, ignored);
			x[i] = at;
			ck_assert_double_eq_tol(gradient[i], slope / (2 * h),
						1e-4 * (1 + fabs(gradient[i])));
		}
	}
	model_free(m);
}
END_TEST

START_TEST(what_takes_longer_is_worth_as_much_less)
{
	struct model *any = model_new(0), *m = model_new(WITH_DURATION);

	for (uint64_t k = 0; k < POINTS; k++) {
		struct acquisition_view view;
		double x[D];

		draw(4, k, x);
		acquisition_look(&m->a, x, &view);
		ck_assert_double_eq_tol(view.duration, longer(x), 0.5);
		ck_assert_double_eq_tol(acquisition_at(&m->a, x, NULL),
					acquisition_at(&any->a, x, NULL) -
					    0.8 * view.duration,
					1e-9);
		acquisition_look(&any->a, x, &view);
		ck_assert(isnan(view.duration));
	}
	model_free(any);
	model_free(m);
}
END_TEST

START_TEST(many_points_at_once_are_worth_what_each_is_worth_alone)
{
	struct model *m = model_new(_i);
	auto_free double *columns =
	    xcalloc(D * (size_t)POINTS, sizeof(*columns));
	double many[POINTS];

	for (size_t k = 0; k < POINTS; k++) {
		double x[D];

		draw(4, k, x);
		for (size_t i = 0; i < D; i++)
			columns[i * POINTS + k] = x[i];
	}
	acquisition_many(&m->a, POINTS, columns, POINTS, many);
	for (size_t k = 0; k < POINTS; k++) {
		double x[D], one;

		draw(4, k, x);
		one = acquisition_at(&m->a, x, NULL);
		ck_assert_double_eq_tol(many[k], one, 1e-8 * (1 + fabs(one)));
	}
	model_free(m);
}
END_TEST

START_TEST(where_a_trial_is_running_less_is_expected_of_another)
{
	struct model *before = model_new(0), *after = model_new(WITH_RUNNING);

	for (size_t k = 0; k < 5; k++) {
		double x[D];

		for (size_t i = 0; i < D; i++)
			x[i] =
			    after->value->x[i * after->value->cap + ROWS + k];
		ck_assert_double_lt(acquisition_at(&after->a, x, NULL),
				    acquisition_at(&before->a, x, NULL) - 0.5);
	}
	model_free(before);
	model_free(after);
}
END_TEST

/* The value of the last choice at the row with the least result. */
static double best_choice(const struct gp *g)
{
	size_t best = 0;

	for (size_t k = 1; k < g->n; k++)
		best = g->y[k] < g->y[best] ? k : best;
	return g->x[(D - 1) * g->cap + best];
}

START_TEST(in_a_branch_the_best_result_there_is_to_be_improved)
{
	struct model *all = model_new(0);
	double good = best_choice(all->value);
	const double x[D] = { 0.1, 0.9, 1, 2 };

	for (int c = 0; c < 3; c++) {
		const struct branch branch = { .axis = D - 1, .choice = c };
		struct acquisition in = { .value = all->value,
					  .branch = &branch };
		double more;

		ck_assert_int_eq(acquisition_init(&in, 0, 11), 0);
		more = acquisition_at(&in, x, NULL) -
		       acquisition_at(&all->a, x, NULL);
		if (c == good)
			ck_assert_double_eq(more, 0);
		else
			ck_assert_double_gt(more, 0.1);
		acquisition_fini(&in);
	}
	model_free(all);
}
END_TEST

START_TEST(in_a_branch_without_results_the_best_of_all_is_to_be_improved)
{
	static const struct branch none = { .axis = 3, .choice = 7 };
	struct model *all = model_new(0);
	struct acquisition in = { .value = all->value, .branch = &none };
	const double x[D] = { 0.1, 0.9, 1, 7 };

	ck_assert_int_eq(acquisition_init(&in, 0, 11), 0);
	ck_assert_double_eq(acquisition_at(&in, x, NULL),
			    acquisition_at(&all->a, x, NULL));
	acquisition_fini(&in);
	model_free(all);
}
END_TEST

START_TEST(less_is_expected_where_trials_have_failed)
{
	struct model *m = model_new(WITH_FAILED);
	struct model *without = model_new(0);
	double near_failed = 0, near_good = 0;

	for (size_t k = 0; k < FAILED; k++) {
		struct acquisition_view view;
		double x[D];

		draw(2, k, x);
		ck_assert_double_lt(acquisition_at(&m->a, x, NULL),
				    acquisition_at(&without->a, x, NULL));
		acquisition_look(&m->a, x, &view);
		near_failed += view.feasible / FAILED;
		draw(1, k, x);
		acquisition_look(&m->a, x, &view);
		near_good += view.feasible / FAILED;
	}
	ck_assert_double_lt(near_failed, 0.4);
	ck_assert_double_gt(near_good, 0.6);
	model_free(m);
	model_free(without);
}
END_TEST

START_TEST(a_guess_raises_what_is_near_over_what_is_far)
{
	struct model *m = model_new(WITH_GUESS), *without = model_new(0);

	for (uint64_t k = 0; k < 20; k++) {
		double x[D], near, far;

		draw(4, k, x);
		x[0] = 0.3;
		x[2] = 2;
		near = acquisition_at(&m->a, x, NULL) -
		       acquisition_at(&without->a, x, NULL);
		ck_assert_double_eq_tol(near, 0, 1e-9);
		x[0] = 0.8;
		far = acquisition_at(&m->a, x, NULL) -
		      acquisition_at(&without->a, x, NULL);
		ck_assert_double_lt(far, near - 1);
		x[0] = 0.3;
		x[2] = 1;
		far = acquisition_at(&m->a, x, NULL) -
		      acquisition_at(&without->a, x, NULL);
		ck_assert_double_lt(far, near - 0.5);
	}
	model_free(m);
	model_free(without);
}
END_TEST

START_TEST(what_it_is_made_of_is_the_model_s_posterior)
{
	struct model *m = model_new(0);

	for (uint64_t k = 0; k < 20; k++) {
		struct acquisition_view view;
		double x[D], mean, sd;

		draw(4, k, x);
		acquisition_look(&m->a, x, &view);
		gp_predict(m->value, 1, x, 1, 1, m->value->alpha, &mean, &sd);
		ck_assert_double_eq_tol(view.mean, mean, 1e-8);
		ck_assert_double_eq_tol(view.sd, sd, 1e-8);
		ck_assert(view.feasible == 1);
		ck_assert(view.exploration > 0 && view.exploration <= 1);
	}
	model_free(m);
}
END_TEST

/* Its matrix is singular: nothing tells the rows apart. */
START_TEST(measurements_without_noise_that_repeat_one_another_make_a_model)
{
	struct gp *g = gp_new(D, choices);
	double hyper[D + 2] = { -0.9, -0.5, 0.2, 0.6, 0.1, -1000 };
	struct acquisition_view view;
	struct acquisition a;
	double x[D];

	g->noise_floor = 0;
	gp_set_hyper(g, hyper);
	for (int k = 0; k < 4; k++)
		add_rows(g, ROWS, 1, smooth);
	ck_assert_int_eq(gp_solve(g), 0);
	draw(1, 0, x);
	gp_add(g, x, 0, 1); /* a running trial, too */
	a = (struct acquisition){ .value = g };
	ck_assert_int_eq(acquisition_init(&a, 1, 11), 0);
	for (uint64_t k = 0; k < ROWS; k++) {
		draw(1, k, x);
		acquisition_look(&a, x, &view);
		ck_assert_double_eq_tol(view.mean, smooth(x), 1e-3);
		ck_assert_double_lt(view.sd, 1e-2);
	}
	acquisition_fini(&a);
	gp_free(g);
}
END_TEST

/* --- where it is largest ---------------------------------------------------
 */

/* A space, and a model of some function on its points. */
struct world {
	struct search_spec *spec;
	struct encoding e;
	bool is_choice[LIMIT_PARAMS];
	double lower[LIMIT_PARAMS], upper[LIMIT_PARAMS];
	struct gp *g;
	struct acquisition a;
};

static void snap(const struct world *w, double *x)
{
	struct cell scratch[LIMIT_PARAMS];

	encoding_snap(&w->e, x, scratch);
}

static void draw_point(const struct world *w, uint64_t k, double *ret_x)
{
	for (size_t i = 0; i < w->e.n; i++) {
		const struct axis *a = &w->e.axes[i];

		ret_x[i] = rng_unit(21, (uint32_t)i, k);
		if (a->type == AXIS_CHOICE)
			ret_x[i] = floor(ret_x[i] * (double)a->levels);
	}
	snap(w, ret_x);
}

static void world_init(struct world *w, const char *parameters, size_t rows)
{
	*w = (struct world){ .spec = spec_of(parameters, "\"type\": \"gp\"") };
	encoding_init(&w->e, w->spec->space);
	for (size_t i = 0; i < w->e.n; i++) {
		w->is_choice[i] = w->e.axes[i].type == AXIS_CHOICE;
		w->upper[i] =
		    w->is_choice[i] ? (double)(w->e.axes[i].levels - 1) : 1;
	}
	w->g = gp_new(w->e.n, w->is_choice);
	for (size_t k = 0; k < rows; k++) {
		double x[LIMIT_PARAMS], y = -1;

		draw_point(w, k, x);
		for (size_t i = 0; i < w->e.n; i++)
			y += w->is_choice[i] ? 0.5 * fabs(x[i] - 1)
					     : sin(6 * x[i] + (double)i);
		gp_add(w->g, x, y, 1);
	}
	ck_assert_int_eq(gp_solve(w->g), 0);
	w->a = (struct acquisition){ .value = w->g };
	ck_assert_int_eq(acquisition_init(&w->a, 0, 1), 0);
}

static void world_free(struct world *w)
{
	acquisition_fini(&w->a);
	gp_free(w->g);
	encoding_fini(&w->e);
	search_free(w->spec);
}

static void find(const struct world *w, struct maxima *ret)
{
	const struct maximize m = {
		.encoding = &w->e,
		.acquisition = (struct acquisition *)&w->a,
		.lower = w->lower,
		.upper = w->upper,
		.seed = 3,
		.scattered = 256,
		.starts = 5,
	};

	maximize(&m, ret);
}

/* The largest at the points of a grid of @steps on each real axis. */
static double largest_on_grid(struct world *w, size_t steps)
{
	double x[LIMIT_PARAMS], largest = -(double)INFINITY;
	size_t points = 1, levels[LIMIT_PARAMS];

	for (size_t i = 0; i < w->e.n; i++) {
		const struct axis *a = &w->e.axes[i];

		levels[i] = a->type == AXIS_REAL ? steps : a->levels;
		points *= levels[i];
	}
	for (size_t k = 0; k < points; k++) {
		size_t rest = k;

		for (size_t i = 0; i < w->e.n; i++) {
			const struct axis *a = &w->e.axes[i];
			size_t level = rest % levels[i];

			rest /= levels[i];
			if (a->type == AXIS_REAL)
				x[i] = (double)level / (double)(steps - 1);
			else if (a->type == AXIS_GRID)
				x[i] = axis_place(&w->e, a, level);
			else
				x[i] = (double)level;
		}
		snap(w, x);
		largest = fmax(largest, acquisition_at(&w->a, x, NULL));
	}
	return largest;
}

#define PLANE                                                                  \
	"\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"y\": {\"type\": \"float\", \"min\": 1, \"max\": 100, "              \
	"\"scale\": \"log\"}"

#define MIXED                                                                  \
	"\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"k\": {\"type\": \"int\", \"min\": 1, \"max\": 40},"                 \
	"\"c\": {\"type\": \"choice\", \"values\": [1, 2, 3]}"

/* The float x has others that are active or not by its value. */
#define CONDITIONAL                                                            \
	"\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"c\": {\"type\": \"choice\", \"values\": [1, 2]},"                   \
	"\"y\": {\"type\": \"float\", \"min\": 0, \"max\": 1, "                \
	"\"when\": {\"c\": 2}},"                                               \
	"\"k\": {\"type\": \"int\", \"min\": 1, \"max\": 6, "                  \
	"\"when\": {\"x\": {\"min\": 0.5}}}"

static const char *const spaces[] = { PLANE, MIXED, CONDITIONAL };

START_TEST(no_point_of_a_dense_grid_is_worth_more_than_the_best_found)
{
	struct world w;
	struct maxima found;
	double largest;

	world_init(&w, spaces[_i], 20);
	find(&w, &found);
	largest = largest_on_grid(&w, 61);
	ck_assert_uint_gt(found.n, 0);
	ck_assert_double_ge(found.value[0], largest - 0.01);
	maxima_fini(&found);
	world_free(&w);
}
END_TEST

START_TEST(all_that_is_found_are_configurations_with_their_worth_in_order)
{
	struct world w;
	struct maxima found;

	world_init(&w, spaces[_i], 20);
	find(&w, &found);
	for (size_t k = 0; k < found.n; k++) {
		double x[LIMIT_PARAMS], value;

		memcpy(x, found.x + k * found.d, found.d * sizeof(*x));
		value = acquisition_at(&w.a, x, NULL);
		ck_assert_double_eq_tol(found.value[k], value,
					1e-7 * (1 + fabs(value)));
		snap(&w, x);
		ck_assert_mem_eq(x, found.x + k * found.d,
				 found.d * sizeof(*x));
		ck_assert(k == 0 || found.value[k] <= found.value[k - 1]);
	}
	maxima_fini(&found);
	world_free(&w);
}
END_TEST

START_TEST(what_is_found_lies_in_the_box)
{
	struct world w;
	struct maxima found;

	world_init(&w, spaces[_i], 20);
	w.lower[0] = 0.55;
	w.upper[0] = 0.7;
	find(&w, &found);
	ck_assert_uint_gt(found.n, 0);
	for (size_t k = 0; k < found.n; k++) {
		double x = found.x[k * found.d];

		ck_assert_msg(x >= 0.55 && x <= 0.7, "%g", x);
	}
	maxima_fini(&found);
	world_free(&w);
}
END_TEST

/* MIXED and CONDITIONAL have one choice; its last value is allowed. */
START_TEST(of_choices_those_in_the_box_are_found)
{
	struct world w;
	struct maxima found;
	size_t c = 0;

	world_init(&w, spaces[_i], 20);
	while (!w.is_choice[c])
		c++;
	w.lower[c] = w.upper[c];
	find(&w, &found);
	ck_assert_uint_gt(found.n, 256);
	for (size_t k = 0; k < found.n; k++)
		ck_assert_double_eq(found.x[k * found.d + c], w.upper[c]);
	maxima_fini(&found);
	world_free(&w);
}
END_TEST

#define OPTIMIZERS                                                             \
	"\"o\": {\"type\": \"choice\", \"values\": [1, 2, 3]},"                \
	"\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1},"                \
	"\"c\": {\"type\": \"choice\", \"values\": [1, 2], "                   \
	"\"when\": {\"o\": 3}}"

/* The other values that turns lead to, from @x: [turn % 3]. */
static void beside(const double *x, struct branch ret[3])
{
	struct world w;

	world_init(&w, OPTIMIZERS, 1);
	for (uint64_t turn = 0; turn < 30; turn++) {
		struct branch branch;

		ck_assert(branch_beside(&w.e, x, turn, &branch));
		if (turn >= 3)
			ck_assert_mem_eq(&ret[turn % 3], &branch,
					 sizeof(branch));
		ret[turn % 3] = branch;
	}
	world_free(&w);
}

START_TEST(every_other_value_of_its_choices_has_its_turn)
{
	const double x[] = { 2, 0.5, 0 };
	struct branch at[3];

	beside(x, at);
	ck_assert(at[0].axis == 0 && at[0].choice == 0);
	ck_assert(at[1].axis == 0 && at[1].choice == 1);
	ck_assert(at[2].axis == 2 && at[2].choice == 1);
}
END_TEST

START_TEST(an_inactive_choice_has_no_other_value)
{
	const double x[] = { 1, 0.5, -1 };
	struct branch branch;
	struct world w;

	world_init(&w, OPTIMIZERS, 1);
	for (uint64_t turn = 0; turn < 10; turn++) {
		ck_assert(branch_beside(&w.e, x, turn, &branch));
		ck_assert_uint_eq(branch.axis, 0);
		ck_assert_double_eq(branch.choice, turn % 2 == 0 ? 0 : 2);
	}
	world_free(&w);
}
END_TEST

START_TEST(a_space_without_choices_has_no_branches)
{
	const double x[] = { 0.5, 0.5 };
	struct branch branch;
	struct world w;

	world_init(&w, PLANE, 1);
	ck_assert(!branch_beside(&w.e, x, 5, &branch));
	world_free(&w);
}
END_TEST

START_TEST(a_branch_is_searched_about_its_own_best_result)
{
	static const struct branch third = { .axis = 0, .choice = 2 };
	double x[3][3] = {
		{1,  0.1, -1},
                { 2, 0.9, 0 },
                { 2, 0.2, 1 }
	};
	double score[] = { 1, 3, 2 }, lower[3], upper[3];
	struct evidence v = { .d = 3, .score = score, .best = 0 };
	struct world w;

	v.results.n = 3;
	v.results.x = x[0];
	world_init(&w, OPTIMIZERS, 1);
	trust_box(w.g, &v, &third, lower, upper);
	ck_assert_double_eq(lower[1], 0);
	ck_assert_double_gt(upper[1], 0.3);
	ck_assert_double_lt(upper[1], 0.9);
	trust_box(w.g, &v, NULL, lower, upper);
	ck_assert_double_eq(lower[1], 0);
	ck_assert_double_eq(upper[1], 1);
	world_free(&w);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("acquisition");
	TCase *worth = tcase_create("worth"), *where = tcase_create("where");

	tcase_set_timeout(worth, 60); /* busy machines, sanitizers */
	tcase_set_timeout(where, 60);
	tcase_add_loop_test(worth, the_gradient_is_that_of_central_differences,
			    0, KINDS);
	tcase_add_loop_test(
	    worth, many_points_at_once_are_worth_what_each_is_worth_alone, 0,
	    KINDS);
	tcase_add_test(worth, what_takes_longer_is_worth_as_much_less);
	tcase_add_test(worth,
		       where_a_trial_is_running_less_is_expected_of_another);
	tcase_add_test(worth, less_is_expected_where_trials_have_failed);
	tcase_add_test(worth,
		       in_a_branch_the_best_result_there_is_to_be_improved);
	tcase_add_test(
	    worth,
	    in_a_branch_without_results_the_best_of_all_is_to_be_improved);
	tcase_add_test(worth, a_guess_raises_what_is_near_over_what_is_far);
	tcase_add_test(worth, what_it_is_made_of_is_the_model_s_posterior);
	tcase_add_test(
	    worth,
	    measurements_without_noise_that_repeat_one_another_make_a_model);
	tcase_add_loop_test(
	    where, no_point_of_a_dense_grid_is_worth_more_than_the_best_found,
	    0, N(spaces));
	tcase_add_loop_test(
	    where,
	    all_that_is_found_are_configurations_with_their_worth_in_order, 0,
	    N(spaces));
	tcase_add_loop_test(where, what_is_found_lies_in_the_box, 0, N(spaces));
	tcase_add_loop_test(where, of_choices_those_in_the_box_are_found, 1,
			    N(spaces));
	tcase_add_test(where, every_other_value_of_its_choices_has_its_turn);
	tcase_add_test(where, an_inactive_choice_has_no_other_value);
	tcase_add_test(where, a_branch_is_searched_about_its_own_best_result);
	tcase_add_test(where, a_space_without_choices_has_no_branches);
	suite_add_tcase(s, worth);
	suite_add_tcase(s, where);
	return s;
}
