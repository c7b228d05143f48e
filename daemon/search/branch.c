#include "search/branch.h"

/* The values beside the one at @x; of an inactive choice none. */
static uint64_t others(const struct axis *a, double x)
{
	return a->type == AXIS_CHOICE && x >= 0 ? a->levels - 1 : 0;
}

bool branch_beside(const struct encoding *e, const double *x, uint64_t turn,
		   struct branch *ret)
{
	uint64_t n = 0, k;
	size_t i = 0;

	for (size_t j = 0; j < e->n; j++)
		n += others(&e->axes[j], x[j]);
	if (n == 0)
		return false;
	k = turn % n;
	for (; k >= others(&e->axes[i], x[i]); i++)
		k -= others(&e->axes[i], x[i]);
	*ret = (struct branch){ .axis = i,
				.choice = (double)k < x[i] ? (double)k
							   : (double)k + 1 };
	return true;
}
