/* Calling methods: connecting, starting hpsd, and telling what went wrong. */
#include "cmd.h"
#include "conn.h"
#include "start.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ANSWER_MS 60000
#define BACKUP_MS 3600000 /* of a large database to a slow disk */

static enum status exit_status(int64_t code)
{
	switch (code) {
	case RPC_NOT_FOUND:
		return STATUS_NOT_FOUND;
	case RPC_BAD_INPUT:
	case RPC_INVALID_PARAMS:
		return STATUS_BAD_INPUT;
	default:
		return STATUS_FAILED;
	}
}

static enum status tell_error(const cJSON *error)
{
	const char *message = json_get_text(error, "message");
	const cJSON *data = json_get(error, "data");
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;

	if (message == NULL)
		message = "hpsd gave no reason";
	(void)fail(STATUS_FAILED, "%s", message);
	if (data != NULL)
		rpc_read_faults(data, &faults);
	text = diag_text(&faults, NULL);
	/* The message may be made of the faults. */
	if (faults.n > 0 && strcmp(text, message) != 0)
		note("%s", text);
	return exit_status(json_get_integer(error, "code", RPC_INTERNAL));
}

/* 0 and the answer to one request, or -errno. Notices are skipped. */
static int ask(struct conn *c, enum method m, const cJSON *params,
	       cJSON **ret_answer)
{
	int64_t wait_ms = m == METHOD_BACKUP ? BACKUP_MS : ANSWER_MS;
	int64_t deadline_ms = conn_now_ms() + wait_ms;
	int64_t id;
	int r = conn_send(c, methods[m].name, params, &id);

	/* It may have said why before it hung up. */
	if (r == -EPIPE)
		r = 0;
	while (r == 0) {
		cJSON *message;

		r = conn_receive(c, deadline_ms, &message);
		if (r < 0)
			break;
		/* One that names no request is about the latest. */
		if (json_get_integer(message, "id", -1) == id ||
		    json_get(message, "error") != NULL) {
			*ret_answer = message;
			return 0;
		}
		cJSON_Delete(message);
	}
	return r;
}

static enum status tell_failure(const struct call *call, int error)
{
	switch (-error) {
	case ETIMEDOUT:
		return fail(STATUS_NO_DAEMON,
			    "hpsd at %s did not answer within %d seconds",
			    call->paths.socket, ANSWER_MS / 1000);
	case EPROTO:
		return fail(STATUS_NO_DAEMON,
			    "%s answers, but not as an hpsd does",
			    call->paths.socket);
	case EMSGSIZE:
		return fail(STATUS_BAD_INPUT,
			    "this is too much for one request to hpsd");
	case ECONNRESET:
	case EPIPE:
		return fail(STATUS_NO_DAEMON,
			    "hpsd at %s hung up before it answered",
			    call->paths.socket);
	default:
		return fail(STATUS_NO_DAEMON, "cannot talk to hpsd at %s: %s",
			    call->paths.socket, strerror(-error));
	}
}

/* What an answer holds: its result, or its error told. */
static enum status open_answer(cJSON *answer, cJSON **ret_result)
{
	const cJSON *error = json_get(answer, "error");
	cJSON *result;
	enum status r;

	if (error != NULL && !cJSON_IsNull(error)) {
		r = tell_error(error);
		cJSON_Delete(answer);
		return r;
	}
	result = cJSON_DetachItemFromObjectCaseSensitive(answer, "result");
	cJSON_Delete(answer);
	if (result == NULL)
		return fail(STATUS_NO_DAEMON, "hpsd answered without a result");
	*ret_result = result;
	return STATUS_DONE;
}

/* The first question on a connection: are we of the same release? */
static enum status greet(struct call *call)
{
	cJSON *answer = NULL;
	int64_t protocol;
	enum status r;
	int error = ask(call->conn, METHOD_VERSION, NULL, &answer);

	if (error < 0)
		return tell_failure(call, error);
	cJSON_Delete(call->daemon);
	call->daemon = NULL;
	r = open_answer(answer, &call->daemon);
	if (r != STATUS_DONE)
		return r;
	protocol = json_get_integer(call->daemon, "protocol", 0);
	if (protocol == RPC_PROTOCOL)
		return STATUS_DONE;
	return fail(STATUS_FAILED,
		    "hpsd at %s speaks protocol %lld, this hpctl %d (restart "
		    "the older one: trials go on meanwhile)",
		    call->paths.socket, (long long)protocol, RPC_PROTOCOL);
}

enum status call_paths(struct call *call)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;

	if (call->paths.socket != NULL)
		return STATUS_DONE;
	if (paths_find(call->state, call->socket, &call->paths, &faults) == 0)
		return STATUS_DONE;
	text = diag_text(&faults, NULL);
	return fail(STATUS_BAD_INPUT, "%s", text);
}

static enum status tell_none(const struct call *call)
{
	auto_free char *words = start_last_words(&call->paths);

	(void)fail(STATUS_NO_DAEMON, "no hpsd runs (socket %s)",
		   call->paths.socket);
	if (words != NULL)
		note("the last line of %s/hpsd.log is: %s",
		     call->paths.state_dir, words);
	return STATUS_NO_DAEMON;
}

enum status call_connect(struct call *call)
{
	bool may_start = !call->no_start && !call->command->never_starts;
	enum status r;
	int error;

	if (call->conn != NULL)
		return STATUS_DONE;
	r = call_paths(call);
	if (r != STATUS_DONE)
		return r;
	error = conn_open(call->paths.socket, &call->conn);
	if (may_start && (error == -ENOENT || error == -ECONNREFUSED)) {
		if (start_hpsd(&call->paths) != 0)
			return STATUS_NO_DAEMON;
		error = conn_open(call->paths.socket, &call->conn);
	}
	if (error == -ENOENT || error == -ECONNREFUSED)
		return tell_none(call);
	if (error < 0)
		return fail(STATUS_NO_DAEMON, "cannot connect to %s: %s",
			    call->paths.socket, strerror(-error));
	r = greet(call);
	if (r != STATUS_DONE)
		call_hang_up(call);
	return r;
}

void call_hang_up(struct call *call)
{
	conn_close(call->conn);
	call->conn = NULL;
}

enum status call_key(char ret_key[CALL_KEY_BYTES])
{
	unsigned char bytes[CALL_KEY_BYTES / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return fail(STATUS_FAILED, "no random bits: %s",
			    strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret_key + 2 * i, 3, "%02x", bytes[i]);
	return STATUS_DONE;
}

/* These carry a key, so that asking again does nothing twice. */
static bool may_ask_again(enum method m, int error)
{
	return (m == METHOD_SUBMIT || m == METHOD_IMPORT) &&
	       (error == -ECONNRESET || error == -EPIPE);
}

enum status call_method(struct call *call, enum method m, cJSON *params,
			cJSON **ret_result)
{
	auto_json cJSON *owned = params;
	cJSON *answer = NULL;
	enum status r;
	int error;

	r = call_connect(call);
	if (r != STATUS_DONE)
		return r;
	error = ask(call->conn, m, owned, &answer);
	if (error < 0 && may_ask_again(m, error)) {
		call_hang_up(call);
		r = call_connect(call);
		if (r != STATUS_DONE)
			return r;
		error = ask(call->conn, m, owned, &answer);
	}
	if (error < 0) {
		call_hang_up(call);
		return tell_failure(call, error);
	}
	return open_answer(answer, ret_result);
}
