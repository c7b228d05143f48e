#include "search/sorted.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The index of the first number that is not below @v. */
static size_t find(const struct sorted *s, double v)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->v[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void reserve(struct sorted *s)
{
	if (s->n < s->cap)
		return;
	s->cap = s->cap > 0 ? 2 * s->cap : 8;
	s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
}

void sorted_add(struct sorted *s, double v)
{
	size_t i = find(s, v);

	assert(!isnan(v));
	reserve(s);
	memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof(*s->v));
	s->v[i] = v;
	s->n++;
}

void sorted_remove(struct sorted *s, double v)
{
	size_t i = find(s, v);

	assert(i < s->n && s->v[i] == v);
	s->n--;
	memmove(s->v + i, s->v + i + 1, (s->n - i) * sizeof(*s->v));
}

void sorted_append(struct sorted *s, double v)
{
	assert(!isnan(v));
	reserve(s);
	s->v[s->n++] = v;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void sorted_finish(struct sorted *s)
{
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

/* Halves first, so that nothing overflows; equal ones stay what they are. */
static double middle(double a, double b)
{
	return a == b ? a : a / 2 + b / 2;
}

double sorted_median(const struct sorted *s)
{
	assert(s->n > 0);
	return middle(s->v[(s->n - 1) / 2], s->v[s->n / 2]);
}

double sorted_median_without(const struct sorted *s, double v)
{
	size_t gap = find(s, v);
	size_t n = s->n - 1;
	size_t a, b;

	assert(s->n > 1 && gap < s->n && s->v[gap] == v);
	a = (n - 1) / 2;
	b = n / 2;
	return middle(s->v[a + (a >= gap)], s->v[b + (b >= gap)]);
}

double sorted_limit(const struct sorted *s, size_t kept, double v)
{
	assert(kept > 0 && kept <= s->n);
	return isinf(v) && isinf(s->v[kept - 1]) ? s->v[0] : s->v[kept - 1];
}

void sorted_free(struct sorted *s)
{
	free(s->v);
	*s = (struct sorted){ 0 };
}
