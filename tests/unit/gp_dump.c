/*
 * What the Gaussian process of search/gp.h makes of the cases on stdin, for
 * gp_model.py, which knows what is right. All are numbers apart by blanks:
 *
 *     d n m split              axes, rows, points; rows that are solved first
 *     choice [d]               1: an axis of choices
 *     hyper [d + 2]
 *     x [d] y repeats          n times
 *     x [d]                    m times
 *
 * A case gives one line: noise floor, log likelihood, its gradient [d + 2], log
 * posterior, its gradient [d + 2], and mean and standard deviation of each
 * point.
 */
#include "search/gp.h"

#include "schema/mem.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

static double number(void)
{
	double v;

	if (scanf("%lf", &v) != 1)
		errx(2, "a number is missing");
	return v;
}

static double *numbers(size_t n)
{
	double *list = xcalloc(n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = number();
	return list;
}

static void print(size_t n, const double *list)
{
	for (size_t i = 0; i < n; i++)
		printf("%.17g ", list[i]);
}

static struct gp *read_gp(size_t d)
{
	auto_free double *flags = numbers(d);
	auto_free bool *is_choice = xcalloc(d, sizeof(*is_choice));
	auto_free double *hyper = numbers(d + 2);
	struct gp *g;

	for (size_t i = 0; i < d; i++)
		is_choice[i] = flags[i] != 0;
	g = gp_new(d, is_choice);
	gp_set_hyper(g, hyper);
	return g;
}

static void solve(struct gp *g)
{
	if (gp_solve(g) != 0)
		errx(1, "the matrix is not positive definite");
}

/* As for running trials: rows that go away again. */
static void solve_and_extend(struct gp *g)
{
	size_t n = g->n;
	auto_free double *x = xcalloc(g->d, sizeof(*x));

	solve(g);
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < g->d; i++)
			x[i] = g->x[i * g->cap + k * n / 3];
		gp_add(g, x, 0, 1);
	}
	if (gp_extend(g) != 0)
		errx(1, "the larger matrix is not positive definite");
	gp_truncate(g, n);
}

static void read_rows(struct gp *g, size_t n, size_t split)
{
	for (size_t i = 0; i < n; i++) {
		auto_free double *row = numbers(g->d + 2);

		if (i > 0 && i == split)
			solve_and_extend(g);
		gp_add(g, row, row[g->d], row[g->d + 1]);
	}
	solve(g);
}

static void print_likelihood(struct gp *g)
{
	auto_free double *gradient = xcalloc(g->d + 2, sizeof(*gradient));
	double value = gp_log_likelihood(g, g->hyper, gradient);

	print(1, &g->noise_floor);
	print(1, &value);
	print(g->d + 2, gradient);
	value = gp_log_posterior(g, g->hyper, gradient);
	print(1, &value);
	print(g->d + 2, gradient);
}

static void print_posterior(struct gp *g, size_t m)
{
	auto_free double *points = xcalloc(g->d * m, sizeof(*points));
	auto_free double *mean = xcalloc(m, sizeof(*mean));
	auto_free double *sd = xcalloc(m, sizeof(*sd));

	for (size_t j = 0; j < m; j++) {
		for (size_t i = 0; i < g->d; i++)
			points[i * m + j] = number();
	}
	gp_predict(g, m, points, m, 1, g->alpha, mean, sd);
	for (size_t j = 0; j < m; j++) {
		print(1, &mean[j]);
		print(1, &sd[j]);
	}
}

int main(void)
{
	size_t d, n, m, split;

	while (scanf("%zu %zu %zu %zu", &d, &n, &m, &split) == 4) {
		struct gp *g = read_gp(d);

		read_rows(g, n, split);
		print_likelihood(g);
		print_posterior(g, m);
		putchar('\n');
		gp_free(g);
	}
	return 0;
}
