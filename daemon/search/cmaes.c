/*
 * CMA-ES with restarts. The distribution is a function of the history: trials
 * with a result make generations of lambda in the order of their numbers,
 * wherever they came from. Those that still run are left out until they end;
 * then they take their place, and what came after is computed again. So it does
 * not matter in which order results come in, nor when the daemon was restarted.
 *
 * A run that has come to its end is followed by one from a random place with
 * twice the lambda: A. Auger, N. Hansen, "A restart CMA evolution strategy with
 * increasing population size", CEC 2005. Its first generation consists of its
 * own draws; late trials of the run before say nothing about it.
 */
#include "num/rng.h"
#include "search/cma.h"
#include "search/rationale.h"
#include "search/sampler.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Draws from the distribution until one is new, ever wider; then anywhere. */
#define ATTEMPTS_NEAR 64
#define ATTEMPTS_MAX  1064

/* Runs with twice the lambda of the one before. */
#define DOUBLINGS_MAX 9

/* The last so many trials are compared to find what lies near. */
#define NEAR_TRIALS 500

/* Where the search is at the start of a generation. */
struct state {
	size_t next;       /* first trial that has not been looked at */
	size_t generation; /* of all runs */
	size_t starts;     /* of runs */
	size_t doublings;  /* of lambda */
	bool has_result;   /* this run has seen a good one */
	struct cma cma;
};

/*
 * Earlier states, to compute again from: place i holds the last one whose
 * generation is divisible by 2^i and not by 2^(i + 1), so that one is at most
 * twice as old as it need be.
 */
#define KEPT_MAX 24

struct cmaes {
	struct sampler base;
	struct cma_axes axes;
	struct cma_strategy strategy; /* of now.doublings */
	size_t horizon;               /* of the first, the longest */
	struct state now;
	struct state kept[KEPT_MAX]; /* next 0: none */
	/* The generation that is not complete: */
	size_t next; /* first trial that has not been looked at */
	size_t n_points;
	struct cma_point *points; /* [lambda] */
	double *steps;            /* [lambda][stride] their y */
	/* What all this was computed from. */
	struct observation *seen; /* [next] */
	size_t seen_cap;
};

/* --- runs -------------------------------------------------------------------
 */

static size_t lambda_of(const struct cmaes *c, size_t doublings)
{
	return cma_lambda(c->axes.n + c->axes.n_choices) << doublings;
}

/* Makes room for generations of the run's lambda. */
static void use_lambda(struct cmaes *c)
{
	size_t lambda = lambda_of(c, c->now.doublings);
	/* Even, for what num/linalg.h says of equal results. */
	size_t stride = c->axes.n + 2 - c->axes.n % 2;

	if (c->strategy.lambda == lambda && c->points != NULL)
		return;
	cma_strategy_fini(&c->strategy);
	cma_strategy_init(&c->strategy, c->axes.n, lambda);
	free(c->steps);
	free(c->points);
	c->steps = xcalloc(lambda * stride, sizeof(*c->steps));
	c->points = xcalloc(lambda, sizeof(*c->points));
	for (size_t i = 0; i < lambda; i++)
		c->points[i].y = c->steps + i * stride;
}

static void first_run(struct cmaes *c)
{
	const struct space *space = c->base.spec->space;
	double mean[LIMIT_PARAMS];

	for (size_t j = 0; j < c->axes.n; j++) {
		const struct param *p = &space->params[c->axes.number[j]];

		mean[j] = p->has_guess ? unit_of(p, &p->guess) : 0.5;
	}
	cma_start(&c->now.cma, mean, true);
	c->now.next = c->now.generation = 0;
	c->now.starts = c->now.doublings = 0;
	c->now.has_result = false;
	use_lambda(c);
}

static void next_run(struct cmaes *c)
{
	double mean[LIMIT_PARAMS];

	if (c->now.has_result && c->now.doublings < DOUBLINGS_MAX)
		c->now.doublings++;
	c->now.starts++;
	c->now.has_result = false;
	for (size_t j = 0; j < c->axes.n; j++) {
		uint32_t stream =
		    rng_stream(RNG_CMAES_START, (uint32_t)c->axes.number[j]);

		mean[j] = rng_unit(c->base.spec->seed, stream, c->now.starts);
	}
	cma_start(&c->now.cma, mean, false);
	use_lambda(c);
}

