/*
 * Samplers that learn, told histories that no one would want to have: whatever
 * they hold, the next configurations are valid and new, the reasons are numbers
 * that make sense, and a sampler that was told the same in another order gives
 * the same ones.
 *
 * The cases are drawn from fixed seeds. HISTORIES: how many for each sampler
 * and space; the torture suite has more.
 */
#include "check_main.h"
#include "num/rng.h"
#include "search/sampler.h"
#include "search/unit.h"

#include "schema/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

#define CASES    6     /* of a sampler and a space */
#define PROPOSED 3     /* configurations of a case */
#define MANY     10000 /* trials of a long history */

/* --- spaces -----------------------------------------------------------------
 */

#define SPACES_MAX 32
#define EVERY_TYPE 2 /* the space that has every type, and conditions */

/* odd_spaces.json: "parameters" by name. */
static struct {
	char *name;
	char *parameters;
} spaces[SPACES_MAX];
static size_t n_spaces;

static void read_spaces(void)
{
	auto_buf struct buf b = BUF_INIT;
	FILE *f = fopen(ODD_SPACES, "r");
	auto_json cJSON *root = NULL;
	const cJSON *node;
	int c;

	/* No test runs yet that an assertion could fail. */
	if (f == NULL)
		abort();
	while ((c = fgetc(f)) != EOF)
		buf_addc(&b, (char)c);
	(void)fclose(f);
	root = cJSON_Parse(buf_text(&b));
	if (cJSON_GetArraySize(root) > SPACES_MAX)
		abort();
	cJSON_ArrayForEach (node, root) {
		spaces[n_spaces].name = xstrdup(node->string);
		spaces[n_spaces++].parameters = json_print(node);
	}
	if (n_spaces == 0 || strcmp(spaces[EVERY_TYPE].name, "every type") != 0)
		abort();
}

/* --- outcomes ---------------------------------------------------------------
 */

enum flavour {
	SMOOTH,     /* what one hopes for */
	EQUAL,      /* all results are the same */
	NANS,       /* none is a number */
	INFINITE,   /* +-infinity */
	HUGE,       /* +-1e308: differences overflow */
	DENORMAL,   /* differences underflow */
	EXPLODING,  /* some are 1e30 */
	OFFSET,     /* 1e15 and a little: digits are lost */
	STEPS,      /* 0 or 1 */
	FAILED,     /* none has a result */
	PRUNED,     /* all were stopped */
	RUNNING,    /* none has ended */
	CANCELLED,  /* nothing is known of any */
	EVERYTHING, /* of all of these some */
	FLAVOURS,
};

/* Random numbers of one case. */
struct dice {
	uint64_t seed, i;
};

static double roll(struct dice *d)
{
	return rng_unit(d->seed, 1U << 31, d->i++);
}

static size_t roll_below(struct dice *d, size_t n)
{
	return (size_t)(roll(d) * (double)n);
}

static struct observation done(double score)
{
	return (struct observation){ .fate = FATE_DONE, .score = score };
}

static struct observation outcome(struct dice *d, enum flavour flavour,
				  double smooth)
{
	double r = roll(d);

	switch (flavour) {
	case EQUAL:
		return done(0.5);
	case NANS:
		return done((double)NAN);
	case INFINITE:
		return done(r < 0.5 ? (double)INFINITY : (double)-INFINITY);
	case HUGE:
		return done(r < 0.5 ? 1e308 * smooth : -1e308);
	case DENORMAL:
		return done(r * 1e-310);
	case EXPLODING:
		return done(r < 0.3 ? 1e30 : smooth);
	case OFFSET:
		return done(1e15 + smooth);
	case STEPS:
		return done(r < 0.5);
	case FAILED:
		return (struct observation){ .fate = FATE_FAILED };
	case PRUNED:
		if (r < 0.1)
			return (struct observation){ .fate = FATE_SHORT };
		return (struct observation){ .fate = FATE_PRUNED,
					     .score = smooth };
	case RUNNING:
		return (struct observation){ .fate = FATE_RUNNING };
	case CANCELLED:
		return (struct observation){ .fate = FATE_NONE };
	case EVERYTHING:
		return outcome(d, (enum flavour)roll_below(d, EVERYTHING),
			       smooth);
	case SMOOTH:
	case FLAVOURS:
		break;
	}
	return done(smooth);
}

