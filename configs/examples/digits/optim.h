#pragma once

/* Optimizers and the schedules of their learning rate. */
#include "real.h"

#include <stddef.h>

enum optimizer {
	OPTIMIZER_SGD,
	OPTIMIZER_MOMENTUM, /* Polyak 1964 */
	OPTIMIZER_NESTEROV, /* as in Sutskever et al. 2013 */
	OPTIMIZER_ADAGRAD,  /* Duchi, Hazan, Singer 2011 */
	OPTIMIZER_ADADELTA, /* Zeiler 2012 */
	OPTIMIZER_RMSPROP,  /* Hinton, Neural Networks for ML, lecture 6e */
	OPTIMIZER_ADAM,     /* Kingma, Ba 2015 */
};

enum schedule {
	SCHEDULE_CONSTANT,
	SCHEDULE_STEP,        /* a tenth after 1/2 and 3/4 of the training */
	SCHEDULE_COSINE,      /* down to 0 in half a wave */
	SCHEDULE_EXPONENTIAL, /* evenly down to a hundredth */
	SCHEDULE_WARMUP,      /* up from 0 in the first tenth */
};

struct optim {
	enum optimizer optimizer;
	double momentum; /* adam: beta 1 */
	double beta2;    /* adam */
	double rho;      /* rmsprop, adadelta */
	size_t n, steps;
	real *m, *v; /* [n] what the optimizer remembers, 0 at first */
};

/* @o holds the settings; room for @n parameters is added. */
void optim_init(struct optim *o, size_t n);
void optim_fini(struct optim *o);

/* Moves @param [n] against @grad [n]. */
void optim_step(struct optim *o, double lr, const real *grad, real *param);

/* The rate after the share @progress, in (0, 1], of the training. */
double schedule_rate(enum schedule schedule, double lr, double progress);
