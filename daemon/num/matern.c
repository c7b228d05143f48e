#include "num/matern.h"

#include <math.h>

void sqdist_add(size_t n, const double *x, double c, double w, double *r2)
{
	for (size_t a = 0; a < n; a++)
		r2[a] += w * ((x[a] - c) * (x[a] - c));
}

void matern52(size_t n, const double *r2, double *k, double *g)
{
	for (size_t a = 0; a < n; a++) {
		double rho = fmin(sqrt(5 * r2[a]), 709);
		double e = rho > 708 ? 0 : exp(-rho);

		k[a] = (1 + rho + rho * rho / 3) * e;
		if (g != NULL)
			g[a] = 5. / 3 * (1 + rho) * e;
	}
}
