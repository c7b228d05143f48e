/* Plots with a dot for each trial, and bars. */
#include "plot_kinds.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MATTER  4    /* parameters in the overview */
#define NOTHING 0.05 /* chance from which a share may be nothing */

void plot_fit_objective(struct plot *p, const struct plot_data *d,
			struct chart_axis *a, const double *values, size_t n,
			const char *what)
{
	size_t out = axis_fit_objective(a, values, n, d->is_max);
	auto_buf struct buf end = BUF_INIT;

	a->label = xstrdup(d->metric);
	if (out == 0)
		return;
	axis_print(a, d->is_max ? a->min : a->max, &end);
	plot_note(p, "%zu %s%s %s %s: drawn at the %s edge.", out, what,
		  out == 1 ? "" : "s", d->is_max ? "below" : "above",
		  buf_text(&end), d->is_max ? "lower" : "upper");
}

double *plot_values(const struct plot_data *d)
{
	double *values = xcalloc(d->n_trials + 1, sizeof(*values));

	for (size_t i = 0; i < d->n_trials; i++)
		values[i] = d->trials[i].value;
	return values;
}

static bool has_ended(const struct plot_trial *t)
{
	return t->state != TRIAL_QUEUED && t->state != TRIAL_RUNNING;
}

/* A dot for each trial that has ended, at @x of it. */
static void add_trials(struct chart *c, const struct plot_data *d,
		       double x(const struct plot_trial *t, size_t param),
		       size_t param)
{
	/* The later ones lie above the earlier. */
	static const struct {
		enum chart_class class;
		const char *name;
	} layers[] = {
		{CHART_FAILED,  "no result"    },
		{ CHART_PRUNED, "stopped early"},
		{ CHART_DONE,   "done"         },
	};

	for (size_t k = 0; k < 3; k++) {
		struct chart_series *s = NULL;

		for (size_t i = 0; i < d->n_trials; i++) {
			const struct plot_trial *t = &d->trials[i];
			enum chart_class class =
			    isnan(t->value)            ? CHART_FAILED
			    : t->state == TRIAL_DONE   ? CHART_DONE
			    : t->state == TRIAL_PRUNED ? CHART_PRUNED
						       : CHART_FAILED;

			if (!has_ended(t) || class != layers[k].class)
				continue;
			if (s == NULL)
				s = chart_add(c, CHART_DOTS, class,
					      layers[k].name);
			chart_put(s, x(t, param), t->value, t->number);
		}
	}
	if (d->best != NULL) {
		auto_free char *name =
		    xasprintf("best (trial %lld)", (long long)d->best->number);

		chart_put(chart_add(c, CHART_DOTS, CHART_BEST, name),
			  x(d->best, param), d->best->value, d->best->number);
	}
	c->low_is_bad = d->is_max;
}

/* --- best so far ------------------------------------------------------------
 */

static double at_number(const struct plot_trial *t, size_t param)
{
	(void)param;
	return (double)t->number;
}

static double at_param(const struct plot_trial *t, size_t param)
{
	return t->at[param];
}

void plot_best(struct plot *p, const struct plot_data *d)
{
	auto_free double *values = plot_values(d);
	struct chart *c = plot_add(p);
	struct chart_series *s;
	double best = (double)NAN;

	c->title = xasprintf("Best so far: %s by trial", d->metric);
	c->is_wide = true;
	c->x.label = xstrdup("trial");
	c->x.is_whole = true;
	axis_fit(&c->x, 0, fmax(1, (double)d->n_trials - 1));
	plot_fit_objective(p, d, &c->y, values, d->n_trials, "trial");
	s = chart_add(c, CHART_STEPS, CHART_BEST, "best so far");
	for (size_t i = 0; i < d->n_trials; i++) {
		const struct plot_trial *t = &d->trials[i];

		if (!t->counts)
			continue;
		best = isnan(best) ? t->value
		       : d->is_max ? fmax(best, t->value)
				   : fmin(best, t->value);
		chart_put(s, (double)t->number, best, t->number);
	}
	if (!isnan(best))
		chart_put(s, c->x.max, best, -1);
	add_trials(c, d, at_number, 0);
}

/* --- parameters -------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* At each place of an axis with few of them, of the trials that count. */
static void add_medians(struct chart *c, const struct plot_data *d,
			size_t param)
{
	auto_free double *values = xcalloc(d->n_trials + 1, sizeof(*values));
	struct chart_series *s =
	    chart_add(c, CHART_MEDIANS, CHART_MEDIAN, "median of those done");

	for (double x = ceil(c->x.min); x <= c->x.max; x++) {
		size_t n = 0;

		for (size_t i = 0; i < d->n_trials; i++)
			if (d->trials[i].counts && d->trials[i].at[param] == x)
				values[n++] = d->trials[i].value;
		qsort(values, n, sizeof(*values), ascending);
		if (n > 0)
			chart_put(s, x,
				  (values[(n - 1) / 2] + values[n / 2]) / 2,
				  -1);
	}
}

