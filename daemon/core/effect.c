#include "core/effect.h"

#include "search/sampler.h"

#include "schema/mem.h"

#include <stdlib.h>

static struct effect *append(struct effects *fx, enum effect_type type)
{
	if (fx->n == fx->cap) {
		fx->cap = fx->cap > 0 ? 2 * fx->cap : 64;
		fx->list = xreallocarray(fx->list, fx->cap, sizeof(*fx->list));
	}
	fx->list[fx->n] = (struct effect){ .type = type };
	return &fx->list[fx->n++];
}

/* NULL when a save of the record stands in the list already. */
static struct effect *append_save(struct effects *fx, enum effect_type type,
				  bool *queued)
{
	struct effect *e;

	if (*queued)
		return NULL;
	*queued = true;
	e = append(fx, type);
	e->queued = queued;
	return e;
}

void fx_save_search(struct effects *fx, const struct search_record *r,
		    bool *queued)
{
	struct effect *e = append_save(fx, FX_SAVE_SEARCH, queued);

	if (e != NULL)
		e->search = r;
}

void fx_save_trial(struct effects *fx, const struct trial_record *r,
		   bool *queued)
{
	struct effect *e = append_save(fx, FX_SAVE_TRIAL, queued);

	if (e != NULL)
		e->trial = r;
}

void fx_save_attempt(struct effects *fx, const struct attempt_record *r,
		     bool *queued)
{
	struct effect *e = append_save(fx, FX_SAVE_ATTEMPT, queued);

	if (e != NULL)
		e->attempt = r;
}

void fx_save_metrics(struct effects *fx, struct fx_metrics m)
{
	append(fx, FX_SAVE_METRICS)->metrics = m;
}

void fx_save_symptoms(struct effects *fx, struct fx_symptoms s)
{
	append(fx, FX_SAVE_SYMPTOMS)->symptoms = s;
}

void fx_save_event(struct effects *fx, struct event_record e)
{
	append(fx, FX_SAVE_EVENT)->event = e;
}

void fx_run(struct effects *fx, enum effect_type type, struct fx_run run)
{
	append(fx, type)->run = run;
}

void fx_signal(struct effects *fx, enum effect_type type,
	       const struct attempt_record *r)
{
	append(fx, type)->attempt = r;
}

void fx_suggest(struct effects *fx, struct fx_suggest s)
{
	append(fx, FX_SUGGEST)->suggest = s;
}

void fx_trial_ended(struct effects *fx, const struct trial_record *r)
{
	append(fx, FX_TRIAL_ENDED)->trial = r;
}

void fx_search_changed(struct effects *fx, const struct search_record *r)
{
	append(fx, FX_SEARCH_CHANGED)->search = r;
}

static void free_symptoms(struct fx_symptoms *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].text);
		free(s->list[i].data);
	}
	free(s->list);
}

void effects_clear(struct effects *fx)
{
	for (size_t i = 0; i < fx->n; i++) {
		struct effect *e = &fx->list[i];

		if (e->queued != NULL)
			*e->queued = false;
		if (e->type == FX_SAVE_METRICS) {
			free(e->metrics.rows);
			free(e->metrics.names);
		}
		if (e->type == FX_SAVE_SYMPTOMS)
			free_symptoms(&e->symptoms);
		if (e->type == FX_SAVE_EVENT) {
			free(e->event.text);
			free(e->event.data);
		}
		if (e->type == FX_SUGGEST)
			sampler_free(e->suggest.sampler);
	}
	fx->n = 0;
}

void effects_free(struct effects *fx)
{
	effects_clear(fx);
	free(fx->list);
	*fx = (struct effects){ 0 };
}
