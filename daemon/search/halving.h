#pragma once

/*
 * Which trials are given more of a budget: ASHA of the stopping type (L. Li et
 * al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020),
 * whose rungs are whole runs. Of the n trials whose run with so much is over,
 * the best max(1, floor(n / eta)) have the next one, and whoever is as good.
 */
#include "search/pruner.h"
#include "search/sorted.h"

/*
 * Run @run of a trial has given @value: fills @ret, zeroed before, if it is not
 * among the best of @scores, those of all trials whose run @run is over, its
 * own too.
 */
void halving_judge(const struct search_spec *spec, int64_t run, double value,
		   const struct sorted *scores, struct verdict *ret);
