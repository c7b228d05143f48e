/*
 * What the answer to `hpctl why SEARCH` costs: bench_report [TRIALS [ROUNDS]].
 * Random trials of ten parameters, a tenth of them diverged, with symptoms;
 * CPU time, since other programs may run beside.
 */
#include "why/report.h"

#include "num/rng.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/param.h"
#include "schema/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char file[] =
    "{\"name\": \"b\", \"command\": [\"true\"], \"metric\": {\"name\": "
    "\"loss\"}, \"trials\": 10, \"sampler\": {\"type\": \"random\"}, "
    "\"parameters\": {"
    "\"a\": {\"type\": \"float\", \"min\": 0.001, \"max\": 10, \"scale\": "
    "\"log\"}, "
    "\"b\": {\"type\": \"float\", \"min\": 0.001, \"max\": 10, \"scale\": "
    "\"log\"}, "
    "\"c\": {\"type\": \"float\", \"min\": 0, \"max\": 1}, "
    "\"d\": {\"type\": \"float\", \"min\": 0, \"max\": 1}, "
    "\"e\": {\"type\": \"float\", \"min\": 0, \"max\": 1}, "
    "\"f\": {\"type\": \"int\", \"min\": 1, \"max\": 9}, "
    "\"g\": {\"type\": \"int\", \"min\": 8, \"max\": 512, \"scale\": "
    "\"log\"}, "
    "\"h\": {\"type\": \"choice\", \"values\": [\"p\", \"q\", \"r\"]}, "
    "\"i\": {\"type\": \"choice\", \"values\": [1, 2, 3, 4, 5, 6, 7]}, "
    "\"j\": {\"type\": \"choice\", \"values\": [true, false]}}}";

static double unit(size_t axis, size_t trial)
{
	return rng_unit(1, (uint32_t)axis, trial);
}

static void fill(const struct space *s, struct cell *configs, double *scores,
		 struct trial_facts *facts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cell *c = configs + i * s->n;

		for (size_t k = 0; k < s->n; k++) {
			const struct param *p = &s->params[k];
			double u = unit(k, i);
			double low = scale_apply(p->scale, param_min(p));
			double high = scale_apply(p->scale, param_max(p));

			if (p->type == PARAM_CHOICE)
				c[k].i = (int64_t)(u * (double)p->n_values);
			else
				c[k] = param_snap(
				    p, scale_invert(p->scale,
						    low + u * (high - low)));
		}
		space_activate(s, c);
		scores[i] = fabs(log(c[0].f)) + c[2].f + unit(99, i);
		facts[i] = (struct trial_facts){ .number = (int64_t)i };
		facts[i].symptoms = 1U << (rng_bits(1, 98, i) % 12);
		if (c[1].f > 4) {
			scores[i] = (double)INFINITY;
			facts[i].symptoms = 1U << SYMPTOM_DIVERGED;
		}
	}
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
	auto_diag struct diag d = DIAG_INIT;
	struct search_spec *spec = NULL;
	struct search_facts f = { .metric = "loss" };
	struct trial_facts *facts = xcalloc(n, sizeof(*facts));
	double *scores = xcalloc(n, sizeof(*scores));
	struct cell *configs;
	double start;
	size_t bytes = 0;

	if (search_parse(file, strlen(file), &spec, &d) != 0)
		return 1;
	configs = xcalloc(n * spec->space->n, sizeof(*configs));
	fill(spec->space, configs, scores, facts, n);
	f.results = (struct results){ spec->space, configs, scores, n };
	f.facts = facts;
	f.n = n;
	start = cpu_ms();
	for (size_t i = 0; i < rounds; i++) {
		auto_json cJSON *object = cJSON_CreateObject();
		auto_free char *text = NULL;

		report(&f, 1, object);
		text = json_print(object);
		bytes = strlen(text);
	}
	printf("%zu trials of %zu parameters: %.1f ms, %zu bytes\n", n,
	       spec->space->n, (cpu_ms() - start) / (double)rounds, bytes);
	search_free(spec);
	free(configs);
	free(scores);
	free(facts);
	return 0;
}
