#pragma once

/*
 * A density over the values of some parameters, which are active together: a
 * mixture with one kernel an observation and one for the prior. A kernel is a
 * product over the parameters of
 *
 *   number, ordinal   a normal distribution around the observed coordinate of
 *                     the unit cube (search/unit.h), truncated to it; the mass
 *                     of a value's interval where values are few
 *   choice            the observed value with the most of the mass, all values
 *                     with even shares of the rest
 *
 * Densities are relative to the prior, which is uniform in the unit cube: where
 * all that is known is the prior they are 1.
 */
#include "schema/space.h"

/* How wide kernels are: see parzen_fit(). */
enum parzen_widths {
	PARZEN_SPREAD, /* as the observations themselves */
	PARZEN_FIXED,  /* by their number alone */
};

struct parzen_axis;

struct parzen {
	const struct space *space; /* borrowed, as are the members */
	const size_t *members;     /* [n_members] indices of parameters */
	size_t n_members;
	size_t n, cap;            /* kernels; 0 is the prior's */
	double *log_weight;       /* [n] */
	double *sum;              /* [cap] of parzen_log_density() */
	struct parzen_axis *axes; /* [n_members] */
};

/* For at most @n_max observations of @members, each of which can vary. */
void parzen_init(struct parzen *p, const struct space *space,
		 const size_t *members, size_t n_members, size_t n_max);
void parzen_fini(struct parzen *p);

/*
 * Adds the kernel of an observation, [space->n] cells. One of a member that is
 * not active has the factor 1: nothing is known of it.
 */
void parzen_add(struct parzen *p, const struct cell *config);

/*
 * Chooses the widths, once, after the last kernel, by D. Scott's rule
 * ("Multivariate density estimation", 1992). The standard deviation of an axis
 * counts the prior as one observation more: however many coincide, no width is
 * 0.
 */
void parzen_fit(struct parzen *p, enum parzen_widths widths);

/*
 * The logarithm of the density at @config [space->n], all members active.
 * @ret_prior, which may be NULL: the share of the prior's kernel in it, 0 .. 1.
 */
double parzen_log_density(struct parzen *p, const struct cell *config,
			  double *ret_prior);

/*
 * Writes the members' cells in @config at @u in [0, 1)^(n_members + 1): those
 * at uniform @u have the density.
 */
void parzen_point(const struct parzen *p, const double *u, struct cell *config);
