/*
 * The tree-structured Parzen estimator of J. Bergstra, R. Bardenet, Y. Bengio,
 * B. Kegl, "Algorithms for hyper-parameter optimization", NIPS 2011, in its
 * multivariate form (S. Falkner, A. Klein, F. Hutter, "BOHB", ICML 2018): the
 * best tenth of the trials has a density l, the others have a density g, and
 * of some configurations drawn from l the one with the greatest l / g is
 * proposed. Only ranks of results count, so any result will do.
 *
 * Trials that run are among the others (a constant liar), so that workers keep
 * apart. Nothing is kept between proposals.
 */
#include "num/rng.h"
#include "search/groups.h"
#include "search/parzen.h"
#include "search/sampler.h"
#include "search/seen.h"
#include "search/start.h"
#include "search/unit.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Results that the model needs to begin with. */
#define START_RESULTS 5

#define GOOD_SHARE 0.1
#define GOOD_MAX   25

/*
 * The bad trials that count, the latest ones, and those that run besides: they
 * bound the cost of a proposal of a long search.
 */
#define BAD_MAX 1000

#define CANDIDATES 24

/* Where all candidates are known, so many others, */
#define STRANGERS 256
/* and so many points of the list of a discrete space. */
#define LISTED    1000

struct tpe {
	struct sampler base;
	struct start start;
	struct groups groups;
};

/* --- the two sets of trials ------------------------------------------------
 */

/* Trials by what they tell, the best first. */
enum grade {
	GRADE_RESULT,
	GRADE_PRUNED,
	GRADE_NOT_FINITE,
	GRADE_FAILED,
	GRADE_RUNNING,
	GRADE_UNKNOWN,
};

static enum grade grade_of(const struct observation *o)
{
	switch (o->fate) {
	case FATE_DONE:
		return isfinite(o->score) ? GRADE_RESULT : GRADE_NOT_FINITE;
	case FATE_PRUNED:
		return isfinite(o->score) ? GRADE_PRUNED : GRADE_NOT_FINITE;
	case FATE_FAILED:
		return GRADE_FAILED;
	case FATE_RUNNING:
		return GRADE_RUNNING;
	case FATE_NONE:
		break;
	}
	return GRADE_UNKNOWN;
}

/* True if trial @a is better than trial @b: of equal ones the earlier. */
static bool is_better(const struct history *h, size_t a, size_t b)
{
	const struct observation *x = &h->rows[a].seen;
	const struct observation *y = &h->rows[b].seen;
	enum grade p = grade_of(x), q = grade_of(y);

	if (p != q)
		return p < q;
	if (p <= GRADE_PRUNED && x->score != y->score)
		return x->score < y->score;
	return a < b;
}

struct split {
	size_t observations, pending;
	size_t n_good;
	size_t n_bad;          /* that count */
	size_t good[GOOD_MAX]; /* numbers of trials, the best first */
};

/* Keeps the best of those seen, sorted by insertion. */
static void split_insert(struct split *s, const struct history *h, size_t k)
{
	size_t at = s->n_good;

	if (at == GOOD_MAX) {
		if (!is_better(h, k, s->good[at - 1]))
			return;
		at--;
	} else {
		s->n_good++;
	}
	for (; at > 0 && is_better(h, k, s->good[at - 1]); at--)
		s->good[at] = s->good[at - 1];
	s->good[at] = k;
}

static struct split split_of(const struct history *h)
{
	struct split s = { 0 };
	size_t n;

	for (size_t k = 0; k < h->n; k++) {
		enum grade g = grade_of(&h->rows[k].seen);

		s.observations += g < GRADE_RUNNING;
		s.pending += g == GRADE_RUNNING;
		if (g <= GRADE_PRUNED)
			split_insert(&s, h, k);
	}
	n = (size_t)ceil(GOOD_SHARE * (double)s.observations);
	if (s.n_good > n)
		s.n_good = n;
	n = s.observations - s.n_good;
	s.n_bad = (n < BAD_MAX ? n : BAD_MAX) + s.pending;
	return s;
}

static bool is_good(const struct split *s, const struct history *h, size_t k)
{
	return s->n_good > 0 && !is_better(h, s->good[s->n_good - 1], k);
}

/* --- the model -------------------------------------------------------------
 */

/* The densities of the good and the bad trials over a group of parameters. */
struct pair {
	struct parzen good, bad;
};

struct model {
	const struct history *history;
	const struct groups *groups;
	struct split split;
	struct pair *pairs; /* [groups->n] */
};

/* The parameter that tells if group @g is active. */
static size_t head_of(const struct groups *groups, size_t g)
{
	return groups->members[groups->first[g]];
}

static void model_init(struct model *m, const struct history *h,
		       const struct groups *groups)
{
	*m = (struct model){
		.history = h,
		.groups = groups,
		.split = split_of(h),
		.pairs = xcalloc(groups->n + 1, sizeof(*m->pairs)),
	};
	for (size_t g = 0; g < groups->n; g++) {
		const size_t *members = &groups->members[groups->first[g]];
		size_t n = groups->first[g + 1] - groups->first[g];

		/* One more good one for the guess. */
		parzen_init(&m->pairs[g].good, h->space, members, n,
			    m->split.n_good + 1);
		parzen_init(&m->pairs[g].bad, h->space, members, n,
			    m->split.n_bad);
	}
}

