#pragma once

/*
 * What net/listener.c calls of libuv, with one peer and no socket behind it:
 * the peer's bytes are given, what it is sent is kept.
 */
#include "schema/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct fake_peer {
	bool has_gone;  /* what it is sent fails */
	struct buf got; /* what it has been sent, in order */
};

extern struct fake_peer fake_peer;

/* A peer connects to the listener that was started last. */
void fake_connect(void);
/* It sends @len bytes, which the listener reads, unless it has hung up. */
void fake_send(const char *data, size_t len);
/* It ends the connection, or loses it. */
void fake_hang_up(int error);
/* The peer reads: writes are done, and a closed connection goes. */
void fake_turn(void);
/* True once the listener has closed the connection, to the end. */
bool fake_is_closed(void);
