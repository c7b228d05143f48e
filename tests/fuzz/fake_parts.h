#pragma once

/*
 * What the server has around it, made up: one client in place of the listener,
 * and trials that run nowhere in place of the executor. what becomes of a
 * trial is told by its id: every fifth cannot be started, fails, runs until it
 * is stopped, is deaf to SIGTERM, or prints "loss" and is done.
 */
#include "schema/json.h"

#include <stdbool.h>
#include <stddef.h>

struct fake_client {
	const char *next, *end; /* what it has still to say, in lines */
	size_t asked, answered;
	unsigned turns; /* to wait when all is answered, before the goodbye */
	bool kills;     /* the goodbye kills the trials */
	/* The request that a line stands for; new. */
	char *(*request)(const char *line, size_t len);
};

extern struct fake_client fake_client;
