/*
 * Completion scripts for the shells, from the table of commands. They ask a
 * running hpsd for the names of searches and never start one.
 */
#include "cmd.h"

#include <string.h>

/* Names of the searches, a line each. */
#define SEARCHES "hpctl --no-start list 2>/dev/null | sed 1d | cut -f1"

/* The numbers of the trials of $search, a line each. */
#define TRIALS                                                                 \
	"hpctl --no-start trials \"$search\" 2>/dev/null | sed 1d | cut -f1"

/* The kinds of plots; tests/golden/names.py compares. */
#define PLOTS "best curves params importance parallel"

typedef void command_fn(FILE *f, const struct command *c);

static void for_each_command(FILE *f, command_fn *fn)
{
	for (const struct command_group *g = command_groups; g->title; g++)
		for (int i = 0; g->commands[i] != NULL; i++)
			fn(f, g->commands[i]);
}

/* Inside single quotes. */
static void print_text(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", f);
		else
			fputc(*text, f);
	}
}

static void print_option_words(FILE *f, const struct option *options)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (o->help == NULL)
			continue;
		if (o->letter != 0)
			fprintf(f, " -%c", o->letter);
		fprintf(f, " --%s", o->name);
	}
}

/* The word that the scripts know an operand by. */
static const char *operand_word(enum operand operand)
{
	switch (operand) {
	case OPERAND_NONE:
		return "none";
	case OPERAND_FILE:
		return "file";
	case OPERAND_SEARCH:
		return "search";
	case OPERAND_SEARCH_FILE:
		return "search-file";
	case OPERAND_SEARCH_PLOT:
		return "search-plot";
	case OPERAND_TRIAL:
		return "trial";
	case OPERAND_EITHER:
		return "either";
	case OPERAND_COMMAND:
		return "command";
	case OPERAND_SHELL:
		return "shell";
	}
	return "none";
}

static void print_name(FILE *f, const struct command *c)
{
	fprintf(f, " %s", c->name);
}

static void print_bash_case(FILE *f, const struct command *c)
{
	fprintf(f, "\t%s) operand=%s options='", c->name,
		operand_word(c->operand));
	print_option_words(f, c->options);
	fputs("' ;;\n", f);
}

/* What is offered, once the command and the kind of operand are known. */
static void print_bash_words(FILE *f)
{
	fputs("\tesac\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\twords=\"$options",
	      f);
	print_option_words(f, global_options);
	fputs("\"\n"
	      "\telse\n"
	      "\t\tif [[ $operand == search-* ]]; then\n"
	      "\t\t\toperand=${operand#search-}\n"
	      "\t\t\t[[ $prev == \"$command\" ]] && operand=search\n"
	      "\t\tfi\n"
	      "\t\t[[ $operand == either && \" ${COMP_WORDS[*]} \" == "
	      "*' --log '* ]] && operand=file\n"
	      "\t\tcase $operand in\n"
	      "\t\ttrial | either)\n"
	      "\t\t\tif [[ $cur == */* ]]; then\n"
	      "\t\t\t\tmapfile -t COMPREPLY < <(compgen -P \"$search/\" "
	      "-W \"$(" TRIALS ")\" -- \"${cur#*/}\")\n"
	      "\t\t\t\treturn\n"
	      "\t\t\tfi\n"
	      "\t\t\twords=$(" SEARCHES " | sed 's,$,/,')\n"
	      "\t\t\t[[ $operand == either ]] && words+=\" $(" SEARCHES ")\"\n"
	      "\t\t\tcompopt -o nospace ;;\n"
	      "\t\tcommand) words=$commands ;;\n"
	      "\t\tshell) words='bash zsh fish' ;;\n"
	      "\t\tplot) words='" PLOTS "' ;;\n"
	      "\t\tsearch) words=$(" SEARCHES ") ;;\n"
	      "\t\tfile) compopt -o filenames\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\t\treturn ;;\n"
	      "\t\tesac\n"
	      "\tfi\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -F _hpctl hpctl\n",
	      f);
}

