#include "store/db.h"

/* The trials of every ?3rd number and the best one. */
static const char sql[] =
    "SELECT t.number, m.step, m.kind, m.value "
    "FROM trial t CROSS JOIN attempt a ON a.trial = t.id "
    "AND a.number = t.attempts "
    "CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve "
    "AND m.name = ?2 "
    "WHERE t.search = ?1 AND (t.number % ?3 = 0 OR t.id = "
    "(SELECT id FROM trial WHERE search = ?1 AND score IS NOT NULL "
    "ORDER BY score, number LIMIT 1)) "
    "ORDER BY t.number, m.step";

static int read_points(struct store *s, struct run *run, const char *doing,
		       store_point_fn *fn, void *ctx)
{
	int r;

	while ((r = run_step(s, run, doing)) > 0) {
		int64_t number = next_int(run);
		int64_t step = next_int(run);
		int kind = next_word(run, value_kind_find);
		double stored = next_real(run);

		r = run_check(s, run, doing);
		if (r < 0)
			break;
		fn(ctx, number, step,
		   value_of_kind((enum value_kind)kind, stored));
	}
	return r;
}

int store_read_curves(struct store *s, int64_t search, const char *metric,
		      int64_t every, store_point_fn *fn, void *ctx)
{
	static const char *const doing = "reading curves";
	sqlite3_stmt *q = NULL;
	struct run run;
	int r;

	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
		return db_failure(s, sqlite3_extended_errcode(s->db), doing);
	run = run_begin(q);
	bind_int(&run, search);
	bind_text(&run, metric);
	bind_int(&run, every);
	r = read_points(s, &run, doing, fn, ctx);
	run_end(&run);
	sqlite3_finalize(q);
	return r;
}
