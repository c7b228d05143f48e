#include "num/warp.h"

#include <math.h>

#define EDGE 1e-7

/* log(1 - exp(u)), u < 0: neither branch loses digits. */
static double log1mexp(double u)
{
	return u > -0.69314718055994531 ? log(-expm1(u)) : log1p(-exp(u));
}

struct warp warp_at(double x, double a, double b)
{
	double log_x = log(fmin(fmax(x, EDGE), 1 - EDGE));
	double log_rest = log1mexp(a * log_x); /* log(1 - x^a) */

	return (struct warp){
		.w = -expm1(b * log_rest),
		.dx = a * b * exp((a - 1) * log_x + (b - 1) * log_rest),
		.da = b * exp(a * log_x + (b - 1) * log_rest) * log_x,
		.db = -exp(b * log_rest) * log_rest,
	};
}
