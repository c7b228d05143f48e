#include "why/report.h"

#include "why/importance.h"
#include "why/marginal.h"
#include "why/symptoms.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>

#define CURVE_PARTS 50 /* a longer one is no answer */

static cJSON *cell_json(const struct param *p, const struct cell *c)
{
	struct scalar v = param_scalar(p, c);

	return scalar_json(&v);
}

static void add_score(cJSON *object, const char *name, enum goal goal,
		      double score)
{
	if (isinf(score))
		cJSON_AddNullToObject(object, name);
	else
		json_add_number(object, name,
				goal == GOAL_MINIMIZE ? score : -score);
}

static cJSON *part_json(const struct param *p, const struct marginal *m,
			enum goal goal)
{
	cJSON *part = cJSON_CreateObject();

	if (p->type == PARAM_CHOICE ||
	    param_number(p, &m->low) == param_number(p, &m->high)) {
		cJSON_AddItemToObject(part, "value", cell_json(p, &m->low));
	} else {
		cJSON_AddItemToObject(part, "low", cell_json(p, &m->low));
		cJSON_AddItemToObject(part, "high", cell_json(p, &m->high));
	}
	json_add_integer(part, "trials", (int64_t)m->n);
	add_score(part, "best", goal, m->best);
	add_score(part, "quarter", goal, m->quarter);
	add_score(part, "median", goal, m->median);
	add_score(part, "three_quarters", goal, m->three_quarters);
	return part;
}

static cJSON *curve_json(const struct results *r, size_t param, enum goal goal)
{
	auto_free struct marginal *list = NULL;
	size_t n = marginal_find(r, param, &list);
	cJSON *curve = cJSON_CreateArray();

	for (size_t i = 0; i < n && n <= CURVE_PARTS; i++)
		cJSON_AddItemToArray(
		    curve, part_json(&r->space->params[param], &list[i], goal));
	return curve;
}

static const char *scale_name(const struct param *p)
{
	if (p->type == PARAM_CHOICE)
		return p->ordered ? "ordered" : "choice";
	switch (p->scale) {
	case SCALE_LINEAR:
		break;
	case SCALE_LOG:
		return "log";
	case SCALE_LOGIT:
		return "logit";
	}
	return "linear";
}

/* @m NULL: nothing is known of @param. */
static cJSON *parameter_json(const struct results *r, size_t param,
			     const struct importance *m, enum goal goal)
{
	const struct param *p = &r->space->params[param];
	cJSON *object = cJSON_CreateObject();
	size_t n = 0;

	cJSON_AddStringToObject(object, "parameter", p->name);
	if (m != NULL) {
		json_add_number(object, "share", m->share);
		json_add_number(object, "low", m->low);
		json_add_number(object, "high", m->high);
		json_add_number(object, "chance", m->chance);
	}
	for (size_t i = 0; i < r->n; i++)
		n += results_cell(r, i, param)->active;
	json_add_integer(object, "trials", (int64_t)n);
	cJSON_AddStringToObject(object, "scale", scale_name(p));
	cJSON_AddItemToObject(object, "curve", curve_json(r, param, goal));
	return object;
}

static void add_unknown(cJSON *object, int answer, const struct results *r)
{
	auto_free char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += isfinite(r->scores[i]);
	if (answer == IMPORTANCE_FEW)
		text = xasprintf("%zu trial%s ended, %zu of them with a "
				 "result, too few to tell which parameters "
				 "matter (it takes %d, and %d)",
				 r->n, r->n == 1 ? " has" : "s have", n,
				 IMPORTANCE_TRIALS, IMPORTANCE_BEST);
	else if (answer == IMPORTANCE_EQUAL)
		text = xstrdup("the best results are equal, and nothing "
			       "divides them from the others");
	cJSON_AddItemToObject(object, "unknown",
			      text != NULL ? cJSON_CreateString(text)
					   : cJSON_CreateNull());
}

static bool varies(const struct param *p)
{
	return p->type != PARAM_CONSTANT && param_cardinality(p) != 1;
}

static void report_importance(const struct results *r, enum goal goal,
			      uint64_t seed, cJSON *object)
{
	auto_free struct importance *list = NULL;
	cJSON *parameters = cJSON_CreateArray();
	size_t n = 0;
	int answer = importance_find(r, seed, &list, &n);

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(
		    parameters,
		    parameter_json(r, list[i].param, &list[i], goal));
	for (size_t i = 0; i < r->space->n && n == 0; i++) {
		if (varies(&r->space->params[i]))
			cJSON_AddItemToArray(parameters,
					     parameter_json(r, i, NULL, goal));
	}
	cJSON_AddItemToObject(object, "importance", parameters);
	add_unknown(object, answer, r);
}

struct count {
	size_t kind, n;
};

static int by_count(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

static cJSON *count_symptoms(const struct search_facts *f)
{
	struct count counts[NAMES_SYMPTOMS_N];
	cJSON *object = cJSON_CreateObject();

	for (size_t kind = 0; kind < NAMES_SYMPTOMS_N; kind++) {
		counts[kind] = (struct count){ .kind = kind };
		for (size_t i = 0; i < f->n; i++) {
			uint32_t s = symptoms_counted(f->facts[i].symptoms);

			counts[kind].n += (s >> kind) & 1;
		}
	}
	qsort(counts, NAMES_SYMPTOMS_N, sizeof(counts[0]), by_count);
	for (size_t i = 0; i < NAMES_SYMPTOMS_N && counts[i].n > 0; i++)
		json_add_integer(
		    object,
		    symptom_kind_name((enum symptom_kind)counts[i].kind),
		    (int64_t)counts[i].n);
	return object;
}

static const char learnt[] =
    "the sampler learns, so its trials lie where it expected good results: "
    "widths of ranges, choices and interactions are judged of grid, random and "
    "sobol alone";

void report(const struct search_facts *f, uint64_t seed, cJSON *object)
{
	struct findings found;

	json_add_integer(object, "trials", (int64_t)f->n);
	json_add_integer(object, "with_result", (int64_t)f->results.n);
	cJSON_AddItemToObject(object, "symptoms", count_symptoms(f));
	findings_find(f, &found);
	cJSON_AddItemToObject(object, "findings", findings_json(&found));
	findings_fini(&found);
	cJSON_AddItemToObject(object, "note",
			      f->learns ? cJSON_CreateString(learnt)
					: cJSON_CreateNull());
	report_importance(&f->results, f->goal, seed, object);
}
