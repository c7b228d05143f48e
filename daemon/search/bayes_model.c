#include "search/bayes_model.h"

#include "search/optimism.h"
#include "search/rationale.h"
#include "search/regret.h"
#include "search/rows.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LATEST       200  /* of each kind, of which a side process is made */
#define EVALUATIONS  60   /* of the likelihood of one */
#define LEAST_SPREAD 1e-3 /* of ln seconds: they differ by nothing */
#define TIMED_MIN    3    /* trials that tell how long others take */

void bayes_cache_init(struct bayes_cache *c, const struct encoding *e,
		      bool per_second)
{
	auto_free bool *is_choice = xcalloc(e->n + 1, sizeof(*is_choice));

	for (size_t i = 0; i < e->n; i++)
		is_choice[i] = e->axes[i].type == AXIS_CHOICE;
	c->encoding = e;
	fit_init(&c->fit, e, is_choice);
	c->value = gp_new(e->n, is_choice);
	c->feasible = gp_new(e->n, is_choice);
	c->duration = per_second ? gp_new(e->n, is_choice) : NULL;
}

void bayes_cache_fini(struct bayes_cache *c)
{
	fit_fini(&c->fit);
	gp_free(c->value);
	gp_free(c->feasible);
	gp_free(c->duration);
}

/* --- the processes ---------------------------------------------------------
 */

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

/* What it had of running trials is dropped. */
static int solve_value(struct bayes_model *m, double scale)
{
	const struct evidence *v = m->evidence;
	struct gp *g = m->cache->value;
	double hyper[LIMIT_PARAMS + 2];
	auto_free size_t *rows = xcalloc(v->results.n, sizeof(*rows));
	size_t n, same;

	memcpy(hyper, m->hyper, (v->d + 2) * sizeof(*hyper));
	hyper[v->d] = fmax(hyper[v->d], log(scale));
	if (memcmp(hyper, g->hyper, (v->d + 2) * sizeof(*hyper)) != 0)
		gp_set_hyper(g, hyper);
	n = rows_local(v, g, rows);
	same = common_rows(g, v, rows, n);
	gp_truncate(g, same);
	gp_reserve(g, n + v->running.n + v->early.n);
	for (size_t k = 0; k < n; k++) {
		double y = target_of(&m->target, v->score[rows[k]]);

		if (k < same)
			g->y[k] = y;
		else
			gp_add(g, v->results.x + rows[k] * v->d, y,
			       v->repeats[rows[k]]);
	}
	return gp_solve(g);
}

/* Fits a side process to its rows. */
static int solve_side(struct gp *g)
{
	double hyper[LIMIT_PARAMS + 2];

	g->noise_floor = 1e-4;
	gp_hyper_default(g, hyper);
	(void)gp_fit(g, hyper, EVALUATIONS);
	gp_set_hyper(g, hyper);
	return gp_solve(g);
}

static int solve_feasible(struct gp *g, const struct evidence *v)
{
	size_t good = v->results.n > LATEST ? v->results.n - LATEST : 0;
	size_t bad = v->failed.n > LATEST ? v->failed.n - LATEST : 0;

	gp_clear(g);
	gp_reserve(g, v->results.n - good + v->failed.n - bad);
	for (; good < v->results.n; good++)
		gp_add(g, v->results.x + good * v->d, 1, 1);
	for (; bad < v->failed.n; bad++)
		gp_add(g, v->failed.x + bad * v->d, -1, 1);
	return solve_side(g);
}

/* Of the latest, their logarithms less the mean, in deviations. */
static int solve_duration(struct bayes_model *m)
{
	const struct evidence *v = m->evidence;
	size_t n = v->timed.n < LATEST ? v->timed.n : LATEST;
	size_t first = v->timed.n - n;
	struct gp *g = m->duration;
	double sum = 0, squares = 0;

	for (size_t i = first; i < v->timed.n; i++)
		sum += log(v->seconds[i]);
	m->ln_seconds = sum / (double)n;
	for (size_t i = first; i < v->timed.n; i++) {
		double off = log(v->seconds[i]) - m->ln_seconds;

		squares += off * off;
	}
	m->ln_spread = fmax(sqrt(squares / (double)n), LEAST_SPREAD);
	gp_clear(g);
	gp_reserve(g, n);
	for (size_t i = first; i < v->timed.n; i++)
		gp_add(g, v->timed.x + i * v->d,
		       (log(v->seconds[i]) - m->ln_seconds) / m->ln_spread, 1);
	return solve_side(g);
}