/* --- a history --------------------------------------------------------------
 */

struct told {
	struct search_spec *spec;
	struct cell *configs; /* [n][space->n] */
	struct observation *seen;
	size_t n;
};

static struct search_spec *spec_of(const char *parameters,
				   enum sampler_type type, struct dice *d)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;
	struct search_spec *spec = NULL;

	text = xasprintf("{\"parameters\": %s, \"metric\": {\"goal\": \"%s\"}, "
			 "\"sampler\": {\"type\": \"%s\", \"seed\": %zu, "
			 "\"allow_duplicates\": %s}}",
			 parameters, roll(d) < 0.5 ? "minimize" : "maximize",
			 sampler_type_name(type), roll_below(d, 1000),
			 roll(d) < 0.3 ? "true" : "false");
	if (search_parse_bare(text, strlen(text), &spec, &faults) != 0) {
		auto_free char *told = diag_text(&faults, NULL);

		ck_abort_msg("%s: %s", text, told);
	}
	return spec;
}

/*
 * A configuration at random, or near the last one, or one before; a space may
 * be so small that it is one in any case.
 */
static void draw_config(struct dice *d, const struct told *t, size_t i,
			double stuck, double *ret_smooth)
{
	const struct space *space = t->spec->space;
	struct cell *config = &t->configs[i * space->n];
	double u[LIMIT_PARAMS];

	*ret_smooth = 0;
	for (size_t k = 0; k < space->n; k++) {
		/* Some columns are constant in some histories. */
		u[k] = rng_unit(d->seed, 2, k) < stuck ? 0.25 : roll(d);
		*ret_smooth += (u[k] - 0.3) * (u[k] - 0.3);
	}
	unit_config(space, u, config);
	if (i > 0 && roll(d) < 0.1)
		memcpy(config, &t->configs[roll_below(d, i) * space->n],
		       space->n * sizeof(*config));
}

static struct told told_new(const char *parameters, enum sampler_type type,
			    size_t n, enum flavour flavour, struct dice *d)
{
	struct told t = { .spec = spec_of(parameters, type, d), .n = n };
	double stuck = roll(d) < 0.3 ? roll(d) : 0;

	t.configs = xcalloc(n * t.spec->space->n, sizeof(*t.configs));
	t.seen = xcalloc(n, sizeof(*t.seen));
	for (size_t i = 0; i < n; i++) {
		double smooth;

		draw_config(d, &t, i, stuck, &smooth);
		t.seen[i] = outcome(d, flavour, smooth);
	}
	return t;
}

static void told_free(struct told *t)
{
	free(t->configs);
	free(t->seen);
	search_free(t->spec);
}

static const struct cell *told_config(const struct told *t, size_t i)
{
	return &t->configs[i * t->spec->space->n];
}

/* --- two ways to tell it ----------------------------------------------------
 */

/* As it happens: one after the other, and asked in between. */
static struct sampler *teach_as_it_happens(const struct told *t, struct dice *d)
{
	struct sampler *s = sampler_new(t->spec);
	auto_free struct cell *config =
	    xcalloc(t->spec->space->n, sizeof(*config));
	const struct observation running = { .fate = FATE_RUNNING };

	for (size_t i = 0; i < t->n; i++) {
		uint64_t cursor = i;

		sampler_tell(s, i, told_config(t, i), running);
		if (t->n < 100 && roll(d) < 0.2)
			sampler_ask(s, &cursor, config);
		sampler_tell(s, i, NULL, t->seen[i]);
	}
	return s;
}

/* As after a restart of all workers: every result late, the last one first. */
static struct sampler *teach_backwards(const struct told *t)
{
	struct sampler *s = sampler_new(t->spec);

	for (size_t i = 0; i < t->n; i++)
		sampler_tell(s, i, told_config(t, i),
			     (struct observation){ .fate = FATE_RUNNING });
	for (size_t i = t->n; i-- > 0;)
		sampler_tell(s, i, NULL, t->seen[i]);
	return s;
}

