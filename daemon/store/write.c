#include "store/db.h"

#include <assert.h>

enum query {
	Q_UPDATE_SEARCH,
	Q_INSERT_SEARCH,
	Q_INSERT_SUBMISSION,
	Q_UPDATE_TRIAL,
	Q_INSERT_TRIAL,
	Q_UPDATE_ATTEMPT,
	Q_INSERT_ATTEMPT,
	Q_SAVE_METRIC,
	Q_INSERT_EVENT,
	Q_DELETE_SYMPTOMS,
	Q_INSERT_SYMPTOM,
	Q_N,
};

/* Of a trial that counts: its value, turned so that lower is better. */
#define SCORE                                                                  \
	"CASE WHEN :state = 'done' AND :kind = 'finite' THEN "                 \
	"(SELECT iif(goal = 'minimize', :value, -:value) FROM search "         \
	"WHERE id = :search) END"

/*
 * An update first, an insert when it changed no row: most saves are updates,
 * and those write only the columns that can change.
 */
static const char *const sql[Q_N] = {
	[Q_UPDATE_SEARCH] =
	    "UPDATE search SET state = ?, reason = ?, trials_max = ?, "
	    "cursor = ?, created_boot_ms = ?, boot_id = ?, ended_ms = ?, "
	    "until_ms = ?, used_ms = ?, reopened_ms = ? "
	    "WHERE id = ?",
	[Q_INSERT_SEARCH] =
	    "INSERT INTO search (id, name, key, metric, goal, created_ms, "
	    "state, reason, trials_max, cursor, created_boot_ms, boot_id, "
	    "ended_ms, until_ms, used_ms, reopened_ms) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[Q_INSERT_SUBMISSION] =
	    "INSERT INTO submission (search, spec, workdir, environ) "
	    "VALUES (?, ?, ?, ?)",
	[Q_UPDATE_TRIAL] =
	    "UPDATE trial SET state = :state, reason = :reason, kind = :kind, "
	    "value = :value, error = :error, runs = :runs, tries = :tries, "
	    "steps = :steps, attempts = :attempts, "
	    "started_ms = :started, ended_ms = :ended, "
	    "params = coalesce(:params, params), score = " SCORE " "
	    "WHERE id = :id",
	[Q_INSERT_TRIAL] =
	    "INSERT INTO trial (state, reason, kind, value, error, runs, "
	    "tries, steps, attempts, "
	    "started_ms, ended_ms, params, id, search, number, origin, "
	    "cursor, created_ms, generation, member, parent, score) "
	    "VALUES (:state, :reason, :kind, :value, :error, :runs, :tries, "
	    ":steps, :attempts, "
	    ":started, :ended, :params, :id, :search, :number, :origin, "
	    ":cursor, :created, :generation, :member, :parent, " SCORE ")",
	[Q_UPDATE_ATTEMPT] =
	    "UPDATE attempt SET state = ?, token = ?, boot_id = ?, pid = ?, "
	    "started_ms = ?, started_boot_ms = ?, stop_reason = ?, "
	    "kill_boot_ms = ?, outcome = ?, code = ?, signal = ?, core = ?, "
	    "error = ?, what = ?, user_ms = ?, system_ms = ?, "
	    "memory_bytes = ?, ended_ms = ?, start_offset = ?, "
	    "read_offset = ?, reader = ?, result = ? "
	    "WHERE trial = ? AND number = ?",
	[Q_INSERT_ATTEMPT] =
	    "INSERT INTO attempt (state, token, boot_id, pid, started_ms, "
	    "started_boot_ms, stop_reason, kill_boot_ms, outcome, code, "
	    "signal, core, error, what, user_ms, system_ms, memory_bytes, "
	    "ended_ms, start_offset, read_offset, reader, result, trial, "
	    "number, run, curve) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
	    "?, ?, ?, ?, ?, ?, ?)",
	[Q_SAVE_METRIC] =
	    "INSERT INTO metric (trial, attempt, name, step, time_ms, kind, "
	    "value) VALUES (?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (trial, attempt, name, step) DO UPDATE SET "
	    "kind = excluded.kind, value = excluded.value, "
	    "repeats = repeats + 1",
	[Q_INSERT_EVENT] =
	    "INSERT INTO event (search, trial, time_ms, kind, text, data) "
	    "VALUES (?, nullif(?, 0), ?, ?, ?, ?)",
	[Q_DELETE_SYMPTOMS] = "DELETE FROM symptom WHERE trial = ?",
	[Q_INSERT_SYMPTOM] =
	    "INSERT INTO symptom (trial, rank, symptom, strength, step, text, "
	    "try, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
};

