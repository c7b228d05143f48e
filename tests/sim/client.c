/* A client that submits random searches and then cannot leave them alone. */
#include "search/sampler.h"
#include "sim.h"

#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

#define SEARCHES_MAX 6

/* --- search files
 * -------------------------------------------------------------- */

/* A grid with conditions. */
static const char space_conditions[] =
    "{\"opt\":{\"type\":\"choice\",\"values\":[\"sgd\",\"adam\"]},"
    "\"mom\":{\"type\":\"float\",\"min\":0,\"max\":0.9,\"points\":3,"
    "\"when\":{\"opt\":\"sgd\"}},"
    "\"layers\":{\"type\":\"int\",\"min\":1,\"max\":3},"
    "\"drop\":{\"type\":\"choice\",\"values\":[true,false],"
    "\"when\":{\"layers\":{\"min\":2}}},\"epochs\":{\"value\":3}}";

static const char space_points[] =
    "{\"lr\":{\"type\":\"float\",\"min\":0.001,\"max\":1,"
    "\"scale\":\"log\",\"points\":4},"
    "\"k\":{\"type\":\"int\",\"min\":1,\"max\":4,\"step\":1}}";

static const char space_one_choice[] =
    "{\"kernel\":{\"type\":\"choice\",\"values\":[1,2,3,4,5,6,7]}}";

/* 28 points, ten of which come once in 1,000 draws. */
static const char space_rare[] =
    "{\"a\":{\"type\":\"choice\",\"values\":[0,1,2,3,4,5,6,7,8,9]},"
    "\"b\":{\"type\":\"choice\",\"values\":[0,1,2,3,4,5,6,7,8,9],"
    "\"when\":{\"a\":0}},"
    "\"c\":{\"type\":\"choice\",\"values\":[0,1,2,3,4,5,6,7,8,9],"
    "\"when\":{\"b\":0}}}";

static const char space_mixed[] =
    "{\"lr\":{\"type\":\"float\",\"min\":1e-5,\"max\":1,"
    "\"scale\":\"log\"},"
    "\"opt\":{\"type\":\"choice\",\"values\":[\"a\",\"b\",\"c\"]},"
    "\"mom\":{\"type\":\"float\",\"min\":0,\"max\":1,"
    "\"when\":{\"opt\":[\"b\",\"c\"]}}}";

static const char space_numbers[] =
    "{\"x\":{\"type\":\"float\",\"min\":-1,\"max\":1},"
    "\"n\":{\"type\":\"int\",\"min\":1,\"max\":64,\"scale\":\"log\"}}";

static const struct {
	const char *text;
	bool is_grid;      /* a grid can be made of it */
	bool is_discrete;  /* any sampler can try it whole */
	const char *start; /* two configurations */
} spaces[] = {
	{space_conditions,  true,  false,
         "{\"opt\":\"adam\",\"layers\":1},{\"opt\":\"sgd\",\"mom\":0.5,\"layers\":2,\"drop\":true}"},
	{ space_points,     true,  false,
         "{\"lr\":0.2,\"k\":4},{\"lr\":1,\"k\":1}"                                                 },
	{ space_one_choice, true,  true,  "{\"kernel\":7},{\"kernel\":2}"                          },
	{ space_rare,       true,  true,  "{\"a\":3},{\"a\":0,\"b\":0,\"c\":9}"                    },
	{ space_mixed,      false, false,
         "{\"lr\":0.5,\"opt\":\"a\"},{\"lr\":0.1,\"opt\":\"b\",\"mom\":0}"                         },
	{ space_numbers,    false, false,
         "{\"x\":0,\"n\":3},{\"x\":-1,\"n\":64}"						   },
};

/*
 * Draws stand in statements of their own: which argument of a call comes first
 * is the compiler's choice, and a seed must mean the same to all of them.
 */
