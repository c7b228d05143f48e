#pragma once

/* What the methods of the protocol share: api.c, commands.c, questions.c. */
#include "server.h"

/* One request while it is answered. */
struct request {
	struct server *s;
	struct conn *conn;
	const cJSON *params;
	cJSON *result;     /* object, to be filled */
	struct diag diag;  /* words of an answer that is not 0 */
	cJSON *error_data; /* for the error, or NULL */
	bool changes;      /* something: the reply waits for the disk */
	bool is_late;      /* a worker has yet to find the reply */
	const cJSON *id;   /* of the request, or NULL */
};

/* Returns 0, or the error whose words are in req->diag. */
typedef int handler_fn(struct request *req);

/* commands.c, remove.c: what changes something */
handler_fn command_submit, command_import, command_add, command_extend,
    command_pause, command_resume, command_cancel, command_kill, command_retry,
    command_remove, command_backup, command_shutdown;

/* questions.c */
handler_fn question_version, question_list, question_show, question_trials,
    question_best, question_trial, question_metrics, question_curves,
    question_explain, question_status, question_health, question_subscribe;

/* symptoms.c */
handler_fn question_symptoms;

/* diagnose.c */
handler_fn question_why;

/* A failure of the store as an error of the protocol. */
int request_failed(struct request *req);

/*
 * For a method that a worker answers: the request is answered by api_answer(),
 * which takes what this returns, once the handler has returned 0.
 */
struct late_reply *api_reply_late(struct request *req);
/* @error 0: @result; else the words of @d. Both are borrowed. */
void api_answer(struct server *s, struct late_reply *late, int error,
		const cJSON *result, const struct diag *d);

/*
 * late.c: answers the request with what @read puts into the result, on a worker
 * thread, from a connection of its own. It returns 0, or else the words are in
 * @reterr or store_error(); what it adds to @reterr is an error in any case. It
 * touches nothing but its arguments; @params is taken, and may be NULL. One
 * runs at a time, the others wait for it. Returns 0.
 */
typedef int late_read_fn(struct store *reader, int64_t search,
			 const cJSON *params, cJSON *result,
			 struct diag *reterr);
int request_read_late(struct request *req, int64_t search, cJSON *params,
		      late_read_fn *read);

/* house.c: programs that have the database open ("pid", "name"); new. */
cJSON *house_readers(struct server *s);
/* "sqlite3 (pid 42), ..."; new. */
char *house_readers_text(struct server *s);
int64_t house_wal_bytes(const struct server *s);
/* Larger than what a checkpoint lets it become. */
bool house_wal_is_large(const struct server *s);

/* The search that @what names, or that the request does; else the error. */
int request_find_named(struct request *req, const char *what, int64_t *ret_id);
int request_find_search(struct request *req, int64_t *ret_id);
/* The same, held by the core. */
int request_load_search(struct request *req, int64_t *ret_id);
/* The row of the trial that the request names. */
int request_find_trial(struct request *req, int64_t *ret_search,
		       cJSON **ret_row);

/* Puts @value, which is taken, into the result; null for NULL. */
void request_put(struct request *req, const char *name, cJSON *value);
