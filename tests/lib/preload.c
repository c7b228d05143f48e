/*
 * Put before other libraries by LD_PRELOAD: memory that runs out, a disk that
 * does not answer, a model that is never done.
 *   FAIL_MALLOC=N    the Nth allocation fails; N+: and all that follow
 *   COUNT_MALLOC=F   their number goes to file F at the end
 *   SLOW_SYNC=F      fdatasync() on a worker thread waits while there is a file
 * F SLOW_MODEL=F     so does what a sampler's model is factored by Shims are
 * static, and trials do not inherit the variables.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static atomic_long count;
static long fails_at;
static bool fails_on;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAIL_MALLOC");

	if (text != NULL) {
		fails_at = atol(text);
		fails_on = strchr(text, '+') != NULL;
	}
	atomic_store(&count, 0);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("COUNT_MALLOC");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;

	if (f != NULL) {
		(void)fprintf(f, "%ld\n", atomic_load(&count));
		(void)fclose(f);
	}
}

static bool fails(void)
{
	long n = atomic_fetch_add(&count, 1) + 1;

	if (fails_at == 0 || n < fails_at || (n > fails_at && !fails_on))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}

static void wait_while_there_is(const char *path)
{
	while (path != NULL && access(path, F_OK) == 0)
		(void)usleep(1000);
}

int fdatasync(int fd)
{
	if (gettid() != getpid())
		wait_while_there_is(getenv("SLOW_SYNC"));
	return (int)syscall(SYS_fdatasync, fd);
}

typedef void factor_fn(const char *uplo, const int *n, double *a,
		       const int *lda, int *info);

factor_fn dpotrf_;

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda,
	     int *info)
{
	void *found = dlsym(RTLD_NEXT, "dpotrf_");
	factor_fn *real;

	memcpy(&real, &found, sizeof(found)); /* ISO C has no cast for it */
	wait_while_there_is(getenv("SLOW_MODEL"));
	real(uplo, n, a, lda, info);
}
