/*
 * Turns as the server makes them, on made-up time: events are stepped, then all
 * saves are committed at once, then the acts follow. A crash may come at any
 * place between; what was committed is loaded again by the next daemon.
 */
#include "sim.h"

#include "schema/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS  (INT64_C(3600) * 1000)
#define LIMIT_MS (30 * HOUR_MS) /* of calm, until all must have ended */

/* --- chance, time, words
 * ------------------------------------------------------- */

uint64_t draw(struct sim *sim)
{
	sim->chance++;
	return hash2(sim->seed, sim->chance);
}

int64_t draw_below(struct sim *sim, int64_t n)
{
	return (int64_t)(draw(sim) % (uint64_t)n);
}

int64_t draw_between(struct sim *sim, int64_t low, int64_t high)
{
	return low + draw_below(sim, high - low + 1);
}

bool draw_chance(struct sim *sim, int percent)
{
	return draw_below(sim, 100) < percent;
}

struct moment sim_now(const struct sim *sim)
{
	return (struct moment){
		.now_ms = sim->t + sim->wall_ms,
		.boot_ms = sim->t - sim->boot_t,
	};
}

void sim_trace(struct sim *sim, const char *fmt, ...)
{
	char *line = sim->trace[sim->n_traced++ % 40];
	int n = snprintf(line, 160, "%12lld  ", (long long)sim->t);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, 160 - (size_t)n, fmt, ap);
	va_end(ap);
	if (sim->verbose)
		puts(line);
}

void sim_print_trace(const struct sim *sim)
{
	uint64_t from = sim->n_traced > 40 ? sim->n_traced - 40 : 0;

	for (uint64_t i = from; i < sim->n_traced && !sim->verbose; i++)
		printf("%s\n", sim->trace[i % 40]);
	printf("seed %llu fails at %lld ms, commit %llu\n",
	       (unsigned long long)sim->number, (long long)sim->t,
	       (unsigned long long)sim->rows.commits);
	printf("again, with all events: tests/sim/sim --trace %llu\n",
	       (unsigned long long)sim->number);
	fflush(stdout);
}

void sim_fail(const struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	sim_print_trace(sim);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("");
	exit(1);
}

/* --- steps
 * ---------------------------------------------------------------------- */

static const char *const event_names[] = {
	[EV_SUBMIT] = "submit",
	[EV_PAUSE] = "pause",
	[EV_RESUME] = "resume",
	[EV_CANCEL] = "cancel",
	[EV_EXTEND] = "extend",
	[EV_ADD] = "add",
	[EV_IMPORT] = "import",
	[EV_KILL] = "kill",
	[EV_RETRY] = "retry",
	[EV_SPAWNED] = "spawned",
	[EV_SPAWN_FAILED] = "spawn failed",
	[EV_OUTPUT] = "output",
	[EV_ENDED] = "ended",
	[EV_ADOPTED] = "adopted",
	[EV_TERMINATED] = "terminated",
	[EV_COPIED] = "copied",
	[EV_SUGGESTED] = "suggested",
	[EV_TICK] = "tick",
	[EV_SHUTDOWN] = "shutdown",
};

static void trace_event(struct sim *sim, const struct event *ev, int answer)
{
	if (ev->trial != 0)
		sim_trace(
		    sim, "%s: trial %lld, attempt %lld%s%s",
		    event_names[ev->type], (long long)ev->trial,
		    (long long)ev->attempt, ev->type == EV_ENDED ? " " : "",
		    ev->type == EV_ENDED ? outcome_kind_name(ev->outcome->kind)
					 : "");
	else
		sim_trace(sim, "%s: search %lld, number %lld -> %d",
			  event_names[ev->type], (long long)ev->search,
			  (long long)ev->number, answer);
}

static size_t count_launches(const struct sim *sim)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->fx.n; i++)
		n += sim->fx.list[i].type == FX_LAUNCH;
	return n;
}

static void open_turn(struct sim *sim)
{
	if (sim->turn_end_t != NEVER)
		return;
	sim->turn_end_t = sim->t + draw_below(sim, 10);
	/* Another program holds the database. */
	if (!sim->calm && draw_chance(sim, 2)) {
		sim->turn_end_t += draw_below(sim, 20000);
		cover_thing("a commit that waits");
	}
}

