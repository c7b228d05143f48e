/* What one parameter does depends on another. */
#include "num/normal.h"
#include "why/finder.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLD 2 /* interactions of a search */

/* A parameter cut in two: a number in the middle, a choice from the others. */
struct half {
	size_t param;
	double threshold; /* of a number: the first half is up to it */
	size_t choice;    /* else the first half is this one */
};

/* Four groups: of the first half of a or not, times the same of b. */
struct contrast {
	struct half a, b;
	double z; /* of the difference of the differences */
};

/* --- results as normal scores
 * ---------------------------------------------------
 */

/* By rank, so that a diverged trial is one of the worst, and no more. */
static double *normal_scores(const struct finder *r)
{
	const struct results *all = &r->f->results;
	double *scores = xcalloc(all->n, sizeof(*scores));

	for (size_t i = 0, end; i < all->n; i = end) {
		double first = all->scores[r->order[i]], rank;

		for (end = i + 1;
		     end < all->n && all->scores[r->order[end]] == first;)
			end++;
		rank = (double)(i + end) / 2;
		for (size_t k = i; k < end; k++)
			scores[r->order[k]] =
			    normal_quantile(rank / (double)all->n);
	}
	return scores;
}

/* --- halves
 * -----------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the lower and the upper half of the trials. */
static double middle_of(const struct finder *r, size_t param)
{
	const struct results *all = &r->f->results;
	const struct param *p = &r->space->params[param];
	auto_free double *v = xcalloc(all->n + 1, sizeof(*v));
	size_t n = 0, k;

	for (size_t i = 0; i < all->n; i++) {
		const struct cell *c = finder_cell(r, i, param);

		if (c->active)
			v[n++] = param_number(p, c);
	}
	if (n < 2)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	for (k = (n - 1) / 2; k > 0 && v[k] == v[n - 1];)
		k--;
	while (k + 1 < n && v[k + 1] == v[k])
		k++;
	return k + 1 < n ? finder_between(v[k], v[k + 1]) : v[k];
}

/* 0 the first half, 1 the second, -1 inactive. */
static int half_of(const struct finder *r, const struct half *h, size_t trial)
{
	const struct param *p = &r->space->params[h->param];
	const struct cell *c = finder_cell(r, trial, h->param);

	if (!c->active)
		return -1;
	if (finder_is_number(p))
		return param_number(p, c) > h->threshold;
	return (size_t)c->i != h->choice;
}

/* Appends the ways to cut @param. */
static void add_halves(const struct finder *r, size_t param, struct half **list,
		       size_t *n)
{
	const struct param *p = &r->space->params[param];
	size_t ways = finder_is_number(p) ? 1 : p->n_values;

	if (!finder_varies(p) || ways > 20)
		return;
	/* Two choices are one way. */
	ways -= ways == 2;
	*list = xreallocarray(*list, *n + ways, sizeof(**list));
	for (size_t k = 0; k < ways; k++)
		(*list)[(*n)++] = (struct half){
			.param = param,
			.choice = k,
			.threshold =
			    finder_is_number(p) ? middle_of(r, param) : 0,
		};
}

/* --- contrasts
 * ---------------------------------------------------------------------
 */

struct groups {
	double sum[4], squares[4];
	double n[4];
};

/* The standard score of the interaction, or 0: groups are too small. */
static double score_of(const struct groups *g)
{
	double mean[4], spread = 0, n = 0, weight = 0;

	for (int k = 0; k < 4; k++) {
		if (g->n[k] < FINDINGS_GROUP)
			return 0;
		mean[k] = g->sum[k] / g->n[k];
		spread += g->squares[k] - g->sum[k] * mean[k];
		weight += 1 / g->n[k];
		n += g->n[k];
	}
	return (mean[0] - mean[1] - mean[2] + mean[3]) /
	       sqrt(fmax(spread / (n - 4), 1e-12) * weight);
}

static double measure(const struct finder *r, const double *scores,
		      const int8_t *a, const int8_t *b)
{
	struct groups g = { 0 };

	for (size_t i = 0; i < r->f->results.n; i++) {
		int k = 2 * a[i] + b[i];

		if (a[i] < 0 || b[i] < 0)
			continue;
		g.sum[k] += scores[i];
		g.squares[k] += scores[i] * scores[i];
		g.n[k]++;
	}
	return score_of(&g);
}

static bool may_interact(const struct finder *r, const struct half *a,
			 const struct half *b)
{
	return a->param != b->param &&
	       (finder_is_number(&r->space->params[a->param]) ||
		finder_is_number(&r->space->params[b->param]));
}

/* --- words
 * --------------------------------------------------------------------------
 */

