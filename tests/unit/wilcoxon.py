#!/usr/bin/env python3
"""Prints wilcoxon.inc: whether Optuna's WilcoxonPruner stops the trials of check_wilcoxon.c."""
import warnings

import optuna

from draw import draw

CASES = 500


def runs(shift):
    n = 1 + draw(12)
    points = {}
    for run in range(n):
        value = draw(20) + shift
        if draw(8) > 0:
            points[run] = float(value)
    return points


warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
print("/* Made by wilcoxon.py: WilcoxonPruner(p_threshold=0.1). */")
for case in range(CASES):
    best, shift = runs(0), draw(9)
    maximize = case % 2 == 1
    points = runs(-shift if maximize else shift)
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    study.add_trial(optuna.trial.create_trial(value=0.0, intermediate_values=best))
    trial = study.ask()
    for run, value in points.items():
        trial.report(value, run)
    frozen = study._storage.get_trial(trial._trial_id)
    print(f"{int(optuna.pruners.WilcoxonPruner(p_threshold=0.1).prune(study, frozen))},")
