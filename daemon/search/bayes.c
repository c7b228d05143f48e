/*
 * Bayesian optimisation: a Gaussian process of the results, and the point where
 * its expected improvement is largest.
 *
 *   history --> evidence: results, failed and running trials, as points
 *           --> fit: hyper-parameters (a cache, by the rows they come from)
 *           --> acquisition --> maximize --> the best point that is new
 */
#include "search/evidence.h"
#include "search/maximize.h"
#include "search/rationale.h"
#include "search/sampler.h"
#include "search/start.h"
#include "search/target.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define START           5    /* points of the start-up design */
#define RESULTS_MIN     3    /* that a model is made of */
#define ROWS_MAX        2000 /* of an exact model */
#define LOCAL_ROWS      1200 /* of one of more results */
#define FIT_ROWS        400  /* that hyper-parameters are fitted to */
#define FIT_ALWAYS      30   /* results up to which each has a fit of its own */
#define FIT_GROWTH      0.05 /* of the results until the next fit, afterwards */
#define FIT_WARM        8 /* results from which a fit starts at another's end */
#define FIT_TWICE       100 /* results up to which it also starts afresh */
#define FIT_EVALUATIONS 60
#define FITS            16  /* kept */
#define SCATTERED       512 /* points at which the acquisition is looked up */
#define AROUND          320 /* further ones near the best results */
#define ASCENTS         6   /* of them are improved */
#define TRUST_AXES      15 /* more of them: the model is believed near the best */
#define TRUST_START     0.8
#define TRUST_MIN       (1.0 / 128)
#define TRUST_MAX       1.6
#define TRUST_SUCCESSES 3
#define MANY_ROWS       400    /* from which half of these must do */
#define POLISHING       (-3.0) /* ln of an improvement, in sd of the targets */
#define EXPLORING_SCALE 2.0
#define APART           0.1  /* lengthscales, from running trials */
#define LISTED_MAX      4096 /* points of a space that are all looked at */
#define ANCHORS         5    /* good points to look around */
#define GUESS_TRIALS    10.0 /* results after which a guess weighs half */

struct fit {
	uint64_t key; /* of the rows; 0: none */
	double hyper[LIMIT_PARAMS + 2];
};

struct bayes {
	struct sampler base;
	struct encoding encoding;
	bool *is_choice; /* [encoding.n] */
	double *guess;   /* [encoding.n] NaN: none; NULL: none at all */
	struct start start;
	double *x; /* [n_x][encoding.n] the history, encoded */
	size_t n_x, cap_x;
	struct gp *value, *feasible, *fitting;
	struct fit fits[FITS];
	size_t next_fit;
};

/* What one proposal is made with. */
struct model {
	struct evidence evidence;
	struct target target;
	struct acquisition acquisition;
};

static void read_guess(struct bayes *b, size_t i, const struct param *p)
{
	size_t n = b->encoding.n;

	if (!p->has_guess)
		return;
	if (b->guess == NULL) {
		b->guess = xcalloc(n, sizeof(*b->guess));
		for (size_t k = 0; k < n; k++)
			b->guess[k] = (double)NAN;
	}
	b->guess[i] =
	    b->is_choice[i] ? (double)p->guess.i : unit_of(p, &p->guess);
}

static struct sampler *bayes_create(const struct search_spec *spec)
{
	struct bayes *b = xcalloc(1, sizeof(*b));
	size_t n;

	encoding_init(&b->encoding, spec->space);
	n = b->encoding.n;
	b->is_choice = xcalloc(n + 1, sizeof(*b->is_choice));
	start_init(&b->start, spec);
	for (size_t i = 0; i < n; i++) {
		const struct axis *a = &b->encoding.axes[i];

		b->is_choice[i] = a->type == AXIS_CHOICE;
		read_guess(b, i, &spec->space->params[a->param]);
	}
	b->value = gp_new(n, b->is_choice);
	b->feasible = gp_new(n, b->is_choice);
	b->fitting = gp_new(n, b->is_choice);
	return &b->base;
}

