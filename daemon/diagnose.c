/*
 * The method "why": what all trials of a search show together, read and
 * computed by a worker.
 */
#include "request.h"
#include "search/sampler.h"
#include "why/report.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What ails one trial, in the order of their numbers. */
struct ailing {
	int64_t trial;     /* trial_record.id */
	uint32_t symptoms; /* bits 1 << enum symptom_kind */
};

/* Of a search with a budget: what a trial came to with so much of it. */
struct level_result {
	int64_t trial; /* trial_record.id */
	int64_t run;
	double value;
};

struct diagnosis {
	int64_t search;
	struct diag *reterr;
	cJSON *result;
	/* What is read. */
	struct search_spec *spec;
	struct ailing *ailing; /* [n_ailing] */
	size_t n_ailing, next_ailing;
	struct level_result *levels; /* [n_levels], in that order too */
	size_t n_levels, next_level;
	int64_t level;             /* the run whose results are compared */
	struct cell *configs;      /* [n][spec->space->n] */
	double *scores;            /* [n]; NaN of the last, which failed */
	struct trial_facts *facts; /* [n] */
	size_t n, room, n_results;
	bool takes_failed; /* those without a result, in a second pass */
};

static int on_search(void *ctx, const struct search_record *r)
{
	struct diagnosis *d = ctx;

	cJSON_AddStringToObject(d->result, "search", r->name);
	return search_parse(r->spec, strlen(r->spec), &d->spec, d->reterr);
}

static int on_symptom(void *ctx, int64_t trial, enum symptom_kind kind)
{
	struct diagnosis *d = ctx;

	if (d->n_ailing == 0 || d->ailing[d->n_ailing - 1].trial != trial) {
		d->ailing = xreallocarray(d->ailing, d->n_ailing + 1,
					  sizeof(*d->ailing));
		d->ailing[d->n_ailing++] = (struct ailing){ .trial = trial };
	}
	d->ailing[d->n_ailing - 1].symptoms |= 1U << kind;
	return 0;
}

/* Trials come in the order of the symptoms. */
static uint32_t symptoms_of(struct diagnosis *d, int64_t trial)
{
	if (d->next_ailing == d->n_ailing ||
	    d->ailing[d->next_ailing].trial != trial)
		return 0;
	return d->ailing[d->next_ailing++].symptoms;
}

/* --- results ----------------------------------------------------------------
 */

static int on_result(void *ctx, int64_t trial, int64_t run, double v)
{
	struct diagnosis *d = ctx;

	d->levels =
	    xreallocarray(d->levels, d->n_levels + 1, sizeof(*d->levels));
	d->levels[d->n_levels++] = (struct level_result){ trial, run, v };
	return 0;
}

static size_t count_level(const struct diagnosis *d, int64_t run)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_levels; i++)
		n += d->levels[i].run == run;
	return n;
}

/* With the most of the budget that enough trials have had. */
static void choose_level(struct diagnosis *d)
{
	d->level = d->spec->runs - 1;
	while (d->level > 0 && count_level(d, d->level) < FINDINGS_TRIALS)
		d->level--;
}

/* What trial @id came to with so much of the budget; NaN: it had less. */
static double level_value(struct diagnosis *d, int64_t id)
{
	double v = (double)NAN;

	while (d->next_level < d->n_levels &&
	       d->levels[d->next_level].trial == id) {
		const struct level_result *r = &d->levels[d->next_level++];

		if (r->run == d->level)
			v = r->value;
	}
	return v;
}

static bool is_of_patience(const struct trial_record *r)
{
	return strncmp(r->reason, "patience@", 9) == 0;
}

/*
 * With a budget: by what equally much of it came to. One that was stopped with
 * less was worse than those that went on; of one that began with more nothing
 * is known, as of one that goes on from another trial's checkpoint.
 */
static double score_at_level(struct diagnosis *d, const struct trial_record *r)
{
	double v = level_value(d, r->id);
	bool is_done = r->state == TRIAL_DONE;
	bool is_pruned = r->state == TRIAL_PRUNED;
	bool is_on = r->state == TRIAL_QUEUED || r->state == TRIAL_RUNNING;

	if (lineage_has_parent(&r->lineage))
		return (double)NAN;
	/* What was imported had all that it takes. */
	if (r->origin == ORIGIN_IMPORTED && d->level == d->spec->runs - 1 &&
	    is_done && r->has_value && isnan(v))
		v = r->value;
	if ((is_done || is_pruned || is_on) && isfinite(v))
		return v;
	if (strcmp(r->reason, "diverged") == 0 ||
	    (is_pruned && r->runs <= d->level && !is_of_patience(r)))
		return (double)INFINITY;
	return (double)NAN;
}

/* The rule "patience" stops what improves no more, not what is bad. */
static double score_by_value(const struct trial_record *r)
{
	bool is_bad =
	    r->state == TRIAL_PRUNED || strcmp(r->reason, "diverged") == 0;
	bool counts = r->state == TRIAL_DONE ||
		      (r->state == TRIAL_PRUNED && is_of_patience(r));

	if (counts && r->has_value && r->kind == VALUE_FINITE)
		return r->value;
	return is_bad || (counts && r->has_value) ? (double)INFINITY
						  : (double)NAN;
}

