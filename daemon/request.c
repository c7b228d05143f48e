#include "request.h"

int request_failed(struct request *req)
{
	diag_add(&req->diag, "", "the database cannot be read: %s",
		 store_error(req->s->store));
	return RPC_INTERNAL;
}

int request_find_named(struct request *req, const char *what, int64_t *ret_id)
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
		return request_failed(req);
	return RPC_NOT_FOUND;
}

int request_find_search(struct request *req, int64_t *ret_id)
{
	return request_find_named(req, json_get_text(req->params, "search"),
				  ret_id);
}

int request_load_search(struct request *req, int64_t *ret_id)
{
	struct server *s = req->s;
	struct moment now = server_now();
	int r = request_find_search(req, ret_id);

	if (r != 0 || core_has_search(s->core, *ret_id))
		return r;
	if (server_load(s, *ret_id, &req->diag) != 0)
		return req->diag.n > 0 ? RPC_INTERNAL : request_failed(req);
	/* It could not be loaded at the start, or had ended then. */
	core_start_one(s->core, *ret_id, &now, &s->fx);
	return 0;
}

int request_find_trial(struct request *req, int64_t *ret_search,
		       cJSON **ret_row)
{
	int64_t number = json_get_integer(req->params, "trial", 0);
	int r = request_find_search(req, ret_search);

	if (r != 0)
		return r;
	r = store_read_trial(req->s->store, *ret_search, number, ret_row);
	if (r == 0)
		return 0;
	if (r != STORE_NOT_FOUND)
		return request_failed(req);
	diag_add(&req->diag, "", "search \"%s\" has no trial %lld",
		 json_get_text(req->params, "search"), (long long)number);
	return RPC_NOT_FOUND;
}

void request_put(struct request *req, const char *name, cJSON *value)
{
	cJSON_AddItemToObject(req->result, name,
			      value != NULL ? value : cJSON_CreateNull());
}