static void bayes_destroy(struct sampler *s)
{
	struct bayes *b = (struct bayes *)s;

	encoding_fini(&b->encoding);
	free(b->is_choice);
	free(b->guess);
	start_fini(&b->start);
	free(b->x);
	gp_free(b->value);
	gp_free(b->feasible);
	gp_free(b->fitting);
	free(b);
}

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

/* --- hyper-parameters ------------------------------------------------------
 */

static uint64_t mix(uint64_t key, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &v[i], sizeof(bits));
		key = (key ^ bits) * 0x9e3779b97f4a7c15u;
		key ^= key >> 29;
	}
	return key;
}

static uint64_t key_of(const struct gp *g)
{
	uint64_t key = 0x6a09e667f3bcc908u ^ g->n;

	for (size_t i = 0; i < g->d; i++)
		key = mix(key, g->x + i * g->cap, g->n);
	key = mix(key, g->y, g->n);
	return mix(key, g->repeats, g->n) | 1;
}

struct place {
	double key;
	size_t i;
};

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

static int by_index(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

/*
 * At most @max of the first @n results, to @ret in ascending order: the best
 * half, and of the others as many at equal intervals. Returns how many.
 */
static size_t choose_spread(const struct evidence *v, size_t n, size_t max,
			    size_t *ret)
{
	auto_free struct place *order = xcalloc(n + 1, sizeof(*order));
	size_t best = max / 2, others = max - best;

	for (size_t i = 0; i < n; i++) {
		order[i] = (struct place){ v->score[i], i };
		if (n <= max)
			ret[i] = i;
	}
	if (n <= max)
		return n;
	qsort(order, n, sizeof(*order), by_key);
	for (size_t k = 0; k < best; k++)
		ret[k] = order[k].i;
	/* By rank, so that all heights are there. */
	for (size_t k = 0; k < others; k++)
		ret[best + k] = order[best + k * (n - best) / others].i;
	qsort(ret, max, sizeof(*ret), by_index);
	return max;
}

static void set_rows(struct gp *g, const struct evidence *v,
		     const struct target *t, const size_t *rows, size_t n)
{
	gp_clear(g);
	gp_reserve(g, n);
	for (size_t k = 0; k < n; k++)
		gp_add(g, v->results.x + rows[k] * v->d,
		       target_of(t, v->score[rows[k]]), v->repeats[rows[k]]);
}

static const struct fit *find_fit(const struct bayes *b, uint64_t key)
{
	for (size_t k = 0; k < FITS; k++) {
		if (b->fits[k].key == key)
			return &b->fits[k];
	}
	return NULL;
}

/*
 * The number of results that the hyper-parameters for @n of them come from, so
 * that not every one costs a fit.
 */
static size_t fit_size(size_t n)
{
	double at = FIT_ALWAYS;

	if (n <= FIT_ALWAYS)
		return n;
	while (floor(at * (1 + FIT_GROWTH)) <= (double)n)
		at = floor(at * (1 + FIT_GROWTH));
	return (size_t)at;
}

/* The first @n results, thinned out, with the scale that they alone have. */
static void load_first(struct bayes *b, const struct evidence *v, size_t n)
{
	auto_free size_t *rows = xcalloc(n + 1, sizeof(*rows));
	size_t n_rows = choose_spread(v, n, FIT_ROWS, rows);
	struct target t;

	target_init(&t, n, v->score);
	set_rows(b->fitting, v, &t, rows, n_rows);
	target_fini(&t);
}

static void keep_fit(struct bayes *b, uint64_t key, const double *hyper)
{
	struct fit *f = &b->fits[b->next_fit++ % FITS];

	f->key = key;
	memcpy(f->hyper, hyper, (b->encoding.n + 2) * sizeof(*hyper));
}

static size_t power_below(size_t n)
{
	size_t p = 1;

	while (2 * p < n)
		p *= 2;
	return p;
}

/*
 * Hyper-parameters for the first @n results. The fit starts where that of the
 * first 2^k of them ended, and while it costs little from the default too: what
 * comes out depends on the results alone, not on who asked for it before.
 */
static void fit_first(struct bayes *b, const struct evidence *v, size_t n,
		      double *ret)
{
	size_t size = (v->d + 2) * sizeof(*ret);
	double other[LIMIT_PARAMS + 2], value;
	const struct fit *known;
	uint64_t key;

	load_first(b, v, n);
	key = key_of(b->fitting);
	known = find_fit(b, key);
	if (known != NULL) {
		memcpy(ret, known->hyper, size);
		return;
	}
	gp_hyper_default(b->fitting, ret);
	if (n <= FIT_WARM) {
		(void)gp_fit(b->fitting, ret, FIT_EVALUATIONS);
		keep_fit(b, key, ret);
		return;
	}
	fit_first(b, v, power_below(n < FIT_ROWS ? n : FIT_ROWS), other);
	load_first(b, v, n);
	value = gp_fit(b->fitting, other, FIT_EVALUATIONS);
	if (n > FIT_TWICE ||
	    !(gp_fit(b->fitting, ret, FIT_EVALUATIONS) > value))
		memcpy(ret, other, size);
	keep_fit(b, key, ret);
}

/* --- the model -------------------------------------------------------------
 */

/*
 * The rows of the model: all results, or of very many a third the best, a third
 * nearest to the best one, and the rest from everywhere.
 */
static size_t choose_rows(const struct gp *g, const struct evidence *v,
			  size_t *ret)
{
	size_t n = v->results.n, third = LOCAL_ROWS / 3, used = 0;
	const double *centre = v->results.x + v->best * v->d;
	auto_free struct place *order = NULL;
	auto_free bool *in = NULL;

	if (n <= ROWS_MAX)
		return choose_spread(v, n, ROWS_MAX, ret);
	order = xcalloc(n, sizeof(*order));
	in = xcalloc(n, sizeof(*in));
	used = choose_spread(v, n, 2 * third, ret);
	for (size_t k = 0; k < used; k++)
		in[ret[k]] = true;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct place){
			gp_distance(g, centre, v->results.x + i * v->d), i
		};
	qsort(order, n, sizeof(*order), by_key);
	for (size_t i = 0; i < n && used < LOCAL_ROWS; i++) {
		if (!in[order[i].i])
			ret[used++] = order[i].i;
	}
	qsort(ret, used, sizeof(*ret), by_index);
	return used;
}

