#include "cmd.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAIN_CHARACTERS                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	"_@%+=:,./-"

static const struct command *const run_commands[] = {
	&cmd_run, &cmd_submit, &cmd_watch, &cmd_check, NULL,
};

static const struct command *const show_commands[] = {
	&cmd_list, &cmd_show,    &cmd_trials,  &cmd_best,
	&cmd_log,  &cmd_metrics, &cmd_explain, &cmd_importance,
	&cmd_why,  &cmd_plot,    NULL,
};

static const struct command *const steer_commands[] = {
	&cmd_pause, &cmd_resume, &cmd_cancel, &cmd_kill, &cmd_retry,
	&cmd_add,   &cmd_import, &cmd_extend, &cmd_rm,   NULL,
};

static const struct command *const trial_commands[] = { &cmd_report, NULL };

static const struct command *const daemon_commands[] = {
	&cmd_status,  &cmd_backup,     &cmd_restore, &cmd_shutdown, &cmd_doctor,
	&cmd_version, &cmd_completion, &cmd_help,    NULL,
};

const struct command_group command_groups[] = {
	{"Run a search",                 run_commands   },
	{ "See what came out",           show_commands  },
	{ "Steer",		       steer_commands },
	{ "Inside a trial",              trial_commands },
	{ "The daemon and this program", daemon_commands},
	{ NULL,			  NULL           },
};

const struct command *command_find(const char *name)
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (int i = 0; g->commands[i] != NULL; i++)
			if (strcmp(g->commands[i]->name, name) == 0)
				return g->commands[i];
	return NULL;
}

enum status fail(enum status status, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	note("hpctl: %s", text);
	return status;
}

void note(const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
	fprintf(stderr, "%s\n", text);
}

enum status target_parse(const char *text, bool need_trial,
			 struct target *ret_target)
{
	const char *slash = strrchr(text, '/');
	long long trial = -1;
	char *end;

	if (slash == NULL && need_trial)
		return fail(STATUS_BAD_INPUT,
			    "'%s' names no trial (SEARCH/TRIAL, as '%s/0')",
			    text, text);
	if (slash != NULL) {
		errno = 0;
		trial = strtoll(slash + 1, &end, 10);
		if (errno != 0 || end == slash + 1 || *end != '\0' ||
		    slash[1] < '0' || slash[1] > '9')
			return fail(STATUS_BAD_INPUT,
				    "'%s': '%s' is no trial's number "
				    "(SEARCH/TRIAL, as 'digits/0')",
				    text, slash + 1);
	}
	if (slash == text || *text == '\0')
		return fail(STATUS_BAD_INPUT, "'%s' names no search", text);
	ret_target->search = slash != NULL
				 ? xstrndup(text, (size_t)(slash - text))
				 : xstrdup(text);
	ret_target->trial = trial;
	return STATUS_DONE;
}

void target_free(struct target *t)
{
	free(t->search);
	t->search = NULL;
}

cJSON *target_params(const struct target *t)
{
	cJSON *params = cJSON_CreateObject();

	cJSON_AddStringToObject(params, "search", t->search);
	if (t->trial >= 0)
		json_add_integer(params, "trial", t->trial);
	return params;
}

cJSON *target_search_params(const struct call *call)
{
	auto_target struct target t = { 0 };

	if (target_parse(call->operands[0], false, &t) != STATUS_DONE)
		return NULL;
	if (t.trial >= 0) {
		(void)fail(STATUS_BAD_INPUT,
			   "'%s' is a trial (hpctl %s takes a whole search)",
			   call->operands[0], call->command->name);
		return NULL;
	}
	return target_params(&t);
}

enum status read_file(const char *path, size_t max, struct buf *ret_text)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char data[65536];
	ssize_t n;

	if (fd < 0)
		return fail(STATUS_BAD_INPUT, "cannot read %s: %s", path,
			    strerror(errno));
	while ((n = read(fd, data, sizeof(data))) > 0) {
		buf_add(ret_text, data, (size_t)n);
		if (ret_text->len > max)
			break;
	}
	if (!is_stdin)
		(void)close(fd);
	if (n < 0)
		return fail(STATUS_BAD_INPUT, "cannot read %s: %s", path,
			    strerror(errno));
	if (ret_text->len > max)
		return fail(STATUS_BAD_INPUT,
			    "%s is larger than %zu bytes, the limit", path,
			    max);
	return STATUS_DONE;
}

void print_quoted(struct buf *b, const char *word)
{
	if (*word != '\0' && word[strspn(word, PLAIN_CHARACTERS)] == '\0') {
		buf_adds(b, word);
		return;
	}
	buf_addc(b, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_adds(b, "'\\''");
		else
			buf_addc(b, *word);
	}
	buf_addc(b, '\'');
}
