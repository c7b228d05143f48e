#include "schema/expand.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/object.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What {name} may be besides a parameter. */
enum placeholder {
	PLACEHOLDER_ARGS,
	PLACEHOLDER_ARGS_JSON,
	PLACEHOLDER_PARAMS_FILE,
	PLACEHOLDER_TRIAL,
	PLACEHOLDER_SEARCH,
	PLACEHOLDER_DIR,
	PLACEHOLDER_CHECKPOINT,
	PLACEHOLDER_SEED,
	PLACEHOLDER_FOLD,
	PLACEHOLDER_N,
};

static const char *const placeholders[PLACEHOLDER_N] = {
	[PLACEHOLDER_ARGS] = "args",
	[PLACEHOLDER_ARGS_JSON] = "args_json",
	[PLACEHOLDER_PARAMS_FILE] = "params_file",
	[PLACEHOLDER_TRIAL] = "trial",
	[PLACEHOLDER_SEARCH] = "search",
	[PLACEHOLDER_DIR] = "dir",
	[PLACEHOLDER_CHECKPOINT] = "checkpoint",
	[PLACEHOLDER_SEED] = "seed",
	[PLACEHOLDER_FOLD] = "fold",
};

static int find_placeholder(const char *name)
{
	for (int i = 0; i < PLACEHOLDER_N; i++) {
		if (strcmp(placeholders[i], name) == 0)
			return i;
	}
	return -1;
}

bool expand_reserves(const char *name)
{
	int i = find_placeholder(name);

	/* Parameters of these two names are common: they go first. */
	return i >= 0 && i != PLACEHOLDER_SEED && i != PLACEHOLDER_FOLD;
}

bool expand_withholds(const char *name)
{
	/* What is hpsd's own, loads code into every process, or speaks to the
	 * service manager in the daemon's name. */
	static const char *const names[] = {
		"LD_PRELOAD", "LD_AUDIT",   "GLIBC_TUNABLES", "BASH_ENV",
		"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET",  "LISTEN_FDNAMES",
	};

	if (strncmp(name, "HPS_", 4) == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

enum part_kind {
	PART_END,
	PART_TEXT,
	PART_HOLE,
	PART_OPEN, /* a { without } */
};

struct part {
	enum part_kind kind;
	const char *text; /* of a hole: its name */
	size_t len;
};

/* The part at @text; returns what is behind it. */
static const char *next_part(const char *text, struct part *ret)
{
	size_t n = strcspn(text, "{");

	if (n > 0) {
		*ret = (struct part){ PART_TEXT, text, n };
		return text + n;
	}
	if (text[0] == '\0') {
		*ret = (struct part){ PART_END, text, 0 };
		return text;
	}
	if (text[1] == '{') {
		*ret = (struct part){ PART_TEXT, text, 1 };
		return text + 2;
	}
	n = strcspn(text + 1, "{}");
	if (text[1 + n] != '}') {
		*ret = (struct part){ PART_OPEN, text, 1 };
		return text + 1;
	}
	*ret = (struct part){ PART_HOLE, text + 1, n };
	return text + n + 2;
}

struct check {
	const struct json_doc *doc;
	const cJSON *parameters;
	const char *budget; /* its name, or NULL */
	const cJSON *node;
	const char *path;
	bool is_element;
	struct diag *reterr;
};

/* Neither a parameter nor a placeholder. */
static void unknown(const struct check *c, const char *name, bool dollar)
{
	int n = cJSON_GetArraySize(c->parameters);
	auto_free const char **names =
	    xcalloc((size_t)n + PLACEHOLDER_N + 2, sizeof(*names));
	const cJSON *param;
	const char *nearest;
	size_t k = 0;

	cJSON_ArrayForEach (param, c->parameters) {
		if (cJSON_IsObject(c->parameters))
			names[k++] = param->string;
	}
	for (size_t i = 0; i < PLACEHOLDER_N; i++)
		names[k++] = placeholders[i];
	if (c->budget != NULL)
		names[k++] = c->budget;
	nearest = diag_nearest(name, names);
	if (nearest != NULL)
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "has {%s}, which is no parameter (did you mean "
			   "{%s}?)",
			   name, nearest);
	else if (dollar)
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "has ${%s}, but no shell is used (write the value, "
			   "or ${{%s} for the text)",
			   name, name);
	else
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "has {%.64s}, which is neither a parameter nor a "
			   "placeholder (a brace itself is written {{)",
			   name);
}

