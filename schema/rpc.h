#pragma once

/*
 * The protocol: JSON-RPC 2.0, one object a line, over the Unix socket. This
 * module makes and takes apart the envelopes; it does no I/O.
 */
#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/json.h"

#define RPC_PROTOCOL                                                           \
	1 /* told by "version"; rises with a change that breaks                \
	   */

enum rpc_error {
	RPC_PARSE = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_NOT_FOUND = 1, /* no such search or trial */
	RPC_BAD_INPUT = 2, /* a file or value is wrong; "data" lists faults */
	RPC_CONFLICT = 3,  /* not in this state; the message says what to do */
	RPC_LIMIT = 4,     /* a limit of limits.h is reached */
	RPC_UNAVAILABLE = 5, /* the database cannot be written now; not done */
};

/*
 * One line, ended by LF, appended to @b. @params, @result and @data are
 * borrowed and may be NULL. @id: a node as it came (NULL prints null).
 */
void rpc_print_request(struct buf *b, int64_t id, const char *method,
		       const cJSON *params);
void rpc_print_notice(struct buf *b, const char *method, const cJSON *params);
void rpc_print_result(struct buf *b, const cJSON *id, const cJSON *result);
void rpc_print_error(struct buf *b, const cJSON *id, enum rpc_error code,
		     const char *message, const cJSON *data);

/*
 * {"faults": [{"line", "column", "path", "text"}, ...]}, at most LIMIT_FAULTS,
 * new; and back.
 */
cJSON *rpc_print_faults(const struct diag *d);
void rpc_read_faults(const cJSON *data, struct diag *ret_diag);

/*
 * Takes a request apart: returns 0 and borrows the parts from @message, or
 * 1 with all that is wrong. @ret_id is NULL for a notice (no reply is wanted),
 * @ret_params when there are none. Batches are no requests.
 */
int rpc_read_request(const cJSON *message, const cJSON **ret_id,
		     const char **ret_method, const cJSON **ret_params,
		     struct diag *reterr) __attribute__((warn_unused_result));
