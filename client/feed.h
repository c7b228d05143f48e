#pragma once

/* A log of any program, read for its metrics without hpsd. */
#include "cmd.h"

#include "schema/reader.h"

struct log_feed {
	struct reader *reader;
	reader_metric_fn *on_metric;
	/*
	 * Sees the data before the reader does, and may change it: whole
	 * records and the beginning of the next one, which it sees again with
	 * more after it; the last @n_new bytes are new. NULL: nobody looks.
	 */
	void (*look)(void *ctx, char *data, size_t len, size_t n_new);
	void *ctx; /* of both */
};

/* Feeds the whole of the file @log ("-": stdin); told when it fails. */
enum status feed_log(const char *log, const struct log_feed *feed);
