/*
 * The proof that the seeds have been somewhere: how often each event, effect,
 * outcome, move and crash has happened.
 */
#include "cover.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct {
	uint64_t events[EV_SHUTDOWN + 1];
	uint64_t refused[EV_SHUTDOWN + 1];
	uint64_t effects[FX_SEARCH_CHANGED + 1];
	uint64_t outcomes[NAMES_OUTCOMES_N];
	uint64_t searches[NAMES_SEARCH_STATES_N][NAMES_SEARCH_STATES_N];
	uint64_t trials[NAMES_TRIAL_STATES_N][NAMES_TRIAL_STATES_N];
	uint64_t attempts[NAMES_ATTEMPT_STATES_N][NAMES_ATTEMPT_STATES_N];
	uint64_t crashes[CRASH_PLACES_N];
	uint64_t models[NAMES_SAMPLERS_N];
} counts;

/* Things with words; `n` is counted. */
static struct thing {
	const char *name;
	uint64_t n;
} things[] = {
	{"a reboot",			       0},
	{ "a shutdown",			    0},
	{ "a commit that waits",                   0},
	{ "SIGTERM",			       0},
	{ "SIGTERM ignored",                       0},
	{ "SIGKILL",			       0},
	{ "the same proposal after a crash",       0},
	{ "a point from the list of all",          0},
	{ "a trial of the file's start",           0},
	{ "a trial that was imported",             0},
	{ "several suggestions at once",           0},
	{ "a suggestion that comes too late",      0},
	{ "told of nothing",                       0},
	{ "told of a running trial",               0},
	{ "told of a result",                      0},
	{ "told of a pruned trial",                0},
	{ "told of a failure",                     0},
	{ "told of a trial that had less",         0},
	{ "a model of more than the least budget", 0},
	{ "a member that goes on",                 0},
	{ "a member that is replaced",             0},
	{ "a further run",                         0},
	{ "a mean of several runs",                0},
	{ "repeats that are enough",               0},
	{ "a load between two runs",               0},
	{ "a load of a trial that waits",          0},
	{ "a trial that waits",                    0},
	{ "a trial that was given up waits again", 0},
	{ "a trial that waited goes on",           0},
	{ "the best that waits goes on",           0},
	{ "a trial that waited to the end",        0},
	{ "all of a budget",                       0},
	{ "more of a budget",                      0},
	{ "no more of a budget",                   0},
	{ "a running trial with symptoms",         0},
	{ "the symptom diverged",                  0},
	{ "the symptom healthy",                   0},
};

static struct thing reasons[] = {
	{"user",             0},
	{ "shutdown",        0},
	{ "timeout",         0},
	{ "diverged",        0},
	{ "target",          0},
	{ "max_time",        0},
	{ "median",          0},
	{ "patience",        0},
	{ "threshold",       0},
	{ "percentile",      0},
	{ "asha",            0},
	{ "hyperband",       0},
	{ "funnel",          0},
	{ "forecast",        0},
	{ "until",           0},
	{ "cost",            0},
	{ "plateau",         0},
	{ "failures",        0},
	{ "a failed search", 0},
	{ "trials",          0},
	{ "exhausted",       0},
	{ "wilcoxon",        0},
	{ "paused",          0},
};

static const char *const events[] = {
	"submit",       "pause",     "resume", "cancel",   "extend",
	"add",          "import",    "kill",   "retry",    "spawned",
	"spawn failed", "output",    "ended",  "adopted",  "terminated",
	"copied",       "suggested", "tick",   "shutdown",
};

static const char *const effects[] = {
	"save search",  "save trial",     "save attempt",
	"save metrics", "save symptoms",  "save event",
	"launch",       "adopt",          "go",
	"terminate",    "kill",           "suggest",
	"trial ended",  "search changed",
};

static const char *const crashes[] = {
	"",
	"between turns",
	"before a commit",
	"after a commit",
	"between acts",
	"after the acts",
};

void cover_event(enum event_type type, bool refused)
{
	counts.events[type]++;
	counts.refused[type] += refused;
}

void cover_effect(enum effect_type type)
{
	counts.effects[type]++;
}

void cover_outcome(enum outcome_kind kind)
{
	counts.outcomes[kind]++;
}