/* --- a trial as a point of the generation -----------------------------------
 */

/* Ever wider, after some attempts. */
static double widening(uint32_t attempt)
{
	if (attempt >= ATTEMPTS_NEAR)
		return (double)INFINITY;
	return attempt < 8 ? 1 : pow(1.1, attempt - 7);
}

static void draw(const struct cmaes *c, size_t number, uint32_t attempt,
		 struct cma_draw *ret_draw, struct cell *ret_config)
{
	/* The first trial of all is where the user would begin. */
	if (number == 0 && attempt == 0)
		cma_middle(&c->now.cma, ret_draw);
	else
		cma_draw(&c->now.cma, c->base.spec->seed, number, attempt,
			 widening(attempt), ret_draw);
	cma_config(&c->axes, ret_draw, ret_config);
}

/*
 * The draw of trial @number from this distribution. True: the trial is it;
 * else it was drawn from another one, or was a later attempt, or not drawn.
 */
static bool recognise(const struct cmaes *c, size_t number,
		      struct cma_draw *ret_draw)
{
	const struct cell *config = c->base.history.rows[number].config;
	struct cell drawn[LIMIT_PARAMS];

	draw(c, number, 0, ret_draw, drawn);
	return space_equal(c->axes.space, drawn, config);
}

/*
 * A step as long as this is not one of the distribution's. It is shortened, so
 * that it gives a direction alone: N. Hansen, "Injecting external solutions
 * into CMA-ES", arXiv 1110.4181.
 */
static double longest(size_t n)
{
	return sqrt((double)n) + 3;
}

static double shortened(size_t n)
{
	return sqrt((double)n) + 2 * (double)n / ((double)n + 2);
}

static void set_step(const struct cmaes *c, const struct cma_draw *d,
		     struct cma_point *p)
{
	const struct cma *cma = &c->now.cma;
	size_t n = c->axes.n;

	for (size_t j = 0; j < n; j++)
		p->y[j] =
		    (d->x[j] - cma->mean[j]) / (cma->sigma * cma->scale[j]);
	p->length = cma_length(cma, p->y);
	if (p->length > longest(n)) {
		for (size_t j = 0; j < n; j++)
			p->y[j] *= shortened(n) / p->length;
		p->length = shortened(n);
	}
}

static bool is_good(struct observation seen)
{
	return (seen.fate == FATE_DONE || seen.fate == FATE_PRUNED) &&
	       isfinite(seen.score);
}

static bool is_known(struct observation seen)
{
	return seen.fate == FATE_DONE || seen.fate == FATE_PRUNED ||
	       seen.fate == FATE_FAILED || seen.fate == FATE_SHORT;
}

static void add_point(struct cmaes *c, size_t number)
{
	const struct history_row *row = &c->base.history.rows[number];
	struct cma_point *p = &c->points[c->n_points];
	struct cma_draw d;
	bool own = recognise(c, number, &d);

	if (!own && c->now.starts > 0 && c->now.cma.generation == 0)
		return;
	cma_move(&c->axes, row->config, &d);
	set_step(c, &d, p);
	p->config = row->config;
	p->number = number;
	p->good = is_good(row->seen);
	p->pruned = row->seen.fate == FATE_PRUNED;
	p->score = row->seen.score;
	c->n_points++;
}

/* --- a generation -----------------------------------------------------------
 */

/*
 * The best first. What a pruned trial had reached is not its result: it comes
 * after those that have one.
 */
static int compare_points(const void *a, const void *b)
{
	const struct cma_point *p = a, *q = b;

	if (p->good != q->good)
		return p->good ? -1 : 1;
	if (p->good && p->pruned != q->pruned)
		return q->pruned ? -1 : 1;
	if (p->good && p->score != q->score)
		return p->score < q->score ? -1 : 1;
	return (p->number > q->number) - (p->number < q->number);
}