static void add_metric(struct sim *sim, struct buf *b)
{
	static const char *const values[] = { "last", "best", "mean" };
	bool is_low_good = draw_chance(sim, 75);

	buf_addf(b, "\"metric\":{\"name\":\"loss\",\"goal\":\"%s\",",
		 is_low_good ? "minimize" : "maximize");
	buf_addf(b, "\"value\":\"%s\"", values[draw_below(sim, 3)]);
	if (draw_chance(sim, 15))
		buf_addf(b, ",\"target\":%g",
			 (double)draw_below(sim, 600) / 100);
	if (draw_chance(sim, 30))
		buf_adds(b, ",\"train\":\"acc\"");
	buf_adds(b, "},");
}

static void add_number(struct sim *sim, struct buf *b, const char *key,
		       int64_t low, int64_t high)
{
	buf_addf(b, ",\"%s\":%d", key, (int)draw_between(sim, low, high));
}

/* One rule of early stopping with its options. */
static void add_rule(struct sim *sim, struct buf *b, const char *rule)
{
	buf_addf(b, "{\"type\":\"%s\"", rule);
	if (strcmp(rule, "median") == 0 || strcmp(rule, "percentile") == 0) {
		add_number(sim, b, "min_steps", 1, 6);
		add_number(sim, b, "min_trials", 1, 4);
	} else if (strcmp(rule, "patience") == 0) {
		add_number(sim, b, "patience", 2, 8);
	} else if (strcmp(rule, "threshold") == 0) {
		add_number(sim, b, "max", 3, 9);
	} else if (draw_chance(sim, 50)) { /* rungs */
		add_number(sim, b, "min_steps", 1, 3);
		add_number(sim, b, "max_steps", 4, 30);
	}
	if (strcmp(rule, "patience") != 0 && strcmp(rule, "threshold") != 0 &&
	    draw_chance(sim, 30))
		buf_adds(b, ",\"resource\":\"seconds\"");
	buf_adds(b, "}");
}

static void add_early_stopping(struct sim *sim, struct buf *b)
{
	static const char *const rules[] = { "median",    "patience",
					     "threshold", "percentile",
					     "asha",      "hyperband",
					     "funnel",    "forecast" };
	int64_t kind = draw_below(sim, 10), n;

	if (kind == 0) /* left out: the default rule */
		return;
	buf_adds(b, "\"early_stopping\":");
	if (kind == 1) {
		buf_adds(b, "{\"type\":\"none\"}");
	} else if (kind <= 3) {
		n = draw_between(sim, 1, 3);
		buf_adds(b, "{\"type\":\"any\",\"rules\":[");
		for (int64_t i = 0; i < n; i++) {
			buf_adds(b, i > 0 ? "," : "");
			add_rule(sim, b, rules[draw_below(sim, 8)]);
		}
		buf_adds(b, "]}");
	} else {
		add_rule(sim, b, rules[draw_below(sim, 8)]);
	}
	buf_adds(b, ",");
}

static void add_stop(struct sim *sim, struct buf *b, int64_t cpus)
{
	bool has_plateau = draw_chance(sim, 15);
	bool has_cost = cpus > 0 && draw_chance(sim, 20);
	int64_t plateau = draw_between(sim, 1, 6);
	int64_t cost_s = draw_between(sim, 1, 300);

	if (!has_plateau && !has_cost)
		return;
	buf_adds(b, ",\"stop\":{");
	if (has_plateau)
		buf_addf(b, "\"plateau\":%d", (int)plateau);
	if (has_cost)
		buf_addf(b, "%s\"cost\":%d", has_plateau ? "," : "",
			 (int)cost_s);
	buf_adds(b, "}");
}

/* More and more of it for fewer and fewer; seldom a rule within a run. */
static void add_budget(struct sim *sim, struct buf *b)
{
	buf_addf(b, "\"budget\":{\"name\":\"share\",\"min\":%d",
		 (int)draw_between(sim, 1, 3));
	add_number(sim, b, "max", 4, 40);
	if (draw_chance(sim, 60))
		add_number(sim, b, "eta", 2, 4);
	if (draw_chance(sim, 30))
		buf_adds(b, ",\"type\":\"hyperband\"");
	buf_adds(b, "},");
	if (draw_chance(sim, 30))
		add_early_stopping(sim, b);
}

