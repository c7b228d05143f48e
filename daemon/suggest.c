/*
 * Samplers that think for long do so on worker threads, and the loop goes on.
 */
#include "base/container.h"
#include "search/sampler.h"
#include "server.h"

#include "schema/mem.h"

#include <stdlib.h>

struct suggestion {
	uv_work_t work;
	struct server *s;
	struct fx_suggest asked;
	struct proposal *list; /* [asked.n] */
	size_t n;
	STAILQ_ENTRY(suggestion) link; /* in server->suggestions: waits */
};

static void suggestion_free(struct suggestion *job)
{
	sampler_free(job->asked.sampler);
	for (size_t i = 0; i < job->n; i++)
		proposal_fini(&job->list[i]);
	free(job->list);
	free(job);
}

/* On a worker thread: touches nothing but the job and its sampler. */
static void do_suggest(uv_work_t *work)
{
	struct suggestion *job = container_of(work, struct suggestion, work);
	uint64_t cursor = job->asked.cursor;

	job->n = sampler_propose(job->asked.sampler, &cursor, job->asked.n,
				 job->list);
}

static void start_next(struct server *s);

static void on_suggested(uv_work_t *work, int status)
{
	struct suggestion *job = container_of(work, struct suggestion, work);
	struct server *s = job->s;
	struct event ev = {
		.type = EV_SUGGESTED,
		.at = server_now(),
		.search = job->asked.search,
		.suggested = {job->asked.sampler, job->list, job->n},
	};

	s->suggesting--;
	if (!s->stopping && s->lost == NULL) {
		server_news(s, &ev);
		job->asked.sampler = NULL; /* the core has taken */
		job->n = 0;                /* these */
	}
	suggestion_free(job);
	start_next(s);
}

static void start_next(struct server *s)
{
	struct suggestion *job = STAILQ_FIRST(&s->suggestions);

	if (job == NULL || s->suggesting == WORKERS_SUGGEST)
		return;
	STAILQ_REMOVE_HEAD(&s->suggestions, link);
	s->suggesting++;
	(void)uv_queue_work(&s->loop, &job->work, do_suggest, on_suggested);
}

void server_suggest(struct server *s, struct fx_suggest *asked)
{
	struct suggestion *job = xcalloc(1, sizeof(*job));

	job->s = s;
	job->asked = *asked;
	asked->sampler = NULL;
	job->list = xcalloc(asked->n, sizeof(*job->list));
	STAILQ_INSERT_TAIL(&s->suggestions, job, link);
	start_next(s);
}

void suggest_fini(struct server *s)
{
	struct suggestion *job;

	while ((job = STAILQ_FIRST(&s->suggestions)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->suggestions, link);
		suggestion_free(job);
	}
}
