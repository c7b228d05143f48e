/*
 * Gives the target every file of a folder, each of them whole and then cut
 * short at some places:
 *
 *   fuzz_NAME FOLDER
 */
#include "fuzz.h"

#include "schema/buf.h"
#include "schema/mem.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS 16 /* of a file */

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void read_file(const char *path, struct buf *ret_text)
{
	FILE *f = fopen(path, "re");
	char chunk[4096];
	size_t n;

	if (f == NULL)
		err(1, "%s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(ret_text, chunk, n);
	if (ferror(f))
		err(1, "%s", path);
	fclose(f);
}

/* In memory of its own, so that reading beyond the end is seen. */
static void give(const char *text, size_t len)
{
	uint8_t *copy = xmalloc(len > 0 ? len : 1);

	memcpy(copy, text, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void replay(const char *path)
{
	auto_buf struct buf text = BUF_INIT;

	read_file(path, &text);
	for (size_t i = 0; i <= CUTS; i++)
		give(buf_text(&text), text.len * i / CUTS);
}

int main(int argc, char **argv)
{
	struct dirent **seeds;
	int n;

	if (argc != 2)
		errx(2, "usage: %s FOLDER", argv[0]);
	n = scandir(argv[1], &seeds, is_seed, alphasort);
	if (n <= 0)
		err(1, "%s: no seeds", argv[1]);
	for (int i = 0; i < n; i++) {
		auto_free char *path =
		    xasprintf("%s/%s", argv[1], seeds[i]->d_name);

		/* The last line names the seed that the target fell over. */
		printf("%s\n", path);
		fflush(stdout);
		replay(path);
		free(seeds[i]);
	}
	free(seeds);
	return 0;
}
