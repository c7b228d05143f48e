#pragma once

/* "budget" of a search file. */
#include "schema/object.h"
#include "schema/search.h"

/* After "folds" and "repeats", which it replaces. */
void search_budget_parse(const struct object *o, struct search_spec *spec);
