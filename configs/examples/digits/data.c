#include "data.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES (DATA_PIXELS + 1)

static void data_alloc(struct data *d, size_t n)
{
	d->n = n;
	d->x = calloc(n * DATA_PIXELS, sizeof(*d->x));
	d->label = calloc(n, sizeof(*d->label));
	if (d->x == NULL || d->label == NULL)
		err(EXIT_FAILURE, "%zu images", n);
}

void data_free(struct data *d)
{
	free(d->x);
	free(d->label);
	*d = (struct data){ 0 };
}

/* Reads the line's values; false unless they are VALUES small numbers. */
static bool parse_line(const char *line, long *ret_values)
{
	for (size_t i = 0; i < VALUES; i++) {
		long limit = i < DATA_PIXELS ? 16 : DATA_CLASSES - 1;
		char *end;

		ret_values[i] = strtol(line, &end, 10);
		if (end == line || ret_values[i] < 0 || ret_values[i] > limit)
			return false;
		if (*end != (i < VALUES - 1 ? ',' : '\n'))
			return false;
		line = end + 1;
	}
	return true;
}

static size_t count_lines(FILE *file)
{
	size_t n = 0;

	for (int c; (c = getc(file)) != EOF;)
		n += c == '\n';
	rewind(file);
	return n;
}

void data_read(const char *path, struct data *ret_data)
{
	FILE *file = fopen(path, "re");
	long values[VALUES];
	char line[512];
	size_t n;

	if (file == NULL)
		err(EXIT_FAILURE, "%s", path);
	n = count_lines(file);
	if (n == 0)
		errx(EXIT_FAILURE, "%s: no images", path);
	data_alloc(ret_data, n);
	for (size_t i = 0; i < n; i++) {
		if (fgets(line, sizeof(line), file) == NULL)
			err(EXIT_FAILURE, "%s:%zu", path, i + 1);
		if (!parse_line(line, values))
			errx(EXIT_FAILURE,
			     "%s:%zu: not 64 pixels 0..16 and a label 0..9, "
			     "separated by commas",
			     path, i + 1);
		for (size_t k = 0; k < DATA_PIXELS; k++)
			ret_data->x[i * DATA_PIXELS + k] = (real)values[k];
		ret_data->label[i] = (unsigned char)values[DATA_PIXELS];
	}
	fclose(file);
}

void split_init(struct split *s, size_t n, size_t folds, size_t fold,
		uint64_t seed)
{
	struct rng rng = rng_init(seed, RNG_SPLIT);
	size_t parts = folds > 0 ? folds : 4;
	size_t begin = n * fold / parts;
	size_t end = n * (fold + 1) / parts;

	s->order = calloc(n, sizeof(*s->order));
	if (s->order == NULL)
		err(EXIT_FAILURE, "%zu rows", n);
	for (size_t i = 0; i < n; i++)
		s->order[i] = i;
	rng_shuffle(&rng, s->order, n);

	/* The validating part moves to the front. */
	for (size_t i = begin; i < end; i++) {
		size_t swap = s->order[i - begin];

		s->order[i - begin] = s->order[i];
		s->order[i] = swap;
	}
	s->n_val = end - begin;
	s->n_train = n - s->n_val;
	s->val = s->order;
	s->train = s->order + s->n_val;
}

void split_fini(struct split *s)
{
	free(s->order);
	*s = (struct split){ 0 };
}

struct data data_take(const struct data *from, const size_t *rows, size_t n)
{
	struct data d;

	data_alloc(&d, n);
	for (size_t i = 0; i < n; i++) {
		memcpy(d.x + i * DATA_PIXELS, from->x + rows[i] * DATA_PIXELS,
		       DATA_PIXELS * sizeof(*d.x));
		d.label[i] = from->label[rows[i]];
	}
	return d;
}

void data_spoil_labels(struct data *d, double share, struct rng *rng)
{
	for (size_t i = 0; i < d->n; i++) {
		size_t other = 1 + rng_below(rng, DATA_CLASSES - 1);

		if (rng_unit(rng) < share)
			d->label[i] = (d->label[i] + other) % DATA_CLASSES;
	}
}

