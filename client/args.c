#include "cmd.h"

#include "schema/diag.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 64 /* names to look for the nearest among */

const struct option global_options[] = {
	{"json",      0,   NULL,   "Print the daemon's answer as JSON"},
	{ "no-start", 0,   NULL,   "Do not start hpsd when none runs" },
	{ "socket",   0,   "PATH", "The socket that hpsd listens on"  },
	{ "state",    0,   "DIR",  "The state directory of hpsd"      },
	{ "help",     'h', NULL,   "Show the help of the command"     },
	{ NULL,       0,   NULL,   NULL			       },
};

static const struct option *find(const struct option *options, const char *name,
				 size_t len, int letter)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (letter != 0 && o->letter == letter)
			return o;
		if (letter == 0 && strlen(o->name) == len &&
		    strncmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

static enum status unknown_option(const struct command *c, const char *arg)
{
	const char *words[WORDS];
	const char *nearest = NULL;
	size_t n = 0;

	for (const struct option *o = global_options; o->name != NULL; o++)
		words[n++] = o->name;
	for (int i = 0; c != NULL && c->options[i].name != NULL; i++)
		words[n++] = c->options[i].name;
	words[n] = NULL;
	if (strncmp(arg, "--", 2) == 0)
		nearest = diag_nearest(arg + 2, words);
	if (nearest != NULL)
		return fail(STATUS_BAD_INPUT,
			    "unknown option '%s' (did you mean '--%s'?)", arg,
			    nearest);
	if (c == NULL)
		return fail(STATUS_BAD_INPUT,
			    "unknown option '%s' (see 'hpctl help')", arg);
	return fail(STATUS_BAD_INPUT,
		    "unknown option '%s' (see 'hpctl help %s')", arg, c->name);
}

enum status command_unknown(const char *name)
{
	const char *words[WORDS];
	const char *nearest;
	size_t n = 0;

	for (const struct command_group *g = command_groups; g->title; g++)
		for (int i = 0; g->commands[i] != NULL; i++)
			words[n++] = g->commands[i]->name;
	assert(n < WORDS);
	words[n] = NULL;
	nearest = diag_nearest(name, words);
	if (nearest != NULL)
		return fail(STATUS_BAD_INPUT,
			    "unknown command '%s' (did you mean '%s'?)", name,
			    nearest);
	return fail(STATUS_BAD_INPUT, "unknown command '%s' (see 'hpctl help')",
		    name);
}

static void set_global(struct call *call, const struct option *o,
		       const char *value)
{
	if (strcmp(o->name, "json") == 0)
		call->json = true;
	else if (strcmp(o->name, "no-start") == 0)
		call->no_start = true;
	else if (strcmp(o->name, "socket") == 0)
		call->socket = value;
	else if (strcmp(o->name, "state") == 0)
		call->state = value;
	else
		call->help = true;
}

/*
 * Reads the option @argv[*at] ("--name", "--name=value", "-x", "-xvalue") and
 * its value, which may be the next argument.
 */
static enum status read_option(int argc, char **argv, int *at,
			       struct call *call)
{
	const char *arg = argv[*at], *value = NULL;
	const struct option *own =
	    call->command ? call->command->options : NULL;
	bool is_long = arg[1] == '-';
	const char *name = is_long ? arg + 2 : arg + 1;
	size_t len = is_long ? strcspn(name, "=") : 1;
	int letter = is_long ? 0 : arg[1];
	const struct option *o = find(global_options, name, len, letter);
	bool is_global = o != NULL;

	if (o == NULL && own != NULL)
		o = find(own, name, len, letter);
	if (o == NULL)
		return unknown_option(call->command, arg);
	if (name[len] != '\0')
		value = name + len + (is_long ? 1 : 0);
	if (o->value == NULL && value != NULL)
		return fail(STATUS_BAD_INPUT, "--%s takes no value", o->name);
	if (o->value != NULL && value == NULL && ++*at < argc)
		value = argv[*at];
	if (o->value != NULL && value == NULL)
		return fail(STATUS_BAD_INPUT, "--%s needs %s", o->name,
			    o->value);
	if (is_global)
		set_global(call, o, value);
	else
		call->values[o - own] = value != NULL ? value : "";
	return STATUS_DONE;
}

static enum status check_operands(const struct call *call)
{
	const struct command *c = call->command;
	const char *what = NULL;

	if (call->n_operands < c->min)
		what = "something is missing";
	else if (c->max >= 0 && call->n_operands > c->max)
		what = "too many operands";
	if (what == NULL)
		return STATUS_DONE;
	return fail(STATUS_BAD_INPUT, "%s: %s (usage: hpctl %s%s%s)", c->name,
		    what, c->name, *c->operands ? " " : "", c->operands);
}

enum status args_parse(int argc, char **argv, struct call *ret_call)
{
	bool only_operands = false;
	enum status r;

	ret_call->operands = argv;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!only_operands && strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (!only_operands && strcmp(arg, "--version") == 0) {
			ret_call->command = &cmd_version;
		} else if (!only_operands && arg[0] == '-' && arg[1] != '\0') {
			r = read_option(argc, argv, &i, ret_call);
			if (r != STATUS_DONE)
				return r;
		} else if (ret_call->command == NULL) {
			ret_call->command = command_find(arg);
			if (ret_call->command == NULL)
				return command_unknown(arg);
		} else {
			/* Not above i, so that what is unread stays. */
			argv[ret_call->n_operands++] = argv[i];
		}
	}
	if (ret_call->command == NULL || ret_call->help)
		return STATUS_DONE;
	return check_operands(ret_call);
}

const char *call_option(const struct call *call, const char *name)
{
	const struct option *options = call->command->options;
	const struct option *o = find(options, name, strlen(name), 0);

	assert(o != NULL);
	return call->values[o - options];
}

enum status call_number(const struct call *call, const char *name, int64_t min,
			int64_t *ret_n)
{
	const char *text = call_option(call, name);
	char *end;
	long long n;

	if (text == NULL)
		return STATUS_DONE;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min)
		return fail(STATUS_BAD_INPUT,
			    "--%s: '%s' is not a whole number from %lld", name,
			    text, (long long)min);
	*ret_n = n;
	return STATUS_DONE;
}
