/* One parameter of a search file, without its "when". */
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = { "float", "int", "choice", "constant",
					  NULL };
static const char *const scale_names[] = { "linear", "log", "logit", NULL };

static const char *const all_keys[] = { "type",    "min",    "max",    "scale",
					"step",    "points", "values", "value",
					"ordered", "guess",  "when",   NULL };
static const char *const number_keys[] = { "type", "min",    "max",    "scale",
					   "step", "points", "values", "guess",
					   "when", NULL };
static const char *const choice_keys[] = { "type",  "values", "ordered",
					   "guess", "when",   NULL };
static const char *const constant_keys[] = { "type", "value", "when", NULL };

static const char *const *const keys_of[] = {
	[PARAM_FLOAT] = number_keys,
	[PARAM_INT] = number_keys,
	[PARAM_CHOICE] = choice_keys,
	[PARAM_CONSTANT] = constant_keys,
};
static const char *const kinds[] = {
	[PARAM_FLOAT] = "a \"float\"",
	[PARAM_INT] = "an \"int\"",
	[PARAM_CHOICE] = "a \"choice\"",
	[PARAM_CONSTANT] = "a constant",
};

/* What other tools call things. */
static const struct object_hint key_hints[] = {
	{"distribution",
         "write \"type\" and \"scale\": a log-uniform float is "
	  "\"type\": \"float\", \"scale\": \"log\""              },
	{ "probabilities", "every value of a choice is as likely"},
	{ "q",             "write \"step\""                      },
	{ "low",           "write \"min\""                       },
	{ "high",          "write \"max\""                       },
	{ "lower",         "write \"min\""                       },
	{ "upper",         "write \"max\""                       },
	{ "choices",       "write \"values\""                    },
	{ "categories",    "write \"values\""                    },
	{ "log",           "write \"scale\": \"log\""            },
	{ "default",       "write \"guess\""                     },
	{ "init",          "write \"guess\""                     },
	{ "prior",         "write \"guess\""                     },
	{ "mu",            "a range has \"min\" and \"max\""     },
	{ "sigma",         "a range has \"min\" and \"max\""     },
	{ "parameters",    "nested parameters stand beside their parent, with "
			"\"when\""        },
	{ NULL,            NULL				  },
};
static const struct object_hint type_hints[] = {
	{"categorical",         "write \"choice\""                               },
	{ "string",             "write \"choice\""                               },
	{ "bool",               "write \"choice\" with \"values\": [true, false]"},
	{ "boolean",            "write \"choice\" with \"values\": [true, false]"},
	{ "integer",            "write \"int\""                                  },
	{ "int_uniform",        "write \"int\""                                  },
	{ "real",               "write \"float\""                                },
	{ "double",             "write \"float\""                                },
	{ "number",             "write \"float\""                                },
	{ "uniform",            "write \"float\""                                },
	{ "loguniform",         "write \"float\" and \"scale\": \"log\""         },
	{ "log_uniform",        "write \"float\" and \"scale\": \"log\""         },
	{ "log_uniform_values", "write \"float\" and \"scale\": \"log\""         },
	{ NULL,		 NULL					     },
};

bool param_parse_scalar(const struct object *o, const cJSON *node,
			const char *path, struct scalar *ret)
{
	auto_free char *brief = NULL;
	int64_t i;

	if (cJSON_IsString(node)) {
		*ret = (struct scalar){ SCALAR_TEXT,
					.text = xstrdup(node->valuestring) };
		return true;
	}
	if (cJSON_IsNull(node) || cJSON_IsBool(node)) {
		*ret = (struct scalar){
			cJSON_IsNull(node) ? SCALAR_NULL : SCALAR_BOOL,
			.b = cJSON_IsTrue(node),
		};
		return true;
	}
	brief = json_brief(node);
	if (!cJSON_IsNumber(node)) {
		json_fault(o->doc, node, o->reterr, path,
			   "is %s (must be a string, a number, true, false or "
			   "null)",
			   brief);
		return false;
	}
	*ret = (struct scalar){ SCALAR_FLOAT, .f = node->valuedouble + 0.0 };
	if (!json_int(o->doc, node, &i))
		return true;
	if (i >= -PARAM_INT_MAX && i <= PARAM_INT_MAX) {
		*ret = (struct scalar){ SCALAR_INT, .i = i };
		return true;
	}
	if (fabs(ret->f) < 0x1p63 && (int64_t)ret->f == i)
		return true;
	json_fault(
	    o->doc, node, o->reterr, path,
	    "is %lld, which programs would read as %s (beyond 2^53 write "
	    "a string)",
	    (long long)i, brief);
	return false;
}

