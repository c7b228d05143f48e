/* The "parameters" of a search file, to a struct space. */
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/param.h"
#include "schema/when.h"

#include <stdlib.h>
#include <string.h>

bool param_name_is_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	return name[0] != '\0' && strchr(letters, name[0]) != NULL &&
	       strlen(name) <= LIMIT_NAME_BYTES &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-")] ==
		   '\0';
}

static void check_name(const struct object *parameters, const cJSON *node,
		       const struct space *s, size_t i)
{
	const char *name = s->params[i].name;
	auto_free char *variable = param_variable(name);
	auto_free char *path = object_path(parameters, name);

	if (!param_name_is_valid(name)) {
		json_fault_name(parameters->doc, node, parameters->reterr, path,
				"is no name (a letter or _, then letters, "
				"digits, \"_\", \".\" or \"-\", at most %d)",
				LIMIT_NAME_BYTES);
		return;
	}
	for (size_t k = 0; k < i; k++) {
		auto_free char *taken = param_variable(s->params[k].name);

		if (strcmp(variable, taken) == 0)
			json_fault_name(parameters->doc, node,
					parameters->reterr, path,
					"has the variable %s of \"%s\" (rename "
					"one of them)",
					variable, s->params[k].name);
	}
}

int space_parse(const struct json_doc *doc, const cJSON *parameters,
		struct space **ret_space, struct diag *reterr)
{
	struct object o = { doc, parameters, "parameters", reterr };
	int n = cJSON_GetArraySize(parameters);
	size_t before = reterr->n;
	auto_free bool *sound = NULL;
	struct space *s;
	const cJSON *node;

	if (!object_check(&o, "{\"lr\": {\"type\": \"float\", ...}}"))
		return 1;
	if (n == 0 || n > LIMIT_PARAMS) {
		json_fault(doc, parameters, reterr, "parameters",
			   "has %d parameters (must have 1 to %d)", n,
			   LIMIT_PARAMS);
		return 1;
	}
	s = xcalloc(1, sizeof(*s));
	s->params = xcalloc((size_t)n, sizeof(*s->params));
	sound = xcalloc((size_t)n, sizeof(*sound));
	cJSON_ArrayForEach (node, parameters) {
		auto_free char *path = object_path(&o, node->string);
		struct object param = { doc, node, path, reterr };
		size_t faults = reterr->n;

		s->params[s->n].name = xstrdup(node->string);
		param_parse(&param, &s->params[s->n]);
		sound[s->n] = reterr->n == faults;
		check_name(&o, node, s, s->n);
		s->n++;
	}
	when_parse(&o, s, sound);
	if (reterr->n > before) {
		space_free(s);
		return 1;
	}
	*ret_space = s;
	return 0;
}
