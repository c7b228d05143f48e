/*
 * Suggestions a second of each sampler, on a space of every kind of parameter
 * and on many floats; and of sampler_enumerate(), which a nearly used up space
 * needs.
 *
 *     build/tests/bench/bench_suggest [SUGGESTIONS]
 */
#include "search/sampler.h"

#include "schema/mem.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char mixed[] =
    "\"optimizer\": {\"type\": \"choice\", \"values\": [\"sgd\", \"momentum\", "
    "\"adam\"]},"
    "\"lr\": {\"type\": \"float\", \"min\": 1e-5, \"max\": 10, \"scale\": "
    "\"log\", \"points\": 100},"
    "\"momentum\": {\"type\": \"float\", \"min\": 0, \"max\": 0.9, \"step\": "
    "0.1, \"when\": {\"optimizer\": \"momentum\"}},"
    "\"layers\": {\"type\": \"int\", \"min\": 1, \"max\": 50},"
    "\"units\": {\"type\": \"int\", \"min\": 8, \"max\": 256, \"scale\": "
    "\"log\"},"
    "\"epochs\": {\"value\": 30}";

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *many_floats(int n)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < n; i++)
		buf_addf(&b,
			 "%s\"x%d\": {\"type\": \"float\", \"min\": 1e-3, "
			 "\"max\": 1, \"points\": 10}",
			 i > 0 ? "," : "", i);
	return buf_take(&b);
}

static struct search_spec *spec_of(const char *parameters, const char *sampler)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;
	struct search_spec *spec;

	text = xasprintf("{\"name\": \"bench\", \"command\": [\"true\"], "
			 "\"metric\": {\"name\": \"loss\"}, \"trials\": 10, "
			 "\"parameters\": {%s}, \"sampler\": {%s}}",
			 parameters, sampler);
	if (search_parse(text, strlen(text), &spec, &faults) != 0)
		errx(1, "%s", diag_text(&faults, NULL));
	return spec;
}

static void print(const char *what, uint64_t n, double seconds)
{
	printf("%-28s %10.0f /s %8.2f us\n", what, (double)n / seconds,
	       seconds / (double)n * 1e6);
}

/* Begins again when the points of a grid run out. */
static void ask(const char *what, const char *parameters, const char *sampler,
		uint64_t n)
{
	struct search_spec *spec = spec_of(parameters, sampler);
	struct sampler *s = sampler_new(spec);
	auto_free struct cell *config =
	    xcalloc(spec->space->n, sizeof(*config));
	uint64_t cursor = 0, found = 0;
	double began = now_s();

	while (found < n) {
		enum sampler_answer answer = sampler_ask(s, &cursor, config);

		found += answer == SAMPLER_OK;
		cursor = answer == SAMPLER_EXHAUSTED ? 0 : cursor + 1;
	}
	print(what, n, now_s() - began);
	sampler_free(s);
	search_free(spec);
}

static void enumerate(const char *parameters, uint64_t n)
{
	struct search_spec *spec =
	    spec_of(parameters, "\"type\": \"grid\", \"seed\": 1");
	auto_free struct cell *config =
	    xcalloc(spec->space->n, sizeof(*config));
	uint64_t k = 0;
	double began = now_s();

	for (uint64_t i = 0; i < n; i++) {
		if (sampler_enumerate(spec, &k, config) == SAMPLER_OK)
			k++;
		else
			k = 0;
	}
	print("enumerate, 6 mixed", n, now_s() - began);
	search_free(spec);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	auto_free char *floats = many_floats(15);
	static const struct {
		const char *name, *sampler;
	} samplers[] = {
		{"grid",           "\"type\": \"grid\""               },
		{ "grid shuffled",
                 "\"type\": \"grid\", \"shuffle\": true, \"seed\": 1" },
		{ "random",        "\"type\": \"random\", \"seed\": 1"},
		{ "sobol",         "\"type\": \"sobol\", \"seed\": 1" },
	};

	for (size_t i = 0; i < sizeof(samplers) / sizeof(*samplers); i++) {
		auto_free char *a = xasprintf("%s, 6 mixed", samplers[i].name);
		auto_free char *b =
		    xasprintf("%s, 15 floats", samplers[i].name);

		ask(a, mixed, samplers[i].sampler, n);
		ask(b, floats, samplers[i].sampler, n);
	}
	enumerate(mixed, n);
	return 0;
}
