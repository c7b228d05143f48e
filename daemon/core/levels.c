/*
 * What a sampler is told of trials that have had different budgets: never
 * results of two of them. The results of one run make its model (bohb.h); which
 * one may change as results come, and then it is told of all trials again.
 */
#include "core/model.h"
#include "search/bohb.h"

#include "schema/mem.h"

#include <stdlib.h>

/* The trial's result of run @run. */
static bool find_result(const struct trial *t, int64_t run, double *ret)
{
	size_t n = curve_until(&t->results, run);

	if (n == 0 || t->results.points[n - 1].step != run)
		return false;
	*ret = t->results.points[n - 1].value;
	return true;
}

/* Ran elsewhere, with all of the budget as far as anybody knows. */
static bool is_whole(const struct trial *t, const struct observation *seen)
{
	return t->rec.origin == ORIGIN_IMPORTED && t->results.n == 0 &&
	       seen->fate == FATE_DONE;
}

int64_t levels_find_run(const struct search *s)
{
	auto_free int64_t *n = xcalloc((size_t)s->spec->runs, sizeof(*n));

	for (size_t i = 0; i < s->n; i++) {
		const struct trial *t = s->trials[i];
		struct observation seen = suggest_observe(t);

		if (seen.fate == FATE_FAILED)
			continue;
		for (size_t k = 0; k < t->results.n; k++)
			n[t->results.points[k].step]++;
		n[s->spec->runs - 1] += is_whole(t, &seen);
	}
	return bohb_run(s->spec, n);
}

void levels_observe(const struct trial *t, int64_t run,
		    struct observation *seen)
{
	const struct search_spec *spec = t->search->spec;
	double result;

	if (seen->fate == FATE_FAILED)
		return;
	seen->runs = 0;
	seen->steps = search_level(spec, run);
	/* Of whole trials alone it is known how long they take. */
	if (t->rec.state != TRIAL_DONE)
		seen->seconds = 0;
	if (is_whole(t, seen) && run == spec->runs - 1)
		return;
	if (find_result(t, run, &result)) {
		seen->fate = FATE_DONE;
		seen->score = score_of(spec->goal, result);
	} else if (seen->fate == FATE_PRUNED) {
		seen->fate = FATE_SHORT;
	} else if (seen->fate == FATE_DONE) {
		seen->fate = FATE_NONE;
	}
}