int sim_step(struct sim *sim, struct event *ev, struct diag *reterr)
{
	size_t n = sim->fx.n, launches = count_launches(sim);
	int r = core_step(sim->core, ev, &sim->fx, reterr);

	cover_event(ev->type, r != 0);
	trace_event(sim, ev, r);
	sim_check(sim, r == 0 || sim->fx.n == n,
		  "a refused command has effects");
	sim_check(sim, !sim->shutting_down || count_launches(sim) == launches,
		  "a trial is launched in a daemon that shuts down");
	if (r == 0 && ev->type <= EV_RETRY) {
		sim->commands_in_turn++;
		promises_asked(sim, ev);
	}
	oracle_step(sim, ev, r);
	open_turn(sim);
	return r;
}

static void tick(struct sim *sim)
{
	struct event ev = { .type = EV_TICK, .at = sim_now(sim) };
	auto_diag struct diag d = DIAG_INIT;

	sim->timer_t = NEVER;
	(void)sim_step(sim, &ev, &d);
}

/* --- crashes
 * --------------------------------------------------------------------- */

static void reboot(struct sim *sim)
{
	executor_reboot(sim);
	sim->boot++;
	snprintf(sim->boot_id, BOOT_ID_BYTES, "boot-%d", sim->boot);
	sim->boot_t = sim->t;
	/* Its clock may be another one. */
	if (draw_chance(sim, 30))
		sim->wall_ms += draw_between(sim, -HOUR_MS, HOUR_MS);
	cover_thing("a reboot");
}

static void lose_core(struct sim *sim)
{
	effects_clear(&sim->fx);
	sim->n_seen = 0;
	worker_crash(sim);
	promises_crash(sim);
	core_free(sim->core);
	sim->core = NULL;
	rows_roll_back(&sim->rows);
	sim->turn_end_t = sim->timer_t = NEVER;
	sim->shutting_down = false;
	sim->commands_in_turn = 0;
	executor_crash(sim);
}

static void crash(struct sim *sim, enum crash_place place)
{
	static const char *const places[] = { "",
					      "between turns",
					      "before a commit",
					      "after a commit",
					      "between acts",
					      "after the acts" };

	sim_trace(sim, "crash %s", places[place]);
	cover_crash(place);
	lose_core(sim);
	sim->crash = CRASH_NONE;
	if (!sim->calm && draw_chance(sim, 15))
		reboot(sim);
	sim->start_t = sim->t + draw_below(sim, sim->calm ? 1000 : 60000);
	if (!sim->calm && draw_chance(sim, 10))
		sim->start_t += draw_below(sim, HOUR_MS);
}

static void plan_crash(struct sim *sim)
{
	sim->crash_t = sim->t + draw_below(sim, 120000);
	if (sim->core == NULL)
		return;
	sim->crash =
	    (enum crash_place)draw_between(sim, CRASH_IDLE, CRASH_PLACES_N - 1);
	if (sim->crash == CRASH_IDLE && sim->turn_end_t == NEVER)
		crash(sim, CRASH_IDLE);
}

/* --- turns
 * ------------------------------------------------------------------------- */

static bool is_act(const struct effect *e)
{
	return e->type >= FX_LAUNCH && e->type <= FX_SUGGEST;
}

static void arm_timer(struct sim *sim)
{
	int64_t due = core_next_deadline(sim->core);

	if (due == INT64_MAX) {
		sim->timer_t = NEVER;
		return;
	}
	sim->timer_t = sim->boot_t + due;
	if (sim->timer_t < sim->t)
		sim->timer_t = sim->t;
	sim->timer_t += draw_below(sim, 3);
}

static void settle(struct sim *sim)
{
	effects_clear(&sim->fx);
	sim->n_seen = 0;
	core_settle(sim->core);
	sim->commands_in_turn = 0;
	sim->turn_end_t = NEVER;
	arm_timer(sim);
	oracle_settle(sim);
	promises_settle(sim);
}

static void commit(struct sim *sim)
{
	sim->rows.commits++;
	for (size_t i = 0; i < sim->fx.n; i++)
		rows_save(sim, &sim->fx.list[i]);
	oracle_commit(sim);
	promises_commit(sim);
	oracle_symptoms(sim);
}

/* True when the daemon dies before they are all done. */
static bool act_all(struct sim *sim)
{
	size_t acts = 0, die_at = SIZE_MAX;

	for (size_t i = 0; i < sim->fx.n; i++)
		acts += is_act(&sim->fx.list[i]);
	if (sim->crash == CRASH_BETWEEN_ACTS && acts >= 2)
		die_at = (size_t)draw_between(sim, 1, (int64_t)acts - 1);
	acts = 0;
	for (size_t i = 0; i < sim->fx.n; i++) {
		struct effect *e = &sim->fx.list[i];

		if (is_act(e) && acts++ == die_at) {
			crash(sim, CRASH_BETWEEN_ACTS);
			return true;
		}
		cover_effect(e->type);
		if (e->type == FX_SUGGEST)
			worker_act(sim, e);
		else
			executor_act(sim, e);
	}
	if (sim->crash == CRASH_AFTER_ACTS && acts > 0) {
		crash(sim, CRASH_AFTER_ACTS);
		return true;
	}
	return false;
}

