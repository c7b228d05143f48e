#pragma once

/*
 * The metric reader: from a program's output to metrics (the rules are told in
 * hpsd-search(5), "METRICS"). Pure: bytes in, metrics out, in linear time.
 *
 * A record is read by the first rule that fits it: a JSON object, the search's
 * patterns, or name=value pairs. A number ends at the end of the record, at a
 * blank or at one of , ; | ) ] } / %, and not at the comma of "1,5"; that of a
 * step name also at a colon before a blank ("Epoch 3: ..."). If a record has
 * several step names, the first in the order metric.step, step, epoch, iter,
 * iteration gives its step, and holds until the next. Steps are integers up to
 * 2^53. A step name that has had what can be none ("epoch": 0.5, "step 1,000")
 * gives the metrics beside it none from there on: without another one, be it of
 * before, they are counted on, each one step after the highest of its metric.
 * So a name that is no step puts no value on another, and the last is the last.
 *
 * A record ends with LF or CR. The reader consumes whole records only, so that
 * (offset, state) is enough to go on after a restart. Of a record longer than
 * LIMIT_LINE_BYTES the first LIMIT_LINE_BYTES are read, the rest is skipped
 * and the record is counted as truncated.
 */
#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/record.h"
#include "schema/search.h"

struct reader;

struct reader_counts {
	uint64_t records;   /* that held something */
	uint64_t metrics;   /* values handed on */
	uint64_t repeats;   /* of a (name, step) seen just before: same step */
	uint64_t truncated; /* records longer than the limit */
	/*
	 * name=text that is no number, name: text that looks like one but is
	 * none ("loss: 1,5"), a step that is no integer, a metric whose name is
	 * too long, no UTF-8 or one too many.
	 */
	uint64_t rejected;
};

/* Told once: that values are counted on, since no name gives a step. */
struct reader_note {
	uint64_t line; /* 1 is the first one that this reader was given */
	char *words;
};

/* The record is borrowed until the function returns. */
typedef void reader_metric_fn(void *ctx, const struct metric_record *metric);

/* A reader for the metrics of @spec (borrowed); reader_free(). */
struct reader *reader_new(const struct search_spec *spec);
void reader_free(struct reader *r);

/*
 * Reads the whole records at the beginning of @data and returns how many bytes
 * they take; the rest is to be offered again with more after it. A return of
 * 0 with @len > LIMIT_LINE_BYTES does not happen.
 */
size_t reader_feed(struct reader *r, const char *data, size_t len,
		   reader_metric_fn *fn, void *ctx);

/* The output has ended: what is left, @len bytes, is the last record. */
void reader_finish(struct reader *r, const char *data, size_t len,
		   reader_metric_fn *fn, void *ctx);

/*
 * The carried state as JSON, appended, and back. A broken state is answered
 * with 1 and leaves the reader as a new one.
 */
void reader_save(const struct reader *r, struct buf *ret_json);
int reader_load(struct reader *r, const char *json)
    __attribute__((warn_unused_result));

const struct reader_counts *reader_counts(const struct reader *r);

/* NULL: there is nothing to tell, or it was told of the state it began with. */
const struct reader_note *reader_note(const struct reader *r);

/* False: @name is "step", and @v can be none. */
bool reader_takes(const char *name, double v);

/*
 * A number by our own grammar: [+-] digits [. digits] [e [+-] digits], where
 * one side of the point may be empty (".5", "5."), or nan, inf, infinity in any
 * case; nothing of the locale, no hex, no "1,5", "1_000" or "1e". The number
 * must end where @len ends. Overflow is an infinity.
 */
bool reader_number(const char *text, size_t len, double *ret_v);

/* Compiles one pattern, for its faults alone ("" if it is right). */
void reader_check_pattern(const char *pattern, const struct json_doc *doc,
			  const cJSON *node, const char *path,
			  struct diag *reterr);
