/*
 * What the parts of a Gaussian process cost, in processor time of one thread:
 *
 *     build/tests/bench/bench_num [SECONDS OF EACH]
 */
#include "num/linalg.h"
#include "num/matern.h"
#include "num/normal.h"
#include "num/warp.h"

#include "schema/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LENGTH     1000
#define CANDIDATES 512

static double seconds_each = 0.1;
static double sink; /* of results that nobody wants */

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct matrices {
	size_t n;
	double *a, *l, *work, *b;
};

typedef void job_fn(struct matrices *m);

/* Seconds that one call takes. */
static double time_of(job_fn *job, struct matrices *m)
{
	double began = cpu_s(), took;
	size_t calls = 0;

	do {
		job(m);
		calls++;
		took = cpu_s() - began;
	} while (took < seconds_each);
	return took / (double)calls;
}

static void print(const char *what, size_t n, double seconds, double flops)
{
	printf("%-34s n=%-5zu %10.1f us", what, n, seconds * 1e6);
	if (flops > 0)
		printf(" %7.1f GFlop/s", flops / seconds / 1e9);
	(void)puts("");
}

static void restore(struct matrices *m)
{
	memcpy(m->l, m->a, m->n * m->n * sizeof(*m->l));
}

static void factor(struct matrices *m)
{
	restore(m);
	sink += chol_factor(m->n, m->l, m->n);
}

static void factor_jitter(struct matrices *m)
{
	double jitter;

	restore(m);
	sink += chol_factor_jitter(m->n, m->l, m->n, m->work, &jitter);
}

static void inverse(struct matrices *m)
{
	factor(m);
	chol_inverse(m->n, m->l, m->n);
}

static void append(struct matrices *m)
{
	for (size_t j = 0; j < m->n; j++)
		m->l[m->n - 1 + j * m->n] = m->a[m->n - 1 + j * m->n];
	sink += chol_append(m->n - 1, 1, m->l, m->n);
}

static void solve_one(struct matrices *m)
{
	m->b[0] = 1;
	chol_solve_lower(m->n, m->l, m->n, 1, m->b, m->n);
}

static void solve_many(struct matrices *m)
{
	m->b[0] = 1;
	chol_solve_lower(m->n, m->l, m->n, CANDIDATES, m->b, m->n);
}

static void bench_matrices(size_t n)
{
	struct matrices m = { .n = n };
	double d = (double)n, third = d * d * d / 3, base;

	m.a = xcalloc(n * n, sizeof(double));
	m.l = xcalloc(n * n, sizeof(double));
	m.work = xcalloc(n, sizeof(double));
	m.b = xcalloc(n * CANDIDATES, sizeof(double));
	for (size_t j = 0; j < n; j++) {
		for (size_t i = 0; i < n; i++)
			m.a[i + j * n] =
			    exp(-fabs((double)i - (double)j) / 9) + (i == j);
	}
	base = time_of(restore, &m);
	print("chol_factor", n, time_of(factor, &m) - base, third);
	print("chol_factor_jitter", n, time_of(factor_jitter, &m) - base,
	      third);
	print("chol_factor + chol_inverse", n, time_of(inverse, &m) - base,
	      3 * third);
	factor(&m);
	print("chol_append of one row", n, time_of(append, &m), d * d);
	print("chol_solve_lower, 1 column", n, time_of(solve_one, &m), d * d);
	print("chol_solve_lower, 512 columns", n, time_of(solve_many, &m),
	      d * d * CANDIDATES);
	free(m.a);
	free(m.l);
	free(m.work);
	free(m.b);
}

static double points[LENGTH], results[2][LENGTH];

static void do_sqdist(struct matrices *m)
{
	sqdist_add(LENGTH, points, 0.3, 1e-9, results[0]);
}

static void do_matern(struct matrices *m)
{
	matern52(LENGTH, points, results[0], results[1]);
}

static void do_log_ei(struct matrices *m)
{
	double dmean, dsd;

	for (size_t i = 0; i < LENGTH; i++)
		sink += log_ei(points[i], 1, 0, &dmean, &dsd) + dmean + dsd;
}

static void do_quantile(struct matrices *m)
{
	for (size_t i = 0; i < LENGTH; i++)
		sink += normal_quantile(((double)i + 0.5) / LENGTH);
}

static void do_warp(struct matrices *m)
{
	for (size_t i = 0; i < LENGTH; i++)
		sink += warp_at(((double)i + 0.5) / LENGTH, 2, 3).w;
}

static void bench_elements(const char *what, job_fn *job, double low,
			   double high)
{
	for (size_t i = 0; i < LENGTH; i++)
		points[i] = low + (high - low) * (double)i / LENGTH;
	printf("%-42s %10.2f ns\n", what, time_of(job, NULL) * 1e9 / LENGTH);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 30, 100, 300, 1000 };

	if (argc > 1)
		seconds_each = strtod(argv[1], NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		bench_matrices(sizes[i]);
	bench_elements("sqdist_add, an element", do_sqdist, 0, 1);
	bench_elements("matern52 with g, an element", do_matern, 0, 20);
	bench_elements("log_ei, z = -30 .. -1", do_log_ei, 1, 30);
	bench_elements("log_ei, z = -1 .. 4", do_log_ei, -4, 1);
	bench_elements("normal_quantile", do_quantile, 0, 1);
	bench_elements("warp_at", do_warp, 0, 1);
	return isnan(sink);
}
