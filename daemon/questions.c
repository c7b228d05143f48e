/* Methods that change nothing: most are rows of the store. */
#include "curves.h"
#include "request.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HPSD_VERSION
#error "HPSD_VERSION is given by the build"
#endif

static int put_rows(struct request *req, const char *name, int r, cJSON *rows)
{
	if (r != 0) {
		cJSON_Delete(rows);
		return request_failed(req);
	}
	request_put(req, name, rows);
	return 0;
}

/* Rows of one page: a row more was read than is shown, to know of others. */
static int put_page(struct request *req, const char *name, int r, cJSON *rows,
		    int64_t limit)
{
	bool more = cJSON_GetArraySize(rows) > limit;

	if (more)
		cJSON_DeleteItemFromArray(rows, (int)limit);
	cJSON_AddBoolToObject(req->result, "more", more);
	return put_rows(req, name, r, rows);
}

static int64_t limit_of(const struct request *req, int64_t fallback)
{
	int64_t limit = json_get_integer(req->params, "limit", fallback);

	return limit < LIMIT_PAGE ? limit : LIMIT_PAGE;
}

int question_version(struct request *req)
{
	struct server *s = req->s;

	cJSON_AddStringToObject(req->result, "version", HPSD_VERSION);
	json_add_integer(req->result, "protocol", RPC_PROTOCOL);
	json_add_integer(req->result, "pid", getpid());
	cJSON_AddStringToObject(req->result, "state_dir", s->paths.state_dir);
	cJSON_AddStringToObject(req->result, "socket", s->paths.socket);
	json_add_integer(req->result, "started", s->started.now_ms);
	return 0;
}

int question_list(struct request *req)
{
	cJSON *rows = NULL;
	int r = store_read_searches(req->s->store, &rows);

	return put_rows(req, "searches", r, rows);
}

/* Of the queued trials of a search those that wait; left out: none may. */
static void add_waiting(const struct server *s, int64_t search, cJSON *row)
{
	struct moment now = server_now();
	struct core_progress p;

	if (!core_has_search(s->core, search))
		return;
	core_progress(s->core, search, &now, &p);
	if (p.spec->resumes)
		json_add_integer(row, "waiting", p.paused);
}

int question_show(struct request *req)
{
	struct store *store = req->s->store;
	auto_free char *text = NULL;
	auto_free char *relevance = NULL;
	cJSON *row = NULL, *best = NULL, *events = NULL, *symptoms = NULL;
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_search(store, id, &row) != 0)
		return request_failed(req);
	add_waiting(req->s, id, row);
	request_put(req, "search", row);
	if (store_read_file(store, id, &text) != 0)
		return request_failed(req);
	cJSON_AddStringToObject(req->result, "file", text);
	if (store_read_best(store, id, 1, &best) != 0)
		return request_failed(req);
	request_put(req, "best", cJSON_DetachItemFromArray(best, 0));
	cJSON_Delete(best);
	relevance = explain_relevance(req->s, id);
	request_put(req, "relevance",
		    relevance != NULL ? cJSON_CreateString(relevance) : NULL);
	if (store_count_symptoms(store, id, &symptoms) != 0)
		return request_failed(req);
	request_put(req, "symptoms", symptoms);
	request_put(req, "running", running_list(req->s, id, true));
	r = store_read_events(store, id, -1, 10, &events);
	return put_rows(req, "last", r, events);
}

int question_trials(struct request *req)
{
	const char *state = json_get_text(req->params, "state");
	int64_t limit = limit_of(req, LIMIT_PAGE);
	cJSON *rows = NULL;
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	if (state != NULL && trial_state_find(state) < 0) {
		diag_add(&req->diag, "state",
			 "\"%s\" is no state of a trial (queued, running, "
			 "done, pruned, failed, cancelled or lost)",
			 state);
		return RPC_BAD_INPUT;
	}
	r = store_read_trials(req->s->store, id, state,
			      json_get_integer(req->params, "from", 0),
			      limit + 1, &rows);
	return put_page(req, "trials", r, rows, limit);
}

static cJSON *texts(char **strv)
{
	int n = 0;

	if (strv == NULL)
		return NULL;
	while (strv[n] != NULL)
		n++;
	return cJSON_CreateStringArray((const char *const *)strv, n);
}

