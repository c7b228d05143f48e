/* report: a metric from a trial's own script, through its output. */
#include "cmd.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status read_pair(const char *operand, const char *separator,
			     struct buf *line)
{
	char number[JSON_NUMBER_BYTES];
	const char *equals = strchr(operand, '=');
	size_t len = equals != NULL ? (size_t)(equals - operand) : 0;
	auto_free char *name = NULL;
	double v;

	if (len == 0)
		return fail(STATUS_BAD_INPUT,
			    "'%s' is no NAME=VALUE (as 'val_loss=0.3')",
			    operand);
	if (len > LIMIT_NAME_BYTES)
		return fail(STATUS_BAD_INPUT,
			    "'%.*s...' is too long for a metric's name (at "
			    "most %d bytes)",
			    LIMIT_NAME_BYTES, operand, LIMIT_NAME_BYTES);
	if (!reader_number(equals + 1, strlen(equals + 1), &v))
		return fail(STATUS_BAD_INPUT,
			    "'%s': '%s' is no number (as 0.3, -1e-5, nan, inf)",
			    operand, equals + 1);
	name = xstrndup(operand, len);
	if (!reader_takes(name, v))
		return fail(STATUS_BAD_INPUT,
			    "'%s': '%s' is no step (a whole number as 12, of "
			    "at most 2^53)",
			    operand, equals + 1);
	buf_adds(line, separator);
	json_write_text(line, name);
	buf_addc(line, ':');
	if (isnan(v))
		buf_adds(line, "NaN");
	else if (isinf(v))
		buf_adds(line, v > 0 ? "Infinity" : "-Infinity");
	else
		buf_adds(line, json_number_text(v, number));
	return STATUS_DONE;
}

/* One write(2) to a file opened for appending: it never mixes with another. */
static enum status append(const char *path, const struct buf *line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return fail(STATUS_FAILED, "cannot open %s: %s", path,
			    strerror(errno));
	n = write(fd, line->data, line->len);
	error = n < 0 ? errno : ENOSPC;
	(void)close(fd);
	if (n != (ssize_t)line->len)
		return fail(STATUS_FAILED, "cannot write %s: %s", path,
			    strerror(error));
	return STATUS_DONE;
}

static enum status run_report(struct call *call)
{
	const char *dir = getenv("HPS_DIR");
	auto_buf struct buf line = BUF_INIT;
	auto_free char *path = NULL;

	if (dir == NULL || *dir == '\0')
		return fail(STATUS_BAD_INPUT,
			    "report: not inside a trial (HPS_DIR is not set)");
	/* The program may have printed half a line before. */
	buf_adds(&line, "\n{");
	for (int i = 0; i < call->n_operands; i++) {
		enum status r =
		    read_pair(call->operands[i], i > 0 ? "," : "", &line);

		if (r != STATUS_DONE)
			return r;
	}
	buf_adds(&line, "}\n");
	if (line.len > LIMIT_LINE_BYTES)
		return fail(STATUS_BAD_INPUT,
			    "report: more than %d bytes in one line",
			    LIMIT_LINE_BYTES);
	path = xasprintf("%s/output.log", dir);
	return append(path, &line);
}

const struct command cmd_report = {
	.name = "report",
	.operands = "NAME=VALUE ... [step=N]",
	.min = 1,
	.max = -1,
	.help = "Report metrics from inside a trial",
	.text = "It appends a line to the trial's output, so that it needs no "
		"daemon and loses nothing. Values are numbers, nan, inf or "
		"-inf; a step is a whole number.",
	.run = run_report,
};