static void keep(struct cmaes *c)
{
	struct state *to =
	    &c->kept[__builtin_ctzll(c->now.generation) % KEPT_MAX];
	struct cma cma = to->cma;

	if (cma.block == NULL)
		cma_init(&cma, &c->axes, c->horizon);
	cma_copy(&cma, &c->now.cma);
	*to = c->now;
	to->cma = cma;
}

static void close_generation(struct cmaes *c)
{
	qsort(c->points, c->n_points, sizeof(*c->points), compare_points);
	c->n_points = 0;
	if (c->points[0].good) {
		cma_update(&c->now.cma, &c->strategy, c->points);
		c->now.has_result = true;
		if (cma_is_over(&c->now.cma, &c->strategy))
			next_run(c);
	} else if (!c->now.has_result) {
		next_run(c); /* not here */
	}
	c->now.next = c->next;
	c->now.generation++;
	keep(c);
}

/* --- following the history --------------------------------------------------
 */

static bool same(struct observation a, struct observation b)
{
	return a.fate == b.fate &&
	       memcmp(&a.score, &b.score, sizeof(a.score)) == 0;
}

/* Goes back to a state that has not looked at trial @number. */
static void go_back(struct cmaes *c, size_t number)
{
	struct state *best = NULL;
	struct cma cma = c->now.cma;

	for (size_t i = 0; i < KEPT_MAX; i++) {
		struct state *s = &c->kept[i];

		if (s->next > number)
			s->next = 0;
		if (s->next > 0 && (best == NULL || s->next > best->next))
			best = s;
	}
	if (best == NULL) {
		first_run(c);
	} else {
		cma_copy(&cma, &best->cma);
		c->now = *best;
		c->now.cma = cma;
		use_lambda(c);
	}
	c->next = c->now.next;
	c->n_points = 0;
}

static void follow(struct cmaes *c)
{
	const struct history *h = &c->base.history;

	for (size_t i = 0; i < c->next; i++) {
		if (!same(c->seen[i], h->rows[i].seen)) {
			go_back(c, i);
			break;
		}
	}
	if (h->n > c->seen_cap) {
		c->seen_cap = h->n * 2;
		c->seen = xreallocarray(c->seen, c->seen_cap, sizeof(*c->seen));
	}
	while (c->next < h->n) {
		size_t i = c->next++;

		c->seen[i] = h->rows[i].seen;
		if (!is_known(c->seen[i]))
			continue;
		add_point(c, i);
		if (c->n_points == c->strategy.lambda)
			close_generation(c);
	}
}

/* --- asking -----------------------------------------------------------------
 */

static bool find_new(const struct cmaes *c, struct cell *ret_config,
		     enum why *ret_why)
{
	const struct sampler *s = &c->base;
	uint32_t attempts =
	    space_is_discrete(s->spec->space) ? ATTEMPTS_NEAR : ATTEMPTS_MAX;
	uint64_t listed = 0;
	struct cma_draw d;

	*ret_why = c->now.cma.generation > 0 ? WHY_MODEL
		   : c->now.starts > 0       ? WHY_FALLBACK
					     : WHY_START;
	for (uint32_t i = 0; i < attempts; i++) {
		draw(c, s->history.n, i, &d, ret_config);
		if (sampler_is_new(s->spec, &s->history.tried, ret_config))
			return true;
		if (i + 1 == ATTEMPTS_NEAR)
			*ret_why = WHY_FALLBACK;
	}
	return sampler_find_new(s->spec, &s->history.tried, &listed,
				ret_config);
}

/*
 * How wide the draws still are: the widest axis beside that of a new run, the
 * least certain choice beside an even one.
 */
static double exploration(const struct cmaes *c)
{
	double widest = 0;

	for (size_t j = 0; j < c->axes.n; j++)
		widest = fmax(widest, cma_sd(&c->now.cma, j) / CMA_SIGMA);
	for (size_t k = 0; k < c->axes.n_choices; k++) {
		const double *q = c->now.cma.probability + c->axes.first[k];
		size_t i = c->axes.choice[k];
		double n = (double)c->base.spec->space->params[i].n_values;
		double most = 0;

		for (size_t v = 0; v < (size_t)n; v++)
			most = fmax(most, q[v]);
		widest = fmax(widest, (1 - most) / (1 - 1 / n));
	}
	return fmin(widest, 1);
}

