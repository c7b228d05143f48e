/*
 * The method "symptoms": what ails one trial. Of a running one the core tells
 * it as of now, of an ended one it is stored. Those that ended before there
 * were symptoms to store are examined when somebody asks, by a worker, for
 * their curves may be long.
 */
#include "core/checkup.h"
#include "request.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

struct examination {
	struct search_spec *spec;
	struct checkup *checkup; /* borrows the spec */
	struct diag *reterr;
};

static void put(cJSON *result, const struct symptoms *found)
{
	cJSON_AddItemToObject(result, "symptoms", symptoms_json(found));
	if (found->note != NULL)
		cJSON_AddStringToObject(result, "note", found->note);
	else
		cJSON_AddNullToObject(result, "note");
}

static int add_metric(void *ctx, int64_t trial, int64_t run,
		      const struct metric_record *m)
{
	struct examination *x = ctx;
	struct checkup_news ignored;

	checkup_report(x->checkup, m, &ignored);
	return 0;
}

static int on_search(void *ctx, const struct search_record *r)
{
	struct examination *x = ctx;

	return search_parse(r->spec, strlen(r->spec), &x->spec, x->reterr);
}

static int read_curves(struct examination *x, struct store *reader,
		       int64_t search, int64_t number)
{
	int r = store_reader_loads(reader);

	if (r == 0)
		r = store_load_search(reader, search, on_search, x);
	if (x->spec == NULL)
		return r;
	x->checkup = checkup_new(x->spec);
	return store_load_metrics(reader, search, number, add_metric, x);
}

/* On a worker; @trial is its row. */
static int examine(struct store *reader, int64_t search, const cJSON *trial,
		   cJSON *result, struct diag *reterr)
{
	struct examination x = { .reterr = reterr };
	int r = read_curves(&x, reader, search,
			    json_get_integer(trial, "number", 0));
	struct symptoms found;

	if (r == 0 && x.checkup != NULL) {
		checkup_find(x.checkup,
			     (enum trial_state)trial_state_find(
				 json_get_text(trial, "state")),
			     json_get_text(trial, "reason"), NULL, &found);
		put(result, &found);
		symptoms_fini(&found);
	}
	checkup_free(x.checkup);
	search_free(x.spec);
	return r;
}

/* The run that the symptoms are of: the latest one's. */
static int put_run(struct request *req, int64_t search, int64_t number)
{
	auto_json cJSON *attempts = NULL;
	const cJSON *last;

	if (store_read_attempts(req->s->store, search, number, &attempts) != 0)
		return request_failed(req);
	last = cJSON_GetArrayItem(attempts, cJSON_GetArraySize(attempts) - 1);
	json_add_integer(req->result, "run", json_get_integer(last, "run", 0));
	return 0;
}

int question_symptoms(struct request *req)
{
	int64_t number = json_get_integer(req->params, "trial", 0);
	auto_json cJSON *trial = NULL;
	cJSON *rows = NULL;
	struct symptoms found;
	int64_t id;
	int r = request_find_trial(req, &id, &trial);

	if (r == 0)
		r = put_run(req, id, number);
	if (r != 0)
		return r;
	if (core_symptoms(req->s->core, id, number, &found)) {
		put(req->result, &found);
		symptoms_fini(&found);
		return 0;
	}
	if (store_read_symptoms(req->s->store, id, number, &rows) != 0)
		return request_failed(req);
	if (cJSON_GetArraySize(rows) == 0 &&
	    !cJSON_IsNull(json_get(trial, "ended"))) {
		cJSON_Delete(rows);
		return request_read_late(req, id, cJSON_Duplicate(trial, true),
					 examine);
	}
	request_put(req, "symptoms", rows);
	request_put(req, "note", NULL);
	return 0;
}
