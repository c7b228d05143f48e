#include "check_main.h"
#include "fake_uv.h"
#include "net/listener.h"

#include "schema/limits.h"
#include "schema/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the owner of the listener has been told. */
static struct {
	struct buf lines; /* an LF behind each */
	size_t n, longest;
	int too_long, closed;
	char *answer; /* to each line; NULL: none */
	size_t answer_len;
} told;

static void on_line(void *ctx, struct conn *conn, const char *line, size_t len)
{
	struct buf b = BUF_INIT;

	ck_assert_int_eq(line[len], '\0');
	told.n++;
	told.longest = len > told.longest ? len : told.longest;
	if (len < 100) {
		buf_add(&told.lines, line, len);
		buf_addc(&told.lines, '\n');
	}
	if (told.answer_len == 0)
		return;
	buf_add(&b, told.answer, told.answer_len);
	conn_send(conn, &b);
}

static void on_too_long(void *ctx, struct conn *conn)
{
	struct buf b = BUF_INIT;

	told.too_long++;
	buf_adds(&b, "too long\n");
	conn_send(conn, &b);
}

static void on_closed(void *ctx, struct conn *conn)
{
	told.closed++;
}

/* A listener with a peer. */
static void start(void)
{
	static const struct listener_callbacks callbacks = {
		.line = on_line,
		.too_long = on_too_long,
		.closed = on_closed,
	};
	static uv_loop_t loop;
	struct listener *l;
	char dir[] = "/tmp/hpsd-listener.XXXXXX";
	auto_free char *path = NULL;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/s", dir);
	ck_assert_int_eq(listener_start(&loop, path, &callbacks, &l), 0);
	ck_assert_uint_eq(listener_count(l), 0);
	unlink(path);
	rmdir(dir);
	fake_connect();
	ck_assert_uint_eq(listener_count(l), 1);
}

static void send_filler(size_t n)
{
	static char filler[65536];

	memset(filler, ' ', sizeof(filler));
	for (size_t k; n > 0; n -= k) {
		k = n < sizeof(filler) ? n : sizeof(filler);
		fake_send(filler, k);
	}
}

START_TEST(lines_are_handed_up_however_they_arrive)
{
	static const char text[] = "a\n\nbc\r\n\0d\n{\"e\": 1}\nrest";

	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		size_t len = sizeof(text) - 1;

		buf_clear(&told.lines);
		if (chunk == 1)
			start();
		else
			fake_connect();
		for (size_t at = 0; at < len; at += chunk)
			fake_send(text + at,
				  len - at < chunk ? len - at : chunk);
		ck_assert_uint_eq(told.lines.len, len - strlen("rest"));
		ck_assert_int_eq(memcmp(told.lines.data, text, told.lines.len),
				 0);
		fake_hang_up(UV_EOF);
		fake_turn();
		ck_assert(fake_is_closed());
	}
}
END_TEST

START_TEST(H2_a_message_of_the_largest_size_is_handed_up)
{
	start();
	send_filler(LIMIT_FRAME_BYTES);
	fake_send("\nx\n", 3);
	ck_assert_uint_eq(told.n, 2);
	ck_assert_uint_eq(told.longest, LIMIT_FRAME_BYTES);
	ck_assert_int_eq(told.too_long, 0);
}
END_TEST

/* However much more comes, nobody reads it, and nothing is kept of it. */
START_TEST(H2_a_larger_message_is_answered_and_hung_up_on)
{
	start();
	send_filler(LIMIT_FRAME_BYTES);
	ck_assert_int_eq(told.too_long, 0);
	fake_send(" ", 1);
	ck_assert_int_eq(told.too_long, 1);
	ck_assert_int_eq(told.closed, 1);
	ck_assert_str_eq(buf_text(&fake_peer.got), "too long\n");
	send_filler(10 * LIMIT_FRAME_BYTES);
	fake_send("\nx\n", 3);
	ck_assert_int_eq(told.too_long, 1);
	ck_assert_uint_eq(told.n, 0);
	ck_assert(!fake_is_closed());
	fake_turn();
	ck_assert(fake_is_closed());
}
END_TEST

START_TEST(H6_a_peer_that_is_gone_is_told_once_and_forgotten)
{
	static char answer[] = "answer\n";

	told.answer = answer;
	told.answer_len = strlen(answer);
	fake_peer.has_gone = true;
	start();
	fake_send("a\nb\nc\n", 6);
	fake_turn();
	ck_assert(fake_is_closed());
	ck_assert_uint_eq(told.n, 1);
	ck_assert_int_eq(told.closed, 1);
	ck_assert_uint_eq(fake_peer.got.len, 0);
}
END_TEST

START_TEST(H7_a_peer_that_does_not_read_is_hung_up_on)
{
	told.answer_len = LIMIT_QUEUE_BYTES / 4;
	told.answer = xcalloc(1, told.answer_len);
	start();
	for (int i = 0; i < 100; i++)
		fake_send("x\n", 2);
	/* Four answers fill the queue, the fifth is one too many. */
	ck_assert_uint_eq(fake_peer.got.len, 5 * told.answer_len);
	ck_assert_uint_eq(told.n, 6);
	fake_turn();
	ck_assert(fake_is_closed());
	ck_assert_int_eq(told.closed, 1);
	free(told.answer);
}
END_TEST

START_TEST(H7_a_peer_that_reads_late_gets_everything)
{
	told.answer_len = LIMIT_QUEUE_BYTES / 4;
	told.answer = xcalloc(1, told.answer_len);
	start();
	for (int i = 0; i < 20; i++) {
		fake_send("x\n", 2);
		if (i % 4 == 3)
			fake_turn();
	}
	ck_assert_uint_eq(fake_peer.got.len, 20 * told.answer_len);
	ck_assert(!fake_is_closed());
	free(told.answer);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("listener");
	TCase *tc = tcase_create("listener");

	tcase_add_test(tc, lines_are_handed_up_however_they_arrive);
	tcase_add_test(tc, H2_a_message_of_the_largest_size_is_handed_up);
	tcase_add_test(tc, H2_a_larger_message_is_answered_and_hung_up_on);
	tcase_add_test(tc, H6_a_peer_that_is_gone_is_told_once_and_forgotten);
	tcase_add_test(tc, H7_a_peer_that_does_not_read_is_hung_up_on);
	tcase_add_test(tc, H7_a_peer_that_reads_late_gets_everything);
	suite_add_tcase(s, tc);
	return s;
}