static void model_fini(struct model *m)
{
	for (size_t g = 0; g < m->groups->n; g++) {
		parzen_fini(&m->pairs[g].good);
		parzen_fini(&m->pairs[g].bad);
	}
	free(m->pairs);
}

/* A group learns from the trials in which it was active. */
static void learn(struct model *m, const struct cell *config, bool good)
{
	for (size_t g = 0; g < m->groups->n; g++) {
		if (config[head_of(m->groups, g)].active)
			parzen_add(good ? &m->pairs[g].good : &m->pairs[g].bad,
				   config);
	}
}

/* The user's guesses are a good trial that has these values alone. */
static void learn_guess(struct model *m)
{
	const struct space *space = m->history->space;
	struct cell guess[LIMIT_PARAMS];

	for (size_t i = 0; i < space->n; i++)
		guess[i] = space->params[i].has_guess ? space->params[i].guess
						      : (struct cell){ 0 };
	for (size_t g = 0; g < m->groups->n; g++) {
		size_t i = m->groups->first[g];

		while (i < m->groups->first[g + 1] &&
		       !guess[m->groups->members[i]].active)
			i++;
		if (i < m->groups->first[g + 1])
			parzen_add(&m->pairs[g].good, guess);
	}
}

static void model_fit(struct model *m)
{
	const struct history *h = m->history;
	size_t results = 0;

	for (size_t k = 0; k < m->split.n_good; k++)
		learn(m, h->rows[m->split.good[k]].config, true);
	learn_guess(m);
	for (size_t k = h->n; k-- > 0;) {
		enum grade g = grade_of(&h->rows[k].seen);

		if (g == GRADE_UNKNOWN || is_good(&m->split, h, k) ||
		    (g < GRADE_RUNNING && results++ >= BAD_MAX))
			continue;
		learn(m, h->rows[k].config, false);
	}
	for (size_t g = 0; g < m->groups->n; g++) {
		parzen_fit(&m->pairs[g].good, PARZEN_SPREAD);
		parzen_fit(&m->pairs[g].bad, PARZEN_FIXED);
	}
}

/* The acquisition: log(l / g), which grows with the expected improvement. */
static double gain_of(struct pair *p, const struct cell *config)
{
	return parzen_log_density(&p->good, config, NULL) -
	       parzen_log_density(&p->bad, config, NULL);
}

static double gain(struct model *m, const struct cell *config)
{
	double sum = 0;

	for (size_t g = 0; g < m->groups->n; g++) {
		if (config[head_of(m->groups, g)].active)
			sum += gain_of(&m->pairs[g], config);
	}
	return sum;
}

/* --- the best of many ------------------------------------------------------
 */

/* Where the random numbers of a proposal come from. */
struct draws {
	uint64_t seed, cursor;
	uint32_t n; /* so far */
};

static double draw(struct draws *d)
{
	return rng_unit(d->seed, rng_stream(RNG_TPE, d->n++), d->cursor);
}

/* Draws values of all members of group @g. */
static void draw_group(const struct model *m, size_t g, struct draws *d,
		       struct cell *config)
{
	double u[LIMIT_PARAMS + 1];

	for (size_t i = 0; i <= m->pairs[g].good.n_members; i++)
		u[i] = draw(d);
	parzen_point(&m->pairs[g].good, u, config);
}

/* The candidate with the most gain so far. */
struct pick {
	struct model *model;
	const struct search_spec *spec;
	struct seen *known; /* NULL: repeats are allowed */
	bool found;
	double gain;
	struct cell *config; /* [space->n] the caller's */
};

static void pick_offer(struct pick *p, const struct cell *config)
{
	const struct space *space = p->spec->space;
	double g;

	if (p->known != NULL && seen_has(p->known, space_hash(space, config)))
		return;
	g = gain(p->model, config);
	if (p->found && g <= p->gain)
		return;
	p->found = true;
	p->gain = g;
	memcpy(p->config, config, space->n * sizeof(*config));
}

/*
 * Of each group the best of the points drawn from its good trials: groups are
 * independent, so that the best points are the best configuration.
 */
static void offer_best(struct pick *p, struct draws *d)
{
	const struct space *space = p->spec->space;
	const struct groups *groups = p->model->groups;
	struct cell config[LIMIT_PARAMS], best[LIMIT_PARAMS];

	for (size_t i = 0; i < space->n; i++)
		best[i] = unit_cell(&space->params[i], 0);
	for (size_t g = 0; g < groups->n; g++) {
		double most = -INFINITY;

		for (size_t k = 0; k < CANDIDATES; k++) {
			double here;

			draw_group(p->model, g, d, config);
			here = gain_of(&p->model->pairs[g], config);
			if (here <= most)
				continue;
			most = here;
			for (size_t i = groups->first[g];
			     i < groups->first[g + 1]; i++)
				best[groups->members[i]] =
				    config[groups->members[i]];
		}
	}
	space_activate(space, best);
	pick_offer(p, best);
}

