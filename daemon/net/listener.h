#pragma once

/*
 * The control socket and its connections. A connection hands up whole lines
 * and takes text to send; what the lines mean is the owner's.
 *
 * Only the user who runs the daemon is let in: the socket's mode is 0600 and
 * the peer's uid is checked all the same, because modes get changed.
 *
 * Owner: the server. Loop thread only. A conn is the listener's; it is valid
 * from its first line until `closed`.
 */
#include "schema/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct listener;
struct conn;

struct listener_callbacks {
	void *ctx;
	/* A line without its end; borrowed, NUL-ended, may hold NULs. */
	void (*line)(void *ctx, struct conn *conn, const char *line,
		     size_t len);
	/* The line is longer than LIMIT_FRAME_BYTES; the conn closes. */
	void (*too_long)(void *ctx, struct conn *conn);
	/*
	 * There are LIMIT_CLIENTS connections (or a quarter of the descriptors
	 * that we may have), and none is idle: the conn closes.
	 */
	void (*too_many)(void *ctx, struct conn *conn);
	/* The conn is going: it must not be used any more. */
	void (*closed)(void *ctx, struct conn *conn);
};

/*
 * Listens at @path. A socket of ours that nobody listens at is replaced; one
 * with a daemon behind it (of another state directory) is -EADDRINUSE, and
 * anything else there -EEXIST. Returns 0 or -errno.
 */
int listener_start(uv_loop_t *loop, const char *path,
		   const struct listener_callbacks *callbacks,
		   struct listener **ret_listener)
    __attribute__((warn_unused_result));

/*
 * Hangs up on all connections (what the kernel has not taken by then is not
 * sent), removes the socket if it is still ours, and frees the listener;
 * @stopped is called once then.
 */
void listener_stop(struct listener *l, void (*stopped)(void *ctx), void *ctx);

/* Whether the socket at its path is still ours. */
bool listener_is_in_place(const struct listener *l);

/* Connections now. */
size_t listener_count(const struct listener *l);

/*
 * Queues @text on the connection. A peer that lets more than LIMIT_QUEUE_BYTES
 * pile up is hung up on. Takes the text of @b and leaves it empty.
 */
void conn_send(struct conn *conn, struct buf *b);
/* Hangs up, after what is queued has been sent. */
void conn_close(struct conn *conn);
/*
 * Hangs up at once. `closed` comes later, not from inside; what is sent until
 * then goes nowhere.
 */
void conn_drop(struct conn *conn);

/*
 * A connection that is idle may be hung up on to make room for another. None
 * that is owed a reply or kept is: conn_owe() says that a reply will come, by
 * conn_pay(). A peer that has closed its sending side meanwhile still gets it.
 */
void conn_owe(struct conn *conn);
/* As conn_send(). */
void conn_pay(struct conn *conn, struct buf *reply);
/* From here on to its end. */
void conn_keep(struct conn *conn);
