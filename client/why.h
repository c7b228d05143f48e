#pragma once

/* What `hpctl why` is made of. */
#include "cmd.h"
#include "why/series.h"

#include "schema/reader.h"

/* Everything that a log says. Free with why_log_free(). */
struct why_log {
	struct why_metrics {
		struct why_metric {
			char *name;
			struct series by_step; /* its points, in one curve */
			struct series by_turn; /* the same, as they came */
		} * list;                      /* [n] */
		size_t n;
	} metrics;
	struct reader_counts counts;
	/* Its last bytes, and the line of them that tells of a crash. */
	char tail[2048];
	size_t tail_len;
	char *crash; /* or NULL */
};

/*
 * Reads a log ("-": stdin) as `metrics --try` does, and sentences too: "Train
 * Loss: 0.5" is a train_loss, "loss 0.5" a loss. A log without such is read as
 * a table (why_table.h).
 */
enum status why_log_read(const char *path, struct why_log *ret);
void why_log_free(struct why_log *log);

/* `why SEARCH/TRIAL`: what ails a trial. */
enum status why_trial(struct call *call);

/* `why SEARCH`: what its trials show together. */
enum status why_search(struct call *call);

/*
 * Shows the lines that change, then writes the file: to the second operand,
 * which must be new; else to NAME.json, after asking on a terminal; else to
 * stdout.
 */
enum status apply_findings(struct call *call, const cJSON *why);

/* Prints "symptoms" and "note" of an answer, for people. */
void why_print_symptoms(struct out *o, const cJSON *answer);

/* `why --log`: what ails the runs whose logs are the operands. */
enum status why_logs(struct call *call);
