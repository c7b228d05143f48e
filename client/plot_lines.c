/* Plots with a line for each trial, coloured by its rank. */
#include "plot_kinds.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ASIDE      0.02 /* of the axis, between forecasts beside each other */
#define ASIDE_MOST 0.25 /* for all of them */

/* A number or, as text, what is none. */
static double number_of(const cJSON *v)
{
	double d;

	if (cJSON_IsNumber(v))
		return v->valuedouble;
	if (cJSON_IsString(v) || cJSON_IsRaw(v)) {
		d = strtod(v->valuestring, NULL);
		return d;
	}
	return (double)NAN;
}

/* What is foretold counts, too, unless it alone forbids logarithms. */
static void add_foretold(const struct plot_data *d, double **values, size_t *n)
{
	const cJSON *running = json_get(d->show, "running"), *item;
	double least = (double)INFINITY;

	*values =
	    xreallocarray(*values, *n + (size_t)cJSON_GetArraySize(running) + 1,
			  sizeof(**values));
	for (size_t i = 0; i < *n; i++)
		least = fmin(least, (*values)[i]);
	cJSON_ArrayForEach (item, running) {
		double v = json_get_number(json_get(item, "foretold"), "value",
					   (double)NAN);

		if (v > 0 || least <= 0)
			(*values)[(*n)++] = v;
	}
}

/* The numbers of all curves and forecasts, nulls for those that are none. */
static double *curve_values(const struct plot_data *d, size_t *ret_n)
{
	const cJSON *curve, *v;
	double *values = NULL;
	size_t n = 0;

	cJSON_ArrayForEach (curve, json_get(d->curves, "curves")) {
		const cJSON *list = json_get(curve, "values");

		values = xreallocarray(values,
				       n + (size_t)cJSON_GetArraySize(list) + 1,
				       sizeof(*values));
		cJSON_ArrayForEach (v, list)
			values[n++] = number_of(v);
	}
	add_foretold(d, &values, &n);
	*ret_n = n;
	return values;
}

/* A line of a trial, its colour by its rank. */
static struct chart_series *add_line(struct chart *c, const struct plot_data *d,
				     int64_t number, double rank)
{
	static const char *const names[] = { "best third", "middle third",
					     "worst third, or no result" };
	bool is_best = d->best != NULL && number == d->best->number;
	auto_free char *name =
	    is_best ? xasprintf("best (trial %lld)", (long long)number)
		    : xstrdup(names[rank < 1.0 / 3   ? 0
				    : rank < 2.0 / 3 ? 1
						     : 2]);
	struct chart_series *s =
	    chart_add(c, CHART_LINE, is_best ? CHART_BEST : CHART_RANKED, name);

	s->rank = rank;
	return s;
}

static bool is_running(const struct plot_data *d, int64_t number)
{
	const struct plot_trial *t = plot_data_find(d, number);

	return t != NULL && t->state == TRIAL_RUNNING;
}

static void add_curve(struct chart *c, const struct plot_data *d,
		      const cJSON *curve, double rank)
{
	int64_t number = json_get_integer(curve, "trial", -1);
	struct chart_series *s =
	    is_running(d, number)
		? chart_add(c, CHART_LINE, CHART_RUNNING, "running")
		: add_line(c, d, number, rank);
	const cJSON *step = json_get(curve, "steps"), *value;

	step = step != NULL ? step->child : NULL;
	cJSON_ArrayForEach (value, json_get(curve, "values")) {
		if (step == NULL)
			break;
		chart_put(s, number_of(step), number_of(value), number);
		c->x.max = fmax(c->x.max, number_of(step));
		c->x.min = fmin(c->x.min, number_of(step));
		step = step->next;
	}
}

/* The last finite point of the curve of a running trial, or NULL. */
static const struct chart_point *curve_end(const struct chart *c,
					   int64_t number)
{
	for (size_t i = 0; i < c->n_series; i++) {
		const struct chart_series *s = &c->series[i];

		for (size_t k = s->n; k-- > 0;)
			if (s->class == CHART_RUNNING &&
			    s->points[k].trial == number &&
			    isfinite(s->points[k].y))
				return &s->points[k];
	}
	return NULL;
}

/* Where the curve of each running trial will end, as the daemon foretells. */
static size_t add_forecasts(struct chart *c, const struct plot_data *d)
{
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach (item, json_get(d->show, "running")) {
		int64_t number = json_get_integer(item, "trial", -1);
		const cJSON *by = json_get(item, "foretold");
		const struct chart_point *end = curve_end(c, number);
		struct chart_point from =
		    end != NULL ? *end : (struct chart_point){ 0 };
		double step = json_get_number(by, "step", (double)NAN);
		struct chart_series *s;

		/* It may have ended since; steps hold no seconds. */
		if (!is_running(d, number) || !isfinite(step))
			continue;
		s = chart_add(c, CHART_FORECAST, CHART_RUNNING,
			      "foretold, 90 % interval");
		if (end != NULL)
			chart_put(s, from.x, from.y, number);
		chart_put(s, step, json_get_number(by, "value", (double)NAN),
			  number);
		s->points[s->n - 1].low =
		    json_get_number(by, "low", (double)NAN);
		s->points[s->n - 1].high =
		    json_get_number(by, "high", (double)NAN);
		c->x.max = fmax(c->x.max, step);
		n++;
	}
	return n;
}