void data_spoil_pixels(struct data *d, double share, struct rng *rng)
{
	for (size_t i = 0; i < d->n * DATA_PIXELS; i++)
		if (rng_unit(rng) < share)
			d->x[i] = (real)(1000 * rng_normal(rng));
}

/* Every @stride-th of @n numbers at @x, as far as it lies in [low, high]. */
struct series {
	const real *x;
	size_t n, stride;
	double low, high;
};

static void moments(const struct series *s, double *ret_mean, double *ret_sd)
{
	double sum = 0, squares = 0, count = 0;

	for (size_t i = 0; i < s->n; i += s->stride) {
		double x = (double)s->x[i];

		if (x >= s->low && x <= s->high) {
			sum += x;
			squares += x * x;
			count++;
		}
	}
	*ret_mean = count > 0 ? sum / count : 0;
	*ret_sd = count > 0
		      ? sqrt(fmax(squares / count - *ret_mean * *ret_mean, 0))
		      : 0;
}

static void extremes(struct series *s)
{
	double low = HUGE_VAL, high = -HUGE_VAL;

	for (size_t i = 0; i < s->n; i += s->stride) {
		double x = (double)s->x[i];

		if (x >= s->low && x <= s->high) {
			low = fmin(low, x);
			high = fmax(high, x);
		}
	}
	s->low = low;
	s->high = high;
}

/*
 * Sigma clipping: huge values blow up the deviation that should tell them, so
 * mean and deviation are taken again without what they exclude, until nothing
 * is excluded. All pixels together: they share one unit, and a pixel that is
 * empty in most images would lose its ink if it were judged alone.
 */
static void sigma_clip(struct series *s, double clip)
{
	for (int round = 0; round < 50; round++) {
		double mean, sd, low, high;

		moments(s, &mean, &sd);
		low = fmax(mean - clip * sd, s->low);
		high = fmin(mean + clip * sd, s->high);
		if (low == s->low && high == s->high)
			return;
		s->low = low;
		s->high = high;
	}
}

void scaler_fit(struct scaler *s, const struct data *d, enum scaling scaling,
		double clip)
{
	struct series all = { d->x, d->n * DATA_PIXELS, 1, -HUGE_VAL,
			      HUGE_VAL };

	if (clip > 0)
		sigma_clip(&all, clip);
	s->low = (real)all.low;
	s->high = (real)all.high;
	for (size_t k = 0; k < DATA_PIXELS; k++) {
		struct series pixel = { d->x + k, all.n - k, DATA_PIXELS,
					all.low, all.high };
		double offset = 0, spread = 1;

		if (scaling == SCALING_STANDARD) {
			moments(&pixel, &offset, &spread);
		} else if (scaling == SCALING_MINMAX) {
			extremes(&pixel);
			offset = pixel.low;
			spread = pixel.high - pixel.low;
		}
		s->offset[k] = (real)offset;
		/* A constant pixel stays constant instead of dividing by 0. */
		s->factor[k] = (real)(spread > 0 ? 1 / spread : 1);
	}
}

void scaler_apply(const struct scaler *s, real *x, size_t n)
{
	for (size_t i = 0; i < n; i++, x += DATA_PIXELS) {
		for (size_t k = 0; k < DATA_PIXELS; k++) {
			real v = x[k] > s->low ? x[k] : s->low;

			v = v < s->high ? v : s->high;
			x[k] = (v - s->offset[k]) * s->factor[k];
		}
	}
}

void image_shift(const real *from, int dx, int dy, real *ret_to)
{
	for (int y = 0; y < DATA_SIDE; y++) {
		for (int x = 0; x < DATA_SIDE; x++) {
			bool inside = y >= dy && y < DATA_SIDE + dy &&
				      x >= dx && x < DATA_SIDE + dx;
			int source = (y - dy) * DATA_SIDE + x - dx;

			ret_to[y * DATA_SIDE + x] = inside ? from[source] : 0;
		}
	}
}
