/* What can be said of the trials that run: at which run they are, what of. */
#include "server.h"

#include "schema/mem.h"

#include <math.h>

#define MOST 100 /* of a search are listed */

static void add_run(cJSON *o, struct buf *b, const struct search_spec *spec,
		    int64_t run)
{
	json_add_integer(o, "run", run);
	json_add_integer(o, "runs", spec->runs);
	if (spec->runs == 1)
		return;
	buf_addf(b, "run %lld of 0 to %lld%s", (long long)run,
		 (long long)spec->runs - 1,
		 spec->runs_min < spec->runs || spec->budget.name != NULL
		     ? " at most"
		     : "");
	if (spec->budget.name != NULL)
		buf_addf(b, ", %s = %lld", spec->budget.name,
			 (long long)search_level(spec, run));
}

static void add_foretold(cJSON *o, struct buf *b,
			 const struct search_spec *spec,
			 const struct foretold *f)
{
	const char *word = f->in_seconds ? "second" : "step";

	o = cJSON_AddObjectToObject(o, "foretold");
	json_add_number(o, "value", f->mean);
	json_add_number(o, "sd", f->sd);
	json_add_number(o, "low", f->low);
	json_add_number(o, "high", f->high);
	json_add_integer(o, word, f->last);
	json_add_number(o, "best", f->best);
	json_add_number(o, "probability", f->probability);
	buf_addf(b,
		 "%s%s %.3g +- %.2g is foretold for %s %lld, better than the "
		 "best with %.2g %%",
		 b->len > 0 ? "; " : "", spec->metric, f->mean, f->sd, word,
		 (long long)f->last, 100 * f->probability);
}

cJSON *running_list(const struct server *s, int64_t search, bool foretell)
{
	cJSON *list = cJSON_CreateArray();
	struct core_running trials[MOST];
	const struct search_spec *spec;
	size_t n;

	if (!core_has_search(s->core, search))
		return list;
	n = core_running(s->core, search, MOST, trials, &spec);
	for (size_t i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();
		auto_buf struct buf b = BUF_INIT;
		struct foretold f;

		json_add_integer(o, "trial", trials[i].number);
		add_run(o, &b, spec, trials[i].run);
		if (foretell &&
		    core_foretell(s->core, search, trials[i].number, &f))
			add_foretold(o, &b, spec, &f);
		cJSON_AddStringToObject(o, "text", buf_text(&b));
		cJSON_AddItemToArray(list, o);
	}
	return list;
}
