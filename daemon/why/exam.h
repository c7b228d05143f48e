#pragma once

/* A run under examination, and what its rules (rules.h) are made of. */
#include "why/measure.h"

#define EXAM_VALUE_BYTES 32

struct exam {
	struct measures m;
	const struct run_end *end;
	struct symptoms *found;
	/* How much of the bad loss each of found->list explains, about. */
	double weights[NAMES_SYMPTOMS_N];
};

/* Adds a symptom; its text, advice and data are the caller's to give. */
struct symptom *exam_add(struct exam *e, enum symptom_kind kind, double weight,
			 double strength, int64_t step);
/* A strength: 0.3 where it @begins to show, 1 from where it is @clear on. */
double exam_ramp(double v, double begins, double clear);

/* The value that a cost stands for, for sentences and for data. */
const char *exam_value_text(const struct measure *m, double cost,
			    char buf[EXAM_VALUE_BYTES]);
void exam_add_value(struct symptom *f, const char *name,
		    const struct measure *m, double cost);
/* "first", "best" and "last", as whoever reads the log sees them. */
void exam_add_ends(struct symptom *f, const struct measure *m);

/* Whether a curve (or NULL) still gets better, by @part of its whole way. */
bool exam_improves(const struct measure *m, double part);
