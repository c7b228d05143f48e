#include "net.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

static real *alloc_reals(size_t n)
{
	real *x = calloc(n > 0 ? n : 1, sizeof(*x));

	if (x == NULL)
		err(EXIT_FAILURE, "%zu numbers", n);
	return x;
}

void net_init(struct net *net, const size_t *widths, size_t n_layers,
	      enum activation activation, size_t batch)
{
	size_t scratch = 0;

	*net = (struct net){ .n_layers = n_layers, .activation = activation };
	for (size_t i = 0; i < n_layers; i++) {
		struct net_layer *l = &net->layer[i];
		size_t rows;

		l->in = widths[i];
		l->out = widths[i + 1];
		l->weights = net->n;
		l->biases = l->weights + l->in * l->out;
		net->n = l->biases + l->out;
		l->a = alloc_reals(batch * l->out);
		l->slope = alloc_reals(batch * l->out);
		l->delta = alloc_reals(batch * l->out);
		rows = l->out > batch ? l->out : batch;
		scratch = scratch > l->in * rows ? scratch : l->in * rows;
	}
	net->param = alloc_reals(net->n);
	net->grad = alloc_reals(net->n);
	net->scratch = alloc_reals(scratch);
}

void net_fini(struct net *net)
{
	for (size_t i = 0; i < net->n_layers; i++) {
		free(net->layer[i].a);
		free(net->layer[i].slope);
		free(net->layer[i].delta);
	}
	free(net->param);
	free(net->grad);
	free(net->scratch);
	*net = (struct net){ 0 };
}

static double init_sd(enum init init, const struct net_layer *l)
{
	switch (init) {
	case INIT_XAVIER:
		return sqrt(2.0 / (double)(l->in + l->out));
	case INIT_HE:
		return sqrt(2.0 / (double)l->in);
	case INIT_LECUN:
		return sqrt(1.0 / (double)l->in);
	case INIT_NORMAL:
		return 1;
	case INIT_ZEROS:
		return 0;
	}
	abort();
}

void net_randomise(struct net *net, enum init init, double scale,
		   struct rng *rng)
{
	memset(net->param, 0, net->n * sizeof(*net->param));
	for (size_t i = 0; i < net->n_layers; i++) {
		const struct net_layer *l = &net->layer[i];
		double sd = scale * init_sd(init, l);

		for (size_t k = l->weights; k < l->biases; k++)
			net->param[k] = (real)(sd * rng_normal(rng));
	}
}

/* What a matrix product multiplies: c [m][n] += a [m][k] b [k][n]. */
struct shape {
	size_t m, k, n;
};

/*
 * Row by row as sums of scaled rows of b: the inner loop has independent
 * elements, which a compiler turns into vectors without reordering a sum.
 */
static void multiply_add(struct shape s, const real *restrict a,
			 const real *restrict b, real *restrict c)
{
	for (size_t i = 0; i < s.m; i++, a += s.k, c += s.n) {
		const real *row = b;
		size_t k = 0;

		for (; k + 4 <= s.k; k += 4, row += 4 * s.n)
			for (size_t j = 0; j < s.n; j++)
				c[j] +=
				    (a[k] * row[j] + a[k + 1] * row[s.n + j]) +
				    (a[k + 2] * row[2 * s.n + j] +
				     a[k + 3] * row[3 * s.n + j]);
		for (; k < s.k; k++, row += s.n)
			for (size_t j = 0; j < s.n; j++)
				c[j] += a[k] * row[j];
	}
}

/* from [rows][columns] to [columns][rows] */
static void transpose(const real *restrict from, size_t rows, size_t columns,
		      real *restrict to)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
}

static void activate(enum activation f, real *restrict a, real *restrict slope,
		     size_t n)
{
	switch (f) {
	case ACTIVATION_RELU:
		for (size_t i = 0; i < n; i++) {
			slope[i] = a[i] > 0 ? 1 : 0;
			/* A NaN stays one: the loss shall show it. */
			a[i] = a[i] < 0 ? 0 : a[i];
		}
		return;
	case ACTIVATION_TANH:
		for (size_t i = 0; i < n; i++) {
			a[i] = tanh(a[i]);
			slope[i] = 1 - a[i] * a[i];
		}
		return;
	case ACTIVATION_SIGMOID:
		for (size_t i = 0; i < n; i++) {
			a[i] = 1 / (1 + exp(-a[i]));
			slope[i] = a[i] * (1 - a[i]);
		}
		return;
	case ACTIVATION_LEAKY_RELU:
		for (size_t i = 0; i < n; i++) {
			slope[i] = a[i] > 0 ? 1 : (real)0.01;
			a[i] *= slope[i];
		}
		return;
	case ACTIVATION_ELU:
		for (size_t i = 0; i < n; i++) {
			slope[i] = a[i] > 0 ? 1 : exp(a[i]);
			a[i] = a[i] > 0 ? a[i] : slope[i] - 1;
		}
		return;
	}
	abort();
}

