#pragma once

/* One training: its data, net and optimizer, an epoch at a time. */
#include "options.h"

struct train {
	struct data data, val;
	struct scaler scaler;
	struct net net;
	struct optim optim;
	struct rng batches, dropout;
	size_t *order; /* [data.n] */
	real *x;       /* [batch][DATA_PIXELS] of the step */
	unsigned char *label;
	size_t epoch; /* that have passed */
	double lr;    /* of the last step */
};

/* Means over images. */
struct train_result {
	double train_loss, train_acc; /* during the epoch, without penalties */
	double val_loss, val_acc;     /* after it */
};

/* Validates on part @fold (see split_init()) of @all. */
void train_init(struct train *t, const struct settings *s,
		const struct data *all, size_t fold);
void train_fini(struct train *t);

struct train_result train_epoch(struct train *t, const struct settings *s);
