#pragma once

/*
 * Where a model is believed. On many axes it is sure of itself where nothing is
 * known: then only near the best result, in a trust region that grows with
 * successes and shrinks with failures (D. Eriksson et al., "Scalable global
 * optimization via local Bayesian optimization", arXiv 1910.01739, section 2).
 */
#include "search/branch.h"
#include "search/evidence.h"
#include "search/gp.h"

#define TRUST_AXES 15 /* on more, and in a branch, there is a region */

/*
 * The box, [d] each, that numeric axes are to stay in: all of [0, 1] where
 * there are few axes and @branch is NULL; in a branch that about its own best
 * result, by its own successes and failures.
 */
void trust_box(const struct gp *g, const struct evidence *v,
	       const struct branch *branch, double *ret_lower,
	       double *ret_upper);
