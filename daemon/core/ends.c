/*
 * What ends a search before its trials are used up: "until" and "stop" of its
 * file. All of it is decided from what is saved (trials, the search's row), so
 * that a restarted daemon decides the same; trials are taken by number, since
 * nobody knows later in which order they ended.
 *
 *   until, cost   at a tick: ends_deadline(), ends_tick()
 *   plateau       when a trial has ended; with the sampler gp when it proposes,
 *                 for its model knows the noise then
 *   regret        when gp proposes
 */
#include "core/model.h"
#include "search/noise.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Not after it had ended: the user has set it going all the same. */
static bool rules_hold(const struct search *s)
{
	return !search_state_is_final(s->rec.state) && s->rec.reopened_ms == 0;
}

/* --- time and cost ----------------------------------------------------------
 */

/* Its time counts: it runs, by this boot's clock. */
static bool is_counted(const struct trial *t)
{
	const struct attempt *a = t->attempt;

	return !a->may_be_over &&
	       (a->rec.state == ATTEMPT_RUNNING ||
		a->rec.state == ATTEMPT_STOPPING) &&
	       strcmp(a->rec.boot_id, t->search->core->options.boot_id) == 0;
}

/* How many attempts run, and the sum of when they started. */
static int64_t count_running(const struct search *s, int64_t *ret_started)
{
	const struct core *c = s->core;
	int64_t n = 0;

	*ret_started = 0;
	for (size_t i = 0; i < c->n_open; i++) {
		const struct trial *t = c->open[i];

		if (t->search != s || !is_counted(t))
			continue;
		*ret_started += t->attempt->rec.started_boot_ms;
		n++;
	}
	return n;
}

int64_t ends_used(const struct search *s, int64_t boot_ms)
{
	int64_t started, n;

	if (s->spec->stop.cost_ms == 0)
		return 0;
	n = count_running(s, &started);
	return s->rec.used_ms + s->spec->cpus * (n * boot_ms - started);
}

void ends_count_attempt(struct step *st, const struct trial *t,
			int64_t elapsed_ms)
{
	struct search *s = t->search;

	if (s->spec->stop.cost_ms == 0 || elapsed_ms <= 0)
		return;
	s->rec.used_ms += s->spec->cpus * elapsed_ms;
	fx_save_search(st->fx, &s->rec, &s->queued_save);
}

/*
 * When what runs now will have used the rest:
 * used + cpus * sum (at - started) = cost.
 */
static int64_t cost_deadline(const struct search *s)
{
	int64_t cpus = s->spec->cpus, started, n;
	int64_t left_ms = s->spec->stop.cost_ms - s->rec.used_ms;

	if (s->spec->stop.cost_ms == 0)
		return INT64_MAX;
	if (left_ms <= 0)
		return 0;
	n = count_running(s, &started);
	if (n == 0)
		return INT64_MAX;
	left_ms = (left_ms + cpus - 1) / cpus;
	return (started + left_ms + n - 1) / n;
}

int64_t ends_deadline(const struct search *s)
{
	int64_t until, cost;

	if (!rules_hold(s))
		return INT64_MAX;
	cost = cost_deadline(s);
	if (s->rec.until_ms == 0)
		return cost;
	/* By the clock as it stood last; a tick a minute notices another. */
	until = s->rec.until_ms - s->core->clock_ms;
	return until < cost ? until : cost;
}

static void end_by_until(struct step *st, struct search *s)
{
	auto_json cJSON *data = cJSON_CreateObject();

	json_add_integer(data, "until_ms", s->rec.until_ms);
	json_add_integer(data, "now_ms", st->at.now_ms);
	search_end(st, s, SEARCH_FINISHED, "until",
		   xasprintf("the time that \"until\" names has come"),
		   json_print(data));
}

static void end_by_cost(struct step *st, struct search *s, int64_t used_ms)
{
	double used = (double)used_ms / 1000;
	double cost = (double)s->spec->stop.cost_ms / 1000;
	auto_json cJSON *data = cJSON_CreateObject();

	json_add_number(data, "used_s", used);
	json_add_number(data, "cost_s", cost);
	json_add_integer(data, "cpus", s->spec->cpus);
	search_end(st, s, SEARCH_FINISHED, "cost",
		   xasprintf("its attempts have used %.6g s of slots, and its "
			     "cost is %.6g s",
			     used, cost),
		   json_print(data));
}

