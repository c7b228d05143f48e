/*
 * The protocol: a line becomes a request, which a method answers. A reply that
 * tells of a change waits until the change is power-safe.
 */
#include "base/fault.h"
#include "request.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/methods.h"

#include <stdlib.h>

static handler_fn *const handlers[METHOD_N] = {
	[METHOD_VERSION] = question_version,
	[METHOD_SUBMIT] = command_submit,
	[METHOD_LIST] = question_list,
	[METHOD_SHOW] = question_show,
	[METHOD_TRIALS] = question_trials,
	[METHOD_BEST] = question_best,
	[METHOD_TRIAL] = question_trial,
	[METHOD_METRICS] = question_metrics,
	[METHOD_SYMPTOMS] = question_symptoms,
	[METHOD_CURVES] = question_curves,
	[METHOD_EXPLAIN] = question_explain,
	[METHOD_PAUSE] = command_pause,
	[METHOD_RESUME] = command_resume,
	[METHOD_CANCEL] = command_cancel,
	[METHOD_KILL] = command_kill,
	[METHOD_RETRY] = command_retry,
	[METHOD_ADD] = command_add,
	[METHOD_IMPORT] = command_import,
	[METHOD_EXTEND] = command_extend,
	[METHOD_REMOVE] = command_remove,
	[METHOD_BACKUP] = command_backup,
	[METHOD_STATUS] = question_status,
	[METHOD_HEALTH] = question_health,
	[METHOD_SUBSCRIBE] = question_subscribe,
	[METHOD_SHUTDOWN] = command_shutdown,
	[METHOD_WHY] = question_why,
};

static const char cannot_write[] =
    "the database cannot be written now: %s; running trials go on, and what "
    "is stored stays (try again later)";

/* --- requests and replies
 * --------------------------------------------------------- */

static void waiting_reply_free(struct waiting_reply *w)
{
	buf_free(&w->text);
	cJSON_Delete(w->id);
	free(w);
}

static void reply_later(struct server *s, struct conn *conn, const cJSON *id,
			struct buf *text)
{
	struct waiting_reply *w = xcalloc(1, sizeof(*w));

	conn_owe(conn);
	w->conn = conn;
	/* What it tells of is in the effects, hence in the next commit. */
	w->commit = s->commits + (s->fx.n > 0);
	w->id = cJSON_Duplicate(id, true);
	w->text = *text;
	*text = BUF_INIT;
	TAILQ_INSERT_TAIL(&s->replies, w, link);
	s->reply_waits = true;
}

/* A reply that a worker has yet to find. */
struct late_reply {
	struct conn *conn; /* NULL: hung up meanwhile */
	cJSON *id;
	TAILQ_ENTRY(late_reply) link;
};

struct late_reply *api_reply_late(struct request *req)
{
	struct late_reply *late = xcalloc(1, sizeof(*late));

	conn_owe(req->conn);
	late->conn = req->conn;
	late->id = cJSON_Duplicate(req->id, true);
	TAILQ_INSERT_TAIL(&req->s->late, late, link);
	req->is_late = true;
	return late;
}

void api_answer(struct server *s, struct late_reply *late, int error,
		const cJSON *result, const struct diag *d)
{
	struct buf line = BUF_INIT;
	auto_free char *words = NULL;

	TAILQ_REMOVE(&s->late, late, link);
	if (late->conn != NULL && error == 0) {
		rpc_print_result(&line, late->id, result);
		conn_pay(late->conn, &line);
	} else if (late->conn != NULL) {
		words = diag_text(d, NULL);
		rpc_print_error(&line, late->id, (enum rpc_error)error, words,
				NULL);
		conn_pay(late->conn, &line);
	}
	cJSON_Delete(late->id);
	free(late);
}

