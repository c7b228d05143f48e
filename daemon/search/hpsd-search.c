#include "search/hpsd-search.h"

#include "search/rationale.h"
#include "search/sampler.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial {
	struct cell *config; /* [space->n], activated */
	char *params;        /* as JSON, once it was asked for */
	enum hps_fate fate;
	double value; /* done, pruned */
};

struct hps_search {
	struct search_spec *spec; /* NULL: there is none, the error stays */
	struct sampler *sampler;
	struct trial *trials; /* [n] by number, numbered as in the sampler */
	size_t n, cap;
	struct seen seen;
	size_t started; /* of what "start" says */
	uint64_t cursor, listed;
	struct rationale why; /* of the last hps_ask(), */
	bool has_why;         /* if a sampler has answered */
	char *explanation;    /* it as JSON, once it was asked for */
	char *error;
};

/* --- errors -----------------------------------------------------------------
 */

static void fail(struct hps_search *s, const struct diag *faults)
{
	free(s->error);
	s->error = diag_text(faults, NULL);
}

static void fault(struct hps_search *s, const char *path, char *text)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *owned = text;

	diag_add(&d, path, "%s", owned);
	fail(s, &d);
}

/* Every call begins so. False: there is no search. */
static bool begin(struct hps_search *s)
{
	if (s->spec == NULL)
		return false;
	free(s->error);
	s->error = NULL;
	return true;
}

const char *hps_error(const struct hps_search *s)
{
	return s->error;
}

/* --- open and close ---------------------------------------------------------
 */

struct hps_search *hps_open(const char *json)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct hps_search *s = xcalloc(1, sizeof(*s));
	const char *text = json != NULL ? json : "";

	if (search_parse_bare(text, strlen(text), &s->spec, &faults) == 0 &&
	    s->spec->population > 0) {
		diag_add(&faults, "sampler.type",
			 "is \"pbt\" (only the daemon copies the checkpoints "
			 "that its trials go on from)");
		search_free(s->spec);
		s->spec = NULL;
	}
	if (s->spec != NULL)
		s->sampler = sampler_new(s->spec);
	else
		fail(s, &faults);
	return s;
}

void hps_close(struct hps_search *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->trials[i].config);
		free(s->trials[i].params);
	}
	free(s->trials);
	seen_free(&s->seen);
	sampler_free(s->sampler);
	search_free(s->spec);
	free(s->explanation);
	free(s->error);
	free(s);
}

/* --- trials -----------------------------------------------------------------
 */

static struct cell *config_new(const struct hps_search *s)
{
	return xcalloc(s->spec->space->n, sizeof(struct cell));
}

/* Takes @config. */
static int64_t append(struct hps_search *s, struct cell *config)
{
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 16;
		s->trials =
		    xreallocarray(s->trials, s->cap, sizeof(*s->trials));
	}
	s->trials[s->n] = (struct trial){ .config = config };
	seen_add(&s->seen, space_hash(s->spec->space, config));
	return (int64_t)s->n++;
}

/* NULL, with an error, if there is no such trial. */
static struct trial *find(struct hps_search *s, int64_t number)
{
	if (!begin(s))
		return NULL;
	if (number >= 0 && (size_t)number < s->n)
		return &s->trials[number];
	fault(s, "trial",
	      s->n == 0 ? xasprintf("is %lld (none was asked for yet)",
				    (long long)number)
			: xasprintf("is %lld (must be from 0 to %zu)",
				    (long long)number, s->n - 1));
	return NULL;
}

static struct observation observe(const struct hps_search *s,
				  enum hps_fate fate, double value)
{
	static const enum fate fates[] = {
		[HPS_RUNNING] = FATE_RUNNING, [HPS_DONE] = FATE_DONE,
		[HPS_PRUNED] = FATE_PRUNED,   [HPS_FAILED] = FATE_FAILED,
		[HPS_UNKNOWN] = FATE_NONE,
	};

	return (struct observation){
		.fate = fates[fate],
		.score = score_of(s->spec->goal, value),
	};
}

/* A caller in C may hand over any number. */
static bool check_fate(struct hps_search *s, enum hps_fate fate)
{
	if ((unsigned)fate <= HPS_UNKNOWN)
		return true;
	fault(
	    s, "fate",
	    xasprintf("is %d (must be HPS_RUNNING to HPS_UNKNOWN)", (int)fate));
	return false;
}

/* @config may be NULL from the second time on. */
static void tell(struct hps_search *s, int64_t number,
		 const struct cell *config, enum hps_fate fate, double value)
{
	struct trial *t = &s->trials[number];

	t->fate = fate;
	t->value = value;
	sampler_tell(s->sampler, (size_t)number, config,
		     observe(s, fate, value));
}

bool hps_tell(struct hps_search *s, int64_t trial, enum hps_fate fate,
	      double value)
{
	if (find(s, trial) == NULL || !check_fate(s, fate))
		return false;
	tell(s, trial, NULL, fate, value);
	return true;
}

/* New, or NULL with an error. */
static struct cell *read_params(struct hps_search *s, const char *params)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	struct cell *config = config_new(s);
	const char *text = params != NULL ? params : "";

	if (json_doc_parse(text, strlen(text), &doc, &faults) == 0 &&
	    space_read(s->spec->space, doc.root, config, &faults) == 0)
		return config;
	fail(s, &faults);
	free(config);
	return NULL;
}

int64_t hps_add(struct hps_search *s, const char *params, enum hps_fate fate,
		double value)
{
	struct cell *config;
	int64_t number;

	if (!begin(s) || !check_fate(s, fate))
		return -1;
	if (s->n >= LIMIT_TRIALS) {
		fault(s, "",
		      xasprintf("the search has %d trials, as many as it may",
				LIMIT_TRIALS));
		return -1;
	}
	config = read_params(s, params);
	if (config == NULL)
		return -1;
	number = append(s, config);
	tell(s, number, config, fate, value);
	return number;
}

