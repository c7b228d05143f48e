#include "pruner_bed.h"

#include "schema/json.h"

#include <math.h>

static char metric[] = "val_loss";

struct search_spec bed_spec(enum pruner_type type, int64_t min_steps,
			    int64_t min_trials)
{
	return (struct search_spec){
		.metric = metric,
		.early_stopping = {.type = type,
                                   .min_steps = min_steps,
                                   .min_trials = min_trials,
                                   .patience = 3},
	};
}

void bed_init(struct bed *b, struct search_spec spec)
{
	*b = (struct bed){ .spec = spec };
	b->pruner = pruner_new(&b->spec);
	for (size_t i = 0; i < MOST_TRIALS; i++)
		b->trials[i] = pruner_trial_new(b->pruner, (int64_t)i);
}

void bed_fini(struct bed *b)
{
	for (size_t i = 0; i < MOST_TRIALS; i++) {
		pruner_trial_free(b->trials[i]);
		curve_free(&b->curves[i]);
	}
	pruner_free(b->pruner);
	verdict_free(&b->verdict);
}

const char *bed_report(struct bed *b, size_t trial, int64_t step, double value)
{
	verdict_free(&b->verdict);
	pruner_report(b->pruner, b->trials[trial], &b->curves[trial],
		      (struct curve_point){ step, value, b->ms }, &b->verdict);
	ck_assert_int_eq(b->verdict.stop, b->verdict.reason[0] != '\0');
	ck_assert_int_eq(b->verdict.stop, b->verdict.text != NULL);
	ck_assert_int_eq(b->verdict.stop, b->verdict.data != NULL);
	return b->verdict.reason;
}

double bed_datum(const struct bed *b, const char *name)
{
	auto_json cJSON *data = cJSON_Parse(b->verdict.data);

	ck_assert_ptr_nonnull(json_get(data, name));
	return json_get_number(data, name, (double)NAN);
}

static uint64_t random_state = 1;

uint64_t bed_random(uint64_t n)
{
	random_state =
	    random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % n;
}

int64_t bed_random_step(size_t trial, int kind, const struct curve *c)
{
	int64_t last = c->n > 0 ? c->points[c->n - 1].step : -1;

	if (c->n > 0 && bed_random(4) == 0)
		return bed_random(2) == 0 ? last
					  : c->points[bed_random(c->n)].step;
	if (kind == 0)
		return last + 1;
	if (kind == 1)
		return last + 1 + (int64_t)trial;
	return (int64_t)bed_random(60) - 5;
}

void bed_end(struct bed *b, size_t trial, enum trial_state state)
{
	pruner_ended(b->pruner, b->trials[trial], &b->curves[trial], state);
}
