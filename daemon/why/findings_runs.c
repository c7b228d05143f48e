/* How long the runs are, and how much their results say. */
#include "why/finder.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR  0.01 /* of a range: as good as equal */
#define PAIRS 5    /* of nearly equal configurations, for their noise */
#define MOST  500  /* trials among which they are looked for, the best */
#define FIRST 10   /* results that are to be told apart */

/* --- longer runs
 * ----------------------------------------------------------------
 */

/* The parameter that says how long a trial trains, or NULL. */
static const struct param *length_of(const struct space *s)
{
	static const char *const names[] = {
		"epochs",     "n_epochs",  "num_epochs",   "max_epochs",
		"steps",      "max_steps", "num_steps",    "train_steps",
		"iterations", "max_iter",  "n_iter",       "iters",
		"num_iters",  "n_steps",   "n_iterations", "num_iterations",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int k = space_find(s, names[i]);

		if (k >= 0)
			return &s->params[k];
	}
	return NULL;
}

/* Twice as long. */
static void lengthen(struct finding *f, const struct param *p)
{
	if (p == NULL) {
		f->advice = xstrdup("let the trials train longer");
		return;
	}
	if (p->type == PARAM_CONSTANT && p->values[0].kind == SCALAR_INT) {
		int64_t twice = 2 * p->values[0].i;

		f->advice =
		    xasprintf("raise %s to %lld", p->name, (long long)twice);
		json_add_integer(finder_change(f, p), "value", twice);
	} else if (p->type == PARAM_INT) {
		f->advice = xasprintf("raise the range of %s to %lld", p->name,
				      (long long)p->int_max * 2);
		json_add_integer(finder_change(f, p), "max", 2 * p->int_max);
	} else {
		f->advice = xasprintf("raise %s", p->name);
	}
}

void findings_of_lengths(struct finder *r)
{
	const struct param *p = length_of(r->space);
	struct finding *f;
	size_t n = 0;

	for (size_t i = 0; i < r->n_best; i++)
		n += finder_shows(r, r->order[i], SYMPTOM_STILL_IMPROVING);
	/* Without a test: it is what these curves show, one by one. */
	if (2 * n <= r->n_best || n < 3)
		return;
	f = finder_add(r, "longer",
		       xasprintf("%zu of the %zu best trials were still "
				 "improving when they ended",
				 n, r->n_best));
	lengthen(f, p);
	json_add_integer(f->data, "best", (int64_t)r->n_best);
	json_add_integer(f->data, "still_improving", (int64_t)n);
}

/* --- noise
 * -------------------------------------------------------------------------
 */

static bool are_near(const struct finder *r, size_t a, size_t b)
{
	for (size_t i = 0; i < r->space->n; i++) {
		const struct param *p = &r->space->params[i];
		const struct cell *x = finder_cell(r, a, i);
		const struct cell *y = finder_cell(r, b, i);

		if (x->active != y->active)
			return false;
		if (!x->active || !finder_varies(p))
			continue;
		if (!finder_is_number(p)
			? x->i != y->i
			: fabs(finder_place(p, x) - finder_place(p, y)) > NEAR)
			return false;
	}
	return true;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The differences of pairs of nearly equal configurations, no trial twice. They
 * are looked for among the best, since it is their noise that counts.
 */
static size_t find_pairs(const struct finder *r, double *ret)
{
	size_t n = r->n_finite < MOST ? r->n_finite : MOST, n_pairs = 0;
	auto_free bool *is_used = xcalloc(n + 1, sizeof(*is_used));

	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n && !is_used[i]; k++) {
			size_t a = r->order[i], b = r->order[k];

			if (is_used[k] || !are_near(r, a, b))
				continue;
			is_used[i] = is_used[k] = true;
			ret[n_pairs++] =
			    r->f->results.scores[b] - r->f->results.scores[a];
		}
	}
	return n_pairs;
}

/* Of the median of the differences of two normal draws. */
static double noise_of(double *differences, size_t n)
{
	qsort(differences, n, sizeof(*differences), by_value);
	return 1.4826 * differences[(n - 1) / 2] / sqrt(2);
}

void findings_of_noise(struct finder *r)
{
	auto_free double *pairs = xcalloc(MOST, sizeof(*pairs));
	const double *scores = r->f->results.scores;
	size_t n = find_pairs(r, pairs);
	struct finding *f;
	double noise, range;

	if (n < PAIRS)
		return;
	noise = noise_of(pairs, n);
	range = scores[r->order[FIRST - 1]] - scores[r->order[0]];
	if (noise == 0 || range > 2 * noise)
		return;
	f = finder_add(r, "noise",
		       xasprintf("%zu pairs of nearly equal configurations "
				 "differ by about %.2g (one standard "
				 "deviation), and the %d best results all lie "
				 "within %.2g: their order is luck",
				 n, noise, FIRST, range));
	f->advice = xstrdup("run the best few again with other seeds, and "
			    "compare the means");
	json_add_integer(f->data, "pairs", (int64_t)n);
	json_add_number(f->data, "noise", noise);
	json_add_number(f->data, "range", range);
}
