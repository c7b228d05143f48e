#include "spec_of.h"

#include "schema/mem.h"

#include <check.h>
#include <string.h>

struct search_spec *spec_of(const char *parameters, const char *sampler)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = NULL;
	auto_free char *told = NULL;
	struct search_spec *spec = NULL;

	text = xasprintf("{\"name\": \"t\", \"command\": [\"true\"], "
			 "\"metric\": {\"name\": \"loss\"}, \"trials\": 10, "
			 "\"parameters\": {%s}, \"sampler\": {%s}}",
			 parameters, sampler);
	if (search_parse(text, strlen(text), &spec, &faults) != 0) {
		told = diag_text(&faults, NULL);
		ck_abort_msg("%s", told);
	}
	return spec;
}
