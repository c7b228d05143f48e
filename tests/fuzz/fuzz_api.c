/*
 * The whole server but for its sockets and processes, with a database that has
 * a search in it: one life for each input. A line is a request, or, shorter,
 * the name of a method and its params, or "file" and a search to submit.
 */
#include "base/log.h"
#include "fake_parts.h"
#include "fuzz.h"
#include "server.h"

#include "schema/mem.h"
#include "schema/rpc.h"

#include <assert.h>
#include <err.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/dev/shm/fuzz-api.XXXXXX";
static struct buf template; /* the database that each life begins with */

static const char first_life[] =
    "file {\"name\": \"old\", \"command\": [\"t\", \"{args}\"], \"metric\": "
    "{\"name\": \"loss\"}, \"trials\": 4, \"parallel\": 2, \"grace\": 0, "
    "\"parameters\": {\"x\": {\"type\": \"float\", \"min\": 0, \"max\": 1}, "
    "\"k\": {\"type\": \"choice\", \"values\": [\"a\", \"b\"]}}}\n"
    "file {\"name\": \"going\", \"command\": [\"t\"], \"metric\": "
    "{\"name\": \"loss\"}, \"trials\": 50, \"sampler\": {\"type\": \"random\"},"
    "\"parameters\": {\"x\": {\"type\": \"int\", \"min\": 0, \"max\": 9}}}\n"
    "pause {\"search\": \"going\"}\n";

/* --- requests ----------------------------------------------------------------
 */

static char *submission(const char *file, size_t len)
{
	static int64_t key;
	auto_json cJSON *params = cJSON_CreateObject();
	auto_free char *text = xstrndup(file, len);
	auto_free char *name = xasprintf("k%lld", (long long)key++);
	struct buf b = BUF_INIT;

	cJSON_AddStringToObject(params, "key", name);
	cJSON_AddStringToObject(params, "file", text);
	cJSON_AddStringToObject(params, "workdir", "/tmp");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(params, "environ"),
			     cJSON_CreateString("PATH=/bin"));
	rpc_print_request(&b, 1, "submit", params);
	return buf_take(&b);
}

static char *request(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t n = space != NULL ? (size_t)(space - line) : len;
	const char *rest = space != NULL ? space + 1 : "{}";
	size_t rest_len = space != NULL ? len - n - 1 : 2;

	if (len > 0 && line[0] == '{')
		return xstrndup(line, len);
	if (n == 4 && memcmp(line, "file", 4) == 0)
		return submission(rest, rest_len);
	return xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%.*s\","
			 "\"params\":%.*s}",
			 (int)n, line, (int)rest_len, rest);
}

/* --- one life ----------------------------------------------------------------
 */

static void live(const char *text, size_t len, bool kills)
{
	static struct server s;
	auto_free char *db = xasprintf("%s/hps.db", dir);
	auto_diag struct diag d = DIAG_INIT;
	int r;

	s = (struct server){
		.lock_fd = -1,
		.config.slots = 2,
		.paths = {.state_dir = dir, .socket = dir},
		.shim = dir,
	};
	fake_client = (struct fake_client){
		.next = text,
		.end = text + len,
		.turns = 20,
		.kills = kills,
		.request = request,
	};
	r = store_open(db, &s.store, &d);
	assert(r == 0);
	r = server_run(&s, -1);
	assert(r == 0);
	store_close(s.store);
}

/* --- the state directory -----------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void remove_dir(void)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void read_template(const char *db)
{
	FILE *f = fopen(db, "re");
	char chunk[65536];
	size_t n;

	assert(f != NULL);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&template, chunk, n);
	fclose(f);
}

static void write_template(const char *db)
{
	FILE *f = fopen(db, "we");

	assert(f != NULL);
	assert(fwrite(template.data, 1, template.len, f) == template.len);
	fclose(f);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* In memory, for the syncs; once a process. */
static void start(void)
{
	auto_free char *trials = NULL;
	auto_free char *db = NULL;

	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	(void)atexit(remove_dir);
	trials = path_of("trials");
	if (mkdir(trials, 0700) < 0)
		err(1, "%s", trials);
	log_set_level(LOG_LEVEL_ERROR);
	live(first_life, sizeof(first_life) - 1, false);
	db = path_of("hps.db");
	read_template(db);
}

/* The database as the first life has left it. */
static void begin(void)
{
	auto_free char *db = path_of("hps.db");
	auto_free char *wal = path_of("hps.db-wal");
	auto_free char *shm = path_of("hps.db-shm");

	(void)unlink(wal);
	(void)unlink(shm);
	write_template(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (template.len == 0)
		start();
	begin();
	live((const char *)data, len, true);
	return 0;
}
