#pragma once

/*
 * What the daemon and hpsd-shim agree on: the command line, the gate, the
 * signals and the file of an attempt. Kept for one earlier version: a new
 * daemon adopts the shims of the one before.
 *
 * The shim is started as
 *     hpsd-shim DIR ATTEMPT TOKEN WORKDIR MEMORY_BYTES COMMAND [ARG]...
 * with the trial's environment, every signal at its default, SIGTERM and
 * SIGUSR1 blocked, stdin /dev/null, stdout and stderr the trial's output.log
 * (O_APPEND), the gate's socket as descriptor TRIALDIR_GATE and nothing else
 * open.
 *
 * The gate: a stream socket. One byte TRIALDIR_GO opens it, but only while the
 * daemon holds its end; a daemon that is gone by then means that nothing runs.
 * Later that end tells who makes the trial's end durable: the daemon while it
 * is open, the shim (which then syncs its file) once it is closed.
 *
 * The file attempt-N.json, N being the attempt's number, TRIALDIR_FILE_BYTES
 * long, filled up with spaces, and always written whole and in place, so that
 * a full disk cannot lose an end:
 *     {"version":1,"token":"..","phase":"waiting"}
 *     {"version":1,"token":"..","phase":"copying"}
 *     {"version":1,"token":"..","phase":"started","started_ms":0}
 *     {"version":1,"token":"..","phase":"started","started_ms":0,"term_ms":0}
 *     {"version":1,"token":"..","phase":"ended","swept":true,
 *      "kind":"exited"|"signaled"|"not-executed","code":0,"signal":0,
 *      "core":false,"error":0,"what":"","user_ms":0,"system_ms":0,
 *      "memory_bytes":0,"elapsed_ms":0}
 * elapsed_ms is of CLOCK_BOOTTIME, since no clock that people set can be
 * trusted to tell how long something took.
 *
 * The shim holds an fcntl write lock on it from before the first byte until it
 * is gone: the holder of the lock is the shim, whatever a pid says. While the
 * lock is held, nothing is decided; once it is free, the phase says what is
 * true, wherever the shim was killed:
 *     no file, torn, other token   nothing ran
 *     waiting                      nothing ran
 *     copying                      nothing ran; a copy of the checkpoint that
 *                                  the trial goes on from may be about to end
 *     started                      it ran; its end cannot be known.
 *                                  started_ms, term_ms: of CLOCK_MONOTONIC,
 *                                  when it began and when it was first passed
 *                                  SIGTERM
 *     ended                        its end; a process of it may be left unless
 *                                  it is swept
 * A shim that takes the lock on the file of an attempt that another has run
 * writes nothing, since its own daemon is gone.
 *
 * Signals to the shim: SIGTERM passes SIGTERM and SIGCONT on to the trial's
 * process group; SIGUSR1 kills every descendant. Either ends the copy, and then
 * nothing runs: "ended", not-executed, ECANCELED. At the gate they wait for it
 * to open; who wants nothing to run closes it.
 *
 * Exit status: 0, or the errno of what kept a shim from holding its file.
 */
#define TRIALDIR_VERSION     1
#define TRIALDIR_GATE        3
#define TRIALDIR_GO          'G'
#define TRIALDIR_FILE_BEFORE "attempt-" /* the attempt's number */
#define TRIALDIR_FILE_AFTER  ".json"
#define TRIALDIR_FILE_BYTES  512
#define TRIALDIR_LOG         "output.log"
#define TRIALDIR_PARAMS      "params.json"
#define TRIALDIR_CHECKPOINT  "checkpoint"
/* A link to the checkpoint that a trial begins with a copy of; shim/copy.h. */
#define TRIALDIR_FROM        "checkpoint.from"
