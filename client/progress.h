#pragma once

/*
 * What a "progress" notice says, in the words of the live line and of the lines
 * above it.
 */
#include "schema/buf.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* Trials of the notice that are in @state. */
int64_t progress_count(const cJSON *notice, const char *state);

/*
 * "[17/60]  12 done  2 running  best 0.05 (trial 7)  1m10s left  (5 diverged)".
 */
void progress_print_line(struct buf *b, const cJSON *notice, double age_s);

/* "12 done, 3 pruned, 2 failed" of a search that has ended. */
void progress_print_counts(struct buf *b, const cJSON *notice);

/* "best  val_loss 0.05  trial 7  lr=0.1 units=3". */
void progress_print_best(struct buf *b, const cJSON *notice);

/* "trial 9 failed (exit:1) after 0.3s", of one of the notice's `ended`. */
void progress_print_ended(struct buf *b, const cJSON *trial);

/*
 * "commonest symptom: diverged, in 12 of 30 trials (hpctl why digits)", of
 * @symptoms (how many trials have each) and @counts (trials by state); nothing
 * unless two trials and a tenth of them have it.
 */
void progress_print_symptom(struct buf *b, const cJSON *symptoms,
			    const cJSON *counts, const char *search);

/*
 * The last line of the file at @path that has something in it; new, NULL if
 * there is none.
 */
char *progress_last_line(const char *path);
