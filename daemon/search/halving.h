#pragma once

/*
 * Which trials are given more of a budget: ASHA (L. Li et al., "A System for
 * Massively Parallel Hyperparameter Tuning", MLSys 2020), whose rungs are whole
 * runs. Of the n trials whose run with so much is over, the best
 * floor(n / eta) have the next one, and whoever is as good.
 *
 * Where the command resumes, the others wait until they are among these: the
 * paper's promotion. Else they are stopped, and since that cannot be taken
 * back, at least one goes on.
 *
 * With brackets (Hyperband, L. Li et al., JMLR 18, 2018) a trial begins with
 * more, and is compared with those of its bracket alone.
 */
#include "search/pruner.h"
#include "search/sorted.h"

/* The first run of trial @number: its bracket, whose number is of levels. */
int64_t halving_first(const struct search_spec *spec, int64_t number);

/* "asha" or "hyperband". */
const char *halving_rule(const struct search_spec *spec);

/* How many of @n with as much go on. */
size_t halving_kept(const struct search_spec *spec, size_t n);

/*
 * Whether a trial with @value goes on: it is among the best of @scores, those
 * of all trials of its bracket with as much, its own too.
 */
bool halving_goes_on(const struct search_spec *spec, double value,
		     const struct sorted *scores);

/*
 * Run @run of a trial has given @value: fills @ret, zeroed before, unless it
 * goes on. The reason is "paused@9" if it
 * waits, or begins with the rule that stops it.
 */
void halving_judge(const struct search_spec *spec, int64_t run, double value,
		   const struct sorted *scores, struct verdict *ret);
