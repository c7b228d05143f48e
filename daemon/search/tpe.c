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
#include "search/listing.h"
#include "search/parzen.h"
#include "search/sampler.h"
#include "search/start.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Results that the model needs to begin with. */
#define START_RESULTS 10

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
	size_t n_good, n_bad;  /* of these, the bad ones not yet bounded */
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
	s.n_bad = s.observations + s.pending - s.n_good;
	return s;
}

static bool is_good(const struct split *s, const struct history *h, size_t k)
{
	return s->n_good > 0 && !is_better(h, s->good[s->n_good - 1], k);
}

/* --- the model -------------------------------------------------------------
 */

struct model {
	const struct history *history;
	struct split split;
	struct parzen good, bad;
};

/* The weights of n trials, by age: the last 25 have 1, the first 1 / n. */
static double weight_of(size_t age, size_t n)
{
	const size_t full = 25;

	if (age < full)
		return 1;
	if (n == full + 1)
		return 1 / (double)n;
	return 1 - (1 - 1 / (double)n) * (double)(age - full) /
		       (double)(n - full - 1);
}

static void model_init(struct model *m, const struct history *h)
{
	size_t n, age = 0, results = 0;

	*m = (struct model){ .history = h, .split = split_of(h) };
	n = m->split.n_bad - m->split.pending;
	n = (n < BAD_MAX ? n : BAD_MAX) + m->split.pending;
	parzen_init(&m->good, h->space, m->split.n_good);
	parzen_init(&m->bad, h->space, n);
	for (size_t k = 0; k < m->split.n_good; k++)
		parzen_add(&m->good, h->rows[m->split.good[k]].config, 1);
	for (size_t k = h->n; k-- > 0;) {
		enum grade g = grade_of(&h->rows[k].seen);

		if (g == GRADE_UNKNOWN || is_good(&m->split, h, k))
			continue;
		if (g < GRADE_RUNNING && results++ >= BAD_MAX)
			continue;
		parzen_add(&m->bad, h->rows[k].config, weight_of(age++, n));
	}
	parzen_fit(&m->good);
	parzen_fit(&m->bad);
}

static void model_fini(struct model *m)
{
	parzen_fini(&m->good);
	parzen_fini(&m->bad);
}

/* The acquisition: log(l / g), which grows with the expected improvement. */
static double gain(struct model *m, const struct cell *config)
{
	return parzen_log_density(&m->good, config, NULL) -
	       parzen_log_density(&m->bad, config, NULL);
}

/* --- the best of many ------------------------------------------------------
 */

/* The candidate with the most gain so far. */
struct pick {
	struct model *model;
	bool known_too; /* also configurations of the history */
	bool found;
	double gain;
	struct cell *config; /* [space->n] the caller's */
};

static void pick_offer(struct pick *p, const struct cell *config)
{
	const struct history *h = p->model->history;
	double g = gain(p->model, config);

	if (p->found && g <= p->gain)
		return;
	if (!p->known_too && history_knows(h, config))
		return;
	p->found = true;
	p->gain = g;
	memcpy(p->config, config, h->space->n * sizeof(*config));
}

/* A stretch of random points: those of a proposal never meet. */
struct draws {
	uint64_t seed, cursor;
	uint32_t n; /* points so far */
};

/* Offers @n configurations drawn from @from. */
static void offer_drawn(struct pick *p, const struct parzen *from, size_t n,
			struct draws *d)
{
	const size_t axes = from->space->n + 1;
	struct cell config[LIMIT_PARAMS];
	double u[LIMIT_PARAMS + 1];

	for (size_t k = 0; k < n; k++, d->n++) {
		for (size_t i = 0; i < axes; i++) {
			uint32_t draw = d->n * (uint32_t)axes + (uint32_t)i;

			u[i] = rng_unit(d->seed, rng_stream(RNG_TPE, draw),
					d->cursor);
		}
		parzen_config(from, u, config);
		pick_offer(p, config);
	}
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Offers configurations that no trial has, from the first of the list on. */
static void offer_listed(struct pick *p, const struct search_spec *spec)
{
	const struct history *h = p->model->history;
	auto_free struct cell *config =
	    xcalloc(spec->space->n, sizeof(*config));
	auto_free uint64_t *known = xcalloc(h->n + 1, sizeof(*known));
	size_t offers = 0;

	for (size_t k = 0; k < h->n; k++)
		known[k] = h->rows[k].hash;
	qsort(known, h->n, sizeof(*known), compare_hashes);
	for (uint64_t k = 0; offers < LISTED; k++) {
		uint64_t hash;

		if (sampler_enumerate(spec, &k, config) != SAMPLER_OK)
			break;
		hash = space_hash(spec->space, config);
		if (bsearch(&hash, known, h->n, sizeof(hash), compare_hashes) !=
		    NULL)
			continue;
		pick_offer(p, config);
		offers++;
	}
}

static void choose(struct pick *p, const struct search_spec *spec,
		   uint64_t cursor)
{
	struct draws d = { .seed = spec->seed, .cursor = cursor };
	struct parzen prior;

	offer_drawn(p, &p->model->good, CANDIDATES, &d);
	if (p->found)
		return;
	parzen_init(&prior, spec->space, 0);
	parzen_fit(&prior);
	offer_drawn(p, &prior, STRANGERS, &d);
	if (!p->found && space_is_discrete(spec->space)) {
		offer_listed(p, spec);
	} else if (!p->found) {
		/* What is left is too rare to draw: better twice than never. */
		p->known_too = true;
		offer_drawn(p, &prior, 1, &d);
	}
	parzen_fini(&prior);
}

/* --- the sampler -----------------------------------------------------------
 */

static struct sampler *tpe_create(const struct search_spec *spec)
{
	struct tpe *t = xcalloc(1, sizeof(*t));

	start_init(&t->start, spec);
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

static void explain(struct model *m, enum goal goal, const struct cell *config,
		    struct rationale *r)
{
	r->observations = m->split.observations;
	r->pending = m->split.pending;
	r->best = NAN;
	if (m->split.n_good > 0)
		r->best = score_of(
		    goal, m->history->rows[m->split.good[0]].seen.score);
	r->why = m->split.n_good > 0 ? WHY_MODEL : WHY_FALLBACK;
	parzen_log_density(&m->good, config, &r->exploration);
}

static enum sampler_answer tpe_ask(struct sampler *s, uint64_t *cursor,
				   struct cell *ret_config,
				   struct rationale *ret_why)
{
	const struct tpe *t = (const struct tpe *)s;
	struct pick pick = { .known_too = s->spec->allow_duplicates,
			     .config = ret_config };
	struct model model;
	bool is_start;

	model_init(&model, &s->history);
	*ret_why = (struct rationale){ .mean = NAN,
				       .low = NAN,
				       .high = NAN,
				       .noise = NAN,
				       .feasible = NAN };
	pick.model = &model;
	is_start = model.split.observations < START_RESULTS &&
		   ask_start(t, cursor, ret_config);
	if (!is_start)
		choose(&pick, s->spec, *cursor);
	if (is_start || pick.found)
		explain(&model, s->spec->goal, ret_config, ret_why);
	if (is_start)
		ret_why->why = WHY_START;
	model_fini(&model);
	return is_start || pick.found ? SAMPLER_OK : SAMPLER_EXHAUSTED;
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
