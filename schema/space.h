#pragma once

/*
 * The search space: parameters, their conditions, and configurations of them.
 *
 * A configuration is one cell a parameter, in the order of the search file.
 * An inactive parameter (its `when` does not hold) has no value anywhere: not
 * in argv, environment, database or history.
 */
#include "schema/buf.h"
#include "schema/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scalar_kind {
	SCALAR_NULL,
	SCALAR_BOOL,
	SCALAR_INT,
	SCALAR_FLOAT,
	SCALAR_TEXT,
};

struct scalar {
	enum scalar_kind kind;
	union {
		bool b;
		int64_t i;
		double f;
		char *text;
	};
};

enum param_type {
	PARAM_FLOAT,
	PARAM_INT,
	PARAM_CHOICE,
	PARAM_CONSTANT,
};

enum param_scale {
	SCALE_LINEAR,
	SCALE_LOG,
	SCALE_LOGIT,
};

/* One parent of a `when`; all conditions of a parameter must hold. */
struct condition {
	size_t parent;         /* index of a parameter */
	struct scalar *values; /* the parent has one of these, if n > 0 */
	size_t n_values;
	bool has_min, has_max; /* else it lies in [min, max] */
	double min, max;
};

/* The value of one parameter: f of a float, i of an int, else values[i]. */
struct cell {
	bool active;
	union {
		double f;
		int64_t i;
	};
};

struct param {
	char *name;
	enum param_type type;
	enum param_scale scale;
	/*
	 * With a step the values are its multiples, and min and max are the
	 * first and the last of them in the range of the file.
	 */
	double min, max, step;              /* float; step 0: continuous */
	int64_t int_min, int_max, int_step; /* int; step >= 1 */
	/*
	 * choice: its values; constant: its one value; float and int: the grid
	 * levels if the file lists them or wants `points` (ascending).
	 */
	struct scalar *values;
	size_t n_values;
	bool ordered; /* of a choice: an ordinal */
	bool has_guess;
	struct cell guess; /* where the user expects the best value */
	struct condition *conditions;
	size_t n_conditions;
};

struct space {
	struct param *params;
	size_t n;
	size_t *order; /* [n] indices, every parent before its children */
};

/*
 * Parses the "parameters" object. Adds every fault to @reterr; returns 0 or 1.
 * On 0 @ret_space is new: space_free().
 */
int space_parse(const struct json_doc *doc, const cJSON *parameters,
		struct space **ret_space, struct diag *reterr)
    __attribute__((warn_unused_result));
void space_free(struct space *s);

/* Index of the parameter @name, or -1. */
int space_find(const struct space *s, const char *name);

/*
 * Given a value in every cell of @config [n], sets `active` of each: the cells
 * that remain are the configuration. Inactive cells are zeroed.
 */
void space_activate(const struct space *s, struct cell *config);

/* True when both have the same active parameters with the same values. */
bool space_equal(const struct space *s, const struct cell *a,
		 const struct cell *b);

/* A 64-bit hash of the active cells; equal configurations hash alike. */
uint64_t space_hash(const struct space *s, const struct cell *config);

/*
 * {"lr": 0.1, ...} of the active parameters in file order (constants too), and
 * back. Reading checks range, step, membership and activity, wants every
 * active parameter that is no constant and has no guess, which is taken
 * then, and reports every fault.
 */
cJSON *space_print(const struct space *s, const struct cell *config);
int space_read(const struct space *s, const cJSON *object,
	       struct cell *ret_config, struct diag *reterr)
    __attribute__((warn_unused_result));

/*
 * The value of a cell for people and programs: numbers shortest exact, text as
 * it is, "true", "false", "null". Appended to @b.
 */
void scalar_print(const struct scalar *v, struct buf *b);
struct scalar param_scalar(const struct param *p, const struct cell *c);
cJSON *scalar_json(const struct scalar *v);

/* 1 and 1.0 are equal, 1 and "1" are not. */
bool scalar_equal(const struct scalar *a, const struct scalar *b);

/* The variable HPS_PARAM_<NAME> of a parameter's name; new. */
char *param_variable(const char *name);

/* A letter or _, then letters, digits, "_", "." or "-". */
bool param_name_is_valid(const char *name);

/*
 * The value nearest to @v that a float or int can take: in its range, and a
 * multiple of its step.
 */
struct cell param_snap(const struct param *p, double v);

/*
 * Grid levels of a parameter: its listed values, its `points` evenly spaced on
 * its scale (ints rounded, without repeats), its steps, all values of an int.
 * 0 means that it has none: a continuous float without `points`. A constant
 * has one.
 */
uint64_t param_levels(const struct param *p);
/* The value of level @k < param_levels(p). */
struct cell param_level(const struct param *p, uint64_t k);

/*
 * Product of all levels, before conditions collapse duplicates; 0 when a
 * parameter has no levels, UINT64_MAX when it overflows.
 */
uint64_t space_levels(const struct space *s);

/* True when every parameter takes finitely many values (no continuous one). */
bool space_is_discrete(const struct space *s);

/*
 * The number of values a discrete parameter can take at all (not only on the
 * grid): steps of a stepped float, ints of an int, choices; 0 if continuous.
 */
uint64_t param_cardinality(const struct param *p);
/* Value @k < param_cardinality(p), numbers ascending. */
struct cell param_value(const struct param *p, uint64_t k);
