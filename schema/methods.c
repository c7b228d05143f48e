#include "schema/methods.h"

#include "schema/json.h"

#include <math.h>
#include <string.h>

#define SEARCH_FIELD                                                           \
	{                                                                      \
		"search", FIELD_TEXT, true, "name, id or unique prefix"        \
	}
#define TRIAL_FIELD                                                            \
	{                                                                      \
		"trial", FIELD_INT, true, "number of the trial in its search"  \
	}

const struct method_entry methods[METHOD_N] = {
	[METHOD_VERSION] = {
		"version", "Says which daemon answers.",
		"version, protocol, pid, state_dir, socket, started",
		{ { 0 } },
	},
	[METHOD_SUBMIT] = {
		"submit",
		"Hands a search over. The same key again answers as the first "
		"time and submits nothing.",
		"search (id), name, trials (0: until the grid is exhausted)",
		{
			{ "key", FIELD_TEXT, true, "made by the client, unique" },
			{ "file", FIELD_TEXT, true, "text of the search file" },
			{ "workdir", FIELD_TEXT, true,
			  "absolute directory that the trials start in" },
			{ "environ", FIELD_TEXTS, true,
			  "the submitter's environment, NAME=value" },
			{ "name", FIELD_TEXT, false, "instead of the file's" },
		},
	},
	[METHOD_LIST] = {
		"list", "Lists the searches, the newest first.",
		"searches: rows of the view searches",
		{ { 0 } },
	},
	[METHOD_SHOW] = {
		"show", "Shows one search.",
		"search: row of the view searches and, if trials may wait "
		"until they are among the best, how many of those queued do "
		"(waiting); file: its text; best: row "
		"of the view best or null; relevance: a sentence on which "
		"parameters matter, or null; symptoms: how many trials have "
		"each; running: of each running trial its number, run (from "
		"0), runs, text and, with the rule forecast, what is foretold "
		"(value, sd, low and high, between which it will be with 90 %, "
		"step or second, best, probability); last: newest rows of the "
		"view events",
		{ SEARCH_FIELD },
	},
	[METHOD_TRIALS] = {
		"trials", "Lists trials of a search by number.",
		"trials: rows of the view trials; more: whether others follow",
		{
			SEARCH_FIELD,
			{ "state", FIELD_TEXT, false, "only trials in it" },
			{ "from", FIELD_INT, false, "first number (0)" },
			{ "limit", FIELD_INT, false, "rows (at most 1000)" },
		},
	},
	[METHOD_BEST] = {
		"best", "Lists the best trials of a search, the best first.",
		"trials: rows of the view leaderboard; of the first, with all "
		"of a budget: command: its argv; args: what {args} is in it; "
		"env: its HPS_PARAM_* variables; params: an object, as "
		"{args_json} is",
		{
			SEARCH_FIELD,
			{ "limit", FIELD_INT, false, "rows (1)" },
		},
	},
	[METHOD_TRIAL] = {
		"trial", "Shows one trial.",
		"trial: row of the view trials; attempts: rows of the view "
		"attempts; log: path of its output; command: its argv",
		{ SEARCH_FIELD, TRIAL_FIELD },
	},
	[METHOD_METRICS] = {
		"metrics",
		"Lists the metrics of one trial by run, name and step.",
		"metrics: rows of the view metrics; more: whether others "
		"follow; next: the place where they do, or null",
		{
			SEARCH_FIELD,
			TRIAL_FIELD,
			{ "name", FIELD_TEXT, false, "only this metric" },
			{ "after", FIELD_TEXT, false,
			  "next of the page before" },
		},
	},
	[METHOD_SYMPTOMS] = {
		"symptoms",
		"Tells what ails one trial: of a running one as it is now.",
		"run: the number of the run (fold, repeat, budget) that they "
		"are of, the latest; symptoms: symptom, strength, step, text, "
		"try and data of each, the one first that explains its result "
		"best; note: why there are no others, or null",
		{ SEARCH_FIELD, TRIAL_FIELD },
	},
	[METHOD_CURVES] = {
		"curves",
		"Tells how a metric went in the trials of a search: at most "
		"200 curves of at most 100 points each, which keep the ends "
		"and the extremes.",
		"metric: its name; every: those of every so many-th trial and "
		"of the best one were read; curves: by trial number, each with "
		"trial, steps and values",
		{
			SEARCH_FIELD,
			{ "name", FIELD_TEXT, false,
			  "the metric (the objective)" },
		},
	},
	[METHOD_EXPLAIN] = {
		"explain",
		"Says why: of a search, what it waits for or why it ended; of "
		"a trial, where it came from and why it stopped.",
		"sentences: texts; events: rows of the view events",
		{
			SEARCH_FIELD,
			{ "trial", FIELD_INT, false, "number of a trial" },
		},
	},
	[METHOD_PAUSE] = {
		"pause", "Starts no further trial; running ones go on.",
		"state", { SEARCH_FIELD },
	},
	[METHOD_RESUME] = {
		"resume", "Goes on with a paused search.",
		"state", { SEARCH_FIELD },
	},
	[METHOD_CANCEL] = {
		"cancel", "Ends a search and stops its running trials.",
		"state", { SEARCH_FIELD },
	},
	[METHOD_KILL] = {
		"kill", "Stops one running or queued trial.",
		"state: of the search; trial_state: running until it has "
		"stopped, or cancelled at once",
		{ SEARCH_FIELD, TRIAL_FIELD },
	},
	[METHOD_RETRY] = {
		"retry", "Runs an ended trial again, same configuration.",
		"state", { SEARCH_FIELD, TRIAL_FIELD },
	},
	[METHOD_ADD] = {
		"add", "Puts a configuration in front of the queue.",
		"trial: its number",
		{
			SEARCH_FIELD,
			{ "params", FIELD_OBJECT, true,
			  "value of each active parameter" },
		},
	},
	[METHOD_IMPORT] = {
		"import",
		"Makes earlier trials trials of a search, which learns from "
		"them: those given, all or none, or those of another search "
		"that have a place in this one.",
		"trials: how many; first: the number of the first; "
		"without_result, unfit: trials of the other search that were "
		"left out; why: of the first unfit one; lacks: what is not "
		"known here of the others, or null",
		{
			SEARCH_FIELD,
			{ "key", FIELD_TEXT, true,
			  "made by the client, so that a retry imports once" },
			{ "trials", FIELD_OBJECTS, false,
			  "params, and value (\"nan\", \"inf\", \"-inf\" too) "
			  "unless the trial failed" },
			{ "from", FIELD_TEXT, false, "instead: a search" },
			{ "source", FIELD_TEXT, false,
			  "where the trials come from, for people" },
		},
	},
	[METHOD_EXTEND] = {
		"extend", "Raises the number of trials; an ended search goes on.",
		"trials: the new number",
		{
			SEARCH_FIELD,
			{ "trials", FIELD_INT, true, "in all, not further ones" },
		},
	},
	[METHOD_REMOVE] = {
		"remove",
		"Deletes an ended search with all its trials and files.",
		"removed: number of trials",
		{ SEARCH_FIELD },
	},
	[METHOD_BACKUP] = {
		"backup",
		"Copies the database as it is now, while the daemon goes on.",
		"file, bytes, searches, trials: what is in the copy",
		{
			{ "file", FIELD_TEXT, true, "absolute path" },
			{ "replace", FIELD_BOOL, false,
			  "a file that is there (false)" },
		},
	},
	[METHOD_STATUS] = {
		"status", "Tells how the daemon is.",
		"version, pid, uptime_ms, slots, slots_used, open_searches "
		"(that have not ended), running (trials), clients, "
		"memory_bytes, state_dir, database, storage (\"ok\", or why it "
		"cannot be written), socket, config",
		{ { 0 } },
	},
	[METHOD_HEALTH] = {
		"health",
		"Examines the database and the newest backup, which may take "
		"a while, and tells what may need a person.",
		"database, backup_check: \"ok\", what is wrong, or null if "
		"there was no time to know; backup: path of the newest or "
		"null; backups: how many are kept; backup_error: why the "
		"latest daily one failed, or null; wal_bytes, wal_is_large; readers: pid and "
		"name of programs that have the database open; attempts: those "
		"that are not over (search, trial, attempt, state, token, "
		"kill_boot_ms); boot_ms: now, on the clock of kill_boot_ms",
		{ { 0 } },
	},
	[METHOD_SUBSCRIBE] = {
		"subscribe",
		"Sends \"progress\" notices of a search until the connection "
		"ends, the first at once, at most ten a second.",
		"search (id); each notice holds search, name, state, reason, "
		"metric, goal, trials, counts (by state), best (row of the view "
		"best or null), seconds, left_seconds (null: unknown), "
		"symptoms (how many trials have each), running (where trials "
		"have several runs: trial, run, runs, text), ended "
		"(trials that ended since the last notice: number, state, "
		"reason, value, seconds), omitted (how many more of them)",
		{ SEARCH_FIELD },
	},
	[METHOD_SHUTDOWN] = {
		"shutdown", "Ends the daemon; running trials go on.",
		"running: trials left running or being stopped",
		{
			{ "kill_trials", FIELD_BOOL, false,
			  "stop the running trials first" },
		},
	},
	[METHOD_WHY] = {
		"why",
		"Says what all trials of a search show together: what ails "
		"them, which values go with that, and which parameters matter.",
		"search, metric, goal; compared: with how much of a budget "
		"the results are compared, or null; trials: how many have ended, "
		"with_result: so that something is known by their results; "
		"symptoms: how many trials have each; findings: finding (its "
		"kind), text, try, data, change (of the search file: "
		"parameter, and its new min, max or value, or the choice to "
		"go without; or null); note: what is not judged, and why, or "
		"null; importance: of each parameter, the most "
		"important first (parameter, share of all that divides the "
		"best trials from the others, low and high: from 5 to 95 % of "
		"it in resampled trials, chance: the probability of as much if "
		"it did nothing, trials, scale, curve: parts of its range with "
		"their trials, best, quarter, median, three_quarters); "
		"unknown: why shares are missing, or null",
		{ SEARCH_FIELD },
	},
};

