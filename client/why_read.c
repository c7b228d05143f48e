/* A log of any program for why --log: its metrics, and how it ended. */
#include "feed.h"
#include "why.h"
#include "why_table.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/token.h"

#include <stdlib.h>
#include <string.h>

#define GAP_MOST    3 /* bytes between "train" and "loss" */
#define CRASH_LINES 3 /* at the end, one of which tells of a crash */
#define CRASH_BYTES 80
#define FEW_STEPS   4

/* What reads a log, and the two ways of it. */
struct reading {
	struct why_log *log;
	struct why_metrics pairs;
	struct why_metrics cells;
	struct why_table table;
};

static void add(struct why_metrics *all, const struct metric_record *record)
{
	struct why_metric *m;
	size_t i = 0;

	while (i < all->n && strcmp(all->list[i].name, record->name) != 0)
		i++;
	if (i == all->n) {
		if (all->n == LIMIT_METRICS)
			return;
		all->list =
		    xreallocarray(all->list, all->n + 1, sizeof(*all->list));
		all->list[all->n++] =
		    (struct why_metric){ .name = xstrdup(record->name) };
	}
	m = &all->list[i];
	series_add(&m->by_step, SERIES_TRAIN, record->step, record->value);
	series_add(&m->by_turn, SERIES_TRAIN,
		   (int64_t)m->by_turn.lines[SERIES_TRAIN].n + 1,
		   record->value);
}

static void on_pair(void *ctx, const struct metric_record *record)
{
	add(&((struct reading *)ctx)->pairs, record);
}

static void on_cell(void *ctx, const struct metric_record *record)
{
	add(&((struct reading *)ctx)->cells, record);
}

static void free_metrics(struct why_metrics *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->list[i].name);
		series_fini(&all->list[i].by_step);
		series_fini(&all->list[i].by_turn);
	}
	free(all->list);
	*all = (struct why_metrics){ 0 };
}

/* --- sentences ------------------------------------------------------------ */

static bool is_letter(char c)
{
	return token_begins_name(c) && c != '_';
}

static struct series_role role_of(const char *text, size_t len)
{
	auto_free char *name = xstrndup(text, len);

	return series_role(name);
}

/* The end of the word at @p, behind a number or 's that belong to it. */
static char *word_end(char *p, const char *end)
{
	while (p < end && is_letter(*p))
		p++;
	while (p < end && (token_is_digit(*p) || *p == '_'))
		p++;
	if (end - p > 2 && p[0] == '\'' && p[1] == 's')
		p += 2;
	return p;
}

/* Joins "Train Loss" and "valid_1's loss" to one name. */
static char *join(char *word, char *after, char *end)
{
	char *next = after, *next_end;

	while (next < end && next - after < GAP_MOST &&
	       strchr(" :-|>\t]", *next) != NULL)
		next++;
	if (next == after || next == end || !is_letter(*next))
		return after;
	next_end = next;
	while (next_end < end && token_is_name(*next_end))
		next_end++;
	if (role_of(next, (size_t)(next_end - next)).rank == 0)
		return after;
	for (char *p = word; p < next; p++)
		if (!is_letter(*p) && !token_is_digit(*p))
			*p = '_';
	return next_end;
}

static bool begins_number(const char *p, const char *end)
{
	double v;

	return p < end && token_number(p, end, &v) != NULL;
}

/* "loss 0.5" is "loss=0.5"; other words are too common in prose. */
static void give_sign(const char *word, char *after, const char *end)
{
	char *p = after;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p > after && begins_number(p, end) &&
	    series_is_plain(word, (size_t)(after - word)))
		p[-1] = '=';
}

static void tidy(char *data, size_t len)
{
	char *p = data, *end = data + len;

	while (p < end) {
		char *word = p;

		if (!is_letter(*p) ||
		    (p > data && (token_is_name(p[-1]) || p[-1] == '\''))) {
			p++;
			continue;
		}
		p = word_end(p, end);
		if (series_is_curve(word, (size_t)(p - word)))
			p = join(word, p, end);
		give_sign(word, p, end);
	}
}

/* --- how it ended --------------------------------------------------------- */

