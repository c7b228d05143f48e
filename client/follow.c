#include "follow.h"

#include "conn.h"
#include "progress.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/names.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS        1000  /* the time left counts down */
#define PLAIN_MS       10000 /* between progress lines without a terminal */
#define PLAIN_WIDTH    120
#define RECONNECT_MS   250
#define FAILURES_SHOWN 3 /* the first ones with the end of their log */
#define CLEAR_LINE     "\r\033[K"

struct follow {
	struct call *call;
	char *search;       /* name, as soon as hpsd has told it */
	struct conn *conn;  /* subscribed; NULL while hpsd is away */
	int signals;        /* SIGINT and SIGWINCH */
	cJSON *notice;      /* the newest */
	int64_t notice_ms;  /* when it came */
	int64_t printed_ms; /* the latest plain progress line */
	int64_t best_trial; /* told last; -1: none */
	double best_value;
	int failures;
	bool line_stands; /* the live line is on the terminal */
	bool was_away;
};

enum event {
	EVENT_MESSAGE,
	EVENT_TICK,
	EVENT_RESIZE,
	EVENT_INTERRUPT,
};

static bool is_live(const struct follow *f)
{
	return f->call->out.width > 0 && !f->call->json;
}

static void clear_line(struct follow *f)
{
	if (f->line_stands)
		fputs(CLEAR_LINE, stdout);
	f->line_stands = false;
}

static void draw_line(struct follow *f)
{
	double age_s = (double)(conn_now_ms() - f->notice_ms) / 1000;
	auto_buf struct buf line = BUF_INIT;

	if (!is_live(f) || f->notice == NULL)
		return;
	progress_print_line(&line, f->notice, age_s);
	/* A full line would wrap, and then "\r" would not lead back. */
	out_shorten(&line, (size_t)f->call->out.width - 1, f->call->out.utf8);
	fprintf(stdout, "%s%s", CLEAR_LINE, buf_text(&line));
	(void)fflush(stdout);
	f->line_stands = true;
}

/* A line above the live one; on a terminal it is cut to fit. */
static void print_above(struct follow *f, struct buf *line)
{
	struct out *o = &f->call->out;

	clear_line(f);
	if (o->width > 0)
		out_shorten(line, (size_t)o->width, o->utf8);
	out_textf(o, "%s\n", buf_text(line));
	(void)fflush(stdout);
}

static void tell_best(struct follow *f)
{
	const cJSON *best = json_get(f->notice, "best");
	int64_t trial = json_get_integer(best, "trial", -1);
	double value = json_get_number(best, "value", 0);
	auto_buf struct buf line = BUF_INIT;

	if (trial < 0 || (trial == f->best_trial && !(value < f->best_value) &&
			  !(value > f->best_value)))
		return;
	f->best_trial = trial;
	f->best_value = value;
	progress_print_best(&line, f->notice);
	print_above(f, &line);
}

static void show_log_end(struct follow *f, int64_t trial)
{
	struct target t = { .search = f->search, .trial = trial };
	auto_json cJSON *result = NULL;
	auto_json cJSON *text = NULL;
	auto_free char *last = NULL;
	auto_buf struct buf line = BUF_INIT;
	const char *path;

	if (call_method(f->call, METHOD_TRIAL, target_params(&t), &result) !=
	    STATUS_DONE)
		return;
	path = json_get_text(result, "log");
	last = path != NULL ? progress_last_line(path) : NULL;
	if (last == NULL)
		return;
	text = cJSON_CreateString(last);
	buf_adds(&line, "    | ");
	out_print_value(&line, OUT_TEXT, text);
	print_above(f, &line);
	buf_clear(&line);
	buf_addf(&line, "    see: hpctl log %s/%lld", f->search,
		 (long long)trial);
	print_above(f, &line);
}

static void tell_failure(struct follow *f, const cJSON *trial)
{
	auto_buf struct buf line = BUF_INIT;

	progress_print_ended(&line, trial);
	print_above(f, &line);
	if (f->failures++ < FAILURES_SHOWN && !f->call->json)
		show_log_end(f, json_get_integer(trial, "number", 0));
}

static void tell_failures(struct follow *f)
{
	const cJSON *trial;

	cJSON_ArrayForEach (trial, json_get(f->notice, "ended")) {
		const char *state = json_get_text(trial, "state");

		if (state != NULL && (strcmp(state, "failed") == 0 ||
				      strcmp(state, "lost") == 0))
			tell_failure(f, trial);
	}
}

