#include "why/importance.h"

#include "num/normal.h"
#include "num/rng.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TENTH    0.1
#define GRID     50    /* points of a number's range, at most */
#define PRIOR    1.0   /* weight of the kernel over the whole range */
#define TINY     1e-12 /* added to each density */
#define ROUNDS   200   /* resampled and shuffled ones, each */
#define DRAWS    4e6   /* of all rounds together: fewer rounds of many trials */
#define INACTIVE UINT32_MAX

/* A parameter that takes several values, and where they lie on its grid. */
struct axis {
	size_t param;
	size_t grid; /* points */
	bool is_number;
	double *prior;     /* [grid] the kernel of the prior */
	uint32_t *at;      /* [trials] a point or INACTIVE */
	double active;     /* of the weighed trials, and their density: */
	double *among_all; /* [grid] */
	double found;      /* the importance, not yet a share */
	double standard;   /* the same, made comparable */
	double *shares;    /* [rounds] */
	double *shuffled;  /* [rounds] importances where it does nothing */
	double chance;
};

struct placed {
	double score;
	uint32_t trial;
};

struct work {
	const struct results *r;
	struct axis *axes;
	size_t n_axes;
	size_t rounds;
	struct placed *order; /* [trials] the best first */
	uint32_t *weights;  /* [trials] how often each counts; 0: not at all */
	uint32_t *best;     /* [trials] the same of the best ones */
	double n_best;      /* of them, as they are weighed */
	double *counts;     /* [the largest grid] */
	double *among_best; /* likewise */
};

/* --- the grid ---------------------------------------------------------------
 */

static bool is_number(const struct param *p)
{
	return p->type == PARAM_FLOAT || p->type == PARAM_INT || p->ordered;
}

static size_t grid_size(const struct param *p)
{
	double levels = (double)param_cardinality(p);

	if (!is_number(p) || levels == 1)
		return (size_t)levels;
	if (p->type == PARAM_INT && p->scale == SCALE_LOG)
		levels =
		    ceil(log(param_max(p) - param_min(p) + 1) / log(2)) + 1;
	return levels == 0 || levels > GRID ? GRID : (size_t)levels;
}

static uint32_t grid_point(const struct param *p, const struct cell *c,
			   size_t grid)
{
	double low = 0, high = (double)p->n_values - 1, at = (double)c->i;

	if (!c->active)
		return INACTIVE;
	if (!is_number(p))
		return (uint32_t)c->i;
	if (p->type != PARAM_CHOICE) {
		low = scale_apply(p->scale, param_min(p));
		high = scale_apply(p->scale, param_max(p));
		at = scale_apply(p->scale, param_number(p, c));
	}
	at = ceil((at - low) / ((high - low) / (double)(grid - 1)) - 0.5);
	return (uint32_t)fmin(fmax(at, 0), (double)grid - 1);
}

/* --- densities --------------------------------------------------------------
 */

/*
 * Adds kernels of a normal distribution cut to the grid, each weighing @counts
 * of all @sum, to @density.
 */
static void add_kernels(double width, const double *counts, size_t grid,
			double sum, double *density)
{
	double tails[GRID + 1];    /* left of k - 1/2 below the middle */
	double mass[2 * GRID - 1]; /* of a step, the middle at grid - 1 */
	double up_to[GRID];        /* of the steps from the middle to k */
	double *middle = mass + grid - 1;

	for (size_t k = 0; k <= grid; k++)
		tails[k] = normal_cdf((0.5 - (double)k) / width);
	for (size_t k = 0; k < grid; k++) {
		middle[k] = *(middle - k) = tails[k] - tails[k + 1];
		up_to[k] = middle[k] + (k > 0 ? up_to[k - 1] : 0);
	}
	for (size_t i = 0; i < grid; i++) {
		double inside = up_to[i] + up_to[grid - 1 - i] - *middle;
		double weight = counts[i] / sum / inside;

		for (size_t g = 0; g < grid && weight > 0; g++)
			density[g] += weight * *(middle - i + g);
	}
}

/* The first point up to which the counts are at least, or more than @sum. */
static size_t quartile(const double *counts, size_t grid, double sum,
		       bool is_more)
{
	size_t last = 0;
	double so_far = 0;

	for (size_t g = 0; g < grid; g++) {
		if (counts[g] == 0)
			continue;
		so_far += counts[g];
		last = g;
		if (is_more ? so_far > sum : so_far >= sum)
			break;
	}
	return last;
}

