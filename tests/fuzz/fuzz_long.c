/*
 * The metric reader around the longest record: SPEC CUT PLACE FILLER, then
 * what stands across the limit of the record, which FILLER fills up to there.
 */
#include "fuzz.h"
#include "split.h"

#include "schema/buf.h"
#include "schema/limits.h"

#include <string.h>

#define HEAD 4
#define NEAR 64 /* bytes around the limit */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char fill[LIMIT_LINE_BYTES];
	auto_buf struct buf log = BUF_INIT;
	struct split s = { 0 };

	if (len < HEAD)
		return 0;
	s.spec = split_spec(data[0]);
	s.reload = (data[0] & 0x08) != 0;
	memset(fill, data[3], sizeof(fill));
	buf_add(&log, fill, LIMIT_LINE_BYTES - data[2] % NEAR);
	buf_add(&log, data + HEAD, len - HEAD);
	s.log = log.data;
	s.len = log.len;
	s.cuts[0] = LIMIT_LINE_BYTES - NEAR / 2 + data[1] % NEAR;
	if (s.cuts[0] > s.len)
		s.cuts[0] = s.len;
	s.cuts[1] = (s.cuts[0] + s.len) / 2;
	split_check(&s);
	return 0;
}
