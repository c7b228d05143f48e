#include "chi2.h"

#include <math.h>

double chi2_deviate(const unsigned *count, const double *share, size_t n)
{
	double total = 0, chi2 = 0, spread = 2 / (9 * (double)(n - 1));

	for (size_t i = 0; i < n; i++)
		total += count[i];
	for (size_t i = 0; i < n; i++) {
		double part = share != NULL ? share[i] : 1 / (double)n;
		double off = count[i] - total * part;

		chi2 += off * off / (total * part);
	}
	return (cbrt(chi2 / (double)(n - 1)) - (1 - spread)) / sqrt(spread);
}