/* Its members train in generations; seldom one is stopped in one. */
static void add_population(struct sim *sim, struct buf *b)
{
	buf_addf(b, "\"budget\":{\"name\":\"share\",\"min\":%d",
		 (int)draw_between(sim, 1, 3));
	add_number(sim, b, "max", 4, 12);
	buf_adds(b, "},");
	if (draw_chance(sim, 40))
		add_early_stopping(sim, b);
}

/* Folds or repeats; then races, too. */
static void add_runs(struct sim *sim, struct buf *b)
{
	static const char *const p[] = { "0.1", "0.3", "0.6" };
	bool has_folds = draw_chance(sim, 50);

	if (has_folds || draw_chance(sim, 50)) {
		buf_addf(b, "\"%s\":%d,", has_folds ? "folds" : "repeats",
			 (int)draw_between(sim, 2, 6));
	} else {
		buf_addf(b, "\"repeats\":{\"min\":%d",
			 (int)draw_between(sim, 1, 3));
		add_number(sim, b, "max", 3, 6);
		buf_adds(b, "},");
	}
	if (draw_chance(sim, 50))
		buf_addf(b,
			 "\"early_stopping\":{\"type\":\"wilcoxon\",\"p\":%s},",
			 p[draw_below(sim, 3)]);
	else
		add_early_stopping(sim, b);
}

/* What the limits must respect. */
struct shape {
	bool has_end;     /* "trials" may be left out */
	int64_t n_trials; /* or must be as many at least */
};

static void add_limits(struct sim *sim, struct buf *b, struct shape shape)
{
	int64_t cpus = draw_below(sim, 4);

	buf_addf(b, "\"resources\":{\"cpus\":%d}", (int)cpus);
	add_number(sim, b, "retries", 0, 2);
	if (!shape.has_end || draw_chance(sim, 40))
		add_number(sim, b, "trials", shape.n_trials, 20);
	if (cpus == 0 || draw_chance(sim, 40))
		add_number(sim, b, "parallel", 1, 4);
	if (draw_chance(sim, 40))
		add_number(sim, b, "timeout", 2, 60);
	if (draw_chance(sim, 15))
		add_number(sim, b, "max_time", 20, 600);
	if (draw_chance(sim, 60))
		add_number(sim, b, "grace", 0, 19);
	if (draw_chance(sim, 60))
		add_number(sim, b, "stop_on_failures", 0, 4);
	add_stop(sim, b, cpus);
}

static char *make_file(struct sim *sim, const char *name)
{
	static const char *const samplers[] = { "random", "sobol", "tpe",
						"cmaes",  "gp",    "pbt" };
	struct shape shape = { .n_trials = 2 };
	const char *sampler;
	int64_t space = draw_below(sim, sizeof(spaces) / sizeof(spaces[0]));
	bool is_grid = spaces[space].is_grid && draw_chance(sim, 60);
	bool repeats = draw_chance(sim, 10);
	bool has_budget = draw_chance(sim, 20);
	bool is_pbt;
	struct buf b = BUF_INIT;

	buf_addf(&b, "{\"name\":\"%s\",\"command\":[\"train\",\"{args}\"],",
		 name);
	buf_addf(&b, "\"parameters\":%s,", spaces[space].text);
	if (draw_chance(sim, 25))
		buf_addf(&b, "\"start\":[%s],", spaces[space].start);
	sampler = is_grid ? "grid" : samplers[draw_below(sim, 6)];
	is_pbt = strcmp(sampler, "pbt") == 0;
	buf_addf(&b, "\"sampler\":{\"type\":\"%s\"", sampler);
	shape.has_end =
	    is_grid || is_pbt || (spaces[space].is_discrete && !repeats);
	if (is_pbt) {
		shape.n_trials = draw_between(sim, 2, 6);
		buf_addf(&b, ",\"population\":%d", (int)shape.n_trials);
	}
	add_number(sim, &b, "seed", 0, 99);
	if (is_grid && draw_chance(sim, 50))
		buf_adds(&b, ",\"shuffle\":true");
	if (repeats)
		buf_adds(&b, ",\"allow_duplicates\":true");
	buf_adds(&b, "},");
	add_metric(sim, &b);
	if (is_pbt)
		add_population(sim, &b);
	else if (has_budget)
		add_budget(sim, &b);
	else if (draw_chance(sim, 35))
		add_runs(sim, &b);
	else
		add_early_stopping(sim, &b);
	if (strstr(buf_text(&b), "\"seconds\"") == NULL &&
	    draw_chance(sim, has_budget ? 60 : 40))
		buf_adds(&b, "\"resumes\":true,");
	add_limits(sim, &b, shape);
	buf_adds(&b, "}");
	return buf_take(&b);
}