/* Scott's rule, in steps of the grid; at least 90 % within half of one. */
static double bandwidth(const double *counts, size_t grid, double n)
{
	double mean = 0, var = 0, range, width;

	for (size_t g = 0; g < grid; g++)
		mean += counts[g] * (double)g;
	mean /= n;
	for (size_t g = 0; g < grid; g++)
		var += counts[g] * ((double)g - mean) * ((double)g - mean);
	range = (double)quartile(counts, grid, floor(n * 3 / 4), true) -
		(double)quartile(counts, grid, floor(n / 4), false);
	width = sqrt(var / fmax(1, n - 1));
	width = 1.059 * fmin(range / 1.34, width) * pow(n, -0.2);
	return fmax(width, 0.5 / 1.64);
}

/* Each distinct choice has a kernel of its own, which leaks to the others. */
static void choice_density(const double *counts, size_t grid, double sum,
			   double *density)
{
	double kernels = 1, leak, whole, everywhere = 0;

	for (size_t g = 0; g < grid; g++)
		kernels += counts[g] > 0;
	leak = PRIOR / kernels;
	whole = 1 + (double)grid * leak;
	for (size_t g = 0; g < grid; g++)
		everywhere += counts[g] / sum * leak / whole;
	for (size_t g = 0; g < grid; g++)
		density[g] += everywhere + counts[g] / sum / whole;
}

/* Of the counted trials, at each point of the grid. */
static void density_of(const struct axis *a, const double *counts, double n,
		       double *ret_density)
{
	for (size_t g = 0; g < a->grid; g++)
		ret_density[g] = TINY + PRIOR / (n + PRIOR) * a->prior[g];
	if (a->is_number)
		add_kernels(bandwidth(counts, a->grid, n), counts, a->grid,
			    n + PRIOR, ret_density);
	else
		choice_density(counts, a->grid, n + PRIOR, ret_density);
}

static double *make_prior(const struct axis *a)
{
	double *prior = xcalloc(a->grid, sizeof(*prior));
	double middle = ((double)a->grid - 1) / 2, width = (double)a->grid;
	double sum = 0;

	for (size_t g = 0; g < a->grid; g++) {
		double left = ((double)g - 0.5 - middle) / width;
		double right = ((double)g + 0.5 - middle) / width;

		prior[g] =
		    a->is_number ? normal_cdf(right) - normal_cdf(left) : 1;
		sum += prior[g];
	}
	for (size_t g = 0; g < a->grid; g++)
		prior[g] /= sum;
	return prior;
}

/* --- the importance of one parameter
 * ------------------------------------------
 */

/* Returns the sum of those that are active. */
static double count(const struct work *w, const struct axis *a,
		    const uint32_t *weights)
{
	double sum = 0;

	memset(w->counts, 0, a->grid * sizeof(*w->counts));
	for (size_t i = 0; i < w->r->n; i++) {
		if (weights[i] == 0 || a->at[i] == INACTIVE)
			continue;
		w->counts[a->at[i]] += weights[i];
		sum += weights[i];
	}
	return sum;
}

/* After the weights have changed. */
static void weigh_axes(struct work *w)
{
	for (size_t i = 0; i < w->n_axes; i++) {
		struct axis *a = &w->axes[i];

		a->active = count(w, a, w->weights);
		if (a->active > 0)
			density_of(a, w->counts, a->active, a->among_all);
	}
}

static double measure(struct work *w, const struct axis *a)
{
	double active_best = count(w, a, w->best);
	double alpha, beta, divergence = 0;

	if (a->active < 2 || active_best == 0)
		return 0;
	density_of(a, w->counts, active_best, w->among_best);
	for (size_t g = 0; g < a->grid; g++) {
		double ratio = w->among_best[g] / a->among_all[g] - 1;

		divergence += a->among_all[g] * ratio * ratio;
	}
	alpha = active_best / w->n_best;
	beta = a->active / (double)w->r->n;
	return alpha * alpha / beta * divergence;
}

/* --- which trials are the best
 * ------------------------------------------------
 */

static int by_score(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return x->score != y->score
		   ? (x->score > y->score ? 1 : -1)
		   : (x->trial > y->trial) - (x->trial < y->trial);
}

static void rank_trials(struct work *w)
{
	for (size_t i = 0; i < w->r->n; i++)
		w->order[i] = (struct placed){ w->r->scores[i], (uint32_t)i };
	qsort(w->order, w->r->n, sizeof(*w->order), by_score);
}

/* How many the best are, but for those that are as good as the last. */
static double wanted(const struct work *w)
{
	return fmax(ceil(TENTH * (double)w->r->n), IMPORTANCE_BEST);
}

