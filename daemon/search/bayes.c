/*
 * Bayesian optimisation: a Gaussian process of the results, and the point where
 * its expected improvement is largest.
 *
 *   history --> evidence: results, failed and running trials, as points
 *           --> bayes_model: processes and the acquisition
 *           --> maximize, in the box of trust --> the best point that is new
 */
#include "search/bayes_model.h"
#include "search/maximize.h"
#include "search/start.h"
#include "search/trust.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define START           5    /* points of the start-up design */
#define RESULTS_MIN     3    /* that a model is made of */
#define SCATTERED       512  /* points at which the acquisition is looked up */
#define AROUND          320  /* further ones near the best results */
#define ANCHORS         5    /* of which there are so many */
#define ASCENTS         6    /* of all these points are improved */
#define MANY_ROWS       400  /* from which half of these must do */
#define LISTED_MAX      4096 /* points of a space that are all looked at */
#define POLISHING       (-3.0) /* ln of an improvement, in sd of the targets */
#define POLISHED        (-4.0) /* likewise: nothing is left to do there */
#define EXPLORING_SCALE 2.0
#define APART           0.1  /* lengthscales, from running trials */
#define GUESS_TRIALS    10.0 /* results after which a guess weighs half */

struct bayes {
	struct sampler base;
	struct encoding encoding;
	double *guess; /* [encoding.n] NaN: none; NULL: none at all */
	struct start start;
	double *x; /* [n_x][encoding.n] the history, encoded */
	size_t n_x, cap_x;
	struct bayes_cache cache;
};

/* --- the history -----------------------------------------------------------
 */

/* A trial's configuration never changes, so neither does its point. */
static void encode_history(struct bayes *b)
{
	const struct history *h = &b->base.history;
	size_t d = b->encoding.n;

	if (h->n > b->cap_x) {
		b->cap_x = h->n * 2;
		b->x = xreallocarray(b->x, b->cap_x * (d + 1), sizeof(*b->x));
	}
	for (; b->n_x < h->n; b->n_x++)
		encode(&b->encoding, h->rows[b->n_x].config, b->x + b->n_x * d);
}

static bool is_new(const struct bayes *b, const struct cell *config)
{
	return sampler_is_new(b->base.spec, &b->base.history.tried, config);
}

/* What can be said without a model. */
static void explain_start(const struct bayes *b, const struct evidence *v,
			  enum why kind, struct rationale *why)
{
	*why = (struct rationale){ .why = kind,
				   .observations = v->results.n,
				   .pending = v->running.n,
				   .best = (double)NAN,
				   .mean = (double)NAN,
				   .low = (double)NAN,
				   .high = (double)NAN,
				   .noise = (double)NAN,
				   .feasible = (double)NAN,
				   .seconds = (double)NAN,
				   .regret = (double)NAN,
				   .exploration = 1 };
	if (v->results.n > 0)
		why->best = score_of(b->base.spec->goal, v->score[v->best]);
}

/* --- proposals -------------------------------------------------------------
 */

/* The points of the best results in @branch; if it has none, of all. */
static size_t find_anchors(const struct evidence *v,
			   const struct branch *branch, double *ret)
{
	size_t rows[ANCHORS];
	size_t n = evidence_best(v, v->results.n, branch, ANCHORS, rows);

	for (size_t k = 0; k < n; k++)
		memcpy(ret + k * v->d, v->results.x + rows[k] * v->d,
		       v->d * sizeof(*ret));
	return n > 0 || branch == NULL ? n : find_anchors(v, NULL, ret);
}

/* A small space: all of its points in @branch that are new. */
static bool list_points(const struct bayes *b, const struct branch *branch,
			struct maxima *ret)
{
	auto_free struct cell *config =
	    xcalloc(b->encoding.space->n, sizeof(*config));
	uint64_t levels = 1, listed = 0;

	for (size_t i = 0; i < b->encoding.n; i++) {
		if (b->encoding.axes[i].type == AXIS_REAL ||
		    b->encoding.axes[i].levels > LISTED_MAX / levels)
			return false;
		levels *= b->encoding.axes[i].levels;
	}
	maxima_init(ret, b->encoding.n);
	while (sampler_find_new(b->base.spec, &b->base.history.tried, &listed,
				config)) {
		encode(&b->encoding, config, maxima_add(ret));
		if (!branch_has(branch, ret->x + (ret->n - 1) * ret->d))
			ret->n--;
	}
	return true;
}

