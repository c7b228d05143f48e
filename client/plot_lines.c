/* Plots with a line for each trial, coloured by its rank. */
#include "plot_kinds.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Adds the numbers of all curves, nulls for those that are none. */
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

static void add_curve(struct chart *c, const struct plot_data *d,
		      const cJSON *curve, double rank)
{
	int64_t number = json_get_integer(curve, "trial", -1);
	struct chart_series *s = add_line(c, d, number, rank);
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

struct ranked_curve {
	const cJSON *curve;
	int64_t trial;
	double rank;
};

/* The worst first: the better ones are drawn above. */
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
	size_t n = 0, n_values;

	cJSON_ArrayForEach (curve, list) {
		int64_t number = json_get_integer(curve, "trial", -1);
		const struct plot_trial *t = plot_data_find(d, number);

		order[n++] = (struct ranked_curve){
			.curve = curve,
			.trial = number,
			.rank = t != NULL && t->counts ? t->rank : 1,
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
	if (n == 0)
		axis_fit(&c->x, 0, 1);
	else
		axis_fit(&c->x, c->x.min, c->x.max);
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
