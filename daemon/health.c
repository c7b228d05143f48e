/* The method "health": what only the daemon knows for hpctl doctor. */
#include "backup.h"
#include "request.h"

#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>

#define CHECK_MS 20000 /* for the database, and again for the backup */

struct health {
	uv_work_t work;
	struct server *s;
	struct late_reply *asked;
	cJSON *result;
};

typedef int opener(const char *path, struct store_bound *bound,
		   struct store **ret_store, struct diag *reterr);

/* "ok", what is wrong with it, or null if there was no time to know. */
static void check(struct health *h, const char *member, opener *open_one,
		  const char *path)
{
	struct store_bound bound = {
		.stop = &h->s->workers_end,
		.until_ms = server_now().boot_ms + CHECK_MS,
	};
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *words = NULL;
	struct store *store = NULL;
	int r = open_one(path, &bound, &store, &d);

	if (r == 0)
		r = store_check(store, true, &d);
	store_close(store);
	words = r == 0 ? xstrdup("ok") : diag_text(&d, NULL);
	cJSON_AddItemToObject(h->result, member,
			      r == -ECANCELED ? cJSON_CreateNull()
					      : cJSON_CreateString(words));
}

static void do_health(uv_work_t *work)
{
	struct health *h = work->data;
	const char *state_dir = h->s->paths.state_dir;
	auto_free char *database = xasprintf("%s/hps.db", state_dir);
	auto_free char *backup = backup_newest(state_dir, false);

	check(h, "database", store_open_reader, database);
	if (backup != NULL) {
		cJSON_AddStringToObject(h->result, "backup", backup);
		check(h, "backup_check", store_open_file, backup);
	} else {
		cJSON_AddNullToObject(h->result, "backup");
		cJSON_AddNullToObject(h->result, "backup_check");
	}
}

static void on_health(uv_work_t *work, int status)
{
	struct health *h = work->data;

	h->s->health_runs = false;
	api_answer(h->s, h->asked, 0, h->result, NULL);
	cJSON_Delete(h->result);
	free(h);
}

int question_health(struct request *req)
{
	struct server *s = req->s;
	cJSON *attempts = NULL;
	struct health *h;

	if (s->health_runs) {
		diag_add(&req->diag, "",
			 "another client has hpsd examined just now: try again "
			 "in a moment");
		return RPC_CONFLICT;
	}
	if (store_read_open_attempts(s->store, &attempts) != 0)
		return request_failed(req);
	h = xcalloc(1, sizeof(*h));
	h->s = s;
	s->health_runs = true;
	h->asked = api_reply_late(req);
	h->result = cJSON_CreateObject();
	h->work.data = h;
	cJSON_AddItemToObject(h->result, "attempts", attempts);
	json_add_integer(h->result, "boot_ms", server_now().boot_ms);
	json_add_integer(h->result, "wal_bytes", house_wal_bytes(s));
	cJSON_AddBoolToObject(h->result, "wal_is_large", house_wal_is_large(s));
	cJSON_AddItemToObject(h->result, "readers", house_readers(s));
	json_add_integer(h->result, "backups", s->config.backups);
	cJSON_AddItemToObject(h->result, "backup_error",
			      s->backup_error != NULL
				  ? cJSON_CreateString(s->backup_error)
				  : cJSON_CreateNull());
	(void)uv_queue_work(&s->loop, &h->work, do_health, on_health);
	return 0;
}
