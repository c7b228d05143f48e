#pragma once

/*
 * What the command of an attempt does: a function of the search's seed, the
 * trial and the attempt, so that a restarted daemon meets the same programs.
 */
#include "schema/record.h"

#include <stddef.h>

uint64_t hash2(uint64_t a, uint64_t b);
uint64_t hash_text(const char *text);

/* One byte of output.log, and the metric that it stands for. */
struct byte {
	int64_t attempt;
	bool has_metric;
	struct metric_record metric;
};

/* output.log of a trial: the attempts' outputs one after the other. */
struct output {
	struct byte *bytes;
	size_t n, cap;
};

#define PLAN_BYTES 40

enum on_term { TERM_DIES, TERM_EXITS_0, TERM_EXITS_3, TERM_IGNORES };

/* What the command of one attempt will do if nobody stops it. */
struct plan {
	size_t n;
	struct byte bytes[PLAN_BYTES];
	int64_t at_ms[PLAN_BYTES]; /* since its start */
	int64_t duration_ms;
	struct outcome outcome;
	enum on_term on_term;
	int64_t term_ms; /* from SIGTERM to its end */
};

void plan_make(struct plan *ret, uint64_t seed, const struct attempt_record *a);
/* 0, or the errno that every start of this trial's command ends with. */
int plan_spawn_error(uint64_t seed, int64_t trial);
/* True when every shim of this attempt is killed at its gate. */
bool plan_shim_dies(const char *token);
