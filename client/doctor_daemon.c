/* doctor: what a running hpsd says, of itself and of what it looks after. */
#include "conn.h"
#include "doctor.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BACKUP_OLD_S 172800 /* one is made each day */
#define OVERDUE_MS   30000  /* since SIGKILL */
#define TOKEN_MAX    64

/* What a running daemon says of itself. */
static bool check_answers(struct doctor *d, struct call *call)
{
	const char *version;

	if (call_connect(call) != STATUS_DONE) {
		grade(d, "daemon", GRADE_FAIL,
		      "%s does not answer as it should (see %s/hpsd.log)",
		      call->paths.socket, call->paths.state_dir);
		return false;
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
	return true;
}

static bool check_daemon(struct doctor *d, struct call *call)
{
	struct conn *probe;
	int r = conn_open(call->paths.socket, &probe);

	if (r == 0) {
		conn_close(probe);
		return check_answers(d, call);
	}
	if (r == -ENOENT || r == -ECONNREFUSED) {
		grade(d, "daemon", GRADE_WARN,
		      "none runs at %s (the next 'hpctl list' starts it)",
		      call->paths.socket);
	} else {
		grade(d, "daemon", GRADE_FAIL, "%s: %s", call->paths.socket,
		      strerror(-r));
	}
	return false;
}

/* --- database and backups --------------------------------------------------
 */

static void check_database(struct doctor *d, const cJSON *health)
{
	const char *words = json_get_text(health, "database");

	if (words == NULL)
		grade(d, "database", GRADE_SKIP,
		      "too large to be read through in a moment");
	else if (strcmp(words, "ok") == 0)
		grade(d, "database", GRADE_OK, "is whole");
	else
		grade(d, "database", GRADE_FAIL,
		      "%s (hpctl shutdown, then hpctl restore FILE with a good "
		      "backup)",
		      words);
}

/* How long ago, for people. */
static char *age_of(const char *path, long *ret_seconds)
{
	struct buf b = BUF_INIT;
	struct stat st;

	*ret_seconds = 0;
	if (stat(path, &st) == 0)
		*ret_seconds = (long)(time(NULL) - st.st_mtime);
	if (*ret_seconds < 0)
		*ret_seconds = 0;
	out_print_seconds(&b, (double)*ret_seconds);
	return buf_take(&b);
}

static void check_backup(struct doctor *d, const cJSON *health)
{
	const char *error = json_get_text(health, "backup_error");
	const char *path = json_get_text(health, "backup");
	const char *words = json_get_text(health, "backup_check");
	auto_free char *age = NULL;
	long seconds = 0;

	if (error != NULL) {
		grade(d, "backup", GRADE_FAIL,
		      "the latest daily one failed: %s (it is tried again each "
		      "hour)",
		      error);
		return;
	}
	if (json_get_integer(health, "backups", 0) == 0) {
		grade(d, "backup", GRADE_SKIP,
		      "none is made (\"backups\" is 0 in the configuration)");
		return;
	}
	if (path == NULL) {
		grade(d, "backup", GRADE_OK,
		      "none yet (made within an hour of the first search)");
		return;
	}
	age = age_of(path, &seconds);
	if (words != NULL && strcmp(words, "ok") != 0)
		grade(d, "backup", GRADE_FAIL,
		      "the newest is not good: %s (hpctl backup FILE makes "
		      "another)",
		      words);
	else if (seconds > BACKUP_OLD_S)
		grade(d, "backup", GRADE_WARN,
		      "the newest, %s, is %s old (see hpsd's log; hpctl backup "
		      "FILE makes another)",
		      path, age);
	else
		grade(d, "backup", GRADE_OK, "%s, %s old", path, age);
}

static void check_wal(struct doctor *d, const cJSON *health)
{
	auto_buf struct buf text = BUF_INIT;
	const cJSON *r;

	out_print_value(&text, OUT_BYTES, json_get(health, "wal_bytes"));
	if (!json_get_bool(health, "wal_is_large", false)) {
		grade(d, "write-ahead log", GRADE_OK, "%s", buf_text(&text));
		return;
	}
	buf_adds(&text, ": a program that reads hps.db does not let go of it; "
			"end it (open now:");
	cJSON_ArrayForEach (r, json_get(health, "readers"))
		buf_addf(&text, " %s pid %lld", json_get_text(r, "name"),
			 (long long)json_get_integer(r, "pid", 0));
	grade(d, "write-ahead log", GRADE_WARN, "%s)", buf_text(&text));
}

/* --- trials
 * ------------------------------------------------------------------------ */

/* A process that is dead to the kernel alone cannot be ended by anybody. */
static void check_overdue(struct doctor *d, const cJSON *health)
{
	int64_t now = json_get_integer(health, "boot_ms", 0);
	auto_buf struct buf names = BUF_INIT;
	const cJSON *a;

	cJSON_ArrayForEach (a, json_get(health, "attempts")) {
		int64_t due = json_get_integer(a, "kill_boot_ms", 0);

		if (due > 0 && now - due > OVERDUE_MS)
			buf_addf(&names, " %s/%lld", json_get_text(a, "search"),
				 (long long)json_get_integer(a, "trial", 0));
	}
	if (names.len > 0)
		grade(d, "stopped trials", GRADE_WARN,
		      "killed and still there:%s (their processes hang in the "
		      "kernel, as in a driver or on a dead network disk; their "
		      "slots are free when they end)",
		      buf_text(&names));
	else
		grade(d, "stopped trials", GRADE_OK, "none waits for its end");
}

/* The value of a variable in an environment as the kernel shows it. */
static const char *value_in(const struct buf *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->len; i += strlen(env->data + i) + 1) {
		if (strncmp(env->data + i, name, len) == 0)
			return env->data + i + len;
	}
	return NULL;
}

