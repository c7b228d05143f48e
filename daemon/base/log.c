#include "base/log.h"

#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[LOG_LEVELS_N + 1] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const int syslog_levels[LOG_LEVELS_N] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

static enum log_level threshold = LOG_LEVEL_INFO;
static char *own_path; /* of the file that stderr is, if it is to be turned */

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_turn(const char *path)
{
	struct stat ours, named;

	if (fstat(STDERR_FILENO, &ours) == 0 && stat(path, &named) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		own_path = xstrdup(path);
}

/* What fails leaves the log as it is: a full disk is told of by others. */
static void turn(void)
{
	auto_free char *old = NULL;
	struct stat st;
	int fd;

	if (own_path == NULL || fstat(STDERR_FILENO, &st) < 0 ||
	    st.st_size < LIMIT_LOG_BYTES)
		return;
	old = xasprintf("%s.old", own_path);
	if (rename(own_path, old) < 0)
		return;
	fd = open(own_path,
		  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
}

static void add_head(struct buf *b, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (getenv("JOURNAL_STREAM") != NULL) {
		buf_addf(b, "<%d>", syslog_levels[level]);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_addf(b, "%s.%03ld %s: ", text, now.tv_nsec / 1000000,
		 log_level_names[level]);
}

/* One write(2), so that lines of several writers do not mix. */
__attribute__((format(printf, 2, 0))) static void
write_line(enum log_level level, const char *fmt, va_list ap)
{
	auto_buf struct buf b = BUF_INIT;
	auto_free char *text = NULL;

	if (level > threshold)
		return;
	text = xvasprintf(fmt, ap);
	add_head(&b, level);
	buf_adds(&b, text);
	buf_addc(&b, '\n');
	/* A log that cannot be written has nobody to tell. */
	if (write(STDERR_FILENO, b.data, b.len) < 0)
		return;
	turn();
}

#define DEFINE_LOG(name, level)                                                \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		write_line(level, fmt, ap);                                    \
		va_end(ap);                                                    \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
