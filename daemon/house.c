/*
 * What a long life needs: a sign of life for systemd, a backup each day, and
 * a word when something keeps the WAL from being used again.
 */
#include "backup.h"
#include "request.h"

#include "schema/machine.h"
#include "schema/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The programs of tests/fault have other figures. */
#ifndef HOUSE_TICK_MS
#define HOUSE_TICK_MS 60000
#endif
#ifndef HOUSE_WAL_BYTES
#define HOUSE_WAL_BYTES (256 << 20)
#endif
#define BACKUP_TICKS 60 /* also after one that failed */

static bool holds(int proc, const char *pid, const struct stat *file)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while (!found && (entry = readdir(dir)) != NULL) {
		struct stat st;

		found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	}
	(void)closedir(dir);
	return found;
}

static void add_reader(cJSON *readers, int proc, const char *pid)
{
	cJSON *reader = cJSON_CreateObject();
	char path[64], name[64] = "";
	int fd;
	ssize_t n = 0;

	(void)snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, sizeof(name) - 1);
		(void)close(fd);
	}
	name[n > 0 ? n - 1 : 0] = '\0'; /* it ends with a line's end */
	json_add_integer(reader, "pid", atoll(pid));
	cJSON_AddStringToObject(reader, "name", name);
	cJSON_AddItemToArray(readers, reader);
}

cJSON *house_readers(struct server *s)
{
	auto_free char *path = xasprintf("%s/hps.db", s->paths.state_dir);
	cJSON *readers = cJSON_CreateArray();
	struct dirent *entry;
	struct stat file;
	DIR *proc = opendir("/proc");

	if (proc == NULL)
		return readers;
	while (stat(path, &file) == 0 && (entry = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    atoll(entry->d_name) != getpid() &&
		    holds(dirfd(proc), entry->d_name, &file))
			add_reader(readers, dirfd(proc), entry->d_name);
	}
	(void)closedir(proc);
	return readers;
}

int64_t house_wal_bytes(const struct server *s)
{
	auto_free char *path = xasprintf("%s/hps.db-wal", s->paths.state_dir);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

bool house_wal_is_large(const struct server *s)
{
	return house_wal_bytes(s) > HOUSE_WAL_BYTES;
}

char *house_readers_text(struct server *s)
{
	auto_json cJSON *readers = house_readers(s);
	struct buf b = BUF_INIT;
	const cJSON *r;

	cJSON_ArrayForEach (r, readers)
		buf_addf(&b, "%s%s (pid %lld)", b.len > 0 ? ", " : "",
			 json_get_text(r, "name"),
			 (long long)json_get_integer(r, "pid", 0));
	if (b.len == 0)
		buf_adds(&b, "nobody that this user can see");
	return buf_take(&b);
}

/* Once each time that it has doubled. */
static void watch_wal(struct server *s)
{
	int64_t bytes = house_wal_bytes(s);
	auto_free char *who = NULL;

	if (bytes <= HOUSE_WAL_BYTES) {
		s->wal_told_bytes = 0;
		return;
	}
	if (bytes < 2 * s->wal_told_bytes)
		return;
	s->wal_told_bytes = bytes;
	who = house_readers_text(s);
	log_warning("hps.db-wal has %lld MiB: a program that reads the "
		    "database does not let go of it; it is held open by: %s",
		    (long long)(bytes >> 20), who);
}

static void on_tick(uv_timer_t *timer)
{
	struct server *s = timer->data;

	watch_wal(s);
	if (s->house_ticks > 0)
		server_watch_socket(s);
	if (s->house_ticks++ % BACKUP_TICKS == 0 && s->lost == NULL)
		backup_daily(s);
}

/*
 * Whoever gets here has a loop that turns, and a database that answers, be it
 * that it cannot: what does not hang needs no restart.
 */
static void on_watchdog(uv_timer_t *timer)
{
	struct server *s = timer->data;

	if (s->store != NULL && store_ping(s->store) < 0)
		log_debug("the database does not answer: %s",
			  store_error(s->store));
	notify_systemd("WATCHDOG=1");
}

/* A unit of the user's: without lingering it ends with the last session. */
static void warn_of_log_out(void)
{
	if (getenv("NOTIFY_SOCKET") != NULL && machine_linger() == MACHINE_ENDS)
		log_warning("systemd ends hpsd and all trials when you log "
			    "out: \"loginctl enable-linger\" lets them go on");
}

void house_start(struct server *s)
{
	int64_t watchdog_ms = notify_watchdog_ms();

	(void)uv_timer_init(&s->loop, &s->house);
	(void)uv_timer_init(&s->loop, &s->watchdog);
	s->house.data = s->watchdog.data = s;
	s->house_runs = true;
	warn_of_log_out();
	(void)uv_timer_start(&s->house, on_tick, 0, HOUSE_TICK_MS);
	if (watchdog_ms > 0)
		(void)uv_timer_start(&s->watchdog, on_watchdog, 0,
				     (uint64_t)(watchdog_ms + 1) / 2);
}

void house_stop(struct server *s)
{
	s->workers_end = true;
	if (!s->house_runs)
		return;
	uv_close((uv_handle_t *)&s->house, NULL);
	uv_close((uv_handle_t *)&s->watchdog, NULL);
}
