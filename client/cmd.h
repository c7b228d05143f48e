#pragma once

/*
 * The commands of hpctl: one static entry each, beside its handler. Help, the
 * manual and the completions of the shells are made from these entries.
 */
#include "out.h"

#include "schema/methods.h"
#include "schema/paths.h"

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS 6 /* of one command, with the entry that ends them */

/* Exit statuses. Scripts rely on them. */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_BAD_INPUT = 2,
	STATUS_NO_DAEMON = 3,
	STATUS_NOT_FOUND = 4,
	STATUS_INTERRUPTED = 130,
};

/* What the first operand is: the shells complete it. */
enum operand {
	OPERAND_NONE,
	OPERAND_FILE,
	OPERAND_SEARCH,
	OPERAND_SEARCH_FILE, /* SEARCH, then a file */
	OPERAND_SEARCH_PLOT, /* SEARCH, then a kind of plot */
	OPERAND_TRIAL,       /* SEARCH/TRIAL */
	OPERAND_EITHER,      /* SEARCH[/TRIAL]; files after --log */
	OPERAND_COMMAND,
	OPERAND_SHELL,
};

struct option {
	const char *name;  /* without "--"; NULL ends the options */
	char letter;       /* 0: none */
	const char *value; /* what follows, for people; NULL: nothing does */
	const char *help;  /* NULL: for the build alone, not shown */
};

struct call;

struct command {
	const char *name;
	const char *operands; /* "SEARCH [NAME=VALUE ...]", or "" */
	int min, max;         /* number of operands; max -1: any */
	enum operand operand;
	const char *help;  /* one line, a capital first, no full stop */
	const char *text;  /* further sentences for the manual, or NULL */
	bool never_starts; /* does not start hpsd when none runs */
	struct option options[OPTIONS];
	enum status (*run)(struct call *call);
};

struct command_group {
	const char *title;
	const struct command *const *commands; /* ended by NULL */
};

/* Ended by a NULL title. */
extern const struct command_group command_groups[];
/* Options that every command takes; ended by a NULL name. */
extern const struct option global_options[];

/* One run of hpctl. */
struct call {
	const struct command *command;
	char **operands; /* borrowed from argv */
	int n_operands;
	const char *values[OPTIONS]; /* of command->options; NULL: not given */
	const char *state, *socket;  /* as given; NULL: not */
	bool json, no_start, help;
	struct paths paths;
	struct conn *conn; /* NULL until a method is called */
	cJSON *daemon;     /* result of "version", once connected */
	struct out out;
};

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);
/* Tells that there is none, and which was meant. */
enum status command_unknown(const char *name);

/*
 * Reads the command line into a zeroed @ret_call: its command (NULL if there
 * is none), operands and options, which may stand anywhere. What is wrong is
 * told on stderr.
 */
enum status args_parse(int argc, char **argv, struct call *ret_call);

/*
 * The value of an option of the command ("" if it takes none), or NULL if it
 * was not given. An option that the command does not have is a bug.
 */
const char *call_option(const struct call *call, const char *name);
/* The same as a whole number from @min on; *ret_n stays if it was not given. */
enum status call_number(const struct call *call, const char *name, int64_t min,
			int64_t *ret_n);

/* Tells a fault on stderr as "hpctl: ..." and returns @status. */
enum status fail(enum status status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A remark on stderr. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Calls a method; connects first, and starts hpsd when none runs and the
 * command may. @params is taken and may be NULL. Returns STATUS_DONE and a new
 * result, or the exit status after the reason has been told.
 */
enum status call_method(struct call *call, enum method m, cJSON *params,
			cJSON **ret_result) __attribute__((warn_unused_result));
/*
 * Finds state directory and socket, if that has not been done. Commands that
 * need neither must work where they cannot be told.
 */
enum status call_paths(struct call *call) __attribute__((warn_unused_result));
/* Connects if that has not been done: what call_method() does first. */
enum status call_connect(struct call *call) __attribute__((warn_unused_result));
/*
 * A fresh key: a request that carries one may be asked again, and is carried
 * out once.
 */
#define CALL_KEY_BYTES 33
enum status call_key(char ret_key[CALL_KEY_BYTES]);
/* Hangs up; the next call_method() connects again. */
void call_hang_up(struct call *call);

/* SEARCH/TRIAL taken apart; search: free(). trial < 0: none was given. */
struct target {
	char *search;
	int64_t trial;
};
/* @need_trial: SEARCH alone is a fault. */
enum status target_parse(const char *text, bool need_trial,
			 struct target *ret_target);
void target_free(struct target *t);
#define auto_target __attribute__((cleanup(target_free)))

/* {"search": ...} and {"search": ..., "trial": ...} of a target. */
cJSON *target_params(const struct target *t);
/* The operand SEARCH as {"search": ...}; NULL after a fault was told. */
cJSON *target_search_params(const struct call *call);

/* The whole of a file ("-": stdin), at most @max bytes; told when it fails. */
enum status read_file(const char *path, size_t max, struct buf *ret_text);

/* Appends @word so that a shell reads it back as one word. */
void print_quoted(struct buf *b, const char *word);

/* `metrics --try`: what would be read from the output in @log. */
enum status metrics_try(struct call *call, const char *log);

/* The rows of the view leaderboard as a table. */
void print_leaderboard(struct out *o, const cJSON *rows);

/* Prints what `hpctl help` and `hpctl help NAME` print. */
void help_print(FILE *f);
void help_print_command(FILE *f, const struct command *c);
/* COMMANDS and OPTIONS of the manual page, for scdoc. */
void help_print_scdoc(FILE *f);
/* The completion script of a shell; false if there is none for it. */
bool completion_print(FILE *f, const char *shell);

extern const struct command cmd_run, cmd_submit, cmd_check, cmd_watch;
extern const struct command cmd_list, cmd_show, cmd_trials, cmd_best, cmd_log,
    cmd_metrics, cmd_explain, cmd_importance, cmd_why, cmd_plot;
extern const struct command cmd_pause, cmd_resume, cmd_cancel, cmd_kill,
    cmd_retry, cmd_add, cmd_import, cmd_extend, cmd_rm;
extern const struct command cmd_report;
extern const struct command cmd_status, cmd_backup, cmd_restore, cmd_shutdown,
    cmd_doctor, cmd_version, cmd_completion, cmd_help;
