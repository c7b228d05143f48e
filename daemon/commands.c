/*
 * Methods that change something: each is one event to the core. The removal of
 * what the core no longer holds is in remove.c.
 */
#include "base/fault.h"
#include "clock.h"
#include "import.h"
#include "request.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* One event to the core about a search that it holds or has to load. */
static int step(struct request *req, struct event *ev)
{
	int r = request_load_search(req, &ev->search);

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
	int r = step(req, &ev);

	if (r == 0) {
		struct moment now = server_now();
		struct core_progress p;

		core_progress(req->s->core, ev.search, &now, &p);
		cJSON_AddStringToObject(req->result, "state",
					search_state_name(p.search->state));
	}
	if (r == 0 && type == EV_KILL)
		cJSON_AddStringToObject(
		    req->result, "trial_state",
		    trial_state_name(
			core_trial_state(req->s->core, ev.search, ev.number)));
	return r;
}

int command_pause(struct request *req)
{
	return simple_command(req, EV_PAUSE);
}

int command_resume(struct request *req)
{
	return simple_command(req, EV_RESUME);
}

int command_cancel(struct request *req)
{
	return simple_command(req, EV_CANCEL);
}

int command_kill(struct request *req)
{
	return simple_command(req, EV_KILL);
}

int command_retry(struct request *req)
{
	return simple_command(req, EV_RETRY);
}

int command_extend(struct request *req)
{
	struct event ev = { .type = EV_EXTEND };
	int r;

	ev.extend.trials = json_get_integer(req->params, "trials", 0);
	r = step(req, &ev);
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

int command_add(struct request *req)
{
	struct event ev = { .type = EV_ADD };
	auto_free struct cell *config = NULL;
	struct moment now = server_now();
	struct core_progress p;
	int r = request_load_search(req, &ev.search);

	if (r != 0)
		return r;
	core_progress(req->s->core, ev.search, &now, &p);
	config = xcalloc(p.spec->space->n, sizeof(*config));
	ev.add.config = config;
	r = read_config(req, p.spec->space, config);
	if (r == 0)
		r = step(req, &ev);
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
		return request_failed(req);
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
		r = request_find_named(req, from, &id);
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
		return request_failed(req);
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
	request_put(req, "why",
		    import->why != NULL ? cJSON_CreateString(import->why)
					: NULL);
	request_put(req, "lacks",
		    import->lacks != NULL ? cJSON_CreateString(import->lacks)
					  : NULL);
}

static char *import_data(const struct request *req)
{
	auto_json cJSON *data = cJSON_Duplicate(req->result, true);

	cJSON_AddStringToObject(data, "key", json_get_text(req->params, "key"));
	return json_print(data);
}

int command_import(struct request *req)
{
	const char *from = json_get_text(req->params, "from");
	const char *source = json_get_text(req->params, "source");
	auto_import struct import import = { 0 };
	auto_free char *data = NULL;
	struct event ev = { .type = EV_IMPORT };
	struct moment now = server_now();
	struct core_progress p;
	bool known = false;
	int r = request_load_search(req, &ev.search);

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
	return step(req, &ev);
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

/* Whether this is what was submitted then, as far as it makes the search. */
static bool is_same(const struct request *req, const char *file,
		    const cJSON *row)
{
	const char *name = json_get_text(req->params, "name");

	return strcmp(json_get_text(req->params, "file"), file) == 0 &&
	       (name == NULL || strcmp(name, json_get_text(row, "name")) == 0);
}

/* The same key: the same answer. Returns 0 if there is no such search. */
static int answer_again(struct request *req, bool *ret_known)
{
	auto_free char *file = NULL;
	auto_json cJSON *row = NULL;
	int64_t id;
	int r = store_find_key(req->s->store, json_get_text(req->params, "key"),
			       &id);

	*ret_known = r == 0;
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r == 0)
		r = store_read_search(req->s->store, id, &row);
	if (r == 0)
		r = store_read_file(req->s->store, id, &file);
	if (r != 0)
		return request_failed(req);
	if (!is_same(req, file, row)) {
		diag_add(&req->diag, "key",
			 "has been used for the search \"%s\", whose file or "
			 "name is another (a submit needs a new key)",
			 json_get_text(row, "name"));
		return RPC_CONFLICT;
	}
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
		return request_failed(req);
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

/* A date may have been right when the file was written. */
static int check_until(struct request *req, const struct until *until,
		       int64_t until_ms, int64_t now_ms)
{
	if (until->kind == UNTIL_NONE || until_ms > now_ms)
		return 0;
	diag_add(&req->diag, "until",
		 "%04d-%02d-%02d %02d:%02d is over (must be a time to come)",
		 until->year, until->month, until->day, until->hour,
		 until->minute);
	return RPC_BAD_INPUT;
}

int command_submit(struct request *req)
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
	ev.submit.until_ms = clock_until(&spec->until, ev.at.now_ms);
	r = check_name(req, name != NULL ? name : spec->name);
	if (r == 0)
		r = check_place(req, workdir, env);
	if (r == 0)
		r = check_until(req, &spec->until, ev.submit.until_ms,
				ev.at.now_ms);
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

int command_shutdown(struct request *req)
{
	struct core_load load = { 0 };

	if (req->s->lost != NULL || req->s->stalled) {
		if (json_get_bool(req->params, "kill_trials", false)) {
			diag_add(&req->diag, "",
				 "the database cannot be written now, and so "
				 "no trial be stopped (without --kill-trials "
				 "the daemon ends)");
			return RPC_UNAVAILABLE;
		}
		req->s->shutdown_wanted = req->s->shutdown_is_forced = true;
		return 0;
	}
	core_load_now(req->s->core, &load);
	json_add_integer(req->result, "running", load.running);
	server_shutdown(req->s,
			json_get_bool(req->params, "kill_trials", false));
	return 0;
}