int method_find(const char *name)
{
	for (int m = 0; m < METHOD_N; m++) {
		if (strcmp(methods[m].name, name) == 0)
			return m;
	}
	return -1;
}

static bool is_array_of(const cJSON *v, cJSON_bool is(const cJSON *item))
{
	const cJSON *item;

	if (!cJSON_IsArray(v))
		return false;
	cJSON_ArrayForEach (item, v) {
		if (!is(item))
			return false;
	}
	return true;
}

static bool is_count(const cJSON *v)
{
	return cJSON_IsNumber(v) && v->valuedouble >= 0 &&
	       v->valuedouble <= 0x1p53 &&
	       floor(v->valuedouble) == v->valuedouble;
}

/* What a field must be, or NULL if @v is that. */
static const char *field_fault(enum field_type type, const cJSON *v)
{
	switch (type) {
	case FIELD_TEXT:
		return cJSON_IsString(v) ? NULL : "a string";
	case FIELD_INT:
		return is_count(v) ? NULL : "a whole number from 0";
	case FIELD_BOOL:
		return cJSON_IsBool(v) ? NULL : "true or false";
	case FIELD_OBJECT:
		return cJSON_IsObject(v) ? NULL : "an object";
	case FIELD_TEXTS:
		return is_array_of(v, cJSON_IsString) ? NULL
						      : "an array of strings";
	case FIELD_OBJECTS:
		return is_array_of(v, cJSON_IsObject) ? NULL
						      : "an array of objects";
	}
	return NULL;
}

static const struct method_field *find_field(const struct method_entry *m,
					     const char *name)
{
	for (const struct method_field *f = m->fields; f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

int method_check(enum method m, const cJSON *params, struct diag *reterr)
{
	const struct method_entry *entry = &methods[m];
	const cJSON *v;
	size_t before = reterr->n;

	if (params != NULL && !cJSON_IsObject(params)) {
		diag_add(reterr, "params", "must be an object");
		return 1;
	}
	for (const struct method_field *f = entry->fields; f->name != NULL;
	     f++) {
		if (f->required && json_get(params, f->name) == NULL)
			diag_add(reterr, f->name, "is missing (%s)", f->help);
	}
	cJSON_ArrayForEach (v, params) {
		const struct method_field *f = find_field(entry, v->string);
		const char *fault;

		if (f == NULL) {
			diag_add(reterr, v->string, "is no field of \"%s\"",
				 entry->name);
			continue;
		}
		fault = field_fault(f->type, v);
		if (fault != NULL)
			diag_add(reterr, f->name, "must be %s", fault);
	}
	return reterr->n > before;
}
