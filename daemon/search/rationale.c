#include "search/rationale.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Exploration from which it is more that than the rest. */
#define EXPLORES 0.5

static const char *const why_names[] = {
	[WHY_DESIGN] = "design", [WHY_START] = "start",
	[WHY_MODEL] = "model",   [WHY_FALLBACK] = "fallback",
	[WHY_NEXT] = "next",     [WHY_COPY] = "copy",
	[WHY_CHANCE] = "chance",
};

void rationale_add_nearest(struct rationale *r, size_t number, double distance,
			   double value)
{
	size_t at = r->n_nearest;

	if (at == NEAREST_MAX && distance >= r->nearest[at - 1].distance)
		return;
	if (at < NEAREST_MAX)
		r->n_nearest++;
	else
		at--;
	for (; at > 0 && distance < r->nearest[at - 1].distance; at--)
		r->nearest[at] = r->nearest[at - 1];
	r->nearest[at].number = number;
	r->nearest[at].distance = distance;
	r->nearest[at].value = value;
}

/* --- the sentence -----------------------------------------------------------
 */

static void add_results(struct buf *b, size_t n)
{
	buf_addf(b, "%zu %s", n, n == 1 ? "result" : "results");
}

static void add_expected(struct buf *b, const struct search_spec *spec,
			 const struct rationale *r)
{
	if (r->exploration >= EXPLORES)
		buf_adds(b, "to learn more, rather than for its result: ");
	else
		buf_adds(b, "for its result: ");
	buf_addf(b, "the model expects %s %.4g", spec->metric, r->mean);
	if (isfinite(r->low) && isfinite(r->high))
		buf_addf(b, " (%.4g to %.4g)", r->low, r->high);
	if (isfinite(r->best))
		buf_addf(b, ", the best so far is %.4g", r->best);
	if (isfinite(r->seconds) && r->seconds > 0)
		buf_addf(b, ", in %.3g s", r->seconds);
	buf_adds(b, "; from ");
	add_results(b, r->observations);
}

/* "1st", "22nd", "113th" */
static void add_ordinal(struct buf *b, size_t n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };
	bool is_teen = n / 10 % 10 == 1;

	buf_addf(b, "%zu%s", n, ends[is_teen || n % 10 > 3 ? 0 : n % 10]);
}

static void add_rank(struct buf *b, size_t rank, size_t of)
{
	if (rank > 1)
		add_ordinal(b, rank);
	buf_addf(b, "%sbest of %zu", rank > 1 ? " " : "", of);
}

/* "x 1.2", or NULL: it is as it was. */
static const char *change_text(const struct param *p, enum change change)
{
	bool is_number = p->type != PARAM_CHOICE;

	switch (change) {
	case CHANGE_LESS:
		return is_number ? "x 0.8" : "one lower";
	case CHANGE_MORE:
		return is_number ? "x 1.2" : "one higher";
	case CHANGE_ANEW:
		return "drawn anew";
	case CHANGE_NONE:
		break;
	}
	return NULL;
}

static void add_changes(struct buf *b, const struct space *space,
			const struct rationale *r)
{
	const char *before = ": ";

	for (size_t i = 0; i < space->n; i++) {
		const char *text =
		    change_text(&space->params[i], r->changes[i]);

		if (text == NULL)
			continue;
		buf_addf(b, "%s%s %s", before, space->params[i].name, text);
		before = ", ";
	}
}

/* Of a member of a population. */
static void add_lineage(struct buf *b, const struct search_spec *spec,
			const struct rationale *r)
{
	const struct lineage *l = &r->lineage;

	buf_addf(b, "generation %lld of member %lld; ",
		 (long long)l->generation, (long long)l->member);
	if (!lineage_has_parent(l)) {
		buf_adds(b, "begins with a configuration of the start-up "
			    "design");
		return;
	}
	buf_addf(b, "%s from trial %lld (%s %.4g, ",
		 r->why == WHY_COPY ? "copied" : "goes on",
		 (long long)l->parent, spec->metric, r->value);
	add_rank(b, r->rank, r->ranked);
	buf_adds(b, ")");
	if (r->why != WHY_COPY)
		return;
	if (r->own_rank == 0 || isnan(r->own_value))
		buf_adds(b, ", as its own has no result");
	else if (r->own_rank == r->ranked)
		buf_addf(b, ", as its own, %.4g, was worst", r->own_value);
	else {
		buf_addf(b, ", as its own, %.4g, was only ", r->own_value);
		add_ordinal(b, r->own_rank);
	}
	add_changes(b, spec->space, r);
}