/* @with_params: apart from the command, too. */
static void put_command(struct request *req, int64_t search, const cJSON *trial,
			bool with_params)
{
	struct trial_command command = { 0 };

	if (trial != NULL)
		(void)server_trial_command(req->s, search, trial, &command);
	request_put(req, "command", texts(command.argv));
	if (with_params) {
		request_put(req, "args", texts(command.args));
		request_put(req, "env", texts(command.env));
		request_put(req, "params", command.params);
		command.params = NULL;
	}
	trial_command_fini(&command);
}

int question_best(struct request *req)
{
	cJSON *rows = NULL;
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	r = store_read_best(req->s->store, id, limit_of(req, 1), &rows);
	if (r == 0)
		put_command(req, id, cJSON_GetArrayItem(rows, 0), true);
	return put_rows(req, "trials", r, rows);
}

int question_trial(struct request *req)
{
	cJSON *row = NULL, *attempts = NULL;
	int64_t id, number;
	auto_free char *dir = NULL;
	auto_free char *log = NULL;
	int r = request_find_trial(req, &id, &row);

	if (r != 0)
		return r;
	request_put(req, "trial", row);
	number = json_get_integer(req->params, "trial", 0);
	dir = server_trial_dir(req->s, id, number);
	log = xasprintf("%s/output.log", dir);
	cJSON_AddStringToObject(req->result, "log", log);
	put_command(req, id, row, false);
	r = store_read_attempts(req->s->store, id, number, &attempts);
	return put_rows(req, "attempts", r, attempts);
}

/*
 * The place behind the last of the rows, "RUN STEP NAME": a text, for a step
 * may be more than a double holds exactly. New; NULL: nothing is there.
 */
static cJSON *metrics_place(const struct request *req, const cJSON *rows)
{
	const cJSON *last =
	    cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
	auto_free char *step = NULL;
	auto_free char *place = NULL;

	if (!json_get_bool(req->result, "more", false))
		return NULL;
	step = json_print(json_get(last, "step"));
	place =
	    xasprintf("%lld %s %s", (long long)json_get_integer(last, "run", 0),
		      step, json_get_text(last, "name"));
	return cJSON_CreateString(place);
}

/* Goes on behind the number and a blank. */
static bool read_number(const char **text, int64_t *ret)
{
	char *end;

	*ret = strtoll(*text, &end, 10);
	if (end == *text || *end != ' ')
		return false;
	*text = end + 1;
	return true;
}

/* What metrics_place() wrote; the name is borrowed. */
static int read_place(struct request *req, struct store_metrics_page *ret)
{
	const char *place = json_get_text(req->params, "after");
	const char *text = place;

	if (place == NULL)
		return 0;
	if (!read_number(&text, &ret->after.run) ||
	    !read_number(&text, &ret->after.step)) {
		diag_add(&req->diag, "after",
			 "\"%.64s\" is no place in metrics (must be \"next\" "
			 "of the page before)",
			 place);
		return RPC_BAD_INPUT;
	}
	ret->after.name = text;
	return 0;
}

int question_metrics(struct request *req)
{
	struct store_metrics_page page = {
		.only = json_get_text(req->params, "name"),
		.limit = LIMIT_PAGE + 1,
	};
	auto_json cJSON *row = NULL;
	cJSON *rows = NULL;
	int64_t id;
	int r = request_find_trial(req, &id, &row);

	if (r == 0)
		r = read_place(req, &page);
	if (r != 0)
		return r;
	r = store_read_metrics(req->s->store, id,
			       json_get_integer(req->params, "trial", 0), &page,
			       &rows);
	r = put_page(req, "metrics", r, rows, LIMIT_PAGE);
	if (r == 0)
		request_put(req, "next", metrics_place(req, rows));
	return r;
}

static void add_point(void *ctx, int64_t number, int64_t step, double value)
{
	curves_add(ctx, number, step, value);
}

/* On a worker. */
static int read_curves(struct store *reader, int64_t search,
		       const cJSON *params, cJSON *result, struct diag *reterr)
{
	struct curves *curves = curves_new(LIMIT_CURVE_POINTS);
	const char *metric = json_get_text(params, "metric");
	int64_t every = json_get_integer(params, "every", 1);
	int r =
	    store_read_curves(reader, search, metric, every, add_point, curves);

	cJSON_AddStringToObject(result, "metric", metric);
	json_add_integer(result, "every", every);
	cJSON_AddItemToObject(result, "curves", curves_take(curves));
	curves_free(curves);
	return r;
}