static int compare_scalars(const struct scalar *a, const struct scalar *b)
{
	bool a_number = a->kind == SCALAR_INT || a->kind == SCALAR_FLOAT;
	bool b_number = b->kind == SCALAR_INT || b->kind == SCALAR_FLOAT;

	if (a_number && b_number) {
		double x = scalar_number(a), y = scalar_number(b);

		return (x > y) - (x < y);
	}
	if (a_number != b_number)
		return a_number ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == SCALAR_TEXT)
		return strcmp(a->text, b->text);
	return a->kind == SCALAR_BOOL ? a->b - b->b : 0;
}

/* A value and its place in the list. */
struct listed {
	struct scalar value;
	const cJSON *node;
	size_t index;
};

static int compare_listed(const void *a, const void *b)
{
	const struct listed *p = a, *q = b;
	int r = compare_scalars(&p->value, &q->value);

	return r != 0 ? r : (p->index > q->index) - (p->index < q->index);
}

static bool check_duplicates(const struct object *o, const struct listed *list,
			     size_t n)
{
	auto_free struct listed *sorted = xcalloc(n, sizeof(*sorted));
	bool sound = true;

	memcpy(sorted, list, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_listed);
	for (size_t i = 1; i < n; i++) {
		auto_free char *path = NULL;
		auto_free char *brief = NULL;

		if (!scalar_equal(&sorted[i].value, &sorted[i - 1].value))
			continue;
		path = xasprintf("%s.values[%zu]", o->path, sorted[i].index);
		brief = json_brief(sorted[i].node);
		json_fault(o->doc, sorted[i].node, o->reterr, path,
			   "is %s again (each value once)", brief);
		sound = false;
	}
	return sound;
}

/* "values" as an array of a sensible size. */
static const cJSON *values_array(const struct object *o)
{
	const cJSON *values = json_get(o->node, "values");
	int n = cJSON_GetArraySize(values);
	auto_free char *brief = NULL;

	if (cJSON_IsArray(values) && n > 0 && n <= LIMIT_CHOICES)
		return values;
	brief = json_brief(values);
	object_fault(o, "values",
		     "is %s (must be a list of 1 to %d values, as [1, 2])",
		     brief, LIMIT_CHOICES);
	return NULL;
}

/* Reads "values" to p->values. False, with faults, if something is wrong. */
static bool read_values(const struct object *o, struct param *p)
{
	const cJSON *values = values_array(o);
	auto_free struct listed *list = NULL;
	const cJSON *node;
	size_t n = 0;

	if (values == NULL)
		return false;
	list = xcalloc((size_t)cJSON_GetArraySize(values), sizeof(*list));
	p->values =
	    xcalloc((size_t)cJSON_GetArraySize(values), sizeof(*p->values));
	cJSON_ArrayForEach (node, values) {
		auto_free char *path = xasprintf("%s.values[%zu]", o->path, n);
		struct scalar v;

		if (param_parse_scalar(o, node, path, &v)) {
			list[p->n_values] = (struct listed){ v, node, n };
			p->values[p->n_values++] = v;
		}
		n++;
	}
	return p->n_values == n && check_duplicates(o, list, n);
}

static int compare_numbers(const void *a, const void *b)
{
	return compare_scalars(a, b);
}

/*
 * The grid levels of a number, from the list that read_values() has read.
 * Two ways to write one multiple of the step are one level.
 */
static void check_levels(const struct object *o, struct param *p)
{
	const cJSON *node = json_get(o->node, "values")->child;
	bool sound = true;
	size_t n = 0;

	for (size_t i = 0; i < p->n_values; i++, node = node->next) {
		struct cell c;

		if (cJSON_IsNumber(node) &&
		    param_takes(p, node->valuedouble, &c)) {
			p->values[i] = param_scalar(p, &c);
		} else {
			auto_free char *path =
			    xasprintf("%s.values[%zu]", o->path, i);
			auto_free char *brief = json_brief(node);
			auto_free char *what = param_describe(p);

			json_fault(o->doc, node, o->reterr, path,
				   "is %s (must be %s)", brief, what);
			sound = false;
		}
	}
	if (!sound)
		return;
	qsort(p->values, p->n_values, sizeof(*p->values), compare_numbers);
	for (size_t i = 0; i < p->n_values; i++) {
		if (n == 0 || !scalar_equal(&p->values[i], &p->values[n - 1]))
			p->values[n++] = p->values[i];
	}
	p->n_values = n;
}

