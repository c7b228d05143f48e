#include "options.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

enum kind {
	KIND_TEXT,
	KIND_INT,
	KIND_FLOAT,
	KIND_CHOICE, /* stored as the index of the word */
};

struct option {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct settings */
	const char *fallback;
	double min, max;          /* of numbers */
	const char *const *words; /* of a choice, NULL-ended */
	const char *help;
};

#define WORDS(...)   ((const char *const[]){ __VA_ARGS__, NULL })
#define FIELD(field) .name = #field, .offset = offsetof(struct settings, field)
#define TEXT(field, value, text)                                               \
	{                                                                      \
		.kind = KIND_TEXT, FIELD(field), .fallback = value,            \
		.help = text                                                   \
	}
#define INT(field, value, low, high, text)                                     \
	{                                                                      \
		.kind = KIND_INT, FIELD(field), .fallback = value, .min = low, \
		.max = high, .help = text                                      \
	}
#define FLOAT(field, value, low, high, text)                                   \
	{                                                                      \
		.kind = KIND_FLOAT, FIELD(field), .fallback = value,           \
		.min = low, .max = high, .help = text                          \
	}
#define CHOICE(field, value, list, text)                                       \
	{                                                                      \
		.kind = KIND_CHOICE, FIELD(field), .fallback = value,          \
		.words = list, .help = text                                    \
	}

/* The words of a choice stand in the order of its enum. */
static const struct option options[] = {
	TEXT(data, "digits.csv", "file of images"),
	CHOICE(optimizer, "adam",
	       WORDS("sgd", "momentum", "nesterov", "adagrad", "adadelta",
		     "rmsprop", "adam"),
	       "how a gradient moves the weights"),
	FLOAT(lr, "0.001", 0, 1e6, "learning rate"),
	FLOAT(momentum, "0.9", 0, 0.9999,
	      "of momentum and nesterov; beta 1 of adam"),
	FLOAT(beta2, "0.999", 0, 0.999999, "adam: memory of squares"),
	FLOAT(rho, "0.9", 0, 0.999999, "rmsprop, adadelta: memory of squares"),
	CHOICE(schedule, "constant",
	       WORDS("constant", "step", "cosine", "exponential", "warmup"),
	       "how the rate changes"),
	INT(layers, "1", 0, NET_LAYERS_MAX - 1, "hidden layers"),
	INT(units, "64", 1, 4096, "units of each hidden layer"),
	CHOICE(activation, "relu",
	       WORDS("relu", "tanh", "sigmoid", "leaky_relu", "elu"),
	       "of hidden units"),
	CHOICE(init, "he", WORDS("xavier", "he", "lecun", "normal", "zeros"),
	       "first weights"),
	FLOAT(init_scale, "1", 0, 1e6, "times their standard deviation"),
	INT(batch, "32", 1, 4096, "images of one step"),
	INT(epochs, "30", 1, 100000, "passes over the training images"),
	CHOICE(scaling, "standard", WORDS("none", "standard", "minmax"),
	       "of each pixel"),
	FLOAT(clip, "0", 0, 1e6,
	      "pixels to this many standard deviations; 0: off"),
	FLOAT(l1, "0", 0, 1e6, "penalty on absolute weights"),
	FLOAT(l2, "0", 0, 1e6, "penalty on squared weights"),
	FLOAT(dropout, "0", 0, 0.99, "share of hidden units left out"),
	FLOAT(label_noise, "0", 0, 1, "share of wrong training labels"),
	FLOAT(outliers, "0", 0, 1, "share of broken training pixels"),
	FLOAT(augment, "0", 0, 1,
	      "probability that an image moves by up to a pixel"),
	FLOAT(train_size, "1", 0, 1, "share of the training images used"),
	INT(patience, "0", 0, 100000,
	    "epochs without a better val_loss before the end; 0: off"),
	INT(folds, "0", 0, 1000, "of cross-validation; 0: a split 75/25"),
	INT(fold, "-1", -1, 999, "the one that validates; -1: all, their mean"),
	INT(seed, "1", 0, 2147483647, "of everything random"),
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* Edit distance (Levenshtein) of words of at most 31 letters. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t gap = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = change < gap + 1 ? change : gap + 1;
		}
	}
	return row[n];
}

