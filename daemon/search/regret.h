#pragma once

/*
 * How much better than the best trial so far any configuration can still be, by
 * the model, with high probability (A. Makarova et al., "Automatic termination
 * for hyperparameter optimization", AutoML 2022, section 3, equation 3):
 *
 *   min over known points of ucb(x) - min over all points of lcb(x)
 *   ucb, lcb = mean +- sqrt(beta) sd
 *   beta = 2 ln(d t^2 pi^2 / (6 delta)) / 5, delta = 0.1, t results
 *
 * When that is below the noise of a result, further trials are not worth it.
 */
#include "search/gp.h"

struct regret {
	double high; /* of the best known point, at most */
	double low;  /* of any point, at least */
};

/*
 * @g has been solved, with the results and no others. All points are the known
 * ones and @x [m][d], which should be where much is expected.
 */
struct regret regret_bound(struct gp *g, size_t m, const double *x);
