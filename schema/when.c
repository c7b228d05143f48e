#include "schema/when.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Conditions: read when all parameters are, since a parent may stand below.
 */

/* The value that @v is for the parent; false if it cannot take it. */
static bool parent_takes(const struct param *parent, const struct scalar *v,
			 struct scalar *ret)
{
	struct cell c;

	if (parent->type == PARAM_FLOAT || parent->type == PARAM_INT) {
		if ((v->kind != SCALAR_INT && v->kind != SCALAR_FLOAT) ||
		    !param_takes(parent, scalar_number(v), &c))
			return false;
		*ret = param_scalar(parent, &c);
		return true;
	}
	for (size_t i = 0; i < parent->n_values; i++) {
		if (scalar_equal(v, &parent->values[i])) {
			*ret = *v;
			return true;
		}
	}
	return false;
}

/* One value of a condition, added to @c. */
static void read_condition_value(const struct object *o, const cJSON *node,
				 const struct param *parent,
				 struct condition *c)
{
	auto_free char *brief = NULL;
	auto_free char *what = NULL;
	struct scalar v;

	if (!param_parse_scalar(o, node, o->path, &v))
		return;
	if (parent_takes(parent, &v, &c->values[c->n_values])) {
		c->n_values++;
		return;
	}
	if (v.kind == SCALAR_TEXT)
		free(v.text);
	brief = json_brief(node);
	what = param_describe(parent);
	json_fault(o->doc, node, o->reterr, o->path,
		   "is %s, which \"%s\" never is (must be %s)", brief,
		   parent->name, what);
}

/* True when the parent has a value in [min, max] of @c, all being numbers. */
static bool comparison_can_hold(const struct param *p,
				const struct condition *c)
{
	double min = param_min(p), max = param_max(p);

	if (p->type == PARAM_FLOAT || p->type == PARAM_INT)
		return (!c->has_min || c->min <= max) &&
		       (!c->has_max || c->max >= min);
	for (size_t i = 0; i < p->n_values; i++) {
		double v = scalar_number(&p->values[i]);

		if ((!c->has_min || v >= c->min) &&
		    (!c->has_max || v <= c->max))
			return true;
	}
	return false;
}

static bool is_numeric(const struct param *p)
{
	if (p->type == PARAM_FLOAT || p->type == PARAM_INT)
		return true;
	for (size_t i = 0; i < p->n_values; i++) {
		if (p->values[i].kind != SCALAR_INT &&
		    p->values[i].kind != SCALAR_FLOAT)
			return false;
	}
	return true;
}

/* {"min": a, "max": b} */
static void read_comparison(const struct object *o, const struct param *parent,
			    struct condition *c)
{
	static const char *const keys[] = { "min", "max", NULL };
	auto_free char *brief = json_brief(o->node);
	size_t before = o->reterr->n;

	object_check_keys(o, "a comparison", keys, NULL);
	c->has_min = object_number(o, "min", &c->min);
	c->has_max = object_number(o, "max", &c->max);
	if (o->reterr->n > before)
		return;
	if (!c->has_min && !c->has_max)
		json_fault(o->doc, o->node, o->reterr, o->path,
			   "is {} (must have \"min\", \"max\" or both)");
	else if (!is_numeric(parent))
		json_fault(o->doc, o->node, o->reterr, o->path,
			   "compares \"%s\", which is no number (give a value "
			   "or a list of values)",
			   parent->name);
	else if (!comparison_can_hold(parent, c) ||
		 (c->has_min && c->has_max && c->min > c->max)) {
		auto_free char *what = param_describe(parent);

		json_fault(o->doc, o->node, o->reterr, o->path,
			   "is %s, which never holds (\"%s\" is %s)", brief,
			   parent->name, what);
	}
}

static void read_condition(const struct object *o, const struct param *parent,
			   struct condition *c)
{
	const cJSON *node;
	int n = cJSON_GetArraySize(o->node);

	if (cJSON_IsObject(o->node)) {
		read_comparison(o, parent, c);
		return;
	}
	if (!cJSON_IsArray(o->node)) {
		c->values = xcalloc(1, sizeof(*c->values));
		read_condition_value(o, o->node, parent, c);
		return;
	}
	if (n == 0 || n > LIMIT_CHOICES) {
		json_fault(o->doc, o->node, o->reterr, o->path,
			   "is a list of %d values (must have 1 to %d)", n,
			   LIMIT_CHOICES);
		return;
	}
	c->values = xcalloc((size_t)n, sizeof(*c->values));
	cJSON_ArrayForEach (node, o->node)
		read_condition_value(o, node, parent, c);
}