static void keep_tail(struct why_log *log, const char *data, size_t len)
{
	size_t keep;

	if (len > sizeof(log->tail)) {
		data += len - sizeof(log->tail);
		len = sizeof(log->tail);
	}
	keep = sizeof(log->tail) - len;
	keep = log->tail_len < keep ? log->tail_len : keep;
	memmove(log->tail, log->tail + log->tail_len - keep, keep);
	memcpy(log->tail + keep, data, len);
	log->tail_len = keep + len;
}

static void look(void *ctx, char *data, size_t len, size_t n_new)
{
	struct reading *r = ctx;

	keep_tail(r->log, data + len - n_new, n_new);
	why_table_feed(&r->table, data + len - n_new, n_new);
	tidy(data, len);
}

/* "ValueError: ..." and "torch.cuda.OutOfMemoryError", as Python ends. */
static bool is_exception(const char *line)
{
	size_t n = 0;

	while (token_is_name(line[n]))
		n++;
	return (line[n] == '\0' || line[n] == ':') &&
	       ((n > 5 && strncmp(line + n - 5, "Error", 5) == 0) ||
		(n > 9 && strncmp(line + n - 9, "Exception", 9) == 0));
}

static bool tells_crash(const char *line)
{
	static const char *const words[] = {
		"Segmentation fault",
		"core dumped",
		"Out of memory",
		"out of memory",
		"oom-kill",
		"Bus error",
		"Illegal instruction",
		"std::bad_alloc",
		"terminate called",
		"Aborted",
		"panicked at",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	return is_exception(line) || strcmp(line, "Killed") == 0;
}

/* Looks for the crash in the last lines that hold something. */
static char *find_crash(const struct why_log *log)
{
	auto_free char *tail = xstrndup(log->tail, log->tail_len);
	char *line;

	for (int i = 0; i < CRASH_LINES; i++) {
		size_t len = strlen(tail);

		while (len > 0 && strchr("\r\n \t", tail[len - 1]) != NULL)
			tail[--len] = '\0';
		line = strrchr(tail, '\n');
		line = line != NULL ? line + 1 : tail;
		if (*line == '\0')
			return NULL;
		if (tells_crash(line)) {
			if (strlen(line) > CRASH_BYTES)
				memcpy(line + CRASH_BYTES - 3, "...", 4);
			return xstrdup(line);
		}
		*line = '\0';
	}
	return NULL;
}

/* --- all of it ------------------------------------------------------------ */

/*
 * Of a run of one or two epochs that reports many times an epoch, the turns
 * tell more than the steps.
 */
static void prefer_turns(struct why_metric *m)
{
	size_t steps = m->by_step.lines[SERIES_TRAIN].n;
	size_t turns = m->by_turn.lines[SERIES_TRAIN].n;
	struct series s = m->by_step;

	if (steps >= FEW_STEPS || turns < 5 * steps)
		return;
	m->by_step = m->by_turn;
	m->by_turn = s;
}

static bool has_known(const struct why_metrics *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (series_role(all->list[i].name).rank > 0)
			return true;
	return false;
}

enum status why_log_read(const char *path, struct why_log *ret)
{
	static const struct search_spec any;
	struct reading r = { .log = ret };
	struct log_feed feed = { .reader = reader_new(&any),
				 .on_metric = on_pair,
				 .look = look,
				 .ctx = &r };
	enum status status;

	r.table = (struct why_table){ .fn = on_cell, .ctx = &r };
	status = feed_log(path, &feed);
	ret->counts = *reader_counts(feed.reader);
	reader_free(feed.reader);
	why_table_finish(&r.table);
	if (!has_known(&r.pairs) && has_known(&r.cells)) {
		free_metrics(&r.pairs);
		r.pairs = r.cells;
	} else {
		free_metrics(&r.cells);
	}
	ret->metrics = r.pairs;
	for (size_t i = 0; i < ret->metrics.n; i++)
		prefer_turns(&ret->metrics.list[i]);
	ret->crash = find_crash(ret);
	return status;
}

void why_log_free(struct why_log *log)
{
	free_metrics(&log->metrics);
	free(log->crash);
	*log = (struct why_log){ 0 };
}
