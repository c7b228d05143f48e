#pragma once

/*
 * A sampler proposes configurations. It never sees a clock, a file or another
 * search: what it proposes is a function of the search file (seed included),
 * the cursor, and what it was told, not of the order in which it was told. So
 * a restarted daemon gets the same proposals. What a sampler keeps besides
 * (fitted hyper-parameters, factors of matrices) is a cache.
 *
 * Some samplers think for milliseconds and more (sampler_is_slow()): the
 * daemon asks these on a worker thread, which then owns the sampler.
 */
#include "search/history.h"
#include "search/seen.h"

#include "schema/limits.h"
#include "schema/search.h"

enum sampler_answer {
	SAMPLER_OK,
	SAMPLER_EXHAUSTED, /* no point at this cursor or any later one */
	SAMPLER_SKIP, /* this cursor has no point of its own: try the next */
	SAMPLER_WAIT, /* none before a trial of its history has ended */
};

/* Why a configuration was chosen. */
enum why {
	WHY_DESIGN,   /* the next point of a sequence: grid, random, Sobol */
	WHY_START,    /* of a model's start-up design: too little is known */
	WHY_MODEL,    /* what the model expects most of */
	WHY_FALLBACK, /* the model could not tell the points apart */
	WHY_NEXT,     /* pbt: a member goes on */
	WHY_COPY,     /* pbt: in place of a member one of the best goes on */
	WHY_CHANCE,   /* drawn at random, as some are with a budget */
};

/* pbt: what became of a parameter of the parent. */
enum change {
	CHANGE_NONE,
	CHANGE_LESS, /* a number: times 0.8; an ordinal: the value before */
	CHANGE_MORE, /* times 1.2; the value after */
	CHANGE_ANEW, /* drawn */
};

#define NEAREST_MAX 3

/*
 * The numbers behind a proposal. Results are in the metric's own units; what a
 * sampler does not know is NaN or 0.
 */
struct rationale {
	enum why why;
	size_t observations; /* trials with a result that it knew */
	size_t pending;      /* trials whose result it did not know yet */
	double best;         /* the best result it knew */
	double mean;         /* predicted result */
	double low, high;    /* where two of three results should fall */
	double noise;        /* standard deviation of a repeat */
	double feasible;     /* probability that the trial has a result */
	double seconds;      /* that it should take */
	double regret;       /* no result is better than the best by more */
	double exploration;  /* 0 exploits what is known .. 1 explores */
	size_t n_nearest;
	struct {
		size_t number;
		double distance; /* 1: as far as a lengthscale */
		double value;    /* its result; NaN: none */
	} nearest[NEAREST_MAX];
	/*
	 * [space->n] how strongly the result depends on each parameter: the
	 * share of the model's variance, 0 .. 1.
	 */
	double relevance[LIMIT_PARAMS];
	/* pbt: the rest is of the results of one generation. */
	struct lineage lineage;
	size_t ranked;    /* how many there were */
	size_t rank;      /* of the parent's, from 1 */
	size_t own_rank;  /* copy: of the member's own; 0: it had none */
	double value;     /* the parent's */
	double own_value; /* copy: the member's own, if it had one */
	enum change changes[LIMIT_PARAMS]; /* [space->n] */
};

struct proposal {
	struct cell *config; /* [space->n], activated */
	uint64_t cursor;
	struct rationale rationale;
};

struct sampler_ops;

struct sampler {
	const struct sampler_ops *ops;
	const struct search_spec *spec; /* borrowed, outlives the sampler */
	struct history history;         /* empty unless the sampler learns */
	bool waits; /* the last sampler_propose() had less than was wanted, but
		     * it will have more when a trial has ended */
};

