#pragma once

/*
 * The daemon's log: one line a message on stderr, with syslog's "<N>" in front
 * when the journal reads it, else with the time. A failure is logged once,
 * where it is finally handled.
 */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVELS_N,
};

extern const char *const log_level_names[LOG_LEVELS_N + 1];

void log_set_level(enum log_level level);
/*
 * If stderr is the file @path: when it has more than LIMIT_LOG_BYTES it becomes
 * @path.old, in the place of an earlier one, and a new file begins.
 */
void log_turn(const char *path);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
