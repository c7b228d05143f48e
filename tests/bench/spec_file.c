#include "spec_file.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <err.h>
#include <stdio.h>

struct search_spec *spec_file(const char *path)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *text = xcalloc(LIMIT_SEARCH_BYTES + 1, 1);
	FILE *f = fopen(path, "re");
	struct search_spec *spec;
	size_t len;

	if (f == NULL)
		err(2, "%s", path);
	len = fread(text, 1, LIMIT_SEARCH_BYTES + 1, f);
	if (ferror(f))
		err(2, "%s", path);
	(void)fclose(f);
	if (search_parse(text, len, &spec, &faults) != 0)
		errx(2, "%s", diag_text(&faults, path));
	return spec;
}
