#pragma once

#include "schema/search.h"

/*
 * A search to minimize "loss" with the members @parameters of "parameters" and
 * @sampler of "sampler": JSON text without the braces. Ends the test if it is
 * no search. search_free().
 */
struct search_spec *spec_of(const char *parameters, const char *sampler);