/* Rows that the model has already keep their part of the factor. */
static size_t common_rows(const struct gp *g, const struct evidence *v,
			  const size_t *rows, size_t n)
{
	size_t same = 0;

	for (; same < n && same < g->n; same++) {
		const double *x = v->results.x + rows[same] * v->d;

		if (g->repeats[same] != v->repeats[rows[same]])
			return same;
		for (size_t i = 0; i < v->d; i++) {
			if (g->x[i * g->cap + same] != x[i])
				return same;
		}
	}
	return same;
}

/* With at least @scale, so that what is far from all results is less sure. */
static int fit_value(struct bayes *b, const struct evidence *v,
		     const struct target *t, double scale)
{
	struct gp *g = b->value;
	double hyper[LIMIT_PARAMS + 2];
	auto_free size_t *rows = xcalloc(v->results.n, sizeof(*rows));
	size_t n, same;

	fit_first(b, v, fit_size(v->results.n), hyper);
	hyper[v->d] = fmax(hyper[v->d], log(scale));
	if (memcmp(hyper, g->hyper, (v->d + 2) * sizeof(*hyper)) != 0)
		gp_set_hyper(g, hyper);
	n = choose_rows(g, v, rows);
	same = common_rows(g, v, rows, n);
	gp_truncate(g, same);
	gp_reserve(g, n + v->running.n);
	for (size_t k = 0; k < n; k++) {
		double y = target_of(t, v->score[rows[k]]);

		if (k < same)
			g->y[k] = y;
		else
			gp_add(g, v->results.x + rows[k] * v->d, y,
			       v->repeats[rows[k]]);
	}
	return gp_solve(g);
}

