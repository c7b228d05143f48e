/*
 * The methods of the protocol: what a client asks becomes an event of the core
 * or a question to the store. A reply that tells of a change waits until the
 * change is power-safe.
 */
#include "import.h"
#include "server.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/methods.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef HPSD_VERSION
#error "HPSD_VERSION is given by the build"
#endif

/* One request while it is answered. */
struct request {
	struct server *s;
	struct conn *conn;
	const cJSON *params;
	cJSON *result;     /* object, to be filled */
	struct diag diag;  /* words of an answer that is not 0 */
	cJSON *error_data; /* for the error, or NULL */
	bool changes;      /* something: the reply waits for the disk */
};

/* Returns 0, or the error whose words are in req->diag. */
typedef int handler_fn(struct request *req);

/* --- helpers ---------------------------------------------------------------
 */

/* A failure of the store as an error of the protocol. */
static int internal(struct request *req)
{
	diag_add(&req->diag, "", "the database cannot be read: %s",
		 store_error(req->s->store));
	return RPC_INTERNAL;
}

static int find_named(struct request *req, const char *what, int64_t *ret_id)
{
	int r = store_find_search(req->s->store, what, ret_id);

	if (r == 0)
		return 0;
	if (r == STORE_NOT_FOUND)
		diag_add(&req->diag, "",
			 "there is no search \"%s\" (hpctl list shows them)",
			 what);
	else if (r == STORE_AMBIGUOUS)
		diag_add(&req->diag, "",
			 "several searches begin with \"%s\" (hpctl list shows "
			 "them)",
			 what);
	else
		return internal(req);
	return RPC_NOT_FOUND;
}

static int find_search(struct request *req, int64_t *ret_id)
{
	return find_named(req, json_get_text(req->params, "search"), ret_id);
}

/* The search that the request names, held by the core. */
static int load_search(struct request *req, int64_t *ret_id)
{
	int r = find_search(req, ret_id);

	if (r == 0 && server_load(req->s, *ret_id, &req->diag) != 0)
		r = req->diag.n > 0 ? RPC_INTERNAL : internal(req);
	return r;
}

/* The row of the trial that the request names. */
static int find_trial(struct request *req, int64_t *ret_search, cJSON **ret_row)
{
	int64_t number = json_get_integer(req->params, "trial", 0);
	int r = find_search(req, ret_search);

	if (r != 0)
		return r;
	r = store_read_trial(req->s->store, *ret_search, number, ret_row);
	if (r == 0)
		return 0;
	if (r != STORE_NOT_FOUND)
		return internal(req);
	diag_add(&req->diag, "", "search \"%s\" has no trial %lld",
		 json_get_text(req->params, "search"), (long long)number);
	return RPC_NOT_FOUND;
}

static int from_core(int answer)
{
	switch (answer) {
	case 0:
		return 0;
	case CORE_NOT_FOUND:
		return RPC_NOT_FOUND;
	case CORE_CONFLICT:
		return RPC_CONFLICT;
	default:
		return RPC_BAD_INPUT;
	}
}

/* Takes @value, or puts null. */
static void put(struct request *req, const char *name, cJSON *value)
{
	cJSON_AddItemToObject(req->result, name,
			      value != NULL ? value : cJSON_CreateNull());
}

