/* check: every fault of search files, else what they ask for. */
#include "cmd.h"
#include "submit.h"

#include "schema/expand.h"
#include "schema/json.h"
#include "schema/mem.h"
#include "schema/rpc.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A value in the middle of what a parameter may be. */
static struct cell middle(const struct param *p)
{
	struct cell c = { .active = true };
	double a = p->min, b = p->max;

	if (p->type == PARAM_INT) {
		c.i = p->int_min +
		      (p->int_max - p->int_min) / p->int_step / 2 * p->int_step;
		return c;
	}
	if (p->type != PARAM_FLOAT)
		return c;
	if (p->scale == SCALE_LOG)
		c.f = sqrt(a) * sqrt(b);
	else if (p->scale == SCALE_LOGIT)
		c.f = 1 / (1 + sqrt((1 - a) / a) * sqrt((1 - b) / b));
	else
		c.f = a / 2 + b / 2;
	if (p->step > 0)
		c.f = a + round((c.f - a) / p->step) * p->step;
	return c;
}

/* What is tried first, else guesses and what lies in the middle. */
static void choose_example(const struct search_spec *spec, struct cell *config)
{
	const struct space *space = spec->space;

	if (spec->n_start > 0) {
		memcpy(config, spec->start, space->n * sizeof(*config));
		return;
	}
	for (size_t i = 0; i < space->n; i++)
		config[i] = space->params[i].has_guess
				? space->params[i].guess
				: middle(&space->params[i]);
	space_activate(space, config);
}

/* The command line of one trial as an example. */
static void print_example(struct buf *b, const struct submission *s)
{
	const struct space *space = s->spec->space;
	auto_free struct cell *config = xcalloc(space->n, sizeof(*config));
	static const char *const no_environ[] = { NULL };
	struct expand e = {
		.spec = s->spec,
		.config = config,
		.search = s->spec->name,
		.attempt = 1,
		.seed = expand_seed(s->spec, 0, 0),
		.dir = "DIR",
		.socket = "SOCKET",
		.token = "",
		.environ = no_environ,
	};
	auto_strv char **argv = NULL;

	choose_example(s->spec, config);
	argv = expand_argv(&e);
	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i > 0)
			buf_addc(b, ' ');
		print_quoted(b, argv[i]);
	}
}

static void add_text(cJSON *object, const char *name, struct buf *b)
{
	cJSON_AddStringToObject(object, name, buf_text(b));
	buf_clear(b);
}

static void print_parameters(struct buf *b, const struct space *space)
{
	size_t conditional = 0, constant = 0, guessed = 0;

	for (size_t i = 0; i < space->n; i++) {
		conditional += space->params[i].n_conditions > 0;
		constant += space->params[i].type == PARAM_CONSTANT;
		guessed += space->params[i].has_guess;
	}
	buf_addf(b, "%zu", space->n);
	if (constant > 0)
		buf_addf(b, ", %zu constant", constant);
	if (conditional > 0)
		buf_addf(b, ", %zu conditional", conditional);
	if (guessed > 0)
		buf_addf(b, ", %zu with a guess", guessed);
}

static void print_space(struct buf *b, const struct space *space)
{
	uint64_t levels = space_levels(space);

	if (!space_is_discrete(space))
		buf_adds(b, "continuous");
	else if (levels == UINT64_MAX)
		buf_adds(b, "finite, more than 10^19 configurations");
	else
		buf_addf(b, "at most %" PRIu64 " configurations", levels);
}

static void print_population(struct buf *b, const struct search_spec *spec)
{
	buf_addf(
	    b, ", of %lld members with %lld generations, %s from %lld to %lld",
	    (long long)spec->population, (long long)search_generations(spec),
	    spec->budget.name, (long long)spec->budget.min,
	    (long long)spec->budget.max);
}

static void print_budget(struct buf *b, const struct search_spec *spec)
{
	buf_addf(b, ", each with %s of", spec->budget.name);
	for (int64_t run = 0; run < spec->runs; run++)
		buf_addf(b, "%s %lld", run > 0 ? "," : "",
			 (long long)search_level(spec, run));
	buf_addf(b, " (one in %lld goes on%s%s)", (long long)spec->budget.eta,
		 spec->budget.has_brackets ? ", in brackets that begin later"
					   : "",
		 spec->resumes ? ", the others wait" : "");
}

