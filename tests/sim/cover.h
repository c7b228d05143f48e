#pragma once

/* How often each thing has happened, as a proof that the seeds get about. */
#include "core/effect.h"
#include "core/event.h"

enum crash_place {
	CRASH_NONE,
	CRASH_IDLE,
	CRASH_BEFORE_COMMIT,
	CRASH_AFTER_COMMIT,
	CRASH_BETWEEN_ACTS,
	CRASH_AFTER_ACTS,
	CRASH_PLACES_N,
};

void cover_event(enum event_type type, bool refused);
void cover_effect(enum effect_type type);
void cover_outcome(enum outcome_kind kind);
void cover_search(int from, int to);
void cover_trial(int from, int to);
void cover_attempt(int from, int to);
void cover_crash(enum crash_place place);
/* A choice of the sampler's model, not of its start-up design. */
void cover_model(enum sampler_type type);
void cover_reason(const char *reason);
void cover_thing(const char *name);
/* Prints all counts; returns how many things never happened. */
int cover_report(void);