/* A search may fail before it is followed: then no notice named a trial. */
static void tell_a_past_failure(struct follow *f)
{
	struct target t = { .search = f->search, .trial = -1 };
	auto_json cJSON *result = NULL;
	cJSON *params = target_params(&t);
	const cJSON *trial;

	cJSON_AddStringToObject(params, "state", "failed");
	json_add_integer(params, "limit", 1);
	if (call_method(f->call, METHOD_TRIALS, params, &result) != STATUS_DONE)
		return;
	trial = cJSON_GetArrayItem(json_get(result, "trials"), 0);
	if (trial != NULL)
		tell_failure(f, trial);
}

static void print_plain_progress(struct follow *f)
{
	auto_buf struct buf line = BUF_INIT;

	if (is_live(f) || conn_now_ms() - f->printed_ms < PLAIN_MS)
		return;
	progress_print_line(&line, f->notice, 0);
	out_textf(&f->call->out, "%s\n", buf_text(&line));
	(void)fflush(stdout);
	f->printed_ms = conn_now_ms();
}

static void take_notice(struct follow *f, cJSON *message)
{
	cJSON *notice =
	    cJSON_DetachItemFromObjectCaseSensitive(message, "params");
	const char *name = json_get_text(notice, "name");

	cJSON_Delete(message);
	if (!cJSON_IsObject(notice)) {
		cJSON_Delete(notice);
		return;
	}
	if (name != NULL) {
		free(f->search);
		f->search = xstrdup(name);
	}
	cJSON_Delete(f->notice);
	f->notice = notice;
	f->notice_ms = conn_now_ms();
	tell_failures(f);
	tell_best(f);
	draw_line(f);
	print_plain_progress(f);
}

/* True when the newest notice says that the search has ended. */
static bool has_ended(const struct follow *f)
{
	const char *state = json_get_text(f->notice, "state");
	int s = state != NULL ? search_state_find(state) : -1;

	return s >= 0 && search_state_is_final((enum search_state)s);
}

static enum event wait_for_event(struct follow *f, int timeout_ms)
{
	struct pollfd p[2] = {
		{.fd = f->signals,                  .events = POLLIN},
		{ .fd = f->conn ? f->conn->fd : -1, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	if (f->conn != NULL && conn_has_message(f->conn))
		timeout_ms = 0;
	(void)poll(p, 2, timeout_ms);
	if (p[0].revents != 0 &&
	    read(f->signals, &info, sizeof(info)) == sizeof(info))
		return info.ssi_signo == SIGINT ? EVENT_INTERRUPT
						: EVENT_RESIZE;
	if (p[1].revents != 0 || (f->conn != NULL && conn_has_message(f->conn)))
		return EVENT_MESSAGE;
	return EVENT_TICK;
}

/* Subscribes on a connection of its own. */
static enum status subscribe(struct follow *f)
{
	struct target t = { .search = f->search, .trial = -1 };
	auto_json cJSON *result = NULL;
	enum status r;

	call_hang_up(f->call);
	r = call_method(f->call, METHOD_SUBSCRIBE, target_params(&t), &result);
	if (r != STATUS_DONE)
		return r;
	f->conn = f->call->conn;
	f->call->conn = NULL;
	return STATUS_DONE;
}

/* Subscribes if hpsd is there. The search may be gone: that ends it all. */
static enum status try_subscribe(struct follow *f)
{
	struct conn *probe;
	enum status r;

	if (conn_open(f->call->paths.socket, &probe) < 0)
		return STATUS_DONE;
	conn_close(probe);
	r = subscribe(f);
	return r == STATUS_NO_DAEMON ? STATUS_DONE : r;
}

static void say_away(const struct follow *f)
{
	if (!f->was_away)
		note("hpsd is away, its trials go on; waiting for it ('hpctl "
		     "list' starts it)");
}

static void say_back(struct follow *f)
{
	if (f->conn == NULL || f->was_away)
		return;
	note("hpsd is back");
	f->was_away = true;
}

/* Hung up on. Is hpsd there, and the search not, then nothing is waited for. */
static enum status lose(struct follow *f)
{
	enum status r;

	clear_line(f);
	conn_close(f->conn);
	f->conn = NULL;
	call_hang_up(f->call);
	r = try_subscribe(f);
	if (r != STATUS_DONE)
		return r;
	say_away(f);
	say_back(f);
	return STATUS_DONE;
}

static enum status try_again(struct follow *f)
{
	enum status r = try_subscribe(f);

	say_back(f);
	return r;
}

/* Whoever ends hpsd from here on has a reason: it is waited for. */
static enum status begin(struct follow *f, bool is_submitted)
{
	enum status r;

