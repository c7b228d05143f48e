#pragma once

/* The kinds of plots: what of a search becomes which charts. */
#include "plot_data.h"

enum plot_wants {
	PLOT_WANTS_CURVES = 1,
	PLOT_WANTS_WHY = 2,
};

struct plot_kind {
	const char *name;
	unsigned wants;    /* of enum plot_wants, besides the trials */
	bool takes_params; /* may be of some parameters alone */
	void (*make)(struct plot *p, const struct plot_data *d);
};

/* Ended by a NULL name. */
extern const struct plot_kind plot_kinds[];
/* When none is named. */
extern const struct plot_kind plot_overview;

/* plot_dots.c, plot_lines.c */
void plot_best(struct plot *p, const struct plot_data *d);
void plot_params(struct plot *p, const struct plot_data *d);
void plot_importance(struct plot *p, const struct plot_data *d);
void plot_all(struct plot *p, const struct plot_data *d);
void plot_curves(struct plot *p, const struct plot_data *d);
void plot_parallel(struct plot *p, const struct plot_data *d);

/* Fits the axis of the objective; notes how many of @what it leaves out. */
void plot_fit_objective(struct plot *p, const struct plot_data *d,
			struct chart_axis *a, const double *values, size_t n,
			const char *what);
/* The values of all trials, NaN for none; new. */
double *plot_values(const struct plot_data *d);
