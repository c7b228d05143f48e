#pragma once

/*
 * Finds the processes of an attempt whose shim cannot tell: HPS_TOKEN in
 * their environment is the attempt's.
 */

/*
 * Sends @signal (0: none) to the processes with @token that can be seen now.
 * Returns how many there are, or -errno. Killed ones take a while to go: to be
 * called again until it returns 0.
 */
int sweep(const char *token, int signal) __attribute__((warn_unused_result));
