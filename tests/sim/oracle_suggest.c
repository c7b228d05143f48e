/*
 * Samplers that learn: they know what the rows know, a sampler that has just
 * been made and told the same has the same proposals, and these become trials
 * once or not at all.
 */
#include "search/sampler.h"
#include "sim.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fx_suggest *oracle_out(const struct sim *sim, int64_t search)
{
	for (size_t i = 0; i < sim->n_thoughts; i++) {
		if (sim->thoughts[i].asked.search == search)
			return &sim->thoughts[i].asked;
	}
	return NULL;
}

size_t oracle_known(const struct sim *sim, int64_t search)
{
	size_t n = 0;

	while (rows_known(&sim->rows, search, (int64_t)n) != NULL)
		n++;
	return n;
}

/* --- what it has been told --------------------------------------------------
 */

/* As of now, which the next commit will write. */
static const struct trial_record *latest(const struct sim *sim,
					 const struct trial_row *t)
{
	for (size_t i = 0; i < sim->fx.n; i++) {
		const struct effect *e = &sim->fx.list[i];

		if (e->type == FX_SAVE_TRIAL && e->trial->search == t->search &&
		    e->trial->number == t->number)
			return e->trial;
	}
	return &t->rec;
}

static enum fate fate_of(const struct trial_record *r)
{
	switch (r->state) {
	case TRIAL_QUEUED:
	case TRIAL_RUNNING:
		return strncmp(r->reason, "paused@", 7) == 0 ? FATE_PRUNED
							     : FATE_RUNNING;
	case TRIAL_DONE:
		return FATE_DONE;
	case TRIAL_PRUNED:
		return strcmp(r->reason, "diverged") != 0 ? FATE_PRUNED
							  : FATE_FAILED;
	case TRIAL_FAILED:
		/* The machine could not run it: any point would have failed. */
		return strcmp(r->reason, "spawn:E2BIG") == 0 ||
			       strcmp(r->reason, "never-started") == 0
			   ? FATE_NONE
			   : FATE_FAILED;
	case TRIAL_CANCELLED:
	case TRIAL_LOST:
	case NAMES_TRIAL_STATES_N:
		break;
	}
	return FATE_NONE;
}

static const char *const fates[] = {
	[FATE_NONE] = "told of nothing",
	[FATE_RUNNING] = "told of a running trial",
	[FATE_DONE] = "told of a result",
	[FATE_PRUNED] = "told of a pruned trial",
	[FATE_FAILED] = "told of a failure",
	[FATE_SHORT] = "told of a trial that had less",
};

/* --- budgets: results of one run alone --------------------------------------
 */

/* That of run @run of the trial, if it is over; as of now. */
static bool find_result(const struct sim *sim, const struct trial_row *t,
			int64_t run, double *ret)
{
	bool found = false;

	if (run >= latest(sim, t)->runs)
		return false;
	for (size_t i = 0; i < t->n_attempts; i++) {
		const struct attempt_record *a = &t->attempts[i].rec;

		if (a->run == run && a->has_result) {
			found = true;
			*ret = a->result;
		}
	}
	for (size_t i = 0; i < sim->fx.n; i++) {
		const struct effect *e = &sim->fx.list[i];

		if (e->type == FX_SAVE_ATTEMPT &&
		    e->attempt->trial == latest(sim, t)->id &&
		    e->attempt->run == run && e->attempt->has_result) {
			found = true;
			*ret = e->attempt->result;
		}
	}
	return found;
}

static bool is_import(const struct trial_record *r)
{
	return r->origin == ORIGIN_IMPORTED && fate_of(r) == FATE_DONE;
}

/* The last run of which more than d + 2 trials have a result, else the first.
 */
static int64_t run_of_model(const struct sim *sim, int64_t search,
			    const struct search_spec *spec)
{
	const struct trial_row *t;

	for (int64_t run = spec->runs - 1; run > 0; run--) {
		size_t have = 0, d = 0;
		double ignored;

		for (size_t i = 0; i < spec->space->n; i++)
			d += spec->space->params[i].type != PARAM_CONSTANT;
		for (int64_t i = 0;
		     (t = rows_known(&sim->rows, search, i)) != NULL; i++)
			have += fate_of(latest(sim, t)) != FATE_FAILED &&
				(find_result(sim, t, run, &ignored) ||
				 (run == spec->runs - 1 &&
				  is_import(latest(sim, t))));
		if (have > d + 2)
			return run;
	}
	return 0;
}

static int64_t budget_of(const struct search_spec *spec, int64_t run)
{
	double level = (double)spec->budget.min;

	for (int64_t i = 0; i < run; i++)
		level *= (double)spec->budget.eta;
	return level < (double)spec->budget.max ? (int64_t)level
						: spec->budget.max;
}

/* --- what it has been told: each trial --------------------------------------
 */

static struct observation expect(const struct trial_record *r)
{
	struct observation seen = { .fate = fate_of(r), .score = (double)NAN };

	if (seen.fate != FATE_DONE && seen.fate != FATE_PRUNED)
		return seen;
	seen.steps = r->steps;
	if (r->has_value && r->kind == VALUE_FINITE) {
		seen.score = r->value;
		seen.runs = r->runs;
	}
	return seen;
}