struct sampler_ops {
	enum sampler_type type;
	bool learns; /* wants to be told, and is slow */
	/* new; the spec has been checked by search_parse() */
	struct sampler *(*create)(const struct search_spec *spec);
	/*
	 * Writes the point at @cursor, activated, to @ret_config [space->n],
	 * and, if it learns, its reasons to @ret_why.
	 * Moves @cursor on to the next point where it knows that those between
	 * have none: a grid steps over the levels of inactive parameters.
	 * SAMPLER_SKIP: a shuffled grid, which cannot; after many of them in a
	 * row sampler_enumerate() finds what is left sooner.
	 * One that learns never repeats a configuration of its history unless
	 * the search allows duplicates.
	 */
	enum sampler_answer (*ask)(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config,
				   struct rationale *ret_why);
	/*
	 * What is expected of @config, which need not be in the history, as
	 * the reasons for asking it now. False: it knows too little. NULL of
	 * samplers without a model.
	 */
	bool (*predict)(struct sampler *s, const struct cell *config,
			struct rationale *ret_why);
	void (*destroy)(struct sampler *s);
};

extern const struct sampler_ops sampler_grid, sampler_random, sampler_sobol,
    sampler_tpe, sampler_cmaes, sampler_gp, sampler_pbt;

/* What the sampler of spec->sampler can do. */
const struct sampler_ops *sampler_of(const struct search_spec *spec);
/* A new one; sampler_free(). */
struct sampler *sampler_new(const struct search_spec *spec);
void sampler_free(struct sampler *s);

/* True: it must be told of trials, and asking it may take long. */
static inline bool sampler_learns(const struct sampler *s)
{
	return s->ops->learns;
}

/*
 * What is known of trial @number now; numbers come without gaps. Does nothing
 * if the sampler does not learn. @config [space->n] may be NULL from the second
 * time on.
 */
void sampler_tell(struct sampler *s, size_t number, const struct cell *config,
		  struct observation seen);

static inline enum sampler_answer
sampler_ask(struct sampler *s, uint64_t *cursor, struct cell *ret_config)
{
	struct rationale ignored;

	return s->ops->ask(s, cursor, ret_config, &ignored);
}

static inline bool sampler_predict(struct sampler *s, const struct cell *config,
				   struct rationale *ret_why)
{
	return s->ops->predict != NULL && s->ops->predict(s, config, ret_why);
}

/*
 * Asks a sampler that learns for up to @n configurations and tells it each as
 * running, with the next numbers, so that they keep apart. Moves @cursor on.
 * Returns how many there were; fewer: s->waits, or the space is exhausted. The
 * caller owns the configurations: proposal_fini().
 */
size_t sampler_propose(struct sampler *s, uint64_t *cursor, size_t n,
		       struct proposal *ret);
void proposal_fini(struct proposal *p);

/*
 * Lists what the sampler of @spec can propose, each configuration once: the
 * points of a grid in order, all values of a discrete space. Moves @k to the
 * number of the next one, at or after @k, and writes it to @ret_config; never
 * SAMPLER_SKIP. For who looks for the last unseen ones. A continuous space has
 * no list: SAMPLER_EXHAUSTED.
 */
enum sampler_answer sampler_enumerate(const struct search_spec *spec,
				      uint64_t *k, struct cell *ret_config);

/* True if @config is not in @seen, or the search of @spec allows duplicates. */
bool sampler_is_new(const struct search_spec *spec, const struct seen *seen,
		    const struct cell *config);

/*
 * The space is nearly used up: goes through the list of sampler_enumerate()
 * for a new configuration, from @listed on, which moves. False: there is none
 * left, or there is no list.
 */
bool sampler_find_new(const struct search_spec *spec, const struct seen *seen,
		      uint64_t *listed, struct cell *ret_config);

/*
 * The next new configuration of a sampler that does not learn, from @cursor on,
 * which moves behind it, and then from @listed on. False: there is none left.
 */
bool sampler_next(struct sampler *s, const struct seen *seen, uint64_t *cursor,
		  uint64_t *listed, struct cell *ret_config);
