/* Which values go with which symptom. */
#include "num/rank_sum.h"
#include "why/finder.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAILED NAMES_SYMPTOMS_N /* a symptom here, too */
#define KINDS  (NAMES_SYMPTOMS_N + 1)

/* What is looked for, and how it is said. */
static const struct {
	const char *verb; /* of trials; NULL: not looked for */
	bool is_fatal;    /* where it is, nothing can be won */
	bool is_of_rates; /* a learning rate is its usual cause */
} kinds[KINDS] = {
	[SYMPTOM_DIVERGED] = {"diverged",                   true,  true },
	[SYMPTOM_OSCILLATING] = { "oscillated",                true,  true },
	[SYMPTOM_TOO_SLOW] = { "were too slow",             true,  true },
	[SYMPTOM_PLATEAU] = { "came to a plateau early",   false, false},
	[SYMPTOM_OVERFITTING] = { "overfitted",                false, false},
	[SYMPTOM_UNDERFITTING] = { "underfitted",               true,  false},
	[SYMPTOM_STUCK_AT_START] = { "were stuck at their start", true,  true },
	[SYMPTOM_NOISY] = { "were noisy",                false, true },
	[SYMPTOM_STILL_IMPROVING] = { "were still improving",      false, true },
	[SYMPTOM_NO_OUTPUT] = { "had no output",             true,  false},
	[SYMPTOM_LATE_CRASH] = { "crashed late",              true,  false},
	[FAILED] = { "failed",                    true,  false},
};

/* Trials on one side of a threshold, or with a choice; and the others. */
struct split {
	size_t param;
	double p; /* of the test; 1: none */
	/* Of a number: where the symptom is, and the threshold between. */
	bool is_above;
	double threshold;
	size_t choice;
	size_t hits, n;             /* with the symptom of those there */
	size_t other_hits, other_n; /* likewise */
};

/* Each cause once: what diverged and failed did diverge. */
static bool has(const struct finder *r, size_t trial, size_t kind)
{
	const struct trial_facts *t = &r->f->facts[trial];

	if (kind == FAILED)
		return t->has_failed &&
		       !finder_shows(r, trial, SYMPTOM_DIVERGED);
	return finder_shows(r, trial, (enum symptom_kind)kind) &&
	       !(kind == SYMPTOM_NO_OUTPUT && t->has_failed);
}

/* Active in @n trials, in @n_hits of them with the symptom. */
static void count(const struct finder *r, size_t kind, size_t param,
		  size_t *ret_hits, size_t *ret_n)
{
	*ret_hits = *ret_n = 0;
	for (size_t i = 0; i < r->f->n; i++) {
		if (!finder_cell(r, i, param)->active)
			continue;
		*ret_n += 1;
		*ret_hits += has(r, i, kind);
	}
}

static bool are_enough(size_t hits, size_t n)
{
	return hits >= FINDINGS_GROUP && n - hits >= FINDINGS_GROUP;
}

/*
 * Sets the threshold between the values sorted by rank_sum() that divides them
 * best, by the phi coefficient of the four counts.
 */
static void set_threshold(struct split *s, const struct param *p,
			  const struct ranked *v, size_t n, size_t hits)
{
	double best = -(double)INFINITY;
	size_t below = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		double m = (double)i + 1, rest = (double)n - m, phi;

		below += v[i].is_first;
		if (v[i].value == v[i + 1].value)
			continue;
		phi = ((double)(hits - below) / rest - (double)below / m) *
		      sqrt(m * rest);
		phi = s->is_above ? phi : -phi;
		if (phi <= best)
			continue;
		best = phi;
		s->threshold = finder_between(v[i].value, v[i + 1].value);
		s->n = s->is_above ? n - i - 1 : i + 1;
		s->hits = s->is_above ? hits - below : below;
	}
	if (p->type == PARAM_INT)
		s->threshold = floor(s->threshold);
	s->other_n = n - s->n;
	s->other_hits = hits - s->hits;
}

static struct split split_number(const struct finder *r, size_t kind,
				 size_t param, size_t hits, size_t n)
{
	auto_free struct ranked *v = xcalloc(n, sizeof(*v));
	const struct param *p = &r->space->params[param];
	struct split s = { .param = param };
	size_t at = 0;

	for (size_t i = 0; i < r->f->n; i++) {
		const struct cell *c = finder_cell(r, i, param);

		if (c->active)
			v[at++] = (struct ranked){ param_number(p, c),
						   has(r, i, kind) };
	}
	s.p = rank_sum(v, n, &s.is_above);
	set_threshold(&s, p, v, n, hits);
	return s;
}

