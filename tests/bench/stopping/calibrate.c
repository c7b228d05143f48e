/*
 * What the forecast says of curves beside what became of them:
 *
 *     calibrate CURVES last|best REPEATS
 *
 * CURVES has a line for each configuration: a value for each epoch, nan where
 * it is not finite. 20 of them, drawn at random, have completed; of 25 others
 * the end is foretold from what they had at an eighth, a quarter, half and
 * three quarters of the epochs. For each a line is printed:
 *
 *     EPOCH FORETOLD SD CAME
 */
#include "num/rng.h"
#include "search/forecast.h"

#include "schema/mem.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHERS 20
#define OWN    25

struct table {
	struct curve *curves; /* [n] */
	size_t n;
};

static struct curve read_curve(const char *line)
{
	struct curve c = { 0 };
	char *end;

	for (;; line = end) {
		double v = strtod(line, &end);

		if (end == line)
			return c;
		(void)curve_set(&c, (int64_t)c.n + 1, v);
	}
}

static struct table read_table(const char *path)
{
	struct table t = { 0 };
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL)
		err(2, "%s", path);
	while (getline(&line, &cap, f) > 0) {
		t.curves = xreallocarray(t.curves, t.n + 1, sizeof(*t.curves));
		t.curves[t.n++] = read_curve(line);
	}
	if (ferror(f))
		err(2, "%s", path);
	(void)fclose(f);
	free(line);
	return t;
}

static void shuffle(struct table *t, uint64_t seed)
{
	for (size_t i = t->n; i-- > 1;) {
		size_t k = (size_t)rng_below(seed, 0, i, i + 1);
		struct curve c = t->curves[i];

		t->curves[i] = t->curves[k];
		t->curves[k] = c;
	}
}

/* Of the first @n points. */
static void progress_at(const struct curve *c, size_t n, enum result_rule rule,
			struct progress *ret)
{
	struct curve part = { .points = c->points, .n = n };

	progress_of(&part, rule, GOAL_MINIMIZE, ret);
}

static void compare(const struct curve *c, const struct progress *const *others,
		    enum result_rule rule)
{
	static const double shares[] = { 0.125, 0.25, 0.5, 0.75 };
	struct progress whole, own;
	struct forecast f;

	progress_of(c, rule, GOAL_MINIMIZE, &whole);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t n = (size_t)round(shares[i] * (double)c->n);

		progress_at(c, n, rule, &own);
		if (whole.n > 0 && own.n > 0 &&
		    forecast_make(&own, others, OTHERS, (int64_t)c->n, &f))
			printf("%zu %.9g %.9g %.9g\n", n, f.mean, f.sd,
			       whole.points[whole.n - 1].cost);
	}
}

static void run(const struct table *t, enum result_rule rule)
{
	struct progress done[OTHERS];
	const struct progress *others[OTHERS];

	for (size_t i = 0; i < OTHERS; i++) {
		progress_of(&t->curves[i], rule, GOAL_MINIMIZE, &done[i]);
		others[i] = &done[i];
		if (done[i].n == 0) /* it has never had a finite value */
			return;
	}
	for (size_t i = OTHERS; i < OTHERS + OWN; i++)
		compare(&t->curves[i], others, rule);
}

int main(int argc, char **argv)
{
	enum result_rule rule;
	struct table t;

	if (argc != 4)
		errx(2, "usage: calibrate CURVES last|best REPEATS");
	t = read_table(argv[1]);
	rule = strcmp(argv[2], "best") == 0 ? RESULT_BEST : RESULT_LAST;
	if (t.n < OTHERS + OWN)
		errx(2, "%s: has %zu curves (must have at least %d)", argv[1],
		     t.n, OTHERS + OWN);
	for (long i = 0; i < strtol(argv[3], NULL, 10); i++) {
		shuffle(&t, (uint64_t)i);
		run(&t, rule);
	}
	for (size_t i = 0; i < t.n; i++)
		curve_free(&t.curves[i]);
	free(t.curves);
	return 0;
}
