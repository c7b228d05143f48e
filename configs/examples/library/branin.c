/*
 * Finds the minimum of Branin's function, 0.397887, with the samplers of hpsd:
 *
 *     cc branin.c $(pkg-config --cflags --libs hpsd-search) -o branin
 */
#include <hpsd-search.h>
#include <math.h>
#include <stdio.h>

static const char search[] =
    "{\"parameters\": {"
    "  \"x\": {\"type\": \"float\", \"min\": -5, \"max\": 10},"
    "  \"y\": {\"type\": \"float\", \"min\": 0, \"max\": 15}"
    "}}";

static double branin(double x, double y)
{
	const double pi = acos(-1);
	double bend = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;

	return bend * bend + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10;
}

int main(void)
{
	struct hps_search *s = hps_open(search);
	double x, y, best;
	int64_t trial;

	for (int i = 0; i < 40; i++) {
		trial = hps_ask(s);
		if (!hps_get_double(s, trial, "x", &x) ||
		    !hps_get_double(s, trial, "y", &y))
			break;
		hps_tell(s, trial, HPS_DONE, branin(x, y));
	}
	if (hps_error(s) != NULL) {
		(void)fprintf(stderr, "branin: %s\n", hps_error(s));
		return 1;
	}
	trial = hps_best(s, &best);
	printf("trial %d is the best: %f at %s\n", (int)trial, best,
	       hps_params(s, trial));
	hps_close(s);
	return 0;
}
