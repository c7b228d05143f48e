/* From an effect on a trial to what the executor needs. */
#include "server.h"

#include "schema/expand.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *server_trial_dir(const struct server *s, int64_t search, int64_t number)
{
	return xasprintf("%s/trials/%lld/%lld", s->paths.state_dir,
			 (long long)search, (long long)number);
}

/* Whose budget it has: that of a generation, or of a run. */
static int64_t level_of(const struct fx_run *run)
{
	int64_t generation = run->trial->lineage.generation;

	return generation > 0 ? generation - 1 : run->attempt->run;
}

static struct expand expand_of(const struct server *s, const struct fx_run *run,
			       const char *dir)
{
	return (struct expand){
		.spec = run->spec,
		.config = run->config,
		.search = run->search->name,
		.trial = run->trial->number,
		.attempt = run->attempt->number,
		.run = level_of(run),
		.seed = expand_seed(run->spec, run->trial->number,
				    run->attempt->run),
		.dir = dir,
		.socket = s->paths.socket,
		.token = run->attempt->token,
		.environ = (const char *const *)run->environ,
	};
}

static char *params_text(const struct expand *e)
{
	auto_json cJSON *params = expand_params(e);

	return json_print(params);
}

/* From the trial's directory on; new, or NULL. */
static char *checkpoint_of_parent(const struct fx_run *run)
{
	const struct lineage *l = &run->trial->lineage;

	return lineage_has_parent(l)
		   ? xasprintf("../%lld/checkpoint", (long long)l->parent)
		   : NULL;
}

void server_launch(struct server *s, const struct fx_run *run)
{
	auto_free char *dir =
	    server_trial_dir(s, run->search->id, run->trial->number);
	struct expand e = expand_of(s, run, dir);
	auto_free char *params = params_text(&e);
	auto_strv char **argv = expand_argv(&e);
	auto_strv char **env = expand_environ(&e);
	auto_free char *from = checkpoint_of_parent(run);

	executor_launch(s->executor,
			&(struct launch){
			    .id = {run->trial->id, run->attempt->number},
			    .spec = run->spec,
			    .dir = dir,
			    .from = from,
			    .token = run->attempt->token,
			    .params = params,
			    .workdir = run->search->workdir,
			    .argv = argv,
			    .environ = env,
			    .memory_bytes = run->spec->memory_bytes,
        });
}

void server_adopt(struct server *s, const struct fx_run *run)
{
	auto_free char *dir =
	    server_trial_dir(s, run->search->id, run->trial->number);

	executor_adopt(s->executor,
		       &(struct adopt){
			   .id = {run->trial->id, run->attempt->number},
			   .spec = run->spec,
			   .dir = dir,
			   .token = run->attempt->token,
			   .boot_id = run->attempt->boot_id,
			   .offset = run->attempt->offset,
			   .reader = run->attempt->reader,
			   .copies = lineage_has_parent(&run->trial->lineage),
        });
}

/* The HPS_PARAM_* variables alone. */
static char **params_env(const struct expand *e)
{
	char **all = expand_environ(e);
	size_t n = 0;

	for (size_t i = 0; all[i] != NULL; i++) {
		if (strncmp(all[i], "HPS_PARAM_", 10) == 0)
			all[n++] = all[i];
		else
			free(all[i]);
	}
	all[n] = NULL;
	return all;
}

/* All of its budget. */
static int64_t last_level(const struct search_spec *spec)
{
	if (spec->population > 0)
		return search_generations(spec) - 1;
	return spec->budget.name != NULL ? spec->runs - 1 : 0;
}

int server_trial_command(struct server *s, int64_t search, const cJSON *trial,
			 struct trial_command *ret)
{
	static const char *const none[] = { NULL };
	/* The view trials calls it "number", the leaderboard "trial". */
	int64_t number = json_get_integer(trial, "number",
					  json_get_integer(trial, "trial", 0));
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;
	auto_free char *dir = NULL;
	auto_free struct cell *config = NULL;
	struct search_spec *spec;
	struct expand e;
	int r = store_read_file(s->store, search, &text);

	if (r != 0)
		return r;
	if (search_parse(text, strlen(text), &spec, &d) != 0)
		return -EBADMSG;
	config = xcalloc(spec->space->n, sizeof(*config));
	dir = server_trial_dir(s, search, number);
	e = (struct expand){
		.spec = spec,
		.config = config,
		.search = json_get_text(trial, "search"),
		.trial = number,
		.attempt = 1,
		.run = last_level(spec),
		.dir = dir,
		.socket = s->paths.socket,
		.token = "",
		.environ = none,
	};
	e.seed = expand_seed(spec, e.trial, e.run);
	r = space_read(spec->space, json_get(trial, "params"), config, &d) == 0
		? 0
		: -EBADMSG;
	if (r == 0) {
		ret->argv = expand_argv(&e);
		ret->args = expand_args(&e);
		ret->env = params_env(&e);
		ret->params = expand_params(&e);
	}
	search_free(spec);
	return r;
}

void trial_command_fini(struct trial_command *c)
{
	strv_free(c->argv);
	strv_free(c->args);
	strv_free(c->env);
	cJSON_Delete(c->params);
}
