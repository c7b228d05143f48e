#pragma once

/*
 * For each list of names.def: the enum, its size NAMES_<LIST>_N, the wire name
 * of a member, the member of a wire name (-1 if none) and, for the states, the
 * set of states that may follow as bits.
 */
#include "schema/names.def"

#include <stdbool.h>

#define NAMES_ENUM(e, name, next) e,
#define NAMES_NO_NEXT(s)          0

#define NAMES_DECLARE(LIST, type)                                              \
	enum type { LIST(NAMES_ENUM, NAMES_NO_NEXT) NAMES_##LIST##_N };        \
	const char *type##_name(enum type v);                                  \
	int type##_find(const char *name);                                     \
	extern const char *const type##_names[NAMES_##LIST##_N + 1]

NAMES_DECLARE(SEARCH_STATES, search_state);
NAMES_DECLARE(TRIAL_STATES, trial_state);
NAMES_DECLARE(ATTEMPT_STATES, attempt_state);
NAMES_DECLARE(OUTCOMES, outcome_kind);
NAMES_DECLARE(VALUE_KINDS, value_kind);
NAMES_DECLARE(GOALS, goal);
NAMES_DECLARE(RESULTS, result_rule);
NAMES_DECLARE(ORIGINS, origin);
NAMES_DECLARE(SAMPLERS, sampler_type);
NAMES_DECLARE(PRUNERS, pruner_type);
NAMES_DECLARE(SYMPTOMS, symptom_kind);

bool search_state_may_follow(enum search_state from, enum search_state to);
bool trial_state_may_follow(enum trial_state from, enum trial_state to);
bool attempt_state_may_follow(enum attempt_state from, enum attempt_state to);

/* True for the states that only an explicit command leaves. */
bool search_state_is_final(enum search_state s);
bool trial_state_is_final(enum trial_state s);
bool attempt_state_is_final(enum attempt_state s);

/* The kind of a value as IEEE 754 has it. */
enum value_kind value_kind_of(double v);
/* The value of which the kind and, where it is finite, @finite were kept. */
double value_of_kind(enum value_kind kind, double finite);
