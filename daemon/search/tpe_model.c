#include "search/tpe_model.h"

#include "search/rationale.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define GOOD_SHARE 0.1

/*
 * The bad trials that count, the latest ones, and those that run besides: they
 * bound the cost of a proposal of a long search.
 */
#define BAD_MAX 1000

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
	case FATE_SHORT:
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

/* Keeps the best of those seen, sorted by insertion. */
static void split_insert(struct tpe_split *s, const struct history *h, size_t k)
{
	size_t at = s->n_good;

	if (at == TPE_GOOD_MAX) {
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

static struct tpe_split split_of(const struct history *h)
{
	struct tpe_split s = { 0 };
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

static bool is_good(const struct tpe_split *s, const struct history *h,
		    size_t k)
{
	return s->n_good > 0 && !is_better(h, s->good[s->n_good - 1], k);
}

/* --- the model -------------------------------------------------------------
 */

/* Whether the members of group @g are active. */
static bool is_active(const struct groups *groups, size_t g,
		      const struct cell *config)
{
	return config[groups->members[groups->first[g]]].active;
}

void tpe_model_init(struct tpe_model *m, const struct history *h,
		    const struct groups *groups)
{
	*m = (struct tpe_model){
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

void tpe_model_fini(struct tpe_model *m)
{
	for (size_t g = 0; g < m->groups->n; g++) {
		parzen_fini(&m->pairs[g].good);
		parzen_fini(&m->pairs[g].bad);
	}
	free(m->pairs);
}

/* A group learns from the trials in which it was active. */
static void learn(struct tpe_model *m, const struct cell *config, bool good)
{
	for (size_t g = 0; g < m->groups->n; g++) {
		if (is_active(m->groups, g, config))
			parzen_add(good ? &m->pairs[g].good : &m->pairs[g].bad,
				   config);
	}
}

/* The user's guesses are a good trial that has these values alone. */
static void learn_guess(struct tpe_model *m)
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

void tpe_model_fit(struct tpe_model *m)
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
	m->is_fit = true;
	for (size_t g = 0; g < m->groups->n; g++) {
		parzen_fit(&m->pairs[g].good, PARZEN_SPREAD);
		parzen_fit(&m->pairs[g].bad, PARZEN_FIXED);
	}
}

double tpe_model_group_gain(struct tpe_model *m, size_t g,
			    const struct cell *config)
{
	return parzen_log_density(&m->pairs[g].good, config, NULL) -
	       parzen_log_density(&m->pairs[g].bad, config, NULL);
}

double tpe_model_gain(struct tpe_model *m, const struct cell *config)
{
	double sum = 0;

	for (size_t g = 0; g < m->groups->n; g++) {
		if (is_active(m->groups, g, config))
			sum += tpe_model_group_gain(m, g, config);
	}
	return sum;
}

/* --- the reasons -----------------------------------------------------------
 */

/* How far the good trials are: the group that knows least tells. */
static double exploration(struct tpe_model *m, const struct cell *config)
{
	double most = 0, here;

	for (size_t g = 0; g < m->groups->n; g++) {
		if (!is_active(m->groups, g, config))
			continue;
		parzen_log_density(&m->pairs[g].good, config, &here);
		most = fmax(most, here);
	}
	return most;
}

/*
 * In the unit cube, over the parameters that are active in both; two choices
 * are 1 apart.
 */
static double distance(const struct space *space, const struct cell *a,
		       const struct cell *b)
{
	double sum = 0;

	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];

		if (!a[i].active || !b[i].active)
			continue;
		if (p->type == PARAM_CHOICE && !p->ordered)
			sum += a[i].i != b[i].i;
		else
			sum += pow(unit_of(p, &a[i]) - unit_of(p, &b[i]), 2);
	}
	return sqrt(sum);
}

/* Of the good trials and the latest others. */
static void find_nearest(const struct tpe_model *m, const struct cell *config,
			 struct rationale *r)
{
	const struct history *h = m->history;
	size_t results = 0;

	for (size_t k = h->n; k-- > 0;) {
		enum grade g = grade_of(&h->rows[k].seen);

		if (g <= GRADE_NOT_FINITE &&
		    (is_good(&m->split, h, k) || results++ < BAD_MAX))
			rationale_add_nearest(
			    r, k, distance(h->space, config, h->rows[k].config),
			    h->rows[k].seen.score);
	}
}

struct rationale tpe_model_explain(struct tpe_model *m, enum goal goal,
				   const struct cell *config)
{
	const struct tpe_split *s = &m->split;
	struct rationale r = {
		.why = s->n_good > 0 ? WHY_MODEL : WHY_FALLBACK,
		.observations = s->observations,
		.pending = s->pending,
		.best = (double)NAN,
		.mean = (double)NAN,
		.low = (double)NAN,
		.high = (double)NAN,
		.noise = (double)NAN,
		.feasible = (double)NAN,
		.exploration = m->is_fit ? exploration(m, config) : (double)NAN,
	};

	if (s->n_good > 0)
		r.best =
		    score_of(goal, m->history->rows[s->good[0]].seen.score);
	find_nearest(m, config, &r);
	for (size_t i = 0; i < r.n_nearest; i++)
		r.nearest[i].value = score_of(goal, r.nearest[i].value);
	return r;
}
