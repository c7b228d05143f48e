/* Commands about hpsd itself. */
#include "cmd.h"
#include "conn.h"

#include "schema/json.h"
#include "schema/rpc.h"

#include <poll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define SHUTDOWN_MS 60000 /* trials may need their grace to stop */

static const struct out_column status_members[] = {
	{"version",        NULL,              OUT_TEXT },
	{ "pid",           NULL,              OUT_COUNT},
	{ "uptime_ms",     "up for",          OUT_MS   },
	{ "open_searches", "open searches",   OUT_COUNT},
	{ "running",       "running trials",  OUT_COUNT},
	{ "slots",         NULL,              OUT_COUNT},
	{ "slots_used",    "slots used",      OUT_COUNT},
	{ "clients",       NULL,              OUT_COUNT},
	{ "memory_bytes",  "memory",          OUT_BYTES},
	{ "state_dir",     "state directory", OUT_TEXT },
	{ "database",      NULL,              OUT_TEXT },
	{ "storage",       NULL,              OUT_TEXT },
	{ "socket",        NULL,              OUT_TEXT },
	{ NULL,            NULL,              OUT_TEXT },
};

static enum status run_status(struct call *call)
{
	auto_json cJSON *result = NULL;
	enum status r = call_method(call, METHOD_STATUS, NULL, &result);

	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	call->out.ops->record(&call->out, status_members, result);
	return STATUS_DONE;
}

const struct command cmd_status = {
	.name = "status",
	.operands = "",
	.help = "Tell how the daemon is",
	.text = "It starts none: exit status 3 says that none runs.",
	.never_starts = true,
	.run = run_status,
};

/* Waits for the process, so that the next hpsd finds nobody in its way. */
static enum status wait_for_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int64_t deadline_ms = conn_now_ms() + SHUTDOWN_MS;

	for (;;) {
		int64_t left = deadline_ms - conn_now_ms();
		int r = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (r > 0)
			return STATUS_DONE;
		if (r == 0)
			return fail(STATUS_FAILED,
				    "hpsd has not ended after %d seconds",
				    SHUTDOWN_MS / 1000);
	}
}

/* The process is opened before it is told to end. If it cannot be: no wait. */
static enum status shut_down(struct call *call, cJSON *params,
			     cJSON **ret_result)
{
	auto_json cJSON *owned = params;
	enum status r = call_connect(call);
	int pidfd;

	if (r != STATUS_DONE)
		return r;
	pidfd = pidfd_open((pid_t)json_get_integer(call->daemon, "pid", 0), 0);
	r = call_method(call, METHOD_SHUTDOWN, owned, ret_result);
	owned = NULL;
	if (r == STATUS_DONE && pidfd >= 0)
		r = wait_for_end(pidfd);
	if (pidfd >= 0)
		(void)close(pidfd);
	return r;
}

static enum status run_shutdown(struct call *call)
{
	bool kills = call_option(call, "kill-trials") != NULL;
	auto_json cJSON *result = NULL;
	cJSON *params = cJSON_CreateObject();
	long long running;
	enum status r;

	if (kills)
		cJSON_AddTrueToObject(params, "kill_trials");
	r = shut_down(call, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	running = json_get_integer(result, "running", 0);
	if (running == 0)
		out_textf(&call->out, "hpsd has ended\n");
	else
		out_textf(&call->out,
			  "hpsd has ended; %lld running trial%s %s\n", running,
			  running == 1 ? "" : "s",
			  kills ? "stopped" : "left to go on");
	return STATUS_DONE;
}

const struct command cmd_shutdown = {
	.name = "shutdown",
	.operands = "",
	.help = "End the daemon; running trials go on",
	.text = "The next hpsd adopts the running trials again.",
	.never_starts = true,
	.options = { { "kill-trials", 0, NULL,
		       "Stop the running trials first" } },
	.run = run_shutdown,
};

static void print_daemon(struct call *call)
{
	const char *version = json_get_text(call->daemon, "version");

	out_textf(&call->out, "hpsd %s (pid %lld)\n",
		  version != NULL ? version : "of unknown version",
		  (long long)json_get_integer(call->daemon, "pid", 0));
}

static enum status run_version(struct call *call)
{
	auto_json cJSON *answer = cJSON_CreateObject();
	struct conn *probe;

	cJSON_AddStringToObject(answer, "hpctl", HPSD_VERSION);
	json_add_integer(answer, "protocol", RPC_PROTOCOL);
	out_textf(&call->out, "hpctl %s\n", HPSD_VERSION);
	/* That none runs, or can be found, is no fault here. */
	if (call_paths(call) == STATUS_DONE &&
	    conn_open(call->paths.socket, &probe) == 0) {
		conn_close(probe);
		if (call_connect(call) == STATUS_DONE) {
			cJSON_AddItemToObject(
			    answer, "hpsd",
			    cJSON_Duplicate(call->daemon, true));
			print_daemon(call);
		}
	}
	call->out.ops->answer(&call->out, answer);
	return STATUS_DONE;
}

const struct command cmd_version = {
	.name = "version",
	.operands = "",
	.help = "Tell the versions of hpctl and of the daemon that runs",
	.never_starts = true,
	.run = run_version,
};
