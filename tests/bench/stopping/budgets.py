#!/usr/bin/env python3
"""
Searches with budgets, and races of folds.

    budgets.py levels ASK_TELL DATA --sampler tpe --way bohb done --seeds 5 >> runs.jsonl
    budgets.py table runs.jsonl --against done
    budgets.py scores FOLDER
    budgets.py races FOLDER [--p .1 .15]

levels: on lcbench curves (DATA has yahpo/surrogate.py) trials are given 3, 9, 27 and
52 epochs by ASHA of the stopping type; four workers. A run goes on from the one before
(--again: it does not). What is found is the best result with all epochs; the regret is
0 at the best that is known of the problem and 1 at the median of random
configurations. It is taken when as many epochs are spent as 5, 10, 20 and 40 full
trials have. A way is what a sampler is told:

    bohb     what hpsd tells: results of the largest budget with d + 3 of them, of other
             trials that they had less; tpe draws a third of its points at random
    level    the same without the random points
    done     results with all epochs alone
    reached  what each trial had reached, as of one that was pruned, with its epochs

races: trials of 5 and 10 folds, one after another in random order, raced against the
best one so far as the rule wilcoxon does; of each table of FOLDER (a line for each
configuration: its loss in each fold), which scores makes, and of made-up ones, where
a loss is quality + difficulty of the fold + noise, all normal, noise of so many times
the spread of quality. Shown are the runs that were needed, the regret (0 best, 1
median) and how often the best one was lost.
"""

import argparse
import collections
import functools
import heapq
import json
import math
import os
import pathlib
import statistics

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before numpy is there

import numpy as np  # noqa: E402

import sampler  # noqa: E402

LEVELS = (3, 9, 27, 52)
ETA, WORKERS = 3, 4
FULL_TRIALS = (5, 10, 20, 40)
BUDGET = {"name": "epochs", "min": 3, "max": 52, "eta": ETA}

# --- levels -----------------------------------------------------------------


class Trial:
    def __init__(self, number, curve):
        self.number, self.curve, self.results, self.fate = number, curve, [], "running"


