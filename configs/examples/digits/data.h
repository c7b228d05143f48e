#pragma once

/*
 * The images: reading, splitting, spoiling on purpose, scaling, batches.
 *
 * Bad files and a lack of memory end the program with a message.
 */
#include "real.h"
#include "rng.h"

#include <stddef.h>

#define DATA_SIDE    8
#define DATA_PIXELS  ((size_t)DATA_SIDE * DATA_SIDE)
#define DATA_CLASSES 10

struct data {
	size_t n;
	real *x;              /* [n][DATA_PIXELS] */
	unsigned char *label; /* [n], below DATA_CLASSES */
};

/* Lines of 64 pixels 0..16 and a label 0..9, separated by commas. */
void data_read(const char *path, struct data *ret_data);
void data_free(struct data *d);

/*
 * Which rows validate and which train: row numbers into one permutation, so
 * the parts are disjoint and together hold every row.
 */
struct split {
	size_t *order;
	const size_t *val, *train;
	size_t n_val, n_train;
};

/*
 * Part @fold of @folds validates; with @folds 0 the first quarter. The
 * permutation depends on @seed alone, so the folds of one seed are a partition.
 */
void split_init(struct split *s, size_t n, size_t folds, size_t fold,
		uint64_t seed);
void split_fini(struct split *s);

/* Copies the @n rows numbered @rows. */
struct data data_take(const struct data *from, const size_t *rows, size_t n);

/* Gives each label, with probability @share, another class. */
void data_spoil_labels(struct data *d, double share, struct rng *rng);
/* Makes each pixel, with probability @share, a huge number. */
void data_spoil_pixels(struct data *d, double share, struct rng *rng);

enum scaling {
	SCALING_NONE,
	SCALING_STANDARD, /* mean 0, standard deviation 1 */
	SCALING_MINMAX,   /* into [0, 1] */
};

/* x becomes (min(max(x, low), high) - offset) * factor, pixel by pixel. */
struct scaler {
	real low, high;
	real offset[DATA_PIXELS], factor[DATA_PIXELS];
};

/*
 * Learns from training data. @clip > 0: pixels further than @clip standard
 * deviations from the mean of all are clipped, both taken without those that
 * are clipped.
 */
void scaler_fit(struct scaler *s, const struct data *d, enum scaling scaling,
		double clip);
/* Scales @n rows in place. */
void scaler_apply(const struct scaler *s, real *x, size_t n);

/* Moves an image by (@dx, @dy) pixels; what comes in is empty. */
void image_shift(const real *from, int dx, int dy, real *ret_to);
