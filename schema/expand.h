#pragma once

/*
 * Placeholders: from a search's command and environment to what a trial gets.
 * No shell: an element of argv stays one element, or vanishes.
 */
#include "schema/search.h"

struct expand {
	const struct search_spec *spec;
	const struct cell *config; /* [spec->space->n] */
	const char *search;        /* name, as submitted */
	int64_t trial;             /* number */
	int64_t attempt;           /* 1, 2, ... */
	int64_t run;               /* of the trial: 0, 1, ... */
	uint64_t seed;             /* of this run */
	const char *dir;           /* absolute path of the trial's directory */
	const char *socket;        /* path of the control socket */
	const char *token;         /* of the attempt */
	const char *const
	    *environ; /* the submitter's, "NAME=value", NULL-ended */
};

/*
 * Checks the placeholders of @node, a text at @path: an element of "command"
 * (@is_element), or a value of "env". @root is the search file in @doc, whose
 * "parameters" and "budget" need not be sound. Adds faults to @reterr.
 *
 * A parameter that may be inactive stands alone, as "{name}" or, in an element,
 * "--flag={name}": the element or the variable then vanishes.
 */
void expand_check(const struct json_doc *doc, const cJSON *root,
		  const cJSON *node, const char *path, bool is_element,
		  struct diag *reterr);

/* True when a parameter may not have this name, for {name} is something else.
 */
bool expand_reserves(const char *name);

/* True when neither the submitter nor "env" may set the variable @name. */
bool expand_withholds(const char *name);

/* The active parameters and the budget as a JSON object, new. */
cJSON *expand_params(const struct expand *e);

/* The trial's argv, new, NULL-ended: strv_free(). */
char **expand_argv(const struct expand *e);

/* The elements that {args} becomes in it, likewise. */
char **expand_args(const struct expand *e);

/*
 * The trial's whole environment, new, NULL-ended: the submitter's but for what
 * expand_withholds(), then the search's env, HPS_* and PYTHONUNBUFFERED=1
 * unless set. Later ones win. Without a socket or token their variables are
 * left out; @environ may be NULL.
 */
char **expand_environ(const struct expand *e);

/*
 * The seed of a run of trial @number: in [0, 2^31). With a budget all runs of
 * the trial have the same, since one goes on with what another has begun.
 */
uint64_t expand_seed(const struct search_spec *spec, int64_t number,
		     int64_t run);
