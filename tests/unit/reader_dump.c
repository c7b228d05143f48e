/*
 * Reads logs with the metric reader, for reader_model.py and for the bench.
 *
 *   reader_dump [-q] [-s STEP_METRIC] [-p PATTERN]... FILE...
 *
 * Prints, of each file, a line "name TAB step TAB value" a metric and the five
 * counts behind "#"; with -q the counts alone.
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
	const bool *quiet = ctx;
	char text[JSON_NUMBER_BYTES];

	if (!*quiet)
		printf("%s\t%" PRId64 "\t%s\n", m->name, m->step,
		       json_number_text(m->value, text));
}

static void dump(const struct search_spec *spec, const char *path, bool quiet)
{
	struct reader *r = reader_new(spec);
	const struct reader_counts *c = reader_counts(r);
	char *data = xmalloc(CHUNK + LIMIT_LINE_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0, used;
	ssize_t n;

	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, data + len, CHUNK)) > 0) {
		len += (size_t)n;
		used = reader_feed(r, data, len, on_metric, &quiet);
		len -= used;
		memmove(data, data + used, len);
	}
	if (n < 0)
		err(1, "%s", path);
	reader_finish(r, data, len, on_metric, &quiet);
	printf("#\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
	       "\n",
	       c->records, c->metrics, c->repeats, c->truncated, c->rejected);
	close(fd);
	free(data);
	reader_free(r);
}

int main(int argc, char **argv)
{
	char *patterns[LIMIT_PATTERNS + 1] = { NULL };
	struct search_spec spec = { 0 };
	size_t n = 0;
	bool quiet = false;
	int option;

	while ((option = getopt(argc, argv, "qs:p:")) != -1) {
		if (option == 'q')
			quiet = true;
		else if (option == 's')
			spec.step_metric = optarg;
		else if (option == 'p' && n < LIMIT_PATTERNS)
			patterns[n++] = optarg;
		else
			return 2;
	}
	if (n > 0)
		spec.patterns = patterns;
	for (int i = optind; i < argc; i++)
		dump(&spec, argv[i], quiet);
	return 0;
}
