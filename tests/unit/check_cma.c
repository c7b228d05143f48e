/*
 * The arithmetic of the evolution strategy, against the numbers of another
 * implementation: the Python package cmaes, version 0.13.1, told the same
 * points. In two places it was changed: its mean moves in units of A, and the
 * step of the probabilities is the current one, not that of the generation
 * before.
 */
#include "check_main.h"
#include "search/cma.h"
#include "spec_of.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define N(array) (sizeof(array) / sizeof *(array))

/* --- constants --------------------------------------------------------------
 */

static const struct {
	size_t n, lambda, mu;
	double mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi, first, last;
} constants[] = {
	{2,    6,  3,  2.0286114646100617, 0.44620498737831715,  1.4462049873783172,
         0.62455453902682645,									      0.1548153998964136,     0.057859085071916304,
         1.254272742818995,																		  0.63704257124121677,  -1.1559817781589212},
	{ 10,  10, 5,  3.1672992814107026, 0.28442858794636749,
         1.2844285879463675,							 0.29499038303562225,  0.015283824524751714,
         0.02015428276120838,															    3.0847265651690123, 0.45627264690340597,
         -0.58622182877883533																							 },
	{ 10,  80, 40, 21.788084798620645, 0.64662471364947405,
         2.3960434818866405,							 0.3365800960668327,   0.013379887778830139,
         0.23926908219035392,															    3.0847265651690123, 0.098095965796951914,
         -0.013896537185026465																							},
	{ 40,  15, 7,  4.5409152090759566, 0.13203056870208271,
         1.1320305687020826,							 0.093009216634249173, 0.0011694327252618397,
         0.0031225007109974066,															  6.2852150803977596, 0.34479619859202054,
         -0.31550462179603478																							 },
	{ 256, 20, 10, 5.9388042356012409, 0.029740165572160204,
         1.0297401655721603,							 0.015471079399216806, 3.0207269229996736e-05,
         0.00012339468458710134,															 15.984386625744047, 0.27961472096101825,
         -0.21576527938233681																							 },
};

static void assert_near(double got, double wanted)
{
	ck_assert_double_le(fabs(got - wanted), 1e-9 * fabs(wanted) + 1e-15);
}

START_TEST(constants_are_those_of_the_tutorial)
{
	size_t n = constants[_i].n, lambda = constants[_i].lambda;
	struct cma_strategy s;

	if (lambda != 80)
		ck_assert_uint_eq(cma_lambda(n), lambda);
	cma_strategy_init(&s, n, lambda);
	ck_assert_uint_eq(s.mu, constants[_i].mu);
	assert_near(s.mu_eff, constants[_i].mu_eff);
	assert_near(s.c_sigma, constants[_i].c_sigma);
	assert_near(s.d_sigma, constants[_i].d_sigma);
	assert_near(s.c_c, constants[_i].c_c);
	assert_near(s.c_1, constants[_i].c_1);
	assert_near(s.c_mu, constants[_i].c_mu);
	assert_near(s.chi, constants[_i].chi);
	assert_near(s.weights[0], constants[_i].first);
	assert_near(s.weights[lambda - 1], constants[_i].last);
	cma_strategy_fini(&s);
}
END_TEST

/* --- generations of given points --------------------------------------------
 */

#define POINTS_MAX 8
#define AXES_MAX   3

struct world {
	struct search_spec *spec;
	struct cma_axes axes;
	struct cma_strategy strategy;
	struct cma cma;
	struct cma_point points[POINTS_MAX];
	double y[POINTS_MAX][AXES_MAX];
	struct cell configs[POINTS_MAX][AXES_MAX + 2];
};

static void world_init(struct world *w, const char *parameters)
{
	const double mean[AXES_MAX] = { 0.5, 0.5, 0.5 };
	size_t lambda;

	*w = (struct world){ .spec =
				 spec_of(parameters, "\"type\": \"cmaes\"") };
	cma_axes_init(&w->axes, w->spec->space);
	lambda = cma_lambda(w->axes.n + w->axes.n_choices);
	ck_assert_uint_le(lambda, POINTS_MAX);
	cma_strategy_init(&w->strategy, w->axes.n, lambda);
	cma_init(&w->cma, &w->axes, w->strategy.horizon);
	cma_start(&w->cma, mean, true);
	w->cma.sigma = 0.25;
}

static void world_fini(struct world *w)
{
	cma_fini(&w->cma);
	cma_strategy_fini(&w->strategy);
	search_free(w->spec);
}

