#include "search/history.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void history_init(struct history *h, const struct space *space)
{
	*h = (struct history){ .space = space };
}

void history_fini(struct history *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->rows[i].config);
	free(h->rows);
	seen_free(&h->tried);
}

static struct history_row *add(struct history *h, const struct cell *config)
{
	size_t size = h->space->n * sizeof(*config);
	struct history_row *row;

	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? h->cap * 2 : 16;
		h->rows = xreallocarray(h->rows, h->cap, sizeof(*h->rows));
	}
	row = &h->rows[h->n++];
	row->config = xcalloc(h->space->n, sizeof(*config));
	memcpy(row->config, config, size);
	row->hash = space_hash(h->space, config);
	seen_add(&h->tried, row->hash);
	return row;
}

void history_tell(struct history *h, size_t number, const struct cell *config,
		  struct observation seen)
{
	struct history_row *row;

	assert(number <= h->n);
	row = number < h->n ? &h->rows[number] : add(h, config);
	row->seen = seen;
}

int64_t history_early(const struct history *h)
{
	int64_t most = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct observation *o = &h->rows[i].seen;

		if ((o->fate == FATE_DONE || o->fate == FATE_PRUNED) &&
		    o->steps > most)
			most = o->steps;
	}
	return most / 3 + (most % 3 != 0);
}

double score_of(enum goal goal, double value)
{
	return goal == GOAL_MAXIMIZE ? -value : value;
}
