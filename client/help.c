/* help, and what the manual page has of it. */
#include "cmd.h"

#include <string.h>

#define USAGE "usage: hpctl COMMAND [OPERANDS] [OPTIONS]\n"

void help_print(FILE *f)
{
	fputs(USAGE "\n"
		    "Runs a program with many configurations and finds the "
		    "best.\n",
	      f);
	for (const struct command_group *g = command_groups; g->title; g++) {
		fprintf(f, "\n%s:\n", g->title);
		for (int i = 0; g->commands[i] != NULL; i++)
			fprintf(f, "  %-11s %s\n", g->commands[i]->name,
				g->commands[i]->help);
	}
	fputs("\nSEARCH is a name, an id or the beginning of a name; "
	      "SEARCH/TRIAL is one trial.\n"
	      "'hpctl help COMMAND' tells more, the manual hpctl(1) all.\n",
	      f);
}

/* "  -n, --number K" */
static void print_option(FILE *f, const struct option *o)
{
	char text[64];
	int n = 0;

	if (o->letter != 0)
		n = snprintf(text, sizeof(text), "-%c, ", o->letter);
	snprintf(text + n, sizeof(text) - (size_t)n, "--%s%s%s", o->name,
		 o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	fprintf(f, "  %-18s %s\n", text, o->help);
}

static void print_options(FILE *f, const struct option *options)
{
	for (const struct option *o = options; o->name != NULL; o++)
		if (o->help != NULL)
			print_option(f, o);
}

/* Breaks at blanks before column 80. */
static void print_wrapped(FILE *f, const char *text)
{
	const size_t width = 79;

	while (strlen(text) > width) {
		size_t n = width;

		while (n > 0 && text[n] != ' ')
			n--;
		if (n == 0)
			n = width;
		fprintf(f, "%.*s\n", (int)n, text);
		text += n + (text[n] == ' ');
	}
	fprintf(f, "%s\n", text);
}

void help_print_command(FILE *f, const struct command *c)
{
	fprintf(f, "usage: hpctl %s%s%s", c->name, *c->operands ? " " : "",
		c->operands);
	if (c->options[0].help != NULL)
		fputs(" [OPTIONS]", f);
	fprintf(f, "\n\n%s.\n", c->help);
	if (c->text != NULL) {
		fputc('\n', f);
		print_wrapped(f, c->text);
	}
	fputs("\nOptions:\n", f);
	print_options(f, c->options);
	print_options(f, global_options);
}

/* Text whose special characters mean nothing to scdoc. */
static void print_escaped(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("\\*_#", *text) != NULL)
			fputc('\\', f);
		fputc(*text, f);
	}
}

/* Capital words stand for something: they are underlined. */
static void print_operands(FILE *f, const char *text)
{
	while (*text != '\0') {
		size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		if (n > 1 || (n == 1 && strchr(" ]", text[1]) != NULL))
			fprintf(f, "_%.*s_", (int)n, text);
		else if (n <= 1)
			print_escaped(f, (char[]){ text[0], '\0' });
		text += n > 0 ? n : 1;
	}
}

static void print_scdoc_option(FILE *f, const struct option *o,
			       const char *indent)
{
	if (o->help == NULL)
		return;
	fputs(indent, f);
	if (o->letter != 0)
		fprintf(f, "*-%c*, ", o->letter);
	fprintf(f, "*--%s*", o->name);
	if (o->value != NULL)
		fprintf(f, " _%s_", o->value);
	fprintf(f, "\n%s\t", indent);
	print_escaped(f, o->help);
	fputs(".\n\n", f);
}

static void print_scdoc_command(FILE *f, const struct command *c)
{
	fprintf(f, "*%s*%s", c->name, *c->operands ? " " : "");
	print_operands(f, c->operands);
	fputs("\n\t", f);
	print_escaped(f, c->help);
	fputs(".", f);
	if (c->text != NULL) {
		fputc(' ', f);
		print_escaped(f, c->text);
	}
	fputs("\n\n", f);
	for (const struct option *o = c->options; o->name != NULL; o++)
		print_scdoc_option(f, o, "\t");
}

void help_print_scdoc(FILE *f)
{
	fputs("# COMMANDS\n\n", f);
	for (const struct command_group *g = command_groups; g->title; g++) {
		fprintf(f, "## %s\n\n", g->title);
		for (int i = 0; g->commands[i] != NULL; i++)
			print_scdoc_command(f, g->commands[i]);
	}
	fputs("# OPTIONS\n\nThese may stand anywhere on the command line.\n\n",
	      f);
	for (const struct option *o = global_options; o->name != NULL; o++)
		print_scdoc_option(f, o, "");
}

static enum status run_help(struct call *call)
{
	const struct command *c;

	if (call_option(call, "scdoc") != NULL) {
		help_print_scdoc(stdout);
		return STATUS_DONE;
	}
	if (call->n_operands == 0) {
		help_print(stdout);
		return STATUS_DONE;
	}
	c = command_find(call->operands[0]);
	if (c == NULL)
		return command_unknown(call->operands[0]);
	help_print_command(stdout, c);
	return STATUS_DONE;
}

const struct command cmd_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.max = 1,
	.operand = OPERAND_COMMAND,
	.help = "Show this, or the help of a command",
	.options = { { "scdoc", 0, NULL, NULL } },
	.run = run_help,
};
