#include "progress.h"

#include "out.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/names.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOG_TAIL 4096

int64_t progress_count(const cJSON *notice, const char *state)
{
	return json_get_integer(json_get(notice, "counts"), state, 0);
}

static int64_t count_ended(const cJSON *notice)
{
	int64_t n = 0;

	for (int s = 0; s < NAMES_TRIAL_STATES_N; s++)
		if (trial_state_is_final((enum trial_state)s))
			n += progress_count(notice, trial_state_names[s]);
	return n;
}

static void print_time_left(struct buf *b, const cJSON *notice, double age_s)
{
	double left_s = json_get_number(notice, "left_seconds", -1);

	if (left_s < 0)
		return;
	left_s = left_s > age_s ? left_s - age_s : 0;
	buf_adds(b, "  ");
	out_print_seconds(b, left_s);
	buf_adds(b, " left");
}

void progress_print_line(struct buf *b, const cJSON *notice, double age_s)
{
	static const char *const rest[] = { "pruned", "failed", "lost", NULL };
	const char *state = json_get_text(notice, "state");
	const cJSON *best = json_get(notice, "best");
	int64_t total = json_get_integer(notice, "trials", 0);

	buf_addf(b, "[%lld", (long long)count_ended(notice));
	if (total > 0)
		buf_addf(b, "/%lld", (long long)total);
	buf_addf(b, "]  %lld done  %lld running",
		 (long long)progress_count(notice, "done"),
		 (long long)progress_count(notice, "running"));
	for (size_t i = 0; rest[i] != NULL; i++) {
		int64_t n = progress_count(notice, rest[i]);

		if (n > 0)
			buf_addf(b, "  %lld %s", (long long)n, rest[i]);
	}
	if (cJSON_IsObject(best)) {
		buf_adds(b, "  best ");
		out_print_value(b, OUT_VALUE, json_get(best, "value"));
		buf_addf(b, " (trial %lld)",
			 (long long)json_get_integer(best, "trial", -1));
	}
	if (state != NULL && strcmp(state, "paused") == 0)
		buf_adds(b, "  paused");
	else
		print_time_left(b, notice, age_s);
}

void progress_print_counts(struct buf *b, const cJSON *notice)
{
	bool first = true;

	for (int s = 0; s < NAMES_TRIAL_STATES_N; s++) {
		int64_t n = progress_count(notice, trial_state_names[s]);

		if (n == 0)
			continue;
		buf_addf(b, "%s%lld %s", first ? "" : ", ", (long long)n,
			 trial_state_names[s]);
		first = false;
	}
	if (first)
		buf_adds(b, "no trial was run");
}

void progress_print_best(struct buf *b, const cJSON *notice)
{
	const cJSON *best = json_get(notice, "best");

	buf_adds(b, "best  ");
	out_print_value(b, OUT_TEXT, json_get(notice, "metric"));
	buf_addc(b, ' ');
	out_print_value(b, OUT_VALUE, json_get(best, "value"));
	buf_addf(b, "  trial %lld  ",
		 (long long)json_get_integer(best, "trial", -1));
	out_print_value(b, OUT_PARAMS, json_get(best, "params"));
}

void progress_print_ended(struct buf *b, const cJSON *trial)
{
	const char *reason = json_get_text(trial, "reason");

	buf_addf(b, "trial %lld ",
		 (long long)json_get_integer(trial, "number", -1));
	out_print_value(b, OUT_TEXT, json_get(trial, "state"));
	if (reason != NULL && *reason != '\0') {
		buf_adds(b, " (");
		out_print_value(b, OUT_TEXT, json_get(trial, "reason"));
		buf_addc(b, ')');
	}
	if (json_get_number(trial, "seconds", -1) >= 0) {
		buf_adds(b, " after ");
		out_print_seconds(b, json_get_number(trial, "seconds", 0));
	}
}

char *progress_last_line(const char *path)
{
	char text[LOG_TAIL + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	off_t size;
	char *end;

	if (fd < 0)
		return NULL;
	size = lseek(fd, 0, SEEK_END);
	if (size > 0)
		n = pread(fd, text, LOG_TAIL,
			  size > LOG_TAIL ? size - LOG_TAIL : 0);
	(void)close(fd);
	if (n <= 0)
		return NULL;
	end = text + n;
	while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	*end = '\0';
	for (char *s = end; s > text; s--)
		if (s[-1] == '\n' || s[-1] == '\r')
			return xstrdup(s);
	return end > text ? xstrdup(text) : NULL;
}
