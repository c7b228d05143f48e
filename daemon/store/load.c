#include "store/db.h"

enum query {
	Q_LAST_IDS,
	Q_OPEN_SEARCHES,
	Q_SEARCH,
	Q_TRIALS,
	Q_ATTEMPTS,
	Q_METRIC,
	Q_OTHERS,
	Q_METRICS,
	Q_RESULTS,
	Q_SYMPTOMS,
	Q_N,
};

#define SEARCH_COLUMNS                                                         \
	"SELECT s.id, s.name, s.key, u.spec, u.workdir, u.environ, "           \
	"s.metric, s.goal, s.state, s.reason, s.trials_max, s.cursor, "        \
	"s.created_ms, s.created_boot_ms, s.boot_id, s.ended_ms, "             \
	"s.until_ms, s.used_ms, s.reopened_ms "                                \
	"FROM search s JOIN submission u ON u.search = s.id "

/* Or may yet: it waited within a run when its search ended. */
#define MAY_GO_ON                                                              \
	"(t.state IN ('queued', 'running') "                                   \
	"OR t.state = 'pruned' AND t.tries = 0 AND a.result IS NULL) "

static const char *const sql[Q_N] = {
	[Q_LAST_IDS] = "SELECT coalesce((SELECT seq FROM sqlite_sequence "
		       "WHERE name = 'search'), 0), coalesce((SELECT seq "
		       "FROM sqlite_sequence WHERE name = 'trial'), 0)",
	[Q_OPEN_SEARCHES] = SEARCH_COLUMNS
	"WHERE s.state IN ('running', 'paused') OR s.id IN "
	"(SELECT t.search FROM attempt a JOIN trial t ON t.id = a.trial "
	"WHERE a.state <> 'ended' AND a.state <> 'lost') "
	"ORDER BY s.id",
	[Q_SEARCH] = SEARCH_COLUMNS "WHERE s.id = ?",
	[Q_TRIALS] =
	    "SELECT id, search, number, state, reason, origin, cursor, "
	    "params, kind, value, error, runs, tries, steps, attempts, "
	    "created_ms, started_ms, ended_ms, generation, "
	    "coalesce(member, 0), coalesce(parent, 0) FROM trial "
	    "WHERE search = ? ORDER BY number",
	[Q_ATTEMPTS] =
	    "SELECT a.trial, a.number, a.state, a.token, a.boot_id, a.pid, "
	    "a.started_ms, a.started_boot_ms, a.stop_reason, "
	    "a.kill_boot_ms, a.outcome, a.code, a.signal, a.core, a.error, "
	    "a.what, a.user_ms, a.system_ms, a.memory_bytes, a.ended_ms, "
	    "a.start_offset, a.read_offset, a.reader, a.run, a.curve, a.result "
	    "FROM trial t JOIN attempt a "
	    "ON a.trial = t.id AND a.number = t.attempts "
	    "WHERE t.search = ? AND " MAY_GO_ON "ORDER BY t.number",
	/*
	 * Runs that are over have attempts before the latest one. CROSS: in
	 * this order, in which the key of metric is of use to its name.
	 */
	[Q_METRIC] =
	    "SELECT t.id, a.run, m.name, m.step, m.kind, m.value, "
	    "m.time_ms - a.started_ms "
	    "FROM trial t CROSS JOIN attempt a "
	    "ON a.trial = t.id AND a.run <= t.runs "
	    "AND (a.number = t.attempts OR a.run < t.runs AND a.number = "
	    "(SELECT max(number) FROM attempt WHERE trial = t.id AND "
	    "run = a.run)) "
	    "CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve "
	    "AND m.name = ?2 "
	    "WHERE t.search = ?1 ORDER BY t.number, a.run, m.step",
	[Q_OTHERS] =
	    "SELECT t.id, a.run, m.name, m.step, m.kind, m.value, "
	    "m.time_ms - a.started_ms "
	    "FROM trial t CROSS JOIN attempt a "
	    "ON a.trial = t.id AND a.number = t.attempts "
	    "CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve "
	    "AND m.name <> ?2 "
	    "WHERE t.search = ?1 AND " MAY_GO_ON
	    "ORDER BY t.number, m.name, m.step",
	[Q_METRICS] =
	    "SELECT t.id, a.run, m.name, m.step, m.kind, m.value, "
	    "m.time_ms - a.started_ms "
	    "FROM trial t CROSS JOIN attempt a "
	    "ON a.trial = t.id AND a.number = t.attempts "
	    "CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve "
	    "WHERE t.search = ?1 AND t.number = ?2 "
	    "ORDER BY m.name, m.step",
	[Q_RESULTS] =
	    "SELECT t.id, a.run, a.result "
	    "FROM trial t JOIN attempt a ON a.trial = t.id AND a.run < t.runs "
	    "AND a.number = (SELECT max(number) FROM attempt WHERE "
	    "trial = t.id AND run = a.run) "
	    "WHERE t.search = ? AND a.result IS NOT NULL "
	    "ORDER BY t.number, a.run",
	[Q_SYMPTOMS] = "SELECT y.trial, y.symptom FROM trial t "
		       "JOIN symptom y ON y.trial = t.id "
		       "WHERE t.search = ? ORDER BY t.number, y.rank",
};

