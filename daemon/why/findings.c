#include "why/findings.h"

#include "why/finder.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TENTH 0.1

/* --- what they share --------------------------------------------------------
 */

struct finding *finder_add(struct finder *r, const char *kind, char *text)
{
	struct findings *ret = r->ret;

	ret->list = xreallocarray(ret->list, ret->n + 1, sizeof(*ret->list));
	ret->list[ret->n] = (struct finding){
		.kind = kind,
		.text = text,
		.data = cJSON_CreateObject(),
	};
	return &ret->list[ret->n++];
}

cJSON *finder_change(struct finding *f, const struct param *p)
{
	if (f->change == NULL) {
		f->change = cJSON_CreateObject();
		cJSON_AddStringToObject(f->change, "parameter", p->name);
	}
	return f->change;
}

bool finder_varies(const struct param *p)
{
	return p->type != PARAM_CONSTANT && param_cardinality(p) != 1;
}

bool finder_is_number(const struct param *p)
{
	return p->type == PARAM_FLOAT || p->type == PARAM_INT;
}

double finder_place(const struct param *p, const struct cell *c)
{
	double low = scale_apply(p->scale, param_min(p));
	double high = scale_apply(p->scale, param_max(p));

	return (scale_apply(p->scale, param_number(p, c)) - low) / (high - low);
}

double finder_number(const struct param *p, double place)
{
	double low = scale_apply(p->scale, param_min(p));
	double high = scale_apply(p->scale, param_max(p));

	return scale_invert(p->scale, (1 - place) * low + place * high);
}

double finder_grain(const struct param *p)
{
	double n = (double)param_cardinality(p);

	return n > 0 ? 1 / n : 0;
}

static double with_digits(double v, int digits)
{
	char text[JSON_NUMBER_BYTES];

	(void)snprintf(text, sizeof(text), "%.*e", digits - 1, v);
	return strtod(text, NULL);
}

double finder_between(double low, double high)
{
	double middle = low > 0 ? sqrt(low) * sqrt(high) : low / 2 + high / 2;

	for (int digits = 1; digits < 17; digits++) {
		double v = with_digits(middle, digits);

		if (v >= low && v < high)
			return v;
	}
	return low;
}

double finder_rounded(const struct param *p, double v, bool up)
{
	double rounded = with_digits(v, 2), unit;

	if (p->type == PARAM_INT)
		return up ? ceil(v) : floor(v);
	if (v == 0 || (up ? rounded >= v : rounded <= v))
		return rounded;
	unit = pow(10, floor(log10(fabs(v))) - 1);
	return with_digits(up ? rounded + unit : rounded - unit, 2);
}

double finder_value(const struct finder *r, double score)
{
	return r->f->goal == GOAL_MINIMIZE ? score : -score;
}

char *finder_cell_text(const struct param *p, const struct cell *c)
{
	struct scalar v = param_scalar(p, c);
	struct buf b = BUF_INIT;

	if (p->type == PARAM_FLOAT)
		buf_addf(&b, "%.3g", c->f);
	else
		scalar_print(&v, &b);
	return buf_take(&b);
}

void finder_put_number(cJSON *object, const char *name, const struct param *p,
		       double v)
{
	if (p->type == PARAM_INT)
		json_add_integer(object, name, (int64_t)v);
	else
		json_add_number(object, name, v);
}

/* --- all together ------------------------------------------------------------
 */

struct placed {
	double score;
	size_t trial;
};

static int by_score(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? 1 : -1;
	return (x->trial > y->trial) - (x->trial < y->trial);
}

/* The best tenth, and all that are as good as the last of it. */
static void rank_trials(struct finder *r)
{
	const struct results *all = &r->f->results;
	auto_free struct placed *list = xcalloc(all->n + 1, sizeof(*list));
	double wanted = fmax(ceil(TENTH * (double)all->n), FINDINGS_GROUP);

	for (size_t i = 0; i < all->n; i++) {
		list[i] = (struct placed){ all->scores[i], i };
		r->n_finite += isfinite(all->scores[i]);
	}
	qsort(list, all->n, sizeof(*list), by_score);
	for (size_t i = 0; i < all->n; i++)
		r->order[i] = list[i].trial;
	if (r->n_finite < FINDINGS_TRIALS)
		return;
	while (r->n_best < r->n_finite &&
	       ((double)r->n_best < wanted ||
		list[r->n_best].score == list[r->n_best - 1].score))
		r->is_best[list[r->n_best++].trial] = true;
	/* Where half are equally good there are no best ones. */
	if (r->n_best * 2 > r->n_finite)
		r->n_best = 0;
}

void findings_find(const struct search_facts *f, struct findings *ret)
{
	struct finder r = {
		.f = f,
		.space = f->results.space,
		.order = xcalloc(f->results.n + 1, sizeof(size_t)),
		.is_best = xcalloc(f->n + 1, sizeof(bool)),
		.ret = ret,
	};

	*ret = (struct findings){ 0 };
	rank_trials(&r);
	findings_of_symptoms(&r);
	if (r.n_best > 0) {
		findings_of_ends(&r);
		findings_of_lengths(&r);
	}
	if (r.n_best > 0 && !f->learns) {
		findings_of_widths(&r);
		findings_of_choices(&r);
		findings_of_pairs(&r);
	}
	if (r.n_best > 0)
		findings_of_noise(&r);
	free(r.order);
	free(r.is_best);
}

void findings_fini(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].text);
		free(f->list[i].advice);
		cJSON_Delete(f->list[i].data);
		cJSON_Delete(f->list[i].change);
	}
	free(f->list);
	*f = (struct findings){ 0 };
}

cJSON *findings_json(const struct findings *f)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *one = &f->list[i];
		cJSON *object = cJSON_CreateObject();

		cJSON_AddStringToObject(object, "finding", one->kind);
		cJSON_AddStringToObject(object, "text", one->text);
		cJSON_AddStringToObject(object, "try", one->advice);
		cJSON_AddItemToObject(object, "data",
				      cJSON_Duplicate(one->data, true));
		cJSON_AddItemToObject(object, "change",
				      one->change != NULL
					  ? cJSON_Duplicate(one->change, true)
					  : cJSON_CreateNull());
		cJSON_AddItemToArray(list, object);
	}
	return list;
}