/* --- what must hold ---------------------------------------------------------
 */

static bool is_share(double v)
{
	return isnan(v) || (v >= 0 && v <= 1);
}

static bool is_known_or_nan(double v)
{
	return isnan(v) || isfinite(v);
}

static void assert_sane(const struct rationale *r, const struct space *space,
			size_t n)
{
	ck_assert_int_le((int)r->why, WHY_CHANCE);
	ck_assert_uint_le(r->observations + r->pending, n);
	ck_assert(is_known_or_nan(r->best) && is_known_or_nan(r->mean));
	ck_assert(is_known_or_nan(r->low) && is_known_or_nan(r->high));
	ck_assert(!(r->low > r->mean) && !(r->mean > r->high));
	ck_assert(isnan(r->noise) || (r->noise >= 0 && isfinite(r->noise)));
	ck_assert(is_share(r->feasible) && is_share(r->exploration));
	ck_assert_uint_le(r->n_nearest, NEAREST_MAX);
	for (size_t i = 0; i < r->n_nearest; i++) {
		ck_assert_uint_lt(r->nearest[i].number, n);
		ck_assert(r->nearest[i].distance >= 0);
		ck_assert(i == 0 ||
			  r->nearest[i].distance >= r->nearest[i - 1].distance);
	}
	for (size_t i = 0; i < space->n; i++)
		ck_assert(r->relevance[i] >= 0 && r->relevance[i] <= 1);
}

static void assert_valid(const struct space *space, const struct cell *config)
{
	auto_free struct cell *copy = xcalloc(space->n, sizeof(*copy));
	auto_diag struct diag faults = DIAG_INIT;
	auto_json cJSON *params = space_print(space, config);
	auto_free char *told = NULL;
	int r = space_read(space, params, copy, &faults);

	told = diag_text(&faults, NULL);
	ck_assert_msg(r == 0, "%s", told);
	ck_assert(space_equal(space, config, copy));
	/* Nothing is left where a parameter is inactive. */
	memcpy(copy, config, space->n * sizeof(*copy));
	space_activate(space, copy);
	for (size_t i = 0; i < space->n; i++) {
		ck_assert(config[i].active == copy[i].active);
		ck_assert(config[i].active || config[i].i == 0);
	}
}

static bool is_told(const struct told *t, const struct cell *config)
{
	for (size_t i = 0; i < t->n; i++) {
		if (space_equal(t->spec->space, config, told_config(t, i)))
			return true;
	}
	return false;
}

static bool is_proposed(const struct told *t, const struct proposal *list,
			size_t n, const struct cell *config)
{
	for (size_t i = 0; i < n; i++) {
		if (space_equal(t->spec->space, config, list[i].config))
			return true;
	}
	return false;
}

/* Fewer than asked for only when each configuration is there. */
static void assert_exhausted(const struct told *t, const struct proposal *list,
			     size_t n)
{
	auto_free struct cell *config =
	    xcalloc(t->spec->space->n, sizeof(*config));
	uint64_t k;

	ck_assert(!t->spec->allow_duplicates);
	ck_assert(space_is_discrete(t->spec->space));
	for (k = 0; sampler_enumerate(t->spec, &k, config) == SAMPLER_OK; k++)
		ck_assert(is_told(t, config) ||
			  is_proposed(t, list, n, config));
	ck_assert_uint_gt(k, 0);
}

static void assert_proposals(const struct told *t, const struct proposal *list,
			     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct cell *config = list[i].config;

		assert_valid(t->spec->space, config);
		assert_sane(&list[i].rationale, t->spec->space, t->n + i);
		ck_assert(
		    t->spec->allow_duplicates ||
		    (!is_told(t, config) && !is_proposed(t, list, i, config)));
	}
	if (n < PROPOSED)
		assert_exhausted(t, list, n);
}

/* NaN is the same as NaN. */
static void assert_same_number(double a, double b)
{
	ck_assert_msg(a == b || (isnan(a) && isnan(b)), "%.17g is not %.17g", a,
		      b);
}