static int put_rows(struct request *req, const char *name, int r, cJSON *rows)
{
	if (r != 0) {
		cJSON_Delete(rows);
		return internal(req);
	}
	put(req, name, rows);
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

/* --- commands ----------------------------------------------------------------
 */

/* One event to the core about a search that it holds or has to load. */
static int command(struct request *req, struct event *ev)
{
	int r = load_search(req, &ev->search);

	if (r != 0)
		return r;
	ev->at = server_now();
	r = server_step(req->s, ev, &req->diag);
	req->changes = r == 0;
	return from_core(r);
}

static int simple_command(struct request *req, enum event_type type)
{
	struct event ev = {
		.type = type,
		.number = json_get_integer(req->params, "trial", 0),
	};
	int r = command(req, &ev);

	if (r == 0) {
		struct moment now = server_now();
		struct core_progress p;

		core_progress(req->s->core, ev.search, &now, &p);
		cJSON_AddStringToObject(req->result, "state",
					search_state_name(p.search->state));
	}
	return r;
}

static int do_pause(struct request *req)
{
	return simple_command(req, EV_PAUSE);
}

static int do_resume(struct request *req)
{
	return simple_command(req, EV_RESUME);
}

static int do_cancel(struct request *req)
{
	return simple_command(req, EV_CANCEL);
}

static int do_kill(struct request *req)
{
	return simple_command(req, EV_KILL);
}

static int do_retry(struct request *req)
{
	return simple_command(req, EV_RETRY);
}

static int do_extend(struct request *req)
{
	struct event ev = { .type = EV_EXTEND };
	int r;

	ev.extend.trials = json_get_integer(req->params, "trials", 0);
	r = command(req, &ev);
	if (r == 0)
		json_add_integer(req->result, "trials", ev.extend.trials);
	return r;
}

/* The configuration of `params` in the space of a held search. */
static int read_config(struct request *req, const struct space *space,
		       struct cell *ret_config)
{
	if (space_read(space, json_get(req->params, "params"), ret_config,
		       &req->diag) == 0)
		return 0;
	req->error_data = rpc_print_faults(&req->diag);
	return RPC_BAD_INPUT;
}

static int do_add(struct request *req)
{
	struct event ev = { .type = EV_ADD };
	auto_free struct cell *config = NULL;
	struct moment now = server_now();
	struct core_progress p;
	int r = load_search(req, &ev.search);

	if (r != 0)
		return r;
	core_progress(req->s->core, ev.search, &now, &p);
	config = xcalloc(p.spec->space->n, sizeof(*config));
	ev.add.config = config;
	r = read_config(req, p.spec->space, config);
	if (r == 0)
		r = command(req, &ev);
	if (r == 0)
		json_add_integer(req->result, "trial", p.created);
	return r;
}

/* --- import
 * -------------------------------------------------------------------- */

/* The same key: the same answer. Returns 0 if there is no such import. */
static int import_again(struct request *req, int64_t search, bool *ret_known)
{
	auto_json cJSON *row = NULL;
	int r = store_read_import(req->s->store, search,
				  json_get_text(req->params, "key"), &row);

	*ret_known = r == 0;
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r != 0)
		return internal(req);
	cJSON_Delete(req->result);
	req->result = cJSON_DetachItemFromObject(row, "data");
	cJSON_DeleteItemFromObject(req->result, "key");
	/* The first answer may not have been sent: its sync is waited for. */
	req->changes = true;
	return 0;
}

/* What is to be imported, from either source. */
static int read_import(struct request *req, int64_t search,
		       const struct search_spec *spec, struct import *ret)
{
	const cJSON *trials = json_get(req->params, "trials");
	const char *from = json_get_text(req->params, "from");
	int64_t id;
	int r;

	if ((trials == NULL) == (from == NULL)) {
		diag_add(&req->diag, "",
			 "trials or a search to take them from: one of them");
		return RPC_INVALID_PARAMS;
	}
	if (trials != NULL) {
		r = import_read(spec->space, trials, ret, &req->diag);
	} else {
		r = find_named(req, from, &id);
		if (r != 0)
			return r;
		if (id == search) {
			diag_add(&req->diag, "from",
				 "\"%s\" is the search itself", from);
			return RPC_BAD_INPUT;
		}
		r = import_copy(req->s->store, id, spec, ret, &req->diag);
	}
	if (r < 0)
		return internal(req);
	if (r > 0 && trials != NULL)
		req->error_data = rpc_print_faults(&req->diag);
	return r > 0 ? RPC_BAD_INPUT : 0;
}

/* The answer, which is kept in the import's event, too. */
static void put_import(struct request *req, const struct import *import,
		       int64_t first)
{
	json_add_integer(req->result, "trials", (int64_t)import->n);
	json_add_integer(req->result, "first", first);
	json_add_integer(req->result, "without_result", import->without_result);
	json_add_integer(req->result, "unfit", import->unfit);
	put(req, "why",
	    import->why != NULL ? cJSON_CreateString(import->why) : NULL);
}

static char *import_data(const struct request *req)
{
	auto_json cJSON *data = cJSON_Duplicate(req->result, true);

	cJSON_AddStringToObject(data, "key", json_get_text(req->params, "key"));
	return json_print(data);
}