static void reply(struct request *req, int error)
{
	const cJSON *id = req->id;
	struct buf line = BUF_INIT;
	auto_free char *words = NULL;

	if (error == 0 && req->is_late)
		return;
	if (error == 0) {
		rpc_print_result(&line, id, req->result);
	} else {
		words = diag_text(&req->diag, NULL);
		rpc_print_error(&line, id, (enum rpc_error)error, words,
				req->error_data);
	}
	if (error == 0 && req->changes)
		reply_later(req->s, req->conn, id, &line);
	else
		conn_send(req->conn, &line);
}

/* Those that only read show what is stored while nothing can be written. */
static bool needs_no_writing(const struct server *s, enum method m)
{
	if (m == METHOD_VERSION || m == METHOD_STATUS || m == METHOD_SHUTDOWN)
		return true;
	return s->store != NULL &&
	       (m == METHOD_LIST || m == METHOD_TRIALS || m == METHOD_BEST ||
		m == METHOD_METRICS || m == METHOD_HEALTH || m == METHOD_WHY);
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
	if (!server_turn(req->s) && !needs_no_writing(req->s, (enum method)m)) {
		diag_add(&req->diag, "", cannot_write,
			 req->s->lost != NULL ? req->s->lost
					      : store_error(req->s->store));
		return RPC_UNAVAILABLE;
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
	const char *method;
	int error;

	if (json_doc_parse(line, len, &doc, &req.diag) != 0)
		error = RPC_PARSE;
	else if (rpc_read_request(doc.root, &req.id, &method, &req.params,
				  &req.diag) != 0)
		error = RPC_INVALID_REQUEST;
	else
		error = dispatch(&req, method);
	reply(&req, error);
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

void api_too_many(void *ctx, struct conn *conn)
{
	struct buf line = BUF_INIT;

	rpc_print_error(&line, NULL, RPC_LIMIT,
			"too many clients are connected and none is idle: "
			"close some",
			NULL);
	conn_send(conn, &line);
}

void api_synced(struct server *s)
{
	struct waiting_reply *w;

	while ((w = TAILQ_FIRST(&s->replies)) != NULL &&
	       w->commit <= s->synced) {
		TAILQ_REMOVE(&s->replies, w, link);
		(void)fault_at("reply.send");
		if (w->conn != NULL)
			conn_pay(w->conn, &w->text);
		waiting_reply_free(w);
	}
}

static void refuse(struct waiting_reply *w, const char *words)
{
	auto_free char *text = xasprintf(cannot_write, words);
	struct buf line = BUF_INIT;

	rpc_print_error(&line, w->id, RPC_UNAVAILABLE, text, NULL);
	conn_pay(w->conn, &line);
}

void api_lost(struct server *s, bool is_undone)
{
	struct waiting_reply *w;

	while ((w = TAILQ_FIRST(&s->replies)) != NULL) {
		TAILQ_REMOVE(&s->replies, w, link);
		if (w->conn != NULL && is_undone && w->commit > s->commits)
			refuse(w, s->lost);
		else if (w->conn != NULL)
			conn_drop(w->conn);
		waiting_reply_free(w);
	}
	s->reply_waits = false;
}

void api_closed(void *ctx, struct conn *conn)
{
	struct server *s = ctx;
	struct waiting_reply *w;
	struct late_reply *late;

	TAILQ_FOREACH(w, &s->replies, link)
	{
		if (w->conn == conn)
			w->conn = NULL;
	}
	TAILQ_FOREACH(late, &s->late, link)
	{
		if (late->conn == conn)
			late->conn = NULL;
	}
	subscribe_closed(s, conn);
}

void api_fini(struct server *s)
{
	struct late_reply *late;
	struct waiting_reply *w;

	/* Their workers end later, and find nobody to tell. */
	TAILQ_FOREACH(late, &s->late, link)
	{
		late->conn = NULL;
	}
	while ((w = TAILQ_FIRST(&s->replies)) != NULL) {
		TAILQ_REMOVE(&s->replies, w, link);
		waiting_reply_free(w);
	}
}
