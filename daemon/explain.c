/* Why things are as they are, in sentences for people. */
#include "server.h"

#include "schema/mem.h"

#include <string.h>

static void say(cJSON *sentences, struct buf *text)
{
	auto_free char *s = buf_take(text);

	cJSON_AddItemToArray(sentences, cJSON_CreateString(s));
}

static void say_best(cJSON *sentences, const cJSON *row)
{
	struct buf b = BUF_INIT;
	char number[JSON_NUMBER_BYTES];

	if (!cJSON_IsNumber(json_get(row, "best_value")))
		return;
	buf_addf(
	    &b, "best so far: %s %s by trial %lld",
	    json_get_text(row, "metric"),
	    json_number_text(json_get_number(row, "best_value", 0), number),
	    (long long)json_get_integer(row, "best_trial", 0));
	say(sentences, &b);
}

cJSON *explain_search(struct server *s, int64_t search, const cJSON *row)
{
	cJSON *sentences = cJSON_CreateArray();
	const char *state = json_get_text(row, "state");
	const char *reason = json_get_text(row, "reason");
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
		core_explain(s->core, search, &b);
		say(sentences, &b);
	}
	return sentences;
}

static void say_origin(cJSON *sentences, struct server *s, int64_t search,
		       const cJSON *row)
{
	const char *origin = json_get_text(row, "origin");
	auto_free char *text = NULL;
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *spec;
	struct buf b = BUF_INIT;

	if (origin != NULL && strcmp(origin, "added") == 0) {
		buf_adds(&b, "its configuration was added by the user");
	} else if (origin != NULL && strcmp(origin, "start") == 0) {
		buf_adds(&b, "its configuration stands in the search file, "
			     "under \"start\"");
	} else if (origin != NULL && strcmp(origin, "imported") == 0) {
		buf_adds(&b, "its configuration and its result were imported");
	} else if (store_read_file(s->store, search, &text) == 0 &&
		   search_parse(text, strlen(text), &spec, &d) == 0) {
		buf_addf(&b,
			 "its configuration was proposed by the %s sampler "
			 "(seed %llu)",
			 sampler_type_name(spec->sampler),
			 (unsigned long long)spec->seed);
		search_free(spec);
	}
	if (b.len > 0)
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
		{ "shim-died",     "the process that watched it was killed, so how "
			       "it ended cannot be known"},
		{ "reboot",        "the machine restarted while it ran"                },
		{ "target",        "another trial had reached the target"              },
		{ "max_time",      "the search's time was over"                        },
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
		     const cJSON *attempts, const cJSON *events)
{
	cJSON *sentences = cJSON_CreateArray();
	const char *reason = json_get_text(row, "reason");
	bool has_reason = reason != NULL && reason[0] != '\0';
	struct buf b = BUF_INIT;
	const cJSON *item;

	buf_addf(&b, "trial %s/%lld is %s", json_get_text(row, "search"),
		 (long long)json_get_integer(row, "number", 0),
		 json_get_text(row, "state"));
	if (has_reason)
		buf_addf(&b, " (%s)", reason);
	say(sentences, &b);
	say_origin(sentences, s, search, row);
	cJSON_ArrayForEach (item, events) {
		buf_adds(&b, json_get_text(item, "text"));
		say(sentences, &b);
	}
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
