#pragma once

/*
 * Wilcoxon's signed-rank test of @n >= 1 paired differences, all finite: the
 * probability, if they are symmetric about 0, that those above 0 rank as high
 * as they do or higher (one-sided, "greater"). Sorts them. Half of the ranks of
 * zeros count ("zsplit"). As scipy.stats.wilcoxon 1.17 with its method "auto":
 *
 *   no ties and no zeros, n <= 50   exact
 *   n <= 13                         exact, over all signs of the same ranks
 *   else                            normal, corrected for ties
 */
#include <stddef.h>

double signed_rank(double *differences, size_t n);
