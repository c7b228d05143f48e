/* doctor: does this machine let hpsd work? */
#include "doctor.h"
#include "start.h"

#include "schema/json.h"
#include "schema/machine.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define FILES_WANTED 1024
#define YEAR_2024_S  1704067200

void grade(struct doctor *d, const char *what, enum grade g, const char *fmt,
	   ...)
{
	static const char *const names[] = { "ok", "warn", "FAIL", "skip" };
	cJSON *row = cJSON_CreateObject();
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	cJSON_AddStringToObject(row, "check", what);
	cJSON_AddStringToObject(row, "result", names[g]);
	cJSON_AddStringToObject(row, "text", text);
	cJSON_AddItemToArray(d->rows, row);
	d->failed = d->failed || g == GRADE_FAIL;
}

static void check_program(struct doctor *d)
{
	auto_free char *path = start_find_hpsd();
	const char *chosen = getenv("HPSD");

	if (path != NULL)
		grade(d, "program", GRADE_OK, "%s", path);
	else if (chosen != NULL && *chosen != '\0')
		grade(d, "program", GRADE_FAIL,
		      "HPSD is %s, which is no program (unset it)", chosen);
	else
		grade(d, "program", GRADE_FAIL,
		      "no hpsd beside hpctl, in %s or in PATH (install it, or "
		      "set HPSD)",
		      HPSD_BINDIR);
}

static void check_clock(struct doctor *d)
{
	time_t now = time(NULL);

	if (now < YEAR_2024_S)
		grade(d, "clock", GRADE_WARN,
		      "stands before 2024 (set it: the times in the database "
		      "would be wrong; nothing else depends on it)");
	else
		grade(d, "clock", GRADE_OK, "is plausible");
}

static void check_limits(struct doctor *d)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		grade(d, "open files", GRADE_SKIP, "%s", strerror(errno));
	else if (files.rlim_max < FILES_WANTED)
		grade(d, "open files", GRADE_WARN,
		      "at most %llu (ulimit -n %d leaves room for clients and "
		      "trials)",
		      (unsigned long long)files.rlim_max, FILES_WANTED);
	else
		grade(d, "open files", GRADE_OK, "at most %llu",
		      (unsigned long long)files.rlim_max);
}

/* Without lingering systemd ends a user's processes at the last log-out. */
static void check_linger(struct doctor *d)
{
	switch (machine_linger()) {
	case MACHINE_NO_SYSTEMD:
		grade(d, "log-out", GRADE_SKIP, "systemd does not run");
		break;
	case MACHINE_LINGERS:
		grade(d, "log-out", GRADE_OK,
		      "trials go on after you log out (linger)");
		break;
	case MACHINE_ENDS:
		grade(d, "log-out", GRADE_WARN,
		      "systemd may end hpsd when you log out (loginctl "
		      "enable-linger)");
		break;
	}
}

static enum status run_doctor(struct call *call)
{
	static const struct out_column columns[] = {
		{"check",   NULL,   OUT_TEXT},
		{ "result", NULL,   OUT_TEXT},
		{ "text",   "what", OUT_TEXT},
		{ NULL,     NULL,   OUT_TEXT},
	};
	auto_json cJSON *answer = cJSON_CreateObject();
	struct doctor d = { .rows = cJSON_AddArrayToObject(answer, "checks") };
	enum status r = call_paths(call);

	if (r != STATUS_DONE)
		return r;
	check_program(&d);
	doctor_state_dir(&d, &call->paths);
	doctor_daemon(&d, call);
	check_clock(&d);
	check_limits(&d);
	check_linger(&d);
	call->out.ops->answer(&call->out, answer);
	call->out.ops->table(&call->out, columns, d.rows, false);
	return d.failed ? STATUS_FAILED : STATUS_DONE;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.operands = "",
	.help = "Check that this machine lets hpsd work",
	.text = "The exit status is 1 if a check has failed.",
	.never_starts = true,
	.run = run_doctor,
};
