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
	uint64_t seed;             /* of this trial */
	const char *dir;           /* absolute path of the trial's directory */
	const char *socket;        /* path of the control socket */
	const char *token;         /* of the attempt */
	const char *const
	    *environ; /* the submitter's, "NAME=value", NULL-ended */
};

/*
 * Checks the placeholders of @text (an element of command, or a value of env),
 * which stands at @node of @doc. @is_element: "{args}" alone is allowed and an
 * element may vanish. Adds faults to @reterr.
 */
void expand_check(const struct space *space, const struct json_doc *doc,
		  const cJSON *node, const char *path, bool is_element,
		  struct diag *reterr);

/* The trial's argv, new, NULL-ended: strv_free(). */
char **expand_argv(const struct expand *e);

/*
 * The trial's whole environment, new, NULL-ended: the submitter's, then the
 * search's env, HPS_* and PYTHONUNBUFFERED=1 unless set. Later ones win.
 */
char **expand_environ(const struct expand *e);

/* The seed of trial @number of a search with @seed: in [0, 2^31). */
uint64_t expand_seed(uint64_t seed, int64_t number);
