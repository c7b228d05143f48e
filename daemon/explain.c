/* Why things are as they are, in sentences for people. */
#include "search/halving.h"
#include "server.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void say(cJSON *sentences, struct buf *text)
{
	auto_free char *s = buf_take(text);

	cJSON_AddItemToArray(sentences, cJSON_CreateString(s));
}

static void say_best(cJSON *sentences, const cJSON *row)
{
	struct buf b = BUF_INIT;

	if (!cJSON_IsNumber(json_get(row, "best_value")))
		return;
	buf_addf(&b, "best so far: %s %.6g by trial %lld",
		 json_get_text(row, "metric"),
		 json_get_number(row, "best_value", 0),
		 (long long)json_get_integer(row, "best_trial", 0));
	say(sentences, &b);
}

/* --- which parameters matter ------------------------------------------------
 */

#define HARDLY 0.05 /* share of the model's variance below which it is that */
#define NAMES  4    /* of those that hardly matter, before they are counted */

static int by_share(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;

	return ((*x)->valuedouble < (*y)->valuedouble) -
	       ((*x)->valuedouble > (*y)->valuedouble);
}

static void add_percent(struct buf *b, double share)
{
	buf_addf(b, share < 0.01 ? "%.1g %%" : "%.0f %%", 100 * share);
}

static void add_hardly(struct buf *b, const cJSON *const *list, size_t n)
{
	double share = 0;

	for (size_t i = 0; i < n; i++) {
		share += list[i]->valuedouble;
		if (n <= NAMES)
			buf_addf(b, "%s%s",
				 i == 0       ? "; "
				 : i + 1 == n ? " and "
					      : ", ",
				 list[i]->string);
	}
	if (n > NAMES)
		buf_addf(b, "; %zu others", n);
	if (n == 0)
		return;
	buf_adds(b, " hardly (");
	add_percent(b, share);
	buf_adds(b, ")");
}

/* @shares: the share of the model's variance, by parameter. */
static void add_relevance(struct buf *b, const cJSON *shares)
{
	size_t n = (size_t)cJSON_GetArraySize(shares), main = 0;
	const cJSON **list = xcalloc(n, sizeof(*list));
	const cJSON *item;
	size_t i = 0;

	cJSON_ArrayForEach (item, shares)
		list[i++] = item;
	qsort(list, n, sizeof(*list), by_share);
	while (main < n && (main == 0 || list[main]->valuedouble >= HARDLY))
		main++;
	for (i = 0; i < main; i++) {
		buf_addf(b, "%s%s%s (",
			 i == 0   ? "over the whole space "
			 : i == 1 ? ", then "
				  : ", ",
			 list[i]->string, i == 0 ? " matters most" : "");
		add_percent(b, list[i]->valuedouble);
		buf_adds(b, i == 0 ? " of the model's variance)" : ")");
	}
	add_hardly(b, list + main, n - main);
	free(list);
}

char *explain_relevance(struct server *s, int64_t search)
{
	auto_json cJSON *row = NULL;
	struct buf b = BUF_INIT;
	const cJSON *shares;

	if (store_read_suggested(s->store, search, &row) != 0)
		return NULL;
	shares = json_get(json_get(row, "data"), "relevance");
	if (cJSON_GetArraySize(shares) == 0)
		return NULL;
	add_relevance(&b, shares);
	return buf_take(&b);
}

/* What will end it before its trials are used up. */
static void say_ends(cJSON *sentences, const struct core_progress *p,
		     const struct moment *now)
{
	const struct stop_rules *stop = &p->spec->stop;
	time_t until = (time_t)(p->search->until_ms / 1000);
	int64_t minutes = (p->search->until_ms - now->now_ms + 59999) / 60000;
	char clock[32];
	struct buf b = BUF_INIT;
	struct tm tm;

	if (p->search->reopened_ms != 0 ||
	    search_state_is_final(p->search->state))
		return;
	if (until != 0) {
		(void)strftime(clock, sizeof(clock), "%F %R",
			       localtime_r(&until, &tm));
		buf_addf(&b, "ends at %s (in %lld h %lld min)", clock,
			 (long long)minutes / 60, (long long)minutes % 60);
		say(sentences, &b);
	}
	if (stop->cost_ms > 0) {
		buf_addf(&b, "has used %.3g of %.3g slot-hours, its cost",
			 (double)p->used_ms / 3600000,
			 (double)stop->cost_ms / 3600000);
		say(sentences, &b);
	}
	if (stop->plateau > 0) {
		buf_addf(&b,
			 "ends when %lld trial%s in a row not improved its "
			 "best result by more than the noise",
			 (long long)stop->plateau,
			 stop->plateau == 1 ? " has" : "s have");
		say(sentences, &b);
	}
}