/*
 * In standard deviations @sd; a choice that differs and a parameter that one
 * of them lacks count as one.
 */
static double distance(const struct cma_axes *axes, const double *sd,
		       const struct cell *a, const struct cell *b)
{
	double square = 0;

	for (size_t j = 0; j < axes->n; j++) {
		size_t i = axes->number[j];
		const struct param *p = &axes->space->params[i];
		double d = 1;

		if (a[i].active && b[i].active)
			d = (unit_of(p, &a[i]) - unit_of(p, &b[i])) / sd[j];
		else if (!a[i].active && !b[i].active)
			d = 0;
		square += d * d;
	}
	for (size_t k = 0; k < axes->n_choices; k++) {
		size_t i = axes->choice[k];

		square += a[i].active != b[i].active || a[i].i != b[i].i;
	}
	return sqrt(square);
}

static void find_nearest(const struct cmaes *c, const struct cell *config,
			 struct rationale *ret)
{
	const struct history *h = &c->base.history;
	double sd[LIMIT_PARAMS];

	for (size_t j = 0; j < c->axes.n; j++)
		sd[j] = cma_sd(&c->now.cma, j);
	for (size_t i = h->n > NEAR_TRIALS ? h->n - NEAR_TRIALS : 0; i < h->n;
	     i++) {
		const struct history_row *row = &h->rows[i];

		if (is_known(row->seen))
			rationale_add_nearest(
			    ret, i, distance(&c->axes, sd, config, row->config),
			    is_good(row->seen) ? row->seen.score : (double)NAN);
	}
}

static void explain(const struct cmaes *c, const struct cell *config,
		    struct rationale *ret)
{
	const struct history *h = &c->base.history;
	enum goal goal = c->base.spec->goal;

	ret->mean = ret->low = ret->high = (double)NAN;
	ret->noise = ret->feasible = ret->best = (double)NAN;
	ret->exploration = exploration(c);
	for (size_t i = 0; i < h->n; i++) {
		struct observation seen = h->rows[i].seen;

		ret->observations += is_known(seen);
		ret->pending += seen.fate == FATE_RUNNING;
		if (seen.fate == FATE_DONE && is_good(seen))
			ret->best = fmin(ret->best, seen.score);
	}
	ret->best = score_of(goal, ret->best);
	find_nearest(c, config, ret);
	for (size_t i = 0; i < ret->n_nearest; i++)
		ret->nearest[i].value = score_of(goal, ret->nearest[i].value);
}

static enum sampler_answer cmaes_ask(struct sampler *s, uint64_t *cursor,
				     struct cell *ret_config,
				     struct rationale *ret_why)
{
	struct cmaes *c = (struct cmaes *)s;
	enum why why;

	follow(c);
	if (!find_new(c, ret_config, &why))
		return SAMPLER_EXHAUSTED;
	*ret_why = (struct rationale){ .why = why };
	explain(c, ret_config, ret_why);
	return SAMPLER_OK;
}

static struct sampler *cmaes_create(const struct search_spec *spec)
{
	struct cmaes *c = xcalloc(1, sizeof(*c));

	c->base.spec = spec;
	cma_axes_init(&c->axes, spec->space);
	cma_strategy_init(&c->strategy, c->axes.n, lambda_of(c, 0));
	c->horizon = c->strategy.horizon;
	cma_init(&c->now.cma, &c->axes, c->horizon);
	first_run(c);
	return &c->base;
}

static void cmaes_destroy(struct sampler *s)
{
	struct cmaes *c = (struct cmaes *)s;

	for (size_t i = 0; i < KEPT_MAX; i++)
		cma_fini(&c->kept[i].cma);
	cma_fini(&c->now.cma);
	cma_strategy_fini(&c->strategy);
	free(c->points);
	free(c->steps);
	free(c->seen);
	free(c);
}

const struct sampler_ops sampler_cmaes = {
	.type = SAMPLER_CMAES,
	.learns = true,
	.create = cmaes_create,
	.ask = cmaes_ask,
	.destroy = cmaes_destroy,
};
