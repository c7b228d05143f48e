#include "shim/copy.h"

#include "base/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PART      TRIALDIR_CHECKPOINT ".new-"
#define DEPTH_MAX 64 /* directories in directories, each with descriptors */
#define BLOCK     ((size_t)1 << 30) /* of one call, so that a kill is heeded */

/* What is done to each entry of a directory. Returns 0 or an errno. */
struct walk;
typedef int visit_fn(struct walk *w, int from, const char *name,
		     const struct stat *st);

struct walk {
	visit_fn *visit;
	int to; /* copying: the directory that entries of the present one go to
		 */
	int depth;
	uint64_t bytes; /* measuring: so far */
};

/* @name: of an entry that could not be copied; the innermost one is told. */
static int failed(const char *name, int error)
{
	(void)dprintf(STDERR_FILENO,
		      "hpsd-shim: the checkpoint of the trial before cannot be "
		      "copied: \"%s\": %s\n",
		      name, strerror(error));
	return error;
}

/* Some file systems cannot, and have no other time to write. */
static int sync_fd(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL && errno != ENOSYS ? -1 : 0;
}

/* Takes @from. */
static int walk_dir(struct walk *w, int from, const char *name)
{
	DIR *dir = fdopendir(from);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (dir == NULL) {
		r = failed(name, errno);
		(void)close(from);
		return r;
	}
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL) {
			if (errno != 0)
				r = failed(name, errno);
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = failed(entry->d_name, errno);
		else
			r = w->visit(w, from, entry->d_name, &st);
	}
	(void)closedir(dir);
	return r;
}

/* The directory @name in @from, one level deeper. */
static int walk_into(struct walk *w, int from, const char *name)
{
	int fd, r;

	if (w->depth == DEPTH_MAX)
		return failed(name, ELOOP);
	fd =
	    openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(name, errno);
	w->depth++;
	r = walk_dir(w, fd, name);
	w->depth--;
	return r;
}

/* --- how much it is ---------------------------------------------------------
 */

static int measure(struct walk *w, int from, const char *name,
		   const struct stat *st)
{
	w->bytes += (uint64_t)st->st_blocks * 512;
	return S_ISDIR(st->st_mode) ? walk_into(w, from, name) : 0;
}

static int open_from(void)
{
	/* Itself it may be a link, to where there is more room. */
	return open(TRIALDIR_FROM, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int check_room(void)
{
	struct walk w = { .visit = measure };
	struct statvfs fs;
	int fd = open_from();
	int r;

	if (fd < 0)
		return failed(TRIALDIR_FROM, errno);
	r = walk_dir(&w, fd, TRIALDIR_FROM);
	if (r != 0)
		return r;
	if (statvfs(".", &fs) < 0)
		return failed(".", errno);
	return w.bytes / fs.f_frsize >= fs.f_bavail
		   ? failed(TRIALDIR_FROM, ENOSPC)
		   : 0;
}

/* --- the copy ---------------------------------------------------------------
 */

static bool is_unable(int error)
{
	return error == EXDEV || error == ENOSYS || error == EINVAL ||
	       error == EOPNOTSUPP;
}

/* Some of the bytes from @at on; 0: there are none, -1 with errno. */
static ssize_t copy_some(int from, int to, off_t at, size_t n)
{
	static bool is_slow;
	static char buffer[1 << 16];
	off_t in = at, out = at;
	ssize_t got;

	if (!is_slow) {
		got = copy_file_range(from, &in, to, &out,
				      n < BLOCK ? n : BLOCK, 0);
		if (got > 0 || (got < 0 && !is_unable(errno)))
			return got;
		is_slow = got < 0;
	}
	got = pread(from, buffer, n < sizeof(buffer) ? n : sizeof(buffer), at);
	return got <= 0 ? got : pwrite(to, buffer, (size_t)got, at);
}

/* Bytes from @at up to @end, which is no hole. */
static int copy_range(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		ssize_t n = copy_some(from, to, at, (size_t)(end - at));

		if (n < 0)
			return errno;
		if (n == 0)
			return EIO; /* it has become shorter */
		at += n;
	}
	return 0;
}

static int copy_data(int from, int to, off_t size)
{
	off_t at = 0;
	int r = 0;

	while (r == 0 && at < size) {
		off_t data = lseek(from, at, SEEK_DATA), end;

		if (data < 0 && errno == ENXIO)
			break; /* the rest is a hole */
		if (data < 0)
			return copy_range(from, to, at, size);
		end = lseek(from, data, SEEK_HOLE);
		if (end < 0)
			return errno;
		r = copy_range(from, to, data, end < size ? end : size);
		at = end;
	}
	if (r == 0 && ftruncate(to, size) < 0)
		r = errno;
	return r;
}

static int copy_open_file(int from, int to)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return errno;
	r = S_ISREG(st.st_mode) ? copy_data(from, to, st.st_size) : EINVAL;
	if (r == 0 && (fchmod(to, st.st_mode & 07777) < 0 || sync_fd(to) < 0))
		r = errno;
	return r;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
	int from, to, r;

	from = openat(from_dir, name,
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return errno;
	to =
	    openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0) {
		r = errno;
		(void)close(from);
		return r;
	}
	(void)fault_at("copy.file");
	r = copy_open_file(from, to);
	(void)close(from);
	if (close(to) < 0 && r == 0)
		r = errno;
	return r;
}

