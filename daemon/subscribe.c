/*
 * Progress notices: what a search is doing, at most ten times a second for each
 * subscriber; which trials ended, as soon as that is power-safe.
 */
#include "server.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>

#define INTERVAL_MS 100
#define ENDED_MAX   50 /* ended trials in one notice; more are counted */

struct subscription {
	struct server *server;
	struct conn *conn;
	int64_t search;
	uv_timer_t timer;
	bool changed;    /* since the latest notice */
	bool waits;      /* until `commit` is synced */
	uint64_t commit; /* has the latest change */
	bool closing;
	cJSON *ended; /* array */
	int64_t omitted;
	TAILQ_ENTRY(subscription) link;
};

static void add_number(cJSON *object, const char *name, double v)
{
	if (isnan(v))
		cJSON_AddNullToObject(object, name);
	else
		json_add_number(object, name, v);
}

static cJSON *counts_of(const struct core_progress *p)
{
	cJSON *counts = cJSON_CreateObject();

	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		json_add_integer(counts, trial_state_names[i], p->counts[i]);
	/* Of the queued ones: they have run. */
	json_add_integer(counts, "waiting", p->paused);
	return counts;
}

static cJSON *symptoms_of(const struct core_progress *p)
{
	cJSON *symptoms = cJSON_CreateObject();

	for (int i = 0; i < NAMES_SYMPTOMS_N; i++) {
		if (p->symptoms[i] > 0)
			json_add_integer(symptoms, symptom_kind_names[i],
					 p->symptoms[i]);
	}
	return symptoms;
}

static cJSON *best_row(struct server *s, int64_t search)
{
	cJSON *rows = NULL;
	cJSON *best = NULL;

	if (store_read_best(s->store, search, 1, &rows) == 0)
		best = cJSON_DetachItemFromArray(rows, 0);
	cJSON_Delete(rows);
	return best != NULL ? best : cJSON_CreateNull();
}

/* Of a search that the core holds. */
static cJSON *live_progress(struct server *s, int64_t search)
{
	struct moment now = server_now();
	struct core_progress p;
	cJSON *o = cJSON_CreateObject();

	core_progress(s->core, search, &now, &p);
	json_add_integer(o, "search", search);
	cJSON_AddStringToObject(o, "name", p.search->name);
	cJSON_AddStringToObject(o, "state", search_state_name(p.search->state));
	cJSON_AddStringToObject(o, "reason", p.search->reason);
	cJSON_AddStringToObject(o, "metric", p.search->metric);
	cJSON_AddStringToObject(o, "goal", goal_name(p.search->goal));
	json_add_integer(o, "trials",
			 p.left < 0 ? p.search->trials_max
				    : p.created + p.left);
	cJSON_AddItemToObject(o, "counts", counts_of(&p));
	cJSON_AddItemToObject(o, "symptoms", symptoms_of(&p));
	if (p.spec->runs > 1)
		cJSON_AddItemToObject(o, "running",
				      running_list(s, search, false));
	add_number(o, "seconds", p.seconds);
	add_number(o, "left_seconds", p.left_seconds);
	return o;
}

/* Of an ended search, which the core has let go of. */
static int stored_progress(struct server *s, int64_t search, cJSON **ret)
{
	static const char *const copied[] = { "name",   "state", "reason",
					      "metric", "goal",  "trials",
					      "seconds" };
	auto_json cJSON *row = NULL;
	cJSON *o, *counts, *symptoms;
	int r = store_read_search(s->store, search, &row);

	if (r != 0)
		return r;
	o = cJSON_CreateObject();
	json_add_integer(o, "search", search);
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
		const cJSON *v = json_get(row, copied[i]);

		if (v != NULL)
			cJSON_AddItemToObject(o, copied[i],
					      cJSON_Duplicate(v, true));
	}
	counts = cJSON_AddObjectToObject(o, "counts");
	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++)
		json_add_integer(
		    counts, trial_state_names[i],
		    json_get_integer(row, trial_state_names[i], 0));
	if (store_count_symptoms(s->store, search, &symptoms) == 0)
		cJSON_AddItemToObject(o, "symptoms", symptoms);
	json_add_integer(o, "left_seconds", 0);
	*ret = o;
	return 0;
}

static int read_progress(struct server *s, int64_t search, cJSON **ret)
{
	if (!core_has_search(s->core, search))
		return stored_progress(s, search, ret);
	*ret = live_progress(s, search);
	return 0;
}

/*
 * An end of a search is told when it is power-safe: after the ends of its
 * trials, and to who has just come, too.
 */
static bool must_wait(struct subscription *sub, const cJSON *progress)
{
	struct server *s = sub->server;
	int state = search_state_find(json_get_text(progress, "state"));
	bool is_end =
	    state >= 0 && search_state_is_final((enum search_state)state);

	/* The core may know of it before it is committed: the timer looks. */
	sub->changed = is_end && s->fx.n > 0;
	if (sub->changed)
		return true;
	sub->waits = is_end && s->synced < sub->commit;
	if (sub->waits)
		server_want_sync(s, true);
	return sub->waits;
}

