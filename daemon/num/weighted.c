#include "num/weighted.h"

#define LANES 8

#define SUM(term)                                                              \
	double lane[LANES] = { 0 }, sum = 0;                                   \
	size_t a = 0;                                                          \
                                                                               \
	for (; a + LANES <= n; a += LANES) {                                   \
		for (size_t i = 0; i < LANES; i++)                             \
			lane[i] += term(w[a + i], x[a + i], c);                \
	}                                                                      \
	for (; a < n; a++)                                                     \
		lane[a % LANES] += term(w[a], x[a], c);                        \
	for (size_t i = 0; i < LANES; i++)                                     \
		sum += lane[i];                                                \
	return sum

static inline double sqdist(double w, double x, double c)
{
	return w * ((x - c) * (x - c));
}

static inline double diff(double w, double x, double c)
{
	return w * (c - x);
}

static inline double unequal(double w, double x, double c)
{
	return x != c ? w : 0;
}

double weighted_sqdist(size_t n, const double *w, const double *x, double c)
{
	SUM(sqdist);
}

double weighted_diff(size_t n, const double *w, const double *x, double c)
{
	SUM(diff);
}

double weighted_unequal(size_t n, const double *w, const double *x, double c)
{
	SUM(unequal);
}
