/*
 * Reads logs with the metric reader, for reader_model.py and for the bench.
 *
 *   reader_dump [-q | -b] [-s STEP_METRIC] [-p PATTERN]... FILE...
 *
 * Prints, of each file, a line "name TAB step TAB value" a metric and the five
 * counts behind "#"; with -q the counts alone. With -b the file is also read in
 * two parts, cut at every byte, with another reader for the second part, and
 * must give the same.
 */
#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/reader.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 1048576

static void on_metric(void *ctx, const struct metric_record *m)
{
	struct buf *out = ctx;
	char text[JSON_NUMBER_BYTES];

	buf_addf(out, "%s\t%" PRId64 "\t%s\n", m->name, m->step,
		 json_number_text(m->value, text));
}

static void on_metric_quiet(void *ctx, const struct metric_record *m)
{
}

static void add_counts(const struct reader *r, struct buf *out)
{
	const struct reader_counts *c = reader_counts(r);

	buf_addf(out,
		 "#\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
		 "\t%" PRIu64 "\n",
		 c->records, c->metrics, c->repeats, c->truncated, c->rejected);
}

/* In chunks, as the executor does. */
static void dump(const struct search_spec *spec, const char *path,
		 reader_metric_fn *fn)
{
	struct reader *r = reader_new(spec);
	char *data = xmalloc(CHUNK + LIMIT_LINE_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_buf struct buf out = BUF_INIT;
	size_t len = 0, used;
	ssize_t n;

	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, data + len, CHUNK)) > 0) {
		len += (size_t)n;
		used = reader_feed(r, data, len, fn, &out);
		len -= used;
		memmove(data, data + used, len);
		fputs(buf_text(&out), stdout);
		buf_clear(&out);
	}
	if (n < 0)
		err(1, "%s", path);
	reader_finish(r, data, len, fn, &out);
	add_counts(r, &out);
	fputs(buf_text(&out), stdout);
	close(fd);
	free(data);
	reader_free(r);
}

static void read_file(const char *path, struct buf *ret_data)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *chunk = xmalloc(CHUNK);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, chunk, CHUNK)) > 0)
		buf_add(ret_data, chunk, (size_t)n);
	if (n < 0)
		err(1, "%s", path);
	close(fd);
}

/* What a reader with the state of @r makes of the rest, to @out. */
static void finish_with_another(const struct search_spec *spec,
				const struct reader *r, const char *rest,
				size_t len, struct buf *out)
{
	struct reader *another = reader_new(spec);
	auto_buf struct buf state = BUF_INIT;

	reader_save(r, &state);
	if (reader_load(another, buf_text(&state)) != 0)
		errx(1, "a saved state is refused: %s", buf_text(&state));
	reader_finish(another, rest, len, on_metric, out);
	add_counts(another, out);
	reader_free(another);
}

/*
 * A reader that is offered one byte more each time has read, at each of them,
 * what it would have of a first part that ends there. While it consumes none
 * of them, the second part is the same, and so is what comes of it.
 */
static void check_cuts(const struct search_spec *spec, const char *path,
		       const struct buf *data, const char *want)
{
	struct reader *r = reader_new(spec);
	auto_buf struct buf first = BUF_INIT;
	size_t used = 0;

	for (size_t cut = 1; cut <= data->len; cut++) {
		size_t n = reader_feed(r, data->data + used, cut - used,
				       on_metric, &first);
		auto_buf struct buf all = BUF_INIT;

		used += n;
		if (n == 0)
			continue;
		buf_adds(&all, buf_text(&first));
		finish_with_another(spec, r, data->data + used,
				    data->len - used, &all);
		if (strcmp(buf_text(&all), want) != 0)
			errx(1, "%s: cut at byte %zu it gives\n%s, whole\n%s",
			     path, cut, buf_text(&all), want);
	}
	reader_free(r);
}

static void dump_cut(const struct search_spec *spec, const char *path)
{
	struct reader *r = reader_new(spec);
	auto_buf struct buf data = BUF_INIT, want = BUF_INIT;

	read_file(path, &data);
	reader_finish(r, buf_text(&data), data.len, on_metric, &want);
	add_counts(r, &want);
	reader_free(r);
	check_cuts(spec, path, &data, buf_text(&want));
	fputs(buf_text(&want), stdout);
}

int main(int argc, char **argv)
{
	char *patterns[LIMIT_PATTERNS + 1] = { NULL };
	struct search_spec spec = { 0 };
	size_t n = 0;
	bool quiet = false, cut = false;
	int option;

	while ((option = getopt(argc, argv, "qbs:p:")) != -1) {
		if (option == 'q')
			quiet = true;
		else if (option == 'b')
			cut = true;
		else if (option == 's')
			spec.step_metric = optarg;
		else if (option == 'p' && n < LIMIT_PATTERNS)
			patterns[n++] = optarg;
		else
			return 2;
	}
	if (n > 0)
		spec.patterns = patterns;
	for (int i = optind; i < argc; i++) {
		if (cut)
			dump_cut(&spec, argv[i]);
		else
			dump(&spec, argv[i],
			     quiet ? on_metric_quiet : on_metric);
	}
	return 0;
}
