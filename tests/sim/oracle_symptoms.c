/*
 * What ails the trials: a daemon that has loaded the rows finds the same as the
 * one before it, and counts what is saved.
 */
#include "sim.h"

#include "schema/mem.h"

#include <math.h>
#include <string.h>

static uint64_t hash_symptoms(const struct symptoms *s)
{
	uint64_t h = s->n;

	for (size_t i = 0; i < s->n; i++) {
		auto_free char *data = json_print(s->list[i].data);

		h = hash2(h, s->list[i].kind);
		h = hash2(h, (uint64_t)s->list[i].step);
		h = hash2(h, (uint64_t)lround(1000 * s->list[i].strength));
		h = hash2(h, hash_text(s->list[i].text));
		h = hash2(h, hash_text(data));
	}
	return h;
}

/* False: it is not open. */
static bool find(const struct sim *sim, const struct trial_row *t,
		 uint64_t *ret_hash)
{
	struct symptoms found;

	if (!core_symptoms(sim->core, t->rec.search, t->rec.number, &found))
		return false;
	*ret_hash = hash_symptoms(&found);
	if (found.n > 0)
		cover_thing("a running trial with symptoms");
	symptoms_fini(&found);
	return true;
}

static void check_counts(struct sim *sim, const struct search_row *s)
{
	const unsigned healthy = 1u << SYMPTOM_HEALTHY;
	int64_t counts[NAMES_SYMPTOMS_N] = { 0 };
	struct moment now = sim_now(sim);
	struct core_progress p;

	core_progress(sim->core, s->rec.id, &now, &p);
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];
		unsigned kinds = t->symptoms;

		if (t->rec.search != s->rec.id)
			continue;
		if ((kinds & healthy) != 0)
			kinds = healthy;
		for (int k = 0; k < NAMES_SYMPTOMS_N; k++)
			counts[k] += kinds >> k & 1;
	}
	sim_check(sim, memcmp(counts, p.symptoms, sizeof(counts)) == 0,
		  "the symptoms of search %lld are counted otherwise than "
		  "they are saved",
		  (long long)s->rec.id);
}

static bool is_stopped_as_diverged(const struct trial_row *t)
{
	/* One that waited to run anew may have been cancelled. */
	return (t->rec.state == TRIAL_RUNNING ||
		t->rec.state == TRIAL_PRUNED) &&
	       t->n_attempts > 0 &&
	       strcmp(t->attempts[t->n_attempts - 1].rec.stop_reason,
		      "diverged") == 0;
}

void oracle_symptoms(struct sim *sim)
{
	struct rows *r = &sim->rows;

	for (size_t i = 0; i < r->n_searches; i++) {
		if (core_has_search(sim->core, r->searches[i]->rec.id))
			check_counts(sim, r->searches[i]);
	}
	for (size_t i = 0; i < r->n_trials; i++) {
		struct trial_row *t = r->trials[i];

		sim_check(sim,
			  t->rec.state != TRIAL_QUEUED || t->rec.runs > 0 ||
			      t->symptoms == 0 ||
			      rows_search(r, t->rec.search)->spec->resumes,
			  "trial %lld waits to run, and has symptoms",
			  (long long)t->rec.id);
		sim_check(sim,
			  !is_stopped_as_diverged(t) ||
			      (t->symptoms >> SYMPTOM_DIVERGED & 1) != 0,
			  "trial %lld is stopped as diverged, and has not "
			  "diverged",
			  (long long)t->rec.id);
		if (t->rec.state == TRIAL_RUNNING)
			(void)find(sim, t, &t->found);
	}
}

void oracle_loaded(struct sim *sim, int64_t search)
{
	for (size_t i = 0; i < sim->rows.n_trials; i++) {
		const struct trial_row *t = sim->rows.trials[i];
		uint64_t found;

		if (t->rec.search == search && t->rec.state == TRIAL_RUNNING)
			sim_check(sim,
				  find(sim, t, &found) && found == t->found,
				  "trial %lld has other symptoms after a load",
				  (long long)t->rec.id);
	}
}
