/*
 * LD_PRELOAD: whatever statfs(2) is asked for lies on the file system of number
 * $FAKE_FS.
 */
#include <stdlib.h>
#include <string.h>

struct statfs;

int statfs(const char *path, struct statfs *st);
int statfs64(const char *path, struct statfs *st);

/* f_type comes first, a long; what follows nobody asks for here. */
int statfs(const char *path, struct statfs *st)
{
	const char *magic = getenv("FAKE_FS");
	long number = magic != NULL ? strtol(magic, NULL, 0) : 0;

	memcpy((void *)st, &number, sizeof(number));
	return 0;
}

int statfs64(const char *path, struct statfs *st)
{
	return statfs(path, st);
}
