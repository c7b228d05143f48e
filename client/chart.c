#include "chart.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- making -----------------------------------------------------------------
 */

struct chart *plot_add(struct plot *p)
{
	p->charts =
	    xreallocarray(p->charts, p->n_charts + 1, sizeof(*p->charts));
	p->charts[p->n_charts] = (struct chart){ 0 };
	return &p->charts[p->n_charts++];
}

struct chart_series *chart_add(struct chart *c, enum chart_mark mark,
			       enum chart_class class, const char *name)
{
	c->series =
	    xreallocarray(c->series, c->n_series + 1, sizeof(*c->series));
	c->series[c->n_series] = (struct chart_series){
		.name = name != NULL ? xstrdup(name) : NULL,
		.mark = mark,
		.class = class,
	};
	return &c->series[c->n_series++];
}

void chart_put(struct chart_series *s, double x, double y, int64_t trial)
{
	/* Room for 8, 16, 32, ... */
	if (s->n == 0 || (s->n >= 8 && (s->n & (s->n - 1)) == 0))
		s->points = xreallocarray(s->points, s->n < 8 ? 8 : 2 * s->n,
					  sizeof(*s->points));
	s->points[s->n++] =
	    (struct chart_point){ .x = x, .y = y, .trial = trial };
}

void plot_note(struct plot *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	p->notes = xreallocarray(p->notes, p->n_notes + 1, sizeof(*p->notes));
	p->notes[p->n_notes++] = xvasprintf(fmt, ap);
	va_end(ap);
}

static void free_chart(struct chart *c)
{
	for (size_t i = 0; i < c->n_series; i++) {
		free(c->series[i].name);
		free(c->series[i].points);
	}
	free(c->series);
	for (size_t i = 0; i < c->n_uprights; i++)
		axis_free(&c->uprights[i]);
	free(c->uprights);
	axis_free(&c->x);
	axis_free(&c->y);
	free(c->title);
}

void plot_free(struct plot *p)
{
	for (size_t i = 0; i < p->n_charts; i++)
		free_chart(&p->charts[i]);
	for (size_t i = 0; i < p->n_notes; i++)
		free(p->notes[i]);
	free(p->charts);
	free(p->notes);
	free(p->title);
}

/* -1 to 1, spread evenly over any trials that follow each other. */
static double strewn(int64_t trial)
{
	double t = 0.6180339887498949 * (double)trial;

	return 2 * (t - floor(t)) - 1;
}

double chart_x(const struct chart *c, const struct chart_point *p)
{
	if (c->n_uprights > 0)
		return c->n_uprights > 1 ? p->x / (double)(c->n_uprights - 1)
					 : 0.5;
	return axis_place(&c->x,
			  p->x + p->aside + c->x.strew * strewn(p->trial));
}

/* A bundle of lines is seen to be one. */
static double upright_place(const struct chart_axis *a,
			    const struct chart_point *p)
{
	return axis_place(a, p->y + a->strew / 2 * strewn(p->trial));
}

double chart_y(const struct chart *c, const struct chart_point *p)
{
	if (c->n_uprights > 0)
		return upright_place(&c->uprights[(size_t)p->x], p);
	return axis_place(&c->y, p->y);
}

static bool is_named_before(const struct plot *p, size_t chart, size_t series)
{
	const char *name = p->charts[chart].series[series].name;

	for (size_t i = 0; i <= chart; i++) {
		const struct chart *c = &p->charts[i];
		size_t n = i < chart ? c->n_series : series;

		for (size_t k = 0; k < n; k++)
			if (c->series[k].name != NULL &&
			    strcmp(c->series[k].name, name) == 0)
				return true;
	}
	return false;
}

const struct chart_series *plot_legend(const struct plot *p, size_t i)
{
	for (size_t j = 0; j < p->n_charts; j++)
		for (size_t k = 0; k < p->charts[j].n_series; k++) {
			const struct chart_series *s = &p->charts[j].series[k];

			if (s->name != NULL && s->n > 0 &&
			    !is_named_before(p, j, k) && i-- == 0)
				return s;
		}
	return NULL;
}

/* --- the numbers ------------------------------------------------------------
 */

static cJSON *texts_json(char **texts, size_t n)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(a, cJSON_CreateString(texts[i]));
	return a;
}

static cJSON *axis_json(const struct chart_axis *a)
{
	static const char *const scales[] = { "linear", "log", "logit" };
	cJSON *o = cJSON_CreateObject();

	if (a->label != NULL)
		cJSON_AddStringToObject(o, "label", a->label);
	if (a->names != NULL) {
		cJSON_AddItemToObject(o, "names",
				      texts_json(a->names, a->n_names));
		return o;
	}
	cJSON_AddStringToObject(o, "scale", scales[a->scale]);
	json_add_number(o, "min", a->min);
	json_add_number(o, "max", a->max);
	return o;
}

static cJSON *point_json(const struct chart_series *s,
			 const struct chart_point *p)
{
	bool is_last = p == s->points + s->n - 1;
	cJSON *o = cJSON_CreateObject();

	if (p->trial >= 0)
		json_add_integer(o, "trial", p->trial);
	json_add_number(o, "x", p->x);
	json_add_number(o, "y", p->y);
	if (s->mark == CHART_BARS || (s->mark == CHART_FORECAST && is_last)) {
		json_add_number(o, "low", p->low);
		json_add_number(o, "high", p->high);
	}
	return o;
}

static cJSON *series_json(const struct chart_series *s)
{
	static const char *const classes[] = { "done",   "pruned", "failed",
					       "ranked", "best",   "median",
					       "faint",  "running" };
	cJSON *o = cJSON_CreateObject();
	cJSON *points = cJSON_CreateArray();

	if (s->name != NULL)
		cJSON_AddStringToObject(o, "name", s->name);
	cJSON_AddStringToObject(o, "class", classes[s->class]);
	if (s->class == CHART_RANKED)
		json_add_number(o, "rank", s->rank);
	for (size_t i = 0; i < s->n; i++)
		cJSON_AddItemToArray(points, point_json(s, &s->points[i]));
	cJSON_AddItemToObject(o, "points", points);
	return o;
}

static cJSON *one_json(const struct chart *c)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *series = cJSON_CreateArray();

	cJSON_AddStringToObject(o, "title", c->title);
	if (c->n_uprights > 0) {
		cJSON *axes = cJSON_AddArrayToObject(o, "axes");

		for (size_t i = 0; i < c->n_uprights; i++)
			cJSON_AddItemToArray(axes, axis_json(&c->uprights[i]));
	} else {
		cJSON_AddItemToObject(o, "x", axis_json(&c->x));
		cJSON_AddItemToObject(o, "y", axis_json(&c->y));
	}
	for (size_t i = 0; i < c->n_series; i++)
		cJSON_AddItemToArray(series, series_json(&c->series[i]));
	cJSON_AddItemToObject(o, "series", series);
	return o;
}

cJSON *chart_json(const struct plot *p)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *charts = cJSON_CreateArray();

	cJSON_AddStringToObject(o, "title", p->title);
	for (size_t i = 0; i < p->n_charts; i++)
		cJSON_AddItemToArray(charts, one_json(&p->charts[i]));
	cJSON_AddItemToObject(o, "charts", charts);
	cJSON_AddItemToObject(o, "notes", texts_json(p->notes, p->n_notes));
	return o;
}
