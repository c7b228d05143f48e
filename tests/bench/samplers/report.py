#!/usr/bin/env python3
"""
Tables (Markdown) of what run.py wrote:

    report.py RESULTS.jsonl ... [--samplers hpsd-gp,optuna-gp] [--workers 8]
    report.py NEW.jsonl --against OLD.jsonl [--samplers hpsd-gp]

Only the problems and seeds that every sampler named has are compared. The
regret of a run is (its best - best known) / (random search - best known),
within [0, 2], where random search is what half of the random searches have
after all the problem's trials (known.json). Best: of what the sampler was told;
it is judged without the noise. Two runs whose regrets differ by less than 1e-4
tie; the geometric mean takes smaller regrets as 1e-4. Of the seeds a paired
Wilcoxon test, two-sided, ties halved; Holm corrects for the number of problems.
With --against the first sampler of the new files is put beside the old ones'.
"""

import argparse
import json
import math
import statistics

import numpy as np
from scipy import stats

import problems

EPSILON = 1e-4
PARTS = (4, 3, 2, 1)  # after n/4, n/3, n/2 and n trials
RIVAL = "optuna-gp"


def load(files):
    """{sampler: {problem: {seed: record}}}, by the number of workers."""
    runs = {}
    for file in files:
        for line in open(file):
            r = json.loads(line)
            of = runs.setdefault(r["workers"], {}).setdefault(r["sampler"], {})
            of.setdefault(r["problem"], {})[r["seed"]] = r
    return runs


def best_after(record, k):
    """The noiseless value of the best of the first @k trials."""
    told = record["values"][:k]
    done = [(v, i) for i, v in enumerate(told) if v is not None]
    if not done:
        return math.inf
    return record.get("true", record["values"])[min(done)[1]]


def after(record, part):
    return best_after(record, math.ceil(record["trials"] / part))


def regret(problem, value):
    scale = problem.random - problem.best
    return min(max((value - problem.best) / scale, 0), 2)


def common(columns):
    """{problem: [seeds]} that every column has."""
    shared = set.intersection(*(set(c) for c in columns))
    return {name: seeds for name in problems.PROBLEMS if name in shared
            for seeds in [sorted(set.intersection(*(set(c[name])
                                                    for c in columns)))]
            if seeds}


def better_best(runs):
    """Values better than the best known move it."""
    for of in (c for k in runs.values() for c in k.values()):
        for name, seeds in of.items():
            p = problems.PROBLEMS.get(name)
            if p and not p.optimum:
                values = [v for r in seeds.values() for v in
                          r.get("true", r["values"]) if v is not None]
                p.best = min([p.best] + values)


def regrets(column, pairs, part):
    """{problem: [regret by seed]}"""
    return {name: np.array([regret(problems.PROBLEMS[name],
                                   after(column[name][s], part))
                            for s in seeds])
            for name, seeds in pairs.items()}


def mean(r):
    return statistics.fmean(float(v.mean()) for v in r.values())


def geometric(r):
    return math.exp(statistics.fmean(
        float(np.log(np.maximum(v, EPSILON)).mean()) for v in r.values()))


def differences(a, b):
    d = a - b
    return np.where(np.abs(d) < EPSILON, 0, d)


def tally(d):
    return f"{(d < 0).sum()}/{(d == 0).sum()}/{(d > 0).sum()}"


def wilcoxon(d):
    """(sign of the shift, p): -1 the first is better."""
    if not d.any():
        return 0, 1.0
    p = stats.wilcoxon(d, zero_method="zsplit").pvalue
    ranks = stats.rankdata(np.abs(d)) * np.sign(d)
    return int(np.sign(ranks.sum())), float(p)


def holm(ps):
    """Adjusted p-values, in the order given."""
    order = np.argsort(ps)
    adjusted, least = np.empty(len(ps)), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = least
    return adjusted


def table(head, rows):
    print("|", " | ".join(head), "|")
    print("|", " | ".join("---" for _ in head), "|")
    for row in rows:
        print("|", " | ".join(row), "|")
    print()


def number(v):
    return "-" if not math.isfinite(v) else f"{v:.4g}"


def losses(columns, pairs):
    """The median best of every sampler on every problem."""
    print("Median best after n/4, n/2 and n trials:\n")
    rows = []
    for name, seeds in pairs.items():
        p = problems.PROBLEMS[name]
        cells = [", ".join(number(statistics.median(
            after(c[name][s], part) for s in seeds)) for part in (4, 2, 1))
            for c in columns.values()]
        rows.append([name, str(len(p.parameters)), str(p.trials),
                     number(p.best), *cells])
    table(["problem", "d", "n", "best known", *columns], rows)


