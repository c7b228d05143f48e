/*
 * hpsd: start here. main() reads the options and the configuration, takes the
 * state directory for itself, opens the database and hands over to the loop
 * (server.c), where everything that happens becomes an event of the core
 * (core/core.h).
 */
#include "backup.h"
#include "base/fault.h"
#include "restore.h"
#include "server.h"

#include "schema/json.h"
#include "schema/machine.h"
#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef HPSD_LIBEXECDIR
#error "HPSD_LIBEXECDIR is given by the build"
#endif

#define EXIT_BAD_INPUT 2
#define EXIT_TAKEN     100 /* another daemon has the state directory */

static const char usage[] =
    "Usage: hpsd [OPTION]...\n"
    "Runs hyperparameter searches; hpctl hands them over.\n"
    "\n"
    "  --config FILE  configuration (default: $XDG_CONFIG_HOME/hpsd/"
    "hpsd.json)\n"
    "  --state DIR    state directory (default: $HPSD_STATE, "
    "$XDG_STATE_HOME/hpsd)\n"
    "  --socket PATH  control socket (default: $HPSD_SOCKET, "
    "$XDG_RUNTIME_DIR/hpsd.sock)\n"
    "  --shim PATH    hpsd-shim to start trials with\n"
    "  --ready-fd N   write a newline to descriptor N once it listens\n"
    "  -n, --check    check the configuration, and end\n"
    "  --restore FILE put a backup in the place of the database, and end\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "hpsd(8) has more.\n";

struct options {
	const char *config, *state, *socket, *shim, *restore;
	int ready_fd;
	bool check;
};

enum {
	OPT_CONFIG = 256,
	OPT_STATE,
	OPT_SOCKET,
	OPT_SHIM,
	OPT_READY_FD,
	OPT_RESTORE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"config",           required_argument, NULL, OPT_CONFIG },
	{ "state",              required_argument, NULL, OPT_STATE },
	{ "socket",                 required_argument, NULL, OPT_SOCKET },
	{ "shim",required_argument, NULL, OPT_SHIM },
	{ "ready-fd",         required_argument, NULL, OPT_READY_FD },
	{ "restore",          required_argument, NULL, OPT_RESTORE },
	{ "check",              no_argument, NULL, 'n' },
	{ "help",                 no_argument, NULL, OPT_HELP },
	{ "version",              no_argument, NULL, OPT_VERSION },
	{ 0         },
};

static int read_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (end == text || *end != '\0' || fd < 3 || fd > INT_MAX ||
	    fcntl((int)fd, F_GETFD) < 0) {
		(void)fprintf(stderr,
			      "hpsd: --ready-fd %s: is no open descriptor from "
			      "3\n",
			      text);
		exit(EXIT_BAD_INPUT);
	}
	(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}

static void read_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "n", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_STATE:
			o->state = optarg;
			break;
		case OPT_SOCKET:
			o->socket = optarg;
			break;
		case OPT_SHIM:
			o->shim = optarg;
			break;
		case OPT_READY_FD:
			o->ready_fd = read_fd(optarg);
			break;
		case OPT_RESTORE:
			o->restore = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case OPT_HELP:
			(void)fputs(usage, stdout);
			exit(0);
		case OPT_VERSION:
			(void)puts("hpsd " HPSD_VERSION);
			exit(0);
		default:
			(void)fputs("hpsd --help shows the options\n", stderr);
			exit(EXIT_BAD_INPUT);
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "hpsd: \"%s\" is no option\n",
			      argv[optind]);
		exit(EXIT_BAD_INPUT);
	}
}

/* A stray write to 0, 1 or 2 must not hit a file that we opened. */
static void open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* mkdir -p, the last one for us alone. */
static int make_dirs(const char *path)
{
	auto_free char *copy = xstrdup(path);

	for (char *p = copy + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* On a network SQLite's WAL is not safe, nor is our lock. */
static int check_fs(const char *path)
{
	const char *name;
	enum machine_fs kind = machine_fs(path, &name);

	if (kind == MACHINE_FS_NETWORK) {
		log_error("%s: lies on %s, and the database is not safe on a "
			  "network: choose a directory on a local disk with "
			  "HPSD_STATE",
			  path, name);
		return 1;
	}
	if (kind == MACHINE_FS_UNSURE)
		log_warning("%s: lies on %s; if that leads to another machine, "
			    "the database is not safe there",
			    path, name);
	return 0;
}

/* The directory must be ours, and nobody else's to write to. */
static int check_state_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		log_error("%s: %s", path, strerror(errno));
		return 1;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_error("%s: is no directory", path);
		return 1;
	}
	if (st.st_uid != geteuid()) {
		log_error("%s: belongs to another user (uid %u)", path,
			  (unsigned)st.st_uid);
		return 1;
	}
	if ((st.st_mode & 077) != 0) {
		log_error("%s: others may enter it (mode %03o): chmod 700 %s",
			  path, (unsigned)st.st_mode & 0777, path);
		return 1;
	}
	return check_fs(path);
}

/*
 * A POSIX lock on a file of its own: it goes with the process, is not
 * inherited by a shim, and nobody else opens the file.
 */