/* --- commands
 * -------------------------------------------------------------------- */

static void submit(struct sim *sim)
{
	struct event ev = { .type = EV_SUBMIT, .at = sim_now(sim) };
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *name = xasprintf("s%zu", sim->rows.n_searches + 1);
	auto_free char *file = make_file(sim, name);

	if (search_parse(file, strlen(file), &ev.submit.spec, &d) != 0)
		sim_fail(sim, "a search file is refused: %s: %s: %s", file,
			 d.faults[0].path, d.faults[0].text);
	if (ev.submit.spec->until.kind == UNTIL_AFTER)
		ev.submit.until_ms =
		    ev.at.now_ms + ev.submit.spec->until.after_ms;
	ev.submit.name = ev.submit.key = name;
	ev.submit.text = file;
	ev.submit.workdir = "/";
	ev.submit.environ = "[\"HOME=/\",\"LANG=C\"]";
	if (draw_chance(sim, 12))
		ev.submit.until_ms =
		    ev.at.now_ms + draw_between(sim, 1, 900000);
	(void)sim_step(sim, &ev, &d);
}

static void add(struct sim *sim, struct event *ev)
{
	auto_diag struct diag d = DIAG_INIT;
	struct moment now = sim_now(sim);
	struct core_progress p;
	struct sampler *sampler;
	struct cell *config;
	uint64_t cursor = (uint64_t)draw_below(sim, 8);

	core_progress(sim->core, ev->search, &now, &p);
	config = xcalloc(p.spec->space->n, sizeof(*config));
	sampler = sampler_new(p.spec);
	ev->add.config = config;
	if (sampler_ask(sampler, &cursor, config) == SAMPLER_OK)
		(void)sim_step(sim, ev, &d);
	sampler_free(sampler);
	free(config);
}

struct import_row client_row(const struct space *space, struct cell *config)
{
	uint64_t hash = space_hash(space, config);
	struct import_row row = {
		.config = config,
		.state = hash % 3 == 0 ? TRIAL_FAILED : TRIAL_DONE,
	};

	if (row.state == TRIAL_FAILED) {
		strcpy(row.reason, "imported");
		return row;
	}
	row.has_value = true;
	row.value = (double)(hash % 600) / 100;
	return row;
}

static void import(struct sim *sim, struct event *ev)
{
	auto_diag struct diag d = DIAG_INIT;
	struct import_row rows[4];
	struct moment now = sim_now(sim);
	size_t n = (size_t)draw_between(sim, 1, 4);
	uint64_t cursor = (uint64_t)draw_below(sim, 8);
	struct core_progress p;
	struct sampler *sampler;

	core_progress(sim->core, ev->search, &now, &p);
	sampler = sampler_new(p.spec);
	for (ev->import.n = 0; ev->import.n < n; cursor++) {
		struct cell *config =
		    xcalloc(p.spec->space->n, sizeof(*config));
		enum sampler_answer answer =
		    sampler_ask(sampler, &cursor, config);

		rows[ev->import.n] = client_row(p.spec->space, config);
		if (answer == SAMPLER_OK)
			ev->import.n++;
		else
			free(config);
		if (answer == SAMPLER_EXHAUSTED)
			break;
	}
	ev->import.rows = rows;
	ev->import.source = "elsewhere";
	ev->import.data = "{}";
	if (ev->import.n > 0 && sim_step(sim, ev, &d) != 0)
		sim_fail(sim, "an import is refused: %s", d.faults[0].text);
	for (size_t i = 0; i < ev->import.n; i++)
		free(rows[i].config);
	sampler_free(sampler);
}