static void assert_same_reasons(const struct rationale *a,
				const struct rationale *b)
{
	ck_assert_int_eq(a->why, b->why);
	ck_assert_uint_eq(a->observations, b->observations);
	ck_assert_uint_eq(a->pending, b->pending);
	assert_same_number(a->best, b->best);
	assert_same_number(a->mean, b->mean);
	assert_same_number(a->low, b->low);
	assert_same_number(a->high, b->high);
	assert_same_number(a->noise, b->noise);
	assert_same_number(a->feasible, b->feasible);
	assert_same_number(a->exploration, b->exploration);
	ck_assert_uint_eq(a->n_nearest, b->n_nearest);
	for (size_t i = 0; i < a->n_nearest; i++) {
		ck_assert_uint_eq(a->nearest[i].number, b->nearest[i].number);
		assert_same_number(a->nearest[i].distance,
				   b->nearest[i].distance);
		assert_same_number(a->nearest[i].value, b->nearest[i].value);
	}
	for (size_t i = 0; i < LIMIT_PARAMS; i++)
		assert_same_number(a->relevance[i], b->relevance[i]);
}

static void assert_same(const struct space *space, const struct proposal *a,
			const struct proposal *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_json cJSON *p = space_print(space, a[i].config);
		auto_json cJSON *q = space_print(space, b[i].config);
		auto_free char *x = json_print(p), *y = json_print(q);

		ck_assert_str_eq(x, y);
		ck_assert_uint_eq(a[i].cursor, b[i].cursor);
		assert_same_reasons(&a[i].rationale, &b[i].rationale);
	}
}

/* What is expected of a point that was told, and of one that was not. */
static void assert_predicts(const struct told *t, struct sampler *s)
{
	auto_free struct rationale *r = xcalloc(1, sizeof(*r));
	auto_free struct cell *config =
	    xcalloc(t->spec->space->n, sizeof(*config));
	double u[LIMIT_PARAMS];

	for (size_t i = 0; i < t->spec->space->n; i++)
		u[i] = 1;
	unit_config(t->spec->space, u, config);
	if (sampler_predict(s, config, r))
		assert_sane(r, t->spec->space, s->history.n);
	if (t->n > 0 && sampler_predict(s, told_config(t, 0), r))
		assert_sane(r, t->spec->space, s->history.n);
}

static void assert_learns(const struct told *t, struct dice *d)
{
	struct sampler *a = teach_as_it_happens(t, d);
	struct sampler *b = teach_backwards(t);
	struct proposal *p = xcalloc(2 * (size_t)PROPOSED, sizeof(*p));
	struct proposal *q = &p[PROPOSED];
	uint64_t cursor_a = t->n, cursor_b = t->n;
	size_t n = sampler_propose(a, &cursor_a, PROPOSED, p);

	ck_assert_uint_eq(sampler_propose(b, &cursor_b, PROPOSED, q), n);
	assert_proposals(t, p, n);
	assert_same(t->spec->space, p, q, n);
	assert_predicts(t, a);
	for (size_t i = 0; i < n; i++) {
		proposal_fini(&p[i]);
		proposal_fini(&q[i]);
	}
	free(p);
	sampler_free(a);
	sampler_free(b);
}

/* --- the cases --------------------------------------------------------------
 */

/* Samplers of names.def that learn. */
static enum sampler_type learners[NAMES_SAMPLERS_N];
static int n_learners;

static void find_learners(void)
{
	/* All but the last, whose trials have parents: check_pbt.c. */
	for (int type = 0; type < SAMPLER_PBT; type++) {
		struct dice d = { 0 };
		struct search_spec *spec = spec_of("{\"c\": {\"value\": 7}}",
						   (enum sampler_type)type, &d);
		struct sampler *s = sampler_new(spec);

		if (sampler_learns(s))
			learners[n_learners++] = (enum sampler_type)type;
		sampler_free(s);
		search_free(spec);
	}
}

static long cases(void)
{
	const char *wanted = getenv("HISTORIES");

	return wanted != NULL ? strtol(wanted, NULL, 10) : CASES;
}

/* Most are short; where much is odd, much is at the beginning. */
static size_t draw_length(struct dice *d)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 4, 7, 12, 20, 33, 60 };

	return lengths[roll_below(d, N(lengths))];
}

