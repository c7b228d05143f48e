#pragma once

/*
 * A multi-layer perceptron with a softmax output and its gradient.
 *
 * All parameters stand in one array, and their gradient in another of the same
 * layout, so that an optimizer needs to know nothing of layers. Layer by layer:
 * the weights w [width of the layer below][width of this], then the biases
 * [width of this].
 */
#include "real.h"
#include "rng.h"

#include <stdbool.h>
#include <stddef.h>

#define NET_LAYERS_MAX 5 /* the output is one of them */

enum activation {
	ACTIVATION_RELU,
	ACTIVATION_TANH,
	ACTIVATION_SIGMOID,
	ACTIVATION_LEAKY_RELU, /* 0.01 x below 0 */
	ACTIVATION_ELU,        /* exp(x) - 1 below 0 */
};

enum init {
	INIT_XAVIER, /* sd sqrt(2 / (in + out)): Glorot, Bengio 2010 */
	INIT_HE,     /* sd sqrt(2 / in): He et al. 2015 */
	INIT_LECUN,  /* sd sqrt(1 / in): LeCun et al. 1998 */
	INIT_NORMAL, /* sd 1 */
	INIT_ZEROS,
};

struct net_layer {
	size_t in, out;
	size_t weights, biases; /* where they begin in the arrays */
	real *a;                /* [batch][out] activations, then dropped out */
	real *slope;            /* [batch][out] da / dz, dropout included */
	real *delta;            /* [batch][out] d loss / dz */
};

struct net {
	struct net_layer layer[NET_LAYERS_MAX];
	size_t n_layers;
	enum activation activation; /* of hidden layers */
	size_t n;                   /* parameters */
	real *param, *grad;         /* [n] */
	real *scratch; /* transposed weights or activations of a layer */
};

/*
 * @widths [n_layers + 1]: inputs, hidden layers, classes. Room for batches of
 * @batch rows. A lack of memory ends the program.
 */
void net_init(struct net *net, const size_t *widths, size_t n_layers,
	      enum activation activation, size_t batch);
void net_fini(struct net *net);

/* Random weights, the standard deviation times @scale; biases are 0. */
void net_randomise(struct net *net, enum init init, double scale,
		   struct rng *rng);

/*
 * Computes the outputs of @n rows. Hidden units are dropped with probability
 * @dropout (the others scaled up to keep the mean); 0 for evaluation.
 */
void net_forward(struct net *net, const real *x, size_t n, double dropout,
		 struct rng *rng);

/* Sums over rows. */
struct net_score {
	double loss; /* cross-entropy, natural logarithm; nan, inf if so */
	size_t correct;
};

/* After net_forward() of the same rows. */
struct net_score net_score(const struct net *net, const unsigned char *label,
			   size_t n);

/*
 * After net_forward() of the same rows: sets the gradient of
 *   mean cross-entropy + l1 * sum |w| + l2 / 2 * sum w^2
 * where the sums leave out the biases.
 */
void net_backward(struct net *net, const real *x, const unsigned char *label,
		  size_t n, double l1, double l2);
