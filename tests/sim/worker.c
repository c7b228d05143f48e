/*
 * The worker threads that samplers think on. The answer comes at a later time
 * of the seed's choice, and much may happen before; a crash takes it away.
 */
#include "search/sampler.h"
#include "sim.h"

#include "schema/mem.h"

#include <stdlib.h>

void worker_act(struct sim *sim, struct effect *e)
{
	struct thought *t;

	if (sim->n_thoughts == sim->cap_thoughts) {
		sim->cap_thoughts =
		    sim->cap_thoughts > 0 ? 2 * sim->cap_thoughts : 16;
		sim->thoughts = xreallocarray(sim->thoughts, sim->cap_thoughts,
					      sizeof(*sim->thoughts));
	}
	t = &sim->thoughts[sim->n_thoughts++];
	*t = (struct thought){ .asked = e->suggest };
	e->suggest.sampler = NULL;
	t->wake_t = sim->t + draw_below(sim, 300);
	if (!sim->calm && draw_chance(sim, 25))
		t->wake_t += draw_below(sim, 30000);
}

static struct thought *next_of(const struct sim *sim)
{
	struct thought *next = NULL;

	for (size_t i = 0; i < sim->n_thoughts; i++) {
		struct thought *t = &sim->thoughts[i];

		if (next == NULL || t->wake_t < next->wake_t)
			next = t;
	}
	return next;
}

int64_t worker_next(const struct sim *sim)
{
	const struct thought *t = next_of(sim);

	return t != NULL ? t->wake_t : NEVER;
}

static void free_list(struct proposal *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		proposal_fini(&list[i]);
	free(list);
}

void worker_move(struct sim *sim)
{
	struct thought *next = next_of(sim);
	struct fx_suggest asked = next->asked;
	struct proposal *list = xcalloc(asked.n, sizeof(*list));
	struct proposal *again = xcalloc(asked.n, sizeof(*again));
	size_t known = oracle_known(sim, asked.search);
	auto_diag struct diag d = DIAG_INIT;
	struct event ev = {
		.type = EV_SUGGESTED,
		.at = sim_now(sim),
		.search = asked.search,
		.suggested = {.sampler = asked.sampler, .list = list},
	};
	uint64_t cursor = asked.cursor;

	*next = sim->thoughts[--sim->n_thoughts];
	ev.suggested.n = oracle_suggest_again(sim, &asked, again);
	if (sampler_propose(asked.sampler, &cursor, asked.n, list) !=
	    ev.suggested.n)
		sim_fail(sim,
			 "a restarted sampler of search %lld has another "
			 "number of proposals",
			 (long long)asked.search);
	oracle_proposals(sim, &asked, list, again, ev.suggested.n);
	(void)sim_step(sim, &ev, &d);
	oracle_answered(sim, asked.search, known, again, ev.suggested.n);
	free_list(again, ev.suggested.n);
	free(list);
}

void worker_crash(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_thoughts; i++)
		sampler_free(sim->thoughts[i].asked.sampler);
	sim->n_thoughts = 0;
}

void worker_free(struct sim *sim)
{
	worker_crash(sim);
	free(sim->thoughts);
}
