#pragma once

/* What every reply must be, whatever was asked. Aborts where one is not. */
#include "schema/json.h"

/* One result, or one error with a code and words. */
void reply_check(const cJSON *reply);