int question_curves(struct request *req)
{
	const char *name = json_get_text(req->params, "name");
	auto_json cJSON *row = NULL;
	cJSON *params;
	int64_t id, trials = 0;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_search(req->s->store, id, &row) != 0)
		return request_failed(req);
	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		trials += json_get_integer(row, trial_state_names[i], 0);
	if (name == NULL)
		name = json_get_text(row, "metric");
	params = cJSON_CreateObject();
	cJSON_AddStringToObject(params, "metric", name);
	json_add_integer(params, "every",
			 1 + (trials > 0 ? trials - 1 : 0) / LIMIT_CURVES);
	return request_read_late(req, id, params, read_curves);
}

int question_explain(struct request *req)
{
	struct store *store = req->s->store;
	bool of_trial = json_get(req->params, "trial") != NULL;
	int64_t number = json_get_integer(req->params, "trial", -1);
	auto_json cJSON *row = NULL;
	auto_json cJSON *attempts = NULL;
	auto_json cJSON *symptoms = NULL;
	cJSON *events = NULL;
	int64_t id;
	int r = of_trial ? request_find_trial(req, &id, &row)
			 : request_find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_events(store, id, number, 100, &events) != 0)
		return request_failed(req);
	request_put(req, "events", events);
	if (!of_trial) {
		if (store_read_search(store, id, &row) != 0)
			return request_failed(req);
		request_put(req, "sentences", explain_search(req->s, id, row));
		return 0;
	}
	if (store_read_attempts(store, id, number, &attempts) != 0 ||
	    store_read_symptoms(store, id, number, &symptoms) != 0)
		return request_failed(req);
	request_put(req, "sentences",
		    explain_trial(req->s, id, row, attempts, events, symptoms));
	return 0;
}

static int64_t resident_bytes(void)
{
	long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	(void)fclose(f);
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void put_storage(struct request *req)
{
	const struct server *s = req->s;
	const char *words = "ok";

	if (s->lost != NULL)
		words = s->lost;
	else if (s->stalled)
		words = store_error(s->store);
	cJSON_AddStringToObject(req->result, "storage", words);
}

/* What the core knows, while there is one. */
static void put_load(struct request *req)
{
	static const char *const names[] = { "slots_used", "open_searches",
					     "running" };
	const struct server *s = req->s;
	struct core_load load;

	json_add_integer(req->result, "slots", s->config.slots);
	for (size_t i = 0; s->lost != NULL && i < 3; i++)
		request_put(req, names[i], NULL);
	if (s->lost != NULL)
		return;
	core_load_now(s->core, &load);
	json_add_integer(req->result, names[0], load.slots_used);
	json_add_integer(req->result, names[1], load.searches);
	json_add_integer(req->result, names[2], load.running);
}

int question_status(struct request *req)
{
	struct server *s = req->s;
	auto_free char *database = xasprintf("%s/hps.db", s->paths.state_dir);
	cJSON_AddStringToObject(req->result, "version", HPSD_VERSION);
	json_add_integer(req->result, "pid", getpid());
	json_add_integer(req->result, "uptime_ms",
			 server_now().boot_ms - s->started.boot_ms);
	put_load(req);
	json_add_integer(req->result, "clients",
			 (int64_t)listener_count(s->listener));
	json_add_integer(req->result, "memory_bytes", resident_bytes());
	cJSON_AddStringToObject(req->result, "state_dir", s->paths.state_dir);
	cJSON_AddStringToObject(req->result, "database", database);
	put_storage(req);
	cJSON_AddStringToObject(req->result, "socket", s->paths.socket);
	request_put(req, "config",
		    s->config_file != NULL ? cJSON_CreateString(s->config_file)
					   : NULL);
	return 0;
}

int question_subscribe(struct request *req)
{
	int64_t id;
	int r = request_find_search(req, &id);

	if (r != 0)
		return r;
	json_add_integer(req->result, "search", id);
	subscribe(req->s, req->conn, id);
	return 0;
}
