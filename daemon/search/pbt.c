/*
 * Population based training: M. Jaderberg et al., "Population based training of
 * neural networks", arXiv:1711.09846, in its stateless form, in which each
 * generation of a member is a trial: A. Li et al., "A generalized framework for
 * population based training", KDD 2019.
 *
 * A member is at the generation of its latest trial. One whose trial is over
 * goes on, that of the lowest generation first:
 *
 *   its result is not among the worst    the same configuration, from its own
 *                                        checkpoint
 *   it is; or it failed or was pruned    one of the best goes on in its place,
 *                                        with a perturbed configuration
 *   its first generation failed          a new configuration, from nothing
 *
 * Best and worst are each one in SHARE of the results of the generation,
 * rounded down, but at least one. Members do not wait for each other, so that
 * the first to end have few to be compared with: with fewer than SHARE results
 * nobody is among the worst, unless the whole population is smaller. Of equal
 * results the earlier trial's counts as the better one, but nobody is replaced
 * by one that is no better. Where nobody has a result at the generation, those
 * of the one before are taken.
 *
 * What is proposed depends on the trials' lineages, which are kept with them,
 * and on what became of them; random numbers on the number of the new trial.
 */
#include "num/rng.h"
#include "search/sampler.h"
#include "search/start.h"
#include "search/unit.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define SHARE 5    /* one in so many is replaced; one in so many is copied */
#define ANEW  0.25 /* probability that a parameter is drawn anew */
#define LESS  0.8
#define MORE  1.2
/* A number on a linear scale moves by so much of its range, or 0 would stay. */
#define LEAST 0.01

#define NONE SIZE_MAX

/* The result of trial @number. */
struct ranked {
	double score;
	size_t number;
};

struct pbt {
	struct sampler base;
	struct start start;
	int64_t generations;
	size_t *latest; /* [population] trial of each member, or NONE */
	size_t looked;  /* trials before it are in these */
	struct ranked
	    *ranked; /* [n_ranked] of one generation, the best first */
	size_t n_ranked, cap;
};

static const struct observation *seen_of(const struct pbt *p, size_t number)
{
	return &p->base.history.rows[number].seen;
}

static bool is_over(const struct observation *o)
{
	return o->fate != FATE_RUNNING;
}

static bool has_result(const struct observation *o)
{
	return o->fate == FATE_DONE && isfinite(o->score);
}

/* --- members ----------------------------------------------------------------
 */

static void find_latest(struct pbt *p)
{
	for (; p->looked < p->base.history.n; p->looked++) {
		const struct lineage *l = &seen_of(p, p->looked)->lineage;

		if (l->generation > 0 && l->member < p->base.spec->population)
			p->latest[l->member] = p->looked;
	}
}

/*
 * The member that is to go on, or NONE; then *ret_wait says whether one will
 * be, once its trial is over.
 */
static size_t next_member(const struct pbt *p, bool *ret_wait)
{
	size_t n = (size_t)p->base.spec->population, next = NONE;
	int64_t lowest = p->generations;

	*ret_wait = false;
	for (size_t m = 0; m < n; m++) {
		const struct observation *o;

		if (p->latest[m] == NONE)
			return m;
		o = seen_of(p, p->latest[m]);
		if (o->lineage.generation >= lowest)
			continue;
		if (is_over(o)) {
			lowest = o->lineage.generation;
			next = m;
		} else {
			*ret_wait = true;
		}
	}
	return next;
}

/* --- the results of a generation --------------------------------------------
 */

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void rank(struct pbt *p, int64_t generation)
{
	const struct history *h = &p->base.history;

	p->n_ranked = 0;
	if (h->n > p->cap) {
		p->cap = 2 * h->n;
		p->ranked =
		    xreallocarray(p->ranked, p->cap, sizeof(*p->ranked));
	}
	for (size_t i = 0; i < h->n; i++) {
		const struct observation *o = &h->rows[i].seen;

		if (o->lineage.generation == generation && has_result(o))
			p->ranked[p->n_ranked++] =
			    (struct ranked){ o->score, i };
	}
	if (p->n_ranked > 0)
		qsort(p->ranked, p->n_ranked, sizeof(*p->ranked),
		      compare_ranked);
}

/* From 1; 0: it has none. */
static size_t rank_of(const struct pbt *p, size_t number)
{
	for (size_t i = 0; i < p->n_ranked; i++) {
		if (p->ranked[i].number == number)
			return i + 1;
	}
	return 0;
}

/* How many are the best, and how many the worst. */
static size_t share_of(size_t n)
{
	return n < SHARE ? 1 : n / SHARE;
}

