#pragma once

/*
 * The hyper-parameters of a Gaussian process of the results. They depend on
 * the results alone, not on what was fitted before: a fit that did not start
 * afresh would make proposals depend on when the daemon was restarted. What is
 * kept is a cache, by the numbers that a fit comes from.
 */
#include "search/evidence.h"
#include "search/gp.h"

#include "schema/limits.h"

#include <stdint.h>

#define FIT_KEPT 16

struct fit_kept {
	uint64_t key; /* of the rows; 0: none */
	double hyper[LIMIT_PARAMS + 2];
};

struct fit {
	const struct encoding *encoding; /* borrowed */
	struct gp *gp;                   /* of the rows that were fitted last */
	struct fit_kept kept[FIT_KEPT];
	size_t next;
};

/* On the axes of @e, those of choices marked. fit_fini(). */
void fit_init(struct fit *f, const struct encoding *e, const bool *is_choice);
void fit_fini(struct fit *f);

/*
 * Hyper-parameters for the results of @v, of which there is one at least, to
 * @ret_hyper [d + 2]. Not every result costs a fit: of many, they are those of
 * the first nine tenths or more.
 */
void fit_hyper(struct fit *f, const struct evidence *v, double *ret_hyper);
