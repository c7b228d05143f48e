#!/usr/bin/env python3
"""
Every rule on every task of a folder that curves.py made, a table of each group:

    run.py CACHE [--replay build/tests/bench/stopping_replay] [--orders 20] [--rules FILE.json]

FILE.json maps a name to an "early_stopping" of the search file, in place of RULES below; with "resumes" the search does.

For 100 trials drawn at random, with 1 worker and with 8 whose epochs take between a
quarter and four times as long as another's: the share of the epochs
that was spent, the regret, (best found - best of the 100) / (median - best of
the 100), and how often the best of them was stopped. Then for the epochs of 20
full trials and 4 workers, of a search that would try all of the task's
configurations: the regret against all of them, and the trials started. A configuration is worth the lowest value of its curve.

The oracle stops every trial but the best one at its first report.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
TRIALS, FULL = 100, 20
RULES = {
    "none": {"type": "none"},
    "funnel (default)": {"type": "funnel"},
    "funnel, keep .15": {"type": "funnel", "keep": 0.15},
    "asha": {"type": "asha"},
    "asha, min_steps 6": {"type": "asha", "min_steps": 6},
    "hyperband": {"type": "hyperband"},
    "median": {"type": "median"},
    "asha that resumes": {"type": "asha", "resumes": True},
    "percentile 50": {"type": "percentile"},
    "percentile 25": {"type": "percentile", "percentile": 25},
    "patience 10": {"type": "patience", "patience": 10},
    "diverged only": {"type": "threshold", "max": 1e300},
}


class Task:
    def __init__(self, path):
        self.path = path
        self.curves = np.array([[float(v) for v in line.split()] for line in path.open()])
        self.values = np.where(np.isfinite(self.curves), self.curves, np.inf).min(axis=1)

    def regret(self, found, among):
        values = self.values[among]
        best = values.min()
        return (found - best) / (np.median(values[np.isfinite(values)]) - best)

    def orders(self, n):
        return [np.random.default_rng([k, 7]).permutation(len(self.values)) for k in range(n)]


def replay(binary, task, rule, workers, epochs, orders, *words):
    """(spent, started, best value, {stopped: its epoch}) of each order."""
    rule = dict(rule)
    resumes = rule.pop("resumes", False)
    search = {"name": "replay", "command": ["true"], "metric": {"name": "loss", "value": "best"},
              "parameters": {"x": {"type": "float", "min": 0, "max": 1}}, "early_stopping": rule, "resumes": resumes,
              "trials": len(orders[0])}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(search, file)
        file.flush()
        output = subprocess.run([binary, task.path, file.name, str(workers), str(epochs), "decisions", *words],
                                check=True, text=True, input="".join(" ".join(map(str, o)) + "\n" for o in orders),
                                stdout=subprocess.PIPE)
    for line in output.stdout.splitlines():
        spent, started, best, *stopped = line.split()
        yield int(spent), int(started), float(best), dict(map(int, s.split("@")) for s in stopped)


def measure(binary, task, rule, n_orders):
    orders = task.orders(n_orders)
    epochs = task.curves.shape[1]
    row = {}
    for workers in (1, 8):
        some = [o[:TRIALS] for o in orders]
        runs = list(replay(binary, task, rule, workers, 0, some, *(["unequal"] if workers > 1 else [])))
        row[f"epochs {workers}"] = np.mean([r[0] / (TRIALS * epochs) for r in runs])
        row[f"regret {workers}"] = np.mean([task.regret(r[2], o) for r, o in zip(runs, some)])
        row[f"best stopped {workers}"] = np.mean([o[np.argmin(task.values[o])] in r[3] for r, o in zip(runs, some)])
    runs = list(replay(binary, task, rule, 4, FULL * epochs, orders))
    row["equal budget"] = np.mean([task.regret(r[2], o) for r, o in zip(runs, orders)])
    row["started"] = np.mean([r[1] for r in runs])
    return row


def oracle(task, n_orders):
    """What stops all trials but the best one at their first report can reach."""
    epochs = task.curves.shape[1]
    started = min((FULL - 1) * epochs + 1, len(task.values))
    row = {f"{what} {workers}": 0 for what in ("epochs", "regret", "best stopped") for workers in (1, 8)}
    row["epochs 1"] = row["epochs 8"] = (TRIALS - 1 + epochs) / (TRIALS * epochs)
    row["equal budget"] = np.mean([task.regret(task.values[o[:started]].min(), o) for o in task.orders(n_orders)])
    row["started"] = started
    return row


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache", type=pathlib.Path)
    p.add_argument("--replay", default=str(ROOT / "build/tests/bench/stopping_replay"))
    p.add_argument("--orders", type=int, default=20)
    p.add_argument("--rules", type=pathlib.Path)
    a = p.parse_args()
    rules = json.loads(a.rules.read_text()) if a.rules else RULES
    print("| curves | rule | epochs 1 (8) | regret 1 (8) | best stopped 1 (8) | equal budget | started |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for group in sorted(f for f in a.cache.iterdir() if f.is_dir()):
        tasks = [Task(f) for f in sorted(group.glob("*.txt"))]
        for name, rule in {"oracle": None, **rules}.items():
            rows = [measure(a.replay, t, rule, a.orders) if rule else oracle(t, a.orders) for t in tasks]
            m = {k: np.mean([r[k] for r in rows]) for k in rows[0]}
            print(f"| {group.name} | {name} | {m['epochs 1']:.3f} ({m['epochs 8']:.3f}) | {m['regret 1']:.4f} "
                  f"({m['regret 8']:.4f}) | {m['best stopped 1']:.0%} ({m['best stopped 8']:.0%}) | "
                  f"{m['equal budget']:.3f} | {m['started']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