/* Of each kind at most half of FIT_ROWS: the latest. */
static int fit_feasible(struct bayes *b, const struct evidence *v)
{
	struct gp *g = b->feasible;
	double hyper[LIMIT_PARAMS + 2];
	size_t half = FIT_ROWS / 2;
	size_t good = v->results.n > half ? v->results.n - half : 0;
	size_t bad = v->failed.n > half ? v->failed.n - half : 0;

	gp_clear(g);
	gp_reserve(g, v->results.n - good + v->failed.n - bad);
	for (; good < v->results.n; good++)
		gp_add(g, v->results.x + good * v->d, 1, 1);
	for (; bad < v->failed.n; bad++)
		gp_add(g, v->failed.x + bad * v->d, -1, 1);
	g->noise_floor = 1e-4;
	gp_hyper_default(g, hyper);
	(void)gp_fit(g, hyper, FIT_EVALUATIONS);
	gp_set_hyper(g, hyper);
	return gp_solve(g);
}

/* Returns 0, or 1: the numbers do not make a model; nothing is to be freed. */
static int model_init(struct bayes *b, struct model *m, uint64_t seed,
		      double scale)
{
	const struct evidence *v = &m->evidence;
	struct gp *feasible = v->failed.n > 0 ? b->feasible : NULL;
	int failed;

	target_init(&m->target, v->results.n, v->score);
	failed = fit_value(b, v, &m->target, scale);
	if (failed == 0 && feasible != NULL)
		failed = fit_feasible(b, v);
	for (size_t i = 0; failed == 0 && i < v->running.n; i++)
		gp_add(b->value, v->running.x + i * v->d, 0, 1);
	if (failed == 0)
		failed = acquisition_init(&m->acquisition, b->value, feasible,
					  v->running.n, seed);
	if (failed != 0) {
		target_fini(&m->target);
		return 1;
	}
	m->acquisition.guess = b->guess;
	m->acquisition.guess_weight =
	    GUESS_TRIALS / (GUESS_TRIALS + (double)v->results.n);
	return 0;
}

static void model_fini(struct model *m)
{
	acquisition_fini(&m->acquisition);
	target_fini(&m->target);
}

/* --- the reasons -----------------------------------------------------------
 */

static void explain_nearest(const struct bayes *b, const struct evidence *v,
			    const double *x, struct rationale *why)
{
	enum goal goal = b->base.spec->goal;

	why->n_nearest = 0;
	for (size_t i = 0; i < v->results.n; i++) {
		double r = gp_distance(b->value, x, v->results.x + i * v->d);

		rationale_add_nearest(why, v->results.number[i], r,
				      score_of(goal, v->score[i]));
	}
}

/*
 * How far a result varies, on average, with one parameter alone: 1 - k / s over
 * two places drawn from its axis; as shares of all.
 */
static void explain_relevance(const struct bayes *b, struct rationale *why)
{
	double sum = 0;

	memset(why->relevance, 0, sizeof(why->relevance));
	for (size_t i = 0; i < b->encoding.n; i++) {
		const struct axis *a = &b->encoding.axes[i];
		double vary = gp_variation(b->value, i);

		if (b->is_choice[i])
			vary *= 1 - 1 / (double)a->levels;
		why->relevance[a->param] = vary;
		sum += vary;
	}
	for (size_t i = 0; i < b->encoding.space->n && sum > 0; i++)
		why->relevance[i] /= sum;
}

static void explain(struct bayes *b, struct model *m, const double *x,
		    struct rationale *why)
{
	enum goal goal = b->base.spec->goal;
	const struct target *t = &m->target;
	struct acquisition_view view;
	double low, high;

	acquisition_look(&m->acquisition, x, &view);
	low = target_back(t, view.mean - sqrt(view.sd * view.sd + view.noise));
	high = target_back(t, view.mean + sqrt(view.sd * view.sd + view.noise));
	why->why = WHY_MODEL;
	why->best = score_of(goal, m->evidence.score[m->evidence.best]);
	why->mean = score_of(goal, target_back(t, view.mean));
	why->low = goal == GOAL_MAXIMIZE ? -high : low;
	why->high = goal == GOAL_MAXIMIZE ? -low : high;
	why->noise = fabs(target_back(t, view.mean + sqrt(view.noise)) -
			  target_back(t, view.mean - sqrt(view.noise))) /
		     2;
	why->feasible = view.feasible;
	why->exploration = view.exploration;
	explain_nearest(b, &m->evidence, x, why);
	explain_relevance(b, why);
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
				   .exploration = 1 };
	if (v->results.n > 0)
		why->best = score_of(b->base.spec->goal, v->score[v->best]);
}

