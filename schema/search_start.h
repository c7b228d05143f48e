#pragma once

/* The configurations of a search that are tried first: "start". */
#include "schema/object.h"
#include "schema/search.h"

/*
 * Reads "start" from the search @o into @spec, all other members of which are
 * read; its space is NULL if it is broken. Adds every fault.
 */
void search_start_parse(const struct object *o, struct search_spec *spec);