/* Where to look: @lower and @upper of struct maximize. */
static void find_box(const struct bayes *b, const struct evidence *v,
		     const struct branch *branch, double *lower, double *upper)
{
	trust_box(b->cache.value, v, branch, lower, upper);
	for (size_t i = 0; i < b->encoding.n; i++) {
		if (b->encoding.axes[i].type == AXIS_CHOICE)
			upper[i] = (double)(b->encoding.axes[i].levels - 1);
	}
	if (branch != NULL)
		lower[branch->axis] = upper[branch->axis] = branch->choice;
}

static void find_maxima(const struct bayes *b, struct bayes_model *m,
			uint64_t cursor, struct maxima *ret)
{
	const struct branch *branch = m->acquisition.branch;
	const struct evidence *v = m->evidence;
	size_t d = b->encoding.n, share = v->results.n > MANY_ROWS ? 2 : 1;
	auto_free double *box = xcalloc(2 * d + 1, sizeof(*box));
	auto_free double *near = xcalloc(ANCHORS * d + 1, sizeof(*near));
	struct maximize problem = {
		.encoding = &b->encoding,
		.acquisition = &m->acquisition,
		.lower = box,
		.upper = box + d,
		.anchors = near,
		.n_anchors = find_anchors(v, branch, near),
		.seed = b->base.spec->seed,
		.index = cursor,
		.scattered = SCATTERED / share,
		.around = AROUND / share,
		.starts = ASCENTS / share,
	};

	m->acquisition.guess = b->guess;
	m->acquisition.guess_weight =
	    GUESS_TRIALS / (GUESS_TRIALS + (double)v->results.n);
	find_box(b, v, branch, box, box + d);
	if (list_points(b, branch, ret))
		maximize_list(&problem, ret);
	else
		maximize(&problem, ret);
}

/* So near to one of @p that it would only measure the same. */
static bool crowds(const struct bayes *b, const struct points *p,
		   const double *x)
{
	for (size_t i = 0; i < p->n; i++) {
		if (gp_distance(b->cache.value, x, p->x + i * b->encoding.n) <
		    APART)
			return true;
	}
	return false;
}

/*
 * The best of @found that is new and, if @apart, crowds no trial without a
 * result.
 */
static size_t choose(const struct bayes *b, const struct evidence *v,
		     const struct maxima *found, bool apart,
		     struct cell *ret_config)
{
	for (size_t i = 0; i < found->n; i++) {
		const double *x = found->x + i * found->d;

		if (apart &&
		    (crowds(b, &v->running, x) || crowds(b, &v->early, x)))
			continue;
		decode(&b->encoding, x, ret_config);
		if (is_new(b, ret_config))
			return i;
	}
	return SIZE_MAX;
}

/* Returns 0, or 1: the numbers do not make a model; there are no maxima. */
static int look(const struct bayes *b, struct bayes_model *m, uint64_t cursor,
		const struct aim *at, struct maxima *ret)
{
	if (bayes_model_aim(m, at, b->base.spec->seed ^ cursor) != 0)
		return 1;
	find_maxima(b, m, cursor, ret);
	return 0;
}

/*
 * Looks for a point to propose. Returns whether there is one: @ret_config, of
 * which the model says @ret_why.
 */
static bool take(const struct bayes *b, struct bayes_model *m,
		 const struct maxima *found, struct cell *ret_config,
		 struct rationale *ret_why)
{
	size_t i = choose(b, m->evidence, found, true, ret_config);

	if (i == SIZE_MAX)
		i = choose(b, m->evidence, found, false, ret_config);
	if (i < SIZE_MAX)
		bayes_model_explain(m, b->base.spec->goal,
				    found->x + i * found->d, ret_why);
	return i < SIZE_MAX;
}

/*
 * When all that is expected is to polish the best result, every second proposal
 * leaves it: so a search does not stay with the first good choice. Half of them
 * go to another branch and improve on the best there, which is good at other
 * places, maybe, than this one; the others, and all where there are no
 * branches, go by a model that is less sure of what is far from all results.
 * When nothing is left to polish, one more of four goes to a branch.
 */
static bool leaves(const struct bayes *b, const struct evidence *v,
		   uint64_t cursor, double expected, struct branch *branch,
		   struct aim *ret)
{
	const double *best = v->results.x + v->best * v->d;
	bool is_second = cursor % 2 == 1;

	*ret = (struct aim){ 0 };
	if (!(expected < (is_second ? POLISHING : POLISHED)))
		return false;
	if (cursor % 4 >= 2 &&
	    branch_beside(&b->encoding, best, cursor / 4 * 2 + is_second,
			  branch)) {
		ret->branch = branch;
		return true;
	}
	ret->scale = EXPLORING_SCALE;
	return is_second;
}

static bool propose_at(const struct bayes *b, struct bayes_model *m,
		       uint64_t cursor, const struct aim *at,
		       struct cell *ret_config, struct rationale *ret_why)
{
	struct maxima found;
	bool ok;

