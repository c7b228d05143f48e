#pragma once

#include "schema/search.h"

/* The search file at @path: search_free(). Exits with words if it is none. */
struct search_spec *spec_file(const char *path);
