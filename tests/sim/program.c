#include "program.h"

#include "schema/mem.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

uint64_t hash2(uint64_t a, uint64_t b)
{
	uint64_t z = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t hash_text(const char *text)
{
	uint64_t h = 1;

	for (; *text != '\0'; text++)
		h = hash2(h, (unsigned char)*text);
	return h;
}

/* How programs end, in percent; the rest exits with 0. */
enum { P_EXITS = 9, P_SIGNALED = 5, P_SHIM_DIES = 5 };

static struct outcome outcome_of(uint64_t h)
{
	static const int signals[] = { SIGSEGV, SIGKILL, SIGABRT, SIGTERM };
	int64_t percent = (int64_t)(h % 100);
	struct outcome o = { .kind = OUTCOME_EXITED };

	h /= 100;
	if (percent < P_EXITS) {
		o.code = 1 + (int)(h % 3);
	} else if (percent < P_EXITS + P_SIGNALED) {
		o.kind = OUTCOME_SIGNALED;
		o.signal = signals[h % 4];
		o.core = o.signal != SIGKILL && o.signal != SIGTERM;
	} else if (percent < P_EXITS + P_SIGNALED + P_SHIM_DIES) {
		o.kind = OUTCOME_SHIM_DIED;
	}
	return o;
}

/* Reports fall with the step, on a level of the trial's own. */
static struct metric_record report(uint64_t h, uint64_t level, int64_t step)
{
	double noise = (double)(h % 1000) / 10000;

	return (struct metric_record){
		.name = "loss",
		.step = step,
		.kind = VALUE_FINITE,
		.value = (double)(level % 100) / 25 +
			 4 / (double)(1 + (step > 0 ? step : 0)) + noise,
	};
}

static void spoil(struct metric_record *m, uint64_t h)
{
	static const enum value_kind kinds[] = { VALUE_NAN, VALUE_PLUS_INF,
						 VALUE_MINUS_INF };

	m->kind = kinds[h % 3];
	m->value = 0;
}

static void plan_output(struct plan *p, uint64_t h, int64_t attempt)
{
	uint64_t level = hash2(h, 1);
	bool is_silent = hash2(h, 2) % 20 == 0;
	bool diverges = hash2(h, 3) % 12 == 0;
	int64_t pace_ms = 1 + (int64_t)(hash2(h, 4) % 4000);
	int64_t at_ms = 0;
	int64_t step = 3 * (attempt - 1); /* as one that resumes */

	p->n = hash2(h, 5) % (PLAN_BYTES + 1);
	for (size_t i = 0; i < p->n; i++) {
		uint64_t k = hash2(h, 100 + i);
		struct byte *b = &p->bytes[i];

		at_ms += (int64_t)(k % (uint64_t)pace_ms);
		p->at_ms[i] = at_ms;
		k = hash2(k, 0);
		b->attempt = attempt;
		b->has_metric = k % 8 != 0;
		b->metric = report(hash2(k, 1), level, step);
		/* Now and then a step comes again, or an earlier one. */
		step += k % 16 == 1 ? 0 : k % 16 == 2 ? -2 : 1;
		if (is_silent || k % 5 == 3)
			b->metric.name = "acc";
		if (diverges && i > p->n / 2)
			spoil(&b->metric, k);
	}
	p->duration_ms = at_ms + (int64_t)(hash2(h, 6) % 3000);
	if (hash2(h, 7) % 12 == 0) /* it hangs, for a long time */
		p->duration_ms += 300000;
}

void plan_make(struct plan *ret, uint64_t seed, const struct attempt_record *a)
{
	static const enum on_term on_term[] = { TERM_DIES, TERM_DIES,
						TERM_EXITS_0, TERM_EXITS_3,
						TERM_IGNORES };
	uint64_t h =
	    hash2(hash2(seed, (uint64_t)a->trial), (uint64_t)a->number);

	*ret = (struct plan){ .outcome = outcome_of(hash2(h, 8)) };
	plan_output(ret, hash2(h, 9), a->number);
	ret->on_term = on_term[hash2(h, 10) % 5];
	ret->term_ms = (int64_t)(hash2(h, 11) % 1500);
	/* A search whose every trial fails. */
	if (seed % 16 == 3)
		ret->outcome =
		    (struct outcome){ .kind = OUTCOME_EXITED, .code = 1 };
}

int plan_spawn_error(uint64_t seed, int64_t trial)
{
	if (seed % 16 == 4 || hash2(seed, (uint64_t)trial) % 40 == 0)
		return E2BIG;
	return 0;
}

bool plan_shim_dies(const char *token)
{
	return hash_text(token) % 60 == 0;
}