static int copy_link(int from, int to, const char *name)
{
	static char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target));

	if (n < 0)
		return errno;
	if (n == (ssize_t)sizeof(target))
		return ENAMETOOLONG;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? errno : 0;
}

static int copy_dir(struct walk *w, int from, const char *name, mode_t mode)
{
	int above = w->to;
	int r;

	if (mkdirat(above, name, 0700) < 0)
		return failed(name, errno);
	w->to = openat(above, name,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->to < 0) {
		w->to = above;
		return failed(name, errno);
	}
	r = walk_into(w, from, name);
	if (r == 0 && (fchmod(w->to, mode) < 0 || sync_fd(w->to) < 0))
		r = failed(name, errno);
	(void)close(w->to);
	w->to = above;
	return r;
}

static int copy_entry(struct walk *w, int from, const char *name,
		      const struct stat *st)
{
	const struct timespec times[2] = { st->st_mtim, st->st_mtim };
	int r;

	if (S_ISDIR(st->st_mode)) {
		r = copy_dir(w, from, name, st->st_mode & 07777);
		if (r != 0)
			return r;
	} else if (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) {
		r = S_ISREG(st->st_mode) ? copy_file(from, w->to, name)
					 : copy_link(from, w->to, name);
		if (r != 0)
			return failed(name, r);
	} else {
		return 0; /* of no use to anybody else */
	}
	(void)utimensat(w->to, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* --- what is left of those before -------------------------------------------
 */

static int remove_entry(struct walk *w, int from, const char *name,
			const struct stat *st)
{
	/* Its mode may be that of the original already, which is closed. */
	if (S_ISDIR(st->st_mode) && fchmodat(from, name, 0700, 0) == 0)
		(void)walk_into(w, from, name);
	(void)unlinkat(from, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0);
	return 0;
}

static int remove_part(struct walk *w, int from, const char *name,
		       const struct stat *st)
{
	struct walk all = { .visit = remove_entry };

	return strncmp(name, PART, strlen(PART)) == 0
		   ? remove_entry(&all, from, name, st)
		   : 0;
}

static void remove_parts(void)
{
	struct walk w = { .visit = remove_part };
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)walk_dir(&w, fd, ".");
}

/* --- all of it --------------------------------------------------------------
 */

bool copy_is_wanted(void)
{
	struct stat st;

	return fstatat(AT_FDCWD, TRIALDIR_FROM, &st, AT_SYMLINK_NOFOLLOW) ==
		   0 &&
	       fstatat(AT_FDCWD, TRIALDIR_CHECKPOINT, &st,
		       AT_SYMLINK_NOFOLLOW) < 0;
}

static int sync_here(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || sync_fd(fd) < 0 ? failed(".", errno) : 0;

	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* Its new name says that it is whole. */
static int give_name(const char *part)
{
	(void)fault_at("copy.rename");
	if (rename(part, TRIALDIR_CHECKPOINT) < 0)
		return failed(TRIALDIR_CHECKPOINT, errno);
	(void)fault_at("copy.sync");
	return sync_here();
}

/* All of it as @part. */
static int copy_all(const char *part)
{
	struct walk w = { .visit = copy_entry };
	struct stat st;
	int from = open_from();
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return failed(TRIALDIR_FROM, errno);
	if (mkdir(part, 0700) < 0)
		return failed(part, errno);
	w.to = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w.to < 0)
		return failed(part, errno);
	r = walk_dir(&w, from, TRIALDIR_FROM);
	if (r == 0 &&
	    (fchmod(w.to, st.st_mode & 07777) < 0 || sync_fd(w.to) < 0))
		r = failed(part, errno);
	(void)close(w.to);
	return r;
}

/* The process ends with it, and so do descriptors that an error leaves open. */
int copy_checkpoint(void)
{
	char part[64];
	int r;

	(void)snprintf(part, sizeof(part), PART "%ld", (long)getpid());
	remove_parts();
	(void)fault_at("copy.begin");
	r = check_room();
	if (r == 0)
		r = copy_all(part);
	if (r == 0)
		r = give_name(part);
	if (r != 0)
		remove_parts();
	return r;
}
