#include "search/waits.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int compare_groups(const struct wait *a, const struct wait *b)
{
	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	return (a->bracket > b->bracket) - (a->bracket < b->bracket);
}

static int compare_places(const struct wait *a, const struct wait *b)
{
	if (a->cost < b->cost || a->cost > b->cost)
		return a->cost < b->cost ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static int compare(const struct wait *a, const struct wait *b)
{
	int by_group = compare_groups(a, b);

	return by_group != 0 ? by_group : compare_places(a, b);
}

static int compare_entries(const void *a, const void *b)
{
	return compare(*(struct wait *const *)a, *(struct wait *const *)b);
}

/* Where @wait belongs; or, @past_group, where its group ends. */
static size_t find(const struct waits *w, const struct wait *wait,
		   bool past_group)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (past_group ? compare_groups(w->list[mid], wait) <= 0
			       : compare(w->list[mid], wait) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void waits_add(struct waits *w, struct wait *wait)
{
	size_t i = find(w, wait, false);

	if (w->n == w->cap) {
		w->cap = w->cap > 0 ? 2 * w->cap : 16;
		w->list = xreallocarray(w->list, w->cap, sizeof(struct wait *));
	}
	memmove(w->list + i + 1, w->list + i,
		(w->n - i) * sizeof(struct wait *));
	w->list[i] = wait;
	w->n++;
}

void waits_remove(struct waits *w, const struct wait *wait)
{
	size_t i = find(w, wait, false);

	assert(i < w->n && w->list[i] == wait);
	w->n--;
	memmove(w->list + i, w->list + i + 1,
		(w->n - i) * sizeof(struct wait *));
}

void waits_sort(struct waits *w)
{
	if (w->n > 0)
		qsort(w->list, w->n, sizeof(struct wait *), compare_entries);
}

const struct wait *waits_first(const struct waits *w,
			       bool (*may)(void *arg, const struct wait *wait),
			       void *arg)
{
	const struct wait *first = NULL;

	for (size_t i = 0; i < w->n; i = find(w, w->list[i], true)) {
		const struct wait *head = w->list[i];

		if (first != NULL && head->level < first->level)
			break;
		if ((may == NULL || may(arg, head)) &&
		    (first == NULL || compare_places(head, first) < 0))
			first = head;
	}
	return first;
}

void waits_free(struct waits *w)
{
	free(w->list);
	*w = (struct waits){ 0 };
}