char *rationale_text(const struct search_spec *spec, const struct rationale *r)
{
	struct buf b = BUF_INIT;

	if (r->lineage.generation > 0) {
		add_lineage(&b, spec, r);
		return buf_take(&b);
	}
	switch (r->why) {
	case WHY_NEXT:
	case WHY_COPY:
		assert(!"of a member");
		break;
	case WHY_DESIGN:
		buf_adds(&b, "chosen as the next point of the sampler's "
			     "sequence");
		break;
	case WHY_START:
		buf_adds(&b, "chosen by the start-up design: ");
		add_results(&b, r->observations);
		buf_adds(&b, " so far, too few for a model");
		break;
	case WHY_MODEL:
		buf_adds(&b, "chosen ");
		if (isfinite(r->mean)) {
			add_expected(&b, spec, r);
			break;
		}
		buf_adds(&b, "since it is more like the better ones of ");
		add_results(&b, r->observations);
		buf_adds(&b, " than like the others");
		break;
	case WHY_FALLBACK:
		buf_adds(&b, "chosen by chance: the model cannot tell the "
			     "points apart (");
		add_results(&b, r->observations);
		buf_adds(&b, ")");
		break;
	case WHY_CHANCE:
		buf_adds(&b, "chosen by chance, as one in three is where there "
			     "is a budget; there are ");
		add_results(&b, r->observations);
		break;
	}
	return buf_take(&b);
}

/* --- the numbers ------------------------------------------------------------
 */

static void add_number(cJSON *object, const char *name, double v)
{
	char text[32];

	if (!isfinite(v))
		return;
	/* More digits would be the model's noise in a million rows. */
	snprintf(text, sizeof(text), "%.6g", v);
	json_add_number(object, name, strtod(text, NULL));
}

static cJSON *nearest_json(const struct rationale *r)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < r->n_nearest; i++) {
		cJSON *one = cJSON_CreateObject();

		json_add_integer(one, "trial", (int64_t)r->nearest[i].number);
		add_number(one, "distance", r->nearest[i].distance);
		add_number(one, "value", r->nearest[i].value);
		cJSON_AddItemToArray(list, one);
	}
	return list;
}

/* NULL: the sampler says nothing of it. */
static cJSON *relevance_json(const struct space *space,
			     const struct rationale *r)
{
	cJSON *object = NULL;

	for (size_t i = 0; i < space->n; i++) {
		if (r->relevance[i] > 0 && object == NULL)
			object = cJSON_CreateObject();
	}
	for (size_t i = 0; object != NULL && i < space->n; i++) {
		if (space->params[i].type != PARAM_CONSTANT)
			add_number(object, space->params[i].name,
				   r->relevance[i]);
	}
	return object;
}

static void add_lineage_json(cJSON *data, const struct search_spec *spec,
			     const struct rationale *r)
{
	const struct lineage *l = &r->lineage;
	cJSON *changes;

	json_add_integer(data, "generation", l->generation);
	json_add_integer(data, "member", l->member);
	if (!lineage_has_parent(l))
		return;
	json_add_integer(data, "parent", l->parent);
	add_number(data, "value", r->value);
	json_add_integer(data, "rank", (int64_t)r->rank);
	json_add_integer(data, "ranked", (int64_t)r->ranked);
	if (r->why != WHY_COPY)
		return;
	add_number(data, "own_value", r->own_value);
	if (r->own_rank > 0)
		json_add_integer(data, "own_rank", (int64_t)r->own_rank);
	changes = cJSON_AddObjectToObject(data, "changes");
	for (size_t i = 0; i < spec->space->n; i++) {
		const struct param *p = &spec->space->params[i];
		const char *text = change_text(p, r->changes[i]);

		if (text != NULL)
			cJSON_AddStringToObject(changes, p->name, text);
	}
}

char *rationale_data(const struct search_spec *spec, const struct rationale *r)
{
	auto_json cJSON *data = cJSON_CreateObject();
	cJSON *relevance = relevance_json(spec->space, r);

	cJSON_AddStringToObject(data, "why", why_names[r->why]);
	json_add_integer(data, "observations", (int64_t)r->observations);
	json_add_integer(data, "pending", (int64_t)r->pending);
	if (r->observations > 0)
		add_number(data, "best", r->best);
	if (r->why == WHY_MODEL) {
		add_number(data, "mean", r->mean);
		add_number(data, "low", r->low);
		add_number(data, "high", r->high);
		add_number(data, "noise", r->noise);
		add_number(data, "feasible", r->feasible);
		if (r->seconds > 0)
			add_number(data, "seconds", r->seconds);
		if (r->regret > 0)
			add_number(data, "regret", r->regret);
		add_number(data, "exploration", r->exploration);
	}
	if (r->lineage.generation > 0)
		add_lineage_json(data, spec, r);
	if (r->n_nearest > 0)
		cJSON_AddItemToObject(data, "nearest", nearest_json(r));
	if (relevance != NULL)
		cJSON_AddItemToObject(data, "relevance", relevance);
	return json_print(data);
}
