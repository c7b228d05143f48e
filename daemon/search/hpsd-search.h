#ifndef HPSD_SEARCH_H
#define HPSD_SEARCH_H

/*
 * The samplers of hpsd in a program of one's own, without the daemon; the
 * manual is hpsd-search(3).
 *
 *     struct hps_search *s = hps_open("{\"parameters\": {\"x\": "
 *             "{\"type\": \"float\", \"min\": -5, \"max\": 10}}}");
 *     int64_t trial = hps_ask(s);
 *     double x;
 *
 *     hps_get_double(s, trial, "x", &x);
 *     hps_tell(s, trial, HPS_DONE, x * x);
 *
 * A call that has nothing to give returns -1, false or NULL; if that is since
 * the call was wrong, hps_error() says in which way, else it is NULL. No input
 * ends the program; a lack of memory does, by abort().
 *
 * A search may be used by one thread at a time; searches share nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hps_search;

/* What became of a trial; the value goes with HPS_DONE and HPS_PRUNED. */
enum hps_fate {
	HPS_RUNNING, /* its result is still to come */
	HPS_DONE,    /* its result, which need not be finite */
	HPS_PRUNED,  /* stopped early; the value is what it had reached */
	HPS_FAILED,  /* crashed, out of memory, too slow: has no result */
	HPS_UNKNOWN, /* cancelled or lost: says nothing of its configuration */
};

/*
 * Opens the search that @json describes: an object in the language of
 * hpsd-search(5), of which "parameters" is enough. Never NULL: if hps_error()
 * is not, @json is at fault, and every call fails with that error, which has a
 * line for each fault with its place.
 */
struct hps_search *hps_open(const char *json);
void hps_close(struct hps_search *s);

/*
 * What was wrong with the last call, or NULL if nothing was. Borrowed until the
 * next call.
 */
const char *hps_error(const struct hps_search *s);

/*
 * Proposes a configuration, which is a running trial from now on: its number,
 * 0, 1, ... in the order of asking and adding. -1 without an error: every
 * configuration has been tried, or there are as many trials as "trials" says.
 * It may be called again before the result of the last one is known.
 */
int64_t hps_ask(struct hps_search *s);

/*
 * Adds a trial that was not asked for: its number. @params is an object as
 * hps_params() gives it. With HPS_RUNNING hps_tell() is to follow.
 */
int64_t hps_add(struct hps_search *s, const char *params, enum hps_fate fate,
		double value);

/* What is known of @trial from now on, whatever was told of it before. */
bool hps_tell(struct hps_search *s, int64_t trial, enum hps_fate fate,
	      double value);

/*
 * The active parameters of @trial as a JSON object, numbers to be read back
 * exactly. Borrowed until hps_close().
 */
const char *hps_params(struct hps_search *s, int64_t trial);

/*
 * The value of one parameter of @trial: a number, a whole number, or another
 * ("true", "false" and "null" as such; borrowed until hps_close()). Without an
 * error there is none: the parameter is inactive in this trial.
 */
bool hps_get_double(struct hps_search *s, int64_t trial, const char *name,
		    double *ret);
bool hps_get_int(struct hps_search *s, int64_t trial, const char *name,
		 int64_t *ret);
const char *hps_get_text(struct hps_search *s, int64_t trial, const char *name);

/*
 * The trial with the best result, which is finite; the first one of equals. -1
 * without an error: none is done. @ret_value may be NULL.
 */
int64_t hps_best(struct hps_search *s, double *ret_value);

/* What the model expects of a configuration, in the units of the results. */
struct hps_prediction {
	double mean;
	double low, high; /* two of three results fall between them */
	double feasible;  /* probability that there is a result */
};

/*
 * What is expected of @params, an object as for hps_add(). False without an
 * error: the sampler has no model, or it knows too little yet. What is not
 * known is NaN.
 */
bool hps_predict(struct hps_search *s, const char *params,
		 struct hps_prediction *ret);

/*
 * Why the last hps_ask() proposed what it did: a JSON object, see the manual.
 * NULL without an error: it proposed nothing, or what "start" lists. Borrowed
 * until the next hps_ask().
 */
const char *hps_explain(struct hps_search *s);

#ifdef __cplusplus
}
#endif

#endif
