/*
 * One sampler behind a pipe, so that the comparison beside this file can drive
 * it as it drives the libraries: a line in, a line out.
 *
 *     ask_tell SEARCH.json
 *
 *     ask                        {"number": 0, "seconds": 1e-05, "why":
 *                                 "start", "params": {"lr": 0.1}}, or
 *                                 {"exhausted": true}
 *     tell NUMBER OUTCOME        nothing; OUTCOME is `done VALUE` (nan and inf
 *                                 too) or `pruned VALUE`, then, if known, the
 *                                 STEPS that it reported and the SECONDS that
 *                                 it took; or `failed`, `cancelled`, `running`,
 *                                 `short`
 *     add {"lr": 0.1} OUTCOME    {"number": 1}: a trial that was not asked for
 *
 * The seconds are processor time of the proposal alone, fit and acquisition:
 * a busy machine does not stretch them.
 */
#include "../spec_file.h"
#include "search/sampler.h"

#include "schema/mem.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct session {
	struct search_spec *spec;
	struct sampler *sampler;
	uint64_t cursor;
	size_t n; /* trials so far */
};

static double processor_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One that does not learn may have cursors without a point. */
static enum sampler_answer next(struct session *s, struct cell *ret_config)
{
	enum sampler_answer answer;

	do {
		answer = sampler_ask(s->sampler, &s->cursor, ret_config);
		s->cursor++;
	} while (answer == SAMPLER_SKIP);
	return answer;
}

static bool propose(struct session *s, struct proposal *ret)
{
	if (sampler_learns(s->sampler))
		return sampler_propose(s->sampler, &s->cursor, 1, ret) == 1;
	*ret = (struct proposal){ .config = xcalloc(s->spec->space->n,
						    sizeof(*ret->config)),
				  .rationale.why = WHY_DESIGN };
	if (next(s, ret->config) == SAMPLER_OK)
		return true;
	proposal_fini(ret);
	return false;
}

static void ask(struct session *s)
{
	static const char *const words[] = {
		[WHY_DESIGN] = "design", [WHY_START] = "start",
		[WHY_MODEL] = "model",   [WHY_FALLBACK] = "fallback",
		[WHY_CHANCE] = "chance",
	};
	struct proposal *p = xcalloc(1, sizeof(*p));
	double began = processor_s();

	if (propose(s, p)) {
		double seconds = processor_s() - began;
		auto_json cJSON *params =
		    space_print(s->spec->space, p->config);
		auto_free char *text = json_print(params);

		printf("{\"number\": %zu, \"seconds\": %.9f, \"why\": \"%s\", "
		       "\"params\": %s}\n",
		       s->n++, seconds, words[p->rationale.why], text);
		proposal_fini(p);
	} else {
		puts("{\"exhausted\": true}");
	}
	free(p);
}

/* Reads OUTCOME; ends the program when it is none. */
static struct observation outcome_of(const struct session *s, const char *text)
{
	char word[16] = "";
	double value;
	double seconds = 0;
	int64_t steps = 0;
	int fields = sscanf(text, "%15s %lf %" SCNd64 " %lf", word, &value,
			    &steps, &seconds);
	bool done = strcmp(word, "done") == 0;

	if (fields >= 2 && (done || strcmp(word, "pruned") == 0))
		return (struct observation){
			.fate = done ? FATE_DONE : FATE_PRUNED,
			.score = score_of(s->spec->goal, value),
			.steps = steps,
			.seconds = seconds,
		};
	if (fields == 1 && strcmp(word, "failed") == 0)
		return (struct observation){ .fate = FATE_FAILED };
	if (fields == 1 && strcmp(word, "cancelled") == 0)
		return (struct observation){ .fate = FATE_NONE };
	if (fields == 1 && strcmp(word, "running") == 0)
		return (struct observation){ .fate = FATE_RUNNING };
	if (fields == 1 && strcmp(word, "short") == 0)
		return (struct observation){ .fate = FATE_SHORT };
	errx(2,
	     "%s: no outcome (done VALUE [STEPS [SECONDS]], pruned VALUE "
	     "[STEPS [SECONDS]], failed, cancelled, running, short)",
	     text);
}

static void tell(struct session *s, const char *text)
{
	size_t number;
	int at = 0;

	if (sscanf(text, "%zu %n", &number, &at) != 1 || number >= s->n)
		errx(2, "%s: no trial with this number (below %zu)", text,
		     s->n);
	sampler_tell(s->sampler, number, NULL, outcome_of(s, text + at));
}

static void add(struct session *s, const char *text)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free struct cell *config =
	    xcalloc(s->spec->space->n, sizeof(*config));
	const char *end = NULL;
	auto_json cJSON *params = cJSON_ParseWithOpts(text, &end, false);

	if (params == NULL)
		errx(2, "%s: no JSON object", text);
	if (space_read(s->spec->space, params, config, &faults) != 0)
		errx(2, "%s", diag_text(&faults, NULL));
	sampler_tell(s->sampler, s->n, config, outcome_of(s, end));
	printf("{\"number\": %zu}\n", s->n++);
}

static void obey(struct session *s, const char *line)
{
	if (strcmp(line, "ask") == 0)
		ask(s);
	else if (strncmp(line, "tell ", 5) == 0)
		tell(s, line + 5);
	else if (strncmp(line, "add ", 4) == 0)
		add(s, line + 4);
	else
		errx(2, "%s: no command (ask, tell, add)", line);
}

int main(int argc, char **argv)
{
	struct session s = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (argc != 2)
		errx(2, "usage: ask_tell SEARCH.json");
	s.spec = spec_file(argv[1]);
	s.sampler = sampler_new(s.spec);
	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		obey(&s, line);
		(void)fflush(stdout);
	}
	free(line);
	sampler_free(s.sampler);
	search_free(s.spec);
	return 0;
}
