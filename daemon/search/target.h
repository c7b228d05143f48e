#pragma once

/*
 * From scores to what a Gaussian process is fitted to, and back: a monotone
 * map, so the best score stays the best, that leaves no room to outliers.
 *
 *   half-rank   scores above the median become a half of a normal sample, by
 *               their rank alone: 1e30 is merely the worst. Those below keep
 *               their distances. (R. Golovin et al., "Google Vizier"; X. Song
 *               et al., "The Vizier Gaussian process bandit algorithm", arXiv
 *               2408.11527, appendix.)
 *   log         stretches what is near the best. (ibid.)
 *   standard    mean 0, standard deviation 1.
 */
#include <stddef.h>

struct target {
	double *score; /* [n] distinct, ascending */
	double *z;     /* [n] what they become, ascending */
	size_t n;
};

/*
 * The map for finite @scores [n], n may be 0. target_fini(). Scores that are
 * all equal become 0.
 */
void target_init(struct target *t, size_t n, const double *scores);
void target_fini(struct target *t);

/* Adds @by to the image of all scores; if they are all equal it stays 0. */
void target_raise(struct target *t, double by);

/* The image of a score; between and outside of the known ones by lines. */
double target_of(const struct target *t, double score);
/* The score whose image is @z; never beyond the worst known score. */
double target_back(const struct target *t, double z);
