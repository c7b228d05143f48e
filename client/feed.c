#include "feed.h"

#include "schema/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Returns 0 or -errno. */
static int feed_fd(int fd, const struct log_feed *feed)
{
	auto_buf struct buf text = BUF_INIT;
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		buf_add(&text, data, (size_t)n);
		if (feed->look != NULL)
			feed->look(feed->ctx, text.data, text.len, (size_t)n);
		buf_drop(&text, reader_feed(feed->reader, text.data, text.len,
					    feed->on_metric, feed->ctx));
	}
	if (n < 0)
		return -errno;
	reader_finish(feed->reader, buf_text(&text), text.len, feed->on_metric,
		      feed->ctx);
	return 0;
}

enum status feed_log(const char *log, const struct log_feed *feed)
{
	bool is_stdin = strcmp(log, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(log, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : feed_fd(fd, feed);

	if (fd >= 0 && !is_stdin)
		(void)close(fd);
	if (r < 0)
		return fail(STATUS_BAD_INPUT, "cannot read %s: %s", log,
			    strerror(-r));
	return STATUS_DONE;
}
