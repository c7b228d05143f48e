#include "schema/search_start.h"

#include "schema/limits.h"
#include "schema/mem.h"

/* One configuration; its faults get their places. */
static bool read_config(const struct object *config, const struct space *space,
			struct cell *ret)
{
	auto_diag struct diag faults = DIAG_INIT;

	if (!object_check(config, "{\"lr\": 0.1}"))
		return false;
	if (space_read(space, config->node, ret, &faults) == 0)
		return true;
	for (size_t i = 0; i < faults.n; i++)
		object_fault(config, faults.faults[i].path, "%s",
			     faults.faults[i].text);
	return false;
}

/* The index of the first of @n configurations that equals @config; or @n. */
static size_t find(const struct space *space, const struct cell *configs,
		   size_t n, const struct cell *config)
{
	size_t i = 0;

	while (i < n && !space_equal(space, &configs[i * space->n], config))
		i++;
	return i;
}

static void read_all(const struct object *o, const cJSON *list,
		     struct search_spec *spec)
{
	const struct space *space = spec->space;
	auto_free size_t *index =
	    xcalloc((size_t)cJSON_GetArraySize(list), sizeof(*index));
	size_t n = 0, i = 0;
	const cJSON *node;

	cJSON_ArrayForEach (node, list) {
		auto_free char *path = xasprintf("start[%zu]", i);
		struct object config = { o->doc, node, path, o->reterr };
		struct cell *cells = &spec->start[n * space->n];
		size_t same;

		index[n] = i++;
		if (!read_config(&config, space, cells))
			continue;
		same = find(space, spec->start, n, cells);
		if (same < n && !spec->allow_duplicates)
			json_fault(o->doc, node, o->reterr, path,
				   "is start[%zu] again (each configuration "
				   "once, or \"allow_duplicates\")",
				   index[same]);
		n++;
	}
	spec->n_start = n;
}

void search_start_parse(const struct object *o, struct search_spec *spec)
{
	const cJSON *list = json_get(o->node, "start");
	auto_free char *brief = json_brief(list);
	int n = cJSON_GetArraySize(list);

	if (list == NULL)
		return;
	if (!cJSON_IsArray(list) || n == 0 || n > LIMIT_START) {
		object_fault(o, "start",
			     "is %s (must be a list of 1 to %d configurations, "
			     "as [{\"lr\": 0.1}])",
			     brief, LIMIT_START);
		return;
	}
	if (spec->trials > 0 && n > spec->trials)
		object_fault(
		    o, "start",
		    "has %d configurations, more than \"trials\" (%lld)", n,
		    (long long)spec->trials);
	if (spec->space == NULL)
		return;
	spec->start = xcalloc((size_t)n * spec->space->n, sizeof(*spec->start));
	read_all(o, list, spec);
}
