#include "plot_data.h"

#include "schema/json.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 250 /* trials; of 256 parameters each they fit a message */

/* --- trials -----------------------------------------------------------------
 */

static double place_of(const struct param *p, const cJSON *v)
{
	struct cell cell;

	if (v == NULL)
		return (double)NAN;
	/* An imported value may lie outside; it is a number all the same. */
	if (p->type != PARAM_CHOICE)
		return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
	return param_takes_json(p, v, &cell) ? (double)cell.i : (double)NAN;
}

static void read_trial(const struct plot_data *d, const cJSON *row,
		       struct plot_trial *t)
{
	const cJSON *params = json_get(row, "params");
	const char *state = json_get_text(row, "state");
	const struct space *space = d->spec->space;

	t->number = json_get_integer(row, "number", 0);
	t->state =
	    (enum trial_state)trial_state_find(state != NULL ? state : "");
	t->value = json_get_number(row, "value", (double)NAN);
	if (!isfinite(t->value))
		t->value = (double)NAN;
	t->score = d->is_max ? -t->value : t->value;
	t->counts = t->state == TRIAL_DONE && !isnan(t->value);
	t->at = xcalloc(space->n + 1, sizeof(*t->at));
	for (size_t i = 0; i < space->n; i++)
		t->at[i] = place_of(&space->params[i],
				    json_get(params, space->params[i].name));
}

static enum status read_trials(struct call *call, struct plot_data *d)
{
	bool more = true;

	while (more) {
		auto_json cJSON *result = NULL;
		cJSON *params = target_search_params(call);
		const cJSON *rows, *row;
		enum status r;

		if (d->n_trials > 0)
			json_add_integer(params, "from",
					 d->trials[d->n_trials - 1].number + 1);
		json_add_integer(params, "limit", PAGE);
		r = call_method(call, METHOD_TRIALS, params, &result);
		if (r != STATUS_DONE)
			return r;
		rows = json_get(result, "trials");
		more = json_get_bool(result, "more", false) &&
		       cJSON_GetArraySize(rows) > 0;
		d->trials = xreallocarray(
		    d->trials,
		    d->n_trials + (size_t)cJSON_GetArraySize(rows) + 1,
		    sizeof(*d->trials));
		cJSON_ArrayForEach (row, rows)
			read_trial(d, row, &d->trials[d->n_trials++]);
	}
	return STATUS_DONE;
}

/* The best first, the earlier of equals. */
static int by_score(const void *a, const void *b)
{
	const struct plot_trial *t = *(struct plot_trial *const *)a;
	const struct plot_trial *u = *(struct plot_trial *const *)b;

	if (t->score != u->score)
		return t->score < u->score ? -1 : 1;
	return (t->number > u->number) - (t->number < u->number);
}

static void rank(struct plot_data *d)
{
	auto_free struct plot_trial **order =
	    xcalloc(d->n_trials + 1, sizeof(struct plot_trial *));
	size_t n = 0;

	for (size_t i = 0; i < d->n_trials; i++)
		if (d->trials[i].counts)
			order[n++] = &d->trials[i];
	qsort(order, n, sizeof(*order), by_score);
	for (size_t i = 0; i < n; i++) {
		bool is_equal = i > 0 && order[i]->score == order[i - 1]->score;

		order[i]->rank = is_equal ? order[i - 1]->rank
				 : i > 0  ? (double)i / (double)(n - 1)
					  : 0;
	}
	d->n_counted = n;
	d->best = n > 0 ? order[0] : NULL;
}

/* --- the search -------------------------------------------------------------
 */

static void show_varied(struct plot_data *d)
{
	const struct space *space = d->spec->space;

	d->is_shown = xcalloc(space->n + 1, sizeof(*d->is_shown));
	for (size_t i = 0; i < space->n; i++)
		d->is_shown[i] = space->params[i].type != PARAM_CONSTANT;
}

static enum status read_search(struct call *call, struct plot_data *d)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *words = NULL;
	cJSON *params = target_search_params(call);
	const cJSON *search;
	const char *goal, *file;
	enum status r;

	if (params == NULL)
		return STATUS_BAD_INPUT;
	r = call_method(call, METHOD_SHOW, params, &d->show);
	if (r != STATUS_DONE)
		return r;
	search = json_get(d->show, "search");
	goal = json_get_text(search, "goal");
	file = json_get_text(d->show, "file");
	d->name = json_get_text(search, "name");
	d->metric = json_get_text(search, "metric");
	if (goal == NULL || file == NULL || d->name == NULL ||
	    d->metric == NULL)
		return fail(STATUS_FAILED, "hpsd does not tell enough of the "
					   "search for a plot");
	d->is_max = strcmp(goal, "maximize") == 0;
	if (search_parse(file, strlen(file), &d->spec, &faults) == 0) {
		show_varied(d);
		return STATUS_DONE;
	}
	words = diag_text(&faults, NULL);
	return fail(STATUS_FAILED,
		    "the file of %s cannot be read by this hpctl: %s", d->name,
		    words);
}

enum status plot_data_read(struct call *call, struct plot_data *ret)
{
	enum status r = read_search(call, ret);

	if (r == STATUS_DONE)
		r = read_trials(call, ret);
	if (r == STATUS_DONE)
		rank(ret);
	return r;
}

enum status plot_data_ask(struct call *call, enum method m, cJSON **ret)
{
	return call_method(call, m, target_search_params(call), ret);
}

const struct plot_trial *plot_data_find(const struct plot_data *d,
					int64_t number)
{
	size_t low = 0, high = d->n_trials;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->trials[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->n_trials && d->trials[low].number == number
		   ? &d->trials[low]
		   : NULL;
}

void plot_data_free(struct plot_data *d)
{
	cJSON_Delete(d->curves);
	cJSON_Delete(d->why);
	for (size_t i = 0; i < d->n_trials; i++)
		free(d->trials[i].at);
	free(d->trials);
	free(d->is_shown);
	search_free(d->spec);
	cJSON_Delete(d->show);
}

static char **names_of(const struct param *p)
{
	char **names = xcalloc(p->n_values, sizeof(char *));

	for (size_t i = 0; i < p->n_values; i++) {
		auto_json cJSON *v = scalar_json(&p->values[i]);
		struct buf b = BUF_INIT;

		/* Text of a file may hold control characters. */
		if (cJSON_IsNull(v))
			buf_adds(&b, "null");
		else
			out_print_value(&b, OUT_TEXT, v);
		names[i] = buf_take(&b);
	}
	return names;
}

void plot_param_axis(const struct param *p, struct chart_axis *ret)
{
	ret->label = xstrdup(p->name);
	ret->scale = p->scale;
	switch (p->type) {
	case PARAM_FLOAT:
		axis_fit(ret, p->min, p->max);
		axis_pad(ret, 0.03);
		break;
	case PARAM_INT:
		axis_fit_whole(ret, p->int_min, p->int_max);
		break;
	case PARAM_CHOICE:
	case PARAM_CONSTANT:
		ret->scale = SCALE_LINEAR;
		axis_fit_names(ret, names_of(p), p->n_values);
		break;
	}
}