	f->call->no_start = f->call->no_start || is_submitted;
	r = is_submitted ? try_subscribe(f) : subscribe(f);
	f->call->no_start = true;
	if (r == STATUS_DONE && f->conn == NULL)
		say_away(f);
	return r;
}

static void print_goodbye(struct follow *f)
{
	clear_line(f);
	(void)fflush(stdout);
	note("%s goes on without you\n  come back: hpctl watch %s\n"
	     "  stop it:   hpctl cancel %s",
	     f->search, f->search, f->search);
}

static enum status on_message(struct follow *f)
{
	cJSON *message;
	int r = conn_receive(f->conn, conn_now_ms() + TICK_MS, &message);

	if (r == 0)
		take_notice(f, message);
	else if (r == -EPROTO)
		return fail(STATUS_NO_DAEMON,
			    "%s answers, but not as an hpsd does",
			    f->call->paths.socket);
	else if (r != -ETIMEDOUT)
		return lose(f);
	return STATUS_DONE;
}

static enum status follow_to_end(struct follow *f)
{
	enum status r = STATUS_DONE;

	while (r == STATUS_DONE && !has_ended(f)) {
		bool away = f->conn == NULL;

		switch (wait_for_event(f, away ? RECONNECT_MS : TICK_MS)) {
		case EVENT_INTERRUPT:
			print_goodbye(f);
			return STATUS_INTERRUPTED;
		case EVENT_RESIZE:
			out_measure(&f->call->out);
			draw_line(f);
			break;
		case EVENT_TICK:
			if (away)
				r = try_again(f);
			else
				draw_line(f);
			break;
		case EVENT_MESSAGE:
			r = on_message(f);
			break;
		}
	}
	clear_line(f);
	return r;
}

static enum status print_summary(struct follow *f)
{
	struct target t = { .search = f->search, .trial = -1 };
	struct out *o = &f->call->out;
	const char *state = json_get_text(f->notice, "state");
	const char *reason = json_get_text(f->notice, "reason");
	auto_buf struct buf line = BUF_INIT;
	auto_json cJSON *result = NULL;
	const cJSON *rows;
	cJSON *params = target_params(&t);
	enum status r;

	if (strcmp(state, "failed") == 0 && f->failures == 0 && !f->call->json)
		tell_a_past_failure(f);
	buf_addf(&line, "%s %s", f->search, state);
	if (reason != NULL && *reason != '\0')
		buf_addf(&line, " (%s)", reason);
	buf_adds(&line, " after ");
	out_print_seconds(&line, json_get_number(f->notice, "seconds", 0));
	buf_adds(&line, ": ");
	progress_print_counts(&line, f->notice);
	out_textf(o, "%s\n", buf_text(&line));
	if (strcmp(state, "failed") == 0)
		out_textf(o, "why: hpctl explain %s\n", f->search);
	buf_clear(&line);
	progress_print_symptom(&line, json_get(f->notice, "symptoms"),
			       json_get(f->notice, "counts"), f->search);
	if (line.len > 0)
		out_textf(o, "%s\n", buf_text(&line));
	o->ops->answer(o, f->notice);
	json_add_integer(params, "limit", 5);
	r = call_method(f->call, METHOD_BEST, params, &result);
	if (r != STATUS_DONE)
		return r;
	rows = json_get(result, "trials");
	if (cJSON_GetArraySize(rows) == 0)
		return STATUS_DONE;
	out_textf(o, "\n");
	/* A log is read by people, too. */
	if (o->width == 0)
		o->width = PLAIN_WIDTH;
	print_leaderboard(o, rows);
	out_textf(o,
		  "\nuse it:    hpctl best %s --args\n"
		  "query it:  sqlite3 %s/hps.db \"select * from leaderboard "
		  "where search = '%s' limit 5\"\n",
		  f->search, f->call->paths.state_dir, f->search);
	return STATUS_DONE;
}

/* Blocks the signals that are read by signalfd. */
static void block_signals(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set);
	(void)sigaddset(ret_set, SIGINT);
	(void)sigaddset(ret_set, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, ret_set, NULL);
}

void follow_hold_interrupts(void)
{
	sigset_t set;

	block_signals(&set);
}

enum status follow_search(struct call *call, const char *search,
			  bool is_submitted)
{
	struct follow f = {
		.call = call,
		.search = xstrdup(search),
		.best_trial = -1,
		.printed_ms = conn_now_ms(),
	};
	bool no_start = call->no_start;
	const char *state;
	sigset_t set;
	enum status r;

	block_signals(&set);
	f.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = begin(&f, is_submitted);
	if (r == STATUS_DONE)
		r = follow_to_end(&f);
	call->no_start = no_start;
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (r == STATUS_DONE)
		r = print_summary(&f);
	state = json_get_text(f.notice, "state");
	if (r == STATUS_DONE && state != NULL && strcmp(state, "finished") != 0)
		r = STATUS_FAILED;
	(void)close(f.signals);
	conn_close(f.conn);
	cJSON_Delete(f.notice);
	free(f.search);
	return r;
}
