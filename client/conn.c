#include "conn.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/rpc.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES      65536
#define SEND_TIMEOUT_MS 30000

int64_t conn_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int conn_open(const char *path, struct conn **ret_conn)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct conn *c;
	int fd;

	assert(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		(void)close(fd);
		return -error;
	}
	c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->next_id = 1;
	*ret_conn = c;
	return 0;
}

void conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	buf_free(&c->in);
	free(c);
}

/* 0 when @fd is ready for @events (or has failed, which the next call says). */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline_ms - conn_now_ms();
		int r = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int conn_send(struct conn *c, const char *method, const cJSON *params,
	      int64_t *ret_id)
{
	auto_buf struct buf line = BUF_INIT;
	int64_t deadline_ms = conn_now_ms() + SEND_TIMEOUT_MS;
	size_t sent = 0;

	*ret_id = c->next_id++;
	rpc_print_request(&line, *ret_id, method, params);
	if (line.len > LIMIT_FRAME_BYTES)
		return -EMSGSIZE;
	while (sent < line.len) {
		ssize_t n = send(c->fd, line.data + sent, line.len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for(c->fd, POLLOUT, deadline_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

bool conn_has_message(const struct conn *c)
{
	return c->in.len > 0 && memchr(c->in.data, '\n', c->in.len) != NULL;
}

static int read_more(struct conn *c, int64_t deadline_ms)
{
	char data[READ_BYTES];
	ssize_t n;
	int r = wait_for(c->fd, POLLIN, deadline_ms);

	if (r < 0)
		return r;
	n = read(c->fd, data, sizeof(data));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	if (c->in.len + (size_t)n > LIMIT_QUEUE_BYTES)
		return -EPROTO;
	buf_add(&c->in, data, (size_t)n);
	return 0;
}

/* Numbers whose double is not exact become their own text. */
static void keep_integers(const struct json_doc *doc, cJSON *parent)
{
	cJSON *next;

	for (cJSON *v = parent->child; v != NULL; v = next) {
		int64_t i;

		next = v->next;
		keep_integers(doc, v);
		if (cJSON_IsNumber(v) && fabs(v->valuedouble) >= 0x1p53 &&
		    json_int(doc, v, &i)) {
			cJSON *raw = json_integer(i);

			if (v->string != NULL)
				raw->string = xstrdup(v->string);
			cJSON_ReplaceItemViaPointer(parent, v, raw);
		}
	}
}

static int parse(const char *line, size_t len, cJSON **ret_message)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag faults = DIAG_INIT;

	if (json_doc_parse(line, len, &doc, &faults) != 0)
		return -EPROTO;
	if (!cJSON_IsObject(doc.root))
		return -EPROTO;
	keep_integers(&doc, doc.root);
	*ret_message = doc.root;
	doc.root = NULL;
	return 0;
}

int conn_receive(struct conn *c, int64_t deadline_ms, cJSON **ret_message)
{
	const char *end;
	size_t len;
	int r;

	while (!conn_has_message(c)) {
		r = read_more(c, deadline_ms);
		if (r < 0)
			return r;
	}
	end = memchr(c->in.data, '\n', c->in.len);
	len = (size_t)(end - c->in.data);
	r = parse(c->in.data, len, ret_message);
	buf_drop(&c->in, len + 1);
	return r;
}
