/*
 * The control socket up to the methods: net/listener.c and api.c as they are,
 * methods that look at what they are given and give it back. HOW CHUNK, then
 * what the peer sends.
 */
#include "fake_uv.h"
#include "fuzz.h"
#include "reply.h"
#include "request.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/methods.h"

#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 2

/* HOW */
enum {
	HOW_UNREAD = 0x01, /* the peer reads at the end alone */
	HOW_GONE = 0x02,   /* it is not there any more when it is answered */
	HOW_RESET = 0x04,  /* its end is an error */
	HOW_FULL = 0x08,   /* the database cannot be written */
};

static struct server server;
static bool can_turn;

/* What the peer has sent, as far as the listener has handed it up. */
static struct {
	const char *at, *end;
	size_t lines;
	size_t answered; /* by a method, without an error */
	bool too_long;
} sent;

/* --- what api.c has around it ------------------------------------------------
 */

bool server_turn(struct server *s)
{
	return can_turn;
}

const char *store_error(const struct store *s)
{
	return "full";
}

void subscribe_closed(struct server *s, struct conn *conn)
{
}

static bool is_of_type(const cJSON *v, enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
		return cJSON_IsString(v);
	case FIELD_INT:
		return cJSON_IsNumber(v) && v->valuedouble >= 0;
	case FIELD_BOOL:
		return cJSON_IsBool(v);
	case FIELD_OBJECT:
		return cJSON_IsObject(v);
	case FIELD_TEXTS:
	case FIELD_OBJECTS:
		return cJSON_IsArray(v);
	}
	return false;
}

/* What the methods rely on. */
static void check_params(const cJSON *params, const struct method_entry *m)
{
	int known = 0;

	for (const struct method_field *f = m->fields; f->name != NULL; f++) {
		const cJSON *v = json_get(params, f->name);

		assert(v != NULL || !f->required);
		assert(v == NULL || is_of_type(v, f->type));
		known += v != NULL;
	}
	assert(params == NULL || cJSON_GetArraySize(params) == known);
}

/* Every third method refuses, every second changes something. */
static int answer(struct request *req, enum method m)
{
	check_params(req->params, &methods[m]);
	if (m % 3 == 2) {
		diag_add(&req->diag, "", "refused");
		req->error_data = rpc_print_faults(&req->diag);
		return RPC_CONFLICT;
	}
	sent.answered++;
	req->changes = m % 2 == 1;
	cJSON_AddItemToObject(req->result, "params",
			      req->params != NULL
				  ? cJSON_Duplicate(req->params, true)
				  : cJSON_CreateNull());
	return 0;
}

#define METHOD(name, id)                                                       \
	int name(struct request *req)                                          \
	{                                                                      \
		return answer(req, id);                                        \
	}
METHOD(question_version, METHOD_VERSION)
METHOD(command_submit, METHOD_SUBMIT)
METHOD(question_list, METHOD_LIST)
METHOD(question_show, METHOD_SHOW)
METHOD(question_trials, METHOD_TRIALS)
METHOD(question_best, METHOD_BEST)
METHOD(question_trial, METHOD_TRIAL)
METHOD(question_metrics, METHOD_METRICS)
METHOD(question_symptoms, METHOD_SYMPTOMS)
METHOD(question_curves, METHOD_CURVES)
METHOD(question_explain, METHOD_EXPLAIN)
METHOD(command_pause, METHOD_PAUSE)
METHOD(command_resume, METHOD_RESUME)
METHOD(command_cancel, METHOD_CANCEL)
METHOD(command_kill, METHOD_KILL)
METHOD(command_retry, METHOD_RETRY)
METHOD(command_add, METHOD_ADD)
METHOD(command_import, METHOD_IMPORT)
METHOD(command_extend, METHOD_EXTEND)
METHOD(command_remove, METHOD_REMOVE)
METHOD(command_backup, METHOD_BACKUP)
METHOD(question_status, METHOD_STATUS)
METHOD(question_health, METHOD_HEALTH)
METHOD(question_subscribe, METHOD_SUBSCRIBE)
METHOD(command_shutdown, METHOD_SHUTDOWN)
METHOD(question_why, METHOD_WHY)

/* --- what is expected --------------------------------------------------------
 */

/* The lines are those of the text, however it was cut into chunks. */
static void on_line(void *ctx, struct conn *conn, const char *line, size_t len)
{
	assert(sent.at + len < sent.end && sent.at[len] == '\n');
	assert(memcmp(sent.at, line, len) == 0 && line[len] == '\0');
	sent.at += len + 1;
	sent.lines++;
	api_line(ctx, conn, line, len);
}

static void on_too_long(void *ctx, struct conn *conn)
{
	assert(sent.end - sent.at > LIMIT_FRAME_BYTES);
	sent.too_long = true;
	api_too_long(ctx, conn);
}

static void check_replies(void)
{
	const char *p = buf_text(&fake_peer.got);
	const char *end = p + fake_peer.got.len;
	size_t n = 0, results = 0;

	for (; p < end; n++) {
		auto_json cJSON *reply = cJSON_ParseWithOpts(p, &p, false);

		assert(p < end && *p == '\n');
		reply_check(reply);
		results += json_get(reply, "result") != NULL;
		p++;
	}
	assert(n <= sent.lines + sent.too_long && results <= sent.answered);
	if (!fake_peer.has_gone && n < sent.lines + sent.too_long)
		assert(fake_peer.got.len > LIMIT_QUEUE_BYTES);
}

/* --- the peer ----------------------------------------------------------------
 */

/* In a temporary directory, once a process. */
static void start(void)
{
	static const struct listener_callbacks callbacks = {
		.ctx = &server,
		.line = on_line,
		.too_long = on_too_long,
		.too_many = api_too_many,
		.closed = api_closed,
	};
	static uv_loop_t loop;
	struct listener *l;
	char dir[] = "/tmp/fuzz-rpc.XXXXXX";
	auto_free char *path = NULL;
	int r;

	TAILQ_INIT(&server.replies);
	TAILQ_INIT(&server.late);
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	path = xasprintf("%s/s", dir);
	r = listener_start(&loop, path, &callbacks, &l);
	assert(r == 0);
	unlink(path);
	rmdir(dir);
}

static void talk(const char *text, size_t len, size_t chunk, uint8_t how)
{
	sent.at = text;
	sent.end = text + len;
	sent.lines = 0;
	sent.answered = 0;
	sent.too_long = false;
	can_turn = (how & HOW_FULL) == 0;
	fake_peer.has_gone = (how & HOW_GONE) != 0;
	fake_connect();
	for (size_t at = 0; at < len; at += chunk) {
		fake_send(text + at, len - at < chunk ? len - at : chunk);
		api_synced(&server);
		if ((how & HOW_UNREAD) == 0)
			fake_turn();
	}
	fake_turn();
	fake_hang_up(how & HOW_RESET ? UV_ECONNRESET : UV_EOF);
	/* Who sends no more still gets what it is owed. */
	api_synced(&server);
	fake_turn();
	assert(fake_is_closed());
	check_replies();
	api_fini(&server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + HEAD;

	if (server.replies.tqh_last == NULL)
		start();
	if (len < HEAD)
		return 0;
	len -= HEAD;
	talk(text, len, data[1] == '0' ? len + 1 : data[1] + 1u, data[0]);
	return 0;
}
