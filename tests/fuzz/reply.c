#include "reply.h"

#include <assert.h>
#include <string.h>

void reply_check(const cJSON *reply)
{
	const cJSON *error = json_get(reply, "error");

	assert(strcmp(json_get_text(reply, "jsonrpc"), "2.0") == 0);
	assert(json_get(reply, "id") != NULL);
	assert((json_get(reply, "result") != NULL) != (error != NULL));
	if (error != NULL) {
		assert(json_get_integer(error, "code", 0) != 0);
		assert(json_get_text(error, "message")[0] != '\0');
	}
}