def groups(columns, pairs):
    """Mean regret by group of problems."""
    print("Mean regret at n by group of problems:\n")
    names = {}
    for name in pairs:
        names.setdefault(problems.PROBLEMS[name].group, {})[name] = pairs[name]
    table(["sampler", *(f"{g} ({len(n)})" for g, n in names.items())],
          [[sampler, *(f"{mean(regrets(c, n, 1)):.3f}" for n in names.values())]
           for sampler, c in columns.items()])


def summary(columns, pairs):
    runs = sum(map(len, pairs.values()))
    print(f"{len(pairs)} problems, {runs} runs of each sampler. Mean regrets"
          + (f"; wins, ties and losses of the runs against {RIVAL} at n; better"
             " and worse: problems with p < .05, in brackets with Holm's "
             "correction" if RIVAL in columns else "") + ".\n")
    rows = []
    for sampler, c in columns.items():
        r = [regrets(c, pairs, part) for part in PARTS]
        row = [sampler, *(f"{mean(x):.3f}" for x in r), f"{geometric(r[-1]):.4f}"]
        thought = [s for name, seeds in pairs.items() for seed in seeds
                   for s in c[name][seed]["ask"]]
        row.append(f"{1e3 * statistics.fmean(thought):.2f}")
        if RIVAL in columns and sampler != RIVAL:
            d = compare(c, columns[RIVAL], pairs)
            signs, ps = zip(*map(wilcoxon, d.values()))
            strict = holm(ps)
            row.append(tally(np.concatenate(list(d.values()))))
            for sign in (-1, 1):
                hits = [(p < .05, h < .05) for s, p, h
                        in zip(signs, ps, strict) if s == sign]
                row.append(f"{sum(h[0] for h in hits)} "
                           f"({sum(h[1] for h in hits)})")
        else:
            row += ["", "", ""]
        rows.append(row)
    table(["sampler", "regret at n/4", "n/3", "n/2", "n", "geometric at n",
           "ms a suggestion", "runs w/t/l", "better", "worse"], rows)


def compare(a, b, pairs):
    """{problem: differences of the regrets at n by seed}"""
    ours, theirs = regrets(a, pairs, 1), regrets(b, pairs, 1)
    return {name: differences(ours[name], theirs[name]) for name in pairs}


def versus(columns, pairs, sampler):
    """Per problem, one sampler against the rival."""
    a, b = columns[sampler], columns[RIVAL]
    print(f"{sampler} against {RIVAL} by problem: mean regret at n/2 and n, "
          "wins, ties and losses of the seeds at n, p:\n")
    d = compare(a, b, pairs)
    rows = []
    for name in pairs:
        only = {name: pairs[name]}
        values = [f"{mean(regrets(c, only, part)):.3f}"
                  for c in (a, b) for part in (2, 1)]
        sign, p = wilcoxon(d[name])
        mark = " worse" if sign > 0 and p < .05 else ""
        rows.append([name, *values, tally(d[name]), f"{p:.3f}{mark}"])
    table(["problem", f"{sampler} n/2", "n", f"{RIVAL} n/2", "n", "w/t/l", "p"],
          rows)


def goals(columns, pairs, sampler):
    a, b = columns[sampler], columns[RIVAL]
    at = {part: (mean(regrets(a, pairs, part)), mean(regrets(b, pairs, part)))
          for part in PARTS}
    d = {name: wilcoxon(x) for name, x in compare(a, b, pairs).items()}
    worse = [name for name, (sign, p) in d.items() if sign > 0 and p < .05]
    strict = holm([p for _, p in d.values()])
    certain = [name for (name, (sign, _)), h in zip(d.items(), strict)
               if sign > 0 and h < .05]

    # Two-sided, n seeds give no p below 2^(1 - n).
    undecided = sum(len(seeds) < 6 for seeds in pairs.values())

    def line(met, text, known=True):
        print(f"- {('met' if met else 'MISSED') if known else 'open'}: {text}")

    print(f"Goals, {sampler} against {RIVAL}:\n")
    ratio = at[1][0] / at[1][1]
    line(ratio <= .4, f"(a) mean regret at n {at[1][0]:.3f} / {at[1][1]:.3f} = "
         f"{ratio:.2f} (at most 0.4)")
    line(at[3][0] < at[3][1], f"(b) at n/3 {at[3][0]:.3f} beside "
         f"{at[3][1]:.3f} (below)")
    line(not worse, f"(c) significantly worse on {len(worse)} of {len(d)} "
         f"problems at p < .05, {len(certain)} with Holm's correction (none)"
         + (": " + ", ".join(worse) if worse else "")
         + (f"; {undecided} have too few seeds to tell" if undecided else ""),
         known=bool(worse) or not undecided)
    line(at[2][0] <= at[1][1], f"(d) at n/2 {at[2][0]:.3f}, beside {RIVAL} at n "
         f"{at[1][1]:.3f} (at most)")
    print()