static const struct option *find(const char *name)
{
	const char *nearest = options[0].name;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
		if (distance(name, options[i].name) < distance(name, nearest))
			nearest = options[i].name;
	}
	errx(EXIT_USAGE, "--%s: no such option (did you mean --%s?)", name,
	     nearest);
}

static void print_words(FILE *file, const struct option *o)
{
	for (size_t i = 0; o->words[i] != NULL; i++)
		fprintf(file, "%s%s", i > 0 ? ", " : "", o->words[i]);
}

static long parse_choice(const struct option *o, const char *value)
{
	for (long i = 0; o->words[i] != NULL; i++)
		if (strcmp(o->words[i], value) == 0)
			return i;
	fprintf(stderr, "%s: --%s=%s: no such value (",
		program_invocation_short_name, o->name, value);
	print_words(stderr, o);
	fprintf(stderr, ")\n");
	exit(EXIT_USAGE);
}

static double parse_number(const struct option *o, const char *value)
{
	bool is_int = o->kind == KIND_INT;
	char *end;
	double number =
	    is_int ? (double)strtol(value, &end, 10) : strtod(value, &end);

	if (end == value || *end != '\0')
		errx(EXIT_USAGE, "--%s=%s: not a %s (%.10g to %.10g)", o->name,
		     value, is_int ? "whole number" : "number", o->min, o->max);
	/* A NaN fails this too. */
	if (!(number >= o->min && number <= o->max))
		errx(EXIT_USAGE, "--%s=%s: out of range (%.10g to %.10g)",
		     o->name, value, o->min, o->max);
	return number;
}

static void set(struct settings *s, const struct option *o, const char *value)
{
	char *field = (char *)s + o->offset;

	switch (o->kind) {
	case KIND_TEXT:
		*(const char **)field = value;
		return;
	case KIND_INT:
		*(long *)field = (long)parse_number(o, value);
		return;
	case KIND_FLOAT:
		*(double *)field = parse_number(o, value);
		return;
	case KIND_CHOICE:
		*(long *)field = parse_choice(o, value);
		return;
	}
	abort();
}

static void help(void)
{
	printf("usage: digits-train [--name=value | --name value]...\n\n"
	       "Trains a multi-layer perceptron on 8x8 images of digits.\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];

		printf("  --%-12s %s (%s", o->name, o->help, o->fallback);
		if (o->kind == KIND_INT || o->kind == KIND_FLOAT)
			printf("; %.10g to %.10g", o->min, o->max);
		if (o->kind == KIND_CHOICE) {
			printf("; one of ");
			print_words(stdout, o);
		}
		printf(")\n");
	}
	exit(EXIT_SUCCESS);
}

static void check(const struct settings *s)
{
	if (s->folds == 1)
		errx(EXIT_USAGE, "--folds=1: nothing to train on (0, or 2 and "
				 "more)");
	if (s->fold >= 0 && s->fold >= s->folds)
		errx(EXIT_USAGE, "--fold=%ld: no such fold (below --folds=%ld)",
		     s->fold, s->folds);
	if (!(s->train_size > 0))
		errx(EXIT_USAGE, "--train_size=0: nothing to train on (above "
				 "0, to 1)");
}

struct settings options_parse(int argc, char **argv)
{
	struct settings s = { 0 };

	for (size_t i = 0; i < N_OPTIONS; i++)
		set(&s, &options[i], options[i].fallback);
	for (int i = 1; i < argc; i++) {
		char *name = argv[i] + 2, *value;
		const struct option *o;

		if (strncmp(argv[i], "--", 2) != 0)
			errx(EXIT_USAGE, "%s: not an option (--name=value)",
			     argv[i]);
		if (strcmp(name, "help") == 0)
			help();
		value = strchr(name, '=');
		if (value != NULL)
			*value++ = '\0';
		o = find(name);
		if (value == NULL && (value = argv[++i]) == NULL)
			errx(EXIT_USAGE, "--%s: has no value", name);
		set(&s, o, value);
	}
	check(&s);
	return s;
}
