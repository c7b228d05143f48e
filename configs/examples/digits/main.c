/*
 * digits-train: a multi-layer perceptron learns to read handwritten digits.
 * One line an epoch tells how it goes; nothing of it knows who reads the line.
 */
#include "train.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* Folds train side by side, so that each line is a mean over all of them. */
struct folds {
	struct train *train;
	size_t n;
};

static void folds_init(struct folds *f, const struct settings *s)
{
	bool all = s->folds > 0 && s->fold < 0;
	size_t first = all || s->folds == 0 ? 0 : (size_t)s->fold;
	struct data data;

	f->n = all ? (size_t)s->folds : 1;
	f->train = calloc(f->n, sizeof(*f->train));
	if (f->train == NULL)
		err(EXIT_FAILURE, "%zu folds", f->n);
	data_read(s->data, &data);
	for (size_t i = 0; i < f->n; i++)
		train_init(&f->train[i], s, &data, first + i);
	data_free(&data);
}

static void folds_fini(struct folds *f)
{
	for (size_t i = 0; i < f->n; i++)
		train_fini(&f->train[i]);
	free(f->train);
}

static struct train_result folds_epoch(struct folds *f,
				       const struct settings *s)
{
	struct train_result mean = { 0 };
	double n = (double)f->n;

	for (size_t i = 0; i < f->n; i++) {
		struct train_result r = train_epoch(&f->train[i], s);

		mean.train_loss += r.train_loss / n;
		mean.train_acc += r.train_acc / n;
		mean.val_loss += r.val_loss / n;
		mean.val_acc += r.val_acc / n;
	}
	return mean;
}

/* printf shows the sign of a NaN, which means nothing. */
static double printable(double loss)
{
	return isnan(loss) ? (double)NAN : loss;
}

static void print_epoch(long epoch, const struct settings *s, double lr,
			const struct train_result *r)
{
	printf("epoch %ld/%ld | train_loss=%.6g | train_acc=%.4f | "
	       "val_loss=%.6g | val_acc=%.4f | lr=%.6g\n",
	       epoch, s->epochs, printable(r->train_loss), r->train_acc,
	       printable(r->val_loss), r->val_acc, lr);
	if (fflush(stdout) != 0)
		err(EXIT_FAILURE, "standard output");
}

int main(int argc, char **argv)
{
	struct settings s = options_parse(argc, argv);
	double best = HUGE_VAL;
	long since_best = 0;
	struct folds folds;

	folds_init(&folds, &s);
	for (long epoch = 1; epoch <= s.epochs; epoch++) {
		struct train_result r = folds_epoch(&folds, &s);

		print_epoch(epoch, &s, folds.train[0].lr, &r);
		since_best = r.val_loss < best ? 0 : since_best + 1;
		best = fmin(best, r.val_loss);
		if (s.patience > 0 && since_best >= s.patience)
			break;
	}
	folds_fini(&folds);
	return EXIT_SUCCESS;
}
