#pragma once

/*
 * A connection to hpsd: blocking, one question at a time. Owner: whoever
 * opened it.
 */
#include "schema/buf.h"
#include "schema/json.h"

#include <stdint.h>

struct conn {
	int fd;
	struct buf in; /* bytes received and not yet handed out */
	int64_t next_id;
};

/* Returns 0 and a new connection, or -errno. */
int conn_open(const char *path, struct conn **ret_conn)
    __attribute__((warn_unused_result));
/* NULL is fine. */
void conn_close(struct conn *c);

/* Sends a request; @ret_id is what the answer will carry. 0 or -errno. */
int conn_send(struct conn *c, const char *method, const cJSON *params,
	      int64_t *ret_id) __attribute__((warn_unused_result));

/*
 * The next message, waited for until @deadline_ms (of conn_now_ms()): 0 and a
 * new tree, or -errno: -ETIMEDOUT, -ECONNRESET when hpsd hung up, -EPROTO when
 * it speaks something else. Integers that a double would round are raw nodes.
 */
int conn_receive(struct conn *c, int64_t deadline_ms, cJSON **ret_message)
    __attribute__((warn_unused_result));

/* True when a whole message is here and conn_receive() would not wait. */
bool conn_has_message(const struct conn *c);

/* Monotonic. */
int64_t conn_now_ms(void);
