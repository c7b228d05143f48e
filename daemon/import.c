#include "import.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void import_free(struct import *i)
{
	for (size_t k = 0; k < i->n; k++)
		free(i->rows[k].config);
	free(i->rows);
	free(i->why);
	free(i->lacks);
}

/* A new row, zeroed but for room for its configuration. */
static struct import_row *add_row(struct import *i, const struct space *space)
{
	struct import_row *row;

	if (i->n == i->cap) {
		i->cap = i->cap > 0 ? 2 * i->cap : 64;
		i->rows = xreallocarray(i->rows, i->cap, sizeof(*i->rows));
	}
	row = &i->rows[i->n++];
	*row = (struct import_row){
		.config = xcalloc(space->n, sizeof(*row->config)),
	};
	return row;
}

/* --- rows of a client --------------------------------------------------------
 */

static bool is_result(const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return cJSON_IsNumber(value) ||
	       (text != NULL &&
		(strcmp(text, "nan") == 0 || strcmp(text, "inf") == 0 ||
		 strcmp(text, "-inf") == 0));
}

/* What hpsd would have made of a trial that ended well with this result. */
static void set_result(struct import_row *row, double v)
{
	row->has_value = true;
	row->kind = value_kind_of(v);
	row->value = row->kind == VALUE_FINITE ? v : 0;
	row->state = row->kind == VALUE_FINITE ? TRIAL_DONE : TRIAL_FAILED;
	if (row->kind != VALUE_FINITE)
		strcpy(row->reason, "diverged");
}

static int read_result(const cJSON *trial, struct import_row *row,
		       struct diag *reterr)
{
	const cJSON *value = json_get(trial, "value");
	auto_free char *brief = NULL;

	if (value == NULL || cJSON_IsNull(value)) {
		row->state = TRIAL_FAILED;
		strcpy(row->reason, "imported");
		return 0;
	}
	if (is_result(value)) {
		set_result(row, json_get_number(trial, "value", (double)NAN));
		return 0;
	}
	brief = json_brief(value);
	diag_add(reterr, "value", "is %s (must be a number)", brief);
	return 1;
}

static int check_members(const cJSON *trial, struct diag *reterr)
{
	const cJSON *member;
	int r = 0;

	cJSON_ArrayForEach (member, trial) {
		if (strcmp(member->string, "params") == 0 ||
		    strcmp(member->string, "value") == 0)
			continue;
		diag_add(reterr, member->string,
			 "is no member of a trial (\"params\" and \"value\" "
			 "are)");
		r = 1;
	}
	if (json_get(trial, "params") == NULL) {
		diag_add(reterr, "params", "is missing");
		r = 1;
	}
	return r;
}

static int read_row(const struct space *space, const cJSON *trial,
		    size_t number, struct import_row *row, struct diag *reterr)
{
	auto_diag struct diag faults = DIAG_INIT;
	int r = check_members(trial, &faults);

	if (r == 0)
		r = space_read(space, json_get(trial, "params"), row->config,
			       &faults);
	r |= read_result(trial, row, &faults);
	for (size_t i = 0; i < faults.n; i++) {
		const struct diag_fault *f = &faults.faults[i];
		auto_free char *path =
		    xasprintf("trials[%zu].%s", number,
			      f->path[0] != '\0' ? f->path : "params");

		diag_add(reterr, path, "%s", f->text);
	}
	return r;
}

int import_read(const struct space *space, const cJSON *trials,
		struct import *ret_import, struct diag *reterr)
{
	const cJSON *trial;
	int r = 0;

	cJSON_ArrayForEach (trial, trials) {
		size_t number = ret_import->n;

		r |= read_row(space, trial, number, add_row(ret_import, space),
			      reterr);
	}
	if (ret_import->n > 0)
		return r;
	diag_add(reterr, "trials", "holds no trial");
	return 1;
}

/* --- trials of another search ------------------------------------------------
 */

struct copy {
	const struct search_spec *to;
	struct search_spec *from;
	struct import *import;
	struct diag *reterr;
	char *name; /* of the other search */
};

/* Each of our parameters has a value in every trial of the other search. */
static void check_parameters(const struct copy *copy)
{
	const struct space *space = copy->to->space;

	for (size_t i = 0; i < space->n; i++) {
		const struct param *p = &space->params[i];

		if (p->type != PARAM_CONSTANT && !p->has_guess &&
		    space_find(copy->from->space, p->name) < 0)
			diag_add(copy->reterr, p->name,
				 "is no parameter of search %s (nor has it a "
				 "\"guess\" that would stand in for it)",
				 copy->name);
	}
}

static int check_search(void *ctx, const struct search_record *r)
{
	struct copy *copy = ctx;
	const struct search_spec *to = copy->to;
	size_t before = copy->reterr->n;

	copy->name = xstrdup(r->name);
	if (search_parse(r->spec, strlen(r->spec), &copy->from, copy->reterr) !=
	    0)
		return 1;
	if (strcmp(to->metric, copy->from->metric) != 0 ||
	    to->goal != copy->from->goal)
		diag_add(copy->reterr, "metric",
			 "search %s is to %s %s, not to %s %s (their results "
			 "cannot be compared)",
			 r->name, goal_name(copy->from->goal),
			 copy->from->metric, goal_name(to->goal), to->metric);
	check_parameters(copy);
	return copy->reterr->n > before;
}

