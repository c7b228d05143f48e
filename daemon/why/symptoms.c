#include "why/symptoms.h"

#include "why/rules.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>

void symptoms_fini(struct symptoms *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].text);
		cJSON_Delete(s->list[i].data);
	}
	free(s->note);
	*s = (struct symptoms){ 0 };
}

const struct symptom *symptoms_get(const struct symptoms *s,
				   enum symptom_kind kind)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].kind == kind)
			return &s->list[i];
	return NULL;
}

cJSON *symptoms_json(const struct symptoms *s)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < s->n; i++) {
		const struct symptom *f = &s->list[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "symptom",
					symptom_kind_name(f->kind));
		json_add_number(o, "strength", f->strength);
		json_add_integer(o, "step", f->step);
		cJSON_AddStringToObject(o, "text", f->text);
		cJSON_AddStringToObject(o, "try", f->advice);
		cJSON_AddItemToObject(o, "data",
				      cJSON_Duplicate(f->data, true));
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

/* By weight, the highest first. */
static void sort(struct exam *e)
{
	struct symptoms *s = e->found;

	for (size_t i = 1; i < s->n; i++) {
		for (size_t k = i; k > 0 && e->weights[k] > e->weights[k - 1];
		     k--) {
			struct symptom f = s->list[k];
			double w = e->weights[k];

			s->list[k] = s->list[k - 1];
			s->list[k - 1] = f;
			e->weights[k] = e->weights[k - 1];
			e->weights[k - 1] = w;
		}
	}
}

static void look_closer(struct exam *e)
{
	rules_stuck(e);
	rules_overfitting(e);
	rules_rough(e);
	rules_unlearned(e);
	rules_plateau(e);
	rules_healthy(e);
}

void symptoms_find(const struct series *s, const struct run_end *end,
		   const struct siblings *siblings, struct symptoms *ret)
{
	static const struct run_end unknown;
	struct exam *e = xcalloc(1, sizeof(*e));
	size_t n;

	*ret = (struct symptoms){ 0 };
	e->end = end != NULL ? end : &unknown;
	e->found = ret;
	measures_of(s, siblings, &e->m);
	n = e->m.main->trend.reported;
	if (n == 0)
		rules_no_output(e);
	rules_late_crash(e);
	rules_diverged(e);
	if (symptoms_get(ret, SYMPTOM_DIVERGED) == NULL && n > 0)
		look_closer(e);
	sort(e);
	if (n == 1)
		ret->note = xstrdup("There is one point: too little to tell "
				    "how it learns.");
	else if (n > 1 && n < 4)
		ret->note = xasprintf("There are %zu points: too little to "
				      "tell more.",
				      n);
	free(e);
}
