#pragma once

/* What a plot is made of: a search, its file, and its trials. */
#include "chart.h"
#include "cmd.h"

#include "schema/search.h"

struct plot_trial {
	int64_t number;
	enum trial_state state;
	double value; /* NaN: none, or it is no finite number */
	double score; /* lower is better; NaN likewise */
	bool counts;  /* is in the running for the best: done, with a value */
	double rank;  /* of those that count: 0 the best, 1 the worst */
	double *at;   /* of each parameter the place on its axis: its number, or
		       * of a choice the index of its value; NaN: not active */
};

struct plot_data {
	cJSON *show; /* answer of "show" */
	const char *name, *metric;
	bool is_max; /* the objective is to be maximized */
	struct search_spec *spec;
	bool *is_shown;            /* [parameters]: the plot is to show it */
	struct plot_trial *trials; /* by number */
	size_t n_trials;
	size_t n_counted;
	const struct plot_trial *best; /* NULL: none has a value yet */
	cJSON *curves, *why; /* answers of these methods, if they were asked */
};

/* Asks for all of it. */
enum status plot_data_read(struct call *call, struct plot_data *ret);
/* One of the further questions about the search. */
enum status plot_data_ask(struct call *call, enum method m, cJSON **ret);
/* The trial of this number, or NULL. */
const struct plot_trial *plot_data_find(const struct plot_data *d,
					int64_t number);
void plot_data_free(struct plot_data *d);

/* The range of a parameter in the search file. */
void plot_param_axis(const struct param *p, struct chart_axis *ret);