/* {args}, which becomes any number of elements. */
static void check_args(const struct check *c)
{
	const char *text = c->node->valuestring;

	if (!c->is_element)
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "has {args}, which is for \"command\" (write "
			   "{args_json})");
	else if (strcmp(text, "${args}") == 0)
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "is \"${args}\" (write \"{args}\")");
	else if (strcmp(text, "{args}") != 0)
		json_fault(c->doc, c->node, c->reterr, c->path,
			   "has {args} beside other text (it must be an "
			   "element of its own)");
}

/* "{name}" or, in an element, "--flag={name}". */
static bool stands_alone(const struct check *c, const char *name)
{
	const char *text = c->node->valuestring;
	auto_free char *hole = xasprintf("{%s}", name);
	size_t flag = strcspn(text, "={");

	if (c->is_element && text[0] == '-' && text[flag] == '=')
		text += flag + 1;
	return strcmp(text, hole) == 0;
}

static void check_hole(const struct check *c, const struct part *part)
{
	auto_free char *name = xstrndup(part->text, part->len);
	const cJSON *param = json_get(c->parameters, name);
	const char *begin = c->node->valuestring;
	bool dollar = part->text - begin >= 2 && part->text[-2] == '$';

	if (param != NULL && !expand_reserves(name)) {
		if (json_get(param, "when") != NULL && !stands_alone(c, name))
			json_fault(c->doc, c->node, c->reterr, c->path,
				   "has {%s}, which may be inactive (it must "
				   "stand alone, as \"{%s}\"%s)",
				   name, name,
				   c->is_element ? " or \"--flag={...}\"" : "");
		return;
	}
	if (c->budget != NULL && strcmp(name, c->budget) == 0)
		return;
	if (find_placeholder(name) == PLACEHOLDER_ARGS)
		check_args(c);
	else if (find_placeholder(name) < 0)
		unknown(c, name, dollar);
}

void expand_check(const struct json_doc *doc, const cJSON *root,
		  const cJSON *node, const char *path, bool is_element,
		  struct diag *reterr)
{
	struct check c = {
		.doc = doc,
		.parameters = json_get(root, "parameters"),
		.budget = json_get_text(json_get(root, "budget"), "name"),
		.node = node,
		.path = path,
		.is_element = is_element,
		.reterr = reterr,
	};
	const char *text = node->valuestring;
	struct part part;

	do {
		text = next_part(text, &part);
		if (part.kind == PART_HOLE)
			check_hole(&c, &part);
		else if (part.kind == PART_OPEN)
			json_fault(doc, node, reterr, path,
				   "has a \"{\" without \"}\" (a brace itself "
				   "is written {{)");
	} while (part.kind != PART_END);
}

cJSON *expand_params(const struct expand *e)
{
	cJSON *params = space_print(e->spec->space, e->config);

	if (e->spec->budget.name != NULL)
		json_add_integer(params, e->spec->budget.name,
				 search_level(e->spec, e->run));
	return params;
}

static void add_params_json(const struct expand *e, struct buf *b)
{
	auto_json cJSON *params = expand_params(e);

	json_write(b, params);
}

/*
 * Of runs that could learn from each other's each has its own; one with a
 * larger budget is to.
 */
static void add_checkpoint(const struct expand *e, struct buf *b)
{
	buf_addf(b, "%s/checkpoint", e->dir);
	if (e->spec->runs > 1 && e->spec->budget.name == NULL)
		buf_addf(b, "-%lld", (long long)e->run);
}

static int64_t fold_of(const struct expand *e)
{
	return e->spec->has_folds ? e->run : 0;
}

