/*
 * A search file: parsed, its faults sent and read back, and, once it is
 * accepted, its first trials up to their command lines.
 */
#include "fuzz.h"
#include "search/sampler.h"

#include "schema/expand.h"
#include "schema/mem.h"
#include "schema/rpc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ASKED 3

/* A refusal has words, and the client gets them as they are. */
static void check_faults(const struct diag *d)
{
	auto_json cJSON *sent = rpc_print_faults(d);
	auto_free char *line = json_print(sent);
	auto_json cJSON *got = cJSON_Parse(line);
	auto_diag struct diag back = DIAG_INIT;
	auto_free char *told = diag_text(d, "f");
	auto_free char *again = NULL;

	for (size_t i = 0; i < d->n; i++)
		assert(d->faults[i].text[0] != '\0');
	if (d->n > LIMIT_FAULTS)
		return;
	rpc_read_faults(got, &back);
	again = diag_text(&back, "f");
	assert(strcmp(told, again) == 0);
}

/* A configuration is what is read from what is printed of it. */
static void check_config(const struct space *space, const struct cell *config)
{
	auto_json cJSON *object = space_print(space, config);
	auto_free char *text = json_print(object);
	auto_free struct cell *back = xcalloc(space->n, sizeof(*back));
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag d = DIAG_INIT;
	int r = json_doc_parse(text, strlen(text), &doc, &d);

	assert(r == 0);
	r = space_read(space, doc.root, back, &d);
	assert(r == 0);
	assert(space_equal(space, config, back));
	assert(space_hash(space, config) == space_hash(space, back));
}

static void check_command(const struct search_spec *spec,
			  const struct cell *config)
{
	static const char *const environ[] = { "PATH=/bin", "A=b", NULL };
	struct expand e = {
		.spec = spec,
		.config = config,
		.search = spec->name,
		.attempt = 1,
		.seed = expand_seed(spec, 0, 0),
		.dir = "/d",
		.environ = environ,
	};
	auto_strv char **argv = expand_argv(&e);
	auto_strv char **env = expand_environ(&e);

	assert(argv[0] != NULL);
	for (char **v = env; *v != NULL; v++)
		assert(strchr(*v, '=') > *v);
}

/* The next configurations, @config [ASKED][n]; returns how many there are. */
static size_t ask(const struct search_spec *spec, struct cell *config)
{
	struct sampler *s = sampler_new(spec);
	struct seen seen = { 0 };
	uint64_t cursor = 0, listed = 0;
	size_t n = 0;

	if (sampler_learns(s)) {
		struct proposal p[ASKED] = { 0 };

		n = sampler_propose(s, &cursor, ASKED, p);
		for (size_t i = 0; i < n; i++) {
			memcpy(config + i * spec->space->n, p[i].config,
			       spec->space->n * sizeof(*config));
			proposal_fini(&p[i]);
		}
	} else {
		for (; n < ASKED; n++) {
			struct cell *c = config + n * spec->space->n;

			if (!sampler_next(s, &seen, &cursor, &listed, c))
				break;
			seen_add(&seen, space_hash(spec->space, c));
		}
	}
	seen_free(&seen);
	sampler_free(s);
	return n;
}

static void check_spec(const struct search_spec *spec)
{
	const struct space *space = spec->space;
	auto_free struct cell *first =
	    xcalloc(ASKED * space->n, sizeof(*first));
	auto_free struct cell *again =
	    xcalloc(ASKED * space->n, sizeof(*again));
	size_t n = ask(spec, first);

	/* A restarted daemon gets the same. */
	assert(n == ask(spec, again));
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = first + i * space->n;

		assert(space_equal(space, c, again + i * space->n));
		check_config(space, c);
		check_command(spec, c);
	}
	for (size_t i = 0; i < spec->n_start; i++)
		check_config(space, spec->start + i * space->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	auto_diag struct diag d = DIAG_INIT, bare_d = DIAG_INIT;
	struct search_spec *spec = NULL, *bare = NULL;
	int r = search_parse((const char *)data, len, &spec, &d);
	int bare_r = search_parse_bare((const char *)data, len, &bare, &bare_d);

	assert((r == 0) == (d.n == 0) && (r == 0) == (spec != NULL));
	assert(bare_r == 0 || r != 0);
	check_faults(&d);
	if (r == 0)
		check_spec(spec);
	search_free(spec);
	search_free(bare);
	return 0;
}
