#pragma once

/*
 * The rule of each symptom: adds it to what was found if the run shows it.
 * Their thresholds are shares of the scale (measure.h), set by runs with
 * planted faults (tests/bench/why).
 */
#include "why/exam.h"

/* What is broken; if it diverged, the others say no more. */
void rules_no_output(struct exam *e);
void rules_late_crash(struct exam *e);
void rules_diverged(struct exam *e);

/* In this order: the later ones look at what was found. */
void rules_stuck(struct exam *e); /* plateau too, if nothing moves */
void rules_overfitting(struct exam *e);
void rules_rough(struct exam *e);
void rules_unlearned(struct exam *e); /* too_slow, still_improving,
				       * underfitting */
void rules_plateau(struct exam *e);
void rules_healthy(struct exam *e);
