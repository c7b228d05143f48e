#include "why/marginal.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>

struct placed {
	uint64_t part;
	double score;
};

static int by_part(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return (x->score > y->score) - (x->score < y->score);
}

/* So few values, or no order among them, that each is a part. */
static bool is_told_by_value(const struct param *p)
{
	uint64_t n = param_cardinality(p);

	return p->type == PARAM_CHOICE || p->type == PARAM_CONSTANT ||
	       (n > 0 && n <= MARGINAL_PARTS);
}

static double number_of_value(const struct param *p, uint64_t k)
{
	struct cell c = param_value(p, k);

	return param_number(p, &c);
}

/* The end of part @k - 1 and the beginning of part @k of a range. */
static double edge(const struct param *p, uint64_t k)
{
	double t = (double)k / MARGINAL_PARTS;
	double low = scale_apply(p->scale, param_min(p));
	double high = scale_apply(p->scale, param_max(p));

	if (k == 0 || k == MARGINAL_PARTS)
		return k == 0 ? param_min(p) : param_max(p);
	return scale_invert(p->scale, (1 - t) * low + t * high);
}

static uint64_t part_of(const struct param *p, const struct cell *c)
{
	bool by_value = is_told_by_value(p);
	uint64_t n = by_value ? param_cardinality(p) : MARGINAL_PARTS, k = 0;
	double v;

	if (p->type == PARAM_CHOICE || p->type == PARAM_CONSTANT)
		return (uint64_t)c->i;
	v = param_number(p, c);
	while (k + 1 < n &&
	       v >= (by_value ? number_of_value(p, k + 1) : edge(p, k + 1)))
		k++;
	return k;
}

static void set_ends(const struct param *p, uint64_t part, struct marginal *m)
{
	double low = edge(p, part), high = edge(p, part + 1);

	if (is_told_by_value(p)) {
		m->low = m->high = param_value(p, part);
		return;
	}
	m->low = m->high = (struct cell){ .active = true };
	if (p->type == PARAM_INT) {
		m->low.i = (int64_t)ceil(low);
		m->high.i = (int64_t)ceil(high) - (part + 1 < MARGINAL_PARTS);
	} else {
		m->low.f = low;
		m->high.f = high;
	}
}

/* Of sorted scores, between two of them where it must be. */
static double quantile(const struct placed *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1), part = at - floor(at);
	double a = sorted[(size_t)at].score;
	double b = sorted[(size_t)ceil(at)].score;

	return part == 0 ? a : isinf(b) ? b : a + part * (b - a);
}

static struct marginal part_from(const struct param *p,
				 const struct placed *sorted, size_t n)
{
	struct marginal m = { .n = n, .best = sorted[0].score };

	set_ends(p, sorted[0].part, &m);
	m.quarter = quantile(sorted, n, 0.25);
	m.median = quantile(sorted, n, 0.5);
	m.three_quarters = quantile(sorted, n, 0.75);
	return m;
}

size_t marginal_find(const struct results *r, size_t param,
		     struct marginal **ret_list)
{
	const struct param *p = &r->space->params[param];
	auto_free struct placed *all = xcalloc(r->n + 1, sizeof(*all));
	size_t n = 0, n_parts = 0;

	*ret_list = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const struct cell *c = results_cell(r, i, param);

		if (c->active)
			all[n++] =
			    (struct placed){ part_of(p, c), r->scores[i] };
	}
	qsort(all, n, sizeof(*all), by_part);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && all[next].part == all[i].part;)
			next++;
		*ret_list =
		    xreallocarray(*ret_list, n_parts + 1, sizeof(**ret_list));
		(*ret_list)[n_parts++] = part_from(p, all + i, next - i);
	}
	return n_parts;
}