_Static_assert(Q_N == DB_WRITE_N, "room in struct store");

int write_prepare(struct store *s)
{
	return db_prepare(s, sql, Q_N, s->write);
}

/* Runs it; 1 if it changed a row, 0 if none, or -errno. */
static int update(struct store *s, struct run *run, const char *doing)
{
	int r = run_all(s, run, doing);

	return r < 0 ? r : sqlite3_changes(s->db) > 0;
}

static void bind_search(struct run *run, const struct search_record *r)
{
	bind_text(run, search_state_name(r->state));
	bind_text(run, r->reason);
	bind_int(run, r->trials_max);
	bind_int(run, (int64_t)r->cursor);
	bind_int(run, r->created_boot_ms);
	bind_text(run, r->boot_id);
	bind_int(run, r->ended_ms);
	bind_int(run, r->until_ms);
	bind_int(run, r->used_ms);
	bind_int(run, r->reopened_ms);
}

static int insert_search(struct store *s, const struct search_record *r)
{
	struct run run = run_begin(s->write[Q_INSERT_SEARCH]);
	int n;

	bind_int(&run, r->id);
	bind_text(&run, r->name);
	bind_text(&run, r->key);
	bind_text(&run, r->metric);
	bind_text(&run, goal_name(r->goal));
	bind_int(&run, r->created_ms);
	bind_search(&run, r);
	n = run_all(s, &run, "adding a search");
	if (n < 0)
		return n;
	run = run_begin(s->write[Q_INSERT_SUBMISSION]);
	bind_int(&run, r->id);
	bind_text(&run, r->spec);
	bind_text(&run, r->workdir);
	bind_text(&run, r->environ);
	return run_all(s, &run, "adding a search's file");
}

int store_save_search(struct store *s, const struct search_record *r)
{
	struct run run = run_begin(s->write[Q_UPDATE_SEARCH]);
	int n;

	assert(r->id > 0 && !sqlite3_get_autocommit(s->db));
	bind_search(&run, r);
	bind_int(&run, r->id);
	n = update(s, &run, "saving a search");
	if (n != 0)
		return n < 0 ? n : 0;
	return insert_search(s, r);
}

static void bind_result(struct run *run, bool has_value, double v)
{
	if (has_value)
		bind_real(run, v);
	else
		bind_null(run);
}

static void bind_trial(struct run *run, const struct trial_record *r)
{
	bind_text(run, trial_state_name(r->state));
	bind_text(run, r->reason);
	if (r->has_value) {
		bind_text(run, value_kind_name(r->kind));
		bind_real(run, r->kind == VALUE_FINITE ? r->value : 0);
	} else {
		bind_null(run);
		bind_null(run);
	}
	bind_result(run, r->has_error, r->error);
	bind_int(run, r->runs);
	bind_int(run, r->tries);
	bind_int(run, r->steps);
	bind_int(run, r->attempts);
	bind_int(run, r->started_ms);
	bind_int(run, r->ended_ms);
	bind_text(run, r->params);
}

static void bind_lineage(struct run *run, const struct lineage *l)
{
	bind_int(run, l->generation);
	if (l->generation > 0)
		bind_int(run, l->member);
	else
		bind_null(run);
	if (lineage_has_parent(l))
		bind_int(run, l->parent);
	else
		bind_null(run);
}

int store_save_trial(struct store *s, const struct trial_record *r)
{
	struct run run = run_begin(s->write[Q_UPDATE_TRIAL]);
	int n;

	assert(r->id > 0 && !sqlite3_get_autocommit(s->db));
	bind_trial(&run, r);
	bind_int(&run, r->search);
	bind_int(&run, r->id);
	n = update(s, &run, "saving a trial");
	if (n != 0)
		return n < 0 ? n : 0;
	run = run_begin(s->write[Q_INSERT_TRIAL]);
	bind_trial(&run, r);
	bind_int(&run, r->id);
	bind_int(&run, r->search);
	bind_int(&run, r->number);
	bind_text(&run, origin_name(r->origin));
	bind_int(&run, (int64_t)r->cursor);
	bind_int(&run, r->created_ms);
	bind_lineage(&run, &r->lineage);
	return run_all(s, &run, "adding a trial");
}

