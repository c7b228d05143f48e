#!/usr/bin/env python3
"""
What "objective_per": "second" brings: the best error found when the trials so
far have taken as long as 5, 10 and 20 random ones, one trial after another.

    per_second.py ASK_TELL DATA [--seeds 10] [--aside]

DATA is that of sampler.py. A trial is a full training of the surrogate lcbench
and takes the time that it says. The regret is 0 at the best that is known of
the problem and 1 at the median of random configurations.
"""

import argparse
import math
import pathlib
import statistics

import numpy as np

import sampler
import space

BUDGETS = 5, 10, 20


def train(problem, config):
    """(error, seconds)"""
    of = problem.outputs(config)
    return float(min(100 - of["val_accuracy"])), max(float(of["time"][-1]), 1e-3)


def search(problem, program, seed, seconds, more):
    """The best error within each of BUDGETS, in times of @seconds; the trials."""
    s = sampler.Sampler(program, problem.parameters, "gp", seed, **more)
    best, used, trials, found = math.inf, 0.0, 0, []
    while len(found) < len(BUDGETS):
        number, config = s.ask()
        error, took = train(problem, config)
        used, trials = used + took, trials + 1
        while len(found) < len(BUDGETS) and used > BUDGETS[len(found)] * seconds:
            found.append(best)
        best = min(best, error)
        s.tell(number, f"done {error!r} {problem.steps} {took!r}")
    s.close()
    return found, trials


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("data", type=pathlib.Path)
    p.add_argument("--aside", action="store_true")
    p.add_argument("--seeds", type=int, default=10)
    a = p.parse_args()
    ways = {"trial": {}, "second": {"objective_per": "second"}}
    regrets, trials = {w: [] for w in ways}, {w: [] for w in ways}
    for name, make in sampler.problems(a.data, a.aside).items():
        if not name.startswith("error"):
            continue
        problem, rng = make(), np.random.default_rng(6)
        drawn = [train(problem, space.draw(problem.parameters, rng)) for _ in range(300)]
        seconds, median = statistics.mean(t for _, t in drawn), statistics.median(e for e, _ in drawn)
        found = {w: [search(problem, a.program, seed, seconds, more) for seed in range(a.seeds)]
                 for w, more in ways.items()}
        least = min(min(e for e, _ in drawn), min(f[-1] for runs in found.values() for f, _ in runs))
        for w in ways:
            regrets[w] += [[min((e - least) / (median - least), 1) for e in f] for f, _ in found[w]]
            trials[w] += [n for _, n in found[w]]
        spread = statistics.quantiles([t for _, t in drawn], n=10)
        print(f"{name}: random trials take {spread[0]:.0f} to {spread[-1]:.0f} s (10th, 90th percentile);", "; ".join(
            f"per {w}: " + " ".join(f"{statistics.mean(r[i] for r in regrets[w][-a.seeds:]):.3f}"
                                    for i in range(len(BUDGETS))) for w in ways), flush=True)
    for w in ways:
        print(f"per {w}: mean regret at {BUDGETS} random trials' time:",
              " ".join(f"{statistics.mean(r[i] for r in regrets[w]):.3f}" for i in range(len(BUDGETS))),
              f"with {statistics.mean(trials[w]):.0f} trials")
    for i, budget in enumerate(BUDGETS):
        differences = [s[i] - t[i] for s, t in zip(regrets["second"], regrets["trial"])]
        print(f"second - trial at {budget}: {statistics.mean(differences):+.3f} +- "
              f"{statistics.stdev(differences) / math.sqrt(len(differences)):.3f}, better in "
              f"{sum(d < 0 for d in differences)}, worse in {sum(d > 0 for d in differences)} of {len(differences)}")


if __name__ == "__main__":
    main()
