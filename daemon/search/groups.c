#include "search/groups.h"

#include <assert.h>

static bool same_condition(const struct condition *a, const struct condition *b)
{
	if (a->parent != b->parent || a->n_values != b->n_values ||
	    a->has_min != b->has_min || a->has_max != b->has_max ||
	    (a->has_min && a->min != b->min) ||
	    (a->has_max && a->max != b->max))
		return false;
	for (size_t i = 0; i < a->n_values; i++) {
		if (!scalar_equal(&a->values[i], &b->values[i]))
			return false;
	}
	return true;
}

static bool same_conditions(const struct param *a, const struct param *b)
{
	if (a->n_conditions != b->n_conditions)
		return false;
	for (size_t i = 0; i < a->n_conditions; i++) {
		if (!same_condition(&a->conditions[i], &b->conditions[i]))
			return false;
	}
	return true;
}

void groups_init(struct groups *g, const struct space *space)
{
	bool taken[LIMIT_PARAMS] = { false };
	size_t n = 0;

	assert(space->n <= LIMIT_PARAMS);
	g->n = 0;
	for (size_t k = 0; k < space->n; k++)
		taken[k] = param_cardinality(&space->params[k]) == 1;
	for (size_t k = 0; k < space->n; k++) {
		const struct param *head = &space->params[space->order[k]];

		if (taken[space->order[k]])
			continue;
		g->first[g->n++] = n;
		for (size_t j = k; j < space->n; j++) {
			size_t i = space->order[j];

			if (taken[i] ||
			    !same_conditions(head, &space->params[i]))
				continue;
			taken[i] = true;
			g->members[n++] = i;
		}
	}
	g->first[g->n] = n;
}
