/*
 * Replays curves under an early-stopping rule, as the daemon would ask it:
 *
 *     replay CURVES SEARCH.json WORKERS EPOCHS [decisions] [unequal] < ORDERS
 *
 * CURVES has a line for each configuration: a value for each epoch. A line of
 * ORDERS lists the configurations (from 0) that are tried, in this order, by
 * WORKERS workers at the same time: each epoch takes one unit of time, or, if
 * they are `unequal`, a time between a quarter and 4 that is drawn for each
 * configuration; reports of the same moment come by the worker's number. No
 * more than EPOCHS are spent in all (0: as many as there are). For each order
 * a line is printed:
 *
 *     EPOCHS-SPENT STARTED BEST-VALUE STOPPED...
 *
 * BEST-VALUE is the lowest one that was reported, STOPPED the configurations
 * that were stopped before their last epoch; with `decisions` each as
 * CONFIGURATION@EPOCH. If the search "resumes", who waits goes on before new
 * ones begin, where it was, and is stopped if it waits to the end.
 */
#include "../spec_file.h"
#include "num/rng.h"
#include "search/pruner.h"

#include "schema/mem.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
	double *values; /* [n][epochs] */
	size_t n, epochs;
};

struct run {
	struct pruner_trial *trial; /* NULL: idle */
	struct curve curve;
	size_t config;
};

struct worker {
	struct run run;
	double next; /* when it reports */
};

/* [n] that wait, in the order in which they began to. */
struct waiting {
	struct run *list;
	size_t n;
};

struct replay {
	const struct table *table;
	const struct search_spec *spec;
	size_t workers, budget;
	bool decisions, unequal;
};

/* What one order gives. */
struct outcome {
	size_t spent, started, n_stopped, n_done;
	double best;
	struct stop {
		size_t config, epoch;
	} * stopped;
};

/* Appends the numbers of @line; returns how many. */
static size_t read_numbers(const char *line, double **values, size_t n)
{
	size_t added = 0;
	char *end;

	for (;; line = end) {
		double v = strtod(line, &end);

		if (end == line)
			return added;
		*values = xreallocarray(*values, n + ++added, sizeof(double));
		(*values)[n + added - 1] = v;
	}
}

static struct table table_of(const char *path)
{
	struct table t = { 0 };
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL)
		err(2, "%s", path);
	while (getline(&line, &cap, f) > 0) {
		size_t n = read_numbers(line, &t.values, t.n * t.epochs);

		if (n == 0 || (t.n > 0 && n != t.epochs))
			errx(2,
			     "%s:%zu: has %zu epochs (must have as many as "
			     "the first line)",
			     path, t.n + 1, n);
		t.epochs = n;
		t.n++;
	}
	if (ferror(f))
		err(2, "%s", path);
	(void)fclose(f);
	free(line);
	return t;
}

static void leave(struct run *run)
{
	pruner_trial_free(run->trial);
	curve_free(&run->curve);
	run->trial = NULL;
}

static void stop(struct run *run, struct pruner *p, struct outcome *out)
{
	out->stopped[out->n_stopped++] =
	    (struct stop){ run->config, run->curve.n };
	pruner_ended(p, run->trial, &run->curve, TRIAL_PRUNED);
	leave(run);
}

/* One report of the worker's trial. */
static void step(const struct replay *r, struct pruner *p, struct run *run,
		 struct waiting *waiting, struct outcome *out)
{
	size_t epoch = run->curve.n + 1;
	double value =
	    r->table->values[run->config * r->table->epochs + epoch - 1];
	struct verdict verdict = { 0 };

	pruner_report(p, run->trial, &run->curve,
		      (struct curve_point){ (int64_t)epoch, value, 0 },
		      &verdict);
	out->spent++;
	if (isfinite(value) && !(value >= out->best))
		out->best = value;
	/* Who is told to stop at its last epoch has completed. */
	if (epoch == r->table->epochs) {
		pruner_ended(p, run->trial, &run->curve, TRIAL_DONE);
		leave(run);
		out->n_done++;
	} else if (verdict.stop && strncmp(verdict.reason, "paused@", 7) == 0) {
		pruner_wait(run->trial, true);
		waiting->list[waiting->n++] = *run;
		*run = (struct run){ 0 };
	} else if (verdict.stop) {
		stop(run, p, out);
	}
	verdict_free(&verdict);
}

static double epoch_length(const struct replay *r, size_t config)
{
	if (!r->unequal)
		return 1;
	return exp2(4 * rng_unit(1, 0, config) - 2);
}