/* Beside each other, right of where the curves end, where nothing else is. */
static void spread_forecasts(struct chart *c, size_t n)
{
	double room = fmin(ASIDE * (double)(n + 1), ASIDE_MOST);
	double gap = room / (double)(n + 1) * (c->x.max - c->x.min);
	double aside = 0;

	for (size_t i = 0; i < c->n_series; i++) {
		struct chart_series *s = &c->series[i];

		if (s->mark != CHART_FORECAST)
			continue;
		aside += gap;
		s->points[s->n - 1].aside = aside;
	}
	c->x.max += aside + gap;
}

struct ranked_curve {
	const cJSON *curve;
	int64_t trial;
	double rank;
};

/* The worst first: the better ones are drawn above, what runs on top. */
static int worst_first(const void *a, const void *b)
{
	const struct ranked_curve *c = a, *d = b;

	if (c->rank != d->rank)
		return c->rank < d->rank ? 1 : -1;
	return (c->trial > d->trial) - (c->trial < d->trial);
}

void plot_curves(struct plot *p, const struct plot_data *d)
{
	const cJSON *list = json_get(d->curves, "curves"), *curve;
	auto_free struct ranked_curve *order =
	    xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*order));
	struct chart *c = plot_add(p);
	auto_free double *values = NULL;
	int64_t every = json_get_integer(d->curves, "every", 1);
	size_t n = 0, n_values, n_forecasts;

	cJSON_ArrayForEach (curve, list) {
		int64_t number = json_get_integer(curve, "trial", -1);
		const struct plot_trial *t = plot_data_find(d, number);

		order[n++] = (struct ranked_curve){
			.curve = curve,
			.trial = number,
			.rank = is_running(d, number)    ? -1
				: t != NULL && t->counts ? t->rank
							 : 1,
		};
	}
	qsort(order, n, sizeof(*order), worst_first);
	c->title = xasprintf("%s over steps", d->metric);
	c->is_wide = true;
	c->low_is_bad = d->is_max;
	c->x.label = xstrdup("step");
	c->x.is_whole = true;
	c->x.min = (double)INFINITY;
	c->x.max = -(double)INFINITY;
	values = curve_values(d, &n_values);
	plot_fit_objective(p, d, &c->y, values, n_values, "point");
	for (size_t i = 0; i < n; i++)
		add_curve(c, d, order[i].curve, order[i].rank);
	n_forecasts = add_forecasts(c, d);
	if (n == 0)
		axis_fit(&c->x, 0, 1);
	else
		axis_fit(&c->x, c->x.min, c->x.max);
	if (n_forecasts > 0)
		spread_forecasts(c, n_forecasts);
	if (every > 1)
		plot_note(p,
			  "The curves of every %lldth trial and the best "
			  "one's.",
			  (long long)every);
}

static int by_rank(const void *a, const void *b)
{
	const struct plot_trial *t = *(const struct plot_trial *const *)a;
	const struct plot_trial *u = *(const struct plot_trial *const *)b;

	return (t->rank < u->rank) - (t->rank > u->rank);
}

void plot_parallel(struct plot *p, const struct plot_data *d)
{
	const struct space *space = d->spec->space;
	auto_free double *values = plot_values(d);
	auto_free const struct plot_trial **order =
	    xcalloc(d->n_trials + 1, sizeof(struct plot_trial *));
	struct chart *c = plot_add(p);
	bool some_off = false;
	size_t n = 0;

	c->title = xstrdup("Trials by all parameters");
	c->is_wide = true;
	c->uprights = xcalloc(space->n + 1, sizeof(*c->uprights));
	for (size_t i = 0; i < space->n; i++)
		if (d->is_shown[i])
			plot_param_axis(&space->params[i],
					&c->uprights[c->n_uprights++]);
	plot_fit_objective(p, d, &c->uprights[c->n_uprights++], values,
			   d->n_trials, "trial");
	for (size_t i = 0; i < d->n_trials; i++)
		if (d->trials[i].counts)
			order[n++] = &d->trials[i];
	qsort(order, n, sizeof(*order), by_rank);
	for (size_t i = 0; i < n; i++) {
		const struct plot_trial *t = order[i];
		struct chart_series *s = add_line(c, d, t->number, t->rank);
		double x = 0;

		for (size_t k = 0; k < space->n; k++) {
			if (!d->is_shown[k])
				continue;
			some_off = some_off || isnan(t->at[k]);
			chart_put(s, x++, t->at[k], t->number);
		}
		chart_put(s, x, t->value, t->number);
	}
	if (some_off)
		plot_note(p, "Below its axis: the parameter is not active.");
}