/* An int's number is at least @least. */
static bool read_number(const struct object *o, const struct param *p,
			const char *key, int64_t least, double *ret)
{
	int64_t i;

	if (p->type == PARAM_FLOAT)
		return object_number(o, key, ret);
	if (!object_integer(o, key, least, PARAM_INT_MAX, &i))
		return false;
	*ret = (double)i;
	return true;
}

static void read_scale(const struct object *o, struct param *p)
{
	static const char *const int_scales[] = { "linear", "log", NULL };
	int scale = SCALE_LINEAR;

	object_word(o, "scale", p->type == PARAM_INT ? int_scales : scale_names,
		    NULL, &scale);
	p->scale = (enum param_scale)scale;
}

/* What the range must be for the scale. */
static bool check_scale(const struct object *o, const struct param *p,
			double min, double max)
{
	auto_free char *brief = json_brief(json_get(o->node, "min"));
	auto_free char *upper = json_brief(json_get(o->node, "max"));
	bool sound = true;

	if (p->scale != SCALE_LINEAR && min <= 0) {
		object_fault(o, "min",
			     "is %s (must be above 0 with \"scale\": \"%s\")",
			     brief, scale_names[p->scale]);
		sound = false;
	}
	if (p->scale == SCALE_LOGIT && max >= 1) {
		object_fault(o, "max",
			     "is %s (must be below 1 with \"scale\": "
			     "\"logit\")",
			     upper);
		sound = false;
	}
	return sound;
}

/* Reads min and max. False, with faults, if they are no range. */
static bool read_range(const struct object *o, const struct param *p,
		       double *ret_min, double *ret_max)
{
	auto_free char *brief = NULL;
	auto_free char *upper = NULL;
	bool has_min = object_require(o, "min", "the least value") &&
		       read_number(o, p, "min", -PARAM_INT_MAX, ret_min);
	bool has_max = object_require(o, "max", "the largest value") &&
		       read_number(o, p, "max", -PARAM_INT_MAX, ret_max);

	if (!has_min || !has_max)
		return false;
	brief = json_brief(json_get(o->node, "min"));
	upper = json_brief(json_get(o->node, "max"));
	if (*ret_min > *ret_max) {
		object_fault(o, "min", "is %s (must be at most \"max\", %s)",
			     brief, upper);
		return false;
	}
	if (!isfinite(*ret_max - *ret_min)) {
		object_fault(o, "min",
			     "is %s, too far from \"max\" (at most about "
			     "1.8e308)",
			     brief);
		return false;
	}
	return check_scale(o, p, *ret_min, *ret_max);
}

/*
 * The first and the last multiple of @step in a range at least as long, which
 * holds one.
 */
static void fit_ints(int64_t step, double *min, double *max)
{
	int64_t a = (int64_t)*min, b = (int64_t)*max;
	int64_t first = a / step + (a % step > 0);
	int64_t last = b / step - (b % step < 0);

	assert(first <= last);
	*min = (double)(first * step);
	*max = (double)(last * step);
}

/* The same; a quotient is off by a few units in its last place at most. */
static void fit_floats(enum param_scale scale, double step, double *min,
		       double *max)
{
	double a = *min / step, b = *max / step;
	double first = ceil(a - 1e-15 * fabs(a));
	double last = floor(b + 1e-15 * fabs(b));

	if (scale != SCALE_LINEAR && first < 1)
		first = 1;
	if (scale == SCALE_LOGIT && param_multiple(step, last) >= 1)
		last--;
	assert(first <= last);
	*min = param_multiple(step, first) + 0.0;
	*max = param_multiple(step, last) + 0.0;
}

