#pragma once

/*
 * Every bound of hpsd in one place. Whatever a user or a trial chooses the
 * size of is checked against one of these first.
 */

#define LIMIT_NAME_BYTES    64      /* a search, parameter or metric name */
#define LIMIT_PARAMS        256     /* parameters of a search */
#define LIMIT_CHOICES       10000   /* values of one parameter */
#define LIMIT_CONDITIONS    16      /* parents in one "when" */
#define LIMIT_TRIALS        1000000 /* trials of a search, grid points too */
#define LIMIT_START         1000    /* configurations in "start" */
#define LIMIT_PARALLEL      1000    /* trials of a search at one time */
#define LIMIT_RETRIES       100     /* attempts after the first */
#define LIMIT_RUNS          100     /* runs of a trial: folds, repeats */
#define LIMIT_CPUS          4096    /* slots that a trial takes */
#define LIMIT_DURATION_MS   315360000000 /* ten years */
#define LIMIT_COMMAND       1000         /* elements of argv, names in "env" */
#define LIMIT_PATTERNS      32           /* metric patterns of a search */
#define LIMIT_STEPS         1000000 /* points of one curve kept in memory */
#define LIMIT_RULES         8       /* early-stopping rules of one search */
#define LIMIT_METRICS       1000    /* names of metrics of one trial */
#define LIMIT_LINE_BYTES    65536   /* of a record of output that is read */
#define LIMIT_SEARCH_BYTES  524288  /* of a search file */
#define LIMIT_ENVIRON_BYTES 262144  /* of the submitter's environment */
#define LIMIT_FRAME_BYTES   1048576 /* of one message of the protocol */
#define LIMIT_QUEUE_BYTES   4194304 /* unread replies before a hang-up */
#define LIMIT_CLIENTS       256     /* connections at one time */
#define LIMIT_LOG_BYTES     4194304 /* of hpsd.log; the one before is kept */
#define LIMIT_FAULTS        1000    /* told in one reply */
#define LIMIT_JSON_DEPTH    64
#define LIMIT_JSON_NODES    100000
#define LIMIT_PAGE          1000          /* rows in one reply */
#define LIMIT_CURVES        200           /* in one reply */
#define LIMIT_CURVE_POINTS  100           /* of each of them */
#define LIMIT_FREE_BYTES    (64ULL << 20) /* for a trial to start */
