#include "exec/follow.h"

#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void follow_batch_init(struct follow_batch *batch)
{
	*batch = (struct follow_batch){ .bytes = xmalloc(FOLLOW_BYTES) };
}

void follow_batch_fini(struct follow_batch *batch)
{
	free(batch->bytes);
	free(batch->metrics);
	free(batch->names);
	buf_free(&batch->text);
}

static void batch_clear(struct follow_batch *batch)
{
	batch->n = 0;
	batch->note = NULL;
	buf_clear(&batch->text);
}

/* The name is borrowed until the return only, and `text` still moves. */
static void on_metric(void *ctx, const struct metric_record *metric)
{
	struct follow_batch *batch = ctx;

	if (batch->n == batch->cap) {
		batch->cap = batch->cap > 0 ? 2 * batch->cap : 64;
		batch->metrics = xreallocarray(batch->metrics, batch->cap,
					       sizeof(*batch->metrics));
		batch->names = xreallocarray(batch->names, batch->cap,
					     sizeof(*batch->names));
	}
	batch->names[batch->n] = batch->text.len;
	batch->metrics[batch->n] = *metric;
	batch->n++;
	buf_add(&batch->text, metric->name, strlen(metric->name) + 1);
}

static void batch_settle(struct follow_batch *batch, struct follow *f)
{
	batch->note = f->has_noted ? NULL : reader_note(f->reader);
	f->has_noted |= batch->note != NULL;
	for (size_t i = 0; i < batch->n; i++)
		batch->metrics[i].name = batch->text.data + batch->names[i];
}

void follow_init(struct follow *f, int fd, const struct search_spec *spec,
		 int64_t offset, const char *state)
{
	assert(offset >= 0);
	*f = (struct follow){
		.fd = fd,
		.reader = reader_new(spec),
		.offset = offset,
		.seen = offset,
	};
	if (state != NULL && reader_load(f->reader, state) != 0) {
		reader_free(f->reader);
		f->reader = reader_new(spec);
	}
}

void follow_fini(struct follow *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	reader_free(f->reader);
	*f = (struct follow){ .fd = -1 };
}

/* The size of the log, or -errno. */
static int64_t size_of(const struct follow *f)
{
	struct stat st;

	if (f->fd < 0)
		return 0;
	return fstat(f->fd, &st) < 0 ? -errno : st.st_size;
}

/* The file was cut to below what has been read: its beginning is new. */
static void start_again(struct follow *f)
{
	f->gaps++;
	f->offset = 0;
	f->seen = 0;
}

static ssize_t read_at(const struct follow *f, char *bytes, size_t len)
{
	ssize_t n;

	if (f->fd < 0)
		return 0;
	n = pread(f->fd, bytes, len, f->offset);
	return n < 0 ? -errno : n;
}

/*
 * A small part of the @n bytes that were read, so that the transaction of a
 * loop turn stays small; all of them when a long record is in the way.
 */
static size_t feed(struct follow *f, struct follow_batch *batch, size_t n)
{
	size_t part = n < FOLLOW_STEP_BYTES ? n : FOLLOW_STEP_BYTES;
	size_t used =
	    reader_feed(f->reader, batch->bytes, part, on_metric, batch);

	if (used == 0 && part < n)
		used =
		    reader_feed(f->reader, batch->bytes, n, on_metric, batch);
	f->offset += (int64_t)used;
	return used;
}

int follow_step(struct follow *f, struct follow_batch *batch)
{
	int64_t size;
	size_t used;
	ssize_t n;

	batch_clear(batch);
	n = read_at(f, batch->bytes, FOLLOW_BYTES);
	if (n < 0)
		return (int)n;
	if (n == 0 && f->offset > 0) {
		size = size_of(f);
		if (size < 0)
			return (int)size;
		if (size < f->offset) {
			start_again(f);
			return FOLLOW_MORE;
		}
	}
	if (f->offset + n == f->seen)
		return FOLLOW_IDLE;
	used = feed(f, batch, (size_t)n);
	batch_settle(batch, f);
	if (n == FOLLOW_BYTES || (used > 0 && used < (size_t)n))
		return FOLLOW_MORE;
	f->seen = f->offset + (n - (ssize_t)used);
	return used > 0 ? FOLLOW_READ : FOLLOW_IDLE;
}

void follow_finish(struct follow *f)
{
	f->end = size_of(f);
	if (f->end >= 0 && f->end < f->offset)
		start_again(f);
}

int follow_last(struct follow *f, struct follow_batch *batch)
{
	int64_t left;
	size_t used;
	ssize_t n;

	batch_clear(batch);
	if (f->end < 0)
		follow_finish(f);
	if (f->end < 0)
		return (int)f->end;
	left = f->end - f->offset;
	assert(left >= 0);
	n = read_at(f, batch->bytes,
		    left < FOLLOW_BYTES ? (size_t)left : FOLLOW_BYTES);
	if (n < 0)
		return (int)n;
	used = feed(f, batch, (size_t)n);
	if (n == FOLLOW_BYTES || (used > 0 && used < (size_t)n)) {
		batch_settle(batch, f);
		return FOLLOW_MORE;
	}
	reader_finish(f->reader, batch->bytes + used, (size_t)n - used,
		      on_metric, batch);
	f->offset += n - (ssize_t)used;
	batch_settle(batch, f);
	return FOLLOW_READ;
}
