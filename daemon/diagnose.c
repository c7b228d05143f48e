/*
 * The method "why": what all trials of a search show together, read and
 * computed by a worker.
 */
#include "request.h"
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

struct diagnosis {
	int64_t search;
	struct diag *reterr;
	cJSON *result;
	/* What is read. */
	struct search_spec *spec;
	struct ailing *ailing; /* [n_ailing] */
	size_t n_ailing, next_ailing;
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

/*
 * What is known of a trial by its end: NaN is nothing. The rule "patience"
 * stops what improves no more, not what is bad.
 */
static double score_of(const struct search_spec *spec,
		       const struct trial_record *r)
{
	bool is_bad =
	    r->state == TRIAL_PRUNED || strcmp(r->reason, "diverged") == 0;
	bool counts =
	    r->state == TRIAL_DONE || (r->state == TRIAL_PRUNED &&
				       strncmp(r->reason, "patience@", 9) == 0);

	if (counts && r->has_value && r->kind == VALUE_FINITE)
		return spec->goal == GOAL_MINIMIZE ? r->value : -r->value;
	return is_bad || (counts && r->has_value) ? (double)INFINITY
						  : (double)NAN;
}

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
	double score = score_of(d->spec, r);
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

	if (r == 0)
		r = store_load_trials(reader, d->search, on_trial, d);
	d->n_results = d->n;
	d->takes_failed = true;
	d->next_ailing = 0;
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
	if (r == 0 && d->spec == NULL)
		diag_add(d->reterr, "", "the search was removed meanwhile");
	return r;
}

static bool learns(enum sampler_type sampler)
{
	return sampler == SAMPLER_TPE || sampler == SAMPLER_CMAES ||
	       sampler == SAMPLER_GP;
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
		.learns = learns(d->spec->sampler),
	};

	cJSON_AddStringToObject(d->result, "metric", d->spec->metric);
	cJSON_AddStringToObject(d->result, "goal", goal_name(d->spec->goal));
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
	return r;
}

int question_why(struct request *req)
{
	int64_t id;
	int r = request_find_search(req, &id);

	return r != 0 ? r : request_read_late(req, id, NULL, read_why);
}