_Static_assert(Q_N == DB_LOAD_N, "room in struct store");

int load_prepare(struct store *s)
{
	return db_prepare(s, sql, Q_N, s->load);
}

static void read_search(struct run *run, struct search_record *r)
{
	r->id = next_int(run);
	r->name = next_text(run);
	r->key = next_text(run);
	r->spec = next_text(run);
	r->workdir = next_text(run);
	r->environ = next_text(run);
	r->metric = next_text(run);
	r->goal = next_word(run, goal_find);
	r->state = next_word(run, search_state_find);
	next_chars(run, r->reason, sizeof(r->reason));
	r->trials_max = next_int(run);
	r->cursor = (uint64_t)next_int(run);
	r->created_ms = next_int(run);
	r->created_boot_ms = next_int(run);
	next_chars(run, r->boot_id, sizeof(r->boot_id));
	r->ended_ms = next_int(run);
	r->until_ms = next_int(run);
	r->used_ms = next_int(run);
	r->reopened_ms = next_int(run);
}

/* False, and 0, where there is none. */
static bool next_result(struct run *run, double *ret)
{
	bool is_there = !next_is_null(run);

	*ret = next_real(run);
	return is_there;
}

static void read_trial(struct run *run, struct trial_record *r)
{
	r->id = next_int(run);
	r->search = next_int(run);
	r->number = next_int(run);
	r->state = next_word(run, trial_state_find);
	next_chars(run, r->reason, sizeof(r->reason));
	r->origin = next_word(run, origin_find);
	r->cursor = (uint64_t)next_int(run);
	r->params = next_text(run);
	r->has_value = !next_is_null(run);
	r->kind = VALUE_FINITE;
	if (r->has_value)
		r->kind = next_word(run, value_kind_find);
	else
		next_skip(run);
	r->value = value_of_kind(r->kind, next_real(run));
	r->has_error = next_result(run, &r->error);
	r->runs = next_int(run);
	r->tries = next_int(run);
	r->steps = next_int(run);
	r->attempts = next_int(run);
	r->created_ms = next_int(run);
	r->started_ms = next_int(run);
	r->ended_ms = next_int(run);
	r->lineage.generation = next_int(run);
	r->lineage.member = next_int(run);
	r->lineage.parent = next_int(run);
}

static void read_outcome(struct run *run, struct outcome *o)
{
	o->kind = next_word(run, outcome_kind_find);
	o->code = (int)next_int(run);
	o->signal = (int)next_int(run);
	o->core = next_int(run) != 0;
	o->error = (int)next_int(run);
	next_chars(run, o->what, sizeof(o->what));
	o->user_ms = next_int(run);
	o->system_ms = next_int(run);
	o->memory_bytes = next_int(run);
	o->ended_ms = next_int(run);
}

static void read_attempt(struct run *run, struct attempt_record *r)
{
	r->trial = next_int(run);
	r->number = next_int(run);
	r->state = next_word(run, attempt_state_find);
	next_chars(run, r->token, sizeof(r->token));
	next_chars(run, r->boot_id, sizeof(r->boot_id));
	r->pid = next_int(run);
	r->started_ms = next_int(run);
	r->started_boot_ms = next_int(run);
	next_chars(run, r->stop_reason, sizeof(r->stop_reason));
	r->kill_boot_ms = next_int(run);
	read_outcome(run, &r->outcome);
	r->start_offset = next_int(run);
	r->offset = next_int(run);
	r->reader = next_is_null(run) ? NULL : next_text(run);
	if (r->reader == NULL)
		next_skip(run);
	r->run = next_int(run);
	r->curve = next_int(run);
	r->has_result = next_result(run, &r->result);
}

int store_last_ids(struct store *s, int64_t *ret_search, int64_t *ret_trial)
{
	struct run run = run_begin(s->load[Q_LAST_IDS]);
	int r = run_step(s, &run, "reading the last ids");

	if (r > 0) {
		*ret_search = next_int(&run);
		*ret_trial = next_int(&run);
	}
	run_end(&run);
	return r < 0 ? r : 0;
}