static void unknown_parent(const struct space *s, const struct object *o)
{
	auto_free const char **names = xcalloc(s->n + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < s->n; i++)
		names[i] = s->params[i].name;
	nearest = diag_nearest(o->node->string, names);
	if (nearest != NULL)
		json_fault_name(o->doc, o->node, o->reterr, o->path,
				"is no parameter (did you mean \"%s\"?)",
				nearest);
	else
		json_fault_name(o->doc, o->node, o->reterr, o->path,
				"is no parameter of this search");
}

static void read_when(const struct object *when, const struct space *s,
		      const bool *sound, struct param *p)
{
	const cJSON *node;
	int n = cJSON_GetArraySize(when->node);

	if (!object_check(when, "{\"optimizer\": \"adam\"}"))
		return;
	if (n == 0 || n > LIMIT_CONDITIONS) {
		json_fault(when->doc, when->node, when->reterr, when->path,
			   "has %d parents (must have 1 to %d)", n,
			   LIMIT_CONDITIONS);
		return;
	}
	p->conditions = xcalloc((size_t)n, sizeof(*p->conditions));
	cJSON_ArrayForEach (node, when->node) {
		auto_free char *path = object_path(when, node->string);
		int parent = space_find(s, node->string);
		struct object o = { when->doc, node, path, when->reterr };
		struct condition *c = &p->conditions[p->n_conditions];

		if (parent < 0) {
			unknown_parent(s, &o);
			continue;
		}
		p->n_conditions++;
		c->parent = (size_t)parent;
		if (sound[parent])
			read_condition(&o, &s->params[parent], c);
	}
}

/*
 * The order, by depth-first search: a parameter follows its parents. The path
 * of parameters being visited shows a cycle.
 */
enum visit {
	VISIT_NONE,
	VISIT_OPEN,
	VISIT_DONE,
};

struct visits {
	const struct object *parameters;
	struct space *space;
	enum visit *state; /* [n] */
	size_t *path;      /* [n] those that are open, outermost first */
	size_t depth;
	size_t n; /* done */
};

static void report_cycle(const struct visits *v, size_t i)
{
	const struct object *o = v->parameters;
	const struct param *params = v->space->params;
	const cJSON *node = json_get(o->node, params[i].name);
	auto_free char *path = xasprintf("parameters.%s.when", params[i].name);
	auto_buf struct buf cycle = BUF_INIT;
	size_t k = 0;

	while (v->path[k] != i)
		k++;
	for (; k < v->depth; k++)
		buf_addf(&cycle, "\"%s\" needs ", params[v->path[k]].name);
	json_fault(o->doc, json_get(node, "when"), o->reterr, path,
		   "goes in a circle: %s\"%s\" (remove one of them)",
		   buf_text(&cycle), params[i].name);
}

/* Recursion ends at LIMIT_PARAMS. */
static void visit(struct visits *v, size_t i)
{
	const struct param *p = &v->space->params[i];

	if (v->state[i] == VISIT_DONE)
		return;
	if (v->state[i] == VISIT_OPEN) {
		report_cycle(v, i);
		return;
	}
	v->state[i] = VISIT_OPEN;
	v->path[v->depth++] = i;
	for (size_t k = 0; k < p->n_conditions; k++)
		visit(v, p->conditions[k].parent);
	v->depth--;
	v->state[i] = VISIT_DONE;
	v->space->order[v->n++] = i;
}

static void find_order(const struct object *parameters, struct space *s)
{
	auto_free enum visit *state = xcalloc(s->n, sizeof(*state));
	auto_free size_t *path = xcalloc(s->n, sizeof(*path));
	struct visits v = { parameters, s, state, path, 0, 0 };

	s->order = xcalloc(s->n, sizeof(*s->order));
	for (size_t i = 0; i < s->n; i++)
		visit(&v, i);
	assert(v.n == s->n);
}

void when_parse(const struct object *parameters, struct space *s,
		const bool *sound)
{
	const cJSON *node = parameters->node->child;

	for (size_t i = 0; i < s->n; i++, node = node->next) {
		auto_free char *path =
		    object_path(parameters, s->params[i].name);
		struct object param = { parameters->doc, node, path,
					parameters->reterr };
		auto_free char *when_path = object_path(&param, "when");
		struct object when;

		if (object_member(&param, "when", when_path, &when))
			read_when(&when, s, sound, &s->params[i]);
	}
	find_order(parameters, s);
}