/* Of the weighed trials. Returns the score of the last. */
static double choose_best(struct work *w)
{
	double sum = 0, last = -(double)INFINITY;

	memset(w->best, 0, w->r->n * sizeof(*w->best));
	for (size_t i = 0; i < w->r->n; i++) {
		const struct placed *t = &w->order[i];

		if (w->weights[t->trial] == 0)
			continue;
		if (sum >= wanted(w) && t->score > last)
			break;
		w->best[t->trial] = w->weights[t->trial];
		sum += w->weights[t->trial];
		last = t->score;
	}
	w->n_best = sum;
	return last;
}

/* Each trial as often as it is drawn, with replacement. */
static void resample(struct work *w, uint64_t seed, size_t round)
{
	uint32_t stream = rng_stream(RNG_RESAMPLE, (uint32_t)round);

	memset(w->weights, 0, w->r->n * sizeof(*w->weights));
	for (size_t i = 0; i < w->r->n; i++)
		w->weights[rng_below(seed, stream, i, w->r->n)]++;
	choose_best(w);
}

/* @n of all trials are called the best, whatever they are. */
static void shuffle(struct work *w, uint64_t seed, size_t round, size_t n)
{
	uint32_t stream = rng_stream(RNG_SHUFFLE, (uint32_t)round);

	memset(w->best, 0, w->r->n * sizeof(*w->best));
	/* R. Floyd's sample without replacement. */
	for (size_t i = w->r->n - n; i < w->r->n; i++) {
		size_t pick = rng_below(seed, stream, i, i + 1);

		w->best[w->best[pick] != 0 ? i : pick] = 1;
	}
	w->n_best = (double)n;
}

static void weigh_all(struct work *w)
{
	for (size_t i = 0; i < w->r->n; i++)
		w->weights[i] = 1;
}

/* --- all together
 * ------------------------------------------------------------------
 */

static void add_axis(struct work *w, size_t param)
{
	const struct param *p = &w->r->space->params[param];
	struct axis *a = &w->axes[w->n_axes];
	bool is_active = false;

	a->param = param;
	a->grid = grid_size(p);
	a->is_number = is_number(p);
	a->at = xcalloc(w->r->n, sizeof(*a->at));
	for (size_t i = 0; i < w->r->n; i++) {
		a->at[i] = grid_point(p, results_cell(w->r, i, param), a->grid);
		is_active = is_active || a->at[i] != INACTIVE;
	}
	if (!is_active) {
		free(a->at);
		return;
	}
	a->prior = make_prior(a);
	a->among_all = xcalloc(a->grid, sizeof(*a->among_all));
	a->shares = xcalloc(w->rounds, sizeof(*a->shares));
	a->shuffled = xcalloc(w->rounds, sizeof(*a->shuffled));
	w->n_axes++;
}

static void begin(struct work *w)
{
	size_t widest = GRID;

	w->rounds = (size_t)fmin(ROUNDS, ceil(DRAWS / (double)w->r->n));
	w->axes = xcalloc(w->r->space->n, sizeof(*w->axes));
	for (size_t i = 0; i < w->r->space->n; i++) {
		const struct param *p = &w->r->space->params[i];

		if (p->type != PARAM_CONSTANT && param_cardinality(p) != 1)
			add_axis(w, i);
	}
	for (size_t i = 0; i < w->n_axes; i++)
		widest = w->axes[i].grid > widest ? w->axes[i].grid : widest;
	w->counts = xcalloc(widest, sizeof(double));
	w->among_best = xcalloc(widest, sizeof(double));
}

static void end(struct work *w)
{
	for (size_t i = 0; i < w->n_axes; i++) {
		free(w->axes[i].prior);
		free(w->axes[i].among_all);
		free(w->axes[i].at);
		free(w->axes[i].shares);
		free(w->axes[i].shuffled);
	}
	free(w->axes);
	free(w->order);
	free(w->weights);
	free(w->best);
	free(w->counts);
	free(w->among_best);
}

static void resample_all(struct work *w, uint64_t seed)
{
	for (size_t round = 0; round < w->rounds; round++) {
		double sum = 0;

		resample(w, seed, round);
		weigh_axes(w);
		for (size_t i = 0; i < w->n_axes; i++)
			sum += w->axes[i].shares[round] =
			    measure(w, &w->axes[i]);
		for (size_t i = 0; i < w->n_axes && sum > 0; i++)
			w->axes[i].shares[round] /= sum;
	}
}

static void shuffle_all(struct work *w, uint64_t seed, size_t n_best)
{
	weigh_all(w);
	weigh_axes(w);
	for (size_t round = 0; round < w->rounds; round++) {
		shuffle(w, seed, round, n_best);
		for (size_t i = 0; i < w->n_axes; i++)
			w->axes[i].shuffled[round] = measure(w, &w->axes[i]);
	}
}