	if (look(b, m, cursor, at, &found) != 0)
		return false;
	ok = take(b, m, &found, ret_config, ret_why);
	maxima_fini(&found);
	return ok;
}

static bool propose(const struct bayes *b, struct bayes_model *m,
		    uint64_t cursor, struct cell *ret_config,
		    struct rationale *ret_why)
{
	static const struct aim best;
	struct maxima found;
	struct branch branch;
	struct aim at;
	bool ok;

	if (look(b, m, cursor, &best, &found) != 0)
		return false;
	if (found.n > 0 &&
	    leaves(b, m->evidence, cursor, found.value[0], &branch, &at))
		ok = propose_at(b, m, cursor, &at, ret_config, ret_why) ||
		     propose_at(b, m, cursor, &best, ret_config, ret_why);
	else
		ok = take(b, m, &found, ret_config, ret_why);
	if (b->base.spec->stop.regret > 0)
		ret_why->regret = bayes_model_regret(m, found.n, found.x);
	maxima_fini(&found);
	return ok;
}

/* --- the sampler -----------------------------------------------------------
 */

static bool is_ready(const struct bayes *b, const struct evidence *v)
{
	return b->encoding.n > 0 && v->results.n >= RESULTS_MIN;
}

static enum sampler_answer bayes_ask(struct sampler *s, uint64_t *cursor,
				     struct cell *ret_config,
				     struct rationale *ret_why)
{
	struct bayes *b = (struct bayes *)s;
	enum why kind = WHY_START;
	struct evidence v;
	bool ok = false;

	encode_history(b);
	evidence_init(&v, &s->history, b->x, b->encoding.n);
	if (s->history.n >= START && is_ready(b, &v)) {
		struct bayes_model m;

		kind = WHY_FALLBACK;
		explain_start(b, &v, kind, ret_why);
		ok = bayes_model_init(&m, &b->cache, &v) == 0 &&
		     propose(b, &m, *cursor, ret_config, ret_why);
		bayes_model_fini(&m);
	}
	if (!ok) {
		explain_start(b, &v, kind, ret_why);
		ok = start_next(&b->start, &s->history.tried, cursor,
				ret_config);
	}
	evidence_fini(&v);
	return ok ? SAMPLER_OK : SAMPLER_EXHAUSTED;
}

static bool bayes_predict(struct sampler *s, const struct cell *config,
			  struct rationale *ret_why)
{
	struct bayes *b = (struct bayes *)s;
	auto_free double *x = xcalloc(b->encoding.n + 1, sizeof(*x));
	struct evidence v;
	bool ok = false;

	encode_history(b);
	evidence_init(&v, &s->history, b->x, b->encoding.n);
	explain_start(b, &v, WHY_FALLBACK, ret_why);
	if (is_ready(b, &v)) {
		struct bayes_model m;

		encode(&b->encoding, config, x);
		ok =
		    bayes_model_init(&m, &b->cache, &v) == 0 &&
		    bayes_model_aim(&m, &(struct aim){ 0 }, s->spec->seed) == 0;
		if (ok)
			bayes_model_explain(&m, s->spec->goal, x, ret_why);
		bayes_model_fini(&m);
	}
	evidence_fini(&v);
	return ok;
}

static void read_guess(struct bayes *b, size_t i)
{
	const struct axis *a = &b->encoding.axes[i];
	const struct param *p = &b->encoding.space->params[a->param];
	size_t n = b->encoding.n;

	if (!p->has_guess)
		return;
	if (b->guess == NULL) {
		b->guess = xcalloc(n, sizeof(*b->guess));
		for (size_t k = 0; k < n; k++)
			b->guess[k] = (double)NAN;
	}
	b->guess[i] =
	    a->type == AXIS_CHOICE ? (double)p->guess.i : unit_of(p, &p->guess);
}

static struct sampler *bayes_create(const struct search_spec *spec)
{
	struct bayes *b = xcalloc(1, sizeof(*b));

	encoding_init(&b->encoding, spec->space);
	for (size_t i = 0; i < b->encoding.n; i++)
		read_guess(b, i);
	start_init(&b->start, spec);
	bayes_cache_init(&b->cache, &b->encoding, spec->per_second);
	return &b->base;
}

static void bayes_destroy(struct sampler *s)
{
	struct bayes *b = (struct bayes *)s;

	encoding_fini(&b->encoding);
	free(b->guess);
	start_fini(&b->start);
	free(b->x);
	bayes_cache_fini(&b->cache);
	free(b);
}

const struct sampler_ops sampler_gp = {
	.type = SAMPLER_GP,
	.learns = true,
	.create = bayes_create,
	.ask = bayes_ask,
	.predict = bayes_predict,
	.destroy = bayes_destroy,
};
