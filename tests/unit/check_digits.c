#include "check_main.h"
#include "data.h"
#include "net.h"
#include "optim.h"

#include <math.h>

/* The modules of digits-train, compiled for double (see meson.build). */

#define ROWS 7

struct example {
	struct net net;
	real x[ROWS * 6];
	unsigned char label[ROWS];
	double l1, l2, dropout;
};

static void example_init(struct example *e, enum activation activation)
{
	static const size_t widths[] = { 6, 5, 4, 3 };
	struct rng rng = rng_init(7, RNG_WEIGHTS);

	*e = (struct example){ 0 };
	net_init(&e->net, widths, 3, activation, ROWS);
	net_randomise(&e->net, INIT_XAVIER, 1, &rng);
	for (size_t i = 0; i < ROWS * 6; i++)
		e->x[i] = rng_normal(&rng);
	for (size_t i = 0; i < ROWS; i++)
		e->label[i] = (unsigned char)rng_below(&rng, 3);
}

/* The function of the parameters whose gradient net_backward() promises. */
static double example_loss(struct example *e)
{
	struct rng rng = rng_init(7, RNG_DROPOUT);
	double penalty = 0;

	net_forward(&e->net, e->x, ROWS, e->dropout, &rng);
	for (size_t i = 0; i < e->net.n_layers; i++) {
		const struct net_layer *l = &e->net.layer[i];

		for (size_t k = l->weights; k < l->biases; k++) {
			double w = e->net.param[k];

			penalty += e->l1 * fabs(w) + e->l2 / 2 * w * w;
		}
	}
	return net_score(&e->net, e->label, ROWS).loss / ROWS + penalty;
}

static void check_gradient(struct example *e)
{
	const double h = 1e-5;

	(void)example_loss(e);
	net_backward(&e->net, e->x, e->label, ROWS, e->l1, e->l2);
	for (size_t i = 0; i < e->net.n; i++) {
		double kept = e->net.param[i], up, down;

		e->net.param[i] = kept + h;
		up = example_loss(e);
		e->net.param[i] = kept - h;
		down = example_loss(e);
		e->net.param[i] = kept;
		ck_assert_double_eq_tol(e->net.grad[i], (up - down) / (2 * h),
					1e-8);
	}
}

START_TEST(the_gradient_of_each_activation_is_that_of_finite_differences)
{
	struct example e;

	example_init(&e, (enum activation)_i);
	check_gradient(&e);
	net_fini(&e.net);
}
END_TEST

START_TEST(the_gradient_has_both_penalties)
{
	struct example e;

	example_init(&e, ACTIVATION_TANH);
	e.l1 = 0.3;
	e.l2 = 0.7;
	check_gradient(&e);
	net_fini(&e.net);
}
END_TEST

START_TEST(the_gradient_passes_through_the_units_that_are_not_dropped)
{
	struct example e;

	example_init(&e, ACTIVATION_SIGMOID);
	e.dropout = 0.5;
	check_gradient(&e);
	net_fini(&e.net);
}
END_TEST

START_TEST(a_loss_of_huge_outputs_does_not_overflow)
{
	struct example e;
	struct net_score score;

	example_init(&e, ACTIVATION_RELU);
	for (size_t i = 0; i < e.net.n; i++)
		e.net.param[i] *= 1e100;
	(void)example_loss(&e);
	score = net_score(&e.net, e.label, ROWS);
	ck_assert(isfinite(score.loss));
	net_fini(&e.net);
}
END_TEST

START_TEST(a_nan_is_a_nan_loss_and_no_right_answer)
{
	struct example e;
	struct net_score score;

	example_init(&e, (enum activation)_i);
	e.net.param[0] = (real)NAN;
	(void)example_loss(&e);
	score = net_score(&e.net, e.label, ROWS);
	ck_assert(isnan(score.loss));
	ck_assert_uint_eq(score.correct, 0);
	net_fini(&e.net);
}
END_TEST

/* Two steps down a slope of 1 with lr 0.1, computed by hand. */
static const struct {
	enum optimizer optimizer;
	double after;
} two_steps[] = {
	{OPTIMIZER_SGD,       -0.1 - 0.1                },
	{ OPTIMIZER_MOMENTUM, -0.1 - 0.19               },
	{ OPTIMIZER_NESTEROV, -0.19 - 0.271             },
	{ OPTIMIZER_ADAGRAD,  -0.1 - 0.0707107          },
	{ OPTIMIZER_ADADELTA, -0.000316226 - 0.000324443},
	{ OPTIMIZER_RMSPROP,  -0.316228 - 0.229416      },
	{ OPTIMIZER_ADAM,     -0.1 - 0.1                },
};