/* What is known of a trial by its end: NaN is nothing. */
static double known_score(struct diagnosis *d, const struct trial_record *r)
{
	double v = d->spec->budget.name != NULL ? score_at_level(d, r)
						: score_by_value(r);

	return isfinite(v) && d->spec->goal == GOAL_MAXIMIZE ? -v : v;
}

/* --- trials -----------------------------------------------------------------
 */

static void make_room(struct diagnosis *d)
{
	if (d->n < d->room)
		return;
	d->room = d->room == 0 ? 64 : 2 * d->room;
	d->scores = xreallocarray(d->scores, d->room, sizeof(*d->scores));
	d->facts = xreallocarray(d->facts, d->room, sizeof(*d->facts));
	d->configs = xreallocarray(
	    d->configs, d->room, (d->spec->space->n + 1) * sizeof(*d->configs));
}

static int on_trial(void *ctx, const struct trial_record *r)
{
	struct diagnosis *d = ctx;
	const struct space *space = d->spec->space;
	auto_diag struct diag faults = DIAG_INIT;
	auto_json cJSON *params = NULL;
	double score = known_score(d, r);
	bool has_failed = r->state == TRIAL_FAILED && isnan(score);
	uint32_t symptoms = symptoms_of(d, r->id);

	if (d->takes_failed ? !has_failed : isnan(score))
		return 0;
	make_room(d);
	params = cJSON_Parse(r->params);
	/* One of an older version that does not fit is left out. */
	if (space_read(space, params, d->configs + d->n * space->n, &faults) !=
	    0)
		return 0;
	d->facts[d->n] = (struct trial_facts){
		.number = r->number,
		.symptoms = symptoms,
		.has_failed = has_failed,
	};
	d->scores[d->n++] = score;
	return 0;
}

static int read_trials(struct diagnosis *d, struct store *reader)
{
	int r = store_load_symptoms(reader, d->search, on_symptom, d);

	if (r == 0 && d->spec->budget.name != NULL)
		r = store_load_results(reader, d->search, on_result, d);
	if (r == 0)
		choose_level(d);
	if (r == 0)
		r = store_load_trials(reader, d->search, on_trial, d);
	d->n_results = d->n;
	d->takes_failed = true;
	d->next_ailing = d->next_level = 0;
	if (r == 0)
		r = store_load_trials(reader, d->search, on_trial, d);
	return r;
}

static int read_search(struct diagnosis *d, struct store *reader)
{
	int r = store_reader_loads(reader);

	if (r == 0)
		r = store_load_search(reader, d->search, on_search, d);
	if (r == 0 && d->spec != NULL)
		r = read_trials(d, reader);
	return r;
}

/* Which results are compared, where trials come to several. */
static void put_compared(struct diagnosis *d)
{
	const char *budget = d->spec->budget.name;
	size_t n = count_level(d, d->level);
	auto_free char *text = NULL;

	if (budget == NULL) {
		cJSON_AddNullToObject(d->result, "compared");
		return;
	}
	if (d->spec->population > 0)
		text = xasprintf("results with %s = %lld, of the first "
				 "generation",
				 budget, (long long)d->spec->budget.min);
	else
		text = xasprintf("results with %s = %lld, which %zu trial%s",
				 budget,
				 (long long)search_level(d->spec, d->level), n,
				 n == 1 ? " has" : "s have");
	cJSON_AddStringToObject(d->result, "compared", text);
}

static void conclude(struct diagnosis *d)
{
	struct search_facts facts = {
		.results = {
			.space = d->spec->space,
			.configs = d->configs,
			.scores = d->scores,
			.n = d->n_results,
		},
		.facts = d->facts,
		.n = d->n,
		.metric = d->spec->metric,
		.goal = d->spec->goal,
		.learns = sampler_of(d->spec)->learns,
	};

	cJSON_AddStringToObject(d->result, "metric", d->spec->metric);
	cJSON_AddStringToObject(d->result, "goal", goal_name(d->spec->goal));
	put_compared(d);
	report(&facts, d->spec->seed, d->result);
}

/* On a worker. */
static int read_why(struct store *reader, int64_t search, const cJSON *params,
		    cJSON *result, struct diag *reterr)
{
	struct diagnosis d = { .search = search,
			       .reterr = reterr,
			       .result = result };
	int r = read_search(&d, reader);

	if (r == 0 && d.spec != NULL)
		conclude(&d);
	search_free(d.spec);
	free(d.configs);
	free(d.scores);
	free(d.facts);
	free(d.ailing);
	free(d.levels);
	return r;
}

int question_why(struct request *req)
{
	int64_t id;
	int r = request_find_search(req, &id);

	return r != 0 ? r : request_read_late(req, id, NULL, read_why);
}
