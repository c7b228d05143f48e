/*
 * The method "symptoms": what ails one trial. Of a running one the core tells
 * it as of now, of an ended one it is stored. Those that ended before there
 * were symptoms to store are examined when somebody asks, by a worker, for
 * their curves may be long.
 */
#include "core/checkup.h"
#include "request.h"

#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

struct examination {
	uv_work_t work;
	struct server *s;
	struct late_reply *asked;
	int64_t search, number;
	cJSON *trial; /* its row */
	struct search_spec *spec;
	struct checkup *checkup; /* borrows the spec */
	cJSON *result;
	struct diag diag;
	int answer; /* RPC error or 0 */
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

static void do_examine(uv_work_t *work)
{
	struct examination *x = work->data;
	struct store_bound bound = { .stop = &x->s->workers_end };
	auto_free char *path = xasprintf("%s/hps.db", x->s->paths.state_dir);
	struct store *store = NULL;
	struct symptoms found;
	int r = store_open_reader(path, &bound, &store, &x->diag);

	if (r == 0) {
		r = store_reader_loads(store);
		if (r == 0)
			r = store_load_metrics(store, x->search, x->number,
					       add_metric, x);
		if (r != 0)
			diag_add(&x->diag, "",
				 "the database cannot be read: %s",
				 store_error(store));
	}
	store_close(store);
	x->answer = r == 0 ? 0 : RPC_INTERNAL;
	if (r != 0)
		return;
	checkup_find(x->checkup,
		     (enum trial_state)trial_state_find(
			 json_get_text(x->trial, "state")),
		     json_get_text(x->trial, "reason"), NULL, &found);
	put(x->result, &found);
	symptoms_fini(&found);
}

static void on_examined(uv_work_t *work, int status)
{
	struct examination *x = work->data;

	api_answer(x->s, x->asked, x->answer, x->result, &x->diag);
	checkup_free(x->checkup);
	search_free(x->spec);
	cJSON_Delete(x->trial);
	cJSON_Delete(x->result);
	diag_free(&x->diag);
	free(x);
}

static int examine(struct request *req, int64_t search, int64_t number,
		   const cJSON *trial)
{
	auto_free char *file = NULL;
	struct search_spec *spec;
	struct examination *x;

	if (store_read_file(req->s->store, search, &file) != 0)
		return request_failed(req);
	if (search_parse(file, strlen(file), &spec, &req->diag) != 0)
		return RPC_INTERNAL;
	x = xcalloc(1, sizeof(*x));
	x->spec = spec;
	x->checkup = checkup_new(spec);
	x->s = req->s;
	x->asked = api_reply_late(req);
	x->search = search;
	x->number = number;
	x->trial = cJSON_Duplicate(trial, true);
	x->result = cJSON_CreateObject();
	x->work.data = x;
	(void)uv_queue_work(&x->s->loop, &x->work, do_examine, on_examined);
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
		return examine(req, id, number, trial);
	}
	request_put(req, "symptoms", rows);
	request_put(req, "note", NULL);
	return 0;
}