static void send_notice(struct subscription *sub)
{
	struct server *s = sub->server;
	auto_json cJSON *o = NULL;
	struct buf line = BUF_INIT;
	int r = read_progress(s, sub->search, &o);

	sub->changed = false;
	if (r == STORE_NOT_FOUND) {
		/* Removed before its end was told: who asks again is told. */
		conn_drop(sub->conn);
		return;
	}
	if (r != 0 || must_wait(sub, o))
		return;
	cJSON_AddItemToObject(o, "best", best_row(s, sub->search));
	cJSON_AddItemToObject(o, "ended", sub->ended);
	json_add_integer(o, "omitted", sub->omitted);
	sub->ended = cJSON_CreateArray();
	sub->omitted = 0;
	rpc_print_notice(&line, "progress", o);
	conn_send(sub->conn, &line);
}

static void on_timer(uv_timer_t *timer)
{
	struct subscription *sub = timer->data;

	if (sub->server->lost != NULL)
		return; /* all are marked again when it is found */
	if (!sub->closing && sub->changed) {
		uv_timer_start(timer, on_timer, INTERVAL_MS, 0);
		send_notice(sub);
	}
}

static void mark(struct subscription *sub)
{
	sub->changed = true;
	if (!uv_is_active((uv_handle_t *)&sub->timer))
		uv_timer_start(&sub->timer, on_timer, 0, 0);
}

void subscribe(struct server *s, struct conn *conn, int64_t search)
{
	struct subscription *sub = xcalloc(1, sizeof(*sub));

	sub->server = s;
	sub->conn = conn;
	sub->search = search;
	sub->commit = s->commits;
	sub->ended = cJSON_CreateArray();
	(void)uv_timer_init(&s->loop, &sub->timer);
	sub->timer.data = sub;
	TAILQ_INSERT_TAIL(&s->subscriptions, sub, link);
	conn_keep(conn);
	mark(sub);
}

static bool has_subscriber(const struct server *s, int64_t search)
{
	const struct subscription *sub;

	TAILQ_FOREACH(sub, &s->subscriptions, link)
	{
		if (sub->search == search)
			return true;
	}
	return false;
}

void subscribe_changed(struct server *s, int64_t search)
{
	struct subscription *sub;

	TAILQ_FOREACH(sub, &s->subscriptions, link)
	{
		if (sub->search == search) {
			sub->commit = s->commits;
			mark(sub);
		}
	}
}

void subscribe_trial_ended(struct server *s, const struct trial_record *t)
{
	struct ended_notice *e;

	if (!has_subscriber(s, t->search))
		return;
	e = xcalloc(1, sizeof(*e));
	e->commit = s->commits;
	e->search = t->search;
	e->trial = cJSON_CreateObject();
	json_add_integer(e->trial, "number", t->number);
	cJSON_AddStringToObject(e->trial, "state", trial_state_name(t->state));
	cJSON_AddStringToObject(e->trial, "reason", t->reason);
	if (t->has_value && t->kind == VALUE_FINITE)
		json_add_number(e->trial, "value", t->value);
	else
		cJSON_AddNullToObject(e->trial, "value");
	json_add_number(e->trial, "seconds",
			t->started_ms != 0
			    ? (double)(t->ended_ms - t->started_ms) / 1000
			    : 0);
	TAILQ_INSERT_TAIL(&s->ended, e, link);
}

static void tell(struct subscription *sub, const struct ended_notice *e)
{
	if (sub->search != e->search)
		return;
	if (cJSON_GetArraySize(sub->ended) < ENDED_MAX)
		cJSON_AddItemToArray(sub->ended,
				     cJSON_Duplicate(e->trial, true));
	else
		sub->omitted++;
	mark(sub);
}

static void drop_ended(struct server *s, struct ended_notice *e)
{
	TAILQ_REMOVE(&s->ended, e, link);
	cJSON_Delete(e->trial);
	free(e);
}

void subscribe_synced(struct server *s)
{
	struct subscription *sub;
	struct ended_notice *e;

	while ((e = TAILQ_FIRST(&s->ended)) != NULL && e->commit <= s->synced) {
		TAILQ_FOREACH(sub, &s->subscriptions, link)
		tell(sub, e);
		drop_ended(s, e);
	}
	TAILQ_FOREACH(sub, &s->subscriptions, link)
	{
		if (sub->waits && sub->commit <= s->synced)
			mark(sub);
	}
}

void subscribe_lost(struct server *s)
{
	while (!TAILQ_EMPTY(&s->ended))
		drop_ended(s, TAILQ_FIRST(&s->ended));
}

void subscribe_all_changed(struct server *s)
{
	struct subscription *sub;

	TAILQ_FOREACH(sub, &s->subscriptions, link)
	mark(sub);
}

static void on_closed(uv_handle_t *handle)
{
	struct subscription *sub = handle->data;

	cJSON_Delete(sub->ended);
	free(sub);
}

static void drop(struct server *s, struct subscription *sub)
{
	sub->closing = true;
	TAILQ_REMOVE(&s->subscriptions, sub, link);
	uv_close((uv_handle_t *)&sub->timer, on_closed);
}

void subscribe_closed(struct server *s, struct conn *conn)
{
	struct subscription *sub, *next;

	for (sub = TAILQ_FIRST(&s->subscriptions); sub != NULL; sub = next) {
		next = TAILQ_NEXT(sub, link);
		if (sub->conn == conn)
			drop(s, sub);
	}
}

void subscribe_fini(struct server *s)
{
	while (!TAILQ_EMPTY(&s->subscriptions))
		drop(s, TAILQ_FIRST(&s->subscriptions));
	subscribe_lost(s);
}
