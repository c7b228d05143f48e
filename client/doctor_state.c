/* doctor: the state directory and what lies in it. */
#include "doctor.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/machine.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FREE_WARN_BYTES (1024LL * 1024 * 1024)

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

/* True if it is not there, or as it should be. */
static bool check_file(struct doctor *d, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return true;
	if (st.st_uid != geteuid())
		grade(d, "permissions", GRADE_FAIL,
		      "%s belongs to user %u, not to you (chown it)", path,
		      st.st_uid);
	else if ((st.st_mode & 0077) != 0)
		grade(d, "permissions", GRADE_WARN,
		      "%s has mode %04o: others may use it (chmod %s %s)", path,
		      st.st_mode & 07777, S_ISDIR(st.st_mode) ? "700" : "600",
		      path);
	return st.st_uid == geteuid() && (st.st_mode & 0077) == 0;
}

static void check_files(struct doctor *d, const struct paths *paths)
{
	static const char *const names[] = {
		"hps.db",   "hps.db-wal", "hps.db-shm", "hpsd.lock",
		"hpsd.log", "trials",     "backups",
	};
	bool right = check_file(d, paths->socket);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path =
		    xasprintf("%s/%s", paths->state_dir, names[i]);

		right = check_file(d, path) && right;
	}
	if (right)
		grade(d, "permissions", GRADE_OK, "the files are yours alone");
}

static void check_fs(struct doctor *d, const char *path)
{
	const char *name;

	switch (machine_fs(path, &name)) {
	case MACHINE_FS_LOCAL:
		grade(d, "file system", GRADE_OK, "is of this machine");
		break;
	case MACHINE_FS_UNSURE:
		grade(d, "file system", GRADE_WARN,
		      "is %s, which may lead to another machine: SQLite would "
		      "not be safe there (choose a state directory on a local "
		      "disk with HPSD_STATE)",
		      name);
		break;
	case MACHINE_FS_NETWORK:
		grade(d, "file system", GRADE_FAIL,
		      "is %s: SQLite is not safe on a network (choose a state "
		      "directory on a local disk with HPSD_STATE)",
		      name);
		break;
	}
}

void doctor_state_dir(struct doctor *d, const struct paths *paths)
{
	check_state_dir(d, paths->state_dir);
	check_files(d, paths);
	check_fs(d, paths->state_dir);
	check_space(d, paths->state_dir);
}