static int do_import(struct request *req)
{
	const char *from = json_get_text(req->params, "from");
	const char *source = json_get_text(req->params, "source");
	auto_import struct import import = { 0 };
	auto_free char *data = NULL;
	struct event ev = { .type = EV_IMPORT };
	struct moment now = server_now();
	struct core_progress p;
	bool known = false;
	int r = load_search(req, &ev.search);

	if (r == 0)
		r = import_again(req, ev.search, &known);
	if (r != 0 || known)
		return r;
	core_progress(req->s->core, ev.search, &now, &p);
	r = read_import(req, ev.search, p.spec, &import);
	if (r != 0)
		return r;
	put_import(req, &import, p.created);
	data = import_data(req);
	ev.import.rows = import.rows;
	ev.import.n = import.n;
	ev.import.source = from != NULL     ? from
			   : source != NULL ? source
					    : "a client";
	ev.import.data = data;
	return command(req, &ev);
}

/* --- submit
 * -------------------------------------------------------------------- */

static void put_submitted(struct request *req, int64_t id, const char *name,
			  int64_t trials)
{
	json_add_integer(req->result, "search", id);
	cJSON_AddStringToObject(req->result, "name", name);
	json_add_integer(req->result, "trials", trials);
}

/* The same key: the same answer. Returns 0 if there is no such search. */
static int answer_again(struct request *req, bool *ret_known)
{
	auto_json cJSON *row = NULL;
	int64_t id;
	int r = store_find_key(req->s->store, json_get_text(req->params, "key"),
			       &id);

	*ret_known = r == 0;
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r == 0)
		r = store_read_search(req->s->store, id, &row);
	if (r != 0)
		return internal(req);
	/* The first answer may not have been sent: its sync is waited for. */
	req->changes = true;
	put_submitted(req, id, json_get_text(row, "name"),
		      json_get_integer(row, "trials", 0));
	return 0;
}

static int check_name(struct request *req, const char *name)
{
	int64_t id;
	int r;

	if (!search_name_is_valid(name)) {
		diag_add(&req->diag, "name",
			 "\"%s\" is no name (letters, digits, _ . -, at most "
			 "%d, not - or . first)",
			 name, LIMIT_NAME_BYTES);
		return RPC_BAD_INPUT;
	}
	r = store_find_name(req->s->store, name, &id);
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r != 0)
		return internal(req);
	diag_add(&req->diag, "",
		 "there is a search \"%s\" already: submit it under another "
		 "name (--name OTHER), go on with it (hpctl extend %s --trials "
		 "N) or remove it (hpctl rm %s)",
		 name, name, name);
	return RPC_CONFLICT;
}