void ends_tick(struct step *st, struct search *s)
{
	int64_t cost = s->spec->stop.cost_ms, used;

	if (!rules_hold(s))
		return;
	used = ends_used(s, st->at.boot_ms);
	if (s->rec.until_ms != 0 && st->at.now_ms >= s->rec.until_ms)
		end_by_until(st, s);
	else if (cost > 0 && used >= cost)
		end_by_cost(st, s, used);
}

/* --- plateau ----------------------------------------------------------------
 */

struct noise {
	double sd;
	const char *of; /* what tells it */
};

struct plateau {
	int64_t n;            /* trials that were looked at, the latest */
	double before, since; /* best score of the others; of these */
	struct noise noise;
};

/* It has run here and said something; an imported one has not. */
static bool has_told(const struct trial *t)
{
	return t->rec.attempts > 0 &&
	       (t->rec.state == TRIAL_DONE || t->rec.state == TRIAL_PRUNED ||
		t->rec.state == TRIAL_FAILED);
}

static bool is_result(const struct trial *t)
{
	return t->rec.state == TRIAL_DONE && t->rec.kind == VALUE_FINITE;
}

static void look(const struct search *s, struct plateau *ret)
{
	*ret = (struct plateau){ .before = (double)INFINITY,
				 .since = (double)INFINITY };
	for (size_t i = s->n; i-- > 0;) {
		const struct trial *t = s->trials[i];
		double score = (double)INFINITY;

		if (is_result(t))
			score = score_of(s->spec->goal, t->rec.value);
		if (ret->n < s->spec->stop.plateau && has_told(t)) {
			ret->n++;
			ret->since = fmin(ret->since, score);
		} else {
			ret->before = fmin(ret->before, score);
		}
	}
}

/* The results of the runs of trial @t, in their order. */
static void copy_runs(const struct trial *t, double *ret)
{
	for (size_t i = 0; i < t->results.n; i++)
		ret[i] = t->results.points[i].value;
}

/*
 * Of trials whose results are means of several runs; NaN. What differs between
 * folds is the same for all trials, and no noise.
 */
static double noise_of_runs(const struct search *s)
{
	size_t folds = (size_t)s->spec->runs, n = 0;
	auto_free struct mean *list = xcalloc(s->n + 1, sizeof(*list));
	auto_free double *errors = xcalloc(s->n + 1, sizeof(*errors));
	auto_free double *runs = NULL;

	if (s->spec->has_folds)
		runs = xcalloc((s->n + 1) * folds, sizeof(*runs));
	for (size_t i = 0; i < s->n; i++) {
		const struct trial *t = s->trials[i];

		if (!is_result(t) || !t->rec.has_error ||
		    (runs != NULL && t->results.n != folds))
			continue;
		list[n] = (struct mean){
			.score = score_of(s->spec->goal, t->rec.value),
			.error = t->rec.error,
			.freedom = (double)(t->rec.runs - 1),
		};
		if (runs != NULL)
			copy_runs(t, runs + n * folds);
		n++;
	}
	if (runs != NULL && n < 2)
		return (double)NAN;
	if (runs != NULL)
		noise_of_folds(n, folds, runs, errors);
	for (size_t i = 0; runs != NULL && i < n; i++)
		list[i].error = errors[i];
	return noise_of_means(list, n);
}

/*
 * The runs of trials tell it best, then repeated ones, then the model's guess;
 * else any gain counts.
 */
static struct noise find_noise(const struct search *s, double of_model)
{
	auto_free struct repeat *list = xcalloc(s->n + 1, sizeof(*list));
	struct noise noise = { noise_of_runs(s), "the runs of trials" };
	size_t n = 0;