static void bind_outcome(struct run *run, const struct outcome *o)
{
	bind_text(run, outcome_kind_name(o->kind));
	bind_int(run, o->code);
	bind_int(run, o->signal);
	bind_int(run, o->core);
	bind_int(run, o->error);
	bind_text(run, o->what);
	bind_int(run, o->user_ms);
	bind_int(run, o->system_ms);
	bind_int(run, o->memory_bytes);
	bind_int(run, o->ended_ms);
}

static void bind_attempt(struct run *run, const struct attempt_record *r)
{
	bind_text(run, attempt_state_name(r->state));
	bind_text(run, r->token);
	bind_text(run, r->boot_id);
	bind_int(run, r->pid);
	bind_int(run, r->started_ms);
	bind_int(run, r->started_boot_ms);
	bind_text(run, r->stop_reason);
	bind_int(run, r->kill_boot_ms);
	bind_outcome(run, &r->outcome);
	bind_int(run, r->start_offset);
	bind_int(run, r->offset);
	bind_text(run, r->reader);
	bind_result(run, r->has_result, r->result);
	bind_int(run, r->trial);
	bind_int(run, r->number);
}

int store_save_attempt(struct store *s, const struct attempt_record *r)
{
	struct run run = run_begin(s->write[Q_UPDATE_ATTEMPT]);
	int n;

	assert(r->trial > 0 && !sqlite3_get_autocommit(s->db));
	bind_attempt(&run, r);
	n = update(s, &run, "saving an attempt");
	if (n != 0)
		return n < 0 ? n : 0;
	run = run_begin(s->write[Q_INSERT_ATTEMPT]);
	bind_attempt(&run, r);
	bind_int(&run, r->run);
	bind_int(&run, r->curve);
	return run_all(s, &run, "adding an attempt");
}

int store_save_metric(struct store *s, int64_t trial, int64_t curve,
		      int64_t time_ms, const struct metric_record *m)
{
	struct run run = run_begin(s->write[Q_SAVE_METRIC]);

	assert(!sqlite3_get_autocommit(s->db));
	bind_int(&run, trial);
	bind_int(&run, curve);
	bind_text(&run, m->name);
	bind_int(&run, m->step);
	bind_int(&run, time_ms);
	bind_text(&run, value_kind_name(m->kind));
	bind_real(&run, m->kind == VALUE_FINITE ? m->value : 0);
	return run_all(s, &run, "saving a metric");
}

int store_save_event(struct store *s, const struct event_record *e)
{
	struct run run = run_begin(s->write[Q_INSERT_EVENT]);

	assert(!sqlite3_get_autocommit(s->db));
	bind_int(&run, e->search);
	bind_int(&run, e->trial);
	bind_int(&run, e->time_ms);
	bind_text(&run, e->kind);
	bind_text(&run, e->text);
	bind_text(&run, e->data);
	return run_all(s, &run, "saving an event");
}

static int insert_symptom(struct store *s, int64_t trial, int64_t rank,
			  const struct symptom_record *r)
{
	struct run run = run_begin(s->write[Q_INSERT_SYMPTOM]);

	bind_int(&run, trial);
	bind_int(&run, rank);
	bind_text(&run, symptom_kind_name(r->kind));
	bind_real(&run, r->strength);
	bind_int(&run, r->step);
	bind_text(&run, r->text);
	bind_text(&run, r->advice);
	bind_text(&run, r->data);
	return run_all(s, &run, "saving a symptom");
}

int store_save_symptoms(struct store *s, int64_t trial,
			const struct symptom_record *list, size_t n)
{
	struct run run = run_begin(s->write[Q_DELETE_SYMPTOMS]);
	int r;

	assert(!sqlite3_get_autocommit(s->db));
	bind_int(&run, trial);
	r = run_all(s, &run, "deleting symptoms");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = insert_symptom(s, trial, (int64_t)i + 1, &list[i]);
	return r;
}