static int compare(const void *a, const void *b)
{
	const struct cma_point *p = a, *q = b;

	if (p->score != q->score)
		return p->score < q->score ? -1 : 1;
	return (p->number > q->number) - (p->number < q->number);
}

/* Point @i lies at @x [axes.n] and has @score. */
static void place(struct world *w, size_t i, const double *x, double score)
{
	struct cma *c = &w->cma;

	for (size_t j = 0; j < w->axes.n; j++)
		w->y[i][j] = (x[j] - c->mean[j]) / (c->sigma * c->scale[j]);
	w->points[i] = (struct cma_point){
		.y = w->y[i],
		.length = cma_length(c, w->y[i]),
		.config = w->configs[i],
		.number = i,
		.good = true,
		.score = score,
	};
}

static void learn(struct world *w)
{
	qsort(w->points, w->strategy.lambda, sizeof(w->points[0]), compare);
	cma_update(&w->cma, &w->strategy, w->points);
}

/* Any number near 0.5, for generation, point and axis. */
static double any(size_t g, size_t i, size_t j)
{
	double a = (double)g, b = (double)i, c = (double)j;

	return 0.5 + 0.4 * sin(1 + 3.7 * a + 2.3 * b + 5.1 * c + 0.9 * b * c);
}

static double bowl(const double *x)
{
	double s = 0;

	for (size_t j = 0; j < 3; j++)
		s += (double)(j + 1) * (x[j] - 0.3) * (x[j] - 0.3);
	return s;
}

#define UNIT "{\"type\": \"float\", \"min\": 0, \"max\": 1}"

START_TEST(three_generations_give_the_reference_distribution)
{
	static const double mean[] = { 0.276244271703183, 0.243748615991715,
				       0.268907079809445 };
	/* columns of the lower triangle */
	static const double covariance[] = {
		1.33722183329369, 0.16516108520418,   0.213617827427668,
		1.02989119967421, 0.0908478326088418, 0.713526694026928,
	};
	struct world w;
	const double *wanted = covariance;

	world_init(&w, "\"a\": " UNIT ", \"b\": " UNIT ", \"c\": " UNIT);
	for (size_t g = 0; g < 3; g++) {
		for (size_t i = 0; i < w.strategy.lambda; i++) {
			double x[3] = { any(g, i, 0), any(g, i, 1),
					any(g, i, 2) };

			place(&w, i, x, bowl(x));
		}
		learn(&w);
	}
	assert_near(w.cma.sigma, 0.247069022347446);
	for (size_t j = 0; j < 3; j++) {
		assert_near(w.cma.mean[j], mean[j]);
		for (size_t i = j; i < 3; i++)
			assert_near(w.cma.covariance[i + j * 3], *wanted++);
	}
	world_fini(&w);
}
END_TEST

START_TEST(the_margin_is_that_of_the_reference)
{
	static const double centre[] = { 0.33, 0.73, 0.4 };
	static const double mean[] = { 0.330151602656049, 0.732666722639248,
				       0.38627561777667 };
	static const double scale[] = { 1, 1.29088782193336, 2.02409560739896 };
	struct world w;

	world_init(&w, "\"a\": " UNIT ", \"b\": {\"type\": \"int\", \"min\": "
		       "0, \"max\": 9}, \"c\": {\"type\": \"choice\", "
		       "\"values\": [1, 2, 3, 4], \"ordered\": true}");
	ck_assert_uint_eq(w.axes.n, 3);
	for (size_t g = 0; g < 12; g++) {
		double width = 0.5 * pow(0.6, (double)g);

		for (size_t i = 0; i < w.strategy.lambda; i++) {
			double x[3];

			for (size_t j = 0; j < 3; j++)
				x[j] = centre[j] + width * (any(g, i, j) - 0.5);
			place(&w, i, x, bowl(x));
		}
		learn(&w);
	}
	assert_near(w.cma.sigma, 0.0488089828822553);
	for (size_t j = 0; j < 3; j++) {
		assert_near(w.cma.mean[j], mean[j]);
		assert_near(w.cma.scale[j], scale[j]);
	}
	world_fini(&w);
}
END_TEST

