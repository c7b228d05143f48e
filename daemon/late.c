/*
 * Questions whose answer takes long: a worker reads the database, and the loop
 * goes on.
 */
#include "base/container.h"
#include "base/fault.h"
#include "request.h"

#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>

struct late_read {
	uv_work_t work;
	struct server *s;
	struct late_reply *asked;
	late_read_fn *read;
	int64_t search;
	cJSON *params, *result;
	struct diag diag;
	int error;                    /* of the protocol */
	STAILQ_ENTRY(late_read) link; /* in server->late_reads: waits */
};

/* What was read of a search is whole if it is still there. */
static void check_search(struct late_read *job, struct store *reader)
{
	bool is_there;

	if (store_has_search(reader, job->search, &is_there) != 0)
		diag_add(&job->diag, "", "the database cannot be read: %s",
			 store_error(reader));
	else if (!is_there)
		diag_add(&job->diag, "", "the search was removed meanwhile");
}

static void do_read(uv_work_t *work)
{
	struct late_read *job = container_of(work, struct late_read, work);
	auto_free char *path = xasprintf("%s/hps.db", job->s->paths.state_dir);
	struct store_bound bound = { .stop = &job->s->workers_end };
	struct store *reader = NULL;
	int r = store_open_reader(path, &bound, &reader, &job->diag);

	if (r == 0) {
		r = job->read(reader, job->search, job->params, job->result,
			      &job->diag);
		if (r != 0 && job->diag.n == 0)
			diag_add(&job->diag, "",
				 "the database cannot be read: %s",
				 store_error(reader));
	}
	(void)fault_at("late.read");
	if (r == 0 && job->diag.n == 0)
		check_search(job, reader);
	store_close(reader);
	job->error = r == 0 && job->diag.n == 0 ? 0 : RPC_INTERNAL;
}

static void start_next(struct server *s);

static void on_read(uv_work_t *work, int status)
{
	struct late_read *job = container_of(work, struct late_read, work);
	struct server *s = job->s;

	s->late_read_runs = false;
	api_answer(s, job->asked, job->error, job->result, &job->diag);
	cJSON_Delete(job->params);
	cJSON_Delete(job->result);
	diag_free(&job->diag);
	free(job);
	start_next(s);
}

static void start_next(struct server *s)
{
	struct late_read *job = STAILQ_FIRST(&s->late_reads);

	if (job == NULL || s->late_read_runs)
		return;
	STAILQ_REMOVE_HEAD(&s->late_reads, link);
	s->late_read_runs = true;
	(void)uv_queue_work(&s->loop, &job->work, do_read, on_read);
}

int request_read_late(struct request *req, int64_t search, cJSON *params,
		      late_read_fn *read)
{
	struct late_read *job = xcalloc(1, sizeof(*job));

	job->s = req->s;
	job->asked = api_reply_late(req);
	job->read = read;
	job->search = search;
	job->params = params;
	job->result = cJSON_CreateObject();
	STAILQ_INSERT_TAIL(&req->s->late_reads, job, link);
	start_next(req->s);
	return 0;
}
