#pragma once

/*
 * Configurations as points that a kernel can compare: an axis for each
 * parameter that can vary.
 *
 *   real     a continuous float: its place on its scale, in [0, 1]
 *   grid     ints, steps, ordinals: likewise, at one of few places; never
 *            anywhere between them
 *   choice   the index of the value; two choices are equal or not
 *
 * An inactive parameter is one point of its axis, so that it tells nothing
 * among the trials where it is inactive: 0.5 (nearest to all) on numeric axes,
 * and on those of choices -1, which differs from all of them.
 */
#include "schema/space.h"

enum axis_type {
	AXIS_REAL,
	AXIS_GRID,
	AXIS_CHOICE,
};

struct axis {
	enum axis_type type;
	size_t param;    /* index in the space */
	uint64_t levels; /* grid, choice: number of places */
	bool is_parent;  /* others may be active or not by its value */
	bool is_child;   /* may be inactive */
	double *places;  /* grid of few levels: [levels], ascending; or NULL */
};

struct encoding {
	const struct space *space; /* borrowed */
	struct axis *axes;         /* [n] */
	size_t n;
	bool is_conditional;
};

/* Borrows @space. encoding_fini(). */
void encoding_init(struct encoding *e, const struct space *space);
void encoding_fini(struct encoding *e);

/* The point @ret_x [n] of an activated configuration. */
void encode(const struct encoding *e, const struct cell *config, double *ret_x);

/*
 * The configuration at @u [n], activated, to @ret_config [space->n]: @u holds a
 * real or grid axis's coordinate in [0, 1], which is moved to the nearest
 * place, or a choice's index. What is inactive may have any value.
 */
void decode(const struct encoding *e, const double *u, struct cell *ret_config);

/*
 * Moves @x to the nearest point that is a configuration, as encode(decode(x))
 * does, but without values where the space has no conditions. @scratch:
 * [space->n].
 */
void encoding_snap(const struct encoding *e, double *x, struct cell *scratch);

/* Place @k < levels of a grid axis; the index of the place nearest to @u. */
double axis_place(const struct encoding *e, const struct axis *a, uint64_t k);
uint64_t axis_nearest(const struct encoding *e, const struct axis *a, double u);
