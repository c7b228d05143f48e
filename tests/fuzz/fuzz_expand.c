/*
 * Placeholders: an element of "command", a value of "env" and the value of the
 * parameter {v}, a line each, beside a second telling of the rules.
 */
#include "fuzz.h"

#include "schema/expand.h"
#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINES 3

enum line { LINE_ELEMENT, LINE_ENV, LINE_VALUE };

/* What the holes of this search stand for, but for {args} and {args_json}. */
static const struct {
	const char *name, *text;
} holes[] = {
	{"a",            "7"             },
        { "params_file", "/d/params.json"},
	{ "trial",       "5"             },
        { "search",      "s"             },
	{ "dir",         "/d"            },
        { "checkpoint",  "/d/checkpoint" },
	{ "seed",        "9"             },
        { "fold",        "0"             },
};

static const char *hole(const char *name, const char *value)
{
	if (strcmp(name, "v") == 0)
		return value;
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		if (strcmp(holes[i].name, name) == 0)
			return holes[i].text;
	}
	return NULL;
}

/* The text that @template becomes; NULL: it is refused. */
static char *model(const char *template, const char *value, const char *json)
{
	struct buf b = BUF_INIT;

	for (const char *p = template; *p != '\0'; p++) {
		size_t n = strcspn(p + 1, "{}");
		auto_free char *name = NULL;
		const char *text;

		if (*p != '{' || p[1] == '{') {
			buf_addc(&b, *p);
			p += *p == '{';
			continue;
		}
		name = xstrndup(p + 1, n);
		text =
		    strcmp(name, "args_json") == 0 ? json : hole(name, value);
		if (p[1 + n] != '}' || text == NULL) {
			buf_free(&b);
			return NULL;
		}
		buf_adds(&b, text);
		p += n + 1;
	}
	return buf_take(&b);
}

static char *search_file(char *const *lines)
{
	auto_json cJSON *o = cJSON_Parse(
	    "{\"name\": \"s\", \"metric\": {\"name\": \"m\"}, \"trials\": 1,"
	    "\"command\": [\"t\"], \"env\": {}, \"parameters\": {"
	    "\"v\": {\"type\": \"choice\", \"values\": [\"-\"]},"
	    "\"a\": {\"value\": 7}, \"off\": {\"type\": \"int\", \"min\": 1, "
	    "\"max\": 2, \"when\": {\"v\": \"-\"}}}}");
	cJSON *v = cJSON_GetObjectItem(
	    cJSON_GetObjectItem(cJSON_GetObjectItem(o, "parameters"), "v"),
	    "values");

	cJSON_AddItemToArray(cJSON_GetObjectItem(o, "command"),
			     cJSON_CreateString(lines[LINE_ELEMENT]));
	cJSON_AddStringToObject(cJSON_GetObjectItem(o, "env"), "E",
				lines[LINE_ENV]);
	cJSON_InsertItemInArray(v, 0, cJSON_CreateString(lines[LINE_VALUE]));
	return json_print(o);
}

/* {v} is the first of its values, and {off} is not active. */
static void check(const struct search_spec *spec, char *const *lines)
{
	struct cell config[3] = { { .active = true }, { .active = true } };
	struct expand e = {
		.spec = spec,
		.config = config,
		.search = "s",
		.trial = 5,
		.seed = 9,
		.dir = "/d",
	};
	const char *element = lines[LINE_ELEMENT], *value = lines[LINE_VALUE];
	auto_json cJSON *params = space_print(spec->space, config);
	auto_free char *json = json_print(params);
	auto_strv char **argv = expand_argv(&e);
	auto_strv char **env = expand_environ(&e);
	auto_free char *want = model(element, value, json);
	auto_free char *want_env = model(lines[LINE_ENV], value, json);
	auto_free char *arg = xasprintf("--v=%s", value);

	assert(strcmp(argv[0], "t") == 0);
	if (strcmp(element, "{args}") == 0) {
		assert(strcmp(argv[1], arg) == 0);
		assert(strcmp(argv[2], "--a=7") == 0 && argv[3] == NULL);
	} else if (want != NULL) {
		assert(strcmp(argv[1], want) == 0 && argv[2] == NULL);
	} else {
		assert(strstr(element, "{off}") != NULL && argv[1] == NULL);
	}
	if (want_env != NULL)
		assert(strncmp(env[0], "E=", 2) == 0 &&
		       strcmp(env[0] + 2, want_env) == 0);
	else
		assert(strcmp(lines[LINE_ENV], "{off}") == 0 &&
		       strncmp(env[0], "E=", 2) != 0);
}

/* Only what the model refuses as well may be refused. */
static void check_refusal(char *const *lines, const struct diag *d)
{
	auto_free char *element = model(lines[LINE_ELEMENT], "", "");
	auto_free char *env = model(lines[LINE_ENV], "", "");

	assert(d->n > 0);
	for (size_t i = 0; i < d->n; i++)
		assert(d->faults[i].text[0] != '\0');
	if (strcmp(lines[LINE_VALUE], "-") != 0)
		assert(element == NULL || env == NULL);
}

/* As it arrives: cJSON has no zero bytes, and what is no UTF-8 is replaced. */
static char *clean(const char *text, size_t len)
{
	auto_free char *copy = xstrndup(text, len);
	auto_json cJSON *s = cJSON_CreateString(copy);
	auto_free char *json = json_print(s);
	auto_json cJSON *back = cJSON_Parse(json);

	return xstrdup(back->valuestring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data, *end = p + len;
	auto_strv char **lines = xcalloc(LINES + 1, sizeof(*lines));
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;
	struct search_spec *spec = NULL;

	for (int i = 0; i < LINES; i++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;

		lines[i] = clean(p, (size_t)(stop - p));
		p = lf != NULL ? lf + 1 : end;
	}
	text = search_file(lines);
	if (search_parse(text, strlen(text), &spec, &d) == 0)
		check(spec, lines);
	else
		check_refusal(lines, &d);
	search_free(spec);
	return 0;
}
