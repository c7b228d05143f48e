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

/*
 * Logs what there is to put in the place of a damaged database, which stays as
 * it is: what can be saved of it can be so later. @is_ours: it is hpsd's.
 */
void backup_tell(const char *state_dir, bool is_ours);

/* Makes today's if the newest is a day old, and nothing else is under way. */
void backup_daily(struct server *s);