static void print_bash(FILE *f)
{
	fputs("# bash completion of hpctl\n"
	      "_hpctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i command= operand=none\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} options= words=\n"
	      "\tlocal search=${cur%%/*}\n"
	      "\tlocal commands='",
	      f);
	for_each_command(f, print_name);
	fputs("'\n"
	      "\tlocal IFS=$' \\t\\n'\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $prev in\n"
	      "\t--socket | --state | --try | --svg)\n"
	      "\t\tcompopt -o filenames\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\treturn ;;\n"
	      "\t--from)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(" SEARCHES ")\" -- "
	      "\"$cur\")\n"
	      "\t\treturn ;;\n"
	      "\tesac\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--socket | --state) ((i++)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $command in\n"
	      "\t'') operand=command ;;\n",
	      f);
	for_each_command(f, print_bash_case);
	print_bash_words(f);
}

static void print_zsh_description(FILE *f, const struct command *c)
{
	fprintf(f, "\t\t'%s:", c->name);
	print_text(f, c->help);
	fputs("'\n", f);
}

static void print_zsh_options(FILE *f, const struct option *options)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (o->help == NULL)
			continue;
		fprintf(f, " '--%s:", o->name);
		print_text(f, o->help);
		fputc('\'', f);
	}
}

static void print_zsh_case(FILE *f, const struct command *c)
{
	fprintf(f, "\t%s) operand=%s; options+=(", c->name,
		operand_word(c->operand));
	print_zsh_options(f, c->options);
	fputs(") ;;\n", f);
}

static void print_zsh(FILE *f)
{
	fputs("#compdef hpctl\n"
	      "_hpctl() {\n"
	      "\tlocal command= operand=none word skip=\n"
	      "\tlocal -a commands options searches\n"
	      "\tlocal search=${PREFIX%%/*}\n"
	      "\tcommands=(\n",
	      f);
	for_each_command(f, print_zsh_description);
	fputs("\t)\n\toptions=(", f);
	print_zsh_options(f, global_options);
	fputs(")\n"
	      "\tcase $words[CURRENT-1] in\n"
	      "\t--socket|--state|--try|--svg) _files; return ;;\n"
	      "\t--from) searches=(${(f)\"$(" SEARCHES ")\"})\n"
	      "\t\tcompadd -a searches; return ;;\n"
	      "\tesac\n"
	      "\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n"
	      "\t\tif [[ -n $skip ]]; then skip=; continue; fi\n"
	      "\t\tcase $word in\n"
	      "\t\t--socket|--state) skip=1 ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) command=$word; break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $command in\n"
	      "\t'') operand=command ;;\n",
	      f);
	for_each_command(f, print_zsh_case);
	fputs("\tesac\n"
	      "\tif [[ $words[CURRENT] == -* ]]; then\n"
	      "\t\t_describe option options\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $operand == search-* ]]; then\n"
	      "\t\toperand=${operand#search-}\n"
	      "\t\t[[ $words[CURRENT-1] == $command ]] && operand=search\n"
	      "\tfi\n"
	      "\t[[ $operand == either && -n ${words[(r)--log]} ]] && "
	      "operand=file\n"
	      "\tcase $operand in\n"
	      "\tcommand) _describe command commands ;;\n"
	      "\tshell) compadd bash zsh fish ;;\n"
	      "\tplot) compadd " PLOTS " ;;\n"
	      "\tfile) _files ;;\n"
	      "\tsearch) searches=(${(f)\"$(" SEARCHES ")\"})\n"
	      "\t\tcompadd -a searches ;;\n"
	      "\ttrial|either)\n"
	      "\t\tif compset -P '*/'; then\n"
	      "\t\t\tsearches=(${(f)\"$(" TRIALS ")\"})\n"
	      "\t\t\tcompadd -a searches\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\t\tsearches=(${(f)\"$(" SEARCHES ")\"})\n"
	      "\t\t[[ $operand == either ]] && compadd -a searches\n"
	      "\t\tcompadd -S / -a searches ;;\n"
	      "\tesac\n"
	      "}\n"
	      "if [ \"$funcstack[1]\" = _hpctl ]; then\n"
	      "\t_hpctl \"$@\"\n"
	      "else\n"
	      "\tcompdef _hpctl hpctl\n"
	      "fi\n",
	      f);
}

