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
 *
 * With a budget a third of the points is drawn at random, as BOHB does
 * (bohb.h).
 */
#include "num/rng.h"
#include "search/bohb.h"
#include "search/sampler.h"
#include "search/start.h"
#include "search/tpe_model.h"
#include "search/unit.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Results that the model needs to begin with. */
#define START_RESULTS 5

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
static void draw_group(const struct tpe_model *m, size_t g, struct draws *d,
		       struct cell *config)
{
	double u[LIMIT_PARAMS + 1];

	for (size_t i = 0; i <= m->pairs[g].good.n_members; i++)
		u[i] = draw(d);
	parzen_point(&m->pairs[g].good, u, config);
}

/* The candidate with the most gain so far. */
struct pick {
	struct tpe_model *model;
	const struct search_spec *spec;
	const struct seen *known; /* NULL: repeats are allowed */
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
	g = tpe_model_gain(p->model, config);
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
		double most = -(double)INFINITY;

		for (size_t k = 0; k < CANDIDATES; k++) {
			double here;

			draw_group(p->model, g, d, config);
			here = tpe_model_group_gain(p->model, g, config);
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
	uint64_t listed = 0;

	for (size_t n = 0; n < LISTED; n++) {
		if (!sampler_find_new(p->spec, p->known, &listed, config))
			break;
		pick_offer(p, config);
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

/* At random; false: what is left is too rare. */
static bool draw_any(struct pick *p, uint64_t cursor)
{
	struct draws d = { .seed = p->spec->seed, .cursor = cursor };

	for (size_t i = 0; i < STRANGERS && !p->found; i++)
		offer_drawn(p, 1, false, &d);
	return p->found;
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

static bool ask_model(const struct tpe *t, struct tpe_model *m, uint64_t cursor,
		      struct cell *ret_config, bool *ret_random)
{
	const struct sampler *s = &t->base;
	struct pick pick = { .model = m,
			     .spec = s->spec,
			     .config = ret_config };

	if (!s->spec->allow_duplicates)
		pick.known = &s->history.tried;
	tpe_model_fit(m);
	*ret_random =
	    bohb_is_random(s->spec, cursor) && draw_any(&pick, cursor);
	if (!*ret_random)
		choose(&pick, cursor);
	return pick.found;
}

static enum sampler_answer tpe_ask(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config,
				   struct rationale *ret_why)
{
	const struct tpe *t = (const struct tpe *)s;
	struct tpe_model model;
	bool start, found, random = false;

	tpe_model_init(&model, &s->history, &t->groups);
	start = model.split.observations < START_RESULTS &&
		start_next(&t->start, &s->history.tried, cursor, ret_config);
	found = start || ask_model(t, &model, *cursor, ret_config, &random);
	if (found)
		*ret_why = tpe_model_explain(&model, s->spec->goal, ret_config);
	if (found && random)
		ret_why->why = WHY_CHANCE;
	if (start)
		ret_why->why = WHY_START;
	tpe_model_fini(&model);
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
