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

/* Trials that run or have run. */
static int64_t count_begun(const cJSON *counts)
{
	int64_t n = json_get_integer(counts, "waiting", 0);

	for (int s = 0; s < NAMES_TRIAL_STATES_N; s++)
		if (s != TRIAL_QUEUED)
			n += json_get_integer(counts, trial_state_names[s], 0);
	return n;
}

/* The symptom that most trials have, if it is worth a word; else NULL. */
static const cJSON *commonest(const cJSON *symptoms, int64_t begun)
{
	const cJSON *most = NULL, *item;

	cJSON_ArrayForEach (item, symptoms) {
		if (cJSON_IsNumber(item) &&
		    strcmp(item->string, "healthy") != 0 &&
		    (most == NULL || item->valuedouble > most->valuedouble))
			most = item;
	}
	return most != NULL && most->valuedouble >= 2 &&
		       10 * most->valuedouble >= (double)begun
		   ? most
		   : NULL;
}

void progress_print_symptom(struct buf *b, const cJSON *symptoms,
			    const cJSON *counts, const char *search)
{
	int64_t begun = count_begun(counts);
	const cJSON *most = commonest(symptoms, begun);

	if (most == NULL)
		return;
	buf_addf(b,
		 "commonest symptom: %s, in %.0f of %lld trial%s (hpctl why "
		 "%s)",
		 most->string, most->valuedouble, (long long)begun,
		 begun == 1 ? "" : "s", search);
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

#define RUNS_SHOWN 4

/* Of running trials with several runs each: which they are at. */
static void print_runs(struct buf *b, const cJSON *running)
{
	int64_t n = cJSON_GetArraySize(running), i = 0, runs = 0;
	const cJSON *item;

	if (n == 0)
		return;
	buf_adds(b, n > 1 ? " (runs" : " (run");
	cJSON_ArrayForEach (item, running) {
		runs = json_get_integer(item, "runs", 0);
		if (i++ < RUNS_SHOWN)
			buf_addf(b, "%s %lld", i > 1 ? "," : "",
				 (long long)json_get_integer(item, "run", 0));
	}
	buf_addf(b, "%s of 0 to %lld)", n > RUNS_SHOWN ? ", ..." : "",
		 (long long)runs - 1);
}

void progress_print_line(struct buf *b, const cJSON *notice, double age_s)
{
	static const char *const rest[] = { "waiting", "pruned", "failed",
					    "lost", NULL };
	const char *state = json_get_text(notice, "state");
	const cJSON *best = json_get(notice, "best");
	const cJSON *symptom =
	    commonest(json_get(notice, "symptoms"),
		      count_begun(json_get(notice, "counts")));
	int64_t total = json_get_integer(notice, "trials", 0);

	buf_addf(b, "[%lld", (long long)count_ended(notice));
	if (total > 0)
		buf_addf(b, "/%lld", (long long)total);
	buf_addf(b, "]  %lld done  %lld running",
		 (long long)progress_count(notice, "done"),
		 (long long)progress_count(notice, "running"));
	print_runs(b, json_get(notice, "running"));
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
	if (symptom != NULL)
		buf_addf(b, "  (%.0f %s)", symptom->valuedouble,
			 symptom->string);
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