cJSON *explain_search(struct server *s, int64_t search, const cJSON *row)
{
	cJSON *sentences = cJSON_CreateArray();
	const char *state = json_get_text(row, "state");
	const char *reason = json_get_text(row, "reason");
	auto_free char *relevance = explain_relevance(s, search);
	struct buf b = BUF_INIT;

	buf_addf(&b, "search %s is %s", json_get_text(row, "name"), state);
	if (reason != NULL && reason[0] != '\0')
		buf_addf(&b, " (%s)", reason);
	buf_addf(&b,
		 ": %lld done, %lld running, %lld pruned, %lld failed, %lld "
		 "cancelled, %lld lost, %lld queued",
		 (long long)json_get_integer(row, "done", 0),
		 (long long)json_get_integer(row, "running", 0),
		 (long long)json_get_integer(row, "pruned", 0),
		 (long long)json_get_integer(row, "failed", 0),
		 (long long)json_get_integer(row, "cancelled", 0),
		 (long long)json_get_integer(row, "lost", 0),
		 (long long)json_get_integer(row, "queued", 0));
	say(sentences, &b);
	say_best(sentences, row);
	if (core_has_search(s->core, search)) {
		struct moment now = server_now();
		struct core_progress p;

		core_explain(s->core, search, &b);
		say(sentences, &b);
		core_progress(s->core, search, &now, &p);
		say_ends(sentences, &p, &now);
	}
	if (relevance != NULL) {
		buf_adds(&b, relevance);
		say(sentences, &b);
	}
	return sentences;
}

/* --- why a configuration was chosen -----------------------------------------
 */

/* NULL: it is gone. */
static struct search_spec *read_spec(struct server *s, int64_t search)
{
	auto_free char *text = NULL;
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *spec;

	if (store_read_file(s->store, search, &text) != 0 ||
	    search_parse(text, strlen(text), &spec, &d) != 0)
		return NULL;
	return spec;
}

static bool is_imported(const cJSON *row)
{
	const char *origin = json_get_text(row, "origin");

	return origin != NULL && strcmp(origin, "imported") == 0;
}

/* One that was told to run has a result of its own, or none yet. */
static bool is_result_imported(const cJSON *row)
{
	const char *state = json_get_text(row, "state");

	return is_imported(row) && json_get_integer(row, "attempts", 0) == 0 &&
	       (strcmp(state, "done") == 0 || strcmp(state, "failed") == 0);
}

static void say_origin(cJSON *sentences, const struct search_spec *spec,
		       const cJSON *row)
{
	const char *origin = json_get_text(row, "origin");
	struct buf b = BUF_INIT;

	if (origin != NULL && strcmp(origin, "added") == 0)
		buf_adds(&b, "its configuration was added by the user");
	else if (origin != NULL && strcmp(origin, "start") == 0)
		buf_adds(&b, "its configuration stands in the search file, "
			     "under \"start\"");
	else if (is_result_imported(row))
		buf_adds(&b, "its configuration and its result were imported");
	else if (is_imported(row))
		buf_addf(&b, "its configuration was imported%s",
			 cJSON_IsNumber(json_get(row, "value"))
			     ? ", its result is of its own run"
			     : "");
	else
		buf_addf(&b,
			 "its configuration was proposed by the %s sampler "
			 "(seed %llu)",
			 sampler_type_name(spec->sampler),
			 (unsigned long long)spec->seed);
	say(sentences, &b);
}

static void say_budget(cJSON *sentences, const struct search_spec *spec,
		       const cJSON *row)
{
	int64_t runs = json_get_integer(row, "runs", 0);
	double value = json_get_number(row, "value", 0);
	struct buf b = BUF_INIT;

	if (runs == halving_first(spec, json_get_integer(row, "number", 0)))
		return;
	buf_addf(&b,
		 "with %s = %lld, run %lld of 0 to %lld at most, its %s is "
		 "%.6g",
		 spec->budget.name, (long long)search_level(spec, runs - 1),
		 (long long)runs - 1, (long long)spec->runs - 1, spec->metric,
		 value);
	say(sentences, &b);
}

