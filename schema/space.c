#include "schema/space.h"

#include "schema/mem.h"
#include "schema/param.h"

#include <stdlib.h>
#include <string.h>

static void free_scalars(struct scalar *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (values[i].kind == SCALAR_TEXT)
			free(values[i].text);
	}
	free(values);
}

static void fini_param(struct param *p)
{
	for (size_t i = 0; i < p->n_conditions; i++)
		free_scalars(p->conditions[i].values,
			     p->conditions[i].n_values);
	free(p->conditions);
	free_scalars(p->values, p->n_values);
	free(p->name);
}

void space_free(struct space *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		fini_param(&s->params[i]);
	free(s->params);
	free(s->order);
	free(s);
}

int space_find(const struct space *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->params[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool condition_holds(const struct space *s, const struct condition *c,
			    const struct cell *config)
{
	struct scalar v;
	double number;

	if (!config[c->parent].active)
		return false;
	v = param_scalar(&s->params[c->parent], &config[c->parent]);
	for (size_t i = 0; i < c->n_values; i++) {
		if (scalar_equal(&v, &c->values[i]))
			return true;
	}
	if (c->n_values > 0)
		return false;
	number = scalar_number(&v);
	return (!c->has_min || number >= c->min) &&
	       (!c->has_max || number <= c->max);
}

/* Whether parameter @i is active, given its parents in @config. */
static bool is_active(const struct space *s, size_t i,
		      const struct cell *config)
{
	const struct param *p = &s->params[i];

	for (size_t k = 0; k < p->n_conditions; k++) {
		if (!condition_holds(s, &p->conditions[k], config))
			return false;
	}
	return true;
}

void space_activate(const struct space *s, struct cell *config)
{
	for (size_t k = 0; k < s->n; k++) {
		size_t i = s->order[k];

		config[i].active = is_active(s, i, config);
		if (!config[i].active)
			config[i] = (struct cell){ 0 };
	}
}

static bool cell_equal(const struct param *p, const struct cell *a,
		       const struct cell *b)
{
	if (a->active != b->active)
		return false;
	if (!a->active)
		return true;
	return p->type == PARAM_FLOAT ? a->f == b->f : a->i == b->i;
}

bool space_equal(const struct space *s, const struct cell *a,
		 const struct cell *b)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!cell_equal(&s->params[i], &a[i], &b[i]))
			return false;
	}
	return true;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
	h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
	return h ^ (h >> 31);
}

uint64_t space_hash(const struct space *s, const struct cell *config)
{
	uint64_t h = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t bits = (uint64_t)config[i].i;
		double v = config[i].f + 0.0; /* -0 and 0 are equal */

		if (!config[i].active)
			continue;
		if (s->params[i].type == PARAM_FLOAT)
			memcpy(&bits, &v, sizeof(bits));
		h = mix(mix(h + 0x9e3779b97f4a7c15 + i) ^ bits);
	}
	return h;
}

cJSON *space_print(const struct space *s, const struct cell *config)
{
	cJSON *object = cJSON_CreateObject();

	for (size_t i = 0; i < s->n; i++) {
		struct scalar v;

		if (!config[i].active)
			continue;
		v = param_scalar(&s->params[i], &config[i]);
		cJSON_AddItemToObject(object, s->params[i].name,
				      scalar_json(&v));
	}
	return object;
}

uint64_t space_levels(const struct space *s)
{
	uint64_t product = 1;
	bool overflow = false;

	for (size_t i = 0; i < s->n; i++) {
		uint64_t n = param_levels(&s->params[i]);

		if (n == 0)
			return 0;
		overflow |= __builtin_mul_overflow(product, n, &product);
	}
	return overflow ? UINT64_MAX : product;
}

bool space_is_discrete(const struct space *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (param_cardinality(&s->params[i]) == 0)
			return false;
	}
	return true;
}

/*
 * Reading a configuration. Faults have the parameter's name as their path and
 * no place.
 */

static void wrong(struct diag *d, const struct param *p, const cJSON *v,
		  const char *what)
{
	auto_free char *brief = json_brief(v);

	diag_add(d, p->name, "is %s (must be %s)", brief, what);
}

static int read_cell(const struct param *p, const cJSON *v, struct cell *ret,
		     struct diag *reterr)
{
	auto_free char *what = NULL;

	if (param_takes_json(p, v, ret))
		return 0;
	what = param_describe(p);
	wrong(reterr, p, v, what);
	return 1;
}

/* Why the parameter is inactive: the first condition that does not hold. */
static void inactive(const struct space *s, size_t i, const struct cell *config,
		     struct diag *reterr)
{
	const struct param *p = &s->params[i];
	size_t k = 0;

	while (condition_holds(s, &p->conditions[k], config))
		k++;
	diag_add(reterr, p->name,
		 "has no place here (its \"when\" on \"%s\" does not hold; "
		 "leave it out)",
		 s->params[p->conditions[k].parent].name);
}

static void check_names(const struct space *s, const cJSON *object,
			struct diag *reterr)
{
	auto_free const char **names = xcalloc(s->n + 1, sizeof(*names));
	const cJSON *v;

	for (size_t i = 0; i < s->n; i++)
		names[i] = s->params[i].name;
	cJSON_ArrayForEach (v, object) {
		const char *nearest;

		if (space_find(s, v->string) >= 0)
			continue;
		nearest = diag_nearest(v->string, names);
		if (nearest != NULL)
			diag_add(reterr, v->string,
				 "is no parameter (did you mean \"%s\"?)",
				 nearest);
		else
			diag_add(reterr, v->string,
				 "is no parameter of this search");
	}
}

/* False when a parent's value is broken, so that nothing is known of @i. */
static bool parents_known(const struct param *p, const bool *broken)
{
	for (size_t k = 0; k < p->n_conditions; k++) {
		if (broken[p->conditions[k].parent])
			return false;
	}
	return true;
}

/* Reads parameter @i, whose parents are read. Returns 0 or 1. */
static int read_param(const struct space *s, size_t i, const cJSON *object,
		      struct cell *config, struct diag *reterr)
{
	const struct param *p = &s->params[i];
	const cJSON *v = json_get(object, p->name);

	if (!is_active(s, i, config)) {
		if (v != NULL)
			inactive(s, i, config, reterr);
		return 0;
	}
	config[i].active = true;
	if (v != NULL)
		return read_cell(p, v, &config[i], reterr);
	if (p->has_guess)
		config[i] = p->guess;
	if (p->has_guess || p->type == PARAM_CONSTANT)
		return 0;
	diag_add(reterr, p->name, "is missing (it is active here)");
	return 1;
}

int space_read(const struct space *s, const cJSON *object,
	       struct cell *ret_config, struct diag *reterr)
{
	auto_free bool *broken = xcalloc(s->n, sizeof(*broken));
	size_t before = reterr->n;

	if (!cJSON_IsObject(object)) {
		auto_free char *brief = json_brief(object);

		diag_add(reterr, "",
			 "is %s (must be an object, as {\"%s\": "
			 "...})",
			 brief, s->params[0].name);
		return 1;
	}
	memset(ret_config, 0, s->n * sizeof(*ret_config));
	check_names(s, object, reterr);
	for (size_t k = 0; k < s->n; k++) {
		size_t i = s->order[k];

		broken[i] = !parents_known(&s->params[i], broken) ||
			    read_param(s, i, object, ret_config, reterr) != 0;
	}
	return reterr->n > before;
}
