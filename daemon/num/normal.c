#include "num/normal.h"

#include <math.h>
#include <stddef.h>

#define LOG_SQRT_2PI 0.91893853320467274178
#define SQRT_HALF    0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794

/*
 * Below this the tail functions come from a series of their own: subtracting
 * numbers of like size would cost digits.
 */
#define TAIL (-1.0)

double normal_log_pdf(double z)
{
	return -0.5 * z * z - LOG_SQRT_2PI;
}

double normal_cdf(double z)
{
	return 0.5 * erfc(-z * SQRT_HALF);
}

/* Of t K(t), see below; made by mills.py. */
static const double mills[] = {
	0.85900263997459328546,     0.21528267001172076181,
	-0.094343455229883797684,   0.022578135605179702878,
	-0.0022646877158777024653,  -0.00041709600206386247267,
	0.00017937930992702525312,  -0.000012839696611159908971,
	-6.3262975575438975609e-6,  1.5754057762003992531e-6,
	8.1996769910667864615e-8,   -8.6673408134126903883e-8,
	6.6746129296244218767e-9,   3.3567444500336826323e-9,
	-6.6869519302421567037e-10, -8.8541588979959431784e-11,
	3.8213311222785877438e-11,  6.2242046201987071727e-13,
	-1.6679372799517198649e-12, 9.7615478012578221516e-14,
	5.7761474038515184649e-14,  -7.3145059465210396751e-15,
	-1.4588819865805047042e-15, 3.1193713107255156731e-16,
	1.2811784784456577462e-17,
};

/*
 * K of Mills' ratio, Phi(-t) / phi(t) = 1 / (t + K), for t >= 1. The continued
 * fraction K = 1 / (t + 2 / (t + 3 / (t + ... (Abramowitz and Stegun 26.2.14)
 * would take 200 / t of its terms. t K(t) is smooth up to t = infinity, where
 * it is 1: this is its Chebyshev series, summed by Clenshaw's recurrence.
 */
static double mills_rest(double t)
{
	double u = t < 1e9 ? 1.25 * (t - 4) / (t + 4) - 0.25 : 1;
	double b = 0, b1 = 0;

	for (size_t i = sizeof(mills) / sizeof(*mills) - 1; i > 0; i--) {
		double b2 = b1;

		b1 = b;
		b = mills[i] + (2 * u * b1 - b2);
	}
	return (mills[0] + (u * b - b1)) / t;
}

double normal_log_cdf(double z)
{
	if (z >= 0)
		return log1p(-normal_cdf(-z));
	if (z >= TAIL)
		return log(normal_cdf(z));
	return normal_log_pdf(z) - log(-z + mills_rest(-z));
}

static double density(double z)
{
	return INV_SQRT_2PI * exp(-0.5 * z * z);
}

/* For z < TAIL, with t = -z: h = phi(t) - t Phi(-t) = phi(t) K / (t + K). */
double normal_log_h(double z)
{
	double k;

	if (z >= TAIL)
		return log(density(z) + z * normal_cdf(z));
	k = mills_rest(-z);
	return normal_log_pdf(z) + log(k / (-z + k));
}

double log_ei(double mean, double sd, double best, double *ret_dmean,
	      double *ret_dsd)
{
	double z = (best - mean) / sd, pdf, cdf, h, k;

	if (z >= TAIL) {
		pdf = density(z);
		cdf = normal_cdf(z);
		h = pdf + z * cdf;
		*ret_dmean = -cdf / h / sd;
		*ret_dsd = pdf / h / sd;
		return log(sd) + log(h);
	}
	k = mills_rest(-z);
	*ret_dmean = -1 / k / sd;
	*ret_dsd = (1 - z / k) / sd;
	return log(sd) + normal_log_pdf(z) + log(k / (-z + k));
}

/* (n0 + n1 x + .. + n7 x^7) / (d0 + .. + d7 x^7) */
static double ratio(const double n[8], const double d[8], double x)
{
	double above = n[7], below = d[7];

	for (int i = 6; i >= 0; i--) {
		above = above * x + n[i];
		below = below * x + d[i];
	}
	return above / below;
}

/* The coefficients of PPND16: |p - 1/2| <= 0.425, r <= 5, r > 5. */
static const double middle[2][8] = {
	{3.3871328727963666080e0, 1.3314166789178437745e2,
         1.9715909503065514427e3,						   1.3731693765509461125e4,
         4.5921953931549871457e4,												     6.7265770927008700853e4,
         3.3430575583588128105e4,																		       2.5090809287301226727e3},
	{ 1,		      4.2313330701600911252e1, 6.8718700749205790830e2,
         5.3941960214247511077e3,									    2.1213794301586595867e4,
         3.9307895800092710610e4,															      2.8729085735721942674e4,
         5.2264952788528545610e3																					       },
};
static const double near_tail[2][8] = {
	{1.42343711074968357734e0, 4.63033784615654529590e0,
         5.76949722146069140550e0,						     3.64784832476320460504e0,
         1.27045825245236838258e0,													  2.41780725177450611770e-1,
         2.27238449892691845833e-2,																			       7.74545014278341407640e-4},
	{ 1,		       2.05319162663775882187e0, 1.67638483018380384940e0,
         6.89767334985100004550e-1,									      1.48103976427480074590e-1,
         1.51986665636164571966e-2,																    5.47593808499534494600e-4,
         1.05075007164441684324e-9																							 },
};
static const double far_tail[2][8] = {
	{6.65790464350110377720e0, 5.46378491116411436990e0,
         1.78482653991729133580e0,						       2.96560571828504891230e-1,
         2.65321895265761230930e-2,													    1.24266094738807843860e-3,
         2.71155556874348757815e-5,																				  2.01033439929228813265e-7},
	{ 1,		       5.99832206555887937690e-1, 1.36929880922735805310e-1,
         1.48753612908506148525e-2,										 7.86869131145613259100e-4,
         1.84631831751005468180e-5,																       1.42151175831644588870e-7,
         2.04426310338993978564e-15																							   },
};

double normal_quantile(double p)
{
	double q = p - 0.5, r, z;

	if (p == 0 || p == 1)
		return p == 0 ? -(double)INFINITY : (double)INFINITY;
	if (!(p > 0 && p < 1))
		return (double)NAN;
	if (fabs(q) <= 0.425)
		return q * ratio(middle[0], middle[1], 0.180625 - q * q);
	r = sqrt(-log(q < 0 ? p : 1 - p));
	z = r <= 5 ? ratio(near_tail[0], near_tail[1], r - 1.6)
		   : ratio(far_tail[0], far_tail[1], r - 5);
	return q < 0 ? -z : z;
}