/* One that waits goes on, if one is to; or, if in any case, the best one. */
static bool go_on(struct run *run, struct pruner *p, struct waiting *waiting,
		  bool in_any_case)
{
	int64_t config = waiting->n > 0 ? pruner_promote(p, in_any_case) : -1;
	size_t i = 0;

	if (config < 0)
		return false;
	while ((int64_t)waiting->list[i].config != config)
		i++;
	*run = waiting->list[i];
	pruner_wait(run->trial, false);
	memmove(&waiting->list[i], &waiting->list[i + 1],
		(--waiting->n - i) * sizeof(*waiting->list));
	return true;
}

static bool is_idle(const struct replay *r, const struct worker *list)
{
	for (size_t i = 0; i < r->workers; i++) {
		if (list[i].run.trial != NULL)
			return false;
	}
	return true;
}

/* The one that reports next; NULL: all trials have ended. */
static struct worker *next_worker(const struct replay *r, struct worker *list,
				  const double *order, size_t n,
				  struct pruner *p, struct waiting *waiting,
				  struct outcome *out)
{
	struct worker *first = NULL;

	for (size_t i = 0; i < r->workers; i++) {
		struct run *run = &list[i].run;

		if (run->trial != NULL)
			continue;
		if (!go_on(run, p, waiting, false) && out->started < n) {
			run->config = (size_t)order[out->started++];
			run->trial = pruner_trial_new(p, (int64_t)run->config);
		}
		if (run->trial != NULL)
			list[i].next += epoch_length(r, run->config);
	}
	if (is_idle(r, list) && out->n_done == 0 &&
	    go_on(&list[0].run, p, waiting, true))
		list[0].next += epoch_length(r, list[0].run.config);
	for (size_t i = 0; i < r->workers; i++) {
		struct worker *w = &list[i];

		if (w->run.trial != NULL &&
		    (first == NULL || w->next < first->next))
			first = w;
	}
	return first;
}

static void replay(const struct replay *r, const double *order, size_t n,
		   struct outcome *out)
{
	struct pruner *p = pruner_new(r->spec);
	struct worker *workers = xcalloc(r->workers, sizeof(*workers));
	struct waiting waiting = { .list =
				       xcalloc(n + 1, sizeof(*waiting.list)) };
	struct worker *w;

	while ((w = next_worker(r, workers, order, n, p, &waiting, out)) !=
		   NULL &&
	       (r->budget == 0 || out->spent < r->budget)) {
		step(r, p, &w->run, &waiting, out);
		if (w->run.trial != NULL)
			w->next += epoch_length(r, w->run.config);
	}
	for (size_t i = 0; i < waiting.n; i++)
		stop(&waiting.list[i], p, out);
	for (size_t i = 0; i < r->workers; i++)
		leave(&workers[i].run);
	free(waiting.list);
	free(workers);
	pruner_free(p);
}

static void print(const struct replay *r, const struct outcome *out)
{
	printf("%zu %zu %.17g", out->spent, out->started, out->best);
	for (size_t i = 0; i < out->n_stopped; i++) {
		printf(" %zu", out->stopped[i].config);
		if (r->decisions)
			printf("@%zu", out->stopped[i].epoch);
	}
	putchar('\n');
}

static void replay_line(const struct replay *r, const char *line)
{
	double *order = NULL;
	size_t n = read_numbers(line, &order, 0);
	struct outcome out = { .best = (double)NAN,
			       .stopped =
				   xcalloc(n + 1, sizeof(*out.stopped)) };

	for (size_t i = 0; i < n; i++) {
		if (!(order[i] >= 0 && order[i] < (double)r->table->n))
			errx(2, "%g: no such configuration (0 to %zu)",
			     order[i], r->table->n - 1);
	}
	replay(r, order, n, &out);
	print(r, &out);
	free(out.stopped);
	free(order);
}

static size_t count_of(const char *text, size_t min)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < (long)min)
		errx(2, "%s: not a whole number (%zu or more)", text, min);
	return (size_t)n;
}

int main(int argc, char **argv)
{
	struct search_spec *spec;
	struct table table;
	struct replay r;
	char *line = NULL;
	size_t cap = 0;

	if (argc < 5)
		errx(2, "usage: replay CURVES SEARCH.json WORKERS EPOCHS "
			"[decisions] [unequal] < ORDERS");
	table = table_of(argv[1]);
	spec = spec_file(argv[2]);
	r = (struct replay){ .table = &table,
			     .spec = spec,
			     .workers = count_of(argv[3], 1),
			     .budget = count_of(argv[4], 0) };
	for (int i = 5; i < argc; i++) {
		if (strcmp(argv[i], "decisions") == 0)
			r.decisions = true;
		else if (strcmp(argv[i], "unequal") == 0)
			r.unequal = true;
		else
			errx(2, "%s: neither \"decisions\" nor \"unequal\"",
			     argv[i]);
	}
	while (getline(&line, &cap, stdin) > 0)
		replay_line(&r, line);
	free(line);
	free(table.values);
	search_free(spec);
	return 0;
}