/* Makes importances comparable: by the mean and deviation of those shuffled. */
static void standardize(struct axis *a, size_t rounds)
{
	double mean = 0, var = 0, deviation;

	for (size_t round = 0; round < rounds; round++)
		mean += a->shuffled[round] / (double)rounds;
	for (size_t round = 0; round < rounds; round++)
		var += pow(a->shuffled[round] - mean, 2) / (double)rounds;
	deviation = fmax(sqrt(var), TINY);
	a->standard = (a->found - mean) / deviation;
	for (size_t round = 0; round < rounds; round++)
		a->shuffled[round] = (a->shuffled[round] - mean) / deviation;
}

static int by_standard(const void *a, const void *b)
{
	const struct axis *x = a, *y = b;

	if (x->standard != y->standard)
		return x->standard < y->standard ? 1 : -1;
	return (x->param > y->param) - (x->param < y->param);
}

/* Each beside the largest of those that are not above it. */
static void find_chances(struct work *w)
{
	auto_free double *largest = xcalloc(w->rounds, sizeof(*largest));
	double so_far = 0;

	for (size_t i = 0; i < w->n_axes; i++)
		standardize(&w->axes[i], w->rounds);
	qsort(w->axes, w->n_axes, sizeof(*w->axes), by_standard);
	for (size_t round = 0; round < w->rounds; round++)
		largest[round] = -(double)INFINITY;
	for (size_t i = w->n_axes; i-- > 0;) {
		struct axis *a = &w->axes[i];
		size_t exceeded = 0;

		for (size_t round = 0; round < w->rounds; round++) {
			largest[round] =
			    fmax(largest[round], a->shuffled[round]);
			exceeded += largest[round] >= a->standard;
		}
		a->chance = ((double)exceeded + 1) / ((double)w->rounds + 1);
	}
	/* What is less clear is not more certain. */
	for (size_t i = 0; i < w->n_axes; i++)
		so_far = w->axes[i].chance = fmax(w->axes[i].chance, so_far);
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int by_share(const void *a, const void *b)
{
	const struct importance *x = a, *y = b;

	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	return (x->param > y->param) - (x->param < y->param);
}

static struct importance conclude(const struct work *w, struct axis *a,
				  double sum)
{
	double last = (double)(w->rounds - 1);
	struct importance m = { .param = a->param,
				.share = a->found / sum,
				.chance = a->chance };

	qsort(a->shares, w->rounds, sizeof(*a->shares), by_number);
	m.low = fmin(m.share, a->shares[(size_t)nearbyint(0.05 * last)]);
	m.high = fmax(m.share, a->shares[(size_t)nearbyint(0.95 * last)]);
	for (size_t i = 0; i < w->r->n; i++)
		m.n += a->at[i] != INACTIVE;
	return m;
}

/* How they divide the best from the others; 0: there is nothing to divide. */
static double measure_all(struct work *w)
{
	double sum = 0;

	weigh_axes(w);
	for (size_t i = 0; i < w->n_axes; i++)
		sum += w->axes[i].found = measure(w, &w->axes[i]);
	return sum;
}

static int find(struct work *w, uint64_t seed, struct importance **ret_list,
		size_t *ret_n)
{
	size_t n_best;
	double sum;

	rank_trials(w);
	weigh_all(w);
	if (isinf(choose_best(w)))
		return IMPORTANCE_FEW;
	n_best = (size_t)w->n_best;
	if (n_best == w->r->n)
		return IMPORTANCE_EQUAL;
	begin(w);
	sum = measure_all(w);
	if (sum == 0)
		return IMPORTANCE_EQUAL;
	resample_all(w, seed);
	shuffle_all(w, seed, n_best);
	find_chances(w);
	*ret_list = xcalloc(w->n_axes, sizeof(**ret_list));
	*ret_n = w->n_axes;
	for (size_t i = 0; i < w->n_axes; i++)
		(*ret_list)[i] = conclude(w, &w->axes[i], sum);
	qsort(*ret_list, *ret_n, sizeof(**ret_list), by_share);
	return 0;
}

int importance_find(const struct results *r, uint64_t seed,
		    struct importance **ret_list, size_t *ret_n)
{
	struct work w = { .r = r };
	int answer;

	if (r->n < IMPORTANCE_TRIALS)
		return IMPORTANCE_FEW;
	w.order = xcalloc(r->n, sizeof(*w.order));
	w.weights = xcalloc(r->n, sizeof(*w.weights));
	w.best = xcalloc(r->n, sizeof(*w.best));
	answer = find(&w, seed, ret_list, ret_n);
	end(&w);
	return answer;
}