/* Without the parameters that only the other search has. */
static void drop_foreign(const struct space *space, cJSON *params)
{
	cJSON *next;

	for (cJSON *node = params->child; node != NULL; node = next) {
		next = node->next;
		if (space_find(space, node->string) < 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(params, node));
	}
}

/* How much of its budget the trial, which has a result, has had. */
static int64_t level_of(const struct search_spec *spec,
			const struct trial_record *r)
{
	int64_t run =
	    spec->population > 0 ? r->lineage.generation - 1 : r->runs - 1;

	/* Imported itself; what was added to a population has no generation. */
	if (r->attempts == 0 || (spec->population > 0 && run < 0))
		return spec->budget.max;
	return search_level(spec, run > 0 ? run : 0);
}

/* A result with less, or with more, than the trials here have at last. */
static bool has_all(const struct copy *copy, const struct trial_record *r,
		    struct diag *faults)
{
	const struct budget *from = &copy->from->budget,
			    *to = &copy->to->budget;
	bool is_same = from->name != NULL && to->name != NULL &&
		       strcmp(from->name, to->name) == 0;
	int64_t all = is_same ? to->max : from->max;
	/* With the same budget a stopped one has not had all of it here. */
	bool is_result = r->state == TRIAL_DONE ||
			 (r->state == TRIAL_PRUNED && r->has_value && !is_same);

	if (from->name == NULL || !is_result || level_of(copy->from, r) == all)
		return true;
	diag_add(faults, from->name,
		 "is %lld (its result cannot be compared with those with %lld)",
		 (long long)level_of(copy->from, r), (long long)all);
	return false;
}

static bool fits(struct copy *copy, const struct trial_record *r,
		 struct import_row *row)
{
	const struct space *space = copy->to->space;
	auto_diag struct diag faults = DIAG_INIT;
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;

	if (json_doc_parse(r->params, strlen(r->params), &doc, &faults) == 0) {
		drop_foreign(space, doc.root);
		if (space_read(space, doc.root, row->config, &faults) == 0 &&
		    has_all(copy, r, &faults))
			return true;
	}
	if (copy->import->why == NULL) {
		text = diag_text(&(struct diag){ faults.faults, 1 }, NULL);
		copy->import->why =
		    xasprintf("trial %lld: %s", (long long)r->number, text);
	}
	return false;
}

/* The runs of a trial there are runs of a trial here: the same folds, or
 * repeats. */
static bool has_same_runs(const struct search_spec *to,
			  const struct search_spec *from)
{
	return to->budget.name == NULL && from->budget.name == NULL &&
	       to->has_folds == from->has_folds &&
	       (from->has_folds ? from->runs == to->runs
				: from->runs <= to->runs);
}

/* What no trial here can tell of those there; new, or NULL. */
static char *lacks_of(const struct copy *copy)
{
	const struct search_spec *from = copy->from;

	if (from->population > 0)
		return xasprintf("of its population each trial is one by "
				 "itself here: which it went on from, and with "
				 "which parameters before, is not known");
	if (from->runs > 1 && from->budget.name == NULL &&
	    !has_same_runs(copy->to, from))
		return xasprintf("each result, a mean of up to %lld %s, "
				 "counts as that of one run here",
				 (long long)from->runs,
				 from->has_folds ? "folds" : "repeats");
	return NULL;
}

static int copy_trial(void *ctx, const struct trial_record *r)
{
	struct copy *copy = ctx;
	struct import *import = copy->import;
	struct import_row *row;

	if (r->state != TRIAL_DONE && r->state != TRIAL_PRUNED &&
	    r->state != TRIAL_FAILED) {
		import->without_result++;
		return 0;
	}
	row = add_row(import, copy->to->space);
	if (!fits(copy, r, row)) {
		free(import->rows[--import->n].config);
		import->unfit++;
		return 0;
	}
	row->state = r->state;
	memcpy(row->reason, r->reason, REASON_BYTES);
	row->has_value = r->has_value;
	row->kind = r->kind;
	row->value = r->kind == VALUE_FINITE ? r->value : 0;
	if (has_same_runs(copy->to, copy->from)) {
		row->runs = r->runs;
		row->has_error = r->has_error;
		row->error = r->error;
	}
	return 0;
}

int import_copy(struct store *store, int64_t from, const struct search_spec *to,
		struct import *ret_import, struct diag *reterr)
{
	struct copy copy = {
		.to = to,
		.import = ret_import,
		.reterr = reterr,
	};
	int r = store_load_search(store, from, check_search, &copy);

	if (r == 0)
		r = store_load_trials(store, from, copy_trial, &copy);
	if (r == 0 && ret_import->n == 0) {
		diag_add(reterr, "",
			 "search %s has no trial to import (%lld without a "
			 "result, %lld that do not fit%s%s)",
			 copy.name, (long long)ret_import->without_result,
			 (long long)ret_import->unfit,
			 ret_import->why != NULL ? "; " : "",
			 ret_import->why != NULL ? ret_import->why : "");
		r = 1;
	}
	if (r == 0)
		ret_import->lacks = lacks_of(&copy);
	search_free(copy.from);
	free(copy.name);
	return r;
}