int64_t hps_best(struct hps_search *s, double *ret_value)
{
	double best = (double)INFINITY;
	int64_t number = -1;

	if (!begin(s))
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		const struct trial *t = &s->trials[i];
		double score = score_of(s->spec->goal, t->value);

		if (t->fate == HPS_DONE && isfinite(score) && score < best) {
			best = score;
			number = (int64_t)i;
		}
	}
	if (number >= 0 && ret_value != NULL)
		*ret_value = s->trials[number].value;
	return number;
}

/* --- ask --------------------------------------------------------------------
 */

/* The next of "start" that was not added before: new, or NULL. */
static struct cell *next_of_start(struct hps_search *s)
{
	const struct search_spec *spec = s->spec;

	while (s->started < spec->n_start) {
		const struct cell *start =
		    &spec->start[s->started++ * spec->space->n];

		if (sampler_is_new(spec, &s->seen, start))
			return memcpy(config_new(s), start,
				      spec->space->n * sizeof(*start));
	}
	return NULL;
}

/* New, or NULL: there is none. */
static struct cell *propose(struct hps_search *s)
{
	struct proposal p;

	if (sampler_learns(s->sampler)) {
		if (sampler_propose(s->sampler, &s->cursor, 1, &p) == 0)
			return NULL;
		s->why = p.rationale;
		return p.config;
	}
	p.config = config_new(s);
	s->why = (struct rationale){ .why = WHY_DESIGN };
	if (!sampler_next(s->sampler, &s->seen, &s->cursor, &s->listed,
			  p.config))
		proposal_fini(&p);
	return p.config;
}

int64_t hps_ask(struct hps_search *s)
{
	struct cell *config;
	int64_t number;

	if (!begin(s) || (int64_t)s->n >= s->spec->trials)
		return -1;
	free(s->explanation);
	s->explanation = NULL;
	s->has_why = false;
	config = next_of_start(s);
	if (config == NULL) {
		config = propose(s);
		s->has_why = config != NULL;
	}
	if (config == NULL)
		return -1;
	number = append(s, config);
	tell(s, number, config, HPS_RUNNING, (double)NAN);
	return number;
}

const char *hps_explain(struct hps_search *s)
{
	if (!begin(s) || !s->has_why)
		return NULL;
	if (s->explanation == NULL)
		s->explanation = rationale_data(s->spec, &s->why);
	return s->explanation;
}

bool hps_predict(struct hps_search *s, const char *params,
		 struct hps_prediction *ret)
{
	auto_free struct cell *config = NULL;
	struct rationale r;

	if (!begin(s))
		return false;
	config = read_params(s, params);
	if (config == NULL || !sampler_predict(s->sampler, config, &r))
		return false;
	*ret = (struct hps_prediction){
		.mean = r.mean,
		.low = r.low,
		.high = r.high,
		.feasible = r.feasible,
	};
	return true;
}

/* --- parameters -------------------------------------------------------------
 */

const char *hps_params(struct hps_search *s, int64_t trial)
{
	struct trial *t = find(s, trial);

	if (t != NULL && t->params == NULL) {
		auto_json cJSON *object =
		    space_print(s->spec->space, t->config);

		t->params = json_print(object);
	}
	return t != NULL ? t->params : NULL;
}

/* False: there is no such trial or parameter, or it is inactive. */
static bool value_of(struct hps_search *s, int64_t trial, const char *name,
		     struct scalar *ret)
{
	const struct trial *t = find(s, trial);
	int i;

	if (t == NULL)
		return false;
	i = name != NULL ? space_find(s->spec->space, name) : -1;
	if (i < 0) {
		fault(s, name != NULL ? name : "",
		      xstrdup("is no parameter of this search"));
		return false;
	}
	*ret = param_scalar(&s->spec->space->params[i], &t->config[i]);
	return t->config[i].active;
}

static bool mistyped(struct hps_search *s, const char *name,
		     const struct scalar *v, const char *what)
{
	auto_json cJSON *node = scalar_json(v);
	auto_free char *brief = json_brief(node);

	fault(s, name, xasprintf("is %s, which is no %s", brief, what));
	return false;
}

bool hps_get_double(struct hps_search *s, int64_t trial, const char *name,
		    double *ret)
{
	struct scalar v;

	if (!value_of(s, trial, name, &v))
		return false;
	if (v.kind != SCALAR_FLOAT && v.kind != SCALAR_INT)
		return mistyped(s, name, &v, "number");
	*ret = v.kind == SCALAR_INT ? (double)v.i : v.f;
	return true;
}

bool hps_get_int(struct hps_search *s, int64_t trial, const char *name,
		 int64_t *ret)
{
	struct scalar v;

	if (!value_of(s, trial, name, &v))
		return false;
	if (v.kind != SCALAR_INT)
		return mistyped(s, name, &v, "whole number");
	*ret = v.i;
	return true;
}

const char *hps_get_text(struct hps_search *s, int64_t trial, const char *name)
{
	struct scalar v;

	if (!value_of(s, trial, name, &v))
		return NULL;
	switch (v.kind) {
	case SCALAR_NULL:
		return "null";
	case SCALAR_BOOL:
		return v.b ? "true" : "false";
	case SCALAR_TEXT:
		return v.text;
	case SCALAR_INT:
	case SCALAR_FLOAT:
		break;
	}
	mistyped(s, name, &v, "text");
	return NULL;
}
