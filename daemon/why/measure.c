#include "why/measure.h"

#include "schema/token.h"

#include <math.h>
#include <string.h>

#define TINY            1e-12
#define GUESS_MAX       1000
#define ENTROPY_HIGHEST 20 /* a first loss beyond is no cross-entropy */
#define SCALE_LOWEST    0.7
#define SCALE_HIGHEST   2.5
#define SIBLINGS_MIN    3 /* that tell what is within reach */

/* Whether a loss of this name can be a cross-entropy. */
static bool may_be_entropy(const struct measure *m)
{
	static const char *const others[] = {
		"mse", "mae", "rmse", "l1", "l2", "err", "ppl", "perplexity"
	};

	if (m->trend.sign < 0 || m->first > ENTROPY_HIGHEST)
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcasestr(m->name, others[i]) != NULL)
			return false;
	for (size_t i = 0; i < m->trend.n; i++)
		if (m->trend.points[i].cost < 0)
			return false;
	return true;
}

static size_t end_points(size_t n)
{
	if (n < 6)
		return 1;
	return n / 8 > 3 ? n / 8 : 3;
}

/* The part of the run after which half of the fall was reached. */
static double half_of(const struct trend *t, double first, double best)
{
	size_t i = 0;

	while (i + 1 < t->n && t->points[i].level > (first + best) / 2)
		i++;
	return t->n > 1 ? (double)i / (double)(t->n - 1) : 0;
}

static void measure(const struct series_line *line, struct measure *m)
{
	struct trend *t = &m->trend;
	size_t third;

	trend_of(line, t);
	if (t->n == 0)
		return;
	m->first = t->first;
	m->best = t->points[t->best].level;
	m->lowest = t->points[t->lowest].cost;
	m->lowest_step = t->points[t->lowest].step;
	m->end = trend_median(t, t->n - end_points(t->n), t->n);
	m->fall = (m->first - m->best) / fmax(fabs(m->first), TINY);
	m->half = half_of(t, m->first, m->best);
	third = t->n < 6 ? 2 : t->n / 3;
	if (t->n >= 2) {
		struct trend_slope s = trend_slope(t, t->n - third, t->n);

		m->late = -s.slope * (double)(third < 3 ? 1 : third) /
			  fmax(m->first - m->best, TINY);
		m->late_t = s.t;
	}
}

static double floor_of(const struct measure *m,
		       const struct siblings_line *siblings)
{
	if (siblings == NULL || siblings->n < SIBLINGS_MIN)
		return fmin(m->best, 0);
	return fmin(m->best, trend_cost(&m->trend, siblings->best));
}

static bool is_same_kind(const struct trend *a, const struct trend *b)
{
	return a->sign * b->sign > 0 && a->offset <= b->offset &&
	       a->offset >= b->offset;
}

/* One that ends above the highest is of many classes, or diverged. */
static double entropy_scale(const struct measure *m)
{
	if (m->end > SCALE_HIGHEST)
		return m->first;
	/* That much may as well be an error of a regression. */
	if (m->first > 3.5 && m->end < 0.15 * m->first)
		return sqrt(SCALE_HIGHEST * m->first);
	return fmin(fmax(m->first, SCALE_LOWEST), SCALE_HIGHEST);
}

/* Of the curves of the same kind, a loss or a share, as the curve @c. */
static double scale_of(const struct measures *m, int c)
{
	double scale = 0, highest = 0;

	for (int i = 0; i < SERIES_CURVES; i++) {
		const struct measure *own = &m->curves[i];
		double first = own->first;

		if (own->trend.n == 0 ||
		    !is_same_kind(&own->trend, &m->curves[c].trend))
			continue;
		highest = fmax(highest, first);
		if (may_be_entropy(own))
			first = entropy_scale(own);
		else if (own->trend.offset > 0)
			first = fmax(first, own->trend.offset / 2);
		else
			continue;
		scale = fmax(scale, first);
	}
	return scale > 0 ? scale : highest;
}

static void take_shares(struct measure *m, double scale, double floor)
{
	double whole = fmax(scale - floor, TINY);

	m->scale = scale;
	m->left = (m->end - floor) / whole;
	m->rise = (m->end - m->best) / whole;
	m->noise = m->trend.noise / whole;
}

void measures_of(const struct series *s, const struct siblings *siblings,
		 struct measures *ret)
{
	static const char *const unnamed[] = { "the training loss",
					       "the validation loss" };

	*ret = (struct measures){ 0 };
	for (int c = 0; c < SERIES_CURVES; c++) {
		ret->curves[c].name =
		    s->lines[c].name != NULL ? s->lines[c].name : unnamed[c];
		measure(&s->lines[c], &ret->curves[c]);
	}
	for (int c = 0; c < SERIES_CURVES; c++)
		take_shares(&ret->curves[c], scale_of(ret, c),
			    floor_of(&ret->curves[c], siblings != NULL
							  ? &siblings->lines[c]
							  : NULL));
	if (ret->curves[SERIES_TRAIN].trend.n > 0)
		ret->train = &ret->curves[SERIES_TRAIN];
	if (ret->curves[SERIES_VALID].trend.n > 0)
		ret->valid = &ret->curves[SERIES_VALID];
	ret->main = &ret->curves[ret->curves[SERIES_TRAIN].trend.reported > 0
				     ? SERIES_TRAIN
				     : SERIES_VALID];
	if (ret->train != NULL && ret->valid != NULL &&
	    is_same_kind(&ret->train->trend, &ret->valid->trend))
		ret->gap = (ret->valid->end - ret->train->end) /
			   fmax(ret->train->scale, TINY);
}

static bool is_near_guess(double loss, int k)
{
	double guess = log(k), next = log(k + 1);

	return fabs(loss - guess) < fmin(0.01 * guess, (next - guess) / 4);
}

/* Whether the second half of the run stayed where it ends. */
static bool rests(const struct measure *m)
{
	size_t n = m->trend.n, half = n / 2, late = n - n / 4;

	return fabs(trend_median(&m->trend, half, n) - m->end) <
		   0.01 * m->end &&
	       fabs(trend_median(&m->trend, half, late) -
		    trend_median(&m->trend, late - 1, n)) < 0.008 * m->end;
}

int measures_guess(const struct measures *m, const struct measure **ret_who)
{
	const struct measure *a = m->main, *b = m->valid;

	if (b == NULL || !is_same_kind(&a->trend, &b->trend))
		b = a;
	*ret_who = b;
	/* Training shows no less than validation, but may be noisier. */
	if (!may_be_entropy(a) || a->trend.n < 3 || b->trend.n < 3 ||
	    !rests(b) || a->end < 0.985 * b->end || a->end > 1.1 * b->end)
		return 0;
	/* Of many classes only round numbers: any loss is near one of them. */
	for (int k = 2; k <= GUESS_MAX; k += k < 20 ? 1 : 10)
		if (is_near_guess(b->end, k))
			return k;
	return 0;
}
