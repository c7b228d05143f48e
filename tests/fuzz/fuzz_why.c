/* why --log: any bytes as the log, then what its curves say. */
#include "client/why.h"
#include "fuzz.h"
#include "why/symptoms.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(const struct series *s, const char *crash)
{
	struct run_end end = { .state =
				   crash != NULL ? RUN_FAILED : RUN_UNKNOWN,
			       .how = crash };
	struct symptoms found;
	auto_json cJSON *list = NULL;

	symptoms_find(s, &end, NULL, &found);
	for (size_t i = 0; i < found.n; i++) {
		const struct symptom *f = &found.list[i];

		assert(f->strength > 0 && f->strength <= 1);
		assert(f->text != NULL && f->advice != NULL);
		for (size_t k = 0; k < i; k++)
			assert(found.list[k].kind != f->kind);
	}
	list = symptoms_json(&found);
	assert((size_t)cJSON_GetArraySize(list) == found.n);
	symptoms_fini(&found);
}

/* Its metrics in pairs, as if each were the other's validation. */
static void look(const struct why_log *log)
{
	for (size_t i = 0; i < log->metrics.n; i++) {
		const struct why_metric *m = &log->metrics.list[i];
		const struct why_metric *next =
		    &log->metrics.list[(i + 1) % log->metrics.n];
		struct series s = { 0 };

		s.lines[SERIES_TRAIN] = m->by_step.lines[SERIES_TRAIN];
		s.lines[SERIES_VALID] = next->by_step.lines[SERIES_TRAIN];
		s.lines[SERIES_TRAIN].name = m->name;
		s.lines[SERIES_VALID].name = next->name;
		s.lines[SERIES_TRAIN].goal = series_role(m->name).goal;
		s.lines[SERIES_VALID].goal = series_role(next->name).goal;
		check(&s, log->crash);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct why_log log = { 0 };
	int fd = memfd_create("log", MFD_CLOEXEC);
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd);
	enum status status;

	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	status = why_log_read(path, &log);
	assert(status == STATUS_DONE);
	look(&log);
	why_log_free(&log);
	(void)close(fd);
	return 0;
}