static int load_searches(struct store *s, struct run *run, store_search_fn *fn,
			 void *ctx)
{
	static const char *const doing = "loading searches";
	struct search_record record;
	int r;

	while ((r = run_step(s, run, doing)) > 0) {
		read_search(run, &record);
		r = run_check(s, run, doing);
		if (r == 0)
			r = fn(ctx, &record);
		if (r != 0)
			break;
	}
	run_end(run);
	return r;
}

int store_load_open_searches(struct store *s, store_search_fn *fn, void *ctx)
{
	struct run run = run_begin(s->load[Q_OPEN_SEARCHES]);

	return load_searches(s, &run, fn, ctx);
}

int store_load_search(struct store *s, int64_t id, store_search_fn *fn,
		      void *ctx)
{
	struct run run = run_begin(s->load[Q_SEARCH]);

	bind_int(&run, id);
	return load_searches(s, &run, fn, ctx);
}

int store_load_trials(struct store *s, int64_t search, store_trial_fn *fn,
		      void *ctx)
{
	static const char *const doing = "loading trials";
	struct run run = run_begin(s->load[Q_TRIALS]);
	struct trial_record record;
	int r;

	bind_int(&run, search);
	while ((r = run_step(s, &run, doing)) > 0) {
		read_trial(&run, &record);
		r = run_check(s, &run, doing);
		if (r == 0)
			r = fn(ctx, &record);
		if (r != 0)
			break;
	}
	run_end(&run);
	return r;
}

int store_load_attempts(struct store *s, int64_t search, store_attempt_fn *fn,
			void *ctx)
{
	static const char *const doing = "loading attempts";
	struct run run = run_begin(s->load[Q_ATTEMPTS]);
	struct attempt_record record;
	int r;

	bind_int(&run, search);
	while ((r = run_step(s, &run, doing)) > 0) {
		read_attempt(&run, &record);
		r = run_check(s, &run, doing);
		if (r == 0)
			r = fn(ctx, &record);
		if (r != 0)
			break;
	}
	run_end(&run);
	return r;
}

static int load_metrics(struct store *s, struct run *run, store_metric_fn *fn,
			void *ctx)
{
	static const char *const doing = "loading metrics";
	struct metric_record record;
	int64_t trial, of_run;
	int r;

	while ((r = run_step(s, run, doing)) > 0) {
		trial = next_int(run);
		of_run = next_int(run);
		record.name = next_text(run);
		record.step = next_int(run);
		record.kind = next_word(run, value_kind_find);
		record.value = value_of_kind(record.kind, next_real(run));
		record.run_ms = next_int(run);
		r = run_check(s, run, doing);
		if (r == 0)
			r = fn(ctx, trial, of_run, &record);
		if (r != 0)
			break;
	}
	run_end(run);
	return r;
}

int store_load_metric(struct store *s, int64_t search, const char *name,
		      store_metric_fn *fn, void *ctx)
{
	struct run run = run_begin(s->load[Q_METRIC]);

	bind_int(&run, search);
	bind_text(&run, name);
	return load_metrics(s, &run, fn, ctx);
}

int store_load_others(struct store *s, int64_t search, const char *name,
		      store_metric_fn *fn, void *ctx)
{
	struct run run = run_begin(s->load[Q_OTHERS]);

	bind_int(&run, search);
	bind_text(&run, name);
	return load_metrics(s, &run, fn, ctx);
}

int store_load_metrics(struct store *s, int64_t search, int64_t number,
		       store_metric_fn *fn, void *ctx)
{
	struct run run = run_begin(s->load[Q_METRICS]);

	bind_int(&run, search);
	bind_int(&run, number);
	return load_metrics(s, &run, fn, ctx);
}

int store_load_results(struct store *s, int64_t search, store_result_fn *fn,
		       void *ctx)
{
	static const char *const doing = "loading results";
	struct run run = run_begin(s->load[Q_RESULTS]);
	int r;

	bind_int(&run, search);
	while ((r = run_step(s, &run, doing)) > 0) {
		int64_t trial = next_int(&run), of_run = next_int(&run);
		double result = next_real(&run);

		r = run_check(s, &run, doing);
		if (r == 0)
			r = fn(ctx, trial, of_run, result);
		if (r != 0)
			break;
	}
	run_end(&run);
	return r;
}

int store_load_symptoms(struct store *s, int64_t search, store_symptom_fn *fn,
			void *ctx)
{
	static const char *const doing = "loading symptoms";
	struct run run = run_begin(s->load[Q_SYMPTOMS]);
	int r;

	bind_int(&run, search);
	while ((r = run_step(s, &run, doing)) > 0) {
		int64_t trial = next_int(&run);
		enum symptom_kind kind = next_word(&run, symptom_kind_find);

		r = run_check(s, &run, doing);
		if (r == 0)
			r = fn(ctx, trial, kind);
		if (r != 0)
			break;
	}
	run_end(&run);
	return r;
}