/* The choice that goes with it most; counts those that were tried. */
static struct split split_choice(const struct finder *r, size_t kind,
				 size_t param, size_t hits, size_t n,
				 size_t *tests)
{
	size_t n_values = r->space->params[param].n_values;
	auto_free size_t *with = xcalloc(2 * n_values, sizeof(*with));
	struct split best = { .param = param, .p = 2 };

	for (size_t i = 0; i < r->f->n; i++) {
		const struct cell *c = finder_cell(r, i, param);

		if (!c->active)
			continue;
		with[2 * c->i]++;
		with[2 * c->i + 1] += has(r, i, kind);
	}
	for (size_t k = 0; k < n_values; k++) {
		struct split s = { .param = param,
				   .choice = k,
				   .n = with[2 * k],
				   .hits = with[2 * k + 1] };

		if (s.n < FINDINGS_GROUP || n - s.n < FINDINGS_GROUP)
			continue;
		*tests += 1;
		s.p = fisher_exact(s.hits, s.n, hits, n);
		s.other_n = n - s.n;
		s.other_hits = hits - s.hits;
		best = s.p < best.p ? s : best;
	}
	return best;
}

/* A word of its name says that it is a learning rate. */
static bool is_rate(const struct param *p)
{
	static const char *const words[] = { "lr", "eta", "eta0" };

	if (!finder_is_number(p))
		return false;
	if (strstr(p->name, "learning_rate") != NULL)
		return true;
	for (const char *s = p->name; *s != '\0';) {
		size_t n = strcspn(s, "_-.");

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (strlen(words[i]) == n &&
			    strncmp(s, words[i], n) == 0)
				return true;
		}
		s += n;
		s += *s != '\0';
	}
	return false;
}

/* The parameter that @kind goes with most, of the rates or of the others. */
static struct split find_split(const struct finder *r, size_t kind,
			       bool of_rates, size_t *tests)
{
	struct split best = { .p = 2 };

	for (size_t i = 0; i < r->space->n; i++) {
		const struct param *p = &r->space->params[i];
		struct split s;
		size_t hits, n;

		count(r, kind, i, &hits, &n);
		if (!finder_varies(p) || !are_enough(hits, n) ||
		    (kinds[kind].is_of_rates && is_rate(p)) != of_rates)
			continue;
		if (finder_is_number(p)) {
			s = split_number(r, kind, i, hits, n);
			*tests += 1;
		} else {
			s = split_choice(r, kind, i, hits, n, tests);
		}
		best = s.p < best.p ? s : best;
	}
	return best;
}

static bool is_there(const struct finder *r, const struct split *s,
		     size_t trial)
{
	const struct param *p = &r->space->params[s->param];
	const struct cell *c = finder_cell(r, trial, s->param);

	if (!c->active)
		return false;
	if (!finder_is_number(p))
		return (size_t)c->i == s->choice;
	return (param_number(p, c) > s->threshold) == s->is_above;
}

static size_t best_there(const struct finder *r, const struct split *s)
{
	size_t n = 0;

	for (size_t i = 0; i < r->f->n; i++)
		n += r->is_best[i] && is_there(r, s, i);
	return n;
}

/* "lr above 0.03"; "optimizer = sgd"; "layers = 2" where that is all above */
static char *place_text(const struct param *p, const struct split *s)
{
	char number[JSON_NUMBER_BYTES];
	double step = p->type == PARAM_INT ? (double)p->int_step : p->step;
	struct cell c = { .active = true, .i = (int64_t)s->choice };
	auto_free char *value = NULL;
	const char *is = s->is_above ? "above" : "up to";
	double at = s->threshold;

	if (!finder_is_number(p)) {
		value = finder_cell_text(p, &c);
		return xasprintf("%s = %s", p->name, value);
	}
	if (step > 0 && s->is_above && at >= param_max(p) - step) {
		is = "=";
		at = param_max(p);
	} else if (step > 0 && !s->is_above && at < param_min(p) + step) {
		is = "=";
		at = param_min(p);
	}
	return xasprintf("%s %s %s", p->name, is, json_number_text(at, number));
}

static void add_change(struct finding *f, const struct param *p,
		       const struct split *s)
{
	double end = s->threshold;

	if (!finder_is_number(p)) {
		cJSON_AddItemToObject(finder_change(f, p), "without",
				      scalar_json(&p->values[s->choice]));
		return;
	}
	/* What is up to the threshold ends there; the rest begins behind it. */
	if (p->type == PARAM_INT && !s->is_above)
		end++;
	finder_put_number(finder_change(f, p), s->is_above ? "max" : "min", p,
			  end);
}

