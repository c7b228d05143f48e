#include "net/listener.h"

#include "base/container.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536
#define BACKLOG    128

struct conn {
	uv_pipe_t pipe;
	struct listener *listener;
	struct buf in;
	size_t scanned;  /* of `in`: no line end before */
	unsigned writes; /* requests in flight */
	unsigned owed;   /* replies to come */
	bool kept;       /* however long it is idle */
	bool refused;    /* not counted: it closes when it has been told why */
	bool ended;      /* the peer sends no more; it may still read */
	bool closing;    /* reads no more; closes when nothing is queued */
	bool closed;     /* uv_close() was called */
	TAILQ_ENTRY(conn) link;
};

struct listener {
	uv_pipe_t pipe;
	struct listener_callbacks cb;
	char *path;
	dev_t dev; /* of the socket's file */
	ino_t ino;
	TAILQ_HEAD(, conn) conns; /* the longest idle first */
	size_t n;                 /* of them, closed ones too */
	size_t n_open, max_open;
	bool stopping, pipe_closed;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
	char chunk[READ_BYTES];
};

struct send {
	uv_write_t req;
	char *text;
};

static void listener_put(struct listener *l)
{
	void (*stopped)(void *ctx) = l->stopped;
	void *ctx = l->stopped_ctx;

	if (!l->pipe_closed || l->n > 0)
		return;
	free(l->path);
	free(l);
	stopped(ctx);
}

/* --- a connection ------------------------------------------------------------
 */

/* From here on the owner does not know the connection any more. */
static void begin_close(struct conn *conn)
{
	if (conn->closing)
		return;
	conn->closing = true;
	uv_read_stop((uv_stream_t *)&conn->pipe);
	conn->listener->cb.closed(conn->listener->cb.ctx, conn);
}

static void on_conn_closed(uv_handle_t *handle)
{
	struct conn *conn = container_of(handle, struct conn, pipe);
	struct listener *l = conn->listener;

	begin_close(conn); /* conn_send() has not told the owner */
	TAILQ_REMOVE(&l->conns, conn, link);
	l->n--;
	buf_free(&conn->in);
	free(conn);
	if (l->stopping)
		listener_put(l);
}

static void finish_close(struct conn *conn)
{
	if (conn->closed)
		return;
	conn->closed = true;
	if (!conn->refused)
		conn->listener->n_open--;
	uv_close((uv_handle_t *)&conn->pipe, on_conn_closed);
}

void conn_drop(struct conn *conn)
{
	finish_close(conn);
}

void conn_close(struct conn *conn)
{
	begin_close(conn);
	if (conn->writes == 0)
		finish_close(conn);
}

void conn_owe(struct conn *conn)
{
	conn->owed++;
}

void conn_pay(struct conn *conn, struct buf *reply)
{
	assert(conn->owed > 0);
	conn_send(conn, reply);
	if (--conn->owed == 0 && conn->ended)
		conn_close(conn);
}

void conn_keep(struct conn *conn)
{
	conn->kept = true;
}

static void on_sent(uv_write_t *req, int status)
{
	struct send *send = container_of(req, struct send, req);
	struct conn *conn = container_of(req->handle, struct conn, pipe);

	free(send->text);
	free(send);
	conn->writes--;
	if (status < 0)
		begin_close(conn);
	if (conn->closing && conn->writes == 0)
		finish_close(conn);
}

/*
 * Never calls `closed` itself: the owner may be in the midst of a request of
 * this very connection. What it sends until it is told goes nowhere.
 */
void conn_send(struct conn *conn, struct buf *b)
{
	uv_stream_t *stream = (uv_stream_t *)&conn->pipe;
	struct send *send;
	uv_buf_t out;

	assert(!conn->closing);
	if (uv_stream_get_write_queue_size(stream) > LIMIT_QUEUE_BYTES)
		finish_close(conn);
	if (b->len == 0 || conn->closed) {
		buf_free(b);
		return;
	}
	send = xcalloc(1, sizeof(*send));
	out = uv_buf_init(b->data, (unsigned)b->len);
	send->text = buf_take(b);
	conn->writes++;
	if (uv_write(&send->req, stream, &out, 1, on_sent) == 0)
		return;
	conn->writes--;
	free(send->text);
	free(send);
	finish_close(conn);
}