/* Offers @n whole configurations, from the good trials or from anywhere. */
static void offer_drawn(struct pick *p, size_t n, bool good, struct draws *d)
{
	const struct space *space = p->spec->space;
	struct cell config[LIMIT_PARAMS];

	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < space->n; i++)
			config[i] =
			    unit_cell(&space->params[i], good ? 0 : draw(d));
		for (size_t g = 0; good && g < p->model->groups->n; g++)
			draw_group(p->model, g, d, config);
		space_activate(space, config);
		pick_offer(p, config);
	}
}

/* Offers configurations that no trial has, from the first of the list on. */
static void offer_listed(struct pick *p)
{
	struct cell config[LIMIT_PARAMS];
	size_t offers = 0;

	for (uint64_t k = 0; offers < LISTED; k++) {
		if (sampler_enumerate(p->spec, &k, config) != SAMPLER_OK)
			break;
		if (seen_has(p->known, space_hash(p->spec->space, config)))
			continue;
		pick_offer(p, config);
		offers++;
	}
}

static void choose(struct pick *p, uint64_t cursor)
{
	struct draws d = { .seed = p->spec->seed, .cursor = cursor };

	offer_best(p, &d);
	if (!p->found)
		offer_drawn(p, CANDIDATES, true, &d);
	if (!p->found)
		offer_drawn(p, STRANGERS, false, &d);
	if (p->found)
		return;
	if (space_is_discrete(p->spec->space)) {
		offer_listed(p);
		return;
	}
	/* What is left is too rare to draw: better twice than never. */
	p->known = NULL;
	offer_drawn(p, 1, false, &d);
}

/* --- the sampler -----------------------------------------------------------
 */

static struct sampler *tpe_create(const struct search_spec *spec)
{
	struct tpe *t = xcalloc(1, sizeof(*t));

	start_init(&t->start, spec);
	groups_init(&t->groups, spec->space);
	return &t->base;
}

/* A point of the start-up design that no trial has. */
static bool ask_start(const struct tpe *t, uint64_t *cursor,
		      struct cell *ret_config)
{
	const struct sampler *s = &t->base;

	for (uint64_t k = *cursor; k < *cursor + STRANGERS; k++) {
		if (!start_at(&t->start, k, ret_config))
			return false;
		if (s->spec->allow_duplicates ||
		    !history_knows(&s->history, ret_config)) {
			*cursor = k;
			return true;
		}
	}
	return false;
}

static bool ask_model(const struct tpe *t, struct model *m, uint64_t cursor,
		      struct cell *ret_config)
{
	const struct history *h = &t->base.history;
	struct seen known = { 0 };
	struct pick pick = { .model = m,
			     .spec = t->base.spec,
			     .config = ret_config };

	if (!t->base.spec->allow_duplicates) {
		for (size_t k = 0; k < h->n; k++)
			seen_add(&known, h->rows[k].hash);
		pick.known = &known;
	}
	model_fit(m);
	choose(&pick, cursor);
	seen_free(&known);
	return pick.found;
}

/* How far the good trials are: the group that knows least tells. */
static double exploration(struct model *m, const struct cell *config)
{
	double most = 0, here;

	for (size_t g = 0; g < m->groups->n; g++) {
		if (!config[head_of(m->groups, g)].active)
			continue;
		parzen_log_density(&m->pairs[g].good, config, &here);
		most = fmax(most, here);
	}
	return most;
}

static struct rationale explain(const struct model *m, enum goal goal)
{
	const struct split *s = &m->split;
	struct rationale r = {
		.why = s->n_good > 0 ? WHY_MODEL : WHY_FALLBACK,
		.observations = s->observations,
		.pending = s->pending,
		.best = NAN,
		.mean = NAN,
		.low = NAN,
		.high = NAN,
		.noise = NAN,
		.feasible = NAN,
		.exploration = NAN,
	};

	if (s->n_good > 0)
		r.best =
		    score_of(goal, m->history->rows[s->good[0]].seen.score);
	return r;
}

static enum sampler_answer tpe_ask(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config,
				   struct rationale *ret_why)
{
	const struct tpe *t = (const struct tpe *)s;
	struct model model;
	bool found = true;

	model_init(&model, &s->history, &t->groups);
	*ret_why = explain(&model, s->spec->goal);
	if (model.split.observations < START_RESULTS &&
	    ask_start(t, cursor, ret_config))
		ret_why->why = WHY_START;
	else if ((found = ask_model(t, &model, *cursor, ret_config)))
		ret_why->exploration = exploration(&model, ret_config);
	model_fini(&model);
	return found ? SAMPLER_OK : SAMPLER_EXHAUSTED;
}

static void tpe_destroy(struct sampler *s)
{
	start_fini(&((struct tpe *)s)->start);
	free(s);
}

const struct sampler_ops sampler_tpe = {
	.type = SAMPLER_TPE,
	.learns = true,
	.create = tpe_create,
	.ask = tpe_ask,
	.destroy = tpe_destroy,
};