static void add_placeholder(const struct expand *e, enum placeholder p,
			    struct buf *b)
{
	switch (p) {
	case PLACEHOLDER_ARGS_JSON:
		add_params_json(e, b);
		break;
	case PLACEHOLDER_PARAMS_FILE:
		buf_addf(b, "%s/params.json", e->dir);
		break;
	case PLACEHOLDER_TRIAL:
		buf_addf(b, "%lld", (long long)e->trial);
		break;
	case PLACEHOLDER_SEARCH:
		buf_adds(b, e->search);
		break;
	case PLACEHOLDER_DIR:
		buf_adds(b, e->dir);
		break;
	case PLACEHOLDER_CHECKPOINT:
		add_checkpoint(e, b);
		break;
	case PLACEHOLDER_SEED:
		buf_addf(b, "%llu", (unsigned long long)e->seed);
		break;
	case PLACEHOLDER_FOLD:
		buf_addf(b, "%lld", (long long)fold_of(e));
		break;
	case PLACEHOLDER_ARGS:
	case PLACEHOLDER_N:
		/* An element of its own; expand_check() has seen to it. */
		assert(false);
	}
}

static void add_level(const struct expand *e, struct buf *b)
{
	buf_addf(b, "%lld", (long long)search_level(e->spec, e->run));
}

static bool is_budget(const struct expand *e, const char *name)
{
	return e->spec->budget.name != NULL &&
	       strcmp(name, e->spec->budget.name) == 0;
}

static void add_value(const struct expand *e, size_t i, struct buf *b)
{
	struct scalar v =
	    param_scalar(&e->spec->space->params[i], &e->config[i]);

	scalar_print(&v, b);
}

/* Appends what @text stands for; false when it vanishes. */
static bool expand_text(const struct expand *e, const char *text, struct buf *b)
{
	struct part part;

	for (;;) {
		auto_free char *name = NULL;
		int i;

		text = next_part(text, &part);
		assert(part.kind != PART_OPEN);
		if (part.kind == PART_END)
			return true;
		if (part.kind == PART_TEXT) {
			buf_add(b, part.text, part.len);
			continue;
		}
		name = xstrndup(part.text, part.len);
		i = space_find(e->spec->space, name);
		if (i >= 0 && !e->config[i].active)
			return false;
		if (i >= 0)
			add_value(e, (size_t)i, b);
		else if (is_budget(e, name))
			add_level(e, b);
		else
			add_placeholder(
			    e, (enum placeholder)find_placeholder(name), b);
	}
}

/* A growing NULL-ended vector. */
struct vector {
	char **v;
	size_t n, cap;
};

static void add(struct vector *v, char *text)
{
	if (v->n + 2 > v->cap) {
		v->cap = v->cap > 0 ? 2 * v->cap : 64;
		v->v = xreallocarray(v->v, v->cap, sizeof(*v->v));
	}
	v->v[v->n++] = text;
	v->v[v->n] = NULL;
}

static void add_args(const struct expand *e, struct vector *argv)
{
	const struct space *s = e->spec->space;

	for (size_t i = 0; i < s->n; i++) {
		struct buf b = BUF_INIT;

		if (!e->config[i].active)
			continue;
		buf_addf(&b, "--%s=", s->params[i].name);
		add_value(e, i, &b);
		add(argv, buf_take(&b));
	}
	if (e->spec->budget.name != NULL)
		add(argv, xasprintf("--%s=%lld", e->spec->budget.name,
				    (long long)search_level(e->spec, e->run)));
}

char **expand_argv(const struct expand *e)
{
	struct vector argv = { 0 };

	for (char **element = e->spec->command; *element != NULL; element++) {
		struct buf b = BUF_INIT;

		if (strcmp(*element, "{args}") == 0)
			add_args(e, &argv);
		else if (expand_text(e, *element, &b))
			add(&argv, buf_take(&b));
		buf_free(&b);
	}
	assert(argv.n > 0);
	return argv.v;
}

char **expand_args(const struct expand *e)
{
	struct vector args = { 0 };

	add_args(e, &args);
	assert(args.n > 0);
	return args.v;
}

