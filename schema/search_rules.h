#pragma once

/* How a search chooses and stops: "sampler", "early_stopping" and what they
 * want of "trials". */
#include "schema/object.h"
#include "schema/search.h"

/*
 * Reads both from the search @o into @spec, whose limits are read, and its
 * space, which is NULL if it is broken. Adds every fault.
 */
void search_rules_parse(const struct object *o, struct search_spec *spec);
