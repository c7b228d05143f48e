#pragma once

/*
 * The shell around the core: it owns the loop and everything on it, and turns
 * whatever happens into events.
 *
 *   loop turn:  callbacks --event--> core_step --> effects
 *               server_turn(): save all -> commit -> act
 *               worker: store_sync -> replies and notices that waited for it
 *               worker: sampler_propose -> EV_SUGGESTED
 *
 * server.c has the turn, storage.c what becomes of it when the database cannot
 * be written, launch.c the acts on trials, suggest.c the samplers that think
 * for long, api.c the protocol, commands.c, remove.c and questions.c its
 * methods, explain.c the sentences, subscribe.c the notices, house.c what is
 * done by the clock, backup.c and health.c what workers do with the file.
 */
#include "config.h"
#include "core/core.h"
#include "exec/executor.h"
#include "net/listener.h"
#include "store/store.h"

#include "schema/paths.h"
#include "schema/rpc.h"

#include <sys/queue.h>
#include <uv.h>

/* A reply that waits until its commit is power-safe. */
struct waiting_reply {
	struct conn *conn; /* NULL: hung up meanwhile */
	cJSON *id;         /* of the request, or NULL */
	uint64_t commit;
	struct buf text;
	TAILQ_ENTRY(waiting_reply) link;
};

/* An ended trial that subscribers are told of when that is power-safe. */
struct ended_notice {
	uint64_t commit;
	int64_t search;
	cJSON *trial;
	TAILQ_ENTRY(ended_notice) link;
};

struct subscription;
struct suggestion;
struct late_reply;
struct removal;

/*
 * What may be on worker threads at the same time: samplers, and one each of
 * sync, late read, examination, backup, daily backup and removal. There are as
 * many threads (server_run), so the sync, which replies wait for, always finds
 * one, unless UV_THREADPOOL_SIZE says otherwise.
 */
#define WORKERS_SUGGEST 2
#define WORKERS_MAX     (WORKERS_SUGGEST + 6)

struct server {
	uv_loop_t loop;
	struct config config;
	char *config_file; /* NULL: defaults */
	struct paths paths;
	char *shim;
	int lock_fd;

	struct core *core;
	struct store *store;
	struct executor *executor;
	struct listener *listener;
	struct effects fx;

	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t deadline;
	uv_timer_t retry; /* storage.c */
	uv_timer_t sync_soon;
	uv_timer_t remove_step; /* remove.c */
	uv_signal_t sigterm, sigint, sighup;
	uv_timer_t house, watchdog; /* house.c */
	uv_work_t sync_work;

	uint64_t commits;     /* so far */
	uint64_t synced;      /* commits that are power-safe */
	uint64_t sync_wanted; /* the latest that somebody waits for */
	uint64_t sync_covers; /* commits that the running sync makes so */
	int sync_result;
	bool syncing;
	bool reply_waits;             /* for the next commit, or one before */
	bool shutdown_is_forced;      /* by a second signal */
	bool stalled;                 /* storage.c, as what follows */
	uint64_t stalled_ms, lost_ms; /* since when; uv_now() */
	bool is_damaged;              /* for that reason */
	char *lost;           /* why the database cannot be written, or NULL */
	uint64_t looked_ms;   /* for the database's files */
	bool stopping;        /* no further events are taken */
	bool shutdown_wanted; /* ends when no trial is to be waited for */
	bool shutdown_waits;  /* for the trials it has killed */
	int exit_status;

	TAILQ_HEAD(, waiting_reply) replies;
	TAILQ_HEAD(, ended_notice) ended;
	TAILQ_HEAD(, subscription) subscriptions;
	STAILQ_HEAD(, suggestion) suggestions; /* that wait for a thread */
	int suggesting;                        /* those that have one */
	TAILQ_HEAD(, late_reply) late;         /* workers look for them */
	STAILQ_HEAD(, late_read) late_reads;   /* that wait for a thread */
	STAILQ_HEAD(, removal) removals;       /* the first is at its rows */
	char *backup_error; /* of the latest daily one, or NULL */
	int64_t wal_told_bytes;
	unsigned house_ticks;
	bool house_runs;
	/* one of each at a time */
	bool health_runs, backup_runs, daily_runs, late_read_runs, removal_runs;
	_Atomic bool workers_end;  /* they shall, soon */
	_Atomic bool removal_ends; /* so shall the one that deletes files */
	struct moment started;
};

/* server.c */
int server_run(struct server *s, int ready_fd);
struct moment server_now(void);
/* One event to the core; an answer is passed on with its words. */
int server_step(struct server *s, const struct event *ev, struct diag *reterr)
    __attribute__((warn_unused_result));