static void add_search_env(const struct expand *e, struct vector *env)
{
	for (size_t i = 0; i < e->spec->n_env; i++) {
		struct buf b = BUF_INIT;

		buf_addf(&b, "%s=", e->spec->env[i].name);
		if (expand_text(e, e->spec->env[i].value, &b))
			add(env, buf_take(&b));
		buf_free(&b);
	}
}

static void add_budget_env(const struct expand *e, struct vector *env)
{
	long long level = search_level(e->spec, e->run);
	auto_free char *name = param_variable(e->spec->budget.name);

	add(env, xasprintf("HPS_BUDGET=%lld", level));
	add(env, xasprintf("%s=%lld", name, level));
}

static void add_own_env(const struct expand *e, struct vector *env)
{
	const struct space *s = e->spec->space;
	struct buf params = BUF_INIT, checkpoint = BUF_INIT;

	add(env, xasprintf("HPS_SEARCH=%s", e->search));
	add(env, xasprintf("HPS_TRIAL=%lld", (long long)e->trial));
	add(env, xasprintf("HPS_ATTEMPT=%lld", (long long)e->attempt));
	add(env, xasprintf("HPS_SEED=%llu", (unsigned long long)e->seed));
	add(env, xasprintf("HPS_DIR=%s", e->dir));
	buf_adds(&checkpoint, "HPS_CHECKPOINT=");
	add_checkpoint(e, &checkpoint);
	add(env, buf_take(&checkpoint));
	if (e->spec->has_folds)
		add(env, xasprintf("HPS_FOLD=%lld", (long long)e->run));
	if (e->spec->budget.name != NULL)
		add_budget_env(e, env);
	if (e->socket != NULL)
		add(env, xasprintf("HPS_SOCKET=%s", e->socket));
	if (e->token != NULL)
		add(env, xasprintf("HPS_TOKEN=%s", e->token));
	buf_adds(&params, "HPS_PARAMS=");
	add_params_json(e, &params);
	add(env, buf_take(&params));
	for (size_t i = 0; i < s->n; i++) {
		auto_free char *name = param_variable(s->params[i].name);
		struct buf b = BUF_INIT;

		if (!e->config[i].active)
			continue;
		buf_addf(&b, "%s=", name);
		add_value(e, i, &b);
		add(env, buf_take(&b));
	}
}

/* The value set for the name that @entry, "NAME=value", begins with, or NULL.
 */
static const char *find_entry(const struct vector *env, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], entry, n) == 0)
			return env->v[i];
	}
	return NULL;
}

/* The submitter's, but for what is withheld or already in @env. */
static void add_submitters_env(const struct expand *e, struct vector *env)
{
	struct vector own = *env;

	for (size_t i = 0; e->environ != NULL && e->environ[i] != NULL; i++) {
		const char *entry = e->environ[i];
		size_t n = strcspn(entry, "=");
		auto_free char *name = xstrndup(entry, n);

		if (n == 0 || entry[n] != '=' || expand_withholds(name) ||
		    find_entry(&own, entry) != NULL)
			continue;
		add(env, xstrdup(entry));
		/* add() may have moved the vector. */
		own.v = env->v;
	}
}

char **expand_environ(const struct expand *e)
{
	struct vector env = { 0 };

	add_search_env(e, &env);
	add_own_env(e, &env);
	add_submitters_env(e, &env);
	if (find_entry(&env, "PYTHONUNBUFFERED=") == NULL)
		add(&env, xstrdup("PYTHONUNBUFFERED=1"));
	return env.v;
}

/* splitmix64 (Steele, Lea, Flood 2014) at position @number. */
static uint64_t mix(uint64_t seed, int64_t number)
{
	uint64_t h = seed + 0x9e3779b97f4a7c15 * ((uint64_t)number + 1);

	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
	h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
	return h ^ (h >> 31);
}

uint64_t expand_seed(const struct search_spec *spec, int64_t number,
		     int64_t run)
{
	uint64_t h = mix(spec->seed, number);

	if (run > 0 && spec->budget.name == NULL)
		h = mix(h, run);
	return h >> 33;
}
