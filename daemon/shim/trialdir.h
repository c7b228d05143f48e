#pragma once

/*
 * What the daemon and hpsd-shim agree on: the command line, the gate, the
 * signals and the files in a trial's directory. Kept for one earlier version:
 * a new daemon adopts the shims of the one before.
 *
 * The shim is started as
 *     hpsd-shim DIR ATTEMPT TOKEN WORKDIR MEMORY_BYTES COMMAND [ARG]...
 * with the trial's environment, stdin /dev/null, stdout and stderr the trial's
 * output.log (O_APPEND), the gate's socket as descriptor TRIALDIR_GATE and
 * nothing else open.
 *
 * The gate: a stream socket. One byte TRIALDIR_GO opens it; its end without
 * that byte means that the daemon is gone, and the shim records that nothing
 * ran. While the socket is open, the daemon lives and will make the end
 * durable itself; once it is closed, the shim syncs the exit file.
 *
 * Signals to the shim: SIGTERM passes SIGTERM and SIGCONT on to the trial's
 * process group; SIGUSR1 kills every descendant.
 *
 * Files, N being the attempt's number:
 *   shim-N.json  written by the shim, and locked (fcntl write lock on the whole
 *                file) from before it is written until the shim is gone: the
 *                holder of the lock is the shim, whatever a pid says
 *                {"version":1,"token":"..","phase":"waiting"|"started"}
 *   exit-N.json  the end, renamed into place whole:
 *                {"version":1,"token":"..","kind":"exited"|"signaled"|
 *                "not-executed"|"never-started","code":0,"signal":0,
 *                "core":false,"error":0,"what":"","user_ms":0,"system_ms":0,
 *                "memory_bytes":0,"ended_ms":0}
 */
#define TRIALDIR_VERSION 1
#define TRIALDIR_GATE    3
#define TRIALDIR_GO      'G'
#define TRIALDIR_SHIM    "shim-%s.json" /* attempt number as text */
#define TRIALDIR_EXIT    "exit-%s.json"
#define TRIALDIR_LOG     "output.log"