/* Whether one of the best is better, and takes the place of @number. */
static bool is_replaced(const struct pbt *p, size_t number)
{
	size_t n = p->n_ranked, share = share_of(n);
	size_t enough = (size_t)p->base.spec->population;

	if (enough > SHARE)
		enough = SHARE;
	return n >= enough && rank_of(p, number) > n - share &&
	       p->ranked[share - 1].score < seen_of(p, number)->score;
}

/* --- a perturbed configuration ----------------------------------------------
 */

/* Draw @k < 3 for parameter @i of the next trial. */
static double draw(const struct pbt *p, size_t i, size_t k)
{
	uint32_t stream = rng_stream(RNG_PBT, (uint32_t)(1 + 3 * i + k));

	return rng_unit(p->base.spec->seed, stream, p->base.history.n);
}

/* @v times @factor, on the scale, of which it may leave the range. */
static double times(const struct param *p, double v, double factor)
{
	double least = (param_max(p) * LEAST) - (param_min(p) * LEAST);
	double odds, by;

	switch (p->scale) {
	case SCALE_LOG:
		return v * factor;
	case SCALE_LOGIT:
		odds = v / (1 - v) * factor;
		return odds / (1 + odds);
	case SCALE_LINEAR:
		break;
	}
	by = fmax(fabs(v * (factor - 1)), least);
	return v + copysign(by, v < 0 ? 1 - factor : factor - 1);
}

static struct cell snap(const struct param *p, double v)
{
	return param_snap(p, fmin(fmax(v, param_min(p)), param_max(p)));
}

/* By one level at least, unless it is at the end of the range. */
static struct cell move_number(const struct param *p, const struct cell *c,
			       double factor)
{
	double v = param_number(p, c), to = times(p, v, factor);
	double step = p->type == PARAM_INT ? (double)p->int_step : p->step;
	struct cell moved = snap(p, to);

	if (param_number(p, &moved) == v && step > 0)
		moved = snap(p, to < v ? v - step : v + step);
	return moved;
}

static struct cell move_ordinal(const struct param *p, const struct cell *c,
				bool is_more)
{
	struct cell moved = *c;

	if (p->n_values < 2)
		return moved;
	if (c->i == 0)
		is_more = true;
	else if (c->i + 1 == (int64_t)p->n_values)
		is_more = false;
	moved.i += is_more ? 1 : -1;
	return moved;
}

static struct cell perturb_one(const struct pbt *p, size_t i,
			       const struct cell *c)
{
	const struct param *param = &p->base.spec->space->params[i];
	bool is_more = draw(p, i, 1) < 0.5;

	if (!c->active || draw(p, i, 0) < ANEW)
		return unit_cell(param, draw(p, i, 2));
	switch (param->type) {
	case PARAM_FLOAT:
	case PARAM_INT:
		return move_number(param, c, is_more ? MORE : LESS);
	case PARAM_CHOICE:
		return param->ordered ? move_ordinal(param, c, is_more) : *c;
	case PARAM_CONSTANT:
		break;
	}
	return *c;
}

static enum change change_of(const struct pbt *p, size_t i,
			     const struct cell *from, const struct cell *to)
{
	const struct param *param = &p->base.spec->space->params[i];
	double a, b;

	if (!to->active || param->type == PARAM_CONSTANT)
		return CHANGE_NONE;
	if (!from->active)
		return CHANGE_ANEW;
	a = param->type == PARAM_CHOICE ? (double)from->i
					: param_number(param, from);
	b = param->type == PARAM_CHOICE ? (double)to->i
					: param_number(param, to);
	if (a == b)
		return CHANGE_NONE;
	if (draw(p, i, 0) < ANEW)
		return CHANGE_ANEW;
	/* Of a number below 0, more is farther from it. */
	return (fabs(b) == fabs(a) ? b > a : fabs(b) > fabs(a)) ? CHANGE_MORE
								: CHANGE_LESS;
}

static void perturb(const struct pbt *p, const struct cell *from,
		    struct cell *ret_config, struct rationale *ret_why)
{
	const struct space *space = p->base.spec->space;

	for (size_t i = 0; i < space->n; i++)
		ret_config[i] = perturb_one(p, i, &from[i]);
	space_activate(space, ret_config);
	for (size_t i = 0; i < space->n; i++)
		ret_why->changes[i] = change_of(p, i, &from[i], &ret_config[i]);
}

/* --- asking -----------------------------------------------------------------
 */

