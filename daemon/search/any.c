#include "search/rule.h"

#include "schema/limits.h"

/* The search's divergence is its own matter: no child is asked about it. */
struct any {
	struct pruner base;
	struct pruner *children[LIMIT_RULES]; /* [options->n_rules] */
};

struct any_trial {
	struct pruner_trial base;
	struct pruner_trial *trials[LIMIT_RULES]; /* of the children */
};

static void any_init(struct pruner *base)
{
	struct any *a = (struct any *)base;

	for (size_t k = 0; k < base->options->n_rules; k++)
		a->children[k] =
		    pruner_new_of(base->spec, &base->options->rules[k]);
}

/* All of them learn from it, even when one has already said stop. */
static void any_report(struct pruner *base, struct pruner_trial *base_trial,
		       const struct curve *c, size_t i, struct verdict *ret)
{
	struct any_trial *t = (struct any_trial *)base_trial;

	for (size_t k = 0; k < base->options->n_rules; k++) {
		struct pruner *child = ((struct any *)base)->children[k];

		if (t->trials[k] == NULL)
			t->trials[k] =
			    pruner_trial_new(child, base_trial->number);
		rule_report(t->trials[k], c, i, ret);
	}
}

static void any_ended(struct pruner *base, struct pruner_trial *base_trial,
		      const struct curve *c, enum trial_state state)
{
	struct any_trial *t = (struct any_trial *)base_trial;

	for (size_t k = 0; k < base->options->n_rules; k++) {
		if (t->trials[k] != NULL)
			pruner_ended(t->trials[k]->pruner, t->trials[k], c,
				     state);
	}
}

static bool any_foretell(const struct pruner_trial *base, const struct curve *c,
			 struct foretold *ret)
{
	const struct any_trial *t = (const struct any_trial *)base;

	for (size_t k = 0; k < base->pruner->options->n_rules; k++) {
		if (t->trials[k] != NULL &&
		    pruner_foretell(t->trials[k], c, ret))
			return true;
	}
	return false;
}

static void any_forget(struct pruner *base, struct pruner_trial *base_trial)
{
	struct any_trial *t = (struct any_trial *)base_trial;

	for (size_t k = 0; k < base->options->n_rules; k++) {
		pruner_trial_forget(t->trials[k]);
		t->trials[k] = NULL;
	}
}

static void any_trial_fini(struct pruner_trial *base_trial)
{
	struct any_trial *t = (struct any_trial *)base_trial;

	for (size_t k = 0; k < LIMIT_RULES; k++)
		pruner_trial_free(t->trials[k]);
}

static void any_fini(struct pruner *base)
{
	struct any *a = (struct any *)base;

	for (size_t k = 0; k < base->options->n_rules; k++)
		pruner_free(a->children[k]);
}

const struct rule any_rule = {
	.size = sizeof(struct any),
	.trial_size = sizeof(struct any_trial),
	.init = any_init,
	.report = any_report,
	.ended = any_ended,
	.foretell = any_foretell,
	.forget = any_forget,
	.trial_fini = any_trial_fini,
	.fini = any_fini,
};