static void drop(real *a, real *slope, size_t n, double dropout,
		 struct rng *rng)
{
	real kept = (real)(1 / (1 - dropout));

	for (size_t i = 0; i < n; i++) {
		real factor = rng_unit(rng) < dropout ? 0 : kept;

		a[i] *= factor;
		slope[i] *= factor;
	}
}

void net_forward(struct net *net, const real *x, size_t n, double dropout,
		 struct rng *rng)
{
	for (size_t i = 0; i < net->n_layers; i++) {
		struct net_layer *l = &net->layer[i];
		const real *bias = net->param + l->biases;

		for (size_t row = 0; row < n; row++)
			memcpy(l->a + row * l->out, bias,
			       l->out * sizeof(*bias));
		multiply_add((struct shape){ n, l->in, l->out }, x,
			     net->param + l->weights, l->a);
		x = l->a;
		if (i == net->n_layers - 1)
			return;
		activate(net->activation, l->a, l->slope, n * l->out);
		if (dropout > 0)
			drop(l->a, l->slope, n * l->out, dropout, rng);
	}
}

/* log(sum(exp(z))) without overflow; NaN if any z is. */
static double log_sum_exp(const real *z, size_t n)
{
	double max = (double)z[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		max = (double)z[i] > max ? (double)z[i] : max;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)z[i] - max);
	return max + log(sum);
}

/* True when no other output is as large; outputs that are NaN never are. */
static bool is_largest(const real *z, size_t n, size_t which)
{
	for (size_t i = 0; i < n; i++)
		if (i != which && !(z[which] > z[i]))
			return false;
	return true;
}

struct net_score net_score(const struct net *net, const unsigned char *label,
			   size_t n)
{
	const struct net_layer *l = &net->layer[net->n_layers - 1];
	struct net_score score = { 0 };

	for (size_t i = 0; i < n; i++) {
		const real *z = l->a + i * l->out;

		score.loss += log_sum_exp(z, l->out) - (double)z[label[i]];
		score.correct += is_largest(z, l->out, label[i]);
	}
	return score;
}

/* d mean cross-entropy / dz = (softmax(z) - one-hot label) / n */
static void output_delta(const struct net_layer *l, const unsigned char *label,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const real *z = l->a + i * l->out;
		real *delta = l->delta + i * l->out;
		double norm = log_sum_exp(z, l->out);

		for (size_t k = 0; k < l->out; k++) {
			double p = exp((double)z[k] - norm);

			p -= k == label[i] ? 1 : 0;
			delta[k] = (real)(p / (double)n);
		}
	}
}

/* Gradient of a layer's parameters from its delta and its inputs @x. */
static void layer_gradient(struct net *net, const struct net_layer *l,
			   const real *x, size_t n)
{
	real *bias = net->grad + l->biases;

	transpose(x, n, l->in, net->scratch);
	multiply_add((struct shape){ l->in, n, l->out }, net->scratch, l->delta,
		     net->grad + l->weights);
	for (size_t row = 0; row < n; row++)
		for (size_t k = 0; k < l->out; k++)
			bias[k] += l->delta[row * l->out + k];
}

/* Delta of the layer below @l. */
static void delta_below(struct net *net, const struct net_layer *l,
			struct net_layer *below, size_t n)
{
	transpose(net->param + l->weights, l->in, l->out, net->scratch);
	memset(below->delta, 0, n * below->out * sizeof(*below->delta));
	multiply_add((struct shape){ n, l->out, l->in }, l->delta, net->scratch,
		     below->delta);
	for (size_t i = 0; i < n * below->out; i++)
		below->delta[i] *= below->slope[i];
}

static void add_penalty(const struct net_layer *l, struct net *net, real l1,
			real l2)
{
	for (size_t i = l->weights; i < l->biases; i++) {
		real w = net->param[i];
		real sign = (real)((w > 0) - (w < 0));

		net->grad[i] += l1 * sign + l2 * w;
	}
}

void net_backward(struct net *net, const real *x, const unsigned char *label,
		  size_t n, double l1, double l2)
{
	memset(net->grad, 0, net->n * sizeof(*net->grad));
	output_delta(&net->layer[net->n_layers - 1], label, n);
	for (size_t i = net->n_layers; i-- > 0;) {
		struct net_layer *l = &net->layer[i];

		layer_gradient(net, l, i > 0 ? l[-1].a : x, n);
		if (i > 0)
			delta_below(net, l, l - 1, n);
		add_penalty(l, net, (real)l1, (real)l2);
	}
}