static void print_fish_options(FILE *f, const struct option *options,
			       const char *command)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (o->help == NULL)
			continue;
		fputs("complete -c hpctl", f);
		if (command != NULL)
			fprintf(f, " -n '__fish_seen_subcommand_from %s'",
				command);
		if (o->letter != 0)
			fprintf(f, " -s %c", o->letter);
		fprintf(f, " -l %s", o->name);
		if (o->value != NULL)
			fputs(strcmp(o->value, "SEARCH") == 0
				  ? " -x -a '(" SEARCHES ")'"
				  : " -r",
			      f);
		fputs(" -d '", f);
		print_text(f, o->help);
		fputs("'\n", f);
	}
}

static void print_fish_command(FILE *f, const struct command *c)
{
	fprintf(f, "complete -c hpctl -f -n __fish_use_subcommand -a %s -d '",
		c->name);
	print_text(f, c->help);
	fputs("'\n", f);
	fprintf(f, "complete -c hpctl -n '__fish_seen_subcommand_from %s' ",
		c->name);
	switch (c->operand) {
	case OPERAND_FILE:
		fputs("-F\n", f);
		break;
	case OPERAND_SEARCH:
		fputs("-f -a '(" SEARCHES ")'\n", f);
		break;
	case OPERAND_SEARCH_FILE:
		fputs("-F -a '(" SEARCHES ")'\n", f);
		break;
	case OPERAND_SEARCH_PLOT:
		fputs("-f -a '(" SEARCHES ") " PLOTS "'\n", f);
		break;
	case OPERAND_TRIAL:
		fputs("-f -a '(__hpctl_trials)'\n", f);
		break;
	case OPERAND_EITHER:
		fputs("-f -a '(__hpctl_trials) (" SEARCHES ")'\n", f);
		break;
	case OPERAND_COMMAND:
		fputs("-f -a '", f);
		for_each_command(f, print_name);
		fputs("'\n", f);
		break;
	case OPERAND_SHELL:
		fputs("-f -a 'bash zsh fish'\n", f);
		break;
	case OPERAND_NONE:
		fputs("-f\n", f);
		break;
	}
	print_fish_options(f, c->options, c->name);
}

static void print_fish(FILE *f)
{
	fputs("# fish completion of hpctl\n"
	      "function __hpctl_trials\n"
	      "\tset -l search (string match -r '^(.*)/' -- "
	      "(commandline -ct))[2]\n"
	      "\tif test -n \"$search\"\n"
	      "\t\t" TRIALS " | string replace -r ^ $search/\n"
	      "\telse\n"
	      "\t\t" SEARCHES " | string replace -r '$' /\n"
	      "\tend\n"
	      "end\n"
	      "complete -c hpctl -n '__fish_seen_subcommand_from why; and "
	      "__fish_contains_opt log' -F\n",
	      f);
	print_fish_options(f, global_options, NULL);
	for_each_command(f, print_fish_command);
}

bool completion_print(FILE *f, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		print_bash(f);
	else if (strcmp(shell, "zsh") == 0)
		print_zsh(f);
	else if (strcmp(shell, "fish") == 0)
		print_fish(f);
	else
		return false;
	return true;
}

static enum status run_completion(struct call *call)
{
	const char *shell = call->operands[0];

	if (completion_print(stdout, shell))
		return STATUS_DONE;
	return fail(STATUS_BAD_INPUT,
		    "no completion for '%s' (there is one for bash, zsh and "
		    "fish)",
		    shell);
}

const struct command cmd_completion = {
	.name = "completion",
	.operands = "bash|zsh|fish",
	.min = 1,
	.max = 1,
	.operand = OPERAND_SHELL,
	.help = "Print the completion script of a shell",
	.run = run_completion,
};
