/*
 * Completion scripts for the shells, from the table of commands. They ask a
 * running hpsd for the names of searches and never start one.
 */
#include "cmd.h"

#include "schema/names.h"

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

/* What follows an option. */
enum takes {
	TAKES_NOTHING,
	TAKES_FILE,
	TAKES_SEARCH,
	TAKES_STATE,
	TAKES_WORD, /* that nobody can guess */
};

static enum takes option_takes(const struct option *o)
{
	static const char *const files[] = { "FILE", "PATH", "DIR" };

	if (o->value == NULL || o->help == NULL)
		return TAKES_NOTHING;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(o->value, files[i]) == 0)
			return TAKES_FILE;
	if (strcmp(o->value, "SEARCH") == 0)
		return TAKES_SEARCH;
	return strcmp(o->value, "STATE") == 0 ? TAKES_STATE : TAKES_WORD;
}

static void print_takers_of(FILE *f, const struct option *options,
			    enum takes takes)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (option_takes(o) != takes)
			continue;
		if (o->letter != 0)
			fprintf(f, " -%c", o->letter);
		fprintf(f, " --%s", o->name);
	}
}

/* The options that something follows, of all commands; " --svg --try". */
static void print_takers(FILE *f, enum takes takes)
{
	print_takers_of(f, global_options, takes);
	for (const struct command_group *g = command_groups; g->title; g++)
		for (int i = 0; g->commands[i] != NULL; i++)
			print_takers_of(f, g->commands[i]->options, takes);
}

static void print_all_takers(FILE *f)
{
	for (int takes = TAKES_FILE; takes <= TAKES_WORD; takes++)
		print_takers(f, (enum takes)takes);
}

static void print_states(FILE *f)
{
	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		fprintf(f, "%s%s", i > 0 ? " " : "", trial_state_names[i]);
}

/* Variables of bash and zsh that hold the options by what follows. */
static void print_variables(FILE *f)
{
	fputs("\tlocal files='", f);
	print_takers(f, TAKES_FILE);
	fputs(" ' from='", f);
	print_takers(f, TAKES_SEARCH);
	fputs(" '\n\tlocal only='", f);
	print_takers(f, TAKES_STATE);
	fputs(" ' others='", f);
	print_takers(f, TAKES_WORD);
	fputs(" '\n\tlocal states='", f);
	print_states(f);
	fputs("'\n", f);
}

