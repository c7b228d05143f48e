#pragma once

/*
 * What the core wants done, in this order: all saves in one transaction, its
 * commit, then the acts; notices when the commit is power-safe.
 *
 * Records are borrowed from the core and are read when the effect is carried
 * out, so that one save of a record stands for all changes of it in a loop
 * turn; they are valid until core_settle().
 */
#include "schema/record.h"
#include "schema/search.h"

#include <stdbool.h>
#include <stddef.h>

enum effect_type {
	/* saves */
	FX_SAVE_SEARCH,
	FX_SAVE_TRIAL,
	FX_SAVE_ATTEMPT,
	FX_SAVE_METRICS,
	FX_SAVE_SYMPTOMS,
	FX_SAVE_EVENT,
	/* acts */
	FX_LAUNCH,
	FX_ADOPT,
	FX_GO,
	FX_TERMINATE,
	FX_KILL,
	FX_SUGGEST,
	/* notices */
	FX_TRIAL_ENDED,
	FX_SEARCH_CHANGED,
};

/* Everything about one attempt that is to be launched or adopted. */
struct fx_run {
	const struct search_record *search;
	const struct search_spec *spec;
	char *const *environ; /* the submitter's */
	const struct trial_record *trial;
	const struct cell *config;
	const struct attempt_record *attempt;
};

struct fx_metrics {
	int64_t trial, time_ms;
	int64_t curve;              /* of the attempt */
	struct metric_record *rows; /* owned */
	char *names;                /* owned; those of the rows are in it */
	size_t n;
};

struct fx_symptoms {
	int64_t trial;
	struct symptom_record *list; /* [n], owned with its texts */
	size_t n;
};

/*
 * sampler_propose() is to be called on a worker thread, and EV_SUGGESTED to
 * follow, with whatever came out. The sampler and its spec live until then;
 * nobody else touches the sampler.
 */
struct fx_suggest {
	int64_t search;
	struct sampler *sampler; /* owned: whoever takes it leaves NULL */
	uint64_t cursor;         /* to begin at */
	size_t n;                /* configurations wanted */
};

struct effect {
	enum effect_type type;
	bool *queued; /* of the record: a save of it stands in the list */
	union {
		const struct search_record *search;
		const struct trial_record *trial;     /* ended, too */
		const struct attempt_record *attempt; /* go, stop, too */
		struct fx_metrics metrics;
		struct fx_symptoms symptoms;
		struct event_record event; /* text and data are owned */
		struct fx_run run;
		struct fx_suggest suggest;
	};
};

struct effects {
	struct effect *list;
	size_t n, cap;
};

void fx_save_search(struct effects *fx, const struct search_record *r,
		    bool *queued);
void fx_save_trial(struct effects *fx, const struct trial_record *r,
		   bool *queued);
void fx_save_attempt(struct effects *fx, const struct attempt_record *r,
		     bool *queued);
/* Takes @m.rows. */
void fx_save_metrics(struct effects *fx, struct fx_metrics m);
/* Takes @s.list; the trial has these and no others any more. */
void fx_save_symptoms(struct effects *fx, struct fx_symptoms s);
/* Takes @e's text and data. */
void fx_save_event(struct effects *fx, struct event_record e);
void fx_run(struct effects *fx, enum effect_type type, struct fx_run run);
void fx_signal(struct effects *fx, enum effect_type type,
	       const struct attempt_record *r);
/* Takes the sampler. */
void fx_suggest(struct effects *fx, struct fx_suggest s);
void fx_trial_ended(struct effects *fx, const struct trial_record *r);
void fx_search_changed(struct effects *fx, const struct search_record *r);

/*
 * Empties the list, whose effects were carried out or never will be; keeps its
 * memory.
 */
void effects_clear(struct effects *fx);
void effects_free(struct effects *fx);