static int check_place(struct request *req, const char *workdir,
		       const char *env)
{
	struct stat st;

	if (workdir[0] != '/')
		diag_add(&req->diag, "workdir",
			 "\"%s\" must be an absolute path", workdir);
	else if (stat(workdir, &st) < 0)
		diag_add(&req->diag, "workdir", "\"%s\": %s", workdir,
			 strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		diag_add(&req->diag, "workdir", "\"%s\" is no directory",
			 workdir);
	if (strlen(env) > LIMIT_ENVIRON_BYTES)
		diag_add(&req->diag, "environ",
			 "the environment is larger than %d bytes: submit from "
			 "a smaller one (env -i ...)",
			 LIMIT_ENVIRON_BYTES);
	return req->diag.n > 0 ? RPC_BAD_INPUT : 0;
}

static int do_submit(struct request *req)
{
	const char *text = json_get_text(req->params, "file");
	const char *name = json_get_text(req->params, "name");
	const char *workdir = json_get_text(req->params, "workdir");
	auto_free char *env = json_print(json_get(req->params, "environ"));
	struct event ev = { .type = EV_SUBMIT, .at = server_now() };
	struct search_spec *spec;
	struct core_progress p;
	bool known;
	int r = answer_again(req, &known);

	if (r != 0 || known)
		return r;
	if (search_parse(text, strlen(text), &spec, &req->diag) != 0) {
		req->error_data = rpc_print_faults(&req->diag);
		return RPC_BAD_INPUT;
	}
	r = check_name(req, name != NULL ? name : spec->name);
	if (r == 0)
		r = check_place(req, workdir, env);
	if (r != 0) {
		search_free(spec);
		return r;
	}
	ev.submit.name = name != NULL ? name : spec->name;
	ev.submit.spec = spec;
	ev.submit.key = json_get_text(req->params, "key");
	ev.submit.text = text;
	ev.submit.workdir = workdir;
	ev.submit.environ = env;
	r = server_step(req->s, &ev, &req->diag);
	if (r != 0)
		return from_core(r);
	req->changes = true;
	core_newest(req->s->core, &ev.at, &p);
	put_submitted(req, p.search->id, p.search->name, p.search->trials_max);
	return 0;
}

/* --- remove
 * -------------------------------------------------------------------- */

struct removal {
	uv_work_t work;
	char *dir;
};

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void do_removal(uv_work_t *work)
{
	struct removal *removal = work->data;

	(void)nftw(removal->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_removed(uv_work_t *work, int status)
{
	struct removal *removal = work->data;

	free(removal->dir);
	free(removal);
}

/* The rows are gone first: what is left of the files belongs to nobody. */
static void remove_files(struct server *s, int64_t search)
{
	struct removal *removal = xcalloc(1, sizeof(*removal));

	removal->dir =
	    xasprintf("%s/trials/%lld", s->paths.state_dir, (long long)search);
	removal->work.data = removal;
	(void)uv_queue_work(&s->loop, &removal->work, do_removal, on_removed);
}

static int64_t trials_of(const cJSON *row)
{
	int64_t n = 0;

	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		n += json_get_integer(row, trial_state_names[i], 0);
	return n;
}

static int do_remove(struct request *req)
{
	struct server *s = req->s;
	auto_json cJSON *row = NULL;
	int64_t id;
	int r = find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_search(s->store, id, &row) != 0)
		return internal(req);
	/* Not held and yet running: a search that could not be loaded. */
	if (core_has_search(s->core, id) ||
	    json_get_integer(row, "running", 0) > 0) {
		diag_add(&req->diag, "",
			 "search \"%s\" has not ended: cancel it first (hpctl "
			 "cancel)",
			 json_get_text(req->params, "search"));
		return RPC_CONFLICT;
	}
	r = store_begin(s->store);
	if (r == 0)
		r = store_delete_search(s->store, id);
	if (r == 0)
		r = store_commit(s->store);
	if (r != 0) {
		store_rollback(s->store);
		return internal(req);
	}
	s->commits++;
	req->changes = true;
	remove_files(s, id);
	json_add_integer(req->result, "removed", trials_of(row));
	return 0;
}

/* --- questions
 * ------------------------------------------------------------------ */

static int do_version(struct request *req)
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

static int do_list(struct request *req)
{
	cJSON *rows = NULL;
	int r = store_read_searches(req->s->store, &rows);

	return put_rows(req, "searches", r, rows);
}

static int do_show(struct request *req)
{
	struct store *store = req->s->store;
	auto_free char *text = NULL;
	auto_free char *relevance = NULL;
	cJSON *row = NULL, *best = NULL, *events = NULL;
	int64_t id;
	int r = find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_search(store, id, &row) != 0)
		return internal(req);
	put(req, "search", row);
	if (store_read_file(store, id, &text) != 0)
		return internal(req);
	cJSON_AddStringToObject(req->result, "file", text);
	if (store_read_best(store, id, 1, &best) != 0)
		return internal(req);
	put(req, "best", cJSON_DetachItemFromArray(best, 0));
	cJSON_Delete(best);
	relevance = explain_relevance(req->s, id);
	put(req, "relevance",
	    relevance != NULL ? cJSON_CreateString(relevance) : NULL);
	r = store_read_events(store, id, -1, 10, &events);
	return put_rows(req, "last", r, events);
}

static int do_trials(struct request *req)
{
	const char *state = json_get_text(req->params, "state");
	int64_t limit = limit_of(req, LIMIT_PAGE);
	cJSON *rows = NULL;
	int64_t id;
	int r = find_search(req, &id);

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

static void put_command(struct request *req, int64_t search, const cJSON *trial,
			bool with_env)
{
	struct trial_command command = { 0 };

	if (trial != NULL)
		(void)server_trial_command(req->s, search, trial, &command);
	put(req, "command", texts(command.argv));
	if (with_env)
		put(req, "env", texts(command.env));
	strv_free(command.argv);
	strv_free(command.env);
}

static int do_best(struct request *req)
{
	cJSON *rows = NULL;
	int64_t id;
	int r = find_search(req, &id);

	if (r != 0)
		return r;
	r = store_read_best(req->s->store, id, limit_of(req, 1), &rows);
	if (r == 0)
		put_command(req, id, cJSON_GetArrayItem(rows, 0), true);
	return put_rows(req, "trials", r, rows);
}

static int do_trial(struct request *req)
{
	cJSON *row = NULL, *attempts = NULL;
	int64_t id, number;
	auto_free char *dir = NULL;
	auto_free char *log = NULL;
	int r = find_trial(req, &id, &row);

	if (r != 0)
		return r;
	put(req, "trial", row);
	number = json_get_integer(req->params, "trial", 0);
	dir = server_trial_dir(req->s, id, number);
	log = xasprintf("%s/output.log", dir);
	cJSON_AddStringToObject(req->result, "log", log);
	put_command(req, id, row, false);
	r = store_read_attempts(req->s->store, id, number, &attempts);
	return put_rows(req, "attempts", r, attempts);
}

static int do_metrics(struct request *req)
{
	auto_json cJSON *row = NULL;
	cJSON *rows = NULL;
	int64_t id;
	int r = find_trial(req, &id, &row);

	if (r != 0)
		return r;
	r = store_read_metrics(
	    req->s->store, id, json_get_integer(req->params, "trial", 0),
	    json_get_text(req->params, "name"),
	    json_get_integer(req->params, "skip", 0), LIMIT_PAGE + 1, &rows);
	return put_page(req, "metrics", r, rows, LIMIT_PAGE);
}

static int do_explain(struct request *req)
{
	struct store *store = req->s->store;
	bool of_trial = json_get(req->params, "trial") != NULL;
	int64_t number = json_get_integer(req->params, "trial", -1);
	auto_json cJSON *row = NULL;
	auto_json cJSON *attempts = NULL;
	cJSON *events = NULL;
	int64_t id;
	int r = of_trial ? find_trial(req, &id, &row) : find_search(req, &id);

	if (r != 0)
		return r;
	if (store_read_events(store, id, number, 100, &events) != 0)
		return internal(req);
	put(req, "events", events);
	if (!of_trial) {
		if (store_read_search(store, id, &row) != 0)
			return internal(req);
		put(req, "sentences", explain_search(req->s, id, row));
		return 0;
	}
	if (store_read_attempts(store, id, number, &attempts) != 0)
		return internal(req);
	put(req, "sentences", explain_trial(req->s, id, row, attempts, events));
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

static int do_status(struct request *req)
{
	struct server *s = req->s;
	auto_free char *database = xasprintf("%s/hps.db", s->paths.state_dir);
	struct core_load load;

	core_load_now(s->core, &load);
	cJSON_AddStringToObject(req->result, "version", HPSD_VERSION);
	json_add_integer(req->result, "pid", getpid());
	json_add_integer(req->result, "uptime_ms",
			 server_now().boot_ms - s->started.boot_ms);
	json_add_integer(req->result, "slots", load.slots);
	json_add_integer(req->result, "slots_used", load.slots_used);
	json_add_integer(req->result, "searches", load.searches);
	json_add_integer(req->result, "running", load.running);
	json_add_integer(req->result, "clients",
			 (int64_t)listener_count(s->listener));
	json_add_integer(req->result, "memory_bytes", resident_bytes());
	cJSON_AddStringToObject(req->result, "state_dir", s->paths.state_dir);
	cJSON_AddStringToObject(req->result, "database", database);
	cJSON_AddStringToObject(req->result, "socket", s->paths.socket);
	put(req, "config",
	    s->config_file != NULL ? cJSON_CreateString(s->config_file) : NULL);
	return 0;
}

static int do_subscribe(struct request *req)
{
	int64_t id;
	int r = find_search(req, &id);

	if (r != 0)
		return r;
	json_add_integer(req->result, "search", id);
	subscribe(req->s, req->conn, id);
	return 0;
}

static int do_shutdown(struct request *req)
{
	struct core_load load;

	core_load_now(req->s->core, &load);
	json_add_integer(req->result, "running", load.running);
	server_shutdown(req->s,
			json_get_bool(req->params, "kill_trials", false));
	return 0;
}

static handler_fn *const handlers[METHOD_N] = {
	[METHOD_VERSION] = do_version,   [METHOD_SUBMIT] = do_submit,
	[METHOD_LIST] = do_list,         [METHOD_SHOW] = do_show,
	[METHOD_TRIALS] = do_trials,     [METHOD_BEST] = do_best,
	[METHOD_TRIAL] = do_trial,       [METHOD_METRICS] = do_metrics,
	[METHOD_EXPLAIN] = do_explain,   [METHOD_PAUSE] = do_pause,
	[METHOD_RESUME] = do_resume,     [METHOD_CANCEL] = do_cancel,
	[METHOD_KILL] = do_kill,         [METHOD_RETRY] = do_retry,
	[METHOD_ADD] = do_add,           [METHOD_IMPORT] = do_import,
	[METHOD_EXTEND] = do_extend,     [METHOD_REMOVE] = do_remove,
	[METHOD_STATUS] = do_status,     [METHOD_SUBSCRIBE] = do_subscribe,
	[METHOD_SHUTDOWN] = do_shutdown,
};

/* --- requests and replies
 * --------------------------------------------------------- */

static void reply_later(struct server *s, struct conn *conn, struct buf *text)
{
	struct waiting_reply *w = xcalloc(1, sizeof(*w));

	w->conn = conn;
	/* What it tells of is in the effects, hence in the next commit. */
	w->commit = s->commits + (s->fx.n > 0);
	w->text = *text;
	*text = BUF_INIT;
	TAILQ_INSERT_TAIL(&s->replies, w, link);
	s->reply_waits = true;
}

static void reply(struct request *req, const cJSON *id, int error)
{
	struct buf line = BUF_INIT;
	auto_free char *words = NULL;

	if (error == 0) {
		rpc_print_result(&line, id, req->result);
	} else {
		words = diag_text(&req->diag, NULL);
		rpc_print_error(&line, id, (enum rpc_error)error, words,
				req->error_data);
	}
	if (error == 0 && req->changes)
		reply_later(req->s, req->conn, &line);
	else
		conn_send(req->conn, &line);
}

/* Returns 0 or the error, with its words in req->diag. */
static int dispatch(struct request *req, const char *name)
{
	int m = method_find(name);

	if (m < 0) {
		diag_add(&req->diag, "", "there is no method \"%s\"", name);
		return RPC_NO_METHOD;
	}
	if (method_check((enum method)m, req->params, &req->diag) != 0)
		return RPC_INVALID_PARAMS;
	/* What a request sees and changes is what was committed before it. */
	if (!server_turn(req->s) && m != METHOD_STATUS && m != METHOD_VERSION) {
		diag_add(&req->diag, "",
			 "the database cannot be written now (%s); nothing is "
			 "lost, try again when it can",
			 store_error(req->s->store));
		return RPC_LIMIT;
	}
	if (req->s->shutdown_wanted && m != METHOD_STATUS) {
		diag_add(&req->diag, "", "the daemon is shutting down");
		return RPC_CONFLICT;
	}
	return handlers[m](req);
}

void api_line(void *ctx, struct conn *conn, const char *line, size_t len)
{
	struct request req = {
		.s = ctx,
		.conn = conn,
		.result = cJSON_CreateObject(),
	};
	auto_json_doc struct json_doc doc = { 0 };
	const cJSON *id = NULL;
	const char *method;
	int error;

	if (json_doc_parse(line, len, &doc, &req.diag) != 0)
		error = RPC_PARSE;
	else if (rpc_read_request(doc.root, &id, &method, &req.params,
				  &req.diag) != 0)
		error = RPC_INVALID_REQUEST;
	else
		error = dispatch(&req, method);
	reply(&req, id, error);
	cJSON_Delete(req.result);
	cJSON_Delete(req.error_data);
	diag_free(&req.diag);
}

void api_too_long(void *ctx, struct conn *conn)
{
	struct buf line = BUF_INIT;
	auto_free char *words =
	    xasprintf("a message may have %d bytes at most", LIMIT_FRAME_BYTES);

	rpc_print_error(&line, NULL, RPC_INVALID_REQUEST, words, NULL);
	conn_send(conn, &line);
}

void api_synced(struct server *s)
{
	struct waiting_reply *w;

	while ((w = TAILQ_FIRST(&s->replies)) != NULL &&
	       w->commit <= s->synced) {
		TAILQ_REMOVE(&s->replies, w, link);
		if (w->conn != NULL)
			conn_send(w->conn, &w->text);
		buf_free(&w->text);
		free(w);
	}
}

void api_closed(void *ctx, struct conn *conn)
{
	struct server *s = ctx;
	struct waiting_reply *w;

	TAILQ_FOREACH(w, &s->replies, link)
	{
		if (w->conn == conn)
			w->conn = NULL;
	}
	subscribe_closed(s, conn);
}

void api_fini(struct server *s)
{
	struct waiting_reply *w;

	while ((w = TAILQ_FIRST(&s->replies)) != NULL) {
		TAILQ_REMOVE(&s->replies, w, link);
		buf_free(&w->text);
		free(w);
	}
}