/* Hands up every whole line; what is left waits for its end. */
static void take_lines(struct conn *conn)
{
	struct listener *l = conn->listener;
	size_t begin = 0;

	while (!conn->closing && !conn->closed) {
		char *end;

		if (conn->scanned == conn->in.len)
			break;
		end = memchr(conn->in.data + conn->scanned, '\n',
			     conn->in.len - conn->scanned);
		if (end == NULL) {
			conn->scanned = conn->in.len;
			break;
		}
		*end = '\0';
		TAILQ_REMOVE(&l->conns, conn, link);
		TAILQ_INSERT_TAIL(&l->conns, conn, link);
		conn->scanned = (size_t)(end - conn->in.data) + 1;
		l->cb.line(l->cb.ctx, conn, conn->in.data + begin,
			   conn->scanned - 1 - begin);
		begin = conn->scanned;
	}
	buf_drop(&conn->in, begin);
	conn->scanned -= begin;
	if (!conn->closed && !conn->closing &&
	    conn->in.len > LIMIT_FRAME_BYTES) {
		l->cb.too_long(l->cb.ctx, conn);
		if (!conn->closing)
			conn_close(conn);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct conn *conn = container_of(handle, struct conn, pipe);

	*ret = uv_buf_init(conn->listener->chunk, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct conn *conn = container_of(stream, struct conn, pipe);

	if (conn->closing)
		return;
	if (n == UV_EOF && conn->owed > 0) {
		conn->ended = true;
		uv_read_stop(stream);
		return;
	}
	if (n < 0) {
		conn_close(conn);
		return;
	}
	buf_add(&conn->in, chunk->base, (size_t)n);
	take_lines(conn);
}

/* --- the socket --------------------------------------------------------------
 */

static bool get_peer(int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len) == 0;
}

static bool is_our_user(uv_pipe_t *pipe)
{
	struct ucred peer;
	uv_os_fd_t fd;

	return uv_fileno((uv_handle_t *)pipe, &fd) == 0 &&
	       get_peer(fd, &peer) && peer.uid == geteuid();
}

/*
 * Who has been silent for longest makes room, whether it has asked before or
 * never came to the end of its first line. False: all are waited for.
 */
static bool make_room(struct listener *l)
{
	struct conn *conn;

	if (l->n_open <= l->max_open)
		return true;
	TAILQ_FOREACH(conn, &l->conns, link)
	{
		if (conn->closed || conn->refused || conn->owed > 0 ||
		    conn->kept)
			continue;
		begin_close(conn);
		finish_close(conn);
		return true;
	}
	return false;
}

static void on_connection(uv_stream_t *server, int status)
{
	struct listener *l = container_of(server, struct listener, pipe);
	struct conn *conn;
	bool is_room;

	if (status < 0 || l->stopping)
		return;
	conn = xcalloc(1, sizeof(*conn));
	conn->listener = l;
	(void)uv_pipe_init(server->loop, &conn->pipe, 0);
	l->n++;
	l->n_open++;
	is_room = make_room(l);
	TAILQ_INSERT_TAIL(&l->conns, conn, link);
	if (uv_accept(server, (uv_stream_t *)&conn->pipe) < 0 ||
	    !is_our_user(&conn->pipe) ||
	    uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read) < 0) {
		conn->closing = true; /* nobody was told of it */
		finish_close(conn);
	} else if (!is_room) {
		conn->refused = true;
		l->n_open--;
		l->cb.too_many(l->cb.ctx, conn);
		conn_close(conn);
	}
}

/*
 * Whoever called listen() is no more: what a daemon had forked when it was
 * killed holds its socket until it has become another program.
 */
static bool is_listener_dead(int fd)
{
	struct ucred peer;

	return get_peer(fd, &peer) && peer.pid > 0 && kill(peer.pid, 0) < 0 &&
	       errno == ESRCH;
}

static bool is_listened_at(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_stale;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		is_stale = errno == ECONNREFUSED;
	else
		is_stale = is_listener_dead(fd);
	close(fd);
	return !is_stale;
}

/* A socket that nobody listens at is in the way after a kill -9. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return -EEXIST;
	if (is_listened_at(addr))
		return -EADDRINUSE;
	return unlink(addr->sun_path) < 0 ? -errno : 0;
}

/*
 * We bind ourselves: libuv would cut a long path short, and would unlink by
 * name at the end whatever stands there then.
 */
static int bind_socket(struct listener *l)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, r;

	if (strlen(l->path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, l->path);
	r = remove_stale(&addr);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && stat(l->path, &st) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return fd;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = container_of(handle, struct listener, pipe);

	l->pipe_closed = true;
	listener_put(l);
}

static void ignore(void *ctx)
{
}

/* Trials need descriptors, too. */
static size_t max_clients(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur / 4 > LIMIT_CLIENTS)
		return LIMIT_CLIENTS;
	return (size_t)limit.rlim_cur / 4;
}

int listener_start(uv_loop_t *loop, const char *path,
		   const struct listener_callbacks *callbacks,
		   struct listener **ret_listener)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	int fd, r;

	l->cb = *callbacks;
	l->path = xstrdup(path);
	l->max_open = max_clients();
	TAILQ_INIT(&l->conns);
	fd = bind_socket(l);
	if (fd < 0) {
		free(l->path);
		free(l);
		return fd;
	}
	(void)uv_pipe_init(loop, &l->pipe, 0);
	r = uv_pipe_open(&l->pipe, fd);
	if (r < 0)
		close(fd);
	else
		r = uv_listen((uv_stream_t *)&l->pipe, BACKLOG, on_connection);
	if (r < 0) {
		listener_stop(l, ignore, NULL);
		return r;
	}
	*ret_listener = l;
	return 0;
}

bool listener_is_in_place(const struct listener *l)
{
	struct stat st;

	return lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	       st.st_ino == l->ino;
}

void listener_stop(struct listener *l, void (*stopped)(void *ctx), void *ctx)
{
	struct conn *conn, *next;

	assert(!l->stopping);
	l->stopping = true;
	l->stopped = stopped;
	l->stopped_ctx = ctx;
	/* Another daemon's socket may stand there by now; that one stays. */
	if (listener_is_in_place(l))
		(void)unlink(l->path);
	for (conn = TAILQ_FIRST(&l->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		begin_close(conn);
		/* A peer that does not read must not hold up the end. */
		finish_close(conn);
	}
	uv_close((uv_handle_t *)&l->pipe, on_listener_closed);
}

size_t listener_count(const struct listener *l)
{
	return l->n_open;
}
