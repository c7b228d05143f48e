/*
 * The runs of a trial: folds, repeats or budgets of its file, else one. They
 * come one after the other, each in attempts of its own; the trial's value is
 * the mean of those that are over. Between two of them the trial is queued, at
 * the head, so that whatever holds up a launch (a pause, a shutdown, fewer
 * slots) holds up the next run, and a restarted daemon goes on with it.
 *
 * Each run has a pruner of its own, which compares it with the same run of
 * other trials. Between runs the trial races against the best one; where the
 * file leaves open how many repeats there are, only a trial that is no worse
 * than the best one has further ones, so that the best one has had all of them.
 *
 * With a budget each run is the whole program again with more of it: the latest
 * one's result is the trial's, and whether there is a next one is for those to
 * tell that have been given as much.
 */
#include "core/model.h"
#include "search/halving.h"
#include "search/wilcoxon.h"

#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct pruner *runs_pruner(const struct trial *t, int64_t run)
{
	return t->search->pruners[run];
}

struct sorted *runs_level(const struct trial *t, int64_t run)
{
	const struct search *s = t->search;

	return &s->levels[t->first * s->spec->runs + run];
}

struct pruner_trial *runs_pruning(struct trial *t, int64_t run)
{
	int64_t n = t->search->spec->runs;

	assert(run < n);
	if (t->pruning == NULL)
		t->pruning = xcalloc((size_t)n, sizeof(struct pruner_trial *));
	if (t->pruning[run] == NULL)
		t->pruning[run] =
		    pruner_trial_new(runs_pruner(t, run), t->rec.number);
	return t->pruning[run];
}

void runs_forget(struct trial *t, int64_t run)
{
	if (t->pruning == NULL)
		return;
	pruner_trial_forget(t->pruning[run]);
	t->pruning[run] = NULL;
}

void runs_free(struct trial *t)
{
	int64_t n = t->pruning != NULL ? t->search->spec->runs : 0;

	for (int64_t run = 0; run < n; run++)
		pruner_trial_free(t->pruning[run]);
	free(t->pruning);
	curve_free(&t->results);
}

void runs_retry(struct trial *t)
{
	const struct search_spec *spec = t->search->spec;
	bool is_part = spec->budget.name != NULL && t->rec.runs < spec->runs;
	int64_t first = is_part ? t->rec.runs : t->first;

	for (int64_t run = first; run < spec->runs; run++)
		runs_forget(t, run);
	trial_forget_curve(t);
	t->rec.tries = 0;
	t->rec.steps = 0;
	if (first > t->first)
		return;
	for (size_t i = 0; spec->budget.name != NULL && i < t->results.n; i++)
		sorted_remove(runs_level(t, t->results.points[i].step),
			      score_of(spec->goal, t->results.points[i].value));
	curve_free(&t->results);
	t->rec.runs = t->first;
	t->rec.has_value = false;
	t->rec.has_error = false;
}

/* As often as it must be, and another trial is better. */
static bool is_enough(const struct trial *t)
{
	const struct search *s = t->search;

	return t->rec.runs >= s->spec->runs_min && s->best != NULL &&
	       score_of(s->spec->goal, t->rec.value) >
		   score_of(s->spec->goal, s->best->rec.value);
}

bool runs_are_left(const struct trial *t)
{
	return t->rec.runs < t->search->spec->runs && !is_enough(t);
}

void runs_load(struct trial *t, int64_t run, double result)
{
	const struct search_spec *spec = t->search->spec;

	if (spec->runs > 1)
		(void)curve_set(&t->results, run, result);
	if (spec->budget.name != NULL)
		sorted_append(runs_level(t, run), score_of(spec->goal, result));
}

size_t runs_levels(const struct search_spec *spec)
{
	size_t runs = (size_t)spec->runs;

	return spec->budget.has_brackets ? runs * runs : runs;
}

void runs_load_end(struct search *s)
{
	for (size_t i = 0; i < runs_levels(s->spec); i++)
		sorted_finish(&s->levels[i]);
}

/* The mean of the results and its standard error. */
static void set_mean(struct trial *t)
{
	const struct curve *c = &t->results;
	double mean = curve_result(c, RESULT_MEAN, t->search->spec->goal);
	double n = (double)c->n, sum = 0;

	for (size_t i = 0; i < c->n; i++)
		sum +=
		    (c->points[i].value - mean) * (c->points[i].value - mean);
	t->rec.value = mean;
	t->rec.error = c->n > 1 ? sqrt(sum / (n - 1) / n) : 0;
	t->rec.has_error = c->n > 1 && isfinite(t->rec.error);
}

void runs_end(struct trial *t, double result)
{
	const struct search_spec *spec = t->search->spec;

	assert(t->rec.runs < spec->runs && isfinite(result));
	if (spec->runs > 1)
		(void)curve_set(&t->results, t->rec.runs, result);
	if (spec->budget.name != NULL)
		sorted_add(runs_level(t, t->rec.runs),
			   score_of(spec->goal, result));
	t->search->succeeded = true;
	t->rec.runs++;
	t->rec.tries = 0;
	t->rec.has_value = true;
	t->rec.kind = VALUE_FINITE;
	if (spec->runs > 1 && spec->budget.name == NULL)
		set_mean(t);
	else
		t->rec.value = result;
}

void runs_judge(const struct trial *t, struct verdict *ret)
{
	const struct search *s = t->search;

	if (!runs_are_left(t))
		return;
	if (s->spec->budget.name != NULL)
		halving_judge(s->spec, t->rec.runs - 1, t->rec.value,
			      runs_level(t, t->rec.runs - 1), ret);
	else if (s->best != NULL)
		wilcoxon_judge(s->spec, &t->results, &s->best->results,
			       s->best->rec.number, ret);
}