static void say_runs(cJSON *sentences, const struct search_spec *spec,
		     const cJSON *row)
{
	int64_t runs = json_get_integer(row, "runs", 0);
	struct buf b = BUF_INIT;

	/* Of what was imported nobody may know. */
	if (spec->runs == 1 || (runs == 0 && is_result_imported(row)))
		return;
	if (spec->budget.name != NULL) {
		say_budget(sentences, spec, row);
		return;
	}
	buf_addf(&b, "%lld of %s %lld %s are over", (long long)runs,
		 spec->runs_min < spec->runs ? "at most" : "its",
		 (long long)spec->runs, spec->has_folds ? "folds" : "repeats");
	if (runs > 0)
		buf_addf(&b, ": their mean %s is %.6g", spec->metric,
			 json_get_number(row, "value", 0));
	if (runs > 1)
		buf_addf(&b, ", with a standard error of %.3g",
			 json_get_number(row, "value_error", 0));
	say(sentences, &b);
}

/* What came out, beside what the model had expected. */
static void say_result(cJSON *sentences, const struct search_spec *spec,
		       const cJSON *row, const cJSON *why)
{
	double sign = spec->goal == GOAL_MINIMIZE ? 1 : -1;
	double v = json_get_number(row, "value", (double)NAN);
	double low = json_get_number(why, "low", (double)NAN);
	double high = json_get_number(why, "high", (double)NAN);
	const char *state = json_get_text(row, "state");
	const char *words = "as expected";
	struct buf b = BUF_INIT;

	if (strcmp(state, "done") != 0 || isnan(v) || isnan(low) || isnan(high))
		return;
	if (v < low || v > high)
		words = sign * v < sign * low ? "better than expected"
					      : "worse than expected";
	buf_addf(&b, "it gave %s %.4g: %s (%.4g to %.4g)", spec->metric, v,
		 words, low, high);
	say(sentences, &b);
}

static void say_nearest(cJSON *sentences, const struct search_spec *spec,
			const cJSON *why)
{
	const cJSON *nearest = json_get(why, "nearest"), *item;
	struct buf b = BUF_INIT;

	cJSON_ArrayForEach (item, nearest) {
		double v = json_get_number(item, "value", (double)NAN);

		buf_addf(&b, "%s%lld (",
			 b.len == 0 ? "the nearest trials then: " : ", ",
			 (long long)json_get_integer(item, "trial", 0));
		if (isnan(v))
			buf_adds(&b, "without a result");
		else
			buf_addf(&b, "%s %.4g", spec->metric, v);
		buf_addf(&b, ", %.2g lengthscales away)",
			 json_get_number(item, "distance", (double)NAN));
	}
	if (b.len > 0)
		say(sentences, &b);
}

/* @spec may be NULL. */
static void say_event(cJSON *sentences, const struct search_spec *spec,
		      const cJSON *row, const cJSON *event)
{
	const char *kind = json_get_text(event, "kind");
	struct buf b = BUF_INIT;

	/* Some are of long ago: those that it has now are told beside them. */
	if (strcmp(kind, "symptom") == 0)
		return;
	buf_adds(&b, json_get_text(event, "text"));
	say(sentences, &b);
	if (spec != NULL && strcmp(kind, "suggested") == 0) {
		say_nearest(sentences, spec, json_get(event, "data"));
		say_result(sentences, spec, row, json_get(event, "data"));
	}
}

/* One that waits is stopped, in the end, by nothing of its own. */
static void say_given_up(cJSON *sentences, const cJSON *row,
			 const cJSON *events)
{
	bool waits = false;
	const cJSON *item;
	struct buf b = BUF_INIT;

	cJSON_ArrayForEach (item, events) {
		const char *kind = json_get_text(item, "kind");

		if (strcmp(kind, "pause") == 0)
			waits = true;
		else if (strcmp(kind, "promote") == 0 ||
			 strcmp(kind, "retry") == 0)
			waits = false;
	}
	if (!waits || strcmp(json_get_text(row, "state"), "pruned") != 0)
		return;
	buf_adds(&b, "it waited until its search ended; if that is extended, "
		     "it waits again");
	say(sentences, &b);
}

static void say_symptoms(cJSON *sentences, const cJSON *symptoms)
{
	const cJSON *item;
	struct buf b = BUF_INIT;

	cJSON_ArrayForEach (item, symptoms) {
		const char *kind = json_get_text(item, "symptom");

		if (strcmp(kind, "healthy") == 0)
			continue;
		buf_addf(&b, "%s: %s", kind, json_get_text(item, "text"));
		say(sentences, &b);
	}
}