def sequential_loss(runs, columns, pairs):
    """What running in parallel costs at equal trials."""
    print("Mean regret at n with one trial at a time and in parallel:\n")
    rows = []
    for sampler, c in columns.items():
        one = runs.get(1, {}).get(sampler)
        if one is None:
            continue
        both = common([c, one])
        both = {name: [s for s in both[name] if s in pairs[name]]
                for name in both if name in pairs}
        x, y = regrets(one, both, 1), regrets(c, both, 1)
        rows.append([sampler, f"{mean(x):.3f}", f"{mean(y):.3f}",
                     f"{mean(y) - mean(x):+.3f}"])
    table(["sampler", "sequential", "parallel", "difference"], rows)


def against(new, old, sampler):
    """Two builds of the same sampler."""
    pairs = common([new, old])
    d = compare(new, old, pairs)
    rows = []
    for name in pairs:
        only = {name: pairs[name]}
        values = [f"{mean(regrets(c, only, part)):.3f}"
                  for part in (3, 1) for c in (new, old)]
        rows.append([name, *values, tally(d[name]),
                     f"{wilcoxon(d[name])[1]:.3f}"])
    print(f"{sampler}, new beside old: mean regret, wins, ties and losses of "
          "the seeds at n, p\n")
    head = ["problem", "new n/3", "old n/3", "new n", "old n", "w/t/l", "p"]
    table(head, rows)
    both = [[mean(regrets(c, pairs, part)) for c in (new, old)]
            for part in PARTS]
    all_d = np.concatenate(list(d.values()))
    by_problem = np.array([float(v.mean()) for v in d.values()])
    rng = np.random.default_rng(1)
    means = [rng.choice(by_problem, len(by_problem)).mean()
             for _ in range(4000)]
    low, high = np.quantile(means, [.025, .975])
    for part, (x, y) in zip(PARTS, both):
        print(f"- mean regret at n/{part}: {x:.4f} beside {y:.4f}")
    print(f"- geometric at n: {geometric(regrets(new, pairs, 1)):.5f} beside "
          f"{geometric(regrets(old, pairs, 1)):.5f}")
    print(f"- difference at n {by_problem.mean():+.4f}, 95 % within "
          f"[{low:+.4f}, {high:+.4f}] (bootstrap over problems)")
    print(f"- runs won/tied/lost {tally(all_d)}, p {wilcoxon(all_d)[1]:.4f}; "
          f"problems {tally(by_problem)}, p {wilcoxon(by_problem)[1]:.4f}")


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("results", nargs="+")
    p.add_argument("--samplers")
    p.add_argument("--problems", default="all")
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--against", nargs="+")
    a = p.parse_args()
    runs = load(a.results)
    chosen = {x.name for x in problems.select(a.problems)}
    here = {s: {n: seeds for n, seeds in c.items() if n in chosen}
            for s, c in runs[a.workers].items()}
    if not any(here.values()):
        raise SystemExit(f"no result is of --problems {a.problems}")
    names = a.samplers.split(",") if a.samplers else list(here)
    better_best(runs)
    if a.against:
        old = load(a.against)
        better_best(old)
        against(here[names[0]], old[a.workers][names[0]], names[0])
        return
    columns = {s: here[s] for s in names}
    pairs = common(list(columns.values()))
    summary(columns, pairs)
    if RIVAL in columns:
        for sampler in (s for s in names if s.startswith("hpsd-")):
            goals(columns, pairs, sampler)
    groups(columns, pairs)
    if a.workers > 1:
        sequential_loss(runs, columns, pairs)
    if RIVAL in columns:
        for sampler in (s for s in names if s.startswith("hpsd-")):
            versus(columns, pairs, sampler)
    losses(columns, pairs)


if __name__ == "__main__":
    main()