static char *half_text(const struct finder *r, const struct half *h, int which)
{
	const struct param *p = &r->space->params[h->param];
	struct cell c = { .active = true, .i = (int64_t)h->choice };
	char number[JSON_NUMBER_BYTES];
	auto_free char *value = NULL;

	if (finder_is_number(p))
		return xasprintf("%s %s %s", p->name,
				 which == 0 ? "up to" : "above",
				 json_number_text(h->threshold, number));
	value = finder_cell_text(p, &c);
	return xasprintf("%s%s %s", p->name, which == 0 ? " =" : " other than",
			 value);
}

/* The middle result of a group, infinite if most have none. */
static double median_of(const struct finder *r, const struct contrast *c, int a,
			int b)
{
	const struct results *all = &r->f->results;
	size_t n = 0, seen = 0;

	for (size_t i = 0; i < all->n; i++)
		n += half_of(r, &c->a, i) == a && half_of(r, &c->b, i) == b;
	for (size_t i = 0; i < all->n; i++) {
		size_t trial = r->order[i];

		seen += half_of(r, &c->a, trial) == a &&
			half_of(r, &c->b, trial) == b;
		if (2 * seen >= n)
			return all->scores[trial];
	}
	return (double)INFINITY;
}

/* The four medians in words and as an array. */
static char *medians_text(const struct finder *r, const struct contrast *c,
			  cJSON *medians)
{
	auto_free char *low = half_text(r, &c->a, 0);
	auto_free char *high = half_text(r, &c->a, 1);
	auto_free char *one = half_text(r, &c->b, 0);
	auto_free char *other = half_text(r, &c->b, 1);
	char *m[4], *text;

	for (int k = 0; k < 4; k++) {
		double v = median_of(r, c, k / 2, k % 2);

		m[k] = isinf(v) ? xstrdup("no result")
				: xasprintf("%.3g", finder_value(r, v));
		cJSON_AddItemToArray(
		    medians, isinf(v) ? cJSON_CreateNull()
				      : json_number(finder_value(r, v)));
	}
	text = xasprintf("with %s the median %s is %s for %s and %s for %s; "
			 "with %s it is %s and %s",
			 low, r->f->metric, m[0], one, m[1], other, high, m[2],
			 m[3]);
	for (int k = 0; k < 4; k++)
		free(m[k]);
	return text;
}

static void tell(struct finder *r, const struct contrast *c, double chance)
{
	const char *one = r->space->params[c->a.param].name;
	const char *two = r->space->params[c->b.param].name;
	cJSON *medians = cJSON_CreateArray();
	auto_free char *text = medians_text(r, c, medians);
	struct finding *f =
	    finder_add(r, "interaction",
		       xasprintf("%s and %s interact: %s", one, two, text));

	f->advice = xasprintf("search %s and %s together: which value of one "
			      "is good depends on the other",
			      one, two);
	cJSON_AddStringToObject(f->data, "parameter", one);
	cJSON_AddStringToObject(f->data, "with", two);
	cJSON_AddItemToObject(f->data, "medians", medians);
	json_add_number(f->data, "z", c->z);
	json_add_number(f->data, "p", chance);
}

static int by_z(const void *a, const void *b)
{
	double x = fabs(((const struct contrast *)a)->z);
	double y = fabs(((const struct contrast *)b)->z);

	return (x < y) - (x > y);
}

/* The strongest of each parameter, TOLD at most. */
static void tell_strongest(struct finder *r, struct contrast *list, size_t n)
{
	auto_free bool *is_told = xcalloc(r->space->n, sizeof(*is_told));
	size_t told = 0;

	qsort(list, n, sizeof(*list), by_z);
	for (size_t i = 0; i < n && told < TOLD; i++) {
		const struct contrast *c = &list[i];
		double chance = 2 * normal_cdf(-fabs(c->z)) * (double)n;

		if (chance > FINDER_ALPHA)
			break;
		if (is_told[c->a.param] || is_told[c->b.param])
			continue;
		is_told[c->a.param] = is_told[c->b.param] = true;
		tell(r, c, chance);
		told++;
	}
}

void findings_of_pairs(struct finder *r)
{
	size_t n = 0, n_list = 0, trials = r->f->results.n;
	auto_free double *scores = normal_scores(r);
	auto_free struct half *halves = NULL;
	auto_free struct contrast *list = NULL;
	auto_free int8_t *sides = NULL;

	for (size_t i = 0; i < r->space->n; i++)
		add_halves(r, i, &halves, &n);
	sides = xcalloc(n * trials + 1, sizeof(*sides));
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < trials; i++)
			sides[k * trials + i] =
			    (int8_t)half_of(r, &halves[k], i);
	list = xcalloc(n * n + 1, sizeof(*list));
	for (size_t a = 0; a < n; a++) {
		for (size_t b = a + 1; b < n; b++) {
			double z = !may_interact(r, &halves[a], &halves[b])
				       ? 0
				       : measure(r, scores, sides + a * trials,
						 sides + b * trials);

			/* 0: not tried. */
			if (z != 0)
				list[n_list++] =
				    (struct contrast){ halves[a], halves[b],
						       z };
		}
	}
	tell_strongest(r, list, n_list);
}
