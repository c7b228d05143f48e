#include "train.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static void take_data(struct train *t, const struct settings *s,
		      const struct data *all, size_t fold)
{
	struct rng noise = rng_init((uint64_t)s->seed, RNG_NOISE);
	struct split split;
	size_t n;

	split_init(&split, all->n, (size_t)s->folds, fold, (uint64_t)s->seed);
	n = (size_t)ceil(s->train_size * (double)split.n_train);
	if (n == 0 || split.n_val == 0)
		errx(EXIT_FAILURE, "%s: %zu images are too few", s->data,
		     all->n);
	t->data = data_take(all, split.train, n);
	t->val = data_take(all, split.val, split.n_val);
	split_fini(&split);
	data_spoil_labels(&t->data, s->label_noise, &noise);
	data_spoil_pixels(&t->data, s->outliers, &noise);
	scaler_fit(&t->scaler, &t->data, (enum scaling)s->scaling, s->clip);
	scaler_apply(&t->scaler, t->val.x, t->val.n);
}

static void take_net(struct train *t, const struct settings *s)
{
	struct rng weights = rng_init((uint64_t)s->seed, RNG_WEIGHTS);
	size_t widths[NET_LAYERS_MAX + 1] = { DATA_PIXELS };
	size_t hidden = (size_t)s->layers, batch = (size_t)s->batch;
	size_t rows = batch > t->val.n ? batch : t->val.n;

	for (size_t i = 1; i <= hidden; i++)
		widths[i] = (size_t)s->units;
	widths[hidden + 1] = DATA_CLASSES;
	net_init(&t->net, widths, hidden + 1, (enum activation)s->activation,
		 rows);
	net_randomise(&t->net, (enum init)s->init, s->init_scale, &weights);
}

void train_init(struct train *t, const struct settings *s,
		const struct data *all, size_t fold)
{
	size_t batch = (size_t)s->batch;

	*t = (struct train){ 0 };
	take_data(t, s, all, fold);
	take_net(t, s);
	t->optim = (struct optim){ .optimizer = (enum optimizer)s->optimizer,
				   .momentum = s->momentum,
				   .beta2 = s->beta2,
				   .rho = s->rho };
	optim_init(&t->optim, t->net.n);
	t->batches = rng_init((uint64_t)s->seed, RNG_BATCHES);
	t->dropout = rng_init((uint64_t)s->seed, RNG_DROPOUT);
	t->order = calloc(t->data.n, sizeof(*t->order));
	t->x = calloc(batch * DATA_PIXELS, sizeof(*t->x));
	t->label = calloc(batch, sizeof(*t->label));
	if (t->order == NULL || t->x == NULL || t->label == NULL)
		err(EXIT_FAILURE, "batches of %zu", batch);
	for (size_t i = 0; i < t->data.n; i++)
		t->order[i] = i;
}

void train_fini(struct train *t)
{
	data_free(&t->data);
	data_free(&t->val);
	net_fini(&t->net);
	optim_fini(&t->optim);
	free(t->order);
	free(t->x);
	free(t->label);
}

/* Copies, moves and scales the @n images numbered @rows. */
static void take_batch(struct train *t, const struct settings *s,
		       const size_t *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const real *from = t->data.x + rows[i] * DATA_PIXELS;
		int dx = 0, dy = 0;

		if (s->augment > 0 && rng_unit(&t->batches) < s->augment) {
			dx = (int)rng_below(&t->batches, 3) - 1;
			dy = (int)rng_below(&t->batches, 3) - 1;
		}
		image_shift(from, dx, dy, t->x + i * DATA_PIXELS);
		t->label[i] = t->data.label[rows[i]];
	}
	scaler_apply(&t->scaler, t->x, n);
}

static struct net_score pass(struct train *t, const struct settings *s)
{
	struct net_score sum = { 0 };
	size_t batch = (size_t)s->batch;

	rng_shuffle(&t->batches, t->order, t->data.n);
	for (size_t i = 0; i < t->data.n; i += batch) {
		size_t left = t->data.n - i, n = left < batch ? left : batch;
		double passed =
		    (double)t->epoch + (double)(i + n) / (double)t->data.n;
		struct net_score score;

		take_batch(t, s, t->order + i, n);
		net_forward(&t->net, t->x, n, s->dropout, &t->dropout);
		score = net_score(&t->net, t->label, n);
		sum.loss += score.loss;
		sum.correct += score.correct;
		net_backward(&t->net, t->x, t->label, n, s->l1, s->l2);
		t->lr = schedule_rate((enum schedule)s->schedule, s->lr,
				      passed / (double)s->epochs);
		optim_step(&t->optim, t->lr, t->net.grad, t->net.param);
	}
	t->epoch++;
	return sum;
}

struct train_result train_epoch(struct train *t, const struct settings *s)
{
	double n_train = (double)t->data.n, n_val = (double)t->val.n;
	struct net_score train = pass(t, s), val;

	net_forward(&t->net, t->val.x, t->val.n, 0, NULL);
	val = net_score(&t->net, t->val.label, t->val.n);
	return (struct train_result){
		.train_loss = train.loss / n_train,
		.train_acc = (double)train.correct / n_train,
		.val_loss = val.loss / n_val,
		.val_acc = (double)val.correct / n_val,
	};
}