def goes_on(scores, value):
    return value <= sorted(scores)[max(1, len(scores) // ETA) - 1]


def run_of_model(trials, d):
    """bohb_run() of daemon/search/bohb.h"""
    for run in range(len(LEVELS) - 1, 0, -1):
        if sum(len(t.results) > run for t in trials) >= d + 3:
            return run
    return 0


def told(way, t, run):
    if way in ("bohb", "level"):
        if len(t.results) > run:
            return f"done {t.results[run]!r} {LEVELS[run]}"
        return "running" if t.fate == "running" else "short"
    if t.fate == "running":
        return "running"
    if t.fate == "done":
        return f"done {t.results[-1]!r} {LEVELS[-1]}"
    return f"pruned {t.results[-1]!r} {LEVELS[len(t.results) - 1]}" if way == "reached" else "cancelled"


def search(problem, a, way, seed):
    budget = {"budget": BUDGET} if way == "bohb" else {}
    asked = sampler.Sampler(a.program, problem.parameters, a.sampler, seed, **budget)
    marks = [n * LEVELS[-1] for n in FULL_TRIALS if n <= a.full]
    scores, trials, busy = collections.defaultdict(list), [], []
    spent, clock, best, found, known = 0, 0, None, [], {}
    while len(found) < len(marks):
        while len(busy) < WORKERS:
            run = run_of_model(trials, len(problem.parameters))
            for t in trials:
                say = told(way, t, run)
                if known.get(t.number, "running") != say:
                    asked.tell(t.number, say)
                    known[t.number] = say
            number, config = asked.ask()
            trials.append(Trial(number, problem.curve(config)))
            clock += 1
            heapq.heappush(busy, ((busy[0][0] if busy else 0) + LEVELS[0], clock, trials[-1]))
        at, order, t = heapq.heappop(busy)
        run = len(t.results)
        spent += LEVELS[run] - (0 if a.again or run == 0 else LEVELS[run - 1])
        while len(found) < len(marks) and spent > marks[len(found)]:
            found.append((best, len(trials)))
        t.results.append(t.curve[LEVELS[run] - 1])
        scores[run].append(t.results[-1])
        if run == len(LEVELS) - 1:
            t.fate = "done"
            best = t.results[-1] if best is None else min(best, t.results[-1])
        elif goes_on(scores[run], t.results[-1]):
            more = LEVELS[run + 1] - (0 if a.again else LEVELS[run])
            heapq.heappush(busy, (at + more, order, t))
        else:
            t.fate = "pruned"
    asked.close()
    return {"best": [b for b, _ in found], "trials": [n for _, n in found], "seconds": round(asked.seconds, 2)}


def levels(a):
    made = sampler.problems(a.data, a.aside)
    for name in [n for n in made if not n.startswith("ts-")]:
        problem = made[name]()
        ends = [c[-1] for c in problem.sample()]
        for seed in range(a.seeds):
            for way in a.way:
                found = search(problem, a, way, seed)
                print(json.dumps({"problem": name, "sampler": a.sampler, "way": way, "seed": seed,
                                  "median": statistics.median(ends), "known": min(ends), **found}), flush=True)


def table(a):
    rows = [json.loads(line) for path in a.runs for line in open(path)]
    best = collections.defaultdict(lambda: math.inf)
    for r in rows:
        best[r["problem"]] = min([best[r["problem"]], r["known"]] + [b for b in r["best"] if b is not None])
    groups = collections.defaultdict(dict)
    for r in rows:
        low, high = best[r["problem"]], r["median"]
        groups[r["sampler"], r["way"]][r["problem"], r["seed"]] = (
            [1.0 if b is None else min((b - low) / (high - low), 1.0) for b in r["best"]], r["trials"])
    print("| sampler | told | " + " | ".join(f"{n} full trials" for n in FULL_TRIALS) + " | trials | runs |")
    print("| --- " * (len(FULL_TRIALS) + 4) + "|")
    for (kind, way), found in sorted(groups.items()):
        base = groups.get((kind, a.against), {})
        cells = []
        for k in range(len(FULL_TRIALS)):
            some = {key: r[k] for key, (r, _) in found.items() if k < len(r)}
            both = [some[key] - base[key][0][k] for key in some if key in base]
            less = ""
            if way != a.against and len(both) > 1:
                less = f" ({statistics.mean(both):+.3f} +- {statistics.stdev(both) / math.sqrt(len(both)):.3f})"
            cells.append(f"{statistics.mean(some.values()):.3f}{less}" if some else "")
        trials = statistics.mean(t[-1] for _, t in found.values())
        print(f"| {kind} | {way} | " + " | ".join(cells) + f" | {trials:.0f} | {len(found)} |")


# --- races ------------------------------------------------------------------


def models(rng):
    """What scores makes tables of: kind of task, name, data, how to draw a model."""
    from sklearn import datasets, ensemble, linear_model, naive_bayes, neighbors, svm, tree
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def scaled(model):
        return make_pipeline(StandardScaler(), model)

    def log(low, high):
        return 10 ** rng.uniform(low, high)

    digits = tuple(x[:600] for x in datasets.load_digits(return_X_y=True))
    diabetes = datasets.load_diabetes(return_X_y=True)
    iris = datasets.load_iris(return_X_y=True)
    made = datasets.make_classification(400, 20, n_informative=6, flip_y=0.1, random_state=3)
    moons = datasets.make_moons(300, noise=0.3, random_state=4)
    friedman = datasets.make_friedman1(300, noise=2, random_state=5)
    return {
        "digits-knn": (digits, lambda: scaled(neighbors.KNeighborsClassifier(
            int(rng.integers(1, 60)), weights=rng.choice(["uniform", "distance"])))),
        "digits-bayes": (digits, lambda: naive_bayes.GaussianNB(var_smoothing=log(-9, 1))),
        "digits-logistic": (digits, lambda: scaled(linear_model.SGDClassifier(
            loss="log_loss", alpha=log(-6, 0), max_iter=int(rng.integers(1, 20)), tol=None))),
        "iris-svc": (iris, lambda: scaled(svm.SVC(C=log(-3, 3), gamma=log(-4, 1)))),
        "diabetes-ridge": (diabetes, lambda: scaled(linear_model.Ridge(log(-3, 5)))),
        "diabetes-svr": (diabetes, lambda: scaled(svm.SVR(C=log(-1, 3), gamma=log(-4, 0)))),
        "made-svc": (made, lambda: scaled(svm.SVC(C=log(-3, 3), gamma=log(-4, 1)))),
        "made-tree": (made, lambda: tree.DecisionTreeClassifier(
            max_depth=int(rng.integers(1, 15)), min_samples_leaf=int(rng.integers(1, 40)))),
        "moons-knn": (moons, lambda: neighbors.KNeighborsClassifier(int(rng.integers(1, 100)))),
        "moons-svc": (moons, lambda: svm.SVC(C=log(-3, 3), gamma=log(-3, 3))),
        "friedman-forest": (friedman, lambda: ensemble.ExtraTreesRegressor(
            10, max_depth=int(rng.integers(1, 12)), min_samples_leaf=int(rng.integers(1, 20)), random_state=1)),
    }


def scores(a):
    from sklearn.model_selection import KFold
    a.folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for name, ((x, y), draw) in models(rng).items():
        drawn = [draw() for _ in range(100)]
        for folds in (5, 10):
            parts = list(KFold(folds, shuffle=True, random_state=2).split(x))
            rows = [[1 - m.fit(x[i], y[i]).score(x[k], y[k]) for i, k in parts] for m in drawn]
            np.savetxt(a.folder / f"{name}-{folds}.txt", rows, "%.9g")
            print(name, folds, flush=True)


def made_up(noise, folds, rng):
    return rng.normal(size=(100, 1)) + rng.normal(size=folds) + noise * rng.normal(size=(100, folds))


@functools.lru_cache(None)
def p_value(signed):
    """Of the differences' signed ranks: equal ones are looked up."""
    from scipy.stats import wilcoxon
    return wilcoxon(signed, zero_method="zsplit", alternative="greater").pvalue if any(signed) else 0.5


def p_of(differences):
    from scipy.stats import rankdata
    return p_value(tuple(sorted(rankdata(np.abs(differences)) * np.sign(differences))))


def race(table, order, p):
    best, runs = None, 0
    for i in order:
        for n in range(1, table.shape[1] + 1):
            runs += 1
            if best is None or n == table.shape[1]:
                continue
            if table[i, :n].mean() > table[best, :n].mean() and p_of(table[i, :n] - table[best, :n]) < p:
                break
        else:
            if best is None or table[i].mean() < table[best].mean():
                best = i
    means = table.mean(axis=1)
    spread = np.median(means) - means.min()
    return (runs / table.size, (means[best] - means.min()) / spread if spread > 0 else 0,
            means[best] > means.min())


def races(a):
    rng = np.random.default_rng(7)
    print("| tables | folds | p | runs | regret | best lost | tables |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for folds in (5, 10):
        kinds = {"of " + a.folder.name: [np.loadtxt(f) for f in sorted(a.folder.glob(f"*-{folds}.txt"))]}
        for noise in (0.3, 1, 3):
            kinds[f"made up, noise {noise}"] = [made_up(noise, folds, rng) for _ in range(8)]
        for kind, tables in kinds.items():
            for p in a.p:
                found = [race(t, np.random.default_rng(k).permutation(len(t)), p)
                         for t in tables for k in range(a.orders)]
                runs, regret, lost = np.mean(found, axis=0)
                print(f"| {kind} | {folds} | {p} | {runs:.3f} | {regret:.4f} | {lost:.0%} | {len(tables)} |",
                      flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(required=True)
    c = commands.add_parser("levels")
    c.add_argument("program")
    c.add_argument("data", type=pathlib.Path)
    c.add_argument("--sampler", default="tpe")
    c.add_argument("--way", nargs="+", default=["bohb", "done"])
    c.add_argument("--aside", action="store_true", help="the problems that nothing was chosen on")
    c.add_argument("--seeds", type=int, default=5)
    c.add_argument("--full", type=int, default=20, help="until as many epochs are spent as so many full trials have")
    c.add_argument("--again", action="store_true", help="each run begins anew")
    c.set_defaults(do=levels)
    c = commands.add_parser("table")
    c.add_argument("runs", nargs="+")
    c.add_argument("--against", default="done")
    c.set_defaults(do=table)
    c = commands.add_parser("scores")
    c.add_argument("folder", type=pathlib.Path)
    c.set_defaults(do=scores)
    c = commands.add_parser("races")
    c.add_argument("folder", type=pathlib.Path)
    c.add_argument("--p", nargs="+", type=float, default=[0.1, 0.15, 0.2])
    c.add_argument("--orders", type=int, default=10)
    c.set_defaults(do=races)
    a = p.parse_args()
    a.do(a)


if __name__ == "__main__":
    main()
