#pragma once

/* The program's settings, each an option with a default. */
#include "data.h"
#include "net.h"
#include "optim.h"

#include <stdint.h>

struct settings {
	const char *data;
	long optimizer; /* enum optimizer */
	double lr, momentum, beta2, rho;
	long schedule; /* enum schedule */
	long layers, units;
	long activation; /* enum activation */
	long init;       /* enum init */
	double init_scale;
	long batch, epochs;
	long scaling; /* enum scaling */
	double clip, l1, l2, dropout;
	double label_noise, outliers, augment, train_size;
	long patience, folds, fold, seed;
};

/*
 * Reads --name=value and --name value over the defaults. A fault ends the
 * program with a message and status 2; --help ends it with the list.
 */
struct settings options_parse(int argc, char **argv);
