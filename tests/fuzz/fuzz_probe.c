/* The file of an attempt, as a shim, or who will, has left it. */
#include "exec/probe.h"
#include "fuzz.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

static char path[] = "/tmp/fuzz-probe.XXXXXX";
static int file = -1;

static struct probe probe(const char *text, size_t len)
{
	struct probe p;
	int r;

	if (ftruncate(file, 0) < 0 ||
	    pwrite(file, text, len, 0) != (ssize_t)len)
		abort();
	r = probe_read(path, TOKEN, &p);
	assert(r == 0 && p.holder == 0);
	return p;
}

static bool is_same(const struct probe *a, const struct probe *b)
{
	const struct outcome *x = &a->outcome, *y = &b->outcome;

	return a->phase == b->phase && a->swept == b->swept &&
	       x->kind == y->kind && x->code == y->code &&
	       x->signal == y->signal && x->core == y->core &&
	       x->error == y->error && strcmp(x->what, y->what) == 0 &&
	       x->user_ms == y->user_ms && x->system_ms == y->system_ms &&
	       x->memory_bytes == y->memory_bytes &&
	       x->elapsed_ms == y->elapsed_ms;
}

/* What a shim would have written of this end (shim/trialdir.h). */
static void print(const struct probe *p, struct buf *b)
{
	const struct outcome *o = &p->outcome;

	buf_addf(b,
		 "{\"version\":1,\"token\":\"" TOKEN
		 "\",\"phase\":\"ended\",\"swept\":%s,\"kind\":\"%s\","
		 "\"code\":%d,\"signal\":%d,\"core\":%s,\"error\":%d,\"what\":",
		 p->swept ? "true" : "false", outcome_kind_name(o->kind),
		 o->code, o->signal, o->core ? "true" : "false", o->error);
	json_write_text(b, o->what);
	buf_addf(b,
		 ",\"user_ms\":%" PRId64 ",\"system_ms\":%" PRId64
		 ",\"memory_bytes\":%" PRId64 ",\"elapsed_ms\":%" PRId64 "}",
		 o->user_ms, o->system_ms, o->memory_bytes, o->elapsed_ms);
}

static void check_end(const struct probe *p)
{
	const struct outcome *o = &p->outcome;
	auto_buf struct buf b = BUF_INIT;
	struct probe again;

	assert(o->kind == OUTCOME_EXITED || o->kind == OUTCOME_SIGNALED ||
	       o->kind == OUTCOME_NOT_EXECUTED);
	assert(o->code >= 0 && o->code <= 255);
	assert(o->signal >= (o->kind == OUTCOME_SIGNALED) && o->signal <= 127);
	assert(o->error >= (o->kind == OUTCOME_NOT_EXECUTED));
	assert(memchr(o->what, '\0', sizeof(o->what)) != NULL);
	assert(o->user_ms >= 0 && o->system_ms >= 0);
	assert(o->memory_bytes >= 0 && o->elapsed_ms >= 0);
	print(p, &b);
	again = probe(b.data, b.len);
	assert(is_same(p, &again));
}

static void remove_file(void)
{
	(void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct probe p, without_end = { 0 };

	if (file < 0) {
		file = mkostemp(path, O_CLOEXEC);
		if (file < 0)
			err(1, "%s", path);
		(void)atexit(remove_file);
	}
	p = probe((const char *)data, len);
	if (memmem(data, len, TOKEN, strlen(TOKEN)) == NULL &&
	    memchr(data, '\\', len) == NULL)
		assert(p.phase == PROBE_NOTHING);
	without_end.phase = p.phase;
	if (p.phase == PROBE_ENDED)
		check_end(&p);
	else
		assert(is_same(&p, &without_end));
	return 0;
}
