#include "config.h"

#include "schema/buf.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS_MAX   1024
#define BACKUPS     7
#define BACKUPS_MAX 1000

static const char *const keys[] = { "slots", "log_level", "backups", NULL };

static char *default_file(void)
{
	const char *dir = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (dir != NULL && dir[0] == '/')
		return xasprintf("%s/hpsd/hpsd.json", dir);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.config/hpsd/hpsd.json", home);
	return NULL;
}

/* Who may write it says what runs, and where: the user, or the system. */
static int check_owner(const char *path, struct diag *reterr)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		diag_add(reterr, path,
			 "belongs to user %u, neither to you nor to root "
			 "(chown it)",
			 (unsigned)st.st_uid);
	else if (S_ISREG(st.st_mode) && (st.st_mode & 0002) != 0)
		diag_add(reterr, path,
			 "may be written by everybody (mode %03o): chmod o-w",
			 (unsigned)st.st_mode & 0777);
	return reterr->n > 0;
}

/* Returns 0 or -errno. */
static int read_file(const char *path, struct buf *ret_text)
{
	char chunk[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_add(ret_text, chunk, (size_t)n);
		if (ret_text->len > LIMIT_SEARCH_BYTES) {
			r = -EFBIG;
			break;
		}
	}
	if (n < 0)
		r = -errno;
	close(fd);
	return r;
}

static int parse(const struct buf *text, struct config *config,
		 struct diag *reterr)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct object o = { .doc = &doc, .path = "", .reterr = reterr };
	int level = (int)config->log_level;
	int64_t slots = 0;

	if (json_doc_parse(buf_text(text), text->len, &doc, reterr) != 0)
		return 1;
	o.node = doc.root;
	if (!object_check(&o, "{\"slots\": 2}"))
		return 1;
	object_check_keys(&o, "the configuration", keys, NULL);
	/* 0, the default: one a processor. */
	if (object_integer(&o, "slots", 0, SLOTS_MAX, &slots) && slots > 0)
		config->slots = slots;
	object_word(&o, "log_level", log_level_names, NULL, &level);
	config->log_level = (enum log_level)level;
	(void)object_integer(&o, "backups", 0, BACKUPS_MAX, &config->backups);
	diag_sort(reterr);
	return reterr->n > 0;
}

int config_read(const char *file, struct config *ret_config, char **ret_file,
		struct diag *reterr)
{
	auto_free char *path = file != NULL ? xstrdup(file) : default_file();
	auto_buf struct buf text = BUF_INIT;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int r;

	*ret_file = NULL;
	*ret_config = (struct config){
		.slots = processors > 0 ? processors : 1,
		.log_level = LOG_LEVEL_INFO,
		.backups = BACKUPS,
	};
	if (path == NULL)
		return 0;
	r = check_owner(path, reterr);
	if (r == 0)
		r = read_file(path, &text);
	if (r == -ENOENT && file == NULL)
		return 0;
	if (r < 0)
		diag_add(reterr, path, "%s", strerror(-r));
	if (r != 0)
		return 1;
	*ret_file = path;
	path = NULL;
	return parse(&text, ret_config, reterr);
}
