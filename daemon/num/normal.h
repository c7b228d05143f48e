#pragma once

/*
 * The standard normal distribution, phi(z) its density and Phi(z) its
 * distribution function, and the expected improvement, in logarithms where the
 * numbers themselves would underflow.
 */

/* log phi(z) */
double normal_log_pdf(double z);

/* Phi(z), to |z|^2 ulp; 0 below -38. */
double normal_cdf(double z);

/* log Phi(z), to 2 ulp for z <= 0; above, as many digits as normal_cdf(-z). */
double normal_log_cdf(double z);

/*
 * The z with Phi(z) = p; -+infinity for 0 and 1, NaN outside. M. Wichura,
 * "Algorithm AS 241", Applied Statistics 37 (1988): 16 digits.
 */
double normal_quantile(double p);

/*
 * log h(z), h(z) = phi(z) + z Phi(z): the mean of max(z + u, 0), u standard
 * normal. To 2 ulp of itself or of 1, down to z = -1e154.
 */
double normal_log_h(double z);

/*
 * The log of the expected improvement: log E max(best - y, 0), where y is
 * normal with @mean and @sd > 0, and its derivatives by the two. With
 * z = (best - mean) / sd it is log sd + log h(z); its derivatives are
 * -Phi(z) / h(z) / sd and phi(z) / h(z) / sd, to 4 ulp for given z. S. Ament et
 * al., "Unexpected improvements to expected improvement", NeurIPS 2023, say why
 * the log.
 */
double log_ei(double mean, double sd, double best, double *ret_dmean,
	      double *ret_dsd);
