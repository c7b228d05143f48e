#include "schema/names.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define NAME(e, name, next) [e] = name,
#define NEXT(e, name, next) [e] = next,
#define BIT(s)              (1u << (s))

static int find(const char *const *names, const char *name)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

#define NAMES_DEFINE(LIST, type)                                               \
	const char *const type##_names[NAMES_##LIST##_N + 1] = { LIST(         \
	    NAME, NAMES_NO_NEXT) };                                            \
	const char *type##_name(enum type v)                                   \
	{                                                                      \
		assert((unsigned)v < NAMES_##LIST##_N);                        \
		return type##_names[v];                                        \
	}                                                                      \
	int type##_find(const char *name)                                      \
	{                                                                      \
		return find(type##_names, name);                               \
	}

NAMES_DEFINE(SEARCH_STATES, search_state)
NAMES_DEFINE(TRIAL_STATES, trial_state)
NAMES_DEFINE(ATTEMPT_STATES, attempt_state)
NAMES_DEFINE(OUTCOMES, outcome_kind)
NAMES_DEFINE(VALUE_KINDS, value_kind)
NAMES_DEFINE(GOALS, goal)
NAMES_DEFINE(RESULTS, result_rule)
NAMES_DEFINE(ORIGINS, origin)
NAMES_DEFINE(SAMPLERS, sampler_type)
NAMES_DEFINE(PRUNERS, pruner_type)
NAMES_DEFINE(SYMPTOMS, symptom_kind)

static const unsigned search_next[] = { SEARCH_STATES(NEXT, BIT) };
static const unsigned trial_next[] = { TRIAL_STATES(NEXT, BIT) };
static const unsigned attempt_next[] = { ATTEMPT_STATES(NEXT, BIT) };

bool search_state_may_follow(enum search_state from, enum search_state to)
{
	return (search_next[from] & BIT(to)) != 0;
}

bool trial_state_may_follow(enum trial_state from, enum trial_state to)
{
	return (trial_next[from] & BIT(to)) != 0;
}

bool attempt_state_may_follow(enum attempt_state from, enum attempt_state to)
{
	return (attempt_next[from] & BIT(to)) != 0;
}

bool search_state_is_final(enum search_state s)
{
	return s != SEARCH_RUNNING && s != SEARCH_PAUSED;
}

bool trial_state_is_final(enum trial_state s)
{
	return s != TRIAL_QUEUED && s != TRIAL_RUNNING;
}

bool attempt_state_is_final(enum attempt_state s)
{
	return s == ATTEMPT_ENDED || s == ATTEMPT_LOST;
}

enum value_kind value_kind_of(double v)
{
	if (isnan(v))
		return VALUE_NAN;
	if (isinf(v))
		return v > 0 ? VALUE_PLUS_INF : VALUE_MINUS_INF;
	return VALUE_FINITE;
}

double value_of_kind(enum value_kind kind, double finite)
{
	switch (kind) {
	case VALUE_NAN:
		return (double)NAN;
	case VALUE_PLUS_INF:
		return (double)INFINITY;
	case VALUE_MINUS_INF:
		return -(double)INFINITY;
	case VALUE_FINITE:
	case NAMES_VALUE_KINDS_N:
		break;
	}
	return finite;
}
