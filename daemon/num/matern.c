#include "num/matern.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Beyond this exp(-rho) is 0, short of the numbers with fewer digits. */
#define RHO_MAX 708.0

/* x + ROUND has the integer nearest to x in its last digits. */
#define ROUND    0x1.8p52
#define INV_LN2  0x1.71547652b82fep0
/* log 2 in two parts; the first has so few digits that n * it is exact. */
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW  0x1.a39ef35793c76p-33

/*
 * exp(-x) for 0 <= x <= RHO_MAX, to 1 ulp: 2^-n exp(y) with x = n log 2 - y and
 * |y| <= log(2) / 2. exp(y) = 1 + y + y^2 Q(y), where Q agrees with the true
 * one at the ten Chebyshev nodes; its error is 2^-56 of exp(y). No call, no
 * branch, no table: the loops below become vector instructions.
 */
static inline __attribute__((always_inline)) double exp_minus(double x)
{
	double rounded = x * INV_LN2 + ROUND, n = rounded - ROUND;
	double y = n * LN2_LOW - (x - n * LN2_HIGH), y2 = y * y, y4 = y2 * y2;
	double q01, q23, q45, q67, q89, q, scale;
	uint64_t bits;

	/* Pairs rather than Horner's chain: they need not wait for another. */
	q01 = 0x1.0000000000001p-1 + 0x1.5555555555556p-3 * y;
	q23 = 0x1.5555555553d63p-5 + 0x1.11111111109b3p-7 * y;
	q45 = 0x1.6c16c1788bd90p-10 + 0x1.a01a01a7c41d5p-13 * y;
	q67 = 0x1.a019b90d2ae7ap-16 + 0x1.71de0dae63bb3p-19 * y;
	q89 = 0x1.289185613a3d6p-22 + 0x1.af38a9b0ec855p-26 * y;
	q = (q01 + q23 * y2) + (q45 + q67 * y2 + q89 * y4) * y4;
	memcpy(&bits, &rounded, sizeof(bits));
	bits = (UINT64_C(1023) << 52) - (bits << 52);
	memcpy(&scale, &bits, sizeof(scale));
	return (1 + (y + y2 * q)) * scale;
}

/* The loops go through arrays of their own, so that @k may be @r2. */
#define CHUNK ((size_t)64)

static inline __attribute__((always_inline)) void
matern_chunk(size_t n, const double *r2, double *k, double *g)
{
	double rho[CHUNK], e[CHUNK];

	for (size_t a = 0; a < n; a++)
		rho[a] = sqrt(5 * r2[a]);
	for (size_t a = 0; a < n; a++) {
		double near = rho[a] > RHO_MAX ? RHO_MAX : rho[a];

		e[a] = rho[a] > RHO_MAX ? 0 : exp_minus(near);
		rho[a] = near;
	}
	for (size_t a = 0; a < n; a++)
		k[a] = (1 + rho[a] + rho[a] * rho[a] * (1. / 3)) * e[a];
	for (size_t a = 0; g != NULL && a < n; a++)
		g[a] = 5. / 3 * (1 + rho[a]) * e[a];
}

static inline __attribute__((always_inline)) void
matern_loop(size_t n, const double *r2, double *k, double *g)
{
	for (size_t a = 0; a < n; a += CHUNK)
		matern_chunk(n - a < CHUNK ? n - a : CHUNK, r2 + a, k + a,
			     g == NULL ? NULL : g + a);
}

static inline __attribute__((always_inline)) void
sqdist_loop(size_t n, const double *x, double c, double w, double *r2)
{
	for (size_t a = 0; a < n; a++)
		r2[a] += w * ((x[a] - c) * (x[a] - c));
}

#ifdef __x86_64__

/* The same loops with instructions that not every processor has. */
#define WIDE __attribute__((target("avx2")))

WIDE static void matern_wide(size_t n, const double *r2, double *k, double *g)
{
	matern_loop(n, r2, k, g);
}

WIDE static void sqdist_wide(size_t n, const double *x, double c, double w,
			     double *r2)
{
	sqdist_loop(n, x, c, w, r2);
}

static bool has_wide(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

#else

#define matern_wide matern_loop
#define sqdist_wide sqdist_loop

static bool has_wide(void)
{
	return false;
}

#endif

void matern52(size_t n, const double *r2, double *k, double *g)
{
	if (has_wide())
		matern_wide(n, r2, k, g);
	else
		matern_loop(n, r2, k, g);
}

void sqdist_add(size_t n, const double *x, double c, double w, double *r2)
{
	if (has_wide())
		sqdist_wide(n, x, c, w, r2);
	else
		sqdist_loop(n, x, c, w, r2);
}