START_TEST(each_optimizer_moves_as_its_formula_says)
{
	struct optim o = { .optimizer = two_steps[_i].optimizer,
			   .momentum = 0.9,
			   .beta2 = 0.999,
			   .rho = 0.9 };
	real grad = 1, param = 0;

	optim_init(&o, 1);
	optim_step(&o, 0.1, &grad, &param);
	optim_step(&o, 0.1, &grad, &param);
	ck_assert_double_eq_tol(param, two_steps[_i].after, 1e-6);
	optim_fini(&o);
}
END_TEST

START_TEST(schedules_begin_and_end_as_they_say)
{
	ck_assert_double_eq(schedule_rate(SCHEDULE_CONSTANT, 2, 0.9), 2);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_STEP, 2, 0.5), 2, 1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_STEP, 2, 0.6), 0.2,
				1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_STEP, 2, 1), 0.02, 1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_COSINE, 2, 0.5), 1,
				1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_COSINE, 2, 1), 0, 1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_EXPONENTIAL, 2, 1), 0.02,
				1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_WARMUP, 2, 0.05), 1,
				1e-9);
	ck_assert_double_eq_tol(schedule_rate(SCHEDULE_WARMUP, 2, 0.5), 2,
				1e-9);
}
END_TEST

static const size_t fold_counts[] = { 2, 3, 5, 10, 97, 100 };

START_TEST(each_row_validates_in_one_fold_and_trains_in_the_others)
{
	const size_t n = 100, folds = fold_counts[_i];
	unsigned validates[100] = { 0 }, trains[100] = { 0 };

	for (size_t fold = 0; fold < folds; fold++) {
		struct split s;

		split_init(&s, n, folds, fold, 3);
		ck_assert_uint_eq(s.n_val + s.n_train, n);
		for (size_t i = 0; i < s.n_val; i++)
			validates[s.val[i]]++;
		for (size_t i = 0; i < s.n_train; i++)
			trains[s.train[i]]++;
		split_fini(&s);
	}
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(validates[i], 1);
		ck_assert_uint_eq(trains[i], folds - 1);
	}
}
END_TEST

START_TEST(without_folds_a_quarter_validates_and_the_seed_says_which)
{
	struct split a, b, other;

	split_init(&a, 100, 0, 0, 3);
	split_init(&b, 100, 0, 0, 3);
	split_init(&other, 100, 0, 0, 4);
	ck_assert_uint_eq(a.n_val, 25);
	ck_assert_mem_eq(a.order, b.order, 100 * sizeof(*a.order));
	ck_assert_mem_ne(a.order, other.order, 100 * sizeof(*a.order));
	split_fini(&a);
	split_fini(&b);
	split_fini(&other);
}
END_TEST

/* 200 images of random ink but for an empty first pixel. */
static struct data some_data(void)
{
	struct data blank = { .n = 1,
			      .x = (real[DATA_PIXELS]){ 0 },
			      .label = (unsigned char[1]){ 3 } };
	struct rng rng = rng_init(1, RNG_NOISE);
	size_t rows[200] = { 0 };
	struct data d = data_take(&blank, rows, 200);

	for (size_t i = 0; i < d.n * DATA_PIXELS; i++)
		if (i % DATA_PIXELS != 0)
			d.x[i] = (real)rng_below(&rng, 17);
	return d;
}

START_TEST(standard_scaling_gives_mean_0_and_deviation_1)
{
	struct data d = some_data();
	struct scaler s;

	scaler_fit(&s, &d, SCALING_STANDARD, 0);
	scaler_apply(&s, d.x, d.n);
	for (size_t k = 0; k < DATA_PIXELS; k++) {
		double sum = 0, squares = 0;

		for (size_t i = 0; i < d.n; i++) {
			sum += d.x[i * DATA_PIXELS + k];
			squares += pow(d.x[i * DATA_PIXELS + k], 2);
		}
		ck_assert_double_eq_tol(sum / 200, 0, 1e-9);
		ck_assert_double_eq_tol(squares / 200, k == 0 ? 0 : 1, 1e-9);
	}
	data_free(&d);
}
END_TEST