/* What "why" says of a parameter, or NULL. */
static const cJSON *find_importance(const struct plot_data *d, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, json_get(d->why, "importance")) {
		const char *own = json_get_text(item, "parameter");

		if (own != NULL && strcmp(own, name) == 0)
			return item;
	}
	return NULL;
}

/* The medians in the parts of a range, where the middle of each part lies. */
static void add_marginal(struct chart *c, const cJSON *importance)
{
	struct chart_series *s =
	    chart_add(c, CHART_LINE, CHART_MEDIAN, "median nearby");
	const cJSON *part;

	cJSON_ArrayForEach (part, json_get(importance, "curve")) {
		double value = json_get_number(part, "value", (double)NAN);
		double low = json_get_number(part, "low", value);
		double high = json_get_number(part, "high", low);
		double middle = c->x.scale == SCALE_LOG && low > 0
				    ? sqrt(low) * sqrt(high)
				    : low + (high - low) / 2;

		chart_put(s, middle,
			  json_get_number(part, "median", (double)NAN), -1);
	}
}

static void add_param(struct plot *p, const struct plot_data *d, size_t i)
{
	auto_free double *values = plot_values(d);
	const struct param *param = &d->spec->space->params[i];
	const cJSON *importance = find_importance(d, param->name);
	double share = json_get_number(importance, "share", (double)NAN);
	struct chart *c = plot_add(p);

	c->title = isnan(share)
		       ? xasprintf("%s against %s", d->metric, param->name)
		       : xasprintf("%s against %s (%.0f %%)", d->metric,
				   param->name, 100 * share);
	plot_param_axis(param, &c->x);
	(void)axis_fit_objective(&c->y, values, d->n_trials, d->is_max);
	c->y.label = xstrdup(d->metric);
	if (c->x.strew > 0 && d->n_counted > 0)
		add_medians(c, d, i);
	else if (c->x.strew == 0 && importance != NULL)
		add_marginal(c, importance);
	add_trials(c, d, at_param, i);
}

static void note_shares(struct plot *p, const struct plot_data *d)
{
	const char *unknown = json_get_text(d->why, "unknown");

	if (unknown != NULL)
		plot_note(p, "%s", unknown);
	else
		plot_note(p, "%%: of what divides the best trials from the "
			     "others, by PED-ANOVA");
}

void plot_params(struct plot *p, const struct plot_data *d)
{
	for (size_t i = 0; i < d->spec->space->n; i++)
		if (d->is_shown[i])
			add_param(p, d, i);
	note_shares(p, d);
}

/* A bar for each parameter of which it may be nothing or not. */
static void add_bars(struct chart *c, const cJSON *list, bool is_nothing)
{
	struct chart_series *s = NULL;
	double row = (double)c->y.n_names;
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		double chance = json_get_number(item, "chance", 1);
		struct chart_point *bar;

		row--;
		if ((chance >= NOTHING) != is_nothing)
			continue;
		if (s == NULL)
			s = is_nothing
				? chart_add(c, CHART_BARS, CHART_FAINT,
					    "it may be nothing")
				: chart_add(c, CHART_BARS, CHART_DONE, "share");
		chart_put(s, 100 * json_get_number(item, "share", 0), row, -1);
		bar = &s->points[s->n - 1];
		bar->low = 100 * json_get_number(item, "low", 0);
		bar->high = 100 * json_get_number(item, "high", 0);
	}
}

void plot_importance(struct plot *p, const struct plot_data *d)
{
	const cJSON *list = json_get(d->why, "importance"), *item;
	size_t n = (size_t)cJSON_GetArraySize(list), i = n;
	struct chart *c;
	double most = 0;
	char **names;

	if (json_get_text(d->why, "unknown") != NULL || n == 0) {
		note_shares(p, d);
		return;
	}
	c = plot_add(p);
	names = xcalloc(n, sizeof(char *));
	cJSON_ArrayForEach (item, list) {
		names[--i] = xstrdup(json_get_text(item, "parameter"));
		most = fmax(most, json_get_number(item, "high", 0));
	}
	c->title = xstrdup("What divides the best trials from the others");
	c->is_wide = true;
	c->x.label = xstrdup("share of a parameter, % (and its 90 % interval)");
	axis_fit(&c->x, 0, 100 * most);
	axis_fit_names(&c->y, names, n);
	c->y.strew = 0;
	add_bars(c, list, false);
	add_bars(c, list, true);
}

/* Those that matter most, or the first ones if that is not known. */
static void add_some(struct plot *p, const struct plot_data *d)
{
	const struct space *space = d->spec->space;
	const cJSON *item;
	size_t n = 0;

	cJSON_ArrayForEach (item, json_get(d->why, "importance")) {
		const char *name = json_get_text(item, "parameter");
		int i = name != NULL ? space_find(space, name) : -1;

		if (i >= 0 && n++ < MATTER)
			add_param(p, d, (size_t)i);
	}
	if (n > MATTER)
		plot_note(p,
			  "%zu of %zu parameters; 'hpctl plot %s params' "
			  "draws all",
			  (size_t)MATTER, n, d->name);
	note_shares(p, d);
}

void plot_all(struct plot *p, const struct plot_data *d)
{
	plot_best(p, d);
	add_some(p, d);
}
