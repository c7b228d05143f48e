#pragma once

/*
 * The checkpoint that a trial goes on from. In the trial's directory, which is
 * the current one:
 *
 *   checkpoint.from          a link to the checkpoint of another trial, which
 *                            nobody writes to
 *   checkpoint.new-PID       its copy, until it is whole and on the disk;
 *   checkpoint               then
 *
 * Whoever is killed in between leaves a part under a name of its own, which the
 * next one removes.
 */
#include "shim/trialdir.h"

#include <stdbool.h>

/* There is something to copy, and nothing that came of it yet. */
bool copy_is_wanted(void);

/*
 * Files, directories and symbolic links, with modes and times of change. Holes
 * stay, and blocks are shared where the file system can. Returns 0, or an errno
 * with a line on stderr that says where: ENOSPC before anything is written if
 * there is no room for all of it. It is for a process of its own.
 */
int copy_checkpoint(void);