/* The word that the scripts know the operands by. */
static const char *operand_word(const struct command *c)
{
	switch (c->operand) {
	case OPERAND_NONE:
		return "none";
	case OPERAND_FILE:
		return c->max < 0 ? "files" : "file";
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
	fprintf(f, "\t%s) operand=%s options='", c->name, operand_word(c));
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
	      "\t\tcase \" ${COMP_WORDS[*]} \" in\n"
	      "\t\t*' --log '*) operand=${operand/either/files} ;;\n"
	      "\t\t*' --try '*) operand=${operand/trial/file} ;;\n"
	      "\t\t*' --apply '*) ((n == 1)) && operand=files ;;\n"
	      "\t\tesac\n"
	      "\t\tcase $operand:$n in\n"
	      "\t\tsearch-*:0) operand=search ;;\n"
	      "\t\tsearch-*:1) operand=${operand#search-} ;;\n"
	      "\t\tfiles:*) operand=file ;;\n"
	      "\t\t*:0) ;;\n"
	      "\t\t*) operand=none ;;\n"
	      "\t\tesac\n"
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

/* What follows an option; bash has made "--only=done" three words. */
static void print_bash_values(FILE *f)
{
	fputs(
	    "\tif [[ $cur == = ]]; then cur=\n"
	    "\telif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	    "\tfi\n"
	    "\tif [[ $files == *\" $prev \"* ]]; then\n"
	    "\t\tcompopt -o filenames\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	    "\t\treturn\n"
	    "\telif [[ $from == *\" $prev \"* ]]; then words=$(" SEARCHES ")\n"
	    "\telif [[ $only == *\" $prev \"* ]]; then words=$states\n"
	    "\telif [[ $others == *\" $prev \"* ]]; then return\n"
	    "\tfi\n"
	    "\tif [[ -n $words ]]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	    "\t\treturn\n"
	    "\tfi\n",
	    f);
}

static void print_bash(FILE *f)
{
	fputs("# bash completion of hpctl\n"
	      "_hpctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i n=0 word command=\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} operand=none\n"
	      "\tlocal search=${cur%%/*} options= words=\n"
	      "\tlocal commands='",
	      f);
	for_each_command(f, print_name);
	fputs("'\n", f);
	print_variables(f);
	fputs("\tlocal IFS=$' \\t\\n'\n"
	      "\tCOMPREPLY=()\n",
	      f);
	print_bash_values(f);
	fputs("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tword=${COMP_WORDS[i]}\n"
	      "\t\tif [[ $files$from$only$others == *\" $word \"* ]]; then\n"
	      "\t\t\t[[ ${COMP_WORDS[i+1]} == = ]] && ((i++))\n"
	      "\t\t\t((i++))\n"
	      "\t\telif [[ $word == -* ]]; then continue\n"
	      "\t\telif [[ -z $command ]]; then command=$word\n"
	      "\t\telse ((n++))\n"
	      "\t\tfi\n"
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
	fprintf(f, "\t%s) operand=%s; options+=(", c->name, operand_word(c));
	print_zsh_options(f, c->options);
	fputs(") ;;\n", f);
}

static void print_zsh_values(FILE *f)
{
	fputs(
	    "\tword=$words[CURRENT-1]\n"
	    "\tif [[ $files == *\" $word \"* ]]; then _files; return\n"
	    "\telif [[ $from == *\" $word \"* ]]; then\n"
	    "\t\tsearches=(${(f)\"$(" SEARCHES ")\"})\n"
	    "\t\tcompadd -a searches; return\n"
	    "\telif [[ $only == *\" $word \"* ]]; then\n"
	    "\t\tcompadd ${=states}; return\n"
	    "\telif [[ $others == *\" $word \"* ]]; then return\n"
	    "\tfi\n"
	    "\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n"
	    "\t\tif [[ -n $skip ]]; then skip=\n"
	    "\t\telif [[ $files$from$only$others == *\" $word \"* ]]; then skip=1\n"
	    "\t\telif [[ $word == -* ]]; then continue\n"
	    "\t\telif [[ -z $command ]]; then command=$word\n"
	    "\t\telse ((n++))\n"
	    "\t\tfi\n"
	    "\tdone\n",
	    f);
}

static void print_zsh_words(FILE *f)
{
	fputs(
	    "\tesac\n"
	    "\tif [[ $words[CURRENT] == -* ]]; then\n"
	    "\t\t_describe option options\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\t[[ -n ${words[(r)--log]} ]] && operand=${operand/either/files}\n"
	    "\t[[ -n ${words[(r)--try]} ]] && operand=${operand/trial/file}\n"
	    "\t[[ -n ${words[(r)--apply]} && $n == 1 ]] && operand=files\n"
	    "\tcase $operand:$n in\n"
	    "\tsearch-*:0) operand=search ;;\n"
	    "\tsearch-*:1) operand=${operand#search-} ;;\n"
	    "\tfiles:*) operand=file ;;\n"
	    "\t*:0) ;;\n"
	    "\t*) operand=none ;;\n"
	    "\tesac\n"
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

static void print_zsh(FILE *f)
{
	fputs("#compdef hpctl\n"
	      "_hpctl() {\n"
	      "\tlocal command= operand=none word skip= n=0\n"
	      "\tlocal -a commands options searches\n"
	      "\tlocal search=${PREFIX%%/*}\n",
	      f);
	print_variables(f);
	fputs("\tcommands=(\n", f);
	for_each_command(f, print_zsh_description);
	fputs("\t)\n\toptions=(", f);
	print_zsh_options(f, global_options);
	fputs(")\n", f);
	print_zsh_values(f);
	fputs("\tcase $command in\n"
	      "\t'') operand=command ;;\n",
	      f);
	for_each_command(f, print_zsh_case);
	print_zsh_words(f);
}

static void print_fish_value(FILE *f, const struct option *o)
{
	switch (option_takes(o)) {
	case TAKES_NOTHING:
		break;
	case TAKES_FILE:
		fputs(" -r -F", f);
		break;
	case TAKES_SEARCH:
		fputs(" -x -a '(" SEARCHES ")'", f);
		break;
	case TAKES_STATE:
		fputs(" -x -a '", f);
		print_states(f);
		fputs("'", f);
		break;
	case TAKES_WORD:
		fputs(" -x", f);
		break;
	}
}

static void print_fish_options(FILE *f, const struct option *options,
			       const char *command)
{
	for (const struct option *o = options; o->name != NULL; o++) {
		if (o->help == NULL)
			continue;
		fputs("complete -c hpctl", f);
		if (command != NULL)
			fprintf(f, " -n '__hpctl_in %s'", command);
		if (o->letter != 0)
			fprintf(f, " -s %c", o->letter);
		fprintf(f, " -l %s", o->name);
		print_fish_value(f, o);
		fputs(" -d '", f);
		print_text(f, o->help);
		fputs("'\n", f);
	}
}

/* What is offered as operand @number of a command; -1: as any. */
static void print_fish_operand(FILE *f, const struct command *c, int number,
			       const char *unless, const char *offer)
{
	fprintf(f, "complete -c hpctl -n '__hpctl_in %s", c->name);
	if (number >= 0)
		fprintf(f, " %d", number);
	if (unless != NULL)
		fprintf(f, "; and not __fish_contains_opt %s", unless);
	fprintf(f, "' %s\n", offer);
}

static void print_fish_operands(FILE *f, const struct command *c)
{
	switch (c->operand) {
	case OPERAND_FILE:
		print_fish_operand(f, c, c->max < 0 ? -1 : 0, NULL, "-F");
		break;
	case OPERAND_SEARCH:
		print_fish_operand(f, c, 0, NULL, "-a '(" SEARCHES ")'");
		break;
	case OPERAND_SEARCH_FILE:
		print_fish_operand(f, c, 0, NULL, "-a '(" SEARCHES ")'");
		print_fish_operand(f, c, 1, NULL, "-F");
		break;
	case OPERAND_SEARCH_PLOT:
		print_fish_operand(f, c, 0, NULL, "-a '(" SEARCHES ")'");
		print_fish_operand(f, c, 1, NULL, "-a '" PLOTS "'");
		break;
	case OPERAND_TRIAL:
		print_fish_operand(f, c, 0, "try", "-a '(__hpctl_trials)'");
		break;
	case OPERAND_EITHER:
		print_fish_operand(f, c, 0, "log",
				   "-a '(__hpctl_trials) (" SEARCHES ")'");
		break;
	case OPERAND_COMMAND:
		fprintf(f, "complete -c hpctl -n '__hpctl_in %s 0' -a '",
			c->name);
		for_each_command(f, print_name);
		fputs("'\n", f);
		break;
	case OPERAND_SHELL:
		print_fish_operand(f, c, 0, NULL, "-a 'bash zsh fish'");
		break;
	case OPERAND_NONE:
		break;
	}
}

static void print_fish_command(FILE *f, const struct command *c)
{
	fprintf(f, "complete -c hpctl -n '__hpctl_in \"\"' -a %s -d '",
		c->name);
	print_text(f, c->help);
	fputs("'\n", f);
	print_fish_operands(f, c);
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
	      "# Is it this command (\"\": none yet), with so many operands?\n"
	      "function __hpctl_in -a command number\n"
	      "\tset -l operands\n"
	      "\tset -l skip no\n"
	      "\tset -l words (commandline -opc)\n"
	      "\tset -e words[1]\n"
	      "\tfor word in $words\n"
	      "\t\tif test $skip = yes\n"
	      "\t\t\tset skip no\n"
	      "\t\telse if contains -- $word",
	      f);
	print_all_takers(f);
	fputs("\n"
	      "\t\t\tset skip yes\n"
	      "\t\telse if not string match -q -- '-*' $word\n"
	      "\t\t\tset -a operands $word\n"
	      "\t\tend\n"
	      "\tend\n"
	      "\ttest \"$operands[1]\" = \"$command\"; or return\n"
	      "\ttest -z \"$number\"; or "
	      "test (count $operands[2..]) -eq \"$number\"\n"
	      "end\n"
	      "complete -c hpctl -f\n"
	      "complete -c hpctl -n '__hpctl_in why; and "
	      "__fish_contains_opt log' -F\n"
	      "complete -c hpctl -n '__hpctl_in why 1; and "
	      "__fish_contains_opt apply' -F\n"
	      "complete -c hpctl -n '__hpctl_in metrics 0; and "
	      "__fish_contains_opt try' -F\n",
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
