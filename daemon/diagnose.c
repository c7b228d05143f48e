/*
 * The method "why": what a whole search shows of its parameters. A worker reads
 * the search with a connection of its own, and computes.
 */
#include "request.h"
#include "why/report.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	struct cell *configs; /* [n][spec->space->n] */
	double *scores;       /* [n] */
	size_t n, room;
};

static int on_search(void *ctx, const struct search_record *r)
{
	struct diagnosis *d = ctx;

	cJSON_AddStringToObject(d->result, "search", r->name);
	return search_parse(r->spec, strlen(r->spec), &d->spec, &d->diag);
}

/*
 * What is known of a trial by its end: NaN is nothing. The rule "patience"
 * stops what improves no more, not what is bad.
 */
static double score_of(const struct search_spec *spec,
		       const struct trial_record *r)
{
	bool is_pruned = r->state == TRIAL_PRUNED;
	bool counts = r->state == TRIAL_DONE ||
		      (is_pruned && strncmp(r->reason, "patience@", 9) == 0);

	if (counts && r->has_value && r->kind == VALUE_FINITE)
		return spec->goal == GOAL_MINIMIZE ? r->value : -r->value;
	return is_pruned || (counts && r->has_value) ? (double)INFINITY
						     : (double)NAN;
}

static void make_room(struct diagnosis *d)
{
	if (d->n < d->room)
		return;
	d->room = d->room == 0 ? 64 : 2 * d->room;
	d->scores = xreallocarray(d->scores, d->room, sizeof(*d->scores));
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

	if (isnan(score))
		return 0;
	make_room(d);
	params = cJSON_Parse(r->params);
	/* One of an older version that does not fit is left out. */
	if (space_read(space, params, d->configs + d->n * space->n, &faults) ==
	    0)
		d->scores[d->n++] = score;
	return 0;
}

static int read_search(struct diagnosis *d, struct store *reader)
{
	int r = store_reader_loads(reader);

	if (r == 0)
		r = store_load_search(reader, d->search, on_search, d);
	if (r == 0 && d->spec != NULL)
		r = store_load_trials(reader, d->search, on_trial, d);
	if (r < 0)
		diag_add(&d->diag, "", "the database cannot be read: %s",
			 store_error(reader));
	else if (r == 0 && d->spec == NULL)
		diag_add(&d->diag, "", "the search was removed meanwhile");
	return d->diag.n > 0 ? RPC_INTERNAL : 0;
}

static void conclude(struct diagnosis *d)
{
	struct results results = {
		.space = d->spec->space,
		.configs = d->configs,
		.scores = d->scores,
		.n = d->n,
	};

	cJSON_AddStringToObject(d->result, "metric", d->spec->metric);
	cJSON_AddStringToObject(d->result, "goal", goal_name(d->spec->goal));
	json_add_integer(d->result, "trials", (int64_t)d->n);
	report_importance(&results, d->spec->goal, d->spec->seed, d->result);
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
