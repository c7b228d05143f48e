/*
 * The metric reader: SPEC CUT CUT, then the log. With a capital letter as SPEC
 * the first line is a saved state, that of another version or a broken one.
 */
#include "fuzz.h"
#include "split.h"

#include "schema/mem.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 3

/* A letter's place in a log of @len bytes: '@' is its beginning. */
static size_t cut_at(uint8_t letter, size_t len)
{
	return (size_t)(letter & 0x3f) * len / 0x3f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	auto_free char *state = NULL;
	struct split s = { .log = (const char *)data + HEAD };
	size_t a, b;

	if (len < HEAD)
		return 0;
	s.len = len - HEAD;
	s.spec = split_spec(data[0]);
	s.reload = (data[0] & 0x08) != 0;
	if ((data[0] & 0x60) == 0x40) {
		const char *lf = memchr(s.log, '\n', s.len);
		size_t n = lf != NULL ? (size_t)(lf - s.log) : s.len;

		state = xstrndup(s.log, n);
		s.state = state;
		n += lf != NULL;
		s.log += n;
		s.len -= n;
	}
	a = cut_at(data[1], s.len);
	b = cut_at(data[2], s.len);
	s.cuts[0] = a < b ? a : b;
	s.cuts[1] = a < b ? b : a;
	split_check(&s);
	return 0;
}
