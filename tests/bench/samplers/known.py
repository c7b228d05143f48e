#!/usr/bin/env python3
"""
Writes known.json, the scale of the regrets: for every problem the best value
ever seen (its optimum, where that is known) and what random search has after
the problem's own number of trials, half of the time.

    known.py [--evaluations 8000] [--problems all] [RESULTS.jsonl ...]

The random part is a quantile of many random points. The best comes from these,
from a local search that begins at the best of them, and from the result files.
Values only ever improve; --evaluations 0 takes in the result files alone.
"""

import argparse
import json
import math

import numpy as np

import problems
import space


def loss(problem, config):
    value = problem.f(config)
    return math.inf if value is problems.FAILED else value


def random_points(problem, n, rng):
    """n of (loss, place in the unit cube)."""
    points = []
    for _ in range(n):
        u = rng.random(len(problem.parameters))
        points.append((loss(problem, at(problem, u)), u))
    return sorted(points, key=lambda p: p[0])


def at(problem, u):
    config = {name: space.value_at(p, x) for (name, p), x
              in zip(problem.parameters.items(), u)}
    return space.activate(problem.parameters, config)


def climb(problem, start, n, rng):
    best, u = start
    for _ in range(n):
        move = rng.random(len(u)) < max(0.25, 1 / len(u))
        step = rng.standard_normal(len(u)) * 10 ** rng.uniform(-3, -0.5)
        v = np.where(move, u + step, u)
        v = np.where(rng.random(len(u)) < 0.05, rng.random(len(u)), v)
        v = np.clip(v, 0, 1 - 1e-12)
        value = loss(problem, at(problem, v))
        if value <= best:
            best, u = value, v
    return best


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--evaluations", type=int, default=8000)
    p.add_argument("--problems", default="all")
    p.add_argument("results", nargs="*")
    a = p.parse_args()
    known = problems.KNOWN
    for problem in problems.select(a.problems):
        entry = known.setdefault(problem.name, {})
        best = [problem.best]
        if a.evaluations > 0:
            rng = np.random.default_rng(12345)
            # A model that is trained takes a hundred times a surrogate's time.
            n = a.evaluations // (10 if problem.group == "sklearn" else 1)
            points = random_points(problem, n // 2, rng)
            rank = (1 - 0.5 ** (1 / problem.trials)) * len(points)
            entry["random"] = points[int(rank)][0]
            best += [climb(problem, start, n // 10, rng)
                     for start in points[:5]]
        if not problem.optimum:
            entry["best"] = min(best)
        print(problem.name, entry, flush=True)
    for line in (line for file in a.results for line in open(file)):
        record = json.loads(line)
        entry = known.get(record["problem"], {})
        values = record.get("true", record["values"])
        if "best" in entry:
            entry["best"] = min([entry["best"]]
                                + [v for v in values if v is not None])
    text = json.dumps(known, indent=1, sort_keys=True)
    (problems.HERE / "known.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