static void read_environ(long long pid, struct buf *ret)
{
	auto_free char *path = xasprintf("/proc/%lld/environ", pid);
	char data[16384];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf_clear(ret);
	if (fd < 0)
		return;
	while ((n = read(fd, data, sizeof(data))) > 0)
		buf_add(ret, data, (size_t)n);
	(void)close(fd);
}

/* The token of a process whose trial lies in @trials; false: it has none. */
static bool token_of(long long pid, const char *trials, char ret[TOKEN_MAX])
{
	auto_buf struct buf env = BUF_INIT;
	const char *dir, *token;

	read_environ(pid, &env);
	dir = value_in(&env, "HPS_DIR=");
	token = value_in(&env, "HPS_TOKEN=");
	if (dir == NULL || token == NULL ||
	    strncmp(dir, trials, strlen(trials)) != 0)
		return false;
	(void)snprintf(ret, TOKEN_MAX, "%s", token);
	return true;
}

/* {"PID": token} of the processes of trials. */
static cJSON *list_processes(const char *trials)
{
	cJSON *found = cJSON_CreateObject();
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char token[TOKEN_MAX];

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    token_of(atoll(entry->d_name), trials, token))
			cJSON_AddStringToObject(found, entry->d_name, token);
	}
	if (proc != NULL)
		(void)closedir(proc);
	return found;
}

static bool is_known(const cJSON *health, const char *token)
{
	const cJSON *a;

	cJSON_ArrayForEach (a, json_get(health, "attempts")) {
		const char *known = json_get_text(a, "token");

		if (known != NULL && strcmp(known, token) == 0)
			return true;
	}
	return false;
}

/*
 * @processes were found before the daemon was asked: what it does not know is
 * over, and if it is alive even now, left over.
 */
static void check_orphans(struct doctor *d, const char *trials,
			  const cJSON *processes, const cJSON *health)
{
	auto_buf struct buf pids = BUF_INIT;
	char token[TOKEN_MAX];
	const cJSON *p;

	cJSON_ArrayForEach (p, processes) {
		if (!is_known(health, p->valuestring) &&
		    token_of(atoll(p->string), trials, token) &&
		    strcmp(token, p->valuestring) == 0)
			buf_addf(&pids, " %s", p->string);
	}
	if (pids.len > 0)
		grade(d, "orphaned trials", GRADE_WARN,
		      "processes of trials that the database does not know, as "
		      "after a restore:%s (their checkpoints and reports would "
		      "go to new trials of their numbers; kill%s ends them)",
		      buf_text(&pids), buf_text(&pids));
	else
		grade(d, "orphaned trials", GRADE_OK, "none");
}

void doctor_daemon(struct doctor *d, struct call *call)
{
	auto_free char *trials = xasprintf("%s/trials/", call->paths.state_dir);
	auto_json cJSON *processes = NULL;
	auto_json cJSON *health = NULL;

	if (!check_daemon(d, call)) {
		grade(d, "database", GRADE_SKIP,
		      "hpsd would read it through, and look at the backups "
		      "and at what runs");
		return;
	}
	processes = list_processes(trials);
	if (call_method(call, METHOD_HEALTH, NULL, &health) != STATUS_DONE) {
		grade(d, "database", GRADE_SKIP,
		      "the running hpsd does not examine it");
		return;
	}
	check_database(d, health);
	check_backup(d, health);
	check_wal(d, health);
	check_overdue(d, health);
	check_orphans(d, trials, processes, health);
}
