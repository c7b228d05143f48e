/*
 * Stands in for hpsd-shim: the first one to be started runs under strace(1),
 * all others as they are. No shell, since a shell would change what the daemon
 * has set for a shim: signals, descriptors, environment.
 *
 * $HPSD_FAULT is a folder. `arm` in it holds the words of strace's command
 * line, one a line, the program's path the last; it is renamed when it is
 * used, and `told` gets a line "shim TOKEN". strace gets no HPS_TOKEN, or it
 * would pass for a process of the trial.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 1024 };

static char text[4096];
static char *words[WORDS_MAX];
static char option[] = "-E";

static int read_words(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);
	int n = 0;

	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	for (char *w = strtok(text, "\n"); w != NULL; w = strtok(NULL, "\n"))
		words[n++] = w;
	return n;
}

static char *keep(const char *name)
{
	static char kept[2][512];
	static int n;

	(void)snprintf(kept[n], sizeof(kept[n]), "%s=%s", name, getenv(name));
	(void)unsetenv(name);
	return kept[n++];
}

int main(int argc, char **argv)
{
	const char *folder = getenv("HPSD_FAULT");
	char arm[256], armed[256];
	char *program;
	int fd, n;

	(void)snprintf(arm, sizeof(arm), "%s/arm", folder);
	(void)snprintf(armed, sizeof(armed), "%s/armed", folder);
	if (rename(arm, armed) < 0) {
		(void)execv(getenv("HPSD_SHIM"), argv);
		return 126;
	}
	n = read_words(armed);
	(void)snprintf(arm, sizeof(arm), "%s/told", folder);
	fd = open(arm, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	(void)dprintf(fd, "shim %s\n", argv[3]);
	program = words[--n];
	words[n++] = option;
	words[n++] = keep("HPS_TOKEN");
	words[n++] = option;
	words[n++] = keep("HPS_DIR");
	words[n++] = program;
	for (int i = 1; i < argc && n < WORDS_MAX - 1; i++)
		words[n++] = argv[i];
	(void)execv(words[0], words);
	return 126;
}
