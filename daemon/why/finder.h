#pragma once

/* What the kinds of findings share: inside findings*.c only. */
#include "why/findings.h"
#include "why/symptoms.h"

#include "schema/param.h"

#define FINDER_ALPHA                                                           \
	0.05 /* of a kind, in a search without anything to find                \
	      */

struct finder {
	const struct search_facts *f;
	const struct space *space;
	size_t *order;   /* [results.n] by score, the best first */
	size_t n_finite; /* of them with a finite score */
	size_t n_best;   /* the first of them; 0: too few for a statement */
	bool *is_best;   /* [f->n] by trial */
	struct findings *ret;
};

/* A new finding; its text is taken, its data an empty object. */
struct finding *finder_add(struct finder *r, const char *kind, char *text);
/* The change of a finding, with "parameter" in it; borrowed. */
cJSON *finder_change(struct finding *f, const struct param *p);

static inline const struct cell *finder_cell(const struct finder *r,
					     size_t trial, size_t param)
{
	return results_cell(&r->f->results, trial, param);
}
static inline bool finder_shows(const struct finder *r, size_t trial,
				enum symptom_kind kind)
{
	return (symptoms_counted(r->f->facts[trial].symptoms) >> kind) & 1;
}
/* It takes more than one value. */
bool finder_varies(const struct param *p);
bool finder_is_number(const struct param *p);
/* Where a number lies in its range on its scale, 0 to 1, and back. */
double finder_place(const struct param *p, const struct cell *c);
double finder_number(const struct param *p, double place);
/* The share of the range that one value of @p has; 0: continuous. */
double finder_grain(const struct param *p);
/* The number with the fewest digits in [low, high). */
double finder_between(double low, double high);
/* @v with 2 digits, moved up or down to them; of an int whole. */
double finder_rounded(const struct param *p, double v, bool up);
/* A score as it was reported. */
double finder_value(const struct finder *r, double score);
/* A number, or a choice by its index, for a sentence; new. */
char *finder_cell_text(const struct param *p, const struct cell *c);
void finder_put_number(cJSON *object, const char *name, const struct param *p,
		       double v);

void findings_of_symptoms(struct finder *r); /* findings_symptoms.c */
void findings_of_ends(struct finder *r);     /* findings_ranges.c */
void findings_of_widths(struct finder *r);
void findings_of_choices(struct finder *r);
void findings_of_pairs(struct finder *r);   /* findings_pairs.c */
void findings_of_lengths(struct finder *r); /* findings_runs.c */
void findings_of_noise(struct finder *r);