int bayes_model_init(struct bayes_model *m, struct bayes_cache *c,
		     const struct evidence *v)
{
	*m = (struct bayes_model){ .cache = c, .evidence = v };
	target_init(&m->target, v->results.n, v->score);
	target_raise(&m->target, optimism(c->encoding, v, v->results.n));
	fit_hyper(&c->fit, v, m->hyper);
	if (c->duration != NULL && v->timed.n >= TIMED_MIN) {
		m->duration = c->duration;
		if (solve_duration(m) != 0)
			return 1;
	}
	if (v->failed.n == 0)
		return 0;
	m->feasible = c->feasible;
	return solve_feasible(m->feasible, v);
}

void bayes_model_fini(struct bayes_model *m)
{
	acquisition_fini(&m->acquisition);
	target_fini(&m->target);
}

static void add_pending(struct gp *g, const struct points *p)
{
	for (size_t i = 0; i < p->n; i++)
		gp_add(g, p->x + i * g->d, 0, 1);
}

int bayes_model_aim(struct bayes_model *m, const struct aim *at, uint64_t seed)
{
	const struct evidence *v = m->evidence;
	struct gp *g = m->cache->value;

	acquisition_fini(&m->acquisition);
	m->acquisition = (struct acquisition){ .value = g,
					       .feasible = m->feasible,
					       .duration = m->duration,
					       .branch = at->branch,
					       .per_unit = m->ln_spread };
	if (solve_value(m, at->scale) != 0)
		return 1;
	add_pending(g, &v->running);
	add_pending(g, &v->early);
	return acquisition_init(&m->acquisition, v->running.n + v->early.n,
				seed);
}

double bayes_model_regret(struct bayes_model *m, size_t n, const double *x)
{
	struct regret r;

	if (solve_value(m, 0) != 0)
		return (double)NAN;
	r = regret_bound(m->cache->value, n, x);
	return target_back(&m->target, r.high) - target_back(&m->target, r.low);
}

/* --- the reasons -----------------------------------------------------------
 */

static void explain_nearest(const struct bayes_model *m, enum goal goal,
			    const double *x, struct rationale *why)
{
	const struct evidence *v = m->evidence;

	why->n_nearest = 0;
	for (size_t i = 0; i < v->results.n; i++) {
		double r =
		    gp_distance(m->cache->value, x, v->results.x + i * v->d);

		rationale_add_nearest(why, v->results.number[i], r,
				      score_of(goal, v->score[i]));
	}
}

/*
 * How far a result varies, on average, with one parameter alone: 1 - k / s over
 * two places drawn from its axis; as shares of all.
 */
static void explain_relevance(const struct bayes_cache *c,
			      struct rationale *why)
{
	const struct encoding *e = c->encoding;
	double sum = 0;

	memset(why->relevance, 0, sizeof(why->relevance));
	for (size_t i = 0; i < e->n; i++) {
		const struct axis *a = &e->axes[i];
		double vary = gp_variation(c->value, i);

		if (a->type == AXIS_CHOICE)
			vary *= 1 - 1 / (double)a->levels;
		why->relevance[a->param] = vary;
		sum += vary;
	}
	for (size_t i = 0; i < e->space->n && sum > 0; i++)
		why->relevance[i] /= sum;
}

void bayes_model_explain(struct bayes_model *m, enum goal goal, const double *x,
			 struct rationale *why)
{
	const struct evidence *v = m->evidence;
	const struct target *t = &m->target;
	struct acquisition_view view;
	double low, high;

	acquisition_look(&m->acquisition, x, &view);
	low = target_back(t, view.mean - sqrt(view.sd * view.sd + view.noise));
	high = target_back(t, view.mean + sqrt(view.sd * view.sd + view.noise));
	why->why = WHY_MODEL;
	why->best = score_of(goal, v->score[v->best]);
	why->mean = score_of(goal, target_back(t, view.mean));
	why->low = goal == GOAL_MAXIMIZE ? -high : low;
	why->high = goal == GOAL_MAXIMIZE ? -low : high;
	why->noise = fabs(target_back(t, view.mean + sqrt(view.noise)) -
			  target_back(t, view.mean - sqrt(view.noise))) /
		     2;
	why->feasible = view.feasible;
	why->seconds = m->duration == NULL
			   ? (double)NAN
			   : exp(m->ln_seconds + m->ln_spread * view.duration);
	why->regret = (double)NAN;
	why->exploration = view.exploration;
	explain_nearest(m, goal, x, why);
	explain_relevance(m->cache, why);
}