static struct observation expect_at(const struct sim *sim,
				    const struct trial_row *t,
				    const struct search_spec *spec, int64_t run)
{
	struct observation seen = expect(latest(sim, t));
	double result;

	if (seen.fate == FATE_FAILED)
		return seen;
	seen.steps = budget_of(spec, run);
	seen.runs = 0;
	if (is_import(latest(sim, t)) && run == spec->runs - 1)
		return seen;
	if (find_result(sim, t, run, &result)) {
		seen.fate = FATE_DONE;
		seen.score = result;
	} else if (seen.fate == FATE_PRUNED) {
		seen.fate = FATE_SHORT;
	} else if (seen.fate == FATE_DONE) {
		seen.fate = FATE_NONE;
	}
	return seen;
}

static void check_row(struct sim *sim, const struct search_spec *spec,
		      const struct trial_row *t, const struct history_row *row,
		      int64_t run)
{
	const struct trial_record *r = latest(sim, t);
	struct observation want = spec->budget.name != NULL && spec->runs > 1
				      ? expect_at(sim, t, spec, run)
				      : expect(r);
	double score = spec->goal == GOAL_MAXIMIZE ? -want.score : want.score;

	sim_check(sim, space_equal(spec->space, t->config, row->config),
		  "the sampler of search %lld knows another trial %lld",
		  (long long)t->search, (long long)t->number);
	sim_check(sim, row->seen.fate == want.fate,
		  "the sampler of search %lld is told fate %d of trial %lld, "
		  "which is %s (%s), not %d",
		  (long long)t->search, (int)row->seen.fate,
		  (long long)t->number, trial_state_name(r->state), r->reason,
		  (int)want.fate);
	sim_check(
	    sim,
	    isnan(score) ? isnan(row->seen.score) : row->seen.score == score,
	    "the sampler of search %lld is told %g of trial %lld, not %g",
	    (long long)t->search, row->seen.score, (long long)t->number, score);
	sim_check(sim, row->seen.steps == want.steps,
		  "the sampler of search %lld is told %lld steps of trial "
		  "%lld, not %lld",
		  (long long)t->search, (long long)row->seen.steps,
		  (long long)t->number, (long long)want.steps);
	sim_check(sim, row->seen.runs == want.runs,
		  "the sampler of search %lld is told %lld runs of trial %lld",
		  (long long)t->search, (long long)row->seen.runs,
		  (long long)t->number);
	sim_check(sim,
		  memcmp(&row->seen.lineage, &r->lineage, sizeof(r->lineage)) ==
		      0,
		  "the sampler of search %lld is told another parent of trial "
		  "%lld",
		  (long long)t->search, (long long)t->number);
	cover_thing(fates[want.fate]);
}

void oracle_asked(struct sim *sim, const struct fx_suggest *asked)
{
	const struct search_row *s = rows_search(&sim->rows, asked->search);
	const struct history *h = &asked->sampler->history;
	struct moment now = sim_now(sim);
	struct core_progress p;
	int64_t run = s->spec->budget.name != NULL && s->spec->runs > 1
			  ? run_of_model(sim, asked->search, s->spec)
			  : 0;

	if (run > 0)
		cover_thing("a model of more than the least budget");
	sim_check(sim, oracle_out(sim, asked->search) == NULL,
		  "search %lld has two samplers", (long long)asked->search);
	sim_check(sim, h->n == oracle_known(sim, asked->search),
		  "the sampler of search %lld knows %zu of %zu trials",
		  (long long)asked->search, h->n,
		  oracle_known(sim, asked->search));
	for (size_t i = 0; i < h->n; i++)
		check_row(sim, s->spec,
			  rows_known(&sim->rows, asked->search, (int64_t)i),
			  &h->rows[i], run);
	core_progress(sim->core, asked->search, &now, &p);
	sim_check(sim, asked->n > 0 && (int64_t)asked->n == p.choosing,
		  "search %lld is asked for %zu, and has slots for %lld",
		  (long long)asked->search, asked->n, (long long)p.choosing);
	sim_check(sim, p.left < 0 || p.choosing <= p.left,
		  "search %lld is asked for %zu, and may have %lld",
		  (long long)asked->search, asked->n, (long long)p.left);
	if (asked->n > 1)
		cover_thing("several suggestions at once");
}

/* --- what it answers --------------------------------------------------------
 */

size_t oracle_suggest_again(const struct sim *sim,
			    const struct fx_suggest *asked,
			    struct proposal *ret)
{
	const struct history *h = &asked->sampler->history;
	struct sampler *fresh =
	    sampler_new(sim->rows.searches[asked->search - 1]->spec);
	uint64_t cursor = asked->cursor;
	size_t n;

	for (size_t i = 0; i < h->n; i++)
		sampler_tell(fresh, i, h->rows[i].config, h->rows[i].seen);
	n = sampler_propose(fresh, &cursor, asked->n, ret);
	sampler_free(fresh);
	return n;
}