static int take_lock(struct server *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_free char *path = xasprintf("%s/hpsd.lock", s->paths.state_dir);
	auto_free char *pid = xasprintf("%d\n", getpid());

	s->lock_fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return 1;
	}
	if (fcntl(s->lock_fd, F_SETLK, &lock) == 0) {
		if (ftruncate(s->lock_fd, 0) < 0 ||
		    write(s->lock_fd, pid, strlen(pid)) < 0)
			log_warning("%s: %s", path, strerror(errno));
		return 0;
	}
	if (errno != EACCES && errno != EAGAIN) {
		log_error("%s: %s", path, strerror(errno));
		return 1;
	}
	lock.l_pid = 0;
	(void)fcntl(s->lock_fd, F_GETLK, &lock);
	log_error("another hpsd (pid %d) has the state directory %s",
		  (int)lock.l_pid, s->paths.state_dir);
	return EXIT_TAKEN;
}

static int tell(const struct diag *d)
{
	auto_free char *words = diag_text(d, NULL);

	log_error("%s", words);
	return 1;
}

/* A new database gives the numbers of lost ones again. */
static int part_with_trials(const struct server *s)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *dir = NULL;

	if (restore_part_with_trials(s->paths.state_dir, &dir, &d) != 0)
		return tell(&d);
	if (dir != NULL)
		log_warning("the database is new, and there are trials: they "
			    "are in %s now",
			    dir);
	return 0;
}

static int open_store(struct server *s)
{
	auto_free char *path = xasprintf("%s/hps.db", s->paths.state_dir);
	auto_diag struct diag d = DIAG_INIT;
	struct stat st;
	int r;

	if (restore_resume(s->paths.state_dir, &d) != 0)
		return tell(&d);
	/* Before there is one: the next start would find nothing new. */
	if ((stat(path, &st) < 0 || st.st_size == 0) &&
	    part_with_trials(s) != 0)
		return 1;
	r = store_open(path, &s->store, &d);
	if (r == 0)
		return 0;
	(void)tell(&d);
	if (r == STORE_DAMAGED || r == STORE_FOREIGN)
		backup_tell(s->paths.state_dir, r == STORE_DAMAGED);
	return 1;
}

/* The answer goes to hpctl as JSON. */
static int restore_file(const struct server *s, const char *file)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_json cJSON *result = NULL;
	auto_free char *text = NULL;

	if (restore_resume(s->paths.state_dir, &d) != 0 ||
	    restore(s->paths.state_dir, file, &result, &d) != 0)
		return tell(&d);
	text = json_print(result);
	(void)puts(text);
	return 0;
}

static int make_trials_dir(struct server *s)
{
	auto_free char *path = xasprintf("%s/trials", s->paths.state_dir);

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	log_error("%s: %s", path, strerror(errno));
	return 1;
}

static int take_state(struct server *s)
{
	int r = make_dirs(s->paths.state_dir);

	if (r < 0) {
		log_error("%s: %s", s->paths.state_dir, strerror(-r));
		return 1;
	}
	r = check_state_dir(s->paths.state_dir);
	if (r == 0)
		r = take_lock(s);
	if (r == 0)
		r = make_trials_dir(s);
	return r;
}

/*
 * The shim of our own build: beside us in the build tree, in the tree that we
 * are installed in, else where that was meant to be.
 */
static char *find_shim(const char *option)
{
	static const char *const near[] = { "shim", "../libexec" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;

	if (option != NULL)
		return xstrdup(option);
	self[n > 0 ? n : 0] = '\0';
	dir = dirname(self);
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		char *path = xasprintf("%s/%s/hpsd-shim", dir, near[i]);

		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return xstrdup(HPSD_LIBEXECDIR "/hpsd-shim");
}

/* The log of a daemon that hpctl has started. */
static void turn_log(const struct server *s)
{
	auto_free char *path = xasprintf("%s/hpsd.log", s->paths.state_dir);

	log_turn(path);
}

/* 0, or the exit status after saying what is wrong. */
static int configure(struct server *s, const struct options *o)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *words = NULL;
	int r = config_read(o->config, &s->config, &s->config_file, &d);

	if (r == 0)
		r = paths_find(o->state, o->socket, &s->paths, &d);
	if (r == 0) {
		s->shim = find_shim(o->shim);
		if (o->restore != NULL || access(s->shim, X_OK) == 0)
			return 0;
		diag_add(&d, "", "%s cannot be run: %s (--shim PATH)", s->shim,
			 strerror(errno));
		(void)fputs("hpsd: ", stderr);
	}
	words = diag_text(&d, s->shim == NULL ? s->config_file : NULL);
	(void)fprintf(stderr, "%s\n", words);
	return EXIT_BAD_INPUT;
}

int main(int argc, char **argv)
{
	struct options o = { .ready_fd = -1 };
	static struct server s;
	int r;

	open_standard_fds();
	read_options(argc, argv, &o);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGTTOU, SIG_IGN); /* of a log on a terminal */
	/* Half a text is worse than an end (schema/mem.h). */
	cJSON_InitHooks(&(cJSON_Hooks){ xmalloc, free });
	s.lock_fd = -1;
	r = configure(&s, &o);
	if (r == 0 && o.check)
		(void)puts("the configuration is right");
	if (r == 0 && !o.check) {
		log_set_level(s.config.log_level);
		r = take_state(&s);
		if (r == 0 && o.restore != NULL) {
			r = restore_file(&s, o.restore);
		} else if (r == 0) {
			(void)fault_at("start.open");
			r = open_store(&s);
			if (r == 0)
				turn_log(&s);
			if (r == 0)
				r = server_run(&s, o.ready_fd);
		}
	}
	store_close(s.store);
	free(s.shim);
	free(s.config_file);
	free(s.backup_error);
	paths_free(&s.paths);
	if (s.lock_fd >= 0)
		close(s.lock_fd);
	return r;
}