static void end_turn(struct sim *sim)
{
	struct core_load load;

	if (sim->fx.n > 0 && sim->crash == CRASH_BEFORE_COMMIT) {
		crash(sim, CRASH_BEFORE_COMMIT);
		return;
	}
	if (sim->fx.n > 0) {
		commit(sim);
		if (sim->crash == CRASH_AFTER_COMMIT) {
			crash(sim, CRASH_AFTER_COMMIT);
			return;
		}
		if (act_all(sim))
			return;
	}
	settle(sim);
	if (sim->crash == CRASH_IDLE) {
		crash(sim, CRASH_IDLE);
		return;
	}
	core_load_now(sim->core, &load);
	if (sim->shutting_down && (!sim->shutdown_waits || load.running == 0)) {
		sim_trace(sim, "the daemon ends as it was asked to");
		cover_thing("a shutdown");
		lose_core(sim);
		sim->start_t = sim->t + draw_below(sim, 60000);
	}
}

/* --- loads
 * ------------------------------------------------------------------------- */

static void must(struct sim *sim, int r, const struct diag *d)
{
	sim_check(sim, r == 0, "a committed row cannot be loaded (%d): %s", r,
		  d->n > 0 ? d->faults[0].text : "");
}

static void load_values(struct sim *sim, const struct search_row *s,
			const struct trial_row *t, const char *name)
{
	auto_diag struct diag d = DIAG_INIT;
	struct points points;

	int64_t run = strcmp(name, s->rec.metric) == 0 ? 0 : t->rec.runs;

	for (; run <= t->rec.runs; run++) {
		const struct attempt_row *a = rows_latest(t, run);

		if (a == NULL)
			continue;
		rows_points(a, name, &points);
		for (size_t i = 0; i < points.n; i++)
			must(sim,
			     core_load_value(sim->core, s->rec.id, t->rec.id,
					     run, &points.list[i]),
			     &d);
		free(points.list);
	}
}

static void load_symptoms(struct sim *sim, const struct trial_row *t)
{
	auto_diag struct diag d = DIAG_INIT;

	for (int k = 0; k < NAMES_SYMPTOMS_N; k++) {
		if ((t->symptoms >> k & 1) != 0)
			must(sim,
			     core_load_symptom(sim->core, t->rec.search,
					       t->rec.id, (enum symptom_kind)k),
			     &d);
	}
}

void sim_load(struct sim *sim, int64_t search)
{
	const struct rows *r = &sim->rows;
	const struct search_row *s = r->searches[search - 1];
	auto_diag struct diag d = DIAG_INIT;

	if (core_has_search(sim->core, search))
		return;
	sim_trace(sim, "load search %lld", (long long)search);
	must(sim, core_load_search(sim->core, &s->rec, &d), &d);
	for (size_t i = 0; i < r->n_trials; i++) {
		if (r->trials[i]->rec.search == search)
			must(sim,
			     core_load_trial(sim->core, &r->trials[i]->rec, &d),
			     &d);
	}
	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_row *t = r->trials[i];

		if (t->rec.search == search && t->n_attempts > 0 &&
		    (!trial_state_is_final(t->rec.state) ||
		     oracle_waited(sim, t)))
			must(sim,
			     core_load_attempt(
				 sim->core, search,
				 &t->attempts[t->n_attempts - 1].rec, &d),
			     &d);
	}
	for (size_t i = 0; i < r->n_trials; i++) {
		if (r->trials[i]->rec.search == search)
			load_values(sim, s, r->trials[i], s->rec.metric);
	}
	for (size_t i = 0; i < r->n_trials; i++) {
		const struct trial_record *t = &r->trials[i]->rec;

		if (t->search != search)
			continue;
		if (t->state == TRIAL_RUNNING || t->state == TRIAL_QUEUED ||
		    oracle_waited(sim, r->trials[i]))
			load_values(sim, s, r->trials[i], "acc");
		load_symptoms(sim, r->trials[i]);
		if (strncmp(t->reason, "paused@", 7) == 0)
			cover_thing("a load of a trial that waits");
		else if (t->state == TRIAL_QUEUED && t->runs > 0)
			cover_thing("a load between two runs");
	}
	core_load_end(sim->core, search);
	oracle_loaded(sim, search);
}