void oracle_proposals(struct sim *sim, const struct fx_suggest *asked,
		      const struct proposal *list, const struct proposal *again,
		      size_t n)
{
	const struct space *space = asked->sampler->spec->space;

	for (size_t i = 0; i < n; i++) {
		sim_check(
		    sim,
		    list[i].cursor == again[i].cursor &&
			space_equal(space, list[i].config, again[i].config),
		    "a restarted sampler of search %lld would propose "
		    "another trial %zu",
		    (long long)asked->search,
		    asked->sampler->history.n - n + i);
		sim_check(sim,
			  memcmp(&list[i].rationale.lineage,
				 &again[i].rationale.lineage,
				 sizeof(struct lineage)) == 0,
			  "a restarted sampler of search %lld would propose "
			  "another parent",
			  (long long)asked->search);
		if (list[i].rationale.why == WHY_MODEL ||
		    list[i].rationale.why == WHY_COPY)
			cover_model(asked->sampler->spec->sampler);
	}
}

static bool is_known(const struct sim *sim, const struct search_row *s,
		     const struct cell *config, size_t known)
{
	for (size_t i = 0; i < known; i++) {
		const struct trial_row *t =
		    rows_known(&sim->rows, s->rec.id, (int64_t)i);

		if (space_equal(s->spec->space, t->config, config))
			return true;
	}
	return false;
}

/* A sentence and numbers, in the same commit. */
static bool has_reason(const struct sim *sim, int64_t search,
		       const struct trial_row *t)
{
	for (size_t i = 0; i < sim->fx.n; i++) {
		const struct event_record *e = &sim->fx.list[i].event;

		if (sim->fx.list[i].type == FX_SAVE_EVENT &&
		    strcmp(e->kind, "suggested") == 0 && e->search == search &&
		    sim->rows.trials[e->trial - 1] == t)
			return strlen(e->text) > 10 && e->data != NULL;
	}
	return false;
}

/* Its member's latest trial is over, and is not of the last generation. */
static bool is_ready(const struct sim *sim, const struct search_row *s,
		     int64_t member)
{
	const struct budget *b = &s->spec->budget;
	const struct trial_record *last = NULL;

	for (size_t i = 0; i < oracle_known(sim, s->rec.id); i++) {
		const struct trial_record *r =
		    latest(sim, rows_known(&sim->rows, s->rec.id, (int64_t)i));

		if (r->lineage.generation > 0 && r->lineage.member == member)
			last = r;
	}
	return last == NULL || (trial_state_is_final(last->state) &&
				last->lineage.generation * b->min < b->max);
}

bool oracle_can_choose(const struct sim *sim, const struct search_row *s,
		       int64_t choosing)
{
	int64_t n = 0;

	if (s->spec->sampler != SAMPLER_PBT)
		return true;
	for (int64_t m = 0; m < s->spec->population; m++)
		n += is_ready(sim, s, m);
	return n > choosing;
}

/* It has none, or one that is done. */
static bool has_parent(const struct sim *sim, int64_t search,
		       const struct lineage *l)
{
	const struct trial_row *parent;

	if (!lineage_has_parent(l))
		return true;
	parent = rows_known(&sim->rows, search, l->parent);
	return parent != NULL && latest(sim, parent)->state == TRIAL_DONE;
}

void oracle_answered(struct sim *sim, int64_t search, size_t known,
		     const struct proposal *list, size_t n)
{
	const struct search_row *s = rows_search(&sim->rows, search);
	struct moment now = sim_now(sim);
	struct core_progress p;
	size_t used = oracle_known(sim, search) - known;

	core_progress(sim->core, search, &now, &p);
	sim_check(sim, used <= n, "search %lld makes %zu trials of %zu",
		  (long long)search, used, n);
	sim_check(sim, used == 0 || p.search->state == SEARCH_RUNNING,
		  "search %lld goes on, and is %s", (long long)search,
		  search_state_name(p.search->state));
	sim_check(sim,
		  used == n || p.search->state != SEARCH_RUNNING ||
		      sim->shutting_down || p.left == 0 ||
		      !has_parent(sim, search, &list[used].rationale.lineage) ||
		      is_known(sim, s, list[used].config, known + used),
		  "search %lld uses %zu of %zu suggestions", (long long)search,
		  used, n);
	for (size_t i = 0; i < used; i++) {
		const struct trial_row *t =
		    rows_known(&sim->rows, search, (int64_t)(known + i));

		sim_check(sim,
			  t->seen == TRIAL_RUNNING &&
			      memcmp(&latest(sim, t)->lineage,
				     &list[i].rationale.lineage,
				     sizeof(struct lineage)) == 0 &&
			      (is_known(sim, s, list[i].config, known + i) ||
			       space_equal(s->spec->space, t->config,
					   list[i].config)),
			  "trial %zu of search %lld is not what was suggested",
			  known + i, (long long)search);
		sim_check(sim, has_reason(sim, search, t),
			  "trial %zu of search %lld is suggested without a "
			  "reason",
			  known + i, (long long)search);
	}
	if (used < n)
		cover_thing("a suggestion that comes too late");
}