static char *away_text(const struct param *p, const struct split *s)
{
	char number[JSON_NUMBER_BYTES];
	struct cell c = { .active = true, .i = (int64_t)s->choice };
	auto_free char *value = NULL;

	if (!finder_is_number(p)) {
		value = finder_cell_text(p, &c);
		return xasprintf("try other values of %s than %s", p->name,
				 value);
	}
	(void)json_number_text(s->threshold, number);
	return s->is_above
		   ? xasprintf("lower %s to %s or less", p->name, number)
		   : xasprintf("raise %s above %s", p->name, number);
}

static void advise(const struct finder *r, struct finding *f, size_t kind,
		   const struct split *s)
{
	const struct param *p = &r->space->params[s->param];
	auto_free char *place = place_text(p, s);
	size_t n = best_there(r, s);

	if (n > 0) {
		f->advice =
		    xasprintf("keep it: %zu of the %zu best trials "
			      "%s %s",
			      n, r->n_best, n == 1 ? "has" : "have", place);
		return;
	}
	if (r->n_best == 0 || !kinds[kind].is_fatal) {
		f->advice = away_text(p, s);
		return;
	}
	f->advice = xasprintf("leave out %s: none of the %zu best trials is "
			      "there",
			      place, r->n_best);
	add_change(f, p, s);
}

static void tell(struct finder *r, size_t kind, const struct split *s,
		 double p_corrected)
{
	const struct param *p = &r->space->params[s->param];
	auto_free char *place = place_text(p, s);
	struct finding *f;

	f = finder_add(r, "symptom",
		       xasprintf("of %zu trials with %s %zu %s, of %zu others "
				 "%zu",
				 s->n, place, s->hits, kinds[kind].verb,
				 s->other_n, s->other_hits));
	cJSON_AddStringToObject(
	    f->data, "symptom",
	    kind == FAILED ? "failed"
			   : symptom_kind_name((enum symptom_kind)kind));
	cJSON_AddStringToObject(f->data, "parameter", p->name);
	if (finder_is_number(p))
		finder_put_number(f->data, s->is_above ? "above" : "up_to", p,
				  s->threshold);
	else
		cJSON_AddItemToObject(f->data, "value",
				      scalar_json(&p->values[s->choice]));
	json_add_integer(f->data, "hits", (int64_t)s->hits);
	json_add_integer(f->data, "trials", (int64_t)s->n);
	json_add_integer(f->data, "other_hits", (int64_t)s->other_hits);
	json_add_integer(f->data, "others", (int64_t)s->other_n);
	json_add_number(f->data, "p", p_corrected);
	advise(r, f, kind, s);
}

struct told {
	size_t kind;
	struct split split;
	double p; /* corrected for what was tried */
};

static int by_hits(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	if (x->split.hits != y->split.hits)
		return x->split.hits < y->split.hits ? 1 : -1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* Corrects for @tests, of which there are @shares kinds. */
static void correct(struct told *found, size_t tests, size_t shares)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		found[kind].p =
		    found[kind].split.p * (double)tests * (double)shares;
}

static void find_all(struct finder *r, bool of_rates, struct told *found,
		     size_t *tests)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		found[kind] =
		    (struct told){ .kind = kind, .split = { .p = 2 } };
		if (kinds[kind].verb != NULL)
			found[kind].split =
			    find_split(r, kind, of_rates, tests);
	}
}

/*
 * Rates have half of the error for themselves where they are the usual cause:
 * that is known before, and they are few among many.
 */
void findings_of_symptoms(struct finder *r)
{
	struct told rates[KINDS], others[KINDS];
	size_t of_rates = 0, of_others = 0, shares;

	find_all(r, true, rates, &of_rates);
	find_all(r, false, others, &of_others);
	shares = (size_t)(of_rates > 0) + (size_t)(of_others > 0);
	correct(rates, of_rates, shares);
	correct(others, of_others, shares);
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (others[kind].split.n > 0 &&
		    (rates[kind].split.n == 0 ||
		     others[kind].p < rates[kind].p))
			rates[kind] = others[kind];
	}
	qsort(rates, KINDS, sizeof(rates[0]), by_hits);
	for (size_t i = 0; i < KINDS; i++) {
		const struct split *s = &rates[i].split;

		/* Twice as often, at least: that is worth a sentence. */
		if (s->n > 0 && rates[i].p <= FINDER_ALPHA &&
		    s->hits * s->other_n >= 2 * s->other_hits * s->n)
			tell(r, rates[i].kind, s, rates[i].p);
	}
}
