#pragma once

/* Numbers kept in order, for their median. NaN has no place among them. */
#include <stdbool.h>
#include <stddef.h>

struct sorted {
	double *v; /* [n], ascending */
	size_t n, cap;
};

void sorted_add(struct sorted *s, double v);

/* Removes one @v, which is there. */
void sorted_remove(struct sorted *s, double v);

/* Adds without order: sorted_finish() before anything else. */
void sorted_append(struct sorted *s, double v);
void sorted_finish(struct sorted *s);

/* The median, the mean of the two middle ones if n is even; n > 0. */
double sorted_median(const struct sorted *s);

/* The median of what is there besides one @v, which is; n > 1. */
double sorted_median_without(const struct sorted *s, double v);

/*
 * What @v may be at most to be among the least @kept of
 * these, 1 to n: what is infinite is not, unless all are.
 */
double sorted_limit(const struct sorted *s, size_t kept, double v);

void sorted_free(struct sorted *s);
