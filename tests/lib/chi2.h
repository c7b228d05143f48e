#pragma once

#include <stddef.h>

/*
 * Do the counts of n >= 2 cells follow the expected shares (NULL: equal ones)?
 * Pearson's chi-square as a standard normal deviate (E. Wilson, M. Hilferty,
 * 1931): beyond +-4 they do not, or are too even to be random, with a chance of
 * 1 in 16,000 of erring.
 */
double chi2_deviate(const unsigned *count, const double *share, size_t n);
