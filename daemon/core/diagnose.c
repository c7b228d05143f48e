/*
 * What ails the trials: looked for while they run and at their ends, saved with
 * the metrics that show it, counted for each search.
 *
 * A look costs as much time as the curves are long, so that it comes when they
 * have become twice as long, at once when a curve is not finite any more, and
 * at the end. When that is depends on the metrics alone, not on how many of
 * them come in one event, so that a restarted daemon looks at the same places.
 */
#include "core/model.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

#define BIT(kind) (1u << (kind))

static void set_kinds(struct trial *t, unsigned kinds)
{
	uint32_t before = symptoms_counted(t->symptoms);
	uint32_t after = symptoms_counted(kinds);

	for (int k = 0; k < NAMES_SYMPTOMS_N; k++)
		t->search->symptoms[k] +=
		    ((after & BIT(k)) != 0) - ((before & BIT(k)) != 0);
	t->symptoms = kinds;
}

void diagnose_load(struct trial *t, enum symptom_kind kind)
{
	set_kinds(t, t->symptoms | BIT(kind));
}

static void tell(struct step *st, const struct trial *t,
		 const struct symptom *f)
{
	auto_json cJSON *data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "symptom", symptom_kind_name(f->kind));
	json_add_number(data, "strength", f->strength);
	json_add_integer(data, "step", f->step);
	search_event(st, t->search, t, "symptom",
		     xasprintf("%s: %s", symptom_kind_name(f->kind), f->text),
		     json_print(data));
}

static struct fx_symptoms rows_of(const struct trial *t,
				  const struct symptoms *found)
{
	struct fx_symptoms rows = { .trial = t->rec.id, .n = found->n };

	rows.list = xcalloc(found->n + 1, sizeof(*rows.list));
	for (size_t i = 0; i < found->n; i++) {
		const struct symptom *f = &found->list[i];

		rows.list[i] = (struct symptom_record){
			.kind = f->kind,
			.strength = f->strength,
			.step = f->step,
			.text = xstrdup(f->text),
			.advice = f->advice,
			.data = json_print(f->data),
		};
	}
	return rows;
}

/* Takes @found in the place of what was known. */
static void save(struct step *st, struct trial *t, struct symptoms *found)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < found->n; i++) {
		const struct symptom *f = &found->list[i];

		kinds |= BIT(f->kind);
		if (f->kind != SYMPTOM_HEALTHY &&
		    (t->symptoms & BIT(f->kind)) == 0)
			tell(st, t, f);
	}
	if (kinds != 0 || t->symptoms != 0)
		fx_save_symptoms(st->fx, rows_of(t, found));
	if (symptoms_counted(kinds) != symptoms_counted(t->symptoms))
		fx_search_changed(st->fx, &t->search->rec);
	set_kinds(t, kinds);
	symptoms_fini(found);
}

void diagnose_find(const struct trial *t, enum trial_state state,
		   const char *reason, struct symptoms *ret)
{
	const struct sorted *results = &t->search->results;
	struct siblings_line others = { .n = results->n };

	if (results->n > 0) {
		others.best = t->search->spec->goal == GOAL_MINIMIZE
				  ? results->v[0]
				  : results->v[results->n - 1];
		others.median = sorted_median(results);
	}
	checkup_find(t->checkup, state, reason, &others, ret);
}

static void look(struct step *st, struct trial *t, enum trial_state state,
		 const char *reason)
{
	struct symptoms found;

	diagnose_find(t, state, reason, &found);
	save(st, t, &found);
}

void diagnose_metric(struct step *st, struct trial *t,
		     const struct checkup_news *news)
{
	const char *reason = t->attempt->rec.stop_reason;
	bool has_diverged = news->is_lost || strcmp(reason, "diverged") == 0;

	if (news->is_due ||
	    (has_diverged && (t->symptoms & BIT(SYMPTOM_DIVERGED)) == 0))
		look(st, t, TRIAL_RUNNING, reason);
}

/* It has had less than all of its budget: it could not have gone on. */
static bool is_short(const struct trial *t)
{
	const struct search_spec *spec = t->search->spec;

	if (spec->budget.name == NULL)
		return false;
	return spec->population > 0
		   ? t->rec.lineage.generation < search_generations(spec)
		   : t->rec.runs < spec->runs;
}

void diagnose_end(struct step *st, struct trial *t, enum trial_state state,
		  const char *reason)
{
	if (state == TRIAL_DONE && is_short(t))
		state = TRIAL_PRUNED;
	/* The user has ended it before it said anything. */
	if (state == TRIAL_CANCELLED && !checkup_has_points(t->checkup))
		return;
	look(st, t, state, reason);
}

void diagnose_forget(struct step *st, struct trial *t)
{
	struct symptoms none = { 0 };

	save(st, t, &none);
}
