/* log: a trial's output, as it is. */
#include "cmd.h"
#include "conn.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/names.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 200  /* between looks at the file */
#define ASK_MS  1000 /* between questions to hpsd */

/* Where the output is and whether more may come. */
struct trial_log {
	char *path; /* new */
	bool ended;
};

static enum status ask_trial(struct call *call, const struct target *t,
			     struct trial_log *ret_log)
{
	auto_json cJSON *result = NULL;
	const char *path, *state;
	int s;
	enum status r =
	    call_method(call, METHOD_TRIAL, target_params(t), &result);

	if (r != STATUS_DONE)
		return r;
	path = json_get_text(result, "log");
	state = json_get_text(json_get(result, "trial"), "state");
	if (path == NULL || state == NULL) {
		(void)fail(STATUS_FAILED, "hpsd did not name the log");
		return STATUS_FAILED;
	}
	s = trial_state_find(state);
	ret_log->ended = s >= 0 && trial_state_is_final((enum trial_state)s);
	free(ret_log->path);
	ret_log->path = xstrdup(path);
	return STATUS_DONE;
}

/* Copies what is new in @fd to stdout. */
static enum status copy(int fd, const char *path)
{
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		if (fwrite(data, 1, (size_t)n, stdout) != (size_t)n)
			return STATUS_FAILED;
	}
	if (n < 0)
		return fail(STATUS_FAILED, "cannot read %s: %s", path,
			    strerror(errno));
	return fflush(stdout) == 0 ? STATUS_DONE : STATUS_FAILED;
}

/*
 * Whether the trial has ended. hpsd may be away for a while: its trials go on,
 * so that is no reason to stop.
 */
static enum status has_ended(struct call *call, const struct target *t,
			     struct trial_log *log)
{
	struct conn *probe;
	int error;

	if (call->conn == NULL) {
		error = conn_open(call->paths.socket, &probe);
		if (error < 0)
			return STATUS_DONE;
		conn_close(probe);
	}
	return ask_trial(call, t, log);
}

static enum status follow(struct call *call, const struct target *t,
			  struct trial_log *log)
{
	int64_t asked_ms = conn_now_ms();
	int fd = -1;
	enum status r;

	for (;;) {
		/* The end first: what is written before it is still read. */
		bool ended = log->ended;

		if (fd < 0)
			fd = open(log->path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? STATUS_DONE : copy(fd, log->path);
		if (r != STATUS_DONE || ended)
			break;
		(void)poll(NULL, 0, LOOK_MS);
		if (conn_now_ms() - asked_ms < ASK_MS)
			continue;
		r = has_ended(call, t, log);
		if (r == STATUS_NO_DAEMON)
			r = STATUS_DONE;
		if (r != STATUS_DONE)
			break;
		asked_ms = conn_now_ms();
	}
	if (fd >= 0)
		(void)close(fd);
	return r;
}

static enum status print(const char *what, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum status r;

	if (fd < 0 && errno == ENOENT) {
		note("%s has no output (yet)", what);
		return STATUS_DONE;
	}
	if (fd < 0)
		return fail(STATUS_FAILED, "cannot read %s: %s", path,
			    strerror(errno));
	r = copy(fd, path);
	(void)close(fd);
	return r;
}

static enum status run_log(struct call *call)
{
	auto_target struct target t = { 0 };
	struct trial_log log = { 0 };
	enum status r = target_parse(call->operands[0], true, &t);

	if (r == STATUS_DONE)
		r = ask_trial(call, &t, &log);
	if (r == STATUS_DONE && call_option(call, "follow") != NULL)
		r = follow(call, &t, &log);
	else if (r == STATUS_DONE)
		r = print(call->operands[0], log.path);
	free(log.path);
	return r;
}

const struct command cmd_log = {
	.name = "log",
	.operands = "SEARCH/TRIAL",
	.min = 1,
	.max = 1,
	.operand = OPERAND_TRIAL,
	.help = "Print the output of a trial, byte for byte",
	.options = { { "follow", 'f', NULL,
		       "Go on as it grows, until the trial has ended" } },
	.run = run_log,
};
