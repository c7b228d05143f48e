#include "fake_uv.h"

#include "schema/mem.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct write {
	uv_write_t *req;
	uv_write_cb done;
	size_t len;
};

struct fake_peer fake_peer;

static uv_stream_t *server;
static uv_connection_cb on_connection;

static uv_stream_t *conn; /* NULL: none */
static uv_alloc_cb on_alloc;
static uv_read_cb on_read; /* NULL: not reading */
static uv_close_cb on_closed;
static struct write *writes;
static size_t n_writes, cap_writes;

/* --- what the listener calls ------------------------------------------------
 */

int uv_pipe_init(uv_loop_t *loop, uv_pipe_t *pipe, int ipc)
{
	pipe->loop = loop;
	return 0;
}

int uv_pipe_open(uv_pipe_t *pipe, uv_file fd)
{
	close(fd);
	return 0;
}

int uv_listen(uv_stream_t *stream, int backlog, uv_connection_cb cb)
{
	server = stream;
	on_connection = cb;
	return 0;
}

int uv_accept(uv_stream_t *from, uv_stream_t *client)
{
	assert(from == server && conn == NULL);
	conn = client;
	return 0;
}

/* One end of a pair of our own: its peer has our uid. */
int uv_fileno(const uv_handle_t *handle, uv_os_fd_t *ret_fd)
{
	static int pair[2];

	if (pair[0] == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return UV_EBADF;
	*ret_fd = pair[0];
	return 0;
}

int uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc, uv_read_cb read)
{
	assert(stream == conn);
	on_alloc = alloc;
	on_read = read;
	return 0;
}

int uv_read_stop(uv_stream_t *stream)
{
	on_read = NULL;
	return 0;
}

size_t uv_stream_get_write_queue_size(const uv_stream_t *stream)
{
	size_t size = 0;

	for (size_t i = 0; i < n_writes; i++)
		size += writes[i].len;
	return size;
}

int uv_write(uv_write_t *req, uv_stream_t *stream, const uv_buf_t bufs[],
	     unsigned n, uv_write_cb done)
{
	assert(stream == conn && n == 1 && on_closed == NULL);
	if (fake_peer.has_gone)
		return UV_EPIPE;
	buf_add(&fake_peer.got, bufs[0].base, bufs[0].len);
	req->handle = stream;
	if (n_writes == cap_writes) {
		cap_writes = cap_writes > 0 ? 2 * cap_writes : 64;
		writes = xreallocarray(writes, cap_writes, sizeof(*writes));
	}
	writes[n_writes++] = (struct write){ req, done, bufs[0].len };
	return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb closed)
{
	assert(handle == (uv_handle_t *)conn && on_closed == NULL);
	on_read = NULL;
	on_closed = closed;
}

/* --- the peer and the loop --------------------------------------------------
 */

void fake_connect(void)
{
	assert(conn == NULL);
	buf_clear(&fake_peer.got);
	on_connection(server, 0);
	assert(conn != NULL && on_read != NULL);
}

void fake_send(const char *data, size_t len)
{
	while (len > 0 && on_read != NULL) {
		uv_buf_t chunk = { 0 };
		size_t n;

		on_alloc((uv_handle_t *)conn, 65536, &chunk);
		n = len < chunk.len ? len : chunk.len;
		memcpy(chunk.base, data, n);
		on_read(conn, (ssize_t)n, &chunk);
		data += n;
		len -= n;
	}
}

void fake_hang_up(int error)
{
	uv_buf_t none = { 0 };

	if (on_read != NULL)
		on_read(conn, error, &none);
}

void fake_turn(void)
{
	int status = on_closed != NULL ? UV_ECANCELED : 0;

	if (fake_peer.has_gone && status == 0)
		status = UV_EPIPE;
	for (size_t i = 0; i < n_writes; i++)
		writes[i].done(writes[i].req, status);
	n_writes = 0;
	if (on_closed != NULL) {
		uv_close_cb closed = on_closed;

		on_closed = NULL;
		closed((uv_handle_t *)conn);
		conn = NULL;
	}
}

bool fake_is_closed(void)
{
	return conn == NULL;
}
