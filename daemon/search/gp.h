#pragma once

/*
 * Gaussian-process regression with a Matern-5/2 kernel and a lengthscale an
 * axis (C. Rasmussen, C. Williams, "Gaussian processes for machine learning",
 * MIT Press 2006: equations 2.25, 2.26, 4.17, 5.8, 5.9).
 *
 *   r2(x, x') = sum over numeric axes (x_i - x'_i)^2 / l_i^2
 *             + sum over choices     [x_i != x'_i]   / l_i^2
 *   k(x, x')  = s (1 + rho + rho^2 / 3) exp(-rho),  rho = sqrt(5 r2)
 *   y         ~ N(0, K + noise diag(1 / repeats))
 *
 * Rows are added, never changed: a factor of all but the last rows stays valid
 * and is extended in O(n^2). It is made in blocks, so that gp_solve() gives the
 * same bits whether the first rows were there before or not.
 *
 * hyper [d + 2]: ln l_1 .. ln l_d, ln s, ln noise.
 */
#include <stdbool.h>
#include <stddef.h>

struct gp {
	size_t d;
	bool *is_choice; /* [d] */
	double *hyper;   /* [d + 2] */
	size_t n, cap;   /* rows; room for them, the leading dimension */
	double *x;       /* [d][cap] axis after axis */
	double *y;       /* [cap] */
	double *repeats; /* [cap] measurements that y is the mean of */
	size_t factored; /* rows that l covers, under hyper */
	size_t solid;    /* of them those in whole blocks of gp_solve() */
	double *l;       /* [cap][cap] Cholesky factor of K + noise, columns */
	double *alpha;   /* [cap] (K + noise)^-1 y, after gp_solve() */
	double noise_floor;
	double *work; /* see gp.c */
	size_t work_size;
};

/* A model of no rows on @d axes, those of choices marked; gp_free(). */
struct gp *gp_new(size_t d, const bool *is_choice);
void gp_free(struct gp *g);

/* Room for @n rows at once; gp_add() makes it as needed. */
void gp_reserve(struct gp *g, size_t n);
void gp_clear(struct gp *g);
/* Drops rows from @n on; the factor of those before it stays. */
void gp_truncate(struct gp *g, size_t n);
/* Adds the mean @y of @repeats > 0 measurements at @x [d]. */
void gp_add(struct gp *g, const double *x, double y, double repeats);

/* The hyper-parameters at which nothing is known: the priors' mode, nearly. */
void gp_hyper_default(const struct gp *g, double *ret_hyper);
void gp_set_hyper(struct gp *g, const double *hyper);

/*
 * ln p(y | x, hyper) + ln p(hyper), up to a constant, and its derivatives by
 * the elements of @hyper to @ret_gradient [d + 2] unless NULL. -INFINITY where
 * the matrix is not positive definite.
 */
double gp_log_posterior(struct gp *g, const double *hyper,
			double *ret_gradient);
/* ln p(y | x, hyper) alone (equation 5.8). */
double gp_log_likelihood(struct gp *g, const double *hyper,
			 double *ret_gradient);

/*
 * Moves the hyper-parameters to a maximum of the posterior, from @hyper.
 * Returns its value; -INFINITY: none was found and they are as they were.
 */
double gp_fit(struct gp *g, double *hyper, size_t max_evaluations);

/*
 * Factors what is not factored yet and solves for alpha. Returns 0, or 1 if
 * the matrix is not positive definite with any jitter.
 */
int gp_solve(struct gp *g) __attribute__((warn_unused_result));

/* Extends the factor alone to rows that were added after gp_solve(). */
int gp_extend(struct gp *g) __attribute__((warn_unused_result));

/*
 * The latent function (without noise) at @m points, axis after axis: @x
 * [d][stride], for each of @vectors coefficients @alpha [vectors][n]:
 * its means to @ret_mean [vectors][m], its standard deviation to @ret_sd [m].
 */
void gp_predict(struct gp *g, size_t m, const double *x, size_t stride,
		size_t vectors, const double *alpha, double *ret_mean,
		double *ret_sd);

/*
 * k(x, rows) to @ret_k [n] and, unless NULL, the factor of its derivatives to
 * @ret_g [n]: dk_a / dx_i = -g_a (x_i - x_ai) / l_i^2.
 */
void gp_kernel(const struct gp *g, const double *x, double *ret_k,
	       double *ret_g);

/* The distance r of two points: 1 is as far as a lengthscale. */
double gp_distance(const struct gp *g, const double *x, const double *y);

/*
 * How much the function varies along axis @i alone: 1 - k / s, on average over
 * two uniform places of a numeric axis, between two choices of another; 0 .. 1.
 */
double gp_variation(const struct gp *g, size_t i);