static void print_trials(struct buf *b, const struct search_spec *spec)
{
	if (spec->trials > 0)
		buf_addf(b, "%lld", (long long)spec->trials);
	else
		buf_adds(b, "the whole grid");
	if (spec->population > 0)
		print_population(b, spec);
	else if (spec->budget.name != NULL)
		print_budget(b, spec);
	else if (spec->runs_min < spec->runs)
		buf_addf(b, ", each of %lld to %lld repeats",
			 (long long)spec->runs_min, (long long)spec->runs);
	else if (spec->runs > 1)
		buf_addf(b, ", each of %lld %s", (long long)spec->runs,
			 spec->has_folds ? "folds" : "repeats");
	if (spec->n_start > 0)
		buf_addf(b, ", %zu to start with", spec->n_start);
	if (spec->parallel > 0)
		buf_addf(b, ", at most %lld at a time",
			 (long long)spec->parallel);
}

static void print_early_stopping(struct buf *b, const struct search_spec *spec)
{
	const struct early_stopping *e = &spec->early_stopping;

	buf_adds(b, pruner_type_name(e->type));
	for (size_t i = 0; i < e->n_rules; i++)
		buf_addf(b, "%s%s", i == 0 ? " of " : ", ",
			 pruner_type_name(e->rules[i].type));
	if (e->type == PRUNER_WILCOXON)
		buf_addf(b, ", between runs, p below %g", e->p);
	else if (e->min_steps > 0 && e->type != PRUNER_NONE && e->n_rules == 0)
		buf_addf(b, ", from %s %lld on",
			 e->in_seconds ? "second" : "step",
			 (long long)e->min_steps);
	if (search_rungs_pause(spec))
		buf_adds(b, ", the others wait");
}

/* What the file asks for, as an object with a text for each line. */
static cJSON *summary(const char *path, const struct submission *s)
{
	const struct search_spec *spec = s->spec;
	cJSON *o = cJSON_CreateObject();
	auto_buf struct buf b = BUF_INIT;

	cJSON_AddStringToObject(o, "file", path);
	cJSON_AddStringToObject(o, "name", spec->name);
	buf_addf(&b, "%s %s (%s)", goal_name(spec->goal), spec->metric,
		 result_rule_name(spec->result));
	add_text(o, "metric", &b);
	print_parameters(&b, spec->space);
	add_text(o, "parameters", &b);
	print_space(&b, spec->space);
	add_text(o, "space", &b);
	print_trials(&b, spec);
	add_text(o, "trials", &b);
	buf_addf(&b, "%s%s, seed %" PRIu64 "%s",
		 sampler_type_name(spec->sampler),
		 spec->is_auto ? " (auto)" : "", spec->seed,
		 spec->per_second ? ", per second" : "");
	add_text(o, "sampler", &b);
	print_early_stopping(&b, spec);
	add_text(o, "early_stopping", &b);
	print_example(&b, s);
	add_text(o, "example", &b);
	return o;
}

static const struct out_column summary_members[] = {
	{"file",            NULL,             OUT_TEXT},
	{ "name",           NULL,             OUT_TEXT},
	{ "metric",         NULL,             OUT_TEXT},
	{ "parameters",     NULL,             OUT_TEXT},
	{ "space",          NULL,             OUT_TEXT},
	{ "trials",         NULL,             OUT_TEXT},
	{ "sampler",        NULL,             OUT_TEXT},
	{ "early_stopping", "early stopping", OUT_TEXT},
	{ "example",        "for example",    OUT_TEXT},
	{ NULL,             NULL,             OUT_TEXT},
};

/* One file's entry of the answer; its faults are told. */
static cJSON *check_file(const char *path, bool *ret_ok)
{
	auto_submission struct submission s = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;
	cJSON *entry;

	*ret_ok = submission_read(path, &s, &faults) == 0;
	if (*ret_ok)
		return summary(path, &s);
	if (faults.n > 0) {
		text = diag_text(&faults, path);
		note("%s", text);
	}
	entry = rpc_print_faults(&faults);
	cJSON_AddStringToObject(entry, "file", path);
	return entry;
}

static enum status run_check(struct call *call)
{
	auto_json cJSON *answer = cJSON_CreateObject();
	cJSON *files = cJSON_AddArrayToObject(answer, "files");
	enum status r = STATUS_DONE;

	for (int i = 0; i < call->n_operands; i++) {
		bool ok;
		cJSON *entry = check_file(call->operands[i], &ok);

		cJSON_AddItemToArray(files, entry);
		if (!ok) {
			r = STATUS_BAD_INPUT;
			continue;
		}
		if (i > 0)
			out_hintf(&call->out, "\n");
		call->out.ops->record(&call->out, summary_members, entry);
	}
	call->out.ops->answer(&call->out, answer);
	return r;
}

const struct command cmd_check = {
	.name = "check",
	.operands = "FILE ...",
	.min = 1,
	.max = -1,
	.operand = OPERAND_FILE,
	.help = "Tell every fault of search files, else what they ask for",
	.text = "Each fault is a line on stderr: "
		"file:line:column: path: what is wrong (what would be right). "
		"It needs no daemon.",
	.run = run_check,
};
