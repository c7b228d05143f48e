#pragma once

/*
 * Charts: what is to be seen, apart from how it is drawn. A plot is some charts
 * in a grid, a chart is two axes and series of points; chart_text.c draws them
 * with characters, chart_svg.c as SVG, and chart_json() tells the numbers.
 *
 * Points hold true values. What lies beyond an axis (1e30 among losses near 1)
 * and what is no number is drawn at its edge, and a note says so.
 */
#include "out.h"

#include "schema/space.h"

#include <stddef.h>
#include <stdint.h>

#define CHART_TICKS 12 /* of an axis at most */

struct chart_axis {
	char *label; /* or NULL */
	enum param_scale scale;
	double min, max; /* what is shown; min < max */
	bool is_whole;   /* no ticks between whole numbers */
	char **names;    /* of the places 0, 1, ...; NULL: numbers */
	size_t n_names;
	/*
	 * Of few places: so far to either side of theirs points are strewn (by
	 * trial, always alike), that they hide each other less.
	 */
	double strew;
};

enum chart_mark {
	CHART_DOTS,
	CHART_LINE,
	CHART_STEPS,    /* a line that holds its value until the next point */
	CHART_MEDIANS,  /* of the other points at x */
	CHART_BARS,     /* from 0 to x in the row y */
	CHART_FORECAST, /* dashes to the last point, whose y is uncertain */
};

/* What the points are; how they look follows from it. */
enum chart_class {
	CHART_DONE,
	CHART_PRUNED,
	CHART_FAILED,
	CHART_RANKED, /* by `rank` of the series */
	CHART_BEST,
	CHART_MEDIAN,
	CHART_FAINT,
	CHART_RUNNING,
};

struct chart_point {
	double x, y;
	/* Where x may lie of a bar, y of a forecast's last point; else 0. */
	double low, high;
	double aside;  /* it is drawn so far right of x, to be told apart */
	int64_t trial; /* -1: none */
};

struct chart_series {
	char *name; /* for the legend, or NULL */
	enum chart_mark mark;
	enum chart_class class;
	double rank; /* 0 the best, 1 the worst */
	struct chart_point *points;
	size_t n;
};

struct chart {
	char *title;
	bool is_wide; /* has a row of the grid for itself */
	struct chart_axis x, y;
	/*
	 * Parallel coordinates: y axes at x = 0, 1, ..., each with its own
	 * units; a point that is no number lies below its axis.
	 */
	struct chart_axis *uprights;
	size_t n_uprights;
	bool low_is_bad; /* where a point is drawn that is no number */
	struct chart_series *series; /* the later ones above the earlier */
	size_t n_series;
};

struct plot {
	char *title;
	struct chart *charts;
	size_t n_charts;
	char **notes; /* sentences */
	size_t n_notes;
};

/* --- axes: chart_axis.c ----------------------------------------------------
 */

/* Shows @min to @max, more if they are equal or too near to be told apart. */
void axis_fit(struct chart_axis *a, double min, double max);
/* Shows so much of the whole more at either end. */
void axis_pad(struct chart_axis *a, double fraction);
/*
 * Shows the objective's @values (those that are finite), on a log scale if they
 * spread over more than a decade and are to be minimized. Far-out values on
 * the bad side (beyond Tukey's outer fence, three times the distance of the
 * quartiles; with logarithms the inner one, 1.5 times) are left out if that
 * shows the others five (1.5) times larger. Returns how many were.
 */
size_t axis_fit_objective(struct chart_axis *a, const double *values, size_t n,
			  bool low_is_bad);
/* The whole numbers @min to @max, points strewn if they are few. */
void axis_fit_whole(struct chart_axis *a, int64_t min, int64_t max);
/* The places 0, 1, ... of @names, which are taken, points strewn. */
void axis_fit_names(struct chart_axis *a, char **names, size_t n);
/* Where @v lies between min (0) and max (1); beyond, or NaN, it may be. */
double axis_place(const struct chart_axis *a, double v);
/* At most @max (<= CHART_TICKS) round values within the axis, ascending. */
size_t axis_ticks(const struct chart_axis *a, size_t max,
		  double ret[CHART_TICKS]);
/* The text of a tick, or of any value to 4 digits. */
void axis_print(const struct chart_axis *a, double v, struct buf *b);
void axis_free(struct chart_axis *a);

/* --- making: chart.c --------------------------------------------------------
 */

/* A new one, zeroed, at the end; borrowed, until the next is added. */
struct chart *plot_add(struct plot *p);
struct chart_series *chart_add(struct chart *c, enum chart_mark mark,
			       enum chart_class class, const char *name);
void chart_put(struct chart_series *s, double x, double y, int64_t trial);
void plot_note(struct plot *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void plot_free(struct plot *p);
#define auto_plot __attribute__((cleanup(plot_free)))

/* Where a point lies in the chart, 0 to 1; beyond, or NaN, it may be. */
double chart_x(const struct chart *c, const struct chart_point *p);
double chart_y(const struct chart *c, const struct chart_point *p);

/* Entry @i of the legend: each name once, if it has points; or NULL. */
const struct chart_series *plot_legend(const struct plot *p, size_t i);

/* --- showing ----------------------------------------------------------------
 */

/* The numbers of all charts; new. */
cJSON *chart_json(const struct plot *p);
/* With characters, as wide as the terminal; 80 columns where there is none. */
void chart_text(struct out *o, const struct plot *p);
/* Appends a whole SVG document. */
void chart_svg(struct buf *b, const struct plot *p);
