#pragma once

/*
 * A density over configurations: a mixture with one kernel an observation and
 * one for the prior. A kernel is a product over the parameters of
 *
 *   number, ordinal   a normal distribution around the observed coordinate of
 *                     the unit cube (search/unit.h), truncated to it; the mass
 *                     of a value's interval where values are few
 *   choice            the observed value with the most of the mass, the others
 *                     with even shares of the rest
 *
 * Densities are relative to the prior, which is uniform in the unit cube: where
 * all that is known is the prior they are 1. So a parameter that an observation
 * does not have (it was inactive) has the prior's factor, 1, in its kernel: the
 * observation informs the parameters that it shares and no other.
 */
#include "schema/space.h"

struct parzen_axis;

struct parzen {
	const struct space *space;
	size_t n, cap;            /* kernels; 0 is the prior's */
	double *log_weight;       /* [n] */
	double *sum;              /* [cap] of parzen_log_density() */
	struct parzen_axis *axes; /* [space->n] */
};

/* For at most @n_max observations. */
void parzen_init(struct parzen *p, const struct space *space, size_t n_max);
void parzen_fini(struct parzen *p);

/*
 * Adds a kernel; @weight > 0, the prior's is 1. Then parzen_fit() chooses the
 * widths, once.
 */
void parzen_add(struct parzen *p, const struct cell *config, double weight);
void parzen_fit(struct parzen *p);

/*
 * The logarithm of the density at @config [space->n], activated. @ret_prior,
 * which may be NULL: the share of the prior's kernel in it, 0 .. 1.
 */
double parzen_log_density(struct parzen *p, const struct cell *config,
			  double *ret_prior);

/*
 * The configuration at @u in [0, 1)^(space->n + 1), activated: those at uniform
 * @u have the density.
 */
void parzen_config(const struct parzen *p, const double *u,
		   struct cell *ret_config);