START_TEST(probabilities_of_choices_are_those_of_the_reference)
{
	static const double probability[] = {
		0.14634861733456,  0.728850931720913, 0.124800450944527,
		0.51733813336269,  0.137512458147557, 0.104025254134284,
		0.241124154355469,
	};
	struct world w;

	world_init(&w, "\"a\": " UNIT ", \"b\": " UNIT
		       ", \"c\": {\"type\": \"choice\", \"values\": [1, 2, 3]},"
		       "\"d\": {\"type\": \"choice\", \"values\": [1, 2, 3, "
		       "4]}");
	for (size_t g = 0; g < 5; g++) {
		for (size_t i = 0; i < w.strategy.lambda; i++) {
			double x[2] = { any(g, i, 0), any(g, i, 1) };
			size_t c = (g + 2 * i) % 3;
			size_t d = (3 * g + i + i / 2) % 4;

			w.configs[i][2] = (struct cell){ true, .i = (int)c };
			w.configs[i][3] = (struct cell){ true, .i = (int)d };
			place(&w, i, x, (double)(i + (c == 1 ? 0 : 3)));
		}
		learn(&w);
	}
	assert_near(w.cma.snr_step, 2.0134397664158006);
	for (size_t v = 0; v < N(probability); v++)
		assert_near(w.cma.probability[v], probability[v]);
	world_fini(&w);
}
END_TEST

START_TEST(draws_have_the_mean_and_the_covariance)
{
	enum { DRAWS = 20000 };
	struct world w;
	double mean[3] = { 0 }, square[3][3] = { 0 };
	struct cma_draw d;

	world_init(&w, "\"a\": " UNIT ", \"b\": " UNIT ", \"c\": " UNIT);
	for (size_t g = 0; g < 3; g++) {
		for (size_t i = 0; i < w.strategy.lambda; i++) {
			double x[3] = { any(g, i, 0), any(g, i, 1),
					any(g, i, 2) };

			place(&w, i, x, bowl(x));
		}
		learn(&w);
	}
	for (size_t k = 0; k < DRAWS; k++) {
		cma_draw(&w.cma, 1, k, 0, 1, &d);
		for (size_t j = 0; j < 3; j++) {
			mean[j] += d.x[j] / DRAWS;
			for (size_t i = 0; i < 3; i++)
				square[i][j] += d.y[i] * d.y[j] / DRAWS;
		}
	}
	for (size_t j = 0; j < 3; j++) {
		ck_assert_double_eq_tol(mean[j], w.cma.mean[j], 0.01);
		for (size_t i = j; i < 3; i++)
			ck_assert_double_eq_tol(
			    square[i][j], w.cma.covariance[i + j * 3], 0.05);
	}
	world_fini(&w);
}
END_TEST

START_TEST(a_draw_can_be_moved_into_the_cells_that_were_run)
{
	struct world w;
	struct cell config[4];
	struct cma_draw d, moved;

	world_init(&w, "\"a\": " UNIT ", \"b\": {\"type\": \"int\", \"min\": "
		       "0, \"max\": 9}, \"c\": {\"type\": \"float\", \"min\": "
		       "0, \"max\": 1, \"when\": {\"b\": {\"min\": 5}}}");
	for (size_t k = 0; k < 1000; k++) {
		/* What was drawn stays, a discrete number at its own place; */
		cma_draw(&w.cma, 1, k, 0, 1, &d);
		cma_config(&w.axes, &d, config);
		moved = d;
		cma_move(&w.axes, config, &moved);
		for (size_t j = 0; j < 3; j++)
			ck_assert_double_eq_tol(moved.x[j], d.x[j], 1e-12);
		/* another one takes the cell, and no part where inactive. */
		cma_draw(&w.cma, 2, k, 0, 1, &moved);
		d.x[2] = moved.x[2];
		cma_move(&w.axes, config, &moved);
		if (config[0].f > 0 && config[0].f < 1)
			ck_assert_double_eq_tol(moved.x[0], d.x[0], 1e-12);
		if (!config[2].active)
			ck_assert_double_eq(moved.x[2], d.x[2]);
	}
	world_fini(&w);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cma");
	TCase *t = tcase_create("cma");

	tcase_add_loop_test(t, constants_are_those_of_the_tutorial, 0,
			    N(constants));
	tcase_add_test(t, three_generations_give_the_reference_distribution);
	tcase_add_test(t, the_margin_is_that_of_the_reference);
	tcase_add_test(t, probabilities_of_choices_are_those_of_the_reference);
	tcase_add_test(t, draws_have_the_mean_and_the_covariance);
	tcase_add_test(t, a_draw_can_be_moved_into_the_cells_that_were_run);
	suite_add_tcase(s, t);
	return s;
}
