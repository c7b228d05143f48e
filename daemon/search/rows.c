#include "search/rows.h"

#include "schema/mem.h"

#include <stdlib.h>

#define ROWS_MAX   2000 /* of an exact model */
#define LOCAL_ROWS 1200 /* of one of more results */

struct place {
	double key;
	size_t i;
};

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

static int by_index(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

size_t rows_spread(const struct evidence *v, size_t n, size_t max, size_t *ret)
{
	auto_free struct place *order = xcalloc(n + 1, sizeof(*order));
	size_t best = max / 2, others = max - best;

	for (size_t i = 0; i < n; i++) {
		order[i] = (struct place){ v->score[i], i };
		if (n <= max)
			ret[i] = i;
	}
	if (n <= max)
		return n;
	qsort(order, n, sizeof(*order), by_key);
	for (size_t k = 0; k < best; k++)
		ret[k] = order[k].i;
	/* By rank, so that all heights are there. */
	for (size_t k = 0; k < others; k++)
		ret[best + k] = order[best + k * (n - best) / others].i;
	qsort(ret, max, sizeof(*ret), by_index);
	return max;
}

size_t rows_local(const struct evidence *v, const struct gp *g, size_t *ret)
{
	size_t n = v->results.n, third = LOCAL_ROWS / 3, used = 0;
	const double *centre = v->results.x + v->best * v->d;
	auto_free struct place *order = NULL;
	auto_free bool *in = NULL;

	if (n <= ROWS_MAX)
		return rows_spread(v, n, ROWS_MAX, ret);
	order = xcalloc(n, sizeof(*order));
	in = xcalloc(n, sizeof(*in));
	used = rows_spread(v, n, 2 * third, ret);
	for (size_t k = 0; k < used; k++)
		in[ret[k]] = true;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct place){
			gp_distance(g, centre, v->results.x + i * v->d), i
		};
	qsort(order, n, sizeof(*order), by_key);
	for (size_t i = 0; i < n && used < LOCAL_ROWS; i++) {
		if (!in[order[i].i])
			ret[used++] = order[i].i;
	}
	qsort(ret, used, sizeof(*ret), by_index);
	return used;
}