static void start(struct sim *sim)
{
	struct core_options options = {
		.token_seed = draw(sim),
		.last_search = (int64_t)sim->rows.n_searches,
		.last_trial = (int64_t)sim->rows.n_trials,
	};
	struct moment now = sim_now(sim);

	sim->start_t = NEVER;
	sim->slots_now = sim->slots;
	if (!sim->calm && sim->epoch > 0 && draw_chance(sim, 20))
		sim->slots_now = draw_between(sim, 1, sim->slots);
	sim->has_shrunk |= sim->slots_now < sim->slots;
	sim->epoch++;
	options.slots = sim->slots_now;
	strcpy(options.boot_id, sim->boot_id);
	sim_trace(sim, "start with %lld slots, %s", (long long)sim->slots_now,
		  sim->boot_id);
	sim->core = core_new(&options);
	for (size_t i = 0; i < sim->rows.n_searches; i++) {
		if (search_row_is_open(&sim->rows, sim->rows.searches[i]))
			sim_load(sim, (int64_t)i + 1);
	}
	core_start(sim->core, &now, &sim->fx);
	oracle_step(sim, &(struct event){ .type = EV_TICK, .at = now }, 0);
	open_turn(sim);
	/* Somebody may have waited for it, while trials are being adopted. */
	if (!sim->calm && draw_chance(sim, 40))
		sim->client_t = sim->t + draw_below(sim, 2000);
}

/* --- the world
 * --------------------------------------------------------------------- */

/* No faults and no commands from now on, all slots, nothing paused. */
static void calm_down(struct sim *sim)
{
	sim->calm_t = sim->client_t = sim->crash_t = NEVER;
	sim->calm = true;
	sim->crash = CRASH_NONE;
	sim_trace(sim, "calm");
	if (sim->core != NULL)
		lose_core(sim);
	start(sim);
	client_resume_all(sim);
}

static int64_t least(const int64_t *times, size_t n)
{
	int64_t t = NEVER;

	for (size_t i = 0; i < n; i++)
		t = times[i] < t ? times[i] : t;
	return t;
}

/* Lets the next thing happen; false when nothing is to come. */
static bool move(struct sim *sim)
{
	int64_t news = sim->core != NULL ? executor_next(sim) : NEVER;
	int64_t client = sim->core != NULL ? sim->client_t : NEVER;
	int64_t answer = worker_next(sim);
	int64_t times[] = {
		sim->turn_end_t, news,         sim->timer_t, client,
		sim->crash_t,    sim->start_t, sim->calm_t,  answer
	};
	int64_t t = least(times, sizeof(times) / sizeof(times[0]));

	if (t == NEVER)
		return false;
	sim->t = t > sim->t ? t : sim->t;
	if (t == sim->calm_t)
		calm_down(sim);
	else if (t == sim->start_t)
		start(sim);
	else if (t == sim->turn_end_t)
		end_turn(sim);
	else if (t == sim->crash_t)
		plan_crash(sim);
	else if (t == client)
		client_act(sim);
	else if (t == answer)
		worker_move(sim);
	else if (t == sim->timer_t)
		tick(sim);
	else
		executor_move(sim);
	return true;
}

static struct sim *current;

void sim_abort(void)
{
	if (current != NULL)
		sim_print_trace(current);
}

void sim_run(uint64_t seed, bool verbose)
{
	struct sim sim = {
		.seed = hash2(seed, 0),
		.number = seed,
		.verbose = verbose,
		.boot_id = "boot-0",
		.wall_ms = INT64_C(1700000000) * 1000,
		.t = 1000,
		.turn_end_t = NEVER,
		.timer_t = NEVER,
		.start_t = 1000,
	};

	current = &sim;
	sim.slots = draw_between(&sim, 3, 6);
	sim.client_t = sim.t;
	sim.crash_t = sim.t + draw_below(&sim, 300000);
	sim.calm_t = sim.t + draw_between(&sim, 60000, 1200000);
	while (move(&sim))
		sim_check(&sim, !sim.calm || sim.t < LIMIT_MS,
			  "the searches never come to an end");
	oracle_end(&sim);
	promises_end(&sim);
	current = NULL;
	effects_free(&sim.fx);
	worker_free(&sim);
	core_free(sim.core);
	rows_free(&sim.rows);
	executor_free(&sim.executor);
	oracle_free(&sim);
	promises_free(&sim);
}