/* Reads the step; false, with a fault, if it does not suit the range. */
static bool read_step(const struct object *o, const struct param *p,
		      bool has_range, double *min, double *max,
		      double *ret_step)
{
	auto_free char *brief = NULL;

	*ret_step = p->type == PARAM_INT ? 1 : 0;
	if (json_get(o->node, "step") == NULL)
		return has_range;
	if (!read_number(o, p, "step", 1, ret_step))
		return false;
	brief = json_brief(json_get(o->node, "step"));
	if (*ret_step <= 0) {
		object_fault(o, "step", "is %s (must be above 0)", brief);
		return false;
	}
	if (!has_range)
		return false;
	if (*ret_step > *max - *min) {
		object_fault(o, "step",
			     "is %s (must be at most \"max\" - \"min\")",
			     brief);
		return false;
	}
	if (fmax(fabs(*min), fabs(*max)) / *ret_step > PARAM_STEPS_MAX &&
	    p->type == PARAM_FLOAT) {
		object_fault(o, "step",
			     "is %s, too small for the range (leave it out)",
			     brief);
		return false;
	}
	if (p->type == PARAM_INT)
		fit_ints((int64_t)*ret_step, min, max);
	else
		fit_floats(p->scale, *ret_step, min, max);
	return true;
}

static void set_range(struct param *p, double min, double max, double step)
{
	if (p->type == PARAM_FLOAT) {
		p->min = min;
		p->max = max;
		p->step = step;
	} else {
		p->int_min = (int64_t)min;
		p->int_max = (int64_t)max;
		p->int_step = (int64_t)step;
	}
}

/* Of a parameter whose range or values are sound. */
static void read_guess(const struct object *o, struct param *p)
{
	const cJSON *guess = json_get(o->node, "guess");
	auto_free char *brief = NULL;
	auto_free char *what = NULL;

	if (guess == NULL)
		return;
	p->has_guess = param_takes_json(p, guess, &p->guess);
	if (p->has_guess)
		return;
	brief = json_brief(guess);
	what = param_describe(p);
	object_fault(o, "guess", "is %s (must be %s)", brief, what);
}

/* A float or an int. */
static void read_range_param(const struct object *o, struct param *p)
{
	double min = 0, max = 0, step;
	bool sound, has_points;
	int64_t points = 0;

	read_scale(o, p);
	sound = read_range(o, p, &min, &max);
	sound = read_step(o, p, sound, &min, &max, &step) && sound;
	if (sound) {
		set_range(p, min, max, step);
		read_guess(o, p);
	}
	has_points = object_integer(o, "points", 2, LIMIT_CHOICES, &points);
	if (json_get(o->node, "values") == NULL) {
		if (sound && has_points)
			param_spread(p, (size_t)points);
		return;
	}
	if (json_get(o->node, "points") != NULL)
		object_fault(o, "points",
			     "stands beside \"values\" (keep one of them)");
	if (!read_values(o, p) || !sound)
		return;
	check_levels(o, p);
}

static void read_choice(const struct object *o, struct param *p)
{
	if (object_require(o, "values", "a list, as [\"sgd\", \"adam\"]") &&
	    read_values(o, p))
		read_guess(o, p);
	object_bool(o, "ordered", &p->ordered);
}

static void read_constant(const struct object *o, struct param *p)
{
	auto_free char *path = object_path(o, "value");
	struct scalar v;

	if (!object_require(o, "value", "what it always is") ||
	    !param_parse_scalar(o, json_get(o->node, "value"), path, &v))
		return;
	p->values = xcalloc(1, sizeof(*p->values));
	p->values[p->n_values++] = v;
}

/* The type as written, or "constant" for {"value": ...}; -1 with a fault. */
static int read_type(const struct object *o)
{
	int type = -1;

	if (json_get(o->node, "type") == NULL &&
	    json_get(o->node, "value") != NULL)
		return PARAM_CONSTANT;
	if (json_get(o->node, "type") == NULL) {
		object_fault(o, "type",
			     "is missing (must be \"float\", \"int\" or "
			     "\"choice\"; a constant has a \"value\")");
		return -1;
	}
	object_word(o, "type", type_names, type_hints, &type);
	return type;
}

void param_parse(const struct object *o, struct param *p)
{
	int type;

	if (!object_check(o, "{\"type\": \"float\", \"min\": 0, \"max\": 1}"))
		return;
	type = read_type(o);
	if (type < 0) {
		object_check_keys(o, "a parameter", all_keys, key_hints);
		return;
	}
	object_check_keys(o, kinds[type], keys_of[type], key_hints);
	p->type = (enum param_type)type;
	switch (p->type) {
	case PARAM_FLOAT:
	case PARAM_INT:
		read_range_param(o, p);
		break;
	case PARAM_CHOICE:
		read_choice(o, p);
		break;
	case PARAM_CONSTANT:
		read_constant(o, p);
		break;
	}
}