START_TEST(minmax_scaling_gives_0_to_1)
{
	struct data d = some_data();
	double low = HUGE_VAL, high = -HUGE_VAL;
	struct scaler s;

	scaler_fit(&s, &d, SCALING_MINMAX, 0);
	scaler_apply(&s, d.x, d.n);
	for (size_t i = 0; i < d.n * DATA_PIXELS; i++) {
		low = fmin(low, d.x[i]);
		high = fmax(high, d.x[i]);
	}
	ck_assert_double_eq(low, 0);
	ck_assert_double_eq(high, 1);
	data_free(&d);
}
END_TEST

START_TEST(clipping_takes_the_outliers_and_leaves_the_ink)
{
	struct data d = some_data();
	struct rng rng = rng_init(2, RNG_NOISE);
	real ink[DATA_PIXELS];
	double largest = 0;
	struct scaler s;

	for (size_t i = 0; i < DATA_PIXELS; i++)
		ink[i] = (real)(i % 17);
	data_spoil_pixels(&d, 0.02, &rng);
	scaler_fit(&s, &d, SCALING_NONE, 3);
	scaler_apply(&s, d.x, d.n);
	for (size_t i = 0; i < d.n * DATA_PIXELS; i++)
		largest = fmax(largest, fabs((double)d.x[i]));
	ck_assert_double_lt(largest, 40);
	scaler_apply(&s, ink, 1);
	for (size_t i = 0; i < DATA_PIXELS; i++)
		ck_assert_double_eq(ink[i], (real)(i % 17));
	data_free(&d);
}
END_TEST

START_TEST(noise_gives_the_asked_share_of_labels_another_class)
{
	struct data d = some_data();
	struct rng rng = rng_init(2, RNG_NOISE);
	size_t wrong = 0;

	data_spoil_labels(&d, 0.4, &rng);
	for (size_t i = 0; i < d.n; i++) {
		ck_assert_uint_lt(d.label[i], DATA_CLASSES);
		wrong += d.label[i] != 3;
	}
	/* 80 expected, standard deviation 7 */
	ck_assert_uint_gt(wrong, 52);
	ck_assert_uint_lt(wrong, 108);
	data_free(&d);
}
END_TEST

START_TEST(a_moved_image_loses_an_edge_and_gains_an_empty_one)
{
	real from[DATA_PIXELS], to[DATA_PIXELS];

	for (size_t i = 0; i < DATA_PIXELS; i++)
		from[i] = (real)(i + 1);
	image_shift(from, 1, -1, to);
	for (int i = 0; i < DATA_SIDE; i++) {
		ck_assert_double_eq(to[i * DATA_SIDE], 0);
		ck_assert_double_eq(to[DATA_PIXELS - 1 - i], 0);
	}
	ck_assert_double_eq(to[1], from[DATA_SIDE]);
	ck_assert_double_eq(to[DATA_PIXELS - DATA_SIDE - 1],
			    from[DATA_PIXELS - 2]);
}
END_TEST

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("digits");
	TCase *tc = tcase_create("digits");

	tcase_add_loop_test(
	    tc, the_gradient_of_each_activation_is_that_of_finite_differences,
	    0, ACTIVATION_ELU + 1);
	tcase_add_test(tc, the_gradient_has_both_penalties);
	tcase_add_test(
	    tc, the_gradient_passes_through_the_units_that_are_not_dropped);
	tcase_add_test(tc, a_loss_of_huge_outputs_does_not_overflow);
	tcase_add_loop_test(tc, a_nan_is_a_nan_loss_and_no_right_answer, 0,
			    ACTIVATION_ELU + 1);
	tcase_add_loop_test(tc, each_optimizer_moves_as_its_formula_says, 0,
			    N(two_steps));
	tcase_add_test(tc, schedules_begin_and_end_as_they_say);
	tcase_add_loop_test(
	    tc, each_row_validates_in_one_fold_and_trains_in_the_others, 0,
	    N(fold_counts));
	tcase_add_test(
	    tc, without_folds_a_quarter_validates_and_the_seed_says_which);
	tcase_add_test(tc, standard_scaling_gives_mean_0_and_deviation_1);
	tcase_add_test(tc, minmax_scaling_gives_0_to_1);
	tcase_add_test(tc, clipping_takes_the_outliers_and_leaves_the_ink);
	tcase_add_test(tc, noise_gives_the_asked_share_of_labels_another_class);
	tcase_add_test(tc, a_moved_image_loses_an_edge_and_gains_an_empty_one);
	suite_add_tcase(s, tc);
	return s;
}
