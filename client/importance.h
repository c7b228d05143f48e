#pragma once

/* Pictures of what the method "why" answers, for a terminal. */
#include "out.h"

/* A sentence on which parameters matter; new. */
char *importance_text(const cJSON *result);
/* The shares of its "importance" as a table with bars. */
void importance_print(struct out *o, const cJSON *result);
/* The results over one parameter, a row a part of its range. */
void importance_print_curve(struct out *o, const cJSON *result,
			    const cJSON *parameter);
