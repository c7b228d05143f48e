#pragma once

/*
 * The distribution that the sampler `cmaes` draws from, and what a generation
 * of results makes of it.
 *
 *   numbers, ordinals  x = m + sigma A y, y ~ N(0, C), in unit coordinates:
 *                      CMA-ES, N. Hansen, "The CMA evolution strategy: a
 *                      tutorial", arXiv 1604.00772; A, diagonal, keeps a
 *                      margin for the neighbours of a discrete value:
 *                      R. Hamano et al., "CMA-ES with margin", GECCO 2022,
 *                      arXiv 2205.13482, but m moves in units of sigma A
 *   choices            a probability for each value: R. Hamano et al.,
 *                      "CatCMA", GECCO 2024, arXiv 2405.09962
 *
 * A draw is a function of (distribution, seed, number of the trial, attempt).
 */
#include "schema/limits.h"
#include "schema/space.h"

/* Which parameters take part; those that have one value do not. */
struct cma_axes {
	const struct space *space; /* borrowed */
	size_t n;                  /* numbers and ordinals */
	size_t number[LIMIT_PARAMS];
	bool discrete[LIMIT_PARAMS]; /* [n] */
	size_t n_choices;
	size_t choice[LIMIT_PARAMS];
	size_t first[LIMIT_PARAMS]; /* [n_choices] its place in probability */
	size_t n_probabilities;
};

void cma_axes_init(struct cma_axes *a, const struct space *space);

/* Constants of a population of lambda on n numeric axes; the tutorial's. */
struct cma_strategy {
	size_t n, lambda;
	double *weights; /* [lambda], best first: positive ones sum to 1 */
	size_t mu;       /* how many are positive */
	double mu_eff;
	double c_sigma, d_sigma; /* of the step size */
	double c_c, c_1, c_mu;   /* of the covariance */
	double chi;              /* E |N(0, I)| */
	size_t lag;              /* generations between two decompositions */
	size_t horizon;          /* generations without progress at an end */
};

/* The tutorial's lambda for @axes axes, choices among them. */
size_t cma_lambda(size_t axes);
void cma_strategy_init(struct cma_strategy *s, size_t n, size_t lambda);
void cma_strategy_fini(struct cma_strategy *s);

struct cma {
	const struct cma_axes *axes; /* borrowed */
	size_t generation;           /* since cma_start() */
	size_t decomposed;           /* generation of basis and root */
	double sigma;
	double snr_mean, snr_step; /* of the choices: gamma and Delta */
	double *block;             /* holds all that follows */
	size_t block_n;
	double *mean, *scale;        /* [n] m, A */
	double *path_sigma, *path_c; /* [n] */
	double *covariance;          /* [n][n] C, the lower triangle */
	double *basis, *root;        /* [n][n], [n] C = B D^2 B^T */
	double *probability;         /* [n_probabilities] */
	double *snr_path;            /* [n_probabilities] */
	double *recent;              /* [horizon] best of a generation */
};

/* @horizon: the longest that will be used. cma_fini(). */
void cma_init(struct cma *c, const struct cma_axes *axes, size_t horizon);
void cma_fini(struct cma *c);

/* Makes @to, of the same axes, equal to @from. */
void cma_copy(struct cma *to, const struct cma *from);

/*
 * A new run from @mean [n]. A choice with a guess has half of its probability
 * there if @use_guesses.
 */
void cma_start(struct cma *c, const double *mean, bool use_guesses);

struct cma_draw {
	double y[LIMIT_PARAMS];      /* [n] from N(0, C) */
	double x[LIMIT_PARAMS];      /* [n] may lie outside of [0, 1] */
	size_t choice[LIMIT_PARAMS]; /* [n_choices] */
};

/*
 * Draws for trial @number. @wider >= 1: steps so many times as long, and
 * probabilities so much closer to even; infinity: evenly in the whole space.
 */
void cma_draw(const struct cma *c, uint64_t seed, uint64_t number,
	      uint32_t attempt, double wider, struct cma_draw *ret);

/* The middle of the distribution, as a draw. */
void cma_middle(const struct cma *c, struct cma_draw *ret);

/* The configuration of a draw, activated. */
void cma_config(const struct cma_axes *a, const struct cma_draw *d,
		struct cell *ret_config);

/*
 * Where in the cells of @config the draw lies: its own coordinates, moved into
 * the interval of each active value.
 */
void cma_move(const struct cma_axes *a, const struct cell *config,
	      struct cma_draw *d);

/* |C^-1/2 y| */
double cma_length(const struct cma *c, const double *y);

/* One of a generation. */
struct cma_point {
	double *y;                 /* [n] (x - m) / (sigma A) */
	double length;             /* |C^-1/2 y| */
	const struct cell *config; /* for the choices */
	size_t number;             /* of the trial */
	bool good;                 /* it had a result */
	bool pruned;               /* or what it had reached when stopped */
	double score;              /* lower is better */
};

/*
 * Learns from a generation: @points [lambda], the best first, good ones before
 * others; at least one is good.
 */
void cma_update(struct cma *c, const struct cma_strategy *s,
		const struct cma_point *points);

/*
 * True when the run has come to an end: it no longer moves, gets no better, or
 * is too thin for the numbers.
 */
bool cma_is_over(const struct cma *c, const struct cma_strategy *s);

/* The standard deviation of numeric axis @j, in unit coordinates. */
double cma_sd(const struct cma *c, size_t j);

/* The step size of a new run: a standard deviation of each coordinate. */
#define CMA_SIGMA (1.0 / 6)
