#pragma once

/*
 * What ails a run, told from its curves. Pure: a function of its arguments.
 *
 *   diverged        the loss became NaN or infinite, or ended far above where
 *                   it began
 *   oscillating     the training loss jumps up and down
 *   too_slow        it falls so slowly that most of the way is still ahead, or
 *                   came to rest slowly before it was there
 *   plateau         no progress in the second half, or none at all, to the
 *                   last digit; step is since when
 *   overfitting     the validation loss rises while the training loss falls,
 *                   stays far above it, or never improves; step is where
 *                   validation was best
 *   underfitting    the training loss itself stays high and falls no more
 *   stuck_at_start  nothing was learned: the loss is where it began
 *   noisy           validation alone, scores, or the losses of batches jump
 *   still_improving it was still falling when it ended
 *   no_output       there is no value of the metric
 *   late_crash      it failed after its first value
 *   healthy         none of these stands in the way
 *
 * Several may hold. The first is the one that explains the bad loss best;
 * healthy is alone, or beside weak ones.
 */
#include "why/series.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct symptom {
	enum symptom_kind kind;
	double strength;    /* (0, 1]: how clearly it shows */
	int64_t step;       /* where it shows; of the last point if all over */
	char *text;         /* one sentence with the numbers */
	const char *advice; /* what to try, a sentence; never NULL */
	cJSON *data;        /* the same numbers, an object */
};

struct symptoms {
	struct symptom list[NAMES_SYMPTOMS_N]; /* [n] */
	size_t n;
	char *note; /* why nothing (more) can be said, a sentence; or NULL */
};

void symptoms_fini(struct symptoms *s);
/* The symptom of @s that is this, or NULL. */
const struct symptom *symptoms_get(const struct symptoms *s,
				   enum symptom_kind kind);

/*
 * Of the kinds that a run shows, as bits 1 << enum symptom_kind, those that
 * count when runs are counted: beside healthy there are only weak ones.
 */
static inline uint32_t symptoms_counted(uint32_t kinds)
{
	uint32_t healthy = 1U << SYMPTOM_HEALTHY;

	return (kinds & healthy) != 0 ? healthy : kinds;
}

/* How the run ended. Zeroed memory: not known, as of a log. */
struct run_end {
	enum run_state {
		RUN_UNKNOWN,
		RUN_RUNNING, /* more points may come */
		RUN_DONE,
		RUN_FAILED,
		RUN_STOPPED, /* by somebody, before its end */
	} state;
	const char *how; /* of RUN_FAILED: "exit status 1"; NULL: not known */
	int64_t planned; /* its last step, had it run to the end; 0: unknown */
};

/*
 * What the rest of the search is like: of the other trials that ended with a
 * value, the best value of each trial's curve.
 */
struct siblings {
	struct siblings_line {
		size_t n;            /* trials with such a curve */
		double best, median; /* of their best values; if n > 0 */
	} lines[SERIES_CURVES];
};

/*
 * Finds the symptoms of a run; @end and @siblings may be NULL. In linear time:
 * of a run that goes on, ask again when its curves are a tenth longer.
 * Free with symptoms_fini().
 */
void symptoms_find(const struct series *s, const struct run_end *end,
		   const struct siblings *siblings, struct symptoms *ret);

/* Appends the symptoms as an array of objects (symptom, strength, step, ...) */
cJSON *symptoms_json(const struct symptoms *s);