/* --- proposals -------------------------------------------------------------
 */

/* The points of the best results. */
static size_t find_anchors(const struct bayes *b, const struct evidence *v,
			   double *ret)
{
	size_t rows[ANCHORS], n = 0;

	for (; n < ANCHORS && n < v->results.n; n++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < v->results.n; i++) {
			bool used = false;

			for (size_t k = 0; k < n; k++)
				used |= rows[k] == i;
			if (!used &&
			    (best == SIZE_MAX || v->score[i] < v->score[best]))
				best = i;
		}
		rows[n] = best;
		memcpy(ret + n * v->d, v->results.x + best * v->d,
		       v->d * sizeof(*ret));
	}
	return n;
}

/* A small space: all of its points that are new. */
static bool list_points(const struct bayes *b, struct maxima *ret)
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
				config))
		encode(&b->encoding, config, maxima_add(ret));
	return true;
}

/*
 * The side of a trust region about the best result, in units of an axis: twice
 * as long after successes in a row, half after failures; when it has become
 * tiny it begins anew (D. Eriksson et al., "Scalable global optimization via
 * local Bayesian optimization", arXiv 1910.01739, section 2). Replayed from the
 * results, so that it needs no state.
 */
static double trust_length(const struct evidence *v)
{
	double length = TRUST_START, best = (double)INFINITY;
	size_t successes = 0, failures = 0;

	for (size_t i = 0; i < v->results.n; i++) {
		bool better = !(v->score[i] >= best - 1e-3 * fabs(best));

		best = fmin(best, v->score[i]);
		successes = better ? successes + 1 : 0;
		failures = better ? 0 : failures + 1;
		if (successes == TRUST_SUCCESSES) {
			length = fmin(TRUST_MAX, 2 * length);
			successes = 0;
		} else if (failures == v->d) {
			length /= 2;
			failures = 0;
		}
		if (length < TRUST_MIN)
			length = TRUST_START;
	}
	return length;
}

/* Longer along axes on which the result varies less. */
static void trust_box(const struct bayes *b, const struct evidence *v,
		      double *lower, double *upper)
{
	const double *centre = v->results.x + v->best * v->d;
	double length = trust_length(v), mean = 0;

	for (size_t i = 0; i < v->d; i++)
		mean += b->value->hyper[i] / (double)v->d;
	for (size_t i = 0; i < v->d; i++) {
		double weight = exp(b->value->hyper[i] - mean);
		double half = length / 2 * fmin(2, fmax(0.5, weight));

		if (b->is_choice[i])
			continue;
		lower[i] = fmax(0, centre[i] - half);
		upper[i] = fmin(1, centre[i] + half);
	}
}

static void find_maxima(struct bayes *b, struct model *m, uint64_t cursor,
			struct maxima *ret)
{
	size_t d = b->encoding.n;
	size_t share = m->evidence.results.n > MANY_ROWS ? 2 : 1;
	auto_free double *box = xcalloc(2 * d + 1, sizeof(*box));
	auto_free double *near = xcalloc(ANCHORS * d + 1, sizeof(*near));
	struct maximize problem = {
		.encoding = &b->encoding,
		.acquisition = &m->acquisition,
		.lower = box,
		.upper = box + d,
		.anchors = near,
		.n_anchors = find_anchors(b, &m->evidence, near),
		.seed = b->base.spec->seed,
		.index = cursor,
		.scattered = SCATTERED / share,
		.around = AROUND / share,
		.starts = ASCENTS / share,
	};

	for (size_t i = 0; i < d; i++)
		box[d + i] = 1;
	if (d > TRUST_AXES)
		trust_box(b, &m->evidence, box, box + d);
	if (list_points(b, ret))
		maximize_list(&problem, ret);
	else
		maximize(&problem, ret);
}

/* So near to a running trial that it would only measure the same. */
static bool crowds(const struct bayes *b, const struct evidence *v,
		   const double *x)
{
	for (size_t i = 0; i < v->running.n; i++) {
		if (gp_distance(b->value, x, v->running.x + i * v->d) < APART)
			return true;
	}
	return false;
}