	if (!isnan(noise.sd))
		return noise;
	noise.of = "equal configurations";
	for (size_t i = 0; i < s->n; i++) {
		const struct trial *t = s->trials[i];

		/* Who goes on from another trial repeats nothing. */
		if (is_result(t) && !lineage_has_parent(&t->rec.lineage))
			list[n++] = (struct repeat){
				space_hash(s->spec->space, t->config),
				score_of(s->spec->goal, t->rec.value),
			};
	}
	noise.sd = noise_of_repeats(list, n);
	if (!isnan(noise.sd))
		return noise;
	if (!isnan(of_model))
		return (struct noise){ of_model, "the model" };
	return (struct noise){ 0, "none" };
}

static char *plateau_text(const struct search *s, const struct plateau *p)
{
	struct buf b = BUF_INIT;

	if (p->n == 1)
		buf_adds(&b, "the last trial has");
	else
		buf_addf(&b, "the last %lld trials have", (long long)p->n);
	buf_addf(
	    &b, " not improved %s %.6g by more than the noise, %.3g (%s): ",
	    s->spec->metric, score_of(s->spec->goal, p->before), p->noise.sd,
	    strcmp(p->noise.of, "none") == 0
		? "nothing tells it, so that anything better would have "
		  "counted"
		: p->noise.of);
	if (isfinite(p->since))
		buf_addf(&b, "%s was %.6g",
			 p->n == 1 ? "it" : "the best of them",
			 score_of(s->spec->goal, p->since));
	else
		buf_adds(&b, p->n == 1 ? "it had no result"
				       : "none of them had a result");
	return buf_take(&b);
}

static char *plateau_data(const struct search *s, const struct plateau *p)
{
	auto_json cJSON *data = cJSON_CreateObject();

	json_add_integer(data, "plateau", p->n);
	json_add_number(data, "before", score_of(s->spec->goal, p->before));
	if (isfinite(p->since))
		json_add_number(data, "since",
				score_of(s->spec->goal, p->since));
	json_add_number(data, "noise", p->noise.sd);
	cJSON_AddStringToObject(data, "noise_of", p->noise.of);
	return json_print(data);
}

static void look_for_plateau(struct step *st, struct search *s, double of_model)
{
	struct plateau p;

	if (s->spec->stop.plateau == 0 || !rules_hold(s))
		return;
	look(s, &p);
	if (p.n < s->spec->stop.plateau || !isfinite(p.before))
		return;
	p.noise = find_noise(s, of_model);
	if (p.since < p.before - p.noise.sd)
		return;
	search_end(st, s, SEARCH_FINISHED, "plateau", plateau_text(s, &p),
		   plateau_data(s, &p));
}

/* --- regret -----------------------------------------------------------------
 */

static void look_for_regret(struct step *st, struct search *s,
			    const struct rationale *why)
{
	double times = s->spec->stop.regret;
	struct noise noise;
	auto_json cJSON *data = NULL;

	if (times == 0 || !rules_hold(s) || !isfinite(why->regret))
		return;
	/* Of results with less of a budget it says nothing of the best. */
	if (levels_differ(s) && s->told_run < s->spec->runs - 1)
		return;
	noise = find_noise(s, why->noise);
	if (!(why->regret < times * noise.sd))
		return;
	data = cJSON_CreateObject();
	json_add_number(data, "regret", why->regret);
	json_add_number(data, "limit", times);
	json_add_number(data, "noise", noise.sd);
	cJSON_AddStringToObject(data, "noise_of", noise.of);
	search_end(st, s, SEARCH_FINISHED, "regret",
		   xasprintf("no configuration should be better than the best, "
			     "%.6g, by more than %.3g, and %.3g times the "
			     "noise (%s) is %.3g",
			     why->best, why->regret, times, noise.of,
			     times * noise.sd),
		   json_print(data));
}

void ends_trial_ended(struct step *st, struct search *s)
{
	if (s->spec->sampler != SAMPLER_GP)
		look_for_plateau(st, s, (double)NAN);
}

void ends_suggested(struct step *st, struct search *s,
		    const struct rationale *why)
{
	if (s->spec->sampler == SAMPLER_GP)
		look_for_plateau(st, s, why->noise);
	look_for_regret(st, s, why);
}
