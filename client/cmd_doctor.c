/* doctor: does this machine let hpsd work? */
#include "cmd.h"
#include "conn.h"
#include "start.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define FREE_WARN_BYTES (1024LL * 1024 * 1024)
#define FILES_WANTED    1024
#define YEAR_2024_S     1704067200

enum grade { GRADE_OK, GRADE_WARN, GRADE_FAIL, GRADE_SKIP };

struct doctor {
	cJSON *rows;
	bool failed;
};

static void grade(struct doctor *d, const char *what, enum grade g,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void grade(struct doctor *d, const char *what, enum grade g,
		  const char *fmt, ...)
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

static void check_state_dir(struct doctor *d, const char *path)
{
	const char *what = "state directory";
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT)
		grade(d, what, GRADE_WARN, "%s is not there (hpsd makes it)",
		      path);
	else if (stat(path, &st) < 0)
		grade(d, what, GRADE_FAIL, "%s: %s", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		grade(d, what, GRADE_FAIL, "%s is no directory (move it away)",
		      path);
	else if (st.st_uid != geteuid())
		grade(d, what, GRADE_FAIL,
		      "%s belongs to user %u, not to you (chown it, or choose "
		      "another with HPSD_STATE)",
		      path, st.st_uid);
	else if ((st.st_mode & 0077) != 0)
		grade(
		    d, what, GRADE_FAIL,
		    "%s has mode %04o: others may enter, so that hpsd refuses "
		    "it (chmod 700)",
		    path, st.st_mode & 07777);
	else
		grade(d, what, GRADE_OK, "%s", path);
}

static void check_space(struct doctor *d, const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	auto_json cJSON *number = NULL;
	struct statvfs st;
	double bytes;

	if (statvfs(path, &st) < 0) {
		grade(d, "free space", GRADE_SKIP, "%s: %s", path,
		      strerror(errno));
		return;
	}
	bytes = (double)st.f_bavail * (double)st.f_frsize;
	number = cJSON_CreateNumber(bytes);
	out_print_value(&text, OUT_BYTES, number);
	if (bytes < (double)LIMIT_FREE_BYTES)
		grade(d, "free space", GRADE_FAIL,
		      "%s (make room: below 64 MiB no trial is started)",
		      buf_text(&text));
	else if (bytes < (double)FREE_WARN_BYTES)
		grade(d, "free space", GRADE_WARN,
		      "%s (long outputs may fill it)", buf_text(&text));
	else
		grade(d, "free space", GRADE_OK, "%s", buf_text(&text));
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

/* What a running daemon says of itself. */
static void check_answers(struct doctor *d, struct call *call)
{
	auto_json cJSON *status = NULL;
	const char *version, *database;

	if (call_connect(call) != STATUS_DONE ||
	    call_method(call, METHOD_STATUS, NULL, &status) != STATUS_DONE) {
		grade(d, "daemon", GRADE_FAIL,
		      "%s does not answer as it should (see %s/hpsd.log)",
		      call->paths.socket, call->paths.state_dir);
		return;
	}
	grade(d, "daemon", GRADE_OK, "answers at %s", call->paths.socket);
	version = json_get_text(call->daemon, "version");
	if (version != NULL && strcmp(version, HPSD_VERSION) == 0)
		grade(d, "versions", GRADE_OK, "both are %s", HPSD_VERSION);
	else
		grade(d, "versions", GRADE_WARN,
		      "hpctl is %s, the running hpsd %s ('hpctl shutdown' lets "
		      "the new one start; trials go on meanwhile)",
		      HPSD_VERSION, version != NULL ? version : "unknown");
	database = json_get_text(status, "database");
	if (database != NULL && access(database, R_OK) == 0)
		grade(d, "database", GRADE_OK, "%s", database);
	else
		grade(d, "database", GRADE_FAIL,
		      "%s cannot be read (was it moved away?)",
		      database != NULL ? database : "the daemon's");
}

static void check_daemon(struct doctor *d, struct call *call)
{
	struct conn *probe;
	int r = conn_open(call->paths.socket, &probe);

	if (r == 0) {
		conn_close(probe);
		check_answers(d, call);
	} else if (r == -ENOENT || r == -ECONNREFUSED) {
		grade(d, "daemon", GRADE_WARN,
		      "none runs at %s (the next 'hpctl list' starts it)",
		      call->paths.socket);
	} else {
		grade(d, "daemon", GRADE_FAIL, "%s: %s", call->paths.socket,
		      strerror(-r));
	}
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
	const struct passwd *user = getpwuid(geteuid());
	auto_free char *mark = NULL;

	if (access("/run/systemd/system", F_OK) < 0 || user == NULL) {
		grade(d, "log-out", GRADE_SKIP, "systemd does not run");
		return;
	}
	mark = xasprintf("/var/lib/systemd/linger/%s", user->pw_name);
	if (access(mark, F_OK) == 0)
		grade(d, "log-out", GRADE_OK,
		      "trials go on after you log out (linger)");
	else
		grade(d, "log-out", GRADE_WARN,
		      "systemd may end hpsd when you log out (loginctl "
		      "enable-linger)");
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
	check_state_dir(&d, call->paths.state_dir);
	check_space(&d, call->paths.state_dir);
	check_daemon(&d, call);
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