START_TEST(
    K1_K2_K3_K4_K6_K7_any_history_has_valid_new_and_reproducible_successors)
{
	enum sampler_type type = learners[(size_t)_i / n_spaces];
	const char *parameters = spaces[(size_t)_i % n_spaces].parameters;

	for (long k = 0; k < cases(); k++) {
		struct dice d = { .seed = (uint64_t)_i * 1000 + (uint64_t)k };
		size_t n = draw_length(&d);
		enum flavour flavour =
		    (enum flavour)((_i * CASES + k) % FLAVOURS);
		struct told t = told_new(parameters, type, n, flavour, &d);

		/* What is shown when an assertion fails. */
		printf("# %s, %s, case %ld: %zu trials of flavour %d\n",
		       sampler_type_name(type),
		       spaces[(size_t)_i % n_spaces].name, k, n, (int)flavour);
		(void)fflush(stdout);
		assert_learns(&t, &d);
		told_free(&t);
	}
}
END_TEST

/* A history whose scores are others gives the same proposal. */
static void assert_unmoved(struct told *t, double (*other)(double))
{
	struct sampler *a = teach_backwards(t), *b;
	struct proposal p = { 0 }, q = { 0 };
	uint64_t cursor_a = t->n, cursor_b = t->n;
	size_t n = sampler_propose(a, &cursor_a, 1, &p);

	for (size_t i = 0; i < t->n; i++)
		t->seen[i].score = other(t->seen[i].score);
	b = teach_backwards(t);
	ck_assert_uint_eq(sampler_propose(b, &cursor_b, 1, &q), n);
	ck_assert(n == 0 || space_equal(t->spec->space, p.config, q.config));
	proposal_fini(&p);
	proposal_fini(&q);
	sampler_free(a);
	sampler_free(b);
}

/* A power of two leaves all digits as they are. */
static double in_another_unit(double v)
{
	return 1024 * v;
}

START_TEST(results_in_another_unit_change_no_proposal)
{
	enum sampler_type type = learners[(size_t)_i / n_spaces];
	struct dice d = { .seed = 7000 + (uint64_t)_i };
	struct told t = told_new(spaces[(size_t)_i % n_spaces].parameters, type,
				 25, _i % 2 == 0 ? SMOOTH : EXPLODING, &d);

	assert_unmoved(&t, in_another_unit);
	told_free(&t);
}
END_TEST

static double as_steep_as_can_be(double v)
{
	return exp(20 * v);
}

START_TEST(the_ranks_of_results_are_all_that_some_samplers_look_at)
{
	enum sampler_type type = _i % 2 == 0 ? SAMPLER_TPE : SAMPLER_CMAES;
	struct dice d = { .seed = 8000 + (uint64_t)_i };
	struct told t =
	    told_new(spaces[EVERY_TYPE].parameters, type, 50, SMOOTH, &d);

	assert_unmoved(&t, as_steep_as_can_be);
	told_free(&t);
}
END_TEST

START_TEST(K1_K6_a_long_history_has_them_too)
{
	struct dice d = { .seed = (uint64_t)_i };
	struct told t = told_new(spaces[EVERY_TYPE].parameters, learners[_i],
				 MANY, EVERYTHING, &d);

	assert_learns(&t, &d);
	told_free(&t);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("histories");
	TCase *tc = tcase_create("histories"), *many = tcase_create("many");

	read_spaces();
	find_learners();
	tcase_set_timeout(many, 240); /* busy machines, sanitizers */
	tcase_add_loop_test(
	    tc,
	    K1_K2_K3_K4_K6_K7_any_history_has_valid_new_and_reproducible_successors,
	    0, n_learners * (int)n_spaces);
	tcase_add_loop_test(tc, results_in_another_unit_change_no_proposal, 0,
			    n_learners * (int)n_spaces);
	tcase_add_loop_test(
	    tc, the_ranks_of_results_are_all_that_some_samplers_look_at, 0, 6);
	tcase_add_loop_test(many, K1_K6_a_long_history_has_them_too, 0,
			    n_learners);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, many);
	return s;
}