static void say_forecast(cJSON *sentences, const struct server *s,
			 int64_t search, const cJSON *row)
{
	char best[JSON_NUMBER_BYTES];
	struct buf b = BUF_INIT;
	struct foretold f;

	if (!core_foretell(s->core, search, json_get_integer(row, "number", -1),
			   &f))
		return;
	buf_addf(&b,
		 "its result at %s %lld is foretold to be %.4g (%.4g to %.4g "
		 "with 90 %%); better than %s, the best of %zu trials, with "
		 "probability %.2g",
		 f.in_seconds ? "second" : "step", (long long)f.last, f.mean,
		 f.low, f.high, json_number_text(f.best, best), f.trials,
		 f.probability);
	say(sentences, &b);
}

static void say_end(struct buf *b, const cJSON *attempt)
{
	const cJSON *code = json_get(attempt, "code");
	const cJSON *signal = json_get(attempt, "signal");

	if (cJSON_IsNumber(code))
		buf_addf(b, "attempt %lld exited with status %d",
			 (long long)json_get_integer(attempt, "number", 0),
			 code->valueint);
	else if (cJSON_IsNumber(signal))
		buf_addf(b, "attempt %lld was ended by signal %d (%s)",
			 (long long)json_get_integer(attempt, "number", 0),
			 signal->valueint, strsignal(signal->valueint));
}

/* What the short reasons mean, where no event tells the numbers. */
static const char *meaning(const char *reason)
{
	static const struct {
		const char *prefix;
		const char *text;
	} meanings[] = {
		{"no-metric",
                 "it succeeded without printing the objective: see what is "
		  "read from its output with hpctl metrics --try"                      },
		{ "diverged",      "its objective became NaN, infinite or absurdly "
			      "large"                     },
		{ "spawn:",        "its command could not be started"                  },
		{ "checkpoint:",
                 "what it was to go on from could not be copied: see its output"       },
		{ "signal:9",
                 "something killed it that was not hpsd: somebody, or the "
		  "kernel when memory ran out"                                         },
		{ "shim-died",     "the process that watched it was killed, so how "
			       "it ended cannot be known"},
		{ "reboot",        "the machine restarted while it ran"                },
		{ "target",        "another trial had reached the target"              },
		{ "max_time",      "the search's time was over"                        },
		{ "until",         "the time that its search ends at had come"         },
		{ "cost",          "the search had used up its cost"                   },
		{ "plateau",       "the search's results had not improved for long"    },
		{ "regret",        "the search's model expected no gain beyond the "
			    "noise any more"                },
		{ "failures",      "too many trials of its search had failed"          },
		{ "never-started",
                 "it was launched again and again, and ended each "
		  "time before its command could run"                                  },
		{ "shutdown",      "the daemon was shut down with --kill-trials"       },
		{ "user",          "the user stopped it"                               },
	};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strncmp(reason, meanings[i].prefix,
			    strlen(meanings[i].prefix)) == 0)
			return meanings[i].text;
	}
	return NULL;
}

cJSON *explain_trial(struct server *s, int64_t search, const cJSON *row,
		     const cJSON *attempts, const cJSON *events,
		     const cJSON *symptoms)
{
	cJSON *sentences = cJSON_CreateArray();
	const char *reason = json_get_text(row, "reason");
	bool has_reason = reason != NULL && reason[0] != '\0';
	struct search_spec *spec = read_spec(s, search);
	struct buf b = BUF_INIT;
	const cJSON *item;

	buf_addf(&b, "trial %s/%lld is %s", json_get_text(row, "search"),
		 (long long)json_get_integer(row, "number", 0),
		 json_get_text(row, "state"));
	if (has_reason)
		buf_addf(&b, " (%s)", reason);
	say(sentences, &b);
	if (spec != NULL) {
		say_origin(sentences, spec, row);
		say_runs(sentences, spec, row);
	}
	cJSON_ArrayForEach (item, events)
		say_event(sentences, spec, row, item);
	say_given_up(sentences, row, events);
	say_symptoms(sentences, symptoms);
	say_forecast(sentences, s, search, row);
	search_free(spec);
	cJSON_ArrayForEach (item, attempts) {
		say_end(&b, item);
		if (b.len > 0)
			say(sentences, &b);
	}
	if (has_reason && meaning(reason) != NULL) {
		buf_adds(&b, meaning(reason));
		say(sentences, &b);
	}
	return sentences;
}
