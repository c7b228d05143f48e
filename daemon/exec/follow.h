#pragma once

/*
 * Follows one output.log: reads what has been added, hands it to the metric
 * reader and keeps the offset up to which whole records have been read. What
 * is not a whole record yet stays in the file and is read again.
 *
 * Owner: the executor.
 */
#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/reader.h"
#include "schema/record.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Of one step, so that one chatty trial does not hold up the loop. */
#define FOLLOW_STEP_BYTES 16384
#define FOLLOW_BYTES      (LIMIT_LINE_BYTES + FOLLOW_STEP_BYTES)

struct follow {
	int fd; /* -1: there is no log */
	struct reader *reader;
	int64_t offset; /* before it everything has been read */
	int64_t seen;   /* size of the file at the latest look */
	int64_t end;    /* follow_finish(): where the output ends */
	unsigned gaps;  /* times that the file was cut short */
	bool has_noted; /* a batch has had the note of the reader */
};

/* What one step has found; room for it is shared between all. */
struct follow_batch {
	char *bytes; /* [FOLLOW_BYTES] */
	struct metric_record *metrics;
	size_t n, cap;
	size_t *names;                  /* [cap] where in `text` */
	struct buf text;                /* names, each with its NUL */
	const struct reader_note *note; /* the reader's, if new; or NULL */
};

enum follow_answer {
	FOLLOW_IDLE = 1, /* nothing new */
	FOLLOW_READ,     /* up to the end of the file */
	FOLLOW_MORE,     /* and there is more */
};

/*
 * Takes @fd. @state: of the reader at @offset, or NULL; a broken one is as
 * none. @spec is borrowed until follow_fini().
 */
void follow_init(struct follow *f, int fd, const struct search_spec *spec,
		 int64_t offset, const char *state);
void follow_fini(struct follow *f);

/*
 * Reads the next part into @batch. Returns an answer, or -errno.
 */
int follow_step(struct follow *f, struct follow_batch *batch)
    __attribute__((warn_unused_result));

/*
 * The output has ended where it ends now: from here on follow_last() reads
 * up to there, whatever is added.
 */
void follow_finish(struct follow *f);
/* As follow_step(). FOLLOW_READ: everything has been read. */
int follow_last(struct follow *f, struct follow_batch *batch)
    __attribute__((warn_unused_result));

void follow_batch_init(struct follow_batch *batch);
void follow_batch_fini(struct follow_batch *batch);