static void explain(const struct pbt *p, struct rationale *ret)
{
	const struct history *h = &p->base.history;

	*ret = (struct rationale){ .why = WHY_START };
	ret->best = ret->mean = ret->low = ret->high = (double)NAN;
	ret->noise = ret->feasible = (double)NAN;
	ret->value = ret->own_value = (double)NAN;
	for (size_t i = 0; i < h->n; i++) {
		ret->pending += !is_over(&h->rows[i].seen);
		if (!has_result(&h->rows[i].seen))
			continue;
		ret->observations++;
		ret->best = fmin(ret->best, h->rows[i].seen.score);
	}
	ret->best = score_of(p->base.spec->goal, ret->best);
}

/* A new configuration, from nothing. */
static enum sampler_answer begin(const struct pbt *p, uint64_t *cursor,
				 struct cell *ret_config,
				 struct rationale *ret_why)
{
	ret_why->lineage.generation = 1;
	return start_next(&p->start, &p->base.history.tried, cursor, ret_config)
		   ? SAMPLER_OK
		   : SAMPLER_EXHAUSTED;
}

static void go_on(struct pbt *p, size_t parent, struct cell *ret_config,
		  struct rationale *ret_why)
{
	const struct history_row *row = &p->base.history.rows[parent];
	enum goal goal = p->base.spec->goal;

	for (size_t i = 0; i < p->base.spec->space->n; i++)
		ret_config[i] = row->config[i];
	ret_why->lineage.generation = row->seen.lineage.generation + 1;
	ret_why->lineage.parent = (int64_t)parent;
	ret_why->ranked = p->n_ranked;
	ret_why->rank = rank_of(p, parent);
	ret_why->value = score_of(goal, row->seen.score);
}

/* One of the best goes on in the place of @own. */
static void copy_best(struct pbt *p, size_t own, struct cell *ret_config,
		      struct rationale *ret_why)
{
	const struct observation *o = seen_of(p, own);
	uint64_t k = rng_below(p->base.spec->seed, rng_stream(RNG_PBT, 0),
			       p->base.history.n, share_of(p->n_ranked));
	size_t parent = p->ranked[k].number;

	ret_why->why = WHY_COPY;
	ret_why->own_rank = rank_of(p, own);
	if (has_result(o))
		ret_why->own_value = score_of(p->base.spec->goal, o->score);
	go_on(p, parent, ret_config, ret_why);
	perturb(p, p->base.history.rows[parent].config, ret_config, ret_why);
}

static enum sampler_answer continue_member(struct pbt *p, size_t own,
					   uint64_t *cursor,
					   struct cell *ret_config,
					   struct rationale *ret_why)
{
	const struct observation *o = seen_of(p, own);
	int64_t generation = o->lineage.generation;

	rank(p, generation);
	if (has_result(o) && !is_replaced(p, own)) {
		ret_why->why = WHY_NEXT;
		go_on(p, own, ret_config, ret_why);
		return SAMPLER_OK;
	}
	if (generation == 1 && !has_result(o) && o->fate != FATE_PRUNED)
		return begin(p, cursor, ret_config, ret_why);
	while (p->n_ranked == 0 && generation > 1)
		rank(p, --generation);
	if (p->n_ranked == 0)
		return begin(p, cursor, ret_config, ret_why);
	copy_best(p, own, ret_config, ret_why);
	return SAMPLER_OK;
}

static enum sampler_answer pbt_ask(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config,
				   struct rationale *ret_why)
{
	struct pbt *p = (struct pbt *)s;
	size_t member;
	bool waits;

	find_latest(p);
	member = next_member(p, &waits);
	if (member == NONE)
		return waits ? SAMPLER_WAIT : SAMPLER_EXHAUSTED;
	explain(p, ret_why);
	ret_why->lineage.member = (int64_t)member;
	if (p->latest[member] == NONE)
		return begin(p, cursor, ret_config, ret_why);
	return continue_member(p, p->latest[member], cursor, ret_config,
			       ret_why);
}

static struct sampler *pbt_create(const struct search_spec *spec)
{
	struct pbt *p = xcalloc(1, sizeof(*p));
	size_t n = (size_t)spec->population;

	start_init(&p->start, spec);
	p->generations = search_generations(spec);
	p->latest = xcalloc(n, sizeof(*p->latest));
	for (size_t m = 0; m < n; m++)
		p->latest[m] = NONE;
	return &p->base;
}

static void pbt_destroy(struct sampler *s)
{
	struct pbt *p = (struct pbt *)s;

	start_fini(&p->start);
	free(p->latest);
	free(p->ranked);
	free(p);
}

const struct sampler_ops sampler_pbt = {
	.type = SAMPLER_PBT,
	.learns = true,
	.create = pbt_create,
	.ask = pbt_ask,
	.destroy = pbt_destroy,
};
