/*
 * The method "why": what all trials of a search show together. A worker reads
 * them with a connection of its own, and computes.
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
	uv_work_t work;
	struct server *s;
	struct late_reply *asked;
	struct store_bound bound; /* of the reader */
	char *database;
	int64_t search;
	int error; /* 0 or enum rpc_error */
	struct diag diag;
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
	return search_parse(r->spec, strlen(r->spec), &d->spec, &d->diag);
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
	if (r < 0)
		diag_add(&d->diag, "", "the database cannot be read: %s",
			 store_error(reader));
	else if (r == 0 && d->spec == NULL)
		diag_add(&d->diag, "", "the search was removed meanwhile");
	return d->diag.n > 0 ? RPC_INTERNAL : 0;
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

static void do_diagnosis(uv_work_t *work)
{
	struct diagnosis *d = work->data;
	struct store *reader = NULL;

	if (store_open_reader(d->database, &d->bound, &reader, &d->diag) != 0)
		d->error = RPC_INTERNAL;
	else
		d->error = read_search(d, reader);
	store_close(reader);
	if (d->error == 0)
		conclude(d);
}

static void on_diagnosis(uv_work_t *work, int status)
{
	struct diagnosis *d = work->data;

	api_answer(d->s, d->asked, d->error, d->result, &d->diag);
	cJSON_Delete(d->result);
	search_free(d->spec);
	diag_free(&d->diag);
	free(d->configs);
	free(d->scores);
	free(d->facts);
	free(d->ailing);
	free(d->database);
	free(d);
}

int question_why(struct request *req)
{
	struct server *s = req->s;
	struct diagnosis *d;
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	d = xcalloc(1, sizeof(*d));
	d->s = s;
	d->search = id;
	d->asked = api_reply_late(req);
	d->bound.stop = &s->workers_end;
	d->database = xasprintf("%s/hps.db", s->paths.state_dir);
	d->result = cJSON_CreateObject();
	d->work.data = d;
	(void)uv_queue_work(&s->loop, &d->work, do_diagnosis, on_diagnosis);
	return 0;
}
