/* The daemon's configuration file. */
#include "config.h"
#include "fuzz.h"

#include "schema/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	auto_diag struct diag d = DIAG_INIT;
	int fd = memfd_create("hpsd.json", MFD_CLOEXEC);
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd);
	auto_free char *file = NULL;
	struct config config;
	int r;

	/* What others may write is refused. */
	if (fchmod(fd, 0600) < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	r = config_read(path, &config, &file, &d);
	close(fd);
	assert(strcmp(file, path) == 0);
	assert((r == 0) == (d.n == 0));
	for (size_t i = 0; i < d.n; i++)
		assert(d.faults[i].text[0] != '\0');
	/* What is refused is not half taken over into something odd. */
	assert(config.slots >= 1);
	assert(config.log_level < LOG_LEVELS_N);
	return 0;
}
