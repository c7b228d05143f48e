/* What a search has found, to be seen. */
#include "plot_kinds.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct plot_kind plot_kinds[] = {
	{"best",        0,                 false, plot_best      },
	{ "curves",     PLOT_WANTS_CURVES, false, plot_curves    },
	{ "params",     PLOT_WANTS_WHY,    true,  plot_params    },
	{ "importance", PLOT_WANTS_WHY,    false, plot_importance},
	{ "parallel",   0,                 true,  plot_parallel  },
	{ NULL,         0,                 false, NULL           },
};

const struct plot_kind plot_overview = { NULL, PLOT_WANTS_WHY, false,
					 plot_all };

static enum status find_kind(const char *name,
			     const struct plot_kind **ret_kind)
{
	auto_buf struct buf names = BUF_INIT;

	for (const struct plot_kind *k = plot_kinds; k->name != NULL; k++) {
		if (strcmp(k->name, name) == 0) {
			*ret_kind = k;
			return STATUS_DONE;
		}
		buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", k->name);
	}
	return fail(STATUS_BAD_INPUT, "'%s' is no kind of plot (%s)", name,
		    buf_text(&names));
}

/* The parameters that the operands after the kind name, if there are any. */
static enum status choose_params(const struct call *call,
				 const struct plot_kind *kind,
				 struct plot_data *d)
{
	const struct space *space = d->spec->space;

	if (call->n_operands > 2 && !kind->takes_params)
		return fail(STATUS_BAD_INPUT,
			    "plot %s shows no single parameters ('%s')",
			    kind->name, call->operands[2]);
	for (size_t i = 0; i < space->n && call->n_operands > 2; i++)
		d->is_shown[i] = false;
	for (int i = 2; i < call->n_operands; i++) {
		int k = space_find(space, call->operands[i]);

		if (k < 0 || space->params[k].type == PARAM_CONSTANT)
			return fail(STATUS_BAD_INPUT,
				    "'%s' is no parameter that %s varies",
				    call->operands[i], d->name);
		d->is_shown[k] = true;
	}
	return STATUS_DONE;
}

static void set_title(struct plot *p, const struct plot_data *d)
{
	const cJSON *search = json_get(d->show, "search");
	auto_buf struct buf b = BUF_INIT;
	char number[JSON_NUMBER_BYTES];

	buf_addf(&b, "%s (%s): %zu trial%s, %s %s", d->name,
		 json_get_text(search, "state"), d->n_trials,
		 d->n_trials == 1 ? "" : "s", d->metric,
		 d->is_max ? "to be maximized" : "to be minimized");
	if (d->best != NULL) {
		snprintf(number, sizeof(number), "%.6g", d->best->value);
		buf_addf(&b, ", best %s", number);
	}
	p->title = buf_take(&b);
}

static enum status write_svg(const char *file, const struct plot *p)
{
	auto_buf struct buf b = BUF_INIT;
	bool is_stdout = strcmp(file, "-") == 0;
	FILE *f = is_stdout ? stdout : fopen(file, "we");
	bool failed;

	if (f == NULL)
		return fail(STATUS_BAD_INPUT, "cannot write %s: %s", file,
			    strerror(errno));
	chart_svg(&b, p);
	failed = fwrite(b.data, 1, b.len, f) != b.len;
	if (!is_stdout)
		failed = fclose(f) != 0 || failed;
	if (failed)
		return fail(STATUS_FAILED, "cannot write %s: %s", file,
			    strerror(errno));
	return STATUS_DONE;
}

/* Says so instead of empty axes; false: there is something. */
static bool has_nothing(struct plot *p, const struct plot_data *d)
{
	if (cJSON_GetArraySize(json_get(d->curves, "curves")) > 0)
		return false;
	for (size_t i = 0; i < d->n_trials; i++)
		if (!isnan(d->trials[i].value))
			return false;
	plot_note(p, "No trial has a result yet: there is nothing to draw.");
	return true;
}

static enum status show(struct call *call, const struct plot *p)
{
	const char *file = call_option(call, "svg");
	auto_json cJSON *json = NULL;

	if (call->json) {
		json = chart_json(p);
		call->out.ops->answer(&call->out, json);
		return STATUS_DONE;
	}
	if (file != NULL)
		return write_svg(file, p);
	chart_text(&call->out, p);
	return STATUS_DONE;
}

static enum status run_plot(struct call *call)
{
	const char *name = call->n_operands > 1 ? call->operands[1] : NULL;
	const struct plot_kind *kind = &plot_overview;
	struct plot_data d = { 0 };
	auto_plot struct plot p = { 0 };
	enum status r = STATUS_DONE;

	if (name != NULL)
		r = find_kind(name, &kind);
	if (r == STATUS_DONE)
		r = plot_data_read(call, &d);
	if (r == STATUS_DONE)
		r = choose_params(call, kind, &d);
	if (r == STATUS_DONE && (kind->wants & PLOT_WANTS_CURVES) != 0)
		r = plot_data_ask(call, METHOD_CURVES, &d.curves);
	if (r == STATUS_DONE && (kind->wants & PLOT_WANTS_WHY) != 0)
		r = plot_data_ask(call, METHOD_WHY, &d.why);
	if (r == STATUS_DONE) {
		set_title(&p, &d);
		if (!has_nothing(&p, &d))
			kind->make(&p, &d);
		if (p.n_charts == 1)
			p.charts->is_wide = true;
		r = show(call, &p);
	}
	plot_data_free(&d);
	return r;
}

const struct command cmd_plot = {
	.name = "plot",
	.operands = "SEARCH [KIND [PARAMETER ...]]",
	.min = 1,
	.max = -1,
	.operand = OPERAND_SEARCH_PLOT,
	.help = "Draw what a search has found",
	.text = "KIND is best (the best result so far over the trials), curves "
		"(the objective over steps), params (the results over each "
		"parameter, or over those named), importance or parallel (all "
		"parameters side by side, a line a trial). Without it there is "
		"best, and params of the most important parameters. Values "
		"that are far off are drawn at the edge.",
	.options = { { "svg", 0, "FILE",
		       "Write an SVG picture instead (- is stdout)" } },
	.run = run_plot,
};