void cover_search(int from, int to)
{
	counts.searches[from][to]++;
}

void cover_trial(int from, int to)
{
	counts.trials[from][to]++;
}

void cover_attempt(int from, int to)
{
	counts.attempts[from][to]++;
}

void cover_crash(enum crash_place place)
{
	counts.crashes[place]++;
}

static void count_thing(struct thing *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(name, list[i].name, strlen(list[i].name)) == 0 &&
		    (name[strlen(list[i].name)] == '\0' ||
		     name[strlen(list[i].name)] == '@')) {
			list[i].n++;
			return;
		}
	}
	printf("nobody counts \"%s\"\n", name);
	assert(!"a thing of the list");
}

void cover_model(enum sampler_type type)
{
	counts.models[type]++;
}

void cover_reason(const char *reason)
{
	count_thing(reasons, sizeof(reasons) / sizeof(reasons[0]), reason);
}

void cover_thing(const char *name)
{
	count_thing(things, sizeof(things) / sizeof(things[0]), name);
}

/* --- the report
 * ------------------------------------------------------------------ */

static int report(const char *what, const char *name, uint64_t n)
{
	printf("  %-10s %-34s %10llu%s\n", what, name, (unsigned long long)n,
	       n == 0 ? "  NEVER" : "");
	return n == 0;
}

static int report_move(const char *what, const char *from, const char *to,
		       uint64_t n)
{
	char name[64];

	snprintf(name, sizeof(name), "%s -> %s", from, to);
	return report(what, name, n);
}

static int report_moves(void)
{
	int missing = 0;

	for (int i = 0; i < NAMES_SEARCH_STATES_N; i++) {
		for (int k = 0; k < NAMES_SEARCH_STATES_N; k++) {
			if (search_state_may_follow((enum search_state)i,
						    (enum search_state)k))
				missing +=
				    report_move("search", search_state_names[i],
						search_state_names[k],
						counts.searches[i][k]);
		}
	}
	for (int i = 0; i < NAMES_TRIAL_STATES_N; i++) {
		for (int k = 0; k < NAMES_TRIAL_STATES_N; k++) {
			if (trial_state_may_follow((enum trial_state)i,
						   (enum trial_state)k))
				missing += report_move(
				    "trial", trial_state_names[i],
				    trial_state_names[k], counts.trials[i][k]);
		}
	}
	for (int i = 0; i < NAMES_ATTEMPT_STATES_N; i++) {
		for (int k = 0; k < NAMES_ATTEMPT_STATES_N; k++) {
			if (attempt_state_may_follow((enum attempt_state)i,
						     (enum attempt_state)k))
				missing += report_move("attempt",
						       attempt_state_names[i],
						       attempt_state_names[k],
						       counts.attempts[i][k]);
		}
	}
	return missing;
}

int cover_report(void)
{
	int missing = report_moves();

	for (int i = EV_SUBMIT; i <= EV_SHUTDOWN; i++)
		missing += report("event", events[i], counts.events[i]);
	for (int i = EV_SUBMIT; i <= EV_RETRY; i++) {
		/* More are refused only to a search of a million trials. */
		if (i != EV_ADD && i != EV_IMPORT)
			missing +=
			    report("refused", events[i], counts.refused[i]);
	}
	for (int i = FX_LAUNCH; i <= FX_SEARCH_CHANGED; i++)
		missing += report("effect", effects[i], counts.effects[i]);
	for (int i = OUTCOME_EXITED; i < NAMES_OUTCOMES_N; i++) {
		/* The executor tells it of commands, not of shims. */
		if (i != OUTCOME_NOT_EXECUTED)
			missing += report("outcome", outcome_kind_names[i],
					  counts.outcomes[i]);
	}
	for (int i = CRASH_IDLE; i < CRASH_PLACES_N; i++)
		missing += report("crash", crashes[i], counts.crashes[i]);
	for (int i = SAMPLER_TPE; i < NAMES_SAMPLERS_N; i++)
		missing +=
		    report("model", sampler_type_names[i], counts.models[i]);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		missing += report("reason", reasons[i].name, reasons[i].n);
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		missing += report("thing", things[i].name, things[i].n);
	return missing;
}
