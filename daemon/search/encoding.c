#include "search/encoding.h"

#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define PLACES_MAX      4096 /* of an axis that are kept */
#define INACTIVE        0.5
#define INACTIVE_CHOICE (-1.0)

static const struct param *param_of(const struct encoding *e,
				    const struct axis *a)
{
	return &e->space->params[a->param];
}

static enum axis_type axis_type(const struct param *p)
{
	if (p->type == PARAM_CHOICE && !p->ordered)
		return AXIS_CHOICE;
	return param_cardinality(p) == 0 ? AXIS_REAL : AXIS_GRID;
}

static void mark_parents(struct encoding *e, const struct param *p)
{
	for (size_t c = 0; c < p->n_conditions; c++) {
		for (size_t i = 0; i < e->n; i++) {
			if (e->axes[i].param == p->conditions[c].parent)
				e->axes[i].is_parent = true;
		}
	}
}

static void keep_places(struct encoding *e, struct axis *a)
{
	double *places;

	if (a->type != AXIS_GRID || a->levels > PLACES_MAX)
		return;
	places = xcalloc(a->levels, sizeof(*places));
	for (uint64_t k = 0; k < a->levels; k++)
		places[k] = axis_place(e, a, k);
	a->places = places;
}

void encoding_init(struct encoding *e, const struct space *space)
{
	*e = (struct encoding){ .space = space };
	e->axes = xcalloc(space->n, sizeof(*e->axes));
	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];
		struct axis *a = &e->axes[e->n];

		if (p->type == PARAM_CONSTANT || param_cardinality(p) == 1)
			continue;
		*a = (struct axis){ .type = axis_type(p),
				    .param = i,
				    .levels = param_cardinality(p),
				    .is_child = p->n_conditions > 0 };
		keep_places(e, a);
		e->n++;
	}
	for (size_t i = 0; i < space->n; i++) {
		mark_parents(e, &space->params[i]);
		e->is_conditional |= space->params[i].n_conditions > 0;
	}
}

void encoding_fini(struct encoding *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->axes[i].places);
	free(e->axes);
}

/* --- places ----------------------------------------------------------------
 */

double axis_place(const struct encoding *e, const struct axis *a, uint64_t k)
{
	const struct param *p = param_of(e, a);
	struct cell c = param_value(p, k);

	return a->places != NULL ? a->places[k] : unit_of(p, &c);
}

/* The index of the value @c: the inverse of param_value(). */
static uint64_t index_of(const struct param *p, const struct cell *c)
{
	switch (p->type) {
	case PARAM_FLOAT:
		return (uint64_t)nearbyint((c->f - p->min) / p->step);
	case PARAM_INT:
		return (uint64_t)(c->i - p->int_min) / (uint64_t)p->int_step;
	case PARAM_CHOICE:
	case PARAM_CONSTANT:
		break;
	}
	return (uint64_t)c->i;
}

uint64_t axis_nearest(const struct encoding *e, const struct axis *a, double u)
{
	uint64_t low = 0, high = a->levels - 1;
	struct cell c;

	if (a->places == NULL) {
		c = unit_cell(param_of(e, a), fmin(fmax(u, 0), 1));
		return index_of(param_of(e, a), &c);
	}
	/* The last place at or below u, then its neighbour if nearer. */
	while (low < high) {
		uint64_t mid = low + (high - low + 1) / 2;

		if (a->places[mid] <= u)
			low = mid;
		else
			high = mid - 1;
	}
	if (low + 1 < a->levels && a->places[low + 1] - u < u - a->places[low])
		low++;
	return low;
}

/* --- points ----------------------------------------------------------------
 */

static double inactive_place(const struct axis *a)
{
	return a->type == AXIS_CHOICE ? INACTIVE_CHOICE : INACTIVE;
}

void encode(const struct encoding *e, const struct cell *config, double *ret_x)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];
		const struct cell *c = &config[a->param];

		if (!c->active)
			ret_x[i] = inactive_place(a);
		else if (a->type == AXIS_CHOICE)
			ret_x[i] = (double)c->i;
		else
			ret_x[i] = unit_of(param_of(e, a), c);
	}
}

static uint64_t choice_at(const struct axis *a, double u)
{
	return (uint64_t)fmin(fmax(u, 0), (double)a->levels - 1);
}

static struct cell value_at(const struct encoding *e, const struct axis *a,
			    double u)
{
	const struct param *p = param_of(e, a);

	if (a->type == AXIS_CHOICE)
		return param_value(p, choice_at(a, u));
	if (a->type == AXIS_GRID)
		return param_value(p, axis_nearest(e, a, u));
	return unit_cell(p, fmin(fmax(u, 0), 1));
}

void decode(const struct encoding *e, const double *u, struct cell *ret_config)
{
	/* Whatever varies not at all has its one value. */
	for (size_t i = 0; i < e->space->n; i++)
		ret_config[i] = unit_cell(&e->space->params[i], 0);
	for (size_t i = 0; i < e->n; i++)
		ret_config[e->axes[i].param] = value_at(e, &e->axes[i], u[i]);
	space_activate(e->space, ret_config);
}

void encoding_snap(const struct encoding *e, double *x, struct cell *scratch)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];

		if (a->type == AXIS_CHOICE)
			x[i] = (double)choice_at(a, x[i]);
		else if (a->type == AXIS_GRID)
			x[i] = axis_place(e, a, axis_nearest(e, a, x[i]));
		else
			x[i] = fmin(fmax(x[i], 0), 1);
	}
	if (!e->is_conditional)
		return;
	decode(e, x, scratch);
	for (size_t i = 0; i < e->n; i++) {
		if (!scratch[e->axes[i].param].active)
			x[i] = inactive_place(&e->axes[i]);
	}
}
