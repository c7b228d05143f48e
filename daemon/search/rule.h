#pragma once

/*
 * The inside of pruner.h: what every early-stopping rule has, and what a rule
 * adds. A rule's own structs begin with these.
 *
 * What a rule has learned is a function of the curves, not of the order in
 * which their values came.
 */
#include "search/pruner.h"
#include "search/sorted.h"

#include "schema/json.h"

struct rule {
	/* sizes of the structs that begin with those below; they are zeroed */
	size_t size, trial_size;
	void (*init)(struct pruner *p); /* or NULL */
	/*
	 * Point @i of @c, a curve with at least this one, was added or
	 * changed. Fills @ret if the trial is to be stopped. Or NULL.
	 */
	void (*report)(struct pruner *p, struct pruner_trial *t,
		       const struct curve *c, size_t i, struct verdict *ret);
	/* The trial has ended; @c has a point at least. Or NULL. */
	void (*ended)(struct pruner *p, struct pruner_trial *t,
		      const struct curve *c, enum trial_state state);
	/* See pruner_foretell(); or NULL. */
	bool (*foretell)(const struct pruner_trial *t, const struct curve *c,
			 struct foretold *ret);
	/* See pruner_wait() and pruner_promote(); or NULL. */
	void (*wait)(struct pruner_trial *t, bool waits);
	int64_t (*promote)(struct pruner *p, bool in_any_case);
	/* Takes back what it keeps of the trial outside @t; or NULL. */
	void (*forget)(struct pruner *p, struct pruner_trial *t);
	/* Frees what @t owns; or NULL. */
	void (*trial_fini)(struct pruner_trial *t);
	void (*fini)(struct pruner *p); /* or NULL */
};

struct pruner {
	const struct rule *rule; /* NULL: "none" */
	const struct search_spec *spec;
	const struct early_stopping *options; /* of the rule */
	struct sorted firsts; /* first finite value of each trial */
};

struct pruner_trial {
	struct pruner *pruner;
	int64_t number;
	bool has_first;
	size_t first_at; /* index of its first finite value */
	double first;
	struct curve seconds; /* what a rule in seconds is shown */
};

extern const struct rule patience_rule;
extern const struct rule threshold_rule;
extern const struct rule median_rule;
extern const struct rule percentile_rule;
extern const struct rule asha_rule; /* and hyperband */
extern const struct rule wilcoxon_rule;
extern const struct rule forecast_rule;
extern const struct rule funnel_rule;
extern const struct rule any_rule;

/* One that follows @options instead of those of @spec; both are borrowed. */
struct pruner *pruner_new_of(const struct search_spec *spec,
			     const struct early_stopping *options);

/* The value as a cost, which is to be low; and back again. */
static inline double rule_cost(const struct pruner *p, double value)
{
	return p->spec->goal == GOAL_MAXIMIZE ? -value : value;
}

/* What the rule counts in: "step" or "second". */
const char *rule_step(const struct pruner *p);

/* Enough of the curve has come for a rule with a min_steps to judge it. */
bool rule_is_warm(const struct pruner *p, const struct curve *c);

/* Point @i of the trial's curve, for a rule of a list; see struct rule. */
void rule_report(struct pruner_trial *t, const struct curve *c, size_t i,
		 struct verdict *ret);

/* New: {"rule": @rule, "metric": ..., rule_step(): @step}. */
cJSON *rule_data(const struct pruner *p, const char *rule, int64_t step);

/* "asha@27", "asha@27s" */
void rule_reason(const struct pruner *p, const char *rule, int64_t step,
		 char ret[64]);

/*
 * Fills @ret: stop for @reason, with a sentence, and with @data, which it
 * takes.
 */
void rule_stop(struct verdict *ret, const char *reason, cJSON *data,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