/* A trial that runs, as far as the steps have shown. */
static void aim(struct sim *sim, struct event *ev)
{
	const struct rows *r = &sim->rows;
	size_t n = r->n_trials;
	size_t from = n > 0 ? (size_t)draw_below(sim, (int64_t)n) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct trial_row *t = r->trials[(from + i) % n];

		if (t->seen != TRIAL_RUNNING)
			continue;
		ev->search = t->search;
		ev->number = t->number;
		return;
	}
}

static void command(struct sim *sim, enum event_type type)
{
	struct event ev = { .type = type, .at = sim_now(sim) };
	auto_diag struct diag d = DIAG_INIT;
	struct core_progress p;
	int r;

	ev.search = draw_between(sim, 1, (int64_t)sim->rows.n_searches);
	sim_load(sim, ev.search);
	core_progress(sim->core, ev.search, &ev.at, &p);
	ev.number = draw_between(sim, -1, p.created);
	if (type == EV_KILL && draw_chance(sim, 60))
		aim(sim, &ev);
	if (type == EV_ADD) {
		add(sim, &ev);
		return;
	}
	if (type == EV_IMPORT) {
		import(sim, &ev);
		return;
	}
	if (type == EV_EXTEND)
		ev.extend.trials = p.created + draw_between(sim, -1, 6);
	r = sim_step(sim, &ev, &d);
	sim_check(sim, (r == 0) == (d.n == 0),
		  "an answer %d comes with %zu words", r, d.n);
}

static void shut_down(struct sim *sim)
{
	auto_diag struct diag d = DIAG_INIT;
	struct event ev = {
		.type = EV_SHUTDOWN,
		.at = sim_now(sim),
		.kill = draw_chance(sim, 50),
	};

	if (sim->shutting_down)
		return;
	sim->shutdown_waits = ev.kill;
	(void)sim_step(sim, &ev, &d);
	sim->shutting_down = true;
	/* Its commit may wait, and much may come in between. */
	if (draw_chance(sim, 60))
		sim->turn_end_t += draw_below(sim, 5000);
}

void client_act(struct sim *sim)
{
	static const enum event_type commands[] = {
		EV_PAUSE, EV_PAUSE,  EV_RESUME, EV_RESUME, EV_RESUME,
		EV_KILL,  EV_KILL,   EV_KILL,   EV_RETRY,  EV_RETRY,
		EV_RETRY, EV_CANCEL, EV_EXTEND, EV_EXTEND, EV_ADD,
		EV_ADD,   EV_IMPORT,
	};
	int64_t n = sizeof(commands) / sizeof(commands[0]);

	if (sim->rows.n_searches == 0 ||
	    (sim->rows.n_searches < SEARCHES_MAX && draw_chance(sim, 15)))
		submit(sim);
	else if (draw_chance(sim, 5))
		shut_down(sim);
	else
		command(sim, commands[draw_below(sim, n)]);
	/* The same again at once, now and then. */
	sim->client_t = sim->t;
	if (!draw_chance(sim, 20))
		sim->client_t += draw_below(sim, 30000);
}

void client_resume_all(struct sim *sim)
{
	for (size_t i = 0; i < sim->rows.n_searches; i++) {
		auto_diag struct diag d = DIAG_INIT;
		struct event ev = {
			.type = draw_chance(sim, 70) ? EV_RESUME : EV_CANCEL,
			.at = sim_now(sim),
			.search = (int64_t)i + 1,
		};

		if (sim->rows.searches[i]->seen == SEARCH_PAUSED)
			(void)sim_step(sim, &ev, &d);
	}
}
