#pragma once

/*
 * Tables in a log: a header whose words are names, one of them that of a
 * metric ("epoch,loss,val_loss", or between blanks as fastai prints it), and
 * rows of as many fields. Of a row the numbers count; its step is that of a
 * column step, epoch, iter or iteration, else its number. Another header
 * begins another table.
 */
#include "schema/buf.h"
#include "schema/reader.h"

struct why_table {
	struct buf line; /* the beginning of the line at hand */
	char **names;    /* [n] of the header; NULL: none has come */
	size_t n;
	bool commas; /* else blanks are between fields */
	int64_t row;
	reader_metric_fn *fn;
	void *ctx;
};

/* More of the log, @len bytes; what it holds is handed to fn. */
void why_table_feed(struct why_table *t, const char *data, size_t len);
/* The log has ended; frees what the table holds. */
void why_table_finish(struct why_table *t);