/* One that can have no answer. */
void server_news(struct server *s, const struct event *ev);
/* Saves, commits and acts on all effects so far. False: they still wait. */
bool server_turn(struct server *s);
/* Makes what has been committed power-safe soon; @now: at once. */
void server_want_sync(struct server *s, bool now);
/* Listens anew if somebody has removed the socket. */
void server_watch_socket(struct server *s);
/* Begins the end. */
void server_shutdown(struct server *s, bool kill);

/* Returns 0, or -errno after saying why. */
int server_open_executor(struct server *s) __attribute__((warn_unused_result));

/* storage.c */
/* Has the core hold @search, if need be from the database. 0 or -errno. */
int server_load(struct server *s, int64_t search, struct diag *reterr)
    __attribute__((warn_unused_result));
/*
 * Core and executor from the open store. Returns 0, or -errno after saying why.
 */
int storage_load(struct server *s) __attribute__((warn_unused_result));
/* Frees core, effects and store; the executor is closed before. */
void storage_unload(struct server *s);
/* A commit was refused, since another program has the lock. */
void storage_stall(struct server *s);
/* A commit is done. */
void storage_go_on(struct server *s);
/* Of a failure to write: borrowed. */
const char *storage_words(const struct server *s, int error);
/*
 * The database cannot be written, for the reason of @words. @is_undone: what
 * was not committed is certainly not in it.
 */
void storage_lost(struct server *s, int error, const char *words,
		  bool is_undone);

/* launch.c */
char *server_trial_dir(const struct server *s, int64_t search, int64_t number);
void server_launch(struct server *s, const struct fx_run *run);
void server_adopt(struct server *s, const struct fx_run *run);
/* What a stored trial gets, with all of its budget. */
struct trial_command {
	char **argv;
	char **args; /* {args} */
	char **env;  /* HPS_PARAM_* alone */
	cJSON *params;
};
/* New: trial_command_fini(). */
int server_trial_command(struct server *s, int64_t search, const cJSON *trial,
			 struct trial_command *ret);
void trial_command_fini(struct trial_command *c);

/* suggest.c */
/* Takes the sampler; EV_SUGGESTED gives it to the core again. */
void server_suggest(struct server *s, struct fx_suggest *asked);
/* Those that wait will not be asked; those that are being asked end first. */
void suggest_fini(struct server *s);

/* api.c */
void api_line(void *ctx, struct conn *conn, const char *line, size_t len);
void api_too_long(void *ctx, struct conn *conn);
void api_too_many(void *ctx, struct conn *conn);
void api_closed(void *ctx, struct conn *conn);
/* Replies whose commits are power-safe go out. */
void api_synced(struct server *s);
/*
 * No reply will become true any more. @is_undone: what was not committed is
 * not done; of all else nobody knows, and who asked is hung up on.
 */
void api_lost(struct server *s, bool is_undone);
void api_fini(struct server *s);

/* remove.c */
/* Goes on with the removals that the database knows of. */
void remove_resume(struct server *s);
/* Those whose commits are power-safe may begin. */
void remove_synced(struct server *s);
/* They end where they are; the database knows how to go on. */
void remove_fini(struct server *s);

/* explain.c */
/* A sentence on which parameters matter to the model. New; NULL: not known. */
char *explain_relevance(struct server *s, int64_t search);
cJSON *explain_search(struct server *s, int64_t search, const cJSON *row);
cJSON *explain_trial(struct server *s, int64_t search, const cJSON *row,
		     const cJSON *attempts, const cJSON *events,
		     const cJSON *symptoms);

/* running.c */
/* [{trial, run, runs, foretold, text}]; what is foretold only if @foretell. */
cJSON *running_list(const struct server *s, int64_t search, bool foretell);

/* subscribe.c */
void subscribe(struct server *s, struct conn *conn, int64_t search);
void subscribe_trial_ended(struct server *s, const struct trial_record *t);
void subscribe_changed(struct server *s, int64_t search);
void subscribe_synced(struct server *s);
/* Ends that wait to be told never will be. */
void subscribe_lost(struct server *s);
void subscribe_all_changed(struct server *s);
void subscribe_closed(struct server *s, struct conn *conn);
void subscribe_fini(struct server *s);

/* house.c */
void house_start(struct server *s);
void house_stop(struct server *s);

/* notify.c: systemd's notification socket, if there is one */
void notify_systemd(const char *state);
/* How often it wants to hear "WATCHDOG=1" at the least; 0: never. */
int64_t notify_watchdog_ms(void);
