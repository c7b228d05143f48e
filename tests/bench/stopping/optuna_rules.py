#!/usr/bin/env python3
"""
Optuna's pruners and hpsd's rules of the same name on the same curves in the same order, one worker:

    optuna_rules.py CACHE [--replay build/tests/bench/stopping_replay] [--orders 1] [--group tuning]

First what both define alike: curves that never rise, so that the best value so far, which hpsd's rules take at a rung,
is the present one, which Optuna takes; the length of a trial is known to both. Then the curves as they are. For each
pair: in how many of the trials the decision was the same (the epoch where it was stopped, or that it was not), why the
others differ, the share of the epochs that each spent and its regret.
"""

import argparse
import collections
import pathlib

import numpy as np
import optuna

import run

optuna.logging.set_verbosity(optuna.logging.ERROR)
LAST = 52
PAIRS = {
    "median (percentile 50)": ({"type": "percentile", "min_steps": 5, "min_trials": 5},
                               lambda: optuna.pruners.MedianPruner(5, 5)),
    "percentile 25": ({"type": "percentile", "percentile": 25, "min_steps": 5, "min_trials": 5},
                      lambda: optuna.pruners.PercentilePruner(25, 5, 5)),
    "asha 1, 4": ({"type": "asha", "min_steps": 1, "eta": 4, "max_steps": LAST},
                  lambda: optuna.pruners.SuccessiveHalvingPruner(1, 4)),
    "asha 3, 3": ({"type": "asha", "min_steps": 3, "max_steps": LAST},
                  lambda: optuna.pruners.SuccessiveHalvingPruner(3, 3)),
    "hyperband 1, 3": ({"type": "hyperband", "min_steps": 1, "max_steps": LAST},
                       lambda: optuna.pruners.HyperbandPruner(1, LAST, 3)),
    "patience 10": ({"type": "patience", "patience": 10},
                    lambda: optuna.pruners.PatientPruner(None, 9)),
}


def prune(make, curves, order):
    """({stopped: its epoch}, epochs spent, best value) with one of Optuna's pruners."""
    study = optuna.create_study(pruner=make(), sampler=optuna.samplers.RandomSampler(seed=1), study_name="one")
    stopped, spent, best = {}, 0, np.inf
    for config in order:
        trial = study.ask()
        for epoch, value in enumerate(curves[config], 1):
            trial.report(value, epoch)
            spent += 1
            best = min(best, value) if np.isfinite(value) else best
            if epoch < len(curves[config]) and trial.should_prune():
                stopped[config] = epoch
                break
        if config in stopped or not np.isfinite(value):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return stopped, spent, best


def diverges(curve, epoch):
    """hpsd stops two values in a row that are not finite, and absurd ones, whatever the rule."""
    values = curve[:epoch]
    bad = ~np.isfinite(values)
    return bool(np.any(bad[1:] & bad[:-1]) or np.any(np.abs(values[~bad]) > 1e6))


def compare(binary, task, curves, path, pair, order, count):
    rule, make = pair
    stopped, spent, best = prune(make, curves, order)
    other = run.Task(path)
    mine_spent, _, mine_best, mine = next(run.replay(binary, other, rule, 1, 0, [order]))
    for config in order:
        a, b = stopped.get(config), mine.get(config)
        count["trials"] += 1
        if a == b:
            count["equal"] += 1
        elif b is not None and diverges(curves[config], b):
            count["diverged"] += 1
        elif a is None or (b is not None and b < a):
            count["hpsd sooner"] += 1
        else:
            count["optuna sooner"] += 1
    whole = len(order) * curves.shape[1]
    return spent / whole, task.regret(best, order), mine_spent / whole, task.regret(mine_best, order)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache", type=pathlib.Path)
    p.add_argument("--replay", default=str(run.ROOT / "build/tests/bench/stopping_replay"))
    p.add_argument("--orders", type=int, default=1)
    p.add_argument("--group", default="")
    a = p.parse_args()
    files = sorted(f for f in a.cache.glob("*/*.txt") if a.group in f.parent.name)
    print("| curves | rule | decisions equal | diverged | hpsd sooner | Optuna sooner | epochs (Optuna's) "
          "| regret (Optuna's) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind in ("never rise", "as they are"):
        for name, pair in PAIRS.items():
            count, rows = collections.Counter(), []
            for file in files:
                task, path = run.Task(file), file
                curves = task.curves
                if kind == "never rise":
                    curves = np.fmin.accumulate(curves, axis=1)
                    path = pathlib.Path(run.tempfile.gettempdir()) / f"falling-{file.name}"
                    np.savetxt(path, curves, fmt="%.17g")
                for order in task.orders(a.orders):
                    rows.append(compare(a.replay, task, curves, path, pair, list(map(int, order[:run.TRIALS])), count))
                if path != file:
                    path.unlink()
            m = np.mean(rows, axis=0)
            print(f"| {kind} | {name} | {count['equal']} of {count['trials']} | {count['diverged']} | "
                  f"{count['hpsd sooner']} | {count['optuna sooner']} | {m[2]:.3f} ({m[0]:.3f}) | "
                  f"{m[3]:.4f} ({m[1]:.4f}) |", flush=True)


if __name__ == "__main__":
    main()
