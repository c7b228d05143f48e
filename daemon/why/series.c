#include "why/series.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/token.h"

#include <stdlib.h>
#include <string.h>

#define WORDS      16 /* of a name that are looked at */
#define SAME_WORDS 50 /* of a pair, beside the ranks */

void series_set_metric(struct series *s, enum series_curve which,
		       const char *name, enum goal goal)
{
	struct series_line *line = &s->lines[which];

	line->goal = goal;
	if (name == NULL)
		return;
	free(line->name);
	line->name = xstrdup(name);
}

/* The index of the first point that is not before @step. */
static size_t find(const struct series_line *line, int64_t step)
{
	size_t low = 0, high = line->n;

	/* Steps mostly ascend, and the last one is often told again. */
	if (line->n > 0 && line->points[line->n - 1].step <= step)
		low = line->n - 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (line->points[mid].step < step)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void series_add(struct series *s, enum series_curve which, int64_t step,
		double value)
{
	struct series_line *line = &s->lines[which];
	size_t i = find(line, step);

	if (i == line->n || line->points[i].step != step) {
		if (line->n == LIMIT_STEPS)
			return;
		if (line->n == line->cap) {
			line->cap = line->cap > 0 ? 2 * line->cap : 16;
			line->points = xreallocarray(line->points, line->cap,
						     sizeof(*line->points));
		}
		memmove(line->points + i + 1, line->points + i,
			(line->n - i) * sizeof(*line->points));
		line->n++;
	}
	line->points[i] = (struct series_point){ step, value };
}

void series_fini(struct series *s)
{
	for (int c = 0; c < SERIES_CURVES; c++) {
		free(s->lines[c].name);
		free(s->lines[c].points);
	}
	*s = (struct series){ 0 };
}

/* --- names ---------------------------------------------------------------- */

struct word {
	const char *text; /* in the name */
	size_t len;
};

struct known_word {
	const char *text;
	int rank;
	enum goal goal;
};

/* What is learned; the last that a name has is its quantity. */
static const struct known_word quantities[] = {
	{"loss",          40, GOAL_MINIMIZE},
	{ "logloss",      38, GOAL_MINIMIZE},
	{ "nll",          38, GOAL_MINIMIZE},
	{ "ce",           38, GOAL_MINIMIZE},
	{ "bce",          38, GOAL_MINIMIZE},
	{ "xent",         38, GOAL_MINIMIZE},
	{ "entropy",      38, GOAL_MINIMIZE},
	{ "crossentropy", 38, GOAL_MINIMIZE},
	{ "deviance",     36, GOAL_MINIMIZE},
	{ "cost",         36, GOAL_MINIMIZE},
	{ "objective",    36, GOAL_MINIMIZE},
	{ "mse",          34, GOAL_MINIMIZE},
	{ "rmse",         34, GOAL_MINIMIZE},
	{ "l2",           33, GOAL_MINIMIZE},
	{ "mae",          33, GOAL_MINIMIZE},
	{ "l1",           33, GOAL_MINIMIZE},
	{ "perplexity",   30, GOAL_MINIMIZE},
	{ "ppl",          30, GOAL_MINIMIZE},
	{ "error",        30, GOAL_MINIMIZE},
	{ "err",          30, GOAL_MINIMIZE},
	{ "merror",       30, GOAL_MINIMIZE},
	{ "mlogloss",     38, GOAL_MINIMIZE},
	{ "wer",          28, GOAL_MINIMIZE},
	{ "cer",          28, GOAL_MINIMIZE},
	{ "accuracy",     20, GOAL_MAXIMIZE},
	{ "acc",          20, GOAL_MAXIMIZE},
	{ "top1",         20, GOAL_MAXIMIZE},
	{ "auc",          19, GOAL_MAXIMIZE},
	{ "auroc",        19, GOAL_MAXIMIZE},
	{ "f1",           18, GOAL_MAXIMIZE},
	{ "iou",          18, GOAL_MAXIMIZE},
	{ "miou",         18, GOAL_MAXIMIZE},
	{ "map",          18, GOAL_MAXIMIZE},
	{ "dice",         18, GOAL_MAXIMIZE},
	{ "bleu",         18, GOAL_MAXIMIZE},
	{ "r2",           18, GOAL_MAXIMIZE},
	{ "score",        16, GOAL_MAXIMIZE},
	{ "precision",    15, GOAL_MAXIMIZE},
	{ "recall",       15, GOAL_MAXIMIZE},
	{ "reward",       14, GOAL_MAXIMIZE},
	{ "return",       14, GOAL_MAXIMIZE},
	{ NULL,           0,  GOAL_MINIMIZE},
};

/* Words for the curve, and how much they add to the rank. */
static const struct known_word train_words[] = {
	{"train",     2, GOAL_MINIMIZE},
        { "training", 2, GOAL_MINIMIZE},
	{ "learn",    1, GOAL_MINIMIZE},
        { "tr",       1, GOAL_MINIMIZE},
	{ "fit",      1, GOAL_MINIMIZE},
        { NULL,       0, GOAL_MINIMIZE},
};
static const struct known_word valid_words[] = {
	{"val",         3, GOAL_MINIMIZE},
        { "valid",      3, GOAL_MINIMIZE},
	{ "validation", 3, GOAL_MINIMIZE},
        { "dev",        2, GOAL_MINIMIZE},
	{ "eval",       2, GOAL_MINIMIZE},
        { "evaluation", 2, GOAL_MINIMIZE},
	{ "test",       1, GOAL_MINIMIZE},
        { "testing",    1, GOAL_MINIMIZE},
	{ "holdout",    1, GOAL_MINIMIZE},
        { NULL,         0, GOAL_MINIMIZE},
};
/* Words that make a name no other quantity. */
static const struct known_word neutral_words[] = {
	{"s",        0, GOAL_MINIMIZE},
        { "epoch",   0, GOAL_MINIMIZE},
	{ "avg",     0, GOAL_MINIMIZE},
        { "mean",    0, GOAL_MINIMIZE},
	{ "total",   0, GOAL_MINIMIZE},
        { "running", 0, GOAL_MINIMIZE},
	{ "cross",   0, GOAL_MINIMIZE},
        { NULL,      0, GOAL_MINIMIZE},
};

static bool is_letter(char c)
{
	return token_begins_name(c) && c != '_';
}

/* Splits @name into words: at what is no letter or digit, and within loLo. */
static size_t split(const char *name, struct word words[WORDS])
{
	size_t n = 0;

	while (*name != '\0' && n < WORDS) {
		const char *begin = name;

		while (is_letter(*name) || token_is_digit(*name)) {
			name++;
			if (name[-1] >= 'a' && name[-1] <= 'z' &&
			    *name >= 'A' && *name <= 'Z')
				break;
		}
		if (name > begin)
			words[n++] =
			    (struct word){ begin, (size_t)(name - begin) };
		else
			name++;
	}
	return n;
}

static const struct known_word *look_up(const struct known_word *known,
					struct word w)
{
	for (; known->text != NULL; known++)
		if (token_is_word(w.text, w.len, known->text))
			return known;
	return NULL;
}

static bool is_number(struct word w)
{
	for (size_t i = 0; i < w.len; i++)
		if (!token_is_digit(w.text[i]))
			return false;
	return true;
}

/* The word without the number behind it: "valid_1", "test2". */
static struct word bare(const char *text, size_t len)
{
	while (len > 0 && (!is_letter(text[len - 1]) ||
			   (len > 2 && text[len - 2] == '\'')))
		len--;
	return (struct word){ text, len };
}

bool series_is_curve(const char *word, size_t len)
{
	struct word w = bare(word, len);

	return look_up(train_words, w) != NULL ||
	       look_up(valid_words, w) != NULL;
}

bool series_is_plain(const char *name, size_t len)
{
	static const struct known_word plain[] = {
		{"loss",        0, GOAL_MINIMIZE},
		{ "accuracy",   0, GOAL_MAXIMIZE},
		{ "acc",        0, GOAL_MAXIMIZE},
		{ "mse",        0, GOAL_MINIMIZE},
		{ "rmse",       0, GOAL_MINIMIZE},
		{ "nll",        0, GOAL_MINIMIZE},
		{ "perplexity", 0, GOAL_MINIMIZE},
		{ "ppl",        0, GOAL_MINIMIZE},
		{ NULL,         0, GOAL_MINIMIZE},
	};
	size_t begin = len;

	while (begin > 0 && is_letter(name[begin - 1]))
		begin--;
	return look_up(plain, (struct word){ name + begin, len - begin }) !=
	       NULL;
}

struct series_role series_role(const char *name)
{
	struct series_role role = { SERIES_TRAIN, GOAL_MINIMIZE, 0 };
	const struct known_word *quantity = NULL, *found;
	struct word words[WORDS];
	size_t n = split(name, words);
	int bonus = 0;

	for (size_t i = 0; i < n; i++) {
		if ((found = look_up(valid_words, words[i])) != NULL) {
			role.curve = SERIES_VALID;
			bonus += found->rank;
		} else if ((found = look_up(train_words, words[i])) != NULL) {
			bonus += found->rank;
		} else if ((found = look_up(quantities, words[i])) != NULL) {
			quantity = found;
		} else if (look_up(neutral_words, words[i]) == NULL &&
			   !is_number(words[i])) {
			bonus -= 3;
		}
	}
	if (quantity == NULL) { /* "learn: 0.5  test: 0.6" */
		role.rank = bonus > 0 && n == 1 ? bonus : 0;
		return role;
	}
	role.goal = quantity->goal;
	role.rank = quantity->rank + bonus > 1 ? quantity->rank + bonus : 1;
	return role;
}

/* Whether two names differ only in words for the curve. */
static bool same_words(const char *a, const char *b)
{
	struct word words[2][WORDS];
	size_t n[2] = { split(a, words[0]), split(b, words[1]) };
	size_t at[2] = { 0, 0 };

	for (;;) {
		for (int k = 0; k < 2; k++) {
			while (at[k] < n[k] &&
			       (is_number(words[k][at[k]]) ||
				look_up(train_words, words[k][at[k]]) ||
				look_up(valid_words, words[k][at[k]])))
				at[k]++;
		}
		if (at[0] == n[0] || at[1] == n[1])
			return at[0] == n[0] && at[1] == n[1];
		for (int k = 0; k < 2; k++) {
			struct word w = words[k][at[k]];
			struct word v = words[1 - k][at[1 - k]];

			if (w.len != v.len ||
			    strncasecmp(w.text, v.text, w.len) != 0)
				return false;
		}
		at[0]++;
		at[1]++;
	}
}

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n && name != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

/* The best training curve beside the validation curve @valid (-1: none). */
static int choose_train(const char *const *names, size_t n, int valid,
			int *ret_rank)
{
	int best = -1;

	*ret_rank = 0;
	for (size_t i = 0; i < n; i++) {
		struct series_role role = series_role(names[i]);
		int rank = role.rank;

		if ((int)i == valid || rank == 0 || role.curve != SERIES_TRAIN)
			continue;
		if (valid >= 0 && same_words(names[i], names[valid]))
			rank += SAME_WORDS;
		if (rank > *ret_rank) {
			*ret_rank = rank;
			best = (int)i;
		}
	}
	return best;
}

static struct series_choice choose_pair(const char *const *names, size_t n)
{
	struct series_choice choice = {
		{-1, -1}
	};
	int best, rank;

	choice.curves[SERIES_TRAIN] = choose_train(names, n, -1, &best);
	for (size_t i = 0; i < n; i++) {
		struct series_role role = series_role(names[i]);
		int train;

		if (role.curve != SERIES_VALID || role.rank == 0)
			continue;
		train = choose_train(names, n, (int)i, &rank);
		rank += role.rank;
		if (choice.curves[SERIES_VALID] < 0 || rank > best) {
			best = rank;
			choice.curves[SERIES_TRAIN] = train;
			choice.curves[SERIES_VALID] = (int)i;
		}
	}
	return choice;
}

struct series_choice series_choose(const char *const *names, size_t n,
				   const char *metric, const char *train)
{
	struct series_choice choice = {
		{-1, -1}
	};
	int told = find_name(names, n, metric), rank;

	if (metric == NULL && train == NULL) {
		choice = choose_pair(names, n);
		if (n == 1 && choice.curves[SERIES_VALID] < 0)
			choice.curves[SERIES_TRAIN] = 0;
		return choice;
	}
	if (metric != NULL && told < 0)
		return choice;
	if (train == NULL && series_role(metric).curve == SERIES_TRAIN) {
		choice.curves[SERIES_TRAIN] = told;
		return choice;
	}
	choice.curves[SERIES_VALID] = told;
	choice.curves[SERIES_TRAIN] = find_name(names, n, train);
	if (train == NULL)
		choice.curves[SERIES_TRAIN] =
		    choose_train(names, n, told, &rank);
	return choice;
}
