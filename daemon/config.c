#include "config.h"

#include "schema/buf.h"
#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS_MAX 1024

static const char *const keys[] = { "slots", "log_level", NULL };

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

static void read_slots(const struct json_doc *doc, struct config *config,
		       struct diag *reterr)
{
	const cJSON *node = json_get(doc->root, "slots");
	int64_t v;

	if (node == NULL)
		return;
	if (!json_int(doc, node, &v) || v < 0 || v > SLOTS_MAX)
		json_fault(doc, node, reterr, "slots",
			   "must be a whole number from 0 (one a processor) "
			   "to %d",
			   SLOTS_MAX);
	else if (v > 0)
		config->slots = v;
}

static void read_log_level(const struct json_doc *doc, struct config *config,
			   struct diag *reterr)
{
	const cJSON *node = json_get(doc->root, "log_level");
	const char *text = cJSON_GetStringValue(node);

	if (node == NULL)
		return;
	for (int i = 0; text != NULL && i < LOG_LEVELS_N; i++) {
		if (strcmp(log_level_names[i], text) == 0) {
			config->log_level = (enum log_level)i;
			return;
		}
	}
	json_fault(doc, node, reterr, "log_level",
		   "must be \"error\", \"warning\", \"info\" or \"debug\"");
}

static void check_keys(const struct json_doc *doc, struct diag *reterr)
{
	const cJSON *node;

	cJSON_ArrayForEach (node, doc->root) {
		const char *nearest;
		bool known = false;

		for (size_t i = 0; keys[i] != NULL; i++)
			known |= strcmp(keys[i], node->string) == 0;
		if (known)
			continue;
		nearest = diag_nearest(node->string, keys);
		if (nearest != NULL)
			json_fault(doc, node, reterr, node->string,
				   "is no key of the configuration (did you "
				   "mean \"%s\"?)",
				   nearest);
		else
			json_fault(doc, node, reterr, node->string,
				   "is no key of the configuration (\"slots\" "
				   "and \"log_level\" are)");
	}
}

static int parse(const struct buf *text, struct config *config,
		 struct diag *reterr)
{
	auto_json_doc struct json_doc doc = { 0 };

	if (json_doc_parse(buf_text(text), text->len, &doc, reterr) != 0)
		return 1;
	if (!cJSON_IsObject(doc.root)) {
		json_fault(&doc, doc.root, reterr, "", "must be an object");
		return 1;
	}
	check_keys(&doc, reterr);
	read_slots(&doc, config, reterr);
	read_log_level(&doc, config, reterr);
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
	};
	if (path == NULL)
		return 0;
	r = read_file(path, &text);
	if (r == -ENOENT && file == NULL)
		return 0;
	if (r < 0) {
		diag_add(reterr, path, "%s", strerror(-r));
		return 1;
	}
	*ret_file = path;
	path = NULL;
	return parse(&text, ret_config, reterr);
}
