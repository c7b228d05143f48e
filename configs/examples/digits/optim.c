#include "optim.h"

#include <err.h>
#include <stdlib.h>
#include <tgmath.h>

/* Keeps a division from 0; the value that the papers use or suggest. */
static const real epsilon = (real)1e-8;

void optim_init(struct optim *o, size_t n)
{
	o->n = n;
	o->steps = 0;
	o->m = calloc(n, sizeof(*o->m));
	o->v = calloc(n, sizeof(*o->v));
	if (o->m == NULL || o->v == NULL)
		err(EXIT_FAILURE, "%zu numbers", n);
}

void optim_fini(struct optim *o)
{
	free(o->m);
	free(o->v);
	o->m = NULL;
	o->v = NULL;
}

/* sgd: @mu is 0; nesterov looks ahead by the momentum it has just got. */
static void momentum(struct optim *o, double momentum, real lr,
		     const real *restrict g, real *restrict w)
{
	real mu = (real)momentum, *restrict m = o->m;
	real ahead = o->optimizer == OPTIMIZER_NESTEROV ? mu : 1;
	real plain = o->optimizer == OPTIMIZER_NESTEROV ? 1 : 0;

	for (size_t i = 0; i < o->n; i++) {
		m[i] = mu * m[i] + g[i];
		w[i] -= lr * (plain * g[i] + ahead * m[i]);
	}
}

static void adagrad(struct optim *o, real lr, const real *restrict g,
		    real *restrict w)
{
	real *restrict v = o->v;

	for (size_t i = 0; i < o->n; i++) {
		v[i] += g[i] * g[i];
		w[i] -= lr * g[i] / (sqrt(v[i]) + epsilon);
	}
}

static void adadelta(struct optim *o, real lr, const real *restrict g,
		     real *restrict w)
{
	real rho = (real)o->rho, eps = (real)1e-6;
	real *restrict m = o->m, *restrict v = o->v;

	for (size_t i = 0; i < o->n; i++) {
		real step;

		v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
		step = sqrt((m[i] + eps) / (v[i] + eps)) * g[i];
		m[i] = rho * m[i] + (1 - rho) * step * step;
		w[i] -= lr * step;
	}
}

static void rmsprop(struct optim *o, real lr, const real *restrict g,
		    real *restrict w)
{
	real rho = (real)o->rho, *restrict v = o->v;

	for (size_t i = 0; i < o->n; i++) {
		v[i] = rho * v[i] + (1 - rho) * g[i] * g[i];
		w[i] -= lr * g[i] / (sqrt(v[i]) + epsilon);
	}
}

static void adam(struct optim *o, real lr, const real *restrict g,
		 real *restrict w)
{
	real beta1 = (real)o->momentum, beta2 = (real)o->beta2;
	real unbias1 = (real)(1 - pow(o->momentum, (double)o->steps));
	real unbias2 = (real)(1 - pow(o->beta2, (double)o->steps));
	real *restrict m = o->m, *restrict v = o->v;

	for (size_t i = 0; i < o->n; i++) {
		m[i] = beta1 * m[i] + (1 - beta1) * g[i];
		v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
		w[i] -=
		    lr * (m[i] / unbias1) / (sqrt(v[i] / unbias2) + epsilon);
	}
}

void optim_step(struct optim *o, double lr, const real *grad, real *param)
{
	real rate = (real)lr;

	o->steps++;
	switch (o->optimizer) {
	case OPTIMIZER_SGD:
		momentum(o, 0, rate, grad, param);
		return;
	case OPTIMIZER_MOMENTUM:
	case OPTIMIZER_NESTEROV:
		momentum(o, o->momentum, rate, grad, param);
		return;
	case OPTIMIZER_ADAGRAD:
		adagrad(o, rate, grad, param);
		return;
	case OPTIMIZER_ADADELTA:
		adadelta(o, rate, grad, param);
		return;
	case OPTIMIZER_RMSPROP:
		rmsprop(o, rate, grad, param);
		return;
	case OPTIMIZER_ADAM:
		adam(o, rate, grad, param);
		return;
	}
	abort();
}

double schedule_rate(enum schedule schedule, double lr, double progress)
{
	switch (schedule) {
	case SCHEDULE_CONSTANT:
		return lr;
	case SCHEDULE_STEP:
		return lr * (progress > 0.75 ? 0.01 : progress > 0.5 ? 0.1 : 1);
	case SCHEDULE_COSINE:
		return lr * 0.5 * (1 + cos(3.14159265358979323846 * progress));
	case SCHEDULE_EXPONENTIAL:
		return lr * pow(0.01, progress);
	case SCHEDULE_WARMUP:
		return lr * fmin(1, progress / 0.1);
	}
	abort();
}
