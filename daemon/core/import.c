/*
 * Earlier trials become trials of a search: they have their results and never
 * run, so that the sampler learns from them. They are counted among the trials
 * of the search, whose number grows by as many: its own are not used up.
 */
#include "core/model.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <string.h>

static struct trial *import_row(struct step *st, struct search *s,
				const struct import_row *row)
{
	struct trial *t = trial_create(st, s, row->config, ORIGIN_IMPORTED, 0);

	assert(trial_state_is_final(row->state));
	s->counts[TRIAL_QUEUED]--;
	s->counts[row->state]++;
	t->rec.state = row->state;
	memcpy(t->rec.reason, row->reason, REASON_BYTES);
	t->rec.has_value = row->has_value;
	t->rec.kind = row->kind;
	t->rec.value = row->value;
	if (row->runs > 0) {
		t->rec.runs = row->runs;
		t->rec.has_error = row->has_error;
		t->rec.error = row->error;
	}
	t->rec.ended_ms = st->at.now_ms;
	fx_save_trial(st->fx, &t->rec, &t->queued_save);
	search_count_end(s, t);
	return t;
}

int search_import(struct step *st, struct search *s, const struct event *ev,
		  struct diag *reterr)
{
	int64_t n = (int64_t)ev->import.n, first = (int64_t)s->n;
	int64_t has = s->rec.trials_max > first ? s->rec.trials_max : first;

	assert(n > 0);
	if (n > LIMIT_TRIALS - has) {
		diag_add(reterr, "",
			 "search %s would have %lld trials (at most %d)",
			 s->rec.name, (long long)(has + n), LIMIT_TRIALS);
		return CORE_CONFLICT;
	}
	for (int64_t i = 0; i < n; i++)
		(void)import_row(st, s, &ev->import.rows[i]);
	if (s->rec.trials_max > 0)
		s->rec.trials_max += n;
	fx_save_search(st->fx, &s->rec, &s->queued_save);
	search_event(st, s, NULL, "import",
		     xasprintf("%lld trial%s imported from %s", (long long)n,
			       n == 1 ? " was" : "s were", ev->import.source),
		     xstrdup(ev->import.data));
	fx_search_changed(st->fx, &s->rec);
	/* One of them may be what the search was looking for. */
	for (int64_t i = first; i < first + n; i++)
		search_trial_ended(st, s, s->trials[i]);
	return 0;
}