/* The best of @found that is new and, if @apart, crowds no running trial. */
static size_t choose(const struct bayes *b, const struct evidence *v,
		     const struct maxima *found, bool apart,
		     struct cell *ret_config)
{
	for (size_t i = 0; i < found->n; i++) {
		const double *x = found->x + i * found->d;

		if (apart && crowds(b, v, x))
			continue;
		decode(&b->encoding, x, ret_config);
		if (is_new(b, ret_config))
			return i;
	}
	return SIZE_MAX;
}

static int look(struct bayes *b, struct model *m, uint64_t cursor, double scale,
		struct maxima *ret)
{
	if (model_init(b, m, b->base.spec->seed ^ cursor, scale) != 0)
		return 1;
	find_maxima(b, m, cursor, ret);
	return 0;
}

/*
 * When all that is expected is to polish the best result, every second proposal
 * goes by a model that is less sure of what is far from it: so a search does
 * not stay with the first good choice.
 */
static bool propose(struct bayes *b, struct model *m, uint64_t cursor,
		    struct cell *ret_config, struct rationale *ret_why)
{
	const struct evidence *v = &m->evidence;
	struct maxima found;
	size_t i;

	if (look(b, m, cursor, 0, &found) != 0)
		return false;
	if (cursor % 2 == 1 && found.n > 0 && found.value[0] < POLISHING) {
		maxima_fini(&found);
		model_fini(m);
		if (look(b, m, cursor, EXPLORING_SCALE, &found) != 0)
			return false;
	}
	i = choose(b, v, &found, true, ret_config);
	if (i == SIZE_MAX)
		i = choose(b, v, &found, false, ret_config);
	if (i != SIZE_MAX)
		explain(b, m, found.x + i * found.d, ret_why);
	maxima_fini(&found);
	model_fini(m);
	return i != SIZE_MAX;
}

static bool is_ready(const struct bayes *b, const struct evidence *v)
{
	return b->encoding.n > 0 && b->base.history.n >= START &&
	       v->results.n >= RESULTS_MIN;
}

static enum sampler_answer bayes_ask(struct sampler *s, uint64_t *cursor,
				     struct cell *ret_config,
				     struct rationale *ret_why)
{
	struct bayes *b = (struct bayes *)s;
	struct model m;
	enum why kind = WHY_START;
	bool ok = false;

	encode_history(b);
	evidence_init(&m.evidence, &s->history, b->x, b->encoding.n);
	if (is_ready(b, &m.evidence)) {
		kind = WHY_FALLBACK;
		explain_start(b, &m.evidence, kind, ret_why);
		ok = propose(b, &m, *cursor, ret_config, ret_why);
	}
	if (!ok) {
		explain_start(b, &m.evidence, kind, ret_why);
		ok = start_next(&b->start, &s->history.tried, cursor,
				ret_config);
	}
	evidence_fini(&m.evidence);
	return ok ? SAMPLER_OK : SAMPLER_EXHAUSTED;
}

static bool bayes_predict(struct sampler *s, const struct cell *config,
			  struct rationale *ret_why)
{
	struct bayes *b = (struct bayes *)s;
	auto_free double *x = xcalloc(b->encoding.n + 1, sizeof(*x));
	struct model m;
	bool ok;

	encode_history(b);
	evidence_init(&m.evidence, &s->history, b->x, b->encoding.n);
	explain_start(b, &m.evidence, WHY_FALLBACK, ret_why);
	ok = b->encoding.n > 0 && m.evidence.results.n >= RESULTS_MIN &&
	     model_init(b, &m, s->spec->seed, 0) == 0;
	if (ok) {
		encode(&b->encoding, config, x);
		explain(b, &m, x, ret_why);
		model_fini(&m);
	}
	evidence_fini(&m.evidence);
	return ok;
}

const struct sampler_ops sampler_gp = {
	.type = SAMPLER_GP,
	.learns = true,
	.create = bayes_create,
	.ask = bayes_ask,
	.predict = bayes_predict,
	.destroy = bayes_destroy,
};
