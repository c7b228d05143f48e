#pragma once

/*
 * Backups: one asked for (hpctl backup) and one a day in `backups/` of the
 * state directory, made by a worker with a connection that only reads.
 */
#include <stdbool.h>

struct server;

/* The latest backup that a day made; @must_be_good: that is whole, too. New;
 * NULL: there is none. */
char *backup_newest(const char *state_dir, bool must_be_good);

/* Makes today's if the newest is a day old, and nothing else is under way. */
void backup_daily(struct server *s);
